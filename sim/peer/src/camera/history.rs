//! Packets that were sent, kept for resends. A pure core.
//!
//! A packet is not sent again while an answer to the same request may be under way, nor when it is old. The `webrtc`
//! crate has one too, which is not used here: in 0.21.1 it answers each request, also while the last answer still
//! waits for the pacer, and keeps packets whatever their age (`nack/responder.rs`, `handle_nack`).

use std::collections::VecDeque;

/// Packets that are kept, at most.
const MOST: usize = 2_048;
/// A packet is kept for this time, nanoseconds, or for [`KEPT_ROUND_TRIPS`], whichever is longer.
const KEPT_NS: u64 = 1_000_000_000;
/// A request may be asked again after one round trip, and come after another half; libwebrtc's number.
const KEPT_ROUND_TRIPS: u64 = 3;

/// The newest packets of a stream, in the order of their numbers.
#[derive(Debug)]
pub(super) struct History<T> {
    kept: VecDeque<Kept<T>>,
}

#[derive(Debug)]
struct Kept<T> {
    sequence: u16,
    packet: T,
    /// When it came, or left last.
    at_ns: u64,
    /// It left, and does not wait for the pacer.
    left: bool,
    again: bool,
}

impl<T: Clone> History<T> {
    pub(super) const fn new() -> Self {
        Self { kept: VecDeque::new() }
    }

    /// Takes a new packet. It follows the one before, or the stream begins anew.
    pub(super) fn push(&mut self, now_ns: u64, sequence: u16, packet: T) {
        if self.kept.back().is_some_and(|last| last.sequence.wrapping_add(1) != sequence) {
            self.kept.clear();
        }
        if self.kept.len() >= MOST {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept { sequence, packet, at_ns: now_ns, left: false, again: false });
    }

    /// A packet left for the wire.
    pub(super) fn left(&mut self, now_ns: u64, sequence: u16) {
        if let Some(kept) = self.find(sequence) {
            (kept.at_ns, kept.left) = (now_ns, true);
        }
    }

    /// A packet that a viewer asks for, where a round trip takes `round_trip_ns`; none if it is not to be sent now.
    pub(super) fn ask(&mut self, now_ns: u64, sequence: u16, round_trip_ns: u64) -> Option<T> {
        let keep_ns = KEPT_NS.max(KEPT_ROUND_TRIPS.saturating_mul(round_trip_ns));
        let kept = self.find(sequence)?;
        let age_ns = now_ns.saturating_sub(kept.at_ns);
        let pending = !kept.left || (kept.again && age_ns < round_trip_ns);
        (!pending && age_ns <= keep_ns).then(|| kept.packet.clone())
    }

    /// A packet that was asked for waits for the pacer.
    pub(super) fn waits(&mut self, sequence: u16) {
        if let Some(kept) = self.find(sequence) {
            (kept.left, kept.again) = (false, true);
        }
    }

    /// Forgets all packets: nothing of what was sent is of use any more.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    fn find(&mut self, sequence: u16) -> Option<&mut Kept<T>> {
        let first = self.kept.front()?.sequence;
        self.kept.get_mut(usize::from(sequence.wrapping_sub(first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_packet_is_sent_again_once_in_a_round_trip() {
        let mut history = History::new();
        for (n, sequence) in [65_534, 65_535, 0, 1].into_iter().enumerate() {
            history.push(0, sequence, n);
        }
        assert_eq!(history.ask(0, 0, 100 * MS), None, "it has not left yet");
        (65_534..=65_535).chain(0..=1).for_each(|sequence| history.left(10 * MS, sequence));
        assert_eq!(history.ask(11 * MS, 0, 100 * MS), Some(2));
        history.waits(0);
        assert_eq!(history.ask(500 * MS, 0, 100 * MS), None, "it waits for the pacer");
        history.left(500 * MS, 0);
        assert_eq!(history.ask(599 * MS, 0, 100 * MS), None, "it is under way");
        assert_eq!(history.ask(600 * MS, 0, 100 * MS), Some(2));
        // The others are as they were.
        assert_eq!(history.ask(600 * MS, 65_535, 100 * MS), Some(1));
        for unknown in [2, 65_533, 30_000] {
            assert_eq!(history.ask(600 * MS, unknown, 100 * MS), None);
        }
    }

    #[test]
    fn an_old_packet_is_not_sent_again() {
        let mut history = History::new();
        history.push(0, 7, ());
        history.left(0, 7);
        assert_eq!(history.ask(1_000 * MS, 7, 100 * MS), Some(()));
        assert_eq!(history.ask(1_001 * MS, 7, 100 * MS), None);
        assert_eq!(history.ask(1_500 * MS, 7, 500 * MS), Some(()));
        history.push(0, 9, ());
        assert_eq!(history.ask(0, 7, 500 * MS), None, "the stream began anew");
    }

    proptest! {
        #[test]
        fn it_is_bounded_and_knows_the_newest(first in any::<u16>(), count in 1..5_000_usize, asked in any::<u16>()) {
            let mut history = History::new();
            for n in 0..count {
                let sequence = first.wrapping_add(n as u16);
                history.push(0, sequence, n);
                history.left(0, sequence);
            }
            prop_assert!(history.kept.len() <= MOST);
            let index = usize::from(asked.wrapping_sub(first));
            let is_kept = index < count && index + MOST >= count;
            prop_assert_eq!(history.ask(0, asked, MS), is_kept.then_some(index));
        }
    }
}
