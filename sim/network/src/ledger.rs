//! Ledger of packets: entered, delivered, dropped, under way.

use alloc::collections::BTreeMap;

use crate::{DropCause, PacketPlace};

/// Counts of packets that entered and that left, by places of the network's own.
#[derive(Debug)]
pub(crate) struct PacketCounts<P> {
    pub(crate) entered: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: BTreeMap<(P, DropCause), u64>,
}

impl<P> Default for PacketCounts<P> {
    fn default() -> Self {
        Self { entered: 0, delivered: 0, dropped: BTreeMap::new() }
    }
}

impl<P: Copy> PacketCounts<P> {
    /// The ledger of these counts and of what is on its way; `place` names a place.
    pub(crate) fn ledger(
        &self,
        (queued, in_flight): (u64, u64),
        place: impl Fn(P) -> PacketPlace,
    ) -> Ledger {
        let named =
            |((at, cause), packets): (&(P, DropCause), &u64)| ((place(*at), *cause), *packets);
        Ledger {
            entered: self.entered,
            delivered: self.delivered,
            dropped: self.dropped.iter().map(named).collect(),
            queued,
            in_flight,
        }
    }
}

/// Packets by fate, at one moment. It always balances, see [`Ledger::balances`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Handed over by hosts.
    pub entered: u64,
    /// Reached a host.
    pub delivered: u64,
    /// Gone, by place and cause.
    pub dropped: BTreeMap<(PacketPlace, DropCause), u64>,
    /// Waiting for a transmitter or in transmission.
    pub queued: u64,
    /// Propagating, or handed over for a time that has not come yet.
    pub in_flight: u64,
}

impl Ledger {
    /// All that were dropped.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Whether every packet has exactly one fate: entered = delivered + dropped + queued + in
    /// flight. The five are counted apart from each other.
    pub fn balances(&self) -> bool {
        self.entered == self.delivered + self.dropped_total() + self.queued + self.in_flight
    }
}
