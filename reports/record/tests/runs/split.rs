//! Capture-to-render by cause.

use crate::support::*;
use parallax_record::*;
use proptest::prelude::*;
use std::time::Duration;

const MS: u64 = 1_000_000;

fn time(typical_ms: u64, longest_ms: u64) -> Option<ConfiguredTime> {
    Some(ConfiguredTime { typical_us: typical_ms * 1_000, longest_us: longest_ms * 1_000 })
}

/// Two homes 20 ms apart, stages as the frames of a made-up run have them, a fixed buffer of 50 ms. A tick lies upon each.
fn between_homes() -> Run {
    let mut run = Run::streaming(&[]);
    run.header.sites = vec![site("house", 12_000, 8_000), site("flat", 12_000, 8_000)];
    let stages = StageTimes {
        capture: time(1, 1),
        encode: time(7, 7),
        decode: time(5, 5),
        render: time(3, 3),
    };
    run.header.peers.iter_mut().for_each(|peer| peer.stages = Some(stages));
    run
}

fn split_of(run: Run) -> Split {
    let record = run.record();
    let timeline = Timeline::of(&record);
    let [stream] = &timeline.streams[..] else { panic!("one stream") };
    Causes::of(&record.header, stream).split(&stream.frames[0]).expect("all is known")
}

/// Of a frame that passed its boundaries at these times after its capture.
fn split(mut run: Run, after: &[u64; 7]) -> Split {
    run.frame(0, Way::Rendered, FIRST_NS, after);
    split_of(run)
}

fn us(configured_us: i64, chosen_us: i64, suffered_us: i64) -> Split {
    Split { configured_us, chosen_us, suffered_us }
}

/// The boundaries after capture, with one stage longer.
fn longer(stage: usize, by_ns: u64) -> [u64; 7] {
    let mut after = AFTER_NS;
    after[stage..].iter_mut().for_each(|at| *at += by_ns);
    after
}

#[test]
fn each_stage_has_its_cause() {
    // 1 + 8 + 20 + 50 + 6 + 4 configured, the pacer's 3 chosen, 8 of the network's 28 above the links' delay.
    assert_eq!(split(between_homes(), &AFTER_NS), us(89_000, 3_000, 8_000));
    for stage in 0..Stage::ALL.len() {
        // A busy device, a queue, a frame before that was late; but the pacer's time is its own.
        let expected =
            if stage == 2 { us(89_000, 13_000, 8_000) } else { us(89_000, 3_000, 18_000) };
        // These two left the tick unused that a stage may be late by.
        let tick = if stage == 0 || stage == 4 { 1_000 } else { 0 };
        let expected = Split {
            configured_us: expected.configured_us + tick,
            suffered_us: expected.suffered_us - tick,
            ..expected
        };
        let got = split(between_homes(), &longer(stage, 10 * MS));
        assert_eq!(got, expected, "stage {stage}");
    }
}

#[test]
fn an_adaptive_buffer_is_chosen() {
    let mut run = between_homes();
    jitter_buffer(&mut run).least_us = 20_000;
    assert_eq!(split(run, &longer(4, 100 * MS)), us(39_000, 153_000, 8_000));
}

#[test]
fn a_device_that_takes_its_own_time_is_found_and_not_configured() {
    let mut run = between_homes();
    run.header.clock = Clock::Real { bound_us: 100 };
    run.header.peers[0].stages = None;
    // Without a tick the encoder's 8 ms, the decoder's 6 and the display's 4 are 1 above the viewer's profile each.
    assert_eq!(split(run, &AFTER_NS), us(78_000, 3_000, 8_000 + 9_000 + 2_000));
}

#[test]
fn nothing_is_said_where_stages_or_their_causes_are_not_known() {
    let mut run = between_homes();
    run.header.peers[0].stages = None;
    run.frame(0, Way::Rendered, FIRST_NS, &AFTER_NS);
    let stream = judge(&run.record()).streams[0].split_us;
    assert_eq!((stream.count, stream.suffered.p50), (0, None), "a record that does not say");
}

#[test]
fn propagation_is_that_of_the_time_at_which_a_packet_crosses() {
    let change = |run: &mut Run, site: &str, direction, at_us| {
        let action = Action::ChangeLink { site: site.into(), direction, link: link(19_000) };
        let event = ScriptedEvent { name: "longer".into(), at_us, lasts_us: None, action };
        run.header.events.push(event);
    };
    let paced_us = (FIRST_NS + AFTER_NS[2]) / 1_000;
    // The packet leaves at `paced_us`, and comes to the other home's link 12 ms later.
    for (site, direction, at_us, configured, suffered) in [
        ("house", LinkDirection::Up, paced_us, 96_000, 1_000),
        ("house", LinkDirection::Up, paced_us + 1, 89_000, 8_000),
        ("flat", LinkDirection::Down, paced_us + 12_000, 97_000, 0),
        ("flat", LinkDirection::Down, paced_us + 12_001, 89_000, 8_000),
        ("house", LinkDirection::Down, 0, 89_000, 8_000),
    ] {
        let mut run = between_homes();
        change(&mut run, site, direction, at_us);
        assert_eq!(split(run, &AFTER_NS), us(configured, 3_000, suffered), "{site} {at_us}");
    }
}

#[test]
fn within_a_site_no_access_link_is_crossed_unless_over_a_relay() {
    let within = |kind| {
        let mut run = Run::connected(kind, CandidateKind::Host);
        run.header = between_homes().header;
        run.header.peers[1].site = "house".into();
        split(run, &AFTER_NS)
    };
    assert_eq!(within(CandidateKind::Host), us(69_000, 3_000, 28_000));
    assert_eq!(within(CandidateKind::Relayed), us(89_000, 3_000, 8_000), "12 ms up, 8 ms down");
}

#[test]
fn the_place_of_a_relay_is_configured() {
    let over = |kind| {
        let mut run = Run::connected(kind, CandidateKind::Host);
        run.header = between_homes().header;
        run.header.services = [(ServiceKind::Stun, 0), (ServiceKind::Turn, 3)]
            .map(|(kind, ms)| ServiceAddress {
                name: kind.name().into(),
                kind,
                address: "192.0.2.30:3478".parse().expect("an address"),
                one_way_delay: Duration::from_millis(ms),
            })
            .to_vec();
        split(run, &AFTER_NS)
    };
    assert_eq!(over(CandidateKind::Host), us(89_000, 3_000, 8_000));
    assert_eq!(over(CandidateKind::Relayed), us(95_000, 3_000, 2_000), "3 ms there, 3 ms back");
}

#[test]
fn the_wait_for_a_resend_is_chosen() {
    let resent = |after_ms: &[u64], network_ms: u64| {
        let mut run = between_homes();
        for at in after_ms {
            let rtp_timestamp = 90_000;
            let resent = Event::Resent { session: session(1), rtp_timestamp };
            run.entries.push(entry(FIRST_NS + at * MS, CAMERA, resent));
        }
        let mut after = AFTER_NS;
        after[3..].iter_mut().for_each(|at| *at += (network_ms - 28) * MS);
        split(run, &after)
    };
    // Paced at 12 ms: sent again 50 ms later, and under way for 22 ms of which 20 are configured.
    assert_eq!(resent(&[62], 72), us(89_000, 53_000, 2_000));
    // A repeat that left 15 ms later cannot have come within 7.
    assert_eq!(resent(&[62, 77], 72), us(89_000, 53_000, 2_000));
    // Of two lost packets the later one completes the frame, even a little sooner than configured.
    assert_eq!(resent(&[42, 62], 69), us(88_000, 53_000, 0));
    // A single resend is the one, however fast it was.
    assert_eq!(resent(&[62], 52), us(71_000, 53_000, 0));
    // One that left before the last packet waits for nothing.
    assert_eq!(resent(&[11], 28), us(89_000, 3_000, 8_000));
    // One that left after the frame was whole has nothing to do with it.
    assert_eq!(resent(&[62], 28), us(89_000, 3_000, 8_000));
}

#[test]
fn the_summary_has_the_percentiles_and_what_was_configured() {
    let mut run = between_homes();
    for frame in 0..20_u32 {
        let after = if frame < 2 { longer(3, 30 * MS) } else { AFTER_NS };
        run.frame(frame, Way::Rendered, FIRST_NS + u64::from(frame) * PERIOD_NS, &after);
    }
    let stream = judge(&run.record()).streams.remove(0);
    let part = |p50, p95| SplitPart { p50: Some(p50), p95: Some(p95) };
    assert_eq!(
        stream.split_us,
        SplitSummary {
            count: 20,
            configured: part(89_000, 89_000),
            chosen: part(3_000, 3_000),
            suffered: part(8_000, 38_000),
        }
    );
    let configured = PerStage {
        capture: Some(1_000),
        encode: Some(7_000),
        pacer: None,
        network: Some(20_000),
        jitter_buffer: Some(50_000),
        decode: Some(5_000),
        render: Some(3_000),
    };
    assert_eq!(stream.configured_us, configured);
}

proptest! {
    #[test]
    fn the_causes_of_each_frame_add_up_to_its_latency(
        frames in prop::collection::vec(prop::array::uniform7(0_u64..400_000_000), 1..40),
        resends in prop::collection::vec((0_u32..40, 0_u64..500_000_000), 0..30),
        fixed in any::<bool>(),
        one_site in any::<bool>(),
        board in any::<bool>(),
        changes in prop::collection::vec((0_u64..5_000_000, 0_u64..300_000, any::<bool>()), 0..4),
    ) {
        let mut run = between_homes();
        if board {
            run.header.clock = Clock::Real { bound_us: 300 };
            run.header.peers[0].stages = None;
        }
        if !fixed {
            jitter_buffer(&mut run).least_us = 10_000;
        }
        if one_site {
            run.header.peers[1].site = "house".into();
        }
        for (at, (at_us, delay_us, lasts)) in changes.into_iter().enumerate() {
            run.header.events.push(ScriptedEvent {
                name: format!("change {at}"),
                at_us,
                lasts_us: lasts.then_some(500_000),
                action: Action::ChangeLink {
                    site: "house".into(),
                    direction: LinkDirection::Up,
                    link: link(delay_us),
                },
            });
        }
        run.header.events.sort_by_key(|event| event.at_us);
        for (frame, stages) in (0..).zip(&frames) {
            let mut after = *stages;
            for stage in 1..Stage::ALL.len() {
                after[stage] += after[stage - 1];
            }
            run.frame(frame, Way::Rendered, FIRST_NS + u64::from(frame) * PERIOD_NS, &after);
        }
        for (frame, after_ns) in resends.into_iter().filter(|(frame, _)| (*frame as usize) < frames.len()) {
            let rtp_timestamp = 90_000 + frame * 6_000;
            let captured_ns = FIRST_NS + u64::from(frame) * PERIOD_NS;
            // Nobody tells of a frame before it is encoded.
            let encoded_ns = frames[frame as usize][..2].iter().sum::<u64>();
            let resent = Event::Resent { session: session(1), rtp_timestamp };
            run.entries.push(entry(captured_ns + encoded_ns + after_ns, CAMERA, resent));
        }
        run.entries.push(entry(60_000_000_000, VIEWER, Event::Note { text: "over".into() }));
        run.header.duration_us = 60_000_000;
        let record = run.record();
        let timeline = Timeline::of(&record);
        let stream = &timeline.streams[0];
        let causes = Causes::of(&record.header, stream);
        let mut shown = 0;
        for frame in stream.frames.iter().filter(|frame| frame.fate == Fate::Rendered) {
            let split = causes.split(frame).expect("all is known");
            let whole = frame.capture_to_render_us().expect("it was shown");
            prop_assert_eq!(split.configured_us + split.chosen_us + split.suffered_us, whole);
            prop_assert!(split.configured_us >= 0 && split.chosen_us >= 0 && split.suffered_us >= 0);
            shown += 1;
        }
        prop_assert_eq!(shown, frames.len());
    }
}
