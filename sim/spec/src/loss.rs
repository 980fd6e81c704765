//! Loss of packets on a link.

use serde::{Deserialize, Serialize, Serializer};

/// Which packets are lost on the way. Build it with [`Loss::independent`] and [`Loss::burst`],
/// which refuse what cannot be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "LossFields", into = "LossFields")]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each on its own.
    Independent {
        /// Of losing a packet, 0 to 1.
        probability: f64,
    },
    /// In bursts (Gilbert-Elliott, where the good state loses nothing and the bad one everything):
    /// P(stay bad) = 1 - 1 / burst, P(enter bad) = mean / (1 - mean) / burst, per packet; after half
    /// a second without packets the next one meets the long-run state.
    Burst {
        /// Share of packets lost in the long run, 0 to 1, 1 excluded.
        mean: f64,
        /// Mean number of packets lost in a row, at least 1.
        burst: f64,
    },
}

impl Loss {
    /// Each packet is lost with `probability`, 0 to 1.
    ///
    /// # Errors
    /// If `probability` is none.
    pub fn independent(probability: f64) -> Result<Self, LossError> {
        Self::Independent { probability }.checked()
    }

    /// A share of `mean` of the packets is lost, `burst` in a row on average.
    ///
    /// # Errors
    /// If `mean` is no share below 1, `burst` is below 1, or no chain has both: between two
    /// bursts at least one packet arrives, so `mean` is at most `burst / (burst + 1)`.
    pub fn burst(mean: f64, burst: f64) -> Result<Self, LossError> {
        Self::Burst { mean, burst }.checked()
    }

    /// Share of packets lost in the long run.
    pub fn mean(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Independent { probability: mean } | Self::Burst { mean, .. } => mean,
        }
    }

    /// Mean number of packets lost in a row where losses come in bursts; 1 otherwise.
    pub fn burst_length(self) -> f64 {
        match self {
            Self::None | Self::Independent { .. } => 1.0,
            Self::Burst { burst, .. } => burst,
        }
    }

    /// Itself, if it can be.
    ///
    /// # Errors
    /// As [`Loss::independent`] and [`Loss::burst`].
    pub fn checked(self) -> Result<Self, LossError> {
        match self {
            Self::None => {}
            Self::Independent { probability } => {
                if !(0.0..=1.0).contains(&probability) {
                    return Err(LossError::Probability { value: probability });
                }
            }
            Self::Burst { mean, burst } => {
                if !(0.0..1.0).contains(&mean) {
                    return Err(LossError::Mean { value: mean });
                }
                if !(burst.is_finite() && burst >= 1.0) {
                    return Err(LossError::BurstLength { value: burst });
                }
                let highest = burst / (burst + 1.0);
                if mean > highest {
                    return Err(LossError::Impossible { mean, burst, highest });
                }
            }
        }
        Ok(self)
    }
}

/// No loss that its constructors make holds a NaN.
impl Eq for Loss {}

/// A loss in JSON.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct LossFields {
    /// Mean share of packets lost, parts in a million.
    #[serde(serialize_with = "whole_if_it_is")]
    loss_mean_ppm: f64,
    /// Mean length of a burst of losses, thousandths of a packet; 1000 is independent loss.
    loss_burst_millipackets: u64,
}

/// A whole number without a decimal point, as readers of older records expect it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn whole_if_it_is<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let whole = *number as u64;
    if whole as f64 == *number {
        serializer.serialize_u64(whole)
    } else {
        serializer.serialize_f64(*number)
    }
}

impl From<Loss> for LossFields {
    fn from(loss: Loss) -> Self {
        Self {
            // Scenarios hold losses to a part in 10^9.
            loss_mean_ppm: (loss.mean() * 1e9).round() / 1e3,
            loss_burst_millipackets: (loss.burst_length() * 1e3).round() as u64,
        }
    }
}

impl TryFrom<LossFields> for Loss {
    type Error = LossError;

    fn try_from(fields: LossFields) -> Result<Self, LossError> {
        let mean = (fields.loss_mean_ppm * 1e3).round() / 1e9;
        match fields.loss_burst_millipackets {
            _ if mean == 0.0 => Ok(Self::None),
            1_000 => Self::independent(mean),
            burst => Self::burst(mean, burst as f64 / 1e3),
        }
    }
}

/// Why a loss cannot be.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum LossError {
    /// Not a probability.
    #[error("failed to make a loss of {value}: a probability is between 0 and 1")]
    Probability {
        /// What was asked for.
        value: f64,
    },
    /// Not a share.
    #[error("failed to make a mean loss of {value}: it is at least 0 and below 1")]
    Mean {
        /// What was asked for.
        value: f64,
    },
    /// Not a burst.
    #[error("failed to make bursts of {value} packets: a burst has at least 1 packet")]
    BurstLength {
        /// What was asked for.
        value: f64,
    },
    /// Too much loss for such short bursts.
    #[error(
        "failed to lose {mean} of all packets in bursts of {burst}: one packet arrives between \
         two bursts, so at most {highest} can be lost"
    )]
    Impossible {
        /// The mean loss asked for.
        mean: f64,
        /// The mean burst length asked for, packets.
        burst: f64,
        /// The highest mean loss with that burst length.
        highest: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_loss_reads_back_as_it_was_written(ppb in 0_u32..400_000_000, burst in 1_001_u32..9_000) {
            let mean = f64::from(ppb) / 1e9;
            let burst = Loss::burst(mean, f64::from(burst) / 1e3).expect("possible");
            for loss in [Loss::independent(mean).expect("possible"), burst] {
                let text = serde_json::to_string(&loss).expect("JSON");
                let back: Loss = serde_json::from_str(&text).expect("a loss");
                prop_assert_eq!((back.mean(), back.mean() == 0.0), (loss.mean(), back == Loss::None));
                prop_assert!(back == loss || ppb == 0, "{}", text);
            }
        }
    }
}
