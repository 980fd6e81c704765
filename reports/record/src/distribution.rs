//! How a latency is distributed, small enough for `summary.json`: what thousands of runs are put
//! together from without a look at their records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use parallax_spec::Percentile;

/// A bucket is one microsecond wide up to 255 us, above that at most this part of its least value.
/// These are the buckets of an HdrHistogram with two significant digits: one takes the other's
/// counts over without a loss.
pub const BUCKETS_PER_OCTAVE: u64 = 128;

/// Counts of durations in buckets whose width grows with the duration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Histogram {
    /// The least duration of each bucket in which there is one, in microseconds, and how many there
    /// are: ascending. A bucket holds whole microseconds up to 255, above that durations within
    /// 1/128 of its least one. Negative ones, which an inexact clock can bring, mirror the others.
    buckets: Vec<(i64, u64)>,
}

impl Histogram {
    /// Counts durations, microseconds.
    #[must_use]
    pub fn of(durations_us: impl IntoIterator<Item = i64>) -> Self {
        let mut counts = BTreeMap::new();
        for us in durations_us {
            *counts.entry(least(us)).or_default() += 1;
        }
        Self { buckets: counts.into_iter().collect() }
    }

    /// Takes over counts by the least duration of their bucket, microseconds.
    #[must_use]
    pub fn of_buckets(counts: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut buckets = BTreeMap::new();
        for (us, count) in counts {
            *buckets.entry(least(i64::try_from(us).unwrap_or(i64::MAX))).or_default() += count;
        }
        Self { buckets: buckets.into_iter().collect() }
    }

    /// Counts what is in any of these.
    #[must_use]
    pub fn pooled<'a>(histograms: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        for (at, count) in histograms.into_iter().flat_map(|histogram| &histogram.buckets) {
            // A file may say anything: no sum of it goes over.
            let sum = counts.entry(least(*at)).or_default();
            *sum = sum.saturating_add(*count);
        }
        Self { buckets: counts.into_iter().filter(|(_, count)| *count > 0).collect() }
    }

    /// Each bucket that holds something: its least and its greatest duration, microseconds, and how
    /// many there are. Ascending.
    pub fn buckets(&self) -> impl Iterator<Item = (i64, i64, u64)> + '_ {
        self.buckets.iter().map(|(at, count)| (*at, greatest(*at), *count))
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The percentile by nearest rank, microseconds: the greatest duration of the bucket in which it
    /// lies. So it is never less than the true one, and more by less than 1/128 of it. None if there
    /// is nothing.
    #[must_use]
    pub fn percentile_us(&self, percentile: Percentile) -> Option<i64> {
        let rank = (u128::from(self.count()) * u128::from(percentile.get())).div_ceil(100);
        let mut seen = 0;
        self.buckets().find_map(|(_, greatest, count)| {
            seen += u128::from(count);
            (seen >= rank).then_some(greatest)
        })
    }
}

/// The least duration of the bucket that holds this one.
fn least(us: i64) -> i64 {
    if us < 0 { signed(magnitudes(us).1, true) } else { signed(magnitudes(us).0, false) }
}

/// The greatest duration of the bucket that holds this one.
fn greatest(us: i64) -> i64 {
    if us < 0 { signed(magnitudes(us).0, true) } else { signed(magnitudes(us).1, false) }
}

/// The least and the greatest size of the durations in a bucket.
fn magnitudes(us: i64) -> (u64, u64) {
    let size = us.unsigned_abs().min(i64::MAX as u64);
    let octave = size.max(1).ilog2();
    let shift = octave.saturating_sub(BUCKETS_PER_OCTAVE.ilog2());
    let least = (size >> shift) << shift;
    (least, least + ((1 << shift) - 1))
}

fn signed(size: u64, negative: bool) -> i64 {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if negative { -size } else { size }
}

/// A run longer than this has intervals longer than a second, so that there are never more.
const MOST_INTERVALS: u64 = 120;

/// The least interval, microseconds.
const SECOND_US: u64 = 1_000_000;

/// Latency over the time of a run: of each interval in which a frame was captured that was rendered
/// later. The lists are of one length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OverTime {
    /// How long an interval is: a second, in a run of more than two minutes so many seconds that
    /// there are at most 120. The first begins with the run.
    pub interval_us: u64,
    /// Which interval, from 0: ascending.
    pub interval: Vec<u64>,
    /// Rendered frames that were captured in it.
    pub count: Vec<u64>,
    /// The median of their latency.
    pub p50: Vec<i64>,
    /// The greatest of it.
    pub max: Vec<i64>,
}

/// Latency of one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Which, from 0.
    pub interval: u64,
    /// Rendered frames that were captured in it.
    pub count: u64,
    /// The median of their latency, microseconds.
    pub p50: i64,
    /// The greatest of it, microseconds.
    pub max: i64,
}

impl OverTime {
    /// Of frames by when they were captured, both in microseconds: `(captured, latency)`.
    #[must_use]
    pub fn of(duration_us: u64, frames: impl IntoIterator<Item = (u64, i64)>) -> Self {
        let interval_us = duration_us.div_ceil(MOST_INTERVALS * SECOND_US).max(1) * SECOND_US;
        let mut intervals: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        for (captured_us, latency_us) in frames {
            intervals.entry(captured_us / interval_us).or_default().push(latency_us);
        }
        let mut all = Self { interval_us, ..Self::default() };
        for (interval, mut latencies) in intervals {
            latencies.sort_unstable();
            if let (Some(p50), Some(max)) =
                (nearest_rank(&latencies, Percentile::P50), latencies.last().copied())
            {
                all.interval.push(interval);
                all.count.push(latencies.len() as u64);
                all.p50.push(p50);
                all.max.push(max);
            }
        }
        all
    }

    /// Interval by interval. What a file says of only some of the lists is left out.
    pub fn intervals(&self) -> impl Iterator<Item = Interval> + '_ {
        let numbers = self.interval.iter().zip(&self.count);
        let figures = self.p50.iter().zip(&self.max);
        numbers.zip(figures).map(|((interval, count), (p50, max))| Interval {
            interval: *interval,
            count: *count,
            p50: *p50,
            max: *max,
        })
    }
}

/// How long something took for the packets that a link carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DelaysOfPackets {
    /// The mean, rounded down.
    pub mean_ns: u64,
    /// The longest.
    pub longest_ns: u64,
    /// All of them.
    pub histogram_us: Histogram,
}

/// A percentile by nearest rank: the smallest value such that at least `percentile` of 100 values
/// are no greater. It is always a value that occurred. None of an empty sample. `sorted` ascends.
#[must_use]
pub fn nearest_rank<T: Copy>(sorted: &[T], percentile: Percentile) -> Option<T> {
    let rank = (sorted.len() * usize::from(percentile.get())).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// The 95 % interval of the median of whatever these are a sample of, from their order alone: however they are
/// distributed, fewer than `k` of `n` lie on one side of it as often as fewer than `k` of `n` coins show heads (the
/// sign test). None of fewer than six: not even the least and the greatest of five are so sure. `sorted` ascends.
#[must_use]
pub fn median_interval(sorted: &[i64]) -> Option<(i64, i64)> {
    // Products and powers of two alone: they are the same on every machine. 2^-n is no number for large n, so the
    // binomial coefficients are kept below it.
    const STEP: i32 = 500;
    let count = sorted.len();
    let most = 2.0_f64.powi(STEP);
    let mut exponent = i32::try_from(count).ok()?;
    let (mut term, mut one_side, mut outside) = (1.0, 0.0, 0);
    while outside < count / 2 {
        one_side += term;
        if exponent <= 2 * STEP && one_side * 2.0_f64.powi(-exponent) > 0.025 {
            break;
        }
        term *= (count - outside) as f64 / (outside + 1) as f64;
        if term > most {
            (term, one_side, exponent) = (term / most, one_side / most, exponent - STEP);
        }
        outside += 1;
    }
    let least = outside.checked_sub(1)?;
    Some((*sorted.get(least)?, *sorted.get(count - 1 - least)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_are_as_wide_as_they_say() {
        for (us, bucket) in [
            (0, (0, 0)),
            (255, (255, 255)),
            (256, (256, 257)),
            (511, (510, 511)),
            (100_000, (99_840, 100_351)),
            (-1, (-1, -1)),
            (-257, (-257, -256)),
        ] {
            assert_eq!((least(us), greatest(us)), bucket, "{us}");
        }
        for us in [i64::MIN, i64::MAX, -1_000_001, 77_777] {
            assert_eq!(least(least(us)), least(us), "{us}");
            assert_eq!(greatest(least(us)), greatest(us), "{us}");
        }
    }

    #[test]
    fn a_long_run_has_few_intervals() {
        let hour = OverTime::of(3_600_000_000, (0..3_600).map(|s| (s * 1_000_000, 5)));
        assert_eq!((hour.interval_us, hour.interval.len()), (30_000_000, 120));
        let short = OverTime::of(8_000_000, [(500, 7), (900, 9), (2_100_000, 3)]);
        let intervals: Vec<_> = short.intervals().collect();
        assert_eq!(
            intervals,
            [
                Interval { interval: 0, count: 2, p50: 7, max: 9 },
                Interval { interval: 2, count: 1, p50: 3, max: 3 }
            ]
        );
    }

    proptest! {
        #[test]
        fn a_pooled_percentile_is_the_naive_one_but_for_its_bucket(
            samples in prop::collection::vec(
                prop::collection::vec(-50_000_i64..20_000_000, 1..200), 1..6),
            percentile in 1_u8..=99,
        ) {
            let percentile = Percentile::try_from(percentile).expect("a percentile");
            let histograms: Vec<_> =
                samples.iter().map(|sample| Histogram::of(sample.iter().copied())).collect();
            let mut all: Vec<i64> = samples.concat();
            all.sort_unstable();
            let naive = nearest_rank(&all, percentile).expect("a sample");
            let pooled = Histogram::pooled(&histograms);
            prop_assert_eq!(pooled.count(), all.len() as u64);
            let found = pooled.percentile_us(percentile).expect("a sample");
            prop_assert!(found >= naive);
            prop_assert!((found - naive).unsigned_abs() <= naive.unsigned_abs() / BUCKETS_PER_OCTAVE);
            prop_assert_eq!(&Histogram::of(all), &pooled);
        }
    }

    #[test]
    fn the_interval_of_a_median_is_that_of_the_tables() {
        // Ranks from the tables of the sign test: n, and which of n from either end.
        for (count, rank) in
            [(6, 1), (8, 1), (9, 2), (12, 3), (15, 4), (20, 6), (25, 8), (50, 18), (100, 40)]
        {
            let values: Vec<i64> = (1..=count).collect();
            assert_eq!(median_interval(&values), Some((rank, count + 1 - rank)), "{count}");
        }
        for count in 0..6 {
            assert_eq!(median_interval(&(0..count).collect::<Vec<_>>()), None, "{count}");
        }
        let (least, most) = median_interval(&(1..=5_000).collect::<Vec<_>>()).expect("an interval");
        // 2500 ± 1.96 * sqrt(5000) / 2, to a rank.
        assert!((2_430..=2_432).contains(&least) && least + most == 5_001, "{least} {most}");
    }
}
