//! A UDP socket of the board, as the `webrtc` crate wants it.

use crate::station::Station;
use parallax_peer::sockets;
use std::{
    fmt,
    io::{self, IoSliceMut},
    net::SocketAddr,
    task::{Context, Poll},
};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

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
        let received = received?;
        let count = received.len();
        for (((payload, from), buffer), meta) in received.into_iter().zip(buffers).zip(metas) {
            sockets::receive(&payload, from, self.bound, buffer, meta);
        }
        Poll::Ready(Ok(count))
    }
}
