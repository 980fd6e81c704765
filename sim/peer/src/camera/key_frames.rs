//! Limits on key frames on request. A pure core.
//!
//! A key frame is as large as ten other frames, and a full path loses more packets for each one. The first request is
//! answered at once. Each further request is answered after a longer gap.
//!
//! Requests that go on in spite of that, with many lost packets, mean that the path carries less than the camera sends. A
//! camera without congestion control then leaves out frames before they are encoded: one of three, then one of two, then two of
//! three. It returns to all frames in the same steps, one for each [`EASE_NS`] without a request.

/// The least time between a key frame that was asked for again and the one before it, nanoseconds: libwebrtc's number.
const LEAST_NS: u64 = 300_000_000;
/// While they are asked for again and again the time doubles, up to this.
const MOST_NS: u64 = 1_200_000_000;
/// A key frame is asked for again if the one before it is no older than this.
const AGAIN_NS: u64 = 2 * MOST_NS;

/// Frames that are left out, and of how many, by level.
const LEFT_OUT: [(u32, u32); 4] = [(0, 1), (1, 3), (1, 2), (2, 3)];
/// Time of a level to show its effect before the next one, nanoseconds.
const HARDEN_NS: u64 = 2_000_000_000;
/// Time without a request after which a level is left, nanoseconds.
const EASE_NS: u64 = 8_000_000_000;

/// Requests for key frames.
#[derive(Debug)]
pub(super) struct KeyFrames {
    wished: bool,
    /// One of those who wish loses many packets.
    loses_many: bool,
    last_ns: Option<u64>,
    /// The least time to the next one.
    gap_ns: u64,
    /// Frames may be left out.
    thins: bool,
    /// Of [`LEFT_OUT`].
    level: usize,
    level_since_ns: u64,
    frames: u32,
}

impl KeyFrames {
    /// `thins`: frames may be left out.
    pub(super) const fn new(thins: bool) -> Self {
        let (level, level_since_ns, frames) = (0, 0, 0);
        Self {
            wished: false,
            loses_many: false,
            last_ns: None,
            gap_ns: 0,
            thins,
            level,
            level_since_ns,
            frames,
        }
    }

    /// A viewer needs a key frame. `loses_many`: many packets to it are lost.
    pub(super) const fn wish(&mut self, loses_many: bool) {
        (self.wished, self.loses_many) = (true, self.loses_many || loses_many);
    }

    /// A viewer comes that has seen nothing yet: it does not wait for what others asked for.
    pub(super) const fn wish_at_once(&mut self) {
        (self.wished, self.last_ns, self.gap_ns) = (true, None, 0);
    }

    /// Whether the frame that is encoded now becomes a key frame.
    pub(super) fn take(&mut self, now_ns: u64) -> bool {
        let since_ns = self.last_ns.map(|last| now_ns.saturating_sub(last));
        if !self.wished || since_ns.is_some_and(|since| since < self.gap_ns) {
            return false;
        }
        let again = since_ns.is_some_and(|since| since < AGAIN_NS);
        self.gap_ns = if again { (2 * self.gap_ns).clamp(LEAST_NS, MOST_NS) } else { 0 };
        let repeated = self.gap_ns > LEAST_NS && std::mem::take(&mut self.loses_many);
        if repeated && now_ns.saturating_sub(self.level_since_ns) >= HARDEN_NS {
            self.level = (self.level + 1).min(LEFT_OUT.len() - 1);
            self.level_since_ns = now_ns;
        }
        self.last_ns = Some(now_ns);
        self.wished = false;
        true
    }

    /// Whether the next frame is left out.
    pub(super) fn leaves_out(&mut self, now_ns: u64) -> bool {
        let since_ns = self.level_since_ns.max(self.last_ns.unwrap_or(0));
        if self.level > 0 && now_ns.saturating_sub(since_ns) >= EASE_NS {
            (self.level, self.level_since_ns) = (self.level - 1, now_ns);
        }
        let (out, of) = LEFT_OUT[self.level];
        self.frames = self.frames.wrapping_add(1);
        self.thins && self.frames % of < out
    }

    /// A key frame is about to leave, on request or not: earlier requests are answered.
    pub(super) const fn made(&mut self) {
        self.wished = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// When key frames are made for a viewer that asks at such times, of frames every 50 ms.
    fn made(asks: impl Fn(u64) -> bool, until_ms: u64) -> Vec<u64> {
        let mut keys = KeyFrames::new(true);
        let key = |at: &u64| {
            if asks(*at) {
                keys.wish(false);
            }
            keys.take(at * MS)
        };
        (0..until_ms).step_by(50).filter(key).collect()
    }

    #[test]
    fn requests_are_answered_at_once_and_repeated_ones_more_and_more_slowly() {
        assert_eq!(made(|at| at == 100 || at == 150, 2_000), [100, 150]);
        assert_eq!(made(|at| (100..250).contains(&at), 2_000), [100, 150, 450]);
        let always = made(|_| true, 10_000);
        assert_eq!(always, [0, 50, 350, 950, 2_150, 3_350, 4_550, 5_750, 6_950, 8_150, 9_350]);
    }

    #[test]
    fn after_a_rest_it_answers_at_once_again() {
        let asks = |at| at < 4_600 || at == 9_400 || at == 9_450;
        assert_eq!(made(asks, 12_000), [0, 50, 350, 950, 2_150, 3_350, 4_550, 9_400, 9_450]);
    }

    #[test]
    fn a_viewer_that_comes_does_not_wait_and_one_key_frame_is_for_all() {
        let mut keys = KeyFrames::new(true);
        for at in [0, 50] {
            keys.wish(false);
            assert!(keys.take(at * MS));
        }
        keys.wish(false);
        assert!(!keys.take(100 * MS));
        keys.wish_at_once();
        assert!(keys.take(150 * MS));
        keys.wish(false);
        keys.made();
        assert!(!keys.take(9_000 * MS));
    }

    /// Frames per second that are not left out, second by second, while a viewer asks for key frames at such times.
    fn rates(
        thins: bool,
        loses_many: bool,
        asks: impl Fn(u64) -> bool,
        seconds: u64,
    ) -> Vec<usize> {
        let mut keys = KeyFrames::new(thins);
        let encodes = |at: u64| {
            if asks(at) {
                keys.wish(loses_many);
            }
            let now_ns = at * 50 * MS;
            let leaves_out = keys.leaves_out(now_ns);
            if !leaves_out {
                let _ = keys.take(now_ns);
            }
            !leaves_out
        };
        let encoded: Vec<bool> = (0..20 * seconds).map(encodes).collect();
        encoded.chunks(20).map(|second| second.iter().filter(|encoded| **encoded).count()).collect()
    }

    #[test]
    fn frames_are_left_out_while_key_frames_are_asked_for_again_and_again() {
        let asks = |frame: u64| frame < 20 * 10;
        let rates_of = rates(true, true, asks, 40);
        assert_eq!(rates_of[0], 20);
        assert!((6..=7).contains(&rates_of[9]), "{rates_of:?}");
        // Then they come back, one level after the other.
        assert!(rates_of[10..].is_sorted_by(|one, next| one <= &(next + 1)), "{rates_of:?}");
        assert_eq!(rates_of[39], 20, "{rates_of:?}");
        assert!(rates(false, true, asks, 20).iter().all(|rate| *rate == 20));
        assert!(rates(true, false, asks, 20).iter().all(|rate| *rate == 20));
        // Now and then a request does no harm.
        assert!(
            rates(true, true, |frame| frame.is_multiple_of(60), 60).iter().all(|rate| *rate == 20)
        );
    }
}
