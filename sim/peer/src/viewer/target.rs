//! Target depth of an adaptive jitter buffer: what frames have needed lately. A pure core.
//!
//! A frame needs the time from the base delay ([`Base`](super::base::Base)) to its last packet. The target is a quantile of
//! that: one frame in twenty may need more, as in NetEQ, the audio buffer of libwebrtc; seven at least, which is one in
//! twenty of a full window at 15 frames/s, so that neither the first key frame nor one burst of losses moves it.
//!
//! Resends count: while more than one frame in twenty needs one, a round trip of NACK is in the target. Below that a
//! repaired frame is shown late by what its repair took, which is better than that all frames are. libwebrtc keeps resends
//! out for video, and adds a round trip for a minute after the third.
//!
//! The target rises at once, since a frame that is late is seen, and falls slowly, since a picture that runs fast is seen
//! too. A frame that needs more than the target is shown when it is whole.

use parallax_record::JitterBuffer;
use std::collections::VecDeque;

/// Time for which a frame counts, nanoseconds: as long as a packet does for the base.
const WINDOW_NS: u64 = 10_000_000_000;
/// One frame in this number may need more than the target.
const ONE_IN: usize = 20;
/// Number of frames that may in any case.
const FEW: usize = 7;
/// The target falls by a nanosecond in this number: 5 ms a second.
const FALL: u64 = 200;
/// A move of the target that is worth an entry in the record, nanoseconds.
const MOVE_NS: u64 = 5_000_000;

/// Target depth.
#[derive(Debug)]
pub(super) struct Target {
    least_ns: u64,
    most_ns: u64,
    /// When a frame was whole, and from the base delay to then, nanoseconds.
    frames: VecDeque<(u64, u64)>,
    /// The target, and when it was last looked at.
    ns: u64,
    at_ns: u64,
    told_ns: Option<u64>,
}

impl Target {
    pub(super) fn new(JitterBuffer { least_us, most_us }: JitterBuffer) -> Self {
        let least_ns = least_us.saturating_mul(1_000);
        Self {
            least_ns,
            most_ns: most_us.saturating_mul(1_000).max(least_ns),
            frames: VecDeque::new(),
            ns: least_ns,
            at_ns: 0,
            told_ns: None,
        }
    }

    /// The target, nanoseconds.
    pub(super) fn ns(&self) -> u64 {
        self.ns
    }

    /// What it never exceeds, nanoseconds.
    pub(super) fn most_ns(&self) -> u64 {
        self.most_ns
    }

    /// Takes a frame that became whole at `at_ns`, `needed` after the base delay; frames come in order of time.
    pub(super) fn take(&mut self, at_ns: u64, needed_ns: u64) {
        if self.least_ns == self.most_ns {
            return;
        }
        self.frames.push_back((at_ns, needed_ns));
        let from_ns = at_ns.saturating_sub(WINDOW_NS);
        while self.frames.front().is_some_and(|(at, _)| *at < from_ns) {
            self.frames.pop_front();
        }
        let fallen_ns = self.ns.saturating_sub(at_ns.saturating_sub(self.at_ns) / FALL);
        self.ns = self.wanted_ns().max(fallen_ns).clamp(self.least_ns, self.most_ns);
        self.at_ns = at_ns;
    }

    /// The base delay has risen: frames need less beyond it by the same time, and the target may give way by that, since
    /// no frame is shown earlier for it.
    pub(super) fn rebase(&mut self, risen_ns: u64) {
        for (_, needed_ns) in &mut self.frames {
            *needed_ns = needed_ns.saturating_sub(risen_ns);
        }
        let given_ns = self.ns.saturating_sub(risen_ns);
        self.ns = self.wanted_ns().max(given_ns).clamp(self.least_ns, self.most_ns);
    }

    fn wanted_ns(&self) -> u64 {
        let mut needed: Vec<u64> = self.frames.iter().map(|(_, needed_ns)| *needed_ns).collect();
        let later = (needed.len() / ONE_IN).max(FEW);
        let rank = needed.len().checked_sub(later + 1);
        rank.map_or(0, |rank| *needed.select_nth_unstable(rank).1)
    }

    /// The target, nanoseconds, if it has moved by 5 ms since this was last said; at the first frame in any case.
    pub(super) fn moved(&mut self) -> Option<u64> {
        let first = self.told_ns.is_none() && !self.frames.is_empty();
        let moved = self.told_ns.is_some_and(|told| told.abs_diff(self.ns) >= MOVE_NS);
        (first || moved).then(|| *self.told_ns.insert(self.ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;
    const BOUNDS: JitterBuffer = JitterBuffer { least_us: 20_000, most_us: 500_000 };

    /// Frames at 15/s with the milliseconds that they need.
    fn after(bounds: JitterBuffer, needs: impl IntoIterator<Item = u64>) -> Target {
        let mut target = Target::new(bounds);
        for (n, needed) in (0..).zip(needs) {
            target.take(7_000 * MS + n * 200 * MS / 3, needed * MS);
        }
        target
    }

    #[test]
    fn a_constant_need_is_the_target_and_the_bounds_hold() {
        for (needed, target) in [(0, 20), (20, 20), (75, 75), (500, 500), (9_000, 500)] {
            assert_eq!(after(BOUNDS, vec![needed; 300]).ns(), target * MS);
        }
        let fixed = JitterBuffer { least_us: 170_000, most_us: 170_000 };
        assert_eq!(after(fixed, vec![400; 300]).ns(), 170 * MS);
    }

    /// Of 151 frames, which is the window, seven may need more.
    #[test]
    fn of_two_needs_the_greater_is_the_target_if_more_than_one_frame_in_twenty_has_it() {
        let two = |often: u64| {
            let need = |n: u64| if (100..100 + often).contains(&(n % 160)) { 140 } else { 40 };
            after(BOUNDS, (0..920).map(need)).ns() / MS
        };
        assert_eq!((two(0), two(1), two(7)), (40, 40, 40));
        assert_eq!((two(8), two(50)), (140, 140));
    }

    #[test]
    fn seven_frames_move_nothing_and_the_eighth_does_at_once_and_for_long() {
        let few = |frames, quiet| {
            let late = [180, 170, 160, 160, 160, 160, 160, 150, 140][..frames].iter().copied();
            after(BOUNDS, late.chain(vec![25; quiet])).ns() / MS
        };
        assert_eq!((few(1, 0), few(7, 0), few(8, 0), few(9, 0)), (20, 20, 150, 150));
        // The first leaves the window with the 152nd frame; then the target falls by 5 ms a second.
        assert_eq!((few(7, 140), few(8, 140), few(8, 144 + 45), few(8, 900)), (25, 150, 134, 25));
    }

    #[test]
    fn a_move_is_said_once_and_only_if_it_is_one() {
        let mut target = Target::new(BOUNDS);
        let mut said = Vec::new();
        assert_eq!(target.moved(), None, "no frame yet");
        for (second, needed) in (0..).zip([30, 30, 34, 60, 60, 0, 0, 0, 0]) {
            for eighth in 0..8 {
                target.take((second * 1_000 + eighth * 125) * MS, needed * MS);
                said.extend(target.moved().map(|ns| (second, ns / MS)));
            }
        }
        assert_eq!(said, [(0, 20), (0, 30), (3, 60)]);
    }

    #[test]
    fn a_base_that_rises_lowers_the_target_by_as_much_down_to_the_least() {
        let rebased = |risen_ms: u64| {
            let needs = (0..100).map(|n| if n % 10 == 0 { 140 } else { 90 });
            let mut target = after(BOUNDS, needs);
            target.rebase(risen_ms * MS);
            target.ns() / MS
        };
        assert_eq!((rebased(0), rebased(30), rebased(100), rebased(400)), (140, 110, 40, 20));
        // It is on its way down from 140 ms to 60 ms.
        let mut target = after(BOUNDS, vec![140; 10].into_iter().chain(vec![60; 300]));
        let before = target.ns();
        assert!((71 * MS..139 * MS).contains(&before), "{before}");
        target.rebase(10 * MS);
        assert_eq!(target.ns(), before - 10 * MS);
    }

    proptest! {
        /// Whatever frames need: within bounds, up at once, down by 5 ms a second at most, and the same at another time.
        #[test]
        fn the_target_rises_at_once_and_falls_slowly(
            frames in prop::collection::vec((1_u64..400 * MS, 0_u64..900 * MS), 1..300),
            (least, more) in (0_u64..300_000, 1_u64..700_000),
            shift in 0_u64..1 << 50,
        ) {
            let bounds = JitterBuffer { least_us: least, most_us: least + more };
            let [mut target, mut shifted] = [Target::new(bounds), Target::new(bounds)];
            let (mut at_ns, mut all) = (20_000 * MS, Vec::new());
            for (step, needed_ns) in frames {
                let before = target.ns();
                at_ns += step;
                all.push((at_ns, needed_ns));
                target.take(at_ns, needed_ns);
                shifted.take(at_ns + shift, needed_ns);
                prop_assert_eq!(target.ns(), shifted.ns());
                prop_assert!((least * 1_000..=(least + more) * 1_000).contains(&target.ns()));
                prop_assert!(before.saturating_sub(target.ns()) <= step / 200);
                let window: Vec<_> = all.iter().filter(|it| it.0 + WINDOW_NS >= at_ns).collect();
                let later = window.iter().filter(|it| it.1 > target.ns()).count();
                if target.ns() < target.most_ns() {
                    prop_assert!(later <= (window.len() / 20).max(7));
                }
            }
        }
    }
}
