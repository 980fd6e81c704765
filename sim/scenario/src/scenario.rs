//! A scenario, complete and validated: every default taken, every address assigned.

use crate::{clip::ClipUse, profile::Profile, units::Size};
use core::{fmt, net::Ipv4Addr, time::Duration};
use parallax_network::{LinkConfig, SiteConfig};
use parallax_record::{Check, Ice, JitterBuffer, LinkDirection, MediaMode, Name, Stream};

/// What runs, and what is demanded of it. Everything stands in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Version of the format: 1.
    pub schema: u32,
    /// The name of the file without folder and ending: `two-homes`. Folders are called so.
    pub id: Name,
    /// What it is, in a few words.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// How long the run takes, in its own time.
    pub duration: Duration,
    /// The seed, if the scenario insists on one.
    pub seed: Option<u64>,
    /// Where the media come from.
    pub media: MediaMode,
    /// The sites; at least one.
    pub sites: Vec<Site>,
    /// The peers; at least a camera and a viewer of it.
    pub peers: Vec<Peer>,
    /// What stands in the core.
    pub services: Services,
    /// What is done to the run while it goes: in the order of time, and at one time in that of the
    /// file.
    pub events: Vec<Event>,
    /// What is demanded; at least one.
    pub checks: Vec<Check>,
}

impl Scenario {
    /// The site called `name`.
    pub fn site(&self, name: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.name == name)
    }

    /// The peer called `name`.
    pub fn peer(&self, name: &str) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.name == name)
    }

    /// Who views whom: viewers in the order of the file, the cameras of each as it lists them.
    pub fn streams(&self) -> Vec<Stream> {
        let of = |peer: &Peer| {
            let cameras = peer.viewer.iter().flat_map(|viewer| viewer.cameras.clone());
            cameras.map(|camera| Stream { camera, viewer: peer.name.clone() }).collect::<Vec<_>>()
        };
        self.peers.iter().flat_map(of).collect()
    }
}

/// A home or an office.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// The addresses inside. Sites behind gateways may share them.
    pub network: Ipv4Network,
    /// Gateway, external address and links, for the network core.
    pub config: SiteConfig,
}

/// A range of IPv4 addresses. Its first address is the network's, its second the gateway's, its
/// last is broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Network {
    address: u32,
    prefix: u8,
}

impl Ipv4Network {
    /// The network of `prefix` bits, 24 to 29, that begins at `address`. None if it does not begin
    /// there, or is smaller, or larger than a home is (the network core takes 256 addresses for one
    /// LAN).
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        let network = Self { address: address.to_bits(), prefix };
        ((24..=29).contains(&prefix) && network.address & (network.length() - 1) == 0)
            .then_some(network)
    }

    /// Its first address.
    pub fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address)
    }

    /// Bits that its addresses have in common.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// The gateway's address inside.
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address + 1)
    }

    /// Whether it holds `address`.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & !(self.length() - 1) == self.address
    }

    /// Whether a host may have `address`: inside, and neither network, gateway nor broadcast.
    pub fn has_host(self, address: Ipv4Addr) -> bool {
        self.contains(address)
            && (2..self.length() - 1).contains(&(address.to_bits() - self.address))
    }

    /// The addresses that hosts get, in this order: from the tenth up, then those below it.
    pub fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        let last = self.length() - 1;
        (10.min(last)..last)
            .chain(2..10.min(last))
            .map(move |n| Ipv4Addr::from_bits(self.address + n))
    }

    /// Whether the two have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.address()) || other.contains(self.address())
    }

    fn length(self) -> u32 {
        1 << (32 - self.prefix)
    }
}

impl fmt::Display for Ipv4Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.prefix)
    }
}

/// Something that is done to a run at a time. All times are whole milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// When it begins, in the run's time; before the run's end.
    pub at: Duration,
    /// How long it lasts, if it ends by itself: a loss of power, or a change of a link.
    pub lasts: Option<Duration>,
    /// What is done.
    pub action: Action,
}

/// What an event does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A service that runs is gone without a word.
    Kill(Service),
    /// A service starts over, having forgotten everything.
    Restart(Service),
    /// A peer loses its power, without a word.
    PowerLoss {
        /// The peer's name.
        peer: String,
    },
    /// A link changes.
    ChangeLink {
        /// The name of the site whose link it is.
        site: String,
        /// Which of its links.
        direction: LinkDirection,
        /// What it becomes.
        after: LinkConfig,
        /// What it was before, and is again if the event ends.
        before: LinkConfig,
    },
    /// A gateway starts over in no time, having forgotten its mappings.
    RebootGateway {
        /// The name of its site.
        site: String,
    },
}

/// What stands in the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The STUN server.
    Stun,
    /// The TURN server.
    Turn,
    /// The signalling server.
    Rendezvous,
}

impl Service {
    /// What scenarios and records call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::Turn => "turn",
            Self::Rendezvous => "rendezvous",
        }
    }
}

/// What stands in the core of the network, and where. None: it does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Services {
    /// The STUN server.
    pub stun: Option<Ipv4Addr>,
    /// The TURN server.
    pub turn: Option<Ipv4Addr>,
    /// Propagation between the core and the TURN server, each way.
    pub turn_one_way_delay: Duration,
    /// The signalling server. Without one, each camera is one itself, at its own address.
    pub rendezvous: Option<Ipv4Addr>,
}

impl Services {
    /// The address of a service, if it runs.
    pub const fn address(&self, service: Service) -> Option<Ipv4Addr> {
        match service {
            Service::Stun => self.stun,
            Service::Turn => self.turn,
            Service::Rendezvous => self.rendezvous,
        }
    }
}

/// A device in a site: a camera, a viewer or both.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// The name of its site.
    pub site: String,
    /// Its address, inside its site.
    pub address: Ipv4Addr,
    /// The device it is.
    pub profile: Profile,
    /// How its ICE agent is set.
    pub ice: Ice,
    /// What it films, if it is a camera.
    pub camera: Option<Camera>,
    /// What it views, if it is a viewer.
    pub viewer: Option<Viewer>,
}

/// A camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// What it films and how it encodes.
    pub video: Video,
    /// How fast the packets of a frame leave, bits per second; none: all at once. Under congestion
    /// control this is at the start, and keeps its ratio to the bit rate.
    pub pacer_bits_per_second: Option<u64>,
    /// What adapts the bit rate to the path.
    pub congestion_control: CongestionControl,
    /// What it speaks with the rendezvous.
    pub signalling: SignallingProtocol,
}

/// What a camera speaks with the rendezvous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignallingProtocol {
    /// Parallax's own messages over a WebSocket.
    WebSocket,
    /// WHIP (RFC 9725), over HTTP.
    Whip,
}

/// What adapts a camera's bit rate to the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CongestionControl {
    /// Nothing: it keeps its bit rate.
    None,
    /// Google congestion control. It begins at the bit rate, which lies between the two.
    Gcc {
        /// The encoder never aims lower, bits per second.
        floor_bits_per_second: u64,
        /// The encoder never aims higher, bits per second.
        ceiling_bits_per_second: u64,
    },
}

/// What a camera films, and how it encodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video {
    /// The clip, which loops.
    pub clip: ClipUse,
    /// The size of the picture; both sides even.
    pub size: Size,
    /// Frames captured per second, 1 up.
    pub frames_per_second: u32,
    /// What the encoder aims at, bits per second; under congestion control at the start.
    pub bit_rate_bits_per_second: u64,
    /// Frames from one key frame to the next, at most; none: only the first, those asked for and
    /// those where the scene changes.
    pub key_frame_interval_frames: Option<u32>,
    /// Whether the encoder may skip frames to hold its bit rate.
    pub skip_frames: bool,
}

/// A viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The names of the cameras it views; at least one, none twice.
    pub cameras: Vec<String>,
    /// How deep its jitter buffer is.
    pub jitter_buffer: JitterBuffer,
    /// How it asks for lost packets; none: not at all.
    pub nack: Option<Nack>,
    /// When it first asks for its cameras, in the run's time; if it boots later, then.
    pub asks_at: Duration,
}

/// Requests for lost packets (RFC 4585 section 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack {
    /// Between two requests for one packet.
    pub interval: Duration,
    /// Requests for one packet, at most.
    pub tries: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_network_begins_where_its_prefix_says() {
        assert!(Ipv4Network::new(Ipv4Addr::new(192, 168, 1, 0), 24).is_some());
        assert!(Ipv4Network::new(Ipv4Addr::new(192, 168, 1, 1), 24).is_none());
        assert!(Ipv4Network::new(Ipv4Addr::new(192, 168, 1, 0), 30).is_none());
        assert!(Ipv4Network::new(Ipv4Addr::UNSPECIFIED, 0).is_none());
    }

    proptest! {
        #[test]
        fn hosts_are_all_different_inside_and_none_is_reserved(bits: u32, prefix in 24_u8..=29) {
            let address = Ipv4Addr::from_bits(bits >> (32 - prefix) << (32 - prefix));
            let network = Ipv4Network::new(address, prefix).expect("it begins there");
            let mut hosts: Vec<_> = network.hosts().collect();
            prop_assert!(hosts.iter().all(|host| network.has_host(*host)));
            hosts.sort_unstable();
            hosts.dedup();
            prop_assert_eq!(hosts.len(), (1 << (32 - prefix)) - 3);
            prop_assert!(!network.has_host(network.gateway()) && !network.has_host(address));
        }
    }
}
