//! What befalls a world in mid-run takes effect at its time, and silently.

use crate::support::{self, AT_HOME, DELAY, STUN, software};
use bytes::Bytes;
use parallax_network::{Capacity, HostId, LinkConfig, Loss, Time};
use parallax_peer::Host;
use parallax_record::LinkDirection;
use parallax_record::{Entry, Event};
use parallax_world::{Guards, Instantly, SimHost, Sinks, World, WorldError, simulate};
use std::{
    collections::BTreeMap, future::pending, io::IoSliceMut, sync::Arc, task::Poll, time::Duration,
};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

const MS: Duration = Duration::from_millis(1);

fn note(host: &SimHost, text: impl Into<String>) {
    host.observe(Event::Note { text: text.into() });
}

fn udp(host: &SimHost) -> Arc<dyn AsyncUdpSocket> {
    let socket = std::net::UdpSocket::bind((AT_HOME, 0)).expect("bind");
    host.runtime().wrap_udp_socket(socket).expect("wrap")
}

async fn send(socket: &Arc<dyn AsyncUdpSocket>, text: &'static [u8]) {
    let transmit = Transmit {
        destination: STUN.into(),
        ecn: None,
        contents: text,
        segment_size: None,
        src_ip: None,
    };
    let sent = std::future::poll_fn(|context| socket.poll_send(context, &transmit)).await;
    assert_eq!(sent.expect("sent"), text.len());
}

/// What happened, and the packets as lines.
struct Kept {
    entries: Vec<Entry>,
    packets: Vec<String>,
}

impl Kept {
    fn notes(&self, node: &str) -> Vec<(u64, String)> {
        let of = |entry: &Entry| match &entry.event {
            Event::Note { text } if entry.node == node => {
                Some((entry.run_ns / 1_000_000, text.clone()))
            }
            _ => None,
        };
        self.entries.iter().filter_map(of).collect()
    }

    /// Packets that `host` sent from `from_ms` on.
    fn sent(&self, host: &str, from_ms: u64) -> usize {
        let sent = |line: &&String| {
            let mut words = line.split(' ');
            let at: f64 = words
                .next()
                .and_then(|at| at.strip_suffix('s'))
                .expect("a time")
                .parse()
                .expect("a number");
            let rest: Vec<&str> = words.take(2).collect();
            rest == ["sent", host] && at * 1e3 >= from_ms as f64
        };
        self.packets.iter().filter(sent).count()
    }
}

/// Runs `software` at the doorbell's in one of two homes.
fn run(
    software: support::Software,
    script: impl FnOnce(&mut World<'_>, [HostId; 3]) -> Result<(), WorldError> + Send,
) -> Kept {
    simulate(5, Guards::default(), move || {
        let (network, hosts) = support::two_homes(5);
        let (mut entries, mut packets) = (Vec::new(), Vec::new());
        let sinks = Sinks {
            entry: Box::new(|entry| entries.push(entry)),
            packet: Some(Box::new(|seen| packets.push(seen.to_string()))),
        };
        let services = Box::new(support::StunServer::new(hosts[2]));
        let mut world = World::new(5, network, services, BTreeMap::new(), sinks)?;
        world.add_peer(hosts[0], Arc::new(Instantly), software);
        script(&mut world, hosts)?;
        world.finish();
        Ok::<_, WorldError>(Kept { entries, packets })
    })
    .expect("a simulation")
    .expect("a run")
}

/// Sends an echo request every 10 ms, and notes the answers.
fn echoing() -> support::Software {
    software(|host: SimHost| async move {
        let socket = udp(&host);
        let (listening, ears) = (socket.clone(), host.clone());
        host.runtime().spawn(Box::pin(async move {
            let mut bytes = [0; 100];
            loop {
                let heard = std::future::poll_fn(|context| {
                    let mut metas = [RecvMeta::default()];
                    let mut buffers = [IoSliceMut::new(&mut bytes)];
                    listening.poll_recv(context, &mut buffers, &mut metas)
                });
                heard.await.expect("an answer");
                note(&ears, "answer");
            }
        }));
        loop {
            send(&socket, b"echo").await;
            host.runtime().sleep(10 * MS).await;
        }
    })
}

/// Says goodbye when it is dropped, in every way that there is.
struct Farewell {
    host: SimHost,
    socket: Arc<dyn AsyncUdpSocket>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        note(&self.host, "goodbye");
        let contents = Bytes::from_static(b"goodbye");
        let transmit = Transmit {
            destination: STUN.into(),
            ecn: None,
            contents: &contents,
            segment_size: None,
            src_ip: None,
        };
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(matches!(self.socket.poll_send(&mut context, &transmit), Poll::Ready(Ok(7))));
    }
}

#[test]
fn without_power_a_peer_says_no_goodbye() {
    let peer = software(|host: SimHost| async move {
        note(&host, format!("drew {}", host.random()));
        let farewell = Farewell { socket: udp(&host), host: host.clone() };
        host.runtime().spawn(Box::pin(async move {
            let _farewell = farewell;
            pending().await
        }));
        // TCP would repeat it: nobody answers.
        drop(host.connect("198.51.100.1:80".parse().expect("an address")).await);
        pending().await
    });
    let kept = run(peer, |world, [doorbell, ..]| {
        world.run_until(Time::from_millis(20))?;
        world.power_off(doorbell);
        world.tell("world", Event::Note { text: "dark".to_owned() });
        world.run_until(Time::from_millis(5_000))?;
        world.power_on(doorbell);
        world.run_until(Time::from_millis(5_020))
    });
    let drawn = kept.notes("doorbell");
    let [(0, first), (5_000, second)] = &drawn[..] else { panic!("{drawn:?}") };
    assert_ne!(first, second, "its random stream goes on");
    assert_eq!(kept.notes("world"), [(20, "dark".to_owned())]);
    // The SYN of each boot, and nothing in between.
    assert_eq!(kept.sent("doorbell", 0), 2, "{:#?}", kept.packets);
    assert_eq!(kept.sent("doorbell", 20), 1, "{:#?}", kept.packets);
}

#[test]
fn a_service_that_was_killed_is_silent_until_it_is_started_again() {
    let kept = run(echoing(), |world, [.., stun]| {
        assert_eq!(world.host_named("stun"), Some(stun));
        assert_eq!(world.host_named("nobody"), None);
        world.run_until(Time::from_millis(100))?;
        world.kill_service(stun);
        world.run_until(Time::from_millis(300))?;
        world.restart_service(stun);
        world.run_until(Time::from_millis(400))
    });
    let answers: Vec<u64> = kept.notes("doorbell").into_iter().map(|(at, _)| at).collect();
    // What it had sent still arrives, 7.3 ms and two LANs later.
    let (first, second): (Vec<u64>, Vec<u64>) = answers.iter().partition(|at| **at < 200);
    assert!(first.last().is_some_and(|at| (100..110).contains(at)), "{answers:?}");
    assert!(second.first().is_some_and(|at| (308..320).contains(at)), "{answers:?}");
    assert_eq!(kept.sent("stun", 100), second.len() + 1, "{answers:?}");
    let vanished = |entry: &&Entry| {
        entry.node == "host/stun" && matches!(entry.event, Event::PacketDropped { .. })
    };
    assert_eq!(kept.entries.iter().filter(vanished).count(), 20);
}

#[test]
fn a_link_changes_at_its_time() {
    let slow = LinkConfig {
        one_way_delay: DELAY + 50 * MS,
        capacity: Capacity::from_bits_per_second(1_000_000),
        ..LinkConfig::default()
    };
    let kept = run(echoing(), |world, _| {
        let house = world.site_named("house").expect("a site");
        assert_eq!(world.site_named("moon"), None);
        world.run_until(Time::from_millis(100))?;
        world.set_link(house, LinkDirection::Down, slow.clone())?;
        let never = LinkConfig { loss: Loss::Independent { probability: 2.0 }, ..slow.clone() };
        let refused = world.set_link(house, LinkDirection::Up, never);
        assert!(matches!(refused, Err(WorldError::Loss(_))), "{refused:?}");
        world.run_until(Time::from_millis(200))?;
        world.set_link(
            house,
            LinkDirection::Up,
            LinkConfig { loss: Loss::Independent { probability: 1.0 }, ..slow },
        )?;
        world.run_until(Time::from_millis(400))
    });
    let answers: Vec<u64> = kept.notes("doorbell").into_iter().map(|(at, _)| at).collect();
    let gap = answers.windows(2).find(|pair| pair[1] - pair[0] > 40).expect("a gap");
    assert!(gap[0] < 110 && gap[1] > 150, "{answers:?}");
    assert!(answers.last().is_some_and(|at| (200..280).contains(at)), "{answers:?}");
}

#[test]
fn a_site_without_internet_has_no_link_to_set() {
    let at_home = simulate(5, Guards::default(), || {
        let (mut network, hosts) = support::two_homes(5);
        let cabin = parallax_network::SiteConfig { gateway: None, internet: None };
        let cabin = network.add_site("cabin", cabin).expect("a site");
        let services = Box::new(support::StunServer::new(hosts[2]));
        let sinks = Sinks { entry: Box::new(|_| ()), packet: None };
        let mut world = World::new(5, network, services, BTreeMap::new(), sinks)?;
        world.set_link(cabin, LinkDirection::Up, LinkConfig::default())
    });
    let error = at_home.expect("a simulation").expect_err("no link");
    assert_eq!(error.to_string(), "failed to set a link of `cabin`: it has no Internet");
}

#[test]
fn a_gateway_that_reboots_has_lost_its_mappings_and_the_order_of_events_is_that_of_time() {
    let kept = run(echoing(), |world, _| {
        let house = world.site_named("house").expect("a site");
        world.run_until(Time::from_millis(100))?;
        world.tell("world", Event::Note { text: "before".to_owned() });
        world.reboot_gateway(house);
        world.run_until(Time::from_millis(101))?;
        world.tell("world", Event::Note { text: "after".to_owned() });
        world.run_until(Time::from_millis(200))
    });
    assert!(kept.entries.is_sorted_by_key(|entry| entry.run_ns));
    let of_world = |entry: &Entry| match &entry.event {
        Event::Note { text } if entry.node == "world" => Some(text.clone()),
        Event::MappingExpired { .. } => Some("expired".to_owned()),
        _ => None,
    };
    let order: Vec<String> = kept.entries.iter().filter_map(of_world).collect();
    assert_eq!(order, ["before", "expired", "after"]);
    // The next packet out opens one again.
    assert!(kept.notes("doorbell").last().is_some_and(|(at, _)| *at > 180));
}
