//! Errors that prevent a run.

use crate::{browser::BrowserError, hold::HoldError, profile::ProfileError};
use parallax_board::{BoardError, PortWriteError, PowerError, RecorderError};
use parallax_lab::{CableError, LabError};
use parallax_record::WriteError;
use std::io;

/// Why there is no record of a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario is none for a board.
    #[error("failed to run {scenario} on a board: {why}")]
    Unfit {
        /// The scenario.
        scenario: String,
        /// Why.
        why: String,
    },
    /// The profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The lab.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The board's console.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// Another program has it, as its port shows once that is there.
    #[error(transparent)]
    Held(#[from] HoldError),
    /// The transcript.
    #[error(transparent)]
    Transcript(#[from] RecorderError),
    /// The process.
    #[error("failed to switch the board on: {0}")]
    Power(io::Error),
    /// Its power is switched by the bench, and was not.
    #[error(transparent)]
    Switch(#[from] PowerError),
    /// A control line resets it, and did not.
    #[error("failed to reset the board: {0}")]
    Reset(PortWriteError),
    /// The bench does not say where its network is.
    #[error(
        "failed to plug the board's cable in: the bench does not say where it is\n  help: add \
         `network = {{ interface = \"...\" }}` to the board"
    )]
    NoNetwork,
    /// It is a program, which has no console.
    #[error(
        "failed to open the board's console: it is a program, and has none\n  help: console.txt of a run has its output"
    )]
    NoConsole,
    /// A scenario takes its power, and the bench cannot.
    #[error(
        "failed to switch the board: the bench does not say how\n  help: add `power = {{ on = [...], off = [...] \
         }}` to the board"
    )]
    NoPower,
    /// Its cable.
    #[error(transparent)]
    Cable(#[from] CableError),
    /// The browser.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// Files, sockets, threads.
    #[error("failed to {what}: {cause}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The record.
    #[error("failed to {0}")]
    Record(#[from] WriteError),
    /// A thread of the run panicked.
    #[error("failed to run: a thread panicked")]
    Panicked,
}

pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> RunError {
    let what = what.into();
    move |cause| RunError::System { what, cause }
}
