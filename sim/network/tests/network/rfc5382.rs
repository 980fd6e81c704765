//! RFC 5382, "NAT Behavioral Requirements for TCP", where the model reaches.

use core::time::Duration;

use parallax_network::{
    Behaviour::{AddressAndPortDependent, EndpointIndependent},
    DropCause, GatewayConfig, NetworkOutput, Protocol,
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

fn expired(outputs: &[NetworkOutput]) -> bool {
    outputs
        .iter()
        .any(|it| matches!(it, NetworkOutput::MappingExpired { transport: Protocol::Tcp, .. }))
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
/// Section 5: the partially open phase "is entered by the first SYN for the connection".
#[test]
fn req_5_partially_open_connections_live_4_minutes() {
    let (mut bench, host, _) = Bench::house(GatewayConfig::default());
    bench.tcp(host, HOST, endpoint(SERVICE), "S");
    bench.wait(3 * MINUTE);
    bench.tcp(host, HOST, endpoint(SERVICE), "S");
    assert!(
        !expired(&bench.wait(4 * MINUTE - Duration::from_millis(20))),
        "refreshed by the second"
    );
    assert!(expired(&bench.wait(Duration::from_millis(20))));
}

/// Section 5: "The closing phase begins when both endpoints have terminated their half of the
/// connection by sending a FIN packet." Before, in FIN_WAIT and CLOSE_WAIT, it is established.
#[test]
fn req_5_half_closed_connections_are_established_and_closed_ones_transitory() {
    for (from_host, from_service, lives) in
        [("FA", "A", true), ("A", "FA", true), ("FA", "FA", false)]
    {
        let (mut bench, [host, service, _], external) = established(GatewayConfig::default());
        bench.tcp(host, HOST, endpoint(SERVICE), from_host);
        assert!(bench.tcp(service, SERVICE, external, from_service).arrived());
        assert!(!expired(&bench.wait(4 * MINUTE - Duration::from_millis(30))));
        assert_eq!(expired(&bench.wait(MINUTE)), !lives, "{from_host} {from_service}");
        assert!(!expired(&bench.wait(119 * MINUTE)), "{from_host} {from_service}");
        assert_eq!(expired(&bench.wait(MINUTE)), lives, "{from_host} {from_service}");
    }
}

/// "[...] if it has been idle for some time": the last acknowledgement of a closing connection
/// begins the 4 minutes anew, from either end.
#[test]
fn req_5_segments_of_a_closing_connection_refresh_it() {
    let (mut bench, [host, service, _], external) = established(GatewayConfig::default());
    bench.tcp(host, HOST, endpoint(SERVICE), "FA");
    bench.tcp(service, SERVICE, external, "FA");
    bench.wait(3 * MINUTE);
    assert!(bench.tcp(host, HOST, endpoint(SERVICE), "A").arrived());
    bench.wait(3 * MINUTE);
    assert!(bench.tcp(service, SERVICE, external, "FA").arrived());
    assert!(!expired(&bench.wait(4 * MINUTE - Duration::from_millis(20))));
    assert!(expired(&bench.wait(MINUTE)));
}

/// "If a NAT cannot determine whether the endpoints of a TCP connection are active, it MAY abandon
/// the session": what goes on afterwards is picked up as Linux does (`nf_conntrack_tcp_loose`), and
/// is established as soon as both ends were heard.
#[test]
fn a_connection_that_outlives_its_session_is_established_again_once_answered() {
    for answered in [true, false] {
        let (mut bench, [host, service, _], before) = established(GatewayConfig::default());
        assert!(expired(&bench.wait(124 * MINUTE)));
        assert_eq!(bench.tcp(service, SERVICE, before, "A").cause(), DropCause::NoMapping);
        let external = bench.tcp(host, HOST, endpoint(SERVICE), "A").source();
        if answered {
            assert!(bench.tcp(service, SERVICE, external, "A").arrived());
        }
        assert!(!expired(&bench.wait(4 * MINUTE - Duration::from_millis(30))));
        assert_eq!(expired(&bench.wait(MINUTE)), !answered);
        assert!(!expired(&bench.wait(118 * MINUTE)));
        assert_eq!(expired(&bench.wait(2 * MINUTE)), answered);
    }
}

/// The same where the mapping lived on because of another connection.
#[test]
fn a_connection_that_outlives_its_session_under_a_live_mapping_is_established_again() {
    let (mut bench, [host, first, second], external) = established(GatewayConfig::default());
    bench.wait(100 * MINUTE);
    bench.tcp(host, HOST, endpoint("198.51.100.2:80"), "S");
    assert!(bench.tcp(second, "198.51.100.2:80", external, "SA").arrived());
    assert!(!expired(&bench.wait(30 * MINUTE)));
    assert_eq!(bench.tcp(first, SERVICE, external, "A").cause(), DropCause::Filtered);
    assert_eq!(bench.tcp(host, HOST, endpoint(SERVICE), "A").source(), external);
    assert!(bench.tcp(first, SERVICE, external, "A").arrived());
    assert!(!expired(&bench.wait(120 * MINUTE)), "the other has expired, this one has not");
    assert!(bench.tcp(first, SERVICE, external, "A").arrived());
}

/// The same after a reboot of the gateway, which knows of no SYN.
#[test]
fn a_connection_that_outlives_a_reboot_of_the_gateway_is_established_again() {
    let (mut bench, [host, service, _], before) = established(GatewayConfig::default());
    let house = bench.network.site_named("house").expect("a site");
    bench.network.reboot_gateway(bench.now, house);
    assert!(expired(&bench.wait(Duration::from_millis(1))));
    assert_eq!(bench.tcp(service, SERVICE, before, "A").cause(), DropCause::NoMapping);
    let external = bench.tcp(host, HOST, endpoint(SERVICE), "A").source();
    assert!(bench.tcp(service, SERVICE, external, "A").arrived());
    assert!(!expired(&bench.wait(123 * MINUTE)));
    assert!(expired(&bench.wait(2 * MINUTE)));
}

/// A SYN that is sent again after the first one's 4 minutes begins a connection of its own.
#[test]
fn a_syn_after_the_expiry_of_the_first_is_partially_open_until_answered() {
    for answered in [true, false] {
        let (mut bench, host, [service, _]) = Bench::house(GatewayConfig::default());
        bench.tcp(host, HOST, endpoint(SERVICE), "S");
        assert!(expired(&bench.wait(4 * MINUTE)));
        let external = bench.tcp(host, HOST, endpoint(SERVICE), "S").source();
        if answered {
            assert!(bench.tcp(service, SERVICE, external, "SA").arrived());
        }
        assert_eq!(expired(&bench.wait(5 * MINUTE)), !answered);
    }
}

/// What the filter does not let in refreshes nothing.
#[test]
fn a_filtered_segment_refreshes_nothing() {
    let (mut bench, [_, _, stranger], external) = established(GatewayConfig::default());
    for _ in 0..4 {
        bench.wait(30 * MINUTE);
        for flags in ["S", "A", "R", "FA"] {
            let fate = bench.tcp(stranger, "198.51.100.2:9", external, flags);
            assert_eq!(fate.cause(), DropCause::Filtered);
        }
    }
    assert!(expired(&bench.wait(4 * MINUTE)));
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

/// The same endpoints may open again what they have closed, through the same mapping.
#[test]
fn a_connection_opened_again_is_established_again() {
    for closed in [&["R"][..], &["FA", "FA"]] {
        let (mut bench, [host, service, _], external) = established(GatewayConfig::default());
        bench.tcp(host, HOST, endpoint(SERVICE), closed[0]);
        for flags in &closed[1..] {
            bench.tcp(service, SERVICE, external, flags);
        }
        assert_eq!(bench.tcp(host, HOST, endpoint(SERVICE), "S").source(), external);
        assert!(bench.tcp(service, SERVICE, external, "SA").arrived());
        assert!(!expired(&bench.wait(100 * MINUTE)));
    }
}
