//! TURN, with the client that the stacks under test use.

mod common;

use bytes::BytesMut;
use common::{EXTERNAL, LAN, STUN_TURN, World};
use core::net::{SocketAddr, SocketAddrV4};
use core::time::Duration;
use parallax_network::Time;
use rtc_shared::{TransportContext, TransportMessage, TransportProtocol};
use rtc_turn::client::{Client, ClientConfig, Event};
use sansio::Protocol;
use std::time::Instant;

const PORT: u16 = 5000;

/// TURN clients of the two hosts, and the network they are on.
struct Relays {
    world: World,
    clients: [Client; 2],
    events: [Vec<Event>; 2],
    start: Instant,
}

impl Relays {
    #[expect(clippy::disallowed_methods, reason = "the client counts from some std Instant")]
    fn new(passwords: [&str; 2]) -> Self {
        let clients = passwords.map(|password| {
            let config = ClientConfig {
                turn_serv_addr: STUN_TURN.to_string(),
                local_addr: SocketAddrV4::new(LAN, PORT).into(),
                transport_protocol: TransportProtocol::UDP,
                username: "run".to_owned(),
                password: password.to_owned(),
                rto_in_ms: 500,
                ..ClientConfig::default()
            };
            Client::new(config, rtc_crypto::default_provider().expect("a provider"))
                .expect("a client")
        });
        let world = World::new(1);
        Self { world, clients, events: [Vec::new(), Vec::new()], start: Instant::now() }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_nanos(self.world.now.as_nanos())
    }

    fn pump(&mut self) {
        let now = self.now();
        for n in 0..2 {
            for packet in core::mem::take(&mut self.world.inbox[n]) {
                let transport = TransportContext {
                    local_addr: packet.destination.into(),
                    peer_addr: packet.source.into(),
                    transport_protocol: TransportProtocol::UDP,
                    ecn: None,
                };
                let message = BytesMut::from(&packet.payload[..]);
                // A refused allocation comes back as an event.
                let _ = self.clients[n].handle_read(TransportMessage { now, transport, message });
            }
            if self.clients[n].poll_timeout().is_some_and(|at| at <= now) {
                self.clients[n].handle_timeout(now).expect("time goes on");
            }
            while let Some(out) = self.clients[n].poll_write() {
                let SocketAddr::V4(to) = out.transport.peer_addr else { panic!("no IPv4") };
                self.world.send(n, PORT, to, out.message.freeze());
            }
            while let Some(event) = self.clients[n].poll_event() {
                self.events[n].push(event);
            }
        }
    }

    /// Runs for so long, clients' timers included.
    fn run(&mut self, duration: Duration) {
        let until = self.world.now + duration;
        loop {
            self.pump();
            let start = self.start;
            let timer = self.clients.iter_mut().filter_map(Protocol::poll_timeout).min();
            let timer = timer
                .map(|at| Time::ZERO + at.saturating_duration_since(start))
                .filter(|at| *at > self.world.now && *at < until);
            if !self.world.step(timer.unwrap_or(until)) && timer.is_none() {
                return self.pump();
            }
        }
    }

    fn allocate(&mut self, n: usize) -> SocketAddr {
        let now = self.now();
        self.clients[n].allocate(now).expect("it has a server");
        self.run(Duration::from_secs(1));
        let events = core::mem::take(&mut self.events[n]);
        let [Event::AllocateResponse(_, relayed)] = events[..] else {
            panic!("{} events", events.len())
        };
        assert_eq!(relayed.ip(), *STUN_TURN.ip());
        relayed
    }

    fn permit(&mut self, n: usize, relayed: SocketAddr, peer: SocketAddr) {
        let now = self.now();
        let mut relay = self.clients[n].relay(relayed).expect("it is allocated");
        relay.create_permission(now, peer).expect("it may ask");
        self.run(Duration::from_secs(1));
        let events = core::mem::take(&mut self.events[n]);
        assert!(matches!(events[..], [Event::CreatePermissionResponse(..)]), "{}", events.len());
    }

    fn send(&mut self, n: usize, relayed: SocketAddr, data: &[u8], peer: SocketAddr) {
        let now = self.now();
        let mut relay = self.clients[n].relay(relayed).expect("it is allocated");
        relay.send_to(now, data, peer).expect("it may send");
    }

    /// What came over the relay: from where, what, and whether through a channel.
    fn came(&mut self, n: usize) -> Vec<(SocketAddr, Vec<u8>, bool)> {
        core::mem::take(&mut self.events[n])
            .into_iter()
            .filter_map(|event| match event {
                Event::DataIndicationOrChannelData(channel, from, data) => {
                    Some((from, data.to_vec(), channel.is_some()))
                }
                _ => None,
            })
            .collect()
    }
}

#[test]
fn two_hosts_behind_gateways_reach_each_other_over_relayed_addresses() {
    let mut relays = Relays::new(["right", "right"]);
    let addresses = [relays.allocate(0), relays.allocate(1)];
    assert_ne!(addresses[0], addresses[1]);
    relays.permit(0, addresses[0], addresses[1]);
    relays.permit(1, addresses[1], addresses[0]);
    relays.send(0, addresses[0], b"there", addresses[1]);
    relays.run(Duration::from_secs(1));
    assert_eq!(relays.came(1), [(addresses[0], b"there".to_vec(), false)]);
    relays.send(1, addresses[1], b"and back", addresses[0]);
    relays.run(Duration::from_secs(1));
    let came = relays.came(0);
    assert_eq!(came.len(), 1);
    assert_eq!((came[0].0, &came[0].1[..]), (addresses[1], &b"and back"[..]));
    // The client has bound channels meanwhile (RFC 8656 section 12): the data comes in them.
    relays.send(0, addresses[0], b"by channel", addresses[1]);
    relays.send(1, addresses[1], b"by channel", addresses[0]);
    relays.run(Duration::from_secs(1));
    assert_eq!(relays.came(0), [(addresses[1], b"by channel".to_vec(), true)]);
    assert_eq!(relays.came(1), [(addresses[0], b"by channel".to_vec(), true)]);
}

#[test]
fn a_peer_without_a_permission_is_not_relayed() {
    let mut relays = Relays::new(["right", "right"]);
    let relayed = relays.allocate(0);
    let SocketAddr::V4(to) = relayed else { panic!("no IPv4") };
    relays.world.send(1, 6000, to, &b"let me in"[..]);
    relays.run(Duration::from_secs(1));
    assert_eq!(relays.came(0), []);
    // RFC 8656 section 9: a permission is for an address, whatever the port.
    relays.permit(0, relayed, SocketAddrV4::new(EXTERNAL[1], 1).into());
    relays.world.send(1, 6000, to, &b"let me in"[..]);
    relays.run(Duration::from_secs(1));
    let from = SocketAddrV4::new(EXTERNAL[1], 6000).into();
    assert_eq!(relays.came(0), [(from, b"let me in".to_vec(), false)]);
}

#[test]
fn a_wrong_password_is_refused() {
    let mut relays = Relays::new(["wrong", "right"]);
    let now = relays.now();
    relays.clients[0].allocate(now).expect("it has a server");
    relays.run(Duration::from_secs(5));
    assert!(matches!(relays.events[0][..], [Event::AllocateError(..)]));
    assert_eq!(relays.world.services.stun_turn.allocations(), 0);
    relays.allocate(1);
    assert_eq!(relays.world.services.stun_turn.allocations(), 1);
}

#[test]
fn an_allocation_lives_while_it_is_refreshed_and_ends_when_it_is_not() {
    let mut relays = Relays::new(["right", "right"]);
    relays.allocate(0);
    // RFC 8656 section 3.2: the default lifetime is ten minutes.
    relays.run(Duration::from_secs(30 * 60));
    assert_eq!(relays.world.services.stun_turn.allocations(), 1);
    relays.world.run(Duration::from_secs(11 * 60));
    assert_eq!(relays.world.services.stun_turn.allocations(), 0);
}

#[test]
fn relayed_ports_repeat_with_the_seed_and_go_on_after_a_restart() {
    use parallax_services::NetworkService;
    let mut one = Relays::new(["right", "right"]);
    let mut two = Relays::new(["right", "right"]);
    let first = one.allocate(0);
    assert_eq!(first, two.allocate(0));
    one.world.services.stun_turn.restart();
    assert_eq!(one.world.services.stun_turn.allocations(), 0);
    assert_ne!(one.allocate(1), first);
}

#[test]
fn what_is_for_an_allocation_that_a_restart_has_made_it_forget_is_told() {
    use parallax_network::Packet;
    use parallax_services::NetworkService;
    let mut relays = Relays::new(["right", "right"]);
    let SocketAddr::V4(relayed) = relays.allocate(0) else { panic!("an address of IPv4") };
    let now = relays.world.now;
    let turn = &mut relays.world.services.stun_turn;
    let listens = SocketAddrV4::new(turn.address(), 3478);
    let peer = SocketAddrV4::new([198, 51, 100, 77].into(), 40_000);
    let other =
        SocketAddrV4::new(turn.address(), if relayed.port() == 50_000 { 50_001 } else { 50_000 });
    let handle = |turn: &mut parallax_services::StunTurn, to, payload: &'static [u8]| {
        let taken = turn.handle(now, &Packet::udp(peer, to, payload.into()));
        while turn.poll(now).is_some() {}
        taken
    };
    let channel_data: &[u8] = &[0x40, 0x00, 0x00, 0x01, 7];
    let send_indication: &[u8] =
        &[0x00, 0x16, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let binding: &[u8] =
        &[0x00, 0x01, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    // It has not restarted yet: no allocation is forgotten.
    for (to, payload) in [(relayed, binding), (other, binding), (listens, channel_data)] {
        assert!(handle(turn, to, payload));
    }
    turn.restart();
    for (to, payload) in [(relayed, binding), (listens, channel_data), (listens, send_indication)] {
        assert!(!handle(turn, to, payload), "{to} {payload:?}");
    }
    // It answers as before, and a port that it never allocated belongs to no allocation.
    assert!(handle(turn, listens, binding));
    assert!(handle(turn, other, binding));
}
