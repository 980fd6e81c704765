//! Patterns over bytes, bounded in what they match.

use core::fmt;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

/// Bytes that a pattern may match, at most. What is bounded can be looked for in bounded memory.
pub const MATCH_BYTES_MOST: usize = 256;
/// What a compiled pattern may take, in bytes.
const PROGRAM_BYTES_MOST: usize = 1 << 20;
/// What stands before a pattern that is found only where a message begins.
const ANCHOR: &str = "^(?:";

/// A regular expression over bytes, that matches at least one byte and at most
/// [`MATCH_BYTES_MOST`].
///
/// Do not count on `^`: a board that resets starts to speak in the middle of a line. `$` is the end
/// of what has come so far, which is what a prompt stands at.
#[derive(Clone)]
pub struct Pattern {
    pub(crate) regex: Regex,
    /// It is found only where a message begins; this one finds it further on.
    pub(crate) further_on: Option<Regex>,
}

/// Why a pattern is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatternError {
    /// It is no regular expression.
    #[error("failed to read the pattern `{pattern}`: {reason}\nhelp: write a regular expression")]
    Syntax {
        /// The pattern.
        pattern: String,
        /// What is wrong, in one line.
        reason: String,
    },
    /// It may match without end.
    #[error(
        "failed to take the pattern `{pattern}`: it may match more than {MATCH_BYTES_MOST} bytes\n\
         help: bound each repetition: `.{{0,80}}` in place of `.*`, `[0-9]{{1,6}}` of `[0-9]+`"
    )]
    Unbounded {
        /// The pattern.
        pattern: String,
    },
    /// It matches nothing at all, everywhere.
    #[error(
        "failed to take the pattern `{pattern}`: it matches the empty text, so it is always there\n\
         help: ask for at least one byte"
    )]
    Empty {
        /// The pattern.
        pattern: String,
    },
}

impl PatternError {
    /// The pattern, as it was written.
    pub fn pattern(&self) -> &str {
        match self {
            Self::Syntax { pattern, .. }
            | Self::Unbounded { pattern }
            | Self::Empty { pattern } => pattern,
        }
    }

    /// What is wrong, in one line.
    pub fn what(&self) -> String {
        match self {
            Self::Syntax { reason, .. } => format!("it is no regular expression: {reason}"),
            Self::Unbounded { .. } => format!("it may match more than {MATCH_BYTES_MOST} bytes"),
            Self::Empty { .. } => "it matches the empty text, so it is always there".into(),
        }
    }

    /// What would be right.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => {
                "write a regular expression; `\\` before `.`, `(`, `[`, `+`, `*`, `?`, `|`, `$` takes \
                 them as they are"
            }
            Self::Unbounded { .. } => {
                "bound each repetition: `.{0,80}` in place of `.*`, `[0-9]{1,6}` of `[0-9]+`"
            }
            Self::Empty { .. } => "ask for at least one byte",
        }
    }
}

impl Pattern {
    /// Reads a pattern: the syntax of the crate `regex`, bytes and not letters (`\xff` is a byte).
    ///
    /// # Errors
    /// When it is no regular expression, matches the empty text, or may match too much.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let syntax = |reason: &dyn fmt::Display| {
            let reason = reason.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            PatternError::Syntax { pattern: pattern.into(), reason: reason.into() }
        };
        let parsed = ParserBuilder::new()
            .utf8(false)
            .unicode(false)
            .build()
            .parse(pattern)
            .map_err(|error| syntax(&error))?;
        let properties = parsed.properties();
        if properties.minimum_len().unwrap_or(0) == 0 {
            return Err(PatternError::Empty { pattern: pattern.into() });
        }
        if properties.maximum_len().is_none_or(|most| most > MATCH_BYTES_MOST) {
            return Err(PatternError::Unbounded { pattern: pattern.into() });
        }
        let regex = RegexBuilder::new(pattern)
            .unicode(false)
            .size_limit(PROGRAM_BYTES_MOST)
            .build()
            .map_err(|error| syntax(&error))?;
        Ok(Self { regex, further_on: None })
    }

    /// Reads a pattern that is found only where a message begins ([`crate::starts`]).
    pub(crate) fn message(pattern: &str) -> Result<Self, PatternError> {
        let anchored = Self::new(&format!("{ANCHOR}{pattern})"))?;
        Ok(Self { further_on: Some(Self::new(pattern)?.regex), ..anchored })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        let text = self.regex.as_str();
        let inner = text.strip_prefix(ANCHOR).and_then(|text| text.strip_suffix(')'));
        inner.filter(|_| self.further_on.is_some()).unwrap_or(text)
    }

    /// Whether it is found in `text`.
    pub fn is_in(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// Whether it is found at the end of `text`.
    pub(crate) fn ends(&self, text: &[u8]) -> bool {
        self.end_starts_at(text).is_some()
    }

    /// Where the match at the end of `text` begins; none: there is none.
    pub(crate) fn end_starts_at(&self, text: &[u8]) -> Option<usize> {
        let mut found = self.regex.find_iter(text).filter(|found| found.end() == text.len());
        found.next().map(|found| found.start())
    }

    /// Where the first match in `text` begins.
    pub(crate) fn start_in(&self, text: &[u8]) -> Option<usize> {
        self.regex.find(text).map(|found| found.start())
    }

    /// Where the first match in `text` ends.
    pub(crate) fn end_in(&self, text: &[u8]) -> Option<usize> {
        self.regex.find(text).map(|found| found.end())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}
