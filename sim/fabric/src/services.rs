//! The services of a scenario, on the network.

use crate::{error::SetupError, fabric::NetworkServices, packets::EndKind};
use parallax_network::{HostId, Network, Packet, Time, random};
use parallax_scenario::Scenario;
use parallax_services::{NetworkService, RelayConfig, RendezvousService, StunTurn};
use parallax_signalling::IceServer;
use parallax_spec::{RENDEZVOUS_PORT, STUN_PORT};
use rand_core::Rng;
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
};

/// The realm of the TURN server, and its one user.
const REALM: &str = "parallax";
const USER: &str = "parallax";

/// The random streams of the services' passwords.
const STUN_PASSWORD: &str = "service/stun/password";
const TURN_PASSWORD: &str = "service/turn/password";

/// The services of a run: each at its host.
pub struct Hosted(Vec<Place>);

struct Place {
    host: HostId,
    service: Box<dyn NetworkService + Send>,
    /// It has not been killed.
    lives: bool,
}

impl Hosted {
    fn add(&mut self, host: HostId, service: impl NetworkService + Send + 'static) {
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
pub struct Placed {
    /// What answers.
    pub hosted: Hosted,
    /// What stands at which address.
    pub kinds: BTreeMap<Ipv4Addr, EndKind>,
    /// Where the rendezvous listens; none: each camera is its own.
    pub rendezvous: Option<SocketAddr>,
}

/// Puts the services of a scenario into the network.
///
/// # Errors
/// If an address is taken.
pub fn place(scenario: &Scenario, seed: u64, network: &mut Network) -> Result<Placed, SetupError> {
    let at = scenario.services;
    let mut hosted = Hosted(Vec::new());
    let mut kinds = BTreeMap::new();
    let mut ice_servers = Vec::new();
    if let Some(stun) = at.stun {
        // It would relay, too, but its password is not given out.
        let relay = relay(stun, secret(seed, STUN_PASSWORD));
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
        let relay = relay(turn, secret(seed, TURN_PASSWORD));
        ice_servers.push(IceServer {
            urls: vec![format!("turn:{}?transport=udp", relay.listen)],
            username: relay.username.clone(),
            credential: relay.password.clone(),
        });
        let service = StunTurn::new(relay, seed, "service/turn/ports");
        let host = network.add_distant_service("turn", turn, at.turn_one_way_delay)?;
        hosted.add(host, service);
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

impl NetworkServices for Hosted {
    fn handle(&mut self, now: Time, host: HostId, packet: &Packet) -> bool {
        let place = self.at(host).filter(|place| place.lives);
        place.is_none_or(|place| place.service.handle(now, packet))
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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use parallax_network::{TcpHeader, Transport};
    use parallax_scenario::{Builtin, parse};

    const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 9), 50_000);

    fn segment(to: SocketAddrV4, tcp: TcpHeader) -> Packet {
        let transport = Transport::Tcp(tcp);
        Packet { source: CLIENT, destination: to, transport, payload: Bytes::new() }
    }

    /// What comes back for a segment.
    fn answer(hosted: &mut Hosted, at: u64, host: HostId, segment: Packet) -> Option<TcpHeader> {
        let now = Time::from_millis(at);
        hosted.handle(now, host, &segment);
        let (from, packet) = hosted.poll(now)?;
        assert_eq!(from, host);
        let Transport::Tcp(tcp) = packet.transport else { panic!("no TCP") };
        Some(tcp)
    }

    #[test]
    fn a_killed_service_is_silent_and_one_that_starts_over_resets_old_connections() {
        let text = include_str!("../../../fixtures/scenarios/two-homes.toml");
        let scenario = parse("two-homes.toml", text, &Builtin).expect("a scenario");
        let mut network = Network::new(1);
        let Placed { mut hosted, rendezvous, .. } =
            place(&scenario, 1, &mut network).expect("placed");
        let Some(SocketAddr::V4(at)) = rendezvous else { panic!("no rendezvous") };
        let host = network.host_named("rendezvous").expect("a host");
        let syn = TcpHeader { syn: true, sequence: 7, window: 9_000, ..TcpHeader::default() };
        let first = answer(&mut hosted, 1, host, segment(at, syn.clone())).expect("an answer");
        assert!(first.syn && !first.rst);
        let acknowledgement = Some(first.sequence.wrapping_add(1));
        let next = TcpHeader { syn: false, sequence: 8, acknowledgement, ..syn.clone() };
        assert_eq!(answer(&mut hosted, 2, host, segment(at, next.clone())), None);
        // Open: the handshake of its WebSocket is waited for.
        assert!(hosted.next_deadline(Time::from_millis(2)).is_some());

        hosted.kill(host);
        assert_eq!(hosted.next_deadline(Time::from_millis(3)), None, "its timers have stopped");
        assert_eq!(answer(&mut hosted, 20_000, host, segment(at, syn.clone())), None);

        hosted.restart(host);
        let reset = answer(&mut hosted, 20_001, host, segment(at, next)).expect("an answer");
        assert!(reset.rst);
        let again = answer(&mut hosted, 20_002, host, segment(at, syn)).expect("an answer");
        assert!(again.syn && !again.rst);
        assert_ne!(again.sequence, first.sequence, "its random stream goes on");
    }
}
