//! Loads of links, as records have them.

use parallax_network::{Durations, LinkDelays, LinkLoad, Time};
use parallax_record::{DelaysOfPackets, Event, Histogram};
use std::time::Duration;

/// From one telling of the links' loads to the next. Long enough to be a small part of a record,
/// short enough to show what a key frame does to a queue.
pub(crate) const INTERVAL: Duration = Duration::from_millis(200);

/// What a link did since `from`.
pub(crate) fn event(from: Time, load: &LinkLoad) -> Event {
    Event::LinkLoad {
        from_run_ns: from.as_nanos(),
        offered_packets: load.offered_packets,
        offered_bytes: load.offered_bytes,
        carried_packets: load.carried_packets,
        carried_bytes: load.carried_bytes,
        lost_packets: load.lost_packets,
        dropped_packets: load.dropped_packets,
        waited_mean_ns: load.mean_wait_ns(),
        waited_longest_ns: (load.sent_packets() > 0).then_some(load.waited_longest_ns),
        transmission_mean_ns: load.mean_transmission_ns(),
        propagation_mean_ns: load.mean_propagation_ns(),
    }
}

/// How long the packets took that a link carried; none if there was none.
pub(crate) fn delays(delays: &LinkDelays) -> Option<Event> {
    Some(Event::LinkDelays {
        packets: delays.propagation.packets(),
        propagation: of(&delays.propagation)?,
        crossing: of(&delays.crossing)?,
    })
}

fn of(durations: &Durations) -> Option<DelaysOfPackets> {
    Some(DelaysOfPackets {
        mean_ns: durations.mean_ns()?,
        longest_ns: durations.longest_ns(),
        histogram_us: Histogram::of_buckets(durations.buckets()),
    })
}
