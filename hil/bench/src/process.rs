//! A process board's life: power on is its start, power off its end.

use std::{
    ffi::OsString,
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{fs::MetadataExt as _, net::UnixDatagram, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long its console may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(5);

/// What the folder of its console is called: this, the number of the process whose it is, and more.
const PREFIX: &str = "parallax-board-";

/// A process board. Dropped, it has no power.
#[derive(Debug)]
pub(crate) struct ProcessBoard {
    command: Vec<OsString>,
    cable: UnixDatagram,
    baud: u32,
    child: Option<Child>,
    /// Where its console is while it has power.
    pub(crate) console: PathBuf,
    _folder: TempDir,
}

impl ProcessBoard {
    /// A board without power: `command` starts it, `cable` will be its standard input.
    pub(crate) fn new(command: &[OsString], cable: UnixDatagram, baud: u32) -> io::Result<Self> {
        let folder = TempDir::with_prefix(format!("{PREFIX}{}-", std::process::id()))?;
        sweep(folder.path());
        let console = folder.path().join("console");
        let command = command.to_vec();
        Ok(Self { command, cable, baud, child: None, console, _folder: folder })
    }

    /// Switches it on, and waits until its console is there.
    pub(crate) fn on(&mut self) -> io::Result<()> {
        self.off();
        let (program, arguments) =
            self.command.split_first().ok_or_else(|| io::Error::other("no program is named"))?;
        let child = Command::new(program)
            .args(arguments)
            .arg("--console")
            .arg(&self.console)
            .args(["--baud", &self.baud.to_string(), "--parent", &std::process::id().to_string()])
            .stdin(Stdio::from(OwnedFd::from(self.cable.try_clone()?)))
            .stdout(Stdio::null())
            // A person's Ctrl-C is for the bench: the board keeps its power until the bench takes it.
            .process_group(0)
            .spawn()?;
        self.child = Some(child);
        self.wait_for_console()
    }

    /// Switches it off. Its console is gone at once: the PTY may become somebody else's.
    pub(crate) fn off(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_file(&self.console);
    }

    /// How its process ended, if it did so by itself.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    fn wait_for_console(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        while !self.console.exists() {
            if let Some(status) = self.ended() {
                return Err(io::Error::other(format!("it ended at once: {status}")));
            }
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other("its console is not there"));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for ProcessBoard {
    fn drop(&mut self) {
        self.off();
    }
}

/// Removes the folders beside `own` that benches of this user left behind when they were killed. What
/// cannot be removed harms nobody.
fn sweep(own: &Path) {
    let (Some(all), Ok(user)) = (own.parent(), fs::metadata(own).map(|own| own.uid())) else {
        return;
    };
    let Ok(all) = fs::read_dir(all) else { return };
    for one in all.flatten() {
        // Not what a link leads to.
        let is_own = one.metadata().is_ok_and(|one| one.is_dir() && one.uid() == user);
        if is_own && owner(&one.file_name().to_string_lossy()).is_some_and(is_gone) {
            let _ = fs::remove_dir_all(one.path());
        }
    }
}

/// The number of the process whose folder this is.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
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
        let left = folder(format!("{PREFIX}{dead}-a1"));
        let kept = [
            folder(format!("{PREFIX}{alive}-a2")),
            folder(format!("{PREFIX}a3")),
            folder(format!("another-{dead}-a4")),
        ];
        let own = folder(format!("{PREFIX}{alive}-a5"));
        let link = all.path().join(format!("{PREFIX}{dead}-a6"));
        std::os::unix::fs::symlink(&kept[2], &link).expect("a link");
        sweep(&own);
        assert!(!left.exists() && own.exists() && link.exists());
        assert!(kept.iter().all(|kept| kept.join("console").exists()));
    }
}
