//! How long a stream takes to come back after something was done to the run.

use crate::event::Phase;
use crate::header::{Action, Clock, ScriptedEvent};
use crate::measure::{Span, rendered};
use crate::timeline::{FrameHistory, PATIENCE_US, StreamTimeline, Timeline, difference_us};
use crate::uncertainty::{Uncertainty, recovery_ticks};
use parallax_spec::Window;

/// When a scripted event was over, nanoseconds on the run's clock: at its end if it lasts, when
/// the peer's software ran again after a loss of power, and else when it happened. None if it was
/// not over when the run ended, or if the peer lost its power again before it ran.
///
/// `events` are those of the run, `event` one of them.
#[must_use]
pub fn over_ns(
    event: &ScriptedEvent,
    events: &[ScriptedEvent],
    timeline: &Timeline,
) -> Option<u64> {
    let end_us = event.at_us.saturating_add(event.lasts_us.unwrap_or(0));
    let end_ns = end_us.saturating_mul(1_000);
    match &event.action {
        Action::PowerLoss { peer } => {
            event.lasts_us?;
            let ready = timeline.ready_ns.get(peer)?;
            let ready_ns = ready.iter().copied().find(|at| *at >= end_ns)?;
            again(event, events, timeline).is_none().then_some(ready_ns)
        }
        // Over at its end if it lasts, and else at once.
        _ => Some(end_ns),
    }
}

/// The loss of power of the same peer that began after this one and before the peer's software ran again.
pub(crate) fn again<'a>(
    event: &ScriptedEvent,
    events: &'a [ScriptedEvent],
    timeline: &Timeline,
) -> Option<&'a ScriptedEvent> {
    let Action::PowerLoss { peer } = &event.action else { return None };
    let end_us = event.at_us.saturating_add(event.lasts_us?);
    let end_ns = end_us.saturating_mul(1_000);
    let ready = timeline.ready_ns.get(peer);
    let ready_ns = ready.and_then(|ready| ready.iter().copied().find(|at| *at >= end_ns));
    let same = events.iter().filter(|other| {
        other.name != event.name
            && other.action == event.action
            && other.at_us >= end_us
            && ready_ns.is_none_or(|ready| other.at_us.saturating_mul(1_000) <= ready)
    });
    same.min_by_key(|other| other.at_us)
}

/// From when the event was over to the first rendered frame that was captured after that and from
/// which on the picture goes on: it does not stand still for [`PATIENCE_US`] any more before the
/// window ends at `until_us`. So a stream that dies of the event some time later has not recovered
/// yet. Capture and render lie in the window. None if there was no such frame.
#[must_use]
pub fn span(
    stream: &StreamTimeline,
    event: &ScriptedEvent,
    over_ns: u64,
    window: Window,
    until_us: u64,
    clock: Clock,
) -> Option<Span> {
    let (frame, at) = back(stream, over_ns, window, until_us)?;
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

/// The frame with which the picture was back, and when it was shown.
fn back(
    stream: &StreamTimeline,
    over_ns: u64,
    window: Window,
    until_us: u64,
) -> Option<(&FrameHistory, u64)> {
    const PATIENCE_NS: u64 = PATIENCE_US * 1_000;
    let mut shown: Vec<_> = rendered(stream)
        .filter(|frame| frame.camera.captured_ns >= over_ns)
        .filter(|frame| window.holds(frame.camera.captured_ns))
        .filter_map(|frame| Some((frame, frame.passage.ended_ns.render?)))
        .filter(|(_, at)| window.holds(*at))
        .collect();
    shown.sort_by_key(|(_, at)| *at);
    let (_, last) = *shown.last()?;
    if until_us.saturating_mul(1_000).saturating_sub(last) >= PATIENCE_NS {
        return None;
    }
    let stood_still = shown.windows(2).rposition(|pair| pair[1].1 - pair[0].1 >= PATIENCE_NS);
    shown.get(stood_still.map_or(0, |position| position + 1)).copied()
}
