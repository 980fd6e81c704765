//! STUN, TURN and rendezvous on the network core.
//!
//! Each service is a pure core of one shape, [`NetworkService`]. A shell hands packets in and out, on whatever network.

mod relay;
mod rendezvous;
mod stun;

pub use relay::{RelayConfig, StunTurn};
pub use rendezvous::RendezvousService;

use core::net::Ipv4Addr;
use parallax_network::{Packet, Time};

/// A service on the network: packets and time in, packets and the next deadline out.
pub trait NetworkService {
    /// Its address.
    fn address(&self) -> Ipv4Addr;
    /// A packet for its address came in. False if it was for what a restart has made it forget, and is dropped without
    /// an answer.
    fn handle(&mut self, now: Time, packet: &Packet) -> bool;
    /// The next packet to send, if there is one. To be called until there is none.
    fn poll(&mut self, now: Time) -> Option<Packet>;
    /// When to poll again. Right after `poll` had nothing more, this is later than `now`.
    fn next_deadline(&mut self, now: Time) -> Option<Time>;
    /// Its process starts over: all it knew is gone, silently. Its random stream
    /// goes on.
    fn restart(&mut self);
}
