//! Latency is right: what a run measures is what its scenario implies, and what it says of its own
//! uncertainty is true.
#![cfg(target_os = "linux")]

mod constant;

use constant::{Alone, CAPTURE, DECODE, ENCODE, Hop, Kept, RENDER, STRICT, Street, TICK_NS};
use parallax_record::{
    CandidateKind, Clock, FrameHistory, Percentile, Span, Stage, StreamTimeline, Window,
    capture_to_render, nearest_rank, paths, stages,
};
use std::time::Duration;

/// What the stages of a frame truly last, nanoseconds.
fn implied_ns(kept: &Kept, frame: &Alone) -> [u64; Stage::ALL.len()] {
    let [capture, encode, decode, render] =
        [CAPTURE, ENCODE, DECODE, RENDER].map(|time| time.as_nanos() as u64);
    [capture, encode, 0, kept.crossing_ns(frame), 0, decode, render]
}

/// When a frame was captured and each of its stages ended, nanoseconds.
fn boundaries_ns(frame: &Alone) -> Vec<u64> {
    let ended_ns = |stage| frame.history.ended_ns(stage).expect("it has passed every stage");
    let captured_ns = std::iter::once(frame.history.camera.captured_ns);
    captured_ns.chain(Stage::ALL.map(ended_ns)).collect()
}

/// Holds every stage of every frame against what the scenario implies: not early, and late by at
/// most a tick where there is a crossing or a timer. Without either a stage takes no time at all.
fn assert_stages(kept: &Kept, frames: &[Alone]) {
    for frame in frames {
        // The network alone first: it is exact.
        let implied = implied_ns(kept, frame);
        assert_eq!(frame.crossing_ns, implied[3], "crossing of {frame:?}");
        let ends = boundaries_ns(frame);
        for ((stage, ends), implied) in Stage::ALL.iter().zip(ends.windows(2)).zip(implied) {
            let measured = ends[1] - ends[0];
            let late = measured.checked_sub(implied);
            let most = if implied == 0 { 0 } else { TICK_NS };
            assert!(
                late.is_some_and(|late| late <= most),
                "{stage:?}: measured {measured} ns, implied {implied} ns, of {frame:?}",
            );
        }
        let stages = frame.history.stages_us().expect("all stages");
        let sum: i64 = stages.iter().map(|(_, us)| us).sum();
        assert_eq!(Some(sum), frame.history.capture_to_render_us());
    }
}

/// Each marker says what the camera knows of the frame that bears the same RTP timestamp.
fn assert_markers(kept: &Kept) {
    let mut rendered = 0;
    for frame in kept.stream().frames {
        if frame.passage.ended_ns.render.is_none() {
            continue;
        }
        let marker = frame.passage.marker.expect("every rendered frame has a marker");
        let camera = &frame.camera;
        assert_eq!(
            (marker.boot, marker.frame, marker.camera_us),
            (camera.boot, camera.frame, camera.camera_us)
        );
        rendered += 1;
    }
    assert!(rendered > 100, "{rendered} frames");
}

/// What a frame of one NAL unit weighs on the wire, packet by packet, bytes: without its start code,
/// in fragments (FU-A, RFC 6184 section 5.8) if it is longer than an RTP payload, each with RTP header
/// (12), SRTP tag (AEAD_AES_128_GCM, 16), UDP and IP header (28).
fn on_the_wire(stream_bytes: u32) -> Vec<u64> {
    const PAYLOAD: u64 = 1_160;
    const AROUND: u64 = 12 + 16 + 28;
    let unit = u64::from(stream_bytes) - 4;
    if unit <= PAYLOAD {
        return vec![unit + AROUND];
    }
    // The header of the unit goes into the two of each fragment.
    let mut left = unit - 1;
    let mut packets = Vec::new();
    while left > 0 {
        let fragment = left.min(PAYLOAD - 2);
        packets.push(fragment + 2 + AROUND);
        left -= fragment;
    }
    packets
}

/// Frames of one packet and of several.
fn by_packets(kept: &Kept) -> (Vec<Alone>, Vec<Alone>) {
    let packets = kept.packets_of_frames();
    let (one, several): (Vec<_>, Vec<_>) =
        kept.alone().into_iter().partition(|frame| frame.sent.len() == 1);
    for frame in one.iter().chain(&several) {
        let timestamp = frame.history.camera.rtp_timestamp.expect("it was encoded");
        assert_eq!(packets[&timestamp] as usize, frame.sent.len());
        assert_eq!(frame.sent.len(), frame.delivered.len());
        // Of a key frame it is not known how long its parameter sets are.
        if !frame.history.camera.key {
            assert_eq!(frame.sent, on_the_wire(frame.history.camera.bytes), "{frame:?}");
        }
    }
    (one, several)
}

#[test]
fn every_stage_of_a_frame_of_one_packet_lasts_what_the_scenario_implies() {
    let kept = Street::default().run();
    let (one, _) = by_packets(&kept);
    assert!(one.len() > 60, "{} frames", one.len());
    assert_stages(&kept, &one);
    assert_markers(&kept);
}

#[test]
fn a_relayed_path_is_one_crossing_too() {
    let kept = Street { gateway: STRICT, seconds: 18, ..Street::default() }.run();
    let used = paths(&kept.stream());
    let relayed = |kind| kind == CandidateKind::Relayed;
    assert!(used.iter().any(|path| relayed(path.local) || relayed(path.remote)), "{used:?}");
    let (one, _) = by_packets(&kept);
    assert!(one.len() > 60, "{} frames", one.len());
    assert_stages(&kept, &one);
    assert_markers(&kept);
}

/// Frames of many packets, key frames of about ten every 400 ms.
fn large() -> Street {
    // Behind a bottleneck of 2 Mbit/s the shortest packet takes longer than here the longest.
    let down = Hop { kbit_per_second: 80_000, delay_us: 9_170 };
    Street {
        down,
        size: "320x240",
        bit_rate: "300kbit/s",
        key_frame_interval: "400ms",
        ..Street::default()
    }
}

#[test]
fn a_frame_of_several_packets_adds_their_serialisation_at_the_bottleneck() {
    let slow = Hop { kbit_per_second: 2_000, delay_us: 11_110 };
    for street in [Street { up: slow, ..large() }, Street { down: slow, ..large() }] {
        let kept = street.run();
        let (_, several) = by_packets(&kept);
        let most = several.iter().map(|frame| frame.sent.len()).max();
        assert!(several.len() > 60 && most > Some(8), "{} frames, {most:?}", several.len());
        assert_stages(&kept, &several);
        assert_markers(&kept);
    }
}

/// In so many words, where the first link is the bottleneck: nothing waits anywhere else.
#[test]
fn a_bottleneck_in_front_takes_the_serialisation_of_all_packets_and_the_others_of_one() {
    let kept = Street { up: Hop { kbit_per_second: 2_000, delay_us: 11_110 }, ..large() }.run();
    let [lan_out, up, down, lan_in] = kept.street.hops();
    let (_, several) = by_packets(&kept);
    assert!(several.len() > 60, "{} frames", several.len());
    for frame in several {
        let (first, last) = (frame.sent[0], frame.sent[frame.sent.len() - 1]);
        let all: u64 = frame.sent.iter().sum();
        let delays: u64 = kept.street.hops().map(Hop::delay_ns).iter().sum();
        let serialisation = lan_out.serialisation_ns(first)
            + up.serialisation_ns(all)
            + down.serialisation_ns(last)
            + lan_in.serialisation_ns(last);
        assert_eq!(frame.crossing_ns, delays + serialisation);
    }
}

/// A part of a run's stream.
fn only(kept: &Kept, frames: impl IntoIterator<Item = FrameHistory>) -> StreamTimeline {
    StreamTimeline { frames: frames.into_iter().collect(), ..kept.stream() }
}

/// The one value, or percentile, in `spans` must hold the truth in its interval.
fn assert_holds(what: &str, span: Option<Span>, truth_ns: u64) {
    let Span { measured_us, uncertainty } = span.expect("a value");
    let least = (measured_us - i64::try_from(uncertainty.below).expect("small")) * 1_000;
    let most = (measured_us + i64::try_from(uncertainty.above).expect("small")) * 1_000;
    let truth = i64::try_from(truth_ns).expect("small");
    assert!((least..=most).contains(&truth), "{what}: {truth} ns is not in {least} to {most} ns");
}

/// Holds what the record says of its uncertainty against the truth: of each stage of each frame, of
/// each frame's latency, and of each percentile.
fn assert_honest(kept: &Kept, frames: &[(FrameHistory, [u64; Stage::ALL.len()])]) {
    let clock = kept.record.header.clock;
    assert_eq!(clock, Clock::Virtual { tick_us: 1_000 });
    for (history, truth) in frames {
        let one = only(kept, [history.clone()]);
        for ((stage, spans), truth) in stages(&one, clock).iter().zip(truth) {
            assert_holds(stage.name(), spans.percentile(Percentile::P50), *truth);
        }
        let latency = capture_to_render(&one, Window::WHOLE, clock);
        assert_holds("capture-to-render", latency.percentile(Percentile::P50), truth.iter().sum());
    }
    let all = only(kept, frames.iter().map(|(history, _)| history.clone()));
    let latency = capture_to_render(&all, Window::WHOLE, clock);
    let mut truths: Vec<u64> = frames.iter().map(|(_, truth)| truth.iter().sum()).collect();
    truths.sort_unstable();
    for percentile in 1..=99 {
        let percentile = Percentile::try_from(percentile).expect("1 to 99");
        let truth = nearest_rank(&truths, percentile).expect("frames");
        assert_holds("a percentile", latency.percentile(percentile), truth);
    }
    // It says less than nothing if it holds everything.
    assert!(latency.widest().below <= 7_000 && latency.widest().above == 0);
}

#[test]
fn the_uncertainty_of_a_run_holds_the_truth() {
    for street in [Street::default(), Street { gateway: STRICT, seconds: 18, ..Street::default() }]
    {
        let kept = street.run();
        let frames: Vec<_> = kept
            .alone()
            .into_iter()
            .map(|frame| {
                let truth = implied_ns(&kept, &frame);
                (frame.history, truth)
            })
            .collect();
        assert!(frames.len() > 60, "{} frames", frames.len());
        assert_honest(&kept, &frames);
    }
}

#[test]
fn the_uncertainty_of_a_run_with_a_jitter_buffer_holds_the_truth() {
    let depth = Duration::from_micros(41_700);
    let kept = Street { jitter_buffer: depth, ..Street::default() }.run();
    let mut frames = Vec::new();
    // The fastest way to the jitter buffer so far says when a frame is to leave it.
    let mut fastest_ns = u64::MAX;
    for frame in kept.alone() {
        let mut truth = implied_ns(&kept, &frame);
        let arrival_ns: u64 = truth[..4].iter().sum();
        fastest_ns = fastest_ns.min(arrival_ns);
        truth[4] = fastest_ns + depth.as_nanos() as u64 - arrival_ns;
        frames.push((frame.history, truth));
    }
    assert!(frames.len() > 60, "{} frames", frames.len());
    assert_honest(&kept, &frames);
}
