//! A street where everything is constant, so that every latency has one true value: devices that
//! take the same time for each frame, links without loss and delay variation.

use parallax_network::Transport;
use parallax_record::{Entry, Event, FrameHistory, Record, Session, StreamTimeline, Timeline};
use parallax_scenario::{Profile, Profiles, ScenarioErrors, parse, profile};
use parallax_world::{Direction, Guards, Sinks, TICK, header, run};
use std::{collections::BTreeMap, time::Duration};

/// What the stages take. No whole ticks, so that each timer is late.
pub(crate) const CAPTURE: Duration = Duration::from_micros(3_400);
pub(crate) const ENCODE: Duration = Duration::from_micros(7_300);
pub(crate) const DECODE: Duration = Duration::from_micros(5_600);
pub(crate) const RENDER: Duration = Duration::from_micros(2_150);

/// One tick, nanoseconds.
pub(crate) const TICK_NS: u64 = TICK.as_nanos() as u64;

/// A link: what it carries and how long a bit takes across.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop {
    pub(crate) kbit_per_second: u64,
    pub(crate) delay_us: u64,
}

/// What every LAN is.
const LAN: Hop = Hop { kbit_per_second: 1_000_000, delay_us: 200 };

impl Hop {
    /// Of `bytes` on the wire. The rates of the tests divide evenly, so this is exact.
    pub(crate) fn serialisation_ns(self, bytes: u64) -> u64 {
        assert_eq!((bytes * 8_000_000) % self.kbit_per_second, 0, "not exact");
        bytes * 8_000_000 / self.kbit_per_second
    }

    pub(crate) fn delay_ns(self) -> u64 {
        self.delay_us * 1_000
    }
}

/// What a test varies.
#[derive(Clone, Debug)]
pub(crate) struct Street {
    /// Of both gateways: `mapping`, `filtering` and `ports`.
    pub(crate) gateway: &'static str,
    /// The camera's up link.
    pub(crate) up: Hop,
    /// The viewer's down link.
    pub(crate) down: Hop,
    pub(crate) size: &'static str,
    pub(crate) bit_rate: &'static str,
    pub(crate) key_frame_interval: &'static str,
    pub(crate) jitter_buffer: Duration,
    pub(crate) seconds: u64,
}

/// Gateways that let a direct path be.
pub(crate) const ORDINARY: &str = r#"mapping = "endpoint-independent", filtering = "address-and-port-dependent", ports = "preserving""#;
/// Gateways that leave the relay alone.
pub(crate) const STRICT: &str = r#"mapping = "address-and-port-dependent", filtering = "address-and-port-dependent", ports = "random""#;

impl Default for Street {
    fn default() -> Self {
        Self {
            gateway: ORDINARY,
            up: Hop { kbit_per_second: 8_000, delay_us: 12_340 },
            down: Hop { kbit_per_second: 40_000, delay_us: 9_170 },
            size: "160x96",
            bit_rate: "40kbit/s",
            key_frame_interval: "none",
            jitter_buffer: Duration::ZERO,
            seconds: 15,
        }
    }
}

impl Street {
    /// The links from camera to viewer, in order.
    pub(crate) fn hops(&self) -> [Hop; 4] {
        [LAN, self.up, self.down, LAN]
    }

    fn text(&self) -> String {
        let Self { gateway, up, down, size, bit_rate, key_frame_interval, .. } = self;
        let (jitter, seconds) = (self.jitter_buffer.as_micros(), self.seconds);
        let link = |hop: &Hop| {
            let Hop { kbit_per_second, delay_us } = hop;
            format!(
                r#"{{ capacity = "{kbit_per_second}kbit/s", one_way_delay = "{delay_us}us", queue = "unlimited" }}"#
            )
        };
        let (up, down) = (link(up), link(down));
        let other = link(&Hop { kbit_per_second: 20_000, delay_us: 5_000 });
        format!(
            r#"
schema = 1
title = "A street where everything is constant"
why = "Latencies with one true value show whether the measured ones are right."
duration = "{seconds}s"

[site.house]
gateway = {{ {gateway} }}
up = {up}
down = {other}

[site.flat]
gateway = {{ {gateway} }}
up = {other}
down = {down}

[services]
turn_one_way_delay = "0ms"

[peer.doorbell]
site = "house"
camera = {{ profile = "constant", pacer = "none", video = {{ clip = "bunny", size = "{size}", frames_per_second = 15, bit_rate = "{bit_rate}", key_frame_interval = "{key_frame_interval}" }} }}

[peer.phone]
site = "flat"
views = ["doorbell"]
viewer = {{ profile = "constant", jitter_buffer = "{jitter}us" }}

[[check]]
connects = {{ within = "{seconds}s" }}
why = "A scenario has a check."
"#
        )
    }

    /// Runs it.
    pub(crate) fn run(&self) -> Kept {
        let scenario = parse("street.toml", &self.text(), &Constant).expect("a valid scenario");
        let mut entries: Vec<Entry> = Vec::new();
        let mut packets = Vec::new();
        let sinks = Sinks {
            entry: Box::new(|entry| entries.push(entry)),
            packet: Some(Box::new(|seen| {
                let udp = matches!(seen.packet.transport, Transport::Udp);
                packets.push(Seen {
                    at_ns: seen.at.as_nanos(),
                    direction: seen.direction,
                    host: seen.host.to_owned(),
                    bytes: seen.packet.wire_length() as u64,
                    rtp_timestamp: if udp { video(&seen.packet.payload) } else { None },
                });
            })),
        };
        let outcome = run(&scenario, 1, Guards::default(), sinks).expect("a run");
        let header = header(&scenario, 1, "0.0.0");
        let record = Record::new(header, entries, &outcome.packets_sha256).expect("a record");
        Kept { street: self.clone(), record, packets }
    }
}

/// The one device: camera and viewer, and always the same.
struct Constant;

impl Profiles for Constant {
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
        let [boot, capture, encode, decode, render] =
            [Duration::from_micros(123_456), CAPTURE, ENCODE, DECODE, RENDER].map(stage);
        let text = format!(
            "schema = 1\ntitle = \"Constant\"\nboot_time = {boot}\n\
             [camera]\n{limits}\ncapture = {capture}\nencode = {encode}\n\
             [viewer]\n{limits}\ndecode = {decode}\nrender = {render}\n"
        );
        (name == "constant").then(|| profile::parse("constant.toml", &text))
    }

    fn names(&self) -> Vec<String> {
        vec!["constant".to_owned()]
    }
}

/// A packet at a peer or a service.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at_ns: u64,
    pub(crate) direction: Direction,
    pub(crate) host: String,
    /// On the wire.
    pub(crate) bytes: u64,
    /// Of video packets.
    pub(crate) rtp_timestamp: Option<u32>,
}

/// The RTP timestamp of what carries video: RTP of payload type 102 (RFC 3550 section 5.1), by
/// itself or in a ChannelData message (RFC 8656 section 12.4). SRTP leaves the header readable.
fn video(payload: &[u8]) -> Option<u32> {
    let rtp = match payload.first()? >> 6 {
        0b01 => payload.get(4..)?,
        _ => payload,
    };
    let is_video = rtp.first()? >> 6 == 2 && rtp.get(1)? & 0x7f == 102;
    let timestamp = rtp.get(4..8)?.try_into().ok()?;
    is_video.then(|| u32::from_be_bytes(timestamp))
}

/// A run of a street.
pub(crate) struct Kept {
    pub(crate) street: Street,
    pub(crate) record: Record,
    pub(crate) packets: Vec<Seen>,
}

/// A rendered frame that met no other packet on its way.
#[derive(Debug)]
pub(crate) struct Alone {
    pub(crate) history: FrameHistory,
    /// Its packets on the wire as the camera sent them, bytes.
    pub(crate) sent: Vec<u64>,
    /// And as the viewer got them.
    pub(crate) delivered: Vec<u64>,
    /// From the first packet sent to the last one delivered, exactly.
    pub(crate) crossing_ns: u64,
}

/// So long before a frame nothing else is to be sent, nanoseconds.
const CLEAR_NS: u64 = 20_000_000;

impl Kept {
    /// The one stream, from a record without contradictions.
    pub(crate) fn stream(&self) -> StreamTimeline {
        let timeline = Timeline::of(&self.record);
        assert_eq!(timeline.faults, Vec::<String>::new());
        let [stream] = timeline.streams.try_into().expect("one stream");
        stream
    }

    /// Every rendered frame that was alone on the links from camera to viewer.
    pub(crate) fn alone(&self) -> Vec<Alone> {
        let frames = self.stream().frames.into_iter();
        frames.filter_map(|history| self.if_alone(history)).collect()
    }

    fn if_alone(&self, history: FrameHistory) -> Option<Alone> {
        history.passage.ended_ns.render?;
        let of_frame = |seen: &&Seen| seen.rtp_timestamp == history.camera.rtp_timestamp;
        let sent: Vec<&Seen> = self.sent().filter(of_frame).collect();
        let delivered: Vec<&Seen> = self.delivered().filter(of_frame).collect();
        let (first, last) = (sent.first()?.at_ns, delivered.last()?.at_ns);
        assert!(sent.iter().all(|seen| seen.at_ns == first), "no pacer, and yet: {sent:?}");
        let before = first.saturating_sub(CLEAR_NS);
        let others_sent = self
            .sent()
            .filter(|seen| !of_frame(seen) && (before..=first).contains(&seen.at_ns))
            .count();
        let others_delivered = self
            .delivered()
            .filter(|seen| !of_frame(seen) && (before..=last).contains(&seen.at_ns))
            .count();
        (others_sent + others_delivered == 0).then(|| Alone {
            sent: sent.iter().map(|seen| seen.bytes).collect(),
            delivered: delivered.iter().map(|seen| seen.bytes).collect(),
            crossing_ns: last - first,
            history: history.clone(),
        })
    }

    fn sent(&self) -> impl Iterator<Item = &Seen> {
        self.packets
            .iter()
            .filter(|seen| seen.direction == Direction::Sent && seen.host == "doorbell")
    }

    fn delivered(&self) -> impl Iterator<Item = &Seen> {
        self.packets
            .iter()
            .filter(|seen| seen.direction == Direction::Delivered && seen.host == "phone")
    }

    /// How many packets each frame was cut into, by RTP timestamp, as the camera says.
    pub(crate) fn packets_of_frames(&self) -> BTreeMap<u32, u32> {
        let paced = |entry: &Entry| match &entry.event {
            Event::FramePaced { session: Session { .. }, rtp_timestamp, first_run_ns, packets } => {
                assert_eq!(*first_run_ns, entry.run_ns, "no pacer, and yet it took time");
                Some((*rtp_timestamp, *packets))
            }
            _ => None,
        };
        self.record.entries.iter().filter_map(paced).collect()
    }

    /// What the scenario says of a frame's way through the network, nanoseconds, if it meets no
    /// packets but its own: a packet is through a link's transmitter its serialisation after it
    /// came, or after the packet before it was through, whichever is later.
    pub(crate) fn crossing_ns(&self, frame: &Alone) -> u64 {
        let mut at = vec![0; frame.sent.len()];
        for (number, hop) in self.street.hops().into_iter().enumerate() {
            // What a relay takes off or puts on, it does in the core.
            let packets = if number < 2 { &frame.sent } else { &frame.delivered };
            let mut free = 0;
            for (at, bytes) in at.iter_mut().zip(packets) {
                free = free.max(*at) + hop.serialisation_ns(*bytes);
                *at = free + hop.delay_ns();
            }
        }
        at[at.len() - 1]
    }
}
