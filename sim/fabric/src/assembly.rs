//! Assembly of a scenario's parts: network, services, and the setting of its peers.

use crate::{
    error::SetupError,
    packets::EndKind,
    plan::{Setting, place_peers},
    services::{Hosted, Placed, place},
};
use parallax_network::{HostId, Network};
use parallax_peer::camera::Media;
use parallax_scenario::Scenario;
use std::{collections::BTreeMap, net::Ipv4Addr};

/// The parts of a scenario, for any clock.
pub struct Assembly {
    /// Sites, links, gateways and hosts.
    pub network: Network,
    /// The hosts of the peers, in the order of the scenario.
    pub hosts: Vec<HostId>,
    /// The services.
    pub hosted: Hosted,
    /// What stands at which address.
    pub kinds: BTreeMap<Ipv4Addr, EndKind>,
    /// What the software of peers needs.
    pub setting: Setting,
}

/// Assembles a scenario with the films of its cameras.
///
/// # Errors
/// If the network refuses a site, a host or a service.
pub fn assemble(
    scenario: &Scenario,
    seed: u64,
    films: BTreeMap<String, Media>,
) -> Result<Assembly, SetupError> {
    let mut network = Network::new(seed);
    let hosts = place_peers(scenario, &mut network)?;
    let Placed { hosted, kinds, rendezvous } = place(scenario, seed, &mut network)?;
    let setting = Setting::new(scenario, seed, films, rendezvous);
    Ok(Assembly { network, hosts, hosted, kinds, setting })
}
