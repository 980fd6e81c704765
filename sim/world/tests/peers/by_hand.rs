//! A street whose peers lose their power, whose TURN server is silent, whose viewers know a wrong
//! token: what a scenario cannot say.

#[path = "../../../services/tests/common/services.rs"]
mod services;

use crate::street::{Kept, Street, in_one_lan, sinks};
use parallax_media::Clip;
use parallax_network::{HostId, Network, Packet, Time};
use parallax_peer::{
    Host, SourceClip, TooLarge, Work,
    camera::{self, CameraConfig, Media, Signalling},
    viewer::{self, Playing, View, ViewerConfig},
};
use parallax_record::{Ice, Stage};
use parallax_scenario::{Camera, Peer, Scenario, Viewer};
use parallax_services::NetworkService;
use parallax_signalling::Token;
use parallax_world::{
    Device, Guards, Instantly, NetworkServices, SimHost, World, WorldError, simulate,
};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

const STUN_TURN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 30);
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 99);
const RENDEZVOUS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

/// What is not as it should be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// Until then the STUN and TURN server answers nobody.
    pub(crate) relay_silent_until: Duration,
    /// This viewer shows the token of this camera, whatever it views.
    pub(crate) wrong_token: Option<(&'static str, &'static str)>,
    /// All are in one LAN without Internet, and cameras are their own rendezvous.
    pub(crate) lan: bool,
    /// Somebody else at the first site.
    pub(crate) neighbour: Option<Neighbour>,
}

/// What runs at another host of the cameras' site; it is told where the first camera listens.
pub(crate) type Neighbour = fn(SimHost, SocketAddr) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// The certificates that a peer had in flash: as each boot began, and last as the run ended.
pub(crate) type Certificates = Vec<Option<Vec<u8>>>;

/// What `script` moves: the world, and its peers by name.
pub(crate) struct Hand<'w, 'a> {
    pub(crate) world: &'w mut World<'a>,
    pub(crate) peers: BTreeMap<String, HostId>,
}

/// Runs a street as `script` says. Also gives the certificates of its first camera.
pub(crate) fn run_by_hand(
    street: &Street,
    faults: &Faults,
    script: impl FnOnce(Hand<'_, '_>) -> Result<(), WorldError> + Send,
) -> (Kept, Certificates) {
    let (mut kept, flashes) = (Kept::default(), Arc::new(Mutex::new(Vec::new())));
    let Kept { entries, packets } = &mut kept;
    let mut scenario = street.scenario();
    if faults.lan {
        in_one_lan(&mut scenario);
    }
    let code = || {
        let mut network = Network::new(1);
        let peers = place(&scenario, &mut network)?;
        let home = network.site_named(&scenario.sites[0].name).expect("a site");
        let neighbour = network.add_host("neighbour", home, NEIGHBOUR)?;
        let core: Box<dyn NetworkServices + Send> =
            if faults.lan { Box::new(Nobody) } else { Box::new(Core::new(&mut network, faults)?) };
        let sinks = sinks(entries, packets);
        let mut world = World::new(1, network, core, BTreeMap::new(), sinks)?;
        let hosts: Arc<Mutex<Option<SimHost>>> = Arc::default();
        for peer in &scenario.peers {
            let config = config(&scenario, peer, faults)?;
            let device = Arc::new(Constant(street.clone(), peer.camera.is_some()));
            let first = peer.name == street.cameras[0];
            let (flashes, hosts) = (Arc::clone(&flashes), Arc::clone(&hosts));
            world.add_peer(peers[&peer.name], device, move |host| {
                if first {
                    flashes.lock().expect("no panic").push(host.flash().load("certificate"));
                    *hosts.lock().expect("no panic") = Some(host.clone());
                }
                config.clone().run(host)
            });
        }
        if let Some(software) = faults.neighbour {
            let camera = SocketAddr::from((scenario.peers[0].address, 80));
            world.add_peer(neighbour, Arc::new(Instantly), move |host| software(host, camera));
        }
        script(Hand { world: &mut world, peers })?;
        world.finish();
        let host = hosts.lock().expect("no panic").take().expect("a camera");
        flashes.lock().expect("no panic").push(host.flash().load("certificate"));
        Ok::<_, WorldError>(())
    };
    simulate(1, Guards::default(), code).expect("a simulation").expect("a run");
    let flashes = flashes.lock().expect("no panic").clone();
    (kept, flashes)
}

fn place(
    scenario: &Scenario,
    network: &mut Network,
) -> Result<BTreeMap<String, HostId>, WorldError> {
    let mut sites = BTreeMap::new();
    for site in &scenario.sites {
        sites.insert(&site.name, network.add_site(&site.name, site.config())?);
    }
    let place = |peer: &Peer| {
        let host = network.add_host(&peer.name, sites[&peer.site], peer.address)?;
        Ok((peer.name.clone(), host))
    };
    scenario.peers.iter().map(place).collect()
}

/// No services are there.
struct Nobody;

impl NetworkServices for Nobody {
    fn handle(&mut self, _now: Time, host: HostId, packet: &Packet) -> bool {
        panic!("{packet:?} to {host:?}");
    }

    fn poll(&mut self, _now: Time) -> Option<(HostId, Packet)> {
        None
    }

    fn next_deadline(&mut self, _now: Time) -> Option<Time> {
        None
    }

    fn kill(&mut self, host: HostId) {
        panic!("{host:?}");
    }

    fn restart(&mut self, host: HostId) {
        panic!("{host:?}");
    }
}

/// What runs on a peer.
#[derive(Clone)]
enum Config {
    Camera(CameraConfig),
    Viewer(ViewerConfig),
}

impl Config {
    async fn run(self, host: SimHost) {
        match self {
            Self::Camera(config) => camera::run(host, config).await,
            Self::Viewer(config) => viewer::run(host, config).await,
        }
    }
}

fn config(scenario: &Scenario, peer: &Peer, faults: &Faults) -> Result<Config, WorldError> {
    let rendezvous = |camera: &str| {
        let own = scenario.peer(camera).filter(|_| faults.lan).map(|peer| peer.address);
        SocketAddr::from((own.unwrap_or(RENDEZVOUS), 80))
    };
    let token = |camera: &str| Token::new(format!("token-of-the-{camera}"));
    if let Some(camera) = &peer.camera {
        let camera = &camera.config;
        let open =
            |size| Ok::<_, TooLarge>(Clip::open(&camera.clip, size).expect("it is built in"));
        let source = SourceClip::open(camera, open).expect("small");
        let (name, token) = (peer.name.clone(), token(&peer.name));
        let at = rendezvous(&peer.name);
        return Ok(Config::Camera(CameraConfig {
            name,
            token,
            signalling: if faults.lan { Signalling::Own(at) } else { Signalling::Rendezvous(at) },
            camera: Camera { pacer_bps: None, congestion_control: None, ..camera.clone() },
            media: Media::Live(source),
            ice: Ice::default(),
        }));
    }
    let viewer = scenario.peer(&peer.name).and_then(|peer| peer.viewer.as_ref()).expect("a viewer");
    let shown = |camera: &str| match faults.wrong_token {
        Some((viewer, other)) if viewer == peer.name => token(other),
        _ => token(camera),
    };
    let view = |camera: &String| View {
        camera: camera.clone(),
        token: shown(camera),
        rendezvous: rendezvous(camera),
        playing: Playing::Decodes(None),
    };
    Ok(Config::Viewer(ViewerConfig {
        name: peer.name.clone(),
        views: viewer.cameras.iter().map(view).collect(),
        viewer: Viewer { nack: None, asks_at: Duration::ZERO, ..viewer.clone() },
        ice: Ice::default(),
    }))
}

/// The street's device, and whether it is a camera.
struct Constant(Street, bool);

impl Device for Constant {
    fn boot_time(&self, _random: &mut ChaCha8Rng) -> Duration {
        if self.1 { self.0.boot } else { Duration::from_micros(2_500) }
    }

    fn work_time(&self, work: Work, _random: &mut ChaCha8Rng) -> Duration {
        match work {
            Work::Stage(Stage::Capture) => self.0.capture,
            Work::Stage(Stage::Encode) => self.0.encode,
            _ => Duration::from_micros(2_500),
        }
    }
}

/// STUN, TURN and rendezvous, of which the first two may be silent.
struct Core {
    services: services::Services,
    stun_turn: HostId,
    rendezvous: HostId,
    silent_until: Time,
    killed: BTreeSet<HostId>,
}

impl Core {
    fn new(network: &mut Network, faults: &Faults) -> Result<Self, WorldError> {
        let config = services::ServicesConfig {
            stun_turn: STUN_TURN,
            rendezvous: RENDEZVOUS,
            realm: "street".to_owned(),
            username: "street".to_owned(),
            password: "of the street".to_owned(),
        };
        Ok(Self {
            services: services::Services::new(config, 1)?,
            stun_turn: network.add_service("turn", STUN_TURN)?,
            rendezvous: network.add_service("rendezvous", RENDEZVOUS)?,
            silent_until: Time::ZERO + faults.relay_silent_until,
            killed: BTreeSet::new(),
        })
    }
}

impl NetworkServices for Core {
    fn handle(&mut self, now: Time, host: HostId, packet: &Packet) -> bool {
        let hears = host == self.rendezvous || now >= self.silent_until;
        self.killed.contains(&host) || !hears || self.services.handle(now, packet)
    }

    fn poll(&mut self, now: Time) -> Option<(HostId, Packet)> {
        loop {
            let packet = self.services.poll(now)?;
            let at_turn = *packet.source.ip() == STUN_TURN;
            let from = if at_turn { self.stun_turn } else { self.rendezvous };
            if !self.killed.contains(&from) {
                return Some((from, packet));
            }
        }
    }

    fn next_deadline(&mut self, now: Time) -> Option<Time> {
        self.services.next_deadline(now)
    }

    fn kill(&mut self, host: HostId) {
        self.killed.insert(host);
    }

    fn restart(&mut self, host: HostId) {
        self.killed.remove(&host);
        if host == self.rendezvous {
            self.services.rendezvous.restart();
        } else {
            self.services.stun_turn.restart();
        }
    }
}
