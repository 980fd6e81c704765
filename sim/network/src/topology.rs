//! Topology: sites, hosts and services, with the rules for adding them.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, sync::Arc, vec::Vec};
use core::net::Ipv4Addr;

use crate::{HostId, LinkId, LossError, SiteId, gateway::Gateway};

/// Sites and hosts, by number, and who has which address.
#[derive(Debug, Default)]
pub(crate) struct HostTable {
    pub(crate) sites: Vec<SiteEntry>,
    pub(crate) hosts: Vec<HostEntry>,
    /// Who has an address that the core routes to.
    pub(crate) core: BTreeMap<Ipv4Addr, Reach>,
}

/// How the core reaches an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A service.
    Service(HostId),
    /// Over a site's link.
    Site(SiteId),
}

#[derive(Debug)]
pub(crate) struct SiteEntry {
    pub(crate) name: Arc<str>,
    pub(crate) gateway: Option<Gateway>,
    pub(crate) access: Option<AccessLinks>,
    pub(crate) hosts: BTreeMap<Ipv4Addr, HostId>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct AccessLinks {
    pub(crate) up: LinkId,
    pub(crate) down: LinkId,
}

#[derive(Debug)]
pub(crate) struct HostEntry {
    pub(crate) name: Arc<str>,
    pub(crate) address: Ipv4Addr,
    /// `None`: a service.
    pub(crate) lan: Option<Lan>,
    /// Of a service that does not stand at the core itself: the links from it and to it.
    pub(crate) trunk: Option<Trunk>,
    pub(crate) cut: bool,
}

impl HostEntry {
    /// A host without links.
    pub(crate) fn new(name: &str, address: Ipv4Addr) -> Self {
        Self { name: name.into(), address, lan: None, trunk: None, cut: false }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Trunk {
    pub(crate) outbound: LinkId,
    pub(crate) inbound: LinkId,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Lan {
    pub(crate) site: SiteId,
    pub(crate) outbound: LinkId,
    pub(crate) inbound: LinkId,
}

impl HostTable {
    pub(crate) fn site(&self, id: SiteId) -> &SiteEntry {
        &self.sites[id.index()]
    }

    pub(crate) fn host(&self, id: HostId) -> &HostEntry {
        &self.hosts[id.index()]
    }

    pub(crate) fn host_named(&self, name: &str) -> Option<HostId> {
        let at = self.hosts.iter().position(|host| &*host.name == name)?;
        Some(HostId(number(at)))
    }

    pub(crate) fn site_named(&self, name: &str) -> Option<SiteId> {
        let at = self.sites.iter().position(|site| &*site.name == name)?;
        Some(SiteId(number(at)))
    }

    /// The number that the next site gets, if it may have that name.
    pub(crate) fn next_site(&self, name: &str) -> Result<SiteId, TopologyError> {
        check_name(name, self.sites.iter().map(|site| &*site.name))?;
        Ok(SiteId(number(self.sites.len())))
    }

    /// The number that the next host or service gets, if it may have that name and address.
    pub(crate) fn next_host(&self, name: &str, ip: Ipv4Addr) -> Result<HostId, TopologyError> {
        check_name(name, self.hosts.iter().map(|host| &*host.name))?;
        if !is_host_address(ip) {
            return Err(TopologyError::NotAHost { name: name.to_owned(), address: ip });
        }
        Ok(HostId(number(self.hosts.len())))
    }

    /// Whether the core can route an address to what is called `name`.
    pub(crate) fn check_public(&self, name: &str, address: Ipv4Addr) -> Result<(), TopologyError> {
        if !is_public(address) {
            return Err(TopologyError::NotPublic { name: name.to_owned(), address });
        }
        let holder = match self.core.get(&address) {
            None => return Ok(()),
            Some(Reach::Service(host)) => &self.host(*host).name,
            Some(Reach::Site(site)) => {
                let site = self.site(*site);
                site.hosts.get(&address).map_or(&site.name, |host| &self.host(*host).name)
            }
        };
        let holder = String::from(&**holder);
        Err(TopologyError::AddressTaken { name: name.to_owned(), address, holder })
    }

    /// Whether a host of a site can have an address there.
    pub(crate) fn check_on_lan(
        &self,
        name: &str,
        site: SiteId,
        address: Ipv4Addr,
    ) -> Result<(), TopologyError> {
        let site = self.site(site);
        let taken = |holder: &str| {
            let (name, holder) = (name.to_owned(), holder.to_owned());
            Err(TopologyError::AddressTaken { name, address, holder })
        };
        match site.hosts.get(&address) {
            Some(holder) => taken(&self.host(*holder).name),
            None if site.gateway.as_ref().is_some_and(|it| it.external() == address) => {
                taken(&site.name)
            }
            None => Ok(()),
        }
    }
}

/// A number for something of which there are `count` already.
pub(crate) fn number(count: usize) -> u32 {
    u32::try_from(count).expect("memory ends before numbers do")
}

fn check_name<'a>(
    name: &str,
    mut taken: impl Iterator<Item = &'a str>,
) -> Result<(), TopologyError> {
    if name.is_empty() || name.contains('/') {
        Err(TopologyError::Name { name: name.to_owned() })
    } else if taken.any(|other| other == name) {
        Err(TopologyError::NameTaken { name: name.to_owned() })
    } else {
        Ok(())
    }
}

/// Whether one host can have an address for itself on some network.
pub(crate) fn is_host_address(address: Ipv4Addr) -> bool {
    !(address.octets()[0] == 0
        || address.is_loopback()
        || address.is_multicast()
        || address.is_broadcast())
}

/// Whether the core routes an address: not the private (RFC 1918), shared (RFC 6598) and
/// link-local ones (RFC 3927). Those for documentation (RFC 5737) count as public: scenarios use
/// them.
pub(crate) fn is_public(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    is_host_address(address) && !(address.is_private() || shared || address.is_link_local())
}

/// Whether a host at `from` looks for `to` on its own LAN and asks no gateway: both are private,
/// and in one network of 256 addresses, as homes have it.
pub(crate) fn is_on_link(from: Ipv4Addr, to: Ipv4Addr) -> bool {
    from.is_private() && from.octets()[..3] == to.octets()[..3]
}

/// Why a site, host or service cannot be added.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TopologyError {
    /// A name is part of places and of random streams.
    #[error("failed to add `{name}`: a name is not empty and has no `/` in it")]
    Name {
        /// The name.
        name: String,
    },
    /// Sites have names of their own, and so have hosts and services together.
    #[error("failed to add `{name}`: the name is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// No host of its own may have this address: unspecified, loopback, multicast, broadcast.
    #[error("failed to add `{name}`: {address} is no address of a host")]
    NotAHost {
        /// What was to be added.
        name: String,
        /// Its address.
        address: Ipv4Addr,
    },
    /// The core routes public addresses only.
    #[error("failed to add `{name}`: {address} is not public, and no gateway translates it")]
    NotPublic {
        /// What was to be added.
        name: String,
        /// Its address.
        address: Ipv4Addr,
    },
    /// Two with one address, at the core or at one site.
    #[error("failed to add `{name}`: `{holder}` has the address {address}")]
    AddressTaken {
        /// What was to be added.
        name: String,
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        holder: String,
    },
    /// A link loses what cannot be lost.
    #[error("failed to add `{name}`")]
    Loss {
        /// The site.
        name: String,
        /// What is wrong with the loss.
        source: LossError,
    },
}
