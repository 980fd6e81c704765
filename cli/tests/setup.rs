//! How long sessions take to be set up, as a user sees it.
#![cfg(target_os = "linux")]

mod support;

use support::{Place, replaced, with_checks};

/// A scenario whose devices are up when the viewer asks, with `loss` on its up links, and a bound for its set-up.
fn place(scenario: &str, loss: &str, bound: &str) -> Place {
    let check = format!(
        "[[check]]\nconnects = {{ within = \"{bound}\" }}\nwhy = \"Signalling, ICE and DTLS take round trips.\"\n"
    );
    let text = with_checks(scenario, 12, &check);
    let text = replaced(&text, "viewer = { ", "viewer = { asks_at = \"5s\", ");
    Place::with("it.toml", &text.replace("loss = { mean = \"1%\", burst = 3 }, ", loss))
}

fn passes(place: &Place, seeds: &str) {
    let media = ["--media", "prerecorded", "--no-report", "--out", "out"];
    place.call(&[&["sim", "it.toml", "--seeds", seeds], &media[..]].concat()).ended(0);
}

/// Of the crates alone, one in twelve of these sessions is never set up: a lost flight of DTLS is not sent again
/// (`sim/peer/src/flight.rs`).
#[test]
fn a_lost_flight_of_dtls_is_sent_again() {
    passes(&place("two-homes", "loss = { mean = \"8%\", burst = 2 }, ", "5s"), "1..40");
}

/// Of the crates alone, these take 0.2, 0.9 and 3 s: ICE's waits are what the scenario says, and DTLS waits for no timer
/// (`sim/peer/src/passes.rs`).
#[test]
fn a_set_up_without_losses_takes_round_trips() {
    for (scenario, bound) in [("same-lan", "50ms"), ("two-homes", "500ms"), ("strict-homes", "1s")]
    {
        passes(&place(scenario, "", bound), "1..5");
    }
}
