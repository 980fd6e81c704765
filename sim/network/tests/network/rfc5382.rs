//! RFC 5382, "NAT Behavioral Requirements for TCP", where the model reaches.

use core::time::Duration;

use parallax_network::{
    Behaviour::{AddressAndPortDependent, EndpointIndependent},
    DropCause, GatewayConfig, Output, Protocol,
};

use crate::support::{Bench, endpoint};

const HOST: &str = "192.168.1.10:5000";
const SERVICE: &str = "198.51.100.1:443";
const MINUTE: Duration = Duration::from_secs(60);

/// A host with an established connection to the first service, and its external endpoint.
fn established(
    config: GatewayConfig,
) -> (Bench, [parallax_network::HostId; 3], core::net::SocketAddrV4) {
    let (mut bench, host, services) = Bench::house(config);
    let external = bench.tcp(host, HOST, endpoint(SERVICE), "S").source();
    assert!(bench.tcp(services[0], SERVICE, external, "SA").arrived());
    assert!(bench.tcp(host, HOST, endpoint(SERVICE), "A").arrived());
    (bench, [host, services[0], services[1]], external)
}

fn expired(outputs: &[Output]) -> bool {
    outputs.iter().any(|it| matches!(it, Output::MappingExpired { transport: Protocol::Tcp, .. }))
}

/// REQ-1: "A NAT MUST have an 'Endpoint-Independent Mapping' behavior for TCP."
#[test]
fn req_1_endpoint_independent_mapping() {
    let (mut bench, [host, ..], external) = established(GatewayConfig::default());
    assert_eq!(bench.tcp(host, HOST, endpoint("198.51.100.2:80"), "S").source(), external);
    let udp = bench.udp(host, HOST, endpoint(SERVICE)).source();
    assert_eq!(udp.port(), 5000, "each protocol has ports of its own");
}

/// REQ-2: "A NAT MUST support all valid sequences of TCP packets (defined in RFC 793) for
/// connections initiated both internally as well as externally when the connection is permitted by
/// the NAT. In particular: a) In addition to handling the TCP 3-way handshake mode of connection
/// initiation, A NAT MUST handle the TCP simultaneous-open mode of connection initiation."
#[test]
fn req_2_simultaneous_open_and_connections_from_outside() {
    let strict = GatewayConfig { filtering: AddressAndPortDependent, ..GatewayConfig::default() };
    let (mut bench, host, services) = Bench::house(strict);
    let external = bench.tcp(host, HOST, endpoint(SERVICE), "S").source();
    assert!(bench.tcp(services[0], SERVICE, external, "S").arrived());
    assert!(!expired(&bench.wait(124 * MINUTE - Duration::from_millis(50))));
    assert!(expired(&bench.wait(MINUTE)));

    let open = GatewayConfig { filtering: EndpointIndependent, ..GatewayConfig::default() };
    let (mut bench, [host, _, stranger], external) = established(open);
    assert!(bench.tcp(stranger, "198.51.100.2:9", external, "S").arrived());
    assert_eq!(bench.tcp(host, HOST, endpoint("198.51.100.2:9"), "SA").source(), external);
}

/// REQ-4: "A NAT MUST NOT respond to an unsolicited inbound SYN packet for at least 6 seconds
/// after the packet is received." This one never does: it drops.
#[test]
fn req_4_an_unsolicited_syn_gets_no_answer() {
    let (mut bench, [_, _, stranger], external) = established(GatewayConfig::default());
    let fate = bench.tcp(stranger, "198.51.100.2:9", external, "S");
    assert_eq!(fate.cause(), DropCause::Filtered);
    assert_eq!(bench.wait(10 * Duration::from_secs(1)), []);
}

/// REQ-5: "[...] the value of the 'established connection idle-timeout' MUST NOT be less than 2
/// hours 4 minutes."
#[test]
fn req_5_established_connections_live_2_hours_4_minutes_idle() {
    let (mut bench, [_, service, _], external) = established(GatewayConfig::default());
    bench.wait(123 * MINUTE);
    assert!(bench.tcp(service, SERVICE, external, "A").arrived(), "either end refreshes");
    assert!(!expired(&bench.wait(123 * MINUTE)));
    assert!(expired(&bench.wait(2 * MINUTE)));
}

/// REQ-5: "The value of the 'transitory connection idle-timeout' MUST NOT be less than 4 minutes."
#[test]
fn req_5_opening_closing_and_reset_connections_live_4_minutes() {
    let (mut bench, host, _) = Bench::house(GatewayConfig::default());
    bench.tcp(host, HOST, endpoint(SERVICE), "S");
    assert!(!expired(&bench.wait(4 * MINUTE - Duration::from_millis(20))));
    assert!(expired(&bench.wait(Duration::from_millis(20))));

    for (from_host, from_service, lives) in
        [("FA", "A", true), ("FA", "FA", false), ("R", "", false)]
    {
        let (mut bench, [host, service, _], external) = established(GatewayConfig::default());
        bench.tcp(host, HOST, endpoint(SERVICE), from_host);
        if !from_service.is_empty() {
            assert!(bench.tcp(service, SERVICE, external, from_service).arrived());
        }
        assert!(!expired(&bench.wait(4 * MINUTE - Duration::from_millis(30))));
        assert_eq!(expired(&bench.wait(MINUTE)), !lives, "{from_host} {from_service}");
    }
}

/// A mapping lives as long as the longest of its connections.
#[test]
fn a_closed_connection_leaves_the_others_their_mapping() {
    let (mut bench, [host, first, second], external) = established(GatewayConfig::default());
    bench.tcp(host, HOST, endpoint("198.51.100.2:80"), "S");
    assert!(bench.tcp(second, "198.51.100.2:80", external, "SA").arrived());
    bench.tcp(host, HOST, endpoint(SERVICE), "R");
    assert!(!expired(&bench.wait(5 * MINUTE)));
    assert_eq!(bench.tcp(first, "198.51.100.1:443", external, "A").cause(), DropCause::Filtered);
    assert!(bench.tcp(second, "198.51.100.2:80", external, "A").arrived());
    assert!(!expired(&bench.wait(100 * MINUTE)));
}

/// The same endpoints may open again what they have closed.
#[test]
fn a_connection_opened_again_is_established_again() {
    let (mut bench, [host, service, _], external) = established(GatewayConfig::default());
    bench.tcp(host, HOST, endpoint(SERVICE), "R");
    bench.tcp(host, HOST, endpoint(SERVICE), "S");
    assert!(bench.tcp(service, SERVICE, external, "SA").arrived());
    assert!(!expired(&bench.wait(100 * MINUTE)));
}
