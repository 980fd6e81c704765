//! Repairs of lost packets, and the pacer, by the command.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use support::{Place, replaced};

const TRACE: &str = include_str!("../../fixtures/cases/19-lte-first-picture/lte-trace.toml");
const DOORBELL: &str = include_str!("../../fixtures/cases/19-lte-first-picture/our-doorbell.toml");
const TWO_HOMES: &str = include_str!("../../fixtures/scenarios/two-homes.toml");

fn events(record: &str, kind: &str) -> Vec<Value> {
    let of = |line: &str| {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        (entry["event"]["kind"] == kind).then_some(entry)
    };
    record.lines().filter(|line| line.contains(kind)).filter_map(of).collect()
}

fn sum(entries: &[Value], of: &str) -> u64 {
    entries.iter().map(|entry| entry["event"][of].as_u64().expect("a number")).sum()
}

fn most(entries: &[Value], of: &str) -> u64 {
    entries.iter().map(|entry| entry["event"][of].as_u64().expect("a number")).max().expect("one")
}

/// A real LTE link that stands still from 3.5 to 5 s: 83 packets are missing at once when it carries again.
#[test]
fn a_gap_of_a_link_is_repaired_without_a_storm_of_resends() {
    for seed in ["1", "6"] {
        let place = Place::with("trace.toml", TRACE);
        place.write("our-doorbell.toml", DOORBELL);
        let arguments = ["sim", "trace.toml", "--seed", seed, "--no-frames", "--out", "out"];
        // The link stands still for more than its checks allow.
        place.call(&arguments).ended(10);
        let stream = &place.json("out/summary.json")["runs"][0]["streams"][0];
        let dtls_us = stream["setup_us"]["dtls"].as_u64().expect("connected");
        let first_us = stream["time_to_first_frame_us"].as_u64().expect("a picture");
        assert!(first_us < dtls_us + 1_500_000, "{dtls_us} us, {first_us} us");
        let record = place.read(&format!("out/trace/seed-{seed}/record.jsonl"));
        // A request for 83 packets five times in 100 ms made 400 resends and 3.5 s in the pacer.
        let (nacks, loads) = (events(&record, "nack"), events(&record, "pacer_load"));
        assert!(most(&nacks, "packets") > 40, "{nacks:?}");
        let dropped = events(&record, "packet_dropped").len() as u64;
        assert!(sum(&nacks, "packets") < dropped, "{dropped} dropped: {nacks:?}");
        assert!(sum(&loads, "resent") > 40, "{loads:?}");
        assert!(most(&loads, "waited_longest_ns") < 300_000_000, "{loads:?}");
        let latency = &stream["capture_to_render_us"];
        assert!(latency["p95"].as_u64() < Some(700_000), "{latency}");
        assert!(place.read("out/report.html").contains("doorbell, pacer for phone"));
    }
}

/// The pacer lets less go than the encoder makes.
#[test]
fn a_frame_that_would_wait_for_more_than_a_second_is_dropped_at_the_camera() {
    let text = replaced(TWO_HOMES, "pacer = \"2Mbit/s\"", "pacer = \"300kbit/s\"");
    let place = Place::with("slow.toml", &text);
    place.call(&["sim", "slow.toml", "--no-frames", "--no-report", "--out", "out"]).ended(10);
    let stream = &place.json("out/summary.json")["runs"][0]["streams"][0];
    let lost = &stream["frames"]["lost"];
    assert!(lost["send"].as_u64() > Some(50), "{lost}");
    assert!(lost["transport"].as_u64() < Some(10), "{lost}");
    let record = place.read("out/slow/seed-1/record.jsonl");
    // A second, and what a key frame takes.
    let longest_ns = most(&events(&record, "pacer_load"), "waited_longest_ns");
    assert!((1_000_000_000..1_700_000_000).contains(&longest_ns), "{longest_ns} ns");
    // What refers to a dropped frame is not sent: the viewer decodes whatever comes whole.
    let latency = &stream["capture_to_render_us"];
    assert!(latency["p95"].as_u64() < Some(2_000_000), "{latency}");
}
