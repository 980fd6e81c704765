//! Early end of a run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Longest wait of the lab's threads: how fast they notice that they are to stop.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// Ends a run early. Clones end the same run.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// The run ends as soon as the lab notices, within 50 ms or so.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the end was asked for.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
