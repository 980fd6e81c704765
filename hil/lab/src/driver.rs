//! The thread that drives the network core: it waits for the next deadline, for what is sent, and
//! for the script; what is due it does, and measures how late it was.

use crate::{
    cable::Cable,
    clock::Clock,
    lateness::Lateness,
    line::Line,
    lock,
    port::{Heard, Port},
    realtime,
    watch::Watch,
};
use parallax_fabric::{Direction, Fabric, PacketSeen, Packets};
use parallax_network::{HostId, Packet, Protocol, Time};
use parallax_record::{Entry, Event, counted};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    thread,
    time::Duration,
};

/// Longest wait for a word that never comes: how fast a lab notices that it is to stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// Tells the driver that there may be something to do.
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

/// Ends a run early. Clones end the same run.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The run ends as soon as the lab notices, within 50 ms or so.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody wants the end.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A board's end: its port, and the cable that the frames ride.
pub(crate) struct Wire {
    pub(crate) host: HostId,
    pub(crate) port: Mutex<Port>,
    pub(crate) cable: Box<dyn Cable>,
    /// Whether its TCP is its own, and not somebody's who speaks on its behalf.
    pub(crate) has_tcp: bool,
    pub(crate) life: Mutex<Life>,
    /// Who talks to the board past the network.
    pub(crate) line: Option<Line>,
}

/// What a board can be held to. One without power, or that has said nothing on its cable since it
/// came on, takes no frames by right.
#[derive(Debug)]
pub(crate) struct Life {
    has_power: bool,
    is_up: bool,
    /// Frames that it should have been given, and was not.
    lost: u64,
}

impl Life {
    /// As the run begins.
    pub(crate) fn new() -> Self {
        Self { has_power: true, is_up: false, lost: 0 }
    }

    fn power(&mut self, on: bool) {
        (self.has_power, self.is_up) = (on, false);
    }

    fn heard(&mut self) {
        // What comes while it is off was on its way, or its power is slow to go.
        self.is_up = self.has_power;
    }

    fn not_taken(&mut self) {
        self.lost += u64::from(self.is_up);
    }
}

impl Wire {
    /// The script gives the board its power, or takes it.
    pub(crate) fn power(&self, on: bool) {
        lock(&self.life).power(on);
    }

    /// What the lab lost of what went over the cable, in words; none: nothing that counts.
    pub(crate) fn told_lost(&self, name: &str) -> Option<String> {
        let mut all = Vec::new();
        let (to, from) = (lock(&self.life).lost, self.cable.lost());
        if to > 0 {
            all.push(format!("not taken from its cable: {} to {name}", counted(to, "frame")));
        }
        if from > 0 {
            let frames = counted(from, "frame");
            all.push(format!("lost before the lab had them: {frames} from {name}, or more"));
        }
        (!all.is_empty()).then(|| all.join(", and "))
    }

    /// Takes frames until `stop`. What is wrong with the cable is told once, until it is something else.
    pub(crate) fn listen(&self, fabric: &Fabric, stop: &Stop) {
        // Whether it is permitted, the driver tells.
        let _ = realtime::raise();
        let mut told = None;
        while !stop.asked() {
            let received = self.cable.receive(PATIENCE, &mut |frame| self.hear(fabric, frame));
            let Err(error) = received else { continue };
            let text = format!("the cable of {}: {error}", fabric.host(self.host).0);
            if told.as_ref() != Some(&text) {
                fabric.tell("lab", Event::Fault { text: text.clone() });
                told = Some(text);
            }
            thread::sleep(PATIENCE);
        }
    }

    fn hear(&self, fabric: &Fabric, frame: &[u8]) {
        let at_ns = self.line.as_ref().map(Line::now_ns);
        lock(&self.life).heard();
        let (heard, gateway) = {
            let mut port = lock(&self.port);
            (port.handle(frame), port.gateway())
        };
        match heard {
            Heard::Packet(packet)
                if self
                    .line
                    .as_ref()
                    .zip(at_ns)
                    .is_some_and(|(line, at_ns)| line.takes(gateway, at_ns, &packet)) => {}
            Heard::Packet(packet) if self.carries(&packet) => fabric.inject(self.host, packet),
            Heard::Packet(_) | Heard::Nothing => {}
            Heard::Frame(frame) => self.send(&frame),
        }
    }

    fn carries(&self, packet: &Packet) -> bool {
        self.has_tcp || packet.transport.protocol() != Protocol::Tcp
    }

    /// A frame that nobody takes is lost, as on a cable that is not plugged in. A board that hangs holds
    /// nobody up: what it has no room for is lost as well.
    pub(crate) fn send(&self, frame: &[u8]) {
        if self.cable.send(frame).is_err() {
            lock(&self.port).not_taken();
            lock(&self.life).not_taken();
        }
    }
}

/// What a run told so far.
pub(crate) struct Told {
    pub(crate) entries: Vec<Entry>,
    pub(crate) packets: Packets,
    pub(crate) lateness: Lateness,
    /// Who hears of events at once.
    pub(crate) sink: Option<Sender<Vec<Entry>>>,
}

/// Drives a fabric.
pub(crate) struct Driver {
    pub(crate) fabric: Arc<Fabric>,
    pub(crate) clock: Clock,
    pub(crate) bell: Arc<Bell>,
    pub(crate) stop: Stop,
    /// Hosts that are not services, and their names.
    pub(crate) peers: BTreeSet<HostId>,
    pub(crate) wires: BTreeMap<HostId, Arc<Wire>>,
    pub(crate) told: Told,
    pub(crate) watch: Option<Watch>,
    /// What is to be told of the priority of the threads, once it is known.
    pub(crate) priority: Option<String>,
}

impl Driver {
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
        let told = self.fabric.take_told();
        if let Some(sink) = self.told.sink.as_ref().filter(|_| !told.entries.is_empty()) {
            // If nobody takes them any more, the record has them all the same.
            let _ = sink.send(told.entries.clone());
        }
        self.told.entries.extend(told.entries);
        for (at, direction, host, packet) in told.packets {
            let at_peer = self.peers.contains(&host);
            if direction == Direction::Delivered && at_peer {
                if let Some(wire) = self.wires.get(&host).filter(|wire| wire.carries(&packet)) {
                    let frame = lock(&wire.port).frame(&packet);
                    if let Some(frame) = frame {
                        wire.send(&frame);
                    }
                }
                // After it was sent: what that took belongs to it.
                self.told.lateness.add(self.clock.now().saturating_since(at));
            }
            let name = self.fabric.host(host).0;
            let seen = PacketSeen { at, direction, host: &name, packet: &packet };
            self.told.packets.see(&seen, at_peer);
            if let Some(watch) = &mut self.watch {
                watch.see(&seen);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_held_to_what_it_takes_from_its_first_frame_to_the_end_of_its_power() {
        let mut life = Life::new();
        life.not_taken();
        assert_eq!(life.lost, 0, "it boots");
        life.heard();
        life.not_taken();
        assert_eq!(life.lost, 1);
        life.power(false);
        life.heard();
        life.not_taken();
        assert_eq!(life.lost, 1, "it is off, whatever was on its way");
        life.power(true);
        life.not_taken();
        assert_eq!(life.lost, 1, "it boots again");
        life.heard();
        life.not_taken();
        assert_eq!(life.lost, 2);
    }
}
