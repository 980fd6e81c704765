//! Runtime of the `webrtc` crate on hosts with UDP sockets of their own: in simulation, in a lab, and on a process board.

use std::{
    fmt,
    future::Future,
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    TokioRuntime,
};

/// A future as the `webrtc` crate spawns it and sleeps by it.
pub type BoxedTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What differs between the runtimes: sockets, and on a simulated host tasks and time. The defaults are tokio's.
pub trait HostRuntime: fmt::Debug + Send + Sync + 'static {
    /// Opens a socket of the host in place of one that the crate bound on this machine.
    ///
    /// # Errors
    /// If the host has no such address, or the port is taken.
    fn open_udp(&self, bound: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>>;

    /// Spawns a task of the host.
    fn spawn(&self, task: BoxedTask) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(task)
    }

    /// The host's time.
    fn now(&self) -> Instant {
        TokioRuntime.now()
    }

    /// Ends after `duration`.
    fn sleep(&self, duration: Duration) -> BoxedTask {
        TokioRuntime.sleep(duration)
    }

    /// Ticks now and after each `period`.
    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    /// Blocks the thread.
    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }
}

/// A [`HostRuntime`] as the `webrtc` crate takes it, without TCP for ICE and without DNS.
#[derive(Debug)]
pub struct UdpRuntime<H>(pub H);

impl<H: HostRuntime> Runtime for UdpRuntime<H> {
    fn spawn(&self, future: BoxedTask) -> Box<dyn JoinHandle> {
        self.0.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        self.0.open_udp(socket)
    }

    fn wrap_tcp_listener(&self, _: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        Err(no_ice_tcp())
    }

    fn connect_tcp<'a>(
        &'a self,
        _: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        Box::pin(async { Err(no_ice_tcp()) })
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async move { resolve(host) })
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxedTask {
        self.0.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.0.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.0.block_on(future);
    }

    fn yield_now(&self) -> BoxedTask {
        TokioRuntime.yield_now()
    }

    fn name(&self) -> &'static str {
        "parallax"
    }
}

fn no_ice_tcp() -> io::Error {
    let message = "failed to open a TCP socket for ICE: this host has UDP candidates only";
    io::Error::new(io::ErrorKind::Unsupported, message)
}

/// Resolves an address with a port. Names fail.
fn resolve(host: &str) -> io::Result<Vec<SocketAddr>> {
    host.parse().map(|address| vec![address]).map_err(|_| {
        let message = format!(
            "failed to resolve `{host}`: this host takes addresses such as 198.51.100.1:3478 only"
        );
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_resolved_and_names_are_not() {
        let address: SocketAddr = ([198, 51, 100, 1], 3478).into();
        assert_eq!(resolve("198.51.100.1:3478").expect("an address"), [address]);
        assert_eq!(resolve("stun.example").expect_err("a name").kind(), io::ErrorKind::NotFound);
    }
}
