//! The script of a scenario: what is done to a run, step by step.

use crate::{error::WorldError, fabric::Way, world::World};
use parallax_network::{HostId, SiteId, Time};
use parallax_record::LinkDirection;
use parallax_scenario::{Action, Event, Scenario};

/// A beginning or an end of an event.
#[derive(Clone, Copy, Debug)]
struct Step<'s> {
    at: Time,
    ends: bool,
    event: &'s Event,
}

/// Runs a world to the end of its scenario, and does to it what the scenario says.
///
/// At one time, what lasted ends before anything begins; else the order is the scenario's. All of
/// it comes before what peers do at that time.
///
/// # Errors
/// As [`World::run_until`]; or if the world is not that scenario's.
pub(crate) fn run(world: &mut World<'_>, scenario: &Scenario) -> Result<(), WorldError> {
    for step in steps(scenario) {
        world.run_until(step.at)?;
        act(world, step)?;
    }
    world.run_until(Time::ZERO + scenario.duration)
}

fn steps(scenario: &Scenario) -> Vec<Step<'_>> {
    let end = Time::ZERO + scenario.duration;
    let mut steps = Vec::new();
    for event in &scenario.events {
        let at = Time::ZERO + event.at;
        steps.push(Step { at, ends: false, event });
        if let Some(lasts) = event.lasts {
            steps.push(Step { at: at + lasts, ends: true, event });
        }
    }
    steps.retain(|step| step.at < end);
    // Stable, and false comes before true.
    steps.sort_by_key(|step| (step.at, !step.ends));
    steps
}

fn act(world: &mut World<'_>, Step { ends, event, .. }: Step<'_>) -> Result<(), WorldError> {
    let name = event.name.clone();
    let told = if ends {
        parallax_record::Event::ActionEnded { event: name }
    } else {
        parallax_record::Event::ActionBegan { event: name }
    };
    world.tell(&crate::header::event(event).action.node(), told);
    match &event.action {
        Action::Kill(service) => {
            let host = host(world, service.name())?;
            world.kill_service(host);
        }
        Action::Restart(service) => {
            let host = host(world, service.name())?;
            world.restart_service(host);
        }
        Action::PowerLoss { peer } => {
            let host = host(world, peer)?;
            if ends { world.power_on(host) } else { world.power_off(host) }
        }
        Action::ChangeLink { site: name, direction, after, before } => {
            let way = match direction {
                LinkDirection::Up => Way::Up,
                LinkDirection::Down => Way::Down,
            };
            let config = if ends { before } else { after };
            world.set_link(site(world, name)?, way, config.clone())?;
        }
        Action::RebootGateway { site: name } => {
            let site = site(world, name)?;
            world.reboot_gateway(site);
        }
    }
    Ok(())
}

fn host(world: &World<'_>, name: &str) -> Result<HostId, WorldError> {
    world.host_named(name).ok_or_else(|| WorldError::NoSuchNode { name: name.to_owned() })
}

fn site(world: &World<'_>, name: &str) -> Result<SiteId, WorldError> {
    world.site_named(name).ok_or_else(|| WorldError::NoSuchNode { name: name.to_owned() })
}
