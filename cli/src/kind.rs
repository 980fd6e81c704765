//! What a file in TOML is for: scenarios, device profiles, benches and manifests of clips stand side by side.

use std::fmt;
use toml::de::DeTable;

/// What a file is for. A new kind comes with its keys in [`kind`], and its reader in `check.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It can be run.
    Scenario,
    /// It describes a device.
    Profile,
    /// It describes a clip.
    Clip,
    /// It tells which boards stand on a bench.
    Bench,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scenario => "scenario",
            Self::Profile => "device profile",
            Self::Clip => "clip manifest",
            Self::Bench => "bench",
        })
    }
}

/// What a text is for, by the keys at its top. What has none of anybody's, or is not TOML, is taken
/// for a scenario: most files are.
pub(crate) fn kind(text: &str) -> Kind {
    let Ok(table) = DeTable::parse(text) else { return Kind::Scenario };
    let has = |keys: &[&str]| keys.iter().any(|key| table.get_ref().contains_key(*key));
    // A bench names the browser that views; a profile has a table of what a viewer can.
    let names_viewer =
        table.get_ref().get("viewer").is_some_and(|viewer| viewer.get_ref().is_str());
    if has(&["site", "peer"]) {
        Kind::Scenario
    } else if has(&["board", "lateness_budget"]) || names_viewer {
        Kind::Bench
    } else if has(&["boot_time", "camera", "viewer", "console", "firmware"]) {
        Kind::Profile
    } else if has(&["sha256", "frames"]) {
        Kind::Clip
    } else {
        Kind::Scenario
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_top_says() {
        for (text, is) in [
            ("[site.house]\n[peer.a]", Kind::Scenario),
            ("[boot_time]\n[camera]", Kind::Profile),
            ("[viewer]", Kind::Profile),
            // Misplaced keys make no profile of a scenario.
            ("[peer.a]\n[camera]", Kind::Scenario),
            ("file = \"a.h264\"\nsha256 = \"00\"", Kind::Clip),
            ("[board.one]\nprofile = \"mine.toml\"", Kind::Bench),
            ("viewer = \"chromium\"\n[board.one]\nprofile = \"mine.toml\"", Kind::Bench),
            ("viewer = \"chromium\"", Kind::Bench),
            ("[console]\nprompt = \"# $\"", Kind::Profile),
            ("schema = 1", Kind::Scenario),
            ("[boot_time", Kind::Scenario),
        ] {
            assert_eq!(kind(text), is, "{text}");
        }
    }
}
