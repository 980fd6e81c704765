//! Writing: new files and folders, in the place of nothing.

use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::Path,
};

/// What stands at a path itself: a link is a link, wherever it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// Nothing.
    Absent,
    /// A regular file, of this length.
    File(u64),
    /// A folder.
    Folder,
    /// A link, a pipe, a socket or a device.
    Other,
}

/// What stands at a path.
///
/// # Errors
/// If the system does not tell.
pub fn kind(path: &Path) -> io::Result<PathKind> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(PathKind::File(found.len())),
        Ok(found) if found.is_dir() => Ok(PathKind::Folder),
        Ok(_) => Ok(PathKind::Other),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(PathKind::Absent)
        }
        Err(error) => Err(error),
    }
}

/// Makes a new file.
///
/// # Errors
/// If anything is there already, a link that leads nowhere included.
pub fn create(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).open(path)
}

/// Makes a new file of these bytes. Half of it does not stay.
///
/// # Errors
/// As [`create`], or if they cannot be written.
pub fn put_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

/// Makes a folder if it is not there.
///
/// # Errors
/// If it cannot be made, or something else is there, a link to a folder included.
pub fn create_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match kind(path)? {
            PathKind::Folder => Ok(()),
            _ => Err(error),
        },
        made => made,
    }
}

/// Renames a file or a folder to where nothing is.
///
/// # Errors
/// If something is there, or it cannot be renamed.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system can.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => match kind(to)? {
            PathKind::Absent => fs::rename(from, to),
            _ => Err(ErrorKind::AlreadyExists.into()),
        },
        renamed => Ok(renamed?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use tempfile::tempdir;

    #[test]
    fn nothing_that_is_there_is_overwritten_and_no_link_is_followed() {
        let folder = tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("precious"), "mine").expect("a file");
        fs::create_dir(at("other")).expect("a folder");
        symlink("precious", at("link")).expect("a link");
        symlink("nowhere", at("dangling")).expect("a link");
        symlink("other", at("to-folder")).expect("a link");
        for name in ["precious", "link", "dangling", "other", "to-folder"] {
            assert!(put_new(&at(name), b"x").is_err(), "{name}");
            fs::write(at("aside"), "new").expect("a file");
            let renamed = rename_new(&at("aside"), &at(name));
            assert_eq!(renamed.expect_err(name).kind(), ErrorKind::AlreadyExists);
        }
        assert!(create_folder(&at("to-folder")).is_err() && create_folder(&at("other")).is_ok());
        assert_eq!(fs::read_to_string(at("precious")).expect("a file"), "mine");
        assert_eq!(kind(&at("nowhere")).expect("told"), PathKind::Absent);
        assert_eq!(kind(&at("dangling")).expect("told"), PathKind::Other);
        assert_eq!(kind(&at("precious")).expect("told"), PathKind::File(4));
        rename_new(&at("aside"), &at("nowhere")).expect("it is free");
    }
}
