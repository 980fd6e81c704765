//! How a bench starts a process board.

use crate::{
    board::{BoardSettings, run},
    error::ProcessBoardError,
    fault::BoardFault,
    skew::Skew,
};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::{
    ffi::OsString,
    io,
    os::{fd::AsFd, unix::net::UnixDatagram},
    time::Duration,
};

/// From power on to its login; the profile `process-board` says the same.
const BOOT: Duration = Duration::from_millis(800);

/// Runs a board as these arguments say: `--console PATH --baud N --parent PID`, and how wrong it is to
/// be. The cable is the standard input.
///
/// # Errors
/// If the arguments are others, the parent is gone, or the board ends.
pub fn main(arguments: &[OsString]) -> Result<(), ProcessBoardError> {
    let texts: Vec<&str> = arguments.iter().filter_map(|text| text.to_str()).collect();
    let told = Told::read(&texts).ok_or(ProcessBoardError::Arguments)?;
    let (Some(console), Some(bits_per_second), Some(parent)) =
        (told.console, told.baud, told.parent)
    else {
        return Err(ProcessBoardError::Arguments);
    };
    // A board whose bench is gone has no power any more.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    // It may be gone already, and then no signal comes.
    if getppid().map(Pid::as_raw_nonzero).map(i32::from) != Some(parent) {
        return Err(io::Error::other("the bench is gone").into());
    }
    let cable = UnixDatagram::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (clock, jitter, faults) = (told.clock, told.jitter, told.faults);
    let console = console.into();
    run(&BoardSettings { console, bits_per_second, boot: BOOT, clock, jitter, faults }, cable)
}

/// What the arguments say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told<'a> {
    console: Option<&'a str>,
    baud: Option<u32>,
    parent: Option<i32>,
    clock: Skew,
    jitter: Duration,
    faults: Vec<BoardFault>,
}

impl<'a> Told<'a> {
    /// None if they say anything else.
    fn read(mut rest: &[&'a str]) -> Option<Self> {
        let mut told = Self::default();
        loop {
            rest = match rest {
                [] => return Some(told),
                ["--console", path, rest @ ..] => {
                    told.console = Some(path);
                    rest
                }
                ["--baud", rate, rest @ ..] => {
                    told.baud = Some(rate.parse().ok()?);
                    rest
                }
                ["--parent", process, rest @ ..] => {
                    told.parent = Some(process.parse().ok()?);
                    rest
                }
                ["--clock-offset", by, rest @ ..] => {
                    told.clock.offset_ns = nanos(by)?;
                    rest
                }
                ["--clock-drift-ppm", gains, rest @ ..] => {
                    told.clock.drift_ppm = gains.parse().ok()?;
                    rest
                }
                ["--clock-jump", at, by, rest @ ..] => {
                    told.clock.jump = Some((nanos(at)?.try_into().ok()?, nanos(by)?));
                    rest
                }
                ["--console-jitter", most, rest @ ..] => {
                    told.jitter = Duration::from_millis(most.parse().ok()?);
                    rest
                }
                ["--fault", what, rest @ ..] => {
                    told.faults.push(BoardFault::read(what)?);
                    rest
                }
                _ => return None,
            };
        }
    }
}

/// From whole milliseconds.
fn nanos(millis: &str) -> Option<i64> {
    millis.parse::<i64>().ok()?.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_say_where_the_console_is_and_how_wrong_the_board() {
        let all = [
            ["--console", "/c", "--baud", "9600"],
            ["--parent", "7", "--clock-offset", "-20"],
            ["--clock-drift-ppm", "-100", "--console-jitter", "5"],
        ];
        let told = Told::read(all.as_flattened()).expect("they are known");
        let clock = Skew { offset_ns: -20_000_000, drift_ppm: -100, jump: None };
        let jitter = Duration::from_millis(5);
        let (console, baud, parent) = (Some("/c"), Some(9_600), Some(7));
        let faults = Vec::new();
        assert_eq!(told, Told { console, baud, parent, clock, jitter, faults });
        let told = Told::read(&["--fault", "panic@agent+5", "--fault", "no-agent"]);
        assert_eq!(told.expect("they are known").faults.len(), 2);
        let jumps = Told::read(&["--clock-jump", "2", "-3"]).expect("it is known");
        assert_eq!(jumps.clock.jump, Some((2_000_000, -3_000_000)));
        for wrong in
            [&["--clock-jump", "-2", "3"][..], &["--baud"], &["--other", "1"], &["--fault", "x"]]
        {
            assert_eq!(Told::read(wrong), None, "{wrong:?}");
        }
    }
}
