//! Declaration of keys: name, kind with its range, default and meaning. Pages, messages and readers take them from
//! here alone.

use crate::units;
use core::{fmt, time::Duration};

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// What holds if it is left out.
    pub absent: Absent,
    /// What it means.
    pub meaning: &'static str,
}

/// What holds if a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The file is refused.
    Refused,
    /// This value, in TOML.
    Default(&'static str),
    /// There is no such thing, or it is derived, as told.
    Told(&'static str),
}

/// The keys of one kind of table.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// Where such a table stands, such as `[site.NAME]`.
    pub place: &'static str,
    /// Its keys, in the order in which they are documented.
    pub keys: &'static [Key],
    /// Keys that are not supported yet, and what they are for: refused by name.
    pub later: &'static [(&'static str, &'static str)],
}

impl Keys {
    /// The key called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// What a value is, with its unit and its range. Shown as the pages of keys say it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub(crate) shape: Shape,
    before: &'static str,
    after: &'static str,
}

/// What a reader needs to know of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// In words: its reader knows more.
    Said,
    /// A text that is not empty.
    Sentence,
    Pattern,
    CommandLine,
    Flag,
    /// One of these words.
    Words(&'static [&'static str]),
    Whole(u32, u32),
    /// A number with decimals, its bounds in thousandths.
    Thousandths(u32, u32),
    Time(Grain, Duration, Duration),
    /// A bound in time: above zero, or nothing would be inside it.
    Bound,
    /// Bits per second.
    Rate(u64, u64),
    Size,
}

/// The least step of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grain {
    Nano,
    Micro,
    Milli,
}

/// Milliseconds in a second.
pub(crate) const S: u64 = 1_000;
/// Milliseconds in an hour.
pub(crate) const H: u64 = 3_600 * S;
/// No limit of a time, in milliseconds.
pub(crate) const FOREVER: u64 = u64::MAX;

const fn kind(shape: Shape) -> Kind {
    Kind { shape, before: "", after: "" }
}

const fn times(grain: Grain, least_ms: u64, most_ms: u64) -> Kind {
    let (least, most) = (Duration::from_millis(least_ms), Duration::from_millis(most_ms));
    kind(Shape::Time(grain, least, most))
}

/// What only the reader of the key knows, in words.
pub(crate) const fn said(words: &'static str) -> Kind {
    kind(Shape::Said).and(words)
}

/// A text that is not empty, in words.
pub(crate) const fn sentence(words: &'static str) -> Kind {
    kind(Shape::Sentence).and(words)
}

/// A pattern of what a console says, in words.
pub(crate) const fn pattern(words: &'static str) -> Kind {
    kind(Shape::Pattern).and(words)
}

/// A line that a shell can be given, in words.
pub(crate) const fn command_line(words: &'static str) -> Kind {
    kind(Shape::CommandLine).and(words)
}

pub(crate) const fn flag() -> Kind {
    kind(Shape::Flag)
}

pub(crate) const fn words(words: &'static [&'static str]) -> Kind {
    kind(Shape::Words(words))
}

pub(crate) const fn whole(least: u32, most: u32) -> Kind {
    kind(Shape::Whole(least, most))
}

pub(crate) const fn thousandths(least: u32, most: u32) -> Kind {
    kind(Shape::Thousandths(least, most))
}

/// A duration to the microsecond, bounds in milliseconds.
pub(crate) const fn time(least_ms: u64, most_ms: u64) -> Kind {
    times(Grain::Micro, least_ms, most_ms)
}

/// A duration to the nanosecond, bounds in milliseconds.
pub(crate) const fn fine_time(least_ms: u64, most_ms: u64) -> Kind {
    times(Grain::Nano, least_ms, most_ms)
}

/// A duration of whole milliseconds.
pub(crate) const fn whole_ms(least_ms: u64, most_ms: u64) -> Kind {
    times(Grain::Milli, least_ms, most_ms)
}

/// What a check demands of a time.
pub(crate) const fn bound() -> Kind {
    kind(Shape::Bound)
}

/// A rate of a camera or a codec.
pub(crate) const fn rate() -> Kind {
    kind(Shape::Rate(LEAST_RATE, 10_000_000_000))
}

/// The size of a picture.
pub(crate) const fn size() -> Kind {
    kind(Shape::Size)
}

/// The least rate that a file may name, bits per second.
pub(crate) const LEAST_RATE: u64 = 1_000;

impl Kind {
    /// With words before it.
    pub(crate) const fn of(self, before: &'static str) -> Self {
        Self { before, ..self }
    }

    /// With words behind it.
    pub(crate) const fn and(self, after: &'static str) -> Self {
        Self { after, ..self }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.before)?;
        match self.shape {
            Shape::Said | Shape::Sentence | Shape::Pattern | Shape::CommandLine => {}
            Shape::Flag => f.write_str("`true`, `false`")?,
            Shape::Words(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
                f.write_str(&words.join(", "))?;
            }
            Shape::Whole(0, u32::MAX) => f.write_str("whole number")?,
            Shape::Whole(least, u32::MAX) => write!(f, "whole number, {least} up")?,
            Shape::Whole(least, most) => write!(f, "whole number, {least} to {most}")?,
            Shape::Thousandths(least, most) => {
                write!(f, "number, {} to {}", f64::from(least) / 1e3, f64::from(most) / 1e3)?;
            }
            Shape::Time(grain, least, most) => {
                f.write_str("duration")?;
                if grain == Grain::Milli {
                    f.write_str(", whole ms")?;
                }
                if most < Duration::from_millis(FOREVER) {
                    let (least, most) = (apart(least), apart(most));
                    let least = if least == "0 ns" { String::new() } else { format!("{least} ") };
                    write!(f, ", {least}to {most}")?;
                }
            }
            Shape::Bound => f.write_str("duration")?,
            Shape::Rate(least, most) => {
                let text = |rate| units::apart(&units::format_bits_per_second(rate));
                write!(f, "rate, {} to {}", text(least), text(most))?;
            }
            Shape::Size => f.write_str("pixels")?,
        }
        f.write_str(self.after)
    }
}

/// A time as pages say it: `10 s`.
fn apart(time: Duration) -> String {
    units::apart(&units::format_duration(time))
}

/// A line of a doc comment without the space that it begins with.
pub(crate) const fn trimmed(line: &'static str) -> &'static str {
    match line.split_at_checked(1) {
        Some((_, rest)) => rest,
        None => line,
    }
}

/// Declares the keys of a table: of each its meaning, as a doc comment, its name, its kind, and what holds if it is left
/// out. `default` has a value in TOML, `absent` says it in words; without either the file is refused. Keys that several
/// tables have come last.
macro_rules! keys {
    ($name:ident: $place:literal {
        $($(#[doc = $line:literal])+ $key:ident: $kind:expr $(, $how:ident $what:tt)?;)*
        $(..$shared:expr;)*
    } $(later { $($later:ident: $purpose:literal;)* })?) => {
        pub(crate) const $name: $crate::key::Keys = $crate::key::Keys {
            place: $place,
            keys: &[
                $($crate::key::key!($(#[doc = $line])+ $key: $kind $(, $how $what)?),)*
                $($shared,)*
            ],
            later: &[$($((stringify!($later), $purpose)),*)?],
        };
    };
}

/// One key, as in [`keys`].
macro_rules! key {
    ($(#[doc = $line:literal])+ $key:ident: $kind:expr $(, $how:ident $what:tt)?) => {
        $crate::key::Key {
            name: stringify!($key),
            kind: $kind,
            absent: $crate::key::absent!($($how $what)?),
            meaning: $crate::key::trimmed(concat!($($line),+)),
        }
    };
}

/// What holds if a key is left out.
macro_rules! absent {
    () => {
        $crate::key::Absent::Refused
    };
    (default $value:tt) => {
        $crate::key::Absent::Default(stringify!($value))
    };
    (absent $words:tt) => {
        $crate::key::Absent::Told($words)
    };
}

pub(crate) use {absent, key, keys};
