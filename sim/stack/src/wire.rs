//! Packets as IPv4 bytes, and back.
//!
//! Checksums are neither computed nor verified: a simulated link does not flip bits. Bytes that
//! leave for a real network need theirs filled in.

use bytes::Bytes;
use core::net::{Ipv4Addr, SocketAddrV4};
use parallax_network::{Packet, TcpHeader, Transport};
use smoltcp::wire::{
    IpProtocol, Ipv4Packet, TcpOption, TcpPacket, TcpSeqNumber, UDP_HEADER_LEN, UdpPacket,
};

const IP_HEADER: usize = 20;
const HOP_LIMIT: u8 = 64;

/// Why bytes are no packet, or a packet cannot be bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Longer than IPv4 can say.
    TooLong,
    /// No whole IPv4 packet, or a header within it that is cut short or contradicts itself.
    Malformed,
    /// A fragment: nothing here fragments.
    Fragment,
    /// Neither UDP nor TCP.
    Protocol,
}

impl core::fmt::Display for WireError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "failed to write a packet: longer than IPv4 can say",
            Self::Malformed => "failed to read a packet: malformed",
            Self::Fragment => "failed to read a packet: a fragment",
            Self::Protocol => "failed to read a packet: neither UDP nor TCP",
        })
    }
}

impl core::error::Error for WireError {}

/// The packet as IPv4 bytes, checksums zero.
///
/// # Errors
/// [`WireError::TooLong`] if it is longer than 65,535 bytes.
pub fn to_bytes(packet: &Packet) -> Result<Vec<u8>, WireError> {
    let length = packet.wire_length();
    let total = u16::try_from(length).map_err(|_| WireError::TooLong)?;
    let mut bytes = vec![0; length];
    let mut ip = Ipv4Packet::new_unchecked(&mut bytes[..]);
    ip.set_version(4);
    ip.set_header_len(20);
    ip.set_total_len(total);
    ip.set_dont_frag(true);
    ip.set_hop_limit(HOP_LIMIT);
    ip.set_src_addr(*packet.source.ip());
    ip.set_dst_addr(*packet.destination.ip());
    match &packet.transport {
        Transport::Udp => {
            ip.set_next_header(IpProtocol::Udp);
            let mut udp = UdpPacket::new_unchecked(ip.payload_mut());
            udp.set_src_port(packet.source.port());
            udp.set_dst_port(packet.destination.port());
            udp.set_len(total - 20);
            udp.payload_mut().copy_from_slice(&packet.payload);
        }
        Transport::Tcp(header) => {
            ip.set_next_header(IpProtocol::Tcp);
            let mut tcp = TcpPacket::new_unchecked(ip.payload_mut());
            tcp.set_src_port(packet.source.port());
            tcp.set_dst_port(packet.destination.port());
            write_tcp(&mut tcp, header);
            tcp.payload_mut().copy_from_slice(&packet.payload);
        }
    }
    Ok(bytes)
}

fn write_tcp(tcp: &mut TcpPacket<&mut [u8]>, header: &TcpHeader) {
    // The casts keep the bits: smoltcp holds sequence numbers as signed.
    tcp.set_seq_number(TcpSeqNumber(header.sequence as i32));
    tcp.set_ack_number(TcpSeqNumber(header.acknowledgement.unwrap_or(0) as i32));
    tcp.clear_flags();
    // At most 20 + 36: see `TcpHeader::wire_length`.
    tcp.set_header_len(header.wire_length() as u8);
    tcp.set_ack(header.acknowledgement.is_some());
    tcp.set_syn(header.syn);
    tcp.set_fin(header.fin);
    tcp.set_rst(header.rst);
    tcp.set_psh(header.psh);
    tcp.set_window_len(header.window);
    let mut options = tcp.options_mut();
    if let Some(size) = header.max_segment_size {
        options = TcpOption::MaxSegmentSize(size).emit(options);
    }
    if let Some(scale) = header.window_scale {
        options = TcpOption::WindowScale(scale).emit(options);
    }
    if header.sack_permitted {
        options = TcpOption::SackPermitted.emit(options);
    }
    if header.sack_ranges.iter().any(Option::is_some) {
        options = TcpOption::SackRange(header.sack_ranges).emit(options);
    }
    if !options.is_empty() {
        TcpOption::EndOfList.emit(options);
    }
}

/// The packet that the IPv4 bytes are. Checksums, hop limit and TCP options that the packet does
/// not know are let go.
///
/// # Errors
/// [`WireError`] for anything but a whole, unfragmented UDP or TCP packet.
pub fn from_bytes(bytes: &[u8]) -> Result<Packet, WireError> {
    let malformed = |_| WireError::Malformed;
    let ip = Ipv4Packet::new_checked(bytes).map_err(malformed)?;
    if ip.version() != 4 || usize::from(ip.header_len()) < IP_HEADER {
        return Err(WireError::Malformed);
    }
    if ip.more_frags() || ip.frag_offset() != 0 {
        return Err(WireError::Fragment);
    }
    let at = |address: Ipv4Addr, port: u16| SocketAddrV4::new(address, port);
    match ip.next_header() {
        IpProtocol::Udp => {
            let udp = UdpPacket::new_checked(ip.payload()).map_err(malformed)?;
            if usize::from(udp.len()) < UDP_HEADER_LEN {
                return Err(WireError::Malformed);
            }
            Ok(Packet {
                source: at(ip.src_addr(), udp.src_port()),
                destination: at(ip.dst_addr(), udp.dst_port()),
                transport: Transport::Udp,
                payload: Bytes::copy_from_slice(udp.payload()),
            })
        }
        IpProtocol::Tcp => {
            let tcp = TcpPacket::new_checked(ip.payload()).map_err(malformed)?;
            Ok(Packet {
                source: at(ip.src_addr(), tcp.src_port()),
                destination: at(ip.dst_addr(), tcp.dst_port()),
                transport: Transport::Tcp(read_tcp(&tcp)?),
                payload: Bytes::copy_from_slice(tcp.payload()),
            })
        }
        _ => Err(WireError::Protocol),
    }
}

fn read_tcp(tcp: &TcpPacket<&[u8]>) -> Result<TcpHeader, WireError> {
    let mut header = TcpHeader {
        sequence: tcp.seq_number().0 as u32,
        acknowledgement: tcp.ack().then(|| tcp.ack_number().0 as u32),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        psh: tcp.psh(),
        window: tcp.window_len(),
        ..TcpHeader::default()
    };
    let mut options = tcp.options();
    while !options.is_empty() {
        let (rest, option) = TcpOption::parse(options).map_err(|_| WireError::Malformed)?;
        match option {
            TcpOption::EndOfList => break,
            TcpOption::MaxSegmentSize(size) => header.max_segment_size = Some(size),
            TcpOption::WindowScale(scale) => header.window_scale = Some(scale),
            TcpOption::SackPermitted => header.sack_permitted = true,
            TcpOption::SackRange(ranges) => header.sack_ranges = ranges,
            TcpOption::NoOperation | TcpOption::TimeStamp { .. } | TcpOption::Unknown { .. } => {}
        }
        options = rest;
    }
    Ok(header)
}
