//! ICE checks, read from a record.

use crate::support::{CAMERA, REQUEST_NS, Run, VIEWER, check, entry, session};
use parallax_record::*;

const HOME: &str = "192.168.1.10:50000";
const OUTSIDE: &str = "203.0.113.1:50000";
const RELAYED: &str = "198.51.100.3:49152";
const THERE: &str = "192.168.1.10:50001";
const FOREIGN: &str = "203.0.113.2:1024";

#[test]
fn pairs_have_their_kinds_and_each_check_its_answer() {
    let mut run = Run::streaming(&[]);
    let mut at = REQUEST_NS;
    let mut push = |node: &str, event| {
        at += 1_000_000;
        run.entries.push(entry(at, node, event));
        at
    };
    for (node, kind, address) in [
        (VIEWER, CandidateKind::Host, HOME),
        (VIEWER, CandidateKind::Relayed, RELAYED),
        (CAMERA, CandidateKind::Host, THERE),
        (CAMERA, CandidateKind::ServerReflexive, OUTSIDE),
    ] {
        let candidate = Candidate { kind, address: address.into() };
        push(node, Event::Candidate { session: session(1), candidate });
    }
    let sent = |local: &str, remote: &str, attempt, nominates| Event::CheckSent {
        session: session(1),
        local: local.into(),
        remote: remote.into(),
        attempt,
        nominates,
    };
    let answered = |local: &str, remote: &str, attempt| Event::CheckAnswered {
        session: session(1),
        local: local.into(),
        remote: remote.into(),
        attempt,
        sent_run_ns: 0,
    };
    let first = push(VIEWER, sent(HOME, THERE, 1, false));
    push(VIEWER, sent(HOME, OUTSIDE, 1, false));
    push(VIEWER, sent(HOME, THERE, 2, false));
    push(VIEWER, sent(RELAYED, FOREIGN, 1, false));
    // The same addresses at the other end are another matter.
    push(CAMERA, sent(THERE, HOME, 1, false));
    let came = push(VIEWER, answered(HOME, OUTSIDE, 1));
    let nominated = push(VIEWER, sent(HOME, OUTSIDE, 2, true));
    push(VIEWER, answered(HOME, "203.0.113.9:9", 1));
    let predicate = Predicate::Path { route: Some(Route::Relayed), local: None, remote: None };
    run.header.checks = vec![check(predicate)];
    let record = run.record();
    // A path that is not the one that was asked for: what else was tried.
    assert_eq!(
        judge(&record).checks[0].detail.as_deref(),
        Some(
            "direct (server-reflexive to host); pairs that phone checked in session 1: host to host (no answer), \
             host to server-reflexive (answered), relayed to peer-reflexive (no answer)"
        )
    );
    let pairs = checked_pairs(&record, &session(1), VIEWER);
    let kinds: Vec<_> = pairs.iter().map(|pair| (pair.local.kind, pair.remote.kind)).collect();
    let expected = [
        (CandidateKind::Host, CandidateKind::Host),
        (CandidateKind::Host, CandidateKind::ServerReflexive),
        (CandidateKind::Relayed, CandidateKind::PeerReflexive),
    ];
    assert_eq!(kinds, expected);
    assert_eq!((pairs[0].attempts.len(), pairs[0].answered_ns()), (2, None));
    assert_eq!(pairs[0].attempts[0].sent_ns, first);
    assert_eq!(pairs[1].answered_ns(), Some(came));
    let last = Attempt { sent_ns: nominated, answered_ns: None, nominates: true };
    assert_eq!(pairs[1].attempts[1], last);
    assert_eq!(checked_pairs(&record, &session(1), CAMERA).len(), 1);
    assert_eq!(checked_pairs(&record, &session(2), VIEWER), []);
}
