//! A run that breaks costs that run alone: what is planted in one run's peer shows there, with its
//! cause, and the others go on. A fault of the parent asks to be reported.
#![cfg(target_os = "linux")]

use serde_json::Value;
use std::{
    fs,
    process::{Command, Output},
};

/// A scenario of a few seconds, in which a fault springs once a peer has booted.
fn scenario() -> String {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/scenarios/two-homes.toml");
    let text = fs::read_to_string(shipped).expect("the shipped scenario");
    let (world, _) = text.split_once("[[check]]").expect("checks");
    let short = world.replace("duration = \"30s\"", "duration = \"3s\"");
    assert_ne!(short, world, "the shipped scenario has another duration");
    format!("{short}[[check]]\nconnects = {{ within = \"1200ms\" }}\nwhy = \"Nobody does.\"\n")
}

fn run(folder: &tempfile::TempDir, plant: &str, more: &[&str]) -> Output {
    fs::write(folder.path().join("short.toml"), scenario()).expect("write a scenario");
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax-unguarded"));
    command.args(["sim", "short.toml", "--seeds", "1..3", "--out", "out"]).args(more);
    command.current_dir(folder.path()).env_remove("PARALLAX_GUARD_OFF");
    command.env("PARALLAX_PLANT", plant).output().expect("run the command")
}

/// Of three runs the second is an error; gives its cause.
fn broke(plant: &str, more: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(&folder, plant, more);
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(12), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let summary = fs::read(folder.path().join("out/summary.json")).expect("a summary");
    let summary: Value = serde_json::from_slice(&summary).expect("JSON");
    let runs = summary["runs"].as_array().expect("runs");
    let verdicts: Vec<&Value> = runs.iter().map(|run| &run["verdict"]).collect();
    assert_eq!(verdicts, ["fail", "error", "fail"]);
    for seed in 1..=3 {
        let whole = folder.path().join(format!("out/short/seed-{seed}/record.jsonl")).exists();
        assert_eq!(whole, seed != 2, "seed {seed}");
        assert!(!folder.path().join(format!("out/short/seed-{seed}/record.part")).exists());
    }
    let fault = runs[1]["faults"][0].as_str().expect("a fault").to_owned();
    assert!(said.contains(&fault), "{fault} is not in\n{said}");
    assert!(said.contains("short  3 runs: 1 error (seed 2), 2 failed (seeds 1, 3)\n"), "{said}");
    fault
}

#[test]
fn a_task_that_panics() {
    let fault = broke("panic:2", &[]);
    assert!(fault.starts_with("failed to run `phone` at "), "{fault}");
    assert!(fault.ends_with(": its code panicked: this fault was planted"), "{fault}");
}

#[test]
fn a_task_that_takes_all_memory() {
    let fault = broke("memory:2", &["--memory", "1GiB"]);
    assert!(fault.starts_with("failed to run: out of memory, at 0."), "{fault}");
    assert!(fault.ends_with(" s of the run: it may have 1GiB (--memory)"), "{fault}");
}

#[test]
fn a_task_that_never_comes_back() {
    let fault = broke("hang:2", &["--patience", "5s"]);
    assert!(fault.starts_with("failed to run: no progress for 5 s (--patience), at 0."), "{fault}");
}

#[test]
fn a_parent_that_panics_asks_to_be_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(&folder, "parent", &[]);
    assert_eq!(output.status.code(), Some(1));
    let complained = String::from_utf8(output.stderr).expect("text");
    for text in ["this fault was planted", "this is a fault of Parallax", "please report it"] {
        assert!(complained.contains(text), "no {text}:\n{complained}");
    }
    assert!(!folder.path().join("out/summary.json").exists());
}

#[test]
fn a_plant_that_does_not_exist_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for plant in ["panick:2", "panic", "panic:two"] {
        assert_eq!(run(&folder, plant, &[]).status.code(), Some(1), "{plant}");
    }
}
