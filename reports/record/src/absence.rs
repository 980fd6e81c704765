//! Peers that did not run: still booting, or without power.

use crate::counted;
use crate::event::Event;
use crate::finding::Finding;
use crate::header::{Action, Header};
use crate::measure;
use crate::record::Record;
use crate::recovery;
use crate::timeline::{Fate, StreamTimeline, Timeline};
use parallax_spec::{Check, Subject, Window};

/// A time in which a peer did not run, nanoseconds on the run's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Absence {
    from_ns: u64,
    /// Until when; none: the run ended first.
    to_ns: Option<u64>,
    /// It booted. Else it had no power.
    booting: bool,
}

impl Absence {
    fn holds(&self, at_ns: u64) -> bool {
        self.from_ns <= at_ns && self.to_ns.is_none_or(|to| at_ns < to)
    }
}

/// A part of the run, nanoseconds on its clock.
#[derive(Clone, Copy, Debug)]
struct Part {
    from_ns: u64,
    to_ns: u64,
}

impl Part {
    fn of(window: Window, header: &Header) -> Self {
        let ns = |us: u64| us.saturating_mul(1_000);
        let (from_us, to_us) =
            (window.from_us.unwrap_or(0), window.to_us.unwrap_or(header.duration_us));
        Self { from_ns: ns(from_us), to_ns: ns(to_us) }
    }

    /// Half of it.
    fn half_ns(self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns) / 2
    }

    /// How much of an absence lies in it.
    fn overlap_ns(self, absence: &Absence) -> u64 {
        let to_ns = absence.to_ns.unwrap_or(u64::MAX).min(self.to_ns);
        to_ns.saturating_sub(absence.from_ns.max(self.from_ns))
    }
}

/// That camera or viewer was still booting, or had no power, if that is why a check did not pass.
pub(crate) fn of_check(
    check: &Check,
    finding: &Finding,
    stream: &StreamTimeline,
    timeline: &Timeline,
    record: &Record,
) -> Option<String> {
    let header = &record.header;
    let mut part = Part::of(check.window, header);
    let begins_ns = match check.predicate.kind().subject() {
        Subject::Request => measure::first_request(stream, check.window).map(|(_, at)| at),
        Subject::Event => {
            let after = check.predicate.event()?;
            let event = header.events.iter().find(|event| event.name == after)?;
            // Of one that is not over the end of its power loss is all that is known.
            let end_us = event.at_us.saturating_add(event.lasts_us.unwrap_or(0));
            let over = recovery::over_ns(event, &header.events, timeline);
            Some(over.unwrap_or_else(|| end_us.saturating_mul(1_000)))
        }
        // Of these there must be enough: half of the window is.
        _ if finding.is_short(check) => {
            return cause(record, stream, part, None, part.half_ns());
        }
        Subject::LostFrames => {
            let lost = stream.frames.iter().filter(|frame| matches!(frame.fate, Fate::Lost(_)));
            let lost = lost.map(|frame| frame.camera.captured_ns);
            let lost: Vec<u64> = lost.filter(|at| check.window.holds(*at)).collect();
            return texts(record, stream, None, |absences| {
                absences.iter().copied().find(|one| lost.iter().any(|at| one.holds(*at)))
            });
        }
        Subject::Freezes => {
            let frozen = measure::frozen_in(stream, record.header.duration_us, check.window);
            let frozen = frozen.iter().map(|freeze| Part {
                from_ns: freeze.from_us.saturating_mul(1_000).max(part.from_ns),
                to_ns: freeze.to_us.saturating_mul(1_000),
            });
            let frozen: Vec<Part> = frozen.collect();
            return texts(record, stream, None, |absences| {
                absences
                    .iter()
                    .copied()
                    .find(|one| frozen.iter().any(|part| part.overlap_ns(one) > 0))
            });
        }
        _ => return None,
    };
    part.from_ns = begins_ns.unwrap_or(part.from_ns);
    let ns = |us: i64| u64::try_from(us).unwrap_or(0).saturating_mul(1_000);
    if let Some(took) = finding.measured_us() {
        part.to_ns = part.from_ns.saturating_add(ns(took));
    }
    // What was measured since the request is explained in times since the request.
    let requested = matches!(check.predicate.kind().subject(), Subject::Request);
    let since_ns = begins_ns.filter(|_| requested);
    cause(record, stream, part, since_ns, ns(finding.bound))
}

/// Why a stream had less than `needed_ns` of a part of the run: its camera or its viewer did not run.
/// None if both ran for that time.
fn cause(
    record: &Record,
    stream: &StreamTimeline,
    part: Part,
    since_ns: Option<u64>,
    needed_ns: u64,
) -> Option<String> {
    texts(record, stream, since_ns, |absences| {
        let absent: u64 = absences.iter().map(|one| part.overlap_ns(one)).sum();
        let ran = part.to_ns.saturating_sub(part.from_ns).saturating_sub(absent);
        let longest = absences.iter().max_by_key(|one| part.overlap_ns(one))?;
        (absent > 0 && ran < needed_ns).then_some(*longest)
    })
}

/// Tells the absence of a stream's camera, and of its viewer, that is chosen among those of each: in times since the
/// request at `since_ns`, else of the run.
fn texts(
    record: &Record,
    stream: &StreamTimeline,
    since_ns: Option<u64>,
    choose: impl Fn(&[Absence]) -> Option<Absence>,
) -> Option<String> {
    let roles = [("camera", &stream.stream.camera), ("viewer", &stream.stream.viewer)];
    let texts: Vec<String> = roles
        .into_iter()
        .filter_map(|(role, name)| {
            let absences = absences(record, name);
            let chosen = choose(&absences)?;
            // A loss of power and the boot that follows it are one standstill.
            let boot = absences
                .iter()
                .find(|next| !chosen.booting && next.booting && Some(next.from_ns) == chosen.to_ns);
            let boot = boot.map(|boot| format!(", and {}", told(*boot, record, since_ns)));
            let told = told(chosen, record, since_ns);
            Some(format!("the {role} {name} {told}{}", boot.unwrap_or_default()))
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join(", and "))
}

fn told(absence: Absence, record: &Record, since_ns: Option<u64>) -> String {
    let seconds = |ns: u64| match since_ns {
        None => counted::seconds(ns / 1_000),
        Some(since) if ns <= since => "before the request".to_owned(),
        Some(since) => format!("{} after the request", counted::seconds((ns - since) / 1_000)),
    };
    let end = counted::seconds(record.header.duration_us);
    match (absence.booting, absence.to_ns) {
        (true, Some(to)) => format!("was still booting until {}", seconds(to)),
        (true, None) => format!("was still booting when the run ended at {end}"),
        (false, Some(to)) => {
            format!("had no power from {} to {}", seconds(absence.from_ns), seconds(to))
        }
        (false, None) => {
            format!("had no power from {} to the end of the run", seconds(absence.from_ns))
        }
    }
}

/// When a peer did not run, in the order of time: it is switched on at 0 s.
fn absences(record: &Record, peer: &str) -> Vec<Absence> {
    let ready = |since_ns: u64| {
        let own = record.entries.iter().filter(|entry| entry.node == peer);
        let mut started =
            own.filter(|entry| matches!(entry.event, Event::Started { .. } | Event::Ready { .. }));
        started.find(|entry| entry.run_ns >= since_ns).map(|entry| entry.run_ns)
    };
    let end_ns = record.header.duration_us.saturating_mul(1_000);
    let mut absences = Vec::new();
    // Since when it has power.
    let mut powered = Some(0);
    let losses = record.header.events.iter();
    let losses = losses
        .filter(|event| matches!(&event.action, Action::PowerLoss { peer: of } if of == peer));
    let of = |from_ns: u64, to_ns: Option<u64>, booting| Absence { from_ns, to_ns, booting };
    for event in losses {
        let at_ns = event.at_us.saturating_mul(1_000);
        absences.extend(
            powered.map(|since| of(since, Some(ready(since).unwrap_or(at_ns).min(at_ns)), true)),
        );
        let lasts_ns = event.lasts_us.map(|lasts| lasts.saturating_mul(1_000));
        powered = lasts_ns.map(|lasts| at_ns.saturating_add(lasts)).filter(|end| *end < end_ns);
        absences.push(of(at_ns, powered, false));
    }
    absences.extend(powered.map(|since| of(since, ready(since), true)));
    absences
}
