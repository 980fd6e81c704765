//! Where a console is plugged in: a PTY under a name that stays, whatever PTY it is.

use crate::{error::ProcessBoardError, lock};
use rustix::termios::{Action, tcflow, tcgetattr};
use serialport::{SerialPort as _, TTYPort};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::symlink,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// A console's plug. Unplugged, what is said goes nowhere.
pub(crate) struct Plug {
    /// The name under which it is found: a link to the PTY.
    name: PathBuf,
    ends: Mutex<Option<Ends>>,
    /// How often it was plugged in or out.
    times: AtomicU64,
}

struct Ends {
    master: TTYPort,
    /// Stays open, so that the PTY stays while no other program has it open.
    _slave: TTYPort,
    device: String,
    /// The host's end once more, to look at what the host has set.
    host: File,
}

impl Ends {
    fn new() -> Result<Self, ProcessBoardError> {
        let no_pty = |error: serialport::Error| ProcessBoardError::NoPty(error.to_string());
        let (master, slave) = TTYPort::pair().map_err(no_pty)?;
        let device =
            slave.name().ok_or_else(|| ProcessBoardError::NoPty("it has no name".to_owned()))?;
        let host = File::options().read(true).write(true).open(&device)?;
        Ok(Self { master, _slave: slave, device, host })
    }
}

impl Plug {
    /// A PTY that has no name yet.
    pub(crate) fn new(name: PathBuf) -> Result<Self, ProcessBoardError> {
        let ends = Mutex::new(Some(Ends::new()?));
        Ok(Self { name, ends, times: AtomicU64::new(0) })
    }

    /// Gives it its name. A board that was killed leaves its name behind: the next one takes it over at
    /// once. `held`: another program, as it seems, has it open already.
    pub(crate) fn show(&self, held: bool) -> Result<(), ProcessBoardError> {
        let ends = lock(&self.ends);
        let Some(Ends { device, host, .. }) = ends.as_ref() else { return Ok(()) };
        if held {
            host.lock()?;
        }
        let aside = self.name.with_extension("new");
        let _ = fs::remove_file(&aside);
        symlink(device, &aside)
            .and_then(|()| fs::rename(&aside, &self.name))
            .map_err(|cause| ProcessBoardError::NoName { console: self.name.clone(), cause })
    }

    /// Pulls it out.
    pub(crate) fn pull(&self) {
        // What cannot be removed leads nowhere.
        let _ = fs::remove_file(&self.name);
        lock(&self.ends).take();
        self.times.fetch_add(1, Ordering::Relaxed);
    }

    /// Plugs it in again: another PTY under the same name.
    pub(crate) fn put(&self, held: bool) -> Result<(), ProcessBoardError> {
        *lock(&self.ends) = Some(Ends::new()?);
        self.times.fetch_add(1, Ordering::Relaxed);
        self.show(held)
    }

    /// How often it was plugged in or out: a hand on its console is of one time.
    pub(crate) fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }

    /// A hand on the board's end, to read.
    pub(crate) fn reading(&self) -> Option<TTYPort> {
        lock(&self.ends).as_ref().and_then(|ends| ends.master.try_clone_native().ok())
    }

    /// Writes some of `bytes`; unplugged, all of them go nowhere.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match lock(&self.ends).as_mut() {
            Some(ends) => ends.master.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    /// The rate that the host has set, bits per second.
    pub(crate) fn rate(&self) -> Option<u32> {
        let ends = lock(&self.ends);
        let termios = tcgetattr(&ends.as_ref()?.host).ok()?;
        Some(termios.output_speed())
    }

    /// From now on the host's bytes are not taken, as by a flow control that says stop.
    pub(crate) fn stop_taking(&self) -> io::Result<()> {
        match lock(&self.ends).as_ref() {
            Some(ends) => Ok(tcflow(&ends.host, Action::OOff)?),
            None => Ok(()),
        }
    }
}
