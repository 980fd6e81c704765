//! What the network core allocates for a packet on its way, once mappings and queues are there.

use bytes::Bytes;
use core::{net::SocketAddrV4, time::Duration};
use parallax_network::{
    Access, Capacity, GatewayConfig, HostId, LinkConfig, Loss, Network, Packet, QueueLimit,
    SiteConfig, Time,
};

const SERVICE: SocketAddrV4 = SocketAddrV4::new(core::net::Ipv4Addr::new(198, 51, 100, 1), 3478);
const HOST: SocketAddrV4 = SocketAddrV4::new(core::net::Ipv4Addr::new(192, 168, 1, 2), 5000);

/// A host behind a gateway with a lossy, varying up link, and a service.
fn network() -> (Network, HostId) {
    let mut network = Network::new(1);
    let up = LinkConfig {
        capacity: Capacity::from_bits_per_second(1_000_000_000),
        one_way_delay: Duration::from_millis(12),
        delay_variation: Duration::from_millis(2),
        reorder: false,
        loss: Loss::burst(0.01, 3.0).expect("such bursts can be"),
        queue: QueueLimit::Time { limit: Duration::from_millis(200) },
    };
    let site = SiteConfig {
        gateway: Some(GatewayConfig {
            external: [203, 0, 113, 1].into(),
            ..GatewayConfig::default()
        }),
        internet: Some(Access { up, down: LinkConfig::default() }),
    };
    let site = network.add_site("house", site).expect("the first site");
    let host = network.add_host("host", site, *HOST.ip()).expect("a new host");
    network.add_service("service", *SERVICE.ip()).expect("a new service");
    network.tell_loads(Duration::from_millis(5));
    (network, host)
}

/// Sends packets every 10 us; how many arrived.
fn carry(network: &mut Network, host: HostId, payload: &Bytes, now: &mut Time, count: u32) -> u32 {
    let mut outputs = 0;
    for _ in 0..count {
        network.handle(*now, host, Packet::udp(HOST, SERVICE, payload.clone()));
        *now += Duration::from_micros(10);
        while network.poll(*now).is_some() {
            outputs += 1;
        }
    }
    outputs
}

#[test]
fn a_packet_through_link_gateway_and_link_allocates_nothing_in_the_steady_state() {
    let (mut network, host) = network();
    let payload = Bytes::from(vec![0; 1200]);
    let mut now = Time::ZERO;
    carry(&mut network, host, &payload, &mut now, 20_000);
    let mut outputs = 0;
    let counted = allocation_counter::measure(|| {
        outputs = carry(&mut network, host, &payload, &mut now, 10_000);
    });
    assert!(outputs > 9_000, "{outputs} outputs");
    assert_eq!(counted.count_total, 0, "for 10000 packets: {counted:?}");
}
