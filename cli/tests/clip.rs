//! A clip of the user's own: it stands beside the scenario, and nothing is built anew.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use support::{EASY, Place, replaced, with_checks};

const CLIP: &[u8] = include_bytes!("../../fixtures/clips/bunny-320x240.h264");

/// A place with `scenarios/own.toml`, which films `films/my-film.toml` from there.
fn place(clip: &[u8], frames: u32) -> Place {
    let place = Place::new();
    fs::create_dir_all(place.path("scenarios/films")).expect("make folders");
    let scenario = with_checks("two-homes", 4, &replaced(EASY, "7s", "3.5s"));
    place.write("built-in.toml", &scenario);
    let own = replaced(&scenario, "\"bunny\"", "\"films/my-film.toml\"");
    place.write("scenarios/own.toml", &own);
    let manifest = format!(
        "schema = 1\ntitle = \"Mine\"\nfile = \"my film.h264\"\nsize = \"320x240\"\n\
         frames_per_second = 25\nframes = {frames}\nbytes = {}\nsha256 = \"{}\"\n",
        clip.len(),
        digest(clip).to_uppercase()
    );
    place.write("scenarios/films/my-film.toml", &manifest);
    fs::write(place.path("scenarios/films/my film.h264"), clip).expect("write the clip");
    place
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The camera in the header of a record, and all that follows the header.
fn record(place: &Place, run: &str) -> (Value, String) {
    let text = place.read(&format!("out/{run}/seed-1/record.jsonl"));
    let (header, events) = text.split_once('\n').expect("a header");
    let header: Value = serde_json::from_str(header).expect("JSON");
    let peers = header["peers"].as_array().expect("peers");
    let camera = peers.iter().find(|peer| !peer["camera"].is_null()).expect("a camera");
    (camera["camera"].clone(), events.to_owned())
}

#[test]
fn a_copy_of_a_built_in_clip_gives_the_same_run() {
    let place = place(CLIP, 125);
    let both = ["sim", "scenarios/own.toml", "built-in.toml", "--out", "out"];
    place.call(&both).ended(0);
    let (camera, events) = record(&place, "own");
    let (built_in, its_events) = record(&place, "built-in");
    assert_eq!((&camera["clip"], &built_in["clip"]), (&"my-film".into(), &"bunny".into()));
    assert_eq!(camera["clip_sha256"], digest(CLIP));
    assert_eq!(built_in["clip_sha256"], digest(CLIP));
    assert!(events.contains("\"frame_encoded\""), "nothing was filmed");
    assert_eq!(events, its_events, "the clips are one, and so are the runs");
}

/// A worker reads the clip for itself, also the one that stands in another folder.
#[test]
fn a_clip_of_ones_own_is_verified_too() {
    // The first second: what a run sees is another clip.
    let frames = CLIP.windows(4).enumerate().filter(|(_, bytes)| bytes[..3] == [0, 0, 1]);
    // Behind two parameter sets, 25 frames.
    let end = frames.map(|(at, _)| at).nth(27).expect("more than 25 frames");
    let clip = &CLIP[..end];
    let place = place(clip, 25);
    let called = place.call(&["sim", "scenarios/own.toml", "--verify", "--out", "out"]).ended(0);
    assert!(called.said.contains("a second run has the same record"), "{}", called.said);
    let (camera, _) = record(&place, "own");
    assert_eq!(camera["clip_sha256"], digest(clip));
}

/// A folder holds what a scenario names beside it: none of that is a scenario.
#[test]
fn profiles_and_manifests_beside_scenarios_are_not_run() {
    let place = Place::new();
    std::fs::create_dir(place.path("suite")).expect("make a folder");
    place.write("suite/porch.toml", &support::with_checks("two-homes", 1, support::TOO_SOON));
    let shipped = |name: &str| {
        let file = format!("{}/../../{name}", support::SHIPPED);
        std::fs::read_to_string(file).expect("a shipped file")
    };
    place.write("suite/board.toml", &shipped("device-profiles/esp32-p4.toml"));
    place.write("suite/film.toml", &shipped("fixtures/clips/bunny.toml"));
    let film = format!("{}/../clips/bunny.h264", support::SHIPPED);
    std::fs::copy(film, place.path("suite/bunny.h264")).expect("it ships");
    let listed = place.call(&["sim", "suite", "--list"]).ended(0);
    assert!(listed.said.contains("porch") && listed.said.ends_with("1 run\n"), "{}", listed.said);
    let checked = place.call(&["check", "suite"]).ended(0);
    for line in ["board.toml  device profile", "film.toml  clip manifest", "porch.toml  scenario"] {
        assert!(checked.said.contains(line), "no {line}:\n{}", checked.said);
    }
    // Who names one as a scenario is told what it is.
    let called = place.call(&["sim", "suite/board.toml", "--out", "out"]).ended(2);
    let told = "failed to read suite/board.toml as a scenario: it is a device profile\n  help: ";
    assert!(called.complained.starts_with(told), "{}", called.complained);
    assert!(!place.path("out").exists());
}
