//! Prerecorded media: the same network, stacks and stages, and no codec work.
#![cfg(target_os = "linux")]

use parallax_media::Recording;
use parallax_record::{
    Entry, Event, LossPhase, MediaMode, Record, Summary, Verdict, Writer, judge,
};
use parallax_scenario::{Builtin, RECORDINGS, Replacements, Scenario, parse_with};
use parallax_world::{Guards, Sinks, header, run};
use std::{collections::BTreeSet, time::Duration};

/// `two-homes`, with prerecorded media.
fn two_homes(seconds: u64) -> Scenario {
    let text = include_str!("../../../fixtures/scenarios/two-homes.toml");
    let media = Some(MediaMode::Prerecorded);
    let replaced = Replacements { media, ..Replacements::default() };
    let mut scenario = parse_with("two-homes.toml", text, &Builtin, &replaced).expect("sound");
    scenario.duration = Duration::from_secs(seconds);
    scenario
}

/// A run's events, and what comes of them.
fn judged(scenario: &Scenario, seed: u64) -> (Vec<Entry>, Summary) {
    let mut writer = Writer::new(Vec::new(), &header(scenario, seed, "0.0.0")).expect("a record");
    let mut entries = Vec::new();
    let entry = |entry: Entry| {
        writer.entry(&entry).expect("an entry");
        entries.push(entry);
    };
    let sinks = Sinks { entry: Box::new(entry), packet: None };
    let outcome = run(scenario, seed, Guards::default(), sinks).expect("a run");
    let (bytes, _) = writer.finish(&outcome.packets_sha256).expect("a record");
    let record = Record::read(&bytes).expect("a record");
    (entries, judge(&record))
}

#[test]
fn everything_but_pictures_is_judged_and_those_say_why_not() {
    let scenario = two_homes(12);
    let (entries, summary) = judged(&scenario, 1);
    assert_eq!(summary.media_mode, MediaMode::Prerecorded);
    assert_eq!(summary.faults, Vec::<String>::new());
    assert!(!summary.checks.is_empty());
    assert!(summary.checks.iter().all(|check| check.verdict == Verdict::Pass), "{summary:?}");
    assert!(!summary.not_judged.is_empty());
    for check in &summary.not_judged {
        assert!(check.name.starts_with("psnr"), "{check:?}");
        assert!(check.reason.contains("prerecorded"), "{check:?}");
    }
    assert_eq!(summary.verdict, Verdict::Pass);
    let stream = &summary.streams[0];
    assert!(stream.frames.rendered > 100, "{:?}", stream.frames);
    assert_eq!((stream.markers_unreadable, stream.psnr_millidb, stream.ssim_ppm), (0, None, None));
    // Stages take as long as the profiles say.
    let stages = &stream.stages_us;
    for stage in [&stages.capture, &stages.encode, &stages.decode, &stages.render] {
        assert!(stage.p50 > Some(0), "{stages:?}");
    }
    for entry in &entries {
        if let Event::FrameRendered { marker, psnr_millidb, ssim_ppm, .. } = &entry.event {
            assert_eq!((*marker, *psnr_millidb, *ssim_ppm), (None, None, None));
        }
    }
}

#[test]
fn a_camera_sends_its_recording_frame_by_frame_and_a_key_frame_is_where_it_was_recorded() {
    let scenario = two_homes(14);
    let size = parallax_media::Size { width: 320, height: 240 };
    let bytes = Recording::builtin("bunny", size).expect("a recording").annex_b;
    let recording = Recording::from_annex_b(bytes).expect("sound");
    let (entries, _) = judged(&scenario, 1);
    let encoded = entries.iter().filter_map(|entry| match entry.event {
        Event::FrameEncoded { key, bytes, qp, .. } => Some((key, bytes as usize, qp)),
        _ => None,
    });
    let encoded: Vec<_> = encoded.collect();
    assert!(encoded.len() > recording.len(), "it does not loop: {} frames", encoded.len());
    for (number, frame) in encoded.iter().enumerate() {
        let recorded = recording.frame(number as u64);
        assert_eq!(*frame, (recorded.key, recorded.bytes.len(), recorded.qp), "frame {number}");
    }
}

/// With every request for a packet left out, frames are missing, and what refers to them is not
/// shown.
#[test]
fn a_frame_is_shown_only_if_it_and_all_since_the_last_key_frame_are_whole() {
    let mut scenario = two_homes(20);
    for viewer in scenario.peers.iter_mut().filter_map(|peer| peer.viewer.as_mut()) {
        viewer.nack = None;
    }
    let (entries, summary) = judged(&scenario, 1);
    assert_eq!(summary.faults, Vec::<String>::new());
    let (mut keys, mut sent, mut shown, mut broken) =
        (BTreeSet::new(), Vec::new(), BTreeSet::new(), 0);
    for entry in &entries {
        match entry.event {
            Event::FrameEncoded { rtp_timestamp, key, .. } => {
                sent.push(rtp_timestamp);
                if key {
                    keys.insert(rtp_timestamp);
                }
            }
            Event::FrameRendered { rtp_timestamp, .. } => {
                shown.insert(rtp_timestamp);
            }
            Event::FrameLost { phase: LossPhase::Decode, .. } => broken += 1,
            _ => {}
        }
    }
    assert!(broken > 0 && shown.len() < sent.len(), "nothing was lost");
    let mut intact = false;
    for timestamp in &sent {
        intact = (intact || keys.contains(timestamp)) && shown.contains(timestamp);
        assert_eq!(intact, shown.contains(timestamp), "{timestamp} refers to what was not shown");
    }
}

#[test]
fn the_header_says_what_is_sent() {
    let scenario = two_homes(5);
    let live = parallax_scenario::parse(
        "two-homes.toml",
        include_str!("../../../fixtures/scenarios/two-homes.toml"),
        &Builtin,
    );
    let (header, live) = (header(&scenario, 1, "0"), header(&live.expect("sound"), 1, "0"));
    assert_eq!(header.media_mode, MediaMode::Prerecorded);
    let camera = |header: &parallax_record::Header| header.peers[0].camera.clone().expect("there");
    assert_eq!((camera(&live).camera.bit_rate_bps, camera(&live).recorded_bps), (400_000, None));
    assert_eq!(
        (camera(&header).camera.bit_rate_bps, camera(&header).recorded_bps),
        (400_000, Some(393_059))
    );
    assert_ne!(camera(&header).clip_sha256, camera(&live).clip_sha256);
}

#[test]
fn the_recordings_that_scenarios_are_held_against_are_those_there_are() {
    let there = Recording::all_builtin().iter().map(|recording| {
        let (width, height) = (recording.size.width.into(), recording.size.height.into());
        let bytes = u32::try_from(recording.annex_b.len()).expect("short");
        (recording.clip, width, height, recording.frames, bytes)
    });
    let known = RECORDINGS.iter().map(|recording| {
        let size = recording.size;
        (recording.clip, size.width, size.height, recording.frames, recording.bytes)
    });
    assert_eq!(there.collect::<Vec<_>>(), known.collect::<Vec<_>>());
}
