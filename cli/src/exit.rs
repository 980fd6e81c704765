//! Exit codes of the command.

use parallax_record::Verdict;
use std::{fmt, process::ExitCode};

/// The codes that commands end with, as `parallax --help` lists them.
pub(crate) const CODES: &[(Exit, &str)] = &[
    (Exit::Pass, "success: every run passed, every file is sound"),
    (Exit::Fault, "an internal fault of Parallax, or something could not be written"),
    (Exit::BadInput, "bad input or usage: nothing was run"),
    (Exit::Nothing, "nothing was selected, or nothing ran"),
    (Exit::Fail, "a run failed"),
    (Exit::Inconclusive, "no run failed, and one is inconclusive"),
    (Exit::Error, "a run is an error: nothing can be said of it"),
    (Exit::Interrupted, "interrupted (Ctrl-C, SIGTERM, SIGHUP)"),
];

/// A list of codes below the flags of a command. A meaning may have several lines.
pub(crate) fn listed(codes: &[(Exit, &str)]) -> String {
    let line = |(exit, meaning): &(Exit, &str)| {
        format!("\n  {:>3}  {}", exit.code(), meaning.replace('\n', "\n       "))
    };
    format!("Exit codes:{}", codes.iter().map(line).collect::<String>())
}

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Every run passed.
    Pass,
    /// Parallax itself is at fault.
    Fault,
    /// Bad input or usage.
    BadInput,
    /// Nothing was selected, or nothing ran.
    Nothing,
    /// A run failed.
    Fail,
    /// A run is inconclusive.
    Inconclusive,
    /// A run is an error.
    Error,
    /// The command was interrupted.
    Interrupted,
}

impl Exit {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fault => 1,
            Self::BadInput => 2,
            Self::Nothing => 4,
            Self::Fail => 10,
            Self::Inconclusive => 11,
            Self::Error => 12,
            Self::Interrupted => 130,
        }
    }

    /// From the worst verdict of the runs; none: nothing ran.
    pub(crate) fn of(verdict: Option<Verdict>) -> Self {
        match verdict {
            None => Self::Nothing,
            Some(Verdict::Pass) => Self::Pass,
            Some(Verdict::Inconclusive) => Self::Inconclusive,
            Some(Verdict::Fail) => Self::Fail,
            Some(Verdict::Error) => Self::Error,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why the command cannot go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The user's input: the text says what is wrong and what would be right.
    BadInput(String),
    /// Nothing was selected.
    Nothing(String),
    /// Parallax, or the system under it.
    Fault(String),
}

impl Stop {
    /// The exit that goes with it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::BadInput(_) => Exit::BadInput,
            Self::Nothing(_) => Exit::Nothing,
            Self::Fault(_) => Exit::Fault,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::BadInput(text) | Self::Nothing(text) | Self::Fault(text)) = self;
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_listed_in_lines_in_order() {
        let codes: Vec<u8> = CODES.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 4, 10, 11, 12, 130]);
        let two = [(Exit::Pass, "one\ntwo"), (Exit::Interrupted, "three")];
        assert_eq!(listed(&two), "Exit codes:\n    0  one\n       two\n  130  three");
    }
}
