//! Boards whose clocks are wrong by known amounts, on consoles that hold back what passes: whole runs, held
//! against the truth. Board and host are one machine, so that both read one monotonic clock.

mod patient;

use parallax_agent::protocol::{BoardTimedEvent, FromBoard, read};
use parallax_bench::{BoardRun, Ran, run};
use parallax_console::{
    Received, Receiver, ScanItem, Scanner, Sender,
    transcript::{self, TranscriptKind},
};
use parallax_process_board::Skew;
use parallax_record::{Event, Record, Summary, Verdict};
use parallax_scenario::{
    Boots, Builtin, Profiles, Replacement, Replacements, Scenario, parse_with,
};
use patient::patiently;
use std::{collections::BTreeMap, ffi::OsString, fs, time::Duration};
use tempfile::TempDir;

fn scenario(duration: Duration) -> Scenario {
    let text = include_str!("../../../fixtures/scenarios/two-homes.toml");
    let profile = Builtin.find("process-board").expect("it ships").expect("it is sound");
    let by = "the bench".to_owned();
    let devices = BTreeMap::from([("doorbell".to_owned(), Replacement { profile, by })]);
    let replaced = Replacements { devices, boots: Boots::Unknown, ..Replacements::default() };
    let mut scenario = parse_with("two-homes.toml", text, &Builtin, &replaced).expect("a scenario");
    scenario.duration = duration;
    scenario
}

/// Runs on a board of which `wrong` says how wrong it is.
fn on_a_board(
    wrong: &[&str],
    duration: Duration,
) -> (Ran, Record, Vec<transcript::TranscriptEntry>) {
    let folder = TempDir::new().expect("a folder");
    let scenario = scenario(duration);
    let mut command = vec![OsString::from(env!("CARGO_BIN_EXE_parallax-process-board"))];
    command.extend(wrong.iter().map(OsString::from));
    let ran = run(&BoardRun::new(
        &scenario,
        &parallax_bench::BoardPlace::Process,
        &command,
        folder.path(),
    ))
    .unwrap_or_else(|error| panic!("{error}"));
    let record = Record::read(&fs::read(&ran.record).expect("a record")).expect("a whole one");
    let text = fs::read_to_string(folder.path().join("console.txt")).expect("a transcript");
    (ran, record, transcript::read(&text).expect("it is one"))
}

/// The host's time at the run's 0.
fn beginning(transcript: &[transcript::TranscriptEntry]) -> i128 {
    let began = |entry: &&transcript::TranscriptEntry| {
        entry.kind == TranscriptKind::Event && entry.bytes == b"the run begins"
    };
    i128::from(transcript.iter().find(began).expect("it is told").at_ns)
}

/// What the board said of its events, with its own times.
fn told(transcript: &[transcript::TranscriptEntry]) -> Vec<BoardTimedEvent> {
    let (mut scanner, mut receiver) = (Scanner::new(), None);
    let (mut text, mut all) = (Vec::new(), Vec::new());
    let received = transcript.iter().filter(|entry| entry.kind == TranscriptKind::Received);
    for byte in received.flat_map(|entry| &entry.bytes) {
        let Some(ScanItem::Frame(frame)) = scanner.push(*byte, &mut text) else { continue };
        if frame.sender != Sender::Board {
            continue;
        }
        let nonce = frame.nonce;
        let receiver = receiver.get_or_insert_with(|| Receiver::new(Sender::Board, nonce));
        if let (_, Received::Message(message)) = receiver.take(frame)
            && let Some(FromBoard::Events { events }) = read(&message)
        {
            all.extend(events);
        }
    }
    all
}

/// When the machine's clock showed what, by what the board's showed: the inverse of [`Skew::board_ns`].
fn host_ns(skew: Skew, board_ns: u64) -> i128 {
    let off = i128::from(board_ns) - i128::from(skew.offset_ns);
    off * 1_000_000 / (1_000_000 + i128::from(skew.drift_ppm))
}

/// The times of each frame, by what of it the event tells: when it is told of, and the time inside.
fn times(event: &Event, at_ns: u64) -> Option<((bool, u32), [u64; 2])> {
    match event {
        Event::FrameCaptured { frame, .. } => Some(((false, *frame), [at_ns, at_ns])),
        Event::FrameEncoded { frame, started_run_ns, .. } => {
            Some(((true, *frame), [at_ns, *started_run_ns]))
        }
        _ => None,
    }
}

#[test]
fn times_of_a_board_are_never_further_from_the_truth_than_the_record_says() {
    patiently(|| {
        let boards = [
            ("0", "0", "0"),
            ("7000", "100", "0"),
            ("3600000", "-100", "25"),
            ("-300", "61", "10"),
        ];
        for (offset, drift, jitter) in boards {
            let wrong =
                ["--clock-offset", offset, "--clock-drift-ppm", drift, "--console-jitter", jitter];
            let (_, record, transcript) = on_a_board(&wrong, Duration::from_secs(9));
            let number = |text: &str| text.parse::<i64>().expect("a number");
            let skew = Skew {
                offset_ns: number(offset) * 1_000_000,
                drift_ppm: number(drift).try_into().expect("small"),
                jump: None,
            };
            let bound_us = record.header.clock.bound_us().expect("there are two clocks");
            let end = i128::from(record.header.duration_us) * 1_000;
            let recorded: BTreeMap<_, _> = record
                .entries
                .iter()
                .filter(|entry| entry.node == "doorbell")
                .filter_map(|entry| times(&entry.event, entry.run_ns))
                .collect();
            let (zero, mut held) = (beginning(&transcript), 0);
            for BoardTimedEvent { board_ns, event } in told(&transcript) {
                let Some((which, board)) = times(&event, board_ns) else { continue };
                let Some(run) = recorded.get(&which) else {
                    // What it did after the end is no part of the run.
                    let truth = host_ns(skew, board[0]) - zero;
                    assert!(truth >= end - i128::from(bound_us) * 1_000, "{wrong:?}: {which:?}");
                    continue;
                };
                for (run_ns, board_ns) in run.iter().zip(board) {
                    let truth = host_ns(skew, board_ns) - zero;
                    if truth >= end {
                        // By less than the bound.
                        continue;
                    }
                    // One nanosecond for rounding.
                    let off = (i128::from(*run_ns) - truth).abs() - 1;
                    assert!(
                        off <= i128::from(bound_us) * 1_000,
                        "{wrong:?}: {off} ns off, and the bound is {bound_us} us"
                    );
                    held += 1;
                }
            }
            assert!(held > 50, "{wrong:?}: {held} times");
            assert!(u128::from(bound_us) * 1_000 < end as u128 / 10, "{wrong:?}: {bound_us} us");
        }
    });
}

#[test]
fn what_spans_a_clock_that_jumped_neither_passes_nor_fails() {
    patiently(|| {
        // The last one so late that it is asked about when the run is over.
        for (at, by, seconds) in
            [("7000", "3000", 12), ("7000", "-2000", 12), ("7000", "300", 12), ("8850", "300", 9)]
        {
            let wrong = ["--clock-jump", at, by, "--console-jitter", "5"];
            let (ran, record, _) = on_a_board(&wrong, Duration::from_secs(seconds));
            let jumps = record.entries.iter().filter(|entry| entry.event == Event::ClockJumped);
            assert_eq!(jumps.count(), 1, "{by}");
            let Summary { verdict, faults, failures, checks, .. } = &ran.summary;
            assert_eq!(
                *verdict,
                Verdict::Inconclusive,
                "{by}: {faults:?} {failures:?} {checks:#?}"
            );
            let latency = ran
                .summary
                .checks
                .iter()
                .filter(|check| check.name.starts_with("capture_to_render"));
            let verdicts: Vec<_> = latency.map(|check| check.verdict).collect();
            assert_eq!(verdicts, [Verdict::Inconclusive], "{by}");
        }
    });
}
