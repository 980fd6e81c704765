//! How long a stage takes, and reading it.

use crate::{
    distribution::{Distribution, Quantile},
    error::Rank,
    origin::{Origin, origin},
    reference,
    table::{Place, Reader, Table, Value, optional},
    units::{self, Size},
};
use core::time::Duration;
use rand_core::Rng;

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

/// The longest time of a stage that is believed.
const LONGEST: Duration = Duration::from_secs(600);

pub(crate) fn stage(reader: &mut Reader, value: Value<'_>) -> Option<StageTime> {
    let table = value.table(reader, &reference::STAGE)?;
    let origin = origin(reader, &table);
    let per = optional(reader, &table, "per", |reader, value| value.unit(reader, units::size));
    let distribution = distribution(reader, &table);
    let occupancy = optional(reader, &table, "occupancy", occupancy);
    let (distribution, per) = (distribution?, per?);
    Some(StageTime { distribution, per, occupancy: occupancy?.map(Box::new), origin: origin? })
}

/// How long something takes that no picture goes through, such as "a boot": like a stage, but nothing waits for the next
/// one.
pub(crate) fn unscaled(reader: &mut Reader, value: Value<'_>, what: &str) -> Option<StageTime> {
    let place = value.place.clone();
    let time = stage(reader, value)?;
    let wrong = [
        ("occupancy", time.occupancy.is_some(), "remove it: there is one at a time"),
        ("per", time.per.is_some(), "remove it: it is no time of a picture"),
    ];
    if let Some((key, _, help)) = wrong.into_iter().find(|(_, there, _)| *there) {
        let message = format!("{what} has no `{key}`");
        reader.refuse(Rank::Key, &place, &message, "not of a stage", help);
        return None;
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
        reader.refuse(Rank::Key, &place, message, "too late", help);
        return None;
    }
    Some(time)
}

fn occupancy(reader: &mut Reader, value: &Value<'_>) -> Option<Occupancy> {
    let table = value.clone().table(reader, &reference::OCCUPANCY)?;
    let origin = origin(reader, &table);
    let time = table.get(reader, "value").and_then(|value| {
        let range = (Duration::ZERO, LONGEST);
        value.unit_between(reader, units::duration, range, units::format_duration)
    });
    let per = optional(reader, &table, "per", |reader, value| value.unit(reader, units::size));
    Some(Occupancy { value: time?, per: per?, origin: origin? })
}

#[derive(Clone, Copy)]
enum Kind {
    Constant,
    Uniform,
    Normal,
    LogNormal,
    Quantiles,
}

fn distribution(reader: &mut Reader, table: &Table<'_>) -> Option<Distribution> {
    let words = [
        ("constant", Kind::Constant),
        ("uniform", Kind::Uniform),
        ("normal", Kind::Normal),
        ("log-normal", Kind::LogNormal),
        ("quantiles", Kind::Quantiles),
    ];
    let name = table.get(reader, "distribution")?;
    let kind = name.one_of(reader, &words)?;
    let (needed, allowed): (&[&str], &[&str]) = match kind {
        Kind::Constant => (&["value"], &[]),
        Kind::Uniform => (&["least", "most"], &[]),
        Kind::Normal => (&["mean", "deviation"], &["least", "most"]),
        Kind::LogNormal => (&["median", "p95"], &["least", "most"]),
        Kind::Quantiles => (&["quantiles"], &["samples"]),
    };
    fits(reader, table, &name, needed, allowed)?;
    let mut time = |key: &str| {
        optional(reader, table, key, |reader, value| {
            let range = (Duration::ZERO, LONGEST);
            value.unit_between(reader, units::duration, range, units::format_duration)
        })
    };
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
        reader.refuse(
            Rank::Value,
            &value.place,
            "a log-normal time is never zero",
            "zero",
            "write a median above zero",
        );
        return None;
    }
    let floor = least.unwrap_or(Duration::ZERO);
    match kind {
        Kind::Constant => Some(Distribution::Constant { value: value? }),
        Kind::Uniform => Some(Distribution::Uniform { least: least?, most: most? }),
        Kind::Normal => {
            Some(Distribution::Normal { mean: mean?, deviation: deviation?, least: floor, most })
        }
        Kind::LogNormal => {
            Some(Distribution::LogNormal { median: median?, p95: p95?, least: floor, most })
        }
        Kind::Quantiles => quantiles(reader, table),
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
        let takes = needed
            .iter()
            .chain(allowed)
            .map(|key| format!("`{key}`"))
            .collect::<Vec<_>>()
            .join(", ");
        if needed.contains(&key) && !table.has(key) {
            let message = format!("`{called}` needs `{key}`");
            reader.refuse(
                Rank::Missing,
                &name.place,
                &message,
                &format!("without `{key}`"),
                format!("add `{key}`, {}; `{called}` takes {takes}", sort(key)),
            );
            sound = None;
        } else if !needed.contains(&key)
            && !allowed.contains(&key)
            && let Some(span) = table.key_span(key)
        {
            let place = Place { path: table.path(key), span };
            let message = format!("`{called}` has no `{key}`");
            reader.refuse(
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
            reader.refuse(
                Rank::Value,
                &value.place,
                &message,
                &format!("below `{lower}`"),
                format!("`{lower}` is {}: write at least that", units::format_duration(*low)),
            );
            return None;
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
    let samples =
        optional(reader, table, "samples", |reader, value| value.whole(reader, 1..=u32::MAX));
    if items.len() < 2 || items.len() > MOST_QUANTILES {
        let message = format!("it needs 2 to {MOST_QUANTILES} quantiles, and has {}", items.len());
        let help = "write the first at 0, the last at 100, and those between that matter";
        reader.refuse(Rank::Value, &place, &message, "these", help);
        return None;
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
            reader.refuse(Rank::Value, &place, message, "this one", help);
            return None;
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
        reader.refuse(Rank::Value, &place, "this is no quantile", "not two values", help);
        return None;
    };
    let percent_thousandths = percent.thousandths(reader, 0..=WHOLE)?;
    let range = (Duration::ZERO, LONGEST);
    let time = time.unit_between(reader, units::duration, range, units::format_duration)?;
    Some(Quantile { percent_thousandths, time })
}
