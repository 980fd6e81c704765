//! A scenario as a world: sites, services, and peers with the software under test.

use crate::{
    capture::CaptureSink,
    error::WorldError,
    script,
    simulate::{Guards, simulate},
    state::Device,
    world::{ProgressWatch, SimOutcome, Sinks, World},
};
use parallax_fabric::{Assembly, ProfiledDevice, assemble, films};
use parallax_peer::Work;
use parallax_record::SetupTask;
use parallax_scenario::Scenario;
use rand_chacha::ChaCha8Rng;
use std::{sync::Arc, time::Duration};

/// Runs a scenario, from power on of all peers at time zero to its duration.
///
/// One process serves one run, see [`simulate`].
///
/// # Errors
/// If the world cannot be made, or a peer's code fails as code (not as a peer: that is for the
/// verdict).
pub fn run(
    scenario: &Scenario,
    seed: u64,
    guards: Guards,
    sinks: Sinks<'_>,
) -> Result<SimOutcome, WorldError> {
    run_watched(scenario, seed, guards, sinks, Box::new(|_| ()), None)
}

/// As [`run`], and tells `watch` at the beginning of each step how far the run has come. Every packet
/// is written to `capture`, if there is one, as a pcapng file; that changes nothing of the run.
///
/// # Errors
/// As [`run`]; and if the capture is not taken.
pub fn run_watched(
    scenario: &Scenario,
    seed: u64,
    guards: Guards,
    sinks: Sinks<'_>,
    watch: ProgressWatch<'_>,
    capture: Option<CaptureSink<'_>>,
) -> Result<SimOutcome, WorldError> {
    let films = films(scenario)?;
    simulate(seed, guards, move || {
        let Assembly { network, hosts, hosted, kinds, setting } = assemble(scenario, seed, films)?;
        let mut world = World::new(seed, network, Box::new(hosted), kinds, sinks)?;
        world.watch(watch);
        if let Some(capture) = capture {
            world.capture(capture)?;
        }
        #[cfg(feature = "guards-off")]
        if !guards.map_order {
            world.plant_hash_map();
        }
        for (peer, host) in scenario.peers.iter().zip(hosts) {
            let software = setting.software(peer)?;
            let device = Arc::new(ProfiledDevice::of(scenario, peer));
            world.add_peer(host, device, move |host| {
                let software = software.clone();
                async move {
                    #[cfg(feature = "guards-off")]
                    if let Some(plant) = guards.plant.filter(|plant| plant.seed == seed) {
                        crate::plant::spring(&host, plant.fault);
                    }
                    software.run(host).await;
                }
            });
        }
        script::run(&mut world, scenario)?;
        Ok(world.finish())
    })?
}

impl Device for ProfiledDevice {
    fn boot_time(&self, random: &mut ChaCha8Rng) -> Duration {
        self.time_to_boot(random)
    }

    fn work_time(&self, work: Work, random: &mut ChaCha8Rng) -> Duration {
        self.time_of(work, random)
    }

    fn occupancy(&self, work: Work) -> Option<Duration> {
        self.occupancy_of(work)
    }

    fn task_time(&self, task: SetupTask, random: &mut ChaCha8Rng) -> Option<Duration> {
        self.time_of_task(task, random)
    }

    fn timer_lateness(&self, random: &mut ChaCha8Rng) -> Duration {
        ProfiledDevice::timer_lateness(self, random)
    }
}
