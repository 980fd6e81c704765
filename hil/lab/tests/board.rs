//! A board behind a port: an IP stack of its own, at the other end of a unix datagram socket.

use parallax_lab::{Config, ExternalPeer, LabOutcome, StopSignal, run};
use parallax_record::Event;
use parallax_scenario::{Builtin, Scenario, parse};
use smoltcp::{
    iface::{Config as InterfaceConfig, Interface, SocketHandle, SocketSet},
    phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken},
    socket::{dhcpv4, udp},
    time::Instant,
    wire::{EthernetAddress, HardwareAddress, IpCidr, IpEndpoint, Ipv4Cidr},
};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
    os::unix::net::UnixDatagram,
    thread,
    time::Duration,
};

/// Frames on a socket.
struct Cable(UnixDatagram);

struct Frame(Vec<u8>);

impl RxToken for Frame {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

struct Sender<'c>(&'c UnixDatagram);

impl TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame = vec![0; length];
        let filled = fill(&mut frame);
        self.0.send(&frame).expect("the lab is there");
        filled
    }
}

impl Device for Cable {
    type RxToken<'a> = Frame;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Frame, Sender<'_>)> {
        let mut frame = vec![0; 2_048];
        let length = self.0.recv(&mut frame).ok()?;
        frame.truncate(length);
        Some((Frame(frame), Sender(&self.0)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sender<'_>> {
        Some(Sender(&self.0))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }
}

/// A board's stack.
struct Board {
    cable: Cable,
    interface: Interface,
    sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    udp: SocketHandle,
    lease: Option<(Ipv4Cidr, Option<Ipv4Addr>)>,
}

impl Board {
    fn new(socket: UnixDatagram) -> Self {
        socket.set_nonblocking(true).expect("it is a socket");
        let mut cable = Cable(socket);
        let address = HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 0x42]));
        let interface = Interface::new(InterfaceConfig::new(address), &mut cable, Instant::now());
        let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 8], vec![0; 8_192]);
        let mut sockets = SocketSet::new(Vec::new());
        let dhcp = sockets.add(dhcpv4::Socket::new());
        let udp = sockets.add(udp::Socket::new(buffer(), buffer()));
        sockets.get_mut::<udp::Socket<'_>>(udp).bind(50_000).expect("it is free");
        Self { cable, interface, sockets, dhcp, udp, lease: None }
    }

    /// Runs until `done` gives something.
    fn until<T>(&mut self, mut done: impl FnMut(&mut Self) -> Option<T>) -> T {
        loop {
            self.interface.poll(Instant::now(), &mut self.cable, &mut self.sockets);
            let event = self.sockets.get_mut::<dhcpv4::Socket<'_>>(self.dhcp).poll();
            if let Some(dhcpv4::Event::Configured(config)) = event {
                self.lease = Some((config.address, config.router));
                let address = IpCidr::Ipv4(config.address);
                self.interface.update_ip_addrs(|own| own.push(address).expect("there is room"));
                if let Some(gateway) = config.router {
                    let routes = self.interface.routes_mut();
                    routes.add_default_ipv4_route(gateway).expect("there is room");
                }
            }
            if let Some(done) = done(self) {
                return done;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Sends to `to` until something comes back.
    fn ask(&mut self, to: SocketAddrV4, text: &[u8], again: bool) -> (Vec<u8>, IpEndpoint) {
        let mut asked = 0_u32;
        self.until(|board| {
            let socket = board.sockets.get_mut::<udp::Socket<'_>>(board.udp);
            // One packet in a hundred is lost on the way.
            if asked == 0 || (again && asked.is_multiple_of(1_000)) {
                socket.send_slice(text, to).expect("there is room");
            }
            asked += 1;
            socket.recv().ok().map(|(answer, from)| (answer.to_vec(), from.endpoint))
        })
    }
}

fn scenario() -> Scenario {
    let text = include_str!("../../../fixtures/scenarios/two-homes.toml");
    let mut scenario = parse("two-homes.toml", text, &Builtin).expect("a scenario");
    // It ends when the board has done its work; this is for one that never does.
    scenario.duration = Duration::from_secs(120);
    scenario
}

/// Runs a lab with nobody but a board at the doorbell's place.
fn with_board<T: Send>(work: impl FnOnce(&Scenario, UnixDatagram) -> T + Send) -> (T, LabOutcome) {
    let scenario = scenario();
    let (lab, board) = UnixDatagram::pair().expect("sockets");
    let stop = StopSignal::default();
    let outside = BTreeMap::from([
        ("doorbell".to_owned(), ExternalPeer::Board(Box::new(lab))),
        ("phone".to_owned(), ExternalPeer::Nothing),
    ]);
    let config = Config { outside, stop: stop.clone(), ..Config::new(7) };
    thread::scope(|scope| {
        let run = scope.spawn(|| run(&scenario, config));
        let done = work(&scenario, board);
        stop.now();
        (done, run.join().expect("no panic").expect("it runs"))
    })
}

/// A STUN binding request (RFC 8489 section 5).
const BINDING: [u8; 20] =
    [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// The XOR-MAPPED-ADDRESS of an answer (RFC 8489 section 14.2).
fn mapped(answer: &[u8]) -> Option<SocketAddrV4> {
    let mut rest = answer.get(20..)?;
    while let [kind_high, kind_low, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let value = rest.get(4..4 + length)?;
        if [kind_high, kind_low] == [0, 0x20] {
            let port = u16::from_be_bytes([value[2], value[3]]) ^ 0x2112;
            let address = u32::from_be_bytes(value[4..8].try_into().ok()?) ^ 0x2112_a442;
            return Some(SocketAddrV4::new(Ipv4Addr::from_bits(address), port));
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
    None
}

#[test]
fn a_board_gets_its_lease_and_is_seen_from_outside_at_its_gateways_mapping() {
    let ((lease, answer, from, stun), outcome) = with_board(|scenario, socket| {
        let mut board = Board::new(socket);
        let lease = board.until(|board| board.lease);
        let stun = SocketAddrV4::new(scenario.services.stun.expect("it has one"), 3_478);
        let (answer, from) = board.ask(stun, &BINDING, true);
        (lease, answer, from, stun)
    });
    let scenario = scenario();
    let doorbell = scenario.peer("doorbell").expect("it has one");
    let site = scenario.site(&doorbell.site).expect("it has one");
    let (address, gateway) = lease;
    assert_eq!(address.address(), doorbell.address);
    assert_eq!(address.prefix_len(), site.network.prefix());
    assert_eq!(gateway, Some(site.network.gateway()));
    assert_eq!(from, IpEndpoint::from(stun));

    let mappings: Vec<_> = outcome
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::MappingCreated { internal, external, .. } => {
                Some((internal.clone(), external.clone(), entry.run_ns))
            }
            _ => None,
        })
        .collect();
    let [(internal, external, _)] = &mappings[..] else { panic!("{mappings:?}") };
    assert_eq!(*internal, format!("{}:50000", doorbell.address));
    let seen = mapped(&answer).expect("an address");
    assert_eq!(*external, seen.to_string());
    assert_eq!(*seen.ip(), site.gateway.as_ref().expect("it has one").external);
    let counts = &outcome.ports["doorbell"];
    assert!(counts.entered >= 1 && counts.left >= 1, "{counts:?}");
    assert_eq!(outcome.lateness.packets(), counts.left);
}

#[test]
fn whatever_comes_over_the_cable_is_dropped_and_counted() {
    let ((), outcome) = with_board(|_, socket| {
        let frames: [&[u8]; 4] = [&[], &[0; 13], &[0xff; 60], &[2; 1_514]];
        for frame in frames {
            socket.send(frame).expect("the lab is there");
        }
        // The lab still works.
        let mut board = Board::new(socket);
        board.until(|board| board.lease);
    });
    let refused: u64 = outcome.ports["doorbell"].refused.values().sum();
    assert_eq!(refused, 4, "{:?}", outcome.ports);
    assert_eq!(outcome.ports["doorbell"].entered, 0);
}
