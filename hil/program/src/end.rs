//! How a program ended, in words. Pure.

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// A program that ends within this time has hardly begun.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Characters of its last line that a message has, at most.
const LINE_MOST: usize = 200;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProgramEnd {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl fmt::Display for ProgramEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "with exit code {code}"),
            Self::Signal(number) => match Signal::try_from(*number) {
                Ok(signal) => write!(f, "by signal {number} ({signal})"),
                Err(_) => write!(f, "by signal {number}"),
            },
        }
    }
}

/// A program that ended by itself `after` its start; `others`: processes that it has started go on; `output`: what it
/// printed last.
pub fn told(end: ProgramEnd, others: bool, after: Duration, output: &str) -> String {
    let at_once = if after < AT_ONCE { "at once, " } else { "" };
    let seconds = after.as_secs_f64();
    let ended = format!("its program ended {at_once}{seconds:.2} s after its start, {end}");
    if others {
        return format!(
            "{ended}, and left processes behind, which go on: help: start it so that it stays in the foreground; how \
             it ends is not known otherwise"
        );
    }
    match output.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => {
            let line: String = line.chars().take(LINE_MOST).collect();
            format!("{ended}; its last line: {line}")
        }
        None => format!("{ended}, and had printed nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_with_its_time_its_way_and_the_last_line() {
        let second = Duration::from_secs(1);
        assert_eq!(
            told(ProgramEnd::Code(2), false, second / 4, "usage: camera --whip URL\n\n"),
            "its program ended at once, 0.25 s after its start, with exit code 2; its last line: usage: camera --whip \
             URL"
        );
        assert_eq!(
            told(ProgramEnd::Signal(11), false, second * 12, ""),
            "its program ended 12.00 s after its start, by signal 11 (SIGSEGV), and had printed nothing"
        );
    }

    #[test]
    fn one_that_forks_away_is_told_as_that() {
        let text = told(ProgramEnd::Code(0), true, Duration::ZERO, "started as 17");
        assert!(text.contains("left processes behind") && text.contains("foreground"), "{text}");
    }

    #[test]
    fn a_long_line_is_cut() {
        let line = "x".repeat(10_000);
        let text = told(ProgramEnd::Code(1), false, Duration::ZERO, &line);
        assert!(text.len() < 400, "{}", text.len());
    }
}
