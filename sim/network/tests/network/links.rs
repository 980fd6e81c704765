//! Links against closed forms. One public host sends to a service over its up link; the LAN adds
//! 0.2 ms and 8 ns a byte, which the arrivals below have taken out.

use core::{net::SocketAddrV4, time::Duration};

use bytes::Bytes;
use parallax_network::{
    Access, Capacity, DropCause, HostId, LinkConfig, LinkId, Loss, LossError, Network,
    NetworkOutput, Packet, PacketPlace, QueueLimit, SiteConfig, TcpHeader, Time, Transport,
};

const SOURCE: SocketAddrV4 = SocketAddrV4::new(core::net::Ipv4Addr::new(192, 0, 2, 1), 5000);
const SERVICE: SocketAddrV4 = SocketAddrV4::new(core::net::Ipv4Addr::new(198, 51, 100, 1), 3478);
/// IP and UDP headers.
const HEADERS: usize = 28;

struct Line {
    network: Network,
    host: HostId,
    up: LinkId,
}

impl Line {
    fn new(seed: u64, up: LinkConfig) -> Self {
        let mut network = Network::new(seed);
        let config = SiteConfig {
            gateway: None,
            internet: Some(Access { up, down: LinkConfig::default() }),
        };
        let site = network.add_site("house", config).expect("new");
        let host = network.add_host("host", site, *SOURCE.ip()).expect("new");
        network.add_service("service", *SERVICE.ip()).expect("new");
        let up = network.up_link(site).expect("it has Internet");
        Self { network, host, up }
    }

    /// Sends a packet of `length` bytes on the wire, numbered, so that it is at the up link at
    /// `at` after the start of the LAN's crossing.
    fn send(&mut self, at: Time, number: u32, length: usize) {
        let mut payload = vec![0; length - HEADERS];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        self.network.handle(at, self.host, Packet::udp(SOURCE, SERVICE, payload.into()));
    }

    /// Numbers and times of arrival, the LAN's share taken out; and how many were dropped why.
    fn finish(&mut self, length: usize) -> (Vec<(u32, Time)>, Vec<DropCause>) {
        let lan = 200_000 + 8 * length as u64;
        let (mut arrivals, mut drops) = (Vec::new(), Vec::new());
        while let Some(output) = self.network.poll(Time::NEVER) {
            match output {
                NetworkOutput::Delivered { at, packet, .. } => {
                    let number = packet.payload[..4].try_into().expect("four bytes");
                    let at = Time::from_nanos(at.as_nanos() - lan);
                    arrivals.push((u32::from_be_bytes(number), at));
                }
                NetworkOutput::Dropped { place, cause, .. } => {
                    assert_eq!(place.to_string(), "link/house/up");
                    drops.push(cause);
                }
                other => panic!("{other:?}"),
            }
        }
        (arrivals, drops)
    }
}

fn capacity(bits_per_second: u64) -> Option<Capacity> {
    Capacity::from_bits_per_second(bits_per_second)
}

#[test]
fn a_packet_takes_its_serialisation_and_the_one_way_delay() {
    let config = LinkConfig {
        capacity: capacity(8_000_000),
        one_way_delay: Duration::from_millis(12),
        ..LinkConfig::default()
    };
    let mut line = Line::new(1, config);
    line.send(Time::ZERO, 0, 1000);
    // 8000 bits at 8 Mbit/s are 1 ms.
    assert_eq!(line.finish(1000).0, [(0, Time::from_millis(13))]);
}

#[test]
fn capacity_counts_ip_and_transport_headers() {
    let mut line = Line::new(1, LinkConfig { capacity: capacity(1_000_000), ..Default::default() });
    let time = |line: &mut Line, transport| {
        let packet =
            Packet { source: SOURCE, destination: SERVICE, transport, payload: Bytes::new() };
        line.network.handle(Time::ZERO, line.host, packet);
        let Some(NetworkOutput::Delivered { at, sent_at, .. }) = line.network.poll(Time::NEVER)
        else {
            panic!("nothing is lost here");
        };
        at.saturating_since(sent_at).as_nanos() as u64 - 200_000
    };
    // 1 us a bit at 1 Mbit/s, and 1 ns a bit on the LAN.
    assert_eq!(time(&mut line, Transport::Udp), 28 * 8 * 1_001);
    assert_eq!(time(&mut line, Transport::Tcp(TcpHeader::default())), 40 * 8 * 1_001);
    let syn = TcpHeader { syn: true, max_segment_size: Some(1460), ..TcpHeader::default() };
    assert_eq!(time(&mut line, Transport::Tcp(syn)), 44 * 8 * 1_001);
}

/// Queue delay = backlog / capacity, to the nanosecond, also where no packet takes whole
/// nanoseconds.
#[test]
fn queue_delay_is_backlog_over_capacity() {
    let rate = 3_700_000;
    let mut line = Line::new(1, LinkConfig { capacity: capacity(rate), ..Default::default() });
    for n in 0..1000 {
        line.send(Time::ZERO, n, 1000);
    }
    let (arrivals, drops) = line.finish(1000);
    assert_eq!((arrivals.len(), drops.len()), (1000, 0));
    for (n, at) in arrivals {
        let bits = u64::from(n + 1) * 8_000;
        assert_eq!(at.as_nanos(), (bits * 1_000_000_000).div_ceil(rate), "packet {n}");
    }
}

/// Sends ten packets of 1000 bytes at once; the LAN delivers one every 8 us to a link that takes
/// 8 ms for each.
fn survivors(queue: QueueLimit) -> Vec<u32> {
    let config = LinkConfig { capacity: capacity(1_000_000), queue, ..LinkConfig::default() };
    let mut line = Line::new(1, config);
    for n in 0..10 {
        line.send(Time::ZERO, n, 1000);
    }
    let (arrivals, drops) = line.finish(1000);
    assert_eq!(arrivals.len() + drops.len(), 10);
    assert!(drops.iter().all(|cause| *cause == DropCause::QueueFull));
    arrivals.into_iter().map(|(n, _)| n).collect()
}

#[test]
fn a_queue_holds_its_limit_and_the_packet_in_transmission() {
    assert_eq!(survivors(QueueLimit::Unlimited).len(), 10);
    assert_eq!(survivors(QueueLimit::Packets { packets: 3 }), [0, 1, 2, 3]);
    assert_eq!(survivors(QueueLimit::Packets { packets: 0 }), [0]);
    assert_eq!(survivors(QueueLimit::Bytes { bytes: 3000 }), [0, 1, 2, 3]);
    assert_eq!(survivors(QueueLimit::Bytes { bytes: 2999 }), [0, 1, 2]);
    assert_eq!(survivors(QueueLimit::Bytes { bytes: 999 }), [0]);
    // The n-th waits a little less than 8 n ms: 8 us a packet have passed on the LAN.
    assert_eq!(survivors(QueueLimit::Time { limit: Duration::from_millis(24) }), [0, 1, 2, 3]);
    assert_eq!(survivors(QueueLimit::Time { limit: Duration::from_millis(23) }), [0, 1, 2]);
    assert_eq!(
        survivors(QueueLimit::Time { limit: Duration::from_micros(24_000 - 3 * 8) }),
        [0, 1, 2, 3]
    );
    // One too long for the fourth, not for the fifth, 8 us later.
    let limit = QueueLimit::Time { limit: Duration::from_micros(24_000 - 3 * 8 - 1) };
    assert_eq!(survivors(limit), [0, 1, 2, 4]);
}

/// A model that counts what propagates as queued loses 31.8 % here.
#[test]
fn what_propagates_is_not_queued() {
    let config = LinkConfig {
        capacity: capacity(15_000_000),
        one_way_delay: Duration::from_millis(600),
        queue: QueueLimit::Bytes { bytes: 500_000 },
        ..LinkConfig::default()
    };
    let mut line = Line::new(1, config);
    // 1250 bytes a millisecond are 10 Mbit/s.
    for n in 0..5000 {
        line.send(Time::from_millis(u64::from(n)), n, 1250);
    }
    let (arrivals, drops) = line.finish(1250);
    assert_eq!((arrivals.len(), drops.len()), (5000, 0));
}

/// Which of `count` packets are lost.
fn losses(seed: u64, loss: Loss, count: u32) -> Vec<bool> {
    let mut line = Line::new(seed, LinkConfig { loss, ..LinkConfig::default() });
    for n in 0..count {
        line.send(Time::from_millis(u64::from(n)), n, 100);
    }
    let (arrivals, drops) = line.finish(100);
    assert!(drops.iter().all(|cause| *cause == DropCause::Loss));
    let mut lost = vec![true; count as usize];
    arrivals.into_iter().for_each(|(n, _)| lost[n as usize] = false);
    lost
}

fn share(lost: &[bool]) -> f64 {
    lost.iter().filter(|lost| **lost).count() as f64 / lost.len() as f64
}

#[test]
fn independent_loss_is_within_its_binomial_bound() {
    let count = 100_000;
    for (seed, p) in [(1, 0.01), (2, 0.1), (3, 0.5)] {
        let lost = losses(seed, Loss::independent(p).expect("a probability"), count);
        let deviation = (p * (1.0 - p) / f64::from(count)).sqrt();
        assert!((share(&lost) - p).abs() < 4.0 * deviation, "{p}: {}", share(&lost));
        // After a loss, another is as likely as ever.
        let after: Vec<bool> = lost.windows(2).filter(|w| w[0]).map(|w| w[1]).collect();
        let deviation = (p * (1.0 - p) / after.len() as f64).sqrt();
        assert!((share(&after) - p).abs() < 4.0 * deviation, "{p}: {}", share(&after));
    }
    assert_eq!(share(&losses(4, Loss::Independent { probability: 1.0 }, 1000)), 1.0);
    assert_eq!(share(&losses(5, Loss::Independent { probability: 0.0 }, 1000)), 0.0);
}

#[test]
fn burst_loss_has_its_mean_and_its_mean_burst_length() {
    let count = 200_000;
    for (seed, p, burst) in [(1, 0.01, 3.0), (2, 0.1, 5.0), (3, 0.4, 1.0), (4, 0.05, 20.0)] {
        let lost = losses(seed, Loss::burst(p, burst).expect("possible"), count);
        // Variance of the mean of a two-state chain whose second eigenvalue is e:
        // p (1 - p) (1 + e) / (1 - e) / n.
        let e = 1.0 - 1.0 / burst - p / (1.0 - p) / burst;
        let deviation = (p * (1.0 - p) * (1.0 + e) / (1.0 - e) / f64::from(count)).sqrt();
        assert!((share(&lost) - p).abs() < 4.0 * deviation, "{p} {burst}: {}", share(&lost));
        let bursts = lost.windows(2).filter(|w| !w[0] && w[1]).count() as f64;
        let length = lost.iter().filter(|lost| **lost).count() as f64 / bursts;
        // Burst lengths are geometric: their deviation is sqrt(L (L - 1)); one burst may be cut.
        let deviation = (burst * (burst - 1.0) / bursts).sqrt() + 2.0 * burst / bursts;
        assert!((length - burst).abs() < 4.0 * deviation, "{p} {burst}: {length}");
    }
}

#[test]
fn a_burst_loss_that_cannot_be_is_refused() {
    assert!(matches!(Loss::independent(1.1), Err(LossError::Probability { .. })));
    assert!(matches!(Loss::independent(f64::NAN), Err(LossError::Probability { .. })));
    assert!(matches!(Loss::burst(1.0, 3.0), Err(LossError::Mean { .. })));
    assert!(matches!(Loss::burst(0.1, 0.9), Err(LossError::BurstLength { .. })));
    assert!(Loss::burst(0.75, 3.0).is_ok());
    let error = Loss::burst(0.8, 3.0).expect_err("three of four is the most");
    assert_eq!(
        error.to_string(),
        "failed to lose 0.8 of all packets in bursts of 3: one packet arrives between two bursts, \
         so at most 0.75 can be lost"
    );
}

/// A lost packet has used capacity: those behind it arrive no earlier.
#[test]
fn a_lost_packet_has_used_capacity() {
    let config = LinkConfig {
        capacity: capacity(1_000_000),
        loss: Loss::independent(0.5).expect("a probability"),
        ..LinkConfig::default()
    };
    let mut line = Line::new(1, config);
    (0..100).for_each(|n| line.send(Time::ZERO, n, 125));
    let (arrivals, drops) = line.finish(125);
    assert!(drops.len() > 20);
    assert!(arrivals.iter().all(|(n, at)| *at == Time::from_millis(u64::from(n + 1))));
}

fn varying(reorder: bool) -> Vec<(u32, Time)> {
    let config = LinkConfig {
        one_way_delay: Duration::from_millis(50),
        delay_variation: Duration::from_millis(5),
        reorder,
        ..LinkConfig::default()
    };
    let mut line = Line::new(1, config);
    (0..20_000).for_each(|n| line.send(Time::from_micros(100 * u64::from(n)), n, 100));
    line.finish(100).0
}

#[test]
fn order_is_kept_unless_the_link_reorders() {
    assert!(varying(false).is_sorted());
    let reordered = varying(true);
    assert!(!reordered.is_sorted());
    assert!(reordered.iter().map(|(_, at)| at).is_sorted(), "outputs are in order of time");
}

#[test]
fn delay_varies_normally() {
    let delays: Vec<f64> = varying(true)
        .into_iter()
        .map(|(n, at)| at.as_nanos() as f64 / 1e6 - 0.1 * f64::from(n))
        .collect();
    let count = delays.len() as f64;
    let mean = delays.iter().sum::<f64>() / count;
    let variance = delays.iter().map(|delay| (delay - mean).powi(2)).sum::<f64>() / count;
    assert!((mean - 50.0).abs() < 4.0 * 5.0 / count.sqrt(), "{mean}");
    assert!((variance.sqrt() - 5.0).abs() < 4.0 * 5.0 / (2.0 * count).sqrt(), "{variance}");
    let within = |reach: f64| {
        let inside = delays.iter().filter(|delay| (*delay - 50.0).abs() < 5.0 * reach).count();
        inside as f64 / count
    };
    assert!((within(1.0) - 0.6827).abs() < 0.014, "{}", within(1.0));
    assert!((within(2.0) - 0.9545).abs() < 0.006, "{}", within(2.0));
    assert!(delays.iter().all(|delay| (30.0..=70.0).contains(delay)), "cut at four deviations");
}

#[test]
fn no_delay_is_negative() {
    let config = LinkConfig {
        one_way_delay: Duration::from_millis(1),
        delay_variation: Duration::from_millis(10),
        reorder: true,
        ..LinkConfig::default()
    };
    let mut line = Line::new(1, config);
    (0..1000).for_each(|n| line.send(Time::from_millis(u64::from(n)), n, 100));
    let arrivals = line.finish(100).0;
    let at_once = |(n, at): &&(u32, Time)| *at == Time::from_millis(u64::from(*n));
    assert!(arrivals.iter().all(|(n, at)| *at >= Time::from_millis(u64::from(*n))));
    assert!(arrivals.iter().filter(at_once).count() > 400);
}

/// 1000 bytes take 8 ms at 1 Mbit/s. Half of the first is sent when the capacity changes.
#[test]
fn a_change_of_capacity_does_not_forget_the_half_sent_packet() {
    let slow = LinkConfig { capacity: capacity(1_000_000), ..LinkConfig::default() };
    let at_link = |ms: u64| Time::from_nanos(ms * 1_000_000 + 208_000);
    for (rate, first, second) in [(2_000_000, 6, 10), (500_000, 12, 28)] {
        let mut line = Line::new(1, slow.clone());
        (0..2).for_each(|n| line.send(Time::ZERO, n, 1000));
        let config = LinkConfig { capacity: capacity(rate), ..slow.clone() };
        line.network.set_link(at_link(4), line.up, config).expect("no loss");
        let expected = [(0, Time::from_millis(first)), (1, Time::from_millis(second))];
        assert_eq!(line.finish(1000).0, expected);
    }
    let mut line = Line::new(1, slow);
    (0..2).for_each(|n| line.send(Time::ZERO, n, 1000));
    line.network.set_link(at_link(4), line.up, LinkConfig::default()).expect("no loss");
    assert_eq!(line.finish(1000).0, [(0, Time::from_millis(4)), (1, Time::from_millis(4))]);
}

/// A capacity of zero: what is half sent stays half sent, and what comes waits as far as the queue lets. A queue in
/// time is as long as at the capacity before.
#[test]
fn a_link_that_stands_still_goes_on_where_it_was() {
    for queue in
        [QueueLimit::Packets { packets: 2 }, QueueLimit::Time { limit: Duration::from_millis(20) }]
    {
        stands_still_for_a_second(queue);
    }
    // From the start, and with a queue in time: nothing fits behind the packet in transmission.
    let still = LinkConfig {
        capacity: Some(Capacity::STANDSTILL),
        queue: QueueLimit::Time { limit: Duration::from_millis(200) },
        ..LinkConfig::default()
    };
    let mut line = Line::new(1, still);
    (0..3).for_each(|n| line.send(Time::ZERO, n, 1_000));
    let (arrived, dropped) = line.finish(1_000);
    assert_eq!((arrived.len(), dropped.len()), (0, 2));
    assert!(line.network.ledger().balances());
}

fn stands_still_for_a_second(queue: QueueLimit) {
    let config = LinkConfig { capacity: capacity(800_000), queue, ..LinkConfig::default() };
    let still = LinkConfig { capacity: Some(Capacity::STANDSTILL), ..config.clone() };
    let mut line = Line::new(1, config.clone());
    // 1,000 bytes take 10 ms, of which 4 are over when the link stops for a second.
    line.send(Time::ZERO, 0, 1_000);
    let arrives_at_link = Time::from_nanos(200_000 + 8 * 1_000);
    let stops = arrives_at_link + Duration::from_millis(4);
    line.network.set_link(stops, line.up, still.clone()).expect("no loss");
    (1..4).for_each(|n| line.send(Time::from_millis(500), n, 1_000));
    assert_eq!(line.network.poll(Time::from_millis(499)), None);
    let drop = line.network.poll(Time::from_millis(900));
    assert!(matches!(drop, Some(NetworkOutput::Dropped { cause: DropCause::QueueFull, .. })));
    assert_eq!(line.network.poll(Time::from_millis(1_000)), None);
    assert_eq!(line.network.next_deadline(), None, "nothing will happen");
    assert_eq!(line.network.ledger().queued, 3);
    line.network.set_link(stops + Duration::from_secs(1), line.up, config).expect("no loss");
    let at = |ms| Time::from_millis(ms);
    assert_eq!(line.finish(1_000).0, [(0, at(1_010)), (1, at(1_020)), (2, at(1_030))]);
}

#[test]
fn a_lower_delay_lets_nothing_overtake() {
    let far = LinkConfig { one_way_delay: Duration::from_millis(100), ..LinkConfig::default() };
    let mut line = Line::new(1, far);
    line.send(Time::ZERO, 0, 100);
    line.network.set_link(Time::from_millis(1), line.up, LinkConfig::default()).expect("no loss");
    line.send(Time::from_millis(2), 1, 100);
    line.send(Time::from_millis(200), 2, 100);
    let (first, last) = (Time::from_millis(100), Time::from_millis(200));
    assert_eq!(line.finish(100).0, [(0, first), (1, first), (2, last)]);
}

#[test]
fn the_ledger_tells_waiting_from_propagating() {
    let config = LinkConfig {
        capacity: capacity(1_000_000),
        one_way_delay: Duration::from_millis(20),
        queue: QueueLimit::Packets { packets: 2 },
        ..LinkConfig::default()
    };
    let mut line = Line::new(1, config);
    (0..4).for_each(|n| line.send(Time::ZERO, n, 1000));
    let drop = line.network.poll(Time::from_millis(10));
    assert!(matches!(drop, Some(NetworkOutput::Dropped { .. })));
    assert_eq!(line.network.poll(Time::from_millis(10)), None);
    // At 10 ms one was sent, one is being sent, one waits, one found no room.
    let ledger = line.network.ledger();
    assert_eq!((ledger.entered, ledger.delivered), (4, 0));
    assert_eq!((ledger.queued, ledger.in_flight), (2, 1));
    let dropped: Vec<_> = ledger.dropped.iter().collect();
    assert_eq!(dropped, [(&(PacketPlace::Up("house".into()), DropCause::QueueFull), &1)]);
}

#[test]
fn a_distant_service_is_as_far_away_in_both_directions() {
    let mut network = Network::new(1);
    let away = core::net::SocketAddrV4::new([198, 51, 100, 2].into(), 3478);
    let near = network.add_service("near", *SERVICE.ip()).expect("new");
    let delay = Duration::from_millis(7);
    let far = network.add_distant_service("far", *away.ip(), delay).expect("new");
    let mut crossing = |from, packet, to| {
        network.handle(Time::from_millis(100), from, packet);
        let output = network.poll(Time::NEVER).expect("it arrives");
        let NetworkOutput::Delivered { at, sent_at, to: at_host, .. } = output else {
            panic!("{output:?}")
        };
        assert_eq!(at_host, to);
        assert!(network.ledger().balances());
        at.saturating_since(sent_at)
    };
    let payload = || Bytes::from_static(b"a packet");
    assert_eq!(crossing(near, Packet::udp(SERVICE, away, payload()), far), delay);
    assert_eq!(crossing(far, Packet::udp(away, SERVICE, payload()), near), delay);
    // Between two of its own addresses nothing leaves it.
    assert_eq!(crossing(far, Packet::udp(away, away, payload()), far), Duration::ZERO);
}
