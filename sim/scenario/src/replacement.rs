//! Devices that peers are in place of those that a scenario names.

use crate::profile::Profile;
use std::collections::BTreeMap;

/// A device that a peer is in place of the one that its scenario names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The device.
    pub profile: Profile,
    /// Who put it there, as messages say it: `--profile doorbell=my-own.toml`.
    pub by: String,
}

/// Replacements by the names of their peers. Those of peers that a scenario has not are left out
/// of account.
pub type Replacements = BTreeMap<String, Replacement>;
