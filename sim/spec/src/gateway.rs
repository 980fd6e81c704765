//! Gateways: mapping, filtering, ports and timeouts.

use crate::micros;
use core::{fmt, net::Ipv4Addr, time::Duration};
use serde::{Deserialize, Serialize};

/// What a gateway's mapping (RFC 4787 section 4.1) or filtering (section 5) looks at. The two are
/// set apart from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// At no remote endpoint: one mapping for all, or anyone is let in.
    EndpointIndependent,
    /// At the remote address: one mapping for each, or who was written to at any port is let in.
    AddressDependent,
    /// At the remote address and port: one mapping for each, or exactly who was written to is let
    /// in.
    AddressAndPortDependent,
}

impl Behaviour {
    /// All three.
    pub const ALL: [Self; 3] =
        [Self::EndpointIndependent, Self::AddressDependent, Self::AddressAndPortDependent];
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address-and-port-dependent",
        })
    }
}

/// What a filter belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FilterScope {
    /// The internal endpoint (RFC 4787 section 5): what it sent through one mapping opens its
    /// other mappings too.
    #[default]
    InternalEndpoint,
    /// The mapping, as Linux conntrack does: what was sent through one mapping opens that alone.
    Mapping,
}

/// How an external port is chosen for a new mapping. A port that another mapping of the same
/// protocol has is never taken (RFC 4787 REQ-3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PortAssignment {
    /// The internal port. If it is taken, the next free one above it of the same parity
    /// (REQ-4), around the end of its range (1 to 1023, 1024 to 65535: REQ-3), then of any
    /// parity.
    #[default]
    Preserving,
    /// One of those free in 1024 to 65535, each as likely, drawn from `gateway/SITE`.
    Random,
}

impl fmt::Display for PortAssignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Preserving => "preserving",
            Self::Random => "random",
        })
    }
}

/// How a gateway treats packets. The default is what RFC 4787 and RFC 5382 require, and
/// recommend where they leave a choice; what older records do not say is read as the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Its address on the core's side. Default: the first of TEST-NET-2.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub external: Ipv4Addr,
    /// Which packets share an external port. Default: endpoint-independent (REQ-1).
    pub mapping: Behaviour,
    /// Which packets from outside are let in. Default: address-dependent (REQ-8, where "a more
    /// stringent filtering behavior is most important").
    pub filtering: Behaviour,
    /// What a filter belongs to. Default: the internal endpoint.
    #[serde(default)]
    pub filter_scope: FilterScope,
    /// How external ports are chosen. Default: preserving.
    pub ports: PortAssignment,
    /// How long a UDP mapping, and what it lets in from one remote endpoint, lives after the
    /// packet that last refreshed it, microseconds. Default: 5 minutes (REQ-5).
    #[serde(rename = "mapping_timeout_us", with = "micros")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub mapping_timeout: Duration,
    /// Whether UDP packets that are let in refresh, too; those sent always do (REQ-6). Default:
    /// no.
    #[serde(default)]
    pub refresh_inbound: bool,
    /// Whether hosts of the site reach each other through their external endpoints; with their
    /// external source address then (REQ-9). Default: yes.
    pub hairpinning: bool,
    /// How long an established TCP connection may be idle, microseconds. Default: 2 hours 4 minutes
    /// (RFC 5382 REQ-5).
    #[serde(rename = "tcp_established_timeout_us", with = "micros", default = "tcp_established")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub tcp_established_timeout: Duration,
    /// How long a TCP connection that opens, closes or was reset may be idle, microseconds. Default:
    /// 4 minutes (RFC 5382 REQ-5).
    #[serde(rename = "tcp_transitory_timeout_us", with = "micros", default = "tcp_transitory")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub tcp_transitory_timeout: Duration,
}

const fn tcp_established() -> Duration {
    Duration::from_secs((2 * 60 + 4) * 60)
}

const fn tcp_transitory() -> Duration {
    Duration::from_secs(4 * 60)
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            external: Ipv4Addr::new(198, 51, 100, 1),
            mapping: Behaviour::EndpointIndependent,
            filtering: Behaviour::AddressDependent,
            filter_scope: FilterScope::InternalEndpoint,
            ports: PortAssignment::Preserving,
            mapping_timeout: Duration::from_secs(5 * 60),
            refresh_inbound: false,
            hairpinning: true,
            tcp_established_timeout: tcp_established(),
            tcp_transitory_timeout: tcp_transitory(),
        }
    }
}
