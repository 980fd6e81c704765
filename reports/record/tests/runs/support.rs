//! A small run made by hand: a camera and a viewer, frames every 66.667 ms, constant stages.

use parallax_record::*;
use std::time::Duration;

pub(crate) const CAMERA: &str = "doorbell";
pub(crate) const VIEWER: &str = "phone";
pub(crate) const PERIOD_NS: u64 = 66_667_000;
/// When each boundary after capture is passed: encoder began, encoded, paced, received, released,
/// decoded, rendered.
pub(crate) const AFTER_NS: [u64; 7] =
    [1_000_000, 9_000_000, 12_000_000, 40_000_000, 90_000_000, 96_000_000, 100_000_000];
/// When frame 0 is captured.
pub(crate) const FIRST_NS: u64 = 1_000_000_000;
/// When the viewer asks.
pub(crate) const REQUEST_NS: u64 = 200_000_000;

pub(crate) fn session(number: u32) -> Session {
    Session { camera: CAMERA.into(), viewer: VIEWER.into(), number }
}

pub(crate) fn header(checks: Vec<Check>) -> Header {
    let peer = |name: &str, site: &str, viewer: bool| PeerHeader {
        browser: None,
        program: None,
        ice: None,
        address: None,
        name: name.into(),
        site: site.into(),
        profile: ProfileUse { name: "desktop".into(), sha256: "00".into() },
        boot_us: 0,
        camera: None,
        viewer: viewer.then(|| Viewer {
            cameras: vec![CAMERA.into()],
            jitter_buffer: JitterBuffer { least_us: 50_000, most_us: 50_000 },
            nack: None,
            asks_at: Duration::ZERO,
        }),
        stages: None,
    };
    Header {
        format: FORMAT.into(),
        schema: SCHEMA,
        parallax_version: "0.1.0".into(),
        scenario: "two-homes".parse().expect("a name"),
        scenario_file: None,
        title: "Two homes".into(),
        why: "The everyday case.".into(),
        seed: u64::MAX,
        repeat: None,
        clock: Clock::Virtual { tick_us: 1_000 },
        duration_us: 10_000_000,
        media_mode: MediaMode::Live,
        sites: vec![],
        services: vec![],
        peers: vec![peer(CAMERA, "house", false), peer(VIEWER, "flat", true)],
        streams: vec![Stream { camera: CAMERA.into(), viewer: VIEWER.into() }],
        events: vec![],
        checks,
    }
}

/// The jitter buffer of the viewer.
pub(crate) fn jitter_buffer(run: &mut Run) -> &mut JitterBuffer {
    &mut run.header.peers[1].viewer.as_mut().expect("a viewer").jitter_buffer
}

pub(crate) fn check(predicate: Predicate) -> Check {
    Check {
        minimum_sample: predicate.default_minimum_sample(),
        predicate,
        streams: StreamSelection::default(),
        window: Window::WHOLE,
        why: "Because.".into(),
    }
}

pub(crate) fn entry(run_ns: u64, node: &str, event: Event) -> Entry {
    Entry { run_ns, node: node.into(), event }
}

/// A packet that was dropped at a node.
/// A link without loss, of one delay.
pub(crate) fn link(one_way_delay_us: u64) -> LinkConfig {
    LinkConfig { one_way_delay: Duration::from_micros(one_way_delay_us), ..LinkConfig::default() }
}

/// A site without a gateway, with links of these delays.
pub(crate) fn site(name: &str, up_us: u64, down_us: u64) -> Site {
    Site {
        name: name.into(),
        network: "192.168.1.0/24".parse().expect("a network"),
        gateway: None,
        up: Some(link(up_us)),
        down: Some(link(down_us)),
    }
}

pub(crate) fn dropped(run_ns: u64, node: &str) -> Entry {
    let (source, destination) = ("192.0.2.1:5000".into(), "192.0.2.2:5000".into());
    entry(
        run_ns,
        node,
        Event::PacketDropped { cause: "loss".into(), source, destination, bytes: 1_200 },
    )
}

pub(crate) fn candidate(kind: CandidateKind) -> Candidate {
    Candidate { kind, address: "192.0.2.1:5000".into() }
}

/// How far a frame of the made-up run gets, and how it ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Rendered,
    DroppedAtCapture,
    NeverPaced,
    NeverReceived,
    GivenUp(LossPhase),
    NeverDecoded,
}

pub(crate) struct Run {
    pub(crate) header: Header,
    pub(crate) entries: Vec<Entry>,
}

impl Run {
    /// The phases of setup, ending at DTLS 600 ms after the request; a pair of the given kinds.
    pub(crate) fn connected(local: CandidateKind, remote: CandidateKind) -> Self {
        let mut run = Self {
            header: header(vec![]),
            entries: vec![
                entry(0, CAMERA, Event::Started { boot: 0 }),
                entry(0, VIEWER, Event::Started { boot: 0 }),
            ],
        };
        run.setup(1, REQUEST_NS);
        for (node, here, there) in [(VIEWER, local, remote), (CAMERA, remote, local)] {
            run.entries.push(entry(
                REQUEST_NS + 500_000_000,
                node,
                Event::Nominated {
                    session: session(1),
                    local: candidate(here),
                    remote: candidate(there),
                },
            ));
        }
        run
    }

    pub(crate) fn setup(&mut self, number: u32, from_ns: u64) {
        let phases = [
            (Phase::Requested, 0),
            (Phase::Signalling, 100),
            (Phase::Gathering, 150),
            (Phase::Checking, 250),
            (Phase::Nominated, 500),
            (Phase::Dtls, 600),
        ];
        for (phase, after_ms) in phases {
            self.entries.push(entry(
                from_ns + after_ms * 1_000_000,
                VIEWER,
                Event::Phase { session: session(number), phase },
            ));
        }
    }

    /// A connected run whose frames 0.. go the given ways.
    pub(crate) fn streaming(ways: &[Way]) -> Self {
        let mut run = Self::connected(CandidateKind::ServerReflexive, CandidateKind::Host);
        for (frame, way) in (0..).zip(ways) {
            run.frame(frame, *way, FIRST_NS + u64::from(frame) * PERIOD_NS, &AFTER_NS);
        }
        run
    }

    pub(crate) fn frame(&mut self, frame: u32, way: Way, at: u64, after: &[u64; 7]) {
        let rtp_timestamp = 90_000 + frame * 6_000;
        let camera_us = at / 1_000;
        let session = session(1);
        let mut push = |run_ns, node, event| self.entries.push(entry(run_ns, node, event));
        let captured = Event::FrameCaptured { boot: 0, frame, camera_us };
        push(at, CAMERA, captured);
        if way == Way::DroppedAtCapture {
            let phase = LossPhase::Capture;
            push(at, CAMERA, Event::FrameDropped { boot: 0, frame, phase });
            return;
        }
        push(
            at + after[1],
            CAMERA,
            Event::FrameEncoded {
                boot: 0,
                frame,
                started_run_ns: at + after[0],
                rtp_timestamp,
                key: frame == 0,
                bytes: 1_000,
                qp: None,
            },
        );
        if way == Way::NeverPaced {
            return;
        }
        push(
            at + after[2],
            CAMERA,
            Event::FramePaced {
                session: session.clone(),
                rtp_timestamp,
                first_run_ns: at + after[1],
                packets: 1,
            },
        );
        if way == Way::NeverReceived {
            return;
        }
        if let Way::GivenUp(phase) = way {
            push(at + after[4], VIEWER, Event::FrameLost { session, rtp_timestamp, phase });
            return;
        }
        push(
            at + after[3],
            VIEWER,
            Event::FrameReceived {
                session: session.clone(),
                rtp_timestamp,
                first_run_ns: at + after[3],
                packets: 1,
            },
        );
        push(
            at + after[4],
            VIEWER,
            Event::FrameReleased { session: session.clone(), rtp_timestamp, margin_us: None },
        );
        if way == Way::NeverDecoded {
            return;
        }
        push(
            at + after[5],
            VIEWER,
            Event::FrameDecoded {
                session: session.clone(),
                rtp_timestamp,
                started_run_ns: at + after[4],
            },
        );
        push(
            at + after[6],
            VIEWER,
            Event::FrameRendered {
                session,
                rtp_timestamp,
                marker: Some(Marker { boot: 0, frame, camera_us }),
                psnr_millidb: Some(30_000 + frame % 10 * 100),
                ssim_ppm: Some(900_000 + i32::try_from(frame % 10).expect("small") * 1_000),
            },
        );
    }

    pub(crate) fn record(mut self) -> Record {
        self.entries.sort_by_key(|entry| entry.run_ns);
        Record::new(self.header, self.entries, "ab").expect("entries are in order")
    }

    pub(crate) fn judged(mut self, checks: Vec<Check>) -> Summary {
        self.header.checks = checks;
        judge(&self.record())
    }

    /// What comes of one check.
    pub(crate) fn result(self, check: Check) -> CheckResult {
        let summary = self.judged(vec![check]);
        assert_eq!(summary.faults, Vec::<String>::new());
        assert_eq!(summary.checks.len(), 1, "{:?}", summary.checks);
        assert_eq!(summary.verdict, summary.checks[0].verdict);
        summary.checks[0].clone()
    }

    pub(crate) fn verdict(self, predicate: Predicate) -> Verdict {
        self.result(check(predicate)).verdict
    }
}
