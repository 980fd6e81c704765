//! A process board's life: power on is its start, power off its end.

use std::{
    ffi::OsString,
    io,
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long its console may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(5);

/// A process board with power. Dropped, it has none.
#[derive(Debug)]
pub(crate) struct ProcessBoard {
    child: Child,
    /// Where its console is.
    pub(crate) console: PathBuf,
    _folder: TempDir,
}

impl ProcessBoard {
    /// Switches it on: `command` starts it, its cable is its standard input.
    pub(crate) fn on(command: &[OsString], cable: UnixDatagram, baud: u32) -> io::Result<Self> {
        let folder = TempDir::with_prefix("parallax-board-")?;
        let console = folder.path().join("console");
        let (program, arguments) =
            command.split_first().ok_or_else(|| io::Error::other("no program is named"))?;
        let child = Command::new(program)
            .args(arguments)
            .arg("--console")
            .arg(&console)
            .args(["--baud", &baud.to_string(), "--parent", &std::process::id().to_string()])
            .stdin(Stdio::from(OwnedFd::from(cable)))
            .stdout(Stdio::null())
            .spawn()?;
        let mut board = Self { child, console, _folder: folder };
        board.wait_for_console()?;
        Ok(board)
    }

    fn wait_for_console(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        while !is_there(&self.console) {
            if let Some(status) = self.child.try_wait()? {
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

fn is_there(console: &Path) -> bool {
    console.exists()
}

impl Drop for ProcessBoard {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
