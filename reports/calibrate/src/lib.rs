//! Stage times of a device profile from measured runs: with how many
//! samples, how uncertain, and where from; and the profile's file with them in it.

mod edit;
mod propose;
mod run;

pub use edit::{EditError, edited};
pub use propose::{
    Calibration, FEWEST_BOOTS, FEWEST_FRAMES, FEWEST_TASKS, Measured, Proposal, ProposedFigure,
    calibrate, unmeasured,
};
pub use run::{MeasuredRun, Unfit};
