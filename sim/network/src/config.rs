//! What a network is made of, as a scenario says it.

mod gateway;
mod link;

use core::net::Ipv4Addr;

pub use gateway::{Behaviour, FilterScope, GatewayConfig, PortAssignment};
pub use link::{Capacity, LinkConfig, Loss, LossError, QueueLimit};

/// A site: a LAN, and how it joins the Internet.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteConfig {
    /// The gateway that translates addresses. `None`: hosts have public addresses, and what
    /// stands between LAN and access links neither translates nor filters.
    pub gateway: Option<GatewayConfig>,
    /// The gateway's public address. Means nothing without a gateway.
    pub external: Ipv4Addr,
    /// The access links. `None`: an isolated LAN.
    pub internet: Option<Access>,
}

/// The two links between a site and the core.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// From the site to the core.
    pub up: LinkConfig,
    /// From the core to the site.
    pub down: LinkConfig,
}
