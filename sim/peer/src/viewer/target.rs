//! Target depth of an adaptive jitter buffer: what frames have needed lately. A pure core.
//!
//! A frame needs the time from the base delay ([`Base`](super::base::Base)) to its last packet. Without resends that is
//! the path's and the pacer's doing, and the target is its quantile: one frame in twenty may need more, and at least one,
//! so that the first key frame alone moves nothing. NetEQ, the audio buffer of libwebrtc, takes 95 % too.
//!
//! Resends are kept out of the quantile, as libwebrtc does for video: they say how long a request and its answer take, not
//! how delays vary. While losses are being repaired, the median of what a repair takes is added: from the third repaired
//! frame in 10 s on, if more than one frame in twenty was. Below that a repaired frame is shown late by what its repair
//! took, which is better than that all frames are.
//!
//! The target rises at once, since a frame that is late is seen, and falls slowly, since a picture that runs fast is seen
//! too. A frame that needs more than the target is shown when it is whole.

use parallax_record::JitterBuffer;
use std::collections::VecDeque;

/// So long a frame counts, nanoseconds: as long as a packet does for the base.
const WINDOW_NS: u64 = 10_000_000_000;
/// One frame in so many may need more than the target.
const ONE_IN: usize = 20;
/// Fewer repaired frames in the window are accidents.
const REPAIRS: usize = 3;
/// The target falls by a nanosecond in so many: 5 ms a second.
const FALL: u64 = 200;
/// A move of the target that is worth an entry in the record, nanoseconds.
const MOVE_NS: u64 = 5_000_000;

/// A frame that became whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// When, nanoseconds on the run's clock.
    pub(super) at_ns: u64,
    /// From the base delay to its last packet that was no resend, nanoseconds.
    pub(super) needed_ns: u64,
    /// From then to its being whole: what its repair took, if there was one, nanoseconds.
    pub(super) repair_ns: Option<u64>,
}

/// Target depth.
#[derive(Debug)]
pub(super) struct Target {
    least_ns: u64,
    most_ns: u64,
    frames: VecDeque<Sample>,
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

    /// Takes a frame; frames come in order of time.
    pub(super) fn take(&mut self, sample: Sample) {
        if self.least_ns == self.most_ns {
            return;
        }
        let at_ns = sample.at_ns;
        self.frames.push_back(sample);
        let from_ns = at_ns.saturating_sub(WINDOW_NS);
        while self.frames.front().is_some_and(|frame| frame.at_ns < from_ns) {
            self.frames.pop_front();
        }
        let fallen_ns = self.ns.saturating_sub(at_ns.saturating_sub(self.at_ns) / FALL);
        self.ns = self.wanted_ns().max(fallen_ns).clamp(self.least_ns, self.most_ns);
        self.at_ns = at_ns;
    }

    fn wanted_ns(&self) -> u64 {
        let mut needed: Vec<u64> = self.frames.iter().map(|frame| frame.needed_ns).collect();
        let later = (needed.len() / ONE_IN).max(1);
        let quantile = match needed.len().checked_sub(later + 1) {
            Some(rank) => *needed.select_nth_unstable(rank).1,
            None => 0,
        };
        let mut repairs: Vec<u64> = self.frames.iter().filter_map(|it| it.repair_ns).collect();
        let middle = repairs.len() / 2;
        let repair = match repairs.len() >= REPAIRS && repairs.len() > later {
            true => *repairs.select_nth_unstable(middle).1,
            false => 0,
        };
        quantile.saturating_add(repair)
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

    /// Frames at 15/s that need so many milliseconds, the last ones of which a repair took.
    fn after(bounds: JitterBuffer, needs: impl IntoIterator<Item = (u64, Option<u64>)>) -> u64 {
        let mut target = Target::new(bounds);
        for (n, (needed, repair)) in (0..).zip(needs) {
            let at_ns = 7_000 * MS + n * 200 * MS / 3;
            let repair_ns = repair.map(|ms| ms * MS);
            target.take(Sample { at_ns, needed_ns: needed * MS, repair_ns });
        }
        target.ns() / MS
    }

    #[test]
    fn a_constant_need_is_the_target_and_the_bounds_hold() {
        for (needed, target) in [(0, 20), (20, 20), (75, 75), (500, 500), (9_000, 500)] {
            assert_eq!(after(BOUNDS, vec![(needed, None); 300]), target);
        }
        let fixed = JitterBuffer { least_us: 170_000, most_us: 170_000 };
        assert_eq!(after(fixed, vec![(400, Some(90)); 300]), 170);
    }

    /// Of 151 frames, which is the window, seven may need more.
    #[test]
    fn of_two_needs_the_greater_is_the_target_if_more_than_one_frame_in_twenty_has_it() {
        let two = |often: u64| {
            let need = |n: u64| if (100..100 + often).contains(&(n % 160)) { 140 } else { 40 };
            after(BOUNDS, (0..920).map(|n| (need(n), None)))
        };
        assert_eq!((two(0), two(1), two(7)), (40, 40, 40));
        assert_eq!((two(8), two(50)), (140, 140));
    }

    #[test]
    fn the_first_frame_alone_moves_nothing_and_the_second_like_it_does_at_once() {
        assert_eq!(after(BOUNDS, [(180, None)]), 20);
        assert_eq!(after(BOUNDS, [(180, None), (170, None)]), 170);
        assert_eq!(after(BOUNDS, [(180, None), (25, None), (90, None)]), 90);
    }

    #[test]
    fn what_a_repair_takes_is_added_from_the_third_in_the_window_on() {
        let with = |repairs: &[u64]| {
            let quiet = vec![(30, None); 20];
            let repaired = repairs.iter().map(|ms| (30, Some(*ms)));
            after(BOUNDS, quiet.into_iter().chain(repaired))
        };
        assert_eq!((with(&[60]), with(&[60, 70]), with(&[60, 140, 70])), (30, 30, 100));
        // One in twenty is no longer being repaired, and the target comes down.
        let quiet = |frames| {
            let all = vec![(30, Some(70)); 5].into_iter().chain(vec![(30, None); frames]);
            after(BOUNDS, all)
        };
        assert_eq!((quiet(90), quiet(95 + 15 * 4), quiet(900)), (100, 79, 30));
    }

    #[test]
    fn a_move_is_said_once_and_only_if_it_is_one() {
        let mut target = Target::new(BOUNDS);
        let mut said = Vec::new();
        assert_eq!(target.moved(), None, "no frame yet");
        for (second, needed) in (0..).zip([30, 30, 34, 60, 60, 0, 0, 0, 0]) {
            // Two frames each, of which one may need more.
            for half in 0..2 {
                let at_ns = (second * 1_000 + half * 500) * MS;
                target.take(Sample { at_ns, needed_ns: needed * MS, repair_ns: None });
                said.extend(target.moved().map(|ns| (second, ns / MS)));
            }
        }
        assert_eq!(said, [(0, 20), (0, 30), (3, 60)]);
    }

    proptest! {
        /// Whatever frames need: within bounds, up at once, down by 5 ms a second at most, and the same at another time.
        #[test]
        fn the_target_rises_at_once_and_falls_slowly(
            frames in prop::collection::vec(
                (1_u64..400 * MS, 0_u64..900 * MS, prop::option::weighted(0.2, 0_u64..300 * MS)), 1..300
            ),
            (least, more) in (0_u64..300_000, 1_u64..700_000),
            shift in 0_u64..1 << 50,
        ) {
            let bounds = JitterBuffer { least_us: least, most_us: least + more };
            let [mut target, mut shifted] = [Target::new(bounds), Target::new(bounds)];
            let (mut at_ns, mut all) = (20_000 * MS, Vec::new());
            for (step, needed_ns, repair_ns) in frames {
                let before = target.ns();
                at_ns += step;
                all.push((at_ns, needed_ns));
                target.take(Sample { at_ns, needed_ns, repair_ns });
                shifted.take(Sample { at_ns: at_ns + shift, needed_ns, repair_ns });
                prop_assert_eq!(target.ns(), shifted.ns());
                prop_assert!((least * 1_000..=(least + more) * 1_000).contains(&target.ns()));
                prop_assert!(before.saturating_sub(target.ns()) <= step / 200);
                let window: Vec<_> = all.iter().filter(|it| it.0 + WINDOW_NS >= at_ns).collect();
                let later = window.iter().filter(|it| it.1 > target.ns()).count();
                if target.ns() < target.most_ns() {
                    prop_assert!(later <= (window.len() / 20).max(1));
                }
            }
        }
    }
}
