//! A tapped network: where packets pass, as what, and that it changes nothing.

use bytes::Bytes;
use core::{net::SocketAddrV4, time::Duration};
use parallax_network::{
    Access, Behaviour, DropCause, FilterScope, Flow, GatewayConfig, HostId, LinkConfig, Loss,
    Network, NetworkOutput, Packet, SiteConfig, Time,
};

use crate::support::{Bench, endpoint};

const HOST: &str = "192.168.1.10:5000";
const SERVICE: &str = "198.51.100.1:3478";
const EXTERNAL: &str = "203.0.113.1:5000";

/// Where a packet passed: time, point, flow, source, destination, gateways so far.
type Pass = (Time, String, Flow, SocketAddrV4, SocketAddrV4, u8);

fn passes(network: &Network, outputs: &[NetworkOutput]) -> Vec<Pass> {
    let pass = |output: &NetworkOutput| match output {
        NetworkOutput::Passed { at, point, flow, packet, gateways } => {
            let name = network.point_name(*point);
            Some((*at, name, *flow, packet.source, packet.destination, *gateways))
        }
        _ => None,
    };
    outputs.iter().filter_map(pass).collect()
}

fn sent(bench: &mut Bench, from: HostId, source: &str, destination: &str) -> Vec<Pass> {
    let first = bench.outputs.len();
    bench.udp(from, source, endpoint(destination));
    passes(&bench.network, &bench.outputs[first..])
}

/// A path without its times.
type Hop = (String, Flow, SocketAddrV4, SocketAddrV4, u8);

fn path(passes: &[Pass]) -> Vec<Hop> {
    let short = |(_, point, flow, source, destination, gateways): &Pass| {
        (point.clone(), *flow, *source, *destination, *gateways)
    };
    passes.iter().map(short).collect()
}

fn hop(point: &str, flow: Flow, source: &str, destination: &str, gateways: u8) -> Hop {
    (point.to_owned(), flow, endpoint(source), endpoint(destination), gateways)
}

#[test]
fn a_packet_passes_both_ports_of_a_gateway_as_what_it_is_there() {
    use Flow::{Inbound, Outbound};
    let (mut bench, host, services) = Bench::house(GatewayConfig::default());
    bench.network.tap();
    let out = sent(&mut bench, host, HOST, SERVICE);
    assert_eq!(
        path(&out),
        [
            hop("host/host", Outbound, HOST, SERVICE, 0),
            hop("gateway/house/in", Inbound, HOST, SERVICE, 0),
            hop("gateway/house/out", Outbound, EXTERNAL, SERVICE, 1),
            hop("service/service1", Inbound, EXTERNAL, SERVICE, 1),
        ]
    );
    let back = sent(&mut bench, services[0], SERVICE, EXTERNAL);
    assert_eq!(
        path(&back),
        [
            hop("service/service1", Outbound, SERVICE, EXTERNAL, 0),
            hop("gateway/house/out", Inbound, SERVICE, EXTERNAL, 0),
            hop("gateway/house/in", Outbound, SERVICE, HOST, 1),
            hop("host/host", Inbound, SERVICE, HOST, 1),
        ]
    );
    // At the time of its delivery, and before it is told of.
    let delivered =
        bench.outputs.iter().rposition(|o| matches!(o, NetworkOutput::Delivered { .. }));
    let delivered = delivered.expect("it arrived");
    assert_eq!(bench.outputs[delivered].at(), back[3].0);
    assert!(matches!(bench.outputs[delivered - 1], NetworkOutput::Passed { .. }));
}

#[test]
fn what_a_gateway_drops_has_passed_its_port_and_no_further() {
    let (mut bench, _, services) = Bench::house(GatewayConfig::default());
    bench.network.tap();
    let stopped = sent(&mut bench, services[0], SERVICE, EXTERNAL);
    let points: Vec<_> = stopped.iter().map(|pass| pass.1.as_str()).collect();
    assert_eq!(points, ["service/service1", "gateway/house/out"]);
    let Some(NetworkOutput::Dropped { cause, gateways, .. }) = bench.outputs.last() else {
        panic!()
    };
    assert_eq!((*cause, *gateways), (DropCause::NoMapping, 0));
}

#[test]
fn a_packet_that_turns_at_its_gateway_never_passes_the_outer_port() {
    let config = GatewayConfig { hairpinning: true, ..GatewayConfig::default() };
    let (mut bench, host, _) = Bench::house(config);
    sent(&mut bench, host, HOST, SERVICE);
    bench.network.tap();
    let turned = sent(&mut bench, host, "192.168.1.10:6000", EXTERNAL);
    let points: Vec<_> = turned.iter().map(|pass| pass.1.as_str()).collect();
    assert_eq!(points.first(), Some(&"host/host"));
    assert!(points.contains(&"gateway/house/in") && !points.contains(&"gateway/house/out"));
}

#[test]
fn a_host_that_is_cut_off_passes_nothing() {
    let (mut bench, host, _) = Bench::house(GatewayConfig::default());
    bench.network.tap();
    bench.network.cut(bench.now, host);
    assert_eq!(sent(&mut bench, host, HOST, SERVICE), []);
}

#[test]
fn points_are_hosts_services_and_the_ports_that_a_gateway_has() {
    let (mut bench, ..) = Bench::house(GatewayConfig::default());
    let network = &mut bench.network;
    let config = |gateway, internet| SiteConfig { gateway, internet };
    network.add_site("island", config(Some(GatewayConfig::default()), None)).expect("new");
    network.add_site("open", config(None, Some(Access::default()))).expect("new");
    let names: Vec<_> =
        network.points().into_iter().map(|point| network.point_name(point)).collect();
    assert_eq!(
        names,
        [
            "host/host",
            "service/service1",
            "service/service2",
            "gateway/house/in",
            "gateway/house/out",
            "gateway/island/in",
        ]
    );
}

/// What a lossy house with a strict gateway tells of a minute of packets, without passes.
fn fates(tapped: bool) -> (Vec<NetworkOutput>, usize) {
    let mut network = Network::new(7);
    let link = LinkConfig {
        one_way_delay: Duration::from_millis(12),
        delay_variation: Duration::from_millis(9),
        loss: Loss::burst(0.1, 3.0).expect("such bursts can be"),
        ..LinkConfig::default()
    };
    let gateway = GatewayConfig {
        mapping: Behaviour::AddressAndPortDependent,
        filtering: Behaviour::AddressAndPortDependent,
        filter_scope: FilterScope::Mapping,
        ..GatewayConfig::default()
    };
    let house = SiteConfig {
        gateway: Some(GatewayConfig { external: [203, 0, 113, 1].into(), ..gateway }),
        internet: Some(Access { up: link.clone(), down: link }),
    };
    let house = network.add_site("house", house).expect("new");
    let host = network.add_host("host", house, [192, 168, 1, 10].into()).expect("new");
    let service = network.add_service("service", [198, 51, 100, 1].into()).expect("new");
    if tapped {
        network.tap();
    }
    let mut outputs = Vec::new();
    for step in 0..2_000_u16 {
        let now = Time::from_millis(u64::from(step) * 30);
        let payload = Bytes::from(vec![0; usize::from(step % 1_200)]);
        let port = SocketAddrV4::new([192, 168, 1, 10].into(), 5_000 + step % 7);
        network.handle(now, host, Packet::udp(port, endpoint(SERVICE), payload));
        while let Some(output) = network.poll(now) {
            // The service answers what reaches it, as a driver would: at once.
            if let NetworkOutput::Delivered { at, to, packet, .. } = &output
                && *to == service
            {
                let back = Packet::udp(packet.destination, packet.source, packet.payload.clone());
                network.handle(*at, service, back);
            }
            outputs.push(output);
        }
    }
    let all = outputs.len();
    outputs.retain(|output| !matches!(output, NetworkOutput::Passed { .. }));
    (outputs.clone(), all - outputs.len())
}

#[test]
fn a_tap_changes_nothing_of_what_becomes_of_packets() {
    let (plain, none) = fates(false);
    let (tapped, passes) = fates(true);
    assert_eq!(none, 0);
    assert!(passes > plain.len(), "{passes} passes of {} fates", plain.len());
    assert_eq!(tapped, plain);
}
