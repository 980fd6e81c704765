//! What stands in place of what a scenario says.

use crate::profile::Profile;
use parallax_record::MediaMode;
use std::collections::BTreeMap;

/// A device that a peer is in place of the one that its scenario names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The device.
    pub profile: Profile,
    /// Who put it there, as messages say it: `--profile doorbell=my-own.toml`.
    pub by: String,
}

/// Everything that stands in place of what a scenario says; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replacements {
    /// Devices by the names of their peers. Those of peers that a scenario has not are left out of
    /// account.
    pub devices: BTreeMap<String, Replacement>,
    /// Where the media come from.
    pub media: Option<MediaMode>,
    /// The camera takes its own times, whatever its profile says, as a board on a bench does: no check is refused
    /// because of its boot.
    pub own_times: bool,
}
