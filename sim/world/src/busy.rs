//! Computing time of a host: until when it is busy, and what leaves it then.
//!
//! The stack computes in no time of the run, in the middle of what it does with a datagram. What it sends and records
//! after that is held until its host is free again; what comes meanwhile waits, and so do the host's tasks and timers.

use crate::lock;
use parallax_network::{HostId, Packet, Time};
use parallax_record::Event;
use std::{
    collections::BTreeMap,
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Until when a host computes: one task after another. A pure core.
///
/// Nanoseconds, without a lock: it is read for each poll of each task, on one thread.
#[derive(Debug, Default)]
pub(crate) struct Busy(AtomicU64);

impl Busy {
    /// Adds a task that takes `takes`: it begins now, or when those before it are done.
    pub(crate) fn add(&self, now: Time, takes: Duration) {
        let until = self.until(now).unwrap_or(now) + takes;
        self.0.store(until.as_nanos(), Ordering::Relaxed);
    }

    /// When the host is free again; none if it is now.
    pub(crate) fn until(&self, now: Time) -> Option<Time> {
        let until = Time::from_nanos(self.0.load(Ordering::Relaxed));
        (until > now).then_some(until)
    }

    /// The host begins anew, free.
    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// What leaves hosts when they are free again, in the order in which they sent and recorded it. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct HeldBack(Arc<Mutex<Holding>>);

#[derive(Default)]
struct Holding {
    count: u64,
    waiting: BTreeMap<(Time, u64), (HostId, Leaving)>,
}

/// What leaves a host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// Into the network.
    Packet(Packet),
    /// Into the record, from this node.
    Event(Arc<str>, Event),
    /// Into the host's flash, under this name.
    Value(String, Vec<u8>),
}

impl HeldBack {
    /// Holds something of `host` until `at`.
    pub(crate) fn hold(&self, at: Time, host: HostId, leaving: Leaving) {
        let mut holding = lock(&self.0);
        let key = (at, holding.count);
        holding.count += 1;
        holding.waiting.insert(key, (host, leaving));
    }

    /// When something leaves next.
    pub(crate) fn next(&self) -> Option<Time> {
        lock(&self.0).waiting.first_key_value().map(|((at, _), _)| *at)
    }

    /// What leaves by now, in its order, and when.
    pub(crate) fn due(&self, now: Time) -> impl Iterator<Item = (Time, HostId, Leaving)> + use<> {
        let due = {
            let mut holding = lock(&self.0);
            match holding.waiting.first_key_value() {
                Some(((first, _), _)) if *first <= now => {
                    let later = holding.waiting.split_off(&(now + Duration::from_nanos(1), 0));
                    mem::replace(&mut holding.waiting, later)
                }
                _ => BTreeMap::new(),
            }
        };
        due.into_iter().map(|((at, _), (host, leaving))| (at, host, leaving))
    }

    /// Forgets what a host has not sent and recorded yet: its power is gone.
    pub(crate) fn forget(&self, host: HostId) {
        lock(&self.0).waiting.retain(|_, (of, _)| *of != host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    fn note(text: &str) -> Leaving {
        Leaving::Event("doorbell".into(), Event::Note { text: text.to_owned() })
    }

    #[test]
    fn a_host_is_free_when_its_last_task_is_done() {
        let busy = Busy::default();
        let us = Time::from_micros;
        assert_eq!(busy.until(Time::ZERO), None);
        busy.add(us(5_000), Duration::from_micros(300));
        busy.add(us(5_000), Duration::from_micros(400));
        assert_eq!(busy.until(us(5_000)), Some(us(5_700)));
        assert_eq!(busy.until(us(5_700)), None);
        busy.add(us(9_000), Duration::ZERO);
        assert_eq!(busy.until(us(9_000)), None, "what takes no time holds nothing");
        busy.add(us(9_000), Duration::from_secs(1));
        busy.reset();
        assert_eq!(busy.until(us(9_000)), None, "a boot computes nothing yet");
    }

    #[test]
    fn what_is_held_leaves_in_its_order_and_not_without_power() {
        let (held, [one, other]) = (HeldBack::default(), hosts());
        held.hold(Time::from_millis(3), one, note("second"));
        held.hold(Time::from_millis(2), one, note("first"));
        held.hold(Time::from_millis(3), one, note("third"));
        held.hold(Time::from_millis(3), other, note("forgotten"));
        held.hold(Time::from_millis(4), one, note("later"));
        held.forget(other);
        assert_eq!(held.due(Time::from_millis(1)).count(), 0);
        let due: Vec<_> = held.due(Time::from_millis(3)).collect();
        let expected = [(2, "first"), (3, "second"), (3, "third")];
        assert_eq!(due, expected.map(|(ms, text)| (Time::from_millis(ms), one, note(text))));
        assert_eq!(held.due(Time::from_millis(3)).count(), 0);
        assert_eq!(held.due(Time::from_millis(4)).count(), 1);
    }

    fn hosts() -> [HostId; 2] {
        let mut network = parallax_network::Network::new(1);
        ["one", "other"].map(|name| {
            network
                .add_service(name, [192, 0, 2, u8::try_from(name.len()).expect("short")].into())
                .expect("a service")
        })
    }

    proptest! {
        /// Tasks begin at `a` and take `t`: the host is busy until the greatest, over all tasks, of a task's beginning and
        /// the times of it and all after it.
        #[test]
        fn busy_until_is_that_of_a_queue_with_one_server(tasks in prop::collection::vec((0..50 * MS, 0..30 * MS), 1..30)) {
            let busy = Busy::default();
            let (mut now, mut begins) = (0, Vec::new());
            for (after, takes) in &tasks {
                now += after;
                begins.push(now);
                busy.add(Time::from_nanos(now), Duration::from_nanos(*takes));
            }
            let from = |first: usize| tasks[first..].iter().map(|(_, takes)| takes).sum::<u64>();
            let closed = (0..tasks.len()).map(|first| begins[first] + from(first)).max().expect("one");
            let expected = (closed > now).then(|| Time::from_nanos(closed));
            prop_assert_eq!(busy.until(Time::from_nanos(now)), expected);
        }
    }
}
