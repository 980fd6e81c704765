//! The script of a scenario: its events as steps in time.

use crate::{error::SetupError, fabric::Fabric};
use parallax_network::{HostId, LinkConfig, SiteId, Time};
use parallax_record::LinkDirection;
use parallax_scenario::{Action, PeerCondition, Scenario, ScriptedEvent};
use std::collections::BTreeMap;

/// A beginning or an end of an event.
#[derive(Clone, Copy, Debug)]
pub struct ScriptStep<'s> {
    /// When.
    pub at: Time,
    /// What lasted is over.
    pub ends: bool,
    /// Of what.
    pub event: &'s ScriptedEvent,
    /// What the link is from now on, if the event changes one.
    link: Option<&'s LinkConfig>,
}

/// What is done to a run, in order: at one time, what lasted ends before anything begins; else the
/// order is the scenario's.
pub fn steps(scenario: &Scenario) -> Vec<ScriptStep<'_>> {
    let end = Time::ZERO + scenario.duration;
    let mut steps = Vec::new();
    // Changes of links that do not end: what a change that ends leaves the link as.
    let mut lasting: BTreeMap<(&str, LinkDirection), &LinkConfig> = BTreeMap::new();
    for event in &scenario.events {
        let at = Time::ZERO + event.at();
        let (mut link, mut before) = (None, None);
        if let Action::ChangeLink { site, direction, link: after } = &event.action {
            let key = (site.as_str(), *direction);
            let original = || scenario.site(site)?.link(*direction);
            (link, before) = (Some(after), lasting.get(&key).copied().or_else(original));
            if event.lasts_us.is_none() {
                lasting.insert(key, after);
            }
        }
        steps.push(ScriptStep { at, ends: false, event, link });
        if let Some(lasts) = event.lasts() {
            steps.push(ScriptStep { at: at + lasts, ends: true, event, link: before });
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
    ScriptStep { ends, event, link, .. }: ScriptStep<'_>,
) -> Result<Option<(HostId, bool)>, SetupError> {
    let name = event.name.clone();
    let told = if ends {
        parallax_record::Event::ActionEnded { event: name }
    } else {
        parallax_record::Event::ActionBegan { event: name }
    };
    fabric.tell(&event.action.node(), told);
    match &event.action {
        Action::Kill { service } => fabric.kill_service(host(fabric, service.name())?),
        Action::Restart { service } => fabric.restart_service(host(fabric, service.name())?),
        Action::PowerLoss { peer } => return Ok(Some((host(fabric, peer)?, ends))),
        Action::PauseCamera { peer } => {
            fabric.set_condition(host(fabric, peer)?, PeerCondition::CapturePaused, !ends);
        }
        Action::ChangeLink { site: name, direction, .. } => {
            let site = site(fabric, name)?;
            let no_internet = || SetupError::NoInternet { site: name.clone() };
            let config = link.ok_or_else(no_internet)?;
            if !fabric.set_link(site, *direction, config.clone())? {
                return Err(no_internet());
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
