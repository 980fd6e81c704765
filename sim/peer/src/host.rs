//! Host of a peer: the interface to clock, tasks, sockets, flash and the record.

use parallax_media::Picture;
use parallax_record::{Event, Marker, Session, SetupTask, Stage};
use parallax_spec::PeerCondition;
use rtc::crypto::RTCCryptoProvider;
use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// A peer's host: a simulated one, a board, or a process on kernel sockets.
pub trait Host: Clone + Send + Sync + 'static {
    /// A TCP connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// A TCP listener.
    type Listener: Accept<Stream = Self::Stream>;

    /// Clock, timers, tasks and UDP sockets, as the `webrtc` crate wants them. The peer uses the
    /// same ones, and no others.
    fn runtime(&self) -> Arc<dyn webrtc::runtime::Runtime>;

    /// Opens a TCP connection.
    fn connect(&self, to: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Listens for TCP connections: for a camera that is reached on its LAN address, without a
    /// rendezvous elsewhere.
    fn listen(&self, at: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// The host's own addresses, none of them loopback.
    fn addresses(&self) -> Vec<IpAddr>;

    /// What the network knows a local address and port as. They differ where sockets are bound for
    /// form's sake on this machine, and their packets go another way.
    fn outward(&self, bound: SocketAddr) -> SocketAddr {
        bound
    }

    /// Runs `job` as work, such as that of a stage on a frame, which begins at `begins_ns` on the run's clock. Says when
    /// the frame is through and when the stage takes the next one: on a simulated host by its device profile,
    /// on a board when the job is done.
    fn work<T: Send>(
        &self,
        work: Work,
        begins_ns: u64,
        job: impl FnOnce() -> T + Send,
    ) -> impl Future<Output = Worked<T>> + Send;

    /// Takes the time of a task of a session's set-up, which was begun at `since_ns`, and records it: on a board the time
    /// that has passed since; on a simulated host what its device profile says, which is then to come, and until it is
    /// over the host sends and handles nothing.
    fn spend(&self, task: SetupTask, since_ns: u64) {
        let took_ns = self.now_ns().saturating_sub(since_ns);
        self.observe(Event::SetupTaskDone { task, took_ns });
    }

    /// How late the next timer of a session's driver goes off, beyond what the runtime itself is late: on a simulated
    /// host as its device profile says.
    fn timer_lateness(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether a scripted event keeps the peer in `condition` now. The default is a host that no script reaches.
    fn in_condition(&self, condition: PeerCondition) -> bool {
        let _ = condition;
        false
    }

    /// What survives a loss of power.
    fn flash(&self) -> &dyn Flash;

    /// The cryptography of the stack's connections; none: what the `webrtc` crate brings. It must
    /// do what that does: a board may do it in hardware, a simulated host may look on.
    fn crypto(&self) -> Option<Arc<dyn RTCCryptoProvider>> {
        None
    }

    /// A fresh 64-bit random number, for the peer's own use (SSRC, session names).
    fn random(&self) -> u64;

    /// Nanoseconds on the run's clock, for events. On a board this is the board's clock; the
    /// bench relates the two.
    fn now_ns(&self) -> u64;

    /// Records an event. Its time is now.
    fn observe(&self, event: Event);

    /// Offers a rendered picture, beside its source, for keeping. The record does not depend on it. The default keeps
    /// none.
    fn show(&self, seen: &RenderedPicture<'_>) {
        let _ = seen;
    }
}

/// A rendered picture whose marker was read, and its source.
#[derive(Clone, Copy, Debug)]
pub struct RenderedPicture<'p> {
    /// In which session.
    pub session: &'p Session,
    /// What its marker says.
    pub marker: Marker,
    /// Its luma PSNR, thousandths of a decibel, the marker's strip left out.
    pub psnr_millidb: u32,
    /// As it was rendered.
    pub received: &'p Picture,
    /// As the camera saw it, without the marker's strip.
    pub source: &'p Picture,
}

/// A listener that can be waited on.
pub trait Accept: Send + 'static {
    /// What it hands out.
    type Stream;

    /// The next connection, and where it comes from.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

/// Storage that survives a loss of power. Small values under short names.
pub trait Flash: Send + Sync {
    /// The value stored under `name`.
    fn load(&self, name: &str) -> Option<Vec<u8>>;
    /// Stores `value` under `name`.
    fn store(&self, name: &str, value: &[u8]);
}

/// A frame on which a stage works, or has worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked<T> {
    /// What the job came to.
    pub done: T,
    /// When the frame is through, nanoseconds on the run's clock; it may be past.
    pub through_ns: u64,
    /// When the stage takes the next frame, likewise.
    pub free_ns: u64,
}

impl<T> Worked<T> {
    /// The same work on something else.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Worked<U> {
        let Self { done, through_ns, free_ns } = self;
        Worked { done: to(done), through_ns, free_ns }
    }

    /// Work that is done now: where jobs take their own time.
    pub fn by_now(done: T, now_ns: u64) -> Self {
        Self { done, through_ns: now_ns, free_ns: now_ns }
    }
}

/// Work that takes a peer time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// The first viewer's coming to the first exposure.
    Start,
    /// A stage of a device, which lets frames through in their order.
    Stage(Stage),
}

impl Work {
    /// All work that takes a peer time.
    pub fn all() -> impl Iterator<Item = Self> {
        let stages = Stage::ALL.into_iter().filter(|stage| stage.role().is_some());
        std::iter::once(Self::Start).chain(stages.map(Self::Stage))
    }

    /// Its key in a device profile.
    pub fn key(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stage(stage) => stage.key(),
        }
    }
}
