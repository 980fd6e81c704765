//! Devices outside: their packets, and the TCP connections that their own stacks open.
//!
//! A device and a proxy of the lab may share one address. A connection belongs to the device if the device sent its SYN;
//! all other TCP that reaches the address belongs to the proxy.

use super::Fabric;
use parallax_network::{HostId, Packet, Transport};
use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddrV4,
};

/// Connections that are remembered, of all devices together. Beyond it the oldest is forgotten.
const CONNECTIONS_MOST: usize = 4_096;

/// A connection: the device, its port, the other end.
type Connection = (HostId, u16, SocketAddrV4);

/// Connections that devices opened.
#[derive(Debug, Default)]
pub(super) struct OutsideConnections {
    open: BTreeSet<Connection>,
    by_age: VecDeque<Connection>,
}

impl OutsideConnections {
    /// A device sent a packet: a SYN opens a connection.
    fn sent(&mut self, from: HostId, packet: &Packet) {
        let Transport::Tcp(tcp) = &packet.transport else { return };
        let connection = (from, packet.source.port(), packet.destination);
        if !tcp.syn || tcp.acknowledgement.is_some() || !self.open.insert(connection) {
            return;
        }
        self.by_age.push_back(connection);
        if self.by_age.len() > CONNECTIONS_MOST
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.open.remove(&oldest);
        }
    }

    /// Whether a packet that reached a device belongs to a connection of the device's own.
    pub(super) fn holds(&self, to: HostId, packet: &Packet) -> bool {
        self.open.contains(&(to, packet.destination.port(), packet.source))
    }

    /// The device lost its power.
    pub(super) fn forget(&mut self, host: HostId) {
        self.open.retain(|(device, ..)| *device != host);
        self.by_age.retain(|(device, ..)| *device != host);
    }
}

impl Fabric {
    /// Sends a packet for a device outside. The driver of the fabric hands deliveries to the device.
    pub fn inject(&self, from: HostId, packet: Packet) {
        let mut inner = self.lock();
        let now = self.present(&inner);
        if inner.ends.contains_key(&from) {
            inner.outside.sent(from, &packet);
        }
        inner.send(now, from, packet);
        drop(inner);
        self.changed();
    }

    /// Whether TCP that reached a host is for the device outside, and not for an end that the host has here.
    pub fn is_outside(&self, host: HostId, packet: &Packet) -> bool {
        let inner = self.lock();
        !inner.ends.contains_key(&host) || inner.outside.holds(host, packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parallax_network::{Network, TcpHeader};
    use std::net::Ipv4Addr;

    const OWN: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
    const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 7), 8_080);

    fn device() -> HostId {
        Network::new(1).add_service("device", OWN).expect("a host")
    }

    fn segment(source: SocketAddrV4, destination: SocketAddrV4, tcp: TcpHeader) -> Packet {
        let transport = Transport::Tcp(tcp);
        Packet { source, destination, transport, payload: bytes::Bytes::new() }
    }

    fn syn(port: u16) -> Packet {
        let tcp = TcpHeader { syn: true, ..TcpHeader::default() };
        segment(SocketAddrV4::new(OWN, port), SERVER, tcp)
    }

    fn answer(port: u16) -> Packet {
        let tcp = TcpHeader { syn: true, acknowledgement: Some(1), ..TcpHeader::default() };
        segment(SERVER, SocketAddrV4::new(OWN, port), tcp)
    }

    #[test]
    fn a_connection_is_the_devices_from_its_syn_to_the_end_of_its_power() {
        let (device, mut connections) = (device(), OutsideConnections::default());
        let data = segment(SocketAddrV4::new(OWN, 40_001), SERVER, TcpHeader::default());
        connections.sent(device, &data);
        assert!(!connections.holds(device, &answer(40_001)), "it opened nothing");
        connections.sent(device, &syn(40_000));
        assert!(connections.holds(device, &answer(40_000)));
        assert!(!connections.holds(device, &answer(40_001)), "the proxy's");
        connections.forget(device);
        assert!(!connections.holds(device, &answer(40_000)));
    }

    #[test]
    fn a_flood_of_syns_leaves_the_newest_connections() {
        let (device, mut connections) = (device(), OutsideConnections::default());
        for port in 1..=u16::MAX {
            connections.sent(device, &syn(port));
            connections.sent(device, &syn(port));
        }
        assert_eq!(connections.open.len(), CONNECTIONS_MOST);
        assert_eq!(connections.by_age.len(), CONNECTIONS_MOST);
        assert!(connections.holds(device, &answer(u16::MAX)));
        assert!(!connections.holds(device, &answer(1)));
    }
}
