//! Signals: Ctrl-C, and those with which systems end programs and terminals hang up.

use crate::exit::{Exit, Stop};
use parallax_lab::StopSignal;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ},
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

/// Has a write that the limit of a file's size forbids (`ulimit -f`) fail, as on a full disk, instead of
/// ending the process.
///
/// # Errors
/// [`Stop::Fault`] if the system does not let it.
pub(crate) fn outlive_long_files() -> Result<(), Stop> {
    // The flag is not read: catching the signal is enough.
    flag::register(SIGXFSZ, Arc::default())
        .map(drop)
        .map_err(|error| Stop::Fault(format!("failed to catch SIGXFSZ: {error}")))
}

/// Whether the parent process has hang-ups ignored, as `nohup` does.
fn hang_ups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

/// Interval of looks for an interrupt.
const LOOK: Duration = Duration::from_millis(50);

/// Whether the command was interrupted. Clones are the same.
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
        if !hang_ups_are_ignored() {
            // A shell that ends may send it a second time: that one asks for no more than the first.
            flag::register(SIGHUP, Arc::clone(&interrupt.asked))
                .map_err(|error| Stop::Fault(format!("failed to listen to SIGHUP: {error}")))?;
        }
        Ok(interrupt)
    }

    /// Does something that `stop` ends; an interrupt meanwhile triggers it.
    pub(crate) fn ends<T>(&self, stop: &StopSignal, run: impl FnOnce() -> T) -> T {
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

    /// Whether it was.
    pub(crate) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
