//! The text of a file, and what is refused before it is read as TOML.

use crate::{
    error::{Problem, ScenarioErrors},
    files::FileRead,
};
use core::ops::Range;
use miette::{NamedSource, SourceCode};
use parallax_record::foreign::inline;
use std::sync::Arc;

/// Largest file that is read, bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Longest line that is read, bytes: messages show whole lines.
pub const MAX_LINE_BYTES: usize = 1_000;

/// A named text, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Source(Arc<NamedSource<String>>);

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.text() == other.text()
    }
}

impl Eq for Source {}

impl Source {
    /// Takes a text if it is one that can be read and shown.
    pub(crate) fn new(name: &str, text: &str) -> Result<Self, ScenarioErrors> {
        within_length(name, text.len() as u64)?;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if line.len() > MAX_LINE_BYTES {
                return Err(Problem::of_file(
                    format!("{name}: line {number} is {} bytes long", line.len()),
                    format!("break it up: a line may have up to {MAX_LINE_BYTES} bytes"),
                )
                .into());
            }
            let mut columns = line.chars().zip(1..);
            let stray = columns.find(|(c, _)| (c.is_control() && *c != '\t') || turns(*c));
            if let Some((stray, column)) = stray {
                return Err(Problem::of_file(
                    format!(
                        "{name}: line {number}, column {column} is a control character ({})",
                        stray.escape_unicode()
                    ),
                    "remove it: readers would not see what is read here",
                )
                .into());
            }
        }
        Ok(Self(Arc::new(NamedSource::new(inline(name), text.to_owned()))))
    }

    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    pub(crate) fn text(&self) -> &str {
        self.0.inner()
    }

    pub(crate) fn code(&self) -> &dyn SourceCode {
        &*self.0
    }

    /// A span that is inside the text and ends on the line it starts on, so that a message points
    /// at one line.
    pub(crate) fn clip(&self, span: Range<usize>) -> Range<usize> {
        let text = self.text();
        let start = floor(text, span.start);
        let line_end = text[start..].find('\n').map_or(text.len(), |end| start + end);
        start..floor(text, span.end.min(line_end)).max(start)
    }

    /// Line and column in characters, both from 1.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text()[..floor(self.text(), offset)];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// Whether a character turns the direction of what follows, or ends a line for some and not for others: what
/// is read would not be what is seen.
fn turns(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The largest offset up to `offset` that lies between two characters.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Refuses a file called `name` that is longer than [`MAX_BYTES`]. A shell that knows the length, in
/// bytes, need not read it to tell.
///
/// # Errors
/// If it is too long; the message says how long it is.
pub fn within_length(name: &str, length: u64) -> Result<(), ScenarioErrors> {
    if length <= MAX_BYTES as u64 {
        return Ok(());
    }
    Err(Problem::of_file(
        format!("{name}: the file is {length} bytes long"),
        format!("a scenario or profile has up to {MAX_BYTES} bytes: is this the right file?"),
    )
    .into())
}

/// The text in a file.
///
/// # Errors
/// If it is too long, or not UTF-8.
pub(crate) fn decode_file(file: &FileRead) -> Result<&str, ScenarioErrors> {
    within_length(&file.name, file.length)?;
    decode(&file.name, &file.bytes)
}

/// The text in the bytes of a file called `name`.
///
/// A shell need not read more than [`MAX_BYTES`] + 1 bytes: longer ones are refused.
///
///
/// # Errors
/// If there are too many bytes, or they are not UTF-8.
pub fn decode<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, ScenarioErrors> {
    within_length(name, bytes.len() as u64)?;
    core::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Problem::of_file(
            format!("{name}: line {line}, column {column} is not UTF-8 text"),
            "save the file as UTF-8: is this the right file?",
        )
        .into()
    })
}
