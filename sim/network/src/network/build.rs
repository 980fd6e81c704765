//! Adding sites, hosts and services.

use alloc::{borrow::ToOwned, collections::BTreeMap, collections::VecDeque, vec::Vec};
use core::{net::Ipv4Addr, time::Duration};

use super::{Network, PlaceId, Segment, loads::Loads};
use crate::{
    Access, Capacity, GatewayConfig, HostId, LinkConfig, LinkId, SiteConfig, SiteId, Time,
    TopologyError,
    agenda::Agenda,
    gateway::{Gateway, Notes},
    ledger::PacketCounts,
    link::LinkQueue,
    random::stream,
    slab::Slab,
    topology::{AccessLinks, HostEntry, HostTable, Lan, Reach, SiteEntry, Trunk, number},
};

/// The LAN link of a host, each direction: 1 Gbit/s, 0.2 ms.
fn lan_link() -> LinkConfig {
    LinkConfig {
        capacity: Capacity::from_bits_per_second(1_000_000_000),
        one_way_delay: Duration::from_micros(200),
        ..LinkConfig::default()
    }
}

/// All names of one kind differ; sites and hosts may share one. The random stream of a link is
/// called as its place, that of a gateway `gateway/SITE`.
impl Network {
    /// An empty network. `seed` is the run's.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            topology: HostTable::default(),
            links: Vec::new(),
            flights: Slab::default(),
            controls: Slab::default(),
            agenda: Agenda::default(),
            clock: Time::ZERO,
            outputs: VecDeque::new(),
            notes: Notes::default(),
            counts: PacketCounts::default(),
            tapped: false,
            loads: Loads::default(),
        }
    }

    /// Adds a site.
    ///
    /// # Errors
    /// If the name is taken or cannot be, a link's loss cannot be, or the gateway of a site with
    /// Internet has an external address that is not public or taken.
    pub fn add_site(&mut self, name: &str, config: SiteConfig) -> Result<SiteId, TopologyError> {
        let id = self.topology.next_site(name)?;
        if let Some(Access { up, down }) = &config.internet {
            for link in [up, down] {
                link.loss
                    .checked()
                    .map_err(|source| TopologyError::Loss { name: name.to_owned(), source })?;
            }
            if let Some(GatewayConfig { external, .. }) = config.gateway {
                self.topology.check_public(name, external)?;
                self.topology.core.insert(external, Reach::Site(id));
            }
        }
        let random = stream(self.seed, &format!("gateway/{name}"));
        let gateway = config.gateway.map(|gateway| Gateway::new(gateway, random));
        let site = SiteEntry { name: name.into(), gateway, access: None, hosts: BTreeMap::new() };
        self.topology.sites.push(site);
        self.topology.sites[id.index()].access = config.internet.map(|access| AccessLinks {
            up: self.add_link(access.up, PlaceId::Up(id)),
            down: self.add_link(access.down, PlaceId::Down(id)),
        });
        Ok(id)
    }

    /// Adds a host at a site.
    ///
    /// # Errors
    /// If the name is taken or cannot be, no host can have the address, or another has it: at the
    /// site, or anywhere at the core if no gateway translates. Then it must be public as well.
    pub fn add_host(
        &mut self,
        name: &str,
        site: SiteId,
        address: Ipv4Addr,
    ) -> Result<HostId, TopologyError> {
        let id = self.topology.next_host(name, address)?;
        self.topology.check_on_lan(name, site, address)?;
        let at = self.topology.site(site);
        if at.gateway.is_none() && at.access.is_some() {
            self.topology.check_public(name, address)?;
            self.topology.core.insert(address, Reach::Site(site));
        }
        self.topology.hosts.push(HostEntry::new(name, address));
        let outbound = self.add_link(lan_link(), PlaceId::LanOut(id));
        let inbound = self.add_link(lan_link(), PlaceId::LanIn(id));
        self.topology.hosts[id.index()].lan = Some(Lan { site, outbound, inbound });
        self.topology.sites[site.index()].hosts.insert(address, id);
        Ok(id)
    }

    /// Adds a service: a host at the core, without links.
    ///
    /// # Errors
    /// If the name is taken or cannot be, or the address is not public or taken.
    pub fn add_service(&mut self, name: &str, address: Ipv4Addr) -> Result<HostId, TopologyError> {
        let id = self.topology.next_host(name, address)?;
        self.topology.check_public(name, address)?;
        self.topology.core.insert(address, Reach::Service(id));
        self.topology.hosts.push(HostEntry::new(name, address));
        Ok(id)
    }

    /// Adds a service away from the core: `one_way_delay` takes a packet from it or to it. Nothing is lost
    /// on the way, and its capacity has no limit.
    ///
    /// # Errors
    /// As [`add_service`](Self::add_service).
    pub fn add_distant_service(
        &mut self,
        name: &str,
        address: Ipv4Addr,
        one_way_delay: Duration,
    ) -> Result<HostId, TopologyError> {
        let id = self.add_service(name, address)?;
        if !one_way_delay.is_zero() {
            let link = LinkConfig { one_way_delay, ..LinkConfig::default() };
            let outbound = self.add_link(link.clone(), PlaceId::LanOut(id));
            let inbound = self.add_link(link, PlaceId::LanIn(id));
            self.topology.hosts[id.index()].trunk = Some(Trunk { outbound, inbound });
        }
        Ok(id)
    }

    fn add_link(&mut self, config: LinkConfig, place: PlaceId) -> LinkId {
        let id = LinkId(number(self.links.len()));
        let random = stream(self.seed, &self.place(place).to_string());
        let mut link = LinkQueue::new(config, random);
        if self.loads.concern(place) {
            link.keep_load();
        }
        self.links.push(Segment { link, place });
        id
    }
}
