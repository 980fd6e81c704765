//! Every key of a scenario is in the header of its record, with its value.
#![cfg(target_os = "linux")]

mod support;

use parallax_scenario::reference::{Absent, SCENARIO};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fs};
use support::Place;

const PROFILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../device-profiles");

/// Each key that a scenario may have at once, with a value that is not its default.
const FULL: &str = include_str!("every_key/full.toml");

/// The same things in the same order, with other values, and without what may be left out.
const BARE: &str = include_str!("every_key/bare.toml");

/// Without a server, in one LAN.
const LAN: &str = include_str!("every_key/lan.toml");

/// Keys of one kind of table, by its place: each key, where the header has it, and what is there. A pointer
/// is into the header of [`FULL`] unless a name of another scenario is before it; `*` is anything that
/// is there.
type Keys = (&'static str, &'static [(&'static str, &'static str, &'static str)]);

const WHERE: &[Keys] = &[
    (
        "(top)",
        &[
            ("title", "/title", r#""Every key""#),
            ("why", "/why", r#""A record says what ran.""#),
            ("duration", "/duration_us", "12000000"),
            ("seed", "/seed", r#""7""#),
            ("media", "recorded:/media_mode", r#""prerecorded""#),
            ("site", "/sites/0/name", r#""house""#),
            ("peer", "/peers/0/name", r#""doorbell""#),
            ("services", "/services/1/one_way_delay_us", "4000"),
            ("event", "/events/0/name", r#""outage""#),
            ("check", "/checks/0/why", r#""It connects.""#),
        ],
    ),
    (
        "[site.NAME]",
        &[
            ("internet", "/sites/2/up", "null"),
            ("gateway", "/sites/0/gateway", r#""*""#),
            ("up", "/sites/0/up", r#""*""#),
            ("down", "/sites/0/down/capacity_bps", "41000000"),
            ("network", "/sites/0/lan", r#""192.168.7.0/24""#),
            ("external", "/sites/0/gateway/external", r#""198.51.100.77""#),
        ],
    ),
    (
        "gateway",
        &[
            ("mapping", "/sites/0/gateway/mapping", r#""address-dependent""#),
            ("filtering", "/sites/0/gateway/filtering", r#""endpoint-independent""#),
            ("ports", "/sites/0/gateway/ports", r#""random""#),
            ("mapping_timeout", "/sites/0/gateway/mapping_timeout_us", "77000000"),
            ("filter_scope", "/sites/0/gateway/filter_scope", r#""mapping""#),
            ("refresh_inbound", "/sites/0/gateway/refresh_inbound", "true"),
            ("hairpinning", "/sites/0/gateway/hairpinning", "false"),
            (
                "tcp_established_timeout",
                "/sites/0/gateway/tcp_established_timeout_us",
                "10800000000",
            ),
            ("tcp_transitory_timeout", "/sites/0/gateway/tcp_transitory_timeout_us", "180000000"),
        ],
    ),
    (
        "up, down",
        &[
            ("capacity", "/sites/0/up/capacity_bps", "7000000"),
            ("one_way_delay", "/sites/0/up/one_way_delay_us", "11000"),
            ("delay_variation", "/sites/0/up/delay_variation_us", "1000"),
            ("reorder", "/sites/0/up/reorder", "true"),
            ("loss", "/sites/0/up/loss_mean_ppm", "3500"),
            ("queue", "/sites/0/up/queue", r#"{"kind":"bytes","bytes":65536}"#),
        ],
    ),
    (
        "loss",
        &[
            ("mean", "/sites/0/up/loss_mean_ppm", "3500"),
            ("burst", "/sites/0/up/loss_burst_millipackets", "2500"),
        ],
    ),
    (
        "[services]",
        &[
            ("stun", "serverless:/services/0/kind", r#""rendezvous""#),
            ("turn", "serverless:/services/1", "null"),
            ("turn_one_way_delay", "/services/1/one_way_delay_us", "4000"),
            ("rendezvous", "lan:/services", "[]"),
        ],
    ),
    (
        "[peer.NAME]",
        &[
            ("site", "/peers/0/site", r#""house""#),
            ("camera", "/peers/0/camera", r#""*""#),
            ("views", "/peers/1/viewer/cameras", r#"["doorbell"]"#),
            ("viewer", "/peers/1/viewer", r#""*""#),
            ("address", "/peers/0/address", r#""192.168.7.33""#),
            ("ice", "/peers/0/ice", r#""*""#),
        ],
    ),
    (
        "camera",
        &[
            ("profile", "/peers/0/profile/name", r#""my-camera""#),
            ("video", "/peers/0/camera/frames_per_second", "12"),
            ("pacer", "/peers/0/camera/pacer_bps", "1800000"),
            ("signalling", "/peers/0/camera/signalling", r#""whip""#),
            (
                "congestion_control",
                "/peers/0/camera/congestion_control",
                r#"{"floor_bps":150000,"ceiling_bps":900000}"#,
            ),
        ],
    ),
    (
        "congestion_control",
        &[
            ("kind", "/peers/0/camera/congestion_control", r#""*""#),
            ("floor", "/peers/0/camera/congestion_control/floor_bps", "150000"),
            ("ceiling", "/peers/0/camera/congestion_control/ceiling_bps", "900000"),
        ],
    ),
    (
        "video",
        &[
            ("clip", "/peers/0/camera/clip", r#""scene""#),
            ("size", "/peers/0/camera/height_px", "192"),
            ("frames_per_second", "/peers/0/camera/frames_per_second", "12"),
            ("bit_rate", "/peers/0/camera/bit_rate_bps", "350000"),
            ("key_frame_interval", "/peers/0/camera/key_frame_interval_frames", "24"),
            ("skip_frames", "/peers/0/camera/skip_frames", "true"),
        ],
    ),
    (
        "viewer",
        &[
            ("profile", "/peers/1/profile/name", r#""my-phone""#),
            (
                "jitter_buffer",
                "/peers/1/viewer/jitter_buffer",
                r#"{"least_us":30000,"most_us":400000}"#,
            ),
            ("nack", "/peers/1/viewer/nack", r#"{"interval_us":25000,"tries":7}"#),
            ("asks_at", "/peers/1/viewer/asks_at_us", "100000"),
        ],
    ),
    (
        "jitter_buffer",
        &[
            ("least", "/peers/1/viewer/jitter_buffer/least_us", "30000"),
            ("most", "/peers/1/viewer/jitter_buffer/most_us", "400000"),
        ],
    ),
    (
        "nack",
        &[
            ("interval", "/peers/1/viewer/nack/interval_us", "25000"),
            ("tries", "/peers/1/viewer/nack/tries", "7"),
        ],
    ),
    (
        "ice",
        &[
            ("check_interval", "/peers/0/ice/check_interval_us", "60000"),
            ("server_reflexive_wait", "/peers/0/ice/server_reflexive_wait_us", "5000"),
            ("peer_reflexive_wait", "/peers/0/ice/peer_reflexive_wait_us", "6000"),
            ("relayed_wait", "/peers/0/ice/relayed_wait_us", "700000"),
        ],
    ),
    (
        "[event.NAME]",
        &[
            ("at", "/events/0/at_us", "3000000"),
            ("kill", "/events/0/action", r#"{"kind":"kill","service":"rendezvous"}"#),
            ("restart", "/events/1/action", r#"{"kind":"restart","service":"rendezvous"}"#),
            ("power_loss", "/events/2/action", r#"{"kind":"power_loss","peer":"phone"}"#),
            ("change_link", "/events/3/action/link", r#""*""#),
            ("pause_camera", "/events/5/action", r#"{"kind":"pause_camera","peer":"doorbell"}"#),
            ("reboot_gateway", "/events/4/action", r#"{"kind":"reboot_gateway","site":"flat"}"#),
        ],
    ),
    (
        "power_loss",
        &[
            ("peer", "/events/2/action/peer", r#""phone""#),
            ("lasts", "/events/2/lasts_us", "500000"),
        ],
    ),
    (
        "pause_camera",
        &[
            ("peer", "/events/5/action/peer", r#""doorbell""#),
            ("lasts", "/events/5/lasts_us", "300000"),
        ],
    ),
    (
        "change_link",
        &[
            ("site", "/events/3/action/site", r#""house""#),
            ("direction", "/events/3/action/direction", r#""down""#),
            ("lasts", "/events/3/lasts_us", "1000000"),
            ("capacity", "/events/3/action/link/capacity_bps", "1000000"),
            ("one_way_delay", "/events/3/action/link/one_way_delay_us", "30000"),
            ("delay_variation", "/events/3/action/link/delay_variation_us", "2000"),
            ("reorder", "/events/3/action/link/reorder", "true"),
            ("loss", "/events/3/action/link/loss_mean_ppm", "20000"),
            ("queue", "/events/3/action/link/queue", r#"{"kind":"packets","packets":50}"#),
        ],
    ),
    (
        "[[check]]",
        &[
            ("why", "/checks/1/why", r#""By this path.""#),
            ("camera", "/checks/0/streams/camera", r#""doorbell""#),
            ("viewer", "/checks/0/streams/viewer", r#""phone""#),
            ("connects", "/checks/0/predicate/kind", r#""connects""#),
            ("path", "/checks/1/predicate/kind", r#""path""#),
            ("time_to_first_frame", "/checks/2/predicate/kind", r#""time_to_first_frame""#),
            ("capture_to_render", "/checks/3/predicate/kind", r#""capture_to_render""#),
            ("freezes", "/checks/4/predicate/kind", r#""freezes""#),
            ("longest_freeze", "/checks/5/predicate/kind", r#""longest_freeze""#),
            ("frames_lost", "/checks/6/predicate/kind", r#""frames_lost""#),
            ("psnr", "/checks/7/predicate/kind", r#""psnr""#),
            ("ssim", "/checks/8/predicate/kind", r#""ssim""#),
            ("recovery", "/checks/9/predicate/kind", r#""recovery""#),
        ],
    ),
    ("connects", &[("within", "/checks/0/predicate/within_us", "9000000")]),
    (
        "path",
        &[
            ("relayed", "/checks/1/predicate/route", r#""direct""#),
            ("local", "/checks/1/predicate/local", r#""host""#),
            ("remote", "/checks/1/predicate/remote", r#""server-reflexive""#),
        ],
    ),
    ("time_to_first_frame", &[("below", "/checks/2/predicate/below_us", "9000000")]),
    (
        "capture_to_render",
        &[
            ("percentile", "/checks/3/predicate/percentile", "90"),
            ("below", "/checks/3/predicate/below_us", "400000"),
        ],
    ),
    (
        "freezes",
        &[
            ("at_most", "/checks/4/predicate/count_at_most", "4"),
            ("total_below", "/checks/4/predicate/total_below_us", "2000000"),
        ],
    ),
    ("longest_freeze", &[("below", "/checks/5/predicate/below_us", "1500000")]),
    (
        "frames_lost",
        &[("at_most", "/checks/6/predicate/at_most", r#"{"kind":"share","ppm":90000}"#)],
    ),
    (
        "psnr",
        &[
            ("above", "/checks/7/predicate/above_millidb", "21000"),
            (
                "percentile",
                "/checks/7/predicate/statistic",
                r#"{"kind":"percentile","percentile":5}"#,
            ),
        ],
    ),
    (
        "ssim",
        &[
            ("above", "/checks/8/predicate/above_ppm", "700000"),
            (
                "percentile",
                "/checks/8/predicate/statistic",
                r#"{"kind":"percentile","percentile":6}"#,
            ),
        ],
    ),
    (
        "recovery",
        &[
            ("after", "/checks/9/predicate/after", r#""squeeze""#),
            ("within", "/checks/9/predicate/within_us", "2000000"),
        ],
    ),
];

/// A kind of a check has no default: a check is of one.
const ONE_KIND: Absent = Absent::Told("exactly one kind in each check");

/// The headers of the records of all scenarios, by the scenarios' names.
fn headers() -> BTreeMap<String, Value> {
    let place = Place::new();
    for (own, shipped) in [("my-camera", "esp32-p4"), ("my-phone", "phone")] {
        fs::copy(format!("{PROFILES}/{shipped}.toml"), place.path(&format!("{own}.toml")))
            .expect("a shipped profile");
    }
    let recorded = LAN
        .replace("rendezvous = false", "rendezvous = true")
        .replace("internet = false", "gateway = \"none\"\nup = { capacity = \"unlimited\", one_way_delay = \"0ms\" }\ndown = { capacity = \"unlimited\", one_way_delay = \"0ms\" }");
    let serverless = recorded.replace("[services]", "[services]\nstun = false\nturn = false");
    let recorded = recorded.replace("duration", "media = \"prerecorded\"\nduration");
    let scenarios = [
        ("full", FULL),
        ("bare", BARE),
        ("lan", LAN),
        ("recorded", &recorded),
        ("serverless", &serverless),
    ];
    for (name, text) in scenarios {
        place.write(&format!("{name}.toml"), text);
    }
    let files = scenarios.map(|(name, _)| format!("{name}.toml"));
    let call = ["sim"].into_iter().chain(files.iter().map(String::as_str));
    let call: Vec<&str> = call.chain(["--out", "out", "--no-report"]).collect();
    let called = place.call(&call);
    let mut headers = BTreeMap::new();
    for (name, text) in scenarios {
        let folder = if name == "full" { "seed-7" } else { "seed-1" };
        let path = format!("out/{name}/{folder}/record.jsonl");
        assert!(place.path(&path).exists(), "{}{}", called.said, called.complained);
        let record = place.read(&path);
        let header: Value =
            serde_json::from_str(record.lines().next().expect("a header")).expect("JSON");
        let sha256 = hex::encode(Sha256::digest(text));
        let file = json!({ "name": format!("{name}.toml"), "sha256": sha256 });
        assert_eq!(header["scenario_file"], file);
        headers.insert(name.to_owned(), header);
    }
    headers
}

/// Where a check has what most kinds of checks have, and what is there; the check's index is its kind's.
fn of_check(index: usize, key: &str) -> Option<(String, Value)> {
    let (name, value) = match key {
        "from" => ("window/from_us", json!(10_000)),
        "to" => ("window/to_us", json!(11_000_000)),
        "minimum_sample" => ("minimum_sample", json!(18 + index)),
        _ => return None,
    };
    Some((format!("/checks/{index}/{name}"), value))
}

/// What a header has at a pointer; `null` if there is nothing.
fn at(header: &Value, pointer: &str) -> Value {
    header.pointer(pointer).cloned().unwrap_or(Value::Null)
}

#[test]
fn the_header_has_every_key_with_its_value() {
    let headers = headers();
    let places: Vec<_> = SCENARIO.iter().map(|table| table.place).collect();
    assert!(WHERE.iter().all(|(place, _)| places.contains(place)), "a table that there is not");
    // The scenarios' checks are of these kinds, in this order.
    let kinds = SCENARIO.iter().flat_map(|table| table.keys).filter(|key| key.absent == ONE_KIND);
    let mut found = 0;
    for table in SCENARIO.iter() {
        let (_, known) = WHERE
            .iter()
            .find(|(place, _)| *place == table.place)
            .unwrap_or_else(|| panic!("where are the keys of `{}` in the header?", table.place));
        assert!(
            known.iter().all(|(name, ..)| table.keys.iter().any(|key| key.name == *name)),
            "a key of `{}` that there is not",
            table.place
        );
        let check = kinds.clone().position(|kind| kind.name == table.place);
        for key in table.keys {
            let what = format!("`{}` of `{}`", key.name, table.place);
            if key.name == "schema" {
                // It has one value, and says how the file is read.
                continue;
            }
            let of_check = check.and_then(|index| of_check(index, key.name));
            let of_key = known
                .iter()
                .find(|(name, ..)| *name == key.name)
                .map(|(_, at, value)| (at.to_string(), serde_json::from_str(value).expect("JSON")));
            let (pointer, value) =
                of_check.or(of_key).unwrap_or_else(|| panic!("where is {what} in the header?"));
            let (scenario, pointer) = pointer.split_once(':').unwrap_or(("full", &pointer));
            let (seen, bare) = (at(&headers[scenario], pointer), at(&headers["bare"], pointer));
            if value == json!("*") {
                assert!(!seen.is_null(), "{what}: nothing at {pointer}");
            } else {
                assert_eq!(seen, value, "{what} at {pointer}");
            }
            if key.absent != ONE_KIND {
                assert_ne!(seen, bare, "{what} at {pointer} is what a scenario without it has");
            }
            found += 1;
        }
    }
    assert!(found > 100, "this test has lost sight of the keys: {found}");
}
