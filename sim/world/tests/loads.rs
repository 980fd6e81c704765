//! What a record tells of links, interval by interval, against what it tells of packets.
#![cfg(target_os = "linux")]

use parallax_record::{Entry, Event};
use parallax_scenario::{Builtin, parse};
use parallax_world::{Guards, Sinks, run};
use std::collections::BTreeMap;

const MS_NS: u64 = 1_000_000;
const INTERVAL_NS: u64 = 200 * MS_NS;
const END_NS: u64 = 6_100 * MS_NS;

/// `two-homes`, cut short, with a link that is narrow for a second.
fn entries() -> Vec<Entry> {
    let text = include_str!("../../../fixtures/scenarios/two-homes.toml");
    let text = text.replace("duration = \"30s\"", "duration = \"6100ms\"");
    let (world, _) = text.split_once("[[check]]").expect("checks");
    let text = format!(
        "{world}{}\n[[check]]\nconnects = {{ within = \"5s\" }}\nwhy = \"A scenario has a check.\"\n",
        "[event.narrow]\nat = \"4500ms\"\n\
         change_link = { site = \"house\", direction = \"up\", capacity = \"300kbit/s\", \
         queue = \"100ms\", lasts = \"1s\" }\n"
    );
    let scenario = parse("loads.toml", &text, &Builtin).unwrap_or_else(|e| panic!("{e:?}"));
    let mut entries = Vec::new();
    let sinks = Sinks { entry: Box::new(|entry| entries.push(entry)), packet: None };
    run(&scenario, 1, Guards::default(), sinks).expect("a run");
    entries
}

/// Sums of a link.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    offered: u64,
    carried: u64,
    lost: u64,
    dropped: u64,
}

/// A link's delays are those of the very packets that its intervals tell of.
#[test]
fn delays_at_the_end_agree_with_the_intervals() {
    // Packets, and the nanoseconds that they propagated and that they took over the link.
    let mut sums: BTreeMap<String, (u64, u128, u128)> = BTreeMap::new();
    let mut told = BTreeMap::new();
    for entry in entries() {
        match entry.event {
            Event::LinkLoad {
                carried_packets,
                propagation_mean_ns: Some(propagation_ns),
                waited_mean_ns: Some(waited_ns),
                transmission_mean_ns: Some(transmission_ns),
                lost_packets: 0,
                ..
            } => {
                let sum = sums.entry(entry.node).or_default();
                sum.0 += carried_packets;
                sum.1 += u128::from(propagation_ns * carried_packets);
                sum.2 +=
                    u128::from((propagation_ns + waited_ns + transmission_ns) * carried_packets);
            }
            Event::LinkDelays { packets, propagation, crossing } => {
                assert_eq!(entry.run_ns, END_NS);
                assert_eq!(propagation.histogram_us.count(), packets);
                assert_eq!(crossing.histogram_us.count(), packets);
                assert!(crossing.mean_ns >= propagation.mean_ns);
                let before = told.insert(entry.node, (packets, propagation, crossing));
                assert_eq!(before, None, "once");
            }
            _ => {}
        }
    }
    assert_eq!(told.len(), 4);
    // Of the links that lose nothing the intervals know the very sum, but for rounding.
    for (node, (packets, propagation, crossing)) in &told {
        let Some((carried, propagation_ns, crossing_ns)) = sums.get(node) else { continue };
        if carried != packets {
            continue;
        }
        for (sum, told) in [(propagation_ns, propagation), (crossing_ns, crossing)] {
            let mean = u64::try_from(sum / u128::from(*packets)).expect("small");
            assert!(told.mean_ns.abs_diff(mean) <= 3, "{node}: {told:?}, not {mean}");
        }
    }
    assert!(told.iter().any(|(node, told)| sums.get(node).is_some_and(|sum| sum.0 == told.0)));
}

#[test]
fn loads_come_at_the_end_of_each_interval_and_agree_with_the_packets_that_were_dropped() {
    let entries = entries();
    assert!(entries.is_sorted_by_key(|entry| entry.run_ns), "time does not go back");
    let mut told: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut dropped: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut narrow_waits = Vec::new();
    for entry in &entries {
        match &entry.event {
            Event::LinkLoad {
                from_run_ns: from,
                offered_packets,
                carried_packets,
                lost_packets,
                dropped_packets,
                waited_longest_ns,
                propagation_mean_ns,
                ..
            } => {
                assert_eq!(from % INTERVAL_NS, 0);
                assert_eq!(entry.run_ns, (from + INTERVAL_NS).min(END_NS));
                let sums = told.entry(&entry.node).or_default();
                sums.offered += offered_packets;
                sums.carried += carried_packets;
                sums.lost += lost_packets;
                sums.dropped += dropped_packets;
                let sent = carried_packets + lost_packets;
                assert_eq!(waited_longest_ns.is_some(), sent > 0);
                assert_eq!(propagation_mean_ns.is_some(), *carried_packets > 0);
                let narrow =
                    entry.node == "link/house/up" && (4_600 * MS_NS..5_600 * MS_NS).contains(from);
                narrow_waits.extend(waited_longest_ns.filter(|_| narrow));
            }
            Event::PacketDropped { cause, .. } => {
                let counts = dropped.entry(&entry.node).or_default();
                match cause.as_str() {
                    "loss" => counts.0 += 1,
                    "queue-full" => counts.1 += 1,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    let nodes: Vec<_> = told.keys().copied().collect();
    assert_eq!(nodes, ["link/flat/down", "link/flat/up", "link/house/down", "link/house/up"]);
    for (node, sums) in &told {
        let counts = dropped.get(node).copied().unwrap_or_default();
        assert_eq!((sums.lost, sums.dropped), counts, "{node}");
        // The end of the run leaves a few in the queue.
        let queued = sums.offered - sums.carried - sums.lost - sums.dropped;
        assert!(sums.carried > 50 && queued < 50, "{node}: {sums:?}");
    }
    let up = &told["link/house/up"];
    assert!(up.lost + up.dropped > 0, "{up:?}");
    // Nobody waits for longer than the queue is, and it was full.
    let longest = narrow_waits.into_iter().max().expect("pictures are sent then");
    assert!((80 * MS_NS..=100 * MS_NS).contains(&longest), "{longest} ns");
}
