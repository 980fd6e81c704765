//! How long a stream takes to come back after something was done to the run.

use crate::check::Window;
use crate::event::Phase;
use crate::header::{Action, Clock, ScriptedEvent};
use crate::measure::{Span, difference_us, rendered};
use crate::timeline::{StreamTimeline, Timeline};
use crate::uncertainty::{Uncertainty, recovery_ticks};

/// When a scripted event was over, nanoseconds on the run's clock: at its end if it lasts, when
/// the peer's software ran again after a loss of power, and else when it happened. None if it was
/// not over when the run ended.
#[must_use]
pub fn over_ns(event: &ScriptedEvent, timeline: &Timeline) -> Option<u64> {
    let end_ns = event.at_us.saturating_add(event.lasts_us.unwrap_or(0)).saturating_mul(1_000);
    match &event.action {
        Action::PowerLoss { peer } => {
            event.lasts_us?;
            let ready = timeline.ready_ns.get(peer)?;
            ready.iter().copied().find(|at| *at >= end_ns)
        }
        Action::Kill { .. }
        | Action::Restart { .. }
        | Action::ChangeLink { .. }
        | Action::RebootGateway { .. } => Some(end_ns),
    }
}

/// From when the event was over to the first rendered frame that was captured after that; capture
/// and render lie in the window. None if there was no such frame.
#[must_use]
pub fn span(
    stream: &StreamTimeline,
    event: &ScriptedEvent,
    over_ns: u64,
    window: Window,
    clock: Clock,
) -> Option<Span> {
    let after = rendered(stream).filter(|frame| {
        let captured_ns = frame.camera.captured_ns;
        captured_ns >= over_ns && window.holds(captured_ns)
    });
    let (frame, at) = after
        .filter_map(|frame| Some((frame, frame.passage.rendered_ns?)))
        .filter(|(_, at)| window.holds(*at))
        .min_by_key(|(_, at)| *at)?;
    let began_ns = event.at_us.saturating_mul(1_000);
    let since = |number: u32, phase: Phase| {
        let session = stream.sessions.iter().find(|session| session.number == number);
        session.and_then(|session| session.viewer_ns.get(&phase)).is_some_and(|at| *at >= began_ns)
    };
    let begun = stream.sessions.iter().filter(|session| session.number <= frame.session);
    let begun = begun.filter(|session| since(session.number, Phase::Requested)).count() as u64;
    // One that was asked for before and connected after has all of its setup in it, too.
    let sessions = begun.max(u64::from(since(frame.session, Phase::Dtls)));
    Some(Span {
        measured_us: difference_us(over_ns, at),
        uncertainty: Uncertainty::of_duration(
            clock,
            recovery_ticks(sessions, frame.passage.resent),
        ),
    })
}
