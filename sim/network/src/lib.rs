//! Links, gateways and hosts: the network as a pure core.

mod packet;
pub mod random;
mod time;

pub use packet::{Packet, TcpHeader, Transport};
pub use time::Time;
