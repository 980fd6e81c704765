//! Messages of a worker to its parent: lines on its standard output, which is the worker's alone.

use parallax_record::foreign;
use std::time::Duration;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WorkerMessage {
    /// What a library logs.
    Log {
        /// When, in the run's time.
        at: Duration,
        /// Level, source and message.
        text: String,
    },
    /// Why there will be no record.
    Failed(String),
}

impl WorkerMessage {
    /// The line, ended.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Log { at, text } => format!("log {} us {}\n", at.as_micros(), escaped(text)),
            Self::Failed(text) => format!("failed {}\n", escaped(text)),
        }
    }

    /// Parses a line, with or without its end; none if it is no message.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let (kind, rest) = line.split_once(' ')?;
        let time = |text: &str| text.parse().ok().map(Duration::from_micros);
        match kind {
            "log" => {
                let (at, text) = rest.split_once(" us ")?;
                Some(Self::Log { at: time(at)?, text: plain(text) })
            }
            "failed" => Some(Self::Failed(plain(rest))),
            _ => None,
        }
    }
}

/// A text without line ends and without what steers a terminal: someone may call a worker by hand.
fn escaped(text: &str) -> String {
    foreign::lines(text).replace('\\', r"\\").replace('\n', r"\n")
}

fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match (character, if character == '\\' { rest.next() } else { None }) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some(other)) => plain.push(other),
            _ => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_read() {
        let at = Duration::from_micros(12_345_678);
        for told in [
            WorkerMessage::Log { at, text: "INFO rtc_ice: two\nlines\\n and a \\".to_owned() },
            WorkerMessage::Failed(String::new()),
            WorkerMessage::Failed("failed to run:\n  C:\\new \\\\ end\n".to_owned()),
        ] {
            let line = told.line();
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert_eq!(WorkerMessage::read(&line), Some(told));
        }
        let steers = WorkerMessage::Failed("\u{1b}[31m\r\n".to_owned()).line();
        assert_eq!(
            WorkerMessage::read(&steers),
            Some(WorkerMessage::Failed("\\u{1b}[31m\\r\n".to_owned()))
        );
    }

    #[test]
    fn what_is_no_line_of_a_worker_is_left_out() {
        for line in
            ["", "\n", "at 5 us", "log", "log soon us x", "log 5 us", "[OpenH264] this = 0x1"]
        {
            assert_eq!(WorkerMessage::read(line), None, "{line}");
        }
    }
}
