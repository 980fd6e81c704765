//! Sessions that ended, as the cause of checks that did not pass.

use crate::event::LossPhase;
use crate::finding::Finding;
use crate::header::Header;
use crate::measure;
use crate::session::{EndedSession, SessionTimeline};
use crate::timeline::{Fate, StreamTimeline};
use parallax_spec::{Check, Subject};

/// The sessions whose end is why a check did not pass, in words. With `power_is_told` the losses of power are named already.
pub(crate) fn of_check(
    check: &Check,
    finding: &Finding,
    stream: &StreamTimeline,
    header: &Header,
    power_is_told: bool,
) -> Option<String> {
    let parts = parts(check, finding, stream, header);
    let mut ends = stream.sessions.iter().filter_map(|session| {
        let told = session.ends.first().filter(|end| !(power_is_told && end.stopped))?;
        let within = parts.iter().any(|(from, to)| (*from..=*to).contains(&(told.at_ns / 1_000)));
        within.then(|| EndedSession::of(session)).flatten()
    });
    let first = ends.next()?;
    let mut text = first.to_string();
    let (others, last) = ends.fold((0, None), |(count, _), end| (count + 1, Some(end)));
    match last {
        Some(last) if others == 1 => text.push_str(&format!(", {last}")),
        Some(last) => text.push_str(&format!(", {} more, and {last}", others - 1)),
        None => {}
    }
    Some(text)
}

/// In which parts of the run an end of a session bears on a check, microseconds.
pub(crate) fn parts(
    check: &Check,
    finding: &Finding,
    stream: &StreamTimeline,
    header: &Header,
) -> Vec<(u64, u64)> {
    let from_us = check.window.from_us.unwrap_or(0);
    let to_us = check.window.to_us.unwrap_or(header.duration_us);
    let until = |from_us: u64| match finding.measured_us() {
        Some(took) => from_us.saturating_add(u64::try_from(took).unwrap_or(0)).min(to_us),
        None => to_us,
    };
    match check.predicate.kind().subject() {
        Subject::Request => {
            let asked = measure::first_request(stream, check.window);
            asked.map(|(_, at)| (at / 1_000, until(at / 1_000))).into_iter().collect()
        }
        Subject::Event => {
            let after = check.predicate.event();
            let event = header.events.iter().find(|event| Some(event.name.as_str()) == after);
            let part = event.map(|event| {
                let over_us = event.at_us.saturating_add(event.lasts_us.unwrap_or(0));
                (event.at_us, until(over_us))
            });
            part.into_iter().collect()
        }
        // What ended before the window and was not shown again left nothing to be measured in it.
        _ if finding.is_short(check) => {
            let shown = measure::rendered_us(stream).into_iter();
            vec![(shown.filter(|at| *at < from_us).max().unwrap_or(0), to_us)]
        }
        Subject::Freezes => {
            let frozen = measure::frozen_in(stream, header.duration_us, check.window);
            frozen.into_iter().map(|freeze| (freeze.from_us, freeze.to_us)).collect()
        }
        Subject::LostFrames | Subject::Latency => {
            let own = stream.frames.iter().filter(|one| check.window.holds(one.camera.captured_ns));
            // Its last frames were lost, up to its end.
            let lost_to_the_end = |session: &SessionTimeline| {
                let end_us = session.ends.first()?.at_ns / 1_000;
                let last = own.clone().rfind(|frame| frame.session == session.number)?;
                let bears = match last.fate {
                    Fate::Lost(LossPhase::Session) => true,
                    Fate::Lost(_) => end_us <= to_us,
                    _ => false,
                };
                bears.then_some((end_us, end_us))
            };
            stream.sessions.iter().filter_map(lost_to_the_end).collect()
        }
        _ => Vec::new(),
    }
}
