//! A small network to poke at: hosts behind gateways, services at the core, a clock to turn.

use core::{net::SocketAddrV4, time::Duration};

use bytes::Bytes;
use parallax_network::{
    Access, DropCause, GatewayConfig, HostId, Network, NetworkOutput, Packet, SiteConfig,
    TcpHeader, Time, Transport,
};

/// Longer than any path here takes.
const PATH: Duration = Duration::from_millis(10);

pub(crate) fn endpoint(text: &str) -> SocketAddrV4 {
    text.parse().expect("an endpoint")
}

pub(crate) fn site(gateway: Option<GatewayConfig>, external: &str) -> SiteConfig {
    let external = external.parse().expect("an address");
    SiteConfig {
        gateway: gateway.map(|gateway| GatewayConfig { external, ..gateway }),
        internet: Some(Access::default()),
    }
}

/// What became of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It reached a host, with these addresses.
    Arrived { to: HostId, source: SocketAddrV4, destination: SocketAddrV4 },
    /// It was dropped.
    Dropped { place: String, cause: DropCause },
}

impl Fate {
    /// The source that the receiver saw.
    #[track_caller]
    pub(crate) fn source(&self) -> SocketAddrV4 {
        match self {
            Self::Arrived { source, .. } => *source,
            dropped @ Self::Dropped { .. } => panic!("{dropped:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn cause(&self) -> DropCause {
        match self {
            Self::Dropped { cause, .. } => *cause,
            arrived @ Self::Arrived { .. } => panic!("{arrived:?}"),
        }
    }

    pub(crate) fn arrived(&self) -> bool {
        matches!(self, Self::Arrived { .. })
    }
}

/// A network with a clock.
pub(crate) struct Bench {
    pub(crate) network: Network,
    pub(crate) now: Time,
    /// All that happened.
    pub(crate) outputs: Vec<NetworkOutput>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { network: Network::new(1), now: Time::ZERO, outputs: Vec::new() }
    }

    /// A site `house` with `192.168.1.10` behind a gateway at `203.0.113.1`, and two services with
    /// the addresses `198.51.100.1` and `198.51.100.2`.
    pub(crate) fn house(gateway: GatewayConfig) -> (Self, HostId, [HostId; 2]) {
        let mut bench = Self::new();
        let house = bench.network.add_site("house", site(Some(gateway), "203.0.113.1"));
        let host = bench.network.add_host("host", house.expect("a site"), [192, 168, 1, 10].into());
        let services = [1, 2].map(|n| {
            let address = [198, 51, 100, n].into();
            bench.network.add_service(&format!("service{n}"), address).expect("a service")
        });
        (bench, host.expect("a host"), services)
    }

    /// Turns the clock, and gives what happened meanwhile.
    pub(crate) fn wait(&mut self, time: Duration) -> Vec<NetworkOutput> {
        self.now += time;
        let first = self.outputs.len();
        while let Some(output) = self.network.poll(self.now) {
            self.outputs.push(output);
        }
        assert!(self.network.ledger().balances());
        self.outputs[first..].to_vec()
    }

    /// Sends a packet and waits for its fate.
    #[track_caller]
    pub(crate) fn send(&mut self, from: HostId, packet: Packet) -> Fate {
        self.network.handle(self.now, from, packet);
        let fates: Vec<Fate> = self.wait(PATH).into_iter().filter_map(fate).collect();
        let [fate] = &fates[..] else { panic!("one packet, one fate: {fates:?}") };
        fate.clone()
    }

    /// Sends a UDP packet and waits for its fate.
    #[track_caller]
    pub(crate) fn udp(&mut self, from: HostId, source: &str, destination: SocketAddrV4) -> Fate {
        self.send(from, Packet::udp(endpoint(source), destination, Bytes::new()))
    }

    /// Sends a TCP segment and waits for its fate.
    #[track_caller]
    pub(crate) fn tcp(
        &mut self,
        from: HostId,
        source: &str,
        destination: SocketAddrV4,
        flags: &str,
    ) -> Fate {
        let (source, payload) = (endpoint(source), Bytes::new());
        let transport = Transport::Tcp(TcpHeader {
            syn: flags.contains('S'),
            fin: flags.contains('F'),
            rst: flags.contains('R'),
            acknowledgement: flags.contains('A').then_some(1),
            ..TcpHeader::default()
        });
        self.send(from, Packet { source, destination, transport, payload })
    }
}

fn fate(output: NetworkOutput) -> Option<Fate> {
    match output {
        NetworkOutput::Delivered { to, packet, .. } => {
            Some(Fate::Arrived { to, source: packet.source, destination: packet.destination })
        }
        NetworkOutput::Dropped { place, cause, .. } => {
            Some(Fate::Dropped { place: place.to_string(), cause })
        }
        NetworkOutput::Passed { .. }
        | NetworkOutput::Loaded { .. }
        | NetworkOutput::MappingCreated { .. }
        | NetworkOutput::MappingExpired { .. } => None,
    }
}
