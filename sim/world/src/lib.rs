//! A scenario in virtual time: the turmoil shell.
//!
//! `README.md` beside this crate tells how a step goes, and what makes a run repeatable.

mod capture;
mod clips;
mod error;
mod events;
mod fabric;
mod failures;
mod header;
mod host;
mod loads;
mod packets;
mod pictures;
#[cfg(feature = "guards-off")]
mod plant;
mod run;
mod runtime;
mod script;
mod secrets;
mod services;
mod simulate;
mod task;
mod tcp;
mod timers;
mod udp;
mod world;

pub use capture::CaptureSink;
pub use clips::check;
pub use error::WorldError;
pub use fabric::{Services, Way};
pub use header::header;
pub use host::{Device, Instantly, SimHost};
pub use packets::{BytesByKind, Direction, EndKind, PacketSeen};
pub use parallax_interpose::elapsed;
pub use pictures::KeptPicture;
#[cfg(feature = "guards-off")]
pub use plant::{Fault, Plant};
pub use run::{run, run_watched};
pub use services::secrets;
pub use simulate::{Guards, simulate};
pub use tcp::{TcpListener, TcpStream};
pub use world::{EntrySink, Outcome, PacketSink, Sinks, TICK, Watch, World};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A run has one thread, and a panic ends it: what a panic left is not read again.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
