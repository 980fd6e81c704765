//! Packets per second of wall time through link, gateway, link: host to service over a LAN link,
//! a gateway and an up link with a capacity, a varying delay and burst loss.

use core::{hint::black_box, net::SocketAddrV4, time::Duration};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parallax_network::{
    Access, Behaviour, Capacity, FilterScope, GatewayConfig, HostId, LinkConfig, Loss, Network,
    Packet, QueueLimit, SiteConfig, Time,
};

const PACKETS: u64 = 100_000;
/// More than a packet of 1228 bytes takes at 1 Gbit/s.
const GAP: Duration = Duration::from_micros(10);

/// A network, and what it is asked to carry.
struct Load {
    network: Network,
    hosts: Vec<(HostId, SocketAddrV4)>,
    services: Vec<SocketAddrV4>,
    payload: Bytes,
    now: Time,
}

impl Load {
    fn new(hosts: u8, services: u8) -> Self {
        let mut network = Network::new(1);
        let up = LinkConfig {
            capacity: Capacity::from_bits_per_second(1_000_000_000),
            one_way_delay: Duration::from_millis(12),
            delay_variation: Duration::from_millis(2),
            reorder: false,
            loss: Loss::burst(0.01, 3.0).expect("such bursts can be"),
            queue: QueueLimit::Time { limit: Duration::from_millis(200) },
        };
        let gateway = GatewayConfig {
            mapping: Behaviour::AddressAndPortDependent,
            filtering: Behaviour::AddressAndPortDependent,
            filter_scope: FilterScope::Mapping,
            ..GatewayConfig::default()
        };
        let site = SiteConfig {
            gateway: Some(GatewayConfig { external: [203, 0, 113, 1].into(), ..gateway }),
            internet: Some(Access { up, down: LinkConfig::default() }),
        };
        let site = network.add_site("house", site).expect("the first site");
        let hosts = (1..=hosts)
            .map(|n| {
                let address = [192, 168, 1, n].into();
                let host = network.add_host(&format!("host{n}"), site, address);
                (host.expect("a new host"), SocketAddrV4::new(address, 5000))
            })
            .collect();
        let services = (1..=services)
            .map(|n| {
                let address = [198, 51, 100, n].into();
                network.add_service(&format!("service{n}"), address).expect("a new service");
                SocketAddrV4::new(address, 3478)
            })
            .collect();
        network.tell_loads(Duration::from_millis(200));
        Self { network, hosts, services, payload: vec![0; 1200].into(), now: Time::ZERO }
    }

    fn carry(&mut self) {
        for n in 0..PACKETS as usize {
            let (host, source) = self.hosts[n % self.hosts.len()];
            let to = self.services[n / self.hosts.len() % self.services.len()];
            self.network.handle(self.now, host, Packet::udp(source, to, self.payload.clone()));
            self.now += GAP;
            while let Some(output) = self.network.poll(self.now) {
                black_box(output);
            }
        }
    }
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("link, gateway, link");
    group.throughput(Throughput::Elements(PACKETS)).sample_size(20);
    for (hosts, services) in [(1, 1), (10, 100)] {
        let name = format!("{hosts} hosts to {services} services");
        let mut load = Load::new(hosts, services);
        group.bench_function(name, |bencher| bencher.iter(|| load.carry()));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
