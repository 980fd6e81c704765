//! Cameras: what they film, how they encode it, and how it leaves.

use core::fmt;
use serde::{Deserialize, Serialize};

/// A camera: its video, its pacer, its congestion control. What older records do not say of it
/// reads as `null` or `false`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Camera {
    /// The clip that stands in for its sensor, which loops.
    pub clip: String,
    /// Picture width, pixels; even.
    pub width_px: u32,
    /// Picture height, pixels; even.
    pub height_px: u32,
    /// Frames captured per second, at least 1.
    pub frames_per_second: u32,
    /// What the encoder is asked for, bits per second; under congestion control at the start of each
    /// session.
    pub bit_rate_bps: u64,
    /// Frames from one key frame to the next, at most; none: only the first, requested ones and
    /// those where the scene changes.
    #[serde(default)]
    pub key_frame_interval_frames: Option<u32>,
    /// Whether the encoder may skip frames to hold its bit rate.
    #[serde(default)]
    pub skip_frames: bool,
    /// How fast the packets of a frame leave, bits per second; none: all at once. Under congestion
    /// control this is at the start, and keeps its ratio to the bit rate.
    #[serde(default)]
    pub pacer_bps: Option<u64>,
    /// Google congestion control, and its bounds; none: the camera keeps its bit rate.
    #[serde(default)]
    pub congestion_control: Option<GccBounds>,
    /// What it speaks with the rendezvous.
    #[serde(default)]
    pub signalling: SignallingProtocol,
}

impl Camera {
    /// The size of its pictures.
    pub fn size(&self) -> Size {
        Size { width: self.width_px, height: self.height_px }
    }
}

/// What a camera speaks with the rendezvous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SignallingProtocol {
    /// Parallax's own messages over a WebSocket.
    #[default]
    WebSocket,
    /// WHIP (RFC 9725), over HTTP.
    Whip,
}

/// Within what congestion control moves a camera's bit rate, which lies between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GccBounds {
    /// The encoder never aims lower, bits per second.
    pub floor_bps: u64,
    /// The encoder never aims higher, bits per second.
    pub ceiling_bps: u64,
}

/// The size of a picture, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// Pixels in the picture.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Where the media came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MediaMode {
    /// Encoded and decoded during the run.
    Live,
    /// Encoded before, and not decoded: no picture bears a marker or can be compared.
    Prerecorded,
}

impl fmt::Display for MediaMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Live => "live",
            Self::Prerecorded => "prerecorded",
        })
    }
}
