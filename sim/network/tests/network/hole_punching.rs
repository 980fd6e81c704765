//! Which pairs of gateways let two peers connect directly: ICE with server-reflexive and
//! peer-reflexive candidates, no relay, no port prediction.
//!
//! Each cell is found twice: by packets through the network, and by reasoning over the definitions
//! alone. A table written down holds both.

use std::collections::BTreeSet;

use core::net::SocketAddrV4;

use bytes::Bytes;
use parallax_network::{
    Behaviour::{self, AddressAndPortDependent, AddressDependent, EndpointIndependent},
    FilterScope, GatewayConfig, HostId, NetworkOutput, Packet, PortAssignment,
};

use crate::support::{Bench, endpoint, site};

type Nat = (Behaviour, Behaviour);

/// By packets. Both peers check every candidate they know, over and over; whoever gets a check
/// answers it to where it came from and learns that address.
fn connects(nats: [Nat; 2], filter_scope: FilterScope, ports: PortAssignment) -> bool {
    let mut bench = Bench::new();
    let stun = bench.network.add_service("stun", [198, 51, 100, 1].into()).expect("a service");
    // Both homes use the same private address.
    let local = endpoint("192.168.1.10:5000");
    let hosts: [HostId; 2] = [0, 1].map(|n: u8| {
        let (mapping, filtering) = nats[usize::from(n)];
        let config =
            GatewayConfig { mapping, filtering, filter_scope, ports, ..Default::default() };
        let external = format!("203.0.113.{}", 1 + n);
        let home = bench.network.add_site(&format!("home{n}"), site(Some(config), &external));
        bench.network.add_host(&format!("peer{n}"), home.expect("a site"), *local.ip()).expect("")
    });
    let reflexive = hosts.map(|host| {
        let fate = bench.udp(host, &local.to_string(), endpoint("198.51.100.1:3478"));
        fate.source()
    });
    let mut known: [BTreeSet<SocketAddrV4>; 2] =
        [BTreeSet::from([reflexive[1]]), BTreeSet::from([reflexive[0]])];
    let mut direct = false;
    for _round in 0..4 {
        for sender in [0, 1] {
            for candidate in known[sender].clone() {
                // The payload says where the check was sent to: its answer carries it back.
                let check = Packet::udp(local, candidate, candidate.to_string().into());
                bench.network.handle(bench.now, hosts[sender], check);
            }
        }
        for _answers in 0..2 {
            for output in bench.wait(core::time::Duration::from_millis(5)) {
                let NetworkOutput::Delivered { from, to, packet, .. } = output else { continue };
                assert_ne!(from, stun);
                let receiver = usize::from(to == hosts[1]);
                if let Some(sent_to) = packet.payload.strip_prefix(b"answer ") {
                    // RFC 8445 section 7.2.5.2.1: the addresses are symmetric, or it fails.
                    direct |= sent_to == packet.source.to_string().as_bytes();
                } else {
                    known[receiver].insert(packet.source);
                    let answer = [b"answer ", &packet.payload[..]].concat();
                    let answer = Packet::udp(local, packet.source, Bytes::from(answer));
                    bench.network.handle(bench.now, to, answer);
                }
            }
        }
    }
    direct
}

/// An external port of a gateway, by what it was made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Port {
    /// Toward the STUN server, and with endpoint-independent mapping toward all.
    Advertised,
    /// Toward the peer's address.
    PeerAddress,
    /// Toward one port of the peer.
    OneOfPeers(Box<Port>),
}

/// The port that a gateway uses toward a port of the peer's gateway.
fn port_toward(mapping: Behaviour, to: &Port) -> Port {
    match mapping {
        EndpointIndependent => Port::Advertised,
        AddressDependent => Port::PeerAddress,
        AddressAndPortDependent => Port::OneOfPeers(Box::new(to.clone())),
    }
}

/// By the definitions of RFC 4787, without a network: what each side has sent only grows, so
/// repeat until nothing new is learnt.
fn can_connect(nats: [Nat; 2], scope: FilterScope) -> bool {
    let mut known = [BTreeSet::from([Port::Advertised]), BTreeSet::from([Port::Advertised])];
    let mut sent: [BTreeSet<(Port, Port)>; 2] = Default::default();
    let lets_in = |sent: &BTreeSet<(Port, Port)>, side: usize, at: &Port, from: &Port| {
        sent.iter().any(|(via, to)| {
            (scope == FilterScope::InternalEndpoint || via == at)
                && match nats[side].1 {
                    AddressAndPortDependent => to == from,
                    _ => true,
                }
        }) || nats[side].1 == EndpointIndependent
    };
    let mut direct = false;
    // Ports beyond these depths would need a check to a port that no check came from.
    for _ in 0..4 {
        for side in [0, 1] {
            for to in known[side].clone() {
                sent[side].insert((port_toward(nats[side].0, &to), to));
            }
        }
        for (side, other) in [(0, 1), (1, 0)] {
            for to in known[side].clone() {
                let from = port_toward(nats[side].0, &to);
                if !lets_in(&sent[other], other, &to, &from) {
                    continue;
                }
                known[other].insert(from.clone());
                let answer_from = port_toward(nats[other].0, &from);
                sent[other].insert((answer_from.clone(), from.clone()));
                direct |= answer_from == to && lets_in(&sent[side], side, &from, &answer_from);
            }
        }
    }
    direct
}

fn nats() -> Vec<Nat> {
    let mut all = Vec::new();
    for mapping in Behaviour::ALL {
        all.extend(Behaviour::ALL.map(|filtering| (mapping, filtering)));
    }
    all
}

/// One line per gateway of the first peer, one column per gateway of the second, in the order of
/// `nats`: `+` direct, `.` not.
fn table(connects: impl Fn([Nat; 2]) -> bool) -> Vec<String> {
    let cell = |pair| if connects(pair) { '+' } else { '.' };
    nats().iter().map(|a| nats().iter().map(|b| cell([*a, *b])).collect()).collect()
}

#[test]
fn pairs_with_random_ports_and_the_filter_of_the_internal_endpoint() {
    let found = table(|pair| connects(pair, FilterScope::InternalEndpoint, PortAssignment::Random));
    assert_eq!(found, table(|pair| can_connect(pair, FilterScope::InternalEndpoint)));
    assert_eq!(found, INTERNAL_ENDPOINT);
}

/// Where ports are preserved, the advertised mapping has the internal port; a second one of a
/// dependent mapping gets the next, as unforeseen as a random one.
#[test]
fn preserved_ports_help_only_the_first_mapping() {
    let scope = FilterScope::InternalEndpoint;
    assert_eq!(table(|pair| connects(pair, scope, PortAssignment::Preserving)), INTERNAL_ENDPOINT);
}

#[test]
fn pairs_with_random_ports_and_the_filter_of_the_mapping() {
    let found = table(|pair| connects(pair, FilterScope::Mapping, PortAssignment::Random));
    assert_eq!(found, table(|pair| can_connect(pair, FilterScope::Mapping)));
    assert_eq!(found, MAPPING);
}

/// Columns and lines: mapping endpoint-independent, address-dependent, address-and-port-dependent;
/// within each, filtering in the same order.
const INTERNAL_ENDPOINT: [&str; 9] = [
    "+++++++++",
    "+++++++++",
    "+++......",
    "++.++.++.",
    "++.++.++.",
    "++.......",
    "++.++....",
    "++.++....",
    "++.......",
];

/// As above; what differs are dependent mappings with address-dependent filters on both sides:
/// what was sent through the mapping toward the peer does not open the advertised one.
const MAPPING: [&str; 9] = [
    "+++++++++",
    "+++++++++",
    "+++......",
    "++.++.++.",
    "++.+..+..",
    "++.......",
    "++.++....",
    "++.+.....",
    "++.......",
];
