//! Proxy for a board's TCP, at its place in the network.
//!
//! A board's signalling comes to the bench over its console. Here it enters the network where the board
//! stands: with the board's address, behind the board's gateway. So a camera on a console sees the same
//! services die, and a gateway the same connections, as one that has TCP itself.

use crate::{
    clock::RunClock,
    host::{LabHost, LabHostState},
};
use parallax_fabric::{TcpListener, TcpStream};
use parallax_peer::BoxedTask;
use parallax_record::Event;
use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

type Work = Box<dyn Fn(BoardSite) -> BoxedTask + Send>;

/// What is to be done at a board's place: begun whenever the board gets power, dropped when it loses it,
/// and at the end of the run.
pub struct BoardProxy(Work);

impl BoardProxy {
    /// Does `work`, in tasks of tokio.
    pub fn new<F>(work: impl Fn(BoardSite) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Box::new(move |place| Box::pin(work(place))))
    }

    /// The code of one boot of the board.
    pub(crate) fn boot(&self, state: &Arc<LabHostState>, power: Arc<AtomicBool>) -> BoxedTask {
        (self.0)(BoardSite { power, state: Arc::clone(state) })
    }
}

/// A board's place in the network, from one power on to the next power off.
#[derive(Clone)]
pub struct BoardSite {
    power: Arc<AtomicBool>,
    state: Arc<LabHostState>,
}

impl BoardSite {
    /// The run's clock.
    pub fn clock(&self) -> RunClock {
        self.state.clock
    }

    /// Whether the board has power. At the end of a run it has.
    pub fn has_power(&self) -> bool {
        self.power.load(Ordering::SeqCst)
    }

    /// Opens a TCP connection from here.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        self.state.fabric.connect(self.state.id, to).await
    }

    /// Listens for TCP connections here.
    ///
    /// # Errors
    /// If the address is not the board's, or the port is taken.
    pub fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        self.state.fabric.listen(self.state.id, at)
    }

    /// The host of a peer that stands here and has its media elsewhere: clock, TCP and flash, and who
    /// hears of events. Its UDP is not the board's: what comes for that goes over the board's cable.
    pub fn host(&self) -> LabHost {
        LabHost(Arc::clone(&self.state))
    }

    /// Tells an event of the board, now.
    pub fn tell(&self, event: Event) {
        self.tell_of(self.state.clock.now().as_nanos(), event);
    }

    /// Tells an event of the board, and when it was, nanoseconds on the run's clock.
    pub fn tell_of(&self, run_ns: u64, event: Event) {
        self.state.tell_at(run_ns, event);
    }
}
