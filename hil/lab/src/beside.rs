//! What speaks TCP at a board's place, on the board's behalf.
//!
//! A board's signalling comes to the bench over its console. Here it enters the network where the board
//! stands: with the board's address, behind the board's gateway. So a camera on a console sees the same
//! services die, and a gateway the same connections, as one that has TCP itself.

use crate::{clock::Clock, error::LabError};
use parallax_fabric::{Fabric, TcpListener, TcpStream};
use parallax_network::HostId;
use parallax_record::{Entry, Event};
use std::{fmt, future::Future, io, net::SocketAddr, pin::Pin, sync::Arc};
use tokio::runtime::Runtime;

type Work = Box<dyn FnOnce(Place) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What is to be done at a board's place: begun at the start of the run, dropped at its end.
pub struct Beside(Work);

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
}

impl Beside {
    /// Does `work`, in tasks of tokio.
    pub fn new<F>(work: impl FnOnce(Place) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Box::new(|place| Box::pin(work(place))))
    }

    /// Begins. It ends when what this gives is dropped.
    pub(crate) fn begin(self, place: Place) -> Result<Begun, LabError> {
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
pub(crate) struct Begun(Option<Runtime>);

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A board's place in the network.
#[derive(Clone)]
pub struct Place {
    pub(crate) fabric: Arc<Fabric>,
    pub(crate) host: HostId,
    pub(crate) clock: Clock,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Place {
    /// The run's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Opens a TCP connection from here.
    ///
    /// # Errors
    /// If nobody answers.
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

    /// Tells an event of the board, now.
    pub fn tell(&self, event: Event) {
        let (name, _) = self.fabric.host(self.host);
        let run_ns = self.clock.now().as_nanos();
        self.fabric.tell_of(self.host, Entry { run_ns, node: name.to_string(), event });
    }
}
