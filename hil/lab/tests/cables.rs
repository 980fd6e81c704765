//! Cables of the kernel: what goes through a network interface and a TAP interface, as the system's own
//! sockets see it.

mod support;

use nix::sys::socket::{setsockopt, sockopt};
use parallax_lab::{Cable, CableError, Datagrams, Interface, LinkState, Tap, look};
use smoltcp::{
    phy::ChecksumCapabilities,
    wire::{
        EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress, IpProtocol,
        Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
    },
};
use std::{
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::unix::net::UnixDatagram,
    time::{Duration, Instant},
};
use support::{inside, ip};
use tempfile::TempDir;

/// The lab's gateway: an address that no interface has.
const GATEWAY: EthernetAddress = EthernetAddress([0x02, 0, 0, 0, 0, 0x01]);
const PATIENCE: Duration = Duration::from_millis(50);
/// Nothing here takes as long, on whatever machine.
const LONG: Duration = Duration::from_secs(30);

/// The machine's own end of a cable: an address, and a neighbour that is the lab's gateway.
fn address(interface: &str, own: Ipv4Addr, neighbour: Ipv4Addr) {
    ip(&format!("address add {own}/24 dev {interface}"));
    let gateway = "02:00:00:00:00:01";
    ip(&format!("neighbour replace {neighbour} lladdr {gateway} dev {interface}"));
}

/// The next frames with UDP to `port`, `most` of them.
fn heard(cable: &dyn Cable, port: u16, most: usize) -> Vec<Vec<u8>> {
    let (begun, mut all) = (Instant::now(), Vec::new());
    while all.len() < most {
        assert!(begun.elapsed() < LONG, "{} of {most} frames came", all.len());
        let mut take = |bytes: &[u8]| {
            let frame = EthernetFrame::new_checked(bytes).expect("a frame");
            if frame.ethertype() != EthernetProtocol::Ipv4 {
                return;
            }
            let ip = Ipv4Packet::new_checked(frame.payload()).expect("a packet");
            let udp = (ip.next_header() == IpProtocol::Udp)
                .then(|| UdpPacket::new_checked(ip.payload()).expect("a datagram"));
            if udp.is_some_and(|udp| udp.dst_port() == port) {
                all.push(bytes.to_vec());
            }
        };
        cable.receive(PATIENCE, &mut take).expect("it is up");
    }
    all
}

/// What a frame carries; its checksums are right.
fn payload(frame: &[u8]) -> Vec<u8> {
    let ip = Ipv4Packet::new_checked(&frame[14..]).expect("a packet");
    let udp = UdpPacket::new_checked(ip.payload()).expect("a datagram");
    let (from, to) = (IpAddress::Ipv4(ip.src_addr()), IpAddress::Ipv4(ip.dst_addr()));
    assert!(ip.verify_checksum() && udp.verify_checksum(&from, &to), "{frame:?}");
    assert_ne!(udp.checksum(), 0, "none was left out");
    udp.payload().to_vec()
}

fn datagram(to: EthernetAddress, from: SocketAddrV4, at: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let ethernet =
        EthernetRepr { src_addr: GATEWAY, dst_addr: to, ethertype: EthernetProtocol::Ipv4 };
    let udp = UdpRepr { src_port: from.port(), dst_port: at.port() };
    let ip = Ipv4Repr {
        src_addr: *from.ip(),
        dst_addr: *at.ip(),
        next_header: IpProtocol::Udp,
        payload_len: udp.header_len() + payload.len(),
        hop_limit: 64,
    };
    let mut bytes = vec![0; 14 + ip.buffer_len() + ip.payload_len];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    ethernet.emit(&mut frame);
    let all = ChecksumCapabilities::default();
    let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
    ip.emit(&mut packet, &all);
    udp.emit(
        &mut UdpPacket::new_unchecked(packet.payload_mut()),
        &IpAddress::Ipv4(ip.src_addr),
        &IpAddress::Ipv4(ip.dst_addr),
        payload.len(),
        |buffer| buffer.copy_from_slice(payload),
        &all,
    );
    bytes
}

/// A socket of the system's own talks with whoever is at the other end of `cable`.
fn both_ways(cable: &dyn Cable, own: Ipv4Addr, neighbour: Ipv4Addr) {
    let socket = UdpSocket::bind((own, 0)).expect("an address of its own");
    socket.set_read_timeout(Some(LONG)).expect("a socket");
    let there = SocketAddrV4::new(neighbour, 3_478);
    socket.send_to(b"to the lab", there).expect("it is sent");
    let frames = heard(cable, 3_478, 1);
    assert_eq!(payload(&frames[0]), b"to the lab");
    let frame = EthernetFrame::new_checked(&frames[0]).expect("a frame");
    assert_eq!(frame.dst_addr(), GATEWAY);
    let port = socket.local_addr().expect("it is bound").port();
    let back = datagram(frame.src_addr(), there, SocketAddrV4::new(own, port), b"to the board");
    cable.send(&back).expect("it is sent");
    let mut bytes = [0; 64];
    let (length, from) = socket.recv_from(&mut bytes).expect("it comes");
    assert_eq!((&bytes[..length], from), (&b"to the board"[..], there.into()));
}

#[test]
fn an_interface_is_a_cable_with_whole_checksums_and_no_echo() {
    if !inside("an_interface_is_a_cable_with_whole_checksums_and_no_echo") {
        return;
    }
    let (own, neighbour) = (Ipv4Addr::new(10, 87, 0, 1), Ipv4Addr::new(10, 87, 0, 2));
    ip("link add lab type veth peer name board");
    ip("link set board up");
    let down = Interface::open("lab").expect_err("it is down");
    assert!(matches!(down, CableError::Down { .. }), "{down}");
    assert!(down.to_string().contains("sudo ip link set lab up"), "{down}");
    assert_eq!(look("lab").expect("it is told").link, LinkState::Down);
    ip("link set lab up");
    address("board", own, neighbour);
    assert_eq!(look("lab").expect("it is told").link, LinkState::Up);
    let seen = look("board").expect("it is told");
    assert_eq!(seen.to_string(), "up, has an address of its own: 10.87.0.1");
    let cable = Interface::open("lab").expect("it is up");
    both_ways(&cable, own, neighbour);

    // Many datagrams that a kernel hands over as one come apart.
    let socket = UdpSocket::bind((own, 0)).expect("an address of its own");
    setsockopt(&socket, sockopt::UdpGsoSegment, &1_000).expect("the kernel can");
    socket.send_to(&[7; 2_500], (neighbour, 3_479)).expect("it is sent");
    let parts: Vec<_> = heard(&cable, 3_479, 3).iter().map(|frame| payload(frame).len()).collect();
    assert_eq!(parts, [1_000, 1_000, 500]);

    // What comes while nobody reads, and there is no room any more, is counted.
    assert_eq!(cable.lost(), 0);
    for _ in 0..20_000 {
        socket.send_to(&[7; 1_400], (neighbour, 3_480)).expect("it is sent");
    }
    let lost = cable.lost();
    assert!(lost > 0 && cable.lost() == lost, "{lost} of 20000");
    let mut came = true;
    while came {
        came = false;
        cable.receive(Duration::ZERO, &mut |_| came = true).expect("it is up");
    }

    // Neither what the cable sends comes back, nor what the machine sends there.
    let from = SocketAddrV4::new(neighbour, 1);
    let to = SocketAddrV4::new(own, 9_999);
    cable.send(&datagram(EthernetAddress([2; 6]), from, to, b"own")).expect("it is sent");
    ip("address add 10.89.0.1/24 dev lab");
    ip("neighbour replace 10.89.0.2 lladdr 02:00:00:00:00:07 dev lab");
    let other = UdpSocket::bind("10.89.0.1:0").expect("an address of its own");
    other.send_to(b"of the machine", "10.89.0.2:9999").expect("it is sent");
    socket.send_to(b"last", (neighbour, 9_999)).expect("it is sent");
    assert_eq!(payload(&heard(&cable, 9_999, 1)[0]), b"last");

    ip("link set lab down");
    let begun = Instant::now();
    let told = loop {
        if let Err(error) = cable.receive(PATIENCE, &mut |_| {}) {
            break error;
        }
        assert!(begun.elapsed() < LONG, "it is down, and nobody says so");
    };
    assert_eq!(told.raw_os_error(), Some(libc::ENETDOWN));
}

#[test]
fn a_tap_interface_is_a_cable_for_one_lab_at_a_time() {
    if !inside("a_tap_interface_is_a_cable_for_one_lab_at_a_time") {
        return;
    }
    let (own, neighbour) = (Ipv4Addr::new(10, 88, 0, 1), Ipv4Addr::new(10, 88, 0, 2));
    let cable = Tap::open("tap0").expect("root may");
    let held = Tap::open("tap0").expect_err("somebody has it");
    assert!(matches!(held, CableError::Held { .. }), "{held}");
    address("tap0", own, neighbour);
    both_ways(&cable, own, neighbour);
    drop(cable);
    assert_eq!(look("tap0").expect("it is told").link, LinkState::Missing);

    // One that is there already stays, and is opened again.
    ip("tuntap add tap1 mode tap");
    drop(Tap::open("tap1").expect("root may"));
    let again = Tap::open("tap1").map(drop);
    ip("tuntap del tap1 mode tap");
    again.expect("it is free again");
}

#[test]
fn an_interface_that_is_not_there_or_no_ethernet_is_told() {
    let missing = Interface::open("no-such0").expect_err("it is not there").to_string();
    assert!(missing.contains("none of that name") && missing.contains("there are: "), "{missing}");
    let loopback = Interface::open("lo").expect_err("it is no Ethernet");
    assert!(matches!(loopback, CableError::NotEthernet { .. }), "{loopback}");
}

#[test]
fn sockets_by_their_names_carry_frames_and_take_over_what_was_left_behind() {
    let folder = TempDir::new().expect("a folder");
    let (own, other) = (folder.path().join("lab"), folder.path().join("board"));
    // A lab that was killed leaves its socket behind.
    drop(UnixDatagram::bind(&own).expect("a socket"));
    let cable = Datagrams::open(&own, &other).expect("nobody has it");
    cable.send(b"nobody is there").expect_err("it is lost");
    let board = UnixDatagram::bind(&other).expect("a socket");
    board.connect(&own).expect("the lab is there");
    board.send(b"a frame").expect("the lab takes it");
    let mut came = Vec::new();
    while came.is_empty() {
        cable.receive(PATIENCE, &mut |frame| came.push(frame.to_vec())).expect("it can be read");
    }
    assert_eq!(came, [b"a frame"]);
    cable.send(b"another").expect("it is there");
    let mut bytes = [0; 16];
    let length = board.recv(&mut bytes).expect("it comes");
    assert_eq!(&bytes[..length], b"another");
    // Nobody reads: whoever sends does not wait for room.
    let full = (0..100_000).find_map(|_| cable.send(b"one of many").err()).expect("it is full");
    assert_eq!(full.kind(), std::io::ErrorKind::WouldBlock);
    let taken = Datagrams::open(&own, &other).expect_err("a lab has it").to_string();
    assert!(taken.contains("failed to make the socket"), "{taken}");
    drop(cable);
    assert!(!own.exists());
    let away = folder.path().join("never-built/lab");
    let error = Datagrams::open(&away, &other).expect_err("its folder is not there");
    assert!(matches!(error, CableError::NoFolder { .. }), "{error}");
    let (error, named) =
        (error.to_string(), format!("there is no folder {}", folder.path().display()));
    assert!(error.contains(&named) && error.contains("qemu.sh build"), "{error}");
}
