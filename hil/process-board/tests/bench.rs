//! A process board on a bench, through a scenario, to a record that is judged.

mod patient;

use parallax_bench::{BoardPlace, BoardRun, CameUp, Ran, ReplayKind, replay, run};
use parallax_record::{CandidateKind, Event, Phase, Record, Verdict};
use parallax_scenario::{
    Boots, Builtin, Profiles, Replacement, Replacements, Scenario, parse_with,
};
use patient::patiently;
use std::{collections::BTreeMap, ffi::OsString, fs, time::Duration};
use tempfile::TempDir;

/// A shipped scenario, its doorbell a process board, cut short.
fn scenario(name: &str, duration: Duration) -> Scenario {
    let file = format!("{}/../../fixtures/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&file).expect("it ships");
    let profile = Builtin.find("process-board").expect("it ships").expect("it is sound");
    let by = "the bench".to_owned();
    let devices = BTreeMap::from([("doorbell".to_owned(), Replacement { profile, by })]);
    let replaced = Replacements { devices, boots: Boots::Unknown, ..Replacements::default() };
    let mut scenario =
        parse_with(&format!("{name}.toml"), &text, &Builtin, &replaced).expect("a scenario");
    scenario.duration = duration;
    scenario
}

fn on_the_bench(name: &str, duration: Duration) -> (Ran, Record, String) {
    let folder = TempDir::new().expect("a folder");
    let scenario = scenario(name, duration);
    let command = [OsString::from(env!("CARGO_BIN_EXE_parallax-process-board"))];
    let ran = run(&BoardRun::new(&scenario, &BoardPlace::Process, &command, folder.path()))
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
    patiently(|| {
        let (ran, record, transcript) = on_the_bench("two-homes", Duration::from_secs(12));
        assert_eq!(record.header.peers[0].profile.name, "process-board");
        let faults: Vec<_> =
            record.entries.iter().filter(|e| matches!(e.event, Event::Fault { .. })).collect();
        assert!(faults.is_empty(), "{faults:#?}\n{transcript}");
        if late(&record) {
            assert_eq!(ran.summary.verdict, Verdict::Inconclusive);
            return;
        }
        let by_console_alone = |event: &Event| matches!(event, Event::Note { text } if text.contains("no clock question"));
        let alone = record.entries.iter().any(|entry| by_console_alone(&entry.event));
        assert!(!alone, "its clock was asked over the network, too");
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
        let command = replayed.steps.iter().find(|step| step.kind == ReplayKind::Command);
        assert!(command.expect("a command").text.contains("parallax-agent --nonce"), "{replayed}");
        let odd = replayed
            .steps
            .iter()
            .find(|step| [ReplayKind::Unfit, ReplayKind::Death].contains(&step.kind));
        assert_eq!(odd, None, "{replayed}");
    });
}

#[test]
fn a_board_that_loses_its_power_boots_again_and_is_the_same_camera() {
    patiently(|| {
        let (ran, record, transcript) = on_the_bench("camera-reboot", Duration::from_secs(30));
        let boots: Vec<u32> = record
            .entries
            .iter()
            .filter(|entry| entry.node == "doorbell")
            .filter_map(|entry| match entry.event {
                Event::Started { boot } => Some(boot),
                _ => None,
            })
            .collect();
        let told = || format!("{:#?}\n{transcript}", ran.summary);
        // What it has counted in flash outlived its power.
        assert_eq!(boots, [0, 1], "{}", told());
        assert!(transcript.contains("power off"), "{transcript}");
        assert_eq!(
            (&ran.summary.faults[..], &ran.summary.failures[..]),
            (&[][..], &[][..]),
            "{}",
            told()
        );
        if late(&record) {
            assert_eq!(ran.summary.verdict, Verdict::Inconclusive);
            return;
        }
        let sessions = |entry: &parallax_record::Entry| match &entry.event {
            Event::Phase { session, phase: Phase::FirstRender } if entry.node == "phone" => {
                Some(session.number)
            }
            _ => None,
        };
        let shown: Vec<u32> = record.entries.iter().filter_map(sessions).collect();
        assert!(shown.len() >= 2, "the second boot is seen too: {shown:?}\n{}", told());
    });
}

#[test]
fn a_board_that_does_not_start_is_the_benchs_fault_and_the_run_has_a_record() {
    patiently(|| {
        let folder = TempDir::new().expect("a folder");
        let scenario = scenario("two-homes", Duration::from_secs(3));
        let command = [OsString::from("/bin/false")];
        let ran = run(&BoardRun {
            earlier: &["attempt 1: late".to_owned()],
            ..BoardRun::new(&scenario, &BoardPlace::Process, &command, folder.path())
        })
        .expect("a record");
        assert_eq!(ran.summary.verdict, Verdict::Error);
        assert!(ran.summary.faults[0].contains("it ended at once"), "{:?}", ran.summary.faults);
        assert_eq!(ran.summary.earlier_attempts, ["doorbell: attempt 1: late"]);
        let left = |name: &str| folder.path().join(name).exists();
        assert!(left("record.jsonl") && !left("journal.jsonl"));
    });
}
