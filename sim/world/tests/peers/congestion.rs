//! A camera that follows its path. Nothing here holds for where the estimate settles: it is held
//! against the bounds, against a camera that does not follow, and against itself.

use crate::street::{Kept, MS_NS, S_NS, Street, run_scenario};
use parallax_network::{Capacity, QueueLimit};
use parallax_record::{Event, LossPhase};
use parallax_scenario::{GccBounds, Scenario};
use parallax_world::{Direction, header};
use std::time::Duration;

const FLOOR_BPS: u64 = 60_000;
const START_BPS: u64 = 400_000;
const CEILING_BPS: u64 = 800_000;
const GCC: &str = r#"{ kind = "gcc", floor = "60kbit/s", ceiling = "800kbit/s" }"#;
/// A third of the ceiling.
const NARROW: &str = "267kbit/s";

/// A jitter buffer that waits for a key frame in a bottleneck queue, and no resends that fill it.
fn street() -> Street {
    Street {
        size: "320x240",
        bit_rate: "400kbit/s",
        pacer: "1Mbit/s",
        congestion_control: GCC,
        jitter_buffer: Duration::from_millis(1_500),
        seconds: 40,
        ..Street::default()
    }
}

fn without(street: Street) -> Street {
    Street { congestion_control: r#""none""#, ..street }
}

/// What a session came to in a second.
#[derive(Clone, Debug)]
struct Second {
    at_ns: u64,
    viewer: String,
    estimate: u64,
    target: u64,
    sent: u64,
}

fn seconds(kept: &Kept) -> Vec<Second> {
    kept.of("doorbell", |at_ns, event| match event {
        Event::Rates { session, estimate_bps, target_bps, sent_bps } => Some(Second {
            at_ns,
            viewer: session.viewer.clone(),
            estimate: *estimate_bps,
            target: *target_bps,
            sent: *sent_bps,
        }),
        _ => None,
    })
}

/// Each new aim of the encoder, and when.
fn aims(kept: &Kept) -> Vec<(u64, u64)> {
    kept.of("doorbell", |at_ns, event| match event {
        Event::BitRateChanged { bit_rate_bps, .. } => Some((at_ns, *bit_rate_bps)),
        _ => None,
    })
}

/// What the encoder aims at, at a time.
fn aim_at(aims: &[(u64, u64)], at_ns: u64) -> u64 {
    aims.iter().rev().find(|(from, _)| *from <= at_ns).map_or(START_BPS, |(_, aim)| *aim)
}

fn dropped(kept: &Kept) -> usize {
    let dropped = |event: &Event| matches!(event, Event::PacketDropped { .. });
    kept.entries.iter().filter(|entry| dropped(&entry.event)).count()
}

#[track_caller]
fn assert_within_bounds(kept: &Kept) {
    kept.assert_sound();
    let seconds = seconds(kept);
    assert!(seconds.len() > 10, "{}", kept.story());
    for second in &seconds {
        let Second { estimate, target, .. } = second;
        assert!((FLOOR_BPS..=CEILING_BPS).contains(estimate), "{second:?}");
        assert!((FLOOR_BPS..=*estimate).contains(target), "{second:?}");
    }
    let aims = aims(kept);
    assert!(aims.iter().all(|(_, aim)| (FLOOR_BPS..=CEILING_BPS).contains(aim)), "{aims:?}");
    // An aim is told only when it is another one.
    assert!(aims.windows(2).all(|pair| pair[0].1 != pair[1].1), "{aims:?}");
}

#[test]
fn with_ample_capacity_the_target_climbs_to_its_ceiling_and_stays() {
    let kept = Street { seconds: 20, ..street() }.run(1);
    assert_within_bounds(&kept);
    let seconds = seconds(&kept);
    assert!(seconds.is_sorted_by_key(|second| second.estimate), "{seconds:?}");
    assert!(seconds.iter().all(|second| second.estimate == second.target), "{seconds:?}");
    assert!(seconds[0].estimate < CEILING_BPS / 2 + CEILING_BPS / 4, "{:?}", seconds[0]);
    assert_eq!(seconds.last().map(|second| second.target), Some(CEILING_BPS));
    assert_eq!(aims(&kept).last().map(|(_, aim)| *aim), Some(CEILING_BPS));
}

#[test]
fn what_the_record_says_was_sent_is_what_left_and_what_was_encoded() {
    let kept = Street { seconds: 15, ..street() }.run(1);
    let seconds = seconds(&kept);
    let video = kept.packets.iter().filter(|packet| {
        packet.video.is_some() && packet.direction == Direction::Sent && packet.host == "doorbell"
    });
    let video: Vec<(u64, u64)> = video.map(|packet| (packet.at_ns, packet.bytes)).collect();
    let encoded: Vec<(u64, u64)> = kept.of("doorbell", |at, event| match event {
        Event::FrameEncoded { bytes, .. } => Some((at, u64::from(*bytes))),
        _ => None,
    });
    let within = |all: &[(u64, u64)], from: u64, to: u64| {
        let inside = all.iter().filter(|(at, _)| (from..to).contains(at));
        inside.fold((0, 0), |(count, sum), (_, bytes)| (count + 1, sum + bytes))
    };
    let (mut sent_bits, mut encoded_bits) = (0, 0);
    for pair in seconds.windows(2) {
        let (from, to) = (pair[0].at_ns, pair[1].at_ns);
        let sent = pair[1].sent * (to - from) / S_NS;
        // On the wire each packet has 28 bytes of IP and UDP and 10 to 16 of SRTP besides; one at
        // either end may count in the other second.
        let (packets, bytes) = within(&video, from, to);
        let wire = bytes * 8;
        let slack = 2 * 1_300 * 8;
        assert!(sent + packets * 38 * 8 <= wire + slack, "{sent} of {wire} bits: {:?}", pair[1]);
        assert!(sent + packets * 44 * 8 + slack >= wire, "{sent} of {wire} bits: {:?}", pair[1]);
        sent_bits += sent;
        encoded_bits += within(&encoded, from, to).1 * 8;
    }
    // A packet has 20 bytes of header and extension to at most 1160 of the frame; nothing was lost.
    assert!(sent_bits > encoded_bits * 98 / 100, "{sent_bits} sent, {encoded_bits} encoded");
    assert!(sent_bits < encoded_bits * 110 / 100, "{sent_bits} sent, {encoded_bits} encoded");
}

#[test]
fn the_encoder_follows_its_aim() {
    let event = r#"at = "15s"
change_link = { site = "house", direction = "up", capacity = "180kbit/s", queue = "500ms", lasts = "15s" }"#;
    let kept = Street { event, ..street() }.run(1);
    assert_within_bounds(&kept);
    let aims = aims(&kept);
    assert!(aims.len() > 20, "{aims:?}");
    let frames: Vec<(u64, u64, bool)> = kept.of("doorbell", |at, event| match event {
        Event::FrameEncoded { bytes, key, started_run_ns, .. } => {
            Some((*started_run_ns, u64::from(*bytes), *key)).filter(|_| at > 5 * S_NS)
        }
        _ => None,
    });
    let bits = |low: bool| {
        let mid = 200_000;
        let chosen = frames.iter().filter(|(_, _, key)| !key);
        let chosen = chosen.filter(|(at, ..)| (aim_at(&aims, *at) < mid) == low);
        let sizes: Vec<u64> = chosen.map(|(_, bytes, _)| bytes * 8).collect();
        assert!(sizes.len() > 50, "{} frames", sizes.len());
        sizes.iter().sum::<u64>() / sizes.len() as u64
    };
    // 200 kbit/s are 13 kbit a frame.
    assert!(bits(true) * 3 < bits(false) * 2, "{} and {} bits", bits(true), bits(false));
    assert!(bits(true) < 13_333, "{} bits", bits(true));
}

#[test]
fn over_a_narrow_link_the_target_falls_and_most_is_shown_that_would_be_lost() {
    let narrow = || Street { up: (NARROW, "1s"), ..street() };
    let (with, none) = (narrow().run(1), without(narrow()).run(1));
    assert_within_bounds(&with);
    let lowest = aims(&with).iter().map(|(_, aim)| *aim).min();
    assert!(lowest.is_some_and(|aim| aim < 267_000), "{lowest:?}");
    let rendered = [&with, &none].map(|kept| kept.rendered("phone").len());
    assert!(rendered[0] > 500 && 2 * rendered[0] > 3 * rendered[1], "{rendered:?}");
    let dropped = [&with, &none].map(dropped);
    assert!(3 * dropped[0] < dropped[1], "{dropped:?}");
    assert!(seconds(&none).is_empty() && aims(&none).is_empty());
}

#[test]
fn what_waits_in_the_bottleneck_queue_is_less_than_if_the_camera_did_not_follow() {
    let narrow = || Street { up: (NARROW, "1s"), ..street() };
    let [with, none] = [narrow().run(1), without(narrow()).run(1)].map(|kept| {
        let sent = kept.video("doorbell", Direction::Sent);
        let came = kept.video("phone", Direction::Delivered);
        let late = came.iter().filter(|(_, at)| at[0] > 20 * S_NS);
        let waits: Vec<u64> = late.map(|(packet, at)| (at[0] - sent[packet][0]) / MS_NS).collect();
        assert!(waits.len() > 200 && waits.iter().all(|ms| (20..1_200).contains(ms)), "{waits:?}");
        waits.iter().sum::<u64>() / waits.len() as u64
    });
    assert!(none > 400 && with * 3 < none, "{with} ms, {none} ms without");
}

/// `rtc` forgets what it sent after 2 s, and heeds no feedback on it then, unless told otherwise.
#[test]
fn a_bottleneck_queue_of_seconds_is_noticed() {
    let kept = Street { up: (NARROW, "4s"), ..street() }.run(1);
    assert_within_bounds(&kept);
    let late = aims(&kept).into_iter().filter(|(at, _)| *at > 10 * S_NS);
    let lowest = late.map(|(_, aim)| aim).min();
    assert!(lowest.is_some_and(|aim| aim < 267_000), "{lowest:?}");
}

#[test]
fn after_a_squeeze_the_target_comes_back() {
    let event = r#"at = "15s"
change_link = { site = "house", direction = "up", capacity = "200kbit/s", queue = "500ms", lasts = "10s" }"#;
    let kept = Street { event, seconds: 45, ..street() }.run(1);
    assert_within_bounds(&kept);
    let seconds = seconds(&kept);
    let targets = |from: u64, to: u64| {
        let inside = seconds.iter().filter(move |s| (from * S_NS..to * S_NS).contains(&s.at_ns));
        inside.map(|second| second.target).collect::<Vec<_>>()
    };
    assert_eq!(targets(0, 15).last(), Some(&CEILING_BPS));
    let squeezed = targets(15, 26).into_iter().min();
    assert!(squeezed.is_some_and(|target| target < 200_000), "{seconds:?}");
    assert_eq!(targets(25, 45).last(), Some(&CEILING_BPS), "{seconds:?}");
}

#[test]
fn below_the_floor_the_encoder_does_not_go_and_skips_frames_if_it_may() {
    let kept = Street { up: ("40kbit/s", "1s"), skip_frames: true, seconds: 25, ..street() }.run(1);
    assert_within_bounds(&kept);
    let aims = aims(&kept);
    assert_eq!(aims.iter().map(|(_, aim)| *aim).min(), Some(FLOOR_BPS));
    let skipped = kept.of("doorbell", |at, event| match event {
        Event::FrameDropped { phase: LossPhase::Encode, frame, .. } => Some((at, *frame)),
        _ => None,
    });
    let at_floor = skipped.iter().filter(|(at, _)| aim_at(&aims, *at) == FLOOR_BPS).count();
    assert!(at_floor > 10, "{at_floor} skipped at the floor");
    // A frame is skipped or encoded, and not both.
    let encoded = kept.encoded("doorbell");
    for (_, frame) in &skipped {
        assert!(encoded.iter().all(|encoded| encoded.frame != *frame), "{frame}");
    }
}

#[test]
fn of_two_viewers_the_one_with_the_narrower_link_decides() {
    let mut scenario = Street { viewers: &["phone", "tablet"], seconds: 25, ..street() }.scenario();
    // The tablet's home is another one, and its down link is narrow.
    let mut cabin = scenario.site("flat").expect("there").clone();
    cabin.name = "cabin".to_owned();
    cabin.gateway.as_mut().expect("there").external = [198, 51, 100, 77].into();
    let down = cabin.down.as_mut().expect("there");
    down.capacity = Capacity::from_bits_per_second(200_000);
    down.queue = QueueLimit::Time { limit: Duration::from_secs(1) };
    scenario.sites.push(cabin);
    let tablet = scenario.peers.iter_mut().find(|peer| peer.name == "tablet").expect("there");
    tablet.site = "cabin".to_owned();
    let (kept, _) = run_scenario(&scenario, 1);
    assert_within_bounds(&kept);
    let seconds = seconds(&kept);
    let last = |viewer: &str| {
        let of = seconds.iter().rev().find(|second| second.viewer == viewer);
        of.unwrap_or_else(|| panic!("{viewer}: {}", kept.story())).clone()
    };
    let (phone, tablet) = (last("phone"), last("tablet"));
    // Nothing is narrow on the phone's way: its estimate does not fall. Beyond what is sent it cannot climb.
    let of_phone = seconds.iter().filter(|second| second.viewer == "phone");
    assert!(of_phone.clone().all(|second| second.estimate >= START_BPS), "{seconds:?}");
    assert!(phone.estimate > 2 * tablet.estimate, "{seconds:?}");
    let lowest = seconds.iter().filter(|second| second.viewer == "tablet");
    let lowest = lowest.map(|second| second.estimate).min();
    assert!(lowest.is_some_and(|estimate| estimate < 200_000), "{seconds:?}");
    // While both stream, the tablet's estimate is what the encoder aims at.
    assert_eq!(tablet.target, tablet.estimate);
    for second in seconds.iter().filter(|second| second.at_ns > 10 * S_NS) {
        assert!(second.viewer == "phone" || second.target == second.estimate, "{second:?}");
    }
}

#[test]
fn the_header_says_which_cameras_follow_and_within_what() {
    let scenario = Street { cameras: &["doorbell", "garden"], ..street() }.scenario();
    let bounds = GccBounds { floor_bps: FLOOR_BPS, ceiling_bps: CEILING_BPS };
    let followed = |scenario: &Scenario| {
        let cameras = header(scenario, 1, "0.0.0").peers.into_iter();
        let control = cameras.filter_map(|peer| Some(peer.camera?.camera.congestion_control));
        control.collect::<Vec<_>>()
    };
    let mut one = scenario.clone();
    let garden = one.peers.iter_mut().find(|peer| peer.name == "garden").expect("there");
    let camera = garden.camera.as_mut().expect("a camera");
    camera.config.congestion_control = None;
    assert_eq!(followed(&scenario), [Some(bounds); 2]);
    assert_eq!(followed(&one), [Some(bounds), None]);
    assert_eq!(followed(&without(street()).scenario()), [None]);
}
