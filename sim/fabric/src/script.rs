//! The script of a scenario: what is done to a run, step by step.

use crate::{error::SetupError, fabric::Fabric, header};
use parallax_network::{HostId, SiteId, Time};
use parallax_scenario::{Action, Event, Scenario};

/// A beginning or an end of an event.
#[derive(Clone, Copy, Debug)]
pub struct ScriptStep<'s> {
    /// When.
    pub at: Time,
    /// What lasted is over.
    pub ends: bool,
    /// Of what.
    pub event: &'s Event,
}

/// What is done to a run, in order: at one time, what lasted ends before anything begins; else the
/// order is the scenario's.
pub fn steps(scenario: &Scenario) -> Vec<ScriptStep<'_>> {
    let end = Time::ZERO + scenario.duration;
    let mut steps = Vec::new();
    for event in &scenario.events {
        let at = Time::ZERO + event.at;
        steps.push(ScriptStep { at, ends: false, event });
        if let Some(lasts) = event.lasts {
            steps.push(ScriptStep { at: at + lasts, ends: true, event });
        }
    }
    steps.retain(|step| step.at < end);
    // Stable, and false comes before true.
    steps.sort_by_key(|step| (step.at, !step.ends));
    steps
}

/// Does a step, at the time that the fabric has come to, and tells of it. Of a peer that loses or gets
/// its power, says who, and whether the power is back: that is for who runs its software.
///
/// # Errors
/// If the network is not that scenario's.
pub fn act(
    fabric: &Fabric,
    ScriptStep { ends, event, .. }: ScriptStep<'_>,
) -> Result<Option<(HostId, bool)>, SetupError> {
    let name = event.name.clone();
    let told = if ends {
        parallax_record::Event::ActionEnded { event: name }
    } else {
        parallax_record::Event::ActionBegan { event: name }
    };
    fabric.tell(&header::event(event).action.node(), told);
    match &event.action {
        Action::Kill(service) => fabric.kill_service(host(fabric, service.name())?),
        Action::Restart(service) => fabric.restart_service(host(fabric, service.name())?),
        Action::PowerLoss { peer } => return Ok(Some((host(fabric, peer)?, ends))),
        Action::ChangeLink { site: name, direction, after, before } => {
            let config = if ends { before } else { after };
            if !fabric.set_link(site(fabric, name)?, *direction, config.clone())? {
                return Err(SetupError::NoInternet { site: name.clone() });
            }
        }
        Action::RebootGateway { site: name } => fabric.reboot_gateway(site(fabric, name)?),
    }
    Ok(None)
}

fn host(fabric: &Fabric, name: &str) -> Result<HostId, SetupError> {
    fabric.host_named(name).ok_or_else(|| SetupError::NoSuchNode { name: name.to_owned() })
}

fn site(fabric: &Fabric, name: &str) -> Result<SiteId, SetupError> {
    fabric.site_named(name).ok_or_else(|| SetupError::NoSuchNode { name: name.to_owned() })
}
