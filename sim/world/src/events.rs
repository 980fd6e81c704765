//! Scheduled faults of a world.

use crate::{error::WorldError, world::World};
use parallax_fabric::SetupError;
use parallax_network::{HostId, LinkConfig, SiteId};
use parallax_record::{Event, LinkDirection};

/// Each takes effect at the time of the next step, after what is due before it, and silently:
/// peers are not notified. Calls take effect in their order.
impl World<'_> {
    /// Takes a peer's power. It says no goodbye: no packet leaves it from here on, and nothing that
    /// its tasks say as they are dropped is recorded.
    pub fn power_off(&mut self, peer: HostId) {
        self.arrive();
        // First off the network: what its sockets say when they are dropped is not heard.
        self.fabric.power_off(peer);
        if let Some(device) = self.peers.get(&peer) {
            self.devices.switch_off(*device);
        }
        self.collectors.held.forget(peer);
        self.changed = true;
    }

    /// Gives a peer its power back: it boots. Its flash is as it was; its random streams and its
    /// counts of ports go on.
    pub fn power_on(&mut self, peer: HostId) {
        self.arrive();
        self.fabric.power_on(peer);
        if let Some(device) = self.peers.get(&peer) {
            self.devices.switch_on(*device);
        }
        self.changed = true;
    }

    /// Kills a service: packets to it vanish, it sends nothing, and its timers stop.
    pub fn kill_service(&mut self, service: HostId) {
        self.arrive();
        self.fabric.kill_service(service);
    }

    /// Starts a service over, killed or not: what it knew is lost, and what its old TCP peers send
    /// is answered with a reset. Its random streams go on.
    pub fn restart_service(&mut self, service: HostId) {
        self.arrive();
        self.fabric.restart_service(service);
    }

    /// Gives a site's link another configuration: see [`parallax_network::Network::set_link`].
    ///
    /// # Errors
    /// If the site has no Internet, or the loss cannot be.
    pub fn set_link(
        &mut self,
        site: SiteId,
        direction: LinkDirection,
        config: LinkConfig,
    ) -> Result<(), WorldError> {
        self.arrive();
        if self.fabric.set_link(site, direction, config)? {
            Ok(())
        } else {
            Err(SetupError::NoInternet { site: self.fabric.site_name(site) }.into())
        }
    }

    /// Power off and on of a site's gateway, in no time: all of its mappings are lost. Does nothing
    /// at a site without one.
    pub fn reboot_gateway(&mut self, site: SiteId) {
        self.arrive();
        self.fabric.reboot_gateway(site);
    }

    /// Writes an event of the world itself into the record, at the time of the next step.
    pub fn tell(&mut self, node: &str, event: Event) {
        self.arrive();
        self.fabric.tell(node, event);
    }

    /// The peer or service that the network knows by this name.
    pub fn host_named(&self, name: &str) -> Option<HostId> {
        self.fabric.host_named(name)
    }

    /// The site of this name.
    pub fn site_named(&self, name: &str) -> Option<SiteId> {
        self.fabric.site_named(name)
    }
}
