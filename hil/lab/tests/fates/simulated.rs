//! The same packets through the same network in virtual time, as a simulation drives it: in steps of a
//! millisecond, the script before what hosts do.

use crate::street::Seen;
use parallax_fabric::{Direction, Fabric, Placed, act, place, place_peers, steps};
use parallax_network::{Network, Time};
use parallax_record::Entry;
use parallax_scenario::Scenario;
use std::{sync::Arc, time::Duration};

const STEP: Duration = Duration::from_millis(1);

/// What hosts do, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// At the very nanosecond.
    Exactly,
    /// In the next step, as peers in a simulation do all they do.
    InSteps,
}

/// What a simulation tells.
pub(crate) struct Simulated {
    pub(crate) entries: Vec<Entry>,
    pub(crate) log: Vec<Seen>,
}

/// Runs up to `end`, with what `sent` says that hosts send.
pub(crate) fn simulated(
    scenario: &Scenario,
    seed: u64,
    sent: &[Seen],
    sends: Sends,
    end: Time,
) -> Simulated {
    let mut network = Network::new(seed);
    place_peers(scenario, &mut network).expect("there is room");
    let Placed { hosted, .. } = place(scenario, seed, &mut network).expect("there is room");
    let fabric = Fabric::new(seed, network, Box::new(hosted));
    let mut world = World { fabric, now: Time::ZERO, told: Simulated::new() };
    let mut script = steps(scenario).into_iter().peekable();
    for Seen { at, host, packet, .. } in sent {
        let at = match sends {
            Sends::Exactly => *at,
            Sends::InSteps => next_step(*at),
        };
        while let Some(step) = script.next_if(|step| step.at <= at) {
            world.act(step);
        }
        world.run_until(at);
        let host = world.fabric.host_named(host).expect("there is such a host");
        world.fabric.inject(host, packet.clone());
    }
    while let Some(step) = script.next_if(|step| step.at <= end) {
        world.act(step);
    }
    world.run_until(end);
    world.fabric.end_loads();
    world.take_told();
    assert!(world.fabric.ledger().balances());
    world.told
}

impl Simulated {
    fn new() -> Self {
        Self { entries: Vec::new(), log: Vec::new() }
    }
}

struct World {
    fabric: Arc<Fabric>,
    now: Time,
    told: Simulated,
}

impl World {
    fn act(&mut self, step: parallax_fabric::ScriptStep<'_>) {
        self.run_until(step.at);
        match act(&self.fabric, step).expect("it is of this network") {
            Some((host, true)) => self.fabric.power_on(host),
            Some((host, false)) => self.fabric.power_off(host),
            None => {}
        }
    }

    fn run_until(&mut self, end: Time) {
        while self.now < end {
            self.now = next_step(self.now + Duration::from_nanos(1)).min(end);
            self.fabric.advance(self.now);
        }
        // What the script did at this very time takes effect.
        self.fabric.advance(end);
        self.take_told();
    }

    fn take_told(&mut self) {
        let told = self.fabric.take_told();
        self.told.entries.extend(told.entries);
        self.told.log.extend(told.packets.into_iter().map(|(at, direction, host, packet)| {
            let host = self.fabric.host(host).0.to_string();
            Seen { at, direction, host, packet }
        }));
    }
}

/// The first step that is not before `at`.
fn next_step(at: Time) -> Time {
    let step = u64::try_from(STEP.as_nanos()).expect("small");
    Time::from_nanos(at.as_nanos().next_multiple_of(step))
}

/// What hosts outside of the network sent: services answer by themselves.
pub(crate) fn sent(log: &[Seen], scenario: &Scenario) -> Vec<Seen> {
    let by_host =
        |seen: &&Seen| seen.direction == Direction::Sent && scenario.peer(&seen.host).is_some();
    log.iter().filter(by_host).cloned().collect()
}
