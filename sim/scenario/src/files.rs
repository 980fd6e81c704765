//! What a scenario names and does not hold: device profiles, and the files beside it.

use crate::{
    error::{Rank, ScenarioErrors},
    profile::{self, Profile},
    table::{Place, Reader},
    text::{decode, within_length},
};

/// Where a scenario's device profiles come from, and the files beside it. Names that end in `.toml`
/// are files beside the scenario; all others come with Parallax.
pub trait Profiles {
    /// The profile called `name`; none if there is none.
    fn find(&self, name: &str) -> Option<Result<Profile, ScenarioErrors>>;

    /// The names of all profiles, to suggest one.
    fn names(&self) -> Vec<String>;

    /// Reads the file that is at `path` from the scenario's folder. A longer one than `most` bytes
    /// is refused by the caller, and need not be read whole.
    ///
    /// # Errors
    /// If it cannot be read. Nothing stands beside a scenario that is in no folder.
    fn beside(&self, path: &str, most: u64) -> Result<FileRead, Unreadable> {
        let _ = most;
        Err(Unreadable { name: path.to_owned(), cause: "there are no files here".to_owned() })
    }
}

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRead {
    /// The file as messages show it.
    pub name: String,
    /// How long it is, bytes.
    pub length: u64,
    /// All of it; of one that is too long, perhaps nothing.
    pub bytes: Vec<u8>,
}

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read {name}: {cause}")]
pub struct Unreadable {
    /// The file as messages show it.
    pub name: String,
    /// Why.
    pub cause: String,
}

/// Whether a name is that of a file beside the scenario.
pub(crate) fn is_beside(name: &str) -> bool {
    name.ends_with(".toml")
}

/// Reads the file that is named at `place`.
pub(crate) fn beside(
    reader: &mut Reader,
    profiles: &dyn Profiles,
    path: &str,
    place: &Place,
) -> Option<FileRead> {
    match profiles.beside(path, crate::MAX_BYTES as u64) {
        Ok(file) => Some(file),
        Err(unreadable) => {
            let help = "write the path of a file from the folder of this one";
            reader.refuse(Rank::Value, place, &unreadable.to_string(), "named here", help)
        }
    }
}

/// The text in a file.
///
/// # Errors
/// If it is too long, or not UTF-8.
pub(crate) fn decode_file(file: &FileRead) -> Result<&str, ScenarioErrors> {
    within_length(&file.name, file.length)?;
    decode(&file.name, &file.bytes)
}

/// The profiles that come with Parallax (`device-profiles/`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Builtin;

/// The text of a profile that comes with Parallax, beside its name.
macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../device-profiles/", $name, ".toml")))),+]
    };
}

const BUILTIN: &[(&str, &str)] = shipped![
    "esp32-p4",
    "esp32-p4-eye",
    "esp32-p4-function-ev",
    "esp32-s3-korvo-2",
    "gk7205v300",
    "imx8mp-evk",
    "ingenic-t31",
    "luckfox-pico",
    "phone",
    "process-board",
    "program",
    "raspberry-pi-4",
    "raspberry-pi-5",
    "raspberry-pi-zero-2-w",
    "rock-5b",
];

/// The text of the profile called `name` that comes with Parallax.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

impl Profiles for Builtin {
    fn find(&self, name: &str) -> Option<Result<Profile, ScenarioErrors>> {
        builtin(name).map(|text| profile::parse(&format!("device-profiles/{name}.toml"), text))
    }

    fn names(&self) -> Vec<String> {
        BUILTIN.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}
