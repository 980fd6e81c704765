//! Bounds for how far apart simulation and measurement may be.

use serde::Serialize;

use crate::uncertainty::Uncertainty;
use crate::verdict::Verdict;

/// Of fewer simulated runs a range says too little of where the next one may lie.
pub const RANGE_RUNS: u64 = 10;

/// How far apart simulation and measurement may be. Shares are of figures without what is configured alike on both
/// sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// The medians of both sides: steps of the set-up, latency, its stages. Within a share of what was simulated, or within a time.
    Medians {
        /// Of 100.
        percent: u32,
        /// Microseconds.
        us: u64,
    },
    /// The measured median lies between the least and the greatest simulated run, each end widened by a share of itself:
    /// set-up, latency, share of frames lost, time frozen.
    Range {
        /// Of 100.
        percent: u32,
    },
}

/// Which figures a bound holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// By none.
    Never,
    /// By [`Within::Medians`].
    Medians,
    /// By [`Within::Range`].
    Range,
    /// By either.
    Both,
}

impl Held {
    /// Whether this bound holds for it.
    pub(crate) fn by(self, within: Within) -> bool {
        match within {
            Within::Medians { .. } => matches!(self, Self::Medians | Self::Both),
            Within::Range { .. } => matches!(self, Self::Range | Self::Both),
        }
    }
}

/// A figure over the runs of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OverRuns {
    /// How many have it.
    pub runs: u64,
    /// The least, the median and the greatest of theirs.
    pub least: i64,
    /// Likewise.
    pub median: i64,
    /// Likewise.
    pub greatest: i64,
    /// How far the truth may be from each, by the clocks.
    pub uncertainty: Uncertainty,
}

/// Measured less simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Of the medians.
    pub by: i64,
    /// What it truly is at least, by the clocks of both sides.
    pub least: i64,
    /// And at most.
    pub most: i64,
}

/// A percentage of a figure's size.
pub(crate) fn share(value: i64, percent: u32) -> i128 {
    i128::from(value.unsigned_abs()) * i128::from(percent) / 100
}

/// Judges the interval that the truth lies in.
fn judge((low, high): (i128, i128), (least, most): (i128, i128)) -> Verdict {
    if least <= low && high <= most {
        Verdict::Pass
    } else if high < least || most < low {
        Verdict::Fail
    } else {
        Verdict::Inconclusive
    }
}

impl Difference {
    /// Whether the true difference is at most this, either way.
    pub(crate) fn within(self, most: i128) -> Verdict {
        judge((i128::from(self.least), i128::from(self.most)), (-most, most))
    }
}

impl OverRuns {
    /// Whether the median lies in the range of simulated runs. Each end is widened by a share of what of it is not
    /// configured alike on both sides.
    pub(crate) fn median_in(&self, simulated: &Self, alike: i64, percent: u32) -> Verdict {
        if simulated.runs < RANGE_RUNS {
            return Verdict::Inconclusive;
        }
        let wider = |end: i64| share(end.saturating_sub(alike), percent);
        let range = (
            i128::from(simulated.least) - wider(simulated.least),
            i128::from(simulated.greatest) + wider(simulated.greatest),
        );
        let (median, open) = (i128::from(self.median), self.uncertainty);
        judge((median - i128::from(open.below), median + i128::from(open.above)), range)
    }
}
