//! Something for each phase of set-up, and for each stage of a frame's way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::timeline::STAGES;

/// Something for each phase of setup, at the viewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerPhase<T> {
    /// The offer has arrived.
    pub signalling: T,
    /// All local candidates are there; not before checking begins, as a rule.
    pub gathering: T,
    /// ICE checks have begun.
    pub checking: T,
    /// A pair is nominated.
    pub nominated: T,
    /// DTLS is done and fingerprints match.
    pub dtls: T,
    /// The first RTP packet came.
    pub first_rtp: T,
    /// The first whole key frame came.
    pub first_key_frame: T,
    /// The first frame was rendered.
    pub first_render: T,
}

impl<T: Copy> PerPhase<T> {
    /// The same phases with something else for each.
    #[must_use]
    pub fn map<U>(&self, to: impl Fn(T) -> U) -> PerPhase<U> {
        PerPhase {
            signalling: to(self.signalling),
            gathering: to(self.gathering),
            checking: to(self.checking),
            nominated: to(self.nominated),
            dtls: to(self.dtls),
            first_rtp: to(self.first_rtp),
            first_key_frame: to(self.first_key_frame),
            first_render: to(self.first_render),
        }
    }
}

/// Something for each stage of a frame's way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerStage<T> {
    /// From the end of exposure to the encoder's beginning.
    pub capture: T,
    /// Encoding.
    pub encode: T,
    /// From the encoder's end until the last packet has left for the wire.
    pub pacer: T,
    /// From there until all packets have come, resent ones included.
    pub network: T,
    /// From there until the jitter buffer let the last packet go.
    pub jitter_buffer: T,
    /// From there until the frame was decoded, waiting for the decoder included.
    pub decode: T,
    /// From there until it was shown.
    pub render: T,
}

/// The stages' names, in the order of a frame's way.
pub const STAGE_NAMES: [&str; STAGES] =
    ["capture", "encode", "pacer", "network", "jitter buffer", "decode", "render"];

impl<T> PerStage<T> {
    /// In the order of a frame's way.
    #[must_use]
    pub fn in_order(self) -> [T; STAGES] {
        let Self { capture, encode, pacer, network, jitter_buffer, decode, render } = self;
        [capture, encode, pacer, network, jitter_buffer, decode, render]
    }
}
