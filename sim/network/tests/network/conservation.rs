//! Every packet has exactly one fate, whatever the network and the traffic.

use core::{net::SocketAddrV4, time::Duration};

use bytes::Bytes;
use parallax_network::{
    Access, Behaviour, Capacity, DropCause, FilterScope, GatewayConfig, HostId, LinkConfig, Loss,
    Network, NetworkOutput, Packet, PacketPlace, PortAssignment, QueueLimit, SiteConfig, TcpHeader,
    Time, Transport,
};
use proptest::{collection::vec, prelude::*, sample::select};

fn link() -> impl Strategy<Value = LinkConfig> {
    let capacity = prop_oneof![Just(None), (50_000_u64..50_000_000).prop_map(Some)];
    let loss = prop_oneof![
        Just(Loss::None),
        (0.0..0.5).prop_map(|p| Loss::independent(p).expect("a probability")),
        (0.0..0.4, 1.0..5.0).prop_map(|(p, l)| Loss::burst(p, l).expect("possible")),
    ];
    let queue = prop_oneof![
        Just(QueueLimit::Unlimited),
        (0_u64..20_000).prop_map(|bytes| QueueLimit::Bytes { bytes }),
        (0_u32..20).prop_map(|packets| QueueLimit::Packets { packets }),
        (0_u64..300).prop_map(|ms| QueueLimit::Time { limit: Duration::from_millis(ms) }),
    ];
    (capacity, 0_u64..100, 0_u64..20, any::<bool>(), loss, queue).prop_map(
        |(capacity, delay, variation, reorder, loss, queue)| LinkConfig {
            capacity: capacity.and_then(Capacity::from_bits_per_second),
            one_way_delay: Duration::from_millis(delay),
            delay_variation: Duration::from_millis(variation),
            reorder,
            loss,
            queue,
        },
    )
}

fn gateway() -> impl Strategy<Value = GatewayConfig> {
    (
        select(Behaviour::ALL.to_vec()),
        select(Behaviour::ALL.to_vec()),
        select(vec![FilterScope::InternalEndpoint, FilterScope::Mapping]),
        select(vec![PortAssignment::Preserving, PortAssignment::Random]),
        0_u64..2000,
        any::<[bool; 2]>(),
    )
        .prop_map(|(mapping, filtering, filter_scope, ports, timeout, [refresh, hairpin])| {
            GatewayConfig {
                external: [203, 0, 113, 1].into(),
                mapping,
                filtering,
                filter_scope,
                ports,
                mapping_timeout: Duration::from_millis(timeout),
                refresh_inbound: refresh,
                hairpinning: hairpin,
                tcp_established_timeout: Duration::from_millis(timeout * 2),
                tcp_transitory_timeout: Duration::from_millis(timeout / 2),
            }
        })
}

type SiteSpec = (Option<GatewayConfig>, Option<(LinkConfig, LinkConfig)>, u8);

/// What somebody does: when (microseconds after the one before), who, and what.
#[derive(Clone, Debug)]
struct Deed {
    after_us: u64,
    who: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Send { port: u16, to: usize, answer: bool, flags: Option<u8>, length: usize },
    Cut,
    Restore,
    Reboot,
    SetLink(LinkConfig),
}

fn deed() -> impl Strategy<Value = Deed> {
    let send = (5000_u16..5004, any::<usize>(), any::<bool>(), any::<Option<u8>>(), 0_usize..1400)
        .prop_map(|(port, to, answer, flags, length)| What::Send {
            port,
            to,
            answer,
            flags,
            length,
        });
    let what = prop_oneof![
        30 => send,
        1 => Just(What::Cut),
        2 => Just(What::Restore),
        1 => Just(What::Reboot),
        1 => link().prop_map(What::SetLink),
    ];
    (0_u64..30_000, any::<usize>(), what).prop_map(|(after_us, who, what)| Deed {
        after_us,
        who,
        what,
    })
}

fn build(seed: u64, sites: &[SiteSpec]) -> (Network, Vec<HostId>, Vec<parallax_network::SiteId>) {
    let mut network = Network::new(seed);
    let mut hosts = vec![network.add_service("stun", [198, 51, 100, 1].into()).expect("new")];
    let mut ids = Vec::new();
    for (n, (gateway, access, count)) in (0_u8..).zip(sites) {
        let private = gateway.is_some();
        let config = SiteConfig {
            gateway: gateway
                .clone()
                .map(|gateway| GatewayConfig { external: [203, 0, 113, n].into(), ..gateway }),
            internet: access.clone().map(|(up, down)| Access { up, down }),
        };
        let site = network.add_site(&format!("site{n}"), config).expect("new");
        ids.push(site);
        for m in 1..=*count {
            let address = if private { [192, 168, 1, m] } else { [192, 0, 2, 10 * n + m] };
            let host = network.add_host(&format!("host{n}-{m}"), site, address.into());
            hosts.push(host.expect("new"));
        }
    }
    (network, hosts, ids)
}

/// Does all deeds and waits for the end of everything. Gives all outputs.
fn run(
    seed: u64,
    sites: &[SiteSpec],
    deeds: &[Deed],
    loads: bool,
) -> Result<Vec<NetworkOutput>, TestCaseError> {
    let (mut network, hosts, ids) = build(seed, sites);
    if loads {
        network.tell_loads(Duration::from_millis(50));
    }
    let mut outputs: Vec<NetworkOutput> = Vec::new();
    let mut seen: Vec<SocketAddrV4> = vec![SocketAddrV4::new([198, 51, 100, 1].into(), 3478)];
    let (mut now, mut told, mut entered) = (Time::ZERO, Time::ZERO, 0);
    let mut take = |network: &mut Network, now: Time, seen: &mut Vec<SocketAddrV4>| {
        while let Some(output) = network.poll(now) {
            prop_assert!(output.at() >= told, "time never goes back");
            prop_assert!(output.at() <= now);
            told = output.at();
            if let NetworkOutput::Delivered { packet, .. } = &output {
                seen.push(packet.source);
            }
            outputs.push(output);
            prop_assert!(network.ledger().balances(), "{:?}", network.ledger());
        }
        Ok(())
    };
    for deed in deeds {
        now += Duration::from_micros(deed.after_us);
        take(&mut network, now, &mut seen)?;
        let host = hosts[deed.who % hosts.len()];
        let site = ids[deed.who % ids.len()];
        match &deed.what {
            What::Send { port, to, answer, flags, length } => {
                let destination = if *answer {
                    seen[to % seen.len()]
                } else {
                    SocketAddrV4::new(network.host_address(hosts[to % hosts.len()]), *port)
                };
                let transport = flags.map_or(Transport::Udp, |flags| {
                    let [syn, fin, rst] = [1, 2, 4].map(|bit| flags & bit != 0);
                    Transport::Tcp(TcpHeader { syn, fin, rst, ..TcpHeader::default() })
                });
                let source = SocketAddrV4::new(network.host_address(host), *port);
                let payload = Bytes::from(vec![0; *length]);
                network.handle(now, host, Packet { source, destination, transport, payload });
                entered += 1;
            }
            What::Cut => network.cut(now, host),
            What::Restore => network.restore(now, host),
            What::Reboot => network.reboot_gateway(now, site),
            What::SetLink(config) => {
                if let Some(link) = network.up_link(site) {
                    network.set_link(now, link, config.clone()).expect("it was checked");
                }
            }
        }
        prop_assert!(network.ledger().balances());
    }
    while let Some(at) = network.next_deadline() {
        now = now.max(at);
        take(&mut network, now, &mut seen)?;
    }
    let ledger = network.ledger();
    prop_assert_eq!((ledger.queued, ledger.in_flight, ledger.entered), (0, 0, entered));
    let delivered =
        outputs.iter().filter(|it| matches!(it, NetworkOutput::Delivered { .. })).count();
    let dropped = outputs.iter().filter(|it| matches!(it, NetworkOutput::Dropped { .. })).count();
    prop_assert_eq!(ledger.delivered, delivered as u64);
    prop_assert_eq!(ledger.dropped_total(), dropped as u64);
    let created =
        outputs.iter().filter(|it| matches!(it, NetworkOutput::MappingCreated { .. })).count();
    let expired =
        outputs.iter().filter(|it| matches!(it, NetworkOutput::MappingExpired { .. })).count();
    prop_assert_eq!(created, expired, "all mappings end when nothing happens any more");
    Ok(outputs)
}

/// Sums over access links.
#[derive(Default)]
struct Loads {
    offered: u64,
    carried: u64,
    lost: u64,
    dropped: u64,
    told_lost: u64,
    told_dropped: u64,
}

impl Loads {
    /// Whether it is a load.
    fn take(&mut self, output: &NetworkOutput) -> bool {
        match output {
            NetworkOutput::Loaded { load, .. } => {
                self.offered += load.offered_packets;
                self.carried += load.carried_packets;
                self.lost += load.lost_packets;
                self.dropped += load.dropped_packets;
                return true;
            }
            NetworkOutput::Dropped {
                place: PacketPlace::Up(_) | PacketPlace::Down(_),
                cause,
                ..
            } => match cause {
                DropCause::Loss => self.told_lost += 1,
                _ => self.told_dropped += 1,
            },
            _ => {}
        }
        false
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_packet_has_one_fate_and_the_same_seed_the_same_outputs(
        seed: u64,
        sites in vec((proptest::option::weighted(0.8, gateway()), proptest::option::weighted(0.9, (link(), link())), 1_u8..4), 1..4),
        deeds in vec(deed(), 0..150),
    ) {
        let first = run(seed, &sites, &deeds, false)?;
        let second = run(seed, &sites, &deeds, false)?;
        prop_assert_eq!(&first, &second);
        // Who asks for the links' loads changes nothing else.
        let mut told = run(seed, &sites, &deeds, true)?;
        let mut loads = Loads::default();
        told.retain(|output| !loads.take(output));
        prop_assert_eq!(&first, &told);
        prop_assert_eq!(loads.offered, loads.carried + loads.lost + loads.dropped);
        prop_assert_eq!(loads.lost, loads.told_lost);
        prop_assert_eq!(loads.dropped, loads.told_dropped);
    }
}
