//! How the command ends. The one place that says which code means what.

use parallax_record::Verdict;
use std::{fmt, process::ExitCode};

/// The codes as help tells them, for `concat!`.
macro_rules! exit_codes {
    () => {
        "\
Exit codes:
    0  every run passed; `check`: every file is sound; `report`: likewise every run, no regression,
       as near as --within demands; `replay`: the board came up; `calibrate`: a time was proposed
    1  an internal fault of Parallax; or what was found could not be written: the summary, the report,
       a file, the standard output (a reader that closed it, such as `head`, is no fault)
    2  bad input or usage: nothing was run
    4  nothing was selected, or nothing ran
   10  at least one run failed; `report`: likewise, or a regression against the baseline, or
       farther apart than --within allows; `replay`, `console --ready`: it did not come up
   11  none failed, at least one is inconclusive; `report`: likewise, or a comparison is, or not
       all planned runs are there; `replay`: the recording ends too early; `boards`: a board
       cannot be driven, is leased to somebody else, quarantined or not healthy; `calibrate`:
       too little was measured
   12  at least one run is an error: nothing can be said of it
  130  interrupted (Ctrl-C, SIGTERM, SIGHUP): what had finished is written"
    };
}
pub(crate) use exit_codes;

/// The codes, as `parallax --help` tells them.
pub(crate) const EXIT_CODES: &str = exit_codes!();

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
    fn help_names_every_code() {
        let all = [
            Exit::Pass,
            Exit::Fault,
            Exit::BadInput,
            Exit::Nothing,
            Exit::Fail,
            Exit::Inconclusive,
            Exit::Error,
            Exit::Interrupted,
        ];
        for exit in all {
            let named = EXIT_CODES
                .lines()
                .any(|line| line.split_whitespace().next() == Some(&exit.code().to_string()));
            assert!(named, "{exit:?} is not in the help");
        }
    }
}
