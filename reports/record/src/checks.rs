//! ICE checks of a session, pair by pair, at one of its ends.

use crate::candidate::{Candidate, CandidateKind};
use crate::event::{Event, Session};
use crate::record::Record;

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
