//! One scenario and one seed are one run: the same bytes in every process, environment, folder and
//! time zone, alone and beside others. Each run is a call of the command itself.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use std::{
    fs,
    process::{Command, Stdio},
};
use support::{Called, Place, SHIPPED, replaced, shipped};

/// The bytes of a run's record, and the digests that the summary tells.
#[derive(PartialEq, Eq)]
struct Digests {
    record: Vec<u8>,
    record_sha256: String,
    packets_sha256: String,
}

/// What happens in mid-run to a scenario of 10 s: everything that can.
const EVENTS: &str = r#"
[event.squeeze]
at = "5s"
change_link = { site = "house", direction = "up", capacity = "500kbit/s", loss = "5%", lasts = "1s" }
[event.forgets]
at = "6500ms"
reboot_gateway = "flat"
[event.unplugged]
at = "7s"
power_loss = { peer = "phone", lasts = "300ms" }
[event.gone]
at = "7s"
kill = "rendezvous"
[event.back]
at = "7500ms"
restart = "rendezvous"

[[check]]"#;

/// A place with shipped scenarios, cut to where media flow: a relayed one, and a direct one to which
/// everything happens.
fn place() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("scenarios")).expect("make a folder");
    place.write("scenarios/strict-homes.toml", &shipped("strict-homes", 10));
    let eventful = shipped("two-homes", 10).replacen("[[check]]", EVENTS, 1);
    place.write("scenarios/two-homes.toml", &eventful);
    place
}

/// Prerecorded media take other ways through camera and viewer.
#[test]
fn a_seed_gives_the_same_bytes_with_prerecorded_media() {
    let prerecorded = |seed| {
        let place = place();
        let mut command = command(&place, seed);
        command.args(["--media", "prerecorded"]);
        let digests = call(&place, seed, command);
        let mode = place.json("out/summary.json")["runs"][1]["media_mode"].clone();
        assert_eq!(mode, "prerecorded");
        digests
    };
    let first = prerecorded(1);
    assert_same(&first, &prerecorded(1));
    for (one, other) in first.iter().zip(&prerecorded(2)) {
        assert_ne!(one.packets_sha256, other.packets_sha256);
    }
    let place = place();
    let live = call(&place, 1, command(&place, 1));
    for (one, other) in first.iter().zip(&live) {
        assert_ne!(one.packets_sha256, other.packets_sha256);
    }
}

/// The command, to run both of them.
fn command(place: &Place, seed: u64) -> Command {
    place.parallax(&["sim", "scenarios", "--seed", &seed.to_string(), "--out", "out"])
}

/// What a call has left, for each scenario.
fn digests(place: &Place, seed: u64) -> [Digests; 2] {
    let summary = place.json("out/summary.json");
    [0, 1].map(|index| {
        let run = &summary["runs"][index];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let file = format!("out/{}/seed-{seed}/record.jsonl", text(&run["scenario"]));
        // With this seed the run is about something: pictures were shown.
        let rendered = run["streams"][0]["frames"]["rendered"].as_u64();
        assert!(seed != 1 || rendered > Some(20), "{run}");
        Digests {
            record: fs::read(place.path(&file)).expect("a record"),
            record_sha256: text(&run["record_sha256"]),
            packets_sha256: text(&run["packets_sha256"]),
        }
    })
}

/// Calls the command; a verdict is none of this test's business, that the runs are whole is.
fn call(place: &Place, seed: u64, mut command: Command) -> [Digests; 2] {
    whole(Called::from(command.output().expect("call the command")));
    digests(place, seed)
}

#[track_caller]
fn whole(called: Called) {
    let Called { code, said, complained } = &called;
    assert!(matches!(code, Some(0 | 10 | 11)), "{code:?}: {said}{complained}");
}

#[track_caller]
fn assert_same(one: &[Digests; 2], other: &[Digests; 2]) {
    for (one, other) in one.iter().zip(other) {
        let difference = parallax_record::first_difference(&one.record, &other.record);
        assert_eq!(difference, None);
        assert_eq!(one.record_sha256, other.record_sha256);
        assert_eq!(one.packets_sha256, other.packets_sha256);
    }
}

#[test]
fn a_seed_gives_the_same_bytes_wherever_whenever_and_beside_whomever() {
    let first = place();
    let alone = call(&first, 1, command(&first, 1));

    // Another folder, environment, time zone, locale, number of processors; nothing to write to.
    let elsewhere = place();
    let mut other = Command::new("taskset");
    other.args(["--cpu-list", "0"]).arg(env!("CARGO_BIN_EXE_parallax"));
    other.args(["sim", "scenarios", "--seed", "1", "--out", "out"]);
    other.current_dir(elsewhere.path("")).env_clear();
    other.env("TZ", "Antarctica/Troll").env("LC_ALL", "ar_EG.UTF-8").env("RUST_LOG", "trace");
    other.env("RUST_BACKTRACE", "full").env("PADDING", "x".repeat(10_000));
    assert_same(&alone, &call(&elsewhere, 1, other));

    // Five at once, each beside four others: two with this seed, three with their own.
    let seeds = [1, 2, 1, 3, 4];
    let places = seeds.map(|_| place());
    let children: Vec<_> = places
        .iter()
        .zip(seeds)
        .map(|(place, seed)| {
            let mut command = command(place, seed);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("start the command")
        })
        .collect();
    for child in children {
        whole(Called::from(child.wait_with_output().expect("wait for the command")));
    }
    for (place, seed) in places.iter().zip(seeds).filter(|(_, seed)| *seed == 1) {
        assert_same(&alone, &digests(place, seed));
    }

    // Other seeds are other runs, in every scenario, and in what they do, not in the seed's name.
    for (place, seed) in places.iter().zip(seeds).filter(|(_, seed)| *seed != 1) {
        for (one, other) in alone.iter().zip(&digests(place, seed)) {
            assert_ne!(one.record_sha256, other.record_sha256, "seed {seed}");
            assert_ne!(one.packets_sha256, other.packets_sha256, "seed {seed}");
            let events = |run: &Digests| {
                let text = String::from_utf8(run.record.clone()).expect("text");
                let lines = text.lines().filter(|line| line.starts_with("{\"run_ns\":"));
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_ne!(events(one), events(other), "seed {seed}");
        }
    }
}

#[test]
fn a_scenario_runs_the_same_by_itself_and_after_another() {
    let place = place();
    let both = call(&place, 7, command(&place, 7));
    let mut single = place.parallax(&["sim", "scenarios/two-homes.toml", "--seed", "7"]);
    single.args(["--out", "single"]);
    whole(Called::from(single.output().expect("call the command")));
    let record = fs::read(place.path("single/two-homes/seed-7/record.jsonl")).expect("a record");
    assert_eq!(parallax_record::first_difference(&both[1].record, &record), None);
    assert_ne!(both[0].packets_sha256, both[1].packets_sha256);
}

#[test]
fn a_shipped_scenario_gives_the_same_bytes_by_its_name_and_by_its_file() {
    let place = Place::new();
    let text = fs::read_to_string(format!("{SHIPPED}/same-lan.toml")).expect("a scenario");
    fs::create_dir(place.path("copy")).expect("make a folder");
    place.write("copy/same-lan.toml", &text);
    let [built_in, file] = ["same-lan", "copy/same-lan.toml"].map(|named| {
        whole(place.call(&["sim", named, "--out", "out", "--no-report"]));
        let record = fs::read(place.path("out/same-lan/seed-1/record.jsonl")).expect("a record");
        fs::remove_dir_all(place.path("out")).expect("remove the output");
        record
    });
    assert_eq!(parallax_record::first_difference(&built_in, &file), None);
}

/// `two-homes`, whose doorbell follows a link that is narrow for a while.
fn following() -> String {
    let text = shipped("two-homes", 14);
    let key =
        "congestion_control = { kind = \"gcc\", floor = \"100kbit/s\", ceiling = \"1Mbit/s\" }";
    let text = replaced(&text, "profile = \"esp32-p4\"", &format!("{key}, profile = \"esp32-p4\""));
    let squeeze = r#"
[event.squeeze]
at = "6s"
change_link = { site = "house", direction = "up", capacity = "200kbit/s", lasts = "4s" }

[[check]]"#;
    text.replacen("[[check]]", squeeze.trim_start(), 1)
}

#[test]
fn a_camera_that_follows_its_path_gives_the_same_bytes_in_every_process() {
    let records = [1, 1, 2].map(|seed| {
        let place = Place::with("following.toml", &following());
        let mut command = place.parallax(&["sim", "following.toml", "--out", "out"]);
        whole(Called::from(command.args(["--seed", &seed.to_string()]).output().expect("call it")));
        fs::read(place.path(&format!("out/following/seed-{seed}/record.jsonl"))).expect("a record")
    });
    let [one, again, other] = &records;
    assert_eq!(parallax_record::first_difference(one, again), None);
    assert_ne!(one, other);
    // It is about something: the aim went up and down.
    let text = String::from_utf8_lossy(one);
    let aims: Vec<u64> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|entry| entry["event"]["kind"] == "bit_rate_changed")
        .filter_map(|entry| entry["event"]["bit_rate_bps"].as_u64())
        .collect();
    assert!(aims.windows(2).any(|pair| pair[0] < pair[1]), "{aims:?}");
    assert!(aims.windows(2).any(|pair| pair[0] > pair[1]), "{aims:?}");
}

#[test]
fn verify_agrees_and_no_variable_switches_a_guard_off() {
    let place = place();
    let arguments = ["sim", "scenarios/two-homes.toml", "--verify", "--out", "out"];
    // What the test build without guards listens to.
    for guard in ["clock", "isolation"] {
        let mut command = place.parallax(&arguments);
        command.env("PARALLAX_GUARD_OFF", guard);
        whole(Called::from(command.output().expect("call the command")));
        assert_eq!(place.json("out/summary.json")["runs"][0]["faults"], Value::Array(Vec::new()));
    }
}

#[test]
fn the_command_has_every_guard_on() {
    let guards = parallax_cli::CommandGuards::default();
    assert!(guards.world.clock && guards.world.entropy && guards.world.map_order);
    assert!(!guards.shared_process);
}
