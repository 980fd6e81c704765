//! A board is one program's at a time: whoever is to switch it or talk to it holds its lock first.
//!
//! The port's own lock comes too late for that: by then the board has been switched off, under
//! whoever had it.

use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Bytes of a file's name, at most: file systems take 255.
const NAME_BYTES_MOST: usize = 200;

/// Why a board is not this program's.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// It is another's.
    #[error(
        "failed to take the board at {}: another parallax has it, and it was left alone\n  help: wait until \
         that has ended; `fuser -v {}` names it",
        port.display(),
        lock.display()
    )]
    Held {
        /// The board's console.
        port: PathBuf,
        /// What is locked for it.
        lock: PathBuf,
    },
    /// The lock cannot be had.
    #[error(
        "failed to lock {} for the board at {}: {cause}\n  help: see whether files can be made in its folder",
        lock.display(),
        port.display()
    )]
    Lock {
        /// The board's console.
        port: PathBuf,
        /// What was to be locked for it.
        lock: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// A board that is held. It is let go when this is dropped, and by the kernel if the program is killed.
#[derive(Debug)]
pub(crate) struct Hold {
    _locks: Vec<Lock>,
}

impl Hold {
    /// Takes the board whose console is `port`, whether that is there yet or comes with its power.
    pub(crate) fn take(port: &Path) -> Result<Self, HoldError> {
        let locks = names(port).into_iter().map(|name| lock(port, &name));
        Ok(Self { _locks: locks.collect::<Result<_, _>>()? })
    }
}

/// What a console is called: as it is written, which stays; and what that stands for just now, which
/// another bench file may have written.
fn names(port: &Path) -> Vec<PathBuf> {
    let written = std::path::absolute(port).unwrap_or_else(|_| port.to_owned());
    let real = fs::canonicalize(port).ok().filter(|real| *real != written);
    [written].into_iter().chain(real).collect()
}

fn lock(port: &Path, name: &Path) -> Result<Lock, HoldError> {
    let path = std::env::temp_dir().join(file_name(name));
    let failed = |cause| HoldError::Lock { port: port.to_owned(), lock: path.clone(), cause };
    loop {
        let file = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(HoldError::Held { port: port.to_owned(), lock: path });
            }
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        // Whoever had it may have removed it just then: what is locked must be what others find.
        let of = |one: fs::Metadata| (one.dev(), one.ino());
        let own = file.metadata().map(of).map_err(failed)?;
        if fs::metadata(&path).is_ok_and(|there| of(there) == own) {
            return Ok(Lock { path, _file: file });
        }
    }
}

/// A file that is locked. It goes while it is still locked, so that nobody else's is removed.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Another user's may stay.
        let _ = fs::remove_file(&self.path);
    }
}

fn open(lock: &Path) -> io::Result<File> {
    loop {
        match OpenOptions::new().write(true).create_new(true).open(lock) {
            Ok(file) => {
                // Another user's bench is to see that it is held, whatever the mask of this one.
                file.set_permissions(Permissions::from_mode(0o644))?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // Perhaps another user's: to read it is enough.
        match File::open(lock) {
            // It went just then.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !lock.is_symlink() => {}
            opened => return opened,
        }
    }
}

fn file_name(name: &Path) -> String {
    let name = name.to_string_lossy().replace('/', "%");
    // The end is what differs.
    let mut from = name.len().saturating_sub(NAME_BYTES_MOST);
    while !name.is_char_boundary(from) {
        from += 1;
    }
    format!("parallax-port-{}", name.get(from..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn a_board_is_held_once_by_whatever_name_and_let_go() {
        let folder = TempDir::new().expect("a folder");
        let (port, link) = (folder.path().join("ttyUSB7"), folder.path().join("by-path"));
        // It comes with its power: it is held by its name all the same.
        let held = Hold::take(&port).expect("nobody has it");
        let error = Hold::take(&port).expect_err("it is held");
        assert!(matches!(error, HoldError::Held { .. }), "{error}");
        drop(held);
        fs::write(&port, "").expect("a file");
        std::os::unix::fs::symlink(&port, &link).expect("a link");
        let held = Hold::take(&link).expect("it was let go");
        let error = Hold::take(&port).expect_err("it is held by its other name").to_string();
        let lock = file_name(&port);
        assert!(error.contains(&port.display().to_string()) && error.contains(&lock), "{error}");
        drop(held);
        Hold::take(&port).expect("it was let go");
        for name in [&port, &link] {
            assert!(!std::env::temp_dir().join(file_name(name)).exists(), "nothing stays");
        }
    }

    #[test]
    fn a_long_name_is_a_files_all_the_same() {
        let name = file_name(Path::new(&format!("/dev/{}9", "ä".repeat(300))));
        assert!(name.len() < 255 && name.ends_with("ä9"), "{name}");
    }
}
