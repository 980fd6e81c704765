//! Ctrl-C, and the signal with which systems end programs.

use crate::exit::{Exit, Stop};
use parallax_lab::Stop as EndOfRun;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How often it is looked whether somebody wants the end.
const LOOK: Duration = Duration::from_millis(50);

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

    /// Does something that `stop` ends, which it does if somebody asks meanwhile.
    pub(crate) fn ends<T>(&self, stop: &EndOfRun, run: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if self.asked() {
                        stop.now();
                    }
                    thread::sleep(LOOK);
                }
            });
            let ran = run();
            done.store(true, Ordering::Relaxed);
            ran
        })
    }

    /// Whether somebody has.
    pub(crate) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
