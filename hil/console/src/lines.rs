//! Lines of bounded length, and patterns in them.

use crate::{Pattern, pattern::MATCH_BYTES_MOST, starts::Starts};

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

impl Pattern {
    /// Whether it is found in a line, and was not in the one before.
    pub(crate) fn is_new_in(&self, line: &Line) -> bool {
        self.find_new_in(line).is_some()
    }

    /// The first match in a line that was not in the one before.
    pub(crate) fn find_new_in<'l>(&self, line: &'l Line) -> Option<&'l [u8]> {
        let Line { bytes: text, seen, starts } = line;
        if self.further_on.is_none() {
            let mut all = self.regex.find_iter(text).filter(|found| found.end() > *seen);
            return all.next().map(|found| found.as_bytes());
        }
        let found = |at: usize| {
            let found = self.regex.find(text.get(at..)?)?;
            (at + found.end() > *seen).then(|| found.as_bytes())
        };
        starts.within(text).find_map(found)
    }

    /// Whether a pattern of a message is in a line further on than where one begins, new there, and may be
    /// one all the same ([`crate::starts::Starts::may_break_in`]).
    pub(crate) fn breaks_in(&self, line: &Line) -> bool {
        let Some(further_on) = &self.further_on else { return false };
        let new = further_on.find_iter(&line.bytes).filter(|found| found.end() > line.seen);
        new.into_iter().any(|found| line.starts.may_break_in(&line.bytes, found.start()))
    }
}
