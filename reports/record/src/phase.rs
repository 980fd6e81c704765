//! Phases of a session, and where frames are lost.

use serde::{Deserialize, Serialize};

/// Phase of a session at one of its ends. Each end passes its phases in this order, except for gathering: with trickle ICE
/// (RFC 8838) an end sends each candidate as soon as it has it, and both the checks and the nomination may come before the last
/// candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The viewer wants the camera, and is about to open its way to the rendezvous if it has none:
    /// the session's time starts here. At the camera: it has heard of the viewer.
    Requested,
    /// The offer has arrived (viewer) or the answer has (camera).
    Signalling,
    /// All local candidates are there.
    Gathering,
    /// ICE checks have begun.
    Checking,
    /// A pair is nominated.
    Nominated,
    /// DTLS is done and fingerprints match.
    Dtls,
    /// The first RTP packet was sent (camera) or came (viewer).
    FirstRtp,
    /// The first whole key frame was sent (camera) or came (viewer).
    FirstKeyFrame,
    /// The first frame was rendered (viewer).
    FirstRender,
}

/// Where a frame was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LossPhase {
    /// The encoder was busy when it was captured.
    Capture,
    /// The encoder skipped it.
    Encode,
    /// The camera could not hand it to its transport, dropped it because it would have waited in the pacer for more
    /// than a second, or let it go from the pacer when the viewer had given it up.
    Send,
    /// Packets of it did not arrive at all.
    Transport,
    /// All of it arrived, too late to be shown, or it was on its way for too long when the run ended, and the
    /// network dropped nothing. A viewer that gives up a frame does not know what is
    /// yet to come: it says `late` if nothing of the frame was there at its time, else `transport`.
    /// The reader of the record knows, and decides.
    Late,
    /// It reached the viewer whole and in time, but its jitter buffer never let it go: the stack
    /// between the wire and the jitter buffer lost it. Only the reader of a record
    /// says so: a viewer does not see its own wire.
    Receive,
    /// It could not be decoded: damaged, or its reference was.
    Decode,
    /// Its session was over before it could be shown: a peer had ended it, lost its power or booted again,
    /// and no packet of the frame was lost before. Only the reader of a record says so.
    Session,
}

/// Something for each phase of setup, at the viewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
