//! One sequence of packets through the network in real time, over Ethernet ports, and in virtual time:
//! the same fates, the same mappings.

mod simulated;
mod station;
mod street;

use parallax_fabric::Direction;
use parallax_lab::FrameRefusal;
use parallax_network::{DropCause, Time};
use parallax_record::{Entry, Event};
use parallax_scenario::{Builtin, Scenario, parse};
use simulated::{Sends, Simulated, sent, simulated};
use smoltcp::wire::TcpControl;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};
use street::{Cables, FIRST, Seen, Street, with_stations, with_stations_on};

const SEED: u64 = 11;

fn scenario() -> Scenario {
    let mut scenario = parse("street.toml", include_str!("street.toml"), &Builtin)
        .unwrap_or_else(|errors| panic!("{:?}", errors.problems()));
    // A file with such a site beside a rendezvous is refused: nobody there could call anybody.
    let island = scenario.sites.iter_mut().find(|site| site.name == "island").expect("it is there");
    (island.up, island.down) = (None, None);
    scenario
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// At which host, from where, to where.
    Delivered(String, SocketAddrV4, SocketAddrV4),
    /// Where, why, and as from and to whom.
    Dropped(String, String, String, String),
}

/// All that became of numbered packets, by their numbers.
fn fates(log: &[Seen], entries: &[Entry], scenario: &Scenario) -> BTreeMap<usize, Vec<Fate>> {
    let mut fates: BTreeMap<usize, Vec<Fate>> = BTreeMap::new();
    for number in sent(log, scenario).iter().filter_map(|seen| numbered(seen.packet.payload.len()))
    {
        fates.insert(number, Vec::new());
    }
    let mut add = |bytes: usize, fate| {
        if let Some(all) = fates.get_mut(&bytes) {
            all.push(fate);
        }
    };
    for seen in log.iter().filter(|seen| seen.direction == Direction::Delivered) {
        let (from, to) = (seen.packet.source, seen.packet.destination);
        add(seen.packet.payload.len(), Fate::Delivered(seen.host.clone(), from, to));
    }
    for Entry { node, event, .. } in entries {
        if let Event::PacketDropped { cause, source, destination, bytes } = event {
            let fate = (node.clone(), cause.clone(), source.clone(), destination.clone());
            // Headers of IPv4 and UDP.
            let bytes = *bytes as usize - 28;
            add(bytes, Fate::Dropped(fate.0, fate.1, fate.2, fate.3));
        }
    }
    fates
}

/// The number of a packet with so many bytes of payload: others are shorter.
fn numbered(bytes: usize) -> Option<usize> {
    (bytes >= FIRST).then_some(bytes)
}

/// Begins and ends of mappings, by gateway, in their order.
fn mappings(entries: &[Entry]) -> BTreeMap<String, Vec<(bool, String, String, String)>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for Entry { node, event, .. } in entries {
        let (begins, transport, internal, external) = match event {
            Event::MappingCreated { transport, internal, external } => {
                (true, transport, internal, external)
            }
            Event::MappingExpired { transport, internal, external } => {
                (false, transport, internal, external)
            }
            _ => continue,
        };
        let mapping = (begins, transport.clone(), internal.clone(), external.clone());
        all.entry(node.clone()).or_default().push(mapping);
    }
    all
}

/// External endpoints, by who made them and to whom they were shown.
type Externals = BTreeMap<(&'static str, &'static str, u16), SocketAddrV4>;

/// Who is behind which gateway, and whom each writes to.
const INSIDE: [&str; 3] = ["anna", "adam", "zoe"];
const OUTSIDE: [(&str, u16); 3] = [("pia", 7_000), ("pia", 7_001), ("pol", 7_000)];

/// From inside to outside: mappings are made.
fn call_out(street: &mut Street) -> Externals {
    let mut externals = BTreeMap::new();
    for inside in INSIDE {
        for (outside, port) in OUTSIDE {
            let external = street.reach(inside, 5_000, street.at(outside, port));
            externals.insert((inside, outside, port), external);
        }
    }
    externals
}

/// From everywhere to every mapping: filters let in, or do not.
fn call_in(street: &mut Street, externals: &Externals) {
    let from = [("pia", 7_000), ("pia", 7_999), ("pol", 7_000), ("pol", 7_001), ("adam", 5_000)];
    let all: BTreeSet<SocketAddrV4> = externals.values().copied().collect();
    for external in all {
        for (host, port) in from.into_iter().chain([("zoe", 5_000), ("zed", 6_000), ("ben", 6_000)])
        {
            street.send(host, port, external);
        }
        street.send("pia", 7_000, SocketAddrV4::new(*external.ip(), 9));
    }
}

/// To neighbours, and to where nobody is.
fn call_around(street: &mut Street) {
    let ends = [
        street.at("ben", 5_000),
        SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 77), 5_000),
        SocketAddrV4::new(Ipv4Addr::new(10, 1, 2, 3), 5_000),
        SocketAddrV4::new(Ipv4Addr::new(8, 8, 8, 8), 53),
        SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 5), 5_000),
    ];
    for to in ends {
        street.send("anna", 5_100, to);
    }
    street.send("zoe", 5_100, street.at("zed", 5_100));
    street.send("olga", 5_000, street.at("pia", 7_000));
}

/// Faster than a link carries, and over links that lose.
fn press(street: &mut Street, externals: &Externals) {
    for _ in 0..8 {
        street.hasten("nell", 5_000, street.at("pia", 7_000), 800);
    }
    for _ in 0..40 {
        street.hasten("adam", 5_000, street.at("pia", 7_000), 0);
    }
    street.send("zoe", 5_000, street.at("pia", 7_000));
    for _ in 0..60 {
        street.hasten("pia", 7_000, externals[&("zoe", "pia", 7_000)], 0);
    }
}

/// Longer than mappings live, at a gateway that what comes in refreshes and at one where it does not.
fn outlast(street: &mut Street, externals: &Externals) {
    street.reach("adam", 5_000, street.at("pol", 7_000));
    for _ in 0..6 {
        street.send("pol", 7_000, externals[&("adam", "pol", 7_000)]);
        street.send("pia", 7_000, externals[&("zoe", "pia", 7_000)]);
        street.pause(Duration::from_millis(500));
    }
    street.pause(Duration::from_millis(2_500));
    street.send("pol", 7_000, externals[&("adam", "pol", 7_000)]);
    street.reach("zoe", 5_000, street.at("pia", 7_000));
}

/// Connections: of a board with a board, of a board with a service.
fn connect(street: &mut Street, rendezvous: SocketAddrV4) {
    for (host, to) in [("anna", street.at("pia", 80)), ("zoe", street.at("pia", 80))] {
        street.segment(host, 6_100, to, TcpControl::Syn);
        street.segment(host, 6_100, to, TcpControl::Rst);
    }
    street.segment("pia", 6_100, SocketAddrV4::new(street.address("anna"), 80), TcpControl::Syn);
    street.segment("anna", 6_200, rendezvous, TcpControl::Syn);
    street.segment("anna", 6_200, rendezvous, TcpControl::Rst);
}

/// Once the script has done its work.
fn after_the_events(street: &mut Street, externals: &Externals, stun: SocketAddrV4) -> [usize; 4] {
    street.wait_until(Time::from_millis(14_050));
    let forgotten = street.send("pia", 7_000, externals[&("anna", "pia", 7_000)]);
    let lost = street.send("pol", 7_000, street.at("pia", 7_000));
    let unheard = street.send("anna", 5_200, street.at("ben", 5_000));
    assert_eq!(street.ask("anna", 5_000, stun), None, "the server is gone");
    street.wait_until(Time::from_millis(18_050));
    let again = street.send("pol", 7_000, street.at("pia", 7_000));
    street.reach("anna", 5_000, street.at("pia", 7_000));
    [forgotten, lost, unheard, again]
}

#[test]
fn packets_over_ports_in_real_time_have_the_fates_of_a_simulation() {
    let scenario = scenario();
    let stun = SocketAddrV4::new(scenario.services.stun.expect("there is one"), 3_478);
    let rendezvous = SocketAddrV4::new(scenario.services.rendezvous.expect("there is one"), 80);
    let ((externals, answers, events), outcome, mut street) =
        with_stations(&scenario, SEED, |street| {
            let externals = call_out(street);
            let answers = ["anna", "zoe"].map(|host| street.ask(host, 5_000, stun));
            call_in(street, &externals);
            call_around(street);
            connect(street, rendezvous);
            press(street, &externals);
            outlast(street, &externals);
            let events = after_the_events(street, &externals, stun);
            (externals, answers, events)
        });
    let end = Time::ZERO + outcome.duration;
    let log = in_order(street.log.clone());
    let entries = of_the_network(&outcome.entries);

    // At the same nanoseconds: the same packets at the same nanoseconds, and the same events.
    let sent = sent(&street.log, &scenario);
    let Simulated { entries: expected, log: expected_log } =
        simulated(&scenario, SEED, &sent, Sends::Exactly, end);
    assert_eq!(log.len(), expected_log.len());
    for (real, virtual_one) in log.iter().zip(&in_order(expected_log)) {
        assert_eq!(real, virtual_one);
    }
    assert_eq!(entries.len(), expected.len());
    for (real, virtual_one) in entries.iter().zip(&expected) {
        assert_eq!(real, virtual_one);
    }

    // Sent in steps, as peers of a simulation do: the same fates and mappings.
    let in_steps = simulated(&scenario, SEED, &sent, Sends::InSteps, end);
    let all = fates(&log, &entries, &scenario);
    assert_eq!(all, fates(&in_steps.log, &in_steps.entries, &scenario));
    assert_eq!(mappings(&entries), mappings(&in_steps.entries));

    each_packet_has_one_fate_and_all_fates_occur(&all, &entries, street.numbered());
    gateways_map_as_they_are_configured(&externals, &answers);
    events_took_effect(&all, events);
    frames_carry_what_was_delivered(&mut street, &log, &scenario);
}

#[test]
fn a_board_that_takes_no_frames_holds_nobody_up() {
    for cables in [Cables::Pairs, Cables::Named] {
        let scenario = scenario();
        let ((), outcome, _) = with_stations_on(cables, &scenario, SEED, |street| {
            street.deafen("pia");
            // More than a socket between processes holds.
            for _ in 0..500 {
                street.hasten("anna", 5_000, street.at("pia", 7_000), 0);
            }
            street.reach("anna", 5_000, street.at("pol", 7_000));
        });
        let lost = outcome.ports["pia"].refused[&FrameRefusal::NotTaken];
        assert!(lost > 100, "{cables:?}: {lost} of 500");
        let told = outcome.entries.iter().any(|entry| {
            entry.node == "pia"
                && matches!(&entry.event, Event::Note { text } if text.contains(&lost.to_string()))
        });
        assert!(told, "{cables:?}: the record tells of it");
        // It had been up: what it was not given is the lab's loss.
        let short = |entry: &&Entry| matches!(entry.event, Event::LabFellShort { .. });
        let short: Vec<_> = outcome.entries.iter().filter(short).map(|at| &at.node).collect();
        assert_eq!(short, ["pia"], "{cables:?}");
        assert!(!outcome.ports["pol"].refused.contains_key(&FrameRefusal::NotTaken), "{cables:?}");
    }
}

/// By time; at one time as it was told.
fn in_order(mut log: Vec<Seen>) -> Vec<Seen> {
    log.sort_by_key(|seen| seen.at);
    log
}

/// Without what a lab tells of itself.
fn of_the_network(entries: &[Entry]) -> Vec<Entry> {
    let of_the_lab = |entry: &Entry| {
        entry.node == "lab" || matches!(entry.event, Event::Bytes { .. } | Event::Note { .. })
    };
    entries.iter().filter(|entry| !of_the_lab(entry)).cloned().collect()
}

fn each_packet_has_one_fate_and_all_fates_occur(
    all: &BTreeMap<usize, Vec<Fate>>,
    entries: &[Entry],
    numbered: usize,
) {
    assert_eq!(all.len(), numbered);
    for (number, fates) in all {
        assert_eq!(fates.len(), 1, "{number}: {fates:?}");
    }
    let delivered =
        all.values().flatten().filter(|fate| matches!(fate, Fate::Delivered(..))).count();
    assert!(delivered > 50 && numbered - delivered > 50, "{delivered} of {numbered}");
    let met: BTreeSet<&str> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::PacketDropped { cause, .. } => Some(cause.as_str()),
            _ => None,
        })
        .collect();
    // All there are, but what the port refuses before, and the use of 64,512 ports.
    let causes = [
        DropCause::HostCut,
        DropCause::NotAHost,
        DropCause::QueueFull,
        DropCause::Loss,
        DropCause::NoSuchHost,
        DropCause::NoInternet,
        DropCause::HairpinningOff,
        DropCause::NoMapping,
        DropCause::Filtered,
        DropCause::PrivateDestination,
        DropCause::NoRoute,
    ]
    .map(|cause| cause.to_string());
    assert_eq!(met, causes.iter().map(String::as_str).collect());
}

/// By what the scenario says of them, and nothing of how a network does it.
fn gateways_map_as_they_are_configured(externals: &Externals, answers: &[Option<Vec<u8>>; 2]) {
    let of = |host| OUTSIDE.map(|(outside, port)| externals[&(host, outside, port)]);
    let [first, second, third] = of("anna");
    assert!(first == second && second == third && first.port() == 5_000, "{first} {third}");
    let [first, second, third] = of("adam");
    assert!(first == second && second != third, "{first} {second} {third}");
    let [first, second, third] = of("zoe");
    assert!(first != second && second != third && first != third, "{first} {second} {third}");
    // A binding's answer, and the lossy link to one of the two may have kept it.
    let answer = answers[0].as_ref().expect("no link of hers loses anything");
    assert_eq!(answer[..2], [1, 1]);
}

fn events_took_effect(
    all: &BTreeMap<usize, Vec<Fate>>,
    [forgotten, lost, unheard, again]: [usize; 4],
) {
    let dropped = |number: usize, wanted: DropCause| match &all[&number][..] {
        [Fate::Dropped(_, cause, ..)] => assert_eq!(*cause, wanted.to_string()),
        other => panic!("{other:?}"),
    };
    dropped(forgotten, DropCause::NoMapping);
    dropped(lost, DropCause::Loss);
    dropped(unheard, DropCause::HostCut);
    assert!(matches!(&all[&again][..], [Fate::Delivered(..)]), "{:?}", all[&again]);
}

/// What the network delivered to a board came out of its cable, whole, in that order, and nothing else.
fn frames_carry_what_was_delivered(street: &mut Street, log: &[Seen], scenario: &Scenario) {
    for peer in &scenario.peers {
        let delivered: Vec<_> = log
            .iter()
            .filter(|seen| seen.direction == Direction::Delivered && seen.host == peer.name)
            .collect();
        let arrived = street.arrived(&peer.name, delivered.len());
        assert_eq!(arrived.len(), delivered.len(), "at {}", peer.name);
        for (arrived, seen) in arrived.iter().zip(delivered) {
            assert_eq!(
                (arrived.source, arrived.destination),
                (seen.packet.source, seen.packet.destination)
            );
            if arrived.protocol == smoltcp::wire::IpProtocol::Udp {
                assert_eq!(arrived.payload, seen.packet.payload);
            }
        }
    }
}
