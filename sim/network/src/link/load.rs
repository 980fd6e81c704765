//! What a link carried in an interval of time, and how long it took.

use core::time::Duration;

/// What a link did in an interval: packets and bytes on the wire, and the time that they took.
///
/// A packet is offered, and dropped if the queue is full, in the interval in which it comes; it is
/// carried or lost in the one in which the transmitter is done with it. So from the start of a
/// run on, offered = carried + lost + dropped + what is queued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkLoad {
    /// Packets that came to the link.
    pub offered_packets: u64,
    /// Their bytes.
    pub offered_bytes: u64,
    /// Packets sent that will arrive.
    pub carried_packets: u64,
    /// Their bytes.
    pub carried_bytes: u64,
    /// Packets sent, and lost on the way.
    pub lost_packets: u64,
    /// Packets that the bottleneck queue refused.
    pub dropped_packets: u64,
    /// Time in the bottleneck queue, the sum over the packets sent: carried or lost.
    pub waited: Duration,
    /// The longest of these times.
    pub waited_longest: Duration,
    /// From the first bit sent to the last, the sum over the packets sent.
    pub transmission: Duration,
    /// From the last bit sent to the arrival, the sum over the packets carried.
    pub propagation: Duration,
}

impl LinkLoad {
    /// Packets that left the transmitter.
    pub const fn sent_packets(&self) -> u64 {
        self.carried_packets + self.lost_packets
    }

    /// The mean time in the bottleneck queue, of the packets sent; none if there was none.
    pub fn mean_wait(&self) -> Option<Duration> {
        mean(self.waited, self.sent_packets())
    }

    /// The mean time in transmission, of the packets sent; none if there was none.
    pub fn mean_transmission(&self) -> Option<Duration> {
        mean(self.transmission, self.sent_packets())
    }

    /// The mean time of propagation, of the packets carried; none if there was none.
    pub fn mean_propagation(&self) -> Option<Duration> {
        mean(self.propagation, self.carried_packets)
    }

    pub(super) fn offer(&mut self, bytes: u32) {
        self.offered_packets += 1;
        self.offered_bytes += u64::from(bytes);
    }

    /// A packet left the transmitter; `propagation` is none if it is lost.
    pub(super) fn send(
        &mut self,
        bytes: u32,
        waited: Duration,
        transmission: Duration,
        propagation: Option<Duration>,
    ) {
        self.waited = self.waited.saturating_add(waited);
        self.waited_longest = self.waited_longest.max(waited);
        self.transmission = self.transmission.saturating_add(transmission);
        match propagation {
            Some(propagation) => {
                self.carried_packets += 1;
                self.carried_bytes += u64::from(bytes);
                self.propagation = self.propagation.saturating_add(propagation);
            }
            None => self.lost_packets += 1,
        }
    }
}

/// Rounded down to whole nanoseconds.
fn mean(sum: Duration, count: u64) -> Option<Duration> {
    let nanos = sum.as_nanos().checked_div(u128::from(count))?;
    Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
}
