//! Values of keys as the types that readers fill, by the kind that a key is declared with.

use crate::{
    error::Rank,
    key::{Grain, Shape},
    table::{Place, Reader, Table, Value},
    units::{self, Size, UnitError, shown},
};
use core::{net::Ipv4Addr, time::Duration};
use parallax_record::{CandidateKind, Percentile};
use parallax_spec::{
    Behaviour, FilterScope, Ipv4Network, LinkDirection, MediaMode, PortAssignment, ServiceKind,
    SignallingProtocol, micros,
};
use serde::{
    de::DeserializeOwned,
    de::value::{Error, StrDeserializer},
};

/// What a key may hold.
pub(crate) trait FromValue: Sized {
    /// The value; none if it is wrong, which is noted.
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self>;

    /// What it is where the key is left out and has no default.
    fn absent() -> Option<Self> {
        None
    }
}

impl Table<'_> {
    /// The value of a key; none if it is wrong or missing, which is noted.
    pub(crate) fn read<T: FromValue>(&self, reader: &mut Reader, key: &str) -> Option<T> {
        match self.get(reader, key) {
            Some(value) => T::from_value(reader, value),
            None => T::absent(),
        }
    }

    /// A key that may be left out, read by `read`; none if it is wrong, which is noted.
    pub(crate) fn read_by<T>(
        &self,
        reader: &mut Reader,
        key: &str,
        read: impl FnOnce(&mut Reader, Value<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.get(reader, key) {
            Some(value) => read(reader, value).map(Some),
            None => Some(None),
        }
    }
}

/// Fills a type from the keys of a table that are called as its fields are, or as said behind the colon. Each is read
/// before the first that is wrong ends it, so that all that is wrong is noted. What comes behind the semicolon is given.
macro_rules! fill {
    ($reader:ident, $table:expr => $($type:ident)::+ {
        $($field:ident $(: $key:literal)?),+ $(,)? $(; $($given:tt)*)?
    }) => {{
        $(let $field = $table.read($reader, fill!(@key $field $($key)?));)+
        Some($($type)::+ { $($field: $field?,)+ $($($given)*)? })
    }};
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}

pub(crate) use fill;

/// A key that may be left out.
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        T::from_value(reader, value).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A value and where it stands.
impl<T: FromValue> FromValue for (T, Place) {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let place = value.place.clone();
        Some((T::from_value(reader, value)?, place))
    }
}

impl FromValue for bool {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        value.boolean(reader)
    }
}

/// A whole number, or thousandths.
impl FromValue for u32 {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        match value.shape {
            Shape::Whole(least, most) => value.whole(reader, (least, most)),
            Shape::Thousandths(least, most) => value.thousandths(reader, (least, most)),
            _ => value.whole(reader, (0, u32::MAX)),
        }
    }
}

impl FromValue for u16 {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        u32::from_value(reader, value)?.try_into().ok()
    }
}

impl FromValue for Percentile {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        u8::try_from(u32::from_value(reader, value)?).ok()?.try_into().ok()
    }
}

/// Microseconds of a time, bits per second of a rate, or a whole number.
impl FromValue for u64 {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        match value.shape {
            Shape::Time(..) => Duration::from_value(reader, value).map(micros),
            Shape::Bound => {
                let bound = Duration::from_value(reader, value.clone()).map(micros)?;
                if bound == 0 {
                    let (message, help) = ("nothing takes no time", "write a bound above zero");
                    reader.note(Rank::Value, &value.place, message, "zero", help);
                }
                (bound > 0).then_some(bound)
            }
            Shape::Rate(least, most) => {
                let (parse, format) = (units::bits_per_second, units::format_bits_per_second);
                value.unit_between(reader, parse, (least, most), format)
            }
            _ => u32::from_value(reader, value).map(u64::from),
        }
    }
}

impl FromValue for Duration {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let Shape::Time(grain, least, most) = value.shape else {
            return value.unit(reader, units::whole_micros);
        };
        let parse = match grain {
            Grain::Nano => units::duration,
            Grain::Micro => units::whole_micros,
            Grain::Milli => units::whole_millis,
        };
        value.unit_between(reader, parse, (least, most), units::format_duration)
    }
}

impl FromValue for Size {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        value.unit(reader, units::size)
    }
}

impl FromValue for String {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        match value.shape {
            Shape::Sentence => value.words(reader),
            Shape::Pattern => pattern(reader, &value),
            Shape::CommandLine => command_line(reader, &value),
            _ => value.text(reader),
        }
    }
}

/// A text that is not empty, as it stands: spaces at its ends are part of a prompt.
fn pattern(reader: &mut Reader, value: &Value<'_>) -> Option<String> {
    let text = value.text(reader)?;
    if text.is_empty() {
        let help = "write a regular expression for what the device says";
        return value.refuse(reader, "it is empty", "it is always there", help);
    }
    if let Some(Err(UnitError { wrong, cure })) = reader.patterns.map(|rule| rule(&text)) {
        return value.refuse(reader, &wrong, "no pattern", cure);
    }
    Some(text)
}

/// Bytes of a command, at most: with what is typed around it, it fits a terminal's line.
pub(crate) const COMMAND_BYTES_MOST: usize = 1_024;

fn command_line(reader: &mut Reader, value: &Value<'_>) -> Option<String> {
    let text = value.text(reader)?;
    if text.trim().is_empty() || text.len() > COMMAND_BYTES_MOST || text.contains(char::is_control)
    {
        let message = "it is no command line";
        let help = format!("write one line of 1 to {COMMAND_BYTES_MOST} bytes, as typed by hand");
        return value.refuse(reader, message, "not a line", help);
    }
    Some(text)
}

/// Items of a list, at most.
pub(crate) const ITEMS_MOST: usize = 64;

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let (place, shape) = (value.place.clone(), value.shape);
        let rates = matches!(shape, Shape::Whole(..));
        let items = value.items(reader)?;
        if items.len() > ITEMS_MOST || (items.is_empty() && rates) {
            let message = format!("{} items", items.len());
            let help = match shape {
                Shape::Whole(..) => format!("write 1 to {ITEMS_MOST} rates"),
                Shape::CommandLine => {
                    format!("write at most {ITEMS_MOST} commands; one can call a script of yours")
                }
                _ => format!(
                    "write at most {ITEMS_MOST} patterns; one pattern can hold several: `a|b`"
                ),
            };
            return reader.refuse(Rank::Value, &place, &message, "out of range", help);
        }
        // All items are read first: a wrong one does not hide the errors of those behind it.
        let read: Vec<Option<T>> =
            items.into_iter().map(|item| T::from_value(reader, item)).collect();
        read.into_iter().collect()
    }
}

impl FromValue for Ipv4Addr {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let text = value.text(reader)?;
        let address = text.parse().ok();
        if address.is_none() {
            let message = format!("{} is not an IPv4 address", shown(&text));
            let help = "write four numbers, such as `192.168.1.20`";
            reader.note(Rank::Value, &value.place, &message, "not an address", help);
        }
        address
    }
}

impl FromValue for Ipv4Network {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let text = value.text(reader)?;
        let network = text.parse().ok();
        if network.is_none() {
            let message = format!("{} is not an IPv4 network", shown(&text));
            let help = "write its first address and its prefix, 24 to 29, such as `192.168.1.0/24`";
            reader.note(Rank::Value, &value.place, &message, "not a network", help);
        }
        network
    }
}

/// One of the words of a key.
impl FromValue for &'static str {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let Shape::Words(words) = value.shape else { return None };
        value.one_of(reader, words)
    }
}

/// One of the words of a key, as a type calls it in records.
pub(crate) fn word<T: DeserializeOwned>(reader: &mut Reader, value: &Value<'_>) -> Option<T> {
    let word = <&str>::from_value(reader, value.clone())?;
    T::deserialize(StrDeserializer::<Error>::new(word)).ok()
}

/// Types whose values are words.
macro_rules! by_word {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::from_value::FromValue for $type {
            fn from_value(
                reader: &mut $crate::table::Reader,
                value: $crate::table::Value<'_>,
            ) -> Option<Self> {
                $crate::from_value::word(reader, &value)
            }
        }
    )+};
}

pub(crate) use by_word;

by_word!(
    Behaviour,
    CandidateKind,
    FilterScope,
    LinkDirection,
    MediaMode,
    PortAssignment,
    ServiceKind,
    SignallingProtocol,
);
