//! The services of a scenario, on the network.

use crate::{error::WorldError, fabric::Services, packets::EndKind};
use parallax_network::{HostId, Network, Packet, Time, random};
use parallax_scenario::Scenario;
use parallax_services::{RelayConfig, RendezvousService, Service, StunTurn};
use parallax_signalling::IceServer;
use rand_core::Rng;
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
};

/// The port of STUN and TURN (RFC 8489 section 17.4).
pub(crate) const STUN_PORT: u16 = 3478;
/// The port of the rendezvous: plain WebSocket.
pub(crate) const RENDEZVOUS_PORT: u16 = 80;
/// The realm of the TURN server, and its one user.
const REALM: &str = "parallax";
const USER: &str = "parallax";

/// The services of a run: each at its host.
pub(crate) struct Hosted(Vec<Place>);

struct Place {
    host: HostId,
    service: Box<dyn Service + Send>,
    /// It has not been killed.
    lives: bool,
}

impl Hosted {
    fn add(&mut self, host: HostId, service: impl Service + Send + 'static) {
        self.0.push(Place { host, service: Box::new(service), lives: true });
    }

    fn at(&mut self, host: HostId) -> Option<&mut Place> {
        self.0.iter_mut().find(|place| place.host == host)
    }

    fn living(&mut self) -> impl Iterator<Item = &mut Place> {
        self.0.iter_mut().filter(|place| place.lives)
    }
}

/// What the services of a run are, for the rest of the world.
pub(crate) struct Placed {
    pub(crate) hosted: Hosted,
    /// What stands at which address.
    pub(crate) kinds: BTreeMap<Ipv4Addr, EndKind>,
    /// Where the rendezvous listens; none: each camera is its own.
    pub(crate) rendezvous: Option<SocketAddr>,
}

/// Puts the services of a scenario into the network.
///
/// # Errors
/// If an address is taken.
pub(crate) fn place(
    scenario: &Scenario,
    seed: u64,
    network: &mut Network,
) -> Result<Placed, WorldError> {
    let at = scenario.services;
    let mut hosted = Hosted(Vec::new());
    let mut kinds = BTreeMap::new();
    let mut ice_servers = Vec::new();
    if let Some(stun) = at.stun {
        // It would relay, too, but nobody is told its password.
        let relay = relay(stun, secret(seed, "service/stun/password"));
        ice_servers.push(IceServer {
            urls: vec![format!("stun:{}", relay.listen)],
            username: String::new(),
            credential: String::new(),
        });
        let service = StunTurn::new(relay, seed, "service/stun/ports");
        hosted.add(network.add_service("stun", stun)?, service);
        kinds.insert(stun, EndKind::Signalling);
    }
    if let Some(turn) = at.turn {
        let relay = relay(turn, secret(seed, "service/turn/password"));
        ice_servers.push(IceServer {
            urls: vec![format!("turn:{}?transport=udp", relay.listen)],
            username: relay.username.clone(),
            credential: relay.password.clone(),
        });
        let service = StunTurn::new(relay, seed, "service/turn/ports");
        hosted.add(network.add_service("turn", turn)?, service);
        kinds.insert(turn, EndKind::Turn);
    }
    let rendezvous = at.rendezvous.map(|at| SocketAddrV4::new(at, RENDEZVOUS_PORT));
    if let Some(listen) = rendezvous {
        let service = RendezvousService::new(listen, ice_servers, seed, "service/rendezvous/tcp")?;
        hosted.add(network.add_service("rendezvous", *listen.ip())?, service);
        kinds.insert(*listen.ip(), EndKind::Signalling);
    }
    Ok(Placed { hosted, kinds, rendezvous: rendezvous.map(SocketAddr::V4) })
}

fn relay(address: Ipv4Addr, password: String) -> RelayConfig {
    RelayConfig {
        listen: SocketAddrV4::new(address, STUN_PORT),
        realm: REALM.to_owned(),
        username: USER.to_owned(),
        password,
    }
}

/// A secret of the run: the text of 16 bytes of the random stream `name`.
pub(crate) fn secret(seed: u64, name: &str) -> String {
    let mut bytes = [0; 16];
    random::stream(seed, name).fill_bytes(&mut bytes);
    hex::encode(bytes)
}

impl Services for Hosted {
    fn handle(&mut self, now: Time, host: HostId, packet: Packet) {
        if let Some(place) = self.at(host).filter(|place| place.lives) {
            place.service.handle(now, &packet);
        }
    }

    fn poll(&mut self, now: Time) -> Option<(HostId, Packet)> {
        self.living().find_map(|place| Some((place.host, place.service.poll(now)?)))
    }

    fn next_deadline(&mut self, now: Time) -> Option<Time> {
        self.living().filter_map(|place| place.service.next_deadline(now)).min()
    }

    fn kill(&mut self, host: HostId) {
        if let Some(place) = self.at(host) {
            place.lives = false;
        }
    }

    fn restart(&mut self, host: HostId) {
        if let Some(place) = self.at(host) {
            place.lives = true;
            place.service.restart();
        }
    }
}
