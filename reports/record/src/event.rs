//! What happens in a run: the lines of `record.jsonl`.
//!
//! A timestamp says its clock in its name: `run_ns` is nanoseconds since the start of the run on
//! the run's clock (virtual or real, the header says which); `camera_us` is microseconds on the
//! camera's own clock since it booted.

use crate::browser::BrowserStats;
use crate::distribution::DelaysOfPackets;
pub use crate::phase::{LossPhase, Phase};
use parallax_spec::{Candidate, SetupTask};
use serde::{Deserialize, Serialize};

/// One event, where and when it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When, on the run's clock.
    pub run_ns: u64,
    /// At which node: a peer by its name, `link/SITE/up`, `gateway/SITE`, `service/NAME`.
    pub node: String,
    /// What.
    #[serde(with = "crate::by_kind")]
    #[cfg_attr(feature = "schema", schemars(with = "Event"))]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(tag = "kind"))]
pub enum Event {
    /// A peer's software starts: its boot is over.
    Started {
        /// How many times this peer has booted before.
        boot: u32,
    },
    /// A peer's software runs: it begins to register or to ask for a view.
    Ready {
        /// The boot this belongs to.
        boot: u32,
    },
    /// A session between a camera and a viewer reached a phase, at the peer named by the node.
    Phase {
        /// Which session.
        session: Session,
        /// The phase that is now complete.
        phase: Phase,
    },
    /// A peer gathered a local candidate.
    Candidate {
        /// Which session.
        session: Session,
        /// The candidate.
        candidate: Candidate,
    },
    /// A peer sent an ICE connectivity check (RFC 8445 section 7.2). Of each pair, all are recorded up to
    /// the first that is answered, and those that nominate it up to the first of them that is; the
    /// later ones only keep it alive.
    CheckSent {
        /// Which session.
        session: Session,
        /// Address and port that it is sent from: of the peer's own socket, or those that a TURN
        /// server relays.
        local: String,
        /// Address and port that it is sent to.
        remote: String,
        /// Counts the told checks of this pair at this peer, from 1.
        attempt: u32,
        /// It nominates the pair (USE-CANDIDATE).
        nominates: bool,
    },
    /// A check of [`CheckSent`](Event::CheckSent) was answered with success.
    CheckAnswered {
        /// Which session.
        session: Session,
        /// As when it was sent.
        local: String,
        /// As when it was sent.
        remote: String,
        /// Which one.
        attempt: u32,
        /// When it was sent.
        sent_run_ns: u64,
    },
    /// A peer's nominated pair was chosen, or changed.
    Nominated {
        /// Which session.
        session: Session,
        /// The end at this peer.
        local: Candidate,
        /// The other end.
        remote: Candidate,
    },
    /// A session ended.
    Closed {
        /// Which session.
        session: Session,
        /// Why, in a few words.
        reason: String,
    },
    /// A peer has done a task of a session's set-up: on a board in its own time, in simulation in that of its profile.
    SetupTaskDone {
        /// Which.
        task: SetupTask,
        /// How long it took, nanoseconds.
        took_ns: u64,
    },
    /// How late a timer of a session's driver went off, by which its pacer and its ICE agent send: of one timer a second.
    TimerLate {
        /// Which session.
        session: Session,
        /// Beyond its deadline, nanoseconds.
        late_ns: u64,
    },
    /// A camera took a frame from its sensor (here: the clip).
    FrameCaptured {
        /// The boot of the camera.
        boot: u32,
        /// Frame number since boot.
        frame: u32,
        /// When the exposure ended, on the camera's clock: the time in the marker.
        camera_us: u64,
    },
    /// A camera gave up a frame before it was sent.
    FrameDropped {
        /// The boot of the camera.
        boot: u32,
        /// Frame number since boot.
        frame: u32,
        /// Where it was lost.
        phase: LossPhase,
    },
    /// A camera encoded a frame.
    FrameEncoded {
        /// The boot of the camera.
        boot: u32,
        /// Frame number since boot.
        frame: u32,
        /// When the encoder began with it: the capture stage's end.
        started_run_ns: u64,
        /// RTP timestamp, the same for all viewers.
        rtp_timestamp: u32,
        /// A key frame (IDR).
        key: bool,
        /// Bytes of the elementary stream.
        bytes: u32,
        /// Quantisation parameter of its first slice, 0 to 51, if it can be read.
        qp: Option<u8>,
    },
    /// The last packet of a frame left the camera's pacer for the wire.
    FramePaced {
        /// Which session.
        session: Session,
        /// RTP timestamp of the frame.
        rtp_timestamp: u32,
        /// When its first packet left.
        first_run_ns: u64,
        /// Packets, resends not counted.
        packets: u32,
    },
    /// A camera's encoder aims at another bit rate, from its next frame on.
    BitRateChanged {
        /// The boot of the camera.
        boot: u32,
        /// The new aim: the lowest estimate of the camera's sessions, bits per second.
        bit_rate_bps: u64,
    },
    /// How a session under congestion control goes, at its camera: once a second while it streams.
    Rates {
        /// Which session.
        session: Session,
        /// What its path is estimated to carry, bits per second: between floor and ceiling.
        estimate_bps: u64,
        /// What the encoder is to aim at, bits per second: the lowest estimate of the camera's
        /// sessions.
        target_bps: u64,
        /// What left for the wire since the last such event or the start of the stream, bits per
        /// second: RTP packets with their headers, resent ones included.
        sent_bps: u64,
    },
    /// What left a camera's pacer in an interval of time that ends now, and how long it waited there: once a second and
    /// session, left out where nothing left.
    PacerLoad {
        /// Which session.
        session: Session,
        /// When the interval began.
        from_run_ns: u64,
        /// Packets of frames that left, resends not counted.
        packets: u64,
        /// The longest that one of them waited, nanoseconds.
        waited_longest_ns: u64,
        /// Resends that left.
        resent: u64,
        /// The longest that one of them waited, nanoseconds.
        resent_waited_longest_ns: u64,
        /// Resends that a viewer asked for and that the pacer did not take, since they would have waited for too long.
        refused: u64,
    },
    /// A packet of a frame was sent again.
    Resent {
        /// Which session.
        session: Session,
        /// RTP timestamp of the frame.
        rtp_timestamp: u32,
    },
    /// A viewer asked for packets again (NACK).
    Nack {
        /// Which session.
        session: Session,
        /// How many packets.
        packets: u32,
    },
    /// Target depth of a viewer's adaptive jitter buffer, at its first frame and after each move of 5 ms.
    JitterBufferTarget {
        /// Which session.
        session: Session,
        /// Beyond the least delay of the last 10 s, microseconds.
        target_us: u64,
    },
    /// A viewer asked for a key frame.
    KeyFrameRequested {
        /// Which session.
        session: Session,
    },
    /// All packets of a frame have reached a viewer.
    FrameReceived {
        /// Which session.
        session: Session,
        /// RTP timestamp of the frame.
        rtp_timestamp: u32,
        /// When its first packet came.
        first_run_ns: u64,
        /// Packets.
        packets: u32,
    },
    /// The jitter buffer let the last packet of a frame go.
    FrameReleased {
        /// Which session.
        session: Session,
        /// RTP timestamp of the frame.
        rtp_timestamp: u32,
        /// From its last packet's coming to when the jitter buffer would have given it up for a later frame; below zero:
        /// it came later than that, and no later frame had. None without a jitter buffer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        margin_us: Option<i64>,
    },
    /// A viewer decoded a frame.
    FrameDecoded {
        /// Which session.
        session: Session,
        /// RTP timestamp of the frame.
        rtp_timestamp: u32,
        /// When the decoder began with it.
        started_run_ns: u64,
    },
    /// A viewer gave up a frame.
    FrameLost {
        /// Which session.
        session: Session,
        /// RTP timestamp of the frame.
        rtp_timestamp: u32,
        /// Where it was lost.
        phase: LossPhase,
    },
    /// A viewer showed a frame.
    FrameRendered {
        /// Which session.
        session: Session,
        /// RTP timestamp of the frame.
        rtp_timestamp: u32,
        /// What its marker says; none if it could not be read.
        marker: Option<Marker>,
        /// Luma PSNR against the source, thousandths of a decibel, the marker's strip left out;
        /// none if the source is not known at this viewer.
        psnr_millidb: Option<u32>,
        /// Luma SSIM against the source, millionths, the marker's strip left out; none as for PSNR.
        ssim_ppm: Option<i32>,
    },
    /// A link or a gateway dropped a packet.
    PacketDropped {
        /// Why.
        cause: String,
        /// Source address and port at that place.
        source: String,
        /// Destination address and port at that place.
        destination: String,
        /// Bytes on the wire.
        bytes: u32,
    },
    /// What an access link did in an interval of time that ends now, at `link/SITE/up` or
    /// `link/SITE/down`. Intervals are 200 ms of the run's clock each, the last one of a run may be
    /// shorter; those in which nothing happened are left out. Bytes are those on the wire.
    ///
    /// A packet is offered, and dropped, in the interval in which it comes to the link, carried or
    /// lost in the one in which its last bit is sent: from the start of the run on,
    /// offered = carried + lost + dropped + what is still queued.
    LinkLoad {
        /// When the interval began.
        from_run_ns: u64,
        /// Packets that came to the link.
        offered_packets: u64,
        /// Their bytes.
        offered_bytes: u64,
        /// Packets sent that will arrive.
        carried_packets: u64,
        /// Their bytes.
        carried_bytes: u64,
        /// Packets sent, and lost on the way.
        lost_packets: u64,
        /// Packets that the bottleneck queue had no room for.
        dropped_packets: u64,
        /// Mean time in the bottleneck queue, nanoseconds, of the packets sent (carried or lost);
        /// none if there was none.
        waited_mean_ns: Option<u64>,
        /// Longest time in the bottleneck queue, nanoseconds, of the packets sent.
        waited_longest_ns: Option<u64>,
        /// Mean time from the first bit sent to the last, nanoseconds, of the packets sent.
        transmission_mean_ns: Option<u64>,
        /// Mean time from the last bit sent to the arrival, nanoseconds, of the packets carried:
        /// one-way delay with its variation. The mean time over the link is the sum of the three.
        propagation_mean_ns: Option<u64>,
    },
    /// How long the packets took that an access link carried, at `link/SITE/up` or `link/SITE/down`;
    /// written once, at the end of the run.
    LinkDelays {
        /// How many packets it carried.
        packets: u64,
        /// From the last bit sent to the arrival: the one-way delay, with its variation, and where the
        /// link does not reorder, with the wait for slower packets before.
        propagation: DelaysOfPackets,
        /// From the packet's coming to the link to its arrival: queue, transmission and propagation.
        crossing: DelaysOfPackets,
    },
    /// A gateway made a mapping.
    MappingCreated {
        /// `udp` or `tcp`.
        transport: String,
        /// Inside address and port.
        internal: String,
        /// Outside address and port.
        external: String,
    },
    /// A gateway forgot a mapping.
    MappingExpired {
        /// `udp` or `tcp`.
        transport: String,
        /// Inside address and port.
        internal: String,
        /// Outside address and port.
        external: String,
    },
    /// Bytes on the wire that peers sent and received, by the kind of node at the other end; written
    /// once, at the end of the run. A packet counts at the peer that sends it and at the peer that
    /// it reaches, so one between peers counts twice, and once if it is lost.
    Bytes {
        /// Between peers.
        direct: u64,
        /// With TURN servers.
        turn: u64,
        /// With the rendezvous, and with STUN servers.
        signalling: u64,
    },
    /// How late packets were delivered on a real clock, against the exact times of the network;
    /// written once, at the end of the run. Of a run whose 99th percentile is over its budget no
    /// check is believed.
    Lateness {
        /// Packets that reached peers.
        packets: u64,
        /// The median, microseconds.
        p50_us: u64,
        /// The 99th percentile, microseconds.
        p99_us: u64,
        /// The latest, microseconds.
        max_us: u64,
        /// What the 99th percentile may be, microseconds.
        budget_us: u64,
    },
    /// A scripted event began, at the node that it is done to.
    ActionBegan {
        /// Its name in the header.
        event: String,
    },
    /// A scripted event that lasted is over.
    ActionEnded {
        /// Its name in the header.
        event: String,
    },
    /// Something of the run itself broke, a panic in a task for example: the run is an error,
    /// whatever its checks say.
    Fault {
        /// What.
        text: String,
    },
    /// The device under test did what none that works does: it panicked, reset without being told
    /// to, fell silent, did not come up. The run has failed, whatever its checks say.
    DeviceFailed {
        /// What it did.
        text: String,
    },
    /// The run ended before its scenario did, and the device is not to blame: a person stopped it, or
    /// what ran it was killed. No check is believed.
    CutShort {
        /// By whom or what.
        text: String,
    },
    /// The lab did not do its part: it lost frames of this node, or did something later than the scenario
    /// has it. What the device did may be the lab's doing: no check is believed.
    LabFellShort {
        /// What, and how much of it.
        text: String,
    },
    /// Something that this node said is missing: what it told of frames is not whole, and frames that
    /// nobody knows of are no contradiction.
    Unheard {
        /// How many messages, if that is known. Whatever it said last before its power was cut is
        /// missing, and none is counted.
        messages: u64,
        /// Since when nothing was heard, nanoseconds of the run; none: it was heard until now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since_run_ns: Option<u64>,
    },
    /// The clock of this node jumped, or drifts more than a clock may, some time before: no check is
    /// believed, and what it told in another order is no contradiction.
    ClockJumped,
    /// The run was tried before, on the same device, and nothing could be said then. In the order of
    /// the attempts, at the beginning of the run.
    EarlierAttempt {
        /// What came of that attempt.
        text: String,
    },
    /// A camera reported its counters over the data channel, at the viewer named by the node.
    Telemetry {
        /// Which session.
        session: Session,
        /// When it was sent, on the camera's clock.
        camera_us: u64,
        /// Frames captured since boot.
        captured: u32,
        /// Frames encoded since boot.
        encoded: u32,
        /// Frames given up before they were sent, since boot.
        dropped: u32,
    },
    /// A round trip over the data channel, viewer to camera and back, measured at the viewer.
    RoundTrip {
        /// Which session.
        session: Session,
        /// How long it took, on the viewer's clock.
        round_trip_us: u64,
    },
    /// What a browser says of the video that it receives (`getStats()` of webrtc-stats), all since the
    /// session began; about once a second.
    BrowserStats {
        /// Which session.
        session: Session,
        /// What.
        stats: BrowserStats,
    },
    /// A peer says something that a reader of the record wants to know.
    Note {
        /// What.
        text: String,
    },
}

/// A session: one camera streaming to one viewer. A camera that boots again, or a viewer that
/// comes again, begins a new one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The camera's name.
    pub camera: String,
    /// The viewer's name.
    pub viewer: String,
    /// Counts the sessions of this camera and viewer, from 1.
    pub number: u32,
}

/// What the marker in a picture says (`sim/media`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// The boot of the camera.
    pub boot: u32,
    /// Frame number since boot.
    pub frame: u32,
    /// When it was captured, on the camera's clock.
    pub camera_us: u64,
}

impl Event {
    /// The session that the event belongs to, if it belongs to one.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::Phase { session, .. }
            | Self::Candidate { session, .. }
            | Self::CheckSent { session, .. }
            | Self::CheckAnswered { session, .. }
            | Self::Nominated { session, .. }
            | Self::TimerLate { session, .. }
            | Self::Closed { session, .. }
            | Self::FramePaced { session, .. }
            | Self::Rates { session, .. }
            | Self::PacerLoad { session, .. }
            | Self::Resent { session, .. }
            | Self::Nack { session, .. }
            | Self::JitterBufferTarget { session, .. }
            | Self::KeyFrameRequested { session }
            | Self::FrameReceived { session, .. }
            | Self::FrameReleased { session, .. }
            | Self::FrameDecoded { session, .. }
            | Self::FrameLost { session, .. }
            | Self::FrameRendered { session, .. }
            | Self::Telemetry { session, .. }
            | Self::RoundTrip { session, .. }
            | Self::BrowserStats { session, .. } => Some(session),
            Self::Started { .. }
            | Self::Ready { .. }
            | Self::SetupTaskDone { .. }
            | Self::FrameCaptured { .. }
            | Self::FrameDropped { .. }
            | Self::FrameEncoded { .. }
            | Self::BitRateChanged { .. }
            | Self::PacketDropped { .. }
            | Self::LinkLoad { .. }
            | Self::LinkDelays { .. }
            | Self::MappingCreated { .. }
            | Self::MappingExpired { .. }
            | Self::Bytes { .. }
            | Self::Lateness { .. }
            | Self::ActionBegan { .. }
            | Self::ActionEnded { .. }
            | Self::Fault { .. }
            | Self::DeviceFailed { .. }
            | Self::CutShort { .. }
            | Self::LabFellShort { .. }
            | Self::Unheard { .. }
            | Self::ClockJumped
            | Self::EarlierAttempt { .. }
            | Self::Note { .. } => None,
        }
    }

    /// Boot and number of the frame that the event is about, where a camera knows it by these.
    #[must_use]
    pub fn camera_frame(&self) -> Option<(u32, u32)> {
        match self {
            Self::FrameCaptured { boot, frame, .. }
            | Self::FrameDropped { boot, frame, .. }
            | Self::FrameEncoded { boot, frame, .. } => Some((*boot, *frame)),
            _ => None,
        }
    }

    /// The RTP timestamp of the frame that the event is about, where a session knows it by that.
    #[must_use]
    pub fn rtp_timestamp(&self) -> Option<u32> {
        match self {
            Self::FramePaced { rtp_timestamp, .. }
            | Self::Resent { rtp_timestamp, .. }
            | Self::FrameReceived { rtp_timestamp, .. }
            | Self::FrameReleased { rtp_timestamp, .. }
            | Self::FrameDecoded { rtp_timestamp, .. }
            | Self::FrameLost { rtp_timestamp, .. }
            | Self::FrameRendered { rtp_timestamp, .. } => Some(*rtp_timestamp),
            _ => None,
        }
    }
}
