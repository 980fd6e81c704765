//! A small run made by hand: a camera and a viewer, a frame every 100 ms from 1 s on.

use parallax_record::*;
use parallax_render::input::{Detail, Folder, FolderOrigin};
use std::{collections::BTreeMap, time::Duration};

pub(crate) const FRAMES: u32 = 80;

/// A candidate of the viewer.
const HERE: &str = "192.168.1.11:5";
/// A candidate of the camera.
const THERE: &str = "198.51.100.1:6";

/// How late frame `n` is shown, microseconds.
pub(crate) fn late_us(frame: u32) -> u64 {
    100_000 + u64::from(frame % 7) * 1_000
}

fn link(capacity_bps: u64) -> LinkConfig {
    LinkConfig {
        capacity: Capacity::from_bits_per_second(capacity_bps),
        one_way_delay: Duration::from_millis(12),
        delay_variation: Duration::from_millis(2),
        reorder: false,
        loss: Loss::Burst { mean: 0.01, burst: 3.0 },
        queue: QueueLimit::Time { limit: Duration::from_millis(200) },
    }
}

fn site(name: &str) -> Site {
    Site {
        name: name.into(),
        network: "192.168.1.0/24".parse().expect("a network"),
        gateway: Some(GatewayConfig {
            filtering: Behaviour::AddressAndPortDependent,
            mapping_timeout: Duration::from_secs(120),
            ..GatewayConfig::default()
        }),
        up: Some(link(8_000_000)),
        down: Some(link(40_000_000)),
    }
}

pub(crate) fn header(seed: u64) -> Header {
    let time = |us| Some(ConfiguredTime { typical_us: us, longest_us: us });
    let stages = StageTimes {
        capture: time(1_000),
        encode: time(8_000),
        decode: time(6_000),
        render: time(4_000),
    };
    let peer = |name: &str, site: &str, viewer: bool| PeerHeader {
        browser: None,
        program: None,
        address: None,
        ice: None,
        name: name.into(),
        site: site.into(),
        profile: ProfileUse { name: "desktop".into(), sha256: "0123456789abcdef".into() },
        boot_us: 0,
        camera: None,
        viewer: viewer.then(|| Viewer {
            cameras: vec!["doorbell".into()],
            jitter_buffer: JitterBuffer { least_us: 50_000, most_us: 50_000 },
            nack: None,
            asks_at: Duration::ZERO,
        }),
        stages: Some(stages),
    };
    Header {
        format: FORMAT.into(),
        schema: SCHEMA,
        parallax_version: "0.1.0".into(),
        scenario: "two-homes".parse().expect("a name"),
        scenario_file: None,
        title: "Two homes".into(),
        why: "The everyday case.".into(),
        seed,
        repeat: None,
        clock: Clock::Virtual { tick_us: 1_000 },
        duration_us: 10_000_000,
        media_mode: MediaMode::Live,
        sites: vec![site("house"), site("flat")],
        services: vec![ServiceAddress {
            name: "turn".into(),
            kind: ServiceKind::Turn,
            address: "192.0.2.30:3478".parse().expect("an address"),
            one_way_delay: Duration::from_millis(10),
        }],
        peers: vec![peer("doorbell", "house", false), peer("phone", "flat", true)],
        streams: vec![Stream { camera: "doorbell".into(), viewer: "phone".into() }],
        events: vec![ScriptedEvent {
            name: "squeeze".into(),
            at_us: 4_000_000,
            lasts_us: Some(2_000_000),
            action: Action::ChangeLink {
                site: "house".into(),
                direction: LinkDirection::Up,
                link: link(500_000),
            },
        }],
        checks: vec![Check {
            predicate: Predicate::CaptureToRender {
                percentile: Percentile::P95,
                below_us: if seed == 2 { 50_000 } else { 250_000 },
            },
            minimum_sample: 20,
            streams: StreamSelection::default(),
            window: Window::WHOLE,
            why: "A doorbell conversation breaks down above about 250 ms.".into(),
        }],
    }
}

pub(crate) fn at(run_us: u64, node: &str, event: Event) -> Entry {
    Entry { run_ns: run_us * 1_000, node: node.into(), event }
}

fn session() -> Session {
    Session { camera: "doorbell".into(), viewer: "phone".into(), number: 1 }
}

fn setup(entries: &mut Vec<Entry>) {
    for (phase, run_us) in [
        (Phase::Requested, 200_000),
        (Phase::Signalling, 300_000),
        (Phase::Gathering, 350_000),
        (Phase::Checking, 310_000),
        (Phase::Nominated, 700_000),
        (Phase::Dtls, 800_000),
    ] {
        for (node, later_us) in [("phone", 0), ("doorbell", 20_000)] {
            let event = Event::Phase { session: session(), phase };
            entries.push(at(run_us + later_us, node, event));
        }
    }
    for node in ["phone", "doorbell"] {
        let candidate = |kind| Candidate { kind, address: "192.0.2.1:5000".into() };
        let (local, remote) =
            (candidate(CandidateKind::Host), candidate(CandidateKind::ServerReflexive));
        entries.push(at(700_000, node, Event::Nominated { session: session(), local, remote }));
    }
}

/// Frame 30 is lost on its way, all others are shown.
fn frame(entries: &mut Vec<Entry>, frame: u32) {
    let captured = 1_000_000 + u64::from(frame) * 100_000;
    let rtp_timestamp = 9_000 + frame * 9_000;
    let shown = captured + late_us(frame);
    let session = session();
    let mut push = |run_us: u64, node, event| entries.push(at(run_us, node, event));
    push(captured, "doorbell", Event::FrameCaptured { boot: 0, frame, camera_us: captured });
    let (started_run_ns, key) = ((captured + 1_000) * 1_000, frame == 0);
    let encoded = Event::FrameEncoded {
        boot: 0,
        frame,
        started_run_ns,
        rtp_timestamp,
        key,
        bytes: 5_000,
        qp: None,
    };
    push(captured + 9_000, "doorbell", encoded);
    let first_run_ns = (captured + 9_000) * 1_000;
    let paced =
        Event::FramePaced { session: session.clone(), rtp_timestamp, first_run_ns, packets: 4 };
    push(captured + 12_000, "doorbell", paced);
    if frame == 30 {
        let phase = LossPhase::Transport;
        push(captured + 200_000, "phone", Event::FrameLost { session, rtp_timestamp, phase });
        return;
    }
    let (first_run_ns, received) = ((captured + 30_000) * 1_000, captured + 40_000);
    let event =
        Event::FrameReceived { session: session.clone(), rtp_timestamp, first_run_ns, packets: 4 };
    push(received, "phone", event);
    push(
        shown - 10_000,
        "phone",
        Event::FrameReleased { session: session.clone(), rtp_timestamp, margin_us: None },
    );
    let started_run_ns = (shown - 10_000) * 1_000;
    let event = Event::FrameDecoded { session: session.clone(), rtp_timestamp, started_run_ns };
    push(shown - 4_000, "phone", event);
    let marker = Some(Marker { boot: 0, frame, camera_us: captured });
    let (psnr_millidb, ssim_ppm) = (Some(30_000 + frame * 10), Some(900_000));
    let event = Event::FrameRendered { session, rtp_timestamp, marker, psnr_millidb, ssim_ppm };
    push(shown, "phone", event);
}

pub(crate) fn record_of(header: Header) -> Record {
    let mut entries = vec![
        at(0, "doorbell", Event::Started { boot: 0 }),
        at(0, "phone", Event::Started { boot: 0 }),
    ];
    setup(&mut entries);
    (0..FRAMES).for_each(|number| frame(&mut entries, number));
    let cause = || "loss".to_owned();
    for run_us in [4_010_000, 4_020_000, 7_000_000] {
        let (source, destination) = ("192.168.1.10:1".into(), "198.51.100.2:1".into());
        let event = Event::PacketDropped { cause: cause(), source, destination, bytes: 1_200 };
        entries.push(at(run_us, "link/house/up", event));
    }
    entries.push(at(4_300_000, "phone", Event::Nack { session: session(), packets: 3 }));
    entries.push(at(
        250_000,
        "gateway/house",
        Event::MappingCreated {
            transport: "udp".into(),
            internal: "192.168.1.10:1".into(),
            external: "198.51.100.1:1".into(),
        },
    ));
    for (attempt, local) in [(1, HERE), (1, "192.0.2.9:7")] {
        let (local, remote, nominates) = (local.to_owned(), THERE.to_owned(), false);
        let event = Event::CheckSent { session: session(), local, remote, attempt, nominates };
        entries.push(at(320_000, "phone", event));
    }
    let (local, remote, sent_run_ns) = (HERE.into(), THERE.into(), 320_000_000);
    let answered =
        Event::CheckAnswered { session: session(), local, remote, attempt: 1, sent_run_ns };
    entries.push(at(400_000, "phone", answered));
    entries.push(at(9_999_000, "doorbell", Event::Bytes { direct: 900, turn: 0, signalling: 100 }));
    entries.sort_by_key(|entry| entry.run_ns);
    Record::new(header, entries, "ab").expect("entries are in order")
}

/// A folder of one scenario with these seeds; seed 2 fails.
pub(crate) fn folder(seeds: &[u64]) -> Folder {
    folder_of(seeds.iter().map(|seed| header(*seed)).collect())
}

pub(crate) fn folder_of(headers: Vec<Header>) -> Folder {
    let records: Vec<Record> = headers.into_iter().map(record_of).collect();
    let suite = Suite::new(records.iter().map(judge).collect());
    let detail = |(run, record)| Detail { run, record, pictures: BTreeMap::new() };
    let details = records.into_iter().enumerate().map(detail).collect();
    Folder {
        name: "out".into(),
        suite,
        environment: None,
        details,
        origin: FolderOrigin::default(),
    }
}
