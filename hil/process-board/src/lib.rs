//! A board as a process: the agent behind a pseudo-terminal with paced bytes, its UDP over
//! Ethernet frames on a unix datagram socket. No hardware, no rights.

mod board;
mod cable;
mod error;
mod fault;
mod faults;
mod inject;
mod plug;
mod shell;
mod skew;
mod socket;
mod start;
mod station;
mod tty;

pub use board::{BoardSettings, run};
pub use error::ProcessBoardError;
pub use fault::{BoardFault, BoardFaultKind, BoardStage};
pub use skew::Skew;
pub use start::main;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. What a thread left half done when it panicked ends the board.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
