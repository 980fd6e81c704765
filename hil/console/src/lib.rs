//! Console of a board as a pure core: bytes and time in, actions out.
//!
//! A pure core: it knows no port, clock, file or thread. Its shell is `hil/board`.

mod baud;
mod command;
mod console;
mod escape;
mod firmware;
mod frame;
mod lines;
mod output;
mod pattern;
mod profile;
mod receive;
pub mod replay;
mod scan;
mod signs;
mod starts;
mod tell;
pub mod transcript;
mod transmit;

pub use baud::{best, score};
pub use console::Console;
pub use firmware::{Firmware, FirmwareEvent, FirmwareStep};
pub use frame::{
    Frame, FrameEncoder, FrameError, MESSAGE_BYTES_MOST, Nonce, PAYLOAD_BYTES_MOST, Part, Sender,
    TooLong,
};
pub use output::{
    CommandId, ConsoleInput, ConsoleOutput, DeathCause, Limit, Noted, Request, RequestRefusal,
    State, StepOutcome, Transmit,
};
pub use pattern::{MATCH_BYTES_MOST, Pattern, PatternError};
pub use profile::{
    CommandStyle, ConsoleProfile, Death, LineLevel, LinePolicy, Login, Secret, Timeouts,
};
pub use receive::{Received, Receiver};
pub use scan::{Damage, ScanItem, Scanner};
pub use signs::DeathKind;
pub use tell::counted;

/// Nanoseconds of the caller's monotonic clock.
pub type Nanos = u64;
