//! A street for tests: cameras in a house, viewers in a flat, links and devices that are constant
//! but for what a test varies.

use parallax_network::Transport;
use parallax_record::{Entry, Event, Phase, Session, Stage};
use parallax_scenario::{
    Distribution, Profile, Profiles, Scenario, ScenarioErrors, Services, parse, profile,
};
use parallax_world::{Direction, Guards, PacketSeen, SimOutcome, Sinks, run};
use std::{
    collections::BTreeMap,
    fmt::Write,
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};

pub(crate) const MS_NS: u64 = 1_000_000;
pub(crate) const S_NS: u64 = 1_000_000_000;

/// Gateways that let a direct path be.
pub(crate) const ORDINARY: &str = r#"mapping = "endpoint-independent", filtering = "address-and-port-dependent", ports = "preserving""#;
/// Gateways that leave the relay alone.
pub(crate) const STRICT: &str = r#"mapping = "address-and-port-dependent", filtering = "address-and-port-dependent", ports = "random""#;

/// Gateways that let a direct path be, and whose mappings come back with other ports.
pub(crate) const RANDOM: &str = r#"mapping = "endpoint-independent", filtering = "address-and-port-dependent", ports = "random""#;

/// One-way delay from the viewers to the cameras, without serialisation, and back: 10 ms of the
/// flat, 12 ms of the house, and two LANs.
pub(crate) const ONE_WAY: Duration = Duration::from_micros(22_400);

/// What a test varies.
#[derive(Clone, Debug)]
pub(crate) struct Street {
    /// Of both gateways.
    pub(crate) gateway: &'static str,
    /// Of the flat's gateway, further keys.
    pub(crate) flat_gateway: &'static str,
    /// Of the house's up link, as TOML.
    pub(crate) loss: &'static str,
    /// Of the house's up link: capacity and queue.
    pub(crate) up: (&'static str, &'static str),
    /// Names in the house.
    pub(crate) cameras: &'static [&'static str],
    /// Names in the flat; each views every camera.
    pub(crate) viewers: &'static [&'static str],
    /// Of cameras.
    pub(crate) boot: Duration,
    pub(crate) capture: Duration,
    pub(crate) encode: Duration,
    pub(crate) size: &'static str,
    pub(crate) bit_rate: &'static str,
    pub(crate) key_frame_interval: &'static str,
    pub(crate) pacer: &'static str,
    /// As TOML.
    pub(crate) congestion_control: &'static str,
    pub(crate) skip_frames: bool,
    pub(crate) jitter_buffer: Duration,
    /// As TOML.
    pub(crate) nack: &'static str,
    /// The keys of an event, as TOML; none: nothing happens.
    pub(crate) event: &'static str,
    pub(crate) seconds: u64,
}

impl Default for Street {
    fn default() -> Self {
        Self {
            gateway: ORDINARY,
            flat_gateway: "",
            loss: r#""0%""#,
            up: ("50Mbit/s", "unlimited"),
            cameras: &["doorbell"],
            viewers: &["phone"],
            boot: Duration::from_millis(100),
            capture: Duration::from_micros(3_400),
            encode: Duration::from_micros(7_300),
            size: "160x96",
            bit_rate: "40kbit/s",
            key_frame_interval: "none",
            pacer: "none",
            congestion_control: r#""none""#,
            skip_frames: false,
            jitter_buffer: Duration::from_millis(60),
            nack: r#""none""#,
            event: "",
            seconds: 8,
        }
    }
}

impl Street {
    fn text(&self) -> String {
        let Self {
            gateway,
            flat_gateway,
            loss,
            size,
            bit_rate,
            key_frame_interval,
            pacer,
            congestion_control,
            skip_frames,
            nack,
            ..
        } = self;
        let (capacity, queue) = self.up;
        let (jitter, seconds) = (self.jitter_buffer.as_micros(), self.seconds);
        let mut text = format!(
            r#"
schema = 1
title = "A street"
why = "Each behaviour of the peers shows in a run of its own."
duration = "{seconds}s"

[site.house]
gateway = {{ {gateway} }}
up = {{ capacity = "{capacity}", one_way_delay = "12ms", loss = {loss}, queue = "{queue}" }}
down = {{ capacity = "50Mbit/s", one_way_delay = "12ms", queue = "unlimited" }}

[site.flat]
gateway = {{ {gateway}{flat_gateway} }}
up = {{ capacity = "50Mbit/s", one_way_delay = "10ms", queue = "unlimited" }}
down = {{ capacity = "50Mbit/s", one_way_delay = "10ms", queue = "unlimited" }}

[[check]]
connects = {{ within = "{seconds}s" }}
why = "A scenario has a check."
"#
        );
        if !self.event.is_empty() {
            write!(text, "\n[event.it]\n{}\n", self.event).expect("a text takes all");
        }
        for name in self.cameras {
            write!(
                text,
                r#"
[peer.{name}]
site = "house"
camera = {{ profile = "camera", pacer = "{pacer}", congestion_control = {congestion_control}, video = {{ clip = "bunny", size = "{size}", frames_per_second = 15, bit_rate = "{bit_rate}", key_frame_interval = "{key_frame_interval}", skip_frames = {skip_frames} }} }}
"#
            )
            .expect("a text takes all");
        }
        for name in self.viewers {
            write!(
                text,
                r#"
[peer.{name}]
site = "flat"
views = {:?}
viewer = {{ profile = "viewer", jitter_buffer = "{jitter}us", nack = {nack} }}
"#,
                self.cameras
            )
            .expect("a text takes all");
        }
        text
    }

    pub(crate) fn scenario(&self) -> Scenario {
        parse("street.toml", &self.text(), self).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    /// Runs it as the program does.
    pub(crate) fn run(&self, seed: u64) -> Kept {
        run_scenario(&self.scenario(), seed).0
    }
}

/// Runs a scenario as the program does.
pub(crate) fn run_scenario(scenario: &Scenario, seed: u64) -> (Kept, SimOutcome) {
    let mut kept = Kept::default();
    let Kept { entries, packets } = &mut kept;
    let outcome = run(scenario, seed, Guards::default(), sinks(entries, packets)).expect("a run");
    (kept, outcome)
}

/// Puts all peers into one LAN without Internet and without services.
pub(crate) fn in_one_lan(scenario: &mut Scenario) {
    scenario.sites.truncate(1);
    let site = &mut scenario.sites[0];
    (site.gateway, site.up, site.down) = (None, None, None);
    scenario.services = Services { stun: None, turn: None, rendezvous: None, ..scenario.services };
    for (peer, host) in scenario.peers.iter_mut().zip(10..) {
        peer.site = site.name.clone();
        peer.address = Ipv4Addr::new(192, 168, 1, host);
    }
}

/// What keeps a run.
pub(crate) fn sinks<'a>(entries: &'a mut Vec<Entry>, packets: &'a mut Vec<Seen>) -> Sinks<'a> {
    Sinks {
        entry: Box::new(|entry| entries.push(entry)),
        packet: Some(Box::new(|seen| packets.push(Seen::of(seen)))),
    }
}

/// The devices: constant.
impl Profiles for Street {
    fn find(&self, name: &str) -> Option<Result<Profile, ScenarioErrors>> {
        let stage = |time: Duration| {
            let time = time.as_micros();
            format!(
                r#"{{ distribution = "constant", value = "{time}us", provenance = "inferred", source = "for a test" }}"#
            )
        };
        let limits = r#"
largest_picture = { value = "1920x1080", provenance = "inferred", source = "for a test" }
most_frames_per_second = { value = 60, provenance = "inferred", source = "for a test" }
most_bit_rate = { value = "20Mbit/s", provenance = "inferred", source = "for a test" }"#;
        let boot = stage(self.boot);
        let moment = stage(Duration::from_micros(2_500));
        let text = match name {
            "camera" => format!(
                "schema = 1\ntitle = \"Camera\"\nboot_time = {boot}\n\
                 [camera]\n{limits}\ncapture = {moment}\nencode = {moment}\n"
            ),
            "viewer" => format!(
                "schema = 1\ntitle = \"Viewer\"\nboot_time = {moment}\n\
                 [viewer]\n{limits}\ndecode = {moment}\nrender = {moment}\n"
            ),
            _ => return None,
        };
        let mut profile = profile::parse(&format!("{name}.toml"), &text);
        if let Ok(Profile { camera: Some(camera), .. }) = &mut profile {
            // Also longer than limits allow in a file.
            for (stage, value) in [(Stage::Capture, self.capture), (Stage::Encode, self.encode)] {
                let time = camera.stages.get_mut(&stage).expect("a stage of a camera");
                time.distribution = Distribution::Constant { value };
            }
        }
        Some(profile)
    }

    fn names(&self) -> Vec<String> {
        vec!["camera".to_owned(), "viewer".to_owned()]
    }
}

/// A packet at a peer or a service.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at_ns: u64,
    pub(crate) direction: Direction,
    pub(crate) host: String,
    pub(crate) source: SocketAddrV4,
    pub(crate) tcp: bool,
    /// Of the sender of an ICE check, from its USERNAME.
    pub(crate) ufrag: Option<String>,
    /// On the wire.
    pub(crate) bytes: u64,
    /// Of video packets.
    pub(crate) video: Option<Video>,
}

/// What names a video packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Video {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) rtp_timestamp: u32,
}

impl Seen {
    fn of(seen: &PacketSeen<'_>) -> Self {
        let udp = matches!(seen.packet.transport, Transport::Udp);
        Self {
            at_ns: seen.at.as_nanos(),
            direction: seen.direction,
            host: seen.host.to_owned(),
            source: seen.packet.source,
            tcp: !udp,
            ufrag: if udp { ufrag(&seen.packet.payload) } else { None },
            bytes: seen.packet.wire_length() as u64,
            video: if udp { video(&seen.packet.payload) } else { None },
        }
    }
}

/// RTP of payload type 102 (RFC 3550 section 5.1), not relayed. SRTP leaves the header readable.
fn video(payload: &[u8]) -> Option<Video> {
    let is_video = payload.first()? >> 6 == 2 && payload.get(1)? & 0x7f == 102;
    let sequence = u16::from_be_bytes(payload.get(2..4)?.try_into().ok()?);
    let rtp_timestamp = u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?);
    let ssrc = u32::from_be_bytes(payload.get(8..12)?.try_into().ok()?);
    is_video.then_some(Video { ssrc, sequence, rtp_timestamp })
}

/// The sender's part of USERNAME in a binding request (RFC 8445 section 7.2.2), its first attribute.
fn ufrag(payload: &[u8]) -> Option<String> {
    let username = payload.get(..2)? == [0, 1] && payload.get(20..22)? == [0, 6];
    let length = usize::from(u16::from_be_bytes(payload.get(22..24)?.try_into().ok()?));
    let text = std::str::from_utf8(payload.get(24..24 + length)?).ok()?;
    username.then(|| text.rsplit(':').next().unwrap_or_default().to_owned())
}

/// A run.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) entries: Vec<Entry>,
    pub(crate) packets: Vec<Seen>,
}

/// A frame as its camera encoded it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoded {
    pub(crate) started_ns: u64,
    pub(crate) frame: u32,
    pub(crate) rtp_timestamp: u32,
    pub(crate) key: bool,
}

/// A frame as its viewer rendered it.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    pub(crate) at_ns: u64,
    pub(crate) session: Session,
    pub(crate) rtp_timestamp: u32,
    pub(crate) boot: u32,
    pub(crate) frame: u32,
}

impl Kept {
    /// What `find` finds of a node's events, in order.
    pub(crate) fn of<T>(&self, node: &str, find: impl Fn(u64, &Event) -> Option<T>) -> Vec<T> {
        let entries = self.entries.iter().filter(|entry| entry.node == node);
        entries.filter_map(|entry| find(entry.run_ns, &entry.event)).collect()
    }

    pub(crate) fn encoded(&self, camera: &str) -> Vec<Encoded> {
        self.of(camera, |_, event| match *event {
            Event::FrameEncoded { frame, started_run_ns, rtp_timestamp, key, .. } => {
                Some(Encoded { started_ns: started_run_ns, frame, rtp_timestamp, key })
            }
            _ => None,
        })
    }

    /// Each rendered frame of a viewer. All of them have a marker: a picture without one is wrong.
    pub(crate) fn rendered(&self, viewer: &str) -> Vec<Rendered> {
        self.of(viewer, |at_ns, event| match event {
            Event::FrameRendered { session, rtp_timestamp, marker, .. } => {
                let marker = marker.unwrap_or_else(|| panic!("no marker\n{}", self.story()));
                Some(Rendered {
                    at_ns,
                    session: session.clone(),
                    rtp_timestamp: *rtp_timestamp,
                    boot: marker.boot,
                    frame: marker.frame,
                })
            }
            _ => None,
        })
    }

    /// When a node's sessions came to a phase, with their numbers.
    pub(crate) fn phases(&self, node: &str, wanted: Phase) -> Vec<(u64, u32)> {
        self.of(node, |at_ns, event| match event {
            Event::Phase { session, phase } if *phase == wanted => Some((at_ns, session.number)),
            _ => None,
        })
    }

    pub(crate) fn notes(&self, node: &str) -> Vec<String> {
        self.of(node, |_, event| match event {
            Event::Note { text } => Some(text.clone()),
            _ => None,
        })
    }

    /// Video packets that `host` sent or got: the times, by packet.
    pub(crate) fn video(&self, host: &str, direction: Direction) -> BTreeMap<Video, Vec<u64>> {
        let mut times: BTreeMap<Video, Vec<u64>> = BTreeMap::new();
        for seen in &self.packets {
            if let Some(video) = seen.video
                && seen.host == host
                && seen.direction == direction
            {
                times.entry(video).or_default().push(seen.at_ns);
            }
        }
        times
    }

    /// What the run was about, for a message.
    pub(crate) fn story(&self) -> String {
        let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
        let mut lines = Vec::new();
        for Entry { run_ns, node, event } in &self.entries {
            let text = format!("{event:?}");
            let kind = text.split([' ', '{']).next().unwrap_or_default();
            *kinds.entry(format!("{node} {kind}")).or_default() += 1;
            let told = matches!(
                event,
                Event::Note { .. }
                    | Event::Fault { .. }
                    | Event::Started { .. }
                    | Event::Phase { .. }
                    | Event::Closed { .. }
                    | Event::KeyFrameRequested { .. }
                    | Event::FrameLost { .. }
                    | Event::MappingExpired { .. }
            );
            if told {
                lines.push(format!("{:.6} {node} {text}", *run_ns as f64 / 1e9));
            }
        }
        format!("{kinds:#?}\n{}", lines.join("\n"))
    }

    /// Nothing of the run itself broke.
    pub(crate) fn assert_sound(&self) {
        let faults = self.entries.iter().filter(|e| matches!(e.event, Event::Fault { .. }));
        assert_eq!(faults.count(), 0, "{}", self.story());
    }
}
