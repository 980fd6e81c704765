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
    /// Which checks are refused because camera or viewer boots too long for them.
    pub boots: Boots,
}

/// Which checks are refused because camera or viewer boots too long for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Boots {
    /// All that no run could pass.
    #[default]
    Unpassable,
    /// Those that would measure nothing, since the stream never runs in their window. A bound that no boot leaves
    /// time for is missed in the run, and the verdict names the boot.
    Unmeasurable,
    /// None: the camera takes its own times, whatever its profile says, as a board on a bench does.
    Unknown,
}

/// What stands at the place where a device is named that lacks an ability.
pub(crate) fn lacks(replacement: Option<&Replacement>, ability: &str) -> String {
    match replacement {
        Some(Replacement { profile, .. }) => {
            format!("replaced by `{}`, which has no `[{ability}]` in its profile", profile.name)
        }
        None => format!("has no `[{ability}]` in its profile"),
    }
}

/// A message about a device, with who put it there if it was not the scenario.
pub(crate) fn by(replacement: Option<&Replacement>, message: String) -> String {
    match replacement {
        Some(Replacement { by, .. }) => format!("{message}, put here by `{by}`"),
        None => message,
    }
}
