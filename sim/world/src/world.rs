//! Peers, network and services of a run, step by step.

use crate::{
    busy::Leaving,
    capture::{CaptureSink, Capturing},
    devices::{Code, DeviceId, Devices},
    error::WorldError,
    failures::Failure,
    host::SimHost,
    state::{Collectors, Device, HostState},
    task::InHost,
};
use parallax_fabric::{
    BytesByKind, EndKind, Fabric, KeptPicture, MemoryFlash, NetworkServices, PacketSeen, Packets,
    Timers,
};
use parallax_interpose::{EPOCH_UNIX_S, refusals, set_elapsed, simulating};
use parallax_network::{HostId, Network, Time};
use parallax_peer::Flash as _;
use parallax_record::{Entry, Event};
use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    mem,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

/// From one step to the next. Not less: turmoil waits for a tick on tokio's timer, which has whole
/// milliseconds, so that with a shorter tick the clocks of hosts run too fast.
pub const TICK: Duration = Duration::from_millis(1);

/// Takes an event.
pub type EntrySink<'a> = Box<dyn FnMut(Entry) + Send + 'a>;
/// Takes a packet.
pub type PacketSink<'a> = Box<dyn FnMut(&PacketSeen<'_>) + Send + 'a>;

/// Observes the run's time at the beginning of each step.
pub type ProgressWatch<'a> = Box<dyn FnMut(Duration) + Send + 'a>;

/// Where a run goes, as it happens.
pub struct Sinks<'a> {
    /// Takes each event, in the order of observation.
    pub entry: EntrySink<'a>,
    /// Takes each packet that a peer or service sends or gets, if anyone wants to see them.
    pub packet: Option<PacketSink<'a>>,
}

/// What is left of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimOutcome {
    /// How long it took, in its own time.
    pub duration: Duration,
    /// SHA-256 over time, direction, host, addresses, length, transport header and payload of
    /// every packet that a peer or service sent or got, lower-case hexadecimal.
    pub packets_sha256: String,
    /// How many such packets.
    pub packets: u64,
    /// Bytes of the peers' packets.
    pub bytes: BytesByKind,
    /// Of each stream, the pictures of the rendered frames with the lowest PSNR: received and source.
    pub pictures: Vec<KeptPicture>,
}

/// A run: a network with services, and peers on a turmoil host.
pub struct World<'a> {
    seed: u64,
    sim: turmoil::Sim<'a>,
    pub(crate) devices: Devices<'a>,
    now: Time,
    /// How far the network has come: where the run ends, which need not be on a step.
    reached: Time,
    timers: Timers,
    pub(crate) collectors: Collectors,
    pub(crate) fabric: Arc<Fabric>,
    names: BTreeMap<HostId, Arc<str>>,
    pub(crate) peers: BTreeMap<HostId, DeviceId>,
    /// What each peer keeps without power.
    flashes: BTreeMap<HostId, Arc<MemoryFlash>>,
    packets: Packets,
    /// A peer was put here, or lost or got its power, since the last step of the peers.
    pub(crate) changed: bool,
    sinks: Sinks<'a>,
    capturing: Option<Capturing<'a>>,
    watch: Option<ProgressWatch<'a>>,
    #[cfg(feature = "guards-off")]
    hash_map_planted: bool,
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("World");
        text.field("seed", &self.seed).field("now", &self.now).finish_non_exhaustive()
    }
}

impl<'a> World<'a> {
    /// A world without peers. `services` is what answers at the hosts of `network` that get no
    /// peer, and `kinds` says what they are, by address.
    ///
    /// # Errors
    /// If the thread is not one of [`simulate`](crate::simulate()).
    pub fn new(
        seed: u64,
        network: Network,
        services: Box<dyn NetworkServices + Send>,
        kinds: BTreeMap<Ipv4Addr, EndKind>,
        sinks: Sinks<'a>,
    ) -> Result<Self, WorldError> {
        if !simulating() {
            return Err(WorldError::NotSimulating);
        }
        let mut sim = turmoil::Builder::new()
            .tick_duration(TICK)
            // Left out, it is the wall clock's.
            .epoch(UNIX_EPOCH + Duration::from_secs(EPOCH_UNIX_S))
            // Left out, it comes from the operating system.
            .rng_seed(seed)
            // Its own network carries nothing.
            .min_message_latency(Duration::ZERO)
            .max_message_latency(Duration::ZERO)
            .simulation_duration(Duration::MAX)
            .build();
        Ok(Self {
            seed,
            devices: Devices::on(&mut sim),
            sim,
            now: Time::ZERO,
            reached: Time::ZERO,
            timers: Timers::start(),
            collectors: Collectors::default(),
            fabric: Fabric::new(seed, network, services),
            names: BTreeMap::new(),
            peers: BTreeMap::new(),
            flashes: BTreeMap::new(),
            packets: Packets::new(kinds),
            changed: false,
            sinks,
            capturing: None,
            watch: None,
            #[cfg(feature = "guards-off")]
            hash_map_planted: false,
        })
    }

    /// Writes every packet that passes from now on to `to`, as a pcapng file. To be called before
    /// peers are added: their cryptography is asked for secrets.
    ///
    /// # Errors
    /// If it is not taken.
    pub fn capture(&mut self, to: CaptureSink<'a>) -> Result<(), WorldError> {
        self.capturing = Some(Capturing::begin(&self.fabric, to)?);
        Ok(())
    }

    /// Tells `watch` at the beginning of each step how far the run has come.
    pub fn watch(&mut self, watch: ProgressWatch<'a>) {
        self.watch = Some(watch);
    }

    /// Plants a use of a hash map whose order shows in the record, for a test to find.
    #[cfg(feature = "guards-off")]
    pub fn plant_hash_map(&mut self) {
        self.hash_map_planted = true;
    }

    /// Puts a peer on `host` and switches it on. `software` makes what runs there, once per boot;
    /// it is to run until it is dropped.
    ///
    /// Its node in the record is the host's name in the network.
    pub fn add_peer<F>(
        &mut self,
        host: HostId,
        device: Arc<dyn Device>,
        software: impl Fn(SimHost) -> F + 'a,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.fabric.add_peer(host);
        self.changed = true;
        let (fabric, timers) = (Arc::clone(&self.fabric), self.timers.clone());
        let collectors = self.collectors.clone();
        let state = HostState::new(self.seed, host, fabric, timers, collectors, device);
        let state = Arc::new(state);
        self.flashes.insert(host, Arc::clone(&state.flash));
        let boot = move || {
            state.reset();
            let ready = state.timers.sleep(state.boot_time());
            let software = software(SimHost::new(Arc::clone(&state)));
            let code = Box::pin(async move {
                ready.await;
                software.await;
            });
            let (name, failures) = (Arc::clone(&state.name), state.failures.clone());
            let task = InHost::new(Arc::clone(&state), code);
            Box::pin(async move {
                if task.await.is_some() {
                    failures.add(&name, "its software ended".to_owned());
                }
            }) as Code
        };
        let device = self.devices.add(Box::new(boot));
        self.peers.insert(host, device);
    }

    /// The time of the next step.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Runs until `end`: all steps before it, and then the network up to it.
    ///
    /// # Errors
    /// As soon as a peer's code panics, ends, or is refused something; or if a packet has no fate.
    pub fn run_until(&mut self, end: Time) -> Result<(), WorldError> {
        while self.now < end {
            self.step()?;
            self.skip(end);
        }
        // What hosts held until then enters the network before anything that is done to it at the end.
        self.leave(end);
        self.fabric.advance(end);
        self.pass_on()?;
        if let Some(capturing) = &mut self.capturing {
            capturing.flush()?;
        }
        self.reached = end;
        if !self.fabric.ledger().balances() {
            return Err(WorldError::Unbalanced { ledger: format!("{:?}", self.fabric.ledger()) });
        }
        Ok(())
    }

    /// One step: the network and its services up to now, timers that are due, then every peer.
    /// For the peers, time stands still.
    ///
    /// After a step every task of every peer waits: for a timer, for a packet, or for another task.
    /// So if no timer goes off and nothing comes, none of them has anything to do, and turmoil,
    /// which would look at each pair of hosts, is not asked. Its own clock falls behind by that;
    /// it is not read.
    ///
    /// # Errors
    /// If a peer's code panics, ends, or is refused something.
    pub fn step(&mut self) -> Result<(), WorldError> {
        if let Some(watch) = &mut self.watch {
            watch(self.now.saturating_since(Time::ZERO));
        }
        self.arrive();
        let timers = self.timers.fire();
        // All three are asked, and forget.
        let stirred = self.fabric.take_stirred();
        let changed = mem::take(&mut self.changed);
        if timers || stirred || changed {
            let stepped = self.sim.step();
            let passed_on = self.pass_on();
            self.check()?;
            passed_on?;
            stepped.map_err(|error| WorldError::Scheduler(error.to_string()))?;
        } else {
            self.pass_on()?;
        }
        self.now += TICK;
        self.reached = self.now;
        Ok(())
    }

    /// Leaves out steps before `end` in which nothing is due: no timer, no packet, no service, nothing held. They are most of a run.
    fn skip(&mut self, end: Time) {
        let due = [self.timers.next(), self.collectors.held.next(), self.fabric.next_deadline()];
        let due = due.into_iter().flatten().min();
        let until = due.map_or(end, |due| due.min(end));
        if self.changed || until <= self.now {
            return;
        }
        let ticks = until.saturating_since(self.now).as_nanos().div_ceil(TICK.as_nanos());
        self.now += TICK * u32::try_from(ticks).unwrap_or(u32::MAX);
        self.reached = self.now;
    }

    /// Brings everything but the peers to the time of the next step.
    pub(crate) fn arrive(&mut self) {
        set_elapsed(self.now.as_nanos());
        self.timers.set(self.now);
        self.leave(self.now);
        self.fabric.advance(self.now);
    }

    /// Sends and records what hosts held that are free again, each at its own time.
    fn leave(&self, until: Time) {
        for (at, host, leaving) in self.collectors.held.due(until) {
            self.fabric.advance(at);
            match leaving {
                Leaving::Packet(packet) => self.fabric.send(host, packet),
                Leaving::Event(node, event) => {
                    let (run_ns, node) = (at.as_nanos(), node.to_string());
                    self.fabric.tell_of(host, Entry { run_ns, node, event });
                }
                Leaving::Value(name, value) => {
                    if let Some(flash) = self.flashes.get(&host) {
                        flash.store(&name, &value);
                    }
                }
            }
        }
    }

    /// Ends the run: writes the last event, and says what is left.
    pub fn finish(mut self) -> SimOutcome {
        self.fabric.end_loads();
        self.fabric.take_told().entries.into_iter().for_each(&mut self.sinks.entry);
        let bytes = self.packets.bytes();
        let BytesByKind { direct, turn, signalling } = bytes;
        let event = Event::Bytes { direct, turn, signalling };
        (self.sinks.entry)(Entry {
            run_ns: self.reached.as_nanos(),
            node: "world".to_owned(),
            event,
        });
        SimOutcome {
            duration: self.reached.saturating_since(Time::ZERO),
            packets_sha256: self.packets.sha256(),
            packets: self.packets.count(),
            bytes,
            pictures: self.collectors.pictures.kept(),
        }
    }

    /// Passes on what happened.
    ///
    /// # Errors
    /// If a capture is not taken.
    fn pass_on(&mut self) -> Result<(), WorldError> {
        let told = self.fabric.take_told();
        #[cfg(feature = "guards-off")]
        let told =
            if self.hash_map_planted { crate::plant::through_a_hash_map(told) } else { told };
        told.entries.into_iter().for_each(&mut self.sinks.entry);
        for (at, direction, host, packet) in told.packets {
            let name = self.names.entry(host).or_insert_with(|| self.fabric.host(host).0);
            let seen = PacketSeen { at, direction, host: name, packet: &packet };
            self.packets.see(&seen, self.peers.contains_key(&host));
            if let Some(sink) = &mut self.sinks.packet {
                sink(&seen);
            }
        }
        if let Some(capturing) = &mut self.capturing {
            for captured in &told.captured {
                capturing.write(captured)?;
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), WorldError> {
        let at = self.now.saturating_since(Time::ZERO);
        // First the refusal: a panic may come of it.
        if let Some(what) = refusals().into_iter().next() {
            return Err(WorldError::Refused { at, what });
        }
        match self.collectors.failures.first() {
            Some(Failure { peer, what }) => Err(WorldError::Peer { peer, at, what }),
            None => Ok(()),
        }
    }
}
