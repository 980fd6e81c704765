//! A browser as the viewer of a scenario: Chromium, in a network namespace behind its own gateway of the lab.
//!
//! Its media go over a cable into the lab, as a board's do; its signalling is spoken at its place in the network,
//! by the very viewer that simulation has, whose sessions a page in the browser makes.

mod chromium;
mod devtools;
mod live;
mod message;
mod namespace;
mod sandbox;
mod screen;
mod viewer;
mod wire;

use self::{
    chromium::Chromium,
    devtools::Arrived,
    namespace::Namespace,
    viewer::{Given, OnWire, view},
    wire::Passed,
};
use crate::state::is_program;
use parallax_fabric::{Direction, RENDEZVOUS_PORT, Setting, SetupError, films};
use parallax_lab::{BoardProxy, CableError, Interface, PacketWatch, StopSignal};
use parallax_network::Protocol;
use parallax_peer::viewer::ViewerConfig;
use parallax_scenario::{Action, Peer, Scenario};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(crate) use self::viewer::BrowserFindings;

/// Why there is no browser.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// Its namespace.
    #[error(
        "failed to make a network namespace for the browser: `ip {words}`: {cause}\n  help: see whether namespaces \
         may be made here (root, `CAP_SYS_ADMIN` in a container)"
    )]
    Namespace {
        /// Arguments of `ip`.
        words: String,
        /// What it said.
        cause: String,
    },
    /// Its cable.
    #[error(transparent)]
    Cable(#[from] CableError),
    /// It does not start.
    #[error(
        "failed to start chromium: {0}\n  help: see whether `chromium --headless --no-sandbox --dump-dom about:blank` \
         works here"
    )]
    Start(String),
    /// The scenario has no viewer for it.
    #[error("failed to make a viewer of the browser: {0}")]
    Unfit(String),
    /// What the scenario's viewer would be.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The viewer that a browser takes the place of.
fn peer(scenario: &Scenario) -> Result<&Peer, String> {
    let mut viewers = scenario.peers.iter().filter(|peer| peer.viewer.is_some());
    let (Some(peer), None) = (viewers.next(), viewers.next()) else {
        let count = scenario.peers.iter().filter(|peer| peer.viewer.is_some()).count();
        return Err(format!("it has {count} viewers, and the browser is one"));
    };
    let takes_power =
        |action: &Action| matches!(action, Action::PowerLoss { peer: of } if *of == peer.name);
    if scenario.events.iter().any(|event| takes_power(&event.action)) {
        return Err(format!("`{}` loses its power, and a browser has none to lose", peer.name));
    }
    Ok(peer)
}

/// Why a browser cannot be the viewer of a scenario here; none: it can.
pub fn why_no_browser(scenario: &Scenario) -> Option<String> {
    if let Err(why) = peer(scenario) {
        return Some(why);
    }
    let there = [
        ("chromium", is_program("chromium")),
        ("iproute2", is_program("ip")),
        ("root", namespace::is_root()),
    ];
    let missing: Vec<&str> =
        there.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect();
    (!missing.is_empty()).then(|| format!("a browser as the viewer needs {}", missing.join(", ")))
}

/// Removes the network namespaces of browsers whose benches were killed; gives their names.
pub fn clear_browsers() -> Vec<String> {
    namespace::sweep()
}

/// A browser that runs, before its run. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Browser {
    /// The peer's name.
    pub(crate) peer: String,
    pub(crate) word: Arc<BrowserFindings>,
    namespace: Arc<Namespace>,
    chromium: Chromium,
    config: ViewerConfig,
}

/// How a browser takes part in a run.
pub(crate) struct Plugged {
    pub(crate) cable: Interface,
    pub(crate) proxy: BoardProxy,
    pub(crate) watch: PacketWatch,
}

impl Browser {
    /// Starts one for the viewer of a scenario.
    pub(crate) fn start(scenario: &Scenario, seed: u64) -> Result<Self, BrowserError> {
        let peer = peer(scenario).map_err(BrowserError::Unfit)?;
        let unfit = |why: &str| BrowserError::Unfit(format!("`{}` {why}", peer.name));
        let site = scenario.site(&peer.site).ok_or_else(|| unfit("stands nowhere"))?;
        let rendezvous = scenario.services.rendezvous.map(|at| (at, RENDEZVOUS_PORT).into());
        let setting = Setting::new(scenario, seed, films(scenario)?, rendezvous);
        let software = setting.software(peer)?;
        let config = software.viewer().ok_or_else(|| unfit("is no viewer"))?.clone();
        let lan = site.network;
        let namespace = Arc::new(Namespace::make(peer.address, lan.gateway(), lan.prefix())?);
        let chromium = Chromium::start(&namespace)?;
        let (peer, word) = (peer.name.clone(), Arc::default());
        Ok(Self { peer, word, namespace, chromium, config })
    }

    /// What it calls itself, such as `Chrome/156.0.8078.108`; and that it has no sandbox, if it has none.
    pub(crate) fn version(&self) -> String {
        match self.unconfined() {
            None => self.chromium.version.clone(),
            Some(why) => format!("{} without its sandbox ({why})", self.chromium.version),
        }
    }

    /// Why it has no sandbox, if it has none.
    pub(crate) fn unconfined(&self) -> Option<&str> {
        self.chromium.unconfined.as_deref()
    }

    /// Plugs it into a lab. If it ends before the run does, it stops that. `bound_us` gets how far times of its
    /// clock may be from the truth.
    pub(crate) fn plug(
        &mut self,
        stop: &StopSignal,
        bound_us: Arc<AtomicU64>,
    ) -> Result<Plugged, BrowserError> {
        let cable = Interface::open(&self.namespace.cable)?;
        self.word = Arc::new(BrowserFindings::new(bound_us));
        let (tell, arrived) = unbounded_channel::<Arrived>();
        self.chromium.devtools.hears(move |what| {
            // After the run there is no receiver.
            let _ = tell.send(what);
        });
        let (watch, wire) = watch(self.peer.clone());
        let given = Given {
            config: self.config.clone(),
            devtools: self.chromium.devtools.clone(),
            exchanges: std::mem::take(&mut self.chromium.exchanges),
            resolution_ns: self.chromium.resolution_ns,
            arrived,
            wire,
            word: Arc::clone(&self.word),
            stop: stop.clone(),
        };
        let given = Mutex::new(Some(given));
        let proxy = BoardProxy::new(move |place| {
            let given = lock(&given).take();
            async move {
                // It has power once.
                if let Some(given) = given {
                    view(place, given).await;
                }
            }
        });
        Ok(Plugged { cable, proxy, watch })
    }
}

/// Sees the media that come to a peer, and its ICE checks.
fn watch(peer: String) -> (PacketWatch, UnboundedReceiver<OnWire>) {
    let (tell, wire) = unbounded_channel();
    let watch = PacketWatch::new(move |seen| {
        let packet = seen.packet;
        let sent = seen.direction == Direction::Sent;
        if seen.host == peer
            && packet.transport.protocol() == Protocol::Udp
            && let Some(passed) =
                Passed::read(sent, packet.source, packet.destination, &packet.payload)
        {
            // After the run there is no receiver.
            let _ = tell.send((seen.at.as_nanos(), passed));
        }
    });
    (watch, wire)
}
