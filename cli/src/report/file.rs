//! Reading of single files of an output folder.

use crate::exit::Stop;
use parallax_files as files;
use parallax_record::{Entry, ReadError, Record, SCHEMA};
use parallax_render::escape::tame;
use serde::{Deserialize, de::DeserializeOwned};
use std::{io, mem, path::Path};

/// The record in a file.
///
/// # Errors
/// [`Stop::BadInput`] if it is none of ours, or not whole.
pub(crate) fn record(file: &Path) -> Result<Record, Stop> {
    record_in(file, &mut Memory::default())
}

/// Memory for one record after another.
#[derive(Default)]
pub(super) struct Memory {
    bytes: Vec<u8>,
    /// Those of a record that is not needed any more.
    pub(super) entries: Vec<Entry>,
}

/// As [`record`], in memory that has been there for others.
pub(super) fn record_in(file: &Path, memory: &mut Memory) -> Result<Record, Stop> {
    files::read_into(file, files::RECORD_MOST, &mut memory.bytes)
        .map_err(|error| unreadable(file, &error))?;
    let entries = mem::take(&mut memory.entries);
    Record::read_in(entries, &memory.bytes).map_err(|error| match error {
        ReadError::NewerSchema { found } => newer(file, found),
        error => {
            let text = error.to_string();
            bad(file, text.strip_prefix("read the record: ").unwrap_or(&text))
        }
    })
}

pub(super) fn unreadable(file: &Path, error: &io::Error) -> Stop {
    if let Some(given) = file.parent().filter(|_| error.kind() == io::ErrorKind::NotADirectory) {
        return Stop::BadInput(format!(
            "failed to read {}: it is a file\n  help: give the folder that `parallax sim --out FOLDER` \
             has written",
            given.display()
        ));
    }
    Stop::BadInput(format!(
        "failed to read {}: {error}\n  help: give a folder that can be read",
        file.display()
    ))
}

pub(super) fn bad(file: &Path, cause: &str) -> Stop {
    let cause = tame(cause);
    Stop::BadInput(format!(
        "failed to read {}: {cause}\n  help: give a folder as `parallax sim --out FOLDER` has left it, \
         or run again",
        file.display()
    ))
}

fn newer(file: &Path, schema: u64) -> Stop {
    Stop::BadInput(format!(
        "failed to read {}: it has schema {schema}, and this Parallax knows {SCHEMA}\n  help: use a \
         newer Parallax",
        file.display()
    ))
}

/// What every version of a file has.
#[derive(Deserialize)]
struct Probe {
    schema: u64,
}

/// A JSON file of this Parallax or an older one.
pub(super) fn parse<T: DeserializeOwned>(file: &Path, bytes: &[u8], what: &str) -> Result<T, Stop> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(bad(file, "it is empty"));
    }
    match serde_json::from_slice::<Probe>(bytes) {
        Ok(Probe { schema }) if schema > u64::from(SCHEMA) => {
            return Err(newer(file, schema));
        }
        Ok(_) => {}
        Err(error) if error.is_data() => {
            return Err(bad(file, &format!("it is not the {what} of Parallax: {error}")));
        }
        Err(error) if error.is_eof() => {
            return Err(bad(file, &format!("it is cut off: {error}")));
        }
        Err(error) => return Err(bad(file, &error.to_string())),
    }
    serde_json::from_slice(bytes).map_err(|error| bad(file, &error.to_string()))
}

/// Whether it is the name of something in a folder, and not the way to somewhere else.
pub(super) fn is_one_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(std::path::Component::Normal(part)), None) if part == name
    )
}

/// Whether nothing stands there, not even a link that leads nowhere.
pub(super) fn is_absent(file: &Path) -> bool {
    std::fs::symlink_metadata(file).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}
