//! Outputs of a network: fates of packets, lives of mappings, places.

use alloc::sync::Arc;
use core::{fmt, net::SocketAddrV4};

use crate::{LinkLoad, Packet, Protocol, Time};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// How many of its kind were added before it.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids!(
    /// A site of a network.
    SiteId,
    /// A host of a network: at a site, or a service at the core.
    HostId,
    /// One direction of a link of a network.
    LinkId
);

/// What a network tells. Times are exact and never go back from one output to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkOutput {
    /// A packet reached a host.
    Delivered {
        /// When.
        at: Time,
        /// When its sender handed it over.
        sent_at: Time,
        /// Its sender.
        from: HostId,
        /// The host it reached.
        to: HostId,
        /// The packet as it arrives, translated.
        packet: Packet,
        /// How many gateways have forwarded it.
        gateways: u8,
    },
    /// A packet is gone.
    Dropped {
        /// When.
        at: Time,
        /// Where.
        place: PacketPlace,
        /// Why.
        cause: DropCause,
        /// Its sender.
        from: HostId,
        /// The packet as it was at that place.
        packet: Packet,
        /// How many gateways have forwarded it.
        gateways: u8,
    },
    /// A packet passed a point of the network, on its way to its fate. Told only of a network that
    /// was [tapped](crate::Network::tap).
    Passed {
        /// When.
        at: Time,
        /// Where.
        point: Point,
        /// Which way.
        flow: Flow,
        /// The packet as it is there.
        packet: Packet,
        /// How many gateways have forwarded it so far.
        gateways: u8,
    },
    /// What an access link did in an interval of time, told at its end. Only of a network that was
    /// [asked for it](crate::Network::tell_loads).
    Loaded {
        /// When the interval ended.
        at: Time,
        /// When it began.
        from: Time,
        /// Which link.
        place: PacketPlace,
        /// What it did.
        load: LinkLoad,
    },
    /// A gateway made a mapping.
    MappingCreated {
        /// When.
        at: Time,
        /// The site of the gateway.
        gateway: SiteId,
        /// Of which protocol.
        transport: Protocol,
        /// Endpoint on the LAN.
        internal: SocketAddrV4,
        /// Endpoint that the Internet sees.
        external: SocketAddrV4,
    },
    /// A gateway's mapping ended: its time was over, or the gateway was rebooted.
    MappingExpired {
        /// When, exactly.
        at: Time,
        /// The site of the gateway.
        gateway: SiteId,
        /// Of which protocol.
        transport: Protocol,
        /// Endpoint on the LAN.
        internal: SocketAddrV4,
        /// Endpoint that the Internet saw.
        external: SocketAddrV4,
    },
}

impl NetworkOutput {
    /// When it happened.
    pub const fn at(&self) -> Time {
        match self {
            Self::Delivered { at, .. }
            | Self::Dropped { at, .. }
            | Self::Passed { at, .. }
            | Self::Loaded { at, .. }
            | Self::MappingCreated { at, .. }
            | Self::MappingExpired { at, .. } => *at,
        }
    }
}

/// A network port at which a tap sees packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// A host's or service's own.
    Host(HostId),
    /// A gateway's on its LAN: before it translates what leaves, after it has translated what
    /// comes in.
    Inside(SiteId),
    /// A gateway's on its access: what it sends, before the up link; what comes over the down link,
    /// before it is translated and filtered.
    Outside(SiteId),
}

/// Whether a packet enters or leaves what has the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// The port receives it.
    Inbound,
    /// The port sends it.
    Outbound,
}

/// A place of the network, with hosts and sites by name. The text form is the one that records use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PacketPlace<Host = Arc<str>, Site = Arc<str>> {
    /// The host of that name: `host/HOST`.
    Host(Host),
    /// The LAN link from that host: `lan/HOST/out`.
    LanOut(Host),
    /// The LAN link to that host: `lan/HOST/in`.
    LanIn(Host),
    /// The gateway of that site, or what stands there without one: `gateway/SITE`.
    Gateway(Site),
    /// The link from that site to the core: `link/SITE/up`.
    Up(Site),
    /// The link from the core to that site: `link/SITE/down`.
    Down(Site),
    /// The core: `core`.
    Core,
}

impl fmt::Display for PacketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "host/{host}"),
            Self::LanOut(host) => write!(f, "lan/{host}/out"),
            Self::LanIn(host) => write!(f, "lan/{host}/in"),
            Self::Gateway(site) => write!(f, "gateway/{site}"),
            Self::Up(site) => write!(f, "link/{site}/up"),
            Self::Down(site) => write!(f, "link/{site}/down"),
            Self::Core => f.write_str("core"),
        }
    }
}

/// Why a packet was dropped. The text form is the one that records use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropCause {
    /// The host's power or cable is off ([`Network::cut`](crate::Network::cut)).
    HostCut,
    /// The packet's source address is not its sender's.
    WrongSource,
    /// Longer than an IPv4 packet can be, 65535 bytes.
    TooLong,
    /// The destination is no host's address: unspecified, loopback, multicast, broadcast.
    NotAHost,
    /// The link's bottleneck queue was full.
    QueueFull,
    /// Lost on the link.
    Loss,
    /// The destination is on the LAN's own network, and no such host is there.
    NoSuchHost,
    /// The site has no Internet.
    NoInternet,
    /// Sent to the own gateway's external address, and the gateway does not hairpin.
    HairpinningOff,
    /// The gateway has no external port left for a new mapping.
    PortsExhausted,
    /// To an external port of a gateway that no mapping has.
    NoMapping,
    /// The gateway's filter did not let it in.
    Filtered,
    /// A private or otherwise non-public destination reached the core.
    PrivateDestination,
    /// No host has the destination address.
    NoRoute,
}

impl fmt::Display for DropCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostCut => "host-cut",
            Self::WrongSource => "wrong-source",
            Self::TooLong => "too-long",
            Self::NotAHost => "not-a-host",
            Self::QueueFull => "queue-full",
            Self::Loss => "loss",
            Self::NoSuchHost => "no-such-host",
            Self::NoInternet => "no-internet",
            Self::HairpinningOff => "hairpinning-off",
            Self::PortsExhausted => "ports-exhausted",
            Self::NoMapping => "no-mapping",
            Self::Filtered => "filtered",
            Self::PrivateDestination => "private-destination",
            Self::NoRoute => "no-route",
        })
    }
}
