//! How a bench starts a process board.

use crate::board::{BoardError, Settings, run};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::{
    ffi::OsString,
    io,
    os::{fd::AsFd, unix::net::UnixDatagram},
    time::Duration,
};

/// From power on to its login; the profile `process-board` says the same.
const BOOT: Duration = Duration::from_millis(800);

/// Runs a board as these arguments say: `--console PATH --baud N --parent PID`. The cable is the
/// standard input.
///
/// # Errors
/// If the arguments are others, the parent is gone, or the board ends.
pub fn main(arguments: &[OsString]) -> Result<(), BoardError> {
    let texts: Vec<&str> = arguments.iter().filter_map(|text| text.to_str()).collect();
    let ["--console", console, "--baud", baud, "--parent", parent] = texts[..] else {
        return Err(BoardError::Arguments);
    };
    let bits_per_second = baud.parse().map_err(|_| BoardError::Arguments)?;
    let parent: i32 = parent.parse().map_err(|_| BoardError::Arguments)?;
    // A board whose bench is gone has no power any more.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    // It may be gone already, and then no signal comes.
    if getppid().map(Pid::as_raw_nonzero).map(i32::from) != Some(parent) {
        return Err(io::Error::other("the bench is gone").into());
    }
    let cable = UnixDatagram::from(io::stdin().as_fd().try_clone_to_owned()?);
    run(&Settings { console: console.into(), bits_per_second, boot: BOOT }, cable)
}
