//! How long a stage takes, and reading it.

use crate::{
    distribution::{Distribution, Quantile},
    error::Rank,
    from_value::{FromValue, fill, word},
    key::{S, fine_time, keys, said, size, whole, words},
    origin::{Origin, PROVENANCE, SOURCE, origin},
    synonyms::quoted,
    table::{Reader, Table, Value},
    units::{self, Size},
};
use core::time::Duration;
use rand_core::Rng;
use serde::Deserialize;

keys! {
    STAGE: "a stage" {
        /// How its time is distributed.
        distribution: words(&["constant", "uniform", "normal", "log-normal", "quantiles"]);
        /// The time.
        value: fine_time(0, 600 * S), absent "for `constant` only";
        /// Mean, before it is cut off.
        mean: fine_time(0, 600 * S), absent "for `normal` only";
        /// Standard deviation, before it is cut off.
        deviation: fine_time(0, 600 * S), absent "for `normal` only";
        /// Half of the times are below.
        median: fine_time(0, 600 * S), absent "for `log-normal` only";
        /// 95 % of the times are below.
        p95: fine_time(0, 600 * S), absent "for `log-normal` only";
        /// So many of 100 times are at most this: from 0 to 100, and between two of them on a line.
        quantiles: fine_time(0, 600 * S).of("array of 2 to 100 `[percent, time]`, the time a "), absent "for `quantiles` only";
        /// For `quantiles`: how many times were measured.
        samples: whole(1, u32::MAX), absent "not told";
        /// No time is below; `uniform` starts here.
        least: fine_time(0, 600 * S), absent "`\"0ms\"`";
        /// No time is above; `uniform` ends here.
        most: fine_time(0, 600 * S), absent "no limit; `uniform` must have one";
        /// The times are for a picture of this size; others scale with their pixels. Of `capture`, `encode`,
        /// `decode` and `render` alone.
        per: size().and(", such as `\"1280x720\"`"), absent "it does not scale";
        /// How long after a picture the stage takes the next one. Of `capture`, `encode`, `decode` and `render`
        /// alone.
        occupancy: said("table `occupancy`"), absent "until the picture is through";
        ..PROVENANCE;
        ..SOURCE;
    }
}

keys! {
    OCCUPANCY: "occupancy" {
        /// The time: the interval of a pipeline.
        value: fine_time(0, 600 * S);
        /// The time is for a picture of this size; others scale with their pixels.
        per: size().and(", such as `\"1280x720\"`"), absent "it does not scale";
        ..PROVENANCE;
        ..SOURCE;
    }
}

/// How long a stage takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageTime {
    /// The time, for a picture of the size `per` if there is one.
    pub distribution: Distribution,
    /// The size of picture that the time is for: others take longer or shorter by their pixels.
    /// None: the size makes no difference.
    pub per: Option<Size>,
    /// How long after a picture the stage takes the next one; none: when the picture is through.
    pub occupancy: Option<Box<Occupancy>>,
    /// Where the numbers come from.
    pub origin: Origin,
}

/// How long a picture occupies a stage: the interval of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// The time, for a picture of the size `per` if there is one.
    pub value: Duration,
    /// As of [`StageTime`].
    pub per: Option<Size>,
    /// Where the number comes from.
    pub origin: Origin,
}

impl StageTime {
    /// How long after a picture of `size` the stage takes the next one; none: when that is through.
    pub fn occupancy(&self, size: Size) -> Option<Duration> {
        self.occupancy.as_ref().map(|occupancy| scaled(occupancy.value, occupancy.per, size))
    }

    /// Draws the time for a picture of `size`.
    pub fn sample(&self, size: Size, random: &mut impl Rng) -> Duration {
        self.scaled(self.distribution.sample(random), size)
    }

    /// The time in the middle, for a picture of `size`.
    pub fn typical(&self, size: Size) -> Duration {
        self.scaled(self.distribution.typical(), size)
    }

    /// What 95 of 100 take at most, for a picture of `size`.
    pub fn p95(&self, size: Size) -> Duration {
        self.scaled(self.distribution.p95(), size)
    }

    /// What it is at least, for a picture of `size`.
    pub fn shortest(&self, size: Size) -> Duration {
        self.scaled(self.distribution.shortest(), size)
    }

    /// What it hardly ever exceeds, for a picture of `size`.
    pub fn longest(&self, size: Size) -> Duration {
        self.scaled(self.distribution.longest(), size)
    }

    fn scaled(&self, time: Duration, size: Size) -> Duration {
        scaled(time, self.per, size)
    }
}

/// A time for pictures of the size `per`, for one of `size`: exact to the nanosecond, rounded down.
fn scaled(time: Duration, per: Option<Size>, size: Size) -> Duration {
    let Some(per) = per else { return time };
    let nanos = time.as_nanos() * u128::from(size.pixels()) / u128::from(per.pixels());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

impl FromValue for StageTime {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let table = value.table(reader, &STAGE)?;
        let (origin, distribution) = (origin(reader, &table), distribution(reader, &table));
        let occupancy: Option<Option<Occupancy>> = table.read(reader, "occupancy");
        fill!(reader, table => Self {
            per;
            distribution: distribution?,
            occupancy: occupancy?.map(Box::new),
            origin: origin?,
        })
    }
}

impl FromValue for Occupancy {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let table = value.table(reader, &OCCUPANCY)?;
        let origin = origin(reader, &table);
        fill!(reader, table => Self { value, per; origin: origin? })
    }
}

/// How long something takes that no picture goes through, such as "a boot": like a stage, but nothing waits for the next
/// one.
pub(crate) fn unscaled(reader: &mut Reader, value: Value<'_>, what: &str) -> Option<StageTime> {
    let place = value.place.clone();
    let time = StageTime::from_value(reader, value)?;
    let wrong = [
        ("occupancy", time.occupancy.is_some(), "remove it: there is one at a time"),
        ("per", time.per.is_some(), "remove it: it is no time of a picture"),
    ];
    if let Some((key, _, help)) = wrong.into_iter().find(|(_, there, _)| *there) {
        let message = format!("{what} has no `{key}`");
        return reader.refuse(Rank::Key, &place, &message, "not of a stage", help);
    }
    Some(time)
}

/// How late timers go off. Beyond this something else wakes a session first, and that timer is late no longer.
pub(crate) fn lateness(reader: &mut Reader, value: Value<'_>) -> Option<StageTime> {
    const MOST: Duration = Duration::from_millis(50);
    let place = value.place.clone();
    let time = unscaled(reader, value, "a timer")?;
    if time.distribution.p95() > MOST {
        let message = "timers that are later than 50ms are not modelled";
        let help = "95 of 100 are late by 50ms at most: `value`, `p95` or `most` of 50ms or less";
        return reader.refuse(Rank::Key, &place, message, "too late", help);
    }
    Some(time)
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Family {
    Constant,
    Uniform,
    Normal,
    LogNormal,
    Quantiles,
}

fn distribution(reader: &mut Reader, table: &Table<'_>) -> Option<Distribution> {
    let name = table.get(reader, "distribution")?;
    let family = word(reader, &name)?;
    let (needed, allowed): (&[&str], &[&str]) = match family {
        Family::Constant => (&["value"], &[]),
        Family::Uniform => (&["least", "most"], &[]),
        Family::Normal => (&["mean", "deviation"], &["least", "most"]),
        Family::LogNormal => (&["median", "p95"], &["least", "most"]),
        Family::Quantiles => (&["quantiles"], &["samples"]),
    };
    fits(reader, table, &name, needed, allowed)?;
    let mut time = |key| table.read::<Option<Duration>>(reader, key);
    let (value, mean, deviation) = (time("value")?, time("mean")?, time("deviation")?);
    let (median, p95) = (time("median")?, time("p95")?);
    let (least, most) = (time("least")?, time("most")?);
    ordered(
        reader,
        table,
        &[("least", least), ("value", value), ("mean", mean), ("median", median), ("most", most)],
    )?;
    ordered(reader, table, &[("median", median), ("p95", p95)])?;
    if median == Some(Duration::ZERO) {
        let value = table.get(reader, "median")?;
        return value.refuse(
            reader,
            "a log-normal time is never zero",
            "zero",
            "write a median above zero",
        );
    }
    let floor = least.unwrap_or(Duration::ZERO);
    match family {
        Family::Constant => Some(Distribution::Constant { value: value? }),
        Family::Uniform => Some(Distribution::Uniform { least: least?, most: most? }),
        Family::Normal => {
            Some(Distribution::Normal { mean: mean?, deviation: deviation?, least: floor, most })
        }
        Family::LogNormal => {
            Some(Distribution::LogNormal { median: median?, p95: p95?, least: floor, most })
        }
        Family::Quantiles => quantiles(reader, table),
    }
}

/// What distributions take.
const PARAMETERS: [&str; 9] =
    ["value", "mean", "deviation", "median", "p95", "quantiles", "samples", "least", "most"];

/// What such a parameter is.
fn sort(parameter: &str) -> &'static str {
    if parameter == "quantiles" {
        "an array such as `[[0, \"9ms\"], [100, \"14ms\"]]`"
    } else {
        "a duration"
    }
}

/// Refuses parameters that the distribution lacks or does not have.
fn fits(
    reader: &mut Reader,
    table: &Table<'_>,
    name: &Value<'_>,
    needed: &[&str],
    allowed: &[&str],
) -> Option<()> {
    let called = name.as_text().unwrap_or_default().to_owned();
    let mut sound = Some(());
    for key in PARAMETERS {
        let takes = quoted(needed.iter().chain(allowed).copied());
        if needed.contains(&key) && !table.has(key) {
            let message = format!("`{called}` needs `{key}`");
            reader.note(
                Rank::Missing,
                &name.place,
                &message,
                &format!("without `{key}`"),
                format!("add `{key}`, {}; `{called}` takes {takes}", sort(key)),
            );
            sound = None;
        } else if !needed.contains(&key)
            && !allowed.contains(&key)
            && let Some(place) = table.place_of(key)
        {
            let message = format!("`{called}` has no `{key}`");
            reader.note(
                Rank::Key,
                &place,
                &message,
                "not of this distribution",
                format!("`{called}` takes {takes}"),
            );
            sound = None;
        }
    }
    sound
}

/// Refuses times that are not in this order.
fn ordered(
    reader: &mut Reader,
    table: &Table<'_>,
    times: &[(&str, Option<Duration>)],
) -> Option<()> {
    let given: Vec<_> =
        times.iter().filter_map(|(key, time)| time.map(|time| (*key, time))).collect();
    for pair in given.windows(2) {
        if let [(lower, low), (upper, high)] = pair
            && low > high
        {
            let value = table.get(reader, upper)?;
            let message = format!("`{upper}` is below `{lower}`");
            return value.refuse(
                reader,
                &message,
                &format!("below `{lower}`"),
                format!("`{lower}` is {}: write at least that", units::format_duration(*low)),
            );
        }
    }
    Some(())
}

/// More than any measurement can tell apart.
pub(crate) const MOST_QUANTILES: usize = 100;

/// From 0 to 100 percent, in thousandths.
const WHOLE: u32 = 100_000;

fn quantiles(reader: &mut Reader, table: &Table<'_>) -> Option<Distribution> {
    let value = table.get(reader, "quantiles")?;
    let place = value.place.clone();
    let items = value.items(reader)?;
    let samples = table.read(reader, "samples");
    if items.len() < 2 || items.len() > MOST_QUANTILES {
        let message = format!("it needs 2 to {MOST_QUANTILES} quantiles, and has {}", items.len());
        let help = "write the first at 0, the last at 100, and those between that matter";
        return reader.refuse(Rank::Value, &place, &message, "these", help);
    }
    let mut found: Vec<Quantile> = Vec::new();
    let last = items.len() - 1;
    for (at, item) in items.into_iter().enumerate() {
        let place = item.place.clone();
        let quantile = quantile(reader, item)?;
        let trouble = match found.last() {
            None if quantile.percent_thousandths != 0 => {
                Some(("the first quantile is not at 0", "write the shortest time there is, at 0"))
            }
            _ if at == last && quantile.percent_thousandths != WHOLE => {
                Some(("the last quantile is not at 100", "write the longest time there is, at 100"))
            }
            Some(before) if before.percent_thousandths >= quantile.percent_thousandths => {
                Some(("the percents do not ascend", "write each percent once, in order"))
            }
            Some(before) if before.time > quantile.time => {
                Some(("the time is below the one before", "write times that do not fall"))
            }
            _ => None,
        };
        if let Some((message, help)) = trouble {
            return reader.refuse(Rank::Value, &place, message, "this one", help);
        }
        found.push(quantile);
    }
    Some(Distribution::Quantiles { quantiles: found.into(), samples: samples? })
}

/// One of them: a percent and a time.
fn quantile(reader: &mut Reader, value: Value<'_>) -> Option<Quantile> {
    let place = value.place.clone();
    let pair: Result<[Value<'_>; 2], _> = value.items(reader)?.try_into();
    let Ok([percent, time]) = pair else {
        let help = "write a percent and a time: `[95, \"14ms\"]`";
        return reader.refuse(Rank::Value, &place, "this is no quantile", "not two values", help);
    };
    let percent_thousandths = percent.thousandths(reader, (0, WHOLE))?;
    Some(Quantile { percent_thousandths, time: Duration::from_value(reader, time)? })
}
