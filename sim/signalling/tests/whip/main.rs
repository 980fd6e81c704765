//! WHIP over byte streams, joined to a rendezvous with viewers of its own protocol.

mod bench;
mod joined;
mod rfc9112;
mod rfc9725;
