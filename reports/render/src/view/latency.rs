//! Latency over many frames and many runs: percentiles that the sample bears, and how they lie over
//! time.

use crate::figure::{counted, rounded};
use parallax_record::{
    Histogram, LatencySummary, OverTime, Percentile, median_interval, nearest_rank,
};
use std::collections::BTreeMap;

/// A change against a baseline, in words, and whether it is a regression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Such as `+12.3 ms (+6 %)`.
    pub text: String,
    /// Beyond the threshold, to the worse.
    pub worse: bool,
}

/// One percentile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PercentileRow {
    /// Such as `p95`.
    pub name: String,
    /// Over all frames of all runs, microseconds; none if they do not bear it.
    pub pooled_us: Option<i64>,
    /// The runs that bear it, each counted alike: the least, the median and the greatest, microseconds.
    pub over_runs_us: Option<[i64; 3]>,
    /// Where the median of ever more such runs lies, with a confidence of 95 %, microseconds; none of fewer
    /// runs than bear it.
    pub interval_us: Option<(i64, i64)>,
    /// How many runs bear it.
    pub runs: u64,
    /// Why there is no figure where there is none.
    pub missing: Option<String>,
    /// Against the baseline, if there is one.
    pub change: Option<RowChange>,
}

/// Percentiles of one stream over the runs of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyTable {
    /// p50, p90, p95, p99 and max.
    pub rows: Vec<PercentileRow>,
    /// Frames of all runs.
    pub frames: u64,
    /// Frames of all runs that were lost: they are in no percentile.
    pub lost: u64,
    /// Runs with frames.
    pub runs: u64,
    /// How far any latency may be from the truth, microseconds.
    pub off_by_us: u64,
}

/// The latencies of all frames of all runs.
#[derive(Clone, Copy, Debug)]
pub enum Pooled<'a> {
    /// Each of them, microseconds, ascending.
    Exact(&'a [i64]),
    /// What the runs' summaries say together: a percentile may be too great by less than 1/128.
    Buckets(&'a Histogram),
}

impl Pooled<'_> {
    fn percentile_us(self, percentile: Percentile) -> Option<i64> {
        match self {
            Self::Exact(all) => nearest_rank(all, percentile),
            Self::Buckets(histogram) => histogram.percentile_us(percentile),
        }
    }
}

/// The percentiles of a table.
const PERCENTILES: [u8; 4] = [50, 90, 95, 99];

impl LatencyTable {
    /// Of the runs' summaries, of all latencies together, and of the number of frames that were lost.
    #[must_use]
    pub fn of(runs: &[LatencySummary], pooled: Pooled<'_>, lost: u64) -> Self {
        let with_frames: Vec<_> = runs.iter().filter(|run| run.count > 0).collect();
        let frames = with_frames.iter().map(|run| run.count).sum();
        let max = with_frames.iter().filter_map(|run| run.max).max();
        let mut rows = Vec::new();
        for number in PERCENTILES {
            let Ok(percentile) = Percentile::try_from(number) else { continue };
            let needed = percentile.sample_that_bears_it();
            let pooled_us = match with_frames[..] {
                _ if frames < needed => None,
                // Exact, whatever the buckets.
                [one] => of_run(one, number),
                // No percentile is above the greatest, whatever its bucket.
                _ => pooled.percentile_us(percentile).map(|us| max.map_or(us, |max| us.min(max))),
            };
            let bearing = with_frames.iter().filter(|run| run.count >= needed);
            let mut values: Vec<i64> = bearing.filter_map(|run| of_run(run, number)).collect();
            values.sort_unstable();
            let missing = (frames < needed)
                .then(|| format!("{}: {percentile} needs {needed}", counted(frames, "frame")))
                .or_else(|| {
                    (pooled_us.is_none() && values.is_empty())
                        .then(|| format!("no run by itself has the {needed} frames"))
                });
            rows.push(PercentileRow {
                name: percentile.to_string(),
                pooled_us,
                runs: values.len() as u64,
                interval_us: median_interval(&values),
                over_runs_us: spread(values),
                missing,
                change: None,
            });
        }
        let greatest: Vec<i64> = with_frames.iter().filter_map(|run| run.max).collect();
        rows.push(PercentileRow {
            name: "max".to_owned(),
            pooled_us: max,
            runs: greatest.len() as u64,
            missing: greatest.is_empty().then(|| "no latency is known".to_owned()),
            // The greatest of a run says little of the greatest of more.
            interval_us: None,
            over_runs_us: spread(greatest),
            change: None,
        });
        let off_by = |run: &&LatencySummary| run.uncertainty.below.max(run.uncertainty.above);
        let off_by_us = with_frames.iter().copied().map(|run| off_by(&run)).max().unwrap_or(0);
        Self { rows, frames, lost, runs: with_frames.len() as u64, off_by_us }
    }

    /// A latency, to the digit that is known of it.
    #[must_use]
    pub fn time(&self, us: i64) -> String {
        rounded(us, self.off_by_us)
    }
}

/// What a run's summary says of a percentile.
fn of_run(run: &LatencySummary, percentile: u8) -> Option<i64> {
    match percentile {
        50 => run.p50,
        90 => run.p90,
        95 => run.p95,
        99 => run.p99,
        _ => None,
    }
}

/// The least, the median and the greatest.
fn spread(mut values: Vec<i64>) -> Option<[i64; 3]> {
    values.sort_unstable();
    Some([*values.first()?, nearest_rank(&values, Percentile::P50)?, *values.last()?])
}

/// Latency heat map: counts of frames by time of capture and latency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heat {
    /// How long a column is, microseconds.
    pub column_us: u64,
    /// How high a row is, microseconds.
    pub row_us: i64,
    /// Frames by column and row; what is not in it is 0.
    pub cells: BTreeMap<(u64, i64), u64>,
    /// How many runs are in it.
    pub runs: u64,
    /// All frames of an interval of a run stand at their median: what summaries know.
    pub by_medians: bool,
}

/// Rows and columns, about.
const ROWS: i64 = 24;
const COLUMNS: u64 = 60;

impl Heat {
    /// Of frames: when they were captured and how late they were. The columns are whole seconds.
    #[must_use]
    pub fn of(frames: &[(u64, i64)], duration_us: u64, runs: u64) -> Self {
        let each = frames.iter().map(|(at, late)| (*at, *late, 1)).collect::<Vec<_>>();
        Self::counted(&each, duration_us, runs)
    }

    /// Of runs' summaries: the frames of each interval of each run at their median.
    #[must_use]
    pub fn of_summaries(runs: &[&OverTime], duration_us: u64) -> Self {
        let mut all = Vec::new();
        for run in runs {
            for interval in run.intervals() {
                // A file may say anything.
                let at = interval.interval.saturating_mul(run.interval_us).min(duration_us);
                all.push((at, interval.p50, interval.count));
            }
        }
        Self { by_medians: true, ..Self::counted(&all, duration_us, runs.len() as u64) }
    }

    /// Of `(captured, latency, frames)`.
    fn counted(frames: &[(u64, i64, u64)], duration_us: u64, runs: u64) -> Self {
        let column_us = (duration_us / COLUMNS).div_ceil(1_000_000).max(1) * 1_000_000;
        let most = frames.iter().map(|(_, late, _)| *late).max().unwrap_or(0).max(1);
        let round = [5_000, 10_000, 20_000, 25_000, 50_000, 100_000, 250_000, 500_000];
        let row_us = round.into_iter().find(|row| most / row < ROWS).unwrap_or(most / ROWS + 1);
        let mut cells = BTreeMap::new();
        for (at, late, count) in frames {
            let cell: &mut u64 =
                cells.entry((at / column_us, late.div_euclid(row_us))).or_default();
            *cell = cell.saturating_add(*count);
        }
        Self { column_us, row_us, cells, runs, by_medians: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word for word: the least value that at least this percentage does not exceed.
    fn naive(values: &[i64], percentile: u8) -> Option<i64> {
        let enough = |candidate: i64| {
            let below = values.iter().filter(|value| **value <= candidate).count();
            below * 100 >= values.len() * usize::from(percentile)
        };
        values.iter().copied().filter(|value| enough(*value)).min()
    }

    fn summary(values: &[i64]) -> LatencySummary {
        LatencySummary {
            count: values.len() as u64,
            p50: naive(values, 50),
            p90: naive(values, 90),
            p95: naive(values, 95),
            p99: naive(values, 99),
            max: values.iter().max().copied(),
            ..LatencySummary::default()
        }
    }

    proptest! {
        #[test]
        fn pooled_percentiles_are_those_of_the_definition(
            runs in prop::collection::vec(prop::collection::vec(-5_i64..300_000, 0..150), 1..6)
        ) {
            let mut all: Vec<i64> = runs.iter().flatten().copied().collect();
            all.sort_unstable();
            let summaries: Vec<_> = runs.iter().map(|run| summary(run)).collect();
            let table = LatencyTable::of(&summaries, Pooled::Exact(&all), 0);
            prop_assert_eq!(table.frames, all.len() as u64);
            for (row, percentile) in table.rows.iter().zip(PERCENTILES) {
                let needed = Percentile::try_from(percentile).expect("one").sample_that_bears_it();
                let expected = naive(&all, percentile).filter(|_| all.len() as u64 >= needed);
                prop_assert_eq!(row.pooled_us, expected);
                if row.pooled_us.is_none() && row.over_runs_us.is_none() {
                    prop_assert!(row.missing.is_some());
                }
            }
            prop_assert_eq!(table.rows[4].pooled_us, all.last().copied());
        }

        #[test]
        fn percentiles_from_summaries_are_within_a_bucket_of_the_definition(
            runs in prop::collection::vec(prop::collection::vec(0_i64..300_000, 0..150), 2..6)
        ) {
            let all: Vec<i64> = runs.iter().flatten().copied().collect();
            let summaries: Vec<_> = runs.iter().map(|run| summary(run)).collect();
            let histograms: Vec<_> =
                runs.iter().map(|run| Histogram::of(run.iter().copied())).collect();
            let pooled = Histogram::pooled(&histograms);
            let table = LatencyTable::of(&summaries, Pooled::Buckets(&pooled), 0);
            for (row, percentile) in table.rows.iter().zip(PERCENTILES) {
                let needed = Percentile::try_from(percentile).expect("one").sample_that_bears_it();
                let expected = naive(&all, percentile).filter(|_| all.len() as u64 >= needed);
                prop_assert_eq!(row.pooled_us.is_some(), expected.is_some());
                if let (Some(found), Some(truth)) = (row.pooled_us, expected) {
                    prop_assert!((truth..=truth + truth / 128).contains(&found), "{} {}", found, truth);
                }
            }
        }

        #[test]
        fn a_heat_map_of_summaries_holds_every_frame_once(
            frames in prop::collection::vec((0_u64..60_000_000, 0_i64..2_000_000), 0..300)
        ) {
            let run = OverTime::of(60_000_000, frames.clone());
            let heat = Heat::of_summaries(&[&run, &run], 60_000_000);
            prop_assert_eq!(heat.cells.values().sum::<u64>(), 2 * frames.len() as u64);
            prop_assert_eq!((heat.runs, heat.by_medians), (2, true));
        }

        #[test]
        fn a_heat_map_holds_every_frame_once(
            frames in prop::collection::vec((0_u64..60_000_000, 0_i64..2_000_000), 0..300)
        ) {
            let heat = Heat::of(&frames, 60_000_000, 1);
            prop_assert_eq!(heat.cells.values().sum::<u64>(), frames.len() as u64);
            for (at, late) in frames {
                prop_assert!(heat.cells.contains_key(&(at / heat.column_us, late / heat.row_us)));
            }
        }
    }

    #[test]
    fn a_percentile_that_the_sample_does_not_bear_says_so() {
        let values: Vec<i64> = (1..=60).map(|n| n * 1_000).collect();
        let table = LatencyTable::of(&[summary(&values)], Pooled::Exact(&values), 0);
        let p99 = &table.rows[3];
        assert_eq!((p99.pooled_us, p99.over_runs_us, p99.runs), (None, None, 0));
        assert_eq!(p99.missing.as_deref(), Some("60 frames: p99 needs 100"));
        assert_eq!(table.rows[2].pooled_us, Some(57_000));
        // Two such runs bear it together, though neither does by itself.
        let mut both = [&values[..], &values[..]].concat();
        both.sort_unstable();
        let p99 = &LatencyTable::of(&[summary(&values), summary(&values)], Pooled::Exact(&both), 0)
            .rows[3];
        assert_eq!((p99.pooled_us, p99.runs), (Some(60_000), 0));
    }
}
