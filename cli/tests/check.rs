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
    let called = place.call(&["check"]).ended(0);
    assert!(called.said.contains("ok   two-homes  scenario\n"), "{}", called.said);
    fs::create_dir_all(place.path("fixtures/scenarios")).expect("make folders");
    place.write("fixtures/scenarios/soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let called = place.call(&["check"]).ended(0);
    assert_eq!(called.said, "ok   fixtures/scenarios/soon.toml  scenario\n1 ok\n");
}

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/cases/20-names-and-files");
const CLIPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/clips");

#[test]
fn a_bench_is_refused_whose_profile_no_bench_can_drive() {
    let place = Place::new();
    let viewer = format!("{CASES}/bench-viewer-chromium.toml");
    let called = place.call(&["check", &viewer]).ended(0);
    assert!(called.said.contains("bench-viewer-chromium.toml  bench\n"), "{}", called.said);
    let mute = format!("{CASES}/bench-profile-without-console.toml");
    let called = place.call(&["check", &mute]).ended(2);
    for text in ["bench-profile-without-console.toml: line 4: `profile`: ", "it has no [console]"] {
        assert!(called.complained.contains(text), "no {text}:\n{}", called.complained);
    }
    // All boards are told, not the first alone; a password is the machine's affair.
    let board = |name: &str, profile: &str| {
        format!("[board.{name}]\nprofile = \"{profile}\"\nprocess = true\n")
    };
    let head = "schema = 1\ntitle = \"two\"\n";
    place.write("two.toml", &format!("{head}{}{}", board("one", "phone"), board("two", "phone")));
    let called = place.call(&["check", "two.toml"]).ended(2);
    assert!(
        called.complained.contains("line 4: ") && called.complained.contains("line 7: "),
        "{}",
        called.complained
    );
    place.write("ok.toml", &format!("{head}{}", board("one", "rock-5b")));
    place.call(&["check", "ok.toml"]).ended(0);
}

/// A place with a clip, its manifest, and a scenario that films it.
fn filmed() -> Place {
    let place = Place::new();
    for name in ["bunny-320x240.h264", "bunny-320x240.toml"] {
        fs::copy(format!("{CLIPS}/{name}"), place.path(name)).expect("it ships");
    }
    let scenario = with_checks("two-homes", 1, TOO_SOON);
    place.write("scenario.toml", &scenario.replace("\"bunny\"", "\"bunny-320x240.toml\""));
    place
}

#[test]
fn a_manifest_is_sound_with_the_film_that_it_means() {
    let place = filmed();
    place.call(&["check", "bunny-320x240.toml", "scenario.toml"]).ended(0);
    let manifest = place.read("bunny-320x240.toml");
    for (from, to, why) in [
        ("file = \"bunny-320x240.h264\"", "file = \"gone.h264\"", "file: failed to read gone.h264"),
        ("sha256 = \"b", "sha256 = \"a", "sha256: bunny-320x240.h264 is not the file"),
        ("\nbytes = 249211", "\nbytes = 249210", "has 249211 bytes, the manifest says 249210"),
        ("\nframes = 125", "\nframes = 124", "has 125 frames, not 124"),
        ("\nsize = \"320x240\"", "\nsize = \"320x238\"", "has 320x240, not 320x238"),
    ] {
        assert!(manifest.contains(from), "{from}");
        place.write("bunny-320x240.toml", &manifest.replacen(from, to, 1));
        // By itself, and on the way from a scenario: the same is told.
        for file in ["bunny-320x240.toml", "scenario.toml"] {
            let called = place.call(&["check", file]).ended(2);
            for text in [why, "bunny-320x240.toml:"] {
                assert!(
                    called.complained.contains(text),
                    "{file}: no {text}:\n{}",
                    called.complained
                );
            }
        }
        place.call(&["sim", "scenario.toml"]).ended(2);
    }
}

/// Numbers that look random and are the same in each run of the tests.
struct Luck(u64);

impl Luck {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }
}

/// The text with one thing about it changed.
fn mutated(text: &str, luck: &mut Luck) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = luck.below(lines.len());
    let words =
        ["\"1s\"", "\"0%\"", "7", "\"none\"", "true", "{}", "\"phone\"", "[]", "\"320x240\""];
    match luck.below(6) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => {
            let other = luck.below(lines.len());
            lines.swap(at, other);
        }
        3 => {
            let digit = char::from(b'0' + u8::try_from(luck.below(10)).expect("a digit"));
            lines[at] =
                lines[at].replace(|letter: char| letter.is_ascii_digit(), &digit.to_string());
        }
        4 => {
            if let Some((key, _)) = lines[at].split_once('=') {
                lines[at] = format!("{key}= {}", words[luck.below(words.len())]);
            }
        }
        _ => lines[at] = lines[at].replace(['"', '{'], ""),
    }
    lines.join("\n") + "\n"
}

#[test]
fn what_passes_runs_and_what_does_not_is_refused_by_a_run() {
    let mut luck = Luck(20);
    let (mut passed, mut refused) = (0, 0);
    let mut hold = |place: &Place, mutant: &str, file: &str, run: &[&str]| {
        let checked = place.call(&["check", file]);
        let ran = place.call(run);
        let told = format!("{mutant}\n{}\n{}\n{}", checked.complained, ran.said, ran.complained);
        match checked.code {
            Some(0) => {
                passed += 1;
                assert!([Some(0), Some(10), Some(11)].contains(&ran.code), "it passes:\n{told}");
            }
            code => {
                refused += 1;
                assert_eq!((code, ran.code), (Some(2), Some(2)), "it is refused:\n{told}");
            }
        }
    };
    let scenario = with_checks("two-homes", 1, TOO_SOON);
    let place = Place::new();
    for _ in 0..24 {
        let mutant = mutated(&scenario, &mut luck);
        place.write("mutant.toml", &mutant);
        hold(
            &place,
            &mutant,
            "mutant.toml",
            &["sim", "mutant.toml", "--media", "prerecorded", "--no-report", "--out", "out"],
        );
    }
    let profile = fs::read_to_string(format!("{PROFILES}/process-board.toml")).expect("it ships");
    place.write("scenario.toml", &scenario.replace("\"esp32-p4\"", "\"mutant.toml\""));
    for _ in 0..24 {
        let mutant = mutated(&profile, &mut luck);
        place.write("mutant.toml", &mutant);
        hold(&place, &mutant, "scenario.toml", &["sim", "scenario.toml", "--list"]);
    }
    place.write("scenario.toml", &scenario);
    let bench = "schema = 1\ntitle = \"b\"\nviewer = \"chromium\"\nlateness_budget = \"35ms\"\n[board.v]\n\
                 profile = \"process-board\"\nprocess = true\n";
    for _ in 0..24 {
        let mutant = mutated(bench, &mut luck);
        place.write("mutant.toml", &mutant);
        hold(
            &place,
            &mutant,
            "mutant.toml",
            &["hil", "--bench", "mutant.toml", "scenario.toml", "--dry-run"],
        );
    }
    let films = filmed();
    let manifest = films.read("bunny-320x240.toml");
    films.write(
        "scenario.toml",
        &films.read("scenario.toml").replace("bunny-320x240.toml", "mutant.toml"),
    );
    for _ in 0..24 {
        let mutant = mutated(&manifest, &mut luck);
        films.write("mutant.toml", &mutant);
        hold(&films, &mutant, "mutant.toml", &["sim", "scenario.toml", "--list"]);
    }
    assert!(passed > 10 && refused > 30, "{passed} passed, {refused} were refused");
}
