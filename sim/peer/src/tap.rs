//! The host's runtime as the driver of one session has it: its UDP sockets are looked at, for ICE checks and for what the
//! DTLS handshake takes, and its timers are as late as the device's are.

use crate::{
    checks::{Checks, PairCheck, may_be_a_check},
    crypto::Spending,
    flight::{Flights, REPEATS, Repeats, is_handshake, repeat_after},
    host::Host,
    name::SessionName,
    passes::Passes,
    round_trip::SharedRoundTrip,
    tasks::Tasks,
};
use parallax_record::{Event, SetupTask};
use std::{
    fmt,
    future::{Future, poll_fn},
    io::{self, IoSliceMut},
    net::{SocketAddr, TcpListener},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime,
    Transmit,
};

/// Between two observations of a timer's lateness, nanoseconds.
const TIMER_NS: u64 = 1_000_000_000;

/// The runtime of `host` for the connection of one session: its ICE checks are observed, and its driver makes
/// extra `passes`. What the checks tell of the round trip goes to `round_trip`. What the handshake takes is counted
/// without what `spending` counts.
pub(crate) fn runtime<H: Host>(
    host: &H,
    session: &SessionName,
    passes: Passes,
    round_trip: SharedRoundTrip,
    spending: Spending<H>,
) -> Arc<dyn Runtime> {
    let teller = Arc::new_cyclic(|me| Teller {
        me: Weak::clone(me),
        host: host.clone(),
        session: session.clone(),
        checks: Mutex::default(),
        flights: Mutex::default(),
        repeats: Mutex::default(),
        tasks: Mutex::default(),
        round_trip,
        spending,
        taking: Mutex::default(),
        timer_due_ns: AtomicU64::new(0),
    });
    Arc::new(Tapped { inner: host.runtime(), teller, passes })
}

/// A datagram that is being taken.
#[derive(Default)]
struct Taking {
    /// Which task that is, since when, and what was spent before, nanoseconds.
    now: Option<(SetupTask, u64, u64)>,
    /// One of ICE was taken.
    checked: bool,
}

struct Teller<H> {
    me: Weak<Self>,
    host: H,
    session: SessionName,
    checks: Mutex<Checks>,
    flights: Mutex<Flights>,
    repeats: Mutex<Repeats>,
    tasks: Mutex<Tasks>,
    round_trip: SharedRoundTrip,
    spending: Spending<H>,
    taking: Mutex<Taking>,
    /// The earliest time of the next `timer_late` event, nanoseconds of the run: one a second ([`TIMER_NS`]) is recorded.
    timer_due_ns: AtomicU64,
}

impl<H: Host> Teller<H> {
    fn taking(&self) -> MutexGuard<'_, Taking> {
        self.taking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Datagrams are handed to the driver.
    fn begin<'d>(&self, mut datagrams: impl Iterator<Item = &'d [u8]> + Clone) {
        let mut taking = self.taking();
        let task = if datagrams.clone().any(is_handshake) {
            SetupTask::Handshake
        } else if !taking.checked && datagrams.any(may_be_a_check) {
            taking.checked = true;
            SetupTask::FirstCheck
        } else {
            return;
        };
        taking.now = Some((task, self.host.now_ns(), self.spending.spent_ns()));
    }

    /// The driver comes back to its sockets: what it was handed before is done.
    fn end(&self) {
        let taken = self.taking().now.take();
        if let Some((task, since_ns, before_ns)) = taken {
            let apart_ns = self.spending.spent_ns().saturating_sub(before_ns);
            self.host.spend(task, since_ns.saturating_add(apart_ns));
        }
    }

    /// A timer went off that was due at `due_ns`.
    fn timer(&self, due_ns: u64) {
        let now_ns = self.host.now_ns();
        if now_ns >= self.timer_due_ns.load(Ordering::Relaxed) {
            self.timer_due_ns.store(now_ns.saturating_add(TIMER_NS), Ordering::Relaxed);
            let late_ns = now_ns.saturating_sub(due_ns);
            let late = self.session.event(|session| Event::TimerLate { session, late_ns });
            late.into_iter().for_each(|event| self.host.observe(event));
        }
    }

    /// The handshake's flights, as the sockets have shown them.
    fn flights(&self) -> MutexGuard<'_, Flights> {
        lock(&self.flights)
    }

    /// A datagram leaves by `socket`. If it begins a flight, that is repeated until it is answered.
    fn sent(&self, socket: &Arc<dyn AsyncUdpSocket>, datagram: &[u8], to: SocketAddr) {
        self.flights().sent(datagram);
        let Some(flight) = lock(&self.repeats).sent(datagram, to) else { return };
        let (teller, runtime) = (Weak::clone(&self.me), self.host.runtime());
        let socket = Arc::clone(socket);
        let first = repeat_after(self.round_trip.get().mean_ns());
        let repeated = async move {
            for nth in 0..REPEATS {
                runtime.sleep(first * (1 << nth)).await;
                let Some(teller) = teller.upgrade() else { return };
                let datagrams = lock(&teller.repeats).of(flight).to_vec();
                for (datagram, destination) in datagrams {
                    let transmit = Transmit {
                        destination,
                        ecn: None,
                        contents: &datagram,
                        segment_size: None,
                        src_ip: None,
                    };
                    // What cannot be sent is lost, as on any path.
                    let _ = poll_fn(|context| socket.poll_send(context, &transmit)).await;
                }
            }
            if let Some(teller) = teller.upgrade() {
                lock(&teller.repeats).given_up(flight);
            }
        };
        lock(&self.tasks).spawn(&self.host, repeated);
    }

    /// Tells what `look` sees, if it is something.
    fn tell(&self, look: impl FnOnce(&mut Checks) -> Option<PairCheck>) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let check = look(&mut checks);
        if let Some(sent_ns) = checks.take_answered() {
            self.round_trip.sample(self.host.now_ns().saturating_sub(sent_ns));
        }
        drop(checks);
        let Some(check) = check else { return };
        let event = self.session.event(|session| check.event(session));
        event.into_iter().for_each(|event| self.host.observe(event));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A runtime that is another one, but for its sockets and the passes of its driver.
struct Tapped<H> {
    inner: Arc<dyn Runtime>,
    teller: Arc<Teller<H>>,
    passes: Passes,
}

impl<H> fmt::Debug for Tapped<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tapped").field(&self.inner).finish()
    }
}

impl<H: Host> Runtime for Tapped<H> {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        self.inner.spawn(future)
    }

    fn spawn_reactor(
        &self,
        reactor_pool_size: usize,
        future: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Box<dyn JoinHandle> {
        self.inner.spawn_reactor(reactor_pool_size, future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = self.inner.wrap_udp_socket(socket)?;
        let local = inner.local_addr()?;
        Ok(Arc::new(Socket { inner, local, teller: self.teller.clone() }))
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.inner.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        self.inner.connect_tcp(remote)
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        self.inner.resolve_host(host)
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.passes.sleep(|| {
            let teller = Arc::clone(&self.teller);
            let wait_ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            let due_ns = teller.host.now_ns().saturating_add(wait_ns);
            let sleep = self.inner.sleep(duration.saturating_add(teller.host.timer_lateness()));
            Box::pin(async move {
                sleep.await;
                teller.timer(due_ns);
            })
        })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.inner.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.inner.block_on(future);
    }

    fn yield_now(&self) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.inner.yield_now()
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }
}

/// A socket that is another one, and is looked at.
struct Socket<H> {
    inner: Arc<dyn AsyncUdpSocket>,
    local: SocketAddr,
    teller: Arc<Teller<H>>,
}

impl<H> fmt::Debug for Socket<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Socket").field(&self.inner).finish()
    }
}

impl<H: Host> AsyncUdpSocket for Socket<H> {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(
        &self,
        context: &mut Context<'_>,
        transmit: &Transmit<'_>,
    ) -> Poll<io::Result<usize>> {
        self.teller.end();
        let sent = self.inner.poll_send(context, transmit);
        if let Poll::Ready(Ok(_)) = sent {
            let whole = transmit.contents.len().max(1);
            let segment = transmit.segment_size.filter(|size| *size > 0).unwrap_or(whole);
            let datagrams = transmit.contents.chunks(segment);
            for datagram in datagrams.clone() {
                self.teller.sent(&self.inner, datagram, transmit.destination);
            }
            for datagram in datagrams.filter(|datagram| may_be_a_check(datagram)) {
                let now_ns = self.teller.host.now_ns();
                let to = transmit.destination;
                self.teller.tell(|checks| checks.sent(now_ns, self.local, to, datagram));
            }
        }
        sent
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.teller.end();
        let received = loop {
            let received = self.inner.poll_recv(context, buffers, metas);
            // Handshake messages come one by one: several datagrams at once are something else.
            let alone = match received {
                Poll::Ready(Ok(1)) => buffers[0].get(..metas[0].len),
                _ => None,
            };
            let is_dropped = alone.is_some_and(|datagram| {
                self.teller.flights().drops(datagram) || lock(&self.teller.repeats).came(datagram)
            });
            if !is_dropped {
                break received;
            }
        };
        if let Poll::Ready(Ok(count)) = received {
            for (buffer, meta) in buffers.iter().zip(&*metas).take(count) {
                let Some(contents) = buffer.get(..meta.len) else { continue };
                let datagrams = contents.chunks(meta.stride.max(1));
                self.teller.begin(datagrams.clone());
                for datagram in datagrams.filter(|datagram| may_be_a_check(datagram)) {
                    self.teller.tell(|checks| checks.received(meta.addr, self.local, datagram));
                }
            }
        }
        received
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}
