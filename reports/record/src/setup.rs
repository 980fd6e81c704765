//! The phases of a set-up that took too long: where its time went.

use crate::counted::seconds;
use crate::event::Phase;
use crate::measure::{first_request, phase_ns};
use crate::timeline::StreamTimeline;
use parallax_spec::{Check, Predicate};

/// The milestones of a set-up, as the viewer sees them.
const MILESTONES: [(Phase, &str); 4] = [
    (Phase::Signalling, "offer"),
    (Phase::Nominated, "nominated pair"),
    (Phase::Dtls, "DTLS"),
    (Phase::FirstRender, "first picture"),
];

/// When each phase of the session was complete that a check on a set-up is about: the one in which it came about, or
/// else the last one. Counted from the viewer's first request, as the check counts.
pub(crate) fn of_check(check: &Check, stream: &StreamTimeline) -> Option<String> {
    let goal = match &check.predicate {
        Predicate::Connects { .. } => Phase::Dtls,
        Predicate::TimeToFirstFrame { .. } => Phase::FirstRender,
        _ => return None,
    };
    let (position, requested_ns) = first_request(stream, check.window)?;
    let sessions = &stream.sessions[position..];
    let reached = sessions.iter().position(|session| {
        phase_ns(stream, session, goal).is_some_and(|at| check.window.holds(at))
    });
    let index = reached.unwrap_or(sessions.len().saturating_sub(1));
    let session = sessions.get(index)?;
    let mut told = Vec::new();
    for (phase, name) in MILESTONES.iter().take_while(|(phase, _)| *phase <= goal) {
        let at = phase_ns(stream, session, *phase).filter(|at| check.window.holds(*at));
        match at {
            Some(at) => {
                let after = seconds(at.saturating_sub(requested_ns) / 1_000);
                told.push(format!("{name} after {after}"));
            }
            None => {
                told.push(format!("no {name}"));
                break;
            }
        }
    }
    let which = if index == 0 { String::new() } else { format!("session {}: ", session.number) };
    Some(format!("{which}{}", told.join(", ")))
}
