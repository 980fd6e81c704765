//! STUN, TURN and the rendezvous of a test, as one.
#![allow(dead_code, unreachable_pub, reason = "tests of two crates use their part")]

use core::net::{Ipv4Addr, SocketAddrV4};
use parallax_network::{Packet, Time};
use parallax_services::{NetworkService, RelayConfig, RendezvousService, StunTurn};
use parallax_signalling::IceServer;
use parallax_stack::StackError;

/// The port of STUN and TURN (RFC 8489 section 17.4).
const STUN_PORT: u16 = 3478;
/// The port of the rendezvous: plain WebSocket.
const RENDEZVOUS_PORT: u16 = 80;

/// Where the services are, and what opens TURN.
#[derive(Clone)]
pub struct ServicesConfig {
    /// The address of STUN and TURN.
    pub stun_turn: Ipv4Addr,
    /// The address of the rendezvous: another one.
    pub rendezvous: Ipv4Addr,
    /// TURN's realm.
    pub realm: String,
    /// TURN's user.
    pub username: String,
    /// TURN's password. The rendezvous tells it to its clients.
    pub password: String,
}

/// STUN and TURN at one address, port 3478; the rendezvous at another, port 80.
pub struct Services {
    /// STUN and TURN.
    pub stun_turn: StunTurn,
    /// The rendezvous.
    pub rendezvous: RendezvousService,
}

impl Services {
    /// The services of the run `seed`.
    ///
    /// # Errors
    /// [`StackError`] if the rendezvous cannot listen.
    pub fn new(config: ServicesConfig, seed: u64) -> Result<Self, StackError> {
        let stun_turn = SocketAddrV4::new(config.stun_turn, STUN_PORT);
        let rendezvous = SocketAddrV4::new(config.rendezvous, RENDEZVOUS_PORT);
        let ice_servers = vec![
            IceServer {
                urls: vec![format!("stun:{stun_turn}")],
                username: String::new(),
                credential: String::new(),
            },
            IceServer {
                urls: vec![format!("turn:{stun_turn}?transport=udp")],
                username: config.username.clone(),
                credential: config.password.clone(),
            },
        ];
        let relay = RelayConfig {
            listen: stun_turn,
            realm: config.realm,
            username: config.username,
            password: config.password,
        };
        let name = "service/rendezvous/tcp";
        Ok(Self {
            stun_turn: StunTurn::new(relay, seed, "service/turn/ports"),
            rendezvous: RendezvousService::new(rendezvous, ice_servers, seed, name)?,
        })
    }

    fn each(&mut self) -> [&mut dyn NetworkService; 2] {
        [&mut self.stun_turn, &mut self.rendezvous]
    }

    /// A packet came in for one of them; for any other address it is ignored. False as of [`NetworkService::handle`].
    pub fn handle(&mut self, now: Time, packet: &Packet) -> bool {
        let mut of = self.each().into_iter();
        of.find(|service| service.address() == *packet.destination.ip())
            .is_none_or(|service| service.handle(now, packet))
    }

    /// The next packet to send; its source says whose it is. To be called until there is none.
    pub fn poll(&mut self, now: Time) -> Option<Packet> {
        self.each().into_iter().find_map(|service| service.poll(now))
    }

    /// When to poll again.
    pub fn next_deadline(&mut self, now: Time) -> Option<Time> {
        self.each().into_iter().filter_map(|service| service.next_deadline(now)).min()
    }
}
