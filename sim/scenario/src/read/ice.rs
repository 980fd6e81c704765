//! Settings of a peer's ICE agent.

use crate::{
    from_value::fill,
    key::{S, keys, time},
    table::{Reader, Table},
};
use parallax_spec::Ice;

keys! {
    ICE: "ice" {
        /// The time between two connectivity checks of one pair. 50 ms is what RFC 8445 paces new checks at
        /// (section 14.2); the `webrtc` crate's own 200 ms cost a fifth of a second for each step of a set-up.
        check_interval: time(20, 10 * S), default "50ms";
        /// How long the camera waits for a pair of host candidates before it nominates one with a server-reflexive
        /// candidate, from its first check. A pair in one LAN answers in milliseconds, before any answer of a
        /// server-reflexive one.
        server_reflexive_wait: time(0, 10 * S), default "0ms";
        /// The same before it nominates a pair with a peer-reflexive candidate: one that a check discovered, which
        /// is as direct as a server-reflexive one.
        peer_reflexive_wait: time(0, 10 * S), default "0ms";
        /// The same before it nominates a pair with a relayed candidate. The stack never leaves a pair that it has
        /// nominated: too short a wait relays what could be direct, where the path's round trip is longer than half
        /// of it.
        relayed_wait: time(0, 10 * S), default "500ms";
    }
}

/// The `ice` table of a peer; where it is not given, its defaults.
pub(super) fn read(reader: &mut Reader, peer: &Table<'_>) -> Option<Ice> {
    let table = peer.inner(reader, "ice", &ICE)?;
    fill!(reader, table => Ice {
        check_interval_us: "check_interval",
        server_reflexive_wait_us: "server_reflexive_wait",
        peer_reflexive_wait_us: "peer_reflexive_wait",
        relayed_wait_us: "relayed_wait",
    })
}
