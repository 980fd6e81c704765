//! What is wrong with a scenario or a profile, where, and what would be right.

use crate::source::Source;
use core::{fmt, ops::Range};
use miette::{Diagnostic, LabeledSpan, SourceCode};
use parallax_record::foreign::inline;

/// Everything found wrong with a file, most helpful first. Shown by `miette`, the first problem
/// is the message and the others follow as related ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioErrors {
    // Never empty.
    problems: Vec<Problem>,
}

impl ScenarioErrors {
    /// More than these are not shown: the first ones are often the cause of the others.
    const SHOWN: usize = 6;

    pub(crate) fn new(mut problems: Vec<Problem>) -> Option<Self> {
        let misspelt: Vec<String> =
            problems.iter().filter_map(|problem| problem.meant.clone()).collect();
        // A key that is there but misspelt is not missing.
        problems
            .retain(|problem| !(problem.rank == Rank::Missing && misspelt.contains(&problem.key)));
        problems.sort_by_key(|problem| (problem.rank, problem.offset()));
        problems.dedup();
        (!problems.is_empty()).then_some(Self { problems })
    }

    /// Every problem, most helpful first; at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many problems are not shown.
    pub fn unshown(&self) -> usize {
        self.problems.len().saturating_sub(Self::SHOWN)
    }

    /// The problem to tell if only one is told.
    pub fn first(&self) -> &Problem {
        &self.problems[0]
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

impl From<Problem> for ScenarioErrors {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first().fmt(f)?;
        match self.problems.len() - 1 {
            0 => Ok(()),
            1 => write!(f, " (and 1 more problem)"),
            more => write!(f, " (and {more} more problems)"),
        }
    }
}

impl core::error::Error for ScenarioErrors {}

impl Diagnostic for ScenarioErrors {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.first().help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.first().source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.first().labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let others = self.problems.iter().skip(1).take(Self::SHOWN - 1);
        (self.problems.len() > 1)
            .then(|| Box::new(others.map(|problem| problem as &dyn Diagnostic)) as _)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    rank: Rank,
    source: Option<Source>,
    key: String,
    message: String,
    labels: Vec<(Range<usize>, String)>,
    help: String,
    meant: Option<String>,
}

/// How helpful a problem is: the earlier ones are causes, the later ones often follow from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// The text is not TOML.
    Syntax,
    /// A key that does not exist, or not yet.
    Key,
    /// A value that is wrong by itself.
    Value,
    /// A key that must be there and is not.
    Missing,
    /// Values that do not go together.
    Whole,
}

impl Problem {
    /// A problem at `span` of `source`. `key` is the path of the key, `label` says at the place
    /// what is wrong.
    pub(crate) fn new(
        rank: Rank,
        source: &Source,
        key: &str,
        message: impl Into<String>,
        (span, label): (Range<usize>, impl Into<String>),
        help: impl Into<String>,
    ) -> Self {
        Self {
            rank,
            source: Some(source.clone()),
            key: key.into(),
            // Names of tables may hold anything.
            message: inline(&message.into()),
            labels: vec![(span, inline(&label.into()))],
            help: help.into(),
            meant: None,
        }
    }

    /// A problem of a file whose text is not shown, because it is too long or no text.
    pub(crate) fn of_file(message: String, help: impl Into<String>) -> Self {
        Self {
            rank: Rank::Syntax,
            source: None,
            key: String::new(),
            message: inline(&message),
            labels: Vec::new(),
            help: help.into(),
            meant: None,
        }
    }

    /// Points at a second place of the same file.
    pub(crate) fn also(&mut self, span: Range<usize>, label: &str) {
        self.labels.push((span, inline(label)));
    }

    /// Says which key was probably meant.
    pub(crate) fn meaning(mut self, key: String) -> Self {
        self.meant = Some(key);
        self
    }

    /// The file, as it was named to the parser; none if the file is not text at all.
    pub fn file(&self) -> Option<&str> {
        self.source.as_ref().map(Source::name)
    }

    /// Path of the key, such as `site.house.up.capacity`; empty if it is about the whole file.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Line, from 1; none if the text is not shown.
    pub fn line(&self) -> Option<usize> {
        self.position().map(|(line, _)| line)
    }

    /// Column in characters, from 1; none if the text is not shown.
    pub fn column(&self) -> Option<usize> {
        self.position().map(|(_, column)| column)
    }

    /// What would be right.
    pub fn cure(&self) -> &str {
        &self.help
    }

    fn position(&self) -> Option<(usize, usize)> {
        Some(self.source.as_ref()?.position(self.offset()))
    }

    fn offset(&self) -> usize {
        self.labels.first().map_or(0, |(span, _)| span.start)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(Source::code)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.labels.iter().map(|(span, label)| {
            LabeledSpan::new(Some(label.clone()), span.start, span.end - span.start)
        });
        (!self.labels.is_empty()).then(|| Box::new(labels) as _)
    }
}
