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

/// The random streams of the services' passwords.
const STUN_PASSWORD: &str = "service/stun/password";
const TURN_PASSWORD: &str = "service/turn/password";

/// The services of a run: each at its host.
pub(crate) struct Hosted {
    services: Vec<(HostId, Box<dyn Service + Send>)>,
}

/// What the services of a run are, for the rest of the world.
pub(crate) struct Placed {
    pub(crate) hosted: Hosted,
    /// What stands at which address.
    pub(crate) kinds: BTreeMap<Ipv4Addr, EndKind>,
    /// Where the rendezvous listens.
    pub(crate) rendezvous: SocketAddr,
}

/// Puts the services of a scenario into the network.
///
/// # Errors
/// If there is no rendezvous, or an address is taken.
pub(crate) fn place(
    scenario: &Scenario,
    seed: u64,
    network: &mut Network,
) -> Result<Placed, WorldError> {
    let at = scenario.services;
    let rendezvous = at.rendezvous.ok_or(WorldError::NoRendezvous)?;
    let mut services: Vec<(HostId, Box<dyn Service + Send>)> = Vec::new();
    let mut kinds = BTreeMap::from([(rendezvous, EndKind::Signalling)]);
    let mut ice_servers = Vec::new();
    if let Some(stun) = at.stun {
        // It would relay, too, but nobody is told its password.
        let relay = relay(stun, secret(seed, STUN_PASSWORD));
        ice_servers.push(IceServer {
            urls: vec![format!("stun:{}", relay.listen)],
            username: String::new(),
            credential: String::new(),
        });
        let service = StunTurn::new(relay, seed, "service/stun/ports");
        services.push((network.add_service("stun", stun)?, Box::new(service)));
        kinds.insert(stun, EndKind::Signalling);
    }
    if let Some(turn) = at.turn {
        let relay = relay(turn, secret(seed, TURN_PASSWORD));
        ice_servers.push(IceServer {
            urls: vec![format!("turn:{}?transport=udp", relay.listen)],
            username: relay.username.clone(),
            credential: relay.password.clone(),
        });
        let service = StunTurn::new(relay, seed, "service/turn/ports");
        services.push((network.add_service("turn", turn)?, Box::new(service)));
        kinds.insert(turn, EndKind::Turn);
    }
    let listen = SocketAddrV4::new(rendezvous, RENDEZVOUS_PORT);
    let service = RendezvousService::new(listen, ice_servers, seed, "service/rendezvous/tcp")?;
    services.push((network.add_service("rendezvous", rendezvous)?, Box::new(service)));
    Ok(Placed { hosted: Hosted { services }, kinds, rendezvous: listen.into() })
}

fn relay(address: Ipv4Addr, password: String) -> RelayConfig {
    RelayConfig {
        listen: SocketAddrV4::new(address, STUN_PORT),
        realm: REALM.to_owned(),
        username: USER.to_owned(),
        password,
    }
}

/// The secrets of a run: what must be in no record and in no log. Tokens of cameras, passwords of
/// services.
pub fn secrets(scenario: &Scenario, seed: u64) -> Vec<String> {
    let cameras = scenario.peers.iter().filter(|peer| peer.camera.is_some());
    let tokens = cameras.map(|peer| token(&peer.name));
    let passwords = [STUN_PASSWORD, TURN_PASSWORD].map(str::to_owned);
    tokens.chain(passwords).map(|name| secret(seed, &name)).collect()
}

/// The random stream of a camera's token.
pub(crate) fn token(camera: &str) -> String {
    format!("peer/{camera}/token")
}

/// A secret of the run: the text of 16 bytes of the random stream `name`.
pub(crate) fn secret(seed: u64, name: &str) -> String {
    let mut bytes = [0; 16];
    random::stream(seed, name).fill_bytes(&mut bytes);
    hex::encode(bytes)
}

impl Services for Hosted {
    fn handle(&mut self, now: Time, host: HostId, packet: Packet) {
        if let Some((_, service)) = self.services.iter_mut().find(|(at, _)| *at == host) {
            service.handle(now, &packet);
        }
    }

    fn poll(&mut self, now: Time) -> Option<(HostId, Packet)> {
        let poll = |(host, service): &mut (HostId, Box<dyn Service + Send>)| {
            service.poll(now).map(|packet| (*host, packet))
        };
        self.services.iter_mut().find_map(poll)
    }

    fn next_deadline(&mut self, now: Time) -> Option<Time> {
        self.services.iter_mut().filter_map(|(_, service)| service.next_deadline(now)).min()
    }
}
