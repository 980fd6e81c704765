//! A lab whose peers are stations of a test, and what the test does with them.

use crate::station::{Arrived, Station};
use parallax_fabric::Direction;
use parallax_lab::{
    Cable, Config, Datagrams, ExternalPeer, LabOutcome, PacketWatch, StopSignal, run,
};
use parallax_network::{Packet, Protocol, Time};
use parallax_scenario::Scenario;
use smoltcp::wire::TcpControl;
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
    os::unix::net::UnixDatagram,
    path::Path,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longer than anything here takes, on a machine however busy.
const LONG: Duration = Duration::from_secs(60);
/// Longer than a packet is under way anywhere but on the narrow link: what is sent after it comes later.
const APART: Duration = Duration::from_millis(30);
/// Payload bytes of the first numbered packet. The length is the number: a drop tells nothing else.
/// Answers of services are shorter.
pub(crate) const FIRST: usize = 256;

/// What a numbered packet carries.
fn payload(number: usize) -> Vec<u8> {
    (0..number).map(|at| (at % 251) as u8).collect()
}

/// A packet that passed a host, as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) at: Time,
    pub(crate) direction: Direction,
    pub(crate) host: String,
    pub(crate) packet: Packet,
}

/// The stations, and what was told so far.
pub(crate) struct Street {
    stations: BTreeMap<String, Station>,
    told: Receiver<Seen>,
    pub(crate) log: Vec<Seen>,
    next: usize,
    /// When a packet of that time was seen: the run has come so far since.
    heard: Option<(Time, Instant)>,
}

/// What the cables are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cables {
    /// Sockets that are connected to each other.
    Pairs,
    /// Sockets that know each other by their names, in files of a folder.
    Named,
}

impl Cables {
    /// The lab's end, and a station's.
    fn plug(self, folder: &Path, name: &str) -> (Box<dyn Cable>, UnixDatagram) {
        match self {
            Self::Pairs => {
                let (lab, station) = UnixDatagram::pair().expect("sockets");
                (Box::new(lab), station)
            }
            Self::Named => {
                let [own, other] =
                    ["lab", "station"].map(|end| folder.join(format!("{name}-{end}")));
                let lab = Datagrams::open(&own, &other).expect("nobody has it");
                let station = UnixDatagram::bind(&other).expect("a socket");
                station.connect(&own).expect("the lab is there");
                (Box::new(lab), station)
            }
        }
    }
}

/// Runs a lab with a station at each peer's place, and `work` with them, up to its end.
pub(crate) fn with_stations<T: Send>(
    scenario: &Scenario,
    seed: u64,
    work: impl FnOnce(&mut Street) -> T + Send,
) -> (T, LabOutcome, Street) {
    with_stations_on(Cables::Pairs, scenario, seed, work)
}

/// As `with_stations`, on such cables.
pub(crate) fn with_stations_on<T: Send>(
    kind: Cables,
    scenario: &Scenario,
    seed: u64,
    work: impl FnOnce(&mut Street) -> T + Send,
) -> (T, LabOutcome, Street) {
    let folder = TempDir::new().expect("a folder");
    let (mut outside, mut cables) = (BTreeMap::new(), Vec::new());
    for peer in &scenario.peers {
        let (lab, cable) = kind.plug(folder.path(), &peer.name);
        outside.insert(peer.name.clone(), ExternalPeer::Board(lab));
        cables.push((peer.name.clone(), cable));
    }
    let (tell, told) = channel();
    let watch = PacketWatch::new(move |seen| {
        let (at, direction, packet) = (seen.at, seen.direction, seen.packet.clone());
        // Nobody listens any more when the run is over.
        let _ = tell.send(Seen { at, direction, host: seen.host.to_owned(), packet });
    });
    let stop = StopSignal::default();
    let config = Config { outside, stop: stop.clone(), watch: Some(watch), ..Config::new(seed) };
    let (done, outcome, mut street) = thread::scope(|scope| {
        let lab = scope.spawn(|| run(scenario, config));
        // However the work ends.
        let over = Over(stop);
        let plug = |(number, (name, cable))| (name, Station::plug(cable, number));
        let stations = (0..).zip(cables).map(plug).collect();
        let mut street = Street { stations, told, log: Vec::new(), next: FIRST, heard: None };
        let done = work(&mut street);
        drop(over);
        let outcome = lab.join().expect("no panic").expect("it runs");
        (done, outcome, street)
    });
    street.catch_up();
    (done, outcome, street)
}

/// Dropped, the run is over.
struct Over(StopSignal);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.now();
    }
}

impl Street {
    pub(crate) fn address(&self, host: &str) -> Ipv4Addr {
        self.stations[host].address
    }

    pub(crate) fn at(&self, host: &str, port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(self.address(host), port)
    }

    /// Sends a numbered packet, waits until the network has it, and then long enough for whatever comes
    /// of it. Gives its number.
    pub(crate) fn send(&mut self, host: &str, port: u16, to: SocketAddrV4) -> usize {
        let number = self.hasten(host, port, to, 0);
        self.pause(APART);
        number
    }

    /// As `send`, and the next packet may follow at once; with so many bytes more.
    pub(crate) fn hasten(&mut self, host: &str, port: u16, to: SocketAddrV4, more: usize) -> usize {
        let number = self.next + more;
        self.next += 1;
        self.station(host).send(port, to, &payload(number));
        self.entered(host, Protocol::Udp);
        number
    }

    /// A host takes no frames any more, as a board that hangs.
    pub(crate) fn deafen(&self, host: &str) {
        self.stations[host].deafen();
    }

    /// Asks a STUN server for a binding; gives the answer, if there is one.
    pub(crate) fn ask(&mut self, host: &str, port: u16, stun: SocketAddrV4) -> Option<Vec<u8>> {
        let request = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let before = self.log.len();
        self.station(host).send(port, stun, &request);
        self.entered(host, Protocol::Udp);
        self.pause(APART);
        let answer = |seen: &&Seen| {
            seen.host == host
                && seen.direction == Direction::Delivered
                && seen.packet.source == stun
        };
        self.log[before..].iter().find(answer).map(|seen| seen.packet.payload.to_vec())
    }

    /// Sends a TCP segment.
    pub(crate) fn segment(&mut self, host: &str, port: u16, to: SocketAddrV4, control: TcpControl) {
        self.station(host).send_tcp(port, to, control, 1_000);
        self.entered(host, Protocol::Tcp);
        self.pause(APART);
    }

    /// Sends until something has come; gives the source address that it came with.
    pub(crate) fn reach(&mut self, host: &str, port: u16, to: SocketAddrV4) -> SocketAddrV4 {
        for _ in 0..100 {
            let number = self.send(host, port, to);
            if let Some(seen) = self.delivered(number) {
                return seen.packet.source;
            }
        }
        panic!("nothing of {host} comes to {to}");
    }

    /// Where and as what a numbered packet was delivered, as far as was told.
    pub(crate) fn delivered(&self, number: usize) -> Option<&Seen> {
        self.log.iter().find(|seen| {
            seen.direction == Direction::Delivered && seen.packet.payload == payload(number)
        })
    }

    /// Waits, and takes what is told meanwhile.
    pub(crate) fn pause(&mut self, time: Duration) {
        thread::sleep(time);
        self.catch_up();
    }

    /// Waits until the run has come to `time` at least.
    pub(crate) fn wait_until(&mut self, time: Time) {
        let (at, then) = self.heard.expect("something was sent before");
        self.pause(time.saturating_since(at + then.elapsed()));
    }

    /// How many numbered packets were sent.
    pub(crate) fn numbered(&self) -> usize {
        self.next - FIRST
    }

    /// What came out of the frames of a host, all of `told` once that many have come.
    pub(crate) fn arrived(&mut self, host: &str, many: usize) -> Vec<Arrived> {
        let (begun, mut all) = (Instant::now(), Vec::new());
        while all.len() < many && begun.elapsed() < LONG {
            all.extend(self.station(host).arrived());
        }
        all
    }

    fn station(&mut self, host: &str) -> &mut Station {
        self.stations.get_mut(host).expect("there is such a peer")
    }

    fn catch_up(&mut self) {
        while let Ok(seen) = self.told.try_recv() {
            self.log.push(seen);
        }
    }

    /// Waits until the network has what was sent last.
    fn entered(&mut self, host: &str, protocol: Protocol) {
        loop {
            let seen = self.told.recv_timeout(LONG).expect("the network takes it");
            self.log.push(seen.clone());
            if seen.direction == Direction::Sent
                && seen.host == host
                && seen.packet.transport.protocol() == protocol
            {
                self.heard = Some((seen.at, Instant::now()));
                return;
            }
        }
    }
}
