//! Holds a run against its checks.
//!
//! A measured value stands for an interval that the truth lies in. Wholly inside the bound it
//! passes, wholly outside it fails, astride it is inconclusive, and so is too small a sample, unless
//! more frames could not mend what is broken. What
//! had to happen in the window and did not fails: a connection, a path, a frame. So a check on
//! frames fails if there was not a single one: a dead stream is never inconclusive. A check that
//! the mode of the run cannot judge has no verdict: it is listed apart ([`NotJudged`]).

use crate::account::{doubts, texts};
use crate::event::Event;
use crate::finding::{Finding, find};
use crate::header::Header;
use crate::not_judged::{self, NotJudged};
use crate::record::Record;
use crate::summarise::{bytes, summarise};
use crate::summary::{CheckResult, Comparison, Summary};
use crate::timeline::{StreamTimeline, Timeline};
use crate::uncertainty::Uncertainty;
use crate::verdict::Verdict;
use crate::{absence, delays, ends, scripted, setup};
use parallax_spec::{Check, Predicate};

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
        let selects = |stream: &&StreamTimeline| {
            check.streams.selects(&stream.stream.camera, &stream.stream.viewer)
        };
        let mut selected = timeline.streams.iter().filter(selects).peekable();
        let selects_none = selected.peek().is_none();
        for result in selected.flat_map(|stream| hold(check, stream, &timeline, record)) {
            match result {
                Ok(judged) => checks.push(judged),
                Err(other) => not_judged.push(*other),
            }
        }
        if let Some(after) = check.predicate.event()
            && !header.events.iter().any(|event| event.name == after)
        {
            faults.push(format!(
                "a check asks for recovery after {after}, and no event is called so"
            ));
        }
        if selects_none {
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
        verdict,
        faults,
        failures,
        doubts,
        earlier_attempts,
        record_sha256: Some(record.sha256.clone()),
        packets_sha256: Some(record.end.packets_sha256.clone()).filter(|digest| !digest.is_empty()),
        checks,
        not_judged,
        streams: timeline.streams.iter().map(|stream| summarise(stream, record)).collect(),
        links: delays::summaries(record),
        bytes: bytes(record),
        ..Summary::empty(header)
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

/// Holds a stream against a check: a result for each finding, or that the mode of the run cannot judge it.
fn hold(
    check: &Check,
    stream: &StreamTimeline,
    timeline: &Timeline,
    record: &Record,
) -> Vec<Result<CheckResult, Box<NotJudged>>> {
    let findings = find(check, stream, timeline, record).into_iter();
    findings.map(|finding| conclude(check, finding, stream, timeline, record)).collect()
}

/// A pacer slower than what it is to send: frames pile up before it, whatever the network does.
fn slow_pacer(check: &Check, stream: &StreamTimeline, header: &Header) -> Option<String> {
    if matches!(check.predicate, Predicate::Connects { .. } | Predicate::Path { .. }) {
        return None;
    }
    let name = &stream.stream.camera;
    let sends = header.peers.iter().find(|peer| peer.name == *name)?.camera.as_ref()?;
    let bit_rate_bps = sends.recorded_bps.unwrap_or(sends.camera.bit_rate_bps);
    let pacer_bps = sends.camera.pacer_bps.filter(|pacer| *pacer < bit_rate_bps)?;
    let rate = |bps: u64| match bps % 1_000 {
        0 => format!("{} kbit/s", bps / 1_000),
        _ => format!("{bps} bit/s"),
    };
    Some(format!(
        "the pacer of {name} sends {}, less than its bit rate of {}",
        rate(pacer_bps),
        rate(bit_rate_bps)
    ))
}

fn conclude(
    check: &Check,
    mut finding: Finding,
    stream: &StreamTimeline,
    timeline: &Timeline,
    record: &Record,
) -> Result<CheckResult, Box<NotJudged>> {
    let header = &record.header;
    let key = check.predicate.kind().key();
    let name = finding.of.take().map_or_else(|| key.to_owned(), |of| format!("{key} {of}"));
    let verdict = decide(&finding, check.minimum_sample, check.predicate.only_worsens());
    // A stream without a single picture fails in any mode.
    if verdict != Verdict::Fail
        && let Some(reason) = not_judged::reason(&check.predicate, header)
    {
        return Err(Box::new(NotJudged::of(check, name, &stream.stream, reason)));
    }
    // A bound within the uncertainty has no cause in the run.
    if verdict == Verdict::Fail || finding.sample < check.minimum_sample {
        let absent = absence::of_check(check, &finding, stream, timeline, record);
        let ended = ends::of_check(check, &finding, stream, header, absent.is_some());
        let scripted = scripted::of_check(check, &finding, stream, header);
        let pacer = slow_pacer(check, stream, header);
        let causes = [setup::of_check(check, stream), absent, scripted, ended, pacer];
        let causes = causes.into_iter().flatten().reduce(|one, next| format!("{one}; {next}"));
        finding.detail = match (finding.detail.take(), causes) {
            (Some(detail), Some(causes)) => Some(format!("{detail}: {causes}")),
            (detail, causes) => causes.or(detail),
        };
    }
    Ok(CheckResult {
        verdict,
        name,
        camera: stream.stream.camera.clone(),
        viewer: stream.stream.viewer.clone(),
        measured: finding.measured_us(),
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
    })
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

#[cfg(test)]
mod tests;
