//! What ran: the first line of `record.jsonl`. Nothing of the machine, nothing of wall time.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use parallax_spec::{
    Action, Behaviour, Capacity, GatewayConfig, Ice, JitterBuffer, LinkConfig, LinkDirection, Loss,
    MediaMode, PortAssignment, QueueLimit, ScriptedEvent, ServiceAddress, ServiceKind, Site,
    Stream, Viewer,
};
use parallax_spec::{Camera, Check, GccBounds};

use crate::{name::Name, stage::StageTimes};

/// The `schema` that this version writes, and the newest that it reads.
pub const SCHEMA: u32 = 1;

/// The `format` of every record.
pub const FORMAT: &str = "parallax-record";

/// What ran and what was demanded of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Tells a record from other programs' JSON: [`FORMAT`].
    #[cfg_attr(feature = "schema", schemars(extend("const" = FORMAT)))]
    pub format: String,
    /// The version of this format: [`SCHEMA`].
    #[cfg_attr(feature = "schema", schemars(extend("const" = SCHEMA)))]
    pub schema: u32,
    /// The version of Parallax that ran it.
    pub parallax_version: String,
    /// The scenario's file name without its ending.
    pub scenario: Name,
    /// The scenario's file, which has each key's value; none in records of versions that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_file: Option<ScenarioFile>,
    /// The scenario's title.
    pub title: String,
    /// Why the scenario exists.
    pub why: String,
    /// The seed of all randomness; a string in JSON, where numbers lose digits above 2^53.
    #[serde(with = "crate::seed")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::seed::Seed"))]
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
    /// The sites.
    pub sites: Vec<Site>,
    /// The services.
    pub services: Vec<ServiceAddress>,
    /// The peers.
    pub peers: Vec<PeerHeader>,
    /// The streams that the scenario expects; each is measured, whether it came about or not.
    pub streams: Vec<Stream>,
    /// What was done to the run while it went, in the order of time.
    pub events: Vec<ScriptedEvent>,
    /// What is demanded.
    pub checks: Vec<Check>,
}

impl Header {
    /// From the first line of a record.
    ///
    /// # Errors
    /// If it is no header of this version or an older one.
    pub fn from_json(line: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(line).or_else(|error| older(line).ok_or(error))
    }
}

/// Of versions that had the jitter buffer of a viewer and the congestion control of cameras in places of their own,
/// beside `viewer` and `camera` or instead of them. The other fields of such a `viewer` are placeholders: no figure and no
/// text of a report is made of them.
fn older(line: &[u8]) -> Option<Header> {
    let mut header: Value = serde_json::from_slice(line).ok()?;
    let control = header.as_object_mut()?.remove("congestion_control")?;
    let streams = header.get("streams")?.as_array()?.clone();
    for peer in header.get_mut("peers")?.as_array_mut()?.iter_mut().map(Value::as_object_mut) {
        let peer = peer?;
        let name = peer.get("name")?.clone();
        let most_us = peer.remove("jitter_buffer_us")?;
        let least_us = peer.remove("jitter_buffer_least_us").unwrap_or_else(|| most_us.clone());
        if !most_us.is_null() && !peer.contains_key("viewer") {
            let own = streams.iter().filter(|stream| stream["viewer"] == name);
            let cameras: Vec<_> = own.map(|stream| &stream["camera"]).collect();
            let buffer = json!({ "least_us": least_us, "most_us": most_us });
            let viewer = json!({ "cameras": cameras, "jitter_buffer": buffer, "nack": null, "asks_at_us": 0 });
            peer.insert("viewer".to_owned(), viewer);
        }
        let mut followed = control["gcc"]["cameras"].as_array().into_iter().flatten();
        if let Some(bounds) = followed.find(|camera| camera["camera"] == name)
            && let Some(camera) = peer.get_mut("camera").and_then(Value::as_object_mut)
        {
            let bounds =
                json!({ "floor_bps": bounds["floor_bps"], "ceiling_bps": bounds["ceiling_bps"] });
            camera.insert("congestion_control".to_owned(), bounds);
        }
    }
    serde_json::from_value(header).ok()
}

/// The file of a scenario, told apart from others of its name by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Its name without folders, such as `two-homes.toml`.
    pub name: String,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// The clock that `run_ns` is told by, and how far it may be from the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Simulated time.
    Virtual,
    /// Time that passes.
    Real,
}

/// What adapted the bit rate to the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

impl CongestionControl {
    /// Of a run: which cameras followed it, and within what.
    pub(crate) fn of(header: &Header) -> Self {
        let gcc = |peer: &PeerHeader| {
            let GccBounds { floor_bps, ceiling_bps } =
                peer.camera.as_ref()?.camera.congestion_control?;
            Some(GccCamera { camera: peer.name.clone(), floor_bps, ceiling_bps })
        };
        let cameras: Vec<_> = header.peers.iter().filter_map(gcc).collect();
        if cameras.is_empty() { Self::None } else { Self::Gcc { cameras } }
    }
}

/// A camera that follows its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GccCamera {
    /// Its name.
    pub camera: String,
    /// No target is lower, bits per second.
    pub floor_bps: u64,
    /// No target is higher, bits per second. Each session begins at the camera's `bit_rate_bps`.
    pub ceiling_bps: u64,
}

/// A peer: camera, viewer or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PeerHeader {
    /// Its name.
    pub name: String,
    /// The site it stands in.
    pub site: String,
    /// Its address, inside its site; none in records of versions that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub address: Option<Ipv4Addr>,
    /// The device profile that it ran with.
    pub profile: ProfileUse,
    /// The browser that was the viewer in the place of Parallax's own, with its version, such as
    /// `Chrome/156.0.8078.108`. Then nothing of the profile holds, and neither does the depth of the
    /// jitter buffer: they are the browser's own, and the stages of a frame inside it are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// The program that was the camera in the place of Parallax's own: its command, with placeholders. What it does inside
    /// is not told: its frames are those that left it, as the lab saw them. When they were captured is not known, and
    /// neither are those that did not leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Vec<String>>,
    /// How long a device of its profile boots in the middle, microseconds. When this one's
    /// software ran is told by its event `started`.
    pub boot_us: u64,
    /// How its ICE agent is set; none in records of versions that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ice: Option<Ice>,
    /// What it sends, if it is a camera.
    pub camera: Option<CameraHeader>,
    /// How it views by the scenario, if it is a viewer. Event `jitter_buffer_target` has the depth of its jitter buffer
    /// as it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Viewer>,
    /// How long its stages take by its profile; none if it takes its own time, as a board and a browser do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<StageTimes>,
}

impl PeerHeader {
    /// How deep its jitter buffer is, if it is a viewer.
    #[must_use]
    pub fn jitter_buffer(&self) -> Option<JitterBuffer> {
        Some(self.viewer.as_ref()?.jitter_buffer)
    }
}

/// A device profile, told apart from others of its name by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProfileUse {
    /// Its name.
    pub name: String,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// What a camera sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CameraHeader {
    /// As the scenario has it.
    #[serde(flatten)]
    pub camera: Camera,
    /// SHA-256, lower-case hexadecimal, of the clip's file; with prerecorded media, of the
    /// recording's; of the scene that is drawn, of its pictures at 0 s and at 1 s, I420, at this size.
    pub clip_sha256: String,
    /// What the recording comes to at this frame rate, bits per second, with prerecorded media. Older
    /// versions have it in the place of `bit_rate_bps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_bps: Option<u64>,
}
