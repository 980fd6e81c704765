//! The host of a camera on a board.

use crate::{
    bulk::to_text,
    lock,
    protocol::{BoardTimedEvent, FromBoard},
    say::MessageWriter,
    tunnel::{Tunnel, TunnelListener},
};
use parallax_peer::{Flash, Host, Work, Worked};
use parallax_record::Event;
use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Read},
    mem,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::io::DuplexStream;
use webrtc::runtime::Runtime;

/// Where a board's UDP goes.
pub trait Net: Clone + Send + Sync + 'static {
    /// Clock, timers, tasks and UDP sockets, as the `webrtc` crate wants them.
    fn runtime(&self) -> Arc<dyn Runtime>;
    /// The board's own addresses, as sockets are bound to them. `towards` is in the network that counts.
    fn addresses(&self, towards: SocketAddr) -> Vec<IpAddr>;
    /// What the network knows a bound address as.
    fn outward(&self, bound: SocketAddr) -> SocketAddr {
        bound
    }
}

/// Events per message to the console, at most.
const BATCH: usize = 40;

/// A board's clock. Clones are the same clock.
#[derive(Clone)]
pub struct AgentClock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl AgentClock {
    /// The time since now, later than 0: as on a board that booted before.
    pub fn start() -> Self {
        let start = Instant::now();
        Self::new(move || {
            let passed = start.elapsed() + Duration::from_secs(1);
            u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
        })
    }

    /// The clock that shows these nanoseconds.
    pub fn new(now_ns: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ns))
    }

    pub(crate) fn now_ns(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for AgentClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AgentClock").field(&self.now_ns()).finish()
    }
}

/// Events on their way to the console.
pub(crate) struct Events {
    voice: Arc<MessageWriter>,
    waiting: Mutex<Vec<BoardTimedEvent>>,
}

impl Events {
    pub(crate) fn new(voice: Arc<MessageWriter>) -> Self {
        Self { voice, waiting: Mutex::default() }
    }

    pub(crate) fn tell(&self, told: BoardTimedEvent) {
        lock(&self.waiting).push(told);
    }

    /// Says all that wait.
    pub(crate) fn flush(&self) {
        let events = mem::take(&mut *lock(&self.waiting));
        for events in events.chunks(BATCH) {
            self.voice.say(&FromBoard::Events { events: events.to_vec() });
        }
    }
}

/// Of one run: nothing is kept on the board's disk. Stored values are sent to the bench, and come back with
/// the next order.
struct Memory {
    stored: Mutex<BTreeMap<String, Vec<u8>>>,
    voice: Arc<MessageWriter>,
}

impl Flash for Memory {
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        lock(&self.stored).get(name).cloned()
    }

    fn store(&self, name: &str, value: &[u8]) {
        lock(&self.stored).insert(name.to_owned(), value.to_vec());
        self.voice.say(&FromBoard::Stored { name: name.to_owned(), base64: to_text(value) });
    }
}

/// A camera's host on a board.
#[derive(Clone)]
pub(crate) struct AgentHost<N> {
    net: N,
    towards: SocketAddr,
    clock: AgentClock,
    events: Arc<Events>,
    tunnel: Arc<Tunnel>,
    flash: Arc<Memory>,
}

impl<N: Net> AgentHost<N> {
    pub(crate) fn new(
        net: N,
        towards: SocketAddr,
        clock: AgentClock,
        events: Arc<Events>,
        tunnel: Arc<Tunnel>,
        stored: BTreeMap<String, Vec<u8>>,
    ) -> Self {
        let voice = Arc::clone(&events.voice);
        let flash = Arc::new(Memory { stored: Mutex::new(stored), voice });
        Self { net, towards, clock, events, tunnel, flash }
    }
}

impl<N: Net> Host for AgentHost<N> {
    type Stream = DuplexStream;
    type Listener = TunnelListener;

    fn runtime(&self) -> Arc<dyn Runtime> {
        self.net.runtime()
    }

    async fn connect(&self, to: SocketAddr) -> io::Result<DuplexStream> {
        self.tunnel.connect(to).await
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<TunnelListener> {
        Ok(self.tunnel.listen(at))
    }

    fn addresses(&self) -> Vec<IpAddr> {
        self.net.addresses(self.towards)
    }

    fn outward(&self, bound: SocketAddr) -> SocketAddr {
        self.net.outward(bound)
    }

    /// The board's own time.
    async fn work<T: Send>(&self, _: Work, _: u64, job: impl FnOnce() -> T + Send) -> Worked<T> {
        let done = job();
        Worked::by_now(done, self.now_ns())
    }

    fn flash(&self) -> &dyn Flash {
        &*self.flash
    }

    /// From the kernel. If it has none to give, the clock must do: names would be guessed, nothing
    /// else.
    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        match File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)) {
            Ok(()) => u64::from_ne_bytes(bytes),
            Err(_) => self.now_ns().wrapping_mul(0x9e37_79b9_7f4a_7c15),
        }
    }

    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    fn observe(&self, event: Event) {
        self.events.tell(BoardTimedEvent { board_ns: self.clock.now_ns(), event });
    }
}
