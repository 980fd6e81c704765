//! A world with small peers: time, sockets, boots, and what ends a run.
#![cfg(target_os = "linux")]

mod events;
#[path = "../support/mod.rs"]
mod support;

use parallax_network::Time;
use parallax_peer::{Accept, Host, Work};
use parallax_record::{Event, Stage};
use parallax_world::{Device, Guards, SimHost, Sinks, World, WorldError, simulate};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::BTreeMap,
    future::{Future, pending},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{AT_HOME, DELAY, Kept, STUN, run, software};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use webrtc::runtime::AsyncUdpSocket;

const MS: Duration = Duration::from_millis(1);

/// A UDP socket of a host, made the way the `webrtc` crate makes one.
fn udp(host: &SimHost, port: u16) -> Arc<dyn AsyncUdpSocket> {
    let socket = std::net::UdpSocket::bind((AT_HOME, port)).expect("bind");
    host.runtime().wrap_udp_socket(socket).expect("wrap")
}

fn stun() -> SocketAddr {
    STUN.into()
}

fn note(host: &SimHost, text: impl Into<String>) {
    host.observe(Event::Note { text: text.into() });
}

/// Notes of a peer: time and text.
fn notes(kept: &Kept, peer: &str) -> Vec<(u64, String)> {
    let of = |entry: &parallax_record::Entry| match &entry.event {
        Event::Note { text } if entry.node == peer => Some((entry.run_ns, text.clone())),
        _ => None,
    };
    kept.entries.iter().filter_map(of).collect()
}

fn idle() -> support::Software {
    software(|_| pending())
}

/// Runs the doorbell beside an idle phone.
fn alone<F: Future<Output = ()> + Send + 'static>(
    code: impl Fn(SimHost) -> F + Send + 'static,
) -> Result<Kept, WorldError> {
    run(1, Guards::default(), 500 * MS, [software(code), idle()])
}

#[test]
fn a_round_trip_takes_what_the_network_says_and_less_than_a_tick_more() {
    let kept = alone(|host| async move {
        let socket = udp(&host, 0);
        assert_eq!(socket.local_addr().expect("address").ip(), AT_HOME);
        let start = host.runtime().now();
        socket.send_to(b"hello", stun()).await.expect("send");
        let mut buffer = [0; 100];
        let (length, from) = socket.recv_from(&mut buffer).await.expect("receive");
        assert_eq!((&buffer[..length], from), (&b"hello"[..], stun()));
        note(&host, (host.runtime().now() - start).as_nanos().to_string());
        pending().await
    })
    .expect("run");
    let [(at, told)] = &notes(&kept, "doorbell")[..] else { panic!("{:?}", kept.entries) };
    assert_eq!(*at, told.parse::<u64>().expect("nanoseconds"), "both clocks are one");
    // The last line that delivered to the doorbell has the exact time.
    let exact = kept.packets.iter().rfind(|line| line.contains("delivered doorbell")).expect("one");
    let exact: f64 = exact.split('s').next().expect("time").parse().expect("seconds");
    let (late, exact) = (*at as f64 / 1e9 - exact, Duration::from_secs_f64(exact));
    assert!((0.0..0.001).contains(&late), "{late} late");
    assert!(exact >= 2 * DELAY && exact < 2 * DELAY + MS, "{exact:?}");
    assert_eq!(kept.outcome.bytes.signalling, 2 * (20 + 8 + 5));
    assert_eq!(kept.outcome.packets, 4);
}

#[test]
fn timers_are_never_early_and_less_than_a_tick_late() {
    let kept = alone(|host| async move {
        let runtime = host.runtime();
        for micros in [1, 999, 1_000, 1_001, 20_300] {
            let start = runtime.now();
            runtime.sleep(Duration::from_micros(micros)).await;
            let waited = runtime.now() - start;
            assert!(
                waited >= Duration::from_micros(micros)
                    && waited < Duration::from_micros(micros) + MS
            );
        }
        let start = runtime.now();
        let mut ticks = runtime.interval(Duration::from_micros(33_333));
        for count in 0..9 {
            ticks.tick().await;
            let late = (runtime.now() - start) - count * Duration::from_micros(33_333);
            assert!(late < MS, "an interval does not drift: {late:?}");
        }
        note(&host, "done");
        pending().await
    })
    .expect("run");
    assert_eq!(notes(&kept, "doorbell").len(), 1);
}

#[test]
fn a_host_reaches_ipv4_and_listens_at_its_own_address_alone() {
    let kept = alone(|host| async move {
        let kind = |error: Option<std::io::Error>| format!("{:?}", error.map(|error| error.kind()));
        let there: SocketAddr = "[2001:db8::1]:80".parse().expect("address");
        note(&host, kind(host.connect(there).await.err()));
        note(&host, kind(host.listen(there).await.err()));
        note(&host, kind(host.listen(stun()).await.err()));
        let own = std::net::UdpSocket::bind((AT_HOME, 4_000)).expect("bind");
        let open = host.runtime().wrap_udp_socket(own).expect("wrap");
        let again = std::net::UdpSocket::bind((AT_HOME, 4_000)).expect("bind");
        note(&host, kind(host.runtime().wrap_udp_socket(again).err()));
        drop(open);
        let foreign = std::net::UdpSocket::bind("192.168.1.11:0").expect("bind");
        note(&host, kind(host.runtime().wrap_udp_socket(foreign).err()));
        pending().await
    })
    .expect("run");
    let texts: Vec<_> = notes(&kept, "doorbell").into_iter().map(|(_, text)| text).collect();
    let unavailable = "Some(AddrNotAvailable)";
    let expected =
        ["Some(NetworkUnreachable)", unavailable, unavailable, "Some(AddrInUse)", unavailable];
    assert_eq!(texts, expected);
}

/// Runs a camera and a viewer with public addresses; `power` steps the world.
fn public(
    power: impl FnOnce(&mut World<'_>, [parallax_network::HostId; 2]) -> Result<(), WorldError> + Send,
    device: Arc<dyn Device>,
    peers: [support::Software; 2],
) -> Result<Kept, WorldError> {
    simulate(3, Guards::default(), move || {
        let (mut network, [.., stun]) = support::two_homes(3);
        let camera = network.add_service("camera", [198, 51, 100, 10].into()).expect("camera");
        let viewer = network.add_service("viewer", [198, 51, 100, 11].into()).expect("viewer");
        let (mut entries, mut packets) = (Vec::new(), Vec::new());
        let sinks = Sinks {
            entry: Box::new(|entry| entries.push(entry)),
            packet: Some(Box::new(|seen| packets.push(seen.to_string()))),
        };
        let services = support::StunServer::new(stun);
        let mut world = World::new(3, network, Box::new(services), BTreeMap::new(), sinks)?;
        let [first, second] = peers;
        world.add_peer(camera, Arc::clone(&device), first);
        world.add_peer(viewer, device, second);
        power(&mut world, [camera, viewer])?;
        let outcome = world.finish();
        Ok(Kept { outcome, entries, packets })
    })?
}

#[test]
fn tcp_carries_bytes_both_ways() {
    let server = software(|host: SimHost| async move {
        let at: SocketAddr = "198.51.100.10:80".parse().expect("address");
        let mut listener = host.listen(at).await.expect("listen");
        let (mut stream, from) = listener.accept().await.expect("accept");
        note(&host, from.ip().to_string());
        let mut bytes = vec![0; 100_000];
        stream.read_exact(&mut bytes).await.expect("read");
        stream.write_all(&bytes[..1_000]).await.expect("write");
        pending().await
    });
    let client = software(|host: SimHost| async move {
        let at = "198.51.100.10:80".parse().expect("address");
        let mut stream = host.connect(at).await.expect("connect");
        let sent: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
        stream.write_all(&sent).await.expect("write");
        let mut bytes = vec![0; 1_000];
        stream.read_exact(&mut bytes).await.expect("read");
        assert_eq!(bytes, sent[..1_000]);
        note(&host, "echoed");
        pending().await
    });
    let until = |world: &mut World<'_>, _| world.run_until(Time::from_millis(500));
    let kept = public(until, Arc::new(parallax_world::Instantly), [server, client]).expect("run");
    assert_eq!(notes(&kept, "camera")[0].1, "198.51.100.11");
    assert_eq!(notes(&kept, "viewer").len(), 1);
    assert!(kept.outcome.bytes.signalling > 2 * 101_000, "each end counts");
}

struct Slow;

impl Device for Slow {
    fn boot_time(&self, _random: &mut ChaCha8Rng) -> Duration {
        Duration::from_micros(30_500)
    }

    fn work_time(&self, work: Work, _random: &mut ChaCha8Rng) -> Duration {
        if work == Work::Stage(Stage::Encode) {
            Duration::from_micros(8_200)
        } else {
            Duration::ZERO
        }
    }

    fn occupancy(&self, _work: Work) -> Option<Duration> {
        Some(Duration::from_micros(9_500))
    }
}

#[test]
fn power_loss_is_silent_and_a_reboot_keeps_flash_and_takes_other_ports() {
    let device = software(|host: SimHost| async move {
        let boots = host.flash().load("boots").map_or(0, |stored| stored[0]);
        host.flash().store("boots", &[boots + 1]);
        let start = host.now_ns();
        let worked = host.work(Work::Stage(Stage::Encode), start, || 7).await;
        assert_eq!((worked.through_ns, worked.free_ns), (start + 8_200_000, start + 9_500_000));
        host.runtime().sleep(Duration::from_nanos(worked.through_ns - host.now_ns())).await;
        note(&host, format!("{boots} {} {}", worked.done, host.now_ns() - start));
        let socket = std::net::UdpSocket::bind("198.51.100.10:0").expect("bind");
        note(&host, socket.local_addr().expect("address").port().to_string());
        let mut stream =
            host.connect("198.51.100.11:80".parse().expect("address")).await.expect("connect");
        stream.write_all(&[boots]).await.expect("write");
        pending().await
    });
    let server = software(|host: SimHost| async move {
        let mut listener =
            host.listen("0.0.0.0:80".parse().expect("address")).await.expect("listen");
        loop {
            let (mut stream, _) = listener.accept().await.expect("accept");
            let watcher = host.clone();
            let task = async move {
                let read = stream.read_u8().await;
                note(&watcher, format!("{read:?}"));
                note(&watcher, format!("{:?}", stream.read_u8().await.is_ok()));
            };
            host.runtime().spawn(Box::pin(task));
        }
    });
    let power = |world: &mut World<'_>, [camera, _]: [parallax_network::HostId; 2]| {
        world.run_until(Time::from_millis(100))?;
        world.power_off(camera);
        world.run_until(Time::from_millis(200))?;
        world.power_on(camera);
        world.run_until(Time::from_millis(400))
    };
    let kept = public(power, Arc::new(Slow), [device, server]).expect("run");
    // Neither the open connection nor anything else says goodbye.
    let said = |line: &&String| line.starts_with("0.1") && line.contains("s sent camera ");
    let said: Vec<&String> = kept.packets.iter().filter(said).collect();
    assert!(said.is_empty(), "{said:#?}");
    let camera = notes(&kept, "camera");
    // 30.5 ms of boot are over in the step at 31 ms; 8.2 ms of work in the one at 40 ms.
    assert_eq!(camera[0], (40_000_000, "0 7 9000000".to_owned()));
    assert_eq!(camera[2], (240_000_000, "1 7 9000000".to_owned()));
    assert_ne!(camera[1].1, camera[3].1, "the port of the boot before is not given out again");
    let server: Vec<_> = notes(&kept, "viewer").into_iter().map(|(_, text)| text).collect();
    assert_eq!(server, ["Ok(0)", "Ok(1)"], "nobody was told that the first connection is gone");
}

#[test]
fn a_panic_in_a_task_ends_the_run() {
    let error = alone(|host| async move {
        host.runtime().sleep(5 * MS).await;
        host.runtime().spawn(Box::pin(async { panic!("out of luck") }));
        pending().await
    })
    .expect_err("an error");
    assert_eq!(
        error.to_string(),
        "failed to run `doorbell` at 5ms: its code panicked: out of luck"
    );
}

#[test]
fn software_that_ends_ends_the_run() {
    let error = alone(|_| async {}).expect_err("an error");
    assert_eq!(error.to_string(), "failed to run `doorbell` at 0ns: its software ended");
}

#[test]
fn a_thread_of_a_peer_ends_the_run() {
    let error = alone(|_| async {
        let thread = std::thread::Builder::new().spawn(|| ());
        drop(thread);
        pending().await
    })
    .expect_err("an error");
    assert!(
        error.to_string().starts_with("failed to run at 0ns: refused starting a thread"),
        "{error}"
    );
}

#[test]
fn ice_over_tcp_and_names_are_refused_with_a_reason() {
    let kept = alone(|host| async move {
        let runtime = host.runtime();
        let tcp = runtime.connect_tcp(stun()).await.err().map(|error| error.to_string());
        note(&host, tcp.expect("an error"));
        let name = runtime.resolve_host("stun.example:3478").await.err();
        note(&host, name.expect("an error").to_string());
        let address = runtime.resolve_host("198.51.100.1:3478").await.expect("an address");
        assert_eq!(address, [stun()]);
        pending().await
    })
    .expect("run");
    let texts: Vec<_> = notes(&kept, "doorbell").into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        texts,
        [
            "failed to open a TCP socket for ICE: this host has UDP candidates only",
            "failed to resolve `stun.example:3478`: this host takes addresses such as \
             198.51.100.1:3478 only",
        ]
    );
}

#[test]
fn named_streams_make_a_peers_own_randomness() {
    let draw = |seed| {
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&drawn);
        let code = move |host: SimHost| {
            let keep = Arc::clone(&keep);
            async move {
                keep.lock().expect("lock").push(host.random());
                pending().await
            }
        };
        run(seed, Guards::default(), MS, [software(code), idle()]).expect("run");
        drawn.lock().expect("lock")[0]
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn a_world_needs_a_simulating_thread() {
    let (network, [.., stun]) = support::two_homes(1);
    let services = Box::new(support::StunServer::new(stun));
    let sinks = Sinks { entry: Box::new(|_| ()), packet: None };
    let world = World::new(1, network, services, BTreeMap::new(), sinks);
    assert!(matches!(world, Err(WorldError::NotSimulating)));
}
