//! What a run costs, beside what it cannot do without: the stacks under test by themselves, and the
//! codec by itself: the clip decoded, and each frame marked, encoded and decoded. A live run may cost
//! 1.3 times the codec; one with prerecorded media, which needs none, 3 times the stacks.
//!
//! Everything is measured in CPU time of the process, in turns, so that what else the machine does
//! falls on all alike; of each the median counts. A run here is one in a thread of its own in this
//! process, with its record written into memory. `parallax sim` gives each a process, which adds its
//! start: with the path of a built `parallax` as the argument (`just bench-command`), the command is measured in its place.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench runs in the machine's time and on tokio's clock, and prints"
)]

mod codec;
mod command;
mod floor;

use parallax_network::Transport;
use parallax_record::{Entry, Event, MediaMode, Writer};
use parallax_scenario::{Builtin, Replacements, Scenario, parse_with};
use parallax_world::{Direction, Guards, Sinks, header, run};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// How often each is measured.
const ROUNDS: usize = 11;
/// What a live run may cost, in codecs.
const CODECS: f64 = 1.3;
/// What a run with prerecorded media may cost, in floors.
const FLOORS_PRERECORDED: f64 = 3.0;

/// A video packet of a run, as the camera sent it.
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload_bytes: usize,
}

/// The scenario.
const TWO_HOMES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/scenarios/two-homes.toml");

fn main() {
    // Cargo adds a flag of its own.
    if let Some(program) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) {
        return command::measure(&program);
    }
    let scenario = two_homes(MediaMode::Live);
    let Sample { packets, frames, datagrams } = sample(&scenario);
    prerecorded();
    let clip = codec::open(&scenario);
    println!(
        "{:?} simulated: {frames} frames encoded, {} video packets, {datagrams} datagrams of the \
         peers in all, {} in the floor; {ROUNDS} rounds",
        scenario.duration,
        packets.len(),
        floor::run(&packets, scenario.duration).datagrams,
    );
    let mut costs: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        costs[0].push(cost(|| record(&scenario)));
        costs[1].push(cost(|| {
            let came = floor::run(&packets, scenario.duration);
            assert_eq!(came.video, packets.len(), "the floor lost packets");
        }));
        costs[2].push(cost(|| codec::run(&scenario, &clip, frames)));
        costs[3].push(cost(|| drop(codec::open(&scenario))));
    }
    // Of each round by itself: the machine is not equally fast in all.
    let ratio = |of: fn([f64; 4]) -> f64| {
        let mut ratios: Vec<f64> = (0..ROUNDS)
            .map(|n| of(std::array::from_fn(|what| costs[what][n].as_secs_f64())))
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ROUNDS / 2]
    };
    let whole = ratio(|[run, _, codec, clip]| run / (codec + clip));
    let frames_alone = ratio(|[run, _, codec, _]| run / codec);
    let less_floor = ratio(|[run, floor, codec, clip]| (run - floor) / (codec + clip));
    let [run, floor, codec, clip] = costs.clone().map(median).map(humane);
    println!(
        "live: run {run}, floor {floor}; codec {codec} for the frames and {clip} for decoding the \
         clip: {whole:.2} codecs of the {CODECS} it may cost"
    );
    println!(
        "  {less_floor:.2} codecs without the floor of the stacks; {frames_alone:.2} with the clip's \
         decoding not counted as the codec's"
    );
}

/// A run with prerecorded media, beside a floor of its own packets.
fn prerecorded() {
    let scenario = two_homes(MediaMode::Prerecorded);
    let Sample { packets, .. } = sample(&scenario);
    let (mut runs, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        runs.push(cost(|| record(&scenario)));
        floors.push(cost(|| {
            let came = floor::run(&packets, scenario.duration);
            assert_eq!(came.video, packets.len(), "the floor lost packets");
        }));
    }
    let mut ratios: Vec<f64> = runs
        .iter()
        .zip(&floors)
        .map(|(run, floor)| run.as_secs_f64() / floor.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let [run, floor] = [runs, floors].map(median).map(humane);
    println!(
        "prerecorded: {} video packets; run {run}, floor {floor}: {:.2} floors of the \
         {FLOORS_PRERECORDED} it may cost",
        packets.len(),
        ratios[ROUNDS / 2],
    );
}

fn two_homes(media: MediaMode) -> Scenario {
    let text = std::fs::read_to_string(TWO_HOMES).expect("the shipped scenario");
    let replaced = Replacements { media: Some(media), ..Replacements::default() };
    parse_with(TWO_HOMES, &text, &Builtin, &replaced).expect("a valid scenario")
}

/// A run, as far as floor and codec are to do the same.
struct Sample {
    /// Its video packets, resends left out.
    packets: Vec<Sent>,
    /// How many frames its camera encoded.
    frames: u32,
    /// What its peers sent over UDP, packets.
    datagrams: u64,
}

fn sample(scenario: &Scenario) -> Sample {
    let (mut packets, mut frames, mut datagrams) = (Vec::<Sent>::new(), 0, 0);
    let mut newest = None;
    let sinks = Sinks {
        entry: Box::new(|entry| {
            frames += u32::from(matches!(entry.event, Event::FrameEncoded { .. }));
        }),
        packet: Some(Box::new(|seen| {
            let payload = &seen.packet.payload;
            let peer =
                seen.direction == Direction::Sent && ["doorbell", "phone"].contains(&seen.host);
            let udp = matches!(seen.packet.transport, Transport::Udp);
            datagrams += u64::from(peer && udp);
            let camera = peer && seen.host == "doorbell";
            // RTP of payload type 102; SRTP leaves its header readable and adds a tag of 16.
            if !camera || !udp || payload.len() < 28 || payload[0] >> 6 != 2 {
                return;
            }
            let sequence = u16::from_be_bytes([payload[2], payload[3]]);
            let is_new = newest.is_none_or(|n: u16| sequence.wrapping_sub(n) as i16 > 0);
            if payload[1] & 0x7f == 102 && is_new {
                newest = Some(sequence);
                packets.push(Sent {
                    at: seen.at.saturating_since(parallax_network::Time::ZERO),
                    timestamp: u32::from_be_bytes([payload[4], payload[5], payload[6], payload[7]]),
                    marker: payload[1] & 0x80 != 0,
                    payload_bytes: payload.len() - 28,
                });
            }
        })),
    };
    run(scenario, 1, Guards::default(), sinks).expect("a run");
    Sample { packets, frames, datagrams }
}

/// A run with its record, as a worker of `parallax sim` makes it.
fn record(scenario: &Scenario) {
    let mut writer = Writer::new(Vec::new(), &header(scenario, 1, "0.0.0")).expect("a record");
    let entry = |entry: Entry| writer.entry(&entry).expect("an entry");
    let sinks = Sinks { entry: Box::new(entry), packet: None };
    let outcome = run(scenario, 1, Guards::default(), sinks).expect("a run");
    let (bytes, _) = writer.finish(&outcome.packets_sha256).expect("a record");
    assert!(bytes.len() > 100_000, "{} bytes", bytes.len());
}

/// CPU time of `work`, on all threads of the process.
fn cost(work: impl FnOnce()) -> Duration {
    let now = || {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
    };
    let before = now();
    work();
    now() - before
}

fn median(mut costs: Vec<Duration>) -> Duration {
    costs.sort_unstable();
    costs[costs.len() / 2]
}

fn humane(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}
