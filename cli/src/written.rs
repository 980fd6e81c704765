//! A single file that the user names: a baseline, a profile. It is new, or replaces one of its own kind.

use crate::exit::Stop;
use parallax_files::{self as files, PathKind};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where a file goes, looked at before anything is written.
#[derive(Debug)]
pub(crate) struct Destination {
    path: PathBuf,
    replaces: bool,
}

impl Destination {
    /// A new file, or one that `is_own_kind`, which tells what is wrong if not; `what` and `flag` name them.
    ///
    /// # Errors
    /// [`Stop::BadInput`] if anything else stands there.
    pub(crate) fn new(
        path: &Path,
        flag: &str,
        what: &str,
        is_own_kind: impl FnOnce(&[u8]) -> Result<(), String>,
    ) -> Result<Self, Stop> {
        let refused = |why: &str| {
            Stop::BadInput(format!(
                "failed to begin: {flag} {}: {why}\n  help: only {what} is replaced: name a new file, or move this one away",
                path.display()
            ))
        };
        let cannot = |error: io::Error| refused(&error.to_string());
        if path.file_name().is_none() {
            return Err(refused("it names no file"));
        }
        let replaces = match files::kind(path).map_err(cannot)? {
            PathKind::Absent => false,
            PathKind::File(_) => {
                let bytes = files::read(path, files::SUMMARY_MOST).map_err(cannot)?;
                is_own_kind(&bytes).map_err(|why| refused(&format!("it is not {what}: {why}")))?;
                true
            }
            PathKind::Folder => return Err(refused("it is a folder")),
            PathKind::Other => return Err(refused("it is a link or a device")),
        };
        Ok(Self { path: path.to_owned(), replaces })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file whole or not at all: aside, then moved.
    ///
    /// # Errors
    /// [`Stop::Fault`].
    pub(crate) fn write(&self, text: &str) -> Result<(), Stop> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let aside = self.path.with_file_name(name);
        let moved = || match self.replaces {
            true => fs::rename(&aside, &self.path),
            false => files::rename_new(&aside, &self.path),
        };
        files::put_new(&aside, text.as_bytes())
            .and_then(|()| moved().inspect_err(|_| drop(fs::remove_file(&aside))))
            .map_err(|error| {
                Stop::Fault(format!("failed to write {}: {error}", self.path.display()))
            })
    }
}
