//! The text of a file, and what is refused before it is read as TOML.

use crate::{
    error::{Problem, ScenarioErrors},
    source::Source,
};

/// Largest file that is read, bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Longest line that is read, bytes: messages show whole lines.
pub const MAX_LINE_BYTES: usize = 1_000;

/// Takes a text if it is one that can be read and shown.
pub(crate) fn source(name: &str, text: &str) -> Result<Source, ScenarioErrors> {
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
    Ok(Source::new(name, text))
}

/// Whether a character turns the direction of what follows, or ends a line for some and not for others: what
/// is read would not be what is seen.
fn turns(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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

/// The text in the bytes of a file called `name`.
///
/// A shell need not read more than [`MAX_BYTES`] + 1 bytes: longer ones are refused.
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
