//! Power and reset of a board.

use core::time::Duration;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    io::{self, Read as _},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

/// Bytes of what a command says that go into a message, at most.
const SAID_BYTES_MOST: u64 = 2048;
/// How often it is looked whether a command has ended.
const LOOK: Duration = Duration::from_millis(5);
/// How long what a command said may be on its way when it has ended: something it started may hold its
/// standard error open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What switches a board.
pub trait Power {
    /// Switches it on (true) or off, and waits until that is done.
    ///
    /// # Errors
    /// When it cannot be switched: the lab's fault, not the board's.
    fn set(&mut self, on: bool) -> Result<(), PowerError>;

    /// Resets it.
    ///
    /// # Errors
    /// When it cannot be reset: the lab's fault, not the board's.
    fn reset(&mut self) -> Result<(), PowerError>;
}

/// Why a board was not switched.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// There is no such program.
    #[error("failed to run `{command}`: {reason}\nhelp: install it, or write its whole path")]
    NotRun {
        /// The command.
        command: String,
        /// What the system said.
        reason: io::Error,
    },
    /// It said that it failed.
    #[error("failed to switch the board: `{command}` ended with {status}\nhelp: it said: {said}")]
    Failed {
        /// The command.
        command: String,
        /// Its exit status.
        status: String,
        /// What it wrote to its standard error, as much as is kept.
        said: String,
    },
    /// It did not end, and was killed with all that it started.
    #[error(
        "failed to switch the board: `{command}` did not end within {limit:?} and was killed\n\
         help: run it by hand; give it a longer timeout if that is what it needs"
    )]
    TimedOut {
        /// The command.
        command: String,
        /// How long it had.
        limit: Duration,
    },
}

/// Power by commands: a relay's, a power strip's, a USB hub's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandPower {
    /// The program that switches on, and its arguments. No shell reads them.
    pub on: Vec<String>,
    /// The program that switches off, and its arguments.
    pub off: Vec<String>,
    /// The program that resets, and its arguments; none: off, a pause, and on.
    pub reset: Option<Vec<String>>,
    /// Between off and on, where off and on are the reset: until its capacitors are empty.
    pub pause: Duration,
    /// How long each may take.
    pub limit: Duration,
}

impl CommandPower {
    /// Switches off what may have been left on, and tells what the program wrote to its standard error:
    /// what it found.
    ///
    /// # Errors
    /// When it cannot be switched: the lab's fault, not the board's.
    pub fn clear(&self) -> Result<String, PowerError> {
        run(&self.off, self.limit).map(|said| said.recv_timeout(LAST_WORDS).unwrap_or_default())
    }

    /// The port of a USB hub, by `uhubctl`: `location` as in its `-l` (`1-1.4`), `port` as in its
    /// `-p`.
    pub fn uhubctl(location: &str, port: u8) -> Self {
        let command = |action: &str| {
            let port = port.to_string();
            let words = ["uhubctl", "-l", location, "-p", &port, "-a", action];
            words.map(str::to_owned).to_vec()
        };
        Self {
            on: command("on"),
            off: command("off"),
            reset: None,
            pause: Duration::from_secs(2),
            limit: Duration::from_secs(20),
        }
    }
}

impl Power for CommandPower {
    fn set(&mut self, on: bool) -> Result<(), PowerError> {
        run(if on { &self.on } else { &self.off }, self.limit).map(drop)
    }

    fn reset(&mut self) -> Result<(), PowerError> {
        if let Some(reset) = &self.reset {
            return run(reset, self.limit).map(drop);
        }
        self.set(false)?;
        thread::sleep(self.pause);
        self.set(true)
    }
}

/// Runs a command in a process group of its own, so that it can be killed with all that it started,
/// and so that a person's Ctrl-C does not leave a board half switched. What it said is still to come.
fn run(words: &[String], limit: Duration) -> Result<mpsc::Receiver<String>, PowerError> {
    let command = words.join(" ");
    let (program, arguments) = words.split_first().ok_or_else(|| PowerError::NotRun {
        command: command.clone(),
        reason: io::Error::other("no program is named"),
    })?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|reason| PowerError::NotRun { command: command.clone(), reason })?;
    let said = listen(&mut child);
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(said),
            Ok(Some(status)) => {
                let said = said.recv_timeout(LAST_WORDS).unwrap_or_default();
                let said = if said.is_empty() { "nothing".to_owned() } else { said };
                return Err(PowerError::Failed { command, status: status.to_string(), said });
            }
            Ok(None) if Instant::now() < end => thread::sleep(LOOK),
            Ok(None) | Err(_) => break,
        }
    }
    // It was not waited for yet: its number is still its own.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended just now.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
    Err(PowerError::TimedOut { command, limit })
}

/// What a command writes to its standard error, once it is closed.
fn listen(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stderr) = child.stderr.take() {
        thread::spawn(move || {
            let mut said = Vec::new();
            let mut stderr = stderr;
            let kept = stderr.by_ref().take(SAID_BYTES_MOST).read_to_end(&mut said);
            // It stands in a line of a message.
            let said = String::from_utf8_lossy(&said);
            let said = said.lines().map(str::trim).filter(|line| !line.is_empty());
            let said = said.collect::<Vec<_>>().join("; ");
            // The receiver may be gone; the rest is read so that the command does not stall.
            let _ = sender.send(said);
            if kept.is_ok() {
                let _ = io::copy(&mut stderr, &mut io::sink());
            }
        });
    }
    receiver
}
