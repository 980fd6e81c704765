//! Sessions that ended, as the cause of checks that did not pass.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Predicate};
use crate::event::{LossPhase, Phase};
use crate::header::Header;
use crate::measure;
use crate::session::SessionTimeline;
use crate::timeline::{Fate, StreamTimeline};

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndedSession {
    /// Its number.
    pub session: u32,
    /// When, at the peer at which it ended first, microseconds on the run's clock.
    pub at_us: u64,
    /// That peer.
    pub by: String,
    /// Why, in a few words.
    pub reason: String,
    /// It had been connected: DTLS was done at the viewer.
    pub connected: bool,
}

impl EndedSession {
    /// Of a session; none if it went on to the end of the run.
    #[must_use]
    pub fn of(session: &SessionTimeline) -> Option<Self> {
        let first = session.ends.first()?;
        Some(Self {
            session: session.number,
            at_us: first.at_ns / 1_000,
            by: first.by.clone(),
            reason: first.reason.clone(),
            connected: session.viewer_ns.contains_key(&Phase::Dtls),
        })
    }
}

impl fmt::Display for EndedSession {
    /// `session 1 was ended by phone at 18.037 s (nothing came from the camera any more)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, at_us, by, reason, .. } = self;
        let at = crate::counted::seconds(*at_us);
        write!(f, "session {session} was ended by {by} at {at} ({reason})")
    }
}

/// The sessions whose end is why a check did not pass, in words: of what was measured, if anything was, and of
/// how many samples. With `power_is_told` the losses of power are named already.
pub(crate) fn of_check(
    check: &Check,
    (measured_us, sample): (Option<i64>, u64),
    stream: &StreamTimeline,
    header: &Header,
    power_is_told: bool,
) -> Option<String> {
    let parts = parts(check, (measured_us, sample), stream, header);
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
    (measured_us, sample): (Option<i64>, u64),
    stream: &StreamTimeline,
    header: &Header,
) -> Vec<(u64, u64)> {
    let from_us = check.window.from_us.unwrap_or(0);
    let to_us = check.window.to_us.unwrap_or(header.duration_us);
    let until = |from_us: u64| match measured_us {
        Some(took) => from_us.saturating_add(u64::try_from(took).unwrap_or(0)).min(to_us),
        None => to_us,
    };
    match &check.predicate {
        Predicate::Connects { .. } | Predicate::TimeToFirstFrame { .. } => {
            let asked = measure::first_request(stream, check.window);
            asked.map(|(_, at)| (at / 1_000, until(at / 1_000))).into_iter().collect()
        }
        Predicate::Recovery { after, .. } => {
            let event = header.events.iter().find(|event| event.name == *after);
            let part = event.map(|event| {
                let over_us = event.at_us.saturating_add(event.lasts_us.unwrap_or(0));
                (event.at_us, until(over_us))
            });
            part.into_iter().collect()
        }
        // What ended before the window and was not shown again left nothing to be measured in it.
        _ if measured_us.is_none() || sample < check.minimum_sample => {
            let shown = measure::rendered_us(stream).into_iter();
            vec![(shown.filter(|at| *at < from_us).max().unwrap_or(0), to_us)]
        }
        Predicate::Freezes { .. } => {
            let frozen = measure::freezes(&measure::rendered_us(stream), to_us).into_iter();
            let ended = frozen.filter(|freeze| freeze.to_us >= from_us);
            ended.map(|freeze| (freeze.from_us, freeze.to_us)).collect()
        }
        Predicate::FramesLost { .. } | Predicate::CaptureToRender { .. } => {
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
