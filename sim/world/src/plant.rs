//! A fault to be found: events in the order of a hash map.
//!
//! Nothing in a shipped scenario shows the order of a hash map, so that without a plant there would
//! be nothing for the salt of [`Guards::map_order`](crate::Guards) to bring to light.

use crate::fabric::Told;
#[expect(clippy::disallowed_types, reason = "the fault")]
use std::collections::HashMap;

/// The mistake as it is made: events are kept by number in a hash map, taken out as they come, and
/// sorted by time alone.
pub(crate) fn through_a_hash_map(told: Told) -> Told {
    #[expect(clippy::disallowed_types, reason = "the fault")]
    let by_number: HashMap<usize, _> = told.entries.into_iter().enumerate().collect();
    let mut entries: Vec<_> = by_number.into_values().collect();
    entries.sort_by_key(|entry| entry.run_ns);
    Told { entries, ..told }
}
