//! The same camera and viewer in real time over kernel sockets: nothing of a simulator is in them.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this host is the kernel's"
)]

mod kernel;

use kernel::KernelHost;
use parallax_media::{Clip, Size};
use parallax_peer::{
    SourceClip, TooLarge,
    camera::{self, CameraConfig, Media, Signalling},
    viewer::{
        self, ExternalSession, Playing, SessionBackend, SessionCommand, SessionEvent, View,
        ViewerConfig,
    },
};
use parallax_record::{CandidateKind, Entry, Event, Ice, JitterBuffer, Phase};
use parallax_signalling::Token;
use parallax_spec::{Camera, Nack, SignallingProtocol, Viewer};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

const SIZE: Size = Size { width: 320, height: 240 };
const FRAMES_PER_SECOND: u16 = 15;

fn described() -> Camera {
    Camera {
        clip: "bunny".to_owned(),
        width_px: SIZE.width.into(),
        height_px: SIZE.height.into(),
        frames_per_second: FRAMES_PER_SECOND.into(),
        bit_rate_bps: 400_000,
        key_frame_interval_frames: None,
        skip_frames: false,
        // A key frame of 13 kB takes 52 ms to leave: well within the jitter buffer.
        pacer_bps: Some(2_000_000),
        congestion_control: None,
        signalling: SignallingProtocol::WebSocket,
    }
}

fn source() -> SourceClip {
    let open = |size| Ok::<_, TooLarge>(Clip::open("bunny", size).unwrap());
    SourceClip::open(&described(), open).unwrap()
}

fn camera(signalling: Signalling, source: SourceClip) -> CameraConfig {
    CameraConfig {
        name: "doorbell".to_owned(),
        token: Token::new("secret"),
        signalling,
        camera: described(),
        media: Media::Live(source),
        ice: Ice::default(),
    }
}

fn viewer(rendezvous: SocketAddr, source: SourceClip, token: &str) -> ViewerConfig {
    ViewerConfig {
        name: "phone".to_owned(),
        views: vec![View {
            camera: "doorbell".to_owned(),
            token: Token::new(token),
            rendezvous,
            playing: Playing::Decodes(Some(source)),
        }],
        viewer: Viewer {
            cameras: vec!["doorbell".to_owned()],
            jitter_buffer: JitterBuffer { least_us: 170_000, most_us: 170_000 },
            nack: Some(Nack { interval: Duration::from_millis(20), tries: 5 }),
            asks_at: Duration::ZERO,
        },
        ice: Ice::default(),
    }
}

/// Runs both; gives the events up to the first that `enough` is content with. How long it takes is
/// the machine's affair; that it ends is not.
async fn run(
    token: &str,
    tamper: kernel::Tamper,
    enough: impl FnMut(&Entry) -> bool,
) -> Vec<Entry> {
    let at = kernel::rendezvous(tamper).await;
    run_at(Signalling::Rendezvous(at), at, token, enough).await
}

async fn run_at(
    signalling: Signalling,
    rendezvous: SocketAddr,
    token: &str,
    mut enough: impl FnMut(&Entry) -> bool,
) -> Vec<Entry> {
    let source = source();
    let (events, mut seen) = mpsc::unbounded_channel();
    let start = Instant::now();
    let camera_host = KernelHost::new("doorbell", start, events.clone());
    let viewer_host = KernelHost::new("phone", start, events);
    let both = async {
        tokio::join!(
            camera::run(camera_host, camera(signalling, source.clone())),
            viewer::run(viewer_host, viewer(rendezvous, source.clone(), token)),
        )
    };
    let mut entries = Vec::new();
    let watch = async {
        while let Some(entry) = seen.recv().await {
            let done = enough(&entry);
            entries.push(entry);
            if done {
                return;
            }
        }
    };
    tokio::select! {
        _ = both => unreachable!("peers run for ever"),
        () = watch => {}
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("nothing after 60 s: {entries:#?}"),
    }
    entries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_streams_to_a_viewer_over_kernel_sockets() {
    let mut rendered = 0;
    let entries = run(
        "secret",
        |text| text,
        |entry| {
            rendered += usize::from(matches!(entry.event, Event::FrameRendered { .. }));
            rendered == 30
        },
    )
    .await;

    for phase in [
        Phase::Requested,
        Phase::Signalling,
        Phase::Gathering,
        Phase::Checking,
        Phase::Nominated,
        Phase::Dtls,
        Phase::FirstRtp,
        Phase::FirstKeyFrame,
        Phase::FirstRender,
    ] {
        let reached = entries.iter().any(|entry| {
            entry.node == "phone"
                && matches!(&entry.event, Event::Phase { phase: reached, .. } if *reached == phase)
        });
        assert!(reached, "{phase:?} was not reached");
    }
    let captured = |boot: u32, frame: u32| {
        entries.iter().find_map(|entry| match entry.event {
            Event::FrameCaptured { boot: b, frame: f, camera_us } if (b, f) == (boot, frame) => {
                Some((camera_us, entry.run_ns))
            }
            _ => None,
        })
    };
    let mut psnr = Vec::new();
    for entry in &entries {
        match &entry.event {
            Event::FrameRendered { marker, psnr_millidb, .. } => {
                let marker = marker.expect("the marker can be read");
                let (camera_us, run_ns) = captured(marker.boot, marker.frame).unwrap();
                assert_eq!(marker.camera_us, camera_us);
                assert!(run_ns < entry.run_ns, "rendered before it was captured");
                psnr.push(psnr_millidb.expect("the source is known"));
            }
            Event::Nominated { local, remote, .. } => {
                let kinds = [CandidateKind::Host, CandidateKind::PeerReflexive];
                assert!(kinds.contains(&local.kind) && kinds.contains(&remote.kind));
            }
            Event::Fault { text } => panic!("{text}"),
            _ => {}
        }
    }
    psnr.sort_unstable();
    assert!(psnr[psnr.len() / 2] > 28_000, "pictures are not the source's: {psnr:?}");
}

/// A port that was free a moment ago.
fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_is_its_own_rendezvous_streams_over_kernel_sockets() {
    let at = free_port();
    let mut rendered = 0;
    let entries = run_at(Signalling::Own(at), at, "secret", |entry| {
        rendered += usize::from(matches!(entry.event, Event::FrameRendered { .. }));
        rendered == 15
    })
    .await;
    let fault = entries.iter().find(|entry| matches!(entry.event, Event::Fault { .. }));
    assert_eq!(fault, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_refused_by_the_camera_itself_over_kernel_sockets() {
    let at = free_port();
    let entries = run_at(
        Signalling::Own(at),
        at,
        "guess",
        |entry| matches!(&entry.event, Event::Note { text } if text.contains("refused the view: WrongToken")),
    )
    .await;
    let offered = |entry: &Entry| entry.event.session().is_some() && entry.node == "doorbell";
    assert!(!entries.iter().any(offered), "{entries:#?}");
}

#[test]
fn no_token_shows_in_the_debug_output_of_a_configuration() {
    let source = source();
    let at = free_port();
    let camera = camera(Signalling::Own(at), source.clone());
    let View { camera: name, token, rendezvous, .. } = viewer(at, source, "secret").views.remove(0);
    let view = View { camera: name, token, rendezvous, playing: Playing::Decodes(None) };
    for text in [format!("{:?} {:?}", camera.token, camera.signalling), format!("{view:?}")] {
        assert!(text.contains("redacted") && !text.contains("secret"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_with_a_wrong_token_gets_no_offer() {
    let entries = run(
        "guess",
        |text| text,
        |entry| matches!(&entry.event, Event::Note { text } if text.contains("refused the view")),
    )
    .await;
    let session = |entry: &Entry| {
        matches!(
            entry.event,
            Event::Candidate { .. } | Event::Phase { phase: Phase::Signalling, .. }
        )
    };
    assert!(!entries.iter().any(session), "a session began: {entries:#?}");
}

/// Hands sessions on.
#[derive(Clone)]
struct Handing(mpsc::UnboundedSender<ExternalSession>);

impl SessionBackend for Handing {
    fn begin(&self, session: ExternalSession) {
        self.0.send(session).expect("somebody takes it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_made_elsewhere_gets_the_offer_and_one_that_fails_is_followed_by_another()
{
    let source = source();
    let (events, mut seen) = mpsc::unbounded_channel();
    let (begin, mut begun) = mpsc::unbounded_channel();
    let (start, at) = (Instant::now(), free_port());
    let hosts = ["doorbell", "phone"].map(|name| KernelHost::new(name, start, events.clone()));
    let [camera_host, viewer_host] = hosts;
    let both = async {
        let viewer = viewer(at, source.clone(), "secret");
        tokio::join!(
            camera::run(camera_host, camera(Signalling::Own(at), source.clone())),
            viewer::run_elsewhere(viewer_host, viewer, Handing(begin)),
        )
    };
    let two = async {
        let mut names = Vec::new();
        for _ in 0..2 {
            let ExternalSession { name, mut told, said, .. } =
                begun.recv().await.expect("a session");
            let offer = told.recv().await.expect("it is told something");
            assert!(
                matches!(&offer, SessionCommand::Offer(sdp) if sdp.contains("H264")),
                "{offer:?}"
            );
            said.send(SessionEvent::Failed("it will not do".to_owned())).expect("it is heard");
            while told.recv().await.is_some() {}
            names.push(name);
        }
        names
    };
    let names = tokio::select! {
        _ = both => unreachable!("peers run for ever"),
        names = two => names,
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("nothing after 60 s"),
    };
    assert_ne!(names[0], names[1]);
    let mut closed = Vec::new();
    while let Ok(entry) = seen.try_recv() {
        if let Event::Closed { session, reason } = entry.event
            && entry.node == "phone"
        {
            assert_eq!(reason, "it will not do");
            closed.push(session);
        }
    }
    assert_eq!(closed, names);
}

/// The offer's fingerprint with its first two digits changed.
fn swap_fingerprint(text: String) -> String {
    const LINE: &str = "a=fingerprint:sha-256 ";
    match text.find(LINE).filter(|_| text.contains("a=setup:actpass")) {
        Some(at) => {
            let digits = at + LINE.len();
            let other = if text[digits..].starts_with("00") { "11" } else { "00" };
            format!("{}{other}{}", &text[..digits], &text[digits + 2..])
        }
        None => text,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fingerprint_that_does_not_match_kills_the_session() {
    let entries = run("secret", swap_fingerprint, |entry| {
        entry.node == "phone" && matches!(entry.event, Event::Closed { .. })
    })
    .await;
    let media = |entry: &Entry| {
        let of_media = matches!(
            entry.event,
            Event::FrameReceived { .. }
                | Event::FrameRendered { .. }
                | Event::Phase { phase: Phase::FirstRtp, .. }
        );
        entry.node == "phone" && of_media
    };
    let offered =
        |entry: &Entry| matches!(entry.event, Event::Phase { phase: Phase::Nominated, .. });
    assert!(entries.iter().any(offered), "ICE itself does not care: {entries:#?}");
    assert!(!entries.iter().any(media), "media came: {entries:#?}");
}
