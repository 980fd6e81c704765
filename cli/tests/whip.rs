//! Cameras that signal by WHIP (RFC 9725), as a user sees them.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use support::{Place, replaced, shipped, with_checks};

/// A scenario whose camera pushes by WHIP.
fn by_whip(text: &str) -> String {
    replaced(text, "pacer = \"2Mbit/s\"", "pacer = \"2Mbit/s\", signalling = \"whip\"")
}

fn events(place: &Place, scenario: &str) -> Vec<Value> {
    let record = place.read(&format!("out/{scenario}/seed-1/record.jsonl"));
    record.lines().skip(1).map(|line| serde_json::from_str(line).expect("an event")).collect()
}

/// When each phase of its first session was complete at `node`, in their order.
fn phases(events: &[Value], node: &str) -> Vec<String> {
    let of_first = |event: &&Value| {
        let phase = &event["event"];
        event["node"] == node && phase["kind"] == "phase" && phase["session"]["number"] == 1
    };
    let phase = |event: &Value| event["event"]["phase"].as_str().unwrap_or_default().to_owned();
    events.iter().filter(of_first).map(phase).collect()
}

/// The shipped checks hold, whatever the camera speaks; twice the same; and each phase of the set-up is in the record.
#[test]
fn two_homes_pass_by_whip() {
    let place = Place::with("two-homes.toml", &by_whip(&shipped("two-homes", 30)));
    place
        .call(&["sim", "two-homes.toml", "--seeds", "1..3", "--no-report", "--out", "out"])
        .ended(0);
    let events = events(&place, "two-homes");
    let set_up = [
        "requested",
        "signalling",
        "checking",
        "nominated",
        "dtls",
        "first_rtp",
        "first_key_frame",
    ];
    for node in ["doorbell", "phone"] {
        let mut phases = phases(&events, node);
        phases.retain(|phase| phase != "gathering" && phase != "first_render");
        assert_eq!(phases, set_up, "{node}");
    }
    // The camera learns of the TURN server by the response, and trickles what it gathers there.
    let relayed = |event: &&Value| {
        event["node"] == "doorbell" && event["event"]["candidate"]["kind"] == "relayed"
    };
    assert!(events.iter().any(|event| relayed(&event)));
    place.call(&["sim", "two-homes.toml", "--verify", "--no-report", "--out", "again"]).ended(0);
}

#[test]
fn strict_homes_are_relayed_by_whip() {
    let place = Place::with("strict-homes.toml", &by_whip(&shipped("strict-homes", 30)));
    place.call(&["sim", "strict-homes.toml", "--no-report", "--out", "out"]).ended(0);
}

#[test]
fn a_stream_goes_on_when_the_signalling_is_lost() {
    let place = Place::with("signalling-lost.toml", &by_whip(&shipped("signalling-lost", 30)));
    place.call(&["sim", "signalling-lost.toml", "--no-report", "--out", "out"]).ended(0);
}

/// Long before a viewer asks, the camera has been told that there is none, several times.
#[test]
fn a_viewer_that_comes_late_is_served_at_once() {
    let check = "[[check]]\nconnects = { within = \"1500ms\" }\nwhy = \"The camera's offer waits for it.\"\n";
    let text = by_whip(&with_checks("two-homes", 40, check));
    let text = replaced(&text, "viewer = { ", "viewer = { asks_at = \"30s\", ");
    let place = Place::with("late.toml", &text);
    place.call(&["sim", "late.toml", "--seeds", "1..3", "--no-report", "--out", "out"]).ended(0);
}

/// The camera posts anew after its power was gone, and after the path was gone for longer than ICE bears.
#[test]
fn a_session_is_begun_anew() {
    for (name, event) in [
        ("power", "power_loss = { peer = \"doorbell\", lasts = \"1s\" }"),
        (
            "path",
            "change_link = { site = \"house\", direction = \"up\", loss = \"99.999%\", lasts = \"20s\" }",
        ),
    ] {
        let check =
            "[[check]]\nrecovery = { after = \"it\", within = \"9s\" }\nwhy = \"A new session.\"\n";
        let text = by_whip(&with_checks("two-homes", 50, check));
        let text =
            text.replace("[[check]]", &format!("[event.it]\nat = \"12s\"\n{event}\n\n[[check]]"));
        let place = Place::with(&format!("{name}.toml"), &text);
        place.call(&["sim", &format!("{name}.toml"), "--no-report", "--out", "out"]).ended(0);
        let second = |event: &Value| {
            event["event"]["kind"] == "phase" && event["event"]["session"]["number"] != 1
        };
        assert!(events(&place, name).iter().any(second), "{name}");
    }
}
