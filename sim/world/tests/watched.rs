//! Who runs a scenario may follow it; and what it must keep to itself is named.
#![cfg(target_os = "linux")]

use parallax_scenario::{Builtin, Scenario, parse};
use parallax_world::{Guards, Sinks, TICK, elapsed, run_watched, secrets};
use std::{sync::Mutex, time::Duration};

/// The shipped scenario, cut to where nothing happens yet but boots.
fn brief() -> Scenario {
    let text = include_str!("../../../fixtures/scenarios/two-homes.toml");
    let (world, _) = text.split_once("[[check]]").expect("checks");
    let world = world.replace("duration = \"30s\"", "duration = \"2s\"");
    let check = "[[check]]\nconnects = { within = \"1200ms\" }\nwhy = \"Nobody does.\"\n";
    parse("two-homes.toml", &format!("{world}{check}"), &Builtin).expect("sound")
}

#[test]
fn each_step_is_told_at_its_time() {
    let unheard = Sinks { entry: Box::new(drop), packet: None };
    let seen = Mutex::new(Vec::new());
    // It is told on the run's thread, where the run's time can be asked for: it moves on in the step.
    let watch = |at: Duration| seen.lock().expect("lock").push((at, elapsed()));
    let watched = run_watched(&brief(), 1, Guards::default(), unheard, Box::new(watch), None);
    let seen = seen.into_inner().expect("lock");
    // Steps in which nothing is due are skipped, and the watch is not called for them.
    assert_eq!(seen.first().map(|(at, _)| *at), Some(Duration::ZERO));
    assert!((2..2_000).contains(&seen.len()), "{} steps", seen.len());
    let mut before = Duration::ZERO;
    for (number, (at, elapsed)) in seen.into_iter().enumerate() {
        assert!(number == 0 || at > before, "{at:?} after {before:?}");
        assert_eq!(at.as_nanos() % TICK.as_nanos(), 0);
        assert_eq!(elapsed, Some(before));
        before = at;
    }
    assert_eq!(elapsed(), None, "this thread is in no run");
    assert_eq!(watched.expect("a run").duration, Duration::from_secs(2));
}

#[test]
fn secrets_are_those_of_cameras_and_services_and_of_the_seed() {
    let (one, other) = (secrets(&brief(), 1), secrets(&brief(), 2));
    assert_eq!(one.len(), 3, "a camera, STUN and TURN");
    assert!(one.iter().all(|secret| secret.len() == 32 && !other.contains(secret)));
}
