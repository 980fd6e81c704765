//! What a browser says of itself.

use serde::{Deserialize, Serialize};

/// Of the video that a browser receives, all since its session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BrowserStats {
    /// RTP packets that came.
    pub packets_received: u64,
    /// RTP packets that are missing (RFC 3550 section 6.4.1): below zero if some came twice.
    pub packets_lost: i64,
    /// NACK messages that it sent; each may name several packets.
    pub nacks: u64,
    /// Key frames that it asked for (PLI).
    pub key_frames_asked: u64,
    /// Frames that came whole.
    pub frames_received: u64,
    /// Frames that it decoded.
    pub frames_decoded: u64,
    /// Of these, key frames.
    pub key_frames_decoded: u64,
    /// Frames that it dropped before or after it had decoded them.
    pub frames_dropped: u64,
    /// Freezes by its own count.
    pub freezes: u64,
    /// Mean time from a frame's first packet to its release by the jitter buffer, microseconds;
    /// none of no frame.
    pub jitter_buffer_us: Option<u64>,
    /// Mean time that a frame was in the decoder, microseconds; none of no frame.
    pub decode_us: Option<u64>,
}
