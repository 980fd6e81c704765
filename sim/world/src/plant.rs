//! Planted faults for tests: to be found, or to be survived.
//!
//! To be found are events in the order of a hash map.
//! Nothing in a shipped scenario shows the order of a hash map, so that without a plant there would
//! be nothing for the salt of [`Guards::map_order`](crate::Guards) to bring to light.

use crate::host::SimHost;
use parallax_fabric::Observations;
use parallax_peer::Host;
#[expect(clippy::disallowed_types, reason = "the fault")]
use std::collections::HashMap;
use std::{hint::black_box, mem, time::Duration};

/// The mistake as it is made: events are kept by number in a hash map, taken out as they come, and
/// sorted by time alone.
pub(crate) fn through_a_hash_map(told: Observations) -> Observations {
    #[expect(clippy::disallowed_types, reason = "the fault")]
    let by_number: HashMap<usize, _> = told.entries.into_iter().enumerate().collect();
    let mut entries: Vec<_> = by_number.into_values().collect();
    entries.sort_by_key(|entry| entry.run_ns);
    Observations { entries, ..told }
}

/// A fault that is planted in the runs with one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plant {
    /// What it is.
    pub fault: Fault,
    /// Where it springs.
    pub seed: u64,
}

/// What a task does that a peer's software has spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It panics.
    Panic,
    /// It takes memory until there is none.
    Memory,
    /// It never comes back.
    Hang,
}

/// When a fault springs, after the boot of its peer.
const AFTER: Duration = Duration::from_millis(100);

/// Lets the fault grow on a host that has booted.
pub(crate) fn spring(host: &SimHost, fault: Fault) {
    let runtime = host.runtime();
    let ready = runtime.sleep(AFTER);
    runtime.spawn(Box::pin(async move {
        ready.await;
        match fault {
            Fault::Panic => panic!("this fault was planted"),
            Fault::Memory => loop {
                mem::forget(black_box(Vec::<u8>::with_capacity(1 << 20)));
            },
            Fault::Hang => loop {
                std::hint::spin_loop();
            },
        }
    }));
}
