//! A scenario's network in real time, behind Ethernet ports.
//!
//! `README.md` beside this crate tells what is exact, what is late, and how that is measured.

mod beside;
mod board_end;
mod cable;
mod clock;
mod driver;
mod error;
mod host;
mod lateness;
mod line;
mod port;
mod realtime;
mod run;
mod stop;
mod watch;
mod wire;

pub use beside::{Beside, Place};
pub use cable::{Cable, CableError, Datagrams, Interface, Link, Seen, Tap, look};
pub use clock::Clock;
pub use error::LabError;
pub use host::LabHost;
pub use lateness::{DEFAULT_BUDGET, Lateness};
pub use line::{Came, Line};
pub use port::{Counts, Heard, Port, Refusal};
pub use run::{Config, Outcome, Outside, run};
pub use stop::Stop;
pub use watch::Watch;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. What a thread left half done when it panicked is told as a fault of the run.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
