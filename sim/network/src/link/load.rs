//! Load of a link in an interval of time.

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
    /// Time in the bottleneck queue, nanoseconds, the sum over the packets sent: carried or lost.
    pub waited_ns: u64,
    /// The longest of these times, nanoseconds.
    pub waited_longest_ns: u64,
    /// From the first bit sent to the last, nanoseconds, the sum over the packets sent.
    pub transmission_ns: u64,
    /// From the last bit sent to the arrival, nanoseconds, the sum over the packets carried.
    pub propagation_ns: u64,
}

impl LinkLoad {
    /// Packets that left the transmitter.
    pub const fn sent_packets(&self) -> u64 {
        self.carried_packets + self.lost_packets
    }

    /// The mean time in the bottleneck queue, nanoseconds rounded down, of the packets sent; none if
    /// there was none.
    pub const fn mean_wait_ns(&self) -> Option<u64> {
        self.waited_ns.checked_div(self.sent_packets())
    }

    /// The mean time in transmission, nanoseconds rounded down, of the packets sent; none if there was
    /// none.
    pub const fn mean_transmission_ns(&self) -> Option<u64> {
        self.transmission_ns.checked_div(self.sent_packets())
    }

    /// The mean time of propagation, nanoseconds rounded down, of the packets carried; none if there
    /// was none.
    pub const fn mean_propagation_ns(&self) -> Option<u64> {
        self.propagation_ns.checked_div(self.carried_packets)
    }

    pub(super) fn offer(&mut self, bytes: u32) {
        self.offered_packets += 1;
        self.offered_bytes += u64::from(bytes);
    }

    /// A packet left the transmitter; `propagation_ns` is none if it is lost.
    pub(super) fn send(
        &mut self,
        bytes: u32,
        waited_ns: u64,
        transmission_ns: u64,
        propagation_ns: Option<u64>,
    ) {
        self.waited_ns = self.waited_ns.saturating_add(waited_ns);
        self.waited_longest_ns = self.waited_longest_ns.max(waited_ns);
        self.transmission_ns = self.transmission_ns.saturating_add(transmission_ns);
        match propagation_ns {
            Some(propagation_ns) => {
                self.carried_packets += 1;
                self.carried_bytes += u64::from(bytes);
                self.propagation_ns = self.propagation_ns.saturating_add(propagation_ns);
            }
            None => self.lost_packets += 1,
        }
    }
}
