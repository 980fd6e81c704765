//! Two peers inside the lab, in real time, and a record that can be judged.

use parallax_fabric::header;
use parallax_lab::{Config, run};
use parallax_record::{CandidateKind, Clock, Event, Phase, Record, Verdict, Writer, judge};
use parallax_scenario::{Builtin, Scenario, parse};
use std::time::Duration;

/// `two-homes`, cut short and without its checks' windows that lie after that.
fn two_homes(duration: Duration) -> Scenario {
    let text = include_str!("../../../fixtures/scenarios/two-homes.toml");
    let mut scenario = parse("two-homes.toml", text, &Builtin).expect("a scenario");
    scenario.duration = duration;
    scenario
}

/// As a record's bytes, and read again.
fn record(scenario: &Scenario, entries: &[parallax_record::Entry], sha256: &str) -> Record {
    let clock = Clock::Real { bound_us: 1 };
    let header = header(scenario, 1, "0.0.0", clock);
    let mut writer = Writer::new(Vec::new(), &header).expect("memory takes all");
    for entry in entries {
        writer.entry(entry).expect("in the order of time");
    }
    let (bytes, _) = writer.finish(sha256).expect("memory takes all");
    Record::read(&bytes).expect("a whole record")
}

#[test]
fn two_peers_stream_through_the_network_in_real_time_and_are_judged() {
    let scenario = two_homes(Duration::from_secs(12));
    let outcome = run(&scenario, Config::new(1)).expect("it runs");
    let record = record(&scenario, &outcome.entries, &outcome.packets_sha256);
    assert_eq!(outcome.duration, scenario.duration);

    let faults: Vec<_> =
        record.entries.iter().filter(|entry| matches!(entry.event, Event::Fault { .. })).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    // What a candidate says is what the network knows, nothing of the machine.
    let mut kinds = Vec::new();
    for entry in &record.entries {
        if let Event::Candidate { candidate, .. } = &entry.event {
            assert!(!candidate.address.starts_with("127."), "{candidate:?}");
            kinds.push(candidate.kind);
        }
    }
    assert!(kinds.contains(&CandidateKind::Host), "{kinds:?}");

    let summary = judge(&record);
    let late = record.entries.iter().find_map(|entry| match entry.event {
        Event::Lateness { packets, p99_us, budget_us, .. } => Some((packets, p99_us, budget_us)),
        _ => None,
    });
    let (packets, p99_us, budget_us) = late.expect("it says how late it was");
    assert_eq!(packets, outcome.lateness.packets());
    if p99_us > budget_us {
        assert_eq!(summary.verdict, Verdict::Inconclusive);
        return;
    }
    // In time: then they connected, directly, and pictures came.
    let reached = |wanted| {
        record
            .entries
            .iter()
            .any(|entry| matches!(&entry.event, Event::Phase { phase, .. } if *phase == wanted))
    };
    assert!(reached(Phase::Dtls), "{:#?}", summary.checks);
    assert!(reached(Phase::FirstRender), "{:#?}", summary.checks);
    assert_ne!(summary.verdict, Verdict::Error, "{:?}", summary.faults);
}

#[test]
fn a_run_over_its_lateness_budget_is_inconclusive_with_the_figure() {
    let scenario = two_homes(Duration::from_secs(3));
    let config = Config { budget: Duration::ZERO, ..Config::new(1) };
    let outcome = run(&scenario, config).expect("it runs");
    assert!(outcome.lateness.packets() > 0, "the peers speak with the rendezvous");
    let summary = judge(&record(&scenario, &outcome.entries, &outcome.packets_sha256));
    assert_eq!(summary.verdict, Verdict::Inconclusive);
    let p99_us = outcome.lateness.percentile(99).as_nanos().div_ceil(1_000);
    for check in &summary.checks {
        assert_eq!(check.verdict, Verdict::Inconclusive);
        let detail = check.detail.as_deref().unwrap_or_default();
        assert!(detail.contains(&format!("within {p99_us} us")), "{detail}");
    }
}
