//! Sessions of a gateway: one for each remote endpoint of a mapping.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::{Ipv4Addr, SocketAddrV4};
use core::ops::{Index, IndexMut, RangeInclusive};

use super::tcp::TcpState;
use crate::{FilterScope, Protocol, Time, slab::Slab};

/// An internal endpoint and a remote one.
#[derive(Debug)]
pub(super) struct Session {
    /// The mapping that its packets last went through.
    pub(super) mapping: u32,
    /// Whether the internal endpoint has sent to the remote one: that opens the filter.
    pub(super) opened: bool,
    /// It is forgotten from this time on.
    pub(super) expires: Time,
    /// When its live timer rings.
    pub(super) timer: Time,
    /// Means nothing for UDP.
    pub(super) tcp: TcpState,
    key: u128,
}

/// Whose session it is. The scope decides whether the external port counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) protocol: Protocol,
    pub(super) internal: SocketAddrV4,
    pub(super) external_port: u16,
}

/// All sessions of a gateway.
#[derive(Debug)]
pub(super) struct Sessions {
    scope: FilterScope,
    slots: Slab<Session>,
    /// By protocol, internal endpoint, external port if it counts, remote address, remote port:
    /// packed from the highest bits down, so that all sessions of an owner, and all of those with
    /// one remote address, are a range.
    by_key: BTreeMap<u128, u32>,
    /// Mapping and session.
    by_mapping: BTreeSet<(u32, u32)>,
}

impl Sessions {
    pub(super) fn new(scope: FilterScope) -> Self {
        Self { scope, slots: Slab::default(), by_key: BTreeMap::new(), by_mapping: BTreeSet::new() }
    }

    fn key(&self, owner: Owner, remote: SocketAddrV4) -> u128 {
        let protocol: u128 = match owner.protocol {
            Protocol::Udp => 0,
            Protocol::Tcp => 1,
        };
        let external_port = match self.scope {
            FilterScope::InternalEndpoint => 0,
            FilterScope::Mapping => owner.external_port,
        };
        protocol << 112
            | u128::from(owner.internal.ip().to_bits()) << 80
            | u128::from(owner.internal.port()) << 64
            | u128::from(external_port) << 48
            | u128::from(remote.ip().to_bits()) << 16
            | u128::from(remote.port())
    }

    fn range(&self, owner: Owner, low: Ipv4Addr, high: Ipv4Addr) -> RangeInclusive<u128> {
        self.key(owner, SocketAddrV4::new(low, 0))
            ..=self.key(owner, SocketAddrV4::new(high, u16::MAX))
    }

    /// Whether the owner has sent to that address lately, at any port.
    pub(super) fn sent_to_address(&self, owner: Owner, address: Ipv4Addr, now: Time) -> bool {
        self.by_key
            .range(self.range(owner, address, address))
            .any(|(_, number)| self.slots[*number].is_open(now))
    }

    /// Whether the owner has sent to that endpoint lately.
    pub(super) fn sent_to(&self, owner: Owner, remote: SocketAddrV4, now: Time) -> bool {
        let number = self.by_key.get(&self.key(owner, remote));
        number.is_some_and(|number| self.slots[*number].is_open(now))
    }

    /// The live session with that endpoint.
    pub(super) fn find(&mut self, owner: Owner, remote: SocketAddrV4, now: Time) -> Option<u32> {
        let number = *self.by_key.get(&self.key(owner, remote))?;
        if self.slots[number].expires > now {
            return Some(number);
        }
        self.close(number);
        None
    }

    /// A new session. It is to be refreshed at once: it has no life of its own.
    pub(super) fn open(&mut self, owner: Owner, remote: SocketAddrV4, mapping: u32) -> u32 {
        let key = self.key(owner, remote);
        let number = self.slots.insert(Session {
            mapping,
            opened: false,
            expires: Time::ZERO,
            timer: Time::NEVER,
            tcp: TcpState::default(),
            key,
        });
        self.by_key.insert(key, number);
        self.by_mapping.insert((mapping, number));
        number
    }

    pub(super) fn close(&mut self, number: u32) {
        let session = self.slots.remove(number);
        self.by_key.remove(&session.key);
        self.by_mapping.remove(&(session.mapping, number));
    }

    /// Makes a session one of another mapping.
    pub(super) fn go_through(&mut self, number: u32, mapping: u32) {
        let before = core::mem::replace(&mut self.slots[number].mapping, mapping);
        if before != mapping {
            self.by_mapping.remove(&(before, number));
            self.by_mapping.insert((mapping, number));
        }
    }

    /// Closes all sessions that went through a mapping.
    pub(super) fn close_all(&mut self, mapping: u32) {
        while let Some(&(_, number)) = self.by_mapping.range(through(mapping)).next() {
            self.close(number);
        }
    }

    /// When the last session that goes through a mapping expires.
    pub(super) fn latest(&self, mapping: u32) -> Time {
        let sessions = self.by_mapping.range(through(mapping));
        sessions.map(|(_, number)| self.slots[*number].expires).max().unwrap_or(Time::ZERO)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Session> {
        self.slots.get_mut(number)
    }
}

/// All that go through a mapping.
fn through(mapping: u32) -> RangeInclusive<(u32, u32)> {
    (mapping, 0)..=(mapping, u32::MAX)
}

impl Session {
    fn is_open(&self, now: Time) -> bool {
        self.opened && self.expires > now
    }
}

impl Index<u32> for Sessions {
    type Output = Session;

    fn index(&self, number: u32) -> &Session {
        &self.slots[number]
    }
}

impl IndexMut<u32> for Sessions {
    fn index_mut(&mut self, number: u32) -> &mut Session {
        &mut self.slots[number]
    }
}
