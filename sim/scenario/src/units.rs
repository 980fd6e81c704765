//! Values with units, such as `50ms`, `64KiB`, `2.5Mbit/s`, `1%` and `320x240`.
//!
//! Numbers are decimal and exact: what cannot be held without rounding is refused. Nothing here
//! goes through a float.

use core::time::Duration;
use parallax_record::foreign::inline;
pub use parallax_spec::Size;

/// What is wrong with a value, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}")]
pub struct UnitError {
    /// What is wrong, such as "`Mbps` is not a unit of capacity".
    pub wrong: String,
    /// What would be right.
    pub cure: String,
}

/// A unit: its name, and how many of the base unit it holds.
type Unit = (&'static str, u64);

/// One kind of quantity: its units, and what people write instead of them.
struct Quantity {
    /// What the value is, in a sentence: "a duration".
    what: &'static str,
    /// Its units, the base unit first.
    units: &'static [Unit],
    /// Units, and what is written by mistake for each.
    mistakes: &'static [(&'static str, &'static [&'static str])],
    /// Units that a number without one most often has.
    bare: &'static [&'static str],
    /// A right value to show.
    example: &'static str,
}

const DURATION: Quantity = Quantity {
    what: "a duration",
    units: &[
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ],
    mistakes: &[
        ("min", &["m", "mins", "minute", "minutes"]),
        ("s", &["sec", "secs", "second", "seconds"]),
        ("ms", &["msec", "msecs", "millis", "millisecond", "milliseconds"]),
        ("us", &["usec", "µs", "μs", "usecs", "micros", "microsecond", "microseconds"]),
        ("h", &["hour", "hours", "hr", "hrs"]),
        ("ns", &["nsec", "nanoseconds"]),
    ],
    bare: &["ms", "s"],
    example: "50ms",
};

const CAPACITY: Quantity = Quantity {
    what: "a rate",
    units: &[("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)],
    mistakes: &[
        ("bit/s", &["bps", "b/s", "bit", "bits", "bits/s"]),
        ("kbit/s", &["kbps", "Kbps", "k", "kbit", "kb/s", "kbits/s", "kb"]),
        ("Mbit/s", &["Mbps", "M", "Mbit", "Mb/s", "Mbits/s", "Mb"]),
        ("Gbit/s", &["Gbps", "Gbit", "Gb/s", "Gbits/s", "G"]),
    ],
    bare: &["kbit/s", "Mbit/s"],
    example: "2.5Mbit/s",
};

const BYTES: Quantity = Quantity {
    what: "a number of bytes",
    units: &[("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20)],
    mistakes: &[("kB", &["KB"]), ("KiB", &["K", "k"]), ("MiB", &["M"]), ("B", &["bytes", "byte"])],
    bare: &["B", "KiB"],
    example: "64KiB",
};

const MEMORY: Quantity = Quantity {
    what: "an amount of memory",
    units: &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)],
    mistakes: &[("KiB", &["K", "k", "kB", "KB"]), ("MiB", &["M", "MB"]), ("GiB", &["G", "GB"])],
    bare: &["MiB", "GiB"],
    example: "4GiB",
};

const PACKETS: Quantity = Quantity {
    what: "a number of packets",
    units: &[("packets", 1), ("packet", 1)],
    mistakes: &[("packets", &["p", "pkts"]), ("packet", &["pkt"])],
    bare: &["packets"],
    example: "50 packets",
};

/// Base unit: one in 10^9.
const SHARE: Quantity = Quantity {
    what: "a share",
    units: &[("%", 10_000_000)],
    mistakes: &[("%", &["percent", "‰", "pct", "per cent"])],
    bare: &["%"],
    example: "1%",
};

/// Base unit: one thousandth of a decibel.
const DECIBELS: Quantity = Quantity {
    what: "a level in decibels",
    units: &[("dB", 1_000)],
    mistakes: &[("dB", &["db", "DB", "decibels"])],
    bare: &["dB"],
    example: "30dB",
};

/// A duration: `50ms`, `1.5s`, `2min`. Exact to the nanosecond.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    DURATION.parse(text).map(Duration::from_nanos)
}

/// A duration that the record can hold.
pub(crate) fn whole_micros(text: &str) -> Result<Duration, UnitError> {
    let duration = duration(text)?;
    if duration.subsec_nanos() % 1_000 == 0 {
        return Ok(duration);
    }
    Err(UnitError {
        wrong: format!("{} is finer than 1 us", shown(text)),
        cure: "round it to a whole number of us".into(),
    })
}

/// A run goes in steps of a millisecond.
pub(crate) fn whole_millis(text: &str) -> Result<Duration, UnitError> {
    let duration = duration(text)?;
    if duration.subsec_nanos() % 1_000_000 == 0 {
        return Ok(duration);
    }
    Err(UnitError {
        wrong: format!("{} is finer than 1 ms", shown(text)),
        cure: "write a whole number of ms: events happen between two steps of a run".into(),
    })
}

/// A rate in bits per second: `400kbit/s`, `2.5Mbit/s`. Exact to the bit per second.
pub fn bits_per_second(text: &str) -> Result<u64, UnitError> {
    CAPACITY.parse(text)
}

/// A number of bytes: `1500B`, `64KiB` (1024 bytes each), `64kB` (1000 bytes each).
pub fn bytes(text: &str) -> Result<u64, UnitError> {
    BYTES.parse(text)
}

/// An amount of memory in bytes: `512MiB`, `4GiB`. Exact to the byte.
pub fn memory(text: &str) -> Result<u64, UnitError> {
    MEMORY.parse(text)
}

/// A number of packets: `50 packets`.
pub fn packets(text: &str) -> Result<u64, UnitError> {
    PACKETS.parse(text)
}

/// A share from 0 % to 100 % in parts per 10^9: `1%`, `0.25%`.
pub fn share_ppb(text: &str) -> Result<u32, UnitError> {
    let share = SHARE.parse(text).map_err(|error| match of_one(text) {
        Some(percent) => {
            let cure = format!("did you mean `{percent}%`? Write a share in percent");
            UnitError { cure, ..error }
        }
        None => error,
    })?;
    u32::try_from(share).ok().filter(|share| *share <= 1_000_000_000).ok_or_else(|| UnitError {
        wrong: format!("`{}` is more than the whole", text.trim()),
        cure: "a share lies between 0% and 100%".into(),
    })
}

/// A level in thousandths of a decibel: `30dB`, `32.5dB`.
pub fn millidb(text: &str) -> Result<u32, UnitError> {
    let level = DECIBELS.parse(text)?;
    u32::try_from(level).map_err(|_| DECIBELS.too_large(text))
}

/// A decimal number in thousandths, if it is one and has no finer part.
pub(crate) fn thousandths(text: &str) -> Option<u32> {
    let text = text.replace('_', "");
    let (number, _) = split(&text).filter(|(_, unit)| unit.is_empty())?;
    exact(number, 1_000).ok()?.try_into().ok()
}

/// The size of a picture: `320x240`.
pub fn size(text: &str) -> Result<Size, UnitError> {
    let wrong = || UnitError {
        wrong: format!("{} is not the size of a picture", shown(text)),
        cure: "write pixels across, `x`, pixels down, such as `320x240`".into(),
    };
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let side = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|side| digits && (1..=65_535).contains(side))
    };
    match (side(width), side(height)) {
        (Some(width), Some(height)) => Ok(Size { width, height }),
        _ => Err(wrong()),
    }
}

/// Which kind of quantity a text with a unit is, for values that take several: the first of
/// `duration`, `bytes`, `packets` whose unit it has, or is a common mistake for.
pub(crate) fn queue_kind(text: &str) -> Option<&'static str> {
    let (_, unit) = split(text)?;
    let has = |quantity: &Quantity| {
        quantity.units.iter().any(|(name, _)| *name == unit)
            || quantity.meant(|name| name == unit).is_some()
    };
    [("duration", &DURATION), ("bytes", &BYTES), ("packets", &PACKETS)]
        .into_iter()
        .find_map(|(kind, quantity)| has(quantity).then_some(kind))
}

/// A duration as a scenario writes it, exact: `1.5s`, `50ms`.
pub fn format_duration(value: Duration) -> String {
    DURATION.format(value.as_nanos())
}

/// A rate as a scenario writes it, exact: `2.5Mbit/s`.
pub fn format_bits_per_second(value: u64) -> String {
    CAPACITY.format(value.into())
}

/// An amount of memory in bytes as a command line writes it, exact: `4GiB`.
pub fn format_memory(value: u64) -> String {
    MEMORY.format(value.into())
}

impl Quantity {
    fn parse(&self, text: &str) -> Result<u64, UnitError> {
        if text.trim_start().starts_with('-') {
            return Err(UnitError {
                wrong: format!("{} is negative", shown(text)),
                cure: format!("write {} from 0 up, such as `{}`", self.what, self.example),
            });
        }
        let Some((number, unit)) = split(text) else {
            return Err(UnitError {
                wrong: format!("{} is not {}", shown(text), self.what),
                cure: format!("write a number and its unit, such as `{}`", self.example),
            });
        };
        let Some((_, scale)) = self.units.iter().find(|(name, _)| *name == unit) else {
            return Err(self.unknown_unit(number, unit));
        };
        exact(number, *scale).map_err(|fault| match fault {
            Inexact::TooFine => UnitError {
                wrong: format!("{} is finer than 1 {}", shown(text), self.base()),
                cure: format!("round it to a whole number of {}", self.base()),
            },
            Inexact::TooLarge => self.too_large(text),
        })
    }

    /// The unit for which one is written by mistake that `is` it.
    fn meant(&self, is: impl Fn(&str) -> bool) -> Option<&'static str> {
        let mut mistakes = self.mistakes.iter();
        mistakes.find(|(_, written)| written.iter().any(|name| is(name))).map(|(meant, _)| *meant)
    }

    /// What the smallest step is called.
    fn base(&self) -> &'static str {
        match self.units[0].0 {
            "%" => "part in 1000000000",
            "dB" => "thousandth of a decibel",
            "packets" => "packet",
            base => base,
        }
    }

    fn too_large(&self, text: &str) -> UnitError {
        UnitError {
            wrong: format!("{} is larger than Parallax can hold", shown(text)),
            cure: format!("write {} such as `{}`", self.what, self.example),
        }
    }

    fn unknown_unit(&self, number: &str, unit: &str) -> UnitError {
        let names = self.units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        if unit.is_empty() {
            return UnitError {
                wrong: format!("`{number}` lacks a unit"),
                cure: {
                    let meant = self.bare.iter().map(|unit| format!("`{}`", join(number, unit)));
                    let meant = meant.collect::<Vec<_>>().join(" or ");
                    format!("did you mean {meant}? Units: {names}; such as `{}`", self.example)
                },
            };
        }
        // A unit in other letters, or a mistake in others.
        let same = |name: &str| name.eq_ignore_ascii_case(unit);
        let meant = self
            .meant(|name| name == unit)
            .or_else(|| self.units.iter().map(|(name, _)| *name).find(|name| same(name)))
            .or_else(|| self.meant(same));
        UnitError {
            wrong: format!("{} is not a unit of {}", shown(unit), self.what_bare()),
            cure: match meant {
                Some(meant) => format!("did you mean `{}`? Units: {names}", join(number, meant)),
                None => format!("units: {names}; such as `{}`", self.example),
            },
        }
    }

    fn what_bare(&self) -> &'static str {
        self.what.trim_start_matches("an ").trim_start_matches("a ")
    }

    /// The exact text of `value` base units, in the largest unit of at least one.
    fn format(&self, value: u128) -> String {
        let fits = |unit: &&Unit| u128::from(unit.1) <= value;
        let decimal = |unit: &&Unit| is_decimal_fraction(value, unit.1.into());
        let best = self.units.iter().filter(fits).filter(decimal).max_by_key(|unit| unit.1);
        // Zero, and values under one of a sole unit such as `%`, take the first unit.
        let (name, scale) = best.unwrap_or(&self.units[0]);
        let scale = u128::from(*scale);
        let (whole, mut rest) = (value / scale, value % scale);
        let mut digits = String::new();
        while rest > 0 {
            rest *= 10;
            digits.push(char::from(b'0' + u8::try_from(rest / scale).unwrap_or(9)));
            rest %= scale;
        }
        let point = if digits.is_empty() { "" } else { "." };
        join(&format!("{whole}{point}{digits}"), name)
    }
}

/// Whether value / scale ends after few decimals: 90 s are 1.5 min, but 70 s are not 1.1666 min.
fn is_decimal_fraction(value: u128, scale: u128) -> bool {
    (value * 1_000_000_000).is_multiple_of(scale)
}

/// Words stand apart from their number, symbols do not.
fn join(number: &str, unit: &str) -> String {
    if unit.starts_with("packet") { format!("{number} {unit}") } else { format!("{number}{unit}") }
}

/// A value with its unit apart, as pages say it: `10 s`.
pub(crate) fn apart(text: &str) -> String {
    split(text).map_or_else(String::new, |(number, unit)| format!("{number} {unit}"))
}

/// A value as messages show it: quoted, and cut if it is long.
pub(crate) fn shown(text: &str) -> String {
    if text.is_empty() {
        return "the empty text".into();
    }
    let mut cut = inline(&text.chars().take(40).collect::<String>());
    if text.chars().nth(40).is_some() {
        cut.push_str("...");
    }
    format!("`{cut}`")
}

/// Number and unit of a text; none if it does not begin with a number.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let whole = number.split('.').count() <= 2 && number.split('.').all(|part| !part.is_empty());
    (whole && number.len() <= 30).then_some((number, unit.trim_start()))
}

/// In percent, a share that is written as a part of one: `0.02` is 2 %.
fn of_one(text: &str) -> Option<String> {
    let (number, unit) = split(text)?;
    let (whole, fraction) = number.split_once('.')?;
    if !unit.is_empty() || whole.bytes().any(|digit| digit != b'0') {
        return None;
    }
    let (percent, rest) =
        format!("{fraction:0<2}").split_at_checked(2).map(|(a, b)| (a.to_owned(), b.to_owned()))?;
    let (percent, rest) = (percent.trim_start_matches('0'), rest.trim_end_matches('0'));
    let percent = if percent.is_empty() { "0" } else { percent };
    Some(if rest.is_empty() { percent.to_owned() } else { format!("{percent}.{rest}") })
}

enum Inexact {
    TooFine,
    TooLarge,
}

/// `number` x `scale`, if it is whole and fits.
fn exact(number: &str, scale: u64) -> Result<u64, Inexact> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits: u128 = format!("{whole}{fraction}").parse().map_err(|_| Inexact::TooLarge)?;
    // 30 digits x 2^63 would not fit: what is that large or that fine is refused in any case.
    let value = digits.checked_mul(scale.into()).ok_or(Inexact::TooLarge)?;
    let places = u32::try_from(fraction.len()).map_err(|_| Inexact::TooFine)?;
    let divisor = 10_u128.checked_pow(places).ok_or(Inexact::TooFine)?;
    if value % divisor != 0 {
        return Err(Inexact::TooFine);
    }
    u64::try_from(value / divisor).map_err(|_| Inexact::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_exact() {
        assert_eq!(duration("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("0.1us"), Ok(Duration::from_nanos(100)));
        assert_eq!(duration("2 min"), Ok(Duration::from_secs(120)));
        assert_eq!(bits_per_second("2.5Mbit/s"), Ok(2_500_000));
        assert_eq!(bytes("64KiB"), Ok(65_536));
        assert_eq!(bytes("64kB"), Ok(64_000));
        assert_eq!(packets("50 packets"), Ok(50));
        assert_eq!(share_ppb("1%"), Ok(10_000_000));
        assert_eq!(share_ppb("0.25%"), Ok(2_500_000));
        assert_eq!(millidb("32.5dB"), Ok(32_500));
        assert_eq!(size("320x240"), Ok(Size { width: 320, height: 240 }));
    }

    #[test]
    fn values_that_need_rounding_are_refused() {
        assert_eq!(duration("0.5ns").unwrap_err().wrong, "`0.5ns` is finer than 1 ns");
        assert_eq!(
            bits_per_second("0.5bit/s").unwrap_err().wrong,
            "`0.5bit/s` is finer than 1 bit/s"
        );
        assert_eq!(
            packets("1.5 packets").unwrap_err().wrong,
            "`1.5 packets` is finer than 1 packet"
        );
    }

    #[test]
    fn mistakes_are_recognised() {
        let cure = |error: UnitError| error.cure;
        assert_eq!(
            cure(bits_per_second("8Mbps").unwrap_err()),
            "did you mean `8Mbit/s`? Units: bit/s, kbit/s, Mbit/s, Gbit/s"
        );
        assert_eq!(
            cure(bits_per_second("8mbit/s").unwrap_err()),
            "did you mean `8Mbit/s`? Units: bit/s, kbit/s, Mbit/s, Gbit/s"
        );
        assert_eq!(duration("50").unwrap_err().wrong, "`50` lacks a unit");
        for (text, meant) in [
            ("0.02", "`2%`"),
            ("0.005", "`0.5%`"),
            ("0.5", "`50%`"),
            ("0.1250", "`12.5%`"),
            ("2", "`2%`"),
        ] {
            assert!(
                cure(share_ppb(text).unwrap_err()).starts_with(&format!("did you mean {meant}")),
                "{text}"
            );
        }
        assert!(cure(bits_per_second("2mbps").unwrap_err()).starts_with("did you mean `2Mbit/s`"));
        assert!(cure(duration("20").unwrap_err()).starts_with("did you mean `20ms` or `20s`"));
        assert_eq!(duration("5m").unwrap_err().cure.split('?').next(), Some("did you mean `5min`"));
        assert_eq!(duration("-5ms").unwrap_err().wrong, "`-5ms` is negative");
        assert_eq!(duration("").unwrap_err().wrong, "the empty text is not a duration");
        assert_eq!(duration("1.2.3s").unwrap_err().wrong, "`1.2.3s` is not a duration");
        assert_eq!(share_ppb("101%").unwrap_err().wrong, "`101%` is more than the whole");
        assert!(size("320 x 240").is_err() && size("0x240").is_err() && size("+3x4").is_err());
    }

    #[test]
    fn thousandths_are_exact() {
        assert_eq!(thousandths("95"), Some(95_000));
        assert_eq!(thousandths("99.9"), Some(99_900));
        assert_eq!(thousandths("0.5"), Some(500));
        assert_eq!(thousandths("0.0001"), None);
        assert_eq!(thousandths("inf"), None);
        assert_eq!(thousandths("-1"), None);
        assert_eq!(thousandths("1e3"), None);
    }

    #[test]
    fn a_queue_limit_is_known_by_its_unit() {
        assert_eq!(queue_kind("200ms"), Some("duration"));
        assert_eq!(queue_kind("64KiB"), Some("bytes"));
        assert_eq!(queue_kind("50 packets"), Some("packets"));
        assert_eq!(queue_kind("50"), None);
    }

    proptest! {
        #[test]
        fn durations_survive_the_round_trip(nanos: u64) {
            let text = format_duration(Duration::from_nanos(nanos));
            prop_assert_eq!(duration(&text), Ok(Duration::from_nanos(nanos)), "{}", text);
        }

        #[test]
        fn rates_survive_the_round_trip(rate: u64) {
            prop_assert_eq!(bits_per_second(&format_bits_per_second(rate)), Ok(rate));
        }

        #[test]
        fn sizes_survive_the_round_trip(width in 1..=65_535_u32, height in 1..=65_535_u32) {
            let value = Size { width, height };
            prop_assert_eq!(size(&value.to_string()), Ok(value));
        }

        #[test]
        fn no_text_panics(text in "\\PC*", number in "[0-9.]{0,40}", unit in "[a-zA-Z%/ x]{0,8}") {
            for text in [text, format!("{number}{unit}")] {
                let _ = duration(&text).map(format_duration);
                let _ = bits_per_second(&text);
                let _ = bytes(&text);
                let _ = packets(&text);
                let _ = share_ppb(&text);
                let _ = millidb(&text);
                let _ = size(&text);
                let _ = queue_kind(&text);
            }
        }
    }
}
