//! Viewers: what they watch, how deep they buffer, how they request lost packets.

use crate::micros;
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// A viewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Viewer {
    /// The names of the cameras it views; at least one, none twice.
    pub cameras: Vec<String>,
    /// How deep its jitter buffer is.
    pub jitter_buffer: JitterBuffer,
    /// How it requests lost packets; none: not at all.
    pub nack: Option<Nack>,
    /// When it first asks for its cameras, microseconds on the run's clock; if it boots later, then.
    #[serde(rename = "asks_at_us", with = "micros")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub asks_at: Duration,
}

/// Requests for lost packets (RFC 4585 section 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Nack {
    /// Between two requests for one packet, at least, microseconds: it is not requested again before
    /// an answer can have come.
    #[serde(rename = "interval_us", with = "micros")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub interval: Duration,
    /// Requests for one packet, at least 1.
    pub tries: u16,
}

/// Depth of a viewer's jitter buffer: adaptive within bounds; fixed if these are equal, and none at all if they are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct JitterBuffer {
    /// At least, microseconds.
    pub least_us: u64,
    /// At most, microseconds.
    pub most_us: u64,
}

impl JitterBuffer {
    /// As the header has it: at most, and at least if it adapts.
    #[must_use]
    pub fn header(self) -> (u64, Option<u64>) {
        (self.most_us, (self.least_us < self.most_us).then_some(self.least_us))
    }
}

impl Default for JitterBuffer {
    /// As scenarios have it that do not say.
    fn default() -> Self {
        Self { least_us: 20_000, most_us: 500_000 }
    }
}

/// One camera's pictures at one viewer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// The camera's name.
    pub camera: String,
    /// The viewer's name.
    pub viewer: String,
}
