//! Agenda: events in the order of their time, then of their scheduling.

use alloc::collections::BinaryHeap;
use core::cmp::Ordering;

use crate::{LinkId, SiteId, Time, gateway::GatewayTimer};

/// What is due at a time. Numbers are those of the network's slabs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AgendaItem {
    /// A host hands over a packet.
    Enter { flight: u32 },
    /// A link's transmitter has sent a packet, unless the link's epoch is another by now.
    Sent { link: LinkId, epoch: u32 },
    /// A packet reaches the end of a link.
    Arrive { link: LinkId, flight: u32 },
    /// A gateway wants to look at a mapping or session.
    Timer { site: SiteId, timer: GatewayTimer },
    /// A change of the network.
    Control { control: u32 },
}

#[derive(Debug)]
struct Entry {
    at: Time,
    sequence: u64,
    event: AgendaItem,
}

impl Ord for Entry {
    /// The greatest is the next one: the heap of the standard library gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

/// All that is due.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Entry>,
    sequence: u64,
}

impl Agenda {
    pub(crate) fn schedule(&mut self, at: Time, event: AgendaItem) {
        self.sequence += 1;
        self.entries.push(Entry { at, sequence: self.sequence, event });
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.entries.peek().map(|entry| entry.at)
    }

    /// The next event, if it is due by `now`.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<(Time, AgendaItem)> {
        if self.next()? > now {
            return None;
        }
        self.entries.pop().map(|entry| (entry.at, entry.event))
    }

    /// Packets that are on their way: handed over or propagating.
    pub(crate) fn packets(&self) -> u64 {
        let count = self
            .entries
            .iter()
            .filter(|entry| {
                matches!(entry.event, AgendaItem::Enter { .. } | AgendaItem::Arrive { .. })
            })
            .count();
        count as u64
    }
}

#[cfg(test)]
mod tests {
    use super::{Agenda, AgendaItem};
    use crate::Time;

    #[test]
    fn time_comes_before_sequence_and_sequence_breaks_ties() {
        let mut agenda = Agenda::default();
        for (at, flight) in [(5, 0), (3, 1), (5, 2), (3, 3)] {
            agenda.schedule(Time::from_nanos(at), AgendaItem::Enter { flight });
        }
        let mut order = Vec::new();
        while let Some((_, AgendaItem::Enter { flight })) = agenda.pop_due(Time::from_nanos(9)) {
            order.push(flight);
        }
        assert_eq!(order, [1, 3, 0, 2]);
    }
}
