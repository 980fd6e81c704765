//! Scenarios and the bench that come with Parallax. Scenarios are those of [`DEFAULT_FOLDER`] where the command is
//! called in Parallax's sources, else those that are built into the program.

use parallax_record::Name;
use parallax_scenario::nearest;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where scenarios are looked for if none is named, and those that are named without a folder.
pub(crate) const DEFAULT_FOLDER: &str = "fixtures/scenarios";

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../fixtures/scenarios/", $name, ".toml")))),*]
    };
}

/// By name. A test holds them against the folder.
const SCENARIOS: &[(&str, &str)] = shipped![
    "camera-reboot",
    "gateway-reboot",
    "same-lan",
    "signalling-lost",
    "strict-homes",
    "two-homes",
    "uplink-squeezed",
];

/// A bench without hardware, which is built in: its name, and its text.
pub(crate) const BENCH: (&str, &str) =
    ("virtual", include_str!("../../fixtures/benches/virtual.toml"));

/// Whether a user has a file, or a folder of scenarios, of this name. The folder of a scenario's runs, which
/// `--out .` makes, is none.
fn is_there(named: &Path) -> bool {
    let Ok(files) = fs::read_dir(named) else { return named.exists() };
    files.flatten().any(|file| file.path().extension().is_some_and(|ending| ending == "toml"))
}

/// The file of a scenario that was named without one: in [`DEFAULT_FOLDER`], or its mere name, whose
/// text is built in. None: there is such a file or folder of scenarios, or no such scenario.
pub(crate) fn find(named: &Path) -> Option<PathBuf> {
    let name = Name::new(named.to_str().filter(|_| !is_there(named))?).ok()?;
    let file = Path::new(DEFAULT_FOLDER).join(format!("{name}.toml"));
    match file.is_file() {
        true => Some(file),
        false => text(named).map(|_| named.to_owned()),
    }
}

/// All scenarios that are built in, each by its name.
pub(crate) fn all() -> Vec<PathBuf> {
    SCENARIOS.iter().map(|(name, _)| PathBuf::from(name)).collect()
}

/// The text of a scenario that is built in.
pub(crate) fn text(file: &Path) -> Option<&'static str> {
    let name = file.to_str().filter(|_| !is_there(file))?;
    SCENARIOS.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
}

/// The names of all.
pub(crate) fn names() -> String {
    SCENARIOS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Files of a folder that are looked through for one that was meant.
const LOOKED_THROUGH: usize = 1_000;

/// What was probably meant by a file that is not there: one beside it, or a shipped scenario.
pub(crate) fn meant(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let beside = fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten().flatten();
    let ending = path.extension();
    let beside: Vec<String> = beside
        .take(LOOKED_THROUGH)
        .filter(|entry| Path::new(&entry.file_name()).extension() == ending)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    if let Some(meant) = nearest(name, beside.iter().map(String::as_str)) {
        return Some(path.with_file_name(meant).display().to_string());
    }
    let name = name.strip_suffix(".toml").unwrap_or(name);
    nearest(name, SCENARIOS.iter().map(|(shipped, _)| *shipped)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_are_those_of_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/scenarios");
        let mut files: Vec<String> = fs::read_dir(folder)
            .expect("it is there")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        files.sort();
        let names: Vec<String> = SCENARIOS.iter().map(|(name, _)| format!("{name}.toml")).collect();
        assert_eq!(files, names);
    }
}
