//! Kinds of TOML files: scenarios, device profiles, benches and manifests of clips stand side by side.

use std::fmt;
use toml::de::DeTable;

/// What a file is for. A new kind comes with its keys in [`kind`], and its reader in `check.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// It can be run.
    Scenario,
    /// It describes a device.
    Profile,
    /// It describes a clip.
    Clip,
    /// It tells which boards stand on a bench.
    Bench,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scenario => "scenario",
            Self::Profile => "device profile",
            Self::Clip => "clip manifest",
            Self::Bench => "bench",
        })
    }
}

/// What a text is for, by the keys at its top. A text without a known key, or that is not TOML, is taken
/// for a scenario: most files are.
pub(crate) fn kind(text: &str) -> FileKind {
    let Ok(table) = DeTable::parse(text) else { return FileKind::Scenario };
    let has = |keys: &[&str]| keys.iter().any(|key| table.get_ref().contains_key(*key));
    // A bench names the browser that views; a profile has a table of what a viewer can.
    let names_viewer =
        table.get_ref().get("viewer").is_some_and(|viewer| viewer.get_ref().is_str());
    if has(&["site", "peer"]) {
        FileKind::Scenario
    } else if has(&["board", "lateness_budget"]) || names_viewer {
        FileKind::Bench
    } else if has(&["boot_time", "camera", "viewer", "console", "firmware"]) {
        FileKind::Profile
    } else if has(&["sha256", "frames"]) {
        FileKind::Clip
    } else {
        FileKind::Scenario
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_top_says() {
        for (text, is) in [
            ("[site.house]\n[peer.a]", FileKind::Scenario),
            ("[boot_time]\n[camera]", FileKind::Profile),
            ("[viewer]", FileKind::Profile),
            // Misplaced keys make no profile of a scenario.
            ("[peer.a]\n[camera]", FileKind::Scenario),
            ("file = \"a.h264\"\nsha256 = \"00\"", FileKind::Clip),
            ("[board.one]\nprofile = \"mine.toml\"", FileKind::Bench),
            ("viewer = \"chromium\"\n[board.one]\nprofile = \"mine.toml\"", FileKind::Bench),
            ("viewer = \"chromium\"", FileKind::Bench),
            ("[console]\nprompt = \"# $\"", FileKind::Profile),
            ("schema = 1", FileKind::Scenario),
            ("[boot_time", FileKind::Scenario),
        ] {
            assert_eq!(kind(text), is, "{text}");
        }
    }
}
