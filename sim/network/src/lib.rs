//! Links, gateways and hosts: the network as a pure core.

extern crate alloc;

mod agenda;
mod gateway;
mod ledger;
mod link;
mod network;
mod output;
mod packet;
pub mod random;
mod slab;
mod time;
mod topology;

pub use ledger::Ledger;
pub use link::{Durations, LinkDelays, LinkLoad};
pub use network::Network;
pub use output::{DropCause, Flow, HostId, LinkId, NetworkOutput, PacketPlace, Point, SiteId};
pub use packet::{Packet, Protocol, TcpHeader, Transport};
pub use parallax_spec::{
    Access, Behaviour, Capacity, FilterScope, GatewayConfig, LinkConfig, Loss, LossError,
    PortAssignment, QueueLimit, SiteConfig,
};
pub use time::Time;
pub use topology::TopologyError;
