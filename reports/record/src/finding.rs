//! Findings: what a run measured, for each bound of its checks.

use crate::distribution::nearest_rank;
use crate::event::Phase;
use crate::header::{Clock, Header, PeerHeader};
use crate::measure::{self, Span};
use crate::record::Record;
use crate::session::PathUse;
use crate::summarise::count;
use crate::summary::{Comparison, FramesSummary, Unit};
use crate::timeline::{Fate, FrameHistory, StreamTimeline, Timeline};
use crate::uncertainty::{FRAME_TICKS, Uncertainty};
use crate::verdict::Verdict;
use crate::{checks, recovery as recovering};
use parallax_spec::{CandidateKind, Check, LossBound, Predicate, Route, Statistic, Window};

/// What is held against one bound.
pub(crate) struct Finding {
    /// What of its kind is checked, such as `p95`, for its name.
    pub(crate) of: Option<String>,
    /// What was measured, or the verdict where nothing was.
    pub(crate) measured: Result<Span, Verdict>,
    pub(crate) comparison: Comparison,
    pub(crate) bound: i64,
    pub(crate) unit: Unit,
    pub(crate) sample: u64,
    pub(crate) detail: Option<String>,
}

impl Finding {
    /// What was measured, if anything was.
    pub(crate) fn measured_us(&self) -> Option<i64> {
        self.measured.ok().map(|span| span.measured_us)
    }

    /// Whether there was too little to measure.
    pub(crate) fn is_short(&self, check: &Check) -> bool {
        self.measured.is_err() || self.sample < check.minimum_sample
    }
}

/// What was found of a stream for a check: one finding for each of its bounds.
pub(crate) fn find(
    check: &Check,
    stream: &StreamTimeline,
    timeline: &Timeline,
    record: &Record,
) -> Vec<Finding> {
    let mut findings = found(check, stream, timeline, record);
    let camera = |peer: &&PeerHeader| peer.name == stream.stream.camera;
    let camera = record.header.peers.iter().find(camera);
    if camera.is_some_and(|peer| peer.program.is_some()) {
        findings.iter_mut().for_each(|finding| of_a_program(check, finding));
    }
    findings
}

/// A program does not tell when it captures a frame, nor which it did not send: what rests on that is not known.
fn of_a_program(check: &Check, finding: &mut Finding) {
    let unknown = match &check.predicate {
        Predicate::CaptureToRender { .. } => "when it captured a frame",
        Predicate::FramesLost { .. } => "how many frames it captured and did not send",
        _ => return,
    };
    // Frames that were lost on the way are lost, however many were lost before.
    let is_kept = finding.measured_us().is_none_or(|measured| measured <= finding.bound);
    if is_kept && finding.sample > 0 {
        finding.measured = Err(Verdict::Inconclusive);
        let why = format!("the camera is a program, which does not tell {unknown}");
        finding.detail = Some(match finding.detail.take() {
            Some(detail) => format!("{detail}; {why}"),
            None => why,
        });
    }
}

fn found(
    check: &Check,
    stream: &StreamTimeline,
    timeline: &Timeline,
    record: &Record,
) -> Vec<Finding> {
    let header = &record.header;
    let clock = header.clock;
    let window = check.window;
    match &check.predicate {
        Predicate::Connects { within_us } => {
            vec![once(Phase::Dtls, Comparison::AtMost, *within_us, stream, check, clock)]
        }
        Predicate::TimeToFirstFrame { below_us } => {
            vec![once(Phase::FirstRender, Comparison::Below, *below_us, stream, check, clock)]
        }
        Predicate::Path { route, local, remote } => {
            vec![path(*route, *local, *remote, stream, record, window)]
        }
        Predicate::CaptureToRender { percentile, below_us } => {
            let spans = measure::capture_to_render(stream, window, clock);
            let frames = count(captured_in(stream, window));
            let shown = rendered_in(stream, window);
            vec![Finding {
                of: Some(percentile.to_string()),
                measured: spans.percentile(*percentile).ok_or(Verdict::Fail),
                comparison: Comparison::Below,
                bound: signed(*below_us),
                unit: Unit::Us,
                sample: shown,
                detail: no_frame(shown).or_else(|| not_in_percentiles(frames)),
            }]
        }
        Predicate::Freezes { count_at_most, total_below_us } => {
            freezes(*count_at_most, *total_below_us, stream, header, window)
        }
        Predicate::LongestFreeze { below_us } => {
            vec![longest_freeze(*below_us, stream, header, window)]
        }
        Predicate::FramesLost { at_most } => vec![frames_lost(*at_most, stream, window)],
        Predicate::Psnr { statistic, above_millidb } => {
            let values = measure::psnr_millidb(stream, window);
            let (bound, shown) = (i64::from(*above_millidb), rendered_in(stream, window));
            vec![quality(&values, *statistic, bound, Unit::Millidb, shown)]
        }
        Predicate::Ssim { statistic, above_ppm } => {
            let values = measure::ssim_ppm(stream, window);
            let (bound, shown) = (i64::from(*above_ppm), rendered_in(stream, window));
            vec![quality(&values, *statistic, bound, Unit::SsimPpm, shown)]
        }
        Predicate::Recovery { after, within_us } => {
            vec![recovery(after, *within_us, stream, timeline, header, window)]
        }
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn exact(value: u64) -> Span {
    Span { measured_us: signed(value), uncertainty: Uncertainty::NONE }
}

/// What had to happen and did not, fails.
fn happened(happened: bool, measured: Span) -> Result<Span, Verdict> {
    if happened { Ok(measured) } else { Err(Verdict::Fail) }
}

fn no_frame(count: u64) -> Option<String> {
    (count == 0).then(|| "no frame captured in the window was rendered".to_owned())
}

/// What a percentile of latency leaves out.
fn not_in_percentiles(frames: FramesSummary) -> Option<String> {
    let lost = frames.lost.total();
    (lost > 0).then(|| format!("{lost} of {} frames were lost and are not in it", frames.captured))
}

fn rendered_in(stream: &StreamTimeline, window: Window) -> u64 {
    captured_in(stream, window).filter(|frame| frame.fate == Fate::Rendered).count() as u64
}

fn captured_in(stream: &StreamTimeline, window: Window) -> impl Iterator<Item = &FrameHistory> {
    stream.frames.iter().filter(move |frame| window.holds(frame.camera.captured_ns))
}

/// Something that must happen once after the viewer's request.
fn once(
    phase: Phase,
    comparison: Comparison,
    bound_us: u64,
    stream: &StreamTimeline,
    check: &Check,
    clock: Clock,
) -> Finding {
    let requested = measure::first_request(stream, check.window).is_some();
    let measured = measure::time_to(stream, phase, check.window, clock);
    let detail = match (requested, measured) {
        (false, _) => Some("the viewer did not ask for the camera in the window"),
        (true, None) => Some("it did not happen by the end of the window"),
        (true, Some(_)) => None,
    };
    Finding {
        of: None,
        measured: measured.ok_or(Verdict::Fail),
        comparison,
        bound: signed(bound_us),
        unit: Unit::Us,
        sample: u64::from(requested),
        detail: detail.map(str::to_owned),
    }
}

fn path(
    route: Option<Route>,
    local: Option<CandidateKind>,
    remote: Option<CandidateKind>,
    stream: &StreamTimeline,
    record: &Record,
    window: Window,
) -> Finding {
    let from_ns = window.from_us.unwrap_or(0).saturating_mul(1_000);
    let to_ns = window.to_us.unwrap_or(record.header.duration_us).saturating_mul(1_000);
    let used: Vec<PathUse> = measure::paths(stream)
        .into_iter()
        .filter(|path| path.from_ns < to_ns && path.to_ns.is_none_or(|to| to > from_ns))
        .collect();
    let wrong: Vec<&PathUse> = used
        .iter()
        .filter(|path| {
            route.is_some_and(|route| route != path.route)
                || local.is_some_and(|local| local != path.local)
                || remote.is_some_and(|remote| remote != path.remote)
        })
        .collect();
    let shown = wrong.first().copied().or(used.last());
    let mut detail = shown.map_or_else(
        || "no pair was nominated by the end of the window".to_owned(),
        |path| format!("{} ({} to {})", route_name(path.route), path.local, path.remote),
    );
    if used.is_empty() || !wrong.is_empty() {
        let at_ns = wrong.first().map_or(to_ns, |path| path.from_ns);
        detail.extend(checks::tried(record, stream, at_ns).map(|tried| format!("; {tried}")));
    }
    let ends = [("local", local), ("remote", remote)];
    let ends = ends.into_iter().filter_map(|(end, kind)| Some(format!("{end}={}", kind?)));
    let demanded = route.map(|route| route_name(route).to_owned()).into_iter().chain(ends);
    let demanded: Vec<String> = demanded.collect();
    Finding {
        of: (!demanded.is_empty()).then(|| demanded.join(" ")),
        measured: happened(!used.is_empty(), exact(wrong.len() as u64)),
        comparison: Comparison::AtMost,
        bound: 0,
        unit: Unit::Pairs,
        sample: rendered_in(stream, window),
        detail: Some(detail),
    }
}

fn route_name(route: Route) -> &'static str {
    match route {
        Route::Direct => "direct",
        Route::Relayed => "relayed",
    }
}

fn longest_freeze(
    below_us: u64,
    stream: &StreamTimeline,
    header: &Header,
    window: Window,
) -> Finding {
    let sample = rendered_in(stream, window);
    let frozen = measure::frozen_in(stream, header.duration_us, window);
    let longest = frozen.iter().copied().max_by_key(measure::Freeze::duration_us);
    let open = frozen.last().copied().filter(|freeze| freeze.open);
    // How long an open one would have lasted is unknown: it keeps no bound.
    let unknown = open.filter(|_| longest.is_some_and(|one| one.duration_us() < below_us));
    // As in `freezes`: each end is as late as a frame can be.
    let end = Uncertainty::of_duration(header.clock, FRAME_TICKS).below;
    let measured = longest.map_or(exact(0), |freeze| Span {
        measured_us: signed(freeze.duration_us()),
        uncertainty: Uncertainty { below: end, above: end },
    });
    let which = |freeze: measure::Freeze| {
        let [from, to] = [freeze.from_us, freeze.to_us].map(crate::counted::seconds);
        let open = if freeze.open { ", and had not ended with the run" } else { "" };
        format!("from {from} to {to}{open}")
    };
    Finding {
        of: None,
        measured: match unknown {
            Some(_) if sample > 0 => Err(Verdict::Inconclusive),
            _ => happened(sample > 0, measured),
        },
        comparison: Comparison::Below,
        bound: signed(below_us),
        unit: Unit::Us,
        sample,
        detail: no_frame(sample).or_else(|| unknown.or(longest).map(which)),
    }
}

fn freezes(
    count_at_most: u64,
    total_below_us: Option<u64>,
    stream: &StreamTimeline,
    header: &Header,
    window: Window,
) -> Vec<Finding> {
    let frozen = measure::frozen_in(stream, header.duration_us, window);
    let count = frozen.len() as u64;
    let sample = rendered_in(stream, window);
    let open = frozen.iter().any(|freeze| freeze.open);
    let detail = no_frame(sample)
        .or_else(|| open.then(|| "the last one had not ended with the run".to_owned()));
    // A gap has two ends, each as late as a frame can be: it may be longer or shorter by that.
    let one = Uncertainty::of_duration(header.clock, FRAME_TICKS).below;
    let total = Span {
        measured_us: signed(frozen.iter().map(measure::Freeze::duration_us).sum()),
        uncertainty: Uncertainty {
            below: one.saturating_mul(count),
            above: one.saturating_mul(count),
        },
    };
    let finding = |of: Option<&str>, measured, comparison, bound, unit| Finding {
        of: of.map(str::to_owned),
        measured,
        comparison,
        bound,
        unit,
        sample,
        detail: detail.clone(),
    };
    let counted = happened(sample > 0, exact(count));
    let at_most = signed(count_at_most);
    let counted = finding(None, counted, Comparison::AtMost, at_most, Unit::Freezes);
    let timed = total_below_us.map(signed).map(|below| {
        // How long an open one would have lasted is unknown: it keeps no bound.
        let unknown = sample > 0 && open && total.measured_us < below;
        let total = if unknown { Err(Verdict::Inconclusive) } else { happened(sample > 0, total) };
        finding(Some("total"), total, Comparison::Below, below, Unit::Us)
    });
    std::iter::once(counted).chain(timed).collect()
}

/// Frames still under way are no sample: what would have become of them is unknown.
fn frames_lost(at_most: LossBound, stream: &StreamTimeline, window: Window) -> Finding {
    let counts = count(captured_in(stream, window));
    let lost = counts.lost.total();
    let known = lost + counts.rendered;
    let (measured, bound, unit) = match at_most {
        LossBound::Count { frames } => (lost, frames, Unit::Frames),
        LossBound::Share { ppm } => {
            let share = (lost.saturating_mul(1_000_000)).checked_div(known);
            (share.unwrap_or(0), ppm, Unit::Ppm)
        }
    };
    let detail = if counts.captured == 0 {
        "no frame was captured for the viewer in the window".to_owned()
    } else if known == 0 {
        format!("still under way when the run ended: {}", crate::counted(counts.under_way, "frame"))
    } else {
        let phases = counts.lost.by_phase().into_iter().filter(|(count, _)| *count > 0);
        let phases: Vec<String> = phases.map(|(count, phase)| format!("{phase} {count}")).collect();
        let of = format!("{lost} of {}", crate::counted(known, "frame"));
        if phases.is_empty() { of } else { format!("{of} ({})", phases.join(", ")) }
    };
    Finding {
        of: None,
        measured: if counts.captured > 0 && known == 0 {
            Err(Verdict::Inconclusive)
        } else {
            happened(known > 0, exact(measured))
        },
        comparison: Comparison::AtMost,
        bound: signed(bound),
        unit,
        sample: known,
        detail: Some(detail),
    }
}

/// How true pictures are: `values` ascend, of the `shown` frames.
fn quality<T: Copy + Into<i64> + TryFrom<i64>>(
    values: &[T],
    statistic: Statistic,
    bound: i64,
    unit: Unit,
    shown: u64,
) -> Finding {
    let (of, value) = match statistic {
        Statistic::Mean => ("mean".to_owned(), measure::mean(values)),
        Statistic::Minimum => ("minimum".to_owned(), values.first().copied()),
        Statistic::Percentile { percentile } => {
            (percentile.to_string(), nearest_rank(values, percentile))
        }
    };
    let unknown = shown > 0 && values.is_empty();
    let why = "no rendered frame has a known source";
    // Pictures without a source to compare with are there all the same.
    let nothing = if unknown { Verdict::Inconclusive } else { Verdict::Fail };
    let exact = |value: T| Span { measured_us: value.into(), uncertainty: Uncertainty::NONE };
    Finding {
        of: Some(of),
        measured: value.map(exact).ok_or(nothing),
        comparison: Comparison::Above,
        bound,
        unit,
        sample: values.len() as u64,
        detail: no_frame(shown).or_else(|| unknown.then(|| why.to_owned())),
    }
}

fn recovery(
    after: &str,
    within_us: u64,
    stream: &StreamTimeline,
    timeline: &Timeline,
    header: &Header,
    window: Window,
) -> Finding {
    let event = header.events.iter().find(|event| event.name == after);
    let over_ns = event.and_then(|event| recovering::over_ns(event, &header.events, timeline));
    let again = event.and_then(|event| recovering::again(event, &header.events, timeline));
    // What another event does to the picture is not this one's.
    let next_us = header
        .events
        .iter()
        .map(|other| other.at_us)
        .filter(|at| over_ns.is_some_and(|over| at.saturating_mul(1_000) > over));
    let until_us = window.to_us.or(next_us.min()).unwrap_or(header.duration_us);
    let window = Window { to_us: window.to_us.or(Some(until_us)), ..window };
    let span = event.zip(over_ns).and_then(|(event, over_ns)| {
        recovering::span(stream, event, over_ns, window, until_us, header.clock)
    });
    // What the rest of the time would have brought is unknown.
    let cut_short = over_ns.is_some_and(|over| over / 1_000 + within_us > until_us);
    let detail = match (over_ns, span) {
        (None, _) if let Some(again) = again => {
            Some(format!("{} began before the software of its peer ran again", again.name))
        }
        (None, _) => Some("the event was not over by the end of the run".to_owned()),
        (Some(over_ns), None) if cut_short => Some(format!(
            "the picture was not back, but only {} ms of the time were watched",
            until_us.saturating_sub(over_ns / 1_000) / 1_000
        )),
        (Some(_), None) => Some(
            "no picture captured after it was shown by the end of the window and went on"
                .to_owned(),
        ),
        (Some(_), Some(_)) => None,
    };
    let nothing = if cut_short { Verdict::Inconclusive } else { Verdict::Fail };
    Finding {
        of: Some(format!("after {after}")),
        measured: span.ok_or(nothing),
        comparison: Comparison::AtMost,
        bound: signed(within_us),
        unit: Unit::Us,
        sample: u64::from(over_ns.is_some()),
        detail,
    }
}
