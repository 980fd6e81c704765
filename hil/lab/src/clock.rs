//! The run's clock: the machine's monotonic one, from the start of the run.

use parallax_network::Time;
use std::time::Instant;

/// Nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct RunClock(Instant);

impl RunClock {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The run's time.
    pub fn now(self) -> Time {
        Time::ZERO + self.0.elapsed()
    }
}
