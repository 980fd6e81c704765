//! Keys of a peer that decide how a session is set up: `ice` and `asks_at`.

use parallax_record::Ice;
use parallax_scenario::{Builtin, Scenario, parse};
use std::time::Duration;

fn read(ice: &str, asks_at: &str) -> Result<Scenario, String> {
    let text = include_str!("../../../fixtures/scenarios/two-homes.toml")
        .replacen("[peer.doorbell]", &format!("[peer.doorbell]\nice = {ice}"), 1)
        .replacen("viewer = { ", &format!("viewer = {{ asks_at = \"{asks_at}\", "), 1);
    parse("two-homes.toml", &text, &Builtin)
        .map_err(|errors| format!("{:?}", miette::Report::new(errors)))
}

#[test]
fn a_peer_has_the_ice_settings_that_it_is_given() {
    let text = r#"{ check_interval = "20ms", server_reflexive_wait = "1ms", peer_reflexive_wait = "2ms", relayed_wait = "10s" }"#;
    let scenario = read(text, "9.999s").expect("sound");
    let ice = Ice {
        check_interval_us: 20_000,
        server_reflexive_wait_us: 1_000,
        peer_reflexive_wait_us: 2_000,
        relayed_wait_us: 10_000_000,
    };
    assert_eq!(scenario.peer("doorbell").expect("there").ice, ice);
    assert_eq!(scenario.peer("phone").expect("there").ice, Ice::default());
    let viewer = scenario.peer("phone").and_then(|peer| peer.viewer.clone()).expect("there");
    assert_eq!(viewer.asks_at, Duration::from_millis(9_999));
}

#[test]
fn ice_settings_beyond_their_bounds_and_requests_after_the_run_are_refused() {
    for (ice, asks_at, told) in [
        (r#"{ check_interval = "19ms" }"#, "0s", "19ms"),
        (r#"{ relayed_wait = "10001ms" }"#, "0s", "10001ms"),
        (r#"{ relayed_weight = "1s" }"#, "0s", "relayed_wait"),
        ("{}", "30s", "the viewer first asks at 30s, after the run"),
        ("{}", "1500us", "1500us"),
        // Within the run, and too late for its checks.
        ("{}", "29.999s", "it needs 20 frames"),
    ] {
        let errors = read(ice, asks_at).expect_err("not sound");
        assert!(errors.contains(told), "{errors} does not tell {told}");
    }
}
