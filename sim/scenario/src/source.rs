//! A named text, and places in it.

use core::ops::Range;
use miette::{NamedSource, SourceCode};
use parallax_record::foreign::inline;
use std::sync::Arc;

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
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self(Arc::new(NamedSource::new(inline(name), text.to_owned())))
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

/// The largest offset up to `offset` that lies between two characters.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
