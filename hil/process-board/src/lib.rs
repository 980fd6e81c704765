//! A board that is a process: the agent behind a pseudo-terminal with paced bytes, its UDP over
//! Ethernet frames on a unix datagram socket. No hardware, no rights.

mod board;
mod cable;
mod fate;
mod fault;
mod plug;
mod shell;
mod skew;
mod socket;
mod start;
mod station;
mod tty;

pub use board::{BoardError, Settings, run};
pub use fault::{Fault, Stage, Wrong};
pub use skew::Skew;
pub use start::main;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. What a thread left half done when it panicked ends the board.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
