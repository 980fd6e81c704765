//! Names of a board's port: the configured one, the device it resolves to, and the stable links below `/dev/serial`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The links that udev makes for serial ports: by adapter, and by socket. The first that names a port is the best.
const STABLE: [&str; 2] = ["/dev/serial/by-id", "/dev/serial/by-path"];
/// Names that the kernel gives anew each time a device is plugged in.
const UNSTABLE: [&str; 3] = ["/dev/ttyUSB", "/dev/ttyACM", "/dev/pts/"];
/// Bytes of a file's name, at most: file systems take 255, and an ending follows.
const NAME_BYTES_MOST: usize = 200;

/// What a port is called just now: the configured name first, without repeats.
pub(crate) fn names(port: &Path) -> Vec<PathBuf> {
    names_in(port, &STABLE.map(Path::new))
}

fn names_in(port: &Path, folders: &[&Path]) -> Vec<PathBuf> {
    let written = std::path::absolute(port).unwrap_or_else(|_| port.to_owned());
    let real = real(&written);
    let mut all = vec![written];
    // A port that is not there has no other name.
    if let Some(real) = real {
        let links = folders.iter().flat_map(|folder| links_to(&real, folder));
        all.extend(links.collect::<Vec<_>>());
        all.push(real);
    }
    let mut seen = Vec::new();
    all.retain(|name| {
        !seen.contains(name) && {
            seen.push(name.clone());
            true
        }
    });
    all
}

/// The device. Of a port that is not there at least its folder is resolved.
fn real(port: &Path) -> Option<PathBuf> {
    let beside = || Some(fs::canonicalize(port.parent()?).ok()?.join(port.file_name()?));
    fs::canonicalize(port).ok().or_else(beside)
}

/// The links of a folder that lead to a device, in the order of their names.
fn links_to(device: &Path, folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).into_iter().flatten().flatten().map(|link| link.path());
    let mut all: Vec<_> =
        all.filter(|link| fs::canonicalize(link).is_ok_and(|real| real == device)).collect();
    all.sort();
    all
}

/// The names among these that stay when the device is plugged in again; all of them, if none does.
pub(crate) fn lasting(names: &[PathBuf]) -> Vec<PathBuf> {
    let stable: Vec<_> = names.iter().filter(|name| !is_unstable(name)).cloned().collect();
    if stable.is_empty() { names.to_vec() } else { stable }
}

fn is_unstable(name: &Path) -> bool {
    name.to_str().is_some_and(|name| UNSTABLE.iter().any(|prefix| name.starts_with(prefix)))
}

/// What to write in the place of a port's name that another device may have after the next plugging in, if it is
/// one.
pub fn advice(port: &Path) -> Option<String> {
    let names = names(port);
    // A PTY has no device.
    let of_usb = |name: &str| UNSTABLE.iter().take(2).any(|prefix| name.starts_with(prefix));
    if !names.first()?.to_str().is_some_and(of_usb) {
        return None;
    }
    let better = match names.iter().find(|name| !is_unstable(name)) {
        Some(stable) => format!("`port = {:?}`", stable.display().to_string()),
        None => "a name below /dev/serial/by-id or /dev/serial/by-path (`ls -l /dev/serial/*`)"
            .to_owned(),
    };
    Some(format!("{} is whichever adapter was plugged in first; write {better}", port.display()))
}

/// A name as a file's: each name has another.
pub(crate) fn file_name(name: &Path) -> String {
    let name = text(name).replace('%', "%%").replace('/', "%");
    if name.len() <= NAME_BYTES_MOST {
        return name;
    }
    // The end is what people look for; the number tells those apart that end alike (FNV-1a).
    let number = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut from = name.len() - NAME_BYTES_MOST + 17;
    while !name.is_char_boundary(from) {
        from += 1;
    }
    format!("{number:016x}-{}", name.get(from..).unwrap_or_default())
}

/// A name as text: bytes that are none are written out.
pub(crate) fn text(name: &Path) -> String {
    let chunks = name.as_os_str().as_encoded_bytes().utf8_chunks();
    chunks.fold(String::new(), |mut text, chunk| {
        text += chunk.valid();
        text += &chunk.invalid().escape_ascii().to_string();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    #[test]
    fn a_device_is_known_by_its_configured_name_its_links_and_where_they_lead() {
        let all = TempDir::new().expect("a folder");
        let at = |name: &str| all.path().canonicalize().expect("it is there").join(name);
        let [by_id, by_path] = ["by-id", "by-path"].map(at);
        for folder in [&by_id, &by_path] {
            fs::create_dir(folder).expect("a folder");
        }
        let folders = [by_id.as_path(), by_path.as_path()];
        let usb = at("ttyUSB0");
        assert_eq!(names_in(&usb, &folders), std::slice::from_ref(&usb), "it is not there");
        fs::write(&usb, "").expect("a file");
        let [id, path, other, own] =
            [by_id.join("usb-FTDI-7"), by_path.join("pci-1"), by_path.join("pci-2"), at("door")];
        for (link, to) in [(&id, &usb), (&path, &usb), (&other, &own), (&own, &id)] {
            symlink(to, link).expect("a link");
        }
        assert_eq!(names_in(&usb, &folders), [&usb, &id, &path, &other].map(Clone::clone));
        assert_eq!(names_in(&own, &folders), [&own, &id, &path, &other, &usb].map(Clone::clone));
        // It goes: what is left is what is written.
        fs::remove_file(&usb).expect("it was there");
        assert_eq!(names_in(&own, &folders), [own]);
    }

    #[test]
    fn names_that_last_are_taken_where_there_are_any() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let all = paths(&["/dev/ttyUSB0", "/dev/serial/by-id/a", "/dev/serial/by-path/b"]);
        assert_eq!(lasting(&all), all.get(1..).expect("two"));
        assert_eq!(lasting(&paths(&["/dev/ttyACM3"])), paths(&["/dev/ttyACM3"]));
        assert_eq!(lasting(&paths(&["/dev/ttyAMA0"])), paths(&["/dev/ttyAMA0"]));
        let said = advice(Path::new("/dev/ttyUSB77")).expect("it changes");
        assert!(said.contains("/dev/ttyUSB77 is whichever") && said.contains("by-id"), "{said}");
        assert_eq!(advice(Path::new("/dev/serial/by-id/a")), None);
        assert_eq!(advice(Path::new("/dev/pts/3")), None);
    }

    #[test]
    fn each_name_is_a_files_of_its_own() {
        let long = |end: &str| format!("/dev/{}{end}", "ä".repeat(300));
        let named = |name: &str| file_name(Path::new(name));
        for name in [long("9"), long("8"), format!("/srv/{}9", "ä".repeat(300))] {
            let file = named(&name);
            assert!(file.len() < 240 && file.ends_with(&name[name.len() - 1..]), "{file}");
        }
        assert_ne!(named(&long("9")), named(&format!("/srv/{}9", "ä".repeat(300))));
        assert_ne!(named("/dev/a%b"), named("/dev/a/b"));
        use std::os::unix::ffi::OsStrExt as _;
        let bytes = |bytes: &'static [u8]| Path::new(std::ffi::OsStr::from_bytes(bytes));
        assert_ne!(file_name(bytes(b"/dev/\xff")), file_name(bytes(b"/dev/\xfe")));
    }
}
