//! Numbers with their units, as people write them.

pub use parallax_record::counted;
use parallax_record::{Comparison, Unit};

/// A duration given in microseconds: `850 us`, `104.2 ms`, `1.234 s`. Rounded half up.
#[must_use]
pub fn duration(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let size = us.unsigned_abs();
    if size < 1_000 {
        format!("{sign}{size} us")
    } else if size < 999_950 {
        format!("{sign}{} ms", decimal((size + 50) / 100, 1))
    } else {
        format!("{sign}{} s", decimal((size + 500) / 1_000, 3))
    }
}

/// A duration to the millisecond, and below one to a tenth: as exact as a figure is whose parts hang on ticks.
#[must_use]
pub fn to_ms(us: i64) -> String {
    match us.unsigned_abs() {
        0..950 => milliseconds(us),
        _ => rounded(us, 1_000),
    }
}

/// A duration below a second in milliseconds, to a tenth: `0.9 ms`.
fn milliseconds(us: i64) -> String {
    let tenths = nearest(us, 100) / 100;
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{} ms", decimal(tenths.unsigned_abs(), 1))
}

/// A duration, to the digit that is known of it: whole milliseconds where it may be off by one or more, else tenths.
#[must_use]
pub fn rounded(us: i64, off_by_us: u64) -> String {
    match off_by_us {
        1_000.. if nearest(us, 1_000) == 0 => "0 ms".to_owned(),
        1_000.. => duration(nearest(us, 1_000)),
        100.. if us.unsigned_abs() < 1_000 => milliseconds(us),
        100.. => duration(nearest(us, 100)),
        _ => duration(us),
    }
}

fn nearest(us: i64, unit: i64) -> i64 {
    us.saturating_add(unit / 2).div_euclid(unit).saturating_mul(unit)
}

/// A duration and how far the truth may be from it: `207 ms (+0 / -22 ms)`, `104.2 ms (± 0.5 ms)`.
#[must_use]
pub fn measured(us: i64, below_us: u64, above_us: u64) -> String {
    let value = rounded(us, below_us.max(above_us));
    match uncertainty(below_us, above_us) {
        exact if exact.is_empty() => value,
        spread => format!("{value} ({spread})"),
    }
}

/// How far the truth may be from a duration: `+0 / -22 ms`; empty if it is exact. Rounded up.
#[must_use]
pub fn uncertainty(below_us: u64, above_us: u64) -> String {
    let widest = below_us.max(above_us);
    let (unit, name, digit) = match widest {
        0 => return String::new(),
        1..100 => (1, "us", 1),
        100..1_000 => (1_000, "ms", 100),
        _ => (1_000, "ms", 1_000),
    };
    let one = |us: u64| {
        let us = us.div_ceil(digit).saturating_mul(digit);
        if unit == 1 { us.to_string() } else { decimal(us / 100, 1) }
    };
    let (below, above) = (one(below_us), one(above_us));
    if below == above {
        format!("± {below} {name}")
    } else {
        format!("+{above} / -{below} {name}")
    }
}

/// A viewer's jitter buffer, where there is one: how deep it is at most, and at least if it adapts.
#[must_use]
pub fn jitter_buffer(most_us: Option<u64>, least_us: Option<u64>) -> String {
    let [least, most] = [least_us, most_us].map(|us| us.map(|us| duration(us.cast_signed())));
    match (least, most) {
        (Some(least), Some(most)) => format!(", jitter buffer {least} to {most}"),
        (_, Some(most)) => format!(", jitter buffer {most}"),
        _ => String::new(),
    }
}

/// A level given in thousandths of a decibel: `31.42 dB`. Rounded half up.
#[must_use]
pub fn level(millidb: i64) -> String {
    let sign = if millidb < 0 { "-" } else { "" };
    let hundredths = (millidb.unsigned_abs() + 5) / 10;
    format!("{sign}{}.{:02} dB", hundredths / 100, hundredths % 100)
}

/// A share given in parts in a million: `1.25 %`. Rounded down to a ten-thousandth, so that what is
/// not wholly lost never reads as such.
#[must_use]
pub fn share(ppm: i64) -> String {
    format!("{} %", decimal(ppm.unsigned_abs() / 100, 2))
}

/// An SSIM given in millionths: `0.953`. Rounded down, so that only identical pictures have 1.
#[must_use]
pub fn similarity(ppm: i64) -> String {
    let sign = if ppm < 0 { "-" } else { "" };
    let size = ppm.unsigned_abs();
    format!("{sign}{}.{:03}", size / 1_000_000, size % 1_000_000 / 1_000)
}

/// A bit rate: `850 bit/s`, `402.1 kbit/s`, `2.5 Mbit/s`.
#[must_use]
pub fn bit_rate(bps: u64) -> String {
    if bps < 1_000 {
        format!("{bps} bit/s")
    } else if bps < 999_950 {
        format!("{} kbit/s", decimal((bps + 50) / 100, 1))
    } else {
        format!("{} Mbit/s", decimal((bps + 50_000) / 100_000, 1))
    }
}

/// Bytes: `850 B`, `12.3 kB`, `2.5 MB`, in powers of ten.
#[must_use]
pub fn bytes(count: u64) -> String {
    if count < 1_000 {
        format!("{count} B")
    } else if count < 999_950 {
        format!("{} kB", decimal((count + 50) / 100, 1))
    } else {
        format!("{} MB", decimal((count + 50_000) / 100_000, 1))
    }
}

/// What percentiles of latency leave out: ` (375 lost frames not in it)`; nothing if no frame was lost.
#[must_use]
pub fn not_in_it(lost: u64) -> String {
    match lost {
        0 => String::new(),
        _ => format!(" ({} not in it)", counted(lost, "lost frame")),
    }
}

/// A check's figure with its unit.
#[must_use]
pub fn with_unit(value: i64, unit: Unit) -> String {
    match unit {
        Unit::Us => duration(value),
        Unit::Millidb => level(value),
        Unit::SsimPpm => similarity(value),
        Unit::Ppm => share(value),
        Unit::Frames => counted(value.unsigned_abs(), "frame"),
        Unit::Freezes => counted(value.unsigned_abs(), "freeze"),
        Unit::Pairs => counted(value.unsigned_abs(), "other pair"),
    }
}

/// A bound: `below 250 ms`.
#[must_use]
pub fn bound(comparison: Comparison, value: i64, unit: Unit) -> String {
    let word = match comparison {
        Comparison::Below => "below",
        Comparison::AtMost => "at most",
        Comparison::Above => "above",
    };
    format!("{word} {}", with_unit(value, unit))
}

/// A number with this number of decimals, trailing zeros left out.
fn decimal(scaled: u64, decimals: u32) -> String {
    let unit = 10_u64.pow(decimals);
    let (whole, rest) = (scaled / unit, scaled % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let rest = format!("{rest:0width$}", width = decimals as usize);
    format!("{whole}.{}", rest.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_choose_their_unit_and_round_half_up() {
        let cases = [
            (0, "0 us"),
            (999, "999 us"),
            (1_000, "1 ms"),
            (104_250, "104.3 ms"),
            (-2_340, "-2.3 ms"),
            (250_000, "250 ms"),
            (999_949, "999.9 ms"),
            (999_950, "1 s"),
            (1_234_500, "1.235 s"),
            (30_000_000, "30 s"),
        ];
        for (us, text) in cases {
            assert_eq!(duration(us), text);
        }
    }

    #[test]
    fn a_figure_has_the_digits_that_its_uncertainty_leaves() {
        for ((us, below, above), text) in [
            ((207_412, 22_000, 0), "207 ms (+0 / -22 ms)"),
            ((112_449, 0, 7_001), "112 ms (+8 / -0 ms)"),
            ((104_249, 312, 312), "104.2 ms (± 0.4 ms)"),
            ((104_249, 20, 20), "104.2 ms (± 20 us)"),
            ((930, 1_000, 0), "1 ms (+0 / -1 ms)"),
            ((1_234_499, 30_000, 0), "1.234 s (+0 / -30 ms)"),
            ((-2_600, 1_000, 8_000), "-3 ms (+8 / -1 ms)"),
            ((850, 0, 0), "850 us"),
            ((400, 1_000, 0), "0 ms (+0 / -1 ms)"),
            ((-440, 500, 500), "-0.4 ms (± 0.5 ms)"),
        ] {
            assert_eq!(measured(us, below, above), text);
        }
        assert_eq!([to_ms(41_499), to_ms(349), to_ms(9_500)], ["41 ms", "0.3 ms", "10 ms"]);
        assert_eq!(rounded(999_600, 1_000), "1 s");
    }

    #[test]
    fn other_figures_carry_their_units() {
        assert_eq!(level(31_415), "31.42 dB");
        assert_eq!(level(30_000), "30.00 dB");
        assert_eq!(share(12_500), "1.25 %");
        assert_eq!(share(0), "0 %");
        assert_eq!(bit_rate(402_149), "402.1 kbit/s");
        assert_eq!(bit_rate(999_950), "1 Mbit/s");
        assert_eq!(bytes(1_234_567), "1.2 MB");
        assert_eq!(counted(1, "freeze"), "1 freeze");
        assert_eq!(counted(0, "freeze"), "0 freezes");
        assert_eq!(bound(Comparison::AtMost, 2, Unit::Freezes), "at most 2 freezes");
    }
}
