//! A serial port, or a PTY in its place.

use core::time::Duration;
use parallax_console::{LineLevel, LinePolicy};
use serialport::{ClearBuffer, ErrorKind, SerialPort as _, TTYPort};
use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

/// How long a read or the wait for room to write lasts, at most, before it is looked whether to stop.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Which port, and how it is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortSettings {
    /// The device, by a name that stays when it is plugged in again ([`stable_name`]).
    pub path: PathBuf,
    /// Bits per second; 8 data bits, no parity, one stop bit.
    pub baud: u32,
    /// What DTR and RTS are held at.
    pub lines: LinePolicy,
}

/// Why a port cannot be opened, and the cure.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another program holds it.
    #[error(
        "failed to open {}: another program holds it\n\
         help: end that program; `fuser {}` names it", path.display(), path.display()
    )]
    Locked {
        /// The port.
        path: PathBuf,
    },
    /// It is not there.
    #[error(
        "failed to open {}: it is not there\n\
         help: plug the board in; `ls -l /dev/serial/by-path` shows what is", path.display()
    )]
    Missing {
        /// The port.
        path: PathBuf,
    },
    /// The user may not open it.
    #[error(
        "failed to open {}: you may not\n\
         help: join its group (`sudo usermod -aG dialout $USER`) and log in again; \
         `ls -l {}` tells the group", path.display(), path.display()
    )]
    NotPermitted {
        /// The port.
        path: PathBuf,
    },
    /// It is no serial port and no PTY.
    #[error(
        "failed to open {}: it is no serial port ({reason})\n\
         help: name a device such as /dev/serial/by-path/...", path.display()
    )]
    NotAPort {
        /// What was named.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Anything else.
    #[error("failed to open {}: {reason}\nhelp: see whether another port works", path.display())]
    Failed {
        /// The port.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl OpenError {
    /// `serialport` tells a lock as `NoDevice`, and most else by its text alone.
    fn of(path: &Path, error: &serialport::Error) -> Self {
        let path = path.to_owned();
        let reason = error.description.clone();
        match error.kind() {
            ErrorKind::NoDevice => Self::Locked { path },
            ErrorKind::Io(io::ErrorKind::NotFound) => Self::Missing { path },
            ErrorKind::Io(io::ErrorKind::PermissionDenied) => Self::NotPermitted { path },
            // ENXIO and ENODEV: the name is there still, the device is not.
            _ if reason.starts_with("No such device") => Self::Missing { path },
            _ if reason == "Not a typewriter" || reason == "Is a directory" => {
                Self::NotAPort { path, reason }
            }
            _ => Self::Failed { path, reason },
        }
    }
}

/// A count of bytes: `1 byte`, `2 bytes`.
pub(crate) fn bytes_in_words(count: usize) -> String {
    parallax_console::counted(u64::try_from(count).unwrap_or(u64::MAX), "byte")
}

/// Why bytes were not written.
#[derive(Debug, thiserror::Error)]
pub enum PortWriteError {
    /// The other end does not take them.
    #[error(
        "failed to write to the port: not taken in time: {}\n\
         help: see whether the board reads its console, and whether flow control is off",
        bytes_in_words(*unwritten)
    )]
    Stalled {
        /// How many were not written.
        unwritten: usize,
    },
    /// The port is gone.
    #[error("failed to write to the port: it is gone\nhelp: plug it in again")]
    Gone {
        /// How many were not written.
        unwritten: usize,
    },
    /// The port has no such control line: it is a PTY.
    #[error("failed to set a control line: {reason}\nhelp: a PTY has none; use another reset")]
    NoLine {
        /// What the system said.
        reason: String,
    },
}

/// A control line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortLine {
    /// Data terminal ready.
    Dtr,
    /// Request to send.
    Rts,
}

/// A reset by a control line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pulse {
    /// Which line resets the board.
    pub line: PortLine,
    /// The level that holds it in reset: true is asserted.
    pub active: bool,
    /// For how long.
    pub hold: Duration,
}

/// An open port: no other program has it.
#[derive(Debug)]
pub struct ConsolePort {
    tty: TTYPort,
}

impl ConsolePort {
    /// Opens a port for this program alone.
    ///
    /// DTR is asserted by the system for a moment at each opening, whatever the policy.
    ///
    /// # Errors
    /// When it is locked, missing, not permitted, or no port.
    pub fn open(settings: &PortSettings) -> Result<Self, OpenError> {
        let path = &settings.path;
        let mut builder =
            serialport::new(path.to_string_lossy(), settings.baud).timeout(SLICE).exclusive(true);
        match settings.lines.dtr {
            LineLevel::High => builder = builder.dtr_on_open(true),
            LineLevel::Low => builder = builder.dtr_on_open(false),
            LineLevel::Untouched => {}
        }
        let tty = TTYPort::open(&builder).map_err(|error| OpenError::of(path, &error))?;
        let mut port = Self { tty };
        let rts = match settings.lines.rts {
            LineLevel::Untouched => None,
            LineLevel::High => Some(true),
            LineLevel::Low => Some(false),
        };
        // A PTY has no lines, and takes part without.
        match rts.map(|level| port.set(PortLine::Rts, level)) {
            None | Some(Ok(()) | Err(PortWriteError::NoLine { .. })) => Ok(port),
            Some(Err(error)) => {
                Err(OpenError::Failed { path: path.clone(), reason: error.to_string() })
            }
        }
    }

    /// Another hand on the same port, for the thread that reads.
    pub(crate) fn reading_half(&self) -> io::Result<TTYPort> {
        self.tty.try_clone_native().map_err(io::Error::from)
    }

    /// Sets the rate, in bits per second; false: the port does not take it.
    pub(crate) fn set_baud(&mut self, baud: u32) -> bool {
        self.tty.set_baud_rate(baud).is_ok()
    }

    /// Forgets what has come and was not read.
    pub(crate) fn drop_heard(&mut self) {
        // What cannot be forgotten is read.
        let _ = self.tty.clear(ClearBuffer::Input);
    }

    /// Reads what has come, or waits for a slice of time.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tty.read(buffer)
    }

    /// Writes all of `bytes` within `limit`.
    ///
    /// # Errors
    /// When the other end does not take them in time, or the port is gone.
    pub fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<(), PortWriteError> {
        let end = Instant::now() + limit;
        let mut rest = bytes;
        // A write of more bytes than there is room for blocks for ever, whatever the port's timeout.
        // For one byte there is room once the port says that it can be written.
        while let Some((byte, after)) = rest.split_first() {
            match self.tty.write(&[*byte]) {
                Ok(0) => return Err(PortWriteError::Gone { unwritten: rest.len() }),
                Ok(_) => rest = after,
                Err(error) if passes(&error) => {}
                Err(_) => return Err(PortWriteError::Gone { unwritten: rest.len() }),
            }
            if !rest.is_empty() && Instant::now() >= end {
                return Err(PortWriteError::Stalled { unwritten: rest.len() });
            }
        }
        Ok(())
    }

    /// Sets a control line.
    ///
    /// # Errors
    /// When the port has none, as a PTY.
    pub fn set(&mut self, line: PortLine, level: bool) -> Result<(), PortWriteError> {
        let set = match line {
            PortLine::Dtr => self.tty.write_data_terminal_ready(level),
            PortLine::Rts => self.tty.write_request_to_send(level),
        };
        set.map_err(|error| PortWriteError::NoLine { reason: error.description })
    }

    /// Resets the board by a control line.
    ///
    /// # Errors
    /// When the port has none, as a PTY.
    pub fn pulse(&mut self, pulse: &Pulse) -> Result<(), PortWriteError> {
        self.set(pulse.line, pulse.active)?;
        thread::sleep(pulse.hold);
        self.set(pulse.line, !pulse.active)
    }
}

/// Whether a failed read or write may be tried again.
pub(crate) fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | Interrupted | WouldBlock)
}

/// The name of the port `path` that stays when it is plugged in again: by the socket it is plugged
/// into (`by-path`), or else by its serial number (`by-id`), below `serial` (`/dev/serial`). None if
/// it has neither.
pub fn stable_name(path: &Path, serial: &Path) -> Option<PathBuf> {
    let device = fs::canonicalize(path).ok()?;
    for folder in ["by-path", "by-id"] {
        let Ok(entries) = fs::read_dir(serial.join(folder)) else { continue };
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        names.sort();
        let same = |name: &PathBuf| fs::canonicalize(name).is_ok_and(|other| other == device);
        if let Some(name) = names.into_iter().find(same) {
            return Some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_cure() {
        let of = |kind, text: &str| {
            let error = serialport::Error::new(kind, text);
            OpenError::of(Path::new("/dev/ttyUSB0"), &error).to_string()
        };
        assert!(of(ErrorKind::NoDevice, "Device or resource busy").contains("holds it"));
        assert!(of(ErrorKind::Io(io::ErrorKind::NotFound), "").contains("it is not there"));
        assert!(of(ErrorKind::Unknown, "No such device").contains("it is not there"));
        let may_not = of(ErrorKind::Io(io::ErrorKind::PermissionDenied), "Permission denied");
        assert!(may_not.contains("you may not") && may_not.contains("dialout"), "{may_not}");
        assert!(of(ErrorKind::Unknown, "Not a typewriter").contains("no serial port"));
        assert!(of(ErrorKind::Unknown, "odd").contains("odd"));
    }
}
