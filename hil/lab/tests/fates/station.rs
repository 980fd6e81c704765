//! A host at the far end of a lab's cable, frame by frame: between a test and the wire there is no stack
//! that sends of its own accord.

use smoltcp::{
    phy::ChecksumCapabilities,
    wire::{
        ArpOperation, ArpPacket, ArpRepr, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress,
        EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr,
        TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket, UdpRepr,
    },
};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
    os::unix::net::UnixDatagram,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

/// Longer than anything here takes, on a machine however busy.
const LONG: Duration = Duration::from_secs(60);
const CLIENT_PORT: u16 = 68;
const SERVER_PORT: u16 = 67;

/// A packet as it came out of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) protocol: IpProtocol,
    /// What UDP carries; of TCP the whole segment.
    pub(crate) payload: Vec<u8>,
}

/// A host with a lease.
pub(crate) struct Station {
    socket: UnixDatagram,
    frames: Receiver<Vec<u8>>,
    deaf: Arc<AtomicBool>,
    own: EthernetAddress,
    /// What the lab leased to it.
    pub(crate) address: Ipv4Addr,
    prefix: u8,
    gateway: Ipv4Addr,
    neighbours: BTreeMap<Ipv4Addr, EthernetAddress>,
    arrived: Vec<Arrived>,
}

impl Station {
    /// Plugs the cable in, and asks for an address until there is one.
    pub(crate) fn plug(socket: UnixDatagram, number: u8) -> Self {
        let listening = socket.try_clone().expect("a socket");
        let (heard, frames) = channel();
        let deaf = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&deaf);
        // It ends when the lab's end is closed, or nobody asks any more.
        thread::spawn(move || {
            let mut frame = vec![0; 9_216];
            while let Ok(length) = listening.recv(&mut frame) {
                if heard.send(frame[..length].to_vec()).is_err() || told.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let own = EthernetAddress([2, 0, 0, 0, 1, number]);
        let unknown = Ipv4Addr::UNSPECIFIED;
        let mut station = Self {
            socket,
            frames,
            deaf,
            own,
            address: unknown,
            prefix: 0,
            gateway: unknown,
            neighbours: BTreeMap::new(),
            arrived: Vec::new(),
        };
        station.lease();
        station
    }

    /// DHCP (RFC 2131): discover, offer, request, acknowledgement.
    fn lease(&mut self) {
        self.ask_for_lease(DhcpMessageType::Discover, None);
        let offered = self.lease_answer(DhcpMessageType::Offer).0;
        self.ask_for_lease(DhcpMessageType::Request, Some(offered));
        let (address, gateway, mask) = self.lease_answer(DhcpMessageType::Ack);
        assert_eq!(address, offered);
        self.address = address;
        self.gateway = gateway;
        self.prefix = u8::try_from(mask.to_bits().leading_ones()).expect("up to 32");
    }

    fn ask_for_lease(&self, message_type: DhcpMessageType, requested_ip: Option<Ipv4Addr>) {
        let none = Ipv4Addr::UNSPECIFIED;
        let asked = DhcpRepr {
            message_type,
            transaction_id: 7,
            secs: 0,
            client_hardware_address: self.own,
            client_ip: none,
            your_ip: none,
            server_ip: none,
            router: None,
            subnet_mask: None,
            relay_agent_ip: none,
            broadcast: true,
            requested_ip,
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
        let mut bytes = vec![0; asked.buffer_len()];
        asked.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).expect("room");
        let (from, to) = (
            SocketAddrV4::new(none, CLIENT_PORT),
            SocketAddrV4::new(Ipv4Addr::BROADCAST, SERVER_PORT),
        );
        let packet = udp(from, to, &bytes);
        self.frame(EthernetAddress::BROADCAST, EthernetProtocol::Ipv4, &packet);
    }

    /// The address, the gateway and the mask of an answer.
    fn lease_answer(&mut self, wanted: DhcpMessageType) -> (Ipv4Addr, Ipv4Addr, Ipv4Addr) {
        loop {
            let Some(arrived) = self.next_packet(LONG) else { continue };
            let packet = DhcpPacket::new_checked(&arrived.payload[..]).expect("it is of DHCP");
            let answer = DhcpRepr::parse(&packet).expect("it is whole");
            if answer.message_type == wanted {
                let gateway = answer.router.expect("there is a way out");
                return (answer.your_ip, gateway, answer.subnet_mask.expect("there is a mask"));
            }
        }
    }

    /// Sends a datagram.
    pub(crate) fn send(&mut self, port: u16, to: SocketAddrV4, payload: &[u8]) {
        let packet = udp(SocketAddrV4::new(self.address, port), to, payload);
        self.packet(*to.ip(), &packet);
    }

    /// Sends a TCP segment without data.
    #[allow(dead_code, reason = "the benches have no TCP")]
    pub(crate) fn send_tcp(
        &mut self,
        port: u16,
        to: SocketAddrV4,
        control: TcpControl,
        sequence: i32,
    ) {
        let segment = TcpRepr {
            src_port: port,
            dst_port: to.port(),
            control,
            seq_number: TcpSeqNumber(sequence),
            ack_number: None,
            window_len: 9_000,
            window_scale: None,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: &[],
        };
        let all = ChecksumCapabilities::default();
        let length = segment.buffer_len();
        let from = self.address;
        let packet = ipv4(from, *to.ip(), IpProtocol::Tcp, length, |bytes| {
            let (from, to) = (IpAddress::Ipv4(from), IpAddress::Ipv4(*to.ip()));
            segment.emit(&mut TcpPacket::new_unchecked(bytes), &from, &to, &all);
        });
        self.packet(*to.ip(), &packet);
    }

    /// From the next frame on, none is taken from the cable any more.
    #[allow(dead_code, reason = "the benches have no such board")]
    pub(crate) fn deafen(&self) {
        self.deaf.store(true, Ordering::Relaxed);
    }

    /// Everything that came and was not asked for yet.
    #[allow(dead_code, reason = "the benches wait for each packet")]
    pub(crate) fn arrived(&mut self) -> Vec<Arrived> {
        while let Ok(frame) = self.frames.try_recv() {
            let packet = self.packet_of(&frame);
            self.arrived.extend(packet);
        }
        std::mem::take(&mut self.arrived)
    }

    /// The next packet that comes, if one does in that time.
    pub(crate) fn next_packet(&mut self, wait: Duration) -> Option<Arrived> {
        if !self.arrived.is_empty() {
            return Some(self.arrived.remove(0));
        }
        let frame = self.frames.recv_timeout(wait).ok()?;
        self.packet_of(&frame)
    }

    /// Sends an IPv4 packet to whoever is the next on its way.
    fn packet(&mut self, to: Ipv4Addr, packet: &[u8]) {
        let mask = u32::MAX << (32 - u32::from(self.prefix));
        let on_lan = (to.to_bits() ^ self.address.to_bits()) & mask == 0;
        let station = self.resolve(if on_lan { to } else { self.gateway });
        self.frame(station, EthernetProtocol::Ipv4, packet);
    }

    /// ARP (RFC 826).
    fn resolve(&mut self, next: Ipv4Addr) -> EthernetAddress {
        if let Some(known) = self.neighbours.get(&next) {
            return *known;
        }
        let asked = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: self.own,
            source_protocol_addr: self.address,
            target_hardware_addr: EthernetAddress([0; 6]),
            target_protocol_addr: next,
        };
        let mut bytes = vec![0; asked.buffer_len()];
        asked.emit(&mut ArpPacket::new_unchecked(&mut bytes[..]));
        self.frame(EthernetAddress::BROADCAST, EthernetProtocol::Arp, &bytes);
        loop {
            let frame = self.frames.recv_timeout(LONG).expect("an answer");
            let whole = EthernetFrame::new_checked(&frame[..]).expect("a frame");
            if whole.ethertype() != EthernetProtocol::Arp {
                let packet = self.packet_of(&frame);
                self.arrived.extend(packet);
                continue;
            }
            let answer = ArpPacket::new_checked(whole.payload()).expect("it is of ARP");
            let ArpRepr::EthernetIpv4 { source_hardware_addr, source_protocol_addr, .. } =
                ArpRepr::parse(&answer).expect("it is whole")
            else {
                panic!("another ARP");
            };
            if source_protocol_addr == next {
                self.neighbours.insert(next, source_hardware_addr);
                return source_hardware_addr;
            }
        }
    }

    fn frame(&self, to: EthernetAddress, ethertype: EthernetProtocol, payload: &[u8]) {
        let header = EthernetRepr { src_addr: self.own, dst_addr: to, ethertype };
        let mut bytes = vec![0; header.buffer_len() + payload.len()];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
        header.emit(&mut frame);
        frame.payload_mut().copy_from_slice(payload);
        self.socket.send(&bytes).expect("the lab is there");
    }

    /// The packet in a frame; none in one that is for another station, or no IPv4.
    fn packet_of(&self, frame: &[u8]) -> Option<Arrived> {
        let frame = EthernetFrame::new_checked(frame).expect("a whole frame");
        if frame.dst_addr() != self.own && !frame.dst_addr().is_broadcast() {
            return None;
        }
        if frame.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let ip = Ipv4Packet::new_checked(frame.payload()).expect("a whole packet");
        assert!(ip.verify_checksum(), "of the IPv4 header");
        let (from, to) = (ip.src_addr(), ip.dst_addr());
        let ends = (IpAddress::Ipv4(from), IpAddress::Ipv4(to));
        let (ports, payload) = match ip.next_header() {
            IpProtocol::Udp => {
                let udp = UdpPacket::new_checked(ip.payload()).expect("a whole datagram");
                assert!(udp.verify_checksum(&ends.0, &ends.1), "of a datagram");
                ((udp.src_port(), udp.dst_port()), udp.payload().to_vec())
            }
            IpProtocol::Tcp => {
                let tcp = TcpPacket::new_checked(ip.payload()).expect("a whole segment");
                assert!(tcp.verify_checksum(&ends.0, &ends.1), "of a segment");
                ((tcp.src_port(), tcp.dst_port()), ip.payload().to_vec())
            }
            other => panic!("{other} came"),
        };
        Some(Arrived {
            source: SocketAddrV4::new(from, ports.0),
            destination: SocketAddrV4::new(to, ports.1),
            protocol: ip.next_header(),
            payload,
        })
    }
}

fn udp(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let header = UdpRepr { src_port: from.port(), dst_port: to.port() };
    let length = header.header_len() + payload.len();
    ipv4(*from.ip(), *to.ip(), IpProtocol::Udp, length, |bytes| {
        let ends = (IpAddress::Ipv4(*from.ip()), IpAddress::Ipv4(*to.ip()));
        header.emit(
            &mut UdpPacket::new_unchecked(bytes),
            &ends.0,
            &ends.1,
            payload.len(),
            |buffer| buffer.copy_from_slice(payload),
            &ChecksumCapabilities::default(),
        );
    })
}

fn ipv4(
    from: Ipv4Addr,
    to: Ipv4Addr,
    protocol: IpProtocol,
    length: usize,
    fill: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let header = Ipv4Repr {
        src_addr: from,
        dst_addr: to,
        next_header: protocol,
        payload_len: length,
        hop_limit: 64,
    };
    let mut bytes = vec![0; header.buffer_len() + length];
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
    header.emit(&mut packet, &ChecksumCapabilities::default());
    fill(packet.payload_mut());
    bytes
}
