//! A scenario's network in real time, behind Ethernet ports.
//!
//! `README.md` beside this crate tells what is exact, what is late, and how that is measured.

mod board_end;
mod board_proxy;
mod cable;
mod clock;
mod driver;
mod error;
mod host;
mod lateness;
mod port;
mod powered;
mod realtime;
mod run;
mod side_channel;
mod stop;
mod watch;
mod wire;

pub use board_proxy::{BoardProxy, BoardSite};
pub use cable::{Cable, CableError, Datagrams, Interface, InterfaceState, LinkState, Tap, look};
pub use clock::RunClock;
pub use error::LabError;
pub use host::LabHost;
pub use lateness::{DEFAULT_BUDGET, Lateness};
pub use port::{FrameRefusal, LabNames, Port, PortCounts, PortOutput};
pub use run::{Config, ExternalPeer, LabOutcome, PowerChange, run};
pub use side_channel::{SideChannel, SideDatagram};
pub use stop::StopSignal;
pub use watch::PacketWatch;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A thread that panicked is reported as a fault of the run.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
