//! The script of a scenario, in virtual time.

use crate::{error::WorldError, world::World};
use parallax_fabric::{act, steps};
use parallax_network::Time;
use parallax_scenario::Scenario;

/// Runs a world to the end of its scenario, and does to it what the scenario says. All of it comes
/// before what peers do at that time.
///
/// # Errors
/// As [`World::run_until`]; or if the world is not that scenario's.
pub(crate) fn run(world: &mut World<'_>, scenario: &Scenario) -> Result<(), WorldError> {
    for step in steps(scenario) {
        world.run_until(step.at)?;
        world.arrive();
        match act(&world.fabric, step)? {
            Some((peer, true)) => world.power_on(peer),
            Some((peer, false)) => world.power_off(peer),
            None => {}
        }
    }
    world.run_until(Time::ZERO + scenario.duration)
}
