//! A scenario that needs no clip: its camera films the scene that is drawn.
#![cfg(target_os = "linux")]

mod support;

use support::{Place, replaced, shipped};

#[test]
fn the_scene_passes_the_checks_of_two_homes_at_two_sizes() {
    let small = replaced(&shipped("two-homes", 30), "\"bunny\"", "\"scene\"");
    let large = replaced(&small, "\"320x240\"", "\"640x360\"");
    let large = replaced(&large, "400kbit/s", "1Mbit/s");
    let large = replaced(&large, "pacer = \"2Mbit/s\"", "pacer = \"5Mbit/s\"");
    let place = Place::with("small.toml", &small);
    place.write("large.toml", &large);
    place.call(&["sim", "small.toml", "large.toml", "--out", "out"]).ended(0);
    let digests = ["small", "large"].map(|run| {
        let record = place.read(&format!("out/{run}/seed-1/record.jsonl"));
        let header: serde_json::Value =
            serde_json::from_str(record.lines().next().expect("a header")).expect("JSON");
        let peers = header["peers"].as_array().expect("peers");
        let camera = peers.iter().find(|peer| !peer["camera"].is_null()).expect("a camera");
        assert_eq!(camera["camera"]["clip"], "scene");
        camera["camera"]["clip_sha256"].as_str().expect("a digest").to_owned()
    });
    // What is drawn hangs on the size.
    assert_ne!(digests[0], digests[1]);
    // SHA-256 of nothing.
    assert!(digests.iter().all(|digest| !digest.starts_with("e3b0c442")));
}
