//! How long a stage takes: distributions, and drawing from them.

use core::time::Duration;
use rand_core::Rng;
use std::sync::Arc;

/// The 95th percentile of the standard normal distribution.
const Z95: f64 = 1.644_853_626_951_472_2;

/// How a time is distributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Always the same.
    Constant {
        /// The time.
        value: Duration,
    },
    /// Every time from `least` to `most` is as likely.
    Uniform {
        /// The shortest.
        least: Duration,
        /// The longest.
        most: Duration,
    },
    /// Normal, cut off at both ends: what falls outside is drawn again.
    Normal {
        /// Mean before the cut.
        mean: Duration,
        /// Standard deviation before the cut.
        deviation: Duration,
        /// The shortest.
        least: Duration,
        /// The longest; none: no limit.
        most: Option<Duration>,
    },
    /// Log-normal, cut off in the same way: for times with a long tail.
    LogNormal {
        /// Half of the times are below, before the cut.
        median: Duration,
        /// 95 % of the times are below, before the cut.
        p95: Duration,
        /// The shortest.
        least: Duration,
        /// The longest; none: no limit.
        most: Option<Duration>,
    },
    /// As it was found: between two quantiles every time is as likely.
    Quantiles {
        /// The first at 0, the last at 100 percent: ascending, and no time falls.
        quantiles: Arc<[Quantile]>,
        /// How many times they were found from; none: not told.
        samples: Option<u32>,
    },
}

/// So many of 100 times are at most this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantile {
    /// How many, thousandths of a percent: 100,000 are all.
    pub percent_thousandths: u32,
    /// The time.
    pub time: Duration,
}

impl Distribution {
    /// Draws from what is cut off at most so often; then the nearest end is taken.
    const DRAWS: u32 = 64;

    /// Draws a time, to the nanosecond. The same draws give the same time on every machine: the
    /// transcendental functions are those of `libm`.
    pub fn sample(&self, random: &mut impl Rng) -> Duration {
        match *self {
            Self::Constant { value } => value,
            Self::Uniform { least, most } => {
                let width = nanos(most) - nanos(least);
                from_nanos(nanos(least) + width * unit(random)).clamp(least, most)
            }
            Self::Normal { mean, deviation, least, most } => {
                cut(least, most, || nanos(mean) + nanos(deviation) * standard_normal(random))
            }
            Self::LogNormal { median, p95, least, most } => {
                let sigma = libm::log(nanos(p95) / nanos(median)) / Z95;
                cut(least, most, || nanos(median) * libm::exp(sigma * standard_normal(random)))
            }
            Self::Quantiles { ref quantiles, .. } => at(quantiles, unit(random) * 100_000.0),
        }
    }

    /// The shortest time.
    pub fn shortest(&self) -> Duration {
        match *self {
            Self::Constant { value } => value,
            Self::Uniform { least, .. }
            | Self::Normal { least, .. }
            | Self::LogNormal { least, .. } => least,
            Self::Quantiles { ref quantiles, .. } => at(quantiles, 0.0),
        }
    }

    /// The longest time; where there is no limit, one that it hardly ever exceeds.
    pub fn longest(&self) -> Duration {
        match *self {
            Self::Constant { value } => value,
            Self::Uniform { most, .. } => most,
            Self::Normal { mean, deviation, most, .. } => most.unwrap_or(mean + deviation * 4),
            // Twice as far out as the 95th percentile: one in two thousand.
            Self::LogNormal { median, p95, most, .. } => {
                most.unwrap_or_else(|| from_nanos(nanos(p95) * nanos(p95) / nanos(median)))
            }
            Self::Quantiles { ref quantiles, .. } => at(quantiles, 100_000.0),
        }
    }

    /// What 95 of 100 times are at most, before a cut.
    pub fn p95(&self) -> Duration {
        match *self {
            Self::Constant { value } => value,
            Self::Uniform { least, most } => {
                from_nanos(nanos(least) + (nanos(most) - nanos(least)) * 0.95)
            }
            Self::Normal { mean, deviation, .. } => {
                from_nanos(nanos(mean) + Z95 * nanos(deviation))
            }
            Self::LogNormal { p95, .. } => p95,
            Self::Quantiles { ref quantiles, .. } => at(quantiles, 95_000.0),
        }
    }

    /// The time in the middle: what it is in a rough estimate.
    pub fn typical(&self) -> Duration {
        match *self {
            Self::Constant { value } => value,
            Self::Uniform { least, most } => least + (most - least) / 2,
            Self::Normal { mean, .. } => mean,
            Self::LogNormal { median, .. } => median,
            Self::Quantiles { ref quantiles, .. } => at(quantiles, 50_000.0),
        }
    }
}

/// The time at so many thousandths of a percent: on the line from the quantile before to the next one.
fn at(quantiles: &[Quantile], percent_thousandths: f64) -> Duration {
    let share = |quantile: &Quantile| f64::from(quantile.percent_thousandths);
    let next = quantiles.partition_point(|quantile| share(quantile) < percent_thousandths);
    match (next.checked_sub(1).and_then(|before| quantiles.get(before)), quantiles.get(next)) {
        (Some(before), Some(next)) => {
            let way = (percent_thousandths - share(before)) / (share(next) - share(before));
            let time = nanos(before.time) + way * (nanos(next.time) - nanos(before.time));
            from_nanos(time).clamp(before.time, next.time)
        }
        (None, Some(only)) | (Some(only), None) => only.time,
        (None, None) => Duration::ZERO,
    }
}

fn cut(least: Duration, most: Option<Duration>, mut draw: impl FnMut() -> f64) -> Duration {
    let most = most.unwrap_or(Duration::from_nanos(u64::MAX));
    let mut last = least;
    for _ in 0..Distribution::DRAWS {
        let drawn = draw();
        if drawn >= 0.0 && (least..=most).contains(&from_nanos(drawn)) {
            return from_nanos(drawn);
        }
        last = from_nanos(drawn);
    }
    last.clamp(least, most)
}

fn nanos(time: Duration) -> f64 {
    time.as_nanos() as f64
}

/// The nearest whole nanosecond; negative times are zero.
fn from_nanos(nanos: f64) -> Duration {
    Duration::from_nanos(libm::round(nanos) as u64)
}

/// From 0 to 1, 1 excluded: 53 random bits.
fn unit(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Box and Muller's transform; one of its two numbers, so that each draw takes two.
fn standard_normal(random: &mut impl Rng) -> f64 {
    // From 0 excluded to 1, so that the logarithm is finite.
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - unit(random)));
    radius * libm::cos(2.0 * core::f64::consts::PI * unit(random))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn drawn(distribution: Distribution, count: usize) -> Vec<Duration> {
        let mut random = parallax_network::random::stream(7, "test");
        let mut times: Vec<_> = (0..count).map(|_| distribution.sample(&mut random)).collect();
        times.sort_unstable();
        times
    }

    fn mean(times: &[Duration]) -> Duration {
        times.iter().sum::<Duration>() / u32::try_from(times.len()).expect("few")
    }

    fn near(found: Duration, expected: Duration, within: Duration) {
        assert!(found.abs_diff(expected) <= within, "{found:?} is not near {expected:?}");
    }

    #[test]
    fn a_constant_takes_nothing_from_the_stream() {
        let mut random = parallax_network::random::stream(7, "test");
        let mut other = random.clone();
        assert_eq!(Distribution::Constant { value: MS }.sample(&mut random), MS);
        assert_eq!(random.next_u64(), other.next_u64());
    }

    #[test]
    fn uniform_fills_its_range_evenly() {
        let times = drawn(Distribution::Uniform { least: 10 * MS, most: 20 * MS }, 10_000);
        near(mean(&times), 15 * MS, MS / 5);
        near(times[2_500], 12 * MS + MS / 2, MS / 5);
        assert!(times[0] >= 10 * MS && times[9_999] <= 20 * MS);
    }

    #[test]
    fn normal_has_its_mean_and_deviation() {
        let normal = Distribution::Normal {
            mean: 20 * MS,
            deviation: 2 * MS,
            least: Duration::ZERO,
            most: None,
        };
        let times = drawn(normal, 10_000);
        near(mean(&times), 20 * MS, MS / 10);
        // 84.13 % lie below one standard deviation above the mean.
        near(times[8_413], 22 * MS, MS / 5);
        near(times[1_587], 18 * MS, MS / 5);
    }

    #[test]
    fn log_normal_has_its_median_and_p95() {
        let distribution = Distribution::LogNormal {
            median: 10 * MS,
            p95: 30 * MS,
            least: Duration::ZERO,
            most: None,
        };
        let times = drawn(distribution, 10_000);
        near(times[5_000], 10 * MS, MS / 2);
        near(times[9_500], 30 * MS, 2 * MS);
    }

    #[test]
    fn what_is_cut_off_is_drawn_again_not_piled_up_at_the_end() {
        let normal =
            Distribution::Normal { mean: 20 * MS, deviation: 5 * MS, least: 20 * MS, most: None };
        let times = drawn(normal, 1_000);
        assert!(times.iter().filter(|time| **time == 20 * MS).count() < 3);
    }

    fn quantiles(pairs: &[(u32, Duration)]) -> Distribution {
        let quantile = |(percent, time): &(u32, Duration)| Quantile {
            percent_thousandths: percent * 1_000,
            time: *time,
        };
        Distribution::Quantiles { quantiles: pairs.iter().map(quantile).collect(), samples: None }
    }

    #[test]
    fn quantiles_are_found_again_in_what_is_drawn() {
        let given =
            quantiles(&[(0, 9 * MS), (50, 14 * MS), (95, 20 * MS), (99, 40 * MS), (100, 80 * MS)]);
        let times = drawn(given.clone(), 10_000);
        near(times[0], 9 * MS, MS / 10);
        near(times[2_500], 11 * MS + MS / 2, MS / 5);
        near(times[5_000], 14 * MS, MS / 5);
        near(times[9_500], 20 * MS, MS / 2);
        near(times[9_900], 40 * MS, 2 * MS);
        assert!(times[9_999] <= 80 * MS && times[9_999] > 70 * MS);
        assert_eq!((given.typical(), given.p95(), given.longest()), (14 * MS, 20 * MS, 80 * MS));
    }

    #[test]
    fn quantiles_of_one_time_are_a_constant_that_takes_one_draw() {
        let mut random = parallax_network::random::stream(7, "test");
        let mut other = random.clone();
        assert_eq!(quantiles(&[(0, MS), (100, MS)]).sample(&mut random), MS);
        other.next_u64();
        assert_eq!(random.next_u64(), other.next_u64());
    }

    #[test]
    fn of_each_kind_95_of_100_are_at_most_its_p95() {
        let (least, most) = (Duration::ZERO, None);
        for distribution in [
            Distribution::Uniform { least: 10 * MS, most: 20 * MS },
            Distribution::Normal { mean: 20 * MS, deviation: 2 * MS, least, most },
            Distribution::LogNormal { median: 10 * MS, p95: 30 * MS, least, most },
            quantiles(&[(0, 10 * MS), (90, 20 * MS), (100, 50 * MS)]),
        ] {
            let below = drawn(distribution.clone(), 10_000)
                .iter()
                .filter(|time| **time <= distribution.p95())
                .count();
            assert!((9_430..=9_570).contains(&below), "{below} from {distribution:?}");
        }
    }

    #[test]
    fn the_middle_is_on_the_line_where_no_quantile_is() {
        assert_eq!(quantiles(&[(0, 10 * MS), (100, 20 * MS)]).typical(), 15 * MS);
    }

    #[test]
    fn draws_are_the_same_everywhere() {
        let normal =
            Distribution::Normal { mean: 20 * MS, deviation: 2 * MS, least: 15 * MS, most: None };
        let mut random = parallax_network::random::stream(1, "host/doorbell");
        let times: Vec<_> = (0..4).map(|_| normal.sample(&mut random).as_nanos()).collect();
        assert_eq!(times, [21_141_935, 16_706_721, 18_836_870, 20_112_084]);
        let given = quantiles(&[(0, 10 * MS), (90, 20 * MS), (100, 50 * MS)]);
        let times: Vec<_> = (0..3).map(|_| given.sample(&mut random).as_nanos()).collect();
        assert_eq!(times, [15_981_516, 18_430_931, 17_051_443]);
    }

    proptest! {
        #[test]
        fn no_draw_leaves_its_bounds(
            mean in 0..u64::MAX / 2, deviation in 0..u64::MAX / 2, a: u64, b: u64, seed: u64,
        ) {
            let (least, most) = (Duration::from_nanos(a.min(b)), Duration::from_nanos(a.max(b)));
            let mut random = parallax_network::random::stream(seed, "test");
            let mean = Duration::from_nanos(mean);
            let deviation = Duration::from_nanos(deviation);
            for distribution in [
                Distribution::Uniform { least, most },
                Distribution::Normal { mean, deviation, least, most: Some(most) },
                Distribution::LogNormal {
                    median: mean.max(MS), p95: mean.max(MS) + deviation, least, most: Some(most),
                },
                quantiles(&[(0, least), (50, least + (most - least) / 3), (100, most)]),
            ] {
                let time = distribution.sample(&mut random);
                prop_assert!((least..=most).contains(&time), "{time:?} from {distribution:?}");
            }
        }
    }
}
