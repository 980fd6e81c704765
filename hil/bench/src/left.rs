//! Folders of this process, and leftovers of processes that were killed.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};
use tempfile::TempDir;

/// What their names begin with: what they are for, the number of the process whose they are, and more
/// follow.
const PREFIX: &str = "parallax-";

/// A folder for something, in the system's place for such. What benches of this user left of the same kind
/// when they were killed is removed.
pub(crate) fn folder(kind: &str) -> io::Result<TempDir> {
    let folder = TempDir::with_prefix(format!("{PREFIX}{kind}-{}-", std::process::id()))?;
    sweep(folder.path(), kind);
    Ok(folder)
}

/// Removes the folders beside `own` whose processes are gone. What cannot be removed does no harm.
fn sweep(own: &Path, kind: &str) {
    let (Some(all), Ok(user)) = (own.parent(), fs::metadata(own).map(|own| own.uid())) else {
        return;
    };
    let Ok(all) = fs::read_dir(all) else { return };
    for one in all.flatten() {
        // Not what a link leads to.
        let is_own = one.metadata().is_ok_and(|one| one.is_dir() && one.uid() == user);
        if is_own && owner(&one.file_name().to_string_lossy(), kind).is_some_and(is_gone) {
            let _ = fs::remove_dir_all(one.path());
        }
    }
}

/// The number of the process whose folder this is.
fn owner(name: &str, kind: &str) -> Option<u32> {
    let rest = name.strip_prefix(PREFIX)?.strip_prefix(kind)?.strip_prefix('-')?;
    rest.split_once('-')?.0.parse().ok()
}

/// Whether no such process is there any more. Where the system does not tell, none is gone.
pub(crate) fn is_gone(process: u32) -> bool {
    Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_bench_left_is_swept_and_nothing_else() {
        let all = TempDir::new().expect("a folder");
        // More than Linux gives (`PID_MAX_LIMIT` is 2^22).
        let (dead, alive) = (4_194_305, std::process::id());
        let folder = |name: String| {
            let folder = all.path().join(name);
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join("console"), "").expect("a file");
            folder
        };
        let left = folder(format!("{PREFIX}board-{dead}-a1"));
        let kept = [
            folder(format!("{PREFIX}board-{alive}-a2")),
            folder(format!("{PREFIX}viewer-{dead}-a3")),
            folder(format!("another-{dead}-a4")),
        ];
        let own = folder(format!("{PREFIX}board-{alive}-a5"));
        let link = all.path().join(format!("{PREFIX}board-{dead}-a6"));
        std::os::unix::fs::symlink(&kept[2], &link).expect("a link");
        sweep(&own, "board");
        assert!(!left.exists() && own.exists() && link.exists());
        assert!(kept.iter().all(|kept| kept.join("console").exists()));
    }
}
