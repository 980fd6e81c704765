//! The camera by itself: its stages, and its pacer.

use crate::street::{Kept, S_NS, Street};
use parallax_record::{Event, LossPhase};
use parallax_world::{Direction, TICK};
use std::time::Duration;

/// 15 frames/s.
const PERIOD_NS: u64 = S_NS / 15;

/// Captured frames: number and time on the camera's clock; and those lost at capture.
fn captured(kept: &Kept) -> (Vec<(u32, u64)>, Vec<u32>) {
    let captured = kept.of("doorbell", |_, event| match *event {
        Event::FrameCaptured { frame, camera_us, .. } => Some((frame, camera_us)),
        _ => None,
    });
    let dropped = kept.of("doorbell", |_, event| match *event {
        Event::FrameDropped { frame, phase, .. } => {
            assert_eq!(phase, LossPhase::Capture, "frame {frame}\n{}", kept.story());
            Some(frame)
        }
        _ => None,
    });
    (captured, dropped)
}

/// Each captured frame has its number, and was encoded or lost, but for what is at work when the
/// run ends.
fn assert_accounted(kept: &Kept, at_work: usize) {
    kept.assert_sound();
    let (captured, dropped) = captured(kept);
    let numbers: Vec<u32> = captured.iter().map(|(number, _)| *number).collect();
    let count = u32::try_from(numbers.len()).expect("few");
    assert_eq!(numbers, (0..count).collect::<Vec<_>>(), "numbers go on");
    let mut gone: Vec<u32> = kept.encoded("doorbell").iter().map(|frame| frame.frame).collect();
    gone.extend(&dropped);
    gone.sort_unstable();
    assert!(gone.windows(2).all(|pair| pair[0] < pair[1]), "a frame has two fates: {gone:?}");
    let missing: Vec<u32> = numbers.iter().copied().filter(|n| !gone.contains(n)).collect();
    assert!(
        missing.len() <= at_work && missing.iter().all(|n| n + 4 >= count),
        "neither encoded nor lost: {missing:?} of {count}"
    );
    let told = kept.of("phone", |_, event| match *event {
        Event::Telemetry { captured, encoded, dropped, .. } => Some((captured, encoded, dropped)),
        _ => None,
    });
    assert!(told.len() > 2, "{}", kept.story());
    for (captured, encoded, dropped) in told {
        let at_work_now = captured - encoded - dropped;
        assert!(at_work_now as usize <= at_work, "{captured} = {encoded} + {dropped} + ...");
        assert!(captured > 10, "{captured} captured");
    }
}

#[test]
fn one_frame_waits_for_a_busy_encoder_and_the_next_is_lost() {
    let kept = Street { encode: Duration::from_millis(100), ..Street::default() }.run(1);
    // One in the capture stage, one that waits, one in the encoder.
    assert_accounted(&kept, 3);
    let (captured, dropped) = captured(&kept);
    assert!(captured.len() > 60, "{} captured", captured.len());
    // The encoder takes a frame in 100 ms, and one comes in 66.7 ms: two of three.
    let encoded: Vec<u32> = kept.encoded("doorbell").iter().map(|frame| frame.frame).collect();
    let span_us = captured.last().expect("frames").1 - captured[0].1;
    assert!(
        (encoded.len() as u64).abs_diff(span_us / 100_000) <= 3,
        "{} in {span_us} us",
        encoded.len()
    );
    assert!(dropped.windows(2).all(|pair| pair[1] - pair[0] >= 3), "{dropped:?}");
    let shown: Vec<u32> = kept.rendered("phone").iter().map(|frame| frame.frame).collect();
    assert!(shown.len() > 35 && shown.iter().all(|frame| encoded.contains(frame)), "{shown:?}");
}

#[test]
fn exposures_that_end_while_the_capture_stage_is_occupied_are_counted_and_lost_at_their_time() {
    let kept = Street { capture: Duration::from_millis(100), ..Street::default() }.run(1);
    assert_accounted(&kept, 3);
    let (captured, dropped) = captured(&kept);
    // 100 ms is more than one period and less than two: every other one.
    let odd: Vec<u32> =
        (0..dropped.len()).map(|n| 2 * u32::try_from(n).expect("few") + 1).collect();
    assert_eq!(dropped, odd, "every other frame");
    // An exposure a period, taken or not, and none is moved.
    let even = |pair: &[(u32, u64)]| (pair[1].1 - pair[0].1).abs_diff(PERIOD_NS / 1_000) <= 1_000;
    assert!(captured.len() > 60 && captured.windows(2).all(even), "{captured:?}");
}

/// Key frames of a run: the bytes of each packet in its order and when it left.
fn key_frames(kept: &Kept) -> Vec<Vec<(u64, u64)>> {
    let keys = kept.encoded("doorbell").into_iter().filter(|frame| frame.key);
    let packets = |rtp_timestamp| {
        let sent = kept.packets.iter().filter(move |seen| {
            seen.direction == Direction::Sent
                && seen.host == "doorbell"
                && seen.video.is_some_and(|video| video.rtp_timestamp == rtp_timestamp)
        });
        sent.map(|seen| (seen.bytes, seen.at_ns)).collect::<Vec<_>>()
    };
    keys.map(|key| packets(key.rtp_timestamp)).filter(|packets| packets.len() > 4).collect()
}

/// Tag of SRTP (AEAD_AES_128_GCM), UDP and IP header, bytes.
const BELOW_RTP: u64 = 16 + 28;
/// What a pacer that has rested lets go at once: one packet of the largest size (1500 bytes).
const BURST_BITS: u64 = 12_000;
const TICK_NS: u64 = TICK.as_nanos() as u64;

/// Key frames of many packets each second.
fn heavy(pacer: &'static str) -> Street {
    Street {
        pacer,
        size: "320x240",
        bit_rate: "300kbit/s",
        key_frame_interval: "1s",
        ..Street::default()
    }
}

#[test]
fn the_packets_of_a_key_frame_leave_at_the_rate_of_the_pacer() {
    for (text, rate_bps) in [("1Mbit/s", 1_000_000), ("2Mbit/s", 2_000_000)] {
        let kept = heavy(text).run(1);
        kept.assert_sound();
        let frames = key_frames(&kept);
        assert!(frames.len() > 3, "{} key frames\n{}", frames.len(), kept.story());
        for packets in frames {
            let (first_ns, mut bits) = (packets[0].1, 0);
            for (bytes, at_ns) in &packets {
                // The pacer counts RTP: what is below it, it does not know.
                bits += (bytes - BELOW_RTP) * 8;
                let due_ns = first_ns + bits.saturating_sub(BURST_BITS) * S_NS / rate_bps;
                let late_ns = at_ns.checked_sub(due_ns);
                assert!(
                    late_ns.is_some_and(|late| late <= TICK_NS),
                    "{bits} bits by {at_ns} ns, due at {due_ns} ns: {packets:?}"
                );
            }
            // Nearly all of it is paced: the burst is little of it.
            assert!(bits > 4 * BURST_BITS, "{packets:?}");
        }
    }
}

#[test]
fn without_a_pacer_the_packets_of_a_key_frame_leave_at_once() {
    let kept = heavy("none").run(1);
    kept.assert_sound();
    let frames = key_frames(&kept);
    assert!(frames.len() > 3, "{} key frames\n{}", frames.len(), kept.story());
    for packets in frames {
        assert!(packets.iter().all(|(_, at)| *at == packets[0].1), "{packets:?}");
    }
}
