//! What a network interface leaves to hardware that is not there, done here: checksums, and the cut of
//! many datagrams, or segments of TCP, that a kernel hands over as one. A pure core.
//!
//! An interface without a wire (a veth pair) never computes checksums: they are right anyhow as long as
//! it is not checked. Each frame comes behind a header that tells (`struct virtio_net_hdr`,
//! `linux/virtio_net.h`).

use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket,
};

/// The header before each frame, bytes.
pub(super) const HEADER_BYTES: usize = 10;
/// A header that leaves nothing to do.
pub(super) const NOTHING: [u8; HEADER_BYTES] = [0; HEADER_BYTES];

/// `VIRTIO_NET_HDR_F_NEEDS_CSUM`.
const NEEDS_CHECKSUM: u8 = 1;
/// `VIRTIO_NET_HDR_GSO_TCPV4`.
const MANY_TCP: u8 = 1;
/// `VIRTIO_NET_HDR_GSO_UDP_L4`.
const MANY_UDP: u8 = 5;
/// `VIRTIO_NET_HDR_GSO_ECN`, which may stand beside the kind.
const ECN: u8 = 0x80;

const ETHERNET_BYTES: usize = 14;
const UDP_BYTES: usize = 8;

/// Hands on the frames that `bytes`, a header and a frame, stand for.
pub(super) fn frames(bytes: &mut [u8], take: &mut dyn FnMut(&[u8])) {
    let Some((header, frame)) = bytes.split_first_chunk_mut::<HEADER_BYTES>() else { return };
    let [flags, kind, _, _, size_0, size_1, start_0, start_1, offset_0, offset_1] = *header;
    let word = |a, b| usize::from(u16::from_ne_bytes([a, b]));
    let size = word(size_0, size_1);
    let cut = match kind & !ECN {
        MANY_TCP => many(frame, IpProtocol::Tcp, size, take),
        MANY_UDP => many(frame, IpProtocol::Udp, size, take),
        _ => None,
    };
    if cut.is_some() {
        return;
    }
    if flags & NEEDS_CHECKSUM != 0 {
        fill(frame, word(start_0, start_1), word(offset_0, offset_1));
    }
    take(frame);
}

/// The sum over what begins at `start` goes to `offset` from there, where that over the pseudo-header
/// stands already. A place outside the frame is left alone.
fn fill(frame: &mut [u8], start: usize, offset: usize) -> Option<()> {
    let covered = frame.get_mut(start..)?;
    covered.get(offset..offset + 2)?;
    let words = covered.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(u16::from_be_bytes([high, 0])),
        _ => 0,
    });
    // 64 KiB have 32,768 words: the sum fits.
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    let sum = match !u16::try_from(folded).unwrap_or_default() {
        // In UDP 0 stands for none (RFC 768); both are zero in one's complement.
        0 => 0xffff,
        sum => sum,
    };
    covered.get_mut(offset..offset + 2)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

/// A UDP datagram or a TCP segment that is many, each with `size` bytes, the last with what is left.
fn many(
    whole: &[u8],
    protocol: IpProtocol,
    size: usize,
    take: &mut dyn FnMut(&[u8]),
) -> Option<()> {
    let frame = EthernetFrame::new_checked(whole).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 || size == 0 {
        return None;
    }
    let ip = Ipv4Packet::new_checked(frame.payload()).ok()?;
    if ip.next_header() != protocol {
        return None;
    }
    let header_bytes = match protocol {
        IpProtocol::Tcp => usize::from(TcpPacket::new_checked(ip.payload()).ok()?.header_len()),
        _ => UDP_BYTES,
    };
    let (first, before) = (ip.ident(), ETHERNET_BYTES + usize::from(ip.header_len()));
    let head = whole.get(..before + header_bytes)?;
    let payload = whole.get(head.len()..ETHERNET_BYTES + usize::from(ip.total_len()))?;
    let parts = payload.chunks(size).len();
    for (number, payload) in payload.chunks(size).enumerate() {
        let mut one = [head, payload].concat();
        let mut ip = Ipv4Packet::new_unchecked(one.get_mut(ETHERNET_BYTES..)?);
        let bytes = head.len() - ETHERNET_BYTES + payload.len();
        ip.set_total_len(u16::try_from(bytes).ok()?);
        ip.set_ident(first.wrapping_add(u16::try_from(number).ok()?));
        ip.fill_checksum();
        let (from, to) = (IpAddress::Ipv4(ip.src_addr()), IpAddress::Ipv4(ip.dst_addr()));
        if protocol == IpProtocol::Tcp {
            let mut tcp = TcpPacket::new_unchecked(ip.payload_mut());
            tcp.set_seq_number(tcp.seq_number() + number * size);
            if number + 1 < parts {
                tcp.set_fin(false);
                tcp.set_psh(false);
            }
            tcp.fill_checksum(&from, &to);
        } else {
            let mut udp = UdpPacket::new_unchecked(ip.payload_mut());
            udp.set_len(u16::try_from(UDP_BYTES + payload.len()).ok()?);
            udp.fill_checksum(&from, &to);
        }
        take(&one);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::{
        phy::ChecksumCapabilities,
        wire::{EthernetAddress, Ipv4Address, Ipv4Repr, UdpRepr},
    };

    const FROM: Ipv4Address = Ipv4Address::new(192, 168, 1, 2);
    const TO: Ipv4Address = Ipv4Address::new(198, 51, 100, 7);

    /// A frame with a UDP datagram, its checksum right.
    fn datagram(payload: &[u8]) -> Vec<u8> {
        let udp = UdpRepr { src_port: 50_000, dst_port: 3_478 };
        let ip = Ipv4Repr {
            src_addr: FROM,
            dst_addr: TO,
            next_header: IpProtocol::Udp,
            payload_len: UDP_BYTES + payload.len(),
            hop_limit: 64,
        };
        let mut bytes = vec![0; ETHERNET_BYTES + 20 + ip.payload_len];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
        frame.set_src_addr(EthernetAddress([2, 0, 0, 0, 0, 9]));
        frame.set_dst_addr(EthernetAddress([2, 0, 0, 0, 0, 1]));
        frame.set_ethertype(EthernetProtocol::Ipv4);
        let all = ChecksumCapabilities::default();
        let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
        ip.emit(&mut packet, &all);
        udp.emit(
            &mut UdpPacket::new_unchecked(packet.payload_mut()),
            &IpAddress::Ipv4(FROM),
            &IpAddress::Ipv4(TO),
            payload.len(),
            |buffer| buffer.copy_from_slice(payload),
            &all,
        );
        bytes
    }

    /// What the kernel leaves in the field: the sum over the pseudo-header (RFC 768), not inverted.
    fn left_undone(frame: &mut [u8]) {
        let udp_bytes = u16::try_from(frame.len() - 34).expect("it is short");
        let (from, to) = (FROM.octets(), TO.octets());
        let words = [
            u16::from_be_bytes([from[0], from[1]]),
            u16::from_be_bytes([from[2], from[3]]),
            u16::from_be_bytes([to[0], to[1]]),
            u16::from_be_bytes([to[2], to[3]]),
            17,
            udp_bytes,
        ];
        let sum: u32 = words.into_iter().map(u32::from).sum();
        let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).expect("it is folded");
        frame[40..42].copy_from_slice(&folded.to_be_bytes());
    }

    fn header(flags: u8, kind: u8, size: u16) -> Vec<u8> {
        let [size_0, size_1] = size.to_ne_bytes();
        let ([start_0, start_1], [offset_0, offset_1]) =
            (34_u16.to_ne_bytes(), 6_u16.to_ne_bytes());
        vec![flags, kind, 42, 0, size_0, size_1, start_0, start_1, offset_0, offset_1]
    }

    fn all(mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        frames(&mut bytes, &mut |frame| all.push(frame.to_vec()));
        all
    }

    #[test]
    fn a_checksum_that_was_left_undone_is_filled_in() {
        for payload in [&b"even"[..], b"odd", b"", &[0xff; 1_400]] {
            let whole = datagram(payload);
            let mut partial = whole.clone();
            left_undone(&mut partial);
            assert_ne!(partial, whole);
            let bytes = [header(NEEDS_CHECKSUM, 0, 0), partial].concat();
            assert_eq!(all(bytes), [whole]);
        }
    }

    #[test]
    fn what_is_whole_is_left_as_it_is() {
        let mut damaged = datagram(b"data");
        damaged[41] ^= 1;
        let bytes = [NOTHING.to_vec(), damaged.clone()].concat();
        assert_eq!(all(bytes), [damaged], "a wrong checksum stays wrong");
    }

    #[test]
    fn many_datagrams_in_one_come_apart() {
        let mut whole = datagram(&[7; 2_500]);
        left_undone(&mut whole);
        let cut = all([header(NEEDS_CHECKSUM, MANY_UDP, 1_000), whole].concat());
        let of = |bytes: usize, number: u16| {
            let mut frame = datagram(&vec![7; bytes]);
            let mut ip = Ipv4Packet::new_unchecked(&mut frame[ETHERNET_BYTES..]);
            ip.set_ident(number);
            ip.fill_checksum();
            frame
        };
        assert_eq!(cut, [of(1_000, 0), of(1_000, 1), of(500, 2)]);
    }

    #[test]
    fn a_header_that_lies_does_no_harm() {
        let whole = datagram(b"data");
        let far = |start: u16| {
            let mut header = header(NEEDS_CHECKSUM, 0, 0);
            header[6..8].copy_from_slice(&start.to_ne_bytes());
            [header, whole.clone()].concat()
        };
        for start in [60_000, 44] {
            let one = all(far(start));
            assert_eq!(one.len(), 1);
            assert_eq!(one[0], whole, "nothing lies {start} bytes behind its beginning");
        }
        assert_eq!(all(vec![0; 9]), Vec::<Vec<u8>>::new(), "no whole header");
        assert_eq!(all([header(0, MANY_UDP, 0), whole.clone()].concat()), [whole]);
        assert_eq!(all([header(0, MANY_UDP, 9), vec![1; 20]].concat()), [vec![1; 20]]);
    }

    #[test]
    fn a_long_segment_comes_apart_with_its_numbers_and_flags() {
        let payload: Vec<u8> = (0..2_500_u16).map(|byte| byte as u8).collect();
        let mut whole = datagram(&[&[0; 12][..], &payload].concat());
        let mut ip = Ipv4Packet::new_unchecked(&mut whole[ETHERNET_BYTES..]);
        ip.set_next_header(IpProtocol::Tcp);
        let mut tcp = TcpPacket::new_unchecked(ip.payload_mut());
        tcp.set_header_len(20);
        tcp.set_seq_number(smoltcp::wire::TcpSeqNumber(i32::MAX));
        tcp.clear_flags();
        tcp.set_ack(true);
        tcp.set_psh(true);
        tcp.set_fin(true);
        let cut = all([header(NEEDS_CHECKSUM, MANY_TCP, 1_000), whole.clone()].concat());
        assert_eq!(cut.len(), 3);
        let mut all_payload = Vec::new();
        for (number, frame) in cut.iter().enumerate() {
            let ip = Ipv4Packet::new_checked(&frame[ETHERNET_BYTES..]).expect("a packet");
            let tcp = TcpPacket::new_checked(ip.payload()).expect("a segment");
            assert!(ip.verify_checksum());
            assert!(tcp.verify_checksum(&IpAddress::Ipv4(FROM), &IpAddress::Ipv4(TO)));
            let sequence = smoltcp::wire::TcpSeqNumber(i32::MAX) + number * 1_000;
            assert_eq!((tcp.seq_number(), tcp.ack()), (sequence, true));
            assert_eq!((tcp.psh(), tcp.fin()), (number == 2, number == 2));
            all_payload.extend_from_slice(tcp.payload());
        }
        assert_eq!(all_payload, payload);
        // A header that is longer than its segment.
        whole[ETHERNET_BYTES + 20 + 12] = 0xf0;
        whole.truncate(ETHERNET_BYTES + 30);
        assert_eq!(all([header(0, MANY_TCP, 9), whole.clone()].concat()), [whole]);
    }
}
