//! Sessions: what each went through, and who ended it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Phase, Session};
use crate::header::Action;
use crate::record::Record;
use parallax_spec::{Candidate, CandidateKind, Route};

/// What a session went through.
#[derive(Clone, Debug, Default)]
pub struct SessionTimeline {
    /// Its number.
    pub number: u32,
    /// When the viewer asked for it, nanoseconds on the run's clock, ascending: more than once if the
    /// viewer booted again before it was answered.
    pub requests_ns: Vec<u64>,
    /// When each phase was first complete at the viewer, nanoseconds on the run's clock.
    pub viewer_ns: BTreeMap<Phase, u64>,
    /// When each phase was first complete at the camera, nanoseconds on the run's clock.
    pub camera_ns: BTreeMap<Phase, u64>,
    /// The viewer's nominated pairs, in the order of time.
    pub viewer_pairs: Vec<CandidatePair>,
    /// The camera's nominated pairs, in the order of time.
    pub camera_pairs: Vec<CandidatePair>,
    /// When either end first said that it was over, nanoseconds on the run's clock.
    pub closed_ns: Option<u64>,
    /// How each peer's end of it ended, in the order of time: the first is the cause of the other.
    pub ends: Vec<SessionEnd>,
    /// Since when each peer took part in it, nanoseconds on the run's clock.
    since_ns: BTreeMap<String, u64>,
}

/// How a session ended at one of its peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// When, nanoseconds on the run's clock.
    pub at_ns: u64,
    /// The peer that ended it.
    pub by: String,
    /// Why, in a few words.
    pub reason: String,
    /// The peer stopped, without a word: it lost its power, or booted again.
    pub stopped: bool,
}

/// A nominated pair at one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidatePair {
    /// From when on, nanoseconds on the run's clock.
    pub run_ns: u64,
    /// This end.
    pub local: Candidate,
    /// The other end.
    pub remote: Candidate,
}

impl SessionTimeline {
    /// When it ended at a peer, nanoseconds on the run's clock.
    pub(crate) fn ended_at(&self, peer: &str) -> Option<u64> {
        self.ends.iter().find(|end| end.by == peer).map(|end| end.at_ns)
    }

    fn end(&mut self, end: SessionEnd) {
        match self.ends.iter_mut().find(|known| known.by == end.by) {
            Some(known) if end.at_ns < known.at_ns => *known = end,
            Some(_) => {}
            None => self.ends.push(end),
        }
        self.ends.sort_by_key(|end| end.at_ns);
    }
}

/// The sessions of a record.
pub(crate) fn sessions(record: &Record) -> BTreeMap<Session, SessionTimeline> {
    let mut sessions: BTreeMap<Session, SessionTimeline> = BTreeMap::new();
    let end_ns = record.header.duration_us.saturating_mul(1_000);
    for entry in &record.entries {
        let Some(session) = entry.event.session() else {
            continue;
        };
        let timeline = sessions.entry(session.clone()).or_insert_with(|| SessionTimeline {
            number: session.number,
            ..SessionTimeline::default()
        });
        if !timeline.since_ns.contains_key(&entry.node) {
            timeline.since_ns.insert(entry.node.clone(), entry.run_ns);
        }
        let at_viewer = entry.node == session.viewer;
        match &entry.event {
            Event::Phase { phase, .. } => {
                let phases =
                    if at_viewer { &mut timeline.viewer_ns } else { &mut timeline.camera_ns };
                phases.entry(*phase).or_insert(entry.run_ns);
                if at_viewer && *phase == Phase::Requested {
                    timeline.requests_ns.push(entry.run_ns);
                }
            }
            Event::Nominated { local, remote, .. } => {
                let pairs =
                    if at_viewer { &mut timeline.viewer_pairs } else { &mut timeline.camera_pairs };
                pairs.push(CandidatePair {
                    run_ns: entry.run_ns,
                    local: local.clone(),
                    remote: remote.clone(),
                });
            }
            // Peers that are put away at the end of the run say goodbye too.
            Event::Closed { reason, .. } if entry.run_ns < end_ns => {
                timeline.closed_ns.get_or_insert(entry.run_ns);
                timeline.end(SessionEnd {
                    at_ns: entry.run_ns,
                    by: entry.node.clone(),
                    reason: reason.clone(),
                    stopped: false,
                });
            }
            _ => {}
        }
    }
    note_stops(&mut sessions, record);
    sessions
}

/// Notes at each session which of its peers stopped after they had begun it and before the next one was asked for.
fn note_stops(sessions: &mut BTreeMap<Session, SessionTimeline>, record: &Record) {
    let stops = stops(record);
    if stops.is_empty() {
        return;
    }
    let requests: Vec<(Session, Option<u64>)> = sessions
        .iter()
        .map(|(session, timeline)| (session.clone(), timeline.requests_ns.first().copied()))
        .collect();
    for (session, timeline) in sessions.iter_mut() {
        let same = |other: &Session| {
            (&other.camera, &other.viewer) == (&session.camera, &session.viewer)
                && other.number > session.number
        };
        let next_ns = requests.iter().find(|(other, _)| same(other)).and_then(|(_, at)| *at);
        // A viewer that boots before it was answered asks for the same session again.
        let asked_ns = timeline.requests_ns.last().copied().unwrap_or(0);
        for peer in [&session.camera, &session.viewer] {
            let Some(since_ns) = timeline.since_ns.get(peer).copied() else { continue };
            let mut during = stops.iter().filter(|(at, node, _)| {
                node == peer
                    && *at > asked_ns.max(since_ns)
                    && next_ns.is_none_or(|next| *at < next)
            });
            if let Some((at_ns, _, reason)) = during.next() {
                timeline.end(SessionEnd {
                    at_ns: *at_ns,
                    by: peer.clone(),
                    reason: (*reason).to_owned(),
                    stopped: true,
                });
            }
        }
    }
}

/// When peers stopped without a word, in the order of time.
fn stops(record: &Record) -> Vec<(u64, String, &'static str)> {
    let mut stops = Vec::new();
    for event in &record.header.events {
        if let Action::PowerLoss { peer } = &event.action
            && event.at_us < record.header.duration_us
        {
            stops.push((event.at_us.saturating_mul(1_000), peer.clone(), "it lost its power"));
        }
    }
    for entry in &record.entries {
        if matches!(entry.event, Event::Started { boot: 1.. }) {
            stops.push((entry.run_ns, entry.node.clone(), "it booted again"));
        }
    }
    stops.sort();
    stops
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// A pair that a session used, as the viewer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathUse {
    /// The viewer's end.
    pub local: CandidateKind,
    /// The camera's end.
    pub remote: CandidateKind,
    /// Direct or through TURN. Each end knows its own candidate best: a TURN server's address may
    /// look peer-reflexive from afar, so the camera's word counts here too.
    pub route: Route,
    /// From when on, nanoseconds on the run's clock.
    pub from_ns: u64,
    /// Until when; none if it was not replaced and its session not ended.
    pub to_ns: Option<u64>,
}

/// The pairs that a stream's sessions used, in the order of time. Of a session whose viewer names none, the camera's are
/// taken, seen from the other end.
pub(crate) fn paths(sessions: &[SessionTimeline]) -> Vec<PathUse> {
    let mut uses = Vec::new();
    for (position, session) in sessions.iter().enumerate() {
        let successor_ns = sessions[position + 1..]
            .iter()
            .find_map(|next| next.viewer_ns.get(&Phase::Requested).copied());
        let over_ns = match (session.closed_ns, successor_ns) {
            (Some(closed), Some(next)) => Some(closed.min(next)),
            (closed, next) => closed.or(next),
        };
        let mirrored: Vec<CandidatePair>;
        let pairs = if session.viewer_pairs.is_empty() {
            mirrored = session.camera_pairs.iter().map(mirror).collect();
            &mirrored
        } else {
            &session.viewer_pairs
        };
        for (index, pair) in pairs.iter().enumerate() {
            let to_ns = pairs.get(index + 1).map(|next| next.run_ns).or(over_ns);
            let at_camera =
                session.camera_pairs.iter().rfind(|own| to_ns.is_none_or(|to| own.run_ns < to));
            let ends = [Some(pair), at_camera];
            let relayed = ends.into_iter().flatten().any(|pair| {
                pair.local.kind == CandidateKind::Relayed
                    || pair.remote.kind == CandidateKind::Relayed
            });
            uses.push(PathUse {
                local: pair.local.kind,
                remote: pair.remote.kind,
                route: if relayed { Route::Relayed } else { Route::Direct },
                from_ns: pair.run_ns,
                to_ns,
            });
        }
    }
    uses
}

fn mirror(pair: &CandidatePair) -> CandidatePair {
    CandidatePair { run_ns: pair.run_ns, local: pair.remote.clone(), remote: pair.local.clone() }
}
