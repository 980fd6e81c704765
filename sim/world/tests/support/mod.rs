//! A small world for tests: two homes with the same private range, and a STUN server.

use bytes::{BufMut, Bytes, BytesMut};
use parallax_network::{
    Access, GatewayConfig, HostId, LinkConfig, Network, Packet, SiteConfig, Time,
};
use parallax_record::Entry;
use parallax_world::{
    EndKind, Guards, Instantly, NetworkServices, SimHost, SimOutcome, Sinks, World, WorldError,
    simulate,
};
use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    net::{Ipv4Addr, SocketAddrV4},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

/// Where the STUN server listens.
pub(crate) const STUN: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 1), 3478);
/// The address that both peers have at home.
pub(crate) const AT_HOME: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
/// One-way delay of each access link.
pub(crate) const DELAY: Duration = Duration::from_micros(7_300);

pub(crate) type Software = Box<dyn Fn(SimHost) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Software from an async function.
pub(crate) fn software<F: Future<Output = ()> + Send + 'static>(
    code: impl Fn(SimHost) -> F + Send + 'static,
) -> Software {
    Box::new(move |host| Box::pin(code(host)))
}

/// What a test keeps of a run.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) outcome: SimOutcome,
    pub(crate) entries: Vec<Entry>,
    pub(crate) packets: Vec<String>,
}

fn home(external: Ipv4Addr) -> SiteConfig {
    let link = || LinkConfig { one_way_delay: DELAY, ..LinkConfig::default() };
    SiteConfig {
        gateway: Some(GatewayConfig { external, ..GatewayConfig::default() }),
        internet: Some(Access { up: link(), down: link() }),
    }
}

/// `doorbell` in the house and `phone` in the flat, both at 192.168.1.10.
pub(crate) fn two_homes(seed: u64) -> (Network, [HostId; 3]) {
    let mut network = Network::new(seed);
    let house = network.add_site("house", home(Ipv4Addr::new(203, 0, 113, 1))).expect("house");
    let flat = network.add_site("flat", home(Ipv4Addr::new(203, 0, 113, 2))).expect("flat");
    let doorbell = network.add_host("doorbell", house, AT_HOME).expect("doorbell");
    let phone = network.add_host("phone", flat, AT_HOME).expect("phone");
    let stun = network.add_service("stun", *STUN.ip()).expect("stun");
    (network, [doorbell, phone, stun])
}

/// Runs doorbell and phone for `duration`.
pub(crate) fn run(
    seed: u64,
    guards: Guards,
    duration: Duration,
    peers: [Software; 2],
) -> Result<Kept, WorldError> {
    simulate(seed, guards, move || {
        let (network, [doorbell, phone, stun]) = two_homes(seed);
        let mut entries = Vec::new();
        let mut packets = Vec::new();
        let sinks = Sinks {
            entry: Box::new(|entry| entries.push(entry)),
            packet: Some(Box::new(|seen| packets.push(seen.to_string()))),
        };
        let kinds = BTreeMap::from([(*STUN.ip(), EndKind::Signalling)]);
        let services = Box::new(StunServer::new(stun));
        let mut world = World::new(seed, network, services, kinds, sinks)?;
        let [at_house, at_flat] = peers;
        world.add_peer(doorbell, Arc::new(Instantly), at_house);
        world.add_peer(phone, Arc::new(Instantly), at_flat);
        world.run_until(Time::ZERO + duration)?;
        let outcome = world.finish();
        Ok(Kept { outcome, entries, packets })
    })?
}

/// Answers Binding requests (RFC 8489) with what it sees, and echoes everything else.
pub(crate) struct StunServer {
    pub(crate) host: HostId,
    pub(crate) answers: VecDeque<Packet>,
    pub(crate) lives: bool,
}

impl StunServer {
    pub(crate) fn new(host: HostId) -> Self {
        Self { host, answers: VecDeque::new(), lives: true }
    }
}

impl NetworkServices for StunServer {
    fn handle(&mut self, _now: Time, _host: HostId, packet: &Packet) -> bool {
        if !self.lives {
            return true;
        }
        let payload = &packet.payload;
        let is_request = payload.len() >= 20 && payload[..2] == [0, 1];
        let answer = if is_request { binding(payload, packet.source) } else { payload.clone() };
        self.answers.push_back(Packet::udp(packet.destination, packet.source, answer));
        true
    }

    fn poll(&mut self, _now: Time) -> Option<(HostId, Packet)> {
        self.answers.pop_front().map(|packet| (self.host, packet))
    }

    fn next_deadline(&mut self, now: Time) -> Option<Time> {
        (!self.answers.is_empty()).then_some(now)
    }

    fn kill(&mut self, _host: HostId) {
        self.lives = false;
        self.answers.clear();
    }

    fn restart(&mut self, _host: HostId) {
        self.lives = true;
    }
}

/// RFC 8489 section 14.2: XOR-MAPPED-ADDRESS.
fn binding(request: &[u8], source: SocketAddrV4) -> Bytes {
    const COOKIE: u32 = 0x2112_A442;
    let mut answer = BytesMut::new();
    answer.put_u16(0x0101);
    answer.put_u16(12);
    answer.put_slice(&request[4..20]);
    answer.put_u16(0x0020);
    answer.put_u16(8);
    answer.put_u16(1);
    answer.put_u16(source.port() ^ (COOKIE >> 16) as u16);
    answer.put_u32(u32::from(*source.ip()) ^ COOKIE);
    answer.freeze()
}
