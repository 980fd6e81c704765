//! Each shipped profile with a console, over its transcript (`device-profiles/transcripts`).

use parallax_bench::{Replay, ReplayKind, replay};
use parallax_scenario::{Builtin, Profile, Profiles as _, profile};
use std::{collections::BTreeSet, fs, path::PathBuf};

const TRANSCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../device-profiles/transcripts");

fn driven() -> Vec<Profile> {
    let all = Builtin.names().into_iter().filter_map(|name| Builtin.find(&name));
    let all = all.map(|found| found.unwrap_or_else(|errors| panic!("{errors}")));
    all.filter(|profile| profile.console.is_some()).collect()
}

fn transcript(profile: &Profile) -> Vec<u8> {
    let file = PathBuf::from(TRANSCRIPTS).join(format!("{}.txt", profile.name));
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn replayed(profile: &Profile) -> Replay {
    replay(profile, &transcript(profile))
        .unwrap_or_else(|error| panic!("{}: {error}", profile.name))
}

#[test]
fn every_pattern_of_every_profile_matches_somewhere_in_its_transcript() {
    let driven = driven();
    assert!(driven.len() >= 10, "{} profiles have a console", driven.len());
    for profile in driven {
        let replay = replayed(&profile);
        let never: Vec<&str> = replay.unmatched().map(|used| used.key.as_str()).collect();
        assert!(never.is_empty(), "{}: {never:?} match nowhere\n{replay}", profile.name);
    }
}

#[test]
fn every_board_comes_up_on_its_transcript_as_its_bench_demands_it_and_dies_of_what_it_says() {
    for profile in driven() {
        let (name, replay) = (&profile.name, replayed(&profile));
        assert_eq!(replay.summary.came_up.known(), Some(true), "{name}\n{replay}");
        // After a death its boot loader may stand there.
        let alive = replay.steps.iter().take_while(|step| step.kind != ReplayKind::Death);
        let odd = [ReplayKind::Unfit, ReplayKind::Quiet, ReplayKind::Ignored];
        let odd: Vec<_> = alive.filter(|step| odd.contains(&step.kind)).collect();
        assert!(odd.is_empty(), "{name}: {odd:?}\n{replay}");
        let dies = replay.summary.deaths > 0;
        assert!(dies || name == "process-board", "{name}: no death is in it\n{replay}");
    }
}

#[test]
fn what_each_transcript_comes_to() {
    for profile in driven() {
        insta::assert_snapshot!(profile.name.clone(), replayed(&profile).to_string());
    }
}

/// A reader must not take what was written for what was heard.
#[test]
fn a_transcript_says_at_its_head_whether_it_was_recorded() {
    for profile in driven() {
        let text = String::from_utf8(transcript(&profile)).expect("text");
        let name = &profile.name;
        let second = text.lines().nth(1).unwrap_or_default();
        if second.contains("written from documented banners, not recorded") {
            assert!(text.contains("! source: "), "{name} names no source");
            let untimed = text.lines().skip(1).all(|line| line.starts_with("- "));
            assert!(untimed, "{name} has times, and nobody measured any");
        } else {
            assert!(second.contains("recorded: "), "{name}: {second}");
        }
    }
}

#[test]
fn every_transcript_has_its_profile() {
    let driven: BTreeSet<String> = driven().into_iter().map(|profile| profile.name).collect();
    let files = fs::read_dir(TRANSCRIPTS).expect("the folder");
    let files = files.map(|file| file.expect("a file").path());
    let names: BTreeSet<String> =
        files.map(|file| file.file_stem().expect("a name").display().to_string()).collect();
    assert_eq!(names, driven);
}

#[test]
fn a_pattern_that_cannot_be_read_is_told_with_line_key_and_cure() {
    let text = parallax_scenario::builtin("luckfox-pico").expect("it ships");
    for (from, to, told) in [
        (r"U-Boot SPL 2017\.09", "U-Boot.*", "`console.banners[1]`: it may match more than 256"),
        ("luckfox login: $", "luckfox (login", "`console.login_prompt`: it is no regular expr"),
        ("\"ERROR: can't get kernel image!\"", "'x?'", "`console.panics[1]`: it matches the empty"),
    ] {
        assert!(text.contains(from), "{from}");
        let text = text.replace(from, to);
        let line = text.lines().position(|line| line.contains(to.trim_matches('\''))).expect("it");
        let read = profile::parse("own.toml", &text).expect("TOML is sound");
        let error = replay(&read, b"a log").expect_err("refused").to_string();
        assert!(error.contains(&format!("own: line {}: {told}", line + 1)), "{error}");
        assert!(error.contains("help: "), "{error}");
    }
}

/// The page's own example is read as any profile is.
#[test]
fn the_example_of_the_page_is_sound_and_follows_its_firmware() {
    let page = include_str!("../../../docs/devices.md");
    let (_, example) = page.split_once("\n    schema = 1\n").expect("an example");
    let (example, _) = example.split_once("\n    $ parallax replay").expect("its end");
    let text = format!("    schema = 1\n{example}").replace("\n    ", "\n");
    let read = profile::parse("doorbell.toml", text.trim_start())
        .unwrap_or_else(|errors| panic!("{:?}", errors.problems()));
    let log = "ESP-ROM:esp32p4-eco2\nesp> join lobby\nI (5210) SIG: room 1f00ba12 joined\n\
               I (6034) DTLS: handshake done\nI (6100) VENC: frame 1 sent\nI (9000) DTLS: closed\n\
               E (9100) SIG: error -7\n";
    let replay = replay(&read, log.as_bytes()).expect("a log");
    let told = replay.steps.iter().filter(|step| step.kind == ReplayKind::Firmware);
    let told: Vec<&str> = told.filter_map(|step| step.text.split(": ").next()).collect();
    assert_eq!(told, ["joined", "connected", "first_frame", "disconnected", "failed"], "{replay}");
}

/// Handed recordings: which profile, whether it comes up, what is said, what is not.
#[test]
fn recordings_of_outsiders_come_to_what_happened() {
    const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/cases");
    let over = "matches prompt, and a log line was written over it";
    let login = "matches login_prompt, and a log line was written over it";
    let (s3, t31) = ("esp32-s3-korvo-2", "ingenic-t31");
    let overflow = "dead: panic: `***ERROR*** A stack overflow in task venc has been detected.`";
    let restart =
        "it restarts or powers down, as it announced: `[   45.1] reboot: Restarting system`";
    for (file, name, deaths, told) in [
        ("04-prompt-buried/s3-timed.txt", s3, 0, over),
        ("04-prompt-buried/s3-plain.log", s3, 0, over),
        ("04-prompt-buried/t31-login-buried.txt", t31, 0, login),
        (
            "05-task-watchdog-lives/wdt-lives.txt",
            s3,
            0,
            "it warns, and goes on: `E (15793) task_wdt",
        ),
        ("12-stack-overflow/stackoverflow.txt", s3, 1, overflow),
        ("13-reboot-was-typed/reboot-typed.txt", t31, 0, restart),
    ] {
        let profile = Builtin.find(name).expect("it ships").expect("it is sound");
        let bytes = fs::read(format!("{CASES}/{file}")).expect("it is there");
        let replay = replay(&profile, &bytes).expect("a recording");
        assert_eq!(replay.summary.deaths, deaths, "{file}\n{replay}");
        assert_eq!(replay.summary.came_up.known(), Some(true), "{file}\n{replay}");
        let text = replay.to_string();
        assert!(text.contains(told), "{file}\n{text}");
        for never in ["no prompt within", "neither typed nor announced"] {
            assert!(!text.contains(never), "{file}\n{text}");
        }
    }
}
