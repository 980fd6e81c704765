//! The raw record of a console, as a file of lines.
//!
//! ```text
//! parallax-transcript 1
//! 1520000 < U-Boot 2024.01\x0d\x0a
//! 1530000 > \x0d
//! 1600000 ! unplugged
//! ```
//! Time in nanoseconds of the recording machine's monotonic clock, a space, the kind, a space, the
//! bytes: printable ones as they are, `\` and all others as `\x` and two digits. Kinds: `<` from the
//! board, `>` to the board, `!` an event, `*` bytes to the board that are not shown, as many `*` as
//! there were. A line without an end was cut when the recorder died: it is left out.
//!
//! A transcript written by hand has `-` in the place of each time. Only
//! [`ConsoleRecording`] reads those, and logs of other programs as well.

mod recording;

pub use recording::{ConsoleRecording, Form, Recorded};

use crate::Nanos;
use core::fmt::Write as _;

/// The first line of a transcript, without its end.
pub const HEAD: &str = "parallax-transcript 1";
/// The event that a board was switched on.
pub const POWER_ON: &str = "power on";
/// The event that a board was switched off.
pub const POWER_OFF: &str = "power off";
/// The event that a board was reset by the holder of its reset line.
pub const RESET: &str = "reset by a control line";
/// The event that the port is gone.
pub const UNPLUGGED: &str = "unplugged";
/// The event that the port is there again.
pub const PLUGGED: &str = "plugged in";

/// What a line of a transcript tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TranscriptKind {
    /// Bytes that came from the board.
    Received,
    /// Bytes that were sent to the board.
    Sent,
    /// Bytes that were sent and are not shown.
    Secret,
    /// Something that happened.
    Event,
}

impl TranscriptKind {
    fn letter(self) -> char {
        match self {
            Self::Received => '<',
            Self::Sent => '>',
            Self::Secret => '*',
            Self::Event => '!',
        }
    }
}

/// A line of a transcript.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TranscriptEntry {
    /// When, in nanoseconds of the recorder's monotonic clock.
    pub at_ns: Nanos,
    /// What.
    pub kind: TranscriptKind,
    /// The bytes; an event's text.
    pub bytes: Vec<u8>,
}

impl TranscriptEntry {
    /// The line, with its end. What is secret is not in it.
    pub fn to_line(&self) -> String {
        let mut line = format!("{} {} ", self.at_ns, self.kind.letter());
        for byte in &self.bytes {
            match byte {
                _ if self.kind == TranscriptKind::Secret => line.push('*'),
                b'\\' => line.push_str("\\x5c"),
                b' '..=b'~' => line.push(char::from(*byte)),
                // Writing to a string cannot fail.
                _ => {
                    let _ = write!(line, "\\x{byte:02x}");
                }
            }
        }
        line.push('\n');
        line
    }

    /// The line's entry, its time none where it is not known; or what is wrong with it.
    fn from_line(line: &str) -> Result<(Option<Nanos>, TranscriptKind, Vec<u8>), &'static str> {
        let (at, rest) = line.split_once(' ').ok_or("it is one word")?;
        let at_ns = match at {
            "-" => None,
            at => Some(at.parse().map_err(|_| "its first word is no time in nanoseconds")?),
        };
        let letter = rest.chars().next().ok_or("it has no kind")?;
        let kind = [
            TranscriptKind::Received,
            TranscriptKind::Sent,
            TranscriptKind::Secret,
            TranscriptKind::Event,
        ]
        .into_iter()
        .find(|known| letter == known.letter())
        .ok_or("its kind is none of `<`, `>`, `*`, `!`")?;
        let text = rest.get(letter.len_utf8()..).and_then(|text| text.strip_prefix(' '));
        let bytes = unescaped(text.ok_or("no space stands behind its kind")?)?;
        Ok((at_ns, kind, bytes))
    }
}

fn unescaped(text: &str) -> Result<Vec<u8>, &'static str> {
    const WRONG: &str = "a `\\` is not followed by `x` and two digits: write `\\x5c` for itself";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (digits, after) =
            after.strip_prefix('x').and_then(|text| text.split_at_checked(2)).ok_or(WRONG)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| WRONG)?);
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// Why a transcript cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TranscriptError {
    /// It does not begin as a transcript.
    #[error("line 1: it does not begin as a transcript\n  help: line 1 is `{HEAD}`")]
    Head,
    /// A line is none of a transcript.
    #[error(
        "line {line}: {what}\n  help: a line is a time in nanoseconds (or `-`), `<`, `>`, `*` or `!`, \
         and bytes, with one space between"
    )]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Some lines have times, others have none.
    #[error("line {line}: {}\n  help: either all lines have a time, or all have `-`", told(*has))]
    Times {
        /// Which line, from 1.
        line: usize,
        /// Whether it is the one that has a time.
        has: bool,
    },
    /// Text in units of two bytes, as some programs of Windows write it.
    #[error("it is UTF-16\n  help: convert it: `iconv -f UTF-16 -t UTF-8 FILE > NEW`")]
    Utf16,
    /// Nothing is in it.
    #[error("it is empty\n  help: name a transcript (console.txt), or a log of the console")]
    Empty,
}

fn told(has: bool) -> &'static str {
    if has {
        "it has a time, and lines above have none"
    } else {
        "it has no time, and lines above do"
    }
}

/// Reads a transcript, and puts it in the order of its times: two hands write it, one for what comes
/// and one for what goes.
///
/// # Errors
/// When it does not begin as one, or a whole line in it is none of a transcript.
pub fn read(text: &str) -> Result<Vec<TranscriptEntry>, TranscriptError> {
    let mut lines = text.split_inclusive('\n').enumerate();
    let head = lines.next().map(|(_, line)| line);
    if head != Some(&format!("{HEAD}\n")) {
        return Err(TranscriptError::Head);
    }
    let mut entries = Vec::new();
    for (index, line) in lines {
        let Some(line) = line.strip_suffix('\n') else { break };
        if line.is_empty() {
            continue;
        }
        let wrong = |what| TranscriptError::Line { line: index + 1, what };
        let (at_ns, kind, bytes) = TranscriptEntry::from_line(line).map_err(wrong)?;
        let at_ns = at_ns.ok_or(TranscriptError::Times { line: index + 1, has: false })?;
        entries.push(TranscriptEntry { at_ns, kind, bytes });
    }
    entries.sort_by_key(|entry| entry.at_ns);
    Ok(entries)
}
