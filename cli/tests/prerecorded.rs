//! Prerecorded media, as a user runs them.
#![cfg(target_os = "linux")]

mod support;

use support::{EASY, Place, replaced, shipped, with_checks};

const CLIP: &[u8] = include_bytes!("../../fixtures/recordings/bunny-320x240.h264");
const MANIFEST: &str = include_str!("../../fixtures/recordings/bunny-320x240.toml");

#[test]
fn a_scenario_that_asks_for_nothing_of_pictures_passes() {
    let scenario = with_checks("two-homes", 8, EASY);
    let scenario = replaced(&scenario, "duration =", "media = \"prerecorded\"\nduration =");
    let place = Place::with("two-homes.toml", &scenario);
    place.call(&["sim", "two-homes.toml", "--out", "out"]).ended(0);
    let run = &place.json("out/summary.json")["runs"][0];
    assert_eq!(run["media_mode"], "prerecorded");
    assert_eq!(run["streams"][0]["markers_unreadable"], 0);
    assert!(run["streams"][0]["frames"]["rendered"].as_u64() > Some(20), "{run}");
}

/// What cannot be known is no pass, and the line that runs it again says how it ran.
#[test]
fn a_check_of_pictures_is_inconclusive_and_says_why() {
    let place = Place::with("two-homes.toml", &shipped("two-homes", 10));
    let arguments = ["sim", "two-homes.toml", "--media", "prerecorded", "--out", "out"];
    let called = place.call(&arguments).ended(11);
    assert!(called.said.contains("the media were prerecorded"), "{}", called.said);
    let again = "run again     parallax sim two-homes.toml --seed 1 --media prerecorded\n";
    assert!(called.said.contains(again), "{}", called.said);
}

/// A copy of a recording that comes with Parallax, as a clip of the user's own, gives the same run.
#[test]
fn a_clip_of_ones_own_is_sent_as_it_is() {
    let scenario = with_checks("two-homes", 4, &replaced(EASY, "7s", "3.5s"));
    let place = Place::with("built-in.toml", &scenario);
    place.write("own.toml", &replaced(&scenario, "\"bunny\"", "\"mine.toml\""));
    place.write("mine.toml", MANIFEST);
    std::fs::write(place.path("bunny-320x240.h264"), CLIP).expect("write the clip");
    let both = ["sim", "own.toml", "built-in.toml", "--media", "prerecorded", "--out", "out"];
    place.call(&both).ended(0);
    let events = |run: &str| {
        let record = place.read(&format!("out/{run}/seed-1/record.jsonl"));
        record.split_once('\n').expect("a header").1.to_owned()
    };
    assert!(events("own").contains("\"frame_encoded\""), "nothing was sent");
    assert_eq!(events("own"), events("built-in"));
}
