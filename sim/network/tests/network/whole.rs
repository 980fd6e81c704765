//! Paths, fates, names, and what adding a node does not change.

use core::time::Duration;

use bytes::Bytes;
use parallax_network::{
    Access, Capacity, DropCause, GatewayConfig, LinkConfig, Loss, Network, NetworkOutput, Packet,
    PortAssignment, SiteConfig, Time, TopologyError,
};

use crate::support::{Bench, Fate, endpoint, site};

const HOST: &str = "192.168.1.10:5000";
const SERVICE: &str = "198.51.100.1:3478";

#[test]
fn a_path_takes_the_sum_of_its_links() {
    let mut network = Network::new(1);
    let link = |mbit: u64, ms: u64| LinkConfig {
        capacity: Capacity::from_bits_per_second(mbit * 1_000_000),
        one_way_delay: Duration::from_millis(ms),
        ..LinkConfig::default()
    };
    let hosts = [1, 2].map(|n: u8| {
        let config = SiteConfig {
            gateway: None,
            internet: Some(Access { up: link(8, 12), down: link(40, 7) }),
        };
        let site = network.add_site(&format!("site{n}"), config).expect("new");
        network.add_host(&format!("host{n}"), site, [192, 0, 2, n].into()).expect("new")
    });
    let packet = Packet::udp(
        endpoint("192.0.2.1:1"),
        endpoint("192.0.2.2:2"),
        Bytes::from_static(&[0; 972]),
    );
    network.handle(Time::from_millis(5), hosts[0], packet.clone());
    // LAN twice: 0.2 ms and 8 us each; up: 1 ms and 12 ms; down: 0.2 ms and 7 ms.
    let at = Time::from_micros(5_000 + 2 * 208 + 13_000 + 7_200);
    let (sent_at, from, to) = (Time::from_millis(5), hosts[0], hosts[1]);
    assert_eq!(
        network.poll(at),
        Some(NetworkOutput::Delivered { at, sent_at, from, to, packet, gateways: 0 })
    );
    assert_eq!((network.poll(Time::NEVER), network.next_deadline()), (None, None));
}

#[test]
fn two_homes_may_use_the_same_private_addresses() {
    let (mut bench, host, services) = Bench::house(GatewayConfig::default());
    let flat = site(Some(GatewayConfig::default()), "203.0.113.2");
    let flat = bench.network.add_site("flat", flat).expect("new");
    let other = bench.network.add_host("other", flat, [192, 168, 1, 10].into()).expect("new");
    let first = bench.udp(host, HOST, endpoint(SERVICE)).source();
    let second = bench.udp(other, HOST, endpoint(SERVICE)).source();
    assert_eq!([first, second], [endpoint("203.0.113.1:5000"), endpoint("203.0.113.2:5000")]);
    for (external, to) in [(first, host), (second, other)] {
        let (source, destination) = (endpoint(SERVICE), endpoint(HOST));
        let fate = bench.udp(services[0], SERVICE, external);
        assert_eq!(fate, Fate::Arrived { to, source, destination });
    }
}

#[test]
fn hosts_of_a_site_talk_over_the_senders_lan_link_alone() {
    let mut network = Network::new(1);
    let lan = SiteConfig { gateway: None, internet: None };
    let lan = network.add_site("lan", lan).expect("new");
    let [a, b] = [1, 2].map(|n: u8| {
        network.add_host(&format!("host{n}"), lan, [192, 168, 1, n].into()).expect("new")
    });
    let (to_b, to_a) = (endpoint("192.168.1.2:2"), endpoint("192.168.1.1:1"));
    network.handle(Time::ZERO, a, Packet::udp(to_a, to_b, Bytes::new()));
    let output = network.poll(Time::NEVER);
    assert!(
        matches!(output, Some(NetworkOutput::Delivered { at, to, .. })
        if at == Time::from_nanos(200_000 + 28 * 8) && to == b),
        "{output:?}"
    );
}

/// Each way to be dropped by address, with its place.
#[test]
fn packets_that_go_nowhere_are_dropped_by_name() {
    let (mut bench, host, services) = Bench::house(GatewayConfig::default());
    let lan = SiteConfig { gateway: None, internet: None };
    let lan = bench.network.add_site("island", lan).expect("new");
    let castaway = bench.network.add_host("castaway", lan, [10, 0, 0, 1].into()).expect("new");
    let long = Packet::udp(endpoint(HOST), endpoint(SERVICE), vec![0; 65_508].into());
    let mut seen = Vec::new();
    let mut see = |fate: Fate| match fate {
        Fate::Dropped { place, cause } => seen.push(format!("{cause} at {place}")),
        arrived @ Fate::Arrived { .. } => panic!("{arrived:?}"),
    };
    see(bench.udp(host, "192.168.1.11:5000", endpoint(SERVICE)));
    see(bench.udp(host, "203.0.113.1:5000", endpoint(SERVICE)));
    see(bench.send(host, long));
    see(bench.udp(host, HOST, endpoint("224.0.0.251:5353")));
    see(bench.udp(host, HOST, endpoint("192.168.1.99:1")));
    see(bench.udp(host, HOST, endpoint("192.168.2.99:1")));
    see(bench.udp(host, HOST, endpoint("100.64.0.1:1")));
    see(bench.udp(host, HOST, endpoint("8.8.8.8:53")));
    see(bench.udp(castaway, "10.0.0.1:1", endpoint(SERVICE)));
    see(bench.udp(services[0], SERVICE, endpoint("203.0.113.1:9999")));
    see(bench.udp(services[1], "198.51.100.2:1", endpoint("203.0.113.1:5000")));
    see(bench.udp(services[0], SERVICE, endpoint("192.168.1.10:5000")));
    assert_eq!(
        seen,
        [
            "wrong-source at host/host",
            "wrong-source at host/host",
            "too-long at host/host",
            "not-a-host at host/host",
            "no-such-host at lan/host/out",
            "private-destination at core",
            "private-destination at core",
            "no-route at core",
            "no-internet at gateway/island",
            "no-mapping at gateway/house",
            "filtered at gateway/house",
            "private-destination at core",
        ]
    );
}

#[test]
fn a_host_reaches_itself_and_services_each_other_in_no_time() {
    let (mut bench, host, services) = Bench::house(GatewayConfig::default());
    assert!(bench.udp(host, HOST, endpoint("192.168.1.10:1")).arrived());
    assert!(bench.udp(services[0], SERVICE, endpoint("198.51.100.2:1")).arrived());
    let instant = |output: &NetworkOutput| matches!(output, NetworkOutput::Delivered { at, sent_at, .. } if at == sent_at);
    assert!(bench.outputs.iter().all(instant));
}

#[test]
fn a_gateway_out_of_ports_drops_what_needs_one_more() {
    let config = GatewayConfig {
        mapping: parallax_network::Behaviour::AddressAndPortDependent,
        ..GatewayConfig::default()
    };
    let (mut bench, host, _) = Bench::house(config);
    // The ports below 1024 are the fewest.
    let source = "192.168.1.10:80";
    for n in 1..=1023 {
        let to = core::net::SocketAddrV4::new([198, 51, 100, 1].into(), n);
        bench.network.handle(bench.now, host, Packet::udp(endpoint(source), to, Bytes::new()));
    }
    let outputs = bench.wait(Duration::from_secs(1));
    assert!(!outputs.iter().any(|it| matches!(it, NetworkOutput::Dropped { .. })));
    let fate = bench.udp(host, source, endpoint("198.51.100.2:65000"));
    let (place, cause) = ("gateway/house".into(), DropCause::PortsExhausted);
    assert_eq!(fate, Fate::Dropped { place, cause });
    bench.wait(GatewayConfig::default().mapping_timeout);
    assert!(bench.udp(host, source, endpoint("198.51.100.2:65000")).arrived());
}

/// A service that answers at the time of a delivery does so before anything later happens.
#[test]
fn a_service_answers_at_the_very_time_of_a_delivery() {
    let (mut bench, host, services) = Bench::house(GatewayConfig::default());
    let ask =
        |ms| (Time::from_millis(ms), Packet::udp(endpoint(HOST), endpoint(SERVICE), Bytes::new()));
    for (at, packet) in [ask(0), ask(5)] {
        bench.network.handle(at, host, packet);
    }
    let mut order = Vec::new();
    while let Some(output) = bench.network.poll(Time::from_millis(50)) {
        if let NetworkOutput::Delivered { at, to, packet, .. } = output {
            order.push((to, at.as_nanos()));
            if to == services[0] {
                let answer = Packet::udp(packet.destination, packet.source, packet.payload);
                bench.network.handle(at, to, answer);
            }
        }
    }
    let crossing = 200_224;
    let expected = [
        (services[0], crossing),
        (host, 2 * crossing),
        (services[0], 5_000_000 + crossing),
        (host, 5_000_000 + 2 * crossing),
    ];
    assert_eq!(order, expected);
}

#[test]
fn a_rebooted_gateway_has_lost_its_mappings() {
    let (mut bench, host, services) = Bench::house(GatewayConfig::default());
    let external = bench.udp(host, HOST, endpoint(SERVICE)).source();
    let Some(NetworkOutput::MappingCreated { gateway, .. }) = bench.outputs.first() else {
        panic!("a mapping was made");
    };
    bench.network.reboot_gateway(bench.now, *gateway);
    assert_eq!(bench.network.site_name(*gateway), "house");
    let at_reboot = bench.now;
    let outputs = bench.wait(Duration::ZERO);
    assert!(matches!(outputs[..], [NetworkOutput::MappingExpired { at, .. }] if at == at_reboot));
    assert_eq!(bench.udp(services[0], SERVICE, external).cause(), DropCause::NoMapping);
    assert_eq!(bench.udp(host, HOST, endpoint(SERVICE)).source(), external);
    // Old timers mean nothing to the new mapping.
    bench.wait(Duration::from_secs(299));
    assert!(bench.udp(services[0], SERVICE, external).arrived());
}

#[test]
fn a_cut_host_neither_sends_nor_receives_until_it_is_restored() {
    let (mut bench, host, services) = Bench::house(GatewayConfig::default());
    let external = bench.udp(host, HOST, endpoint(SERVICE)).source();
    bench.network.cut(bench.now, host);
    let cut = Fate::Dropped { place: "host/host".into(), cause: DropCause::HostCut };
    assert_eq!(bench.udp(services[0], SERVICE, external), cut);
    assert_eq!(bench.udp(host, HOST, endpoint(SERVICE)), cut);
    bench.network.restore(bench.now, host);
    assert!(bench.udp(services[0], SERVICE, external).arrived());
    assert_eq!(bench.udp(host, HOST, endpoint(SERVICE)).source(), external);
}

/// Adds `house` (after `more` other sites with traffic of their own), sends 500 packets from it,
/// and gives when they arrive and with which external port.
fn luck_of_house(seed: u64, more: u8) -> Vec<(Time, u16)> {
    let mut network = Network::new(seed);
    let config = |n: u8| {
        let up = LinkConfig {
            one_way_delay: Duration::from_millis(20),
            delay_variation: Duration::from_millis(3),
            loss: Loss::burst(0.1, 2.0).expect("possible"),
            ..LinkConfig::default()
        };
        let gateway = GatewayConfig {
            ports: PortAssignment::Random,
            mapping: parallax_network::Behaviour::AddressAndPortDependent,
            ..GatewayConfig::default()
        };
        SiteConfig {
            gateway: Some(GatewayConfig { external: [203, 0, 113, n].into(), ..gateway }),
            internet: Some(Access { up, down: LinkConfig::default() }),
        }
    };
    let mut senders = Vec::new();
    let mut add = |network: &mut Network, name: &str, n| {
        let site = network.add_site(name, config(n)).expect("new");
        senders.push(network.add_host(name, site, [192, 168, 1, 10].into()).expect("new"));
    };
    (0..more).for_each(|n| add(&mut network, &format!("more{n}"), 100 + n));
    add(&mut network, "house", 1);
    network.add_service("service", [198, 51, 100, 1].into()).expect("new");
    for n in 0..500 {
        let to = core::net::SocketAddrV4::new([198, 51, 100, 1].into(), 1000 + n);
        for sender in &senders {
            let packet = Packet::udp(endpoint(HOST), to, Bytes::new());
            network.handle(Time::from_millis(u64::from(n)), *sender, packet);
        }
    }
    let mut arrivals = Vec::new();
    while let Some(output) = network.poll(Time::from_millis(2000)) {
        match output {
            NetworkOutput::Delivered { at, from, packet, .. }
                if network.host_name(from) == "house" =>
            {
                arrivals.push((at, packet.source.port()));
            }
            _ => {}
        }
    }
    arrivals
}

#[test]
fn adding_nodes_changes_the_luck_of_none_of_the_others() {
    let alone = luck_of_house(1, 0);
    assert!((400..500).contains(&alone.len()));
    assert_eq!(alone, luck_of_house(1, 3));
    assert_ne!(alone, luck_of_house(2, 0));
}

#[test]
fn what_cannot_stand_is_refused() {
    let mut network = Bench::house(GatewayConfig::default()).0.network;
    let gateway = || Some(GatewayConfig::default());
    let mut errors: Vec<TopologyError> = Vec::new();
    for (name, config) in [
        ("house", site(None, "0.0.0.0")),
        ("a/b", site(None, "0.0.0.0")),
        ("", site(None, "0.0.0.0")),
        ("flat", site(gateway(), "203.0.113.1")),
        ("flat", site(gateway(), "198.51.100.1")),
        ("flat", site(gateway(), "192.168.0.1")),
    ] {
        errors.push(network.add_site(name, config).expect_err("it cannot stand"));
    }
    let mut lossy = site(None, "0.0.0.0");
    let up = LinkConfig { loss: Loss::Burst { mean: 0.9, burst: 1.0 }, ..LinkConfig::default() };
    lossy.internet = Some(Access { up, down: LinkConfig::default() });
    errors.push(network.add_site("lossy", lossy).expect_err("it cannot stand"));
    let flat = network.add_site("flat", site(gateway(), "203.0.113.2")).expect("new");
    let open = network.add_site("open", site(None, "0.0.0.0")).expect("new");
    network.add_host("first", flat, [10, 0, 0, 1].into()).expect("new");
    for (name, site, address) in [
        ("first", flat, [10, 0, 0, 2]),
        ("second", flat, [10, 0, 0, 1]),
        ("second", flat, [203, 0, 113, 2]),
        ("second", flat, [127, 0, 0, 1]),
        ("second", open, [10, 0, 0, 2]),
        ("second", open, [198, 51, 100, 2]),
    ] {
        errors.push(network.add_host(name, site, address.into()).expect_err("it cannot stand"));
    }
    errors.push(network.add_service("third", [203, 0, 113, 2].into()).expect_err("taken"));
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "failed to add `house`: the name is taken",
            "failed to add `a/b`: a name is not empty and has no `/` in it",
            "failed to add ``: a name is not empty and has no `/` in it",
            "failed to add `flat`: `house` has the address 203.0.113.1",
            "failed to add `flat`: `service1` has the address 198.51.100.1",
            "failed to add `flat`: 192.168.0.1 is not public, and no gateway translates it",
            "failed to add `lossy`",
            "failed to add `first`: the name is taken",
            "failed to add `second`: `first` has the address 10.0.0.1",
            "failed to add `second`: `flat` has the address 203.0.113.2",
            "failed to add `second`: 127.0.0.1 is no address of a host",
            "failed to add `second`: 10.0.0.2 is not public, and no gateway translates it",
            "failed to add `second`: `service2` has the address 198.51.100.2",
            "failed to add `third`: `flat` has the address 203.0.113.2",
        ]
    );
}
