//! What may happen to a worker, and to the whole command, in mid-run: each costs one run, which says
//! why, and nothing that is left reads as whole if it is not.
#![cfg(target_os = "linux")]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{fs, io::Write, process::Child, process::Command};
use support::{
    Called, EASY, Place, TOO_SOON, endless, find_worker, replaced, with_checks, worker_of,
};

fn signal(process: i32, signal: Signal) {
    let process = Pid::from_raw(process).expect("a process");
    kill_process(process, signal).expect("send a signal");
}

fn signal_parent(parent: &Child, with: Signal) {
    signal(i32::try_from(parent.id()).expect("a process"), with);
}

fn ended(child: Child) -> Called {
    Called::from(child.wait_with_output().expect("wait for the command"))
}

/// A place with a scenario that nobody would wait for and two that pass.
fn place() -> Place {
    let place = Place::with("endless.toml", &endless());
    place.write("first.toml", &with_checks("two-homes", 8, EASY));
    place.write("last.toml", &with_checks("two-homes", 8, EASY));
    place
}

const ALL: [&str; 5] = ["sim", "first.toml", "endless.toml", "last.toml", "--out=out"];

fn record(place: &Place) -> std::path::PathBuf {
    place.path("out/endless/seed-1/record.jsonl")
}

/// Only the second of three runs is an error, for this cause; what is left is two whole records.
#[track_caller]
fn only_the_second_broke(place: &Place, called: Called, causes: &[&str]) {
    let called = called.ended(12);
    let summary = place.json("out/summary.json");
    assert_eq!(summary["planned"], 3);
    let verdicts: Vec<&Value> =
        summary["runs"].as_array().expect("runs").iter().map(|run| &run["verdict"]).collect();
    assert_eq!(verdicts, ["pass", "error", "pass"], "{}", called.said);
    let fault = summary["runs"][1]["faults"][0].as_str().expect("a fault");
    for cause in causes {
        assert!(fault.contains(cause), "no {cause} in {fault}");
    }
    assert!(called.said.contains(fault), "{}", called.said);
    assert_eq!(called.complained, "");
    let files = ["environment.json", "first/seed-1/record.jsonl", "last/seed-1/record.jsonl"];
    assert_eq!(place.files_but_pictures("out"), [&files[..], &["summary.json"]].concat());
    whole_records(place);
}

/// Every record that is there is whole, and the summary is of them.
#[track_caller]
fn whole_records(place: &Place) {
    for run in place.json("out/summary.json")["runs"].as_array().expect("runs") {
        let Some(digest) = run["record_sha256"].as_str() else { continue };
        let [scenario, seed] = ["scenario", "seed"].map(|name| run[name].as_str().expect("text"));
        let bytes = place.read(&format!("out/{scenario}/seed-{seed}/record.jsonl"));
        let read = parallax_record::Record::read(bytes.as_bytes()).expect("a whole record");
        assert_eq!(read.sha256, digest);
    }
}

#[test]
fn a_worker_that_is_killed_costs_its_run_alone() {
    let place = place();
    let parent = place.start(&ALL);
    let worker = worker_of(&parent, "endless.toml", &record(&place));
    signal(worker, Signal::KILL);
    let causes = ["failed to run: the worker ended with signal: 9 (SIGKILL), at ", " s of the run"];
    only_the_second_broke(&place, ended(parent), &causes);
}

#[test]
fn a_worker_that_stands_still_costs_its_run_alone() {
    let place = place();
    let mut patient = ALL.to_vec();
    // Long enough for a worker to begin on a busy machine.
    patient.extend(["--patience", "8s"]);
    let parent = place.start(&patient);
    let worker = worker_of(&parent, "endless.toml", &record(&place));
    signal(worker, Signal::STOP);
    let causes = ["failed to run: no progress for 8 s (--patience), at ", " s of the run"];
    only_the_second_broke(&place, ended(parent), &causes);
    assert!(!fs::exists(format!("/proc/{worker}")).expect("look"), "the worker is still there");
}

#[test]
fn runs_without_memory_are_errors_that_say_so() {
    let place = Place::with("first.toml", &with_checks("two-homes", 8, EASY));
    let called = place.call(&["sim", "first.toml", "--memory", "64MiB", "--out", "out"]).ended(12);
    let run = &place.json("out/summary.json")["runs"][0];
    let fault = run["faults"][0].as_str().expect("a fault");
    assert!(fault.starts_with("failed to run: out of memory, at "), "{fault}");
    assert!(fault.ends_with("it may have 64MiB (--memory)"), "{fault}");
    assert!(called.said.contains(fault), "{}", called.said);
    assert_eq!(place.files_but_pictures("out"), ["environment.json", "summary.json"]);
}

#[test]
fn an_interrupt_writes_what_has_finished() {
    for with in [Signal::INT, Signal::TERM] {
        let place = place();
        // What an earlier command has left of a run is not taken for this one's.
        let text = place.read("endless.toml");
        place.write("endless.toml", &replaced(&text, "duration = \"1h\"", "duration = \"2s\""));
        place.call(&["sim", "endless.toml", "--out", "out"]).ended(10);
        place.write("endless.toml", &text);
        let mut all = ALL.to_vec();
        all.extend(["--jobs", "1"]);
        let parent = place.start(&all);
        let worker = worker_of(&parent, "endless.toml", &record(&place));
        signal_parent(&parent, with);
        let called = ended(parent).ended(130);
        assert!(called.said.contains("\ninterrupted: 1 of 3 runs finished\n"), "{}", called.said);
        assert!(
            called
                .said
                .ends_with("1 run: 1 passed\nrecords are in out\nthe report is out/report.html\n"),
            "{}",
            called.said
        );
        assert_eq!(called.complained, "");
        let summary = place.json("out/summary.json");
        assert_eq!((&summary["planned"], &summary["verdict"]), (&3.into(), &"inconclusive".into()));
        assert_eq!(summary["runs"].as_array().expect("runs").len(), 1);
        let files = ["environment.json", "first/seed-1/record.jsonl", "summary.json"];
        assert_eq!(place.files_but_pictures("out"), files);
        whole_records(&place);
        assert!(!fs::exists(format!("/proc/{worker}")).expect("look"), "the worker is still there");
    }
}

#[test]
fn runs_that_finished_behind_an_interrupted_one_are_told_and_written() {
    let place = Place::with("endless.toml", &endless());
    place.write("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let parent = place.start(&["sim", "endless.toml", "soon.toml", "--jobs", "2", "--out", "out"]);
    let worker = worker_of(&parent, "endless.toml", &record(&place));
    // The other one's record is there when it is whole; its worker is gone when it was read.
    while !place.path("out/soon/seed-1/record.jsonl").exists()
        || find_worker(parent.id(), "soon.toml").is_some()
    {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    signal_parent(&parent, Signal::INT);
    let called = ended(parent).ended(130);
    assert!(called.said.starts_with("FAIL            soon  seed 1, "), "{}", called.said);
    assert!(called.said.contains("interrupted: 1 of 2 runs finished\n"), "{}", called.said);
    assert_eq!(place.json("out/summary.json")["runs"][0]["scenario"], "soon");
    assert!(!fs::exists(format!("/proc/{worker}")).expect("look"), "the worker is still there");
}

#[test]
fn a_second_interrupt_ends_at_once_and_workers_go_with_their_parent() {
    // On a busy machine two threads may take one signal each at the same instant, both as the first.
    let at_once = (0..5).any(|_| {
        let place = Place::with("endless.toml", &endless());
        let parent = place.start(&["sim", "endless.toml", "--out", "out"]);
        let worker = worker_of(&parent, "endless.toml", &record(&place));
        // Neither is heard while the parent is stopped, so that they come together.
        signal_parent(&parent, Signal::STOP);
        signal_parent(&parent, Signal::INT);
        signal_parent(&parent, Signal::TERM);
        signal_parent(&parent, Signal::CONT);
        let called = ended(parent).ended(130);
        gone(worker);
        assert!(!record(&place).exists());
        called.said.is_empty() && !place.path("out/summary.json").exists()
    });
    assert!(at_once, "it has taken the time to say something");
}

#[test]
fn workers_of_a_parent_that_is_killed_go_with_it() {
    let place = Place::with("endless.toml", &endless());
    let parent = place.start(&["sim", "endless.toml", "--out", "out"]);
    let worker = worker_of(&parent, "endless.toml", &record(&place));
    signal_parent(&parent, Signal::KILL);
    assert_eq!(ended(parent).code, None);
    gone(worker);
    assert!(!record(&place).exists());
}

/// Waits for the end of a process that nobody waits for: it is gone, or what is left of it is.
#[track_caller]
fn gone(process: i32) {
    for _ in 0..1_500 {
        let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // After the name in brackets comes the state.
        let state = status.rsplit(')').next().unwrap_or_default().trim().chars().next();
        if matches!(state, None | Some('Z' | 'X')) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the worker runs on");
}

#[test]
fn a_terminals_interrupt_reaches_the_parent_alone() {
    let place = Place::with("endless.toml", &endless());
    let parent = place.start(&["sim", "endless.toml", "--out", "out"]);
    let worker = worker_of(&parent, "endless.toml", &record(&place));
    let stat = fs::read_to_string(format!("/proc/{worker}/stat")).expect("its state");
    // State, parent, process group.
    let (_, fields) = stat.rsplit_once(") ").expect("fields");
    assert_eq!(fields.split(' ').nth(2), Some(worker.to_string().as_str()), "{stat}");
    signal_parent(&parent, Signal::INT);
    ended(parent).ended(130);
}

#[test]
fn a_disk_that_is_full_leaves_no_half_record() {
    let place = Place::with("breaks.toml", &with_checks("two-homes", 8, EASY));
    place.write("small.toml", &with_checks("two-homes", 1, TOO_SOON));
    // A longer file is refused, as by a disk that is full: a record of 8 s is longer, one of 1 s and
    // a summary are not.
    let line = format!(
        "trap '' XFSZ; ulimit -f 64; exec '{}' sim breaks.toml small.toml --out out",
        env!("CARGO_BIN_EXE_parallax")
    );
    let called = place.shell(&line).ended(12);
    no_room(&place, &called, "File too large");
}

#[track_caller]
fn no_room(place: &Place, called: &Called, cause: &str) {
    let runs = &place.json("out/summary.json")["runs"];
    let fault = runs[0]["faults"][0].as_str().expect("a fault");
    assert!(fault.starts_with("failed to write out/breaks/seed-1/record.part: "), "{fault}");
    assert!(fault.contains(cause), "{fault}");
    assert!(called.said.contains("2 runs: 1 error, 1 failed"), "{}", called.said);
    let files = ["environment.json", "small/seed-1/record.jsonl", "summary.json"];
    assert_eq!(place.files_but_pictures("out"), files);
    whole_records(place);
}

#[test]
fn a_real_disk_that_is_full_leaves_no_half_record() {
    let place = Place::with("breaks.toml", &with_checks("two-homes", 8, EASY));
    place.write("small.toml", &with_checks("two-homes", 1, TOO_SOON));
    fs::create_dir(place.path("out")).expect("make a folder");
    // Its own mounts, which go with it; what is on them is copied to where it can be read.
    let line = format!(
        "mount -t tmpfs -o size=64k none out && {{ '{}' sim breaks.toml small.toml --jobs 1 --out \
         out; code=$?; cp -r out copy; exit $code; }}",
        env!("CARGO_BIN_EXE_parallax")
    );
    let mut unshared = Command::new("unshare");
    unshared.args(["--user", "--map-root-user", "--mount", "sh", "-c", &line]);
    unshared.current_dir(place.path("")).env_remove("CARGO_MANIFEST_DIR");
    let not_run = |why: &str| {
        let line = format!("a real disk that is full: not run: {why}");
        writeln!(std::io::stderr(), "{line}").expect("say it");
    };
    let output = match unshared.output() {
        Ok(output) => output,
        Err(error) => return not_run(&format!("needs `unshare`: {error}")),
    };
    let called = Called::from(output);
    if !place.path("copy").exists() {
        // Not everywhere may a test mount a disk; the test above holds there all the same.
        assert!(!called.said.contains("runs"), "{}{}", called.said, called.complained);
        return not_run("needs a kernel that lets a user mount a tmpfs");
    }
    fs::remove_dir(place.path("out")).expect("remove the empty folder");
    fs::rename(place.path("copy"), place.path("out")).expect("move it");
    no_room(&place, &called.ended(12), "No space left on device");
}

#[test]
fn a_run_that_was_interrupted_under_verify_leaves_nothing() {
    let place = Place::with("endless.toml", &endless());
    let parent = place.start(&["sim", "endless.toml", "--verify", "--out", "out"]);
    worker_of(&parent, "endless.toml", &record(&place));
    signal_parent(&parent, Signal::INT);
    let called = ended(parent).ended(130);
    assert_eq!(called.said, "interrupted: 0 of 1 run finished\nnothing ran\nrecords are in out\n");
    assert_eq!(place.files_but_pictures("out"), ["environment.json", "summary.json"]);
    assert!(!place.path("out/endless").exists());
    assert_eq!(place.json("out/summary.json")["verdict"], Value::Null);
    // Such a scenario is a sound one otherwise.
    let text = replaced(&endless(), "duration = \"1h\"", "duration = \"2s\"");
    place.write("endless.toml", &text);
    place.call(&["sim", "endless.toml", "--out", "out"]).ended(10);
}
