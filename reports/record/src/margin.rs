//! Margins: how much later frames could have come, before the viewer's jitter buffer gave them up.
//!
//! Of a frame that was let go the viewer tells. One that was given up, and of which packets were sent again, would have been
//! whole when the last of these came: when it left, and the median time of frames that no resend was in. Its margin is
//! below zero, and known to the spread of that time.
//!
//! Where margins are small a result stands at a cliff: delays that differ by less than a model and a device do then decide
//! how many frames are lost, and with them those that refer to them.

use serde::{Deserialize, Serialize};

use crate::distribution::nearest_rank;
use crate::timeline::{FrameHistory, StreamTimeline};
use parallax_spec::Percentile;

/// Difference of a device's times to a model's, and of a busy device's to an idle one's, microseconds.
pub const NEAR_US: i64 = 20_000;
/// A result stands at a cliff if one in this number of frames or more came less than [`NEAR_US`] before or after it was given up.
const ONE_IN: u64 = 100;

/// Margins of the frames that a jitter buffer let go, and of those that it gave up before their resends came. Percentiles by nearest rank, microseconds; `null` where no frame
/// has one: without a jitter buffer, or in a browser, which does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MarginSummary {
    /// Frames that have one.
    pub count: u64,
    /// The least.
    pub least: Option<i64>,
    /// One in a hundred has no more.
    pub p1: Option<i64>,
    /// One in twenty has no more.
    pub p5: Option<i64>,
    /// So many frames came less than 20 ms before or after that: by so much later or earlier, and they would have been lost,
    /// or shown.
    pub near: u64,
}

impl MarginSummary {
    pub(crate) fn of(stream: &StreamTimeline) -> Self {
        let crossing_ns = crossing_ns(stream);
        let margin_us = |frame: &FrameHistory| {
            let passage = &frame.passage;
            passage.margin_us.or_else(|| {
                let came_ns = passage.resent_ns.last()?.checked_add(crossing_ns?)?;
                let margin_ns = i128::from(passage.lost_ns?) - i128::from(came_ns);
                i64::try_from(margin_ns / 1_000).ok().filter(|us| *us < 0)
            })
        };
        Self::over(stream.frames.iter().filter_map(margin_us).collect())
    }

    fn over(mut margins: Vec<i64>) -> Self {
        margins.sort_unstable();
        let at = |percentile: u8| nearest_rank(&margins, Percentile::try_from(percentile).ok()?);
        Self {
            count: margins.len() as u64,
            least: margins.first().copied(),
            p1: at(1),
            p5: at(5),
            near: margins.iter().filter(|us| (-NEAR_US..NEAR_US).contains(*us)).count() as u64,
        }
    }

    /// Whether enough frames were close to being given up that a little more delay changes the result.
    #[must_use]
    pub fn is_at_a_cliff(&self) -> bool {
        self.near > 0 && self.near.saturating_mul(ONE_IN) >= self.count
    }
}

/// How long a frame that no resend was in takes from the pacer to the viewer: the median, nanoseconds.
fn crossing_ns(stream: &StreamTimeline) -> Option<u64> {
    let own = stream.frames.iter().map(|frame| &frame.passage).filter(|own| own.resent == 0);
    let mut all: Vec<i64> = own
        .filter_map(|own| {
            i64::try_from(own.ended_ns.network?.checked_sub(own.ended_ns.pacer?)?).ok()
        })
        .collect();
    all.sort_unstable();
    u64::try_from(nearest_rank(&all, Percentile::P50)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_smallest_margins() {
        let margins = MarginSummary::over((1..=200).rev().map(|ms| ms * 1_000).collect());
        let all = [margins.least, margins.p1, margins.p5];
        assert_eq!(all, [Some(1_000), Some(2_000), Some(10_000)]);
        assert_eq!((margins.count, margins.near), (200, 19));
    }

    #[test]
    fn a_cliff_is_one_frame_in_a_hundred_within_twenty_milliseconds() {
        let with = |near_us: i64, near: usize| {
            let all =
                std::iter::repeat_n(near_us, near).chain(std::iter::repeat_n(20_000, 200 - near));
            MarginSummary::over(all.collect()).is_at_a_cliff()
        };
        for near_us in [19_999, 0, -20_000] {
            assert_eq!(
                [0, 1, 2].map(|near| with(near_us, near)),
                [false, false, true],
                "{near_us}"
            );
        }
        assert!(!with(-20_001, 200), "what comes much too late is lost anyway");
        assert!(!MarginSummary::default().is_at_a_cliff());
    }
}
