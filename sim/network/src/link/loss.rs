//! Random loss of packets on a link.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;

use crate::{Loss, Time, random::uniform};

/// A burst does not outlast this silence: the packet after it meets the long-run state. The
/// chain knows packets alone, and without this a connection that sends once a second would sit in
/// one burst for seconds.
pub(super) const BURST_SILENCE: Duration = Duration::from_millis(500);

/// What a loss remembers from one packet to the next.
#[derive(Debug, Default)]
pub(super) struct LossState {
    /// When the last packet came, and whether it met the bad state; `None` before the first one.
    last: Option<(Time, bool)>,
}

impl LossState {
    /// Whether the packet that comes `now` is lost. The first one of a [`Loss::Burst`], and one
    /// after [`BURST_SILENCE`], is lost with the mean probability: the chain is in its long-run
    /// state.
    pub(super) fn loses(&mut self, now: Time, loss: Loss, random: &mut ChaCha8Rng) -> bool {
        match loss {
            Loss::None => false,
            Loss::Independent { probability } => uniform(random) < probability,
            Loss::Burst { mean, burst } => {
                let recent = self.last.filter(|(at, _)| now.saturating_since(*at) < BURST_SILENCE);
                let probability = match recent {
                    None => mean,
                    Some((_, true)) => 1.0 - 1.0 / burst,
                    Some((_, false)) => mean / (1.0 - mean) / burst,
                };
                let bad = uniform(random) < probability;
                self.last = Some((now, bad));
                bad
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    /// How often the packet after a lost one is lost too, out of a million packets a `gap` apart.
    fn lost_after_lost(gap: Duration) -> (f64, f64) {
        let loss = Loss::Burst { mean: 0.1, burst: 4.0 };
        let (mut state, mut random) = (LossState::default(), stream(1, "link"));
        let (mut now, mut before) = (Time::ZERO, false);
        let (mut lost, mut pairs) = (0_u32, 0_u32);
        for _ in 0..1_000_000 {
            let bad = state.loses(now, loss, &mut random);
            lost += u32::from(bad);
            pairs += u32::from(bad && before);
            before = bad;
            now += gap;
        }
        (f64::from(lost) / 1e6, f64::from(pairs) / f64::from(lost))
    }

    #[test]
    fn bursts_last_through_a_stream_and_not_through_silence() {
        // The mean is the same whatever the gap; a bound of six standard deviations and more.
        let (mean, again) = lost_after_lost(Duration::from_millis(499));
        assert!((mean - 0.1).abs() < 0.005, "{mean}");
        assert!((again - 0.75).abs() < 0.01, "{again}");
        let (mean, again) = lost_after_lost(BURST_SILENCE);
        assert!((mean - 0.1).abs() < 0.005, "{mean}");
        assert!((again - 0.1).abs() < 0.01, "{again}");
    }
}
