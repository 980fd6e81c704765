//! Boards on a bench: which there are, what they can do, and a scenario on one of them.
//!
//! `README.md` beside this crate tells how a run goes.

mod able;
mod attend;
mod book;
mod browser;
mod file;
mod health;
mod hold;
mod journal;
mod lease;
mod left;
mod names;
mod offset;
mod open;
mod page;
mod place;
mod process;
mod profile;
mod proxy;
mod replay;
mod rtp;
mod run;
mod session;
mod stand;
mod state;
mod switched;
mod waits;
mod words;

pub use able::why_not;
pub use book::{Book, BookError, Mended};
pub use browser::{BrowserError, clear_browsers, why_no_browser};
pub use file::{Bench, BenchBoard, FileError, read};
pub use health::{Checkup, check};
pub use hold::{Hold, HoldError, holder, take};
pub use journal::{RecoverError, recover};
pub use lease::{Act, Holder, Lease, Quarantine, Standing};
pub use names::advice;
pub use parallax_console::replay::{CameUp, Replay, ReplayKind, ReplayStep, Use};
pub use place::{BoardPlace, NetworkPort, PortPlace, ProgramPlace, Switch};
pub use profile::{ProfileError, console};
pub use replay::{ReplayError, replay};
pub use run::{BoardRun, Ran, RunError, run, run_writing};
pub use session::{BoardSession, SessionError, SessionOutput};
pub use stand::clear;
pub use state::{PlaceState, state};
pub use words::{Blame, in_one_line};
