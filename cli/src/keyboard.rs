//! The terminal that a person sits at, while its keys are a board's.

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::{
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

/// The terminal, and how it was before its keys were the board's; none: they are not.
static BEFORE: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// Restores the terminal. Code that ends the process without unwinding calls it: a panic on
/// whatever thread.
pub(crate) fn give_back() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((terminal, before)) = before {
        // It may be gone.
        let _ = tcsetattr(terminal, OptionalActions::Flush, &before);
    }
}

/// Each key goes to the board as it is typed. Dropped, the terminal is as it was before.
#[derive(Debug)]
pub(crate) struct Raw;

impl Raw {
    /// Takes the terminal, if the standard input is one.
    ///
    /// # Errors
    /// If the system does not let it.
    pub(crate) fn take() -> io::Result<Option<Self>> {
        Self::take_of(io::stdin())
    }

    fn take_of(terminal: impl AsFd) -> io::Result<Option<Self>> {
        if !isatty(&terminal) {
            return Ok(None);
        }
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        let kept = terminal.as_fd().try_clone_to_owned()?;
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some((kept, before));
        tcsetattr(&terminal, OptionalActions::Flush, &raw)?;
        Ok(Some(Self))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        give_back();
    }
}

/// What is typed or piped in, by a thread that waits for it; it ends with the input.
pub(crate) fn listen() -> io::Result<Receiver<Vec<u8>>> {
    let (sender, keys) = sync_channel(64);
    thread::Builder::new().name("keyboard".into()).spawn(move || {
        let mut bytes = [0; 1024];
        loop {
            match io::stdin().read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    if sender.send(bytes[..count].to_vec()).is_err() {
                        return;
                    }
                }
            }
        }
    })?;
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::termios::{LocalModes, OptionalActions};
    use serialport::{SerialPort as _, TTYPort};
    use std::fs::File;

    fn takes_lines(terminal: &File) -> bool {
        tcgetattr(terminal).expect("a terminal").local_modes.contains(LocalModes::ICANON)
    }

    #[test]
    fn a_terminal_is_given_back_by_a_drop_and_by_a_panic_that_unwinds_nothing() {
        let (_master, slave) = TTYPort::pair().expect("a PTY");
        let name = slave.name().expect("a name");
        let terminal = File::options().read(true).write(true).open(name).expect("its end");
        let mut cooked = tcgetattr(&terminal).expect("a terminal");
        cooked.local_modes |= LocalModes::ICANON;
        tcsetattr(&terminal, OptionalActions::Now, &cooked).expect("a terminal");
        let raw = Raw::take_of(&terminal).expect("it is taken").expect("it is a terminal");
        assert!(!takes_lines(&terminal));
        drop(raw);
        assert!(takes_lines(&terminal));
        let raw = Raw::take_of(&terminal).expect("it is taken").expect("it is a terminal");
        // As the hook of panics does, before it ends the process.
        give_back();
        assert!(takes_lines(&terminal));
        drop(raw);
        assert!(takes_lines(&terminal));
        let pipe = File::open("/dev/null").expect("it is there");
        assert!(Raw::take_of(&pipe).expect("it is asked").is_none());
    }
}
