//! Base delay of a jitter buffer: the least relative delay of the packets of the last 10 s.
//!
//! The relative delay of a packet is its arrival minus its media time. Camera and viewer have clocks of their
//! own, so that it says nothing by itself; its changes are those of the path and of the clocks.

use std::collections::VecDeque;

/// Time for which a packet counts, nanoseconds: a path that has become longer, or a clock that drifts, is
/// followed after this at the latest.
const WINDOW_NS: u64 = 10_000_000_000;

/// Sliding minimum of relative delays.
#[derive(Debug, Default)]
pub(super) struct Base {
    /// When a packet came and its relative delay: both ascend, and the first is the least of all.
    least: VecDeque<(u64, i128)>,
}

impl Base {
    /// Takes the relative delay of a packet that came at `at_ns`.
    pub(super) fn take(&mut self, at_ns: u64, relative_ns: i128) {
        while self.least.back().is_some_and(|(_, later)| *later >= relative_ns) {
            self.least.pop_back();
        }
        self.least.push_back((at_ns, relative_ns));
        self.forget_before(at_ns.saturating_sub(WINDOW_NS));
    }

    /// Forgets packets that came before `from_ns`, but never the newest one.
    pub(super) fn forget_before(&mut self, from_ns: u64) {
        while self.least.len() > 1 && self.least.front().is_some_and(|(at, _)| *at < from_ns) {
            self.least.pop_front();
        }
    }

    /// The base delay, nanoseconds; none before the first packet.
    pub(super) fn ns(&self) -> Option<i128> {
        self.least.front().map(|(_, relative)| *relative)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The definition, word for word.
        #[test]
        fn the_base_is_the_least_of_the_window(
            steps in prop::collection::vec((0_u64..4_000_000_000, -1_000_i128..1_000), 1..60)
        ) {
            let mut base = Base::default();
            let (mut now, mut all) = (0, Vec::new());
            for (step, relative) in steps {
                now += step;
                all.push((now, relative));
                base.take(now, relative);
                let within = all.iter().filter(|(at, _)| *at + WINDOW_NS >= now);
                prop_assert_eq!(base.ns(), within.map(|(_, relative)| *relative).min());
            }
        }
    }
}
