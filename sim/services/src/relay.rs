//! STUN and TURN over UDP at one address (RFC 8489, RFC 8656), TURN by `turn-server-proto`.
//!
//! Found in `turn-server-proto` 0.7.3 and the `stun-proto` 2.0.4 below it:
//! - Time comes in from outside throughout. The nonces of long-term credentials are drawn from the
//!   operating system (`stun_proto::auth`, `OsRng` or `rand::rng()`), without a hook: runs repeat
//!   byte for byte only where the entropy of the process is interposed. So is the key of their
//!   hash maps, which are looked up in and never iterated.
//! - Expired allocations are those before now, but the deadline given is the expiry itself: it is
//!   taken one nanosecond later here.
//! - Queued answers come out last in, first out. There is one at a time here.

use crate::{NetworkService, stun};
use bytes::Bytes;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;
use parallax_network::{Packet, Time, Transport, random};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use std::collections::{BTreeSet, VecDeque};
use turn_server_proto::{
    api::{SocketAllocateError, TcpConnectError, Transmit, TurnServerApi, TurnServerPollRet},
    server::TurnServer,
};
use turn_types::{AddressFamily, Instant, TransportType};

/// Ports of relayed addresses (RFC 8656 section 7.2).
const RELAY_PORTS: core::ops::RangeInclusive<u16> = 49152..=65535;
/// The most allocations at a time.
const MAX_ALLOCATIONS: usize = 1024;

/// What a [`StunTurn`] is made of.
#[derive(Clone)]
pub struct RelayConfig {
    /// Where it listens; relayed addresses have the same address.
    pub listen: SocketAddrV4,
    /// The realm of its credentials.
    pub realm: String,
    /// The one user.
    pub username: String,
    /// The user's password. Not in debug output.
    pub password: String,
}

impl core::fmt::Debug for RelayConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RelayConfig")
            .field("listen", &self.listen)
            .field("realm", &self.realm)
            .field("username", &self.username)
            .field("password", &"redacted")
            .finish()
    }
}

/// A STUN and TURN server. It relays UDP over IPv4 for who knows the password, and answers binding
/// requests of anyone.
#[derive(Debug)]
pub struct StunTurn {
    config: RelayConfig,
    server: TurnServer,
    /// Ports of relayed addresses in use.
    relayed: BTreeSet<u16>,
    /// Those that were in use when it started over.
    forgotten: BTreeSet<u16>,
    random: ChaCha8Rng,
    sent: VecDeque<Packet>,
    deadline: Option<Time>,
}

impl StunTurn {
    /// A server whose relayed ports come from the random stream `name` of the run `seed`.
    pub fn new(config: RelayConfig, seed: u64, name: &str) -> Self {
        Self {
            server: server(&config),
            config,
            relayed: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            random: random::stream(seed, name),
            sent: VecDeque::new(),
            deadline: None,
        }
    }

    /// How many allocations there are.
    pub fn allocations(&self) -> usize {
        self.relayed.len()
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, data: Vec<u8>) {
        let (SocketAddr::V4(from), SocketAddr::V4(to)) = (from, to) else { return };
        self.sent.push_back(Packet::udp(from, to, Bytes::from(data)));
    }

    /// Does what the server wants done.
    fn settle(&mut self, now: Time) {
        let at = instant(now);
        loop {
            match self.server.poll(at) {
                TurnServerPollRet::WaitUntil(until) => {
                    self.deadline = Some(time(until) + Duration::from_nanos(1));
                    break;
                }
                TurnServerPollRet::AllocateSocket {
                    transport,
                    listen_addr,
                    client_addr,
                    allocation_transport,
                    family,
                } => {
                    let relayed = self.allocate(allocation_transport, family);
                    self.server.allocated_socket(
                        transport,
                        listen_addr,
                        client_addr,
                        allocation_transport,
                        family,
                        relayed,
                        at,
                    );
                }
                TurnServerPollRet::SocketClose { listen_addr, .. } => {
                    self.relayed.remove(&listen_addr.port());
                }
                TurnServerPollRet::TcpConnect {
                    relayed_addr,
                    peer_addr,
                    listen_addr,
                    client_addr,
                } => self.server.tcp_connected(
                    relayed_addr,
                    peer_addr,
                    listen_addr,
                    client_addr,
                    Err(TcpConnectError::Forbidden),
                    at,
                ),
                TurnServerPollRet::TcpClose { .. } => {}
            }
        }
        while let Some(transmit) = self.server.poll_transmit(at) {
            self.send(transmit.from, transmit.to, transmit.data);
        }
    }

    /// A free port for a relayed address.
    fn allocate(
        &mut self,
        transport: TransportType,
        family: AddressFamily,
    ) -> Result<SocketAddr, SocketAllocateError> {
        if family != AddressFamily::IPV4 {
            return Err(SocketAllocateError::AddressFamilyNotSupported);
        }
        if transport != TransportType::Udp || self.relayed.len() >= MAX_ALLOCATIONS {
            return Err(SocketAllocateError::InsufficientCapacity);
        }
        let ports = u32::from(RELAY_PORTS.end() - RELAY_PORTS.start()) + 1;
        loop {
            // Below 2^14, so that it fits. At most one in sixteen is taken: it ends.
            let port = RELAY_PORTS.start() + (self.random.next_u32() % ports) as u16;
            if port != self.config.listen.port() && self.relayed.insert(port) {
                self.forgotten.remove(&port);
                return Ok(SocketAddrV4::new(*self.config.listen.ip(), port).into());
            }
        }
    }
}

impl NetworkService for StunTurn {
    fn address(&self) -> Ipv4Addr {
        *self.config.listen.ip()
    }

    fn handle(&mut self, now: Time, packet: &Packet) -> bool {
        let (from, to) = (packet.source, packet.destination);
        let here = to == self.config.listen;
        let ours = here || self.relayed.contains(&to.port());
        if packet.transport != Transport::Udp || *to.ip() != *self.config.listen.ip() || !ours {
            return !self.forgotten.contains(&to.port());
        }
        if here {
            match stun::answer(&packet.payload, from) {
                stun::Binding::Other => {}
                stun::Binding::Silent => return true,
                stun::Binding::Answer(answer) => {
                    self.send(to.into(), from.into(), answer);
                    return true;
                }
            }
        }
        let waiting = self.sent.len();
        let transmit =
            Transmit::new(packet.payload.clone(), TransportType::Udp, from.into(), to.into());
        let at = instant(now);
        if let Some(out) = self.server.recv(transmit, at) {
            let out = out.build();
            self.send(out.from, out.to, out.data);
        }
        self.settle(now);
        let forgotten = here && is_data(&packet.payload) && !self.forgotten.is_empty();
        !forgotten || self.sent.len() > waiting
    }

    fn poll(&mut self, now: Time) -> Option<Packet> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.settle(now);
        }
        self.sent.pop_front()
    }

    fn next_deadline(&mut self, now: Time) -> Option<Time> {
        if self.sent.is_empty() { self.deadline } else { Some(now) }
    }

    fn restart(&mut self) {
        self.server = server(&self.config);
        self.forgotten.append(&mut self.relayed);
        self.sent.clear();
        self.deadline = None;
    }
}

/// Whether a client's packet is to be relayed: ChannelData, or a Send indication (RFC 8656 sections 12.4 and 18.2). A server
/// answers neither, whether or not there is an allocation.
fn is_data(payload: &[u8]) -> bool {
    matches!(payload, [0x40..=0x4f, ..] | [0x00, 0x16, ..])
}

fn server(config: &RelayConfig) -> TurnServer {
    let mut server =
        TurnServer::new(TransportType::Udp, config.listen.into(), config.realm.clone());
    server.add_user(config.username.clone(), config.password.clone());
    server
}

fn instant(time: Time) -> Instant {
    Instant::from_nanos(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}

fn time(instant: Instant) -> Time {
    Time::from_nanos(u64::try_from(instant.as_nanos()).unwrap_or(0))
}
