//! Two peers that watch each other: each is a camera and a viewer at once. One of them loses its
//! power and comes back, in both roles.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use support::{Place, SHIPPED};

const PEERS: &str = r#"
[peer.left]
site = "LEFT"
camera = { profile = "tablet.toml", video = { clip = "bunny", size = "320x240", frames_per_second = 15, bit_rate = "400kbit/s" }, pacer = "2Mbit/s" }
views = ["right"]
viewer = { jitter_buffer = "170ms" }

[peer.right]
site = "RIGHT"
camera = { profile = "tablet.toml", video = { clip = "bunny", size = "320x240", frames_per_second = 15, bit_rate = "400kbit/s" }, pacer = "2Mbit/s" }
views = ["left"]
viewer = { jitter_buffer = "170ms" }

[event.unplugged]
at = "8s"
power_loss = { peer = "left", lasts = "1s" }

[[check]]
connects = { within = "6s" }
why = "Both film and watch; neither waits for the other."

[[check]]
recovery = { after = "unplugged", within = "6s" }
why = "Who boots again is seen again, and sees again."

[[check]]
frames_lost = { at_most = "5%", from = "17s" }
why = "Afterwards it is as before."
"#;

/// A device that can do both: the camera of one profile and the viewer of another.
fn tablet() -> String {
    let read = |name: &str| {
        let file = format!("{SHIPPED}/../../device-profiles/{name}.toml");
        std::fs::read_to_string(file).expect("a profile")
    };
    let phone = read("phone");
    let (_, viewer) = phone.split_once("[viewer]").expect("a viewer");
    format!("{}\n[viewer]{viewer}", read("esp32-p4"))
}

/// Runs two peers at the sites of a world, and says what became of the streams.
fn run(world: &str, left: &str, right: &str) -> Vec<Value> {
    let peers = PEERS.replace("LEFT", left).replace("RIGHT", right);
    let head = "schema = 1\ntitle = \"Two that watch each other\"\nwhy = \"They must see each \
                other.\"\nduration = \"24s\"\n\n";
    let place = Place::with("roles.toml", &format!("{head}{world}{peers}"));
    place.write("tablet.toml", &tablet());
    place.call(&["sim", "roles.toml", "--out", "out"]).ended(0);
    let run = &place.json("out/summary.json")["runs"][0];
    assert_eq!(run["faults"], Value::Array(Vec::new()));
    // Each check is held against each of both streams.
    let held: Vec<_> = run["checks"].as_array().expect("checks").iter().collect();
    assert_eq!(held.len(), 6);
    for stream in [("right", "left"), ("left", "right")] {
        let of = |check: &&&Value| {
            (&check["camera"], &check["viewer"]) == (&stream.0.into(), &stream.1.into())
        };
        assert_eq!(held.iter().filter(of).count(), 3, "{held:?}");
    }
    run["streams"].as_array().expect("streams").clone()
}

fn assert_seen(streams: &[Value]) {
    assert_eq!(streams.len(), 2);
    for stream in streams {
        let count = |name: &str| stream["frames"][name].as_u64().expect("a count");
        let lost = stream["frames"]["lost"].as_object().expect("causes").values();
        let lost: u64 = lost.map(|count| count.as_u64().expect("a count")).sum();
        assert_eq!(count("captured"), count("rendered") + lost + count("under_way"), "{stream}");
        assert!(count("rendered") > 200, "{stream}");
        // One before the loss of power and one after; a try that failed may be between.
        assert!(stream["sessions"].as_u64() >= Some(2), "{stream}");
        assert_eq!(stream["markers_unreadable"].as_u64(), Some(0), "{stream}");
    }
}

#[test]
fn two_peers_in_two_homes_watch_each_other() {
    let shipped = std::fs::read_to_string(format!("{SHIPPED}/two-homes.toml")).expect("shipped");
    let (_, world) = shipped.split_once("[site.house]").expect("sites");
    let (world, _) = world.split_once("[peer.doorbell]").expect("peers");
    assert_seen(&run(&format!("[site.house]{world}"), "house", "flat"));
}

#[test]
fn two_peers_of_one_lan_watch_each_other_without_a_server() {
    let world = "[site.home]\ninternet = false\n\n[services]\nrendezvous = false\n";
    let streams = run(world, "home", "home");
    assert_seen(&streams);
    for stream in &streams {
        assert_eq!(stream["relayed"], false);
        assert_eq!(stream["remote_candidate"], "host", "{stream}");
    }
}
