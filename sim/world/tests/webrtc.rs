//! Two real peer connections on simulated hosts behind gateways: they connect, and one seed gives
//! the same packets in every process.
#![cfg(target_os = "linux")]

mod support;

use bytes::BytesMut;
use parallax_peer::Host;
use parallax_record::Event;
use parallax_world::{Guards, SimHost};
use rtc::ice::mdns::MulticastDnsMode;
use std::{
    future::pending,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{AT_HOME, STUN, run, software};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    peer_connection::{
        PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
        RTCIceCandidateInit, RTCIceServer, RTCPeerConnectionIceEvent, RTCPeerConnectionState,
        RTCSessionDescription, SettingEngineBuilder,
    },
};

/// What the two ends tell each other, past the network: signalling is not what is tested here.
enum Signal {
    Description(Box<RTCSessionDescription>),
    Candidate(RTCIceCandidateInit),
}

struct Handler {
    host: SimHost,
    other: UnboundedSender<Signal>,
    channels: UnboundedSender<Arc<dyn DataChannel>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let candidate = event.candidate.to_json().expect("a candidate");
        let _ = self.other.send(Signal::Candidate(candidate));
    }
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.host.observe(Event::Note { text: state.to_string() });
    }
    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let _ = self.channels.send(channel);
    }
}

async fn connection(
    host: &SimHost,
    other: UnboundedSender<Signal>,
) -> (Arc<dyn PeerConnection>, UnboundedReceiver<Arc<dyn DataChannel>>) {
    let (tell, channels) = unbounded_channel();
    // More than one server needs: the library keeps them in hash maps, whose order shows.
    let urls = (0..8).map(|n| format!("stun:{}:{}", STUN.ip(), STUN.port() + n)).collect();
    let server = RTCIceServer { urls, ..Default::default() };
    let configuration = RTCConfigurationBuilder::new().with_ice_servers(vec![server]).build();
    let settings =
        SettingEngineBuilder::new().with_multicast_dns_mode(MulticastDnsMode::Disabled).build();
    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_setting_engine(settings)
        .with_handler(Arc::new(Handler { host: host.clone(), other, channels: tell }))
        .with_runtime(host.runtime())
        .with_udp_addrs(vec![std::net::SocketAddr::from((AT_HOME, 0))])
        .build()
        .await
        .expect("a connection");
    (Arc::new(connection), channels)
}

/// Takes what the other end says, for ever; answers an offer.
async fn follow(
    connection: Arc<dyn PeerConnection>,
    mut signals: UnboundedReceiver<Signal>,
    other: UnboundedSender<Signal>,
    answers: bool,
) {
    while let Some(signal) = signals.recv().await {
        match signal {
            Signal::Candidate(candidate) => {
                connection.add_ice_candidate(candidate).await.expect("add a candidate");
            }
            Signal::Description(description) => {
                connection.set_remote_description(*description).await.expect("remote description");
                if answers {
                    let answer = connection.create_answer(None).await.expect("an answer");
                    // First told, then set: candidates come after the description.
                    let _ = other.send(Signal::Description(Box::new(answer.clone())));
                    connection.set_local_description(answer).await.expect("local description");
                }
            }
        }
    }
}

async fn say(channel: &Arc<dyn DataChannel>, text: &str) {
    channel.send(BytesMut::from(text)).await.expect("send");
}

/// Waits for a message, and notes it.
async fn hear(host: &SimHost, channel: &Arc<dyn DataChannel>) -> Option<String> {
    loop {
        if let DataChannelEvent::OnMessage(message) = channel.poll().await? {
            let text = String::from_utf8_lossy(&message.data).into_owned();
            host.observe(Event::Note { text: text.clone() });
            return Some(text);
        }
    }
}

type Ends = (UnboundedReceiver<Signal>, UnboundedSender<Signal>);

async fn camera(host: SimHost, (signals, other): Ends) {
    let (connection, _channels) = connection(&host, other.clone()).await;
    let channel = connection.create_data_channel("talk", None).await.expect("a channel");
    let offer = connection.create_offer(None).await.expect("an offer");
    let _ = other.send(Signal::Description(Box::new(offer.clone())));
    connection.set_local_description(offer).await.expect("local description");
    let following = follow(Arc::clone(&connection), signals, other, false);
    host.runtime().spawn(Box::pin(following));
    while let Some(event) = channel.poll().await {
        if matches!(event, DataChannelEvent::OnOpen) {
            break;
        }
    }
    for count in 0..20 {
        say(&channel, &format!("ping {count}")).await;
        hear(&host, &channel).await.expect("an answer");
        host.runtime().sleep(Duration::from_millis(50)).await;
    }
    pending().await
}

async fn viewer(host: SimHost, (signals, other): Ends) {
    let (connection, mut channels) = connection(&host, other.clone()).await;
    host.runtime().spawn(Box::pin(follow(connection, signals, other, true)));
    let channel = channels.recv().await.expect("a channel");
    while let Some(text) = hear(&host, &channel).await {
        say(&channel, &text.replace("ping", "pong")).await;
    }
    pending().await
}

/// Connects the two and talks; returns the digest and what was noted.
fn session(seed: u64, guards: Guards) -> (String, Vec<(u64, String, String)>, Vec<String>) {
    let (to_viewer, from_camera) = unbounded_channel();
    let (to_camera, from_viewer) = unbounded_channel();
    let mine = Mutex::new(Some((from_viewer, to_viewer)));
    let yours = Mutex::new(Some((from_camera, to_camera)));
    let take = |ends: &Mutex<Option<Ends>>| ends.lock().expect("lock").take().expect("one boot");
    let peers = [
        software(move |host| camera(host, take(&mine))),
        software(move |host| viewer(host, take(&yours))),
    ];
    let kept = run(seed, guards, Duration::from_secs(6), peers).expect("run");
    let note = |entry: parallax_record::Entry| match entry.event {
        Event::Note { text } => Some((entry.run_ns, entry.node, text)),
        _ => None,
    };
    let notes = kept.entries.into_iter().filter_map(note).collect();
    (kept.outcome.packets_sha256, notes, kept.packets)
}

#[test]
fn two_peer_connections_connect_through_two_gateways_and_talk() {
    let (_, notes, packets) = session(1, Guards::default());
    let texts = |node: &str| -> Vec<&str> {
        notes.iter().filter(|note| note.1 == node).map(|note| note.2.as_str()).collect()
    };
    assert!(texts("doorbell").contains(&"connected"), "{notes:?}");
    assert!(texts("phone").contains(&"connected"), "{notes:?}");
    assert!(texts("doorbell").contains(&"pong 19"), "{notes:?}");
    assert!(texts("phone").contains(&"ping 19"), "{notes:?}");
    assert!(packets.iter().any(|line| line.contains("203.0.113.2:")), "by the gateway's address");
}

/// Runs a session in a process of its own; in a test build with a guard off.
fn in_a_process(seed: u64, off: &str) -> String {
    let program = std::env::current_exe().expect("this test's program");
    let output = Command::new(program)
        .args(["--ignored", "--exact", "one_session_for_another_process", "--nocapture"])
        .env("PARALLAX_TEST_SEED", seed.to_string())
        .env("PARALLAX_TEST_GUARD_OFF", off)
        .output()
        .expect("start the test's program");
    let text = String::from_utf8(output.stdout).expect("text");
    let digest = text.lines().find_map(|line| line.strip_prefix("digest "));
    digest.unwrap_or_else(|| panic!("no digest: {text}")).to_owned()
}

#[test]
#[ignore = "the other process of the tests below"]
#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "how the two processes talk")]
fn one_session_for_another_process() {
    let seed = std::env::var("PARALLAX_TEST_SEED").expect("a seed").parse().expect("a number");
    let mut guards = Guards::default();
    match std::env::var("PARALLAX_TEST_GUARD_OFF").expect("a guard, or nothing").as_str() {
        "clock" => guards.clock = false,
        "entropy" => guards.entropy = false,
        "map order" => guards.map_order = false,
        _ => {}
    }
    let (digest, notes, _) = session(seed, guards);
    println!("\ndigest {digest} {notes:?}");
}

#[test]
fn one_seed_gives_the_same_packets_in_every_process_and_another_seed_gives_others() {
    let first = in_a_process(1, "");
    assert_eq!(first, in_a_process(1, ""));
    assert_ne!(first, in_a_process(2, ""));
}

#[cfg(feature = "guards-off")]
#[test]
fn without_a_guard_two_processes_differ() {
    for guard in ["clock", "entropy", "map order"] {
        let first = in_a_process(1, guard);
        // DTLS puts the wall clock's seconds into its hello.
        std::thread::sleep(Duration::from_millis(1_100));
        assert_ne!(first, in_a_process(1, guard), "without {guard}");
    }
}
