//! Ctrl-C, and the signal with which systems end programs.

use crate::exit::{Exit, Stop};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether somebody has asked the command to end. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    asked: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens from now on. The first signal asks; the second one ends the process at once.
    ///
    /// # Errors
    /// [`Stop::Fault`] if the system does not let it.
    pub(crate) fn listen() -> Result<Self, Stop> {
        let interrupt = Self::default();
        let code = i32::from(Exit::Interrupted.code());
        for signal in [SIGINT, SIGTERM] {
            // In this order: the second signal finds what the first has set.
            flag::register_conditional_shutdown(signal, code, Arc::clone(&interrupt.asked))
                .and_then(|_| flag::register(signal, Arc::clone(&interrupt.asked)))
                .map_err(|error| Stop::Fault(format!("failed to listen to Ctrl-C: {error}")))?;
        }
        Ok(interrupt)
    }

    /// Whether somebody has.
    pub(crate) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
