//! How long a link takes for packets, against closed forms. One public host sends to a service over
//! its up link.

use core::{net::SocketAddrV4, time::Duration};

use parallax_network::{
    Access, Capacity, Durations, LinkConfig, LinkDelays, Loss, Network, NetworkOutput, Packet,
    SiteConfig, Time,
};

const SOURCE: SocketAddrV4 = SocketAddrV4::new(core::net::Ipv4Addr::new(192, 0, 2, 1), 5000);
const SERVICE: SocketAddrV4 = SocketAddrV4::new(core::net::Ipv4Addr::new(198, 51, 100, 1), 3478);
/// IP and UDP headers.
const HEADERS: usize = 28;
const LENGTH: usize = 1_000;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Sends `bursts` of `each` packets, 2 s apart, and gives what the up link told at the end, and how
/// many packets arrived.
fn delays(config: LinkConfig, bursts: u64, each: u64) -> (LinkDelays, u64) {
    let mut network = Network::new(1);
    let site = SiteConfig {
        gateway: None,
        internet: Some(Access { up: config, down: LinkConfig::default() }),
    };
    let site = network.add_site("house", site).expect("new");
    let host = network.add_host("host", site, *SOURCE.ip()).expect("new");
    network.add_service("service", *SERVICE.ip()).expect("new");
    network.tell_loads(ms(200));
    let mut arrived = 0;
    for burst in 0..bursts {
        for _ in 0..each {
            let packet = Packet::udp(SOURCE, SERVICE, vec![0_u8; LENGTH - HEADERS].into());
            network.handle(Time::ZERO + ms(2_000 * burst), host, packet);
        }
        while let Some(output) = network.poll(Time::ZERO + ms(2_000 * burst + 1_999)) {
            arrived += u64::from(matches!(output, NetworkOutput::Delivered { .. }));
        }
    }
    let (place, up) = network.delays().next().expect("an up link");
    assert_eq!(place.to_string(), "link/house/up");
    (up.clone(), arrived)
}

fn mean_ms(durations: &Durations) -> f64 {
    durations.mean_ns().expect("some") as f64 / 1e6
}

/// By nearest rank, milliseconds: the least of its bucket.
fn percentile_ms(durations: &Durations, percent: u64) -> f64 {
    let rank = (durations.packets() * percent).div_ceil(100);
    let mut seen = 0;
    let mut at = durations.buckets().skip_while(|(_, packets)| {
        seen += packets;
        seen < rank
    });
    at.next().expect("a bucket").0 as f64 / 1e3
}

fn varying(one_way_delay: u64, deviation: u64, reorder: bool) -> LinkConfig {
    LinkConfig {
        one_way_delay: ms(one_way_delay),
        delay_variation: ms(deviation),
        reorder,
        ..LinkConfig::default()
    }
}

#[test]
fn a_constant_delay_comes_out_as_it_is() {
    let (up, arrived) = delays(varying(12, 0, false), 50, 3);
    assert_eq!((up.propagation.packets(), arrived), (150, 150));
    assert_eq!(up.propagation.mean_ns(), Some(12_000_000));
    assert_eq!(up.propagation.longest_ns(), 12_000_000);
    // Its bucket is 1/128 of it wide at most.
    let buckets: Vec<_> = up.propagation.buckets().collect();
    assert_eq!(buckets, [(11_968, 150)]);
    assert_eq!(up.crossing, up.propagation, "without a limit of capacity there is nothing else");
}

/// With reordering each delay is max(0, N(mean, deviation)).
#[test]
fn with_reordering_draws_below_zero_become_zero() {
    // mean * Phi(mean / deviation) + deviation * phi(mean / deviation)
    for (mean, deviation, expected) in [(5, 20, 10.727), (57, 50, 60.168), (100, 20, 100.0)] {
        let (up, _) = delays(varying(mean, deviation, true), 2_000, 4);
        let found = mean_ms(&up.propagation);
        // Six standard errors of 8,000 draws.
        let bound = 6.0 * deviation as f64 / 8_000_f64.sqrt();
        assert!((found - expected).abs() < bound, "{found} ms, not {expected} ms");
        let median = percentile_ms(&up.propagation, 50);
        assert!((median - mean as f64).abs() < bound * 1.4 + 0.01 * mean as f64, "p50 {median} ms");
        let p95 = percentile_ms(&up.propagation, 95);
        let expected = mean as f64 + 1.645 * deviation as f64;
        assert!((p95 - expected).abs() < bound * 2.5 + 0.01 * expected, "p95 {p95} ms");
    }
}

/// Without, the packet number k of a burst arrives with the greatest of k draws: of 1, 2, 3 and 4
/// from N(0, 1) it has a mean of 0, 0.5642, 0.8463 and 1.0294.
#[test]
fn without_reordering_each_packet_waits_for_the_slowest_before_it() {
    for (each, shift) in [(1, 0.0), (2, 0.2821), (3, 0.4702), (4, 0.6100)] {
        let (up, _) = delays(varying(300, 50, false), 4_000, each);
        let found = mean_ms(&up.propagation);
        let expected = 300.0 + shift * 50.0;
        // Six standard errors; packets of a burst count as one.
        let bound = 6.0 * 50.0 / 4_000_f64.sqrt();
        assert!((found - expected).abs() < bound, "{each}: {found} ms, not {expected} ms");
    }
}

/// Queue and transmission are in the time over the link, and not in that of propagation. A lost
/// packet is in neither.
#[test]
fn the_time_over_a_link_is_queue_transmission_and_propagation() {
    let capacity = Capacity::from_bits_per_second(800_000);
    let config = LinkConfig { capacity, ..varying(12, 0, false) };
    let (up, _) = delays(config.clone(), 100, 3);
    // 1,000 bytes take 10 ms at 800 kbit/s: 22, 32 and 42 ms, less what the LAN spaced them apart.
    assert!((mean_ms(&up.crossing) - 32.0).abs() < 0.02, "{} ms", mean_ms(&up.crossing));
    assert_eq!(up.propagation.mean_ns(), Some(12_000_000));
    assert!(up.crossing.longest_ns() > 41_900_000 && up.crossing.longest_ns() <= 42_000_000);

    let loss = Loss::independent(0.3).expect("a probability");
    let (up, arrived) = delays(LinkConfig { loss, ..config }, 500, 2);
    assert_eq!((up.propagation.packets(), up.crossing.packets()), (arrived, arrived));
    assert!((600..800).contains(&arrived), "{arrived}");
}

#[test]
fn nothing_is_kept_unless_somebody_asks() {
    let network = Network::new(1);
    assert_eq!(network.delays().count(), 0);
}
