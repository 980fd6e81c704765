//! Scripted events in whose time a check was not kept: what the scenario did to the run, for who reads of the failure.
//! That it happened then is known; that nothing else was the cause is not, and is not said.

use crate::check::{Check, Predicate};
use crate::counted::{counted, seconds};
use crate::ends;
use crate::header::{Action, Header, LinkDirection, ScriptedEvent};
use crate::timeline::{Fate, StreamTimeline};

/// So long after an event that is over in no time frames are still lost to it, microseconds: sessions that it
/// broke are begun anew.
const AFTERMATH_US: u64 = 5_000_000;

/// A frame captured so long before an event was still on its way when it began, microseconds.
const ON_THE_WAY_US: u64 = 200_000;

/// What the scenario did while a check was not kept, in words: of what was measured, if anything was, and of how many
/// samples. Losses of power are told as the absence of a peer.
pub(crate) fn of_check(
    check: &Check,
    found: (Option<i64>, u64),
    stream: &StreamTimeline,
    header: &Header,
) -> Option<String> {
    let others = header.events.iter().filter(|event| match &check.predicate {
        // The check's own name says it.
        Predicate::Recovery { after, .. } => event.name != *after,
        _ => true,
    });
    let others = others.filter(|event| !matches!(event.action, Action::PowerLoss { .. }));
    let bears = |event: &&ScriptedEvent| match (&check.predicate, found.0) {
        (Predicate::FramesLost { .. }, Some(_)) => most_lost(check, stream, header, event),
        _ => {
            let mut parts = ends::parts(check, found, stream, header).into_iter();
            let (began_us, over_us) = (event.at_us, until_us(event, header));
            parts.any(|(from_us, to_us)| began_us <= to_us && from_us <= over_us)
        }
    };
    let told: Vec<&ScriptedEvent> = others.filter(bears).collect();
    match &told[..] {
        [] => None,
        [first, rest @ ..] => {
            let more = counted(rest.len() as u64, "event");
            let more = if rest.is_empty() { String::new() } else { format!(", and {more} more") };
            Some(format!("the scenario {}{more}", words(first, header)))
        }
    }
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
    let time = event.at_us.saturating_sub(ON_THE_WAY_US)..=until_us(event, header);
    let within = lost.iter().filter(|at| time.contains(at)).count();
    within > 0 && within * 2 >= lost.len()
}

/// Until when an event bears on the run, microseconds.
fn until_us(event: &ScriptedEvent, header: &Header) -> u64 {
    match (event.lasts_us, &event.action) {
        (Some(lasts), _) => event.at_us.saturating_add(lasts).saturating_add(AFTERMATH_US),
        (None, Action::Restart { .. } | Action::RebootGateway { .. }) => {
            event.at_us.saturating_add(AFTERMATH_US)
        }
        (None, _) => header.duration_us,
    }
}

fn words(event: &ScriptedEvent, header: &Header) -> String {
    let at = seconds(event.at_us);
    let time = match event.lasts_us {
        Some(lasts) => format!("from {at} to {}", seconds(event.at_us.saturating_add(lasts))),
        None if until_us(event, header) == header.duration_us => format!("from {at} on"),
        None => format!("at {at}"),
    };
    match &event.action {
        Action::Kill { service } => format!("killed {service} at {at}"),
        Action::Restart { service } => format!("restarted {service} at {at}"),
        Action::RebootGateway { site } => format!("rebooted the gateway of {site} at {at}"),
        Action::ChangeLink { site, direction, .. } => {
            let direction = match direction {
                LinkDirection::Up => "up",
                LinkDirection::Down => "down",
            };
            format!("changed the {direction} link of {site} {time}")
        }
        Action::PowerLoss { peer } => format!("took {peer}'s power {time}"),
    }
}
