//! UDP sockets of the board, as the `webrtc` crate takes them.

use crate::station::Station;
use parallax_agent::Net;
use parallax_peer::{HostRuntime, UdpRuntime, sockets};
use std::{
    fmt,
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, Transmit};

/// Sends and receives by the station. The kernel's socket stays open for its port alone.
pub(crate) struct Socket {
    station: Station,
    bound: SocketAddr,
    _reserved: std::net::UdpSocket,
}

impl Socket {
    pub(crate) fn open(station: Station, socket: std::net::UdpSocket) -> io::Result<Self> {
        let bound = socket.local_addr()?;
        station.open(bound.port())?;
        Ok(Self { station, bound, _reserved: socket })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.station.close(self.bound.port());
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Socket").field(&self.bound).finish()
    }
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.bound)
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let port = self.bound.port();
        Poll::Ready(sockets::send(transmit, |to, datagram| self.station.send(port, to, datagram)))
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
        let received = self.station.receive(self.bound.port(), room, context);
        let Poll::Ready(received) = received else { return Poll::Pending };
        Poll::Ready(Ok(sockets::receive(received?, self.bound, buffers, metas)))
    }
}

impl Net for Station {
    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(UdpRuntime(self.clone()))
    }

    /// The `webrtc` crate binds a socket of the kernel at it, for its port alone: nothing is sent
    /// there. The network knows it by the lease.
    fn addresses(&self, _towards: SocketAddr) -> Vec<IpAddr> {
        self.address().map(|_| Ipv4Addr::LOCALHOST.into()).into_iter().collect()
    }

    fn outward(&self, bound: SocketAddr) -> SocketAddr {
        match self.address() {
            Some(own) if bound.ip().is_loopback() => SocketAddr::new(own.into(), bound.port()),
            _ => bound,
        }
    }
}

impl HostRuntime for Station {
    fn open_udp(&self, bound: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(Arc::new(Socket::open(self.clone(), bound)?))
    }
}

impl fmt::Debug for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Station").field(&self.address()).finish()
    }
}
