//! RFC 4787, "Network Address Translation (NAT) Behavioral Requirements for Unicast UDP", clause
//! by clause.

use core::{net::SocketAddrV4, time::Duration};

use parallax_network::{
    Behaviour::{self, AddressAndPortDependent, AddressDependent, EndpointIndependent},
    DropCause, FilterScope, GatewayConfig, NetworkOutput, PortAssignment, Protocol,
};

use crate::support::{Bench, Fate, endpoint, site};

const HOST: &str = "192.168.1.10:5000";
const SERVICES: [[&str; 2]; 2] =
    [["198.51.100.1:3478", "198.51.100.1:3479"], ["198.51.100.2:3478", "198.51.100.2:3479"]];

fn with(mapping: Behaviour, filtering: Behaviour) -> GatewayConfig {
    GatewayConfig { mapping, filtering, ports: PortAssignment::Random, ..GatewayConfig::default() }
}

/// The external endpoints toward one port of a service, another port of it, and another service.
fn mappings(mapping: Behaviour) -> [SocketAddrV4; 3] {
    let (mut bench, host, _) = Bench::house(with(mapping, EndpointIndependent));
    let mut toward = |service: &str| bench.udp(host, HOST, endpoint(service)).source();
    let first = toward(SERVICES[0][0]);
    let all = [first, toward(SERVICES[0][1]), toward(SERVICES[1][0])];
    assert_eq!(toward(SERVICES[0][0]), first, "a mapping is used again");
    all
}

/// Section 4.1: "Endpoint-Independent Mapping: The NAT reuses the port mapping for subsequent
/// packets sent from the same internal IP address and port (X:x) to any external IP address and
/// port." And REQ-1: "A NAT MUST have an 'Endpoint-Independent Mapping' behavior", the default.
#[test]
fn req_1_endpoint_independent_mapping() {
    let [first, other_port, other_address] = mappings(EndpointIndependent);
    assert_eq!([first, first], [other_port, other_address]);
    assert_eq!(GatewayConfig::default().mapping, EndpointIndependent);
}

/// Section 4.1: "Address-Dependent Mapping: The NAT reuses the port mapping for subsequent packets
/// sent from the same internal IP address and port (X:x) to the same external IP address,
/// regardless of the external port."
#[test]
fn section_4_1_address_dependent_mapping() {
    let [first, other_port, other_address] = mappings(AddressDependent);
    assert_eq!(first, other_port);
    assert_ne!(first, other_address);
}

/// Section 4.1: "Address and Port-Dependent Mapping: The NAT reuses the port mapping for
/// subsequent packets sent from the same internal IP address and port (X:x) to the same external
/// IP address and port while the mapping is still active."
#[test]
fn section_4_1_address_and_port_dependent_mapping() {
    let [first, other_port, other_address] = mappings(AddressAndPortDependent);
    assert_ne!(first, other_port);
    assert_ne!(first, other_address);
    assert_ne!(other_port, other_address);
}

/// Who is let in after one packet to the first service's first port: that port, its other port,
/// the other service.
fn let_in(filtering: Behaviour) -> [bool; 3] {
    let (mut bench, host, services) = Bench::house(with(EndpointIndependent, filtering));
    let external = bench.udp(host, HOST, endpoint(SERVICES[0][0])).source();
    [(0, 0), (0, 1), (1, 0)].map(|(service, port)| {
        let fate = bench.udp(services[service], SERVICES[service][port], external);
        if let Fate::Dropped { place, cause } = &fate {
            assert_eq!((place.as_str(), *cause), ("gateway/house", DropCause::Filtered));
        }
        fate.arrived()
    })
}

/// Section 5: "Endpoint-Independent Filtering: The NAT filters out only packets not destined to
/// the internal address and port X:x, regardless of the external IP address and port source."
#[test]
fn section_5_endpoint_independent_filtering() {
    assert_eq!(let_in(EndpointIndependent), [true, true, true]);
}

/// Section 5: "Address-Dependent Filtering: [...] the NAT will filter out packets from Y:y
/// destined for the internal endpoint X:x if X:x has not sent packets to Y:any previously
/// (independently of the port used by Y)." And REQ-8, the default: "If application transparency is
/// most important, it is RECOMMENDED that a NAT have an 'Endpoint-Independent Filtering' behavior.
/// If a more stringent filtering behavior is most important, it is RECOMMENDED that a NAT have an
/// 'Address-Dependent Filtering' behavior."
#[test]
fn req_8_address_dependent_filtering() {
    assert_eq!(let_in(AddressDependent), [true, true, false]);
    assert_eq!(GatewayConfig::default().filtering, AddressDependent);
}

/// Section 5: "Address and Port-Dependent Filtering: [...] the NAT will filter out packets from
/// Y:y destined for the internal endpoint X:x if X:x has not sent packets to Y:y previously."
#[test]
fn section_5_address_and_port_dependent_filtering() {
    assert_eq!(let_in(AddressAndPortDependent), [true, false, false]);
}

/// Section 5 speaks of what "the internal endpoint X:x" has sent, through whichever mapping;
/// gateways that keep the filter per mapping let less in.
#[test]
fn section_5_the_filter_is_the_internal_endpoints_or_the_mappings() {
    for filtering in [AddressDependent, AddressAndPortDependent] {
        for scope in [FilterScope::InternalEndpoint, FilterScope::Mapping] {
            let config =
                GatewayConfig { filter_scope: scope, ..with(AddressAndPortDependent, filtering) };
            let (mut bench, host, services) = Bench::house(config);
            let toward_first = bench.udp(host, HOST, endpoint(SERVICES[0][0])).source();
            let toward_second = bench.udp(host, HOST, endpoint(SERVICES[1][0])).source();
            assert_ne!(toward_first, toward_second);
            // The second service was written to, but through another mapping than it answers to.
            let fate = bench.udp(services[1], SERVICES[1][0], toward_first);
            assert_eq!(fate.arrived(), scope == FilterScope::InternalEndpoint, "{scope:?}");
            assert!(bench.udp(services[0], SERVICES[0][0], toward_first).arrived());
        }
    }
}

/// REQ-3: "A NAT MUST NOT have a 'Port assignment' behavior of 'Port overloading'."
#[test]
fn req_3_no_port_overloading() {
    for ports in [PortAssignment::Preserving, PortAssignment::Random] {
        let (mut bench, _, _) = Bench::house(GatewayConfig { ports, ..GatewayConfig::default() });
        let flat = bench.network.add_site(
            "flat",
            site(Some(GatewayConfig { ports, ..GatewayConfig::default() }), "203.0.113.2"),
        );
        let flat = flat.expect("a site");
        let mut seen = Vec::new();
        for n in 1..=50 {
            let host = bench.network.add_host(&format!("host{n}"), flat, [10, 0, 0, n].into());
            let source = format!("10.0.0.{n}:5000");
            let fate = bench.udp(host.expect("a host"), &source, endpoint(SERVICES[0][0]));
            seen.push(fate.source());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 50, "{ports:?}");
    }
}

/// REQ-4: "It is RECOMMENDED that a NAT have a 'Port parity preservation' behavior of 'Yes'."
#[test]
fn req_4_preserving_keeps_the_parity_when_the_port_is_taken() {
    let config = GatewayConfig { mapping: AddressDependent, ..GatewayConfig::default() };
    let (mut bench, host, _) = Bench::house(config);
    assert_eq!(bench.udp(host, HOST, endpoint(SERVICES[0][0])).source().port(), 5000);
    assert_eq!(bench.udp(host, HOST, endpoint(SERVICES[1][0])).source().port(), 5002);
}

/// The times at which mappings expired, and when the last one was made.
fn expiries(outputs: &[NetworkOutput]) -> Vec<u64> {
    let ms = |output: &NetworkOutput| output.at().as_nanos() / 1_000_000;
    outputs.iter().filter(|it| matches!(it, NetworkOutput::MappingExpired { .. })).map(ms).collect()
}

/// REQ-5: "A NAT UDP mapping timer MUST NOT expire in less than two minutes [...] c) A default
/// value of five minutes or more for the NAT UDP mapping timer is RECOMMENDED."
#[test]
fn req_5_a_mapping_expires_exactly_at_its_timeout() {
    let (mut bench, host, services) = Bench::house(GatewayConfig::default());
    let timeout = GatewayConfig::default().mapping_timeout;
    assert_eq!(timeout, Duration::from_secs(300));
    let external = bench.udp(host, HOST, endpoint(SERVICES[0][0])).source();
    let created = bench.outputs.iter().find_map(|output| match output {
        NetworkOutput::MappingCreated { at, transport, internal, external: mapped, .. } => {
            assert_eq!(*transport, Protocol::Udp);
            assert_eq!((*internal, *mapped), (endpoint(HOST), external));
            Some(*at)
        }
        _ => None,
    });
    bench.wait(timeout - Duration::from_millis(31));
    assert!(bench.udp(services[0], SERVICES[0][0], external).arrived());
    let outputs = bench.wait(Duration::from_secs(1));
    assert!(matches!(outputs[..], [NetworkOutput::MappingExpired { at, .. }]
        if at == created.expect("a mapping was made") + timeout));
    let fate = bench.udp(services[0], SERVICES[0][0], external);
    assert_eq!(fate.cause(), DropCause::NoMapping);
}

/// REQ-6: "The NAT mapping Refresh Direction MUST have a 'NAT Outbound refresh behavior' of
/// 'True'. a) The NAT mapping Refresh Direction MAY have a 'NAT Inbound refresh behavior' of
/// 'True'."
#[test]
fn req_6_outbound_refreshes_and_inbound_if_configured() {
    for (refresh_inbound, inbound, lives) in
        [(false, false, true), (false, true, false), (true, true, true)]
    {
        let config = GatewayConfig {
            refresh_inbound,
            mapping_timeout: Duration::from_secs(30),
            ..GatewayConfig::default()
        };
        let (mut bench, host, services) = Bench::house(config);
        let external = bench.udp(host, HOST, endpoint(SERVICES[0][0])).source();
        for _ in 0..4 {
            bench.wait(Duration::from_secs(20));
            if inbound {
                bench.udp(services[0], SERVICES[0][0], external);
            } else {
                bench.udp(host, HOST, endpoint(SERVICES[0][0]));
            }
        }
        assert_eq!(expiries(&bench.outputs).is_empty(), lives, "{refresh_inbound} {inbound}");
    }
}

/// Section 4.3 and 5: what is let in is forgotten per remote endpoint, also while the mapping is
/// kept alive by traffic to another.
#[test]
fn a_filter_entry_expires_per_remote_endpoint() {
    for filtering in [AddressDependent, AddressAndPortDependent] {
        let config = GatewayConfig {
            mapping_timeout: Duration::from_secs(30),
            ..with(EndpointIndependent, filtering)
        };
        let (mut bench, host, services) = Bench::house(config);
        let external = bench.udp(host, HOST, endpoint(SERVICES[0][0])).source();
        for _ in 0..2 {
            bench.udp(host, HOST, endpoint(SERVICES[1][0]));
            bench.wait(Duration::from_secs(20));
        }
        let fate = bench.udp(services[0], SERVICES[0][0], external);
        assert_eq!(fate.cause(), DropCause::Filtered);
        assert!(bench.udp(services[1], SERVICES[1][0], external).arrived());
    }
}

/// REQ-9: "A NAT MUST support 'Hairpinning'. a) A NAT Hairpinning behavior MUST be 'External
/// source IP address and port'."
#[test]
fn req_9_hairpinning_with_external_source() {
    for hairpinning in [true, false] {
        let (mut bench, host, _) = Bench::house(GatewayConfig {
            hairpinning,
            ..with(EndpointIndependent, AddressAndPortDependent)
        });
        let site = bench.network.add_site(
            "flat",
            site(
                Some(GatewayConfig {
                    hairpinning,
                    ..with(EndpointIndependent, AddressAndPortDependent)
                }),
                "203.0.113.2",
            ),
        );
        let site = site.expect("a site");
        let [first, second] = [1, 2].map(|n| {
            let host = bench.network.add_host(&format!("host{n}"), site, [10, 0, 0, n].into());
            host.expect("a host")
        });
        let stun = endpoint(SERVICES[0][0]);
        let first_external = bench.udp(first, "10.0.0.1:5000", stun).source();
        let second_external = bench.udp(second, "10.0.0.2:5000", stun).source();
        let fate = bench.udp(first, "10.0.0.1:5000", second_external);
        if !hairpinning {
            assert_eq!(fate.cause(), DropCause::HairpinningOff);
            continue;
        }
        assert_eq!(fate.cause(), DropCause::Filtered, "the filter holds inside, too");
        let fate = bench.udp(second, "10.0.0.2:5000", first_external);
        let (source, destination) = (second_external, endpoint("10.0.0.1:5000"));
        assert_eq!(fate, Fate::Arrived { to: first, source, destination });
        assert!(bench.udp(first, "10.0.0.1:5000", second_external).arrived());
        let fate = bench.udp(host, HOST, endpoint("203.0.113.1:9"));
        assert_eq!(fate.cause(), DropCause::NoMapping);
    }
}

/// REQ-11: "A NAT MUST have deterministic behavior, i.e., it MUST NOT change the NAT translation
/// (Section 4) or the Filtering (Section 5) Behavior at any point in time, or under any particular
/// conditions." Here: not for the second host that uses a port, whose mapping cannot preserve it.
#[test]
fn req_11_a_taken_port_changes_no_behaviour() {
    for mapping in Behaviour::ALL {
        let config =
            GatewayConfig { mapping, filtering: AddressAndPortDependent, ..Default::default() };
        let mut bench = Bench::house(config.clone()).0;
        let flat = bench.network.add_site("flat", site(Some(config), "203.0.113.2"));
        let flat = flat.expect("a site");
        let mut same = Vec::new();
        for n in 1..=2 {
            let host = bench.network.add_host(&format!("host{n}"), flat, [10, 0, 0, n].into());
            let (host, source) = (host.expect("a host"), format!("10.0.0.{n}:5000"));
            let first = bench.udp(host, &source, endpoint(SERVICES[0][0])).source();
            let other_port = bench.udp(host, &source, endpoint(SERVICES[0][1])).source();
            let other_address = bench.udp(host, &source, endpoint(SERVICES[1][0])).source();
            same.push((first == other_port, first == other_address));
        }
        assert_eq!(same[0], same[1], "{mapping:?}");
    }
}
