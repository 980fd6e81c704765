//! UDP sockets of hosts.

use crate::fabric::Fabric;
use bytes::Bytes;
use parallax_network::{HostId, Packet};
use parallax_peer::sockets;
use std::{
    fmt,
    io::{self, IoSliceMut},
    net::{SocketAddr, SocketAddrV4},
    sync::Arc,
    task::{Context, Poll},
};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// A UDP socket: sends straight into the network, and reads what was delivered.
pub struct UdpSocket {
    fabric: Arc<Fabric>,
    host: HostId,
    bound: SocketAddr,
    local: SocketAddrV4,
    /// Kept open for its port, if there is one.
    reserved: Option<std::net::UdpSocket>,
}

impl UdpSocket {
    /// Opens a socket at `local`, an address of `host`. Its owner knows it as `bound`.
    ///
    /// # Errors
    /// If the address is not the host's, or its port is open already.
    pub fn open(
        fabric: Arc<Fabric>,
        host: HostId,
        bound: SocketAddr,
        local: SocketAddr,
    ) -> io::Result<Self> {
        let SocketAddr::V4(local) = local else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        let (_, address) = fabric.host(host);
        if *local.ip() != address {
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                format!("failed to open {local}: the host's address is {address}"),
            ));
        }
        fabric.open_udp(host, local.port())?;
        Ok(Self { fabric, host, bound, local, reserved: None })
    }

    /// Keeps `socket` open as long as this one is. Nothing is sent or received over it.
    #[must_use]
    pub fn with_reserved(mut self, socket: std::net::UdpSocket) -> Self {
        self.reserved = Some(socket);
        self
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        self.fabric.close_udp(self.host, self.local.port());
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UdpSocket({} of {})", self.local, self.fabric.host(self.host).0)
    }
}

impl AsyncUdpSocket for UdpSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.bound)
    }

    /// Always ready: what does not fit is dropped by the network, not held back here.
    fn poll_send(
        &self,
        _context: &mut Context<'_>,
        transmit: &Transmit<'_>,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(sockets::send(transmit, |to, datagram| {
            let payload = Bytes::copy_from_slice(datagram);
            self.fabric.send(self.host, Packet::udp(self.local, to, payload));
        }))
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
        let received = self.fabric.receive_udp(self.host, self.local.port(), room, context);
        let Poll::Ready(received) = received else { return Poll::Pending };
        let received = received?.into_iter().map(|packet| (packet.payload, packet.source.into()));
        Poll::Ready(Ok(sockets::receive(received, self.bound, buffers, metas)))
    }
}
