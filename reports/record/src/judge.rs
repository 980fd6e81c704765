//! Holds a run against its checks.
//!
//! A measured value stands for an interval that the truth lies in. Wholly inside the bound it
//! passes, wholly outside it fails, astride it is inconclusive, and so is too small a sample, unless
//! more frames could not mend what is broken. What
//! had to happen in the window and did not fails: a connection, a path, a frame. So a check on
//! frames fails if there was not a single one: nobody calls a dead stream inconclusive. A check that
//! the mode of the run cannot judge has no verdict: it is listed apart ([`NotJudged`]).

use crate::account::{doubts, texts};
use crate::candidate::CandidateKind;
use crate::check::{Check, LossBound, Predicate, Route, Statistic, Window};
use crate::event::{Event, Phase};
use crate::header::{Clock, Header};
use crate::measure::{self, PathUse, Span};
use crate::not_judged::{self, NotJudged};
use crate::record::Record;
use crate::summarise::{bytes, count, summarise};
use crate::summary::{CheckResult, Comparison, FramesSummary, PeerProfile, Summary, Unit};
use crate::timeline::{Fate, FrameHistory, StreamTimeline, Timeline};
use crate::uncertainty::{FRAME_TICKS, Uncertainty};
use crate::verdict::Verdict;
use crate::{absence, checks, delays, ends, recovery as recovering, scripted, setup};

/// Measures a run and judges it.
///
/// A run whose record tells of a fault or contradicts itself is an error. So is one with a check
/// that selects no stream. Where nothing was demanded nothing is proven: a run without checks is
/// inconclusive, and so is one whose checks its mode cannot judge.
#[must_use]
pub fn judge(record: &Record) -> Summary {
    let header = &record.header;
    let timeline = Timeline::of(record);
    let mut faults = timeline.faults.clone();
    let mut checks = Vec::new();
    let mut not_judged = Vec::new();
    for check in &header.checks {
        let before = checks.len() + not_judged.len();
        for stream in &timeline.streams {
            if check.streams.selects(&stream.stream.camera, &stream.stream.viewer) {
                hold(check, stream, &timeline, record, (&mut checks, &mut not_judged));
            }
        }
        if let Predicate::Recovery { after, .. } = &check.predicate
            && !header.events.iter().any(|event| event.name == *after)
        {
            faults.push(format!(
                "a check asks for recovery after {after}, and no event is called so"
            ));
        }
        if checks.len() + not_judged.len() == before {
            faults.push(format!(
                "a check selects no stream: camera {}, viewer {}",
                check.streams.camera.as_deref().unwrap_or("any"),
                check.streams.viewer.as_deref().unwrap_or("any"),
            ));
        }
    }
    let doubts = doubts(record);
    if let Some(doubt) = doubts.first() {
        for check in &mut checks {
            check.verdict = Verdict::Inconclusive;
            check.detail = Some(doubt.clone());
        }
    }
    let failures = texts(record, |event| match event {
        Event::DeviceFailed { text } => Some(text),
        _ => None,
    });
    let earlier_attempts = texts(record, |event| match event {
        Event::EarlierAttempt { text } => Some(text),
        _ => None,
    });
    let verdict = worst(&faults, &failures, &checks);
    Summary {
        scenario: header.scenario.clone(),
        title: header.title.clone(),
        seed: header.seed,
        repeat: header.repeat,
        clock: header.clock.kind(),
        tick_us: header.clock.tick_us(),
        clock_bound_us: header.clock.bound_us(),
        verdict,
        faults,
        failures,
        doubts,
        earlier_attempts,
        record_sha256: Some(record.sha256.clone()),
        packets_sha256: Some(record.end.packets_sha256.clone()).filter(|digest| !digest.is_empty()),
        duration_us: header.duration_us,
        media_mode: header.media_mode,
        congestion_control: header.congestion_control.clone(),
        profiles: PeerProfile::of(header),
        checks,
        not_judged,
        streams: timeline.streams.iter().map(|stream| summarise(stream, record)).collect(),
        links: delays::summaries(record),
        bytes: bytes(record),
    }
}

/// The verdict of a run, from its faults, the failures of its device, and its checks.
pub(crate) fn worst(faults: &[String], failures: &[String], checks: &[CheckResult]) -> Verdict {
    match (faults.is_empty(), failures.is_empty()) {
        (false, _) => Verdict::Error,
        (true, false) => Verdict::Fail,
        (true, true) => Verdict::worst(checks.iter().map(|check| check.verdict))
            .unwrap_or(Verdict::Inconclusive),
    }
}

/// What is held against one bound.
struct Finding {
    name: String,
    /// What was measured, or the verdict where nothing was.
    measured: Result<Span, Verdict>,
    comparison: Comparison,
    bound: i64,
    unit: Unit,
    sample: u64,
    detail: Option<String>,
}

/// Holds a stream against a check, and puts the result with those that it belongs to.
fn hold(
    check: &Check,
    stream: &StreamTimeline,
    timeline: &Timeline,
    record: &Record,
    (checks, not_judged): (&mut Vec<CheckResult>, &mut Vec<NotJudged>),
) {
    let header = &record.header;
    for mut finding in find(check, stream, timeline, record) {
        let verdict = decide(&finding, check.minimum_sample, check.predicate.only_worsens());
        // A stream without a single picture fails in any mode.
        if verdict != Verdict::Fail
            && let Some(reason) = not_judged::reason(&check.predicate, header)
        {
            not_judged.push(NotJudged::of(check, finding.name, &stream.stream, reason));
            continue;
        }
        let measured_us = finding.measured.ok().map(|span| span.measured_us);
        // A bound within the uncertainty is nobody's doing.
        if verdict == Verdict::Fail || finding.sample < check.minimum_sample {
            let found = (measured_us, finding.sample, finding.bound);
            let absent = absence::of_check(check, found, stream, timeline, record);
            let found = (measured_us, finding.sample);
            let ended = ends::of_check(check, found, stream, header, absent.is_some());
            let scripted = scripted::of_check(check, found, stream, header);
            let causes = [setup::of_check(check, stream), absent, scripted, ended];
            let causes = causes.into_iter().flatten().reduce(|one, next| format!("{one}; {next}"));
            finding.detail = match (finding.detail.take(), causes) {
                (Some(detail), Some(causes)) => Some(format!("{detail}: {causes}")),
                (detail, causes) => causes.or(detail),
            };
        }
        checks.push(CheckResult {
            verdict,
            name: finding.name,
            camera: stream.stream.camera.clone(),
            viewer: stream.stream.viewer.clone(),
            measured: finding.measured.ok().map(|span| span.measured_us),
            uncertainty: finding.measured.map_or(Uncertainty::NONE, |span| span.uncertainty),
            comparison: finding.comparison,
            bound: finding.bound,
            unit: finding.unit,
            sample: finding.sample,
            minimum_sample: check.minimum_sample,
            from_us: check.window.from_us,
            to_us: check.window.to_us,
            detail: finding.detail,
            why: check.why.clone(),
        });
    }
}

/// What more frames can only make worse is broken however few there are.
fn decide(finding: &Finding, minimum_sample: u64, only_worsens: bool) -> Verdict {
    let span = match finding.measured {
        Ok(span) => span,
        Err(verdict) => return verdict,
    };
    let (least, most) = span.uncertainty.interval(span.measured_us);
    let bound = finding.bound;
    let (inside, outside) = match finding.comparison {
        Comparison::Below => (most < bound, least >= bound),
        Comparison::AtMost => (most <= bound, least > bound),
        Comparison::Above => (least > bound, most <= bound),
    };
    if only_worsens && outside {
        Verdict::Fail
    } else if finding.sample < minimum_sample {
        Verdict::Inconclusive
    } else if inside {
        Verdict::Pass
    } else if outside {
        Verdict::Fail
    } else {
        Verdict::Inconclusive
    }
}

fn find(
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
            vec![once(
                "connects",
                Phase::Dtls,
                Comparison::AtMost,
                *within_us,
                stream,
                check,
                clock,
            )]
        }
        Predicate::TimeToFirstFrame { below_us } => {
            vec![once(
                "time_to_first_frame",
                Phase::FirstRender,
                Comparison::Below,
                *below_us,
                stream,
                check,
                clock,
            )]
        }
        Predicate::Path { route, local, remote } => {
            vec![path(*route, *local, *remote, stream, record, window)]
        }
        Predicate::CaptureToRender { percentile, below_us } => {
            let spans = measure::capture_to_render(stream, window, clock);
            let frames = count(captured_in(stream, window));
            vec![Finding {
                name: format!("capture_to_render {percentile}"),
                measured: spans.percentile(*percentile).ok_or(Verdict::Fail),
                comparison: Comparison::Below,
                bound: signed(*below_us),
                unit: Unit::Us,
                sample: spans.count(),
                detail: no_frame(spans.count()).or_else(|| not_in_percentiles(frames)),
            }]
        }
        Predicate::Freezes { count_at_most, total_below_us } => {
            freezes(*count_at_most, *total_below_us, stream, header, window)
        }
        Predicate::FramesLost { at_most } => vec![frames_lost(*at_most, stream, window)],
        Predicate::Psnr { statistic, above_millidb } => {
            let values = measure::psnr_millidb(stream, window);
            let bound = (i64::from(*above_millidb), Unit::Millidb);
            vec![quality("psnr", &values, *statistic, bound, rendered_in(stream, window))]
        }
        Predicate::Ssim { statistic, above_ppm } => {
            let values = measure::ssim_ppm(stream, window);
            let bound = (i64::from(*above_ppm), Unit::SsimPpm);
            vec![quality("ssim", &values, *statistic, bound, rendered_in(stream, window))]
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
    name: &str,
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
        name: name.to_owned(),
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
    let mut name = String::from("path");
    if let Some(route) = route {
        name.push(' ');
        name.push_str(route_name(route));
    }
    for (end, kind) in [("local", local), ("remote", remote)] {
        if let Some(kind) = kind {
            name.push_str(&format!(" {end}={kind}"));
        }
    }
    Finding {
        name,
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

fn freezes(
    count_at_most: u64,
    total_below_us: Option<u64>,
    stream: &StreamTimeline,
    header: &Header,
    window: Window,
) -> Vec<Finding> {
    let until_us = window.to_us.unwrap_or(header.duration_us);
    let frozen: Vec<_> = measure::freezes(&measure::rendered_us(stream), until_us)
        .into_iter()
        .filter(|freeze| window.from_us.is_none_or(|from| freeze.to_us >= from))
        .collect();
    let count = frozen.len() as u64;
    let sample = rendered_in(stream, window);
    let open = frozen.iter().any(|freeze| freeze.open);
    let detail = no_frame(sample)
        .or_else(|| open.then(|| "the last one had not ended with the window".to_owned()));
    // A gap has two ends, each as late as a frame can be: it may be longer or shorter by that.
    let one = Uncertainty::of_duration(header.clock, FRAME_TICKS).below;
    let total = Span {
        measured_us: signed(frozen.iter().map(measure::Freeze::duration_us).sum()),
        uncertainty: Uncertainty {
            below: one.saturating_mul(count),
            above: one.saturating_mul(count),
        },
    };
    let finding = |name: &str, measured, comparison, bound, unit| Finding {
        name: name.to_owned(),
        measured: happened(sample > 0, measured),
        comparison,
        bound,
        unit,
        sample,
        detail: detail.clone(),
    };
    let mut findings = vec![finding(
        "freezes",
        exact(count),
        Comparison::AtMost,
        signed(count_at_most),
        Unit::Freezes,
    )];
    if let Some(below_us) = total_below_us {
        findings.push(finding(
            "freezes total",
            total,
            Comparison::Below,
            signed(below_us),
            Unit::Us,
        ));
    }
    findings
}

/// Frames still under way are no sample: nobody knows what would have become of them.
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
        name: "frames_lost".to_owned(),
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
    what: &str,
    values: &[T],
    statistic: Statistic,
    (bound, unit): (i64, Unit),
    shown: u64,
) -> Finding {
    let (name, value) = match statistic {
        Statistic::Mean => (format!("{what} mean"), measure::mean(values)),
        Statistic::Minimum => (format!("{what} minimum"), values.first().copied()),
        Statistic::Percentile { percentile } => {
            (format!("{what} {percentile}"), measure::nearest_rank(values, percentile))
        }
    };
    let unknown = shown > 0 && values.is_empty();
    let why = "no rendered frame has a known source";
    // Pictures without a source to compare with are there all the same.
    let nothing = if unknown { Verdict::Inconclusive } else { Verdict::Fail };
    let exact = |value: T| Span { measured_us: value.into(), uncertainty: Uncertainty::NONE };
    Finding {
        name,
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
        recovering::span(stream, event, over_ns, (window, until_us), header.clock)
    });
    // Nobody knows what the rest of the time would have brought.
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
        name: format!("recovery after {after}"),
        measured: span.ok_or(nothing),
        comparison: Comparison::AtMost,
        bound: signed(within_us),
        unit: Unit::Us,
        sample: u64::from(over_ns.is_some()),
        detail,
    }
}

#[cfg(test)]
mod tests;
