//! ICE checks of a session, pair by pair, at one of its ends.

use crate::event::{Event, Session};
use crate::header::Stream;
use crate::record::Record;
use crate::session::SessionTimeline;
use crate::timeline::StreamTimeline;
use parallax_spec::{Candidate, CandidateKind};

/// What became of a candidate pair at the peer that checked it. Times are nanoseconds on the run's
/// clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedPair {
    /// This end: what the checks were sent from, so a host or a relayed candidate. A server-reflexive
    /// one sends from the host candidate that it is of.
    pub local: Candidate,
    /// The other end. Peer-reflexive if the other peer told no candidate of this address in its own
    /// record.
    pub remote: Candidate,
    /// The checks: each until the first that was answered, then those that nominated the pair.
    pub attempts: Vec<Attempt>,
}

/// One check of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was sent.
    pub sent_ns: u64,
    /// When its answer came; none if none did, or if another check of the pair, which nominated no
    /// less, was answered before.
    pub answered_ns: Option<u64>,
    /// It nominated the pair.
    pub nominates: bool,
}

impl CheckedPair {
    /// When the first answer came; none if none did.
    #[must_use]
    pub fn answered_ns(&self) -> Option<u64> {
        self.attempts.iter().filter_map(|attempt| attempt.answered_ns).min()
    }
}

/// The pairs that `node`, the session's camera or viewer, checked in a session, in the order of their
/// first check.
#[must_use]
pub fn checked_pairs(record: &Record, session: &Session, node: &str) -> Vec<CheckedPair> {
    let of_session = || record.entries.iter().filter(|it| it.event.session() == Some(session));
    let kind = |at_node: bool, address: &str| {
        let told = of_session().filter(|entry| (entry.node == node) == at_node);
        let mut candidates = told.filter_map(|entry| match &entry.event {
            Event::Candidate { candidate, .. } => Some(candidate),
            _ => None,
        });
        candidates.find(|candidate| candidate.address == address).map(|candidate| candidate.kind)
    };
    let candidate = |at_node, address: &str, unknown| Candidate {
        kind: kind(at_node, address).unwrap_or(unknown),
        address: address.to_owned(),
    };
    let mut pairs: Vec<CheckedPair> = Vec::new();
    let place = |pairs: &[CheckedPair], local: &str, remote: &str| {
        let is_it =
            |pair: &CheckedPair| pair.local.address == local && pair.remote.address == remote;
        pairs.iter().position(is_it)
    };
    for entry in of_session().filter(|entry| entry.node == node) {
        match &entry.event {
            Event::CheckSent { local, remote, nominates, .. } => {
                let at = place(&pairs, local, remote).unwrap_or_else(|| {
                    pairs.push(CheckedPair {
                        local: candidate(true, local, CandidateKind::Host),
                        remote: candidate(false, remote, CandidateKind::PeerReflexive),
                        attempts: Vec::new(),
                    });
                    pairs.len() - 1
                });
                let (sent_ns, nominates) = (entry.run_ns, *nominates);
                pairs[at].attempts.push(Attempt { sent_ns, answered_ns: None, nominates });
            }
            Event::CheckAnswered { local, remote, attempt, .. } => {
                let pair = place(&pairs, local, remote).and_then(|at| pairs.get_mut(at));
                let attempt = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
                if let Some(attempt) = pair.and_then(|pair| pair.attempts.get_mut(attempt)) {
                    attempt.answered_ns.get_or_insert(entry.run_ns);
                }
            }
            _ => {}
        }
    }
    pairs
}

/// The checked pairs of this number of sessions are looked for, the last ones.
const SESSIONS: usize = 3;

/// Which kinds of pairs the viewer checked in the last session with checks that it had asked for by a time, and which of
/// them were answered: `pairs that phone checked in session 1: host to host (no answer), host to relayed (answered)`.
/// Of a viewer that does not tell, the camera's checks are taken.
pub(crate) fn tried(record: &Record, stream: &StreamTimeline, at_ns: u64) -> Option<String> {
    let asked = |session: &&SessionTimeline| {
        session.requests_ns.first().is_some_and(|asked_ns| *asked_ns <= at_ns)
    };
    let Stream { camera, viewer } = &stream.stream;
    let last = stream.sessions.iter().rev().filter(asked).take(SESSIONS);
    let (number, node, pairs) = last
        .flat_map(|session| [viewer, camera].map(|node| (session.number, node)))
        .map(|(number, node)| {
            let session = Session { camera: camera.clone(), viewer: viewer.clone(), number };
            (number, node, checked_pairs(record, &session, node))
        })
        .find(|(.., pairs)| !pairs.is_empty())?;
    let mut kinds: Vec<(String, bool)> = Vec::new();
    for pair in &pairs {
        let kind = format!("{} to {}", pair.local.kind, pair.remote.kind);
        let answered = pair.answered_ns().is_some();
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, any)) => *any |= answered,
            None => kinds.push((kind, answered)),
        }
    }
    let told = kinds.iter().map(|(kind, answered)| {
        format!("{kind} ({})", if *answered { "answered" } else { "no answer" })
    });
    let told: Vec<String> = told.collect();
    Some(format!("pairs that {node} checked in session {number}: {}", told.join(", ")))
}
