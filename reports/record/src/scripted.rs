//! Scripted events in whose time a check was not kept. The text says what the scenario did and when, which is known; it
//! does not say that nothing else was a cause.

use crate::counted::{counted, seconds};
use crate::ends;
use crate::finding::Finding;
use crate::header::{Action, Header, ScriptedEvent};
use crate::measure;
use crate::timeline::{Fate, StreamTimeline};
use parallax_spec::{Check, Subject};

/// A frame captured this time before an event may still be on its way when the event begins, microseconds.
const ON_THE_WAY_US: u64 = 200_000;

/// What the scenario did while a check was not kept, in words. Losses of power are reported as the absence of a peer.
pub(crate) fn of_check(
    check: &Check,
    finding: &Finding,
    stream: &StreamTimeline,
    header: &Header,
) -> Option<String> {
    // The check's own name says it.
    let own = |event: &ScriptedEvent| check.predicate.event() == Some(event.name.as_str());
    let others = header.events.iter().filter(|event| !own(event));
    let bears =
        |event: &&ScriptedEvent| match (check.predicate.kind().subject(), finding.measured_us()) {
            (Subject::LostFrames, Some(_)) => most_lost(check, stream, header, event),
            _ => {
                let mut parts = ends::parts(check, finding, stream, header).into_iter();
                let (began_us, over_us) = (event.at_us, until_us(event, stream, header));
                parts.any(|(from_us, to_us)| began_us <= to_us && from_us <= over_us)
            }
        };
    let mut told = others.filter(bears).filter_map(words);
    let first = told.next()?;
    let more = match told.count() as u64 {
        0 => String::new(),
        more => format!(", and {} more", counted(more, "event")),
    };
    Some(format!("the scenario {first}{more}"))
}

/// Whether most of what was lost was captured in an event's time.
fn most_lost(
    check: &Check,
    stream: &StreamTimeline,
    header: &Header,
    event: &ScriptedEvent,
) -> bool {
    let lost = stream.frames.iter().filter(|frame| matches!(frame.fate, Fate::Lost(_)));
    let lost = lost.map(|frame| frame.camera.captured_ns);
    let lost: Vec<u64> = lost.filter(|at| check.window.holds(*at)).map(|at| at / 1_000).collect();
    let time = event.at_us.saturating_sub(ON_THE_WAY_US)..=until_us(event, stream, header);
    let within = lost.iter().filter(|at| time.contains(at)).count();
    within > 0 && within * 2 >= lost.len()
}

/// Until when an event bears on a stream, microseconds: to its end, and on to the first frame that was captured after
/// that and shown. What is lost later is not the event's.
fn until_us(event: &ScriptedEvent, stream: &StreamTimeline, header: &Header) -> u64 {
    let over_us = match (event.lasts_us, &event.action) {
        (Some(lasts), _) => event.at_us.saturating_add(lasts),
        (None, action) if action.goes_on() => return header.duration_us,
        // Over in no time; or a service is gone, which a stream need not even have noticed.
        (None, _) => event.at_us,
    };
    let captured = measure::rendered(stream).map(|frame| frame.camera.captured_ns / 1_000);
    captured.filter(|at| *at >= over_us).min().unwrap_or(header.duration_us)
}

/// What an event did; none of a loss of power.
fn words(event: &ScriptedEvent) -> Option<String> {
    if matches!(event.action, Action::PowerLoss { .. }) {
        return None;
    }
    let (did, at) = (event.action.past(), seconds(event.at_us));
    Some(match event.lasts_us {
        Some(lasts) => format!("{did} from {at} to {}", seconds(event.at_us.saturating_add(lasts))),
        None if event.action.goes_on() => format!("{did} from {at} on"),
        None => format!("{did} at {at}"),
    })
}
