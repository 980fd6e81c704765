//! What a scenario is in its record.

use crate::world::TICK;
use parallax_record::{Clock, Header};
use parallax_scenario::Scenario;

/// The header of the record of a run of `scenario`. `version` is Parallax's.
pub fn header(scenario: &Scenario, seed: u64, version: &str) -> Header {
    let tick_us = u64::try_from(TICK.as_micros()).unwrap_or(u64::MAX);
    parallax_fabric::header(scenario, seed, version, Clock::Virtual { tick_us })
}
