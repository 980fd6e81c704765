//! Delays of a link's packets over a whole run.

use alloc::collections::BTreeMap;

/// How long the packets that a link carried took: of each the time of propagation, and the time over
/// the whole link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkDelays {
    /// From the last bit sent to the arrival: the one-way delay as it came out.
    pub propagation: Durations,
    /// From the packet's coming to the link to its arrival: queue, transmission and propagation.
    pub crossing: Durations,
}

/// Durations, counted in buckets whose width grows with the duration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    packets: u64,
    sum_ns: u128,
    longest_ns: u64,
    /// How many there are by the least duration of their bucket, microseconds.
    buckets: BTreeMap<u64, u64>,
}

impl Durations {
    /// How many there are.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Their mean, nanoseconds rounded down; none if there is none.
    pub fn mean_ns(&self) -> Option<u64> {
        let mean = self.sum_ns.checked_div(self.packets.into())?;
        Some(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The longest, nanoseconds.
    pub const fn longest_ns(&self) -> u64 {
        self.longest_ns
    }

    /// The least duration of each bucket that holds one, microseconds, and how many there are:
    /// ascending. Up to 255 us a bucket is a microsecond wide, above that at most 1/128 of its least
    /// duration.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.buckets.iter().map(|(least_us, packets)| (*least_us, *packets))
    }

    fn count(&mut self, ns: u64) {
        self.packets += 1;
        self.sum_ns += u128::from(ns);
        self.longest_ns = self.longest_ns.max(ns);
        let us = ns / 1_000;
        let beyond = us.max(1).ilog2().saturating_sub(7);
        *self.buckets.entry(us >> beyond << beyond).or_default() += 1;
    }
}

impl LinkDelays {
    /// A packet was carried.
    pub(super) fn count(&mut self, propagation_ns: u64, crossing_ns: u64) {
        self.propagation.count(propagation_ns);
        self.crossing.count(crossing_ns);
    }
}
