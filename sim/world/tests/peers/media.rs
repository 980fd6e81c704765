//! Loss on the way: what is asked for again.

use crate::street::{Kept, MS_NS, ONE_WAY, S_NS, Street};
use parallax_record::{Event, LossPhase, Phase};
use parallax_world::Direction;
use std::{collections::BTreeSet, time::Duration};

/// Frames of several packets over a lossy up link.
fn lossy(loss: &'static str, nack: &'static str) -> Street {
    Street {
        loss,
        nack,
        size: "320x240",
        bit_rate: "400kbit/s",
        jitter_buffer: Duration::from_millis(170),
        seconds: 12,
        ..Street::default()
    }
}

/// The run of the first seed in which no loss delays the handshakes: what is lost of them costs a
/// whole session, and here the media count.
fn run(street: &Street) -> Kept {
    let in_time = |kept: &Kept| {
        kept.phases("phone", Phase::Dtls).first().is_some_and(|(at, _)| *at < 4 * S_NS)
    };
    (1..=20).map(|seed| street.run(seed)).find(in_time).expect("one of 20 seeds connects in time")
}

fn resent(kept: &Kept) -> usize {
    let resent = |_, event: &Event| matches!(event, Event::Resent { .. }).then_some(());
    kept.of("doorbell", resent).len()
}

/// Frames with a packet that never came, or only when it was sent again.
struct Recovered {
    rendered: usize,
    /// Of these, with a packet that came only when it was sent again.
    thanks_to_resends: usize,
    /// The most that one packet was sent.
    most_sent: usize,
}

fn recovered(kept: &Kept) -> Recovered {
    let sent = kept.video("doorbell", Direction::Sent);
    let delivered = kept.video("phone", Direction::Delivered);
    let rendered: BTreeSet<u32> =
        kept.rendered("phone").iter().map(|frame| frame.rtp_timestamp).collect();
    let mut saved = BTreeSet::new();
    for (packet, sent) in &sent {
        let delivered = delivered.get(packet);
        if !rendered.contains(&packet.rtp_timestamp) {
            continue;
        }
        let first = *delivered
            .and_then(|times| times.first())
            .unwrap_or_else(|| panic!("{packet:?} of a rendered frame never came, sent {sent:?}"));
        // Sent once and there, or lost and sent again: the viewer asks for nothing that it has, and
        // links without delay variation deliver nothing late.
        match sent.get(1) {
            None => assert!(first - sent[0] < ONE_WAY.as_nanos() as u64 + 30 * MS_NS, "{packet:?}"),
            Some(again) => {
                assert!(first > *again, "{packet:?} was there at {first}, resent at {again}");
                saved.insert(packet.rtp_timestamp);
            }
        }
    }
    Recovered {
        rendered: rendered.len(),
        thanks_to_resends: saved.len(),
        most_sent: sent.values().map(Vec::len).max().unwrap_or(0),
    }
}

#[test]
fn every_lost_packet_of_a_frame_that_renders_was_resent() {
    let kept = run(&lossy(r#""5%""#, r#"{ interval = "20ms", tries = 5 }"#));
    let with = recovered(&kept);
    assert!(with.rendered > 80 && with.thanks_to_resends > 10, "{}", kept.story());
    let kept = run(&lossy(r#""5%""#, r#""none""#));
    let without = recovered(&kept);
    assert_eq!((without.thanks_to_resends, without.most_sent), (0, 1), "{}", kept.story());
    assert!(without.rendered < with.rendered, "{} and {}", without.rendered, with.rendered);
}

#[test]
fn a_viewer_without_nack_asks_for_nothing_and_a_camera_resends_nothing() {
    let kept = run(&lossy(r#""5%""#, r#""none""#));
    let asked = |_, event: &Event| matches!(event, Event::Nack { .. }).then_some(());
    assert_eq!((kept.of("phone", asked).len(), resent(&kept)), (0, 0), "{}", kept.story());
    assert!(!kept.rendered("phone").is_empty(), "{}", kept.story());
}

/// The requests themselves are encrypted. But on the way back nothing is lost, and a packet is sent once more for each
/// request, unless the viewer has asked for a key frame since.
#[test]
fn no_packet_is_asked_for_more_often_than_tries_says() {
    let mut most = BTreeSet::new();
    for (tries, nack) in
        [(1, r#"{ interval = "20ms", tries = 1 }"#), (3, r#"{ interval = "20ms", tries = 3 }"#)]
    {
        // A third answer comes after 150 ms.
        let jitter_buffer = Duration::from_millis(400);
        let kept = run(&Street { jitter_buffer, ..lossy(r#""30%""#, nack) });
        let asked: Vec<(u64, u32)> = kept.of("phone", |at, event| match *event {
            Event::Nack { packets, .. } => Some((at, packets)),
            _ => None,
        });
        let all: usize = asked.iter().map(|(_, packets)| *packets as usize).sum();
        let end = kept.entries.last().expect("entries").run_ns;
        let under_way = asked.iter().filter(|(at, _)| at + 30 * MS_NS > end);
        let under_way: usize = under_way.map(|(_, packets)| *packets as usize).sum();
        let resent = resent(&kept);
        assert!(
            resent <= all && 5 * (resent + under_way) >= 4 * all && resent > 10,
            "{resent} resent, {all} asked for, {under_way} of them just now\n{}",
            kept.story()
        );
        let sent = kept.video("doorbell", Direction::Sent);
        for (packet, times) in &sent {
            assert!(times.len() <= 1 + tries, "{packet:?} of {tries} tries was sent at {times:?}");
            // A request comes when the packet was sent, and has crossed both ways, at the earliest.
            let round_trip_ns = 2 * ONE_WAY.as_nanos() as u64;
            let in_time = |pair: &[u64]| pair[1] - pair[0] >= round_trip_ns;
            assert!(times.windows(2).all(in_time), "{packet:?} was sent at {times:?}");
        }
        most.insert(sent.values().map(Vec::len).max());
    }
    // The bound was reached, and is what holds.
    assert_eq!(most, BTreeSet::from([Some(2), Some(4)]));
}

/// A frame that a viewer gave up, and the key frame that it asked for.
#[test]
fn after_a_frame_lost_in_transport_nothing_is_rendered_until_the_key_frame_that_the_viewer_asks_for()
 {
    let kept = run(&Street { seconds: 24, ..lossy(r#""2%""#, r#""none""#) });
    let lost: Vec<(u64, u32)> = kept.of("phone", |at, event| match *event {
        Event::FrameLost { rtp_timestamp, phase: LossPhase::Transport, .. } => {
            Some((at, rtp_timestamp))
        }
        _ => None,
    });
    let asked: Vec<u64> = kept
        .of("phone", |at, event| matches!(event, Event::KeyFrameRequested { .. }).then_some(at));
    let encoded = kept.encoded("doorbell");
    let rendered: BTreeSet<u32> =
        kept.rendered("phone").iter().map(|frame| frame.rtp_timestamp).collect();
    let mut resumed = 0;
    for &(at, rtp_timestamp) in &lost {
        let context = || format!("lost {rtp_timestamp} at {at}\n{}", kept.story());
        // It asks at once, unless it has just done so.
        let request = asked.iter().rev().find(|&&asked| asked <= at + 2 * MS_NS);
        let request = *request.unwrap_or_else(|| panic!("no request, {}", context()));
        assert!(request + 250 * MS_NS > at, "no request, {}", context());
        if request < at {
            continue;
        }
        let from = encoded.iter().position(|frame| frame.rtp_timestamp == rtp_timestamp);
        let after = &encoded[from.expect("a lost frame was encoded") + 1..];
        // The first frame that the encoder begins once the request is there is a key frame.
        let there = request + ONE_WAY.as_nanos() as u64;
        let next = after.iter().position(|frame| frame.started_ns > there + 2 * MS_NS);
        let Some(next) = next else { continue };
        // One that is asked for again and again comes later, up to 1.2 s and a frame of three.
        let again = asked.iter().any(|&one| one < request && one + 2_500 * MS_NS > request);
        let Some(key) = after.iter().position(|frame| frame.key) else {
            assert!(again, "no key frame, {}", context());
            continue;
        };
        let late = after[key].started_ns.saturating_sub(there);
        assert!(key <= next || (again && late < 1_400 * MS_NS), "{:?}, {}", after[key], context());
        if after[key].started_ns < there {
            // A change of scene came before it.
            continue;
        }
        let before = after[..key].iter().find(|frame| rendered.contains(&frame.rtp_timestamp));
        assert!(before.is_none(), "{before:?}, {}", context());
        resumed += usize::from(rendered.contains(&after[key].rtp_timestamp));
    }
    // The others are those whose key frame was lost in its turn, or came as the run ended.
    assert!(resumed > 5, "resumed {resumed} times\n{}", kept.story());
}
