//! Driver of the network core in real time.
//!
//! It waits for the next deadline, for packets of peers and for the script, advances the core, and measures how late it was.

use crate::{
    board_end::BoardEnd,
    clock::RunClock,
    lateness::Lateness,
    lock,
    stop::{PATIENCE, StopSignal},
    watch::PacketWatch,
};
use parallax_fabric::{Direction, Fabric, PacketSeen, Packets};
use parallax_network::{HostId, Time};
use parallax_record::Entry;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc::Sender},
    time::Duration,
};

/// Wakes the driver.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    waiting: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        *lock(&self.rung) = true;
        self.waiting.notify_one();
    }

    /// Waits until it is rung, at most that long.
    fn wait(&self, most: Duration) {
        let rung = lock(&self.rung);
        let (mut rung, _) = self
            .waiting
            .wait_timeout_while(rung, most, |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}

/// Observations of a run so far.
pub(crate) struct Observed {
    pub(crate) entries: Vec<Entry>,
    pub(crate) packets: Packets,
    pub(crate) lateness: Lateness,
    /// Who hears of events at once.
    pub(crate) sink: Option<Sender<Vec<Entry>>>,
}

/// Drives a fabric.
pub(crate) struct LabDriver {
    pub(crate) fabric: Arc<Fabric>,
    pub(crate) clock: RunClock,
    pub(crate) bell: Arc<Bell>,
    pub(crate) stop: StopSignal,
    /// Hosts that are not services, and their names.
    pub(crate) peers: BTreeSet<HostId>,
    pub(crate) boards: BTreeMap<HostId, Arc<BoardEnd>>,
    pub(crate) observed: Observed,
    pub(crate) watch: Option<PacketWatch>,
    /// A note on the priority of the threads, once it is known.
    pub(crate) priority: Option<String>,
}

impl LabDriver {
    /// Drives up to `end`, or until it is stopped: then it says the time of that.
    pub(crate) fn run_until(&mut self, end: Time) -> Option<Time> {
        loop {
            let now = self.clock.now();
            self.fabric.advance(now.min(end));
            self.pass_on();
            if now >= end {
                return None;
            }
            if self.stop.asked() {
                return Some(now);
            }
            let next = self.fabric.next_deadline().map_or(end, |next| next.min(end));
            let wait = next.saturating_since(self.clock.now());
            if !wait.is_zero() {
                self.bell.wait(wait.min(PATIENCE));
            }
        }
    }

    /// Has the links tell what is left to tell at the end of a run.
    pub(crate) fn end_loads(&mut self) {
        self.fabric.end_loads();
        self.pass_on();
    }

    fn pass_on(&mut self) {
        let observations = self.fabric.take_told();
        if let Some(sink) = self.observed.sink.as_ref().filter(|_| !observations.entries.is_empty())
        {
            // Without a receiver, the record has them all the same.
            let _ = sink.send(observations.entries.clone());
        }
        self.observed.entries.extend(observations.entries);
        for (at, direction, host, packet) in observations.packets {
            let at_peer = self.peers.contains(&host);
            if direction == Direction::Delivered && at_peer {
                if let Some(board) = self.boards.get(&host) {
                    board.deliver(&self.fabric, &packet);
                }
                // After it was sent: what that took belongs to it.
                self.observed.lateness.add(self.clock.now().saturating_since(at));
            }
            let name = self.fabric.host(host).0;
            let seen = PacketSeen { at, direction, host: &name, packet: &packet };
            self.observed.packets.see(&seen, at_peer);
            if let Some(watch) = &mut self.watch {
                watch.see(&seen);
            }
        }
    }
}
