//! The camera as a program for Linux boards: orders and signalling come over the console, media go
//! over the board's own network.
//!
//! `README.md` beside this crate tells what is said on the console.

mod agent;
mod bulk;
mod clock;
mod host;
mod kernel;
mod load;
mod order;
pub mod protocol;
mod say;
mod tunnel;

pub use agent::{AgentError, run};
pub use bulk::{NotBulk, from_text, to_text};
pub use host::{AgentClock, Net};
pub use kernel::Kernel;
pub use order::{NoCamera, configure};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A thread that panicked is reported as a fault.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
