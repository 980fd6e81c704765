//! Camera and viewer: the stacks under test, the very code that a Linux board runs.
//!
//! A peer knows nothing of where it runs but its [`Host`]: clock, timers, tasks, sockets, flash and
//! the time that work takes all come from there.

pub mod camera;
pub mod checks;
mod connection;
mod control;
mod crypto;
mod epoch;
mod exchange;
mod flight;
mod frames;
mod h264;
mod host;
mod identity;
mod name;
mod own;
mod passes;
mod pipeline;
mod probe;
mod rendezvous;
mod round_trip;
mod runtime;
pub mod sockets;
mod tap;
mod tasks;
pub mod viewer;
mod whip;

pub use crypto::{CryptoHooks, HookedCrypto};
pub use host::{Accept, Flash, Host, RenderedPicture, Work, Worked};
pub use runtime::{BoxedTask, HostRuntime, UdpRuntime};

use std::time::Duration;

/// Where in its source a stream of `frames_per_second` is at frame `frame`.
fn frame_time(frame: u32, frames_per_second: u16) -> Duration {
    Duration::from_nanos(u64::from(frame) * 1_000_000_000 / u64::from(frames_per_second.max(1)))
}
