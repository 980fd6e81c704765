//! Process of a process board: power on starts it, power off ends it.

use crate::left;
use std::{
    ffi::OsString,
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixDatagram, process::CommandExt as _},
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long its console may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(5);

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
        let folder = left::folder("board")?;
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

    /// Switches it off. Its console is gone at once: the PTY may become another process's.
    pub(crate) fn off(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_file(&self.console);
    }

    /// Its process, while it has power.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
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
