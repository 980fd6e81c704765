//! UDP sockets of simulated hosts.

use crate::host::HostState;
use bytes::Bytes;
use parallax_network::Packet;
use std::{
    fmt,
    io::{self, IoSliceMut},
    net::{SocketAddr, SocketAddrV4},
    sync::Arc,
    task::{Context, Poll},
};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// A UDP socket: sends straight into the network, and reads what the last step delivered.
pub(crate) struct UdpSocket {
    host: Arc<HostState>,
    local: SocketAddrV4,
}

impl UdpSocket {
    /// Opens a socket at an address of `host`.
    ///
    /// # Errors
    /// If the address is not the host's, or its port is open already.
    pub(crate) fn open(host: Arc<HostState>, local: SocketAddr) -> io::Result<Self> {
        let SocketAddr::V4(local) = local else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        if *local.ip() != host.address {
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("failed to open {local}: the host's address is {}", host.address),
            ));
        }
        host.fabric.open_udp(host.id, local.port())?;
        Ok(Self { host, local })
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        self.host.fabric.close_udp(self.host.id, self.local.port());
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UdpSocket({} of {})", self.local, self.host.name)
    }
}

impl AsyncUdpSocket for UdpSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local.into())
    }

    /// Always ready: what does not fit is dropped by the network, not held back here.
    fn poll_send(
        &self,
        _context: &mut Context<'_>,
        transmit: &Transmit<'_>,
    ) -> Poll<io::Result<usize>> {
        let SocketAddr::V4(destination) = transmit.destination else {
            return Poll::Ready(Err(io::ErrorKind::NetworkUnreachable.into()));
        };
        let whole = transmit.contents.len();
        let segment = transmit.segment_size.filter(|size| *size > 0).unwrap_or(whole).max(1);
        let send = |payload: &[u8]| {
            let payload = Bytes::copy_from_slice(payload);
            self.host.fabric.send(self.host.id, Packet::udp(self.local, destination, payload));
        };
        if whole == 0 {
            send(&[]);
        }
        transmit.contents.chunks(segment).for_each(send);
        Poll::Ready(Ok(whole))
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let room = buffers.len().min(metas.len());
        if room == 0 {
            return Poll::Ready(Ok(0));
        }
        let received = self.host.fabric.receive_udp(self.host.id, self.local.port(), room, context);
        let Poll::Ready(received) = received else { return Poll::Pending };
        let received = received?;
        let count = received.len();
        for ((packet, buffer), meta) in received.into_iter().zip(buffers).zip(metas) {
            let length = packet.payload.len().min(buffer.len());
            buffer[..length].copy_from_slice(&packet.payload[..length]);
            *meta = RecvMeta::default();
            meta.addr = packet.source.into();
            meta.len = length;
            meta.stride = length.max(1);
            meta.dst_ip = Some((*self.local.ip()).into());
        }
        Poll::Ready(Ok(count))
    }
}
