//! Cameras that share a narrow up link, by the command.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::{Place, replaced};

const SHOP: &str = include_str!("../../fixtures/live/shop.toml");
const GCC: &str =
    include_str!("../../fixtures/cases/21-six-cameras-on-a-narrow-uplink/shop-remote-gcc.toml");
const NONE: &str =
    include_str!("../../fixtures/cases/21-six-cameras-on-a-narrow-uplink/shop-remote-400.toml");
const SQUEEZED: &str = include_str!("../../fixtures/scenarios/uplink-squeezed.toml");
const DOORBELL: &str =
    include_str!("../../fixtures/cases/21-six-cameras-on-a-narrow-uplink/our-doorbell.toml");

/// What a run came to.
struct Ran {
    code: i32,
    /// By camera: frames that were shown, of 1000 captured.
    shown: BTreeMap<String, u64>,
    /// By camera: what its encoder aimed at from 10 s on, kbit/s, mean.
    aims: BTreeMap<String, u64>,
    /// What packets waited for the up link from 10 s on, milliseconds, mean.
    waited_ms: u64,
}

fn run(text: &str, seed: &str) -> Ran {
    let place = Place::with("shop.toml", text);
    place.write("our-doorbell.toml", DOORBELL);
    let arguments = ["sim", "shop.toml", "--seed", seed, "--no-frames", "--no-report"];
    let called = place.call(&[&arguments[..], &["--out", "out"]].concat());
    let code = called.code.expect("it ended");
    let record = place.read(&format!("out/shop/seed-{seed}/record.jsonl"));
    let (mut captured, mut rendered) = (BTreeMap::new(), BTreeMap::new());
    let (mut aims, mut waits) = (BTreeMap::<String, Vec<u64>>::new(), Vec::new());
    for line in record.lines().skip(1) {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let (event, late) = (&entry["event"], entry["run_ns"].as_u64() > Some(10_000_000_000));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        match event["kind"].as_str() {
            Some("frame_captured") => *captured.entry(text(&entry["node"])).or_insert(0) += 1,
            Some("frame_rendered") => {
                *rendered.entry(text(&event["session"]["camera"])).or_insert(0) += 1;
            }
            Some("rates") if late => {
                let aim = event["target_bps"].as_u64().expect("a rate");
                aims.entry(text(&entry["node"])).or_default().push(aim / 1_000);
            }
            Some("link_load") if late && entry["node"] == "link/shop/up" => {
                waits.push(event["waited_mean_ns"].as_u64().expect("a time") / 1_000_000);
            }
            _ => {}
        }
    }
    let shown = captured.into_iter().map(|(camera, captured): (String, u64)| {
        let shown: u64 = rendered.get(&camera).copied().unwrap_or(0);
        (camera, shown * 1_000 / captured)
    });
    let mean = |values: &[u64]| values.iter().sum::<u64>() / values.len().max(1) as u64;
    let aims = aims.into_iter().map(|(camera, aims)| (camera, mean(&aims)));
    Ran { code, shown: shown.collect(), aims: aims.collect(), waited_ms: mean(&waits) }
}

/// Jain's index of fairness: 1 if all have the same.
fn jain(shares: &BTreeMap<String, u64>) -> f64 {
    let sum: u64 = shares.values().sum();
    let squares: u64 = shares.values().map(|share| share * share).sum();
    (sum * sum) as f64 / (shares.len() as u64 * squares) as f64
}

#[test]
fn cameras_with_congestion_control_share_a_narrow_up_link() {
    let none = r#", congestion_control = "gcc""#;
    for seed in ["1", "2"] {
        let with = run(SHOP, seed);
        assert_eq!(with.code, 0, "seed {seed}: {:?}", with.shown);
        let without = run(&replaced(SHOP, none, ""), seed);
        assert_eq!(without.code, 10, "seed {seed}: {:?}", without.shown);
    }
}

/// 6 x 400 kbit/s and 22 kbit/s of headers each are 2.53 Mbit/s: no more than 79 % of it fits through, and a frame of three
/// packets needs all of them.
#[test]
fn six_cameras_without_congestion_control_show_half_of_their_pictures() {
    for seed in ["1", "2"] {
        let Ran { shown, .. } = run(NONE, seed);
        assert!(shown.values().all(|shown| *shown > 350), "seed {seed}: {shown:?}");
        assert!(shown.values().sum::<u64>() > 6 * 450, "seed {seed}: {shown:?}");
    }
}

#[test]
fn six_cameras_each_take_a_fair_share_without_a_standing_queue() {
    for seed in ["1", "2"] {
        let Ran { code, shown, aims, waited_ms } = run(GCC, seed);
        assert_eq!(code, 0, "seed {seed}: {shown:?}");
        assert!(shown.values().all(|shown| *shown > 880), "seed {seed}: {shown:?}");
        assert!(aims.len() == 6 && jain(&aims) > 0.9, "seed {seed}: {aims:?}");
        let sum: u64 = aims.values().sum();
        assert!((1_500..2_000).contains(&sum), "seed {seed}: {aims:?}");
        assert!(waited_ms < 100, "seed {seed}: {waited_ms} ms");
    }
}

/// An up link that narrows to less than the stream needs: with congestion control the camera gives way.
#[test]
fn on_an_up_link_that_becomes_too_narrow_control_loses_less_than_none() {
    let narrow = replaced(SQUEEZED, "480kbit/s", "400kbit/s");
    let controlled = replaced(
        &narrow,
        "pacer = \"2Mbit/s\"",
        "pacer = \"2Mbit/s\", congestion_control = \"gcc\"",
    );
    for seed in ["1", "2", "3"] {
        let lost = |text: &str| 1_000 - run(text, seed).shown["doorbell"];
        let (with, without) = (lost(&controlled), lost(&narrow));
        assert!(
            without > 100 && with * 2 < without,
            "seed {seed}: {with} of 1000 with it, {without} without"
        );
    }
}
