//! Opening of pages and locks of the lease database: regular files, within a limit, without waiting.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

/// A file to lock, made now or before; and whether it was not there before.
pub(crate) fn open_for_all(path: &Path) -> io::Result<(File, bool)> {
    loop {
        match parallax_files::create(path) {
            Ok(file) => {
                // Another user is to see that it is held, whatever the mask of this one.
                file.set_permissions(Permissions::from_mode(0o644))?;
                return Ok((file, true));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // To read it is enough.
        match open(path) {
            // It went just then.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(|file| (file, false)),
        }
    }
}

/// Opens a regular file that is no link, and waits for nothing.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    told(path, parallax_files::open(path).map(|(file, _)| file))
}

/// The text of a page or a lock.
pub(crate) fn page_text(path: &Path) -> io::Result<String> {
    told(path, parallax_files::text(path, parallax_files::WRITTEN_MOST))
}

/// What came of opening it, if it is no link; whose it is, if that keeps it from being read.
fn told<T>(path: &Path, opened: io::Result<T>) -> io::Result<T> {
    let found = fs::symlink_metadata(path)?;
    if found.is_symlink() {
        return Err(io::Error::other("it is a link, not a regular file"));
    }
    opened.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            let owner = found.uid();
            io::Error::new(error.kind(), format!("it belongs to user {owner}, and may not be read"))
        }
        _ => error,
    })
}
