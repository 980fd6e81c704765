//! Reading how long a stage takes.

use crate::{
    distribution::{Distribution, Quantile},
    error::Rank,
    profile::{CodecLimits, Occupancy, Provenance, StageTime, origin},
    reference,
    table::{Place, Reader, Table, Value},
    units,
};
use core::time::Duration;
use parallax_record::Stage;
use std::collections::BTreeMap;

/// The longest time of a stage that is believed.
const LONGEST: Duration = Duration::from_secs(600);

pub(crate) fn stage(reader: &mut Reader, value: Value<'_>) -> Option<StageTime> {
    let table = value.table(reader, &reference::STAGE)?;
    let origin = origin(reader, &table);
    let per = crate::read::optional(reader, &table, "per", |reader, value| {
        value.unit(reader, units::size)
    });
    let distribution = distribution(reader, &table);
    let occupancy = crate::read::optional(reader, &table, "occupancy", occupancy);
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
    let per = crate::read::optional(reader, &table, "per", |reader, value| {
        value.unit(reader, units::size)
    });
    Some(Occupancy { value: time?, per: per?, origin: origin? })
}

/// Refuses stages that cannot take as many pictures per second as the limits promise.
///
/// An occupancy must fit into the time of a frame at the largest picture. Where there is none, the delay must: of
/// 95 pictures in 100 at the size that it is for, and in the middle at the largest picture. What was measured,
/// maybe beside other work, must fit in the middle, at its own size.
pub(crate) fn keeps_up(
    reader: &mut Reader,
    table: &Table<'_>,
    limits: &CodecLimits,
    stages: &BTreeMap<Stage, StageTime>,
) -> Option<()> {
    let rate = limits.most_frames_per_second.value;
    let largest = limits.largest_picture.value;
    // To the microsecond above: what people write is rounded.
    let frame = Duration::from_micros(1_000_000_u64.div_ceil(u64::from(rate)));
    let mut sound = Some(());
    for (key, stage) in stages.iter().map(|(stage, time)| (stage.key(), time)) {
        let own = stage.per.unwrap_or(largest);
        let measured = stage.origin.provenance == Provenance::Measured;
        let held = match stage.occupancy(largest) {
            Some(occupancy) => vec![("its `occupancy` is", occupancy, largest)],
            None if measured => vec![("half of its times are above", stage.typical(own), own)],
            None => vec![
                ("5 of 100 times are above", stage.p95(own).min(stage.longest(own)), own),
                ("half of its times are above", stage.typical(largest), largest),
            ],
        };
        let Some((what, time, size)) = held.into_iter().find(|(_, time, _)| *time > frame) else {
            continue;
        };
        let place = table.key_span(key).map(|span| Place { path: table.path(key), span })?;
        let message = format!(
            "`{key}` cannot take {rate} pictures per second of {size}, as its limits promise: {what} {}",
            units::format_duration(time)
        );
        let help = format!(
            "a frame has {}: write `occupancy` if it takes the next picture before one is through, or lower \
             `most_frames_per_second` or `largest_picture`",
            units::format_duration(frame)
        );
        reader.refuse(Rank::Whole, &place, &message, "contradicts its limits", help);
        sound = None;
    }
    sound
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
        crate::read::optional(reader, table, key, |reader, value| {
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
    let samples = crate::read::optional(reader, table, "samples", |reader, value| {
        value.whole(reader, 1..=u32::MAX)
    });
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
