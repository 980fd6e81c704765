//! What links carry, as records have it.

use parallax_network::{LinkLoad, Time};
use parallax_record::Event;
use std::time::Duration;

/// From one telling of the links' loads to the next. Long enough to be a small part of a record,
/// short enough to show what a key frame does to a queue.
pub(crate) const INTERVAL: Duration = Duration::from_millis(200);

/// What a link did since `from`.
pub(crate) fn event(from: Time, load: &LinkLoad) -> Event {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Event::LinkLoad {
        from_run_ns: from.as_nanos(),
        offered_packets: load.offered_packets,
        offered_bytes: load.offered_bytes,
        carried_packets: load.carried_packets,
        carried_bytes: load.carried_bytes,
        lost_packets: load.lost_packets,
        dropped_packets: load.dropped_packets,
        waited_mean_ns: load.mean_wait().map(nanos),
        waited_longest_ns: (load.sent_packets() > 0).then(|| nanos(load.waited_longest)),
        transmission_mean_ns: load.mean_transmission().map(nanos),
        propagation_mean_ns: load.mean_propagation().map(nanos),
    }
}
