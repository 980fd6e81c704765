//! TCP of simulated hosts: the stack's streams, and its listeners as peers want them.

use crate::host::HostState;
use parallax_peer::Accept;
use std::{
    io,
    net::{SocketAddr, SocketAddrV4},
};

pub use parallax_stack::TcpStream;

/// A TCP listener of a simulated host.
#[derive(Debug)]
pub struct TcpListener(parallax_stack::TcpListener);

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

/// Opens a connection.
pub(crate) async fn connect(host: &HostState, to: SocketAddr) -> io::Result<TcpStream> {
    let SocketAddr::V4(to) = to else {
        return Err(io::ErrorKind::NetworkUnreachable.into());
    };
    let stack = host.fabric.tcp(host.id)?;
    stack.connect(to).await
}

/// Listens at the host's address, or at all of its addresses.
pub(crate) fn listen(host: &HostState, at: SocketAddr) -> io::Result<TcpListener> {
    if at.ip() != host.address && !(at.ip().is_unspecified() && at.is_ipv4()) {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    }
    host.fabric.tcp(host.id)?.listen(at.port()).map(TcpListener)
}
