//! Links, rates and repairs, read from a record.

use crate::support::{CAMERA, REQUEST_NS, Run, VIEWER, entry, session};
use parallax_record::*;
use std::time::Duration;

fn link(capacity_bps: u64) -> LinkConfig {
    LinkConfig {
        capacity: Capacity::from_bits_per_second(capacity_bps),
        one_way_delay: Duration::from_millis(12),
        ..LinkConfig::default()
    }
}

fn change(name: &str, at_us: u64, lasts_us: Option<u64>, capacity_bps: u64) -> ScriptedEvent {
    let action = Action::ChangeLink {
        site: "house".into(),
        direction: LinkDirection::Up,
        link: link(capacity_bps),
    };
    ScriptedEvent { name: name.into(), at_us, lasts_us, action }
}

fn run() -> Run {
    let mut run = Run::streaming(&[]);
    run.header.sites = vec![Site {
        name: "house".into(),
        network: "192.168.1.0/24".parse().expect("a network"),
        gateway: None,
        up: Some(link(5_000_000)),
        down: Some(link(50_000_000)),
    }];
    run
}

fn capacities(run: Run) -> Vec<(u64, u64, Option<u64>)> {
    let [up, down] = &links(&run.record())[..] else { panic!("two links") };
    assert_eq!((up.direction, down.direction), (LinkDirection::Up, LinkDirection::Down));
    assert_eq!(down.spans.len(), 1, "nobody changed it");
    up.spans
        .iter()
        .map(|span| (span.from_us, span.to_us, span.link.capacity.map(Capacity::bits_per_second)))
        .collect()
}

#[test]
fn the_header_alone_tells_a_links_capacity_over_time() {
    let mut run = run();
    run.header.events = vec![
        change("squeezed", 2_000_000, Some(1_000_000), 300_000),
        change("again", 3_000_000, Some(500_000), 400_000),
        change("for good", 5_000_000, None, 1_000_000),
        change("to the end", 8_000_000, Some(9_000_000), 200_000),
        change("too late", 10_000_000, None, 1),
    ];
    let expected = [
        (0, 2_000_000, Some(5_000_000)),
        (2_000_000, 3_000_000, Some(300_000)),
        (3_000_000, 3_500_000, Some(400_000)),
        (3_500_000, 5_000_000, Some(5_000_000)),
        (5_000_000, 8_000_000, Some(1_000_000)),
        (8_000_000, 10_000_000, Some(200_000)),
    ];
    assert_eq!(capacities(run), expected);
}

#[test]
fn after_a_change_that_lasts_a_link_is_what_an_earlier_one_had_made_of_it() {
    let mut run = run();
    run.header.events = vec![
        change("for good", 1_000_000, None, 1_000_000),
        change("squeezed", 2_000_000, Some(1_000_000), 300_000),
    ];
    let expected = [
        (0, 1_000_000, Some(5_000_000)),
        (1_000_000, 2_000_000, Some(1_000_000)),
        (2_000_000, 3_000_000, Some(300_000)),
        (3_000_000, 10_000_000, Some(1_000_000)),
    ];
    assert_eq!(capacities(run), expected);
}

#[test]
fn what_a_link_did_is_told_interval_by_interval_and_per_second() {
    let mut run = run();
    let load = |from_run_ns, carried_packets: u64| Event::LinkLoad {
        from_run_ns,
        offered_packets: 10,
        offered_bytes: 10_000,
        carried_packets,
        carried_bytes: carried_packets * 1_000,
        lost_packets: 1,
        dropped_packets: 2,
        waited_mean_ns: Some(1_000),
        waited_longest_ns: Some(5_000),
        transmission_mean_ns: Some(300),
        propagation_mean_ns: (carried_packets > 0).then_some(12_000_000),
    };
    run.entries.push(entry(200_000_000, "link/house/up", load(0, 7)));
    run.entries.push(entry(200_000_000, "link/house/down", load(0, 6)));
    run.entries.push(entry(500_000_000, "link/house/up", load(400_000_000, 0)));
    let links = links(&run.record());
    let [first, second] = links[0].loads[..] else { panic!("{:?}", links[0].loads) };
    assert_eq!((first.from_ns, first.to_ns, first.carried_packets), (0, 200_000_000, 7));
    assert_eq!((first.offered_bytes, first.carried_bytes), (10_000, 7_000));
    assert_eq!(first.crossing_mean_ns(), Some(12_001_300));
    assert_eq!((second.from_ns, second.to_ns), (400_000_000, 500_000_000));
    assert_eq!(second.crossing_mean_ns(), None);
    assert_eq!(links[1].loads.len(), 1);
}

#[test]
fn rates_are_told_over_time_and_summed_up_and_null_without_congestion_control() {
    let plain = Run::streaming(&[]).record();
    assert_eq!(judge(&plain).streams[0].rates, None);
    let mut run = Run::streaming(&[]);
    for (second, estimate_bps) in [(2, 400_000), (3, 500_000), (4, 601_000)] {
        let rates = Event::Rates {
            session: session(1),
            estimate_bps,
            target_bps: 300_000,
            sent_bps: estimate_bps / 2,
        };
        run.entries.push(entry(second * 1_000_000_000, CAMERA, rates));
    }
    let record = run.record();
    let told = rates(&record, &record.header.streams[0]);
    assert_eq!(told.len(), 3);
    let first = RatePoint {
        run_ns: 2_000_000_000,
        session: 1,
        estimate_bps: 400_000,
        target_bps: 300_000,
        sent_bps: 200_000,
    };
    assert_eq!(told[0], first);
    let expected = RatesSummary {
        estimate_bps: RateSummary { mean: 500_333, last: 601_000 },
        target_bps: RateSummary { mean: 300_000, last: 300_000 },
        sent_bps: RateSummary { mean: 250_166, last: 300_500 },
    };
    assert_eq!(judge(&record).streams[0].rates, Some(expected));
    let other = Stream { camera: VIEWER.into(), viewer: CAMERA.into() };
    assert_eq!(rates(&record, &other), []);
}

#[test]
fn repairs_are_told_over_time() {
    let mut run = Run::streaming(&[]);
    let events = [
        (VIEWER, Event::KeyFrameRequested { session: session(1) }),
        (VIEWER, Event::Nack { session: session(1), packets: 3 }),
        (CAMERA, Event::Resent { session: session(1), rtp_timestamp: 90_000 }),
    ];
    for (n, (node, event)) in (1..).zip(events) {
        run.entries.push(entry(REQUEST_NS + n * 1_000_000_000, node, event));
    }
    let record = run.record();
    let told = repairs(&record, &record.header.streams[0]);
    let kinds: Vec<_> = told.iter().map(|repair| repair.kind).collect();
    let nack = RepairKind::Nack { packets: 3 };
    assert_eq!(kinds, [RepairKind::KeyFrameRequested, nack, RepairKind::Resent]);
    assert_eq!((told[1].run_ns, told[1].session), (REQUEST_NS + 2_000_000_000, 1));
}

#[test]
fn the_delay_that_came_out_is_told_beside_what_was_configured() {
    assert_eq!(judge(&run().record()).links, [], "a record that does not tell");
    let mut run = run();
    let slower =
        LinkConfig { one_way_delay: Duration::from_millis(162), reorder: true, ..link(5_000_000) };
    let action =
        Action::ChangeLink { site: "house".into(), direction: LinkDirection::Up, link: slower };
    run.header.events = vec![
        change("narrow", 2_000_000, None, 300_000),
        ScriptedEvent { name: "slow".into(), at_us: 5_000_000, lasts_us: None, action },
    ];
    let delays = |mean_ns: u64, us: &[i64]| DelaysOfPackets {
        mean_ns,
        longest_ns: us.iter().max().map_or(0, |us| us.unsigned_abs() * 1_000),
        histogram_us: Histogram::of(us.iter().copied()),
    };
    let event = Event::LinkDelays {
        packets: 3,
        propagation: delays(62_000_400, &[12_000, 12_000, 162_000]),
        crossing: delays(63_000_000, &[13_000, 13_000, 163_000]),
    };
    run.entries.push(entry(10_000_000_000, "link/house/up", event));
    let configured = |from_us, one_way_delay_us, reorder| ConfiguredDelay {
        from_us,
        one_way_delay_us,
        delay_variation_us: 0,
        reorder,
    };
    let expected = LinkSummary {
        site: "house".into(),
        direction: LinkDirection::Up,
        configured: vec![configured(0, 12_000, false), configured(5_000_000, 162_000, true)],
        packets: 3,
        // 12,000 us is in a bucket up to 12,031 us; the longest is known exactly.
        propagation_us: DelaySummary {
            mean: 62_000,
            p50: Some(12_031),
            p95: Some(162_000),
            max: 162_000,
        },
        crossing_us: DelaySummary {
            mean: 63_000,
            p50: Some(13_055),
            p95: Some(163_000),
            max: 163_000,
        },
    };
    assert_eq!(judge(&run.record()).links, [expected]);
}
