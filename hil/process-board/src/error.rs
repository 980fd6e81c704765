//! Errors of a process board.

use std::{io, path::PathBuf};

/// Why a process board cannot be, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ProcessBoardError {
    /// It is started in another way.
    #[error(
        "failed to start: help: --console PATH --baud N --parent PID, and how wrong it is: --clock-offset MS, --clock-drift-ppm N, --clock-jump AT_MS BY_MS, --console-jitter MS, --fault NAME[=VALUE][@STAGE[+MS]] (hil/process-board/README.md has them all); a bench does so"
    )]
    Arguments,
    /// No PTY.
    #[error("failed to open a pseudo-terminal: {0}\nhelp: see whether /dev/ptmx is there")]
    NoPty(String),
    /// The console's name cannot be made.
    #[error("failed to name the console {}: {cause}\nhelp: name a folder that can be written", console.display())]
    NoName {
        /// The name.
        console: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A thread, a socket or the console.
    #[error("failed to run the board: {0}\nhelp: see whether the bench is still there")]
    Broken(#[from] io::Error),
}
