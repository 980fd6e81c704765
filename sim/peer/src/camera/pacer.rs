//! Pacer: lets packets go at a rate, new ones and resends in turn. A pure core.
//!
//! Its queue has a bound in time ([`QUEUE_NS`]): a frame that would wait for longer is not taken, and neither is a
//! resend. While both wait, each gets half the rate: resends never keep new frames back for longer than those
//! themselves take.
//!
//! The `webrtc` crate has one too, which is not used here: in 0.21.1 its queue holds 4096 packets whatever time they
//! take, with resends among the new ones in the order in which they came (`pacing/sender.rs`, `handle_write`).

use std::collections::VecDeque;

/// How long a packet may wait, nanoseconds. libwebrtc lets it be 2 s, for conferences that have nothing better; what
/// a viewer's jitter buffer does not wait for is not worth the link.
pub(super) const QUEUE_NS: u64 = 1_000_000_000;
/// Burst of a pacer that has rested: one packet of the largest size, bits.
const BURST_BITS: u64 = 8 * 1_500;
/// A timer may be late by this, nanoseconds, and the packets that wait for it lose nothing of their rate: it is made up for at once.
const LATE_NS: u64 = 50_000_000;
/// Resends may take one bit for this number of new ones. With a quarter a loss of a fifth is repaired; a path that loses more is
/// full, and resends make it fuller.
const AGAIN_SHARE: u64 = 4;
/// They may save up this for losses in a row, bits: 100 packets of the largest size.
const ALLOWANCE_BITS: u64 = 100 * 8 * 1_200;
const NS_PER_S: u64 = 1_000_000_000;

/// What waits to leave.
#[derive(Debug)]
pub(super) struct Pacer<T> {
    /// Bits per second; none: all leaves at once.
    rate_bps: Option<u64>,
    /// The least rate until nothing waits any more, bits per second: what waited when the rate fell leaves in time.
    drain_bps: u64,
    /// What may leave, in 10^-9 bits; below zero after a packet greater than a burst.
    budget: i128,
    refilled_ns: u64,
    new: Lane<T>,
    again: Lane<T>,
    /// By how many bits new packets are ahead of resends since both wait.
    ahead_bits: i64,
    /// What resends may take, bits.
    allowance_bits: u64,
    load: Load,
}

#[derive(Debug)]
struct Lane<T> {
    queue: VecDeque<(u64, u64, T)>,
    bits: u64,
}

/// What a pacer did in an interval of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// New packets that left.
    pub(super) packets: u64,
    /// The longest that one of them waited, nanoseconds.
    pub(super) waited_longest_ns: u64,
    /// Resends that left.
    pub(super) resent: u64,
    /// The longest that one of them waited, nanoseconds.
    pub(super) resent_waited_longest_ns: u64,
    /// Resends that were not taken: they would have waited for too long, or resends had taken their share.
    pub(super) refused: u64,
}

impl<T> Lane<T> {
    const fn new() -> Self {
        Self { queue: VecDeque::new(), bits: 0 }
    }

    fn front_bits(&self) -> Option<u64> {
        self.queue.front().map(|(_, bits, _)| *bits)
    }

    fn push(&mut self, now_ns: u64, bits: u64, item: T) {
        self.bits += bits;
        self.queue.push_back((now_ns, bits, item));
    }

    /// The first packet with its bits, and how long it waited.
    fn pop(&mut self, now_ns: u64) -> Option<(u64, u64, T)> {
        let (since_ns, bits, item) = self.queue.pop_front()?;
        self.bits -= bits;
        Some((now_ns.saturating_sub(since_ns), bits, item))
    }
}

impl<T> Pacer<T> {
    pub(super) fn new(rate_bps: Option<u64>) -> Self {
        Self {
            rate_bps,
            drain_bps: 0,
            budget: i128::from(BURST_BITS) * i128::from(NS_PER_S),
            refilled_ns: 0,
            new: Lane::new(),
            again: Lane::new(),
            ahead_bits: 0,
            allowance_bits: ALLOWANCE_BITS,
            load: Load::default(),
        }
    }

    /// Changes the rate of a pacer that has one.
    pub(super) fn set_rate(&mut self, now_ns: u64, bps: u64) {
        self.refill(now_ns);
        self.rate_bps = self.rate_bps.map(|_| bps);
        let waits_bits = u128::from(self.new.bits + self.again.bits);
        let drain = (waits_bits * u128::from(NS_PER_S)).div_ceil(u128::from(QUEUE_NS));
        self.drain_bps = self.drain_bps.max(u64::try_from(drain).unwrap_or(u64::MAX));
    }

    /// The rate now; none: no limit.
    fn rate(&self) -> Option<u64> {
        self.rate_bps.map(|rate| rate.max(self.drain_bps).max(1))
    }

    /// Whether a frame that comes now is taken: it would wait for no longer than it may.
    pub(super) fn admits(&self) -> bool {
        self.wait_ns(self.new.bits + self.new.bits.min(self.again.bits)) <= QUEUE_NS
    }

    /// Takes a new packet.
    pub(super) fn push(&mut self, now_ns: u64, bits: u64, item: T) {
        self.refill(now_ns);
        self.allowance_bits = (self.allowance_bits + bits / AGAIN_SHARE).min(ALLOWANCE_BITS);
        self.new.push(now_ns, bits, item);
    }

    /// Takes a packet that leaves again, unless it would wait for too long, or resends have taken their share.
    pub(super) fn push_again(&mut self, now_ns: u64, bits: u64, item: T) -> bool {
        let wait_ns = self.wait_ns(self.again.bits + self.again.bits.min(self.new.bits));
        let admits = bits <= self.allowance_bits && wait_ns <= QUEUE_NS;
        if admits {
            self.refill(now_ns);
            self.allowance_bits -= bits;
            self.again.push(now_ns, bits, item);
        } else {
            self.load.refused += 1;
        }
        admits
    }

    /// Drops the resends that wait.
    pub(super) fn clear_again(&mut self) {
        self.again = Lane::new();
    }

    /// The next packet that may leave now.
    pub(super) fn poll(&mut self, now_ns: u64) -> Option<T> {
        let bits = self.next_bits()?;
        self.refill(now_ns);
        if self.rate_bps.is_some() {
            if self.budget < needed(bits) {
                return None;
            }
            self.budget -= i128::from(bits) * i128::from(NS_PER_S);
        }
        let again = self.is_again();
        let both = !self.new.queue.is_empty() && !self.again.queue.is_empty();
        let signed = i64::try_from(bits).unwrap_or(i64::MAX);
        self.ahead_bits = match (both, again) {
            (false, _) => 0,
            (true, true) => self.ahead_bits - signed,
            (true, false) => self.ahead_bits + signed,
        };
        let lane = if again { &mut self.again } else { &mut self.new };
        let (waited_ns, _, item) = lane.pop(now_ns)?;
        let load = &mut self.load;
        let (count, longest) = if again {
            (&mut load.resent, &mut load.resent_waited_longest_ns)
        } else {
            (&mut load.packets, &mut load.waited_longest_ns)
        };
        *count += 1;
        *longest = (*longest).max(waited_ns);
        if self.new.queue.is_empty() && self.again.queue.is_empty() {
            self.drain_bps = 0;
        }
        Some(item)
    }

    /// When [`poll`](Self::poll) has a packet, nanoseconds; none if none waits.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let lacking = needed(self.next_bits()?) - self.budget;
        let Some(rate) = self.rate() else { return Some(self.refilled_ns) };
        let wait = u128::try_from(lacking).unwrap_or(0).div_ceil(rate.into());
        Some(self.refilled_ns.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX)))
    }

    /// What it did since the last call.
    pub(super) fn take_load(&mut self) -> Load {
        std::mem::take(&mut self.load)
    }

    /// Whether the next packet is a resend.
    fn is_again(&self) -> bool {
        match (self.new.queue.is_empty(), self.again.queue.is_empty()) {
            (false, false) => self.ahead_bits >= 0,
            (new_is_empty, _) => new_is_empty,
        }
    }

    fn next_bits(&self) -> Option<u64> {
        if self.is_again() { self.again.front_bits() } else { self.new.front_bits() }
    }

    /// How long `bits` take.
    fn wait_ns(&self, bits: u64) -> u64 {
        let Some(rate) = self.rate() else { return 0 };
        let ns = u128::from(bits) * u128::from(NS_PER_S) / u128::from(rate);
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    fn refill(&mut self, now_ns: u64) {
        let elapsed = now_ns.saturating_sub(self.refilled_ns);
        self.refilled_ns = self.refilled_ns.max(now_ns);
        let rate = self.rate().unwrap_or(0);
        let late_bits = match self.next_bits() {
            Some(_) => u128::from(rate) * u128::from(LATE_NS) / u128::from(NS_PER_S),
            None => 0,
        };
        let most_bits = i128::from(BURST_BITS) + i128::try_from(late_bits).unwrap_or(i128::MAX / 2);
        let most = most_bits.saturating_mul(NS_PER_S.into());
        let more = i128::from(elapsed) * i128::from(rate);
        self.budget = self.budget.saturating_add(more).min(most);
    }
}

/// What the budget must hold for a packet to leave. One greater than a burst leaves with a full one.
fn needed(bits: u64) -> i128 {
    i128::from(bits.min(BURST_BITS)) * i128::from(NS_PER_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    /// Timers of a slow device go off late, by the same each time or by more and less: what waits leaves no later than the
    /// rate allows, and a timer's lateness.
    #[test]
    fn late_timers_cost_no_rate() {
        for lateness in [[0, 0, 0], [2, 2, 2], [1, 8, 3], [50, 0, 7]] {
            let mut pacer = Pacer::new(Some(2_000_000));
            for packet in 0..50 {
                pacer.push(0, 8 * 1_250, packet);
            }
            let latest_ms = lateness.into_iter().max().unwrap_or(0);
            let (mut now, mut left) = (0, 0_u64);
            for late_ms in lateness.iter().cycle() {
                let Some(due) = pacer.next_deadline() else { break };
                now = due.max(now) + late_ms * MS;
                while pacer.poll(now).is_some() {
                    // The first leaves at once, each later one after the 5 ms of the one before, less what a burst is ahead.
                    let at_rate = left * 5 * MS;
                    assert!(
                        now <= at_rate + latest_ms * MS,
                        "packet {left} at {now}, {lateness:?}"
                    );
                    left += 1;
                }
            }
            assert_eq!(left, 50);
        }
    }

    /// What rested lets one packet go at once, however long it rested.
    #[test]
    fn a_rest_is_not_made_up_for() {
        let mut pacer = Pacer::new(Some(2_000_000));
        pacer.push(0, 8 * 1_250, 0);
        assert_eq!(pacer.poll(0), Some(0));
        for packet in 1..4 {
            pacer.push(1_000 * MS, 8 * 1_500, packet);
        }
        assert_eq!(
            drain(&mut pacer, 1_000 * MS).iter().map(|(at, _)| at / MS).collect::<Vec<_>>(),
            [1_000, 1_006, 1_012]
        );
    }

    /// All that leaves, and when, until nothing waits.
    fn drain<T>(pacer: &mut Pacer<T>, mut now_ns: u64) -> Vec<(u64, T)> {
        let mut left = Vec::new();
        while let Some(due) = pacer.next_deadline() {
            now_ns = now_ns.max(due);
            left.push((now_ns, pacer.poll(now_ns).expect("it is due")));
        }
        left
    }

    #[test]
    fn new_packets_and_resends_leave_in_turn() {
        let mut pacer = Pacer::new(Some(1_000_000));
        for n in 0..4 {
            assert!(pacer.push_again(0, 10_000, (true, n)));
        }
        for n in 0..3 {
            pacer.push(0, 10_000, (false, n));
        }
        let left: Vec<_> =
            drain(&mut pacer, 0).into_iter().map(|(at, (again, _))| (at / MS, again)).collect();
        let expected =
            [(0, true), (8, false), (18, true), (28, false), (38, true), (48, false), (58, true)];
        assert_eq!(left, expected);
        let load = pacer.take_load();
        assert_eq!((load.packets, load.resent, load.refused), (3, 4, 0));
        assert_eq!((load.waited_longest_ns, load.resent_waited_longest_ns), (48 * MS, 58 * MS));
        assert_eq!(pacer.take_load(), Load::default());
    }

    #[test]
    fn without_a_rate_all_leaves_at_once() {
        let mut pacer = Pacer::new(None);
        for n in 0..1_000 {
            pacer.push(5, 10_000, n);
        }
        assert!(pacer.admits());
        assert!(drain(&mut pacer, 5).iter().all(|(at, _)| *at == 5));
    }

    #[test]
    fn a_queue_that_would_take_too_long_takes_no_more() {
        let mut pacer = Pacer::new(Some(100_000));
        pacer.push(0, 100_000, 0);
        assert!(pacer.admits());
        pacer.push(0, 1, 1);
        assert!(!pacer.admits());
        // The resends have their own half: two take 10 % more than a second.
        assert!(pacer.push_again(0, 55_000, 2));
        assert!(!pacer.push_again(0, 1, 3));
        assert_eq!(pacer.take_load().refused, 1);
        pacer.set_rate(0, 1_000_000);
        assert!(pacer.admits());
    }

    #[derive(Clone, Copy, Debug)]
    enum Do {
        Frame(u8),
        Again,
        Wait(u16),
        Rate(u64),
    }

    fn doings() -> impl Strategy<Value = Vec<Do>> {
        let one = prop_oneof![
            (1..40_u8).prop_map(Do::Frame),
            Just(Do::Again),
            Just(Do::Again),
            (1..100_u16).prop_map(Do::Wait),
            (100_000..5_000_000_u64).prop_map(Do::Rate),
        ];
        prop::collection::vec(one, 1..200)
    }

    proptest! {
        /// No packet waits for longer than the bound, its own frame and what was begun take; where the rate
        /// changes, for no longer than that and twice the bound from the change on.
        #[test]
        fn the_queue_is_bounded_in_time(doings in doings(), changes in any::<bool>(), rate in 100_000..5_000_000_u64, sizes in prop::collection::vec(500..12_000_u64, 16)) {
            let (mut now, mut n) = (0, 0);
            let mut pacer = Pacer::new(Some(rate));
            let mut size = sizes.iter().cycle();
            let mut came = Vec::new();
            let mut left = Vec::new();
            for doing in doings {
                match doing {
                    Do::Frame(packets) if pacer.admits() => {
                        for _ in 0..packets {
                            pacer.push(now, *size.next().expect("it cycles"), n);
                            came.push((now, false));
                            n += 1;
                        }
                    }
                    Do::Again => {
                        if pacer.push_again(now, *size.next().expect("it cycles"), n) {
                            came.push((now, true));
                            n += 1;
                        }
                    }
                    Do::Wait(ms) => {
                        let until = now + u64::from(ms) * MS;
                        while let Some(due) = pacer.next_deadline().filter(|due| *due <= until) {
                            now = now.max(due);
                            left.push((now, pacer.poll(now).expect("it is due")));
                        }
                        now = until;
                    }
                    Do::Rate(rate) if changes => pacer.set_rate(now, rate),
                    Do::Frame(_) | Do::Rate(_) => {}
                }
            }
            left.extend(drain(&mut pacer, now));
            prop_assert_eq!(left.len(), came.len());
            // A frame has 40 packets at most, each of 12,000 bits at most, and resends come in between.
            let least = if changes { 100_000 } else { rate };
            let bounds = if changes { 3 } else { 1 };
            let most_ns = bounds * QUEUE_NS + 2 * 42 * 12_000 * NS_PER_S / least + MS;
            for again in [false, true] {
                let lane: Vec<_> = left.iter().filter(|(_, n)| came[*n].1 == again).collect();
                prop_assert!(lane.is_sorted_by_key(|(_, n)| *n), "they keep their order");
                for (at, n) in lane {
                    prop_assert!(at - came[*n].0 <= most_ns, "{} ns", at - came[*n].0);
                }
            }
        }

        /// Whatever it does, the rate holds, and it comes to an end.
        #[test]
        fn the_rate_is_held(doings in doings()) {
            let (mut now, mut most_rate, mut bits) = (0, 1_000_000, 0);
            let mut pacer = Pacer::new(Some(most_rate));
            for doing in doings {
                match doing {
                    Do::Frame(packets) => (0..packets).for_each(|_| pacer.push(now, 9_000, false)),
                    Do::Again => {
                        pacer.push_again(now, 9_000, true);
                    }
                    Do::Rate(rate) => {
                        pacer.set_rate(now, rate);
                        most_rate = most_rate.max(rate);
                    }
                    Do::Wait(ms) => {
                        now += u64::from(ms) * MS;
                        while pacer.poll(now).is_some() {
                            bits += 9_000;
                        }
                    }
                }
                let most = u128::from(most_rate) * u128::from(now) / u128::from(NS_PER_S);
                prop_assert!(bits <= most + u128::from(BURST_BITS));
            }
            drain(&mut pacer, now);
        }
    }
}
