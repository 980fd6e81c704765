//! Broken files over the real command, each in a folder of its own: nothing runs, nothing is left
//! behind, and one message says what is wrong and what would be right. The page of messages is a
//! snapshot, to be read as a user reads it.
#![cfg(target_os = "linux")]

mod support;

use sha2::{Digest, Sha256};
use std::{fmt::Write as _, fs};
use support::{Place, replaced};

/// A scenario that is sound, for a case to break in one place.
const SOUND: &str = r#"schema = 1
title = "Two homes"
why = "They must connect."
duration = "30s"

[site.house]
gateway = { mapping = "endpoint-independent", filtering = "address-dependent" }
up = { capacity = "8Mbit/s", one_way_delay = "12ms", loss = { mean = "1%", burst = 3 } }
down = { capacity = "40Mbit/s", one_way_delay = "12ms" }

[site.flat]
gateway = "none"
up = { capacity = "8Mbit/s", one_way_delay = "9ms" }
down = { capacity = "40Mbit/s", one_way_delay = "9ms" }

[peer.doorbell]
site = "house"

[peer.doorbell.camera]
profile = "esp32-p4"

[peer.doorbell.camera.video]
clip = "bunny"
size = "320x240"
frames_per_second = 15
bit_rate = "400kbit/s"

[peer.phone]
site = "flat"
views = ["doorbell"]

[[check]]
capture_to_render = { percentile = 95, below = "250ms", from = "5s" }
why = "A conversation breaks down."
"#;

/// Streams that are no clips, among others.
const STREAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sim/media/tests/streams");
/// A clip that is sound.
const CLIP: &[u8] = include_bytes!("../../fixtures/clips/bunny-320x240.h264");

/// A device profile that is sound.
const PROFILE: &str = include_str!("../../device-profiles/raspberry-pi-zero-2-w.toml");

/// All that `parallax sim case.toml --out out` says, where it is called in this place.
fn told(page: &mut String, name: &str, place: &Place) {
    told_of(page, name, place, &["sim", "case.toml", "--out", "out"]);
}

/// All that the command says; nothing may have run, and nothing may be left.
fn told_of(page: &mut String, name: &str, place: &Place, arguments: &[&str]) {
    let before = place.files("");
    let called = place.call(arguments);
    assert_eq!(called.code, Some(2), "{name}: {}{}", called.said, called.complained);
    assert_eq!(called.said, "", "{name}");
    assert_eq!(place.files(""), before, "{name} has left something");
    assert!(!place.path("out").is_dir(), "{name} has made a folder");
    let folder = place.path("").display().to_string();
    assert!(!called.complained.contains(&folder), "{name} tells of the test's folder");
    // One message, however many problems it tells of.
    let failures = called.complained.matches("failed to ").count();
    assert!(failures <= 1, "{name}: {}", called.complained);
    let lines = called.complained.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    writeln!(page, "======== {name}\n{}\n", lines.trim_end()).expect("a text takes everything");
}

/// Scenarios with one thing replaced.
const SCENARIOS: &[(&str, &str, &str)] = &[
    (
        "wrong unit",
        "\"40Mbit/s\", one_way_delay = \"12ms\"",
        "\"40Mbps\", one_way_delay = \"12ms\"",
    ),
    ("missing unit", "duration = \"30s\"", "duration = 30"),
    ("unknown key", "frames_per_second", "fps"),
    ("unknown table", "[peer.phone]", "[network]\n[peer.phone]"),
    ("key missing", "bit_rate = \"400kbit/s\"\n", ""),
    ("dangling site", "site = \"flat\"", "site = \"flats\""),
    (
        "two peers of one site with one address",
        "[peer.phone]\nsite = \"flat\"",
        "[peer.gate]\nsite = \"flat\"\naddress = \"203.0.113.5\"\nviews = [\"doorbell\"]\n\n[peer.phone]\nsite = \"flat\"\naddress = \"203.0.113.5\"",
    ),
    ("loss of more than all", "{ mean = \"1%\", burst = 3 }", "\"101%\""),
    ("loss that cannot be", "{ mean = \"1%\", burst = 3 }", "{ mean = \"80%\", burst = 1 }"),
    (
        "check of a camera that is not there",
        "why = \"A conv",
        "camera = \"garden\"\nwhy = \"A conv",
    ),
    (
        "check of a stream that is not there",
        "why = \"A conv",
        "camera = \"doorbell\"\nviewer = \"doorbell\"\nwhy = \"A conv",
    ),
    ("window outside the run", "from = \"5s\"", "from = \"31s\""),
    ("window that outlasts the run", "from = \"5s\"", "to = \"31s\""),
    ("window that ends before it begins", "from = \"5s\"", "from = \"5s\", to = \"4s\""),
    ("bound longer than its window", "from = \"5s\"", "from = \"5s\", to = \"5.1s\""),
    ("percentile out of range", "percentile = 95", "percentile = 100"),
    ("percentile with a part", "percentile = 95", "percentile = 99.9"),
    ("more samples than frames", "from = \"5s\"", "from = \"29s\", minimum_sample = 50"),
    ("check of two kinds", "why = \"A conv", "connects = { within = \"5s\" }\nwhy = \"A conv"),
    ("check without a why", "why = \"A conversation breaks down.\"\n", ""),
    (
        "viewer of what is no camera",
        "views = [\"doorbell\"]",
        "views = [\"doorbell\", \"tablet\"]\n\n[peer.tablet]\nsite = \"flat\"\nviews = [\"doorbell\"]",
    ),
    ("viewer of nobody", "views = [\"doorbell\"]", "views = [\"dorbell\"]"),
    ("picture with an odd side", "320x240", "321x240"),
    ("picture beyond the device", "320x240", "3840x2160"),
    ("seed out of range", "duration =", "seed = \"18446744073709551616\"\nduration ="),
    ("schema of the future", "schema = 1", "schema = 2"),
    ("profile that there is not", "esp32-p4", "esp32-p5"),
    ("profile in a file that is not there", "esp32-p4", "boards/mine.toml"),
    ("profile of a viewer for a camera", "esp32-p4", "phone"),
    ("clip that there is not", "\"bunny\"", "\"nursery\""),
    ("clip without its manifest", "\"bunny\"", "\"film.h264\""),
    ("clip in a manifest that is not there", "\"bunny\"", "\"films/film.toml\""),
    ("not TOML", "schema = 1", "schema = one"),
    ("a table that does not end", "burst = 3 } }", "burst = 3 }"),
    ("duplicate key", "title = \"Two homes\"", "title = \"Two homes\"\ntitle = \"Two flats\""),
    ("control character", "Two homes", "Two\u{7}homes"),
];

fn scenarios(page: &mut String) {
    for (name, from, to) in SCENARIOS {
        told(page, name, &Place::with("case.toml", &SOUND.replacen(from, to, 1)));
        assert!(SOUND.contains(from), "{name}: the sound scenario lacks {from}");
    }
    let wide = format!("# {}\n{SOUND}", "x".repeat(4_000));
    told(page, "over-long line", &Place::with("case.toml", &wide));
    told(page, "empty file", &Place::with("case.toml", ""));
    let place = Place::new();
    fs::write(place.path("case.toml"), b"schema = 1\ntitle = \"caf\xe9\"\n").expect("write");
    told(page, "not UTF-8", &place);
    let place = Place::new();
    sparse(&place, "case.toml", 100_000_000);
    told(page, "100 MB of TOML", &place);
}

/// A file of so many bytes, all zero, which takes no place.
fn sparse(place: &Place, name: &str, bytes: u64) {
    let file = fs::File::create(place.path(name)).expect("make a file");
    file.set_len(bytes).expect("make it long");
}

/// A place with the sound scenario and a profile of its own, with one thing replaced.
fn with_profile(from: &str, to: &str) -> Place {
    let scenario = replaced(SOUND, "\"esp32-p4\"", "\"boards/mine.toml\"");
    let place = Place::with("case.toml", &scenario);
    fs::create_dir(place.path("boards")).expect("make a folder");
    place.write("boards/mine.toml", &PROFILE.replacen(from, to, 1));
    assert!(PROFILE.contains(from), "the sound profile lacks {from}");
    place
}

fn profiles(page: &mut String) {
    for (name, from, to) in [
        (
            "profile with a number without provenance",
            "provenance = \"vendor\", source = \"BCM2710: H.264 level 4.0, 1080p at 30 frames/s\" }",
            "}",
        ),
        ("profile with a guess", "provenance = \"vendor\"\n", "provenance = \"guessed\"\n"),
        ("profile with a distribution that cannot be", "least = \"15ms\"", "least = \"25ms\""),
        ("profile with half a distribution", "mean = \"20ms\"\ndeviation", "deviation"),
        ("profile that is not TOML", "schema = 1", "schema = 1 1"),
        ("profile with an unknown key", "[camera.encode]", "[camera.encoder]"),
    ] {
        told(page, name, &with_profile(from, to));
    }
    let place = with_profile("", "");
    sparse(&place, "boards/mine.toml", 3_000_000);
    told(page, "profile that is too long", &place);
    let place = with_profile("", "");
    fs::remove_file(place.path("boards/mine.toml")).expect("remove it");
    fs::create_dir(place.path("boards/mine.toml")).expect("make a folder");
    told(page, "profile that is a folder", &place);
}

/// The manifest of a clip of these bytes, as `films/film.toml` says it.
fn manifest(clip: &[u8]) -> String {
    format!(
        "schema = 1\nfile = \"film.h264\"\nsize = \"320x240\"\nframes_per_second = 25\nframes = \
         125\nbytes = {}\nsha256 = \"{}\"\n",
        clip.len(),
        hex::encode(Sha256::digest(clip))
    )
}

/// A place with the sound scenario, a clip and a manifest.
fn with_clip(clip: &[u8], manifest: &str) -> Place {
    let scenario = replaced(SOUND, "\"bunny\"", "\"films/film.toml\"");
    let place = Place::with("case.toml", &scenario);
    fs::create_dir(place.path("films")).expect("make a folder");
    place.write("films/film.toml", manifest);
    fs::write(place.path("films/film.h264"), clip).expect("write the clip");
    place
}

/// Manifests of the sound clip with one thing replaced.
const MANIFESTS: &[(&str, &str, &str)] = &[
    ("manifest with an unknown key", "frames_per_second", "framerate"),
    ("manifest without a digest", "sha256", "# sha256"),
    ("manifest with another digest", "\nsha256 = \"bc", "\nsha256 = \"bd"),
    ("manifest with half a digest", "bc278e8b23f96529c19b", ""),
    ("manifest with more bytes", "bytes = 249211", "bytes = 300000"),
    ("manifest with fewer bytes", "bytes = 249211", "bytes = 200000"),
    ("manifest with more bytes than there may be", "bytes = 249211", "bytes = 67108865"),
    ("manifest with another size", "320x240", "640x480"),
    ("manifest with an odd size", "320x240", "321x240"),
    ("manifest with more frames", "frames = 125", "frames = 126"),
    ("manifest with more frames than memory holds", "frames = 125", "frames = 9321"),
    ("manifest with no frame rate", "frames_per_second = 25", "frames_per_second = 0"),
    ("manifest of a file that is not there", "film.h264", "movie.h264"),
    ("manifest of a file elsewhere", "film.h264", "../film.h264"),
    ("manifest that is not TOML", "schema = 1", "schema: 1"),
    ("manifest with an empty title", "schema = 1", "schema = 1\ntitle = \"\""),
];

fn clips(page: &mut String) {
    for (name, from, to) in MANIFESTS {
        told(page, name, &with_clip(CLIP, &replaced(&manifest(CLIP), from, to)));
    }
    let place = with_clip(CLIP, "");
    fs::write(place.path("films/film.toml"), b"schema = 1\ntitle = \"\xff\"\n").expect("write");
    told(page, "manifest that is not UTF-8", &place);
    let place = with_clip(CLIP, "");
    sparse(&place, "films/film.toml", 300_000);
    told(page, "manifest that is too long", &place);
    told(page, "truncated clip", &with_clip(&CLIP[..200_000], &manifest(CLIP)));
    let place = with_clip(CLIP, &manifest(CLIP));
    sparse(&place, "films/film.h264", 5_000_000_000);
    told(page, "clip that is far too long", &place);
    let place = with_clip(CLIP, &manifest(CLIP));
    fs::remove_file(place.path("films/film.h264")).expect("remove it");
    fs::create_dir(place.path("films/film.h264")).expect("make a folder");
    told(page, "clip that is a folder", &place);
    let mut other = CLIP.to_vec();
    other[100_000] ^= 1;
    told(page, "clip with another digest", &with_clip(&other, &manifest(CLIP)));
    let mp4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";
    told(page, "clip that is no H.264", &with_clip(mp4, &manifest(mp4)));
    told(page, "clip that is empty", &with_clip(&[], &manifest(CLIP)));
    for kind in ["b-frames", "interlaced", "ten-bit", "422"] {
        let file = format!("{STREAMS}/{kind}.h264");
        let clip = fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        told(page, &format!("clip of another kind: {kind}"), &with_clip(&clip, &manifest(&clip)));
    }
    // The end of a frame amidst the clip.
    let next = CLIP[100_000..].windows(3).position(|bytes| bytes == [0, 0, 1]).expect("a frame");
    let holed = [&CLIP[..99_900 + next], &CLIP[100_000 + next..]].concat();
    told(page, "clip that does not decode", &with_clip(&holed, &manifest(&holed)));
    let cut = &CLIP[..CLIP.len() - 700];
    told(page, "clip that was cut off before its manifest", &with_clip(cut, &manifest(cut)));
}

fn files(page: &mut String) {
    let place = Place::with("good.toml", SOUND);
    told(page, "no such file", &place);
    let place = Place::new();
    fs::create_dir(place.path("case.toml")).expect("make a folder");
    told(page, "folder in place of a file", &place);
    let place = Place::new();
    fs::create_dir(place.path("folder")).expect("make a folder");
    place.write("folder/notes.txt", "none here");
    told_of(page, "folder without scenarios", &place, &["sim", "folder", "--out", "out"]);
    let place = Place::with("case.toml", SOUND);
    fs::create_dir(place.path("folder")).expect("make a folder");
    place.write("folder/case.toml", SOUND);
    let below = ["sim", "case.toml/", "--out", "out"];
    told_of(page, "file in place of a folder", &place, &below);
    let bench = ["boards", "--bench", "folder"];
    told_of(page, "folder in place of a bench", &place, &bench);
    let both = ["sim", "case.toml", "folder/case.toml", "--out", "out"];
    told_of(page, "two files of one name", &place, &both);
    place.write("out", "a file stands here");
    told(page, "file in place of the output folder", &place);
    let nowhere = ["sim", "case.toml", "--out", "/proc/nowhere"];
    told_of(page, "output folder that cannot be made", &place, &nowhere);
    fs::remove_file(place.path("out")).expect("remove it");
    for seed in ["-1", "seven", "18446744073709551616"] {
        let call = ["sim", "case.toml", "--seed", seed, "--out", "out"];
        told_of(page, &format!("seed {seed}"), &place, &call);
    }
    told_of(page, "unknown flag", &place, &["sim", "case.toml", "--sede", "7", "--out", "out"]);
}

#[test]
fn broken_input_ends_with_2_and_one_message_each() {
    let mut page = String::new();
    scenarios(&mut page);
    profiles(&mut page);
    clips(&mut page);
    files(&mut page);
    insta::assert_snapshot!(page);
}

/// What the cases break is sound before.
#[test]
fn the_sound_scenario_and_its_own_clip_and_profile_are_sound() {
    for place in [
        Place::with("case.toml", SOUND),
        with_profile("least = \"12s\"", "least = \"1s\""),
        with_clip(CLIP, &manifest(CLIP)),
    ] {
        let short = place.read("case.toml").replace("30s", "2s").replace("5s", "0s");
        let (world, _) = short.split_once("[[check]]").expect("a check");
        let check =
            "[[check]]\nconnects = { within = \"1200ms\" }\nwhy = \"Nobody boots so soon.\"";
        place.write("case.toml", &format!("{world}{check}\n"));
        place.call(&["sim", "case.toml", "--out", "out"]).ended(10);
    }
}
