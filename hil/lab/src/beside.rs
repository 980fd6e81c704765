//! What speaks TCP at a board's place, on the board's behalf.
//!
//! A board's signalling comes to the bench over its console. Here it enters the network where the board
//! stands: with the board's address, behind the board's gateway. So a camera on a console sees the same
//! services die, and a gateway the same connections, as one that has TCP itself.

use crate::{
    clock::RunClock,
    error::LabError,
    host::{LabHost, LabHostState},
};
use parallax_fabric::{Fabric, TcpListener, TcpStream};
use parallax_network::HostId;
use parallax_record::{Entry, Event};
use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::runtime::Runtime;

type Work = Box<dyn Fn(BoardSite) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What is to be done at a board's place: begun whenever the board gets power, dropped when it loses it,
/// and at the end of the run.
pub struct BoardProxy(Work);

impl fmt::Debug for BoardProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
}

impl BoardProxy {
    /// Does `work`, in tasks of tokio.
    pub fn new<F>(work: impl Fn(BoardSite) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Box::new(move |place| Box::pin(work(place))))
    }

    /// Begins. It ends when what this gives is dropped.
    fn begin(&self, place: BoardSite) -> Result<Begun, LabError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .map_err(LabError::system("start the threads at a board's place"))?;
        runtime.spawn((self.0)(place));
        Ok(Begun(Some(runtime)))
    }
}

/// What goes on at a board's place.
struct Begun(Option<Runtime>);

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What stands at the places of boards.
#[derive(Default)]
pub(crate) struct BoardProxies(BTreeMap<HostId, Standing>);

struct Standing {
    beside: BoardProxy,
    place: BoardSite,
    begun: Option<Begun>,
}

impl BoardProxies {
    pub(crate) fn add(
        &mut self,
        fabric: &Arc<Fabric>,
        clock: RunClock,
        state: Arc<LabHostState>,
        beside: BoardProxy,
    ) {
        let power = Arc::new(AtomicBool::new(false));
        let (fabric, host) = (Arc::clone(fabric), state.id);
        let place = BoardSite { fabric, host, clock, power, state };
        self.0.insert(host, Standing { beside, place, begun: None });
    }

    /// All boards get power.
    pub(crate) fn all_on(&mut self) -> Result<(), LabError> {
        self.0.values_mut().try_for_each(Standing::on)
    }

    /// A board gets power, if it stands here.
    pub(crate) fn on(&mut self, host: HostId) -> Result<(), LabError> {
        self.0.get_mut(&host).map_or(Ok(()), Standing::on)
    }

    /// A board loses its power, if it stands here.
    pub(crate) fn off(&mut self, host: HostId) {
        if let Some(standing) = self.0.get_mut(&host) {
            // First, so that the proxy's peers find the reason.
            standing.place.power.store(false, Ordering::SeqCst);
            standing.begun = None;
        }
    }
}

impl Standing {
    fn on(&mut self) -> Result<(), LabError> {
        // Of each boot its own: what goes on since the one before is not to take it for its own.
        self.place.power = Arc::new(AtomicBool::new(true));
        self.begun = Some(self.beside.begin(self.place.clone())?);
        Ok(())
    }
}

/// A board's place in the network, from one power on to the next power off.
#[derive(Clone)]
pub struct BoardSite {
    fabric: Arc<Fabric>,
    host: HostId,
    clock: RunClock,
    power: Arc<AtomicBool>,
    state: Arc<LabHostState>,
}

impl fmt::Debug for BoardSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("host", &self.host).finish_non_exhaustive()
    }
}

impl BoardSite {
    /// The run's clock.
    pub fn clock(&self) -> RunClock {
        self.clock
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
        self.fabric.connect(self.host, to).await
    }

    /// Listens for TCP connections here.
    ///
    /// # Errors
    /// If the address is not the board's, or the port is taken.
    pub fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        self.fabric.listen(self.host, at)
    }

    /// The host of a peer that stands here and has its media elsewhere: clock, TCP and flash, and who
    /// hears of events. Its UDP is not the board's: what comes for that goes over the board's cable.
    pub fn host(&self) -> LabHost {
        LabHost(Arc::clone(&self.state))
    }

    /// Tells an event of the board, now.
    pub fn tell(&self, event: Event) {
        self.tell_of(self.clock.now().as_nanos(), event);
    }

    /// Tells an event of the board, and when it was, nanoseconds on the run's clock.
    pub fn tell_of(&self, run_ns: u64, event: Event) {
        let (name, _) = self.fabric.host(self.host);
        self.fabric.tell_of(self.host, Entry { run_ns, node: name.to_string(), event });
    }
}
