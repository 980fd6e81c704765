//! Sites: a LAN, its gateway, and its links to the core.

use crate::{GatewayConfig, LinkConfig, LinkDirection};
use core::{fmt, net::Ipv4Addr, str::FromStr};
use serde::{Deserialize, Serialize};

/// A home or an office: hosts on one LAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// The LAN's address range, such as `192.168.1.0/24`. Sites behind gateways may share them.
    #[serde(rename = "lan")]
    pub network: Ipv4Network,
    /// Its gateway; none: hosts have public addresses, or the site has no way to the Internet.
    pub gateway: Option<GatewayConfig>,
    /// The link from the site to the core; none: an isolated LAN.
    pub up: Option<LinkConfig>,
    /// The link from the core to the site; none: an isolated LAN.
    pub down: Option<LinkConfig>,
}

impl Site {
    /// One of its links, if it has Internet.
    pub fn link(&self, direction: LinkDirection) -> Option<&LinkConfig> {
        match direction {
            LinkDirection::Up => self.up.as_ref(),
            LinkDirection::Down => self.down.as_ref(),
        }
    }

    /// What the network core takes of it.
    pub fn config(&self) -> SiteConfig {
        let links = self.up.clone().zip(self.down.clone());
        SiteConfig {
            gateway: self.gateway.clone(),
            internet: links.map(|(up, down)| Access { up, down }),
        }
    }
}

/// How a LAN joins the Internet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteConfig {
    /// The gateway that translates addresses. `None`: hosts have public addresses, and what
    /// stands between LAN and access links neither translates nor filters.
    pub gateway: Option<GatewayConfig>,
    /// The access links. `None`: an isolated LAN.
    pub internet: Option<Access>,
}

/// The two links between a site and the core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// From the site to the core.
    pub up: LinkConfig,
    /// From the core to the site.
    pub down: LinkConfig,
}

/// A range of IPv4 addresses. Its first address is the network's, its second the gateway's, its
/// last is broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub struct Ipv4Network {
    address: u32,
    prefix: u8,
}

impl Ipv4Network {
    /// The network of `prefix` bits, 24 to 29, that begins at `address`. None if it does not begin
    /// there, or is smaller, or larger than a home is (the network core takes 256 addresses for one
    /// LAN).
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        let network = Self { address: address.to_bits(), prefix };
        ((24..=29).contains(&prefix) && network.address & (network.length() - 1) == 0)
            .then_some(network)
    }

    /// Its first address.
    pub fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address)
    }

    /// Bits that its addresses have in common.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// The gateway's address inside.
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address + 1)
    }

    /// Whether it holds `address`.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & !(self.length() - 1) == self.address
    }

    /// Whether a host may have `address`: inside, and neither network, gateway nor broadcast.
    pub fn has_host(self, address: Ipv4Addr) -> bool {
        self.contains(address)
            && (2..self.length() - 1).contains(&(address.to_bits() - self.address))
    }

    /// The addresses that hosts get, in this order: from the tenth up, then those below it.
    pub fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        let last = self.length() - 1;
        (10.min(last)..last)
            .chain(2..10.min(last))
            .map(move |n| Ipv4Addr::from_bits(self.address + n))
    }

    /// Whether the two have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.address()) || other.contains(self.address())
    }

    fn length(self) -> u32 {
        1 << (32 - self.prefix)
    }
}

impl fmt::Display for Ipv4Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.prefix)
    }
}

/// A text that is no [`Ipv4Network`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to read {0:?} as an IPv4 network: it is its first address and its prefix, 24 to 29, such as 192.168.1.0/24"
)]
pub struct NotANetwork(String);

impl FromStr for Ipv4Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let network = text
            .split_once('/')
            .and_then(|(address, prefix)| Self::new(address.parse().ok()?, prefix.parse().ok()?));
        network.ok_or_else(|| NotANetwork(text.to_owned()))
    }
}

impl TryFrom<String> for Ipv4Network {
    type Error = NotANetwork;

    fn try_from(text: String) -> Result<Self, NotANetwork> {
        text.parse()
    }
}

impl From<Ipv4Network> for String {
    fn from(network: Ipv4Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_network_begins_where_its_prefix_says() {
        assert!(Ipv4Network::new(Ipv4Addr::new(192, 168, 1, 0), 24).is_some());
        assert!(Ipv4Network::new(Ipv4Addr::new(192, 168, 1, 1), 24).is_none());
        assert!(Ipv4Network::new(Ipv4Addr::new(192, 168, 1, 0), 30).is_none());
        assert!(Ipv4Network::new(Ipv4Addr::UNSPECIFIED, 0).is_none());
    }

    proptest! {
        #[test]
        fn hosts_are_all_different_inside_and_none_is_reserved(bits: u32, prefix in 24_u8..=29) {
            let address = Ipv4Addr::from_bits(bits >> (32 - prefix) << (32 - prefix));
            let network = Ipv4Network::new(address, prefix).expect("it begins there");
            let mut hosts: Vec<_> = network.hosts().collect();
            prop_assert!(hosts.iter().all(|host| network.has_host(*host)));
            hosts.sort_unstable();
            hosts.dedup();
            prop_assert_eq!(hosts.len(), (1 << (32 - prefix)) - 3);
            prop_assert!(!network.has_host(network.gateway()) && !network.has_host(address));
        }
    }
}
