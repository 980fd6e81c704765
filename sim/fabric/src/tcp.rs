//! TCP of hosts: the stack's streams, and its listeners as peers want them.

use crate::fabric::Fabric;
use parallax_network::HostId;
use parallax_peer::Accept;
use std::{
    io,
    net::{SocketAddr, SocketAddrV4},
};

pub use parallax_stack::TcpStream;

/// A TCP listener of a host.
#[derive(Debug)]
pub struct TcpListener(parallax_stack::SharedListener);

impl TcpListener {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddrV4 {
        self.0.local_addr()
    }
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }
}

impl Fabric {
    /// Opens a connection of a peer.
    ///
    /// # Errors
    /// If there is no answer, or the host has no end here.
    pub async fn connect(&self, host: HostId, to: SocketAddr) -> io::Result<TcpStream> {
        let SocketAddr::V4(to) = to else {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        };
        let stack = self.tcp(host)?;
        stack.connect(to).await
    }

    /// Listens at a peer's address, or at all of its addresses.
    ///
    /// # Errors
    /// If the address is not the host's, or the port is taken.
    pub fn listen(&self, host: HostId, at: SocketAddr) -> io::Result<TcpListener> {
        if at.ip() != self.host(host).1 && !(at.ip().is_unspecified() && at.is_ipv4()) {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        self.tcp(host)?.listen(at.port()).map(TcpListener)
    }
}
