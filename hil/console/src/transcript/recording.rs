//! Recordings of a console: a transcript of Parallax, one written by hand, or a plain log.

use super::{HEAD, TranscriptEntry, TranscriptError, TranscriptKind};
use crate::{Nanos, Pattern, starts};
use std::sync::LazyLock;

/// Times that terminal programs write before each line: tio, minicom, `ts`, grabserial.
static TIMES: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let all = [
        r"^\[(\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?\] ?",
        r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)? ",
        r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(\.\d{1,9})? ",
        r"^\d\d:\d\d:\d\d(\.\d{1,9})? ",
        r"^\[\d{1,6}\.\d{6} \d{1,6}\.\d{6}\] ?",
    ];
    // They are sound: a test reads logs with each.
    all.into_iter().filter_map(|text| Pattern::new(text).ok()).collect()
});

/// How much a recording tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A transcript: what came and went, and when.
    Timed,
    /// A transcript written by hand: what came and went, in its order.
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
    pub kind: TranscriptKind,
    /// The bytes; an event's text.
    pub bytes: Vec<u8>,
}

/// What was recorded, in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsoleRecording {
    /// How much it tells.
    pub form: Form,
    /// Its entries.
    pub entries: Vec<Recorded>,
    /// Whether its last line has no end, and is left out.
    pub torn: bool,
}

impl ConsoleRecording {
    /// Reads a transcript, or the log of a terminal program (`picocom`, `minicom`, `screen`): what does
    /// not begin as a transcript is a log.
    ///
    /// # Errors
    /// When it is empty, or begins as a transcript and has a line that is none of one.
    pub fn read(bytes: &[u8]) -> Result<Self, TranscriptError> {
        if bytes.is_empty() {
            return Err(TranscriptError::Empty);
        }
        if matches!(bytes, [0xff, 0xfe, _, 0, ..] | [0xfe, 0xff, 0, ..]) {
            return Err(TranscriptError::Utf16);
        }
        // Some editors begin UTF-8 so.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
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
        let time = time_before_each_line(bytes);
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').zip(1..);
        let entries = lines.map(|(bytes, line)| {
            let said = time.and_then(|time| bytes.get(time.end_in(bytes)?..)).unwrap_or(bytes);
            Recorded { line, at_ns: None, kind: TranscriptKind::Received, bytes: said.to_vec() }
        });
        Self { form: Form::Log, entries: entries.collect(), torn: false }
    }
}

/// The form of the times that the program that wrote a log put before each line; none: the lines are the board's.
/// Of the first line the beginning may be missing. What a system logger of the board wrote is the board's.
fn time_before_each_line(bytes: &[u8]) -> Option<&'static Pattern> {
    let lines = || {
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        lines.filter(|(_, line)| !line.trim_ascii().is_empty())
    };
    let is_before = |time: &&Pattern| {
        let mut with = 0;
        let all = lines().all(|(index, line)| {
            let is_in = time.is_in(line);
            with += u32::from(is_in);
            is_in || index == 0
        });
        all && with > 1
    };
    let time = TIMES.iter().find(is_before)?;
    (!lines().any(|(_, line)| starts::is_logged(line))).then_some(time)
}

fn entry(line: &[u8], number: usize) -> Result<Recorded, TranscriptError> {
    let wrong = |what| TranscriptError::Line { line: number, what };
    let text = core::str::from_utf8(line).map_err(|_| wrong("it is not UTF-8 text"))?;
    let (at_ns, kind, bytes) = TranscriptEntry::from_line(text).map_err(wrong)?;
    Ok(Recorded { line: number, at_ns, kind, bytes })
}
