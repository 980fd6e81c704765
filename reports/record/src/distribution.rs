//! How a latency is distributed, small enough for `summary.json`: what thousands of runs are put
//! together from without a look at their records.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Percentile;
use crate::measure::{nearest_rank, rendered};
use crate::timeline::StreamTimeline;

/// A bucket is one microsecond wide up to 255 us, above that at most this part of its least value.
/// These are the buckets of an HdrHistogram with two significant digits: one takes the other's
/// counts over without a loss.
pub const BUCKETS_PER_OCTAVE: u64 = 128;

/// Counts of durations in buckets whose width grows with the duration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Capture-to-render latency of a stream, in buckets and over time.
pub(crate) fn of_stream(stream: &StreamTimeline, duration_us: u64) -> (Histogram, OverTime) {
    let frames: Vec<(u64, i64)> = rendered(stream)
        .filter_map(|frame| Some((frame.camera.captured_ns / 1_000, frame.capture_to_render_us()?)))
        .collect();
    let histogram = Histogram::of(frames.iter().map(|(_, latency_us)| *latency_us));
    (histogram, OverTime::of(duration_us, frames))
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
}
