//! Frames of a board, and what comes back.

use super::*;
use parallax_record::{ServiceAddress, ServiceKind};
use simple_dns::{CLASS, Name, Packet as DnsPacket, Question, RCODE, TYPE};

const BOARD: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 7]);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const LAB: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const RENDEZVOUS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 9), 80);

fn port() -> Port {
    let rendezvous = ServiceAddress {
        name: "rendezvous".to_owned(),
        kind: ServiceKind::Rendezvous,
        address: RENDEZVOUS,
        one_way_delay: Duration::ZERO,
    };
    Port::new(ADDRESS, LAB, 24, LabNames::of(&[rendezvous], LAB))
}

/// What comes of a frame at some time.
fn hear(port: &mut Port, frame: &[u8]) -> PortOutput {
    port.handle(frame, Duration::from_secs(1_700_000_000))
}

/// A frame from the board.
fn frame(ip: &[u8]) -> Vec<u8> {
    let mut bytes = ethernet(GATEWAY, EthernetProtocol::Ipv4, ip);
    EthernetFrame::new_unchecked(&mut bytes[..]).set_src_addr(BOARD);
    bytes
}

fn query(name: &str) -> Vec<u8> {
    let mut query = DnsPacket::new_query(7);
    let name = Name::new(name).expect("a name").into_owned();
    query.questions.push(Question::new(name, TYPE::A.into(), CLASS::IN.into(), false));
    let query = query.build_bytes_vec().expect("short");
    frame(&datagram(SocketAddrV4::new(ADDRESS, 40_000), SocketAddrV4::new(LAB, 53), &query))
}

/// The IPv4 packet of a frame to the board.
fn to_board(output: PortOutput) -> Vec<u8> {
    let PortOutput::Frame(bytes) = output else { panic!("no frame: {output:?}") };
    let frame = EthernetFrame::new_checked(&bytes[..]).expect("a frame");
    assert_eq!((frame.src_addr(), frame.dst_addr()), (GATEWAY, BOARD));
    let ip = Ipv4Packet::new_checked(frame.payload()).expect("a packet");
    assert!(checksums_hold(&ip));
    assert_eq!((ip.src_addr(), ip.dst_addr()), (LAB, ADDRESS));
    frame.payload().to_vec()
}

fn answered(output: PortOutput) -> (RCODE, usize) {
    let ip = to_board(output);
    let packet = wire::from_bytes(&ip).expect("a datagram");
    assert_eq!((packet.source.port(), packet.destination.port()), (53, 40_000));
    let response = DnsPacket::parse(&packet.payload).expect("a response");
    (response.rcode(), response.answers.len())
}

#[test]
fn the_gateway_answers_for_the_names_of_the_lab_and_counts_the_others() {
    let mut port = port();
    assert_eq!(answered(hear(&mut port, &query("rendezvous.test"))), (RCODE::NoError, 1));
    for _ in 0..14 {
        let output = hear(&mut port, &query("time.vendor.example"));
        assert_eq!(answered(output), (RCODE::NameError, 0));
    }
    let told: Vec<_> = port.counts().asked_in_vain().collect();
    assert_eq!(told, ["asked 14 times for time.vendor.example, which the lab does not know"]);
    assert_eq!(port.counts().entered, 0, "nothing of it went into the network");
}

#[test]
fn a_flood_of_names_takes_no_memory() {
    let mut port = port();
    for name in 0..1_000 {
        hear(&mut port, &query(&format!("n{name}.example")));
    }
    assert_eq!((port.counts().unknown_names.len(), port.counts().further_names), (64, 936));
    hear(&mut port, &query("n0.example"));
    assert_eq!(port.counts().unknown_names["n0.example"], 2);
    let last = port.counts().asked_in_vain().last();
    assert_eq!(
        last.as_deref(),
        Some("asked 936 times for further names that the lab does not know")
    );
}

#[test]
fn a_datagram_to_the_name_server_that_is_no_query_is_counted() {
    let [from, to] = [(ADDRESS, 40_000), (LAB, 53)].map(|(at, port)| SocketAddrV4::new(at, port));
    let mut port = port();
    assert_eq!(hear(&mut port, &frame(&datagram(from, to, b"no query"))), PortOutput::Nothing);
    assert_eq!(port.counts().refused[&FrameRefusal::NoQuery], 1);
}

/// Another name server than the lab's is beyond the gateway, in the network.
#[test]
fn a_query_to_another_server_goes_into_the_network() {
    let [from, to] = [(ADDRESS, 40_000), (Ipv4Addr::new(8, 8, 8, 8), 53)]
        .map(|(at, port)| SocketAddrV4::new(at, port));
    let output = hear(&mut port(), &frame(&datagram(from, to, b"query")));
    assert!(matches!(output, PortOutput::Packet(packet) if packet.destination == to));
}

fn echo(to: Ipv4Addr, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let all = ChecksumCapabilities::default();
    let request = Icmpv4Repr::EchoRequest { ident: 5, seq_no: 3, data: b"abcdefgh" };
    let header = ip_header(ADDRESS, to, IpProtocol::Icmp, request.buffer_len());
    let mut bytes = vec![0; header.buffer_len() + header.payload_len];
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
    header.emit(&mut packet, &all);
    request.emit(&mut Icmpv4Packet::new_unchecked(packet.payload_mut()), &all);
    change(&mut bytes);
    frame(&bytes)
}

#[test]
fn rfc792_the_gateway_returns_the_data_of_an_echo_request() {
    let ip = to_board(hear(&mut port(), &echo(LAB, |_| {})));
    let ip = Ipv4Packet::new_unchecked(&ip[..]);
    let packet = Icmpv4Packet::new_checked(ip.payload()).expect("ICMP");
    let reply = Icmpv4Repr::parse(&packet, &ChecksumCapabilities::default()).expect("whole");
    assert_eq!(reply, Icmpv4Repr::EchoReply { ident: 5, seq_no: 3, data: b"abcdefgh" });
}

#[test]
fn rfc792_a_service_returns_an_echo_request_from_its_own_address() {
    let output = hear(&mut port(), &echo(*RENDEZVOUS.ip(), |_| {}));
    let PortOutput::Frame(bytes) = output else { panic!("no frame: {output:?}") };
    let frame = EthernetFrame::new_checked(&bytes[..]).expect("a frame");
    let ip = Ipv4Packet::new_checked(frame.payload()).expect("a packet");
    assert_eq!((ip.src_addr(), ip.dst_addr()), (*RENDEZVOUS.ip(), ADDRESS));
}

fn time_query() -> Vec<u8> {
    let mut message = [0; 48];
    message[0] = 0x23;
    frame(&datagram(SocketAddrV4::new(ADDRESS, 40_000), SocketAddrV4::new(LAB, 123), &message))
}

#[test]
fn the_gateway_has_the_time() {
    let ip = to_board(hear(&mut port(), &time_query()));
    let packet = wire::from_bytes(&ip).expect("a datagram");
    let sent = u32::from_be_bytes(*packet.payload[40..].first_chunk().expect("48 bytes"));
    assert_eq!(sent, 3_908_988_800, "1,700,000,000 from 1970 on");
}

/// Each byte of each kind of frame, with each value.
#[test]
fn no_byte_of_a_frame_does_harm() {
    let syn = parallax_network::TcpHeader { syn: true, ..Default::default() };
    let segment = Packet {
        source: SocketAddrV4::new(ADDRESS, 40_000),
        destination: RENDEZVOUS,
        transport: parallax_network::Transport::Tcp(syn),
        payload: Default::default(),
    };
    let mut segment = wire::to_bytes(&segment).expect("short");
    fill_checksums(&mut segment);
    let frames = [query("rendezvous.test"), time_query(), echo(LAB, |_| {}), frame(&segment)];
    let mut port = port();
    for whole in frames {
        for at in 0..whole.len() {
            for value in 0..=u8::MAX {
                let mut bytes = whole.clone();
                bytes[at] = value;
                hear(&mut port, &bytes);
                hear(&mut port, &bytes[..at]);
            }
        }
        assert_ne!(hear(&mut port, &whole), PortOutput::Nothing, "the port still works");
    }
}

#[test]
fn an_echo_request_to_nowhere_or_a_damaged_one_is_counted() {
    let mut port = port();
    let nowhere = Ipv4Addr::new(8, 8, 8, 8);
    assert_eq!(hear(&mut port, &echo(nowhere, |_| {})), PortOutput::Nothing);
    assert_eq!(hear(&mut port, &echo(LAB, |bytes| bytes[30] ^= 1)), PortOutput::Nothing);
    assert_eq!(
        hear(&mut port, &echo(LAB, |bytes| bytes[8] ^= 1)),
        PortOutput::Nothing,
        "its header"
    );
    let refused = &port.counts().refused;
    assert_eq!((refused[&FrameRefusal::Protocol], refused[&FrameRefusal::Malformed]), (1, 2));
}

#[test]
fn dhcp_names_the_gateway_as_the_server_of_names_and_time() {
    let discover = DhcpRepr {
        message_type: DhcpMessageType::Discover,
        transaction_id: 1,
        secs: 0,
        client_hardware_address: BOARD,
        client_ip: Ipv4Addr::UNSPECIFIED,
        your_ip: Ipv4Addr::UNSPECIFIED,
        server_ip: Ipv4Addr::UNSPECIFIED,
        router: None,
        subnet_mask: None,
        relay_agent_ip: Ipv4Addr::UNSPECIFIED,
        broadcast: true,
        requested_ip: None,
        client_identifier: None,
        server_identifier: None,
        parameter_request_list: None,
        dns_servers: None,
        max_size: None,
        lease_duration: None,
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[],
    };
    let mut bytes = vec![0; discover.buffer_len()];
    discover.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).expect("room");
    let [from, to] = [(Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67)]
        .map(|(at, port)| SocketAddrV4::new(at, port));
    let output = hear(&mut port(), &frame(&datagram(from, to, &bytes)));
    let PortOutput::Frame(offer) = output else { panic!("no offer: {output:?}") };
    let ip = EthernetFrame::new_unchecked(&offer[..]);
    let packet = wire::from_bytes(ip.payload()).expect("a datagram");
    let offer = DhcpPacket::new_checked(&packet.payload[..]).expect("DHCP");
    let time = offer.options().find(|option| option.kind == NTP_SERVERS).expect("it has one");
    assert_eq!(time.data, LAB.octets());
    let offer = DhcpRepr::parse(&offer).expect("an offer");
    assert_eq!(offer.dns_servers.expect("one").as_slice(), [LAB]);
}
