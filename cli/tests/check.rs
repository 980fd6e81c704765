//! `parallax check`: every file that is not sound is told of, and nothing is run.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use support::{Place, SHIPPED, TOO_SOON, with_checks};

const PROFILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../device-profiles");

#[test]
fn what_is_shipped_is_sound() {
    let place = Place::new();
    let called = place.call(&["check", SHIPPED, PROFILES]).ended(0);
    assert_eq!(called.complained, "");
    for line in [
        &format!("ok   {SHIPPED}/two-homes.toml  scenario"),
        &format!("ok   {PROFILES}/phone.toml  device profile"),
    ] {
        assert!(called.said.lines().any(|said| said == line), "no {line}:\n{}", called.said);
    }
    let files = called.said.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(called.said.ends_with(&format!("\n{files} ok\n")) && files >= 5, "{}", called.said);
    assert!(place.files("").is_empty());
}

#[test]
fn a_bench_is_taken_for_one_and_its_profiles_are_read() {
    const BENCHES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/benches");
    let place = Place::new();
    let called = place.call(&["check", BENCHES]).ended(0);
    assert!(called.said.contains("/virtual.toml  bench\n"), "{}", called.said);
    let sound = fs::read_to_string(format!("{BENCHES}/virtual.toml")).expect("it ships");
    place.write("key.toml", &sound.replace("true", "7"));
    place.write("profile.toml", &sound.replace("process-board", "no-such"));
    let called = place.call(&["check", "key.toml", "profile.toml"]).ended(2);
    for text in [
        "key.toml, taken for a bench:",
        "line 6: `process`: invalid type",
        "profile.toml: line 5: `profile`: there is no device profile `no-such`",
    ] {
        assert!(called.complained.contains(text), "{text}: {}", called.complained);
    }
}

#[test]
fn every_bad_file_is_told_of_and_what_it_was_taken_for() {
    let good = with_checks("two-homes", 1, TOO_SOON);
    let phone = fs::read_to_string(format!("{PROFILES}/phone.toml")).expect("a profile");
    let place = Place::new();
    fs::create_dir(place.path("mixed")).expect("make a folder");
    place.write("mixed/a-good.toml", &good);
    place.write("mixed/b-clip.toml", &good.replace("\"bunny\"", "\"nursery\""));
    place.write("mixed/c-key.toml", &good.replace("capacity =", "capacitty ="));
    place.write("mixed/d-board.toml", &phone.replace("median = \"4ms\"", "median = 4"));
    place.write("mixed/e-phone.toml", &phone);
    place.write("mixed/f-syntax.toml", "schema = 1\ntitle = ");
    place.write("mixed/g-nothing.toml", "");
    place.write("mixed/notes.txt", "none of anybody's business");
    place.write("own.toml", &good.replace("\"esp32-p4\"", "\"mixed/d-board.toml\""));
    let before = place.files("");
    let called = place.call(&["check", "mixed", "missing.toml", "own.toml"]).ended(2);
    assert_eq!(
        called.said,
        "ok   mixed/a-good.toml  scenario\n\
         bad  mixed/b-clip.toml  scenario\n\
         bad  mixed/c-key.toml  scenario\n\
         bad  mixed/d-board.toml  device profile\n\
         ok   mixed/e-phone.toml  device profile\n\
         bad  mixed/f-syntax.toml  scenario\n\
         bad  mixed/g-nothing.toml  scenario\n\
         bad  missing.toml\n\
         bad  own.toml  scenario\n\
         7 bad, 2 ok\n"
    );
    for text in [
        "`nursery`",
        "capacitty",
        "mixed/d-board.toml, taken for a device profile:",
        "median",
        "mixed/f-syntax.toml:2:",
        "mixed/g-nothing.toml, taken for a scenario:",
        "failed to read missing.toml",
        "own.toml, taken for a scenario:",
    ] {
        assert!(called.complained.contains(text), "no {text}:\n{}", called.complained);
    }
    assert!(!called.complained.contains("a-good") && !called.complained.contains("e-phone"));
    assert_eq!(place.files(""), before, "it has left something");
    let called = place.call(&["check", "mixed/a-good.toml", "mixed/e-phone.toml"]).ended(0);
    assert!(called.said.ends_with("\n2 ok\n"), "{}", called.said);
}

#[test]
fn a_console_pattern_that_no_console_can_be_driven_by_is_told_with_file_line_and_key() {
    let sound = fs::read_to_string(format!("{PROFILES}/process-board.toml")).expect("a profile");
    let place = Place::new();
    // What is written in place of what, the key, and why it is none.
    let wrongs = [
        ("prompt = '# $'", "prompt = '(# $'", "console.prompt", "unclosed group"),
        ("prompt = '# $'", "prompt = '.*# $'", "console.prompt", "it may match more"),
        (
            "prompt = '# $'",
            "prompt = '#? $'\npanics = ['a?']",
            "console.panics[1]",
            "the empty text",
        ),
        ("login: $'", "login: +$'", "console.login_prompt", "it may match more"),
        ("first stage']", "first stage', '[a-']", "console.banners[2]", "unclosed character class"),
    ];
    for (before, after, key, why) in wrongs {
        let text = sound.replacen(before, after, 1);
        assert_ne!(text, sound, "{before}");
        place.write("own.toml", &text);
        let called = place.call(&["check", "own.toml"]).ended(2);
        let line = 1 + text
            .lines()
            .position(|line| line.contains(after.lines().last().unwrap_or(after)))
            .expect("it is there");
        for said in [format!("own.toml:{line}:"), format!("{key}: "), why.to_owned()] {
            assert!(called.complained.contains(&said), "no {said}:\n{}", called.complained);
        }
    }
    // A scenario that names such a device is refused, too.
    let scenario = with_checks("two-homes", 1, TOO_SOON).replace("\"esp32-p4\"", "\"own.toml\"");
    place.write("scenario.toml", &scenario);
    let called = place.call(&["check", "scenario.toml"]).ended(2);
    assert!(called.complained.contains("console.banners[2]"), "{}", called.complained);
}

#[test]
fn without_a_file_it_looks_where_sim_does() {
    let place = Place::new();
    let called = place.call(&["check"]).ended(2);
    assert!(
        called.complained.contains("failed to read fixtures/scenarios"),
        "{}",
        called.complained
    );
    fs::create_dir_all(place.path("fixtures/scenarios")).expect("make folders");
    place.write("fixtures/scenarios/soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let called = place.call(&["check"]).ended(0);
    assert_eq!(called.said, "ok   fixtures/scenarios/soon.toml  scenario\n1 ok\n");
}
