//! `parallax sim` where it cannot go on: bad input is refused before anything is written, and a run
//! that breaks is an error with its cause, which costs that run alone.
#![cfg(target_os = "linux")]

mod support;

use support::{Called, Place, TOO_SOON, shipped, with_checks};

/// Bad input: nothing was run, nothing was written, and the message names what is wrong.
#[track_caller]
fn refused(place: &Place, arguments: &[&str], code: i32, telling: &[&str]) {
    let before = place.files("");
    let called = place.call(arguments).ended(code);
    assert_eq!(called.said, "");
    for text in telling {
        assert!(called.complained.contains(text), "no {text}:\n{}", called.complained);
    }
    assert_eq!(place.files(""), before, "it has left something");
    assert!(!place.path("out").exists(), "it has made a folder");
}

#[test]
fn bad_input_ends_with_2_and_leaves_nothing() {
    let good = with_checks("two-homes", 1, TOO_SOON);
    let place = Place::with("good.toml", &good);
    place.write("unknown.toml", &good.replace("capacity = \"8Mbit/s\"", "capacitty = \"8Mbit/s\""));
    place.write("broken.toml", "schema = 1\ntitle = ");
    std::fs::write(place.path("latin.toml"), b"schema = 1\ntitle = \"caf\xe9\"\n").expect("write");
    let sim = |file: &'static str| ["sim", "good.toml", file, "--out", "out"];
    refused(&place, &sim("unknown.toml"), 2, &["capacitty", "unknown.toml:10:", "capacity"]);
    place.write("film.toml", &good.replace("\"bunny\"", "\"nursery\""));
    refused(&place, &sim("film.toml"), 2, &["film.toml", "doorbell", "`nursery`", "`bunny`"]);
    refused(&place, &sim("broken.toml"), 2, &["broken.toml:2:"]);
    refused(&place, &sim("latin.toml"), 2, &["latin.toml", "UTF-8"]);
    refused(&place, &sim("missing.toml"), 2, &["failed to read missing.toml", "help: "]);
    // The same name twice would write one record over the other.
    std::fs::create_dir(place.path("folder")).expect("make a folder");
    place.write("folder/good.toml", &good);
    refused(&place, &sim("folder"), 2, &["failed to read folder/good.toml", "help: "]);
    refused(&place, &["sim", "good.toml", "--seed", "-1", "--out", "out"], 2, &["--seed"]);
    refused(&place, &["sim", "--no-such-flag"], 2, &["--no-such-flag"]);
    refused(&place, &["simulate"], 2, &["simulate"]);
    refused(&place, &[], 2, &["Usage: parallax", "Exit codes:"]);
    // Not a folder.
    refused(&place, &["sim", "good.toml", "--out", "good.toml"], 2, &["good.toml", "help: "]);
}

#[test]
fn bad_input_leaves_the_records_of_an_earlier_call_alone() {
    let place = Place::with("good.toml", &with_checks("two-homes", 1, TOO_SOON));
    place.call(&["sim", "good.toml", "--out", "out"]).ended(10);
    let before = place.read("out/summary.json");
    place.write("broken.toml", "schema = 1\ntitle = ");
    place.call(&["sim", "good.toml", "broken.toml", "--out", "out"]).ended(2);
    assert_eq!(place.read("out/summary.json"), before);
    assert!(place.path("out/good/seed-1/record.jsonl").exists());
}

/// What stands in the way of the second run is seen before the first.
#[test]
fn an_output_folder_in_which_something_is_in_the_way_is_left_as_it_is() {
    let good = with_checks("two-homes", 1, TOO_SOON);
    let place = Place::with("sa.toml", &good);
    place.write("sb.toml", &good);
    let call = ["sim", "sa.toml", "sb.toml", "--out", "out"];
    place.call(&call).ended(10);
    std::fs::remove_dir_all(place.path("out/sb")).expect("remove a folder");
    let in_the_way = |name: &str, folder: bool| {
        let path = place.path(name);
        if path.is_dir() {
            std::fs::remove_dir_all(&path).expect("remove a folder");
        } else if path.exists() {
            std::fs::remove_file(&path).expect("remove a file");
        }
        if folder {
            std::fs::create_dir_all(&path).expect("make a folder");
        } else {
            place.write(name, "something else");
        }
        let before = place.files("");
        let called = place.call(&call).ended(2);
        assert_eq!(called.said, "");
        for text in ["failed to begin", name, "help: "] {
            assert!(called.complained.contains(text), "no {text}:\n{}", called.complained);
        }
        assert_eq!(place.files(""), before, "it has done something");
    };
    in_the_way("out/sb", false);
    std::fs::remove_file(place.path("out/sb")).expect("remove it");
    std::fs::create_dir(place.path("out/sb")).expect("make a folder");
    in_the_way("out/sb/seed-1", false);
    std::fs::remove_file(place.path("out/sb/seed-1")).expect("remove it");
    in_the_way("out/sb/seed-1/record.jsonl", true);
    std::fs::remove_dir(place.path("out/sb/seed-1/record.jsonl")).expect("remove it");
    in_the_way("out/summary.json", true);
}

#[test]
fn two_commands_do_not_write_to_one_folder() {
    let place = Place::with("good.toml", &with_checks("two-homes", 1, TOO_SOON));
    std::fs::create_dir(place.path("out")).expect("make a folder");
    let other = std::fs::File::open(place.path("out")).expect("open it");
    other.lock().expect("lock it, as a command does");
    let called = place.call(&["sim", "good.toml", "--out", "out"]).ended(2);
    assert!(called.complained.contains("another command writes to out"), "{}", called.complained);
    assert_eq!(std::fs::read_dir(place.path("out")).expect("read it").count(), 0);
    drop(other);
    place.call(&["sim", "good.toml", "--out", "out"]).ended(10);
}

#[test]
fn a_folder_without_scenarios_is_bad_input() {
    let place = Place::new();
    std::fs::create_dir(place.path("folder")).expect("make a folder");
    place.write("folder/notes.txt", "none here");
    refused(&place, &["sim", "folder", "--out", "out"], 2, &["folder", ".toml", "help: "]);
    refused(&place, &["check", "folder"], 2, &["folder", ".toml", "help: "]);
}

#[test]
fn a_pipe_is_not_waited_on() {
    let place = Place::with("good.toml", &with_checks("two-homes", 1, TOO_SOON));
    place.shell("mkfifo pipe.toml").ended(0);
    let telling = ["failed to read pipe.toml", "it is a pipe, not a regular file"];
    refused(&place, &["sim", "pipe.toml", "--out", "out"], 2, &telling);
    let device = ["sim", "good.toml", "--profile", "phone=pipe.toml", "--out", "out"];
    refused(&place, &device, 2, &telling);
}

#[test]
fn every_bad_file_is_told_of() {
    let good = with_checks("two-homes", 1, TOO_SOON);
    let place = Place::with("good.toml", &good);
    place.write("unknown.toml", &good.replace("capacity = \"8Mbit/s\"", "capacitty = \"8Mbit/s\""));
    place.write("broken.toml", "schema = 1\ntitle = ");
    let files = ["sim", "unknown.toml", "good.toml", "missing.toml", "broken.toml", "--out", "out"];
    let telling =
        ["unknown.toml:10:", "capacitty", "failed to read missing.toml", "broken.toml:2:"];
    refused(&place, &files, 2, &telling);
}

#[test]
fn a_file_that_is_too_long_tells_its_true_length() {
    let place = Place::with("good.toml", &with_checks("two-homes", 1, TOO_SOON));
    // Nobody reads it: it has no bytes on the disk either.
    let long = std::fs::File::create(place.path("long.toml")).expect("make a file");
    long.set_len(100_000_000).expect("make it long");
    let telling = ["long.toml: the file is 100000000 bytes long", "up to 1048576 bytes"];
    refused(&place, &["sim", "long.toml", "--out", "out"], 2, &telling);
    let device = ["sim", "good.toml", "--profile", "doorbell=long.toml", "--out", "out"];
    refused(&place, &device, 2, &telling);
}

#[test]
fn help_and_version_end_with_0_and_the_worker_is_no_ones_business() {
    let place = Place::new();
    let help = place.call(&["--help"]).ended(0);
    assert!(help.said.contains("Exit codes:") && !help.said.contains("worker"), "{}", help.said);
    let help = place.call(&["sim", "--help"]).ended(0);
    let flags = [
        "--seed",
        "--seeds",
        "--only",
        "--list",
        "--profile",
        "--out",
        "--jobs",
        "--verify",
        "--patience",
        "--memory",
        "--log",
    ];
    let files = ["target/parallax", "record.jsonl", "summary.json", "Exit codes:"];
    for told in flags.into_iter().chain(files) {
        assert!(help.said.contains(told), "no {told}:\n{}", help.said);
    }
    let (_, examples) = help.said.split_once("Examples:").expect("examples");
    for flag in flags.iter().filter(|flag| **flag != "--list") {
        assert!(examples.contains(flag), "no example of {flag}:\n{examples}");
    }
    for command in
        ["sim", "hil", "report", "check", "boards", "console", "replay", "calibrate", "init"]
    {
        let help = place.call(&[command, "--help"]).ended(0).said;
        let (_, codes) = help.split_once("Exit codes:").unwrap_or_else(|| panic!("{help}"));
        assert!(help.contains("Examples:") && codes.trim().lines().count() > 2, "{help}");
    }
    let version = place.call(&["--version"]).ended(0);
    assert_eq!(version.said.trim(), concat!("parallax ", env!("CARGO_PKG_VERSION")));
}

/// A run that broke: an error with its cause, in the summary and on the terminal, without a digest
/// of what is no record.
#[track_caller]
fn broke(place: &Place, called: &Called, cause: &str) {
    let summary = place.json("out/summary.json");
    assert_eq!(summary["verdict"], "error");
    let runs = summary["runs"].as_array().expect("runs");
    let run = runs.iter().find(|run| run["scenario"] == "breaks").expect("the run");
    assert_eq!(run["verdict"], "error");
    let [fault] = &run["faults"].as_array().expect("faults")[..] else { panic!("{run}") };
    let fault = fault.as_str().expect("a text");
    assert!(fault.starts_with("failed to ") && fault.contains(cause), "{fault}");
    assert!(!fault.contains("OpenH264"), "{fault}");
    assert!(called.said.contains(fault), "{fault} is not in\n{}", called.said);
    assert!(run["record_sha256"].is_null() && run["packets_sha256"].is_null(), "{run}");
    assert!(!place.path("out/breaks/seed-1/record.jsonl").exists(), "no record is whole");
}

#[test]
fn a_worker_whose_file_may_not_grow_is_an_error_with_its_cause() {
    let place = Place::with("breaks.toml", &shipped("two-homes", 8));
    // The system refuses a file longer than 64 blocks: a record is longer, a summary is not.
    let line = format!(
        "ulimit -f 64; exec '{}' sim breaks.toml --out out",
        env!("CARGO_BIN_EXE_parallax")
    );
    let called = place.shell(&line).ended(12);
    broke(&place, &called, "File too large");
    assert_eq!(
        place.files_but_pictures("out"),
        ["environment.json", "summary.json"],
        "half a record is left"
    );
}

#[test]
fn a_worker_without_a_scenario_says_so_to_its_parent() {
    let place = Place::new();
    let worker = ["worker", "--file", "none.toml", "--seed", "1", "--record", "record.jsonl"];
    let called = place.call(&worker).ended(2);
    assert!(called.said.contains("none.toml"), "{}", called.said);
    assert!(place.files("").is_empty());
}
