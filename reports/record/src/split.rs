//! Split of capture-to-render: configured, chosen by the stack, suffered.
//!
//! | stage | configured | chosen by the stack | suffered |
//! |---|---|---|---|
//! | of a device: capture, encode, decode, render | up to the longest time of the device's profile | | above it: the stage was busy; all of it where the device takes its own time, as a board does |
//! | pacer | | all of it, with the lateness of the device's timers | |
//! | network | one-way delay of the links at that time, and of the TURN server, there and back | wait for a resend, until that left | transmission, queues, delay above the configured one |
//! | jitter buffer, fixed | up to its depth | | above it: a frame before was late |
//! | jitter buffer, adaptive | | all of it | |
//!
//! A simulated timer is late by up to one tick: a configured stage may be longer by that.

use serde::{Deserialize, Serialize};

use crate::distribution::nearest_rank;
use crate::header::{Clock, Header, PeerHeader};
use crate::measure::{paths, rendered};
use crate::stage::{DeviceRole, PerStage, Stage};
use crate::timeline::{FrameHistory, StreamTimeline};
use crate::way::Way;
use parallax_spec::Percentile;

/// A frame's capture-to-render latency by its causes, which add up to it exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// By the scenario and its profiles.
    pub configured_us: i64,
    /// By the stack: pacer, resends, adaptive jitter buffer.
    pub chosen_us: i64,
    /// From queues, transmission, loss, busy stages and devices that take their own time.
    pub suffered_us: i64,
}

impl Split {
    /// Splits a time into what was configured, at most `most_us`, and the rest.
    fn up_to(most_us: i64, us: i64) -> Self {
        let configured_us = us.min(most_us);
        Self { configured_us, chosen_us: 0, suffered_us: us - configured_us }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            configured_us: self.configured_us + other.configured_us,
            chosen_us: self.chosen_us + other.chosen_us,
            suffered_us: self.suffered_us + other.suffered_us,
        }
    }
}

/// What decides how long a stage other than the network takes.
#[derive(Clone, Copy, Debug)]
enum Cause {
    /// The configuration, up to this many microseconds.
    Configured(i64),
    /// The stack.
    Chosen,
    /// Not recorded.
    Unknown,
}

/// What was configured of a stream's frames.
#[derive(Debug)]
pub struct Causes {
    /// That of the network is not looked at.
    stages: PerStage<Cause>,
    configured: PerStage<Option<i64>>,
    way: Way,
    one_site: bool,
}

impl Causes {
    /// Of a stream, from the header of its record and its sessions' paths.
    #[must_use]
    pub fn of(header: &Header, stream: &StreamTimeline) -> Self {
        let peer = |name: &str| header.peers.iter().find(|peer| peer.name == name);
        let (camera, viewer) = (peer(&stream.stream.camera), peer(&stream.stream.viewer));
        let tick_us = header.clock.tick_us().unwrap_or(0);
        let times = |peer: Option<&PeerHeader>| peer.and_then(|peer| peer.stages);
        let of = |role: DeviceRole| if role == DeviceRole::Camera { camera } else { viewer };
        let work = |stage, role| match (times(of(role)), header.clock) {
            // A stage that the profile does not name takes no time.
            (Some(times), _) => {
                let longest_us = times.get(stage).map_or(0, |time| time.longest_us);
                Cause::Configured(signed(longest_us.saturating_add(tick_us)))
            }
            // A device on a bench takes its own time.
            (None, Clock::Real { .. }) => Cause::Configured(0),
            (None, Clock::Virtual { .. }) => Cause::Unknown,
        };
        // A browser has its own.
        let buffered = viewer.filter(|peer| peer.browser.is_none());
        let depth = buffered.and_then(PeerHeader::jitter_buffer);
        let fixed_us = depth.filter(|one| one.least_us == one.most_us).map(|one| one.most_us);
        let buffer = match (depth, fixed_us) {
            (_, Some(us)) => Cause::Configured(signed(us.saturating_add(tick_us))),
            (Some(_), None) => Cause::Chosen,
            (None, None) => Cause::Unknown,
        };
        let typical = |stage, role| times(of(role))?.get(stage).map(|time| signed(time.typical_us));
        let same = |camera: &PeerHeader, viewer: &PeerHeader| camera.site == viewer.site;
        Self {
            stages: PerStage::from_fn(|stage| match (stage, stage.role()) {
                (_, Some(role)) => work(stage, role),
                (Stage::Pacer, None) => Cause::Chosen,
                (Stage::JitterBuffer, None) => buffer,
                _ => Cause::Unknown,
            }),
            configured: PerStage::from_fn(|stage| match (stage, stage.role()) {
                (_, Some(role)) => typical(stage, role),
                (Stage::JitterBuffer, None) => fixed_us.map(signed),
                _ => None,
            }),
            way: Way::without_drops(header, &stream.stream, paths(stream)),
            one_site: camera.zip(viewer).is_some_and(|(camera, viewer)| same(camera, viewer)),
        }
    }

    /// Splits a frame's latency. None unless all its stages, and what decides them, are known.
    #[must_use]
    pub fn split(&self, frame: &FrameHistory) -> Option<Split> {
        let mut whole = Split::default();
        for (stage, &us) in frame.stages_us()?.iter() {
            let own = match self.stages[stage] {
                _ if stage == Stage::Network => self.network(frame, us)?,
                Cause::Configured(most_us) => Split::up_to(most_us, us),
                Cause::Chosen => Split { chosen_us: us, ..Split::default() },
                Cause::Unknown => return None,
            };
            whole = whole.plus(own);
        }
        Some(whole)
    }

    /// From the last packet's leaving the pacer until all had come. Where one was sent again, the time until the
    /// resend left that can have completed the frame is the stack's; from then on it is on its way like any other.
    fn network(&self, frame: &FrameHistory, us: i64) -> Option<Split> {
        let (paced_ns, received_ns) =
            (frame.passage.ended_ns.pacer?, frame.passage.ended_ns.network?);
        let resent_ns = &frame.passage.resent_ns;
        let in_time = |left_ns: &&u64| {
            // Delays vary around the configured one, and a repeated resend follows within a round trip.
            let soonest_ns = signed(self.propagation_ns(**left_ns) / 2);
            signed(**left_ns).saturating_add(soonest_ns) <= signed(received_ns)
        };
        let before = || resent_ns.first().filter(|left_ns| **left_ns <= received_ns);
        let left_ns = resent_ns.iter().rfind(in_time).or_else(before).copied();
        let left_ns = left_ns.map_or(paced_ns, |left_ns| left_ns.max(paced_ns));
        let chosen_us = signed(left_ns / 1_000 - paced_ns / 1_000);
        let on_its_way = Split::up_to(signed(self.propagation_ns(left_ns) / 1_000), us - chosen_us);
        Some(on_its_way.plus(Split { chosen_us, ..Split::default() }))
    }

    /// The one-way delay of the links, and of the way to a relay and back, that a packet crosses which leaves its camera at a time.
    fn propagation_ns(&self, left_ns: u64) -> u64 {
        // Within a site a packet crosses no access link, unless a relay is on its way.
        if self.one_site && !self.way.relayed(left_ns) {
            return 0;
        }
        self.way.arrival_ns(left_ns) - left_ns
    }

    /// What was configured of each stage, the network's as the median over the rendered frames.
    pub(crate) fn configured_us(&self, stream: &StreamTimeline) -> PerStage<Option<i64>> {
        let left_ns = rendered(stream).filter_map(|frame| frame.passage.ended_ns.pacer);
        let mut delays: Vec<i64> =
            left_ns.map(|at| signed(self.propagation_ns(at) / 1_000)).collect();
        delays.sort_unstable();
        PerStage { network: nearest_rank(&delays, Percentile::P50), ..self.configured }
    }
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

/// Capture-to-render of the rendered frames by cause. For each frame the three add up exactly to its latency; their
/// percentiles do not, since another frame may be the median of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SplitSummary {
    /// Rendered frames of which all stages are known: none at a browser.
    pub count: u64,
    /// By the scenario and its profiles.
    pub configured: SplitPart,
    /// By the stack: pacer, resends, adaptive jitter buffer.
    pub chosen: SplitPart,
    /// From queues, transmission, loss, busy stages and devices that take their own time.
    pub suffered: SplitPart,
}

/// One cause over the rendered frames: percentiles by nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SplitPart {
    /// The median.
    pub p50: Option<i64>,
    /// 95 of 100 are at most this.
    pub p95: Option<i64>,
}

impl SplitPart {
    fn of(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        let at = |percentile| nearest_rank(&values, percentile);
        Self { p50: at(Percentile::P50), p95: at(Percentile::P95) }
    }
}

impl SplitSummary {
    pub(crate) fn of(causes: &Causes, stream: &StreamTimeline) -> Self {
        let splits: Vec<Split> = rendered(stream).filter_map(|it| causes.split(it)).collect();
        let part = |of: fn(&Split) -> i64| SplitPart::of(splits.iter().map(of).collect());
        Self {
            count: splits.len() as u64,
            configured: part(|split| split.configured_us),
            chosen: part(|split| split.chosen_us),
            suffered: part(|split| split.suffered_us),
        }
    }

    /// Each cause with its name.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, SplitPart); 3] {
        [
            ("configured", self.configured),
            ("chosen by the stack", self.chosen),
            ("suffered", self.suffered),
        ]
    }
}
