//! A run's capture, read back and held against the packets that the run tells.
#![cfg(target_os = "linux")]

use parallax_network::{Packet, Time};
use parallax_record::{Entry, Event};
use parallax_scenario::{Builtin, Scenario, parse};
use parallax_stack::wire::from_bytes;
use parallax_world::{Direction, Guards, PacketSeen, Sinks, run_watched};
use pcap_file::pcapng::{
    Block, PcapNgReader,
    blocks::{
        enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption},
        interface_description::InterfaceDescriptionOption,
    },
};
use std::{collections::BTreeMap, io::Write, time::Duration};

/// 2026-01-01 00:00:00 UTC: where the clocks of a simulation begin.
const ZERO: Duration = Duration::from_secs(1_767_225_600);

/// Packets at an interface, of one direction.
type Flows = BTreeMap<(String, Direction), Vec<(Time, Packet)>>;

struct Captured {
    interfaces: Vec<String>,
    packets: Vec<EnhancedPacketBlock<'static>>,
    key_logs: Vec<String>,
}

fn read(bytes: &[u8]) -> Captured {
    let mut reader = PcapNgReader::new(bytes).expect("a capture");
    let mut captured = Captured { interfaces: vec![], packets: vec![], key_logs: vec![] };
    while let Some(block) = reader.next_block() {
        match block.expect("a block").into_owned() {
            Block::InterfaceDescription(interface) => {
                let mut options = interface.options.into_iter();
                let name = options.find_map(|option| match option {
                    InterfaceDescriptionOption::IfName(name) => Some(name.into_owned()),
                    _ => None,
                });
                captured.interfaces.push(name.expect("a name"));
            }
            Block::EnhancedPacket(packet) => captured.packets.push(packet),
            Block::Unknown(block) => {
                assert_eq!(block.type_, 0x0A);
                let text = String::from_utf8(block.value[8..].to_vec()).expect("text");
                captured.key_logs.push(text.trim_end_matches('\0').to_owned());
            }
            block => panic!("{block:?}"),
        }
    }
    captured
}

fn time(packet: &EnhancedPacketBlock<'_>) -> Time {
    let after = packet.timestamp.checked_sub(ZERO).expect("the run's time");
    Time::ZERO + after
}

fn comment<'a>(packet: &'a EnhancedPacketBlock<'_>) -> Option<&'a str> {
    packet.options.iter().find_map(|option| match option {
        EnhancedPacketOption::Comment(text) => Some(&**text),
        _ => None,
    })
}

/// The packets of a capture at hosts and services.
fn at_hosts(captured: &Captured) -> Flows {
    let mut flows = Flows::new();
    for packet in &captured.packets {
        let name = &captured.interfaces[packet.interface_id as usize];
        let host = name.strip_prefix("host/").or_else(|| name.strip_prefix("service/"));
        if let Some(host) = host {
            let direction = match packet.options[..] {
                [EnhancedPacketOption::Flags(1)] => Direction::Delivered,
                [EnhancedPacketOption::Flags(2)] => Direction::Sent,
                ref other => panic!("{other:?}"),
            };
            let seen = (time(packet), from_bytes(&packet.data).expect("a packet"));
            flows.entry((host.to_owned(), direction)).or_default().push(seen);
        }
    }
    flows
}

struct Run {
    entries: Vec<Entry>,
    seen: Flows,
    captured: Captured,
}

fn strict_homes() -> Run {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/scenarios/");
    let file = format!("{root}strict-homes.toml");
    let text = std::fs::read_to_string(&file).expect("the shipped scenario");
    let mut scenario: Scenario = parse(&file, &text, &Builtin).expect("a valid scenario");
    scenario.duration = Duration::from_secs(12);
    let (mut entries, mut seen, mut bytes) = (Vec::new(), Flows::new(), Vec::new());
    let packet = |packet: &PacketSeen<'_>| {
        let flow = (packet.host.to_owned(), packet.direction);
        seen.entry(flow).or_default().push((packet.at, packet.packet.clone()));
    };
    let sinks =
        Sinks { entry: Box::new(|entry| entries.push(entry)), packet: Some(Box::new(packet)) };
    let capture: Box<dyn Write + Send> = Box::new(&mut bytes);
    let (guards, watch) = (Guards::default(), Box::new(|_| ()));
    run_watched(&scenario, 1, guards, sinks, watch, Some(capture)).expect("a run");
    Run { captured: read(&bytes), entries, seen }
}

#[test]
fn a_capture_holds_what_the_run_tells_of_its_packets() {
    let Run { entries, seen, captured } = strict_homes();
    assert_eq!(
        captured.interfaces,
        [
            "host/doorbell",
            "host/phone",
            "service/stun",
            "service/turn",
            "service/rendezvous",
            "gateway/house/in",
            "gateway/house/out",
            "gateway/flat/in",
            "gateway/flat/out",
            "dropped",
        ]
    );
    assert!(captured.packets.is_sorted_by_key(|packet| packet.timestamp), "time goes back");

    // Each packet that a host or service sent or got, at its time, and none besides.
    let found = at_hosts(&captured);
    assert_eq!(found.keys().collect::<Vec<_>>(), seen.keys().collect::<Vec<_>>());
    for (flow, packets) in &seen {
        assert!(found[flow] == *packets, "{flow:?}");
    }
    assert!(seen.values().map(Vec::len).sum::<usize>() > 1_000);

    // Each drop, where and why it was.
    let told: Vec<String> = entries
        .iter()
        .filter_map(|Entry { run_ns, node, event }| match event {
            Event::PacketDropped { cause, source, destination, .. } => {
                Some(format!("{run_ns} {source} {destination} dropped at {node}: {cause}"))
            }
            _ => None,
        })
        .collect();
    let dropped = captured.interfaces.len() as u32 - 1;
    let found = captured.packets.iter().filter(|packet| packet.interface_id == dropped);
    let found: Vec<String> = found
        .map(|block| {
            let packet = from_bytes(&block.data).expect("a packet");
            let (Packet { source, destination, .. }, at) = (packet, time(block).as_nanos());
            format!("{at} {source} {destination} {}", comment(block).expect("a comment"))
        })
        .collect();
    assert!(!told.is_empty() && found == told, "{found:#?}\n{told:#?}");

    // One connection, with one secret.
    let [secret] = &captured.key_logs[..] else { panic!("{:?}", captured.key_logs) };
    assert!(secret.starts_with("CLIENT_RANDOM ") && secret.ends_with('\n'), "{secret}");
    assert_eq!(secret.len(), "CLIENT_RANDOM ".len() + 64 + 1 + 96 + 1);
}

#[test]
fn a_gateway_translates_between_its_two_interfaces() {
    let Run { captured, .. } = strict_homes();
    let at = |name: &str| {
        let number = captured.interfaces.iter().position(|interface| interface == name);
        let number = number.expect("an interface") as u32;
        let packets = captured.packets.iter().filter(move |packet| packet.interface_id == number);
        packets.map(|packet| from_bytes(&packet.data).expect("a packet"))
    };
    let private = |packet: &Packet| packet.source.ip().is_private();
    let (inside, outside) = (
        ["house", "flat"].map(|site| format!("gateway/{site}/in")),
        ["gateway/house/out", "gateway/flat/out"],
    );
    for name in inside {
        let all = at(&name).count();
        let own = at(&name).filter(|p| private(p) || p.destination.ip().is_private()).count();
        assert!(all > 100 && own == all, "{name}: {own} of {all}");
    }
    for name in outside {
        assert!(at(name).count() > 100);
        assert!(at(name).all(|packet| !private(&packet)), "{name}");
    }
}
