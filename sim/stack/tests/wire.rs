//! Packets as bytes and back.

use bytes::Bytes;
use core::net::{Ipv4Addr, SocketAddrV4};
use parallax_network::{Packet, TcpHeader, Transport};
use parallax_stack::wire::{WireError, from_bytes, to_bytes};
use proptest::{collection::vec, option, prelude::*};

fn address() -> impl Strategy<Value = SocketAddrV4> {
    // Port 0 is no port: the parser refuses it.
    (any::<u32>(), 1..=u16::MAX).prop_map(|(ip, port)| SocketAddrV4::new(Ipv4Addr::from(ip), port))
}

fn header() -> impl Strategy<Value = TcpHeader> {
    let flags = any::<(u32, Option<u32>, bool, bool, bool, bool, u16)>();
    // The parser takes 14 as the largest scale (RFC 7323 section 2.3).
    let options =
        (option::of(0..=14u8), any::<(Option<u16>, bool)>(), vec(any::<(u32, u32)>(), 0..=3));
    (flags, options).prop_map(
        |(flags, (window_scale, (max_segment_size, sack_permitted), sacks))| {
            let (sequence, acknowledgement, syn, fin, rst, psh, window) = flags;
            let sack_ranges = core::array::from_fn(|n| sacks.get(n).copied());
            TcpHeader {
                sequence,
                acknowledgement,
                syn,
                fin,
                rst,
                psh,
                window,
                window_scale,
                max_segment_size,
                sack_permitted,
                sack_ranges,
            }
        },
    )
}

fn packet() -> impl Strategy<Value = Packet> {
    let transport = prop_oneof![Just(Transport::Udp), header().prop_map(Transport::Tcp)];
    (address(), address(), transport, vec(any::<u8>(), 0..2000)).prop_map(
        |(source, destination, transport, payload)| Packet {
            source,
            destination,
            transport,
            payload: Bytes::from(payload),
        },
    )
}

proptest! {
    #[test]
    fn a_packet_comes_back_as_it_was(packet in packet()) {
        let bytes = to_bytes(&packet).expect("it is short");
        prop_assert_eq!(bytes.len(), packet.wire_length());
        prop_assert_eq!(from_bytes(&bytes), Ok(packet));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..100)) {
        let _ = from_bytes(&bytes);
    }

    #[test]
    fn a_broken_packet_is_read_without_a_panic(
        packet in packet(), at in any::<prop::sample::Index>(), with: u8, cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = to_bytes(&packet).expect("it is short");
        let at = at.index(bytes.len());
        bytes[at] = with;
        bytes.truncate(cut.index(bytes.len()) + 1);
        let _ = from_bytes(&bytes);
    }
}

#[test]
fn what_is_too_long_a_fragment_or_another_protocol_is_refused() {
    let at = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1);
    let long = Packet::udp(at, at, Bytes::from(vec![0; 65_536 - 28]));
    assert_eq!(to_bytes(&long), Err(WireError::TooLong));
    let bytes = to_bytes(&Packet::udp(at, at, Bytes::from_static(b"x"))).expect("it is short");
    let mut fragment = bytes.clone();
    fragment[6] = 0x20;
    assert_eq!(from_bytes(&fragment), Err(WireError::Fragment));
    let mut icmp = bytes.clone();
    icmp[9] = 1;
    assert_eq!(from_bytes(&icmp), Err(WireError::Protocol));
    assert_eq!(from_bytes(&bytes[..bytes.len() - 1]), Err(WireError::Malformed));
}
