//! Captures, read back.

use bytes::Bytes;
use core::{net::SocketAddrV4, time::Duration};
use parallax_capture::{Capture, CaptureError, CaptureInterface, CapturedPacket, DtlsSecret};
use parallax_network::{Flow, Packet, TcpHeader, Time, Transport};
use parallax_stack::wire::from_bytes;
use pcap_file::{
    DataLink,
    pcapng::{
        Block, PcapNgReader,
        blocks::{
            enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption},
            interface_description::InterfaceDescriptionOption,
        },
    },
};
use smoltcp::wire::{Ipv4Packet, TcpPacket, UdpPacket};
use std::io;

const ZERO: Duration = Duration::from_secs(1_767_225_600);

fn endpoint(text: &str) -> SocketAddrV4 {
    text.parse().expect("an endpoint")
}

fn interfaces() -> [CaptureInterface; 2] {
    ["host/doorbell", "gateway/house/out"]
        .map(|name| CaptureInterface { name: name.to_owned(), description: format!("at {name}") })
}

fn udp(length: usize) -> Packet {
    let payload = Bytes::from((0..length).map(|n| n as u8).collect::<Vec<_>>());
    Packet::udp(endpoint("192.168.1.10:5000"), endpoint("198.51.100.1:3478"), payload)
}

fn tcp() -> Packet {
    let header = TcpHeader {
        sequence: 0xFFFF_FFF0,
        acknowledgement: Some(7),
        psh: true,
        window: 512,
        sack_ranges: [Some((9, 20)), None, None],
        ..TcpHeader::default()
    };
    Packet { transport: Transport::Tcp(header), ..udp(3) }
}

/// Writes packets, each with a flow, so many gateways and a comment.
fn written(packets: &[(Packet, Option<Flow>, u8, Option<&str>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut capture = Capture::new(&mut bytes, ZERO, &interfaces()).expect("a capture");
    for (at, (packet, flow, gateways, comment)) in (1..).zip(packets) {
        let (at, interface) = (Time::from_nanos(at), u32::from(*gateways));
        let (flow, gateways, comment) = (*flow, *gateways, *comment);
        let seen = CapturedPacket { at, interface, flow, packet, gateways, comment };
        capture.packet(&seen).expect("written");
    }
    capture.flush().expect("flushed");
    bytes
}

fn blocks(bytes: &[u8]) -> Vec<Block<'static>> {
    let mut reader = PcapNgReader::new(bytes).expect("a capture");
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block() {
        blocks.push(block.expect("a block").into_owned());
    }
    blocks
}

fn packets(bytes: &[u8]) -> Vec<EnhancedPacketBlock<'static>> {
    blocks(bytes).into_iter().filter_map(Block::into_enhanced_packet).collect()
}

#[test]
fn interfaces_have_names_nanoseconds_and_raw_packets() {
    let blocks = blocks(&written(&[]));
    let interfaces: Vec<_> =
        blocks.into_iter().filter_map(Block::into_interface_description).collect();
    assert_eq!(interfaces.len(), 2);
    for (found, named) in interfaces.iter().zip(self::interfaces()) {
        assert_eq!((found.linktype, found.snaplen), (DataLink::RAW, 0));
        assert_eq!(
            found.options,
            [
                InterfaceDescriptionOption::IfName(named.name.into()),
                InterfaceDescriptionOption::IfDescription(named.description.into()),
                InterfaceDescriptionOption::IfTsResol(9),
            ]
        );
    }
}

#[test]
fn a_packet_is_whole_with_its_time_flow_and_comment() {
    use EnhancedPacketOption::{Comment, Flags};
    let bytes = written(&[
        (udp(1_001), Some(Flow::Outbound), 0, None),
        (tcp(), Some(Flow::Inbound), 1, None),
        (udp(0), None, 1, Some("dropped at link/house/up: loss")),
    ]);
    let packets = packets(&bytes);
    let told = [(0, udp(1_001)), (1, tcp()), (1, udp(0))];
    assert_eq!(packets.len(), told.len());
    for (at, (found, (interface, packet))) in (1..).zip(packets.iter().zip(told)) {
        assert_eq!(found.timestamp, ZERO + Duration::from_nanos(at));
        assert_eq!(found.interface_id, interface);
        assert_eq!(found.original_len as usize, packet.wire_length());
        assert_eq!(from_bytes(&found.data), Ok(packet));
    }
    assert_eq!(packets[0].options, [Flags(2)]);
    assert_eq!(packets[1].options, [Flags(1)]);
    assert_eq!(packets[2].options, [Comment("dropped at link/house/up: loss".into())]);
}

#[test]
fn checksums_are_right_and_each_gateway_takes_one_from_the_time_to_live() {
    let lengths = (0..70).chain([1_199, 1_200, 65_507]);
    let all: Vec<_> = lengths.map(|length| (udp(length), None, 0, None)).collect();
    let all = [all, vec![(tcp(), None, 1, None), (udp(9), None, 1, None)]].concat();
    for (packet, (_, _, gateways, _)) in packets(&written(&all)).iter().zip(&all) {
        let ip = Ipv4Packet::new_checked(&packet.data[..]).expect("a packet");
        assert!(ip.verify_checksum());
        assert_eq!(ip.hop_limit(), 64 - gateways);
        let (source, destination) = (ip.src_addr().into(), ip.dst_addr().into());
        match u8::from(ip.next_header()) {
            6 => {
                let tcp = TcpPacket::new_checked(ip.payload()).expect("a segment");
                assert!(tcp.verify_checksum(&source, &destination));
            }
            _ => {
                let udp = UdpPacket::new_checked(ip.payload()).expect("a datagram");
                // Zero would say that there is none.
                assert_ne!(udp.checksum(), 0);
                assert!(udp.verify_checksum(&source, &destination));
            }
        }
    }
}

#[test]
fn what_is_too_long_for_ipv4_is_left_out() {
    let bytes = written(&[(udp(65_508), None, 0, None), (udp(1), None, 0, None)]);
    let packets = packets(&bytes);
    assert_eq!(packets.len(), 1);
    assert_eq!(from_bytes(&packets[0].data), Ok(udp(1)));
}

#[test]
fn a_secret_is_a_block_of_a_key_log() {
    let key = [0xAB; DtlsSecret::MASTER_SECRET];
    let input = [b"key expansion", &[1; 32][..], &[2; 32]].concat();
    let secret = DtlsSecret::in_hmac(&key, &[&input]).expect("a secret");
    let mut bytes = Vec::new();
    let mut capture = Capture::new(&mut bytes, ZERO, &interfaces()).expect("a capture");
    capture.secret(&secret).expect("written");
    let Some(Block::Unknown(block)) = blocks(&bytes).pop() else { panic!("no block") };
    assert_eq!(block.type_, 0x0A);
    let line = secret.line();
    assert_eq!(block.value[..4], 0x544C_534B_u32.to_le_bytes());
    assert_eq!(block.value[4..8], (line.len() as u32).to_le_bytes());
    assert_eq!(block.value[8..8 + line.len()], *line.as_bytes());
    // Blocks are padded to four bytes.
    assert!(block.value[8 + line.len()..].iter().all(|byte| *byte == 0));
}

#[test]
fn what_is_not_taken_is_told() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let refused = Capture::new(Full, ZERO, &interfaces()).expect_err("it is full");
    assert_eq!(refused.to_string(), "failed to write a capture");
    let mut capture = Capture::new(Vec::new(), ZERO, &interfaces()).expect("a capture");
    let (packet, at) = (udp(1), Time::ZERO);
    let seen = CapturedPacket {
        at,
        interface: 2,
        flow: None,
        packet: &packet,
        gateways: 0,
        comment: None,
    };
    assert!(matches!(capture.packet(&seen), Err(CaptureError::Interface(2))));
}
