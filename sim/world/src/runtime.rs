//! Runtime of a simulated host: its time, tasks and UDP sockets.

use crate::{busy::Leaving, lock, state::HostState, task::InHost};
use bytes::Bytes;
use parallax_fabric::{Sleep, Timers, UdpSocket};
use parallax_network::{Packet, Time};
use parallax_peer::{BoxedTask, HostRuntime, sockets};
use std::{
    fmt,
    future::Future,
    io::{self, IoSliceMut},
    net::SocketAddr,
    os::fd::AsRawFd,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, Instant},
};
use webrtc::runtime::{AsyncInterval, AsyncUdpSocket, JoinHandle, RecvMeta, Transmit};

/// Clock, timers, tasks and UDP sockets of a simulated host.
pub(crate) struct SimRuntime {
    host: Arc<HostState>,
}

impl SimRuntime {
    pub(crate) fn new(host: Arc<HostState>) -> Self {
        Self { host }
    }
}

impl fmt::Debug for SimRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimRuntime").field("host", &self.host.name).finish()
    }
}

impl HostRuntime for SimRuntime {
    #[expect(clippy::disallowed_methods, reason = "here a task is made one of its host")]
    fn spawn(&self, task: BoxedTask) -> Box<dyn JoinHandle> {
        let task = InHost::new(Arc::clone(&self.host), task);
        Box::new(Task(tokio::task::spawn_local(async move {
            task.await;
        })))
    }

    /// The driver of a connection binds a socket by the standard library and hands it over. On a
    /// simulating thread that bind has only been remembered: its address is taken, and the
    /// descriptor closed.
    fn open_udp(&self, bound: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let local = bound.local_addr()?;
        parallax_interpose::forget(bound.as_raw_fd());
        drop(bound);
        let host = Arc::clone(&self.host);
        let inner = UdpSocket::open(Arc::clone(&host.fabric), host.id, local, local)?;
        Ok(Arc::new(Socket { inner, local, host, waiting: Mutex::default() }))
    }

    fn now(&self) -> Instant {
        self.host.timers.instant() + self.host.now().saturating_since(self.host.timers.now())
    }

    fn sleep(&self, duration: Duration) -> BoxedTask {
        Box::pin(self.host.timers.sleep_until(self.host.now() + duration))
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        let timers = self.host.timers.clone();
        let next = timers.now();
        Box::new(Interval { timers, next, period })
    }

    fn block_on(&self, _future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        panic!("failed to block: a simulated host shares its thread with the rest of the world");
    }
}

/// A socket of a host: while that computes nothing is read, and what is sent leaves when it is done.
struct Socket {
    inner: UdpSocket,
    local: SocketAddr,
    host: Arc<HostState>,
    waiting: Mutex<Option<Sleep>>,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(
        &self,
        context: &mut Context<'_>,
        transmit: &Transmit<'_>,
    ) -> Poll<io::Result<usize>> {
        let (Some(at), SocketAddr::V4(local)) = (self.host.busy_until(), self.local) else {
            return self.inner.poll_send(context, transmit);
        };
        Poll::Ready(sockets::send(transmit, |to, datagram| {
            let packet = Packet::udp(local, to, Bytes::copy_from_slice(datagram));
            self.host.hold(at, Leaving::Packet(packet));
        }))
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if self.host.waits(&mut lock(&self.waiting), context) {
            return Poll::Pending;
        }
        self.inner.poll_recv(context, buffers, metas)
    }
}

/// A task of a host. Dropping the handle lets the task run on.
struct Task(tokio::task::JoinHandle<()>);

impl JoinHandle for Task {
    fn detach(&self) {}

    fn abort(&self) {
        self.0.abort();
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// Ticks at its start and each `period` after it; a late tick does not move the later ones.
struct Interval {
    timers: Timers,
    next: Time,
    period: Duration,
}

impl AsyncInterval for Interval {
    fn tick(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let sleep = self.timers.sleep_until(self.next);
        Box::pin(async move {
            sleep.await;
            // Moved when it has ticked, so that a tick that is dropped while it waits is not lost.
            self.next += self.period;
        })
    }
}
