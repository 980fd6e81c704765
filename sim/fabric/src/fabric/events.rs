//! Scheduled faults below the peers: power, services, links and gateways; and look-ups by name.

use super::Fabric;
use parallax_network::{HostId, LinkConfig, LossError, SiteId};
use parallax_record::LinkDirection;
use parallax_scenario::PeerCondition;
use std::mem;

impl Fabric {
    /// Cuts a peer off, silently: nothing that its tasks still say is heard, by the network or by
    /// who records.
    pub fn power_off(&self, host: HostId) {
        let mut inner = self.lock();
        let now = inner.now;
        inner.network.cut(now, host);
        inner.outside.forget(host);
        inner.set_tcp_deadline(host, None);
        if let Ok(end) = inner.end(host) {
            end.conditions.insert(PeerCondition::NoPower);
        }
    }

    /// Joins a peer to the network again, with nothing open.
    pub fn power_on(&self, host: HostId) {
        let (tcp, closed) = {
            let mut inner = self.lock();
            let now = inner.now;
            inner.set_tcp_deadline(host, None);
            inner.network.restore(now, host);
            // A host without an end here has its sockets elsewhere: a board on a cable.
            let Ok(end) = inner.end(host) else { return };
            end.conditions.remove(&PeerCondition::NoPower);
            (end.tcp.clone(), mem::take(&mut end.udp))
        };
        drop(closed);
        tcp.restart();
    }

    /// Puts a peer into a condition that its own software asks for, or ends the condition.
    pub fn set_condition(&self, host: HostId, condition: PeerCondition, on: bool) {
        if let Ok(end) = self.lock().end(host) {
            if on {
                end.conditions.insert(condition)
            } else {
                end.conditions.remove(&condition)
            };
        }
    }

    /// Whether the script keeps a peer in a condition.
    pub fn in_condition(&self, host: HostId, condition: PeerCondition) -> bool {
        self.lock().end(host).is_ok_and(|end| end.conditions.contains(&condition))
    }

    /// Kills a service: packets to it vanish.
    pub fn kill_service(&self, host: HostId) {
        let mut inner = self.lock();
        let now = inner.now;
        inner.network.cut(now, host);
        inner.services.kill(host);
        inner.services_deadline = inner.services.next_deadline(now);
    }

    /// Starts a service over.
    pub fn restart_service(&self, host: HostId) {
        let mut inner = self.lock();
        let now = inner.now;
        inner.network.restore(now, host);
        inner.services.restart(host);
        inner.pump_services(now);
    }

    /// Gives a site's link another configuration; false if the site has none.
    pub fn set_link(
        &self,
        site: SiteId,
        direction: LinkDirection,
        config: LinkConfig,
    ) -> Result<bool, LossError> {
        let mut inner = self.lock();
        let now = inner.now;
        let link = match direction {
            LinkDirection::Up => inner.network.up_link(site),
            LinkDirection::Down => inner.network.down_link(site),
        };
        let Some(link) = link else { return Ok(false) };
        inner.network.set_link(now, link, config)?;
        Ok(true)
    }

    /// Power off and on of a site's gateway.
    pub fn reboot_gateway(&self, site: SiteId) {
        let mut inner = self.lock();
        let now = inner.now;
        inner.network.reboot_gateway(now, site);
    }

    /// The host or service of that name.
    pub fn host_named(&self, name: &str) -> Option<HostId> {
        self.lock().network.host_named(name)
    }

    /// The site of that name.
    pub fn site_named(&self, name: &str) -> Option<SiteId> {
        self.lock().network.site_named(name)
    }

    /// The name of a site.
    pub fn site_name(&self, site: SiteId) -> String {
        self.lock().network.site_name(site).to_owned()
    }
}
