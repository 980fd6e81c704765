//! What access links tell of themselves, against closed forms and against the ledger. As in
//! `links.rs`, one public host sends to a service over its up link; the LAN adds 0.2 ms and 8 ns a
//! byte.

use core::{net::SocketAddrV4, time::Duration};

use parallax_network::{
    Access, Capacity, DropCause, HostId, LinkConfig, LinkId, LinkLoad, Loss, Network,
    NetworkOutput, Packet, PacketPlace, QueueLimit, SiteConfig, Time,
};

const SOURCE: SocketAddrV4 = SocketAddrV4::new(core::net::Ipv4Addr::new(192, 0, 2, 1), 5000);
const SERVICE: SocketAddrV4 = SocketAddrV4::new(core::net::Ipv4Addr::new(198, 51, 100, 1), 3478);
/// On the wire.
const LENGTH: u64 = 1000;
/// From the host to its up link.
const LAN: Duration = Duration::from_nanos(200_000 + 8 * LENGTH);
const MS_NS: u64 = 1_000_000;
const INTERVAL: Duration = Duration::from_millis(200);

struct Line {
    network: Network,
    host: HostId,
    up: LinkId,
}

impl Line {
    fn new(up: LinkConfig) -> Self {
        let mut network = Network::new(1);
        let config = SiteConfig {
            gateway: None,
            internet: Some(Access { up, down: LinkConfig::default() }),
        };
        let site = network.add_site("house", config).expect("new");
        let host = network.add_host("host", site, *SOURCE.ip()).expect("new");
        network.add_service("service", *SERVICE.ip()).expect("new");
        network.tell_loads(INTERVAL);
        let up = network.up_link(site).expect("it has Internet");
        Self { network, host, up }
    }

    /// Sends a packet so that it is at the up link `at` after the LAN's crossing.
    fn send(&mut self, at: Time) {
        let payload = vec![0; LENGTH as usize - 28].into();
        self.network.handle(at, self.host, Packet::udp(SOURCE, SERVICE, payload));
    }

    /// Intervals and loads up to `until`; all are the up link's.
    fn loads(&mut self, until: Time) -> Vec<(Time, Time, LinkLoad)> {
        let mut loads = Vec::new();
        while let Some(output) = self.network.poll(until) {
            if let NetworkOutput::Loaded { at, from, place, load } = output {
                assert_eq!(place, PacketPlace::Up("house".into()));
                loads.push((from, at, load));
            }
        }
        loads
    }
}

fn capacity(bits_per_second: u64) -> Option<Capacity> {
    Capacity::from_bits_per_second(bits_per_second)
}

/// Packets of 8 ms come every 4 ms: the n-th waits for n times the 4 ms that the backlog grows by,
/// which is backlog / capacity.
#[test]
fn the_wait_is_backlog_over_capacity_and_transmission_and_propagation_are_the_links() {
    let delay = Duration::from_millis(12);
    let config =
        LinkConfig { capacity: capacity(1_000_000), one_way_delay: delay, ..Default::default() };
    let mut line = Line::new(config);
    let count = 100_u64;
    for n in 0..count {
        line.send(Time::from_millis(4 * n));
    }
    let loads = line.loads(Time::NEVER);
    // 0.8 s of transmission, that begin within the first interval.
    assert_eq!(loads.len(), 5);
    let (mut sent, mut offered) = (0, 0);
    for (k, (from, until, load)) in (0_u64..).zip(loads) {
        assert_eq!((from, until), (Time::from_millis(200 * k), Time::from_millis(200 * (k + 1))));
        let within = |at: Time| at >= from && at < until;
        let done = |n: &u64| within(Time::from_millis(8 * (n + 1)) + LAN);
        let waits: Vec<u64> = (0..count).filter(done).map(|n| 4 * n).collect();
        let came = (0..count).filter(|n| within(Time::from_millis(4 * n) + LAN)).count() as u64;
        assert_eq!(load.carried_packets, waits.len() as u64);
        assert_eq!(load.carried_bytes, LENGTH * load.carried_packets);
        assert_eq!((load.offered_packets, load.offered_bytes), (came, LENGTH * came));
        assert_eq!(load.waited_ns, waits.iter().sum::<u64>() * MS_NS);
        assert_eq!(Some(load.waited_longest_ns), waits.last().map(|ms| ms * MS_NS));
        assert_eq!(load.mean_wait_ns(), Some(load.waited_ns / waits.len() as u64));
        assert_eq!(load.mean_transmission_ns(), Some(8 * MS_NS));
        assert_eq!(load.mean_propagation_ns(), Some(12 * MS_NS));
        sent += load.sent_packets();
        offered += load.offered_packets;
    }
    assert_eq!((sent, offered), (count, count));
}

/// carried = offered - lost - dropped, and the sums over all intervals are what the ledger has.
#[test]
fn over_all_intervals_the_loads_are_the_ledger() {
    let config = LinkConfig {
        capacity: capacity(1_000_000),
        loss: Loss::burst(0.1, 3.0).expect("such bursts can be"),
        queue: QueueLimit::Bytes { bytes: 20_000 },
        ..LinkConfig::default()
    };
    let mut line = Line::new(config);
    let count = 1_000_u64;
    for n in 0..count {
        line.send(Time::from_millis(4 * n));
    }
    let mut sum = LinkLoad::default();
    for (_, _, load) in line.loads(Time::NEVER) {
        sum.offered_packets += load.offered_packets;
        sum.carried_packets += load.carried_packets;
        sum.carried_bytes += load.carried_bytes;
        sum.lost_packets += load.lost_packets;
        sum.dropped_packets += load.dropped_packets;
        // 20 packets wait, and one is in transmission.
        assert!(load.waited_longest_ns <= 21 * 8 * MS_NS, "{load:?}");
    }
    let ledger = line.network.ledger();
    let dropped = |cause| ledger.dropped[&(PacketPlace::Up("house".into()), cause)];
    assert_eq!((sum.offered_packets, sum.carried_packets), (count, ledger.delivered));
    assert_eq!(sum.carried_bytes, LENGTH * ledger.delivered);
    assert_eq!(sum.lost_packets, dropped(DropCause::Loss));
    assert_eq!(sum.dropped_packets, dropped(DropCause::QueueFull));
    assert!(sum.lost_packets > 10 && sum.dropped_packets > 100, "{sum:?}");
    assert_eq!(sum.carried_packets, sum.offered_packets - sum.lost_packets - sum.dropped_packets);
}

#[test]
fn an_interval_without_packets_is_not_told_and_its_very_end_is_the_next_ones_beginning() {
    let mut line = Line::new(LinkConfig::default());
    let before = Duration::from_nanos(u64::try_from(LAN.as_nanos()).expect("short"));
    let at = |time: Time| Time::from_nanos(time.as_nanos() - before.as_nanos() as u64);
    // At the up link at 0.2 s sharp, and in the interval from 0.8 s on.
    line.send(at(Time::from_millis(200)));
    line.send(at(Time::from_millis(900)));
    let spans: Vec<_> =
        line.loads(Time::NEVER).into_iter().map(|(from, at, _)| (from, at)).collect();
    let millis = Time::from_millis;
    assert_eq!(spans, [(millis(200), millis(400)), (millis(800), millis(1000))]);
    assert_eq!(line.network.next_deadline(), None);
}

#[test]
fn an_interval_is_told_at_its_end_and_cut_short_on_demand() {
    let mut line = Line::new(LinkConfig::default());
    line.send(Time::from_millis(10));
    assert_eq!(line.loads(Time::from_millis(199)), []);
    assert_eq!(line.network.next_deadline(), Some(Time::from_millis(200)));
    assert_eq!(line.loads(Time::from_millis(250)).len(), 1);
    line.send(Time::from_millis(250));
    assert_eq!(line.loads(Time::from_millis(300)), []);
    line.network.end_loads(Time::from_millis(300));
    let loads = line.loads(Time::from_millis(300));
    let spans: Vec<_> = loads.iter().map(|(from, at, _)| (*from, *at)).collect();
    assert_eq!(spans, [(Time::from_millis(200), Time::from_millis(300))]);
    assert_eq!(loads[0].2.carried_packets, 1);
    line.network.end_loads(Time::from_millis(300));
    assert_eq!(line.loads(Time::NEVER), []);
}

/// 8000 bits: 4 ms at 1 Mbit/s are half of them, and the other half takes 1 ms at 4 Mbit/s.
#[test]
fn transmission_goes_on_at_a_new_capacity() {
    let mut line = Line::new(LinkConfig { capacity: capacity(1_000_000), ..Default::default() });
    line.send(Time::ZERO);
    line.loads(Time::ZERO + LAN);
    let faster = LinkConfig { capacity: capacity(4_000_000), ..Default::default() };
    let half = Time::from_millis(4) + LAN;
    line.network.set_link(half, line.up, faster).expect("it loses nothing");
    let [(_, _, load)] = line.loads(Time::NEVER)[..] else { panic!("one interval") };
    assert_eq!(load.mean_transmission_ns(), Some(5 * MS_NS));
    assert_eq!((load.mean_wait_ns(), load.waited_longest_ns), (Some(0), 0));
}

#[test]
fn a_load_without_packets_has_no_means() {
    let none = LinkLoad::default();
    assert_eq!(
        (none.mean_wait_ns(), none.mean_transmission_ns(), none.mean_propagation_ns()),
        (None, None, None)
    );
}
