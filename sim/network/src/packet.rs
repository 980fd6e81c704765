//! Packets.

use bytes::Bytes;
use core::net::SocketAddrV4;

/// One IPv4 packet. It is held apart, not as bytes, so that a gateway translates addresses
/// without touching checksums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Where it comes from, as the place it is at sees it.
    pub source: SocketAddrV4,
    /// Where it goes, as the place it is at sees it.
    pub destination: SocketAddrV4,
    /// The transport header.
    pub transport: Transport,
    /// What the transport carries.
    pub payload: Bytes,
}

/// The transport header of a packet, ports apart: they are in the packet's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP, 8 bytes.
    Udp,
    /// TCP, 20 bytes and options.
    Tcp(TcpHeader),
}

/// A transport protocol. Each has port numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// UDP (RFC 768).
    Udp,
    /// TCP (RFC 9293).
    Tcp,
}

impl Transport {
    /// Which protocol it is the header of.
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Udp => Protocol::Udp,
            Self::Tcp(_) => Protocol::Tcp,
        }
    }
}

/// A TCP header (RFC 9293 section 3.1) without ports and checksum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpHeader {
    /// Sequence number of the first payload byte.
    pub sequence: u32,
    /// Next sequence number expected, if the ACK flag is set.
    pub acknowledgement: Option<u32>,
    /// The sender opens the connection.
    pub syn: bool,
    /// The sender has sent all it will send.
    pub fin: bool,
    /// The connection is refused or gone.
    pub rst: bool,
    /// Push.
    pub psh: bool,
    /// Receive window, unscaled.
    pub window: u16,
    /// Window scale option (RFC 7323), on SYN.
    pub window_scale: Option<u8>,
    /// Maximum segment size option, bytes, on SYN.
    pub max_segment_size: Option<u16>,
    /// Selective acknowledgement permitted (RFC 2018), on SYN.
    pub sack_permitted: bool,
    /// Selective acknowledgement ranges (RFC 2018).
    pub sack_ranges: [Option<(u32, u32)>; 3],
}

impl TcpHeader {
    /// Bytes on the wire, options padded to four.
    pub fn wire_length(&self) -> usize {
        let sack = self.sack_ranges.iter().flatten().count();
        let options = self.max_segment_size.map_or(0, |_| 4)
            + self.window_scale.map_or(0, |_| 3)
            + if self.sack_permitted { 2 } else { 0 }
            + if sack > 0 { 2 + 8 * sack } else { 0 };
        20 + options.next_multiple_of(4)
    }
}

impl Packet {
    /// A UDP packet.
    pub fn udp(source: SocketAddrV4, destination: SocketAddrV4, payload: Bytes) -> Self {
        Self { source, destination, transport: Transport::Udp, payload }
    }

    /// Bytes on the wire: IP header (20), transport header, payload. This is what capacity counts.
    pub fn wire_length(&self) -> usize {
        let transport = match &self.transport {
            Transport::Udp => 8,
            Transport::Tcp(header) => header.wire_length(),
        };
        20 + transport + self.payload.len()
    }
}
