//! Films of the user's own, named by the scenario itself: those that can be filmed, and the message
//! for each that cannot, on one page to be read as a user reads it.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, fs, process::Command};
use support::{EASY, Place, replaced, with_checks};

/// Where the films are, and the script that has made them.
const FILMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sim/media/tests/films");

fn film(name: &str) -> Vec<u8> {
    fs::read(format!("{FILMS}/{name}")).expect("a film")
}

/// A place with `case.toml`, which films `films/NAME`, where these bytes are.
fn place(name: &str, bytes: &[u8]) -> Place {
    let place = Place::new();
    let scenario = with_checks("two-homes", 4, &replaced(EASY, "7s", "3.5s"));
    place.write("case.toml", &replaced(&scenario, "\"bunny\"", &format!("\"films/{name}\"")));
    fs::create_dir(place.path("films")).expect("make a folder");
    fs::write(place.path(&format!("films/{name}")), bytes).expect("write the film");
    place
}

/// The camera in the header of a record, and all that follows the header.
fn record(place: &Place) -> (Value, String) {
    let text = place.read("out/case/seed-1/record.jsonl");
    let (header, events) = text.split_once('\n').expect("a header");
    let header: Value = serde_json::from_str(header).expect("JSON");
    let peers = header["peers"].as_array().expect("peers");
    let camera = peers.iter().find(|peer| !peer["camera"].is_null()).expect("a camera");
    (camera["camera"].clone(), events.to_owned())
}

#[test]
fn a_film_beside_the_scenario_is_filmed() {
    let films = [
        ("plain.mp4", "my film.mp4", "my film"),
        ("fragmented.mp4", "AS_IT_GOES.MP4", "AS_IT_GOES"),
        ("plain.y4m", "raw.y4m", "raw"),
    ];
    for (film_of, name, clip) in films {
        let film = film(film_of);
        let place = place(name, &film);
        let called = place.call(&["sim", "case.toml", "--verify", "--out", "out"]).ended(0);
        assert!(called.said.contains("a second run has the same record"), "{}", called.said);
        let (camera, events) = record(&place);
        assert_eq!(camera["clip"], clip);
        assert_eq!(camera["clip_sha256"], hex::encode(Sha256::digest(&film)));
        assert!(events.contains("\"frame_rendered\""), "{name} was not seen");
    }
}

/// In whatever container: one stream of pictures is one run.
#[test]
fn the_same_pictures_in_another_container_give_the_same_run() {
    let runs = ["fragmented.mp4", "half-fragmented.mp4"].map(|name| {
        let place = place(name, &film(name));
        place.call(&["sim", "case.toml", "--out", "out"]).ended(0);
        record(&place).1
    });
    assert_eq!(runs[0], runs[1]);
}

/// All that `parallax sim` says of a place; nothing may have run, and nothing may be left.
fn told(page: &mut String, name: &str, place: &Place) {
    let before = place.files("");
    let called = place.call(&["sim", "case.toml", "--out", "out"]);
    assert_eq!(called.code, Some(2), "{name}: {}{}", called.said, called.complained);
    assert_eq!(called.said, "", "{name}");
    assert_eq!(place.files(""), before, "{name} has left something");
    assert!(!place.path("out").is_dir(), "{name} has made a folder");
    let lines = called.complained.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    writeln!(page, "======== {name}\n{}\n", lines.trim_end()).expect("a text takes everything");
}

/// A Y4M with one thing of its first line replaced.
fn y4m(from: &str, to: &str) -> Vec<u8> {
    let film = film("plain.y4m");
    let end = film.iter().position(|&byte| byte == b'\n').expect("a line");
    let line = String::from_utf8(film[..end].to_vec()).expect("text");
    [replaced(&line, from, to).as_bytes(), &film[end..]].concat()
}

#[test]
fn a_film_that_cannot_be_filmed_is_refused_with_the_line_that_converts_it() {
    let mut page = String::new();
    let names = "ten-bit 422 444 interlaced varying b-frames hevc av1 vp9 sound-only edited turned \
                 large lossless";
    for name in names.split(' ') {
        let file = format!("{name}.mp4");
        told(&mut page, &file, &place(&file, &film(&file)));
    }
    told(&mut page, "empty", &place("film.mp4", &[]));
    told(&mut page, "truncated", &place("film.mp4", &film("plain.mp4")[..2000]));
    told(&mut page, "without its index", &place("film.mp4", &film("plain.mp4")[..1500]));
    told(&mut page, "something else", &place("it's mine.mp4", b"This is not a film at all."));
    let mut holed = film("plain.mp4");
    holed[1300..1500].fill(0xff);
    told(&mut page, "damaged", &place("film.mp4", &holed));
    told(&mut page, "of another kind", &place("film.mov", &film("plain.mp4")));

    told(&mut page, "Y4M with an odd size", &place("film.y4m", &y4m("W32", "W33")));
    told(&mut page, "Y4M that is too small", &place("film.y4m", &y4m("W32", "W8")));
    told(&mut page, "Y4M of 10 bits", &place("film.y4m", &y4m("C420jpeg", "C420p10")));
    told(&mut page, "Y4M of 4:2:2", &place("film.y4m", &y4m("C420jpeg", "C422")));
    told(&mut page, "Y4M that is interlaced", &place("film.y4m", &y4m("Ip", "It")));
    told(&mut page, "Y4M without a rate", &place("film.y4m", &y4m("F25:1", "F0:0")));
    let cut = film("plain.y4m");
    told(&mut page, "Y4M that is truncated", &place("film.y4m", &cut[..cut.len() - 100]));

    // One more than fits at 320x240.
    let mut long = b"YUV4MPEG2 W16 H16 F25:1\n".to_vec();
    for _ in 0..9321 {
        long.extend_from_slice(b"FRAME\n");
        long.extend_from_slice(&[128; 16 * 16 * 3 / 2]);
    }
    told(&mut page, "too many frames", &place("film.y4m", &long));
    for name in ["film.mp4", "film.y4m"] {
        let place = place(name, &[]);
        let file = fs::File::create(place.path(&format!("films/{name}"))).expect("a file");
        file.set_len(5_000_000_000).expect("a sparse file");
        told(&mut page, &format!("{name} that is too long"), &place);
    }
    // A recording is sent as it is, and neither of these is one.
    for clip in ["films/plain.mp4", "scene"] {
        let place = place("plain.mp4", &film("plain.mp4"));
        let scenario = place.read("case.toml").replace("films/plain.mp4", clip);
        let scenario = replaced(&scenario, "duration =", "media = \"prerecorded\"\nduration =");
        place.write("case.toml", &scenario);
        told(&mut page, &format!("{clip} with prerecorded media"), &place);
    }
    let missing = place("film.mp4", &[]);
    fs::remove_file(missing.path("films/film.mp4")).expect("remove it");
    told(&mut page, "missing", &missing);
    insta::assert_snapshot!(page);
}

/// The line that a message gives for a film, where `ffmpeg` is there; in CI it has to be.
fn converted(name: &str, bytes: &[u8]) {
    let place = place(name, bytes);
    let told = place.call(&["sim", "case.toml", "--out", "out"]).ended(2).complained;
    let line = told.lines().map(str::trim).find(|line| line.starts_with("ffmpeg -i"));
    let line = line.unwrap_or_else(|| panic!("{name}: no line of its own in\n{told}"));
    // As somebody pastes it who stands where the scenario is.
    let pasted = Command::new("sh")
        .args(["-c", &format!("{line} -hide_banner -loglevel error -y")])
        .current_dir(place.path(""))
        .output()
        .expect("a shell");
    assert!(pasted.status.success(), "{line}\n{}", String::from_utf8_lossy(&pasted.stderr));
    let ending = name.rsplit_once('.').expect("an ending").1.replace("mov", "mp4");
    let films = |name: &str| place.path(&format!("films/{name}.{ending}"));
    let made = ["converted", "clip"].into_iter().find(|made| films(made).exists());
    let made = made.unwrap_or_else(|| panic!("{line} has made no film"));
    let scenario = place
        .read("case.toml")
        .replace(&format!("films/{name}"), &format!("films/{made}.{ending}"));
    place.write("case.toml", &scenario);
    place.call(&["check", "case.toml"]).ended(0);
    place.call(&["sim", "case.toml", "--out", "out"]).ended(0);
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn the_line_that_converts_a_film_makes_one_that_can_be_filmed() {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|o| o.status.success());
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(there || !ci, "there is no ffmpeg: in CI there has to be\n  help: install ffmpeg");
    if !there {
        eprintln!("not run: needs ffmpeg");
        return;
    }
    for name in
        "ten-bit 444 interlaced varying b-frames hevc edited turned large lossless".split(' ')
    {
        converted(&format!("{name}.mp4"), &film(&format!("{name}.mp4")));
    }
    converted("it's mine.mov", &film("plain.mp4"));
    converted("film.y4m", &y4m("Ip", "It"));
}
