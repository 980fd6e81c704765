//! Reading: a regular file, of bounded length, without waiting.

use rustix::fs::OFlags;
use std::{
    fs::{self, File, FileType},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::Path,
};

/// Opens a regular file, or what a link to one leads to; and its length.
///
/// # Errors
/// What the system says; or that it is another kind of file.
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    // Before it is opened: opening alone does something to some devices.
    regular(fs::metadata(path)?.file_type())?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    // It may be another one by now.
    let found = file.metadata()?;
    regular(found.file_type())?;
    Ok((file, found.len()))
}

/// The bytes of a regular file.
///
/// # Errors
/// As [`open`]; or if there are more than `most`.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_into(path, most, &mut bytes)?;
    Ok(bytes)
}

/// The bytes of a regular file, in place of what `bytes` has: one file after another in the same memory.
///
/// # Errors
/// As [`read`].
pub fn read_into(path: &Path, most: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    let (file, length) = open(path)?;
    if length > most {
        return Err(too_long(most));
    }
    // A hint: a file may have another length by now, and those of the kernel tell none.
    bytes.reserve(usize::try_from(length).unwrap_or_default());
    file.take(most.saturating_add(1)).read_to_end(bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_long(most));
    }
    Ok(())
}

/// The text of a regular file.
///
/// # Errors
/// As [`read`]; or if it is not UTF-8.
pub fn text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is no text: it is not UTF-8"))
}

fn regular(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    let what = match kind {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    let kind = if kind.is_dir() { ErrorKind::IsADirectory } else { ErrorKind::InvalidInput };
    Err(io::Error::new(kind, format!("it is {what}, not a regular file")))
}

fn too_long(most: u64) -> io::Error {
    let most = match most {
        most if most >= 1 << 30 => format!("{} GiB", most >> 30),
        most if most >= 1 << 20 => format!("{} MiB", most >> 20),
        most => format!("{most} bytes"),
    };
    io::Error::new(
        ErrorKind::FileTooLarge,
        format!("it has more than {most}, the most that is read of it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::{fs::symlink, net::UnixListener};
    use tempfile::tempdir;

    #[test]
    fn what_is_no_regular_file_is_refused_at_once_and_by_link_too() {
        let folder = tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RWXU).expect("a pipe");
        let _socket = UnixListener::bind(at("socket")).expect("a socket");
        fs::create_dir(at("folder")).expect("a folder");
        symlink("loop", at("loop")).expect("a link");
        symlink("nowhere", at("dangling")).expect("a link");
        for (name, what) in [("pipe", "a pipe"), ("socket", "a socket"), ("folder", "a folder")] {
            symlink(name, at(&format!("to-{name}"))).expect("a link");
            for name in [name.to_owned(), format!("to-{name}")] {
                let error = read(&at(&name), 10).expect_err(what);
                assert_eq!(error.to_string(), format!("it is {what}, not a regular file"));
            }
        }
        for device in ["/dev/zero", "/dev/null", "/dev/full", "/dev/tty"] {
            let error = read(Path::new(device), 10).expect_err("a device");
            assert_eq!(error.to_string(), "it is a device, not a regular file", "{device}");
        }
        assert_eq!(read(&at("dangling"), 10).expect_err("nothing").kind(), ErrorKind::NotFound);
        assert!(read(&at("loop"), 10).is_err());
    }

    #[test]
    fn a_sparse_file_and_one_without_length_are_bounded() {
        let folder = tempdir().expect("a folder");
        let sparse = folder.path().join("sparse");
        File::create(&sparse).and_then(|file| file.set_len(1 << 40)).expect("a file");
        let error = read(&sparse, RECORD_LIKE).expect_err("too long");
        assert_eq!(error.to_string(), "it has more than 2 GiB, the most that is read of it");
        // The system tells no length of it.
        let kernel = Path::new("/proc/self/maps");
        assert!(read(kernel, 1 << 20).is_ok_and(|bytes| bytes.len() > 100));
        assert_eq!(read(kernel, 100).expect_err("too long").kind(), ErrorKind::FileTooLarge);
    }

    const RECORD_LIKE: u64 = 2 << 30;

    proptest! {
        #[test]
        fn a_file_comes_whole_or_not_at_all(bytes: Vec<u8>, most in 0_u64..200) {
            let folder = tempdir().expect("a folder");
            let path = folder.path().join("file");
            fs::write(&path, &bytes).expect("a file");
            // What the memory had is gone.
            let mut found = b"before".to_vec();
            prop_assert_eq!(read_into(&path, most, &mut found).is_ok(), bytes.len() as u64 <= most);
            match read(&path, most) {
                Ok(whole) => prop_assert_eq!((&whole, &found), (&bytes, &bytes)),
                Err(error) => {
                    prop_assert_eq!(error.kind(), ErrorKind::FileTooLarge);
                    prop_assert!(bytes.len() as u64 > most);
                }
            }
        }
    }
}
