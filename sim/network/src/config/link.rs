//! Links: capacity, delay, loss and the bottleneck queue.

use core::{fmt, time::Duration};

/// One direction of a link. The default limits nothing: no delay, no loss, endless capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// How fast the transmitter sends; `None`: in no time. IP and transport headers count, see
    /// [`Packet::wire_length`](crate::Packet::wire_length).
    pub capacity: Option<Capacity>,
    /// From the last bit sent to the packet's arrival, in this direction alone.
    pub one_way_delay: Duration,
    /// Standard deviation of a normal distribution around `one_way_delay`, drawn per packet, cut
    /// at four standard deviations and where the whole delay would be negative.
    pub delay_variation: Duration,
    /// Whether a packet may overtake another by a shorter delay. If not, it arrives together with
    /// the one before it at the earliest.
    pub reorder: bool,
    /// Which packets are lost. A lost packet has used capacity: the loss is on the way, after the
    /// transmitter.
    pub loss: Loss,
    /// How much may wait for the transmitter.
    pub queue: QueueLimit,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            capacity: None,
            one_way_delay: Duration::ZERO,
            delay_variation: Duration::ZERO,
            reorder: false,
            loss: Loss::None,
            queue: QueueLimit::Unlimited,
        }
    }
}

/// Bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capacity(u64);

impl Capacity {
    /// No bit: the packet in transmission and those behind it stay until the link is changed.
    pub const STANDSTILL: Self = Self(0);

    /// From bits per second; `None` if that is zero, which only [`STANDSTILL`](Self::STANDSTILL)
    /// means.
    pub const fn from_bits_per_second(bits_per_second: u64) -> Option<Self> {
        match bits_per_second {
            0 => None,
            bits_per_second => Some(Self(bits_per_second)),
        }
    }

    /// Bits per second.
    pub const fn bits_per_second(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}bit/s", self.0)
    }
}

/// Which packets are lost on the way. Build it with [`Loss::independent`] and [`Loss::burst`],
/// which refuse what cannot be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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

/// How much may wait for a link's transmitter; what does not fit is dropped on arrival
/// (drop-tail).
///
/// What propagates never counts. A packet that finds the transmitter idle does not wait and
/// always passes, so a limit of zero still lets one packet at a time through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueLimit {
    /// Everything.
    #[default]
    Unlimited,
    /// Bytes on the wire, headers included. The packet in transmission does not count, the
    /// arriving one does.
    Bytes(u64),
    /// Packets. The one in transmission does not count, the arriving one does.
    Packets(u32),
    /// The longest wait: an arriving packet is dropped if what is ahead of it, the rest of the
    /// packet in transmission included, takes longer than this to send.
    Time(Duration),
}
