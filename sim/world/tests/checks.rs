//! The ICE checks that a record tells are those that the network saw.
#![cfg(target_os = "linux")]

use parallax_record::{CandidateKind, CheckedPair, Record, Session, checked_pairs};
use parallax_scenario::{Builtin, Scenario, parse};
use parallax_world::{Guards, Sinks, header, run};

/// The first six seconds of a scenario.
fn record(text: &str) -> Record {
    let text = text.replace("duration = \"30s\"", "duration = \"6s\"");
    let (world, _) = text.split_once("[[check]]").expect("checks");
    let check = "[[check]]\nconnects = { within = \"5s\" }\nwhy = \"A scenario has a check.\"\n";
    let scenario: Scenario = parse("checks.toml", &format!("{world}{check}"), &Builtin)
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut entries = Vec::new();
    let sinks = Sinks { entry: Box::new(|entry| entries.push(entry)), packet: None };
    let outcome = run(&scenario, 1, Guards::default(), sinks).expect("a run");
    Record::new(header(&scenario, 1, "0"), entries, &outcome.packets_sha256).expect("in order")
}

/// What camera and viewer checked.
fn pairs(record: &Record) -> [Vec<CheckedPair>; 2] {
    let session = Session { camera: "doorbell".into(), viewer: "phone".into(), number: 1 };
    ["doorbell", "phone"].map(|node| checked_pairs(record, &session, node))
}

fn between(pairs: &[CheckedPair], local: CandidateKind, remote: CandidateKind) -> &CheckedPair {
    let is_it = |pair: &&CheckedPair| (pair.local.kind, pair.remote.kind) == (local, remote);
    pairs.iter().find(is_it).unwrap_or_else(|| panic!("{local} to {remote}: {pairs:?}"))
}

#[test]
fn between_two_homes_host_to_host_is_never_answered_and_server_reflexive_is_within_a_round_trip() {
    use CandidateKind::{Host, ServerReflexive};
    let record = record(include_str!("../../../fixtures/scenarios/two-homes.toml"));
    for pairs in pairs(&record) {
        let private = between(&pairs, Host, Host);
        assert!(private.attempts.len() > 1, "{private:?}");
        assert_eq!(private.answered_ns(), None, "192.168.1.10 is somebody else at either home");
        let punched = between(&pairs, Host, ServerReflexive);
        let answered = punched.attempts.iter().find(|attempt| attempt.answered_ns.is_some());
        let answered = answered.unwrap_or_else(|| panic!("{punched:?}"));
        let round_trip_ns = answered.answered_ns.expect("it was answered") - answered.sent_ns;
        assert!((35_000_000..70_000_000).contains(&round_trip_ns), "{round_trip_ns} ns");
    }
    // The camera offers, and so is controlling: it nominates.
    let [camera, viewer] = pairs(&record);
    let nominates = |pairs: &[CheckedPair]| {
        let nominating = |pair: &&CheckedPair| pair.attempts.iter().any(|it| it.nominates);
        pairs.iter().filter(nominating).map(|pair| pair.remote.kind).collect::<Vec<_>>()
    };
    assert_eq!(nominates(&camera), [ServerReflexive]);
    assert_eq!(nominates(&viewer), []);
}

#[test]
fn between_strict_homes_what_is_relayed_is_answered_and_nothing_direct_is() {
    use CandidateKind::{Host, Relayed};
    let record = record(include_str!("../../../fixtures/scenarios/strict-homes.toml"));
    for pairs in pairs(&record) {
        for pair in &pairs {
            let relayed = [pair.local.kind, pair.remote.kind].contains(&Relayed);
            assert!(relayed || pair.answered_ns().is_none(), "{pair:?}");
        }
        assert!(between(&pairs, Host, Relayed).answered_ns().is_some());
        assert!(between(&pairs, Relayed, Relayed).answered_ns().is_some());
    }
}
