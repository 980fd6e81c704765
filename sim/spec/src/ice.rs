//! Settings of ICE agents.

use serde::{Deserialize, Serialize};

/// Settings of an ICE agent. All waits count from the start of the connectivity checks, and are the controlling
/// agent's: the camera's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ice {
    /// Between two connectivity checks of one pair, microseconds.
    pub check_interval_us: u64,
    /// How long it holds out for a host candidate before it nominates a pair with a server-reflexive one,
    /// microseconds.
    pub server_reflexive_wait_us: u64,
    /// The same before it nominates a pair with a peer-reflexive candidate, microseconds.
    pub peer_reflexive_wait_us: u64,
    /// How long it holds out for any other before it nominates a pair with a relayed candidate, microseconds.
    pub relayed_wait_us: u64,
}

impl Default for Ice {
    /// As scenarios have it that do not say.
    fn default() -> Self {
        Self {
            check_interval_us: 50_000,
            server_reflexive_wait_us: 0,
            peer_reflexive_wait_us: 0,
            relayed_wait_us: 500_000,
        }
    }
}
