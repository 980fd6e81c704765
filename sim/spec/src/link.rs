//! Links: capacity, delay, loss and the bottleneck queue.

use crate::{Loss, micros};
use core::{fmt, time::Duration};
use serde::{Deserialize, Serialize};

/// One direction of a link. The default limits nothing: no delay, no loss, endless capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkConfig {
    /// How fast the transmitter sends, bits per second, IP and transport headers counted; none: in no time.
    #[serde(rename = "capacity_bps")]
    pub capacity: Option<Capacity>,
    /// From the last bit sent to the packet's arrival, in this direction alone; microseconds.
    #[serde(rename = "one_way_delay_us", with = "micros")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub one_way_delay: Duration,
    /// Standard deviation of a normal distribution around the one-way delay, drawn per packet, cut
    /// at four standard deviations and where the whole delay would be negative; microseconds.
    #[serde(rename = "delay_variation_us", with = "micros")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub delay_variation: Duration,
    /// Whether a packet may overtake another by a shorter delay. If not, it arrives together with
    /// the one before it at the earliest.
    #[serde(default)]
    pub reorder: bool,
    /// Which packets are lost. A lost packet has used capacity: the loss is on the way, after the
    /// transmitter.
    #[serde(flatten)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
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

/// How much may wait for a link's transmitter; what does not fit is dropped on arrival
/// (drop-tail).
///
/// What propagates never counts. A packet that finds the transmitter idle does not wait and
/// always passes, so a limit of zero still lets one packet at a time through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum QueueLimit {
    /// Everything.
    #[default]
    Unlimited,
    /// Bytes on the wire, headers included. The packet in transmission does not count, the
    /// arriving one does.
    Bytes {
        /// At most.
        bytes: u64,
    },
    /// Packets. The one in transmission does not count, the arriving one does.
    Packets {
        /// At most.
        packets: u32,
    },
    /// The longest wait: an arriving packet is dropped if what is ahead of it, the rest of the
    /// packet in transmission included, takes longer than this to send.
    Time {
        /// At most, microseconds.
        #[serde(rename = "limit_us", with = "micros")]
        #[cfg_attr(feature = "schema", schemars(with = "u64"))]
        limit: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_as_it_was_written_and_refuses_unknown_keys() {
        let link = LinkConfig {
            capacity: Capacity::from_bits_per_second(5_000_000),
            one_way_delay: Duration::from_millis(12),
            delay_variation: Duration::from_micros(1_500),
            reorder: true,
            loss: Loss::burst(0.003, 2.5).expect("such bursts can be"),
            queue: QueueLimit::Time { limit: Duration::from_millis(200) },
        };
        let text = serde_json::to_string(&link).expect("a link is JSON");
        assert_eq!(
            text,
            r#"{"capacity_bps":5000000,"one_way_delay_us":12000,"delay_variation_us":1500,"reorder":true,"loss_mean_ppm":3000,"loss_burst_millipackets":2500,"queue":{"kind":"time","limit_us":200000}}"#
        );
        assert_eq!(serde_json::from_str::<LinkConfig>(&text).ok(), Some(link));
        let strange = text.replace("\"reorder\"", "\"duplicate\"");
        let error = serde_json::from_str::<LinkConfig>(&strange).expect_err("an unknown key");
        assert!(error.to_string().contains("duplicate"), "{error}");
    }

    #[test]
    fn a_link_of_an_older_record_keeps_the_order_of_packets() {
        let text = r#"{"capacity_bps":null,"one_way_delay_us":1,"delay_variation_us":0,"loss_mean_ppm":0,"loss_burst_millipackets":1000,"queue":{"kind":"unlimited"}}"#;
        let link: LinkConfig = serde_json::from_str(text).expect("a link");
        let one_way_delay = Duration::from_micros(1);
        assert_eq!(link, LinkConfig { one_way_delay, ..LinkConfig::default() });
    }
}
