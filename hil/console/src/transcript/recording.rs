//! What was recorded, by whomever: a transcript of ours, one that somebody wrote, or a plain log.

use super::{Entry, HEAD, Kind, TranscriptError};
use crate::Nanos;

/// How much a recording tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A transcript: what came and went, and when.
    Timed,
    /// A transcript that somebody wrote: what came and went, in its order.
    Untimed,
    /// A log of another program: what came.
    Log,
}

/// An entry, and the line of the file that it stands in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// From 1.
    pub line: usize,
    /// When, in nanoseconds of the recorder's monotonic clock; none: not known.
    pub at_ns: Option<Nanos>,
    /// What.
    pub kind: Kind,
    /// The bytes; an event's text.
    pub bytes: Vec<u8>,
}

/// What was recorded, in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// How much it tells.
    pub form: Form,
    /// Its entries.
    pub entries: Vec<Recorded>,
    /// Whether its last line has no end, and is left out.
    pub torn: bool,
}

impl Recording {
    /// Reads a transcript, or the log of a terminal program (`picocom`, `minicom`, `screen`): what does
    /// not begin as a transcript is a log.
    ///
    /// # Errors
    /// When it is empty, or begins as a transcript and has a line that is none of one.
    pub fn read(bytes: &[u8]) -> Result<Self, TranscriptError> {
        if bytes.is_empty() {
            return Err(TranscriptError::Empty);
        }
        let family = HEAD.split(' ').next().unwrap_or(HEAD);
        if !bytes.starts_with(family.as_bytes()) {
            return Ok(Self::log(bytes));
        }
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').zip(1..);
        let head = lines.next().map(|(line, _)| line.strip_suffix(b"\n").unwrap_or(line));
        if head.map(|head| head.strip_suffix(b"\r").unwrap_or(head)) != Some(HEAD.as_bytes()) {
            return Err(TranscriptError::Head);
        }
        let (mut entries, mut torn) = (Vec::new(), false);
        for (line, number) in lines {
            let Some(line) = line.strip_suffix(b"\n") else {
                torn = true;
                break;
            };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                entries.push(entry(line, number)?);
            }
        }
        let timed = entries.first().is_some_and(|first: &Recorded| first.at_ns.is_some());
        if let Some(odd) = entries.iter().find(|entry| entry.at_ns.is_some() != timed) {
            return Err(TranscriptError::Times { line: odd.line, has: odd.at_ns.is_some() });
        }
        // Stable: without times they stay as they stand.
        entries.sort_by_key(|entry| entry.at_ns);
        let form = if timed { Form::Timed } else { Form::Untimed };
        Ok(Self { form, entries, torn })
    }

    fn log(bytes: &[u8]) -> Self {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').zip(1..);
        let entries = lines.map(|(bytes, line)| Recorded {
            line,
            at_ns: None,
            kind: Kind::Received,
            bytes: bytes.to_vec(),
        });
        Self { form: Form::Log, entries: entries.collect(), torn: false }
    }
}

fn entry(line: &[u8], number: usize) -> Result<Recorded, TranscriptError> {
    let wrong = |what| TranscriptError::Line { line: number, what };
    let text = core::str::from_utf8(line).map_err(|_| wrong("it is not UTF-8 text"))?;
    let (at_ns, kind, bytes) = Entry::from_line(text).map_err(wrong)?;
    Ok(Recorded { line: number, at_ns, kind, bytes })
}
