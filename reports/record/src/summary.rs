//! `summary.json`: what each run came to.
//!
//! Every number is an integer with its unit in its name; names that end in `_us` are microseconds
//! on the run's clock. What could not be measured is `null`.

use serde::{Deserialize, Serialize};

use crate::delays::LinkSummary;
use crate::distribution::{Histogram, OverTime};
use crate::header::{ClockKind, CongestionControl, Header, JitterBuffer, MediaMode};
use crate::margin::MarginSummary;
use crate::name::Name;
use crate::not_judged::NotJudged;
use crate::phase::PerPhase;
use crate::session::EndedSession;
use crate::split::SplitSummary;
use crate::stage::PerStage;
use crate::uncertainty::Uncertainty;
use crate::verdict::Verdict;
use crate::worst::WorstFrame;
use parallax_spec::{CandidateKind, CheckKind};

/// All runs of one call of the command: the content of `summary.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The version of this format: [`SCHEMA`](crate::SCHEMA).
    #[cfg_attr(feature = "schema", schemars(extend("const" = crate::SCHEMA)))]
    pub schema: u32,
    /// How many runs were asked for: more than there are if the command was interrupted.
    pub planned: u64,
    /// The worst verdict of the runs; `null` if nothing ran.
    pub verdict: Option<Verdict>,
    /// How many checks of the runs their mode cannot judge.
    #[serde(default)]
    pub not_judged: u64,
    /// The runs, in the order in which they were asked for.
    pub runs: Vec<Summary>,
}

impl Suite {
    /// Puts runs together: all that were asked for.
    #[must_use]
    pub fn new(runs: Vec<Summary>) -> Self {
        let planned = runs.len() as u64;
        Self::of(planned, runs)
    }

    /// Puts runs together, of `planned` that were asked for. Of fewer the verdict is no better than
    /// inconclusive.
    #[must_use]
    pub fn of(planned: u64, runs: Vec<Summary>) -> Self {
        let whole = runs.len() as u64;
        Self {
            schema: crate::SCHEMA,
            planned,
            verdict: Verdict::worst(
                runs.iter()
                    .map(|run| run.verdict)
                    // What was interrupted has not passed, however well it began.
                    .chain((!runs.is_empty() && whole < planned).then_some(Verdict::Inconclusive)),
            ),
            not_judged: runs.iter().map(|run| run.not_judged.len() as u64).sum(),
            runs,
        }
    }

    /// The file's text: indented JSON, lists of plain values on one line, that ends with a line end.
    ///
    /// # Errors
    /// Never in fact: these types are all JSON. The caller may treat it as an internal fault.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        crate::json::indented(self)
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The scenario's file name without its ending.
    pub scenario: Name,
    /// The scenario's title.
    pub title: String,
    /// The seed; a string in JSON.
    #[serde(with = "crate::seed")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::seed::Seed"))]
    pub seed: u64,
    /// Which of several runs of the same on a bench, from 1; none: it was to run once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u32>,
    /// The run's clock.
    pub clock: ClockKind,
    /// The tick of a virtual clock: each network crossing and each timer is late by at most this.
    pub tick_us: Option<u64>,
    /// How far a duration on a real clock may be from the truth, either way.
    pub clock_bound_us: Option<u64>,
    /// The worst of the checks, or `error`. Of a run of which no check was judged nothing can be said:
    /// it is inconclusive.
    pub verdict: Verdict,
    /// Why the run is an error, if it is one.
    pub faults: Vec<String>,
    /// What the device under test did that none that works does: the run has failed, if it is no error.
    #[serde(default)]
    pub failures: Vec<String>,
    /// Why nothing can be said of the run as a whole, whatever its checks measured.
    #[serde(default)]
    pub doubts: Vec<String>,
    /// What came of earlier attempts of the same run. One that passed after another did not is flaky.
    #[serde(default)]
    pub earlier_attempts: Vec<String>,
    /// SHA-256 of `record.jsonl`; `null` if there is no whole record.
    pub record_sha256: Option<String>,
    /// SHA-256 over time, direction, addresses, length and payload of every packet.
    pub packets_sha256: Option<String>,
    /// How long the run was to last.
    pub duration_us: u64,
    /// Where the media came from.
    pub media_mode: MediaMode,
    /// What adapted the bit rate to the path.
    pub congestion_control: CongestionControl,
    /// The profile of each peer.
    pub profiles: Vec<PeerProfile>,
    /// What came of each check, for each stream that it selects.
    pub checks: Vec<CheckResult>,
    /// The checks that the mode of the run cannot judge, for each stream that they select.
    #[serde(default)]
    pub not_judged: Vec<NotJudged>,
    /// What was measured of each stream that the scenario expects.
    pub streams: Vec<StreamSummary>,
    /// The delay of each access link: what was configured, and what came out.
    #[serde(default)]
    pub links: Vec<LinkSummary>,
    /// Bytes on the wire that peers sent or received, by the node at the other end.
    pub bytes: BytesSummary,
}

impl Summary {
    /// What the header says of a run; nothing of what came of it.
    pub(crate) fn empty(header: &Header) -> Self {
        Self {
            scenario: header.scenario.clone(),
            title: header.title.clone(),
            seed: header.seed,
            repeat: header.repeat,
            clock: header.clock.kind(),
            tick_us: header.clock.tick_us(),
            clock_bound_us: header.clock.bound_us(),
            verdict: Verdict::Inconclusive,
            faults: Vec::new(),
            failures: Vec::new(),
            doubts: Vec::new(),
            earlier_attempts: Vec::new(),
            record_sha256: None,
            packets_sha256: None,
            duration_us: header.duration_us,
            media_mode: header.media_mode,
            congestion_control: CongestionControl::of(header),
            profiles: PeerProfile::of(header),
            checks: Vec::new(),
            not_judged: Vec::new(),
            streams: Vec::new(),
            links: Vec::new(),
            bytes: BytesSummary::default(),
        }
    }

    /// A run that has no whole record, because what ran it crashed, hung or was refused its
    /// output: an error, with its cause.
    #[must_use]
    pub fn broken(header: &Header, cause: String) -> Self {
        Self { verdict: Verdict::Error, faults: vec![cause], ..Self::empty(header) }
    }

    /// A run that could not be: nothing can be said, and why.
    #[must_use]
    pub fn unclear(header: &Header, doubt: String) -> Self {
        Self { doubts: vec![doubt], ..Self::empty(header) }
    }

    /// Which run of its scenario it is, in words after "seed": `1`, or `1, repeat 2`.
    #[must_use]
    pub fn which(&self) -> String {
        match self.repeat {
            None => self.seed.to_string(),
            Some(repeat) => format!("{}, repeat {repeat}", self.seed),
        }
    }

    /// What the folder of its record is called, in that of its scenario.
    #[must_use]
    pub fn folder(&self) -> String {
        run_folder(self.seed, self.repeat)
    }

    /// Where its record is, below the folder of all runs: `two-homes/seed-1`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.scenario, self.folder())
    }
}

/// What the folder of a run's record is called, in that of its scenario.
#[must_use]
pub fn run_folder(seed: u64, repeat: Option<u32>) -> String {
    match repeat {
        None => format!("seed-{seed}"),
        Some(repeat) => format!("seed-{seed}-repeat-{repeat}"),
    }
}

/// Which profile a peer ran with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PeerProfile {
    /// The peer's name.
    pub peer: String,
    /// The profile's name; of a browser, its own and its version.
    pub profile: String,
    /// SHA-256 of the profile's file; of a browser, empty.
    pub sha256: String,
    /// How deep its jitter buffer is at most, if it is a viewer, and not a browser.
    pub jitter_buffer_us: Option<u64>,
    /// How deep it is at least, if it adapts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_buffer_least_us: Option<u64>,
}

impl PeerProfile {
    pub(crate) fn of(header: &Header) -> Vec<Self> {
        header
            .peers
            .iter()
            .map(|peer| match &peer.browser {
                None => {
                    let buffer = peer.jitter_buffer().map(JitterBuffer::header);
                    Self {
                        peer: peer.name.clone(),
                        profile: peer.profile.name.clone(),
                        sha256: peer.profile.sha256.clone(),
                        jitter_buffer_us: buffer.map(|(most_us, _)| most_us),
                        jitter_buffer_least_us: buffer.and_then(|(_, least_us)| least_us),
                    }
                }
                Some(browser) => Self {
                    peer: peer.name.clone(),
                    profile: browser.clone(),
                    sha256: String::new(),
                    jitter_buffer_us: None,
                    jitter_buffer_least_us: None,
                },
            })
            .collect()
    }
}

/// What came of a check for one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckResult {
    /// What was checked, such as `capture_to_render p95`.
    pub name: String,
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What was measured, in `unit`; `null` if it did not happen.
    pub measured: Option<i64>,
    /// How far the truth may be from `measured`, in `unit`.
    pub uncertainty: Uncertainty,
    /// How `measured` must stand to `bound`.
    pub comparison: Comparison,
    /// The bound, in `unit`.
    pub bound: i64,
    /// The unit of measured, uncertainty and bound.
    pub unit: Unit,
    /// How many samples there were.
    pub sample: u64,
    /// How many a verdict needs.
    pub minimum_sample: u64,
    /// Where the window begins; `null` is the start of the run.
    pub from_us: Option<u64>,
    /// Where the window ends; `null` is the end of the run.
    pub to_us: Option<u64>,
    /// What was found, in words, where the figures do not say it.
    pub detail: Option<String>,
    /// Why the bound is what it is.
    pub why: String,
}

impl CheckResult {
    /// The kind of check that it is of, and what its name says beyond that.
    #[must_use]
    pub fn kind(&self) -> Option<(CheckKind, &str)> {
        let (key, of) = self.name.split_once(' ').unwrap_or((&self.name, ""));
        Some((CheckKind::ALL.into_iter().find(|kind| kind.key() == key)?, of))
    }
}

/// How a measured value must stand to its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Less.
    Below,
    /// Not more.
    AtMost,
    /// More.
    Above,
}

/// The unit of a check's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Microseconds.
    Us,
    /// Thousandths of a decibel.
    Millidb,
    /// SSIM, millionths.
    SsimPpm,
    /// Frames.
    Frames,
    /// Parts in a million.
    Ppm,
    /// Freezes.
    Freezes,
    /// Nominated pairs that are not what was asked for.
    Pairs,
}

/// What was measured of one stream, over the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StreamSummary {
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// How many sessions there were: more than one if it had to be begun anew.
    pub sessions: u64,
    /// Those of them that ended before the run did, in the order of their numbers.
    #[serde(default)]
    pub ended: Vec<EndedSession>,
    /// The viewer's end of the last nominated pair.
    pub local_candidate: Option<CandidateKind>,
    /// The camera's end of it, as the viewer sees it.
    pub remote_candidate: Option<CandidateKind>,
    /// Whether it went through a TURN server.
    pub relayed: Option<bool>,
    /// From the viewer's first request to each phase at the viewer, in the session of the first
    /// rendered frame or else in the last.
    pub setup_us: PerPhase<Option<i64>>,
    /// How far the truth may be from each.
    pub setup_uncertainty_us: PerPhase<Uncertainty>,
    /// From the viewer's first request to the first rendered frame of all sessions.
    pub time_to_first_frame_us: Option<i64>,
    /// How far the truth may be from it.
    pub time_to_first_frame_uncertainty_us: Uncertainty,
    /// Capture-to-render latency of the rendered frames.
    pub capture_to_render_us: LatencySummary,
    /// The same in buckets, from which percentiles over many runs are taken.
    pub capture_to_render_histogram_us: Histogram,
    /// The same over the time of the run.
    pub capture_to_render_over_time_us: OverTime,
    /// Where it went.
    pub stages_us: PerStage<StageSummary>,
    /// The same by cause.
    #[serde(default)]
    pub split_us: SplitSummary,
    /// What was configured of each stage: the middle of the profile's times, the median of the links' one-way delays,
    /// the depth of a fixed jitter buffer. `null`: nothing.
    #[serde(default)]
    pub configured_us: PerStage<Option<i64>>,
    /// How much later frames could have come, before the jitter buffer gave them up.
    #[serde(default)]
    pub margin_us: MarginSummary,
    /// What became of the frames captured for the viewer.
    pub frames: FramesSummary,
    /// When the picture stood still.
    pub freezes: FreezesSummary,
    /// Luma PSNR of the rendered frames against their sources: the arithmetic mean of the frames'
    /// values, rounded down.
    pub psnr_millidb: Option<u32>,
    /// The least of them.
    pub psnr_min_millidb: Option<u32>,
    /// The rendered frames with the lowest PSNR, from the worst on; of equals the earlier one first.
    /// Their pictures are kept under their names.
    pub worst_frames: Vec<WorstFrame>,
    /// Luma SSIM of the rendered frames against their sources, millionths: the arithmetic mean,
    /// rounded down.
    pub ssim_ppm: Option<i32>,
    /// The least of them.
    pub ssim_min_ppm: Option<i32>,
    /// Rendered frames whose marker could not be read; latency and PSNR count them all the same.
    /// 0 with prerecorded media, which bear none.
    pub markers_unreadable: u64,
    /// Bits per second of the elementary stream sent.
    pub bit_rate_bps: Option<u64>,
    /// How congestion control went; `null` without it.
    pub rates: Option<RatesSummary>,
}

/// How congestion control went, once a second over all sessions of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RatesSummary {
    /// What the path was estimated to carry.
    pub estimate_bps: RateSummary,
    /// What the encoder was to aim at.
    pub target_bps: RateSummary,
    /// What left for the wire: RTP packets with their headers, resent ones included.
    pub sent_bps: RateSummary,
}

/// A rate over a run, bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RateSummary {
    /// The arithmetic mean, rounded down.
    pub mean: u64,
    /// The last one.
    pub last: u64,
}

/// Percentiles by nearest rank; `null` where nothing was measured. A small sample has a `p99` too,
/// which is then its greatest value: look at `count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LatencySummary {
    /// Rendered frames.
    pub count: u64,
    /// The median.
    pub p50: Option<i64>,
    /// 90 of 100 are at most this.
    pub p90: Option<i64>,
    /// 95 of 100 are at most this.
    pub p95: Option<i64>,
    /// 99 of 100 are at most this.
    pub p99: Option<i64>,
    /// The greatest.
    pub max: Option<i64>,
    /// How far the truth may be from each of them, at most.
    pub uncertainty: Uncertainty,
    /// How far it may be from the median: one frame of which packets were sent again is further from the truth than most.
    pub p50_uncertainty: Uncertainty,
    /// From p95.
    pub p95_uncertainty: Uncertainty,
    /// From p99.
    pub p99_uncertainty: Uncertainty,
}

/// One stage over all rendered frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StageSummary {
    /// The median.
    pub p50: Option<i64>,
    /// 95 of 100 are at most this.
    pub p95: Option<i64>,
    /// How far the truth may be from each of them, at most.
    pub uncertainty: Uncertainty,
    /// How far it may be from the median.
    pub p50_uncertainty: Uncertainty,
}

/// Frames captured while a session sent to the viewer:
/// captured = rendered + lost + under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FramesSummary {
    /// Captured.
    pub captured: u64,
    /// Of these encoded.
    pub encoded: u64,
    /// Of these rendered.
    pub rendered: u64,
    /// Of these lost.
    pub lost: LostSummary,
    /// Of these neither rendered nor lost when the run ended: captured within the viewer's jitter
    /// buffer and 2 s ([`PATIENCE_US`](crate::PATIENCE_US)) of its end, or within the longest latency of
    /// the session if that is longer.
    pub under_way: u64,
}

/// Lost frames by where they were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LostSummary {
    /// The encoder was busy when they were captured.
    pub capture: u64,
    /// The encoder skipped them.
    pub encode: u64,
    /// The camera could not hand them to its transport.
    pub send: u64,
    /// Packets of them did not arrive at all.
    pub transport: u64,
    /// They arrived whole, too late to be shown, or were still on their way for too long when the run ended; the
    /// network dropped nothing of them.
    #[serde(default)]
    pub late: u64,
    /// They reached the viewer whole and in time, and were lost before they left its jitter
    /// buffer.
    pub receive: u64,
    /// They could not be decoded, or not in time to be shown.
    pub decode: u64,
    /// Their session was over before they could be shown.
    #[serde(default)]
    pub session: u64,
}

impl LostSummary {
    /// All lost frames.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_phase().iter().map(|(count, _)| count).sum()
    }

    /// Each count with the name of its phase, in the order of a frame's way; the session's end last.
    #[must_use]
    pub fn by_phase(&self) -> [(u64, &'static str); 8] {
        [
            (self.capture, "capture"),
            (self.encode, "encode"),
            (self.send, "send"),
            (self.transport, "transport"),
            (self.late, "late"),
            (self.receive, "receive"),
            (self.decode, "decode"),
            (self.session, "session"),
        ]
    }
}

/// Freezes as in webrtc-stats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FreezesSummary {
    /// How many, with one that had not ended when the run did; webrtc-stats knows no such.
    pub count: u64,
    /// How long they lasted together, that one until the end of the run.
    pub total_us: u64,
    /// How long the one lasted that had not ended; `null` if there was none.
    pub open_us: Option<u64>,
}

/// Bytes on the wire by the kind of node at the other end, counted at the peer that sends a packet
/// and at the peer that it reaches: twice for one between peers, once for one that is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BytesSummary {
    /// Between peers.
    pub direct: u64,
    /// With TURN servers.
    pub turn: u64,
    /// With the rendezvous and with STUN servers, and over TCP between peers: signalling without a
    /// rendezvous.
    pub signalling: u64,
}
