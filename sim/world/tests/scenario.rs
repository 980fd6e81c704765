//! Scenarios, whole: the real camera and viewer, services, gateways.
#![cfg(target_os = "linux")]

use parallax_media::Clip;
use parallax_record::{CandidateKind, Entry, Event, Phase};
use parallax_scenario::{BUILTIN_CLIPS, Builtin, Scenario, Services, parse};
use parallax_world::{Guards, SimOutcome, Sinks, header, run};
use std::{collections::BTreeMap, process::Command, time::Duration};

/// A shipped scenario, cut short.
fn shipped(name: &str, seconds: u64) -> Scenario {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/scenarios/");
    let file = format!("{root}{name}.toml");
    let text = std::fs::read_to_string(&file).expect("the shipped scenario");
    let mut scenario = parse(&file, &text, &Builtin).expect("a valid scenario");
    scenario.duration = Duration::from_secs(seconds);
    scenario
}

fn entries(scenario: &Scenario) -> (SimOutcome, Vec<Entry>) {
    let mut entries = Vec::new();
    let sinks = Sinks { entry: Box::new(|entry| entries.push(entry)), packet: None };
    let outcome = run(scenario, 1, Guards::default(), sinks).expect("a run");
    (outcome, entries)
}

/// What the run was about, for a message.
fn story(entries: &[Entry]) -> String {
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    let mut lines = Vec::new();
    for entry in entries {
        let text = format!("{:?}", entry.event);
        let kind = text.split([' ', '{']).next().unwrap_or_default();
        *kinds.entry(format!("{} {kind}", entry.node)).or_default() += 1;
        if matches!(entry.event, Event::Note { .. } | Event::Phase { .. } | Event::Closed { .. }) {
            lines.push(format!("{} {} {text}", entry.run_ns, entry.node));
        }
    }
    format!("{kinds:#?}\n{}", lines.join("\n"))
}

fn nominated(entries: &[Entry]) -> Vec<CandidateKind> {
    let local = |entry: &Entry| match &entry.event {
        Event::Nominated { local, remote, .. } => Some([local.kind, remote.kind]),
        _ => None,
    };
    entries.iter().filter_map(local).flatten().collect()
}

fn assert_streams(entries: &[Entry]) {
    let rendered =
        entries.iter().filter(|entry| matches!(entry.event, Event::FrameRendered { .. })).count();
    assert!(rendered > 20, "{rendered} frames\n{}", story(entries));
    let first =
        |entry: &Entry| matches!(entry.event, Event::Phase { phase: Phase::FirstRender, .. });
    assert!(entries.iter().any(first), "{}", story(entries));
    assert!(entries.is_sorted_by_key(|entry| entry.run_ns), "time goes back");
}

#[test]
fn two_homes_stream_directly() {
    let scenario = shipped("two-homes", 12);
    let (outcome, entries) = entries(&scenario);
    assert_streams(&entries);
    let kinds = nominated(&entries);
    assert!(!kinds.is_empty() && !kinds.contains(&CandidateKind::Relayed), "{}", story(&entries));
    assert!(outcome.bytes.direct > 50_000, "{outcome:?}");
    assert!(outcome.bytes.signalling > 1_000, "{outcome:?}");
    let last = entries.last().expect("entries");
    assert!(matches!(last.event, Event::Bytes { .. }) && last.node == "world");
    assert_eq!(outcome.duration, scenario.duration);
}

#[test]
fn strict_homes_stream_over_turn() {
    let scenario = shipped("strict-homes", 16);
    let (outcome, entries) = entries(&scenario);
    assert_streams(&entries);
    assert!(nominated(&entries).contains(&CandidateKind::Relayed), "{}", story(&entries));
    assert!(outcome.bytes.turn > 50_000, "{outcome:?}");
}

#[test]
fn the_header_says_what_runs() {
    let scenario = shipped("two-homes", 30);
    let header = header(&scenario, 7, "0.0.0");
    assert_eq!((header.scenario.as_str(), header.seed), ("two-homes", 7));
    assert_eq!(header.duration_us, 30_000_000);
    assert_eq!(header.sites.len(), scenario.sites.len());
    assert_eq!(header.services.len(), 3);
    let camera = header.peers.iter().find_map(|peer| peer.camera.as_ref()).expect("a camera");
    assert_eq!((camera.camera.width_px, camera.camera.height_px), (320, 240));
    // SHA-256 of nothing: the clip was not found.
    assert!(!camera.clip_sha256.starts_with("e3b0c442"));
    assert_eq!(header.streams, scenario.streams());
}

#[test]
fn the_clips_that_scenarios_may_name_are_those_there_are() {
    let mut names: Vec<_> = Clip::all_builtin().iter().map(|clip| clip.name).collect();
    names.dedup();
    names.push(Clip::SCENE);
    assert_eq!(names, BUILTIN_CLIPS);
}

/// `two-homes` in one LAN, without Internet and without services.
fn one_lan() -> Scenario {
    let mut scenario = shipped("two-homes", 8);
    scenario.sites.truncate(1);
    let site = &mut scenario.sites[0];
    (site.gateway, site.up, site.down) = (None, None, None);
    scenario.services = Services { stun: None, turn: None, rendezvous: None, ..scenario.services };
    for (peer, host) in scenario.peers.iter_mut().zip(10..) {
        peer.site = site.name.clone();
        peer.address = [192, 168, 1, host].into();
    }
    scenario
}

/// Runs `two-homes`, or one LAN, in a process of its own, in a test build with a guard off: its
/// packets' digest and all its events.
fn in_a_process(seed: u64, off: &str) -> String {
    in_a_process_of("two-homes", seed, off)
}

fn in_a_process_of(scenario: &str, seed: u64, off: &str) -> String {
    let program = std::env::current_exe().expect("this test's program");
    let output = Command::new(program)
        .args(["--ignored", "--exact", "one_run_for_another_process", "--nocapture"])
        .env("PARALLAX_TEST_SCENARIO", scenario)
        .env("PARALLAX_TEST_SEED", seed.to_string())
        .env("PARALLAX_TEST_GUARD_OFF", off)
        .output()
        .expect("start the test's program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().filter(|line| line.starts_with("run "));
    let run: Vec<&str> = lines.collect();
    assert!(run.len() > 1_000, "{text}");
    run.join("\n")
}

/// The first line in which two runs differ.
fn first_difference(one: &str, other: &str) -> Option<(String, String)> {
    let mut pairs = one.lines().zip(other.lines());
    pairs.find(|(one, other)| one != other).map(|(one, other)| (one.into(), other.into()))
}

#[test]
#[ignore = "the other process of the tests below"]
#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "how the two processes talk")]
fn one_run_for_another_process() {
    let seed = std::env::var("PARALLAX_TEST_SEED").expect("a seed").parse().expect("a number");
    let mut guards = Guards::default();
    match std::env::var("PARALLAX_TEST_GUARD_OFF").expect("a guard, or nothing").as_str() {
        "clock" => guards.clock = false,
        "entropy" => guards.entropy = false,
        "map order" => guards.map_order = false,
        _ => {}
    }
    println!();
    let sinks = Sinks {
        entry: Box::new(|entry| println!("run {entry:?}")),
        packet: Some(Box::new(|packet| println!("run {packet}"))),
    };
    let scenario = match std::env::var("PARALLAX_TEST_SCENARIO").expect("a scenario").as_str() {
        "two-homes" => shipped("two-homes", 8),
        _ => one_lan(),
    };
    let outcome = run(&scenario, seed, guards, sinks).expect("a run");
    println!("run {outcome:?}");
}

#[test]
fn one_seed_gives_the_same_run_in_every_process_and_another_seed_another() {
    let first = in_a_process(1, "");
    assert_eq!(first_difference(&first, &in_a_process(1, "")), None);
    assert_ne!(first_difference(&first, &in_a_process(2, "")), None);
}

#[test]
fn one_seed_gives_the_same_run_of_a_lan_without_a_server_in_every_process() {
    let first = in_a_process_of("one-lan", 1, "");
    assert_eq!(first_difference(&first, &in_a_process_of("one-lan", 1, "")), None);
    assert_ne!(first_difference(&first, &in_a_process_of("one-lan", 2, "")), None);
}

#[cfg(feature = "guards-off")]
#[test]
fn without_a_guard_two_runs_differ() {
    for guard in ["clock", "entropy", "map order"] {
        let (one, other) = (in_a_process(1, guard), in_a_process(1, guard));
        assert_ne!(first_difference(&one, &other), None, "without {guard}");
    }
}
