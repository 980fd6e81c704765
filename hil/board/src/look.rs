//! State of a port, without opening it: that would raise DTR, which resets many boards.

use rustix::fs::{Access, access};
use std::{
    fmt, fs, io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    process,
};

/// What state a port is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortState {
    /// It can be opened, as far as is known.
    There,
    /// The same, and this process has it open without a lock: it may take what the board says.
    Open(u32),
    /// It is not there.
    Missing,
    /// Another program holds it; its process, if that is known.
    Locked(Option<u32>),
    /// The user may not open it.
    NotPermitted,
    /// What is there is no serial port and no PTY.
    NotAPort,
}

impl fmt::Display for PortState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::There => f.write_str("there"),
            Self::Open(process) => write!(f, "there, and open in process {process}"),
            Self::Missing => f.write_str("missing"),
            Self::Locked(Some(process)) => write!(f, "locked by process {process}"),
            Self::Locked(None) => f.write_str("locked by another program"),
            Self::NotPermitted => f.write_str("not permitted"),
            Self::NotAPort => f.write_str("no serial port"),
        }
    }
}

/// Looks at the port `path`.
pub fn look(path: &Path) -> PortState {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return PortState::NotPermitted;
        }
        Err(_) => return PortState::Missing,
    };
    if !found.file_type().is_char_device() {
        return PortState::NotAPort;
    }
    if access(path, Access::READ_OK | Access::WRITE_OK).is_err() {
        return PortState::NotPermitted;
    }
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let (device, inode) = (found.dev(), found.ino());
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    if let Some(holder) = holder(&locks, &format!("{major:02x}:{minor:02x}:{inode}")) {
        return PortState::Locked(holder);
    }
    let name = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    opened(&name).map_or(PortState::There, PortState::Open)
}

/// The process with a `flock` on a file, by `/proc/locks` (`proc(5)`).
fn holder(locks: &str, file: &str) -> Option<Option<u32>> {
    let mut fields = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.find_map(|fields| match fields[..] {
        [_, "FLOCK", _, _, process, of, ..] if of == file => Some(process.parse().ok()),
        _ => None,
    })
}

/// Another process that has a device open, among those that this user may look at.
fn opened(name: &Path) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.find(|number: &u32| {
        let files = PathBuf::from(format!("/proc/{number}/fd"));
        let mut open = fs::read_dir(files).into_iter().flatten().flatten();
        *number != process::id()
            && open.any(|file| fs::read_link(file.path()).is_ok_and(|to| to == name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_found_by_device_and_inode() {
        let locks = "1: POSIX  ADVISORY  WRITE 700 00:05:91 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 812 00:05:91 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 813 00:05:92 0 EOF\n";
        assert_eq!(holder(locks, "00:05:91"), Some(Some(812)));
        assert_eq!(holder(locks, "00:05:92"), None, "who waits for a lock has none");
        assert_eq!(holder(locks, "00:06:91"), None);
    }

    #[test]
    fn what_is_no_port_is_told_apart() {
        assert_eq!(look(Path::new("/nowhere/ttyUSB0")), PortState::Missing);
        assert_eq!(look(Path::new("/")), PortState::NotAPort);
    }
}
