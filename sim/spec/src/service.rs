//! Services at the core: STUN, TURN and the rendezvous.

use crate::micros;
use core::{
    fmt,
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};
use serde::{Deserialize, Serialize};

/// The port of STUN and TURN (RFC 8489 section 17.4).
pub const STUN_PORT: u16 = 3478;
/// The port of the rendezvous: plain WebSocket.
pub const RENDEZVOUS_PORT: u16 = 80;

/// A kind of service, one of which stands at the core at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// The STUN server.
    Stun,
    /// The TURN server.
    Turn,
    /// The signalling server.
    Rendezvous,
}

impl ServiceKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stun, Self::Turn, Self::Rendezvous];

    /// Its name in scenarios and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::Turn => "turn",
            Self::Rendezvous => "rendezvous",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Stun | Self::Turn => STUN_PORT,
            Self::Rendezvous => RENDEZVOUS_PORT,
        }
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A service and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ServiceAddress {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ServiceKind,
    /// Address and port.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub address: SocketAddrV4,
    /// Propagation between it and the core, each way, microseconds.
    #[serde(rename = "one_way_delay_us", with = "micros", default)]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub one_way_delay: Duration,
}

/// The services of a scenario, and their addresses. None: it does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Services {
    /// The STUN server.
    pub stun: Option<Ipv4Addr>,
    /// The TURN server.
    pub turn: Option<Ipv4Addr>,
    /// Propagation between the core and the TURN server, each way.
    pub turn_one_way_delay: Duration,
    /// The signalling server. Without one, each camera is one itself, at its own address.
    pub rendezvous: Option<Ipv4Addr>,
}

impl Services {
    /// The address of a service, if it runs.
    pub const fn address(&self, service: ServiceKind) -> Option<Ipv4Addr> {
        match service {
            ServiceKind::Stun => self.stun,
            ServiceKind::Turn => self.turn,
            ServiceKind::Rendezvous => self.rendezvous,
        }
    }

    /// Those that run, each with its place.
    pub fn addresses(&self) -> Vec<ServiceAddress> {
        let at = |kind: ServiceKind| {
            self.address(kind).map(|address| ServiceAddress {
                name: kind.name().to_owned(),
                kind,
                address: SocketAddrV4::new(address, kind.port()),
                one_way_delay: match kind {
                    ServiceKind::Turn => self.turn_one_way_delay,
                    ServiceKind::Stun | ServiceKind::Rendezvous => Duration::ZERO,
                },
            })
        };
        ServiceKind::ALL.into_iter().filter_map(at).collect()
    }
}
