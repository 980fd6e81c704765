//! A program as a board: a network namespace of its own, an Ethernet port in it, and an end with its power.
//!
//! `README.md` beside this crate tells how it is started and ended.

mod cable;
mod channel;
mod end;
mod error;
mod fill;
mod helper;
mod init;
mod message;
mod namespace;
mod program;

pub use cable::ProgramCable;
pub use end::{ProgramEnd, told};
pub use error::ProgramError;
pub use fill::{PLACEHOLDERS, Values, fill, unknown_placeholder};
pub use helper::main;
pub use program::{Hear, Program, ProgramNews, ProgramSettings, why_not};
