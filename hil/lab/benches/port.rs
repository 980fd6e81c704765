//! Packets from one board to another over a lab's ports: out of a socket, through gateway and links, into
//! another socket. How many a second; and how much later than in the core's exact time, at a rate of a
//! camera's.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parallax_fabric::Direction;
use parallax_lab::{Config, ExternalPeer, Lateness, PacketWatch, StopSignal, run};
use parallax_scenario::{Builtin, Scenario, parse};
use station::Station;
use std::{
    collections::BTreeMap,
    net::SocketAddrV4,
    os::unix::net::UnixDatagram,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

#[path = "../tests/fates/station.rs"]
mod station;

const PACKETS: u64 = 2_000;
const PAYLOAD: usize = 1_200;
/// On the way at once, at most: what a socket between processes holds is bounded.
const WINDOW: u64 = 8;
/// Packets whose delay is measured, and from one to the next.
const MEASURED: u64 = 5_000;
const GAP: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(10);

/// A home and a public host, nothing lost on the way.
const SCENARIO: &str = r#"
schema = 1
title = "A board behind a gateway, and one that is not"
why = "What the lab adds to the way of a packet."
duration = "1h"

[site.house]
gateway = { mapping = "endpoint-independent", filtering = "endpoint-independent" }
up = { capacity = "unlimited", one_way_delay = "0ms" }
down = { capacity = "unlimited", one_way_delay = "0ms" }

[site.office]
gateway = "none"
up = { capacity = "unlimited", one_way_delay = "0ms" }
down = { capacity = "unlimited", one_way_delay = "0ms" }

[peer.doorbell]
site = "house"
camera = { profile = "esp32-p4", video = { clip = "bunny", size = "320x240", frames_per_second = 15, bit_rate = "400kbit/s" } }

[peer.phone]
site = "office"
views = ["doorbell"]

[[check]]
connects = { within = "6s" }
why = "A scenario has a check; nobody judges this run."
"#;

/// What the two boards do, and what a watch said of how long each packet was in the core.
struct Ends {
    doorbell: Station,
    phone: Station,
    to: SocketAddrV4,
    crossings: Receiver<Duration>,
}

impl Ends {
    fn carry(&mut self, packets: u64) {
        let payload = vec![0; PAYLOAD];
        let (mut sent, mut came) = (0, 0);
        while came < packets {
            while sent < packets && sent - came < WINDOW {
                self.doorbell.send(5_000, self.to, &payload);
                sent += 1;
            }
            self.phone.next_packet(LONG).expect("it comes");
            came += 1;
        }
        while self.crossings.try_recv().is_ok() {}
    }

    /// How much longer packets were on the way, from one socket to the other, than in the core.
    fn added(&mut self) -> Lateness {
        let (payload, mut added) = (vec![0; PAYLOAD], Lateness::default());
        for _ in 0..MEASURED {
            let begun = Instant::now();
            self.doorbell.send(5_000, self.to, &payload);
            self.phone.next_packet(LONG).expect("it comes");
            let took = begun.elapsed();
            let exact = self.crossings.recv_timeout(LONG).expect("it was told");
            added.add(took.saturating_sub(exact));
            thread::sleep(GAP);
        }
        added
    }
}

/// Lets `work` have two boards of a lab; gives how late the lab says it was.
fn with_boards(work: impl FnOnce(&mut Ends)) -> Lateness {
    let scenario: Scenario = parse("port.toml", SCENARIO, &Builtin).expect("it is sound");
    let (lab, near) = UnixDatagram::pair().expect("sockets");
    let (other, far) = UnixDatagram::pair().expect("sockets");
    let (tell, crossings) = channel();
    let mut entered = std::collections::VecDeque::new();
    let watch = PacketWatch::new(move |seen| match seen.direction {
        Direction::Sent => entered.push_back(seen.at),
        Direction::Delivered => {
            if let Some(at) = entered.pop_front() {
                let _ = tell.send(seen.at.saturating_since(at));
            }
        }
    });
    let stop = StopSignal::default();
    let outside = BTreeMap::from([
        ("doorbell".to_owned(), ExternalPeer::Board(Box::new(lab))),
        ("phone".to_owned(), ExternalPeer::Board(Box::new(other))),
    ]);
    let config = Config { outside, stop: stop.clone(), watch: Some(watch), ..Config::new(1) };
    let outcome = thread::scope(|scope| {
        let lab = scope.spawn(|| run(&scenario, config));
        let doorbell = Station::plug(near, 1);
        let phone = Station::plug(far, 2);
        let to = SocketAddrV4::new(phone.address, 7_000);
        work(&mut Ends { doorbell, phone, to, crossings });
        stop.now();
        lab.join().expect("no panic").expect("it runs")
    });
    outcome.lateness
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("over ports");
    group.throughput(Throughput::Elements(PACKETS)).sample_size(10);
    with_boards(|ends| {
        group.bench_function("board to board, packets of 1200 bytes", |bencher| {
            bencher.iter(|| ends.carry(PACKETS));
        });
    });
    group.finish();
    let mut added = Lateness::default();
    let late = with_boards(|ends| added = ends.added());
    for (what, measured) in [("socket to socket", &added), ("of it the way out of the core", &late)]
    {
        let [p50, p99] = [50, 99].map(|percent| measured.percentile(percent));
        let (max, packets) = (measured.max(), measured.packets());
        #[expect(clippy::print_stdout, reason = "it is what this program is for")]
        {
            println!(
                "added delay, {what}: p50 {p50:?}, p99 {p99:?}, latest {max:?} of {packets} packets"
            );
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
