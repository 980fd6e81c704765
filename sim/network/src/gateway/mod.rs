//! Gateways: address and port translation with filtering (RFC 4787 for UDP, RFC 5382 for TCP).
//!
//! | To change | go to |
//! |---|---|
//! | which packets share a mapping | [`mapping`] |
//! | which external port a mapping gets | [`ports`] |
//! | who is let in | [`filter`] |
//! | what is remembered of each remote endpoint, and how long | [`session`], [`tcp`] |
//!
//! Here is the way of a packet through them.

mod filter;
mod mapping;
mod ports;
mod session;
mod tcp;

use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use rand_chacha::ChaCha8Rng;

use crate::{DropCause, GatewayConfig, Packet, Protocol, Time, Transport};
use mapping::Mappings;
use session::{Owner, Sessions};
use tcp::Direction;

/// A gateway and all it remembers.
#[derive(Debug)]
pub(crate) struct Gateway {
    config: GatewayConfig,
    mappings: Mappings,
    sessions: Sessions,
    random: ChaCha8Rng,
}

/// What a gateway wants to look at again at a later time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GatewayTimer {
    /// The mapping of that number.
    Mapping(u32),
    /// The session of that number.
    Session(u32),
}

/// A mapping began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MappingChange {
    pub(crate) created: bool,
    pub(crate) protocol: Protocol,
    pub(crate) internal: SocketAddrV4,
    pub(crate) external: SocketAddrV4,
}

/// What a gateway says besides the packet's fate. The network owns one and empties it after each
/// call.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) timers: Vec<(Time, GatewayTimer)>,
    pub(crate) changes: Vec<MappingChange>,
}

impl Gateway {
    pub(crate) fn new(config: GatewayConfig, random: ChaCha8Rng) -> Self {
        let mappings = Mappings::new(config.mapping);
        let sessions = Sessions::new(config.filter_scope);
        Self { config, mappings, sessions, random }
    }

    /// The address that the Internet sees.
    pub(crate) fn external(&self) -> Ipv4Addr {
        self.config.external
    }

    /// A packet from the LAN to the Internet: its source becomes an external endpoint.
    pub(crate) fn outbound(
        &mut self,
        now: Time,
        packet: &mut Packet,
        notes: &mut Notes,
    ) -> Result<(), DropCause> {
        let protocol = packet.transport.protocol();
        let (internal, remote) = (packet.source, packet.destination);
        let mapping = self.mapping_for(now, protocol, internal, remote, notes)?;
        let owner = Owner { protocol, internal, external_port: self.mappings[mapping].port };
        let session = match self.sessions.find(owner, remote, now) {
            Some(session) => session,
            None => self.sessions.open(owner, remote, mapping),
        };
        self.sessions.go_through(session, mapping);
        self.sessions[session].opened = true;
        self.refresh(now, mapping, session, &packet.transport, Direction::Out, notes);
        packet.source = SocketAddrV4::new(self.config.external, owner.external_port);
        Ok(())
    }

    /// A packet from the Internet to the external address: its destination becomes an internal
    /// endpoint, if the filter lets it in.
    pub(crate) fn inbound(
        &mut self,
        now: Time,
        packet: &mut Packet,
        notes: &mut Notes,
    ) -> Result<(), DropCause> {
        let protocol = packet.transport.protocol();
        let (remote, port) = (packet.source, packet.destination.port());
        let mapping = self.mappings.by_port(protocol, port).ok_or(DropCause::NoMapping)?;
        if self.mappings[mapping].expires <= now {
            self.end_mapping(mapping, notes);
            return Err(DropCause::NoMapping);
        }
        let internal = self.mappings[mapping].internal;
        let owner = Owner { protocol, internal, external_port: port };
        if !filter::lets_in(self.config.filtering, &self.sessions, owner, remote, now) {
            return Err(DropCause::Filtered);
        }
        self.refresh_inbound(now, mapping, owner, remote, &packet.transport, notes);
        packet.destination = internal;
        Ok(())
    }

    /// A packet from the LAN to the own external address: out and in again, so that it arrives
    /// with its external source address and port (RFC 4787 REQ-9a).
    pub(crate) fn hairpin(
        &mut self,
        now: Time,
        packet: &mut Packet,
        notes: &mut Notes,
    ) -> Result<(), DropCause> {
        if !self.config.hairpinning {
            return Err(DropCause::HairpinningOff);
        }
        self.outbound(now, packet, notes)?;
        self.inbound(now, packet, notes)
    }

    /// A time asked for in [`Notes`] has come. Each mapping and session has one live timer; it is
    /// set anew only when it rings too early, so that refreshing costs nothing.
    pub(crate) fn timer(&mut self, now: Time, timer: GatewayTimer, notes: &mut Notes) {
        match timer {
            GatewayTimer::Mapping(number) => {
                let Some(mapping) = self.mappings.get_mut(number).filter(|it| it.timer == now)
                else {
                    return;
                };
                if mapping.expires <= now {
                    self.end_mapping(number, notes);
                } else {
                    mapping.timer = mapping.expires;
                    notes.timers.push((mapping.timer, timer));
                }
            }
            GatewayTimer::Session(number) => {
                let Some(session) = self.sessions.get_mut(number).filter(|it| it.timer == now)
                else {
                    return;
                };
                if session.expires <= now {
                    self.sessions.close(number);
                } else {
                    session.timer = session.expires;
                    notes.timers.push((session.timer, timer));
                }
            }
        }
    }

    /// Power off and on: all mappings are lost, the random stream goes on.
    pub(crate) fn reboot(&mut self, notes: &mut Notes) {
        let external = self.config.external;
        notes.changes.extend(self.mappings.iter().map(|mapping| mapping.change(external, false)));
        self.mappings = Mappings::new(self.config.mapping);
        self.sessions = Sessions::new(self.config.filter_scope);
    }

    /// The live mapping for a packet to `remote`, made now if there is none.
    fn mapping_for(
        &mut self,
        now: Time,
        protocol: Protocol,
        internal: SocketAddrV4,
        remote: SocketAddrV4,
        notes: &mut Notes,
    ) -> Result<u32, DropCause> {
        if let Some(number) = self.mappings.by_internal(protocol, internal, remote) {
            if self.mappings[number].expires > now {
                return Ok(number);
            }
            self.end_mapping(number, notes);
        }
        let port = ports::choose(
            self.config.ports,
            self.mappings.ports(protocol),
            internal.port(),
            &mut self.random,
        )
        .ok_or(DropCause::PortsExhausted)?;
        let number = self.mappings.begin(protocol, internal, remote, port);
        notes.changes.push(self.mappings[number].change(self.config.external, true));
        Ok(number)
    }

    /// Ends a mapping, and all that was let in through it.
    fn end_mapping(&mut self, number: u32, notes: &mut Notes) {
        let mapping = self.mappings.end(number);
        self.sessions.close_all(number);
        notes.changes.push(mapping.change(self.config.external, false));
    }

    /// A packet that was let in: UDP refreshes if the gateway is configured so (RFC 4787 REQ-6), TCP
    /// always, because a connection is idle only when neither end sends (RFC 5382 REQ-5).
    fn refresh_inbound(
        &mut self,
        now: Time,
        mapping: u32,
        owner: Owner,
        remote: SocketAddrV4,
        transport: &Transport,
        notes: &mut Notes,
    ) {
        let known = self.sessions.find(owner, remote, now);
        let session = match transport {
            Transport::Udp if !self.config.refresh_inbound => return,
            // A stranger that an open filter lets in: it refreshes the mapping, no more.
            Transport::Udp if known.is_none() => {
                let expires = now + self.config.mapping_timeout;
                self.mappings.extend(mapping, expires);
                return;
            }
            // RFC 5382 REQ-3: an endpoint-independent filter lets connections be opened from
            // outside.
            Transport::Tcp(header) if known.is_none() && header.syn => {
                self.sessions.open(owner, remote, mapping)
            }
            _ => match known {
                Some(session) => session,
                None => return,
            },
        };
        self.refresh(now, mapping, session, transport, Direction::In, notes);
    }

    /// Lets a mapping and a session live on from now.
    fn refresh(
        &mut self,
        now: Time,
        mapping: u32,
        session: u32,
        transport: &Transport,
        direction: Direction,
        notes: &mut Notes,
    ) {
        let entry = &mut self.sessions[session];
        let lifetime = match transport {
            Transport::Udp => self.config.mapping_timeout,
            Transport::Tcp(header) => {
                entry.tcp.see(header, direction);
                if entry.tcp.is_established() {
                    self.config.tcp_established_timeout
                } else {
                    self.config.tcp_transitory_timeout
                }
            }
        };
        let before = entry.expires;
        entry.expires = now + lifetime;
        let expires = entry.expires;
        if entry.timer > expires {
            entry.timer = expires;
            notes.timers.push((expires, GatewayTimer::Session(session)));
        }
        if expires >= before {
            self.mappings.extend(mapping, expires);
        } else {
            // A TCP connection began to close: the mapping lives as long as its longest session.
            self.mappings[mapping].expires = self.sessions.latest(mapping).max(expires);
        }
        let entry = &mut self.mappings[mapping];
        if entry.timer > entry.expires {
            entry.timer = entry.expires;
            notes.timers.push((entry.timer, GatewayTimer::Mapping(mapping)));
        }
    }
}
