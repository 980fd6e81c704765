//! What ran: the first line of `record.jsonl`. Nothing of the machine, nothing of wall time.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{check::Check, name::Name, stage::StageTimes};

/// The `schema` that this version writes, and the newest that it reads.
pub const SCHEMA: u32 = 1;

/// The `format` of every record.
pub const FORMAT: &str = "parallax-record";

/// What ran and what was demanded of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Tells a record from other programs' JSON: [`FORMAT`].
    #[schemars(extend("const" = FORMAT))]
    pub format: String,
    /// The version of this format: [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The version of Parallax that ran it.
    pub parallax_version: String,
    /// The scenario's file name without its ending.
    pub scenario: Name,
    /// The scenario's title.
    pub title: String,
    /// Why the scenario exists.
    pub why: String,
    /// The seed of all randomness; a string in JSON, where numbers lose digits above 2^53.
    #[serde(with = "crate::seed")]
    #[schemars(with = "crate::seed::Seed")]
    pub seed: u64,
    /// Which of several runs of the same on a bench, from 1; none: it was to run once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u32>,
    /// The run's clock and how exact it is.
    pub clock: Clock,
    /// How long the run was to last, or lasted if it was ended before, microseconds on the run's clock.
    pub duration_us: u64,
    /// Where the media came from.
    pub media_mode: MediaMode,
    /// What adapted the bit rate to the path.
    pub congestion_control: CongestionControl,
    /// The sites.
    pub sites: Vec<SiteHeader>,
    /// The services.
    pub services: Vec<ServiceHeader>,
    /// The peers.
    pub peers: Vec<PeerHeader>,
    /// The streams that the scenario expects; each is measured, whether it came about or not.
    pub streams: Vec<Stream>,
    /// What was done to the run while it went, in the order of time.
    pub events: Vec<ScriptedEvent>,
    /// What is demanded.
    pub checks: Vec<Check>,
}

/// Something that the scenario does to a run at a time: a fault, or a change of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptedEvent {
    /// Its name, by which checks know it.
    pub name: String,
    /// When it begins, microseconds on the run's clock.
    pub at_us: u64,
    /// How long it lasts, microseconds; none if it happens in no time, or stays so to the end.
    pub lasts_us: Option<u64>,
    /// What is done.
    pub action: Action,
}

/// What a scripted event does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// A service is gone without a word: what is sent to it vanishes.
    Kill {
        /// `stun`, `turn` or `rendezvous`.
        service: String,
    },
    /// A service starts over, and has forgotten everything.
    Restart {
        /// `stun`, `turn` or `rendezvous`.
        service: String,
    },
    /// A peer has no power, without a word to anybody; when it is back the peer boots.
    PowerLoss {
        /// The peer's name.
        peer: String,
    },
    /// A link is another one.
    ChangeLink {
        /// The site whose link it is.
        site: String,
        /// Which of its two links.
        direction: LinkDirection,
        /// What it is while the event lasts.
        link: LinkHeader,
    },
    /// A gateway starts over in no time: all its mappings are lost.
    RebootGateway {
        /// The gateway's site.
        site: String,
    },
}

impl Action {
    /// The node that it is done to, as entries name nodes.
    #[must_use]
    pub fn node(&self) -> String {
        match self {
            Self::Kill { service } | Self::Restart { service } => format!("service/{service}"),
            Self::PowerLoss { peer } => peer.clone(),
            Self::ChangeLink { site, direction, .. } => direction.node(site),
            Self::RebootGateway { site } => format!("gateway/{site}"),
        }
    }
}

/// Which of a site's two links.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LinkDirection {
    /// From the site to the core.
    Up,
    /// From the core to the site.
    Down,
}

impl LinkDirection {
    /// The node of such a link of a site, as entries name it: `link/SITE/up`.
    #[must_use]
    pub fn node(self, site: &str) -> String {
        format!("link/{site}/{}", self.word())
    }

    /// Its word in records and reports: `up`, `down`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// One camera's pictures at one viewer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// The camera's name.
    pub camera: String,
    /// The viewer's name.
    pub viewer: String,
}

/// The clock that `run_ns` is told by, and how far it may be from the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Clock {
    /// Simulated time. Each network crossing and each timer is late by at most one tick, never
    /// early.
    Virtual {
        /// The tick, microseconds.
        tick_us: u64,
    },
    /// Time that passes.
    Real {
        /// A duration is at most this far from the truth, either way, microseconds.
        bound_us: u64,
    },
}

impl Clock {
    /// Which kind of clock.
    #[must_use]
    pub fn kind(self) -> ClockKind {
        match self {
            Self::Virtual { .. } => ClockKind::Virtual,
            Self::Real { .. } => ClockKind::Real,
        }
    }

    /// The tick of a virtual clock, microseconds.
    #[must_use]
    pub fn tick_us(self) -> Option<u64> {
        match self {
            Self::Virtual { tick_us } => Some(tick_us),
            Self::Real { .. } => None,
        }
    }

    /// The bound of a real clock, microseconds.
    #[must_use]
    pub fn bound_us(self) -> Option<u64> {
        match self {
            Self::Virtual { .. } => None,
            Self::Real { bound_us } => Some(bound_us),
        }
    }
}

/// The kind of a run's clock, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Simulated time.
    Virtual,
    /// Time that passes.
    Real,
}

/// Where the media came from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MediaMode {
    /// Encoded and decoded during the run.
    Live,
    /// Encoded before, and decoded by nobody: no picture bears a marker or can be compared.
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

/// What adapted the bit rate to the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CongestionControl {
    /// Nothing: the encoders kept the scenario's bit rates.
    None,
    /// Google congestion control.
    Gcc {
        /// The cameras that followed it; the others kept their bit rate.
        cameras: Vec<GccCamera>,
    },
}

/// A camera that follows its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GccCamera {
    /// Its name.
    pub camera: String,
    /// No target is lower, bits per second.
    pub floor_bps: u64,
    /// No target is higher, bits per second. Each session begins at the camera's `bit_rate_bps`.
    pub ceiling_bps: u64,
}

/// A site: hosts on one LAN behind one gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteHeader {
    /// Its name.
    pub name: String,
    /// The LAN's address range, such as `192.168.1.0/24`.
    pub lan: String,
    /// Its gateway; none if the site has no way to the Internet.
    pub gateway: Option<GatewayHeader>,
    /// The link from the site to the core.
    pub up: Option<LinkHeader>,
    /// The link from the core to the site.
    pub down: Option<LinkHeader>,
}

/// A gateway's behaviour (RFC 4787), in the scenario's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayHeader {
    /// Its outside address.
    pub external: String,
    /// RFC 4787 section 4.1: `endpoint-independent`, `address-dependent` or
    /// `address-and-port-dependent`.
    pub mapping: String,
    /// RFC 4787 section 5, the same three words.
    pub filtering: String,
    /// How outside ports are chosen: `preserving` or `random`.
    pub ports: String,
    /// How long an idle mapping lives, microseconds.
    pub mapping_timeout_us: u64,
    /// RFC 4787 section 6.
    pub hairpinning: bool,
}

/// One direction of a site's access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkHeader {
    /// Bits per second, IP and transport headers counted; none is without limit.
    pub capacity_bps: Option<u64>,
    /// Propagation, microseconds.
    pub one_way_delay_us: u64,
    /// Configured spread of the delay, microseconds.
    pub delay_variation_us: u64,
    /// Whether a packet with a shorter delay overtakes others.
    #[serde(default)]
    pub reorder: bool,
    /// Mean share of packets lost, parts in a million.
    pub loss_mean_ppm: u64,
    /// Mean length of a burst of losses, thousandths of a packet; 1000 is independent loss.
    pub loss_burst_millipackets: u64,
    /// The bottleneck queue's limit.
    pub queue: QueueLimit,
}

/// What bounds a bottleneck queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum QueueLimit {
    /// Nothing.
    Unlimited,
    /// Bytes that wait.
    Bytes {
        /// At most.
        bytes: u64,
    },
    /// Packets that wait.
    Packets {
        /// At most.
        packets: u64,
    },
    /// Time that the last one waits.
    Time {
        /// At most, microseconds.
        limit_us: u64,
    },
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceHeader {
    /// Its name.
    pub name: String,
    /// `stun`, `turn` or `rendezvous`.
    pub kind: String,
    /// Address and port.
    pub address: String,
    /// Propagation between it and the core, each way, microseconds.
    #[serde(default)]
    pub one_way_delay_us: u64,
}

/// A peer: camera, viewer or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerHeader {
    /// Its name.
    pub name: String,
    /// The site it stands in.
    pub site: String,
    /// The device profile that it ran with.
    pub profile: ProfileUse,
    /// The browser that was the viewer in the place of Parallax's own, with its version, such as
    /// `Chrome/156.0.8078.108`. Then nothing of the profile holds, and neither does the depth of the
    /// jitter buffer: they are the browser's own, and the stages of a frame inside it are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// How long a device of its profile boots in the middle, microseconds. When this one's
    /// software ran is told by its event `started`.
    pub boot_us: u64,
    /// How its ICE agent is set; none in records of versions that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ice: Option<Ice>,
    /// What it sends, if it is a camera.
    pub camera: Option<CameraHeader>,
    /// How deep its jitter buffer is at most, microseconds, if it is a viewer.
    pub jitter_buffer_us: Option<u64>,
    /// How deep it is at least, microseconds, if it adapts; none: its depth is fixed. Event `jitter_buffer_target` has
    /// its depth as it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_buffer_least_us: Option<u64>,
    /// How long its stages take by its profile; none if it takes its own time, as a board and a browser do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<StageTimes>,
}

/// Depth of a viewer's jitter buffer: adaptive within bounds; fixed if these are equal, and none at all if they are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Settings of an ICE agent. All waits count from the start of the connectivity checks, and are the controlling
/// agent's: the camera's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ice {
    /// Between two connectivity checks of one pair, microseconds.
    pub check_interval_us: u64,
    /// How long it holds out for a host candidate before it nominates a pair with a server-reflexive one,
    /// microseconds.
    pub server_reflexive_wait_us: u64,
    /// The same before it nominates a pair with a peer-reflexive candidate, microseconds.
    pub peer_reflexive_wait_us: u64,
    /// How long it holds out for any other before it nominates a pair with a relayed candidate, microseconds.
    pub relayed_wait_us: u64,
}

impl Default for Ice {
    /// As scenarios have it that do not say.
    fn default() -> Self {
        Self {
            check_interval_us: 50_000,
            server_reflexive_wait_us: 0,
            peer_reflexive_wait_us: 0,
            relayed_wait_us: 500_000,
        }
    }
}

/// A device profile, told apart from others of its name by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileUse {
    /// Its name.
    pub name: String,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// What a camera sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CameraHeader {
    /// The clip that stands in for its sensor.
    pub clip: String,
    /// SHA-256, lower-case hexadecimal, of the clip's file; with prerecorded media, of the
    /// recording's; of the scene that is drawn, of its pictures at 0 s and at 1 s, I420, at this size.
    pub clip_sha256: String,
    /// Picture width, pixels.
    pub width_px: u32,
    /// Picture height, pixels.
    pub height_px: u32,
    /// Frames per second.
    pub frames_per_second: u32,
    /// What the encoder is asked for, bits per second, under congestion control at the start; with
    /// prerecorded media, what the recording comes to at this frame rate.
    pub bit_rate_bps: u64,
}
