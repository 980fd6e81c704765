//! A board on a serial port: port, transcript, power, and the console core driven by them.
//!
//! A shell: whatever decides is in `hil/console`.

mod driver;
mod look;
mod port;
mod power;
mod rate;
mod reader;
mod stars;
mod transcript;

pub use driver::{Board, BoardError, BoardEvent};
pub use look::{PortState, look};
pub use port::{
    ConsolePort, OpenError, PortLine, PortSettings, PortWriteError, Pulse, stable_name,
};
pub use power::{CommandPower, Power, PowerError};
pub use rate::BaudRate;
pub use transcript::{Recorder, RecorderError};

/// Nanoseconds of this machine's monotonic clock (`CLOCK_MONOTONIC`): the same for all processes.
pub fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}
