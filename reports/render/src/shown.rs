//! Text for a terminal: colours are ours, and nothing else in it steers.

use parallax_record::{Verdict, foreign};
use std::{fmt, ops::Deref};

/// Text that may go to a terminal as it is. Whatever text becomes part of it, its steering characters are
/// written out (`\u{1b}`), line ends alone excepted; the only escape sequences are those of a
/// [`Style`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// A text between two of our own escape sequences.
    pub(crate) fn painted(code: &str, text: &str) -> Self {
        Self(format!("\x1b[{code}m{}\x1b[0m", foreign::lines(text)))
    }

    /// Adds to it.
    pub fn push(&mut self, text: impl Into<Self>) {
        self.0.push_str(&text.into().0);
    }

    /// Ends a line, without spaces before its end.
    pub(crate) fn end_line(&mut self) {
        self.0.truncate(self.0.trim_end_matches(' ').len());
        self.0.push('\n');
    }
}

impl Deref for Shown {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self(foreign::lines(text).into_owned())
    }
}

impl From<&String> for Shown {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&Shown> for Shown {
    fn from(text: &Shown) -> Self {
        text.clone()
    }
}

impl Extend<Shown> for Shown {
    fn extend<I: IntoIterator<Item = Shown>>(&mut self, texts: I) {
        texts.into_iter().for_each(|text| self.push(text));
    }
}

impl FromIterator<Shown> for Shown {
    fn from_iter<I: IntoIterator<Item = Shown>>(texts: I) -> Self {
        let mut all = Self::default();
        all.extend(texts);
        all
    }
}

/// Whether to colour, with the ANSI codes that every terminal knows. Colour never says anything
/// that the words do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// Verdicts in colour, what is less important dim.
    Coloured,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> Shown {
        match self {
            Self::Plain => text.into(),
            Self::Coloured => Shown::painted(code, text),
        }
    }

    pub(crate) fn bold(self, text: &str) -> Shown {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> Shown {
        self.paint("2", text)
    }

    /// A verdict as a line begins with it, as wide as the widest.
    pub(crate) fn word(self, verdict: Verdict) -> Shown {
        let word = verdict.to_string().to_uppercase();
        self.verdict(verdict, &format!("{word:<WIDTH$}"))
    }

    pub(crate) fn verdict(self, verdict: Verdict, text: &str) -> Shown {
        let code = match verdict {
            Verdict::Pass => "32",
            Verdict::Inconclusive => "33",
            Verdict::Fail => "1;31",
            Verdict::Error => "1;35",
        };
        self.paint(code, text)
    }
}

/// How wide the first column is: the widest verdict.
pub(crate) const WIDTH: usize = "INCONCLUSIVE".len();

/// Parts of a line, one after the other.
macro_rules! shown {
    ($($part:expr),* $(,)?) => {{
        let mut all = $crate::shown::Shown::default();
        $(all.push($part);)*
        all
    }};
}
pub(crate) use shown;
