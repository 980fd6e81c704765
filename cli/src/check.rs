//! `parallax check`: whether files are sound, and nothing is run.

use crate::{
    args::CheckArgs,
    exit::{Exit, Stop},
    inputs, output,
};
use parallax_scenario::{Replacements, profile};
use std::{fmt, path::Path};
use toml::de::DeTable;

/// What a file is for. A new kind comes with its keys in [`kind`] and its reader in [`read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scenario,
    Profile,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scenario => "scenario",
            Self::Profile => "device profile",
        })
    }
}

/// Runs `parallax check`.
///
/// # Errors
/// [`Stop::BadInput`] if a folder cannot be read or holds nothing to check. A file that is not sound
/// is no error here: it is told, and the exit says so.
pub(crate) fn run(arguments: &CheckArgs) -> Result<Exit, Stop> {
    let files = inputs::files(&arguments.files)?;
    let mut bad = 0;
    for file in &files {
        let name = file.display();
        match inputs::text(file) {
            Err(stop) => {
                bad += 1;
                output::say(&format!("bad  {name}\n"));
                output::error(&format!("{stop}\n"));
            }
            Ok(text) => {
                let kind = kind(&text);
                let read = read(kind, file, &text);
                let word = if read.is_ok() { "ok " } else { "bad" };
                output::say(&format!("{word}  {name}  {kind}\n"));
                if let Err(stop) = read {
                    bad += 1;
                    output::error(&format!("{name}, taken for a {kind}:\n{stop}\n"));
                }
            }
        }
    }
    let ok = files.len() - bad;
    output::say(&match bad {
        0 => format!("{ok} ok\n"),
        _ => format!("{bad} bad, {ok} ok\n"),
    });
    Ok(if bad == 0 { Exit::Pass } else { Exit::BadInput })
}

/// What a text is for, by the keys at its top. What has none of anybody's, or is not TOML, is taken
/// for a scenario: most files are.
fn kind(text: &str) -> Kind {
    let Ok(table) = DeTable::parse(text) else { return Kind::Scenario };
    let has = |keys: &[&str]| keys.iter().any(|key| table.get_ref().contains_key(*key));
    if !has(&["site", "peer"]) && has(&["boot_time", "camera", "viewer"]) {
        Kind::Profile
    } else {
        Kind::Scenario
    }
}

fn read(kind: Kind, file: &Path, text: &str) -> Result<(), Stop> {
    match kind {
        Kind::Scenario => inputs::scenario(file, text, &Replacements::default()).map(drop),
        Kind::Profile => profile::parse(&file.display().to_string(), text)
            .map(drop)
            .map_err(|errors| inputs::bad(&errors)),
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
            ("schema = 1", Kind::Scenario),
            ("[boot_time", Kind::Scenario),
        ] {
            assert_eq!(kind(text), is, "{text}");
        }
    }
}
