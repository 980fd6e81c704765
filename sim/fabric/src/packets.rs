//! Every packet of a run, as a digest, as lines, and as bytes by the kind of the other end.

use parallax_network::{Packet, Protocol, Time, Transport};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt, net::Ipv4Addr};

/// Whether a packet leaves a host or reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The host hands it to its network.
    Sent,
    /// It reaches the host.
    Delivered,
}

/// A packet at a peer or a service, when it is sent or delivered.
///
/// Its `Display` is one line, such as
/// `0.012000000s sent doorbell udp 192.168.1.10:49152 > 192.0.2.30:3478 33 bytes 382718dd37ef66ac`:
/// time, direction, host, protocol, addresses as the host sees them, bytes on the wire, and the
/// first eight bytes of a SHA-256 over transport header and payload.
#[derive(Clone, Copy, Debug)]
pub struct PacketSeen<'a> {
    /// When, exactly.
    pub at: Time,
    /// Which way.
    pub direction: Direction,
    /// The name of the peer or service.
    pub host: &'a str,
    /// The packet.
    pub packet: &'a Packet,
}

impl PacketSeen<'_> {
    /// Feeds `hash` with all of it.
    fn hash(&self, hash: &mut Sha256) {
        let mut head = Vec::with_capacity(64);
        head.extend(self.at.as_nanos().to_be_bytes());
        head.push(match self.direction {
            Direction::Sent => 0,
            Direction::Delivered => 1,
        });
        head.extend((self.host.len() as u64).to_be_bytes());
        head.extend(self.host.as_bytes());
        for end in [self.packet.source, self.packet.destination] {
            head.extend(end.ip().octets());
            head.extend(end.port().to_be_bytes());
        }
        head.extend((self.packet.wire_length() as u64).to_be_bytes());
        hash.update(head);
        self.hash_contents(hash);
    }

    fn hash_contents(&self, hash: &mut Sha256) {
        match &self.packet.transport {
            Transport::Udp => hash.update([17]),
            Transport::Tcp(tcp) => {
                hash.update([6]);
                hash.update(tcp.sequence.to_be_bytes());
                hash.update([u8::from(tcp.acknowledgement.is_some())]);
                hash.update(tcp.acknowledgement.unwrap_or(0).to_be_bytes());
                hash.update([tcp.syn, tcp.fin, tcp.rst, tcp.psh].map(u8::from));
                hash.update(tcp.window.to_be_bytes());
                hash.update([u8::from(tcp.window_scale.is_some()), tcp.window_scale.unwrap_or(0)]);
                hash.update(tcp.max_segment_size.unwrap_or(0).to_be_bytes());
                hash.update([u8::from(tcp.sack_permitted)]);
                for (from, to) in tcp.sack_ranges.into_iter().flatten() {
                    hash.update(from.to_be_bytes());
                    hash.update(to.to_be_bytes());
                }
            }
        }
        hash.update((self.packet.payload.len() as u64).to_be_bytes());
        hash.update(&self.packet.payload);
    }
}

impl fmt::Display for PacketSeen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Sent => "sent",
            Direction::Delivered => "delivered",
        };
        let protocol = match self.packet.transport.protocol() {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
        };
        let mut hash = Sha256::new();
        self.hash_contents(&mut hash);
        let contents = hex::encode(&hash.finalize()[..8]);
        let PacketSeen { at, host, packet, .. } = self;
        let (source, destination, bytes) =
            (packet.source, packet.destination, packet.wire_length());
        let (seconds, nanos) = (at.as_nanos() / 1_000_000_000, at.as_nanos() % 1_000_000_000);
        write!(
            f,
            "{seconds}.{nanos:09}s {direction} {host} {protocol} {source} > {destination} {bytes} bytes {contents}"
        )
    }
}

/// What the other end of a peer's packets is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndKind {
    /// A TURN server: its service port and its relayed addresses.
    Turn,
    /// The rendezvous or a STUN server.
    Signalling,
}

/// Bytes on the wire that peers sent and received, by the kind of the other end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BytesByKind {
    /// Media between peers: their UDP.
    pub direct: u64,
    /// With TURN servers.
    pub turn: u64,
    /// With the rendezvous, and with STUN servers; and the TCP between peers, of which there is none
    /// but that of viewers with a camera that is its own rendezvous.
    pub signalling: u64,
}

/// The run's account of its packets.
#[derive(Debug)]
pub struct Packets {
    hash: Sha256,
    kinds: BTreeMap<Ipv4Addr, EndKind>,
    bytes: BytesByKind,
    count: u64,
}

impl Packets {
    /// Starts with no packet. `kinds` are the addresses of services.
    pub fn new(kinds: BTreeMap<Ipv4Addr, EndKind>) -> Self {
        Self { hash: Sha256::new(), kinds, bytes: BytesByKind::default(), count: 0 }
    }

    /// Takes a packet into account, at a peer or at a service.
    pub fn see(&mut self, seen: &PacketSeen<'_>, at_peer: bool) {
        seen.hash(&mut self.hash);
        self.count += 1;
        if at_peer {
            let other = match seen.direction {
                Direction::Sent => seen.packet.destination,
                Direction::Delivered => seen.packet.source,
            };
            let kind = self.kinds.get(other.ip()).copied();
            let tcp = seen.packet.transport.protocol() == Protocol::Tcp;
            let kind = kind.or(tcp.then_some(EndKind::Signalling));
            self.count_bytes(kind, seen.packet.wire_length() as u64);
        }
    }

    fn count_bytes(&mut self, kind: Option<EndKind>, length: u64) {
        match kind {
            None => self.bytes.direct += length,
            Some(EndKind::Turn) => self.bytes.turn += length,
            Some(EndKind::Signalling) => self.bytes.signalling += length,
        }
    }

    /// Bytes of the peers' packets so far.
    pub fn bytes(&self) -> BytesByKind {
        self.bytes
    }

    /// Packets seen so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// SHA-256 over all packets so far, lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use parallax_network::TcpHeader;
    use std::net::SocketAddrV4;

    const HOME: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 10), 49_152);
    const TURN: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 30), 3_478);

    fn packets() -> Packets {
        Packets::new(BTreeMap::from([(*TURN.ip(), EndKind::Turn)]))
    }

    fn packet() -> Packet {
        Packet::udp(HOME, TURN, Bytes::from_static(b"hello"))
    }

    fn seen(packet: &Packet) -> PacketSeen<'_> {
        let at = Time::from_nanos(1_012_000_007);
        PacketSeen { at, direction: Direction::Sent, host: "doorbell", packet }
    }

    fn digest(seen: &PacketSeen<'_>) -> String {
        let mut packets = packets();
        packets.see(seen, true);
        packets.sha256()
    }

    #[test]
    fn a_packet_is_a_line() {
        assert_eq!(
            seen(&packet()).to_string(),
            "1.012000007s sent doorbell udp 192.168.1.10:49152 > 192.0.2.30:3478 33 bytes \
             382718dd37ef66ac"
        );
    }

    #[test]
    fn whatever_differs_shows_in_the_digest() {
        let (one, tcp) = (packet(), TcpHeader::default());
        let with = |tcp: TcpHeader| Packet { transport: Transport::Tcp(tcp), ..packet() };
        let others = [
            Packet { source: SocketAddrV4::new(*HOME.ip(), 1), ..packet() },
            Packet { destination: HOME, ..packet() },
            Packet { payload: Bytes::from_static(b"hellp"), ..packet() },
            with(tcp.clone()),
            with(TcpHeader { sequence: 1, ..tcp.clone() }),
            with(TcpHeader { acknowledgement: Some(0), ..tcp.clone() }),
            with(TcpHeader { syn: true, ..tcp.clone() }),
            with(TcpHeader { window: 1, ..tcp.clone() }),
            with(TcpHeader { window_scale: Some(0), ..tcp.clone() }),
            with(TcpHeader { max_segment_size: Some(1), ..tcp.clone() }),
            with(TcpHeader { sack_permitted: true, ..tcp.clone() }),
            with(TcpHeader { sack_ranges: [Some((1, 2)), None, None], ..tcp }),
        ];
        let mut digests: Vec<String> = others.iter().map(|other| digest(&seen(other))).collect();
        let same = seen(&one);
        digests.push(digest(&same));
        digests.push(digest(&PacketSeen { at: Time::from_nanos(1_012_000_008), ..same }));
        digests.push(digest(&PacketSeen { direction: Direction::Delivered, ..same }));
        digests.push(digest(&PacketSeen { host: "doorbel", ..same }));
        let count = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), count);
        assert_eq!(digest(&same), digest(&seen(&packet())));
    }

    #[test]
    fn bytes_count_at_peers_by_the_other_end() {
        let mut packets = packets();
        let to_turn = packet();
        let from_turn = Packet::udp(TURN, HOME, Bytes::new());
        let direct = Packet::udp(HOME, HOME, Bytes::new());
        let delivered = |packet| PacketSeen { direction: Direction::Delivered, ..seen(packet) };
        packets.see(&seen(&to_turn), true);
        packets.see(&delivered(&from_turn), true);
        packets.see(&seen(&direct), true);
        // Peers have no other reason for TCP than to signal.
        let tcp = Packet { transport: Transport::Tcp(TcpHeader::default()), ..direct.clone() };
        packets.see(&seen(&tcp), true);
        // The service's view of the same packets counts nothing.
        packets.see(&delivered(&to_turn), false);
        assert_eq!(packets.bytes(), BytesByKind { direct: 28, turn: 33 + 28, signalling: 40 });
        assert_eq!(packets.count(), 5);
    }
}
