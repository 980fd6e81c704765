//! Round-trip time of a session: smoothed as RFC 6298 section 2 has it, from ICE checks, pings and resends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The round trip before one has been measured, nanoseconds: what libwebrtc begins with.
const START_NS: u64 = 100_000_000;

/// Smoothed round-trip time, with its deviation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RoundTrip {
    /// Smoothed time and mean deviation, nanoseconds; none before the first measurement.
    smoothed: Option<(u64, u64)>,
}

impl RoundTrip {
    /// Takes a measured round trip.
    pub(crate) fn sample(&mut self, sample_ns: u64) {
        self.smoothed = Some(match self.smoothed {
            None => (sample_ns, sample_ns / 8),
            Some((mean, deviation)) => {
                let off = mean.abs_diff(sample_ns);
                let deviation = deviation - deviation / 4 + off / 4;
                (mean - mean / 8 + sample_ns / 8, deviation)
            }
        });
    }

    /// The smoothed time, nanoseconds.
    pub(crate) fn mean_ns(&self) -> u64 {
        self.smoothed.map_or(START_NS, |(mean, _)| mean)
    }

    /// Within what time an answer comes, nanoseconds.
    pub(crate) fn answer_ns(&self) -> u64 {
        self.smoothed.map_or(START_NS, |(mean, deviation)| mean.saturating_add(2 * deviation))
    }
}

/// The round trip of one session, as all its parts know it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedRoundTrip(Arc<Mutex<RoundTrip>>);

impl SharedRoundTrip {
    fn lock(&self) -> MutexGuard<'_, RoundTrip> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a measured round trip.
    pub(crate) fn sample(&self, sample_ns: u64) {
        self.lock().sample(sample_ns);
    }

    /// What is known now.
    pub(crate) fn get(&self) -> RoundTrip {
        *self.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_lies_between_what_was_measured(samples in prop::collection::vec(0..10_000_000_000_u64, 1..200)) {
            let mut round_trip = RoundTrip::default();
            prop_assert_eq!(round_trip.answer_ns(), START_NS);
            for sample in &samples {
                round_trip.sample(*sample);
            }
            let (least, most) = (samples.iter().min().unwrap_or(&0), samples.iter().max().unwrap_or(&0));
            // Each division rounds down by less than 1 ns.
            prop_assert!(round_trip.mean_ns() + 16 >= *least && round_trip.mean_ns() <= *most + 16);
            prop_assert!(round_trip.answer_ns() >= round_trip.mean_ns());
        }

        #[test]
        fn a_round_trip_that_stays_is_found(before in 1_000_000..1_000_000_000_u64, after in 1_000_000..1_000_000_000_u64) {
            let mut round_trip = RoundTrip::default();
            round_trip.sample(before);
            for _ in 0..100 {
                round_trip.sample(after);
            }
            prop_assert!(round_trip.mean_ns().abs_diff(after) < 1_000_000);
            prop_assert!(round_trip.answer_ns() < after + 2_000_000);
        }
    }
}
