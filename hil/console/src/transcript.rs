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

use crate::Nanos;
use core::fmt::Write as _;

/// The first line of a transcript, without its end.
pub const HEAD: &str = "parallax-transcript 1";

/// What a line of a transcript tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Bytes that came from the board.
    Received,
    /// Bytes that were sent to the board.
    Sent,
    /// Bytes that were sent and are not shown.
    Secret,
    /// Something that happened.
    Event,
}

impl Kind {
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
pub struct Entry {
    /// When, in nanoseconds of the recorder's monotonic clock.
    pub at_ns: Nanos,
    /// What.
    pub kind: Kind,
    /// The bytes; an event's text.
    pub bytes: Vec<u8>,
}

impl Entry {
    /// The line, with its end. What is secret is not in it.
    pub fn to_line(&self) -> String {
        let mut line = format!("{} {} ", self.at_ns, self.kind.letter());
        for byte in &self.bytes {
            match byte {
                _ if self.kind == Kind::Secret => line.push('*'),
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

    fn from_line(line: &str) -> Option<Self> {
        let (at, rest) = line.split_once(' ')?;
        let (kind, text) = rest.split_at_checked(1)?;
        let kind = [Kind::Received, Kind::Sent, Kind::Secret, Kind::Event]
            .into_iter()
            .find(|known| kind == known.letter().to_string())?;
        let mut bytes = Vec::new();
        let mut rest = text.strip_prefix(' ')?;
        while let Some((first, after)) = rest.split_at_checked(1) {
            if first == "\\" {
                let (digits, after) = after.strip_prefix('x')?.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            } else {
                bytes.extend_from_slice(first.as_bytes());
                rest = after;
            }
        }
        rest.is_empty().then_some(Self { at_ns: at.parse().ok()?, kind, bytes })
    }
}

/// Why a transcript cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TranscriptError {
    /// It does not begin as a transcript.
    #[error("failed to read the transcript: it does not begin as one\nhelp: line 1 is `{HEAD}`")]
    Head,
    /// A line is none of a transcript.
    #[error(
        "failed to read line {line} of the transcript\nhelp: a line is a time in nanoseconds, \
         `<`, `>`, `*` or `!`, and bytes, with a space between"
    )]
    Line {
        /// Which line, from 1.
        line: usize,
    },
}

/// Reads a transcript, and puts it in the order of its times: two hands write it, one for what comes
/// and one for what goes.
///
/// # Errors
/// When it does not begin as one, or a whole line in it is none of a transcript.
pub fn read(text: &str) -> Result<Vec<Entry>, TranscriptError> {
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
        let entry = Entry::from_line(line);
        entries.push(entry.ok_or(TranscriptError::Line { line: index + 1 })?);
    }
    entries.sort_by_key(|entry| entry.at_ns);
    Ok(entries)
}
