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
mod source_clip;
mod tap;
mod tasks;
pub mod viewer;
mod whip;

pub use crypto::{CryptoHooks, HookedCrypto};
pub use host::{Accept, Flash, Host, RenderedPicture, Work, Worked};
pub use runtime::{BoxedTask, HostRuntime, UdpRuntime};
pub use source_clip::{SourceClip, TooLarge, media_size};
