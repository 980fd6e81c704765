//! The terminal that a person sits at, while its keys are a board's.

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::{
    io::{self, Read},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

/// How the terminal was before its keys were the board's; none: they are not.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Gives the terminal back as it was. Whoever ends the process without unwinding calls it.
pub(crate) fn give_back() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before {
        // It may be gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &before);
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
        if !isatty(io::stdin()) {
            return Ok(None);
        }
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
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
