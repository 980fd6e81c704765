//! A scenario in the lab.

use crate::{
    beside::{BoardProxies, BoardProxy},
    board_end::BoardEnd,
    cable::Cable,
    clock::RunClock,
    driver::{Bell, LabDriver, Observed},
    error::LabError,
    host::{LabHost, LabHostState},
    lateness::{DEFAULT_BUDGET, Lateness},
    line::SideChannel,
    lock,
    port::{FrameRefusal, Port, PortCounts},
    realtime,
    stop::StopSignal,
    watch::PacketWatch,
    wire::BoardWire,
};
use parallax_fabric::{
    Fabric, KeptPicture, Live, Packets, Pictures, Placed, ProfiledDevice, Setting, Software, act,
    films, place, place_peers, steps,
};
use parallax_network::{HostId, Network, Time};
use parallax_record::{Entry, Event, counted};
use parallax_scenario::Scenario;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc::Sender},
    thread,
    time::Duration,
};
use tokio::runtime::Runtime;

/// Stack of a peer's threads, bytes: its futures are deep in a build without optimisation.
const STACK: usize = 32 << 20;

/// What stands at a peer's place if not software of the lab's own.
#[derive(Debug)]
pub enum ExternalPeer {
    /// A board behind Ethernet.
    Board(Box<dyn Cable>),
    /// Nothing: its device is switched off.
    Nothing,
}

/// How a run goes.
#[derive(Debug)]
pub struct Config {
    /// Of all of the lab's own randomness.
    pub seed: u64,
    /// What the 99th percentile of lateness may be.
    pub budget: Duration,
    /// Peers that are not software inside the lab, by name.
    pub outside: BTreeMap<String, ExternalPeer>,
    /// What speaks TCP on behalf of boards, by the peer's name. TCP of such a board's own is refused.
    pub beside: BTreeMap<String, BoardProxy>,
    /// Lines to boards, by the peer's name.
    pub lines: BTreeMap<String, SideChannel>,
    /// Who hears of events as they come, in the order in which the lab learns of them: whatever happens
    /// to it later, they were told.
    pub told: Option<Sender<Vec<Entry>>>,
    /// Ends the run early.
    pub stop: StopSignal,
    /// Observer of packets as they pass, if there is one.
    pub watch: Option<PacketWatch>,
}

impl Config {
    /// All peers inside, the default budget.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            budget: DEFAULT_BUDGET,
            outside: BTreeMap::new(),
            beside: BTreeMap::new(),
            lines: BTreeMap::new(),
            told: None,
            stop: StopSignal::default(),
            watch: None,
        }
    }
}

/// What is left of a run.
#[derive(Clone, Debug)]
pub struct LabOutcome {
    /// All events, in the order of time.
    pub entries: Vec<Entry>,
    /// SHA-256 over all packets with their exact times, as of a simulated run.
    pub packets_sha256: String,
    /// Of each stream at a viewer inside, the pictures of the rendered frames with the lowest PSNR:
    /// received and source.
    pub pictures: Vec<KeptPicture>,
    /// How late packets reached peers.
    pub lateness: Lateness,
    /// What passed the port of each board.
    pub ports: BTreeMap<String, PortCounts>,
    /// How long it took, on the run's clock: less than the scenario's duration if it was stopped.
    pub duration: Duration,
}

/// Runs a scenario in real time, from power on of all peers to its duration.
///
/// # Errors
/// If it cannot be set up, or the system refuses what the lab needs. What a peer does wrong is in the
/// record.
pub fn run(scenario: &Scenario, config: Config) -> Result<LabOutcome, LabError> {
    let Config { seed, budget, outside, mut beside, mut lines, told: sink, stop, watch } = config;
    if let Some(name) =
        outside.keys().chain(beside.keys()).find(|name| scenario.peer(name).is_none())
    {
        return Err(LabError::NoSuchPeer { name: name.clone() });
    }
    let films = films(scenario)?;
    let mut network = Network::new(seed);
    let hosts = place_peers(scenario, &mut network)?;
    let Placed { hosted, kinds, rendezvous } = place(scenario, seed, &mut network)?;
    let setting = Setting::new(scenario, seed, films, rendezvous);

    let (clock, bell) = (RunClock::start(), Arc::new(Bell::default()));
    let ring = Arc::clone(&bell);
    let live = Live { now: Box::new(move || clock.now()), changed: Box::new(move || ring.ring()) };
    let fabric = Fabric::live(seed, network, Box::new(hosted), live);
    let mut outside = outside;
    let (mut boards, mut inside) = (BTreeMap::new(), Inside::default());
    let mut besides = BoardProxies::default();
    let pictures = Pictures::default();
    for (peer, host) in scenario.peers.iter().zip(&hosts) {
        match outside.remove(&peer.name) {
            None => {
                let software = setting.software(peer)?;
                fabric.add_peer(*host);
                let device = ProfiledDevice::of(scenario, peer);
                let pictures = pictures.clone();
                let state =
                    LabHostState::new(seed, *host, Arc::clone(&fabric), clock, device, pictures);
                inside.0.insert(*host, Peer { state: Arc::new(state), software, runtime: None });
            }
            Some(ExternalPeer::Nothing) => {}
            Some(ExternalPeer::Board(cable)) => {
                let Some(site) = scenario.site(&peer.site) else { continue };
                let lan = site.network;
                let port = Port::new(peer.address, lan.gateway(), lan.prefix());
                let beside = beside.remove(&peer.name);
                let has_tcp = beside.is_none();
                if let Some(beside) = beside {
                    fabric.add_peer(*host);
                    let device = ProfiledDevice::of(scenario, peer);
                    let pictures = pictures.clone();
                    let state = LabHostState::new(
                        seed,
                        *host,
                        Arc::clone(&fabric),
                        clock,
                        device,
                        pictures,
                    );
                    besides.add(&fabric, clock, Arc::new(state), beside);
                }
                let wire = Arc::new(BoardWire::new(port, cable));
                let line = lines.remove(&peer.name);
                if let Some(line) = &line {
                    line.plug(&wire);
                }
                boards.insert(*host, Arc::new(BoardEnd { host: *host, wire, has_tcp, line }));
            }
        }
    }
    let peers: BTreeSet<HostId> = hosts.into_iter().collect();
    let (packets, lateness) = (Packets::new(kinds), Lateness::default());
    let observed = Observed { entries: Vec::new(), packets, lateness, sink };
    let listening = StopSignal::default();
    let priority = None;
    let mut driver =
        LabDriver { fabric, clock, bell, stop, peers, boards, observed, watch, priority };
    let end = thread::scope(|scope| {
        for board in driver.boards.values() {
            let (board, fabric) = (Arc::clone(board), Arc::clone(&driver.fabric));
            let listening = listening.clone();
            scope.spawn(move || board.listen(&fabric, &listening));
        }
        let end = follow(&mut driver, &mut inside, &mut besides, scenario);
        // Proxies end before their threads are waited for.
        drop(besides);
        listening.now();
        end
    })?;
    drop(inside);
    finish(driver, end, budget, &pictures)
}

/// Follows the script to the end of the scenario, or until the run is stopped. Says when that was.
fn follow(
    driver: &mut LabDriver,
    inside: &mut Inside,
    besides: &mut BoardProxies,
    scenario: &Scenario,
) -> Result<Time, LabError> {
    besides.all_on()?;
    inside.all_on()?;
    for step in steps(scenario) {
        if let Some(stopped) = drive(driver, step.at) {
            return Ok(stopped);
        }
        let acted = act(&driver.fabric, step)?;
        if let Some((host, on)) = acted
            && let Some(board) = driver.boards.get(&host)
        {
            board.wire.power(on);
        }
        match acted {
            Some((host, true)) => {
                driver.fabric.power_on(host);
                inside.on(host)?;
                besides.on(host)?;
            }
            Some((host, false)) => {
                driver.fabric.power_off(host);
                inside.off(host);
                besides.off(host);
            }
            None => {}
        }
    }
    let end = Time::ZERO + scenario.duration;
    Ok(drive(driver, end).unwrap_or(end))
}

/// Drives up to `end`, in a thread of its own: its priority would pass to the threads of the peers
/// that the script switches on.
fn drive(driver: &mut LabDriver, end: Time) -> Option<Time> {
    let driven = thread::scope(|scope| {
        let drive = || {
            driver.priority = Some(realtime::told(&realtime::raise()));
            driver.run_until(end)
        };
        scope.spawn(drive).join()
    });
    driven.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn finish(
    mut driver: LabDriver,
    end: Time,
    budget: Duration,
    pictures: &Pictures,
) -> Result<LabOutcome, LabError> {
    driver.end_loads();
    let LabDriver { fabric, boards, observed, priority, .. } = driver;
    let Observed { mut entries, packets, lateness, .. } = observed;
    let ledger = fabric.ledger();
    if !ledger.balances() {
        return Err(LabError::Unbalanced { ledger: format!("{ledger:?}") });
    }
    let first = |text| Entry { run_ns: 0, node: "lab".to_owned(), event: Event::Note { text } };
    entries.extend(priority.map(first));
    // Entries of threads come in no order; and those after the end are not part of the run.
    entries.retain(|entry| entry.run_ns <= end.as_nanos());
    entries.sort_by_key(|entry| entry.run_ns);
    let bytes = packets.bytes();
    let bytes =
        Event::Bytes { direct: bytes.direct, turn: bytes.turn, signalling: bytes.signalling };
    let last = |node: &str, event| Entry { run_ns: end.as_nanos(), node: node.to_owned(), event };
    entries.push(last("lab", lateness.event(budget)));
    entries.push(last("world", bytes));
    for (host, board) in &boards {
        let wire = &board.wire;
        if let Some(frames) = lock(&wire.port).counts().refused.get(&FrameRefusal::NotTaken) {
            let text = format!("not taken from its cable: {}", counted(*frames, "frame"));
            entries.push(last(&fabric.host(*host).0, Event::Note { text }));
        }
        let name = fabric.host(*host).0;
        if let Some(text) = wire.lost_text(&name) {
            entries.push(last(&name, Event::LabFellShort { text }));
        }
    }
    let counts = |(host, board): (&HostId, &Arc<BoardEnd>)| {
        (fabric.host(*host).0.to_string(), lock(&board.wire.port).counts().clone())
    };
    Ok(LabOutcome {
        entries,
        packets_sha256: packets.sha256(),
        pictures: pictures.kept(),
        lateness,
        ports: boards.iter().map(counts).collect(),
        duration: end.saturating_since(Time::ZERO),
    })
}

/// The peers inside. Each has threads of its own, which end with its power.
#[derive(Default)]
struct Inside(BTreeMap<HostId, Peer>);

struct Peer {
    state: Arc<LabHostState>,
    software: Software,
    runtime: Option<Runtime>,
}

impl Inside {
    fn all_on(&mut self) -> Result<(), LabError> {
        self.0.values_mut().try_for_each(Peer::on)
    }

    fn on(&mut self, host: HostId) -> Result<(), LabError> {
        self.0.get_mut(&host).map_or(Ok(()), Peer::on)
    }

    fn off(&mut self, host: HostId) {
        if let Some(peer) = self.0.get_mut(&host) {
            peer.off();
        }
    }
}

impl Peer {
    fn on(&mut self) -> Result<(), LabError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_stack_size(STACK)
            .enable_time()
            .build()
            .map_err(LabError::system("start a peer's threads"))?;
        let (state, software) = (Arc::clone(&self.state), self.software.clone());
        let boot = state.boot_time();
        let code = async move {
            tokio::time::sleep(boot).await;
            software.run(LabHost(Arc::clone(&state))).await;
            state.tell(Event::Fault { text: "its software ended".to_owned() });
        };
        runtime.spawn(Arc::clone(&self.state).guard(code));
        self.runtime = Some(runtime);
        Ok(())
    }

    fn off(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.off();
    }
}
