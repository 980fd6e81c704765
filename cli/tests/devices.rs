//! `--profile`: a peer is another device than its scenario says, and everything follows from that.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use std::fs;
use support::{Place, TOO_SOON, replaced, shipped, with_checks};

const PROFILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../device-profiles");

fn profile(name: &str) -> String {
    fs::read_to_string(format!("{PROFILES}/{name}.toml")).expect("a profile")
}

/// The camera of the shipped scenarios, with an encoder that takes half a second for each picture.
fn slow() -> String {
    let text = profile("esp32-p4");
    let (rest, encode) = text.split_once("[camera.encode]").expect("a stage");
    let slow = replaced(
        encode,
        "distribution = \"normal\"\nmean = \"25ms\"\ndeviation = \"2ms\"\nleast = \"20ms\"\nmost = \"33ms\"\nper = \"1920x1080\"",
        "distribution = \"constant\"\nvalue = \"500ms\"\noccupancy = { value = \"30ms\", provenance = \"inferred\", source = \"A deep pipeline.\" }",
    );
    format!("{rest}[camera.encode]{slow}")
}

/// The profile of each peer, in the summary and in the record's header.
#[track_caller]
fn ran_with(place: &Place, scenario: &str) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let summary = place.json("out/summary.json");
    let run = summary["runs"].as_array().expect("runs").iter();
    let run = run.clone().find(|run| run["scenario"] == scenario).expect("the run");
    let profiles = run["profiles"].as_array().expect("profiles").iter();
    let told: Vec<_> =
        profiles.map(|of| ["peer", "profile", "sha256"].map(|name| text(&of[name]))).collect();
    let record = place.read(&format!("out/{scenario}/seed-1/record.jsonl"));
    let header: Value =
        serde_json::from_str(record.lines().next().expect("a header")).expect("JSON");
    let peers = header["peers"].as_array().expect("peers").iter();
    let recorded = peers.map(|peer| {
        [&peer["name"], &peer["profile"]["name"], &peer["profile"]["sha256"]].map(text)
    });
    assert_eq!(recorded.collect::<Vec<_>>(), told);
    told
}

#[test]
fn a_peer_is_the_device_that_the_command_says_and_the_record_tells() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    // Another scenario has no such peer: nothing changes for it.
    let text = with_checks("two-homes", 1, TOO_SOON).replace("doorbell", "gate");
    place.write("gate.toml", &text);
    let call = |more: &[&str]| {
        let mut all = vec!["sim", "soon.toml", "gate.toml", "--out", "out"];
        all.extend(more);
        let called = place.call(&all).ended(10);
        (called, ran_with(&place, "soon"), ran_with(&place, "gate"))
    };
    let (_, plain, gate) = call(&[]);
    assert_eq!((&*plain[0][1], &*plain[1][1]), ("esp32-p4", "phone"));
    let (called, other, same) = call(&["--profile", "doorbell=esp32-p4-eye"]);
    assert_eq!(&other[0][..2], ["doorbell", "esp32-p4-eye"]);
    assert_ne!(other[0][2], plain[0][2], "the digest is of the other file");
    assert_eq!((&other[1], &same), (&plain[1], &gate));
    // The line that runs it again has it, where it makes a difference.
    let line = |name: &str| {
        let begin = format!("run again     parallax sim {name}.toml --seed 1");
        let line = called.said.lines().find_map(|line| line.trim().strip_prefix(&begin));
        line.unwrap_or_else(|| panic!("no {begin}:\n{}", called.said)).to_owned()
    };
    assert_eq!(line("soon"), " --profile doorbell=esp32-p4-eye");
    assert_eq!(line("gate"), "");

    // A file of one's own, from the folder in which the command is called; twice, and verified from
    // another folder.
    fs::create_dir(place.path("mine")).expect("make a folder");
    place.write("mine/board.toml", &profile("esp32-p4").replace("ESP32-P4", "My own"));
    place.write("tablet.toml", &profile("phone"));
    let own = ["--profile", "doorbell=mine/board.toml", "--profile", "phone=tablet.toml"];
    let (_, own, _) = call(&[&own[..], &["--verify"]].concat());
    assert_eq!((&*own[0][1], &*own[1][1]), ("board", "tablet"));
    assert_eq!(own[1][2], plain[1][2], "the same text has the same digest");
}

#[test]
fn a_slow_device_changes_the_verdict() {
    let place = Place::with("two-homes.toml", &shipped("two-homes", 12));
    place.write("slow.toml", &slow());
    place.call(&["sim", "two-homes.toml", "--out", "out"]).ended(0);
    let slow = ["sim", "two-homes.toml", "--profile", "doorbell=slow.toml", "--out", "out"];
    let called = place.call(&slow).ended(10);
    assert!(
        called.said.contains("  fail          capture-to-render p95, from 5 s"),
        "{}",
        called.said
    );
    assert_eq!(ran_with(&place, "two-homes")[0][1], "slow");
    let line = called.said.lines().find_map(|line| line.trim().strip_prefix("run again"));
    let line = line.expect("a line").trim();
    assert_eq!(line, "parallax sim two-homes.toml --seed 1 --profile doorbell=slow.toml");
}

#[test]
fn a_device_that_makes_no_sense_is_bad_input_with_a_cure() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let text = with_checks("two-homes", 1, TOO_SOON);
    place.write("large.toml", &replaced(&text, "320x240", "1280x720"));
    let weak = profile("esp32-p4").replace("value = \"1920x1080\"", "value = \"640x480\"");
    place.write("weak.toml", &weak);
    place.write("broken.toml", &profile("esp32-p4").replace("[camera]", "[camra]"));
    for (profiles, telling) in [
        (&["doorbell"][..], &["doorbell", "help: write the peer's name"][..]),
        (&["=phone"], &["help: write the peer's name"]),
        (&["gate=esp32-p4"], &["has a peer `gate`", "help: there are: doorbell, phone"]),
        (
            &["doorbell=esp32"],
            &["no device profile `esp32`", "help: there are: esp32-p4, esp32-p4-eye"],
        ),
        (
            &["doorbell=none.toml"],
            &["--profile doorbell=none.toml: failed to read none.toml", "help: "],
        ),
        (&["doorbell=broken.toml"], &["broken.toml", "camra"]),
        (
            &["doorbell=phone"],
            &[
                "the device `phone` cannot be a camera, put here by `--profile doorbell=phone`",
                "help: ",
            ],
        ),
        (
            &["phone=esp32-p4"],
            &[
                "the device `esp32-p4` cannot be a viewer, put here by `--profile phone=esp32-p4`",
                "help: ",
            ],
        ),
        (
            &["doorbell=weak.toml"],
            &[
                "large.toml",
                "1280x720 is beyond the device `weak`",
                "`--profile doorbell=weak.toml`",
            ],
        ),
        (
            &["doorbell=esp32-p4", "doorbell=weak.toml"],
            &["the peer `doorbell` has another one by --profile doorbell=esp32-p4", "help: "],
        ),
    ] {
        let mut all = vec!["sim", "soon.toml", "large.toml", "--out", "out"];
        all.extend(profiles.iter().flat_map(|profile| ["--profile", profile]));
        let called = place.call(&all).ended(2);
        let words =
            called.complained.replace('│', "").split_whitespace().collect::<Vec<_>>().join(" ");
        for text in telling {
            assert!(words.contains(text), "{profiles:?}: no {text}:\n{}", called.complained);
        }
        assert!(!place.path("out").exists());
    }
}
