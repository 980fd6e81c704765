//! Packets as they are on a wire.

use parallax_network::{Packet, Transport};
use parallax_stack::wire::to_bytes;
use smoltcp::wire::{Ipv4Packet, TcpPacket, UdpPacket};

/// A packet as IPv4 bytes with every checksum, after `gateways` gateways; none if it is too long.
pub(crate) fn checked(packet: &Packet, gateways: u8) -> Option<Vec<u8>> {
    let mut bytes = to_bytes(packet).ok()?;
    let (source, destination) = ((*packet.source.ip()).into(), (*packet.destination.ip()).into());
    let mut ip = Ipv4Packet::new_unchecked(&mut bytes[..]);
    ip.set_hop_limit(ip.hop_limit().saturating_sub(gateways));
    match packet.transport {
        Transport::Udp => {
            UdpPacket::new_unchecked(ip.payload_mut()).fill_checksum(&source, &destination);
        }
        Transport::Tcp(_) => {
            TcpPacket::new_unchecked(ip.payload_mut()).fill_checksum(&source, &destination);
        }
    }
    ip.fill_checksum();
    Some(bytes)
}
