//! A scenario in the lab.

use crate::{
    board_end::BoardEnd,
    board_proxy::BoardProxy,
    cable::Cable,
    clock::RunClock,
    driver::{Bell, LabDriver, Observed},
    error::LabError,
    host::{LabHost, LabHostState},
    lateness::{DEFAULT_BUDGET, Lateness},
    lock,
    port::{FrameRefusal, LabNames, Port, PortCounts},
    powered::Powered,
    realtime,
    side_channel::SideChannel,
    stop::StopSignal,
    watch::PacketWatch,
    wire::BoardWire,
};
use parallax_fabric::{
    Assembly, Fabric, KeptPicture, Live, Packets, Pictures, ProfiledDevice, Software, act,
    assemble, films, steps,
};
use parallax_network::{HostId, Time};
use parallax_peer::BoxedTask;
use parallax_record::{Entry, Event, counted};
use parallax_scenario::Scenario;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc::Sender},
    thread,
    time::Duration,
};

/// What stands at a peer's place if not software of the lab's own.
#[derive(Debug)]
pub enum ExternalPeer {
    /// A board behind Ethernet.
    Board(Box<dyn Cable>),
    /// Nothing: its device is switched off.
    Nothing,
}

/// An external peer gets its power, or loses it.
#[derive(Clone, Debug)]
pub struct PowerChange {
    /// The peer's name.
    pub peer: String,
    /// Which of the two.
    pub on: bool,
    /// The run's clock.
    pub clock: RunClock,
}

/// How a run goes.
pub struct Config {
    /// Of all of the lab's own randomness.
    pub seed: u64,
    /// What the 99th percentile of lateness may be.
    pub budget: Duration,
    /// Peers that are not software inside the lab, by name.
    pub outside: BTreeMap<String, ExternalPeer>,
    /// Proxies for boards' TCP, by the peer's name. Connections that such a board opens itself are the
    /// board's; all other TCP to its address is the proxy's.
    pub proxies: BTreeMap<String, BoardProxy>,
    /// Lines to boards, by the peer's name.
    pub lines: BTreeMap<String, SideChannel>,
    /// Who hears of events as they come, in the order in which the lab learns of them: whatever happens
    /// to it later, they were told.
    pub told: Option<Sender<Vec<Entry>>>,
    /// Who hears when external peers get and lose their power: as the run begins, and as the script says.
    pub power: Option<Sender<PowerChange>>,
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
            proxies: BTreeMap::new(),
            lines: BTreeMap::new(),
            told: None,
            power: None,
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
    let Config {
        seed,
        budget,
        mut outside,
        mut proxies,
        mut lines,
        told: sink,
        power,
        stop,
        watch,
    } = config;
    if let Some(name) =
        outside.keys().chain(proxies.keys()).find(|name| scenario.peer(name).is_none())
    {
        return Err(LabError::NoSuchPeer { name: name.clone() });
    }
    let Assembly { network, hosts, hosted, kinds, setting } =
        assemble(scenario, seed, films(scenario)?)?;

    let (clock, bell) = (RunClock::start(), Arc::new(Bell::default()));
    let ring = Arc::clone(&bell);
    let live = Live { now: Box::new(move || clock.now()), changed: Box::new(move || ring.ring()) };
    let fabric = Fabric::live(seed, network, Box::new(hosted), live);
    let (mut boards, mut powered) = (BTreeMap::new(), Powered::default());
    let pictures = Pictures::default();
    for (peer, host) in scenario.peers.iter().zip(&hosts) {
        let state = || {
            fabric.add_peer(*host);
            let (fabric, device) = (Arc::clone(&fabric), ProfiledDevice::of(scenario, peer));
            Arc::new(LabHostState::new(seed, *host, fabric, clock, device, pictures.clone()))
        };
        match outside.remove(&peer.name) {
            None => {
                let (software, state) = (setting.software(peer)?, state());
                powered.add(*host, move |_| booted(&state, software.clone()));
            }
            Some(ExternalPeer::Nothing) => {}
            Some(ExternalPeer::Board(cable)) => {
                let Some(site) = scenario.site(&peer.site) else { continue };
                let lan = site.network;
                let names = LabNames::of(&scenario.services.addresses(), lan.gateway());
                let port = Port::new(peer.address, lan.gateway(), lan.prefix(), names);
                let proxy = proxies.remove(&peer.name);
                if let Some(proxy) = proxy {
                    let state = state();
                    powered.add(*host, move |power| proxy.boot(&state, power));
                }
                let wire = Arc::new(BoardWire::new(port, cable));
                let line = lines.remove(&peer.name);
                if let Some(line) = &line {
                    line.plug(&wire);
                }
                boards.insert(*host, Arc::new(BoardEnd { host: *host, wire, line }));
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
        let end = follow(&mut driver, &mut powered, scenario, power.as_ref());
        // No peer is switched any more.
        drop(power);
        // Proxies end before their threads are waited for.
        drop(powered);
        listening.now();
        end
    })?;
    finish(driver, end, budget, &pictures)
}

/// The code of one boot of a peer: its software, after the device's boot time.
fn booted(state: &Arc<LabHostState>, software: Software) -> BoxedTask {
    let (boot, state) = (state.boot_time(), Arc::clone(state));
    let host = LabHost(Arc::clone(&state));
    Box::pin(Arc::clone(&state).guard(async move {
        tokio::time::sleep(boot).await;
        software.run(host).await;
        state.tell(Event::Fault { text: "its software ended".to_owned() });
    }))
}

/// Follows the script to the end of the scenario, or until the run is stopped. Says when that was.
fn follow(
    driver: &mut LabDriver,
    powered: &mut Powered,
    scenario: &Scenario,
    power: Option<&Sender<PowerChange>>,
) -> Result<Time, LabError> {
    let tell = |driver: &LabDriver, host: HostId, on: bool| {
        let peer = driver.fabric.host(host).0.to_string();
        // Without a receiver, no peer is switched by the caller.
        power.map(|power| power.send(PowerChange { peer, on, clock: driver.clock }));
    };
    for host in driver.boards.keys() {
        tell(driver, *host, true);
    }
    powered.all_on()?;
    for step in steps(scenario) {
        if let Some(stopped) = drive(driver, step.at) {
            return Ok(stopped);
        }
        let acted = act(&driver.fabric, step)?;
        if let Some((host, on)) = acted
            && let Some(board) = driver.boards.get(&host)
        {
            board.wire.power(on);
            tell(driver, host, on);
        }
        match acted {
            Some((host, true)) => {
                driver.fabric.power_on(host);
                powered.on(host)?;
            }
            Some((host, false)) => {
                driver.fabric.power_off(host);
                powered.off(host);
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
        for text in lock(&wire.port).counts().asked_in_vain() {
            entries.push(last(&name, Event::Note { text }));
        }
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
