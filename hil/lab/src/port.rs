//! An Ethernet port, as a pure core: frames in; frames, and packets for the network, out.
//!
//! Behind it stands one board. It gets the address that the scenario gives it, by DHCP (RFC 2131);
//! its gateway answers ARP (RFC 826) for every address of the LAN but the board's own, so that what
//! the board sends to a neighbour goes by way of the network core, too. The gateway also answers DNS for the names of the
//! lab and NTP, and echo requests (RFC 792) to itself and to what a name leads to.

mod dns;
mod ntp;
#[cfg(test)]
mod tests;

pub use dns::LabNames;

use core::{
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};
use parallax_network::Packet;
use parallax_record::counted;
use parallax_stack::wire::{self, WireError};
use smoltcp::{
    phy::ChecksumCapabilities,
    wire::{
        ArpOperation, ArpPacket, ArpRepr, DhcpMessageType, DhcpOption, DhcpPacket, DhcpRepr,
        EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv4Packet, Icmpv4Repr,
        IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, TcpPacket, UdpPacket, UdpRepr,
    },
};
use std::collections::BTreeMap;

/// The gateway's, locally administered.
const GATEWAY: EthernetAddress = EthernetAddress([0x02, 0, 0, 0, 0, 0x01]);
const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
const LEASE_S: u32 = 86_400;
const DNS_PORT: u16 = 53;
const NTP_PORT: u16 = 123;
/// The DHCP option of NTP servers (RFC 2132 section 8.3).
const NTP_SERVERS: u8 = 42;
/// Unknown names that are counted apart. A board that asks for more of them floods.
const UNKNOWN_MOST: usize = 64;

/// Why a frame, or what is in it, was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FrameRefusal {
    /// No whole frame, or what is in it is cut short, contradicts itself or has a wrong checksum.
    Malformed,
    /// Neither IPv4 nor ARP.
    EtherType,
    /// For another station.
    OtherStation,
    /// An IPv4 source that is not the board's.
    ForeignSource,
    /// A fragment: nothing here fragments.
    Fragment,
    /// Neither UDP nor TCP, and no echo request to an address that the lab answers for.
    Protocol,
    /// To the gateway's DNS or NTP port, and no query.
    NoQuery,
    /// A packet for the board came before the board's Ethernet address was known.
    UnknownBoard,
    /// A frame for the board, and its cable had no room, or no other end.
    NotTaken,
}

/// What came of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortOutput {
    /// To be sent back.
    Frame(Vec<u8>),
    /// To be handed to the network.
    Packet(Packet),
    /// Nothing.
    Nothing,
}

/// What passed a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortCounts {
    /// Packets from the board that went into the network.
    pub entered: u64,
    /// Packets from the network that became frames.
    pub left: u64,
    /// What was dropped, and why.
    pub refused: BTreeMap<FrameRefusal, u64>,
    /// How often it asked for names that the lab does not know. Up to 64 names have a count of their own.
    pub unknown_names: BTreeMap<String, u64>,
    /// Queries for further unknown names.
    pub further_names: u64,
}

impl PortCounts {
    /// Names that the board asked for and the lab does not know, as text.
    pub fn asked_in_vain(&self) -> impl Iterator<Item = String> {
        let apart = |(name, times): (&String, &u64)| {
            format!("asked {} for {name}, which the lab does not know", counted(*times, "time"))
        };
        let further = (self.further_names > 0).then(|| {
            let times = counted(self.further_names, "time");
            format!("asked {times} for further names that the lab does not know")
        });
        self.unknown_names.iter().map(apart).chain(further)
    }
}

/// A port and what it knows of its board.
#[derive(Clone, Debug)]
pub struct Port {
    address: Ipv4Addr,
    gateway: Ipv4Addr,
    prefix: u8,
    names: LabNames,
    board: Option<EthernetAddress>,
    counts: PortCounts,
}

impl Port {
    /// The port of a board that is to have `address` on a LAN of `prefix` bits with this gateway, which knows `names`.
    pub fn new(address: Ipv4Addr, gateway: Ipv4Addr, prefix: u8, names: LabNames) -> Self {
        Self { address, gateway, prefix, names, board: None, counts: PortCounts::default() }
    }

    /// The board's address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its gateway's.
    pub fn gateway(&self) -> Ipv4Addr {
        self.gateway
    }

    /// What passed so far.
    pub fn counts(&self) -> &PortCounts {
        &self.counts
    }

    /// Takes a frame from the board, whatever its bytes are. `utc` is the time since 1970.
    pub fn handle(&mut self, frame: &[u8], utc: Duration) -> PortOutput {
        match self.read(frame, utc) {
            Ok(heard) => {
                self.counts.entered += u64::from(matches!(heard, PortOutput::Packet(_)));
                heard
            }
            Err(refusal) => {
                *self.counts.refused.entry(refusal).or_default() += 1;
                PortOutput::Nothing
            }
        }
    }

    /// The frame that takes a packet to the board; none, and counted, if that cannot be.
    pub fn frame(&mut self, packet: &Packet) -> Option<Vec<u8>> {
        let made = self.board.ok_or(FrameRefusal::UnknownBoard).and_then(|board| {
            let mut bytes = wire::to_bytes(packet).map_err(|_| FrameRefusal::Malformed)?;
            fill_checksums(&mut bytes);
            Ok(ethernet(board, EthernetProtocol::Ipv4, &bytes))
        });
        match made {
            Ok(frame) => {
                self.counts.left += 1;
                Some(frame)
            }
            Err(refusal) => {
                *self.counts.refused.entry(refusal).or_default() += 1;
                None
            }
        }
    }

    /// A frame was not taken from the port.
    pub(crate) fn not_taken(&mut self) {
        *self.counts.refused.entry(FrameRefusal::NotTaken).or_default() += 1;
    }

    fn read(&mut self, frame: &[u8], utc: Duration) -> Result<PortOutput, FrameRefusal> {
        let frame = EthernetFrame::new_checked(frame).map_err(|_| FrameRefusal::Malformed)?;
        let (from, to) = (frame.src_addr(), frame.dst_addr());
        if !from.is_unicast() || from == GATEWAY {
            return Err(FrameRefusal::Malformed);
        }
        if to != GATEWAY && !to.is_broadcast() {
            return Err(FrameRefusal::OtherStation);
        }
        match frame.ethertype() {
            EthernetProtocol::Arp => self.arp(frame.payload()),
            EthernetProtocol::Ipv4 => self.ipv4(from, frame.payload(), utc),
            _ => Err(FrameRefusal::EtherType),
        }
    }

    fn arp(&mut self, payload: &[u8]) -> Result<PortOutput, FrameRefusal> {
        let packet = ArpPacket::new_checked(payload).map_err(|_| FrameRefusal::Malformed)?;
        let ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: board,
            source_protocol_addr,
            target_protocol_addr: asked,
            ..
        } = ArpRepr::parse(&packet).map_err(|_| FrameRefusal::Malformed)?
        else {
            return Err(FrameRefusal::Malformed);
        };
        // A probe (RFC 5227) comes from no address.
        if source_protocol_addr != self.address && !source_protocol_addr.is_unspecified() {
            return Err(FrameRefusal::ForeignSource);
        }
        let on_lan = mask(asked, self.prefix) == mask(self.gateway, self.prefix);
        if operation != ArpOperation::Request || asked == self.address || !on_lan {
            return Ok(PortOutput::Nothing);
        }
        if source_protocol_addr == self.address {
            self.board = Some(board);
        }
        let reply = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: GATEWAY,
            source_protocol_addr: asked,
            target_hardware_addr: board,
            target_protocol_addr: source_protocol_addr,
        };
        let mut bytes = vec![0; reply.buffer_len()];
        reply.emit(&mut ArpPacket::new_unchecked(&mut bytes[..]));
        Ok(PortOutput::Frame(ethernet(board, EthernetProtocol::Arp, &bytes)))
    }

    fn ipv4(
        &mut self,
        from: EthernetAddress,
        payload: &[u8],
        utc: Duration,
    ) -> Result<PortOutput, FrameRefusal> {
        let ip = Ipv4Packet::new_checked(payload).map_err(|_| FrameRefusal::Malformed)?;
        // What follows the packet is Ethernet's padding.
        let whole = &payload[..usize::from(ip.total_len())];
        if ip.next_header() == IpProtocol::Icmp {
            return self.icmp(from, &ip);
        }
        let packet = wire::from_bytes(whole).map_err(|error| match error {
            WireError::Fragment => FrameRefusal::Fragment,
            WireError::Protocol => FrameRefusal::Protocol,
            WireError::Malformed | WireError::TooLong => FrameRefusal::Malformed,
        })?;
        if !checksums_hold(&ip) {
            return Err(FrameRefusal::Malformed);
        }
        let udp = ip.next_header() == IpProtocol::Udp;
        if udp && packet.destination.port() == SERVER_PORT && packet.source.port() == CLIENT_PORT {
            return self.dhcp(from, &packet.payload);
        }
        if *packet.source.ip() != self.address {
            return Err(FrameRefusal::ForeignSource);
        }
        self.board = Some(from);
        if udp && packet.destination == SocketAddrV4::new(self.gateway, DNS_PORT) {
            return self.dns(from, &packet);
        }
        if udp && packet.destination == SocketAddrV4::new(self.gateway, NTP_PORT) {
            let response = ntp::answer(&packet.payload, utc).ok_or(FrameRefusal::NoQuery)?;
            let datagram = datagram(packet.destination, packet.source, &response);
            return Ok(PortOutput::Frame(ethernet(from, EthernetProtocol::Ipv4, &datagram)));
        }
        Ok(PortOutput::Packet(packet))
    }

    fn dns(&mut self, from: EthernetAddress, query: &Packet) -> Result<PortOutput, FrameRefusal> {
        let answer = self.names.answer(&query.payload).ok_or(FrameRefusal::NoQuery)?;
        if let Some(name) = answer.unknown {
            let counts = &mut self.counts;
            if counts.unknown_names.len() < UNKNOWN_MOST || counts.unknown_names.contains_key(&name)
            {
                *counts.unknown_names.entry(name).or_default() += 1;
            } else {
                counts.further_names += 1;
            }
        }
        let datagram = datagram(query.destination, query.source, &answer.response);
        Ok(PortOutput::Frame(ethernet(from, EthernetProtocol::Ipv4, &datagram)))
    }

    /// The packet core has no ICMP: for the services that have names, the gateway answers, past all links.
    fn icmp(
        &mut self,
        from: EthernetAddress,
        ip: &Ipv4Packet<&[u8]>,
    ) -> Result<PortOutput, FrameRefusal> {
        if ip.more_frags() || ip.frag_offset() != 0 {
            return Err(FrameRefusal::Fragment);
        }
        if ip.src_addr() != self.address {
            return Err(FrameRefusal::ForeignSource);
        }
        let all = ChecksumCapabilities::default();
        let packet =
            Icmpv4Packet::new_checked(ip.payload()).map_err(|_| FrameRefusal::Malformed)?;
        let asked = Icmpv4Repr::parse(&packet, &all).map_err(|_| FrameRefusal::Malformed)?;
        if !ip.verify_checksum() {
            return Err(FrameRefusal::Malformed);
        }
        let Icmpv4Repr::EchoRequest { ident, seq_no, data } = asked else {
            return Err(FrameRefusal::Protocol);
        };
        let to = ip.dst_addr();
        if to != self.gateway && !self.names.lead_to(to) {
            return Err(FrameRefusal::Protocol);
        }
        self.board = Some(from);
        let reply = Icmpv4Repr::EchoReply { ident, seq_no, data };
        let header = ip_header(to, self.address, IpProtocol::Icmp, reply.buffer_len());
        let mut bytes = vec![0; header.buffer_len() + header.payload_len];
        let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
        header.emit(&mut packet, &all);
        reply.emit(&mut Icmpv4Packet::new_unchecked(packet.payload_mut()), &all);
        Ok(PortOutput::Frame(ethernet(from, EthernetProtocol::Ipv4, &bytes)))
    }

    fn dhcp(&mut self, from: EthernetAddress, payload: &[u8]) -> Result<PortOutput, FrameRefusal> {
        let packet = DhcpPacket::new_checked(payload).map_err(|_| FrameRefusal::Malformed)?;
        let asked = DhcpRepr::parse(&packet).map_err(|_| FrameRefusal::Malformed)?;
        let elsewhere = asked.server_identifier.is_some_and(|server| server != self.gateway);
        let message_type = match asked.message_type {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            DhcpMessageType::Request if !elsewhere => {
                let wanted = asked.requested_ip.unwrap_or(asked.client_ip);
                let agrees = wanted == self.address;
                if agrees { DhcpMessageType::Ack } else { DhcpMessageType::Nak }
            }
            _ => return Ok(PortOutput::Nothing),
        };
        let agrees = message_type != DhcpMessageType::Nak;
        self.board = Some(from);
        let address = if agrees { self.address } else { Ipv4Addr::UNSPECIFIED };
        let gateway = self.gateway.octets();
        let time = [DhcpOption { kind: NTP_SERVERS, data: &gateway }];
        let reply = DhcpRepr {
            message_type,
            transaction_id: asked.transaction_id,
            secs: 0,
            client_hardware_address: asked.client_hardware_address,
            client_ip: Ipv4Addr::UNSPECIFIED,
            your_ip: address,
            server_ip: self.gateway,
            router: agrees.then_some(self.gateway),
            subnet_mask: agrees.then(|| mask(Ipv4Addr::BROADCAST, self.prefix)),
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            broadcast: true,
            requested_ip: None,
            client_identifier: None,
            server_identifier: Some(self.gateway),
            parameter_request_list: None,
            dns_servers: agrees.then(|| [self.gateway].into_iter().collect()),
            max_size: None,
            lease_duration: agrees.then_some(LEASE_S),
            renew_duration: None,
            rebind_duration: None,
            additional_options: if agrees { &time } else { &[] },
        };
        let mut bytes = vec![0; reply.buffer_len()];
        reply
            .emit(&mut DhcpPacket::new_unchecked(&mut bytes[..]))
            .map_err(|_| FrameRefusal::Malformed)?;
        let [server, client] = [(self.gateway, SERVER_PORT), (Ipv4Addr::BROADCAST, CLIENT_PORT)]
            .map(|(address, port)| SocketAddrV4::new(address, port));
        let datagram = datagram(server, client, &bytes);
        let all = EthernetAddress::BROADCAST;
        Ok(PortOutput::Frame(ethernet(all, EthernetProtocol::Ipv4, &datagram)))
    }
}

fn ip_header(
    from: Ipv4Addr,
    to: Ipv4Addr,
    next_header: IpProtocol,
    payload_len: usize,
) -> Ipv4Repr {
    Ipv4Repr { src_addr: from, dst_addr: to, next_header, payload_len, hop_limit: 64 }
}

/// A datagram of the gateway's own, as IPv4 bytes.
fn datagram(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let udp = UdpRepr { src_port: from.port(), dst_port: to.port() };
    let length = udp.header_len() + payload.len();
    let ip = ip_header(*from.ip(), *to.ip(), IpProtocol::Udp, length);
    let mut bytes = vec![0; ip.buffer_len() + ip.payload_len];
    let all = ChecksumCapabilities::default();
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
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

fn mask(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    let ones = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & ones)
}

fn ethernet(to: EthernetAddress, ethertype: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
    let header = EthernetRepr { src_addr: GATEWAY, dst_addr: to, ethertype };
    let mut bytes = vec![0; header.buffer_len() + payload.len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    header.emit(&mut frame);
    frame.payload_mut().copy_from_slice(payload);
    bytes
}

/// The packet core leaves them empty.
fn fill_checksums(bytes: &mut [u8]) {
    let mut ip = Ipv4Packet::new_unchecked(bytes);
    ip.fill_checksum();
    let (from, to) = (IpAddress::Ipv4(ip.src_addr()), IpAddress::Ipv4(ip.dst_addr()));
    match ip.next_header() {
        IpProtocol::Udp => UdpPacket::new_unchecked(ip.payload_mut()).fill_checksum(&from, &to),
        IpProtocol::Tcp => TcpPacket::new_unchecked(ip.payload_mut()).fill_checksum(&from, &to),
        _ => {}
    }
}

/// Of a packet whose headers are whole.
fn checksums_hold(ip: &Ipv4Packet<&[u8]>) -> bool {
    let (from, to) = (IpAddress::Ipv4(ip.src_addr()), IpAddress::Ipv4(ip.dst_addr()));
    let transport = match ip.next_header() {
        IpProtocol::Udp => UdpPacket::new_unchecked(ip.payload()).verify_checksum(&from, &to),
        IpProtocol::Tcp => TcpPacket::new_unchecked(ip.payload()).verify_checksum(&from, &to),
        _ => true,
    };
    ip.verify_checksum() && transport
}
