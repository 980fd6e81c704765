//! The same scenario seen from two places: simulated and measured, side by side. How far apart they are is the
//! parallax.
//!
//! Each figure is a run's own; of several runs it is the median of theirs. Runs of which nothing is said, because
//! they broke or the lab fell short, are left out and counted.
//!
//! What both sides were configured to take alike, such as the depth of a fixed jitter buffer, agrees by construction:
//! it is named, and shares and bounds are of the rest.

use crate::{
    CandidateKind, ClockKind, LatencySummary, MediaMode, PerPhase, PerStage, Percentile, SplitPart,
    Stage, StreamSummary, Summary, Uncertainty, Verdict, nearest_rank,
};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::within::Held;
pub use crate::within::{Difference, OverRuns, RANGE_RUNS, Within};

/// The version of what is written of it.
const SCHEMA: u32 = 2;

/// Scenarios that were simulated and measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SideBySide {
    /// The version of this format.
    pub schema: u32,
    /// How far apart they may be; none: nothing was demanded.
    pub within: Option<Within>,
    /// The worst of the pairs'; none: nothing was demanded.
    pub verdict: Option<Verdict>,
    /// Each stream that both sides have.
    pub pairs: Vec<Pair>,
    /// Streams that one side alone has, with what to say of them.
    pub alone: Vec<String>,
}

/// A stream on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The scenario's name.
    pub scenario: String,
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// Where they come from.
    pub simulated: Side,
    /// Likewise.
    pub measured: Side,
    /// What all runs of both sides were configured to take alike, stage by stage.
    pub alike: Vec<Alike>,
    /// The figures that either side has.
    pub figures: Vec<Compared>,
    /// Whether media went the same way; none if nothing was demanded.
    pub same_path: Option<Verdict>,
    /// The worst of all that was demanded; none: nothing was.
    pub verdict: Option<Verdict>,
}

/// A stage for which both sides have the same configured time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alike {
    /// Its name.
    pub stage: &'static str,
    /// The time, microseconds.
    pub us: i64,
}

/// The runs of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// How many count.
    pub runs: u64,
    /// How many do not, for nothing is said of them.
    pub left_out: u64,
    /// The camera's profiles, by name.
    pub profiles: BTreeSet<String>,
    /// The digests of their files: two profiles of one name may differ.
    pub profile_digests: BTreeSet<String>,
    /// The viewer's, likewise; of a browser its name and version.
    pub viewers: BTreeSet<String>,
    /// Where their media came from.
    pub media: BTreeSet<MediaMode>,
    /// The seeds of the runs, as text: numbers lose digits in JSON.
    pub seeds: BTreeSet<String>,
    /// How long they were to last, microseconds.
    pub durations_us: BTreeSet<u64>,
    /// The ways that media took: the camera's candidate as the viewer sees it, the viewer's, and whether
    /// through a relay.
    pub paths: BTreeSet<String>,
}

/// What a figure is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Microseconds.
    Us,
    /// Millionths.
    Ppm,
    /// Pieces.
    Count,
    /// Bits per second.
    Bps,
}

/// One figure on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Such as `capture-to-render p95`.
    pub name: String,
    /// What it is measured in.
    pub scale: Scale,
    /// Simulated; none: no run has it.
    pub simulated: Option<OverRuns>,
    /// Measured, likewise.
    pub measured: Option<OverRuns>,
    /// How much of either is configured alike, and no part of the share that they differ by.
    pub alike: i64,
    /// How much more was measured than simulated; none if one of them is missing.
    pub difference: Option<Difference>,
    /// Whether they are as near as was demanded; none: that was demanded of others, or of nothing.
    pub verdict: Option<Verdict>,
}

impl SideBySide {
    /// Of all runs, simulated and measured; none if one of the two is missing altogether.
    #[must_use]
    pub fn of<'a>(
        runs: impl IntoIterator<Item = &'a Summary>,
        within: Option<Within>,
    ) -> Option<Self> {
        let (measured, simulated): (Vec<&Summary>, Vec<&Summary>) =
            runs.into_iter().partition(|run| run.clock == ClockKind::Real);
        if measured.is_empty() || simulated.is_empty() {
            return None;
        }
        let (ours, theirs) = (streams(&simulated), streams(&measured));
        // A run that broke has no streams.
        let broke = |runs: &[&Summary], scenario: &str| {
            runs.iter().filter(|run| run.scenario == scenario && run.streams.is_empty()).count()
                as u64
        };
        let lone = |own: &Streams<'_>,
                    other: &Streams<'_>,
                    runs: &[&Summary],
                    [side, against]: [&str; 2]| {
            let alone = own.keys().filter(|name| !other.contains_key(*name));
            let told = |(scenario, camera, viewer): &Name<'_>| {
                let why = match broke(runs, scenario) {
                    0 => format!("{side} alone; scenarios are the same by their names"),
                    broke => {
                        format!("{side}; {against} too, and none of {broke} runs came to anything")
                    }
                };
                format!("{scenario}, {camera} to {viewer}: {why}")
            };
            alone.map(told).collect::<Vec<_>>()
        };
        let mut alone = lone(&ours, &theirs, &measured, ["simulated", "measured"]);
        alone.extend(lone(&theirs, &ours, &simulated, ["measured", "simulated"]));
        let with_streams =
            |scenario: &str| ours.keys().chain(theirs.keys()).any(|name| name.0 == scenario);
        let all = simulated.iter().chain(&measured).map(|run| run.scenario.as_str());
        let broken: BTreeSet<&str> = all.filter(|scenario| !with_streams(scenario)).collect();
        alone.extend(broken.iter().map(|scenario| format!("{scenario}: no run came to anything")));
        let runs = [&simulated, &measured];
        let both = ours.iter().filter_map(|(name, simulated)| {
            let mut pair = Pair::of(*name, simulated, theirs.get(name)?, within);
            pair.simulated.left_out += broke(runs[0], name.0);
            pair.measured.left_out += broke(runs[1], name.0);
            Some(pair)
        });
        let pairs: Vec<Pair> = both.collect();
        let verdict = within.map(|_| {
            // Of what stands beside nothing nothing is said.
            let lone = (!alone.is_empty() || pairs.is_empty()).then_some(Verdict::Inconclusive);
            let worst = Verdict::worst(pairs.iter().filter_map(|pair| pair.verdict).chain(lone));
            worst.unwrap_or(Verdict::Inconclusive)
        });
        Some(Self { schema: SCHEMA, within, verdict, pairs, alone })
    }

    /// The file's text: indented JSON that ends with a line end.
    ///
    /// # Errors
    /// Never in fact: these types are all JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Scenario, camera, viewer.
type Name<'a> = (&'a str, &'a str, &'a str);
/// The runs that have a stream, each with it.
type Streams<'a> = BTreeMap<Name<'a>, Vec<(&'a Summary, &'a StreamSummary)>>;

fn streams<'a>(runs: &[&'a Summary]) -> Streams<'a> {
    let mut all = Streams::new();
    for run in runs {
        for stream in &run.streams {
            let name = (run.scenario.as_str(), stream.camera.as_str(), stream.viewer.as_str());
            all.entry(name).or_default().push((run, stream));
        }
    }
    all
}

impl Pair {
    fn of(
        (scenario, camera, viewer): Name<'_>,
        simulated: &[(&Summary, &StreamSummary)],
        measured: &[(&Summary, &StreamSummary)],
        within: Option<Within>,
    ) -> Self {
        let counts = |run: &Summary| run.faults.is_empty() && run.doubts.is_empty();
        let own = |side: &[(&Summary, &StreamSummary)]| {
            let side = side.iter().filter(|(run, _)| counts(run));
            side.map(|(_, stream)| figures(stream)).collect::<Vec<_>>()
        };
        let (ours, theirs) = (own(simulated), own(measured));
        let alike = match ours.is_empty() || theirs.is_empty() {
            true => Vec::new(),
            false => {
                let both = simulated.iter().chain(measured).filter(|(run, _)| counts(run));
                alike(both.map(|(_, stream)| *stream))
            }
        };
        let browser =
            measured.iter().chain(simulated).any(|(run, _)| shown_by_a_browser(run, viewer));
        let each = ours.iter().chain(&theirs).next().map_or(&[][..], |run| run);
        let compared = each.iter().enumerate().filter_map(|(at, figure)| {
            let of =
                |runs: &[Vec<OwnFigure>]| OverRuns::of(runs.iter().filter_map(|run| run[at].value));
            let (simulated, measured) = (of(&ours), of(&theirs));
            (simulated.is_some() || measured.is_some()).then(|| {
                // A browser does not tell of the stages of a frame inside it.
                let told = !browser || measured.is_some();
                let demanded = within.filter(|within| figure.held.by(*within) && told);
                Compared::of(figure, simulated, measured, &alike, demanded)
            })
        });
        let figures: Vec<Compared> = compared.collect();
        let (simulated, measured) = (side(simulated, counts), side(measured, counts));
        // Behind a gateway a browser names what STUN told it where Parallax's viewer names its own address: of the
        // same pair.
        let ways = |side: &Side| match browser {
            true => side
                .paths
                .iter()
                .map(|path| path.replace("to host,", "to server-reflexive,"))
                .collect(),
            false => side.paths.clone(),
        };
        let (ours, theirs): (BTreeSet<String>, BTreeSet<String>) =
            (ways(&simulated), ways(&measured));
        let same_path = within.map(|within| match (ours.is_empty(), theirs.is_empty()) {
            (false, false) if theirs == ours => Verdict::Pass,
            // A range holds several paths. Else: whether the board would ever take the others, so few runs do not tell.
            (false, false) if theirs.is_subset(&ours) => match within {
                Within::Range { .. } => Verdict::Pass,
                Within::Medians { .. } => Verdict::Inconclusive,
            },
            (false, false) => Verdict::Fail,
            _ => Verdict::Inconclusive,
        });
        let all = figures.iter().filter_map(|figure| figure.verdict).chain(same_path);
        let verdict = within.and_then(|_| Verdict::worst(all));
        let [scenario, camera, viewer] = [scenario, camera, viewer].map(str::to_owned);
        Self { scenario, camera, viewer, simulated, measured, alike, figures, same_path, verdict }
    }
}

/// The stages for which all of these were configured to take the same time.
fn alike<'a>(streams: impl Iterator<Item = &'a StreamSummary>) -> Vec<Alike> {
    let common = streams.map(|stream| stream.configured_us).reduce(|common, one| {
        PerStage::from_fn(|stage| common[stage].filter(|_| common[stage] == one[stage]))
    });
    let common = common.unwrap_or_default();
    let alike = |(stage, us): (Stage, &Option<i64>)| {
        Some(Alike { stage: stage.name(), us: us.filter(|us| *us > 0)? })
    };
    common.iter().filter_map(alike).collect()
}

/// How much of a figure that is.
fn alike_in(figure: &str, alike: &[Alike]) -> i64 {
    let is_in = |one: &&Alike| {
        figure.starts_with("capture-to-render")
            || figure.strip_suffix(", median").is_some_and(|stage| stage == one.stage)
    };
    alike.iter().filter(is_in).map(|one| one.us).sum()
}

fn side(runs: &[(&Summary, &StreamSummary)], counts: impl Fn(&Summary) -> bool) -> Side {
    let mut side = Side::default();
    for (run, stream) in runs {
        if !counts(run) {
            side.left_out += 1;
            continue;
        }
        side.runs += 1;
        side.seeds.insert(run.seed.to_string());
        side.media.insert(run.media_mode);
        side.durations_us.insert(run.duration_us);
        let viewer = run.profiles.iter().filter(|peer| peer.peer == stream.viewer);
        side.viewers.extend(viewer.map(|peer| peer.profile.clone()));
        for peer in run.profiles.iter().filter(|peer| peer.peer == stream.camera) {
            side.profiles.insert(peer.profile.clone());
            side.profile_digests.insert(peer.sha256.clone());
        }
        side.paths.extend(path(stream));
    }
    side
}

/// A browser has no profile, and so no digest of one.
fn shown_by_a_browser(run: &Summary, viewer: &str) -> bool {
    run.profiles.iter().any(|peer| peer.peer == viewer && peer.sha256.is_empty())
}

/// Such as `server-reflexive to host, direct`: the camera's candidate as the viewer sees it, and the viewer's.
fn path(stream: &StreamSummary) -> Option<String> {
    let (camera, viewer): (CandidateKind, CandidateKind) =
        (stream.remote_candidate?, stream.local_candidate?);
    let way = if stream.relayed? { "relayed" } else { "direct" };
    Some(format!("{camera} to {viewer}, {way}"))
}

/// A value and how far the truth may be from it.
type Value = (i64, Uncertainty);

/// A figure of one run.
struct OwnFigure {
    name: Cow<'static, str>,
    scale: Scale,
    /// By which bound it is held.
    held: Held,
    value: Option<Value>,
}

/// The figures of one run, in the order of a report. The offer waits for a boot and for what is tried anew each second:
/// nothing is demanded of it.
fn figures(stream: &StreamSummary) -> Vec<OwnFigure> {
    let (at, unsure) = (&stream.setup_us, &stream.setup_uncertainty_us);
    let phase =
        |value: fn(&PerPhase<Option<i64>>) -> Option<i64>,
         of: fn(&PerPhase<Uncertainty>) -> Uncertainty| { Some((value(at)?, of(unsure))) };
    let offer = phase(|all| all.signalling, |all| all.signalling);
    let nominated = phase(|all| all.nominated, |all| all.nominated);
    let dtls = phase(|all| all.dtls, |all| all.dtls);
    let rtp = phase(|all| all.first_rtp, |all| all.first_rtp);
    let key = phase(|all| all.first_key_frame, |all| all.first_key_frame);
    let render = phase(|all| all.first_render, |all| all.first_render);
    let first = stream.time_to_first_frame_us;
    let first = first.map(|us| (us, stream.time_to_first_frame_uncertainty_us));
    let latency = &stream.capture_to_render_us;
    let [p50, p95, p99] = [
        (Percentile::P50, latency.p50, latency.p50_uncertainty),
        (Percentile::P95, latency.p95, latency.p95_uncertainty),
        (Percentile::P99, latency.p99, latency.p99_uncertainty),
    ]
    .map(|(percentile, us, unsure)| borne(latency, percentile, us.zip(Some(unsure))));
    // What one stage loses another may gain.
    let open = latency.uncertainty.below.max(latency.uncertainty.above);
    let part = |part: SplitPart| Some((part.p50?, Uncertainty { below: open, above: open }));
    let split = &stream.split_us;
    let exact = |value: i64| (value, Uncertainty::default());
    let (lost, captured) = (stream.frames.lost.total(), stream.frames.captured);
    let lost = lost.saturating_mul(1_000_000).checked_div(captured);
    let whole = |value: u64| i64::try_from(value).ok().map(exact);
    let own = |name, scale, held, value| OwnFigure { name, scale, held, value };
    let times = [
        ("set-up: until the offer, boot included", Held::Never, offer),
        ("set-up: offer to nominated", Held::Medians, step(offer, nominated)),
        ("set-up: nominated to DTLS", Held::Medians, step(nominated, dtls)),
        ("set-up: DTLS to first RTP", Held::Never, step(dtls, rtp)),
        ("set-up: first RTP to first key frame", Held::Never, step(rtp, key)),
        ("set-up: first key frame to first render", Held::Never, step(key, render)),
        ("set-up: DTLS to first render", Held::Medians, step(dtls, render)),
        ("set-up: offer to first render", Held::Range, step(offer, render)),
        ("time to first frame", Held::Never, first),
        ("capture-to-render p50", Held::Both, p50),
        ("capture-to-render p95", Held::Both, p95),
        ("capture-to-render p99", Held::Medians, p99),
        ("of it configured, median", Held::Never, part(split.configured)),
        ("of it chosen by the stack, median", Held::Never, part(split.chosen)),
        ("of it suffered, median", Held::Never, part(split.suffered)),
    ];
    let times = times.map(|(name, held, value)| own(name.into(), Scale::Us, held, value));
    let stages = stream.stages_us.iter().map(|(stage, us)| {
        let name = format!("{}, median", stage.name()).into();
        own(name, Scale::Us, Held::Medians, us.p50.zip(Some(us.p50_uncertainty)))
    });
    let others = [
        ("frames lost", Scale::Ppm, Held::Range, lost.and_then(whole)),
        ("freezes", Scale::Count, Held::Never, whole(stream.freezes.count)),
        ("frozen in all", Scale::Us, Held::Range, whole(stream.freezes.total_us)),
        ("bit rate", Scale::Bps, Held::Never, stream.bit_rate_bps.and_then(whole)),
        ("sessions", Scale::Count, Held::Never, whole(stream.sessions)),
    ];
    let others = others.map(|(name, scale, held, value)| own(name.into(), scale, held, value));
    times.into_iter().chain(stages).chain(others).collect()
}

/// A percentile that the sample bears.
fn borne(latency: &LatencySummary, percentile: Percentile, value: Option<Value>) -> Option<Value> {
    value.filter(|_| latency.count >= percentile.sample_that_bears_it())
}

/// From one phase to another, both from the same zero. On the virtual clock both ends are late by the crossings and
/// timers before the first, and only the second by those between them.
fn step(from: Option<Value>, to: Option<Value>) -> Option<Value> {
    let ((from, before), (to, after)) = (from?, to?);
    let uncertainty = match (before.above, after.above) {
        (0, 0) => Uncertainty { below: after.below.saturating_sub(before.below), above: 0 },
        _ => Uncertainty {
            below: after.below.saturating_add(before.above),
            above: after.above.saturating_add(before.below),
        },
    };
    Some((to.saturating_sub(from), uncertainty))
}

impl OverRuns {
    fn of(values: impl Iterator<Item = Value>) -> Option<Self> {
        let (mut values, unsure): (Vec<i64>, Vec<Uncertainty>) = values.unzip();
        values.sort_unstable();
        let greatest = |of: fn(&Uncertainty) -> _| unsure.iter().map(of).max().unwrap_or_default();
        Some(Self {
            runs: values.len() as u64,
            least: *values.first()?,
            median: nearest_rank(&values, Percentile::P50)?,
            greatest: *values.last()?,
            uncertainty: Uncertainty {
                below: greatest(|one| one.below),
                above: greatest(|one| one.above),
            },
        })
    }
}

impl Compared {
    fn of(
        OwnFigure { name, scale, .. }: &OwnFigure,
        simulated: Option<OverRuns>,
        measured: Option<OverRuns>,
        alike: &[Alike],
        within: Option<Within>,
    ) -> Self {
        let alike = alike_in(name, alike);
        let difference = simulated.zip(measured).map(|(simulated, measured)| {
            let by = measured.median.saturating_sub(simulated.median);
            let (ours, theirs) = (simulated.uncertainty, measured.uncertainty);
            let sum = |one, other| signed(one).saturating_add(signed(other));
            Difference {
                by,
                least: by.saturating_sub(sum(theirs.below, ours.above)),
                most: by.saturating_add(sum(theirs.above, ours.below)),
            }
        });
        let verdict = within.map(|within| match (simulated.zip(measured), difference, within) {
            (Some((simulated, _)), Some(difference), Within::Medians { percent, us }) => {
                let rest = simulated.median.saturating_sub(alike).max(0);
                difference.within(crate::within::share(rest, percent).max(i128::from(us)))
            }
            (Some((simulated, measured)), _, Within::Range { percent }) => {
                measured.median_in(&simulated, alike, percent)
            }
            _ => Verdict::Inconclusive,
        });
        let (name, scale) = (name.to_string(), *scale);
        Self { name, scale, simulated, measured, alike, difference, verdict }
    }
}

fn signed(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
