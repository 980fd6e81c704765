//! The worst frames of a run, kept as pictures beside its record.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use std::{collections::BTreeMap, fs};
use support::{EASY, Place, replaced, with_checks};

/// A place with a scenario of one stream, cut to four seconds.
fn place() -> Place {
    let scenario = with_checks("two-homes", 4, &replaced(EASY, "7s", "3.5s"));
    Place::with("case.toml", &scenario)
}

/// The pictures below `out`, by name.
fn pictures(place: &Place, out: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = place.path(&format!("{out}/case/seed-1/frames"));
    let entries = fs::read_dir(folder).expect("a folder of pictures");
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("a picture"))
    };
    entries.map(read).collect()
}

/// The worst frames that the record tells of: PSNR, boot, frame; from the worst on.
fn worst_of(record: &str) -> Vec<(u64, u64, u64)> {
    let mut frames = Vec::new();
    for line in record.lines() {
        let event = &serde_json::from_str::<Value>(line).expect("JSON")["event"];
        if event["kind"] == "frame_rendered" {
            let number = |value: &Value| value.as_u64().expect("a number");
            let marker = &event["marker"];
            let (boot, frame) = (number(&marker["boot"]), number(&marker["frame"]));
            frames.push((number(&event["psnr_millidb"]), boot, frame));
        }
    }
    frames.sort_unstable();
    frames.truncate(3);
    frames
}

#[test]
fn the_worst_frames_are_kept_under_the_names_that_the_summary_tells() {
    let place = place();
    let call = |out: &str| place.call(&["sim", "case.toml", "--verify", "--out", out]).ended(0);
    call("out");
    let record = place.read("out/case/seed-1/record.jsonl");
    let worst = worst_of(&record);
    assert_eq!(worst.len(), 3);
    let told = &place.json("out/summary.json")["runs"][0]["streams"][0]["worst_frames"];
    let told: Vec<_> = told.as_array().expect("frames").iter().collect();
    let mut names = Vec::new();
    for ((psnr, boot, frame), told) in worst.iter().zip(told) {
        assert_eq!(told["psnr_millidb"], *psnr);
        assert_eq!((&told["boot"], &told["frame"]), (&(*boot).into(), &(*frame).into()));
        for what in ["received", "source"] {
            names.push(format!("doorbell_phone_boot-{boot}_frame-{frame}_{what}.png"));
        }
    }
    names.sort();
    let kept = pictures(&place, "out");
    assert_eq!(kept.keys().cloned().collect::<Vec<_>>(), names);
    for (name, png) in &kept {
        let picture =
            image::load_from_memory(png).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((picture.width(), picture.height()), (320, 240), "{name}");
    }
    // A picture as it came is near its source, and not the same.
    let rgb = |name: &String| image::load_from_memory(&kept[name]).expect("PNG").into_rgb8();
    let (received, source) = (rgb(&names[0]), rgb(&names[1]));
    let below = |picture: &image::RgbImage| picture.as_raw()[320 * 3 * 40..].to_vec();
    let (received, source) = (below(&received), below(&source));
    let apart: u64 = received.iter().zip(&source).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let mean_permille = apart * 1000 / received.len() as u64;
    assert!((1..25_000).contains(&mean_permille), "{mean_permille} thousandths of a level apart");

    call("again");
    assert!(kept == pictures(&place, "again"), "one seed, other pictures");
}

#[test]
fn a_record_is_the_same_whether_or_not_pictures_are_kept() {
    let place = place();
    place.call(&["sim", "case.toml", "--out", "out"]).ended(0);
    assert!(!pictures(&place, "out").is_empty());
    let record = place.read("out/case/seed-1/record.jsonl");
    let summary = place.read("out/summary.json");
    // The next command leaves nothing of the one before.
    place.call(&["sim", "case.toml", "--no-frames", "--out", "out"]).ended(0);
    assert_eq!(place.read("out/case/seed-1/record.jsonl"), record);
    assert_eq!(place.read("out/summary.json"), summary);
    assert_eq!(place.files("out/case/seed-1"), ["record.jsonl"]);
}
