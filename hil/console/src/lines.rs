//! Lines of bounded length.

use crate::{pattern::MATCH_BYTES_MOST, starts::Starts};

/// Bytes of a line, at most: what is longer comes in several.
pub(crate) const LINE_BYTES_MOST: usize = 4096;

/// A line that is over, or as much of it as is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    pub(crate) bytes: Vec<u8>,
    /// How many of its first bytes were in the line before as well: a match that ends within them
    /// was found there.
    pub(crate) seen: usize,
    /// Where messages begin in it.
    pub(crate) starts: Starts,
}

impl Line {
    pub(crate) fn new(bytes: Vec<u8>, seen: usize) -> Self {
        let starts = Starts::of(&bytes);
        Self { bytes, seen, starts }
    }
}

/// Cuts text into lines. A line longer than the limit is cut with an overlap as long as any match, so
/// that no pattern is missed at the cut.
#[derive(Clone, Default, Debug)]
pub(crate) struct Lines {
    tail: Vec<u8>,
    seen: usize,
}

impl Lines {
    /// Takes a byte; gives the line that is over with it. Empty lines are left out.
    pub(crate) fn push(&mut self, byte: u8) -> Option<Line> {
        if byte == b'\r' || byte == b'\n' {
            return self.finish();
        }
        self.tail.push(byte);
        if self.tail.len() < LINE_BYTES_MOST {
            return None;
        }
        let overlap = self.tail.split_off(LINE_BYTES_MOST - MATCH_BYTES_MOST);
        let mut bytes = core::mem::replace(&mut self.tail, overlap);
        bytes.extend_from_slice(&self.tail);
        let seen = core::mem::replace(&mut self.seen, self.tail.len());
        Some(Line::new(bytes, seen))
    }

    /// The line is over, whatever follows.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        let bytes = core::mem::take(&mut self.tail);
        let seen = core::mem::take(&mut self.seen);
        (bytes.len() > seen).then(|| Line::new(bytes, seen))
    }

    /// What is not over yet, and how many of its first bytes were in the line before.
    pub(crate) fn tail(&self) -> (&[u8], usize) {
        (&self.tail, self.seen)
    }
}
