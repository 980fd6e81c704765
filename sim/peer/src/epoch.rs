//! Time of a session's pure cores: nanoseconds since the first instant of its interceptor.

use std::time::{Duration, Instant};

/// The first instant, from which the others are counted; none yet before it.
#[derive(Default)]
pub(crate) struct Epoch(Option<Instant>);

impl Epoch {
    /// An instant in nanoseconds; one before the first is 0.
    pub(crate) fn ns(&mut self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(*self.0.get_or_insert(now));
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The instant of `ns`; none before the first instant.
    pub(crate) fn instant(&self, ns: u64) -> Option<Instant> {
        Some(self.0? + Duration::from_nanos(ns))
    }
}
