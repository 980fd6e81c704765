//! Which packets are lost on the way.

use rand_chacha::ChaCha8Rng;

use crate::{Loss, random::uniform};

/// What a loss remembers from one packet to the next.
#[derive(Debug, Default)]
pub(super) struct LossState {
    /// Whether the last packet met the bad state; `None` before the first one.
    bad: Option<bool>,
}

impl LossState {
    /// Whether the next packet is lost. The first one of a [`Loss::Burst`] is lost with the mean
    /// probability, so that the chain is in its long-run state from the start.
    pub(super) fn loses(&mut self, loss: Loss, random: &mut ChaCha8Rng) -> bool {
        match loss {
            Loss::None => false,
            Loss::Independent { probability } => uniform(random) < probability,
            Loss::Burst { mean, burst } => {
                let probability = match self.bad {
                    None => mean,
                    Some(true) => 1.0 - 1.0 / burst,
                    Some(false) => mean / (1.0 - mean) / burst,
                };
                let bad = uniform(random) < probability;
                self.bad = Some(bad);
                bad
            }
        }
    }
}
