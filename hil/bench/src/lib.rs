//! Boards on a bench: which there are, what they can do, and a scenario on one of them.
//!
//! `README.md` beside this crate tells how a run goes.

mod able;
mod attend;
mod file;
mod offset;
mod place;
mod process;
mod profile;
mod proxy;
mod run;
mod stand;
mod state;

pub use able::why_not;
pub use file::{Bench, BenchBoard, FileError, read};
pub use place::{NetworkPort, Place, PortPlace, Switch};
pub use profile::{ProfileError, console};
pub use run::{Ran, Run, RunError, run};
pub use state::{State, state};
