//! `sim --verify` is able to fail: with each guard off in turn, it finds that two runs differ, and
//! says where.
#![cfg(target_os = "linux")]

use serde_json::Value;
use std::{fs, path::Path, process::Command};

/// The shipped scenario with the most candidates, cut to what shows a session and some seconds of media: where pairs of
/// two kinds are checked at once, their order shows.
const SECONDS: &str = "duration = \"10s\"";

/// What a call of the command left.
struct Verified {
    code: Option<i32>,
    terminal: String,
    summary: Value,
    folder: tempfile::TempDir,
}

/// Verifies a run of the shipped `strict-homes`, cut short, with a guard off or none.
fn verify(guard_off: Option<&str>) -> Verified {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/scenarios/strict-homes.toml");
    let text = fs::read_to_string(shipped).expect("the shipped scenario");
    let short = text.replace("duration = \"30s\"", SECONDS);
    assert_ne!(short, text, "the shipped scenario has another duration");
    fs::write(folder.path().join("strict-homes.toml"), short).expect("write a scenario");

    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax-unguarded"));
    command.args(["sim", "strict-homes.toml", "--verify", "--out", "out"]);
    command.current_dir(folder.path()).env_remove("PARALLAX_GUARD_OFF");
    if let Some(guard) = guard_off {
        command.env("PARALLAX_GUARD_OFF", guard);
    }
    let output = command.output().expect("run the command");
    let terminal = String::from_utf8(output.stdout).expect("text");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{errors}");
    let summary = fs::read(folder.path().join("out/summary.json")).expect("a summary");
    let summary = serde_json::from_slice(&summary).expect("JSON");
    Verified { code: output.status.code(), terminal, summary, folder }
}

/// Where two runs part, as the message names it.
#[derive(Debug)]
enum Parted {
    /// At a line, with what it is in either run.
    At { line: usize, first: String, second: String },
    /// Nowhere.
    Nowhere,
}

/// What the message says about `what`: its texts run from one `; ` to the next of ours.
fn parted(fault: &str, what: &str) -> Parted {
    if fault.contains(&format!("; no {what} differs")) {
        return Parted::Nowhere;
    }
    let begin = format!("; first {what} that differs, line ");
    let (_, rest) = fault.split_once(&begin).unwrap_or_else(|| panic!("no {what} in {fault}"));
    let end = ["; first packet that differs", "; no packet differs", "; both runs are kept in"];
    let end = end.iter().filter_map(|end| rest.find(end)).min().expect("an end");
    let (line, texts) = rest[..end].split_once(": ").expect("a line and texts");
    let (first, second) = texts.split_once(" / ").expect("two texts");
    Parted::At {
        line: line.parse().expect("a line's number"),
        first: first.to_owned(),
        second: second.to_owned(),
    }
}

/// The text of a line of a file that both runs have kept, cut as the message cuts it.
fn line_of(file: &Path, line: usize) -> String {
    let text = fs::read_to_string(file).expect("a file that is kept");
    text.lines().nth(line - 1).expect("a line").to_owned()
}

/// Runs with `guard` off; what is said about record and packets is true of the files kept.
fn assert_caught(guard: &str) -> (Parted, Parted) {
    let verified = verify(Some(guard));
    assert_eq!(verified.code, Some(12), "without {guard}: {}", verified.terminal);
    let run = &verified.summary["runs"][0];
    assert_eq!(run["verdict"], "error");
    assert_eq!(verified.summary["verdict"], "error");
    let fault = run["faults"][0].as_str().expect("a fault");
    assert!(fault.starts_with("a second run with the same seed differs; "), "{fault}");
    assert!(verified.terminal.contains("a second run with the same seed differs"));

    let out = verified.folder.path().join("out/strict-homes/seed-1");
    let named = ["record", "packet"].map(|what| {
        let file = if what == "record" { "record.jsonl" } else { "packets.txt" };
        let (one, other) = (out.join(file), out.join("verify").join(file));
        let parted = parted(fault, what);
        match &parted {
            Parted::At { line, first, second } => {
                let texts = [line_of(&one, *line), line_of(&other, *line)];
                assert_ne!(texts[0], texts[1], "{what} {line} does not differ");
                for (shown, text) in [first, second].into_iter().zip(texts) {
                    let shown = shown.strip_suffix(" ...").unwrap_or(shown);
                    assert!(text.starts_with(shown), "{text} is not {shown}");
                }
                let before = |file: &Path| -> Vec<String> {
                    let text = fs::read_to_string(file).expect("a file that is kept");
                    text.lines().take(line - 1).map(str::to_owned).collect()
                };
                assert_eq!(before(&one), before(&other), "it is not the first");
            }
            Parted::Nowhere => {
                assert_eq!(fs::read(&one).expect("kept"), fs::read(&other).expect("kept"));
            }
        }
        parted
    });
    let [record, packet] = named;
    (record, packet)
}

#[test]
fn with_every_guard_on_two_runs_are_the_same() {
    let verified = verify(None);
    assert_eq!(verified.code, Some(0), "{}", verified.terminal);
    assert_eq!(verified.summary["runs"][0]["verdict"], "pass");
    // Nothing of the second run stays.
    let run = verified.folder.path().join("out/strict-homes/seed-1");
    let left = fs::read_dir(run)
        .expect("the run's folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let mut left: Vec<_> = left.collect();
    left.sort();
    assert_eq!(left, ["frames", "record.jsonl"]);
}

#[test]
fn without_the_clock_verify_names_record_and_packet() {
    let (record, packet) = assert_caught("clock");
    assert!(matches!(record, Parted::At { .. }), "{record:?}");
    assert!(matches!(packet, Parted::At { .. }), "{packet:?}");
}

#[test]
fn without_entropy_verify_names_record_and_packet() {
    let (record, packet) = assert_caught("entropy");
    assert!(matches!(record, Parted::At { .. }), "{record:?}");
    assert!(matches!(packet, Parted::At { .. }), "{packet:?}");
}

/// The second run comes after another one in its process: `select!` draws from counters of the
/// process, and so takes another order.
#[test]
fn without_isolation_verify_names_record_and_packet() {
    let (record, packet) = assert_caught("isolation");
    assert!(matches!(record, Parted::At { .. }), "{record:?}");
    assert!(matches!(packet, Parted::At { .. }), "{packet:?}");
}

#[test]
fn without_an_order_of_maps_verify_names_the_record() {
    // What is planted mixes up events alone; packets stay as they are, and the message says so.
    let (record, packet) = assert_caught("map-order");
    assert!(matches!(record, Parted::At { .. }), "{record:?}");
    assert!(matches!(packet, Parted::Nowhere), "{packet:?}");
}

#[test]
fn a_guard_that_does_not_exist_is_refused() {
    let status = Command::new(env!("CARGO_BIN_EXE_parallax-unguarded"))
        .arg("--version")
        .env("PARALLAX_GUARD_OFF", "clocks")
        .status();
    assert_eq!(status.expect("run the command").code(), Some(1));
}
