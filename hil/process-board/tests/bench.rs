//! A process board on a bench, through a scenario, to a record that is judged.

use parallax_bench::{CameUp, Kind, Ran, Run, replay, run};
use parallax_record::{CandidateKind, Event, Phase, Record, Verdict};
use parallax_scenario::{Builtin, Profiles, Replacement, Replacements, Scenario, parse_with};
use std::{collections::BTreeMap, ffi::OsString, fs, time::Duration};
use tempfile::TempDir;

/// A shipped scenario, its doorbell a process board, cut short.
fn scenario(name: &str, duration: Duration) -> Scenario {
    let file = format!("{}/../../fixtures/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&file).expect("it ships");
    let profile = Builtin.find("process-board").expect("it ships").expect("it is sound");
    let by = "the bench".to_owned();
    let devices = BTreeMap::from([("doorbell".to_owned(), Replacement { profile, by })]);
    let replaced = Replacements { devices, media: None };
    let mut scenario =
        parse_with(&format!("{name}.toml"), &text, &Builtin, &replaced).expect("a scenario");
    scenario.duration = duration;
    scenario
}

fn on_the_bench(name: &str, duration: Duration) -> (Ran, Record, String) {
    let folder = TempDir::new().expect("a folder");
    let scenario = scenario(name, duration);
    let command = [OsString::from(env!("CARGO_BIN_EXE_parallax-process-board"))];
    let ran = run(&Run {
        scenario: &scenario,
        seed: 1,
        board: "virtual",
        command: &command,
        folder: folder.path(),
        version: "0.0.0",
        stop: Default::default(),
    })
    .unwrap_or_else(|error| panic!("{error}"));
    let record = Record::read(&fs::read(&ran.record).expect("a record")).expect("a whole one");
    let transcript = fs::read(folder.path().join("console.txt")).expect("a transcript");
    (ran, record, String::from_utf8_lossy(&transcript).into_owned())
}

/// Whether the machine was too slow for a verdict; the run says so itself.
fn late(record: &Record) -> bool {
    record.entries.iter().any(|entry| {
        matches!(entry.event, Event::Lateness { p99_us, budget_us, .. } if p99_us > budget_us)
    })
}

/// The kinds of candidates that the phone's nominated pair has, its own first.
fn pair(record: &Record) -> Option<(CandidateKind, CandidateKind)> {
    record.entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Nominated { local, remote, .. } if entry.node == "phone" => {
            Some((local.kind, remote.kind))
        }
        _ => None,
    })
}

fn reached(record: &Record, wanted: Phase) -> bool {
    record.entries.iter().any(|entry| {
        entry.node == "phone"
            && matches!(&entry.event, Event::Phase { phase, .. } if *phase == wanted)
    })
}

#[test]
fn a_process_board_streams_through_two_gateways_and_is_judged() {
    let (ran, record, transcript) = on_the_bench("two-homes", Duration::from_secs(12));
    assert_eq!(record.header.peers[0].profile.name, "process-board");
    let faults: Vec<_> =
        record.entries.iter().filter(|e| matches!(e.event, Event::Fault { .. })).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{transcript}");
    if late(&record) {
        assert_eq!(ran.summary.verdict, Verdict::Inconclusive);
        return;
    }
    assert!(reached(&record, Phase::FirstRender), "{:#?}\n{transcript}", ran.summary.checks);
    // As in simulation: direct, behind two gateways.
    let (_, remote) = pair(&record).expect("a pair");
    assert_ne!(remote, CandidateKind::Relayed);
    let captured = record.entries.iter().filter(|entry| {
        entry.node == "doorbell" && matches!(entry.event, Event::FrameCaptured { .. })
    });
    assert!(captured.count() > 15, "the board tells of its frames");
    assert!(transcript.contains("process-board login: "), "{transcript}");
    // What was recorded comes to the same without the board.
    let profile = Builtin.find("process-board").expect("it ships").expect("it is sound");
    let replayed = replay(&profile, transcript.as_bytes()).expect("a transcript");
    assert!(matches!(replayed.summary.came_up, CameUp::Yes { .. }), "{replayed}");
    assert_eq!(replayed.unmatched().count(), 0, "{replayed}");
    let (messages, missing) = (replayed.summary.messages, replayed.summary.missing_frames);
    assert!(messages > 15 && missing == 0, "{replayed}");
    let command = replayed.steps.iter().find(|step| step.kind == Kind::Command);
    assert!(command.expect("a command").text.contains("parallax-agent --nonce"), "{replayed}");
    let odd = replayed.steps.iter().find(|step| [Kind::Unfit, Kind::Death].contains(&step.kind));
    assert_eq!(odd, None, "{replayed}");
}
