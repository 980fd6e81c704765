//! A scenario in virtual time: the turmoil shell.
//!
//! `README.md` beside this crate tells how a step goes, and what makes a run repeatable.

mod busy;
mod capture;
mod devices;
mod error;
mod events;
mod failures;
mod header;
mod host;
#[cfg(feature = "guards-off")]
mod plant;
mod run;
mod runtime;
mod script;
mod secrets;
mod simulate;
mod state;
mod task;
mod world;

pub use capture::CaptureSink;
pub use error::WorldError;
pub use header::header;
pub use host::SimHost;
pub use parallax_fabric::KeptPicture;
pub use parallax_fabric::{
    BytesByKind, Direction, EndKind, NetworkServices, PacketSeen, SetupError, TcpListener,
    TcpStream, check, check_clip, secrets,
};
pub use parallax_interpose::elapsed;
#[cfg(feature = "guards-off")]
pub use plant::{Fault, Plant};
pub use run::{run, run_watched};
pub use simulate::{Guards, simulate};
pub use state::{Device, Instantly};
pub use world::{EntrySink, PacketSink, ProgressWatch, SimOutcome, Sinks, TICK, World};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A run has one thread, and a panic ends it: what a panic left is not read again.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
