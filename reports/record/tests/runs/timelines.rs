//! Histories: stages add up, frames are conserved, contradictions are faults.

use crate::support::*;
use parallax_record::*;
use proptest::prelude::*;

fn faults(run: Run) -> Vec<String> {
    let summary = run.judged(vec![]);
    if !summary.faults.is_empty() {
        assert_eq!(summary.verdict, Verdict::Error);
    }
    summary.faults
}

#[test]
fn each_stage_is_the_time_between_its_boundaries() {
    let summary = Run::streaming(&[Way::Rendered; 30]).judged(vec![]);
    let stages = summary.streams[0].stages_us;
    let p50 = [
        stages.capture,
        stages.encode,
        stages.pacer,
        stages.network,
        stages.jitter_buffer,
        stages.decode,
        stages.render,
    ]
    .map(|stage| stage.p50);
    assert_eq!(p50, [1_000, 8_000, 3_000, 28_000, 50_000, 6_000, 4_000].map(Some));
    assert_eq!(stages.network.uncertainty, Uncertainty { below: 1_000, above: 0 });
    let latency = summary.streams[0].capture_to_render_us;
    assert_eq!((latency.count, latency.p50, latency.max), (30, Some(100_000), Some(100_000)));
    assert_eq!(latency.uncertainty, Uncertainty { below: 7_000, above: 0 });
}

fn any_way() -> impl Strategy<Value = Way> {
    prop_oneof![
        4 => Just(Way::Rendered),
        1 => Just(Way::DroppedAtCapture),
        1 => Just(Way::NeverPaced),
        1 => Just(Way::NeverReceived),
        1 => Just(Way::GivenUp(LossPhase::Transport)),
        1 => Just(Way::GivenUp(LossPhase::Late)),
        1 => Just(Way::GivenUp(LossPhase::Decode)),
        1 => Just(Way::NeverDecoded),
    ]
}

proptest! {
    #[test]
    fn stages_sum_to_capture_to_render(
        steps in prop::collection::vec(prop::array::uniform7(0_u64..50_000_000), 1..20),
        start in 0_u64..1_000_000,
    ) {
        let mut run = Run::connected(CandidateKind::Host, CandidateKind::Host);
        let mut expected = Vec::new();
        for (frame, steps) in (0_u32..).zip(&steps) {
            let mut after = [0; 7];
            let mut sum = 0;
            for (after, step) in after.iter_mut().zip(steps) {
                sum += step;
                *after = sum;
            }
            let at = FIRST_NS + start + u64::from(frame) * 400_000_000;
            run.frame(frame, Way::Rendered, at, &after);
            expected.push((at + sum) / 1_000 - at / 1_000);
        }
        let timeline = Timeline::of(&run.record());
        prop_assert_eq!(timeline.faults, Vec::<String>::new());
        let frames = &timeline.streams[0].frames;
        prop_assert_eq!(frames.len(), expected.len());
        for (frame, expected) in frames.iter().zip(expected) {
            let stages = frame.stages_us().expect("it was rendered");
            prop_assert_eq!(stages.iter().map(|(_, us)| us).sum::<i64>(), expected.cast_signed());
            prop_assert_eq!(frame.capture_to_render_us(), Some(expected.cast_signed()));
        }
    }

    /// Against a naive account: from the first frame that was paced on, each frame is rendered,
    /// lost where its way says, or, with nothing after it that got further, under way.
    /// What is under way for longer than patience is lost where it is stuck.
    #[test]
    fn no_frame_is_counted_twice_or_forgotten(
        ways in prop::collection::vec(any_way(), 0..40),
        duration_us in 3_000_000_u64..7_000_000,
    ) {
        let depth = |way: &Way| match way {
            Way::DroppedAtCapture => 0,
            Way::NeverPaced => 1,
            Way::NeverReceived | Way::GivenUp(_) => 2,
            Way::NeverDecoded => 3,
            Way::Rendered => 5,
        };
        let first = ways.iter().position(|way| depth(way) >= 2).unwrap_or(ways.len());
        let mut expected = FramesSummary::default();
        for (index, way) in ways.iter().enumerate().skip(first) {
            expected.captured += 1;
            expected.encoded += u64::from(*way != Way::DroppedAtCapture);
            let age_us = duration_us.saturating_sub((FIRST_NS + index as u64 * PERIOD_NS) / 1_000);
            // The viewer's jitter buffer and 2 s.
            let stale = age_us > 50_000 + 2_000_000;
            let overtaken = ways[index..].iter().any(|later| depth(later) > depth(way));
            let released_later = ways[index..].iter().any(|later| depth(later) > 2);
            match way {
                Way::Rendered => expected.rendered += 1,
                Way::DroppedAtCapture => expected.lost.capture += 1,
                Way::GivenUp(LossPhase::Transport | LossPhase::Late) => expected.lost.transport += 1,
                Way::GivenUp(_) => expected.lost.decode += 1,
                _ if !overtaken && !stale => expected.under_way += 1,
                Way::NeverPaced => expected.lost.send += 1,
                // Nothing came after it, and no link dropped anything.
                Way::NeverReceived if !released_later => expected.lost.late += 1,
                Way::NeverReceived => expected.lost.transport += 1,
                Way::NeverDecoded => expected.lost.decode += 1,
            }
        }
        let mut run = Run::streaming(&ways);
        run.header.duration_us = duration_us;
        let summary = run.judged(vec![]);
        prop_assert_eq!(&summary.faults, &Vec::<String>::new());
        let frames = summary.streams[0].frames;
        prop_assert_eq!(frames, expected);
        prop_assert_eq!(frames.captured, frames.rendered + frames.lost.total() + frames.under_way);
    }
}

#[test]
fn frames_under_way_when_their_session_ends_are_lost_and_later_ones_are_not_its_own() {
    let mut ways = [Way::Rendered; 30];
    ways[28..].fill(Way::NeverReceived);
    let mut run = Run::streaming(&ways);
    run.entries.push(entry(
        FIRST_NS + 29 * PERIOD_NS,
        VIEWER,
        Event::Closed { session: session(1), reason: "the viewer left".into() },
    ));
    let frames = run.judged(vec![]).streams[0].frames;
    assert_eq!((frames.captured, frames.rendered), (29, 28));
    assert_eq!((frames.lost.session, frames.lost.total(), frames.under_way), (1, 1, 0));
}

/// What is lost of five frames if frame 2 goes its way, and is whole on the viewer's wire `whole_ms`
/// after its capture.
fn with_frame_received(way: Way, whole_ms: u64) -> LostSummary {
    let mut ways = [Way::Rendered; 5];
    ways[2] = way;
    frame_received(&ways, whole_ms)
}

/// The same with frames that go any ways.
fn frame_received(ways: &[Way], whole_ms: u64) -> LostSummary {
    let mut run = Run::streaming(ways);
    let whole_ns = FIRST_NS + 2 * PERIOD_NS + whole_ms * 1_000_000;
    run.entries.push(entry(
        whole_ns,
        VIEWER,
        Event::FrameReceived {
            session: session(1),
            rtp_timestamp: 102_000,
            first_run_ns: whole_ns,
            packets: 1,
        },
    ));
    let summary = run.judged(vec![]);
    assert_eq!(summary.faults, Vec::<String>::new());
    summary.streams[0].frames.lost
}

#[test]
fn a_frame_that_came_whole_was_late_or_lost_by_the_stack() {
    let receive = LostSummary { receive: 1, ..LostSummary::default() };
    let late = LostSummary { late: 1, ..LostSummary::default() };
    // It is given up 90 ms after its capture, whatever its viewer made of that.
    for phase in [LossPhase::Transport, LossPhase::Late] {
        let given_up = Way::GivenUp(phase);
        assert_eq!(with_frame_received(given_up, 89), receive);
        assert_eq!(with_frame_received(given_up, 90), late);
        assert_eq!(with_frame_received(given_up, 5_000), late);
        // Never whole, whatever its viewer took the cause for.
        let mut ways = [Way::Rendered; 5];
        ways[2] = given_up;
        let transport = LostSummary { transport: 1, ..LostSummary::default() };
        assert_eq!(Run::streaming(&ways).judged(vec![]).streams[0].frames.lost, transport);
    }
    // What is said of another phase stays so.
    let decode = LostSummary { decode: 1, ..LostSummary::default() };
    assert_eq!(with_frame_received(Way::GivenUp(LossPhase::Decode), 89), decode);
}

/// Its viewer gave it up 90 ms after its capture.
#[test]
fn a_frame_that_the_pacer_held_until_it_was_given_up_is_lost_at_the_camera() {
    for (paced_ms, received_ms, send) in [(89, None, 0), (90, None, 1), (90, Some(120), 1)] {
        let mut ways = [Way::Rendered; 5];
        ways[2] = Way::GivenUp(LossPhase::Transport);
        let mut run = Run::streaming(&ways);
        for entry in &mut run.entries {
            if matches!(entry.event, Event::FramePaced { rtp_timestamp: 102_000, .. }) {
                entry.run_ns = FIRST_NS + 2 * PERIOD_NS + paced_ms * 1_000_000;
            }
        }
        if let Some(ms) = received_ms {
            let run_ns = FIRST_NS + 2 * PERIOD_NS + ms * 1_000_000;
            run.entries.push(entry(
                run_ns,
                VIEWER,
                Event::FrameReceived {
                    session: session(1),
                    rtp_timestamp: 102_000,
                    first_run_ns: run_ns,
                    packets: 1,
                },
            ));
        }
        let lost = run.judged(vec![]).streams[0].frames.lost;
        assert_eq!((lost.send, lost.total()), (send, 1), "{paced_ms} ms: {lost:?}");
    }
}

#[test]
fn so_was_one_that_nobody_gave_up_and_that_was_whole_before_a_later_one_was_let_go() {
    // The next frame leaves the jitter buffer 156.667 ms after the capture of this one.
    let lost = with_frame_received(Way::NeverReceived, 156);
    assert_eq!((lost.receive, lost.total()), (1, 1));
    let lost = with_frame_received(Way::NeverReceived, 157);
    assert_eq!((lost.late, lost.total()), (1, 1));
}

/// The jitter buffer keeps the order: with a frame it gives up all before it, of which it may not
/// have seen a packet.
#[test]
fn one_that_was_whole_after_a_later_one_was_given_up_came_too_late() {
    let fates = |whole_ms| {
        let mut ways = [Way::Rendered; 6];
        ways[2] = Way::NeverReceived;
        // Given up 156.667 ms after the capture of the one before.
        ways[3] = Way::GivenUp(LossPhase::Transport);
        let lost = frame_received(&ways, whole_ms);
        (lost.receive, lost.late, lost.transport, lost.total())
    };
    assert_eq!(fates(156), (1, 0, 1, 2));
    assert_eq!(fates(157), (0, 1, 1, 2));
}

/// A path that became 4 s longer: what is on the way when the run ends is no older than what was shown.
#[test]
fn frames_on_a_long_path_are_under_way_when_the_run_ends() {
    let after_ns = [5, 15, 20, 4_060, 4_090, 4_095, 4_100].map(|ms: u64| ms * 1_000_000);
    let mut run = Run::connected(CandidateKind::Host, CandidateKind::Host);
    for frame in 0..130 {
        // The run lasts 10 s.
        let at = FIRST_NS + u64::from(frame) * PERIOD_NS;
        let way =
            if at + after_ns[6] < 10_000_000_000 { Way::Rendered } else { Way::NeverReceived };
        run.frame(frame, way, at, &after_ns);
    }
    run.entries.sort_by_key(|entry| entry.run_ns);
    let frames = run.judged(vec![]).streams[0].frames;
    assert_eq!((frames.lost.total(), frames.rendered + frames.under_way), (0, 130));
    assert!(frames.under_way > 50, "{frames:?}");
}

/// On a link far too thin nothing comes through, and nothing overtakes: the run of 10 s ends with
/// frames of all ages under way.
#[test]
fn what_stands_still_for_longer_than_patience_is_lost_where_it_is_stuck() {
    let mut ways = [Way::NeverReceived; 130];
    // Frame 104 is captured 2,066.632 ms before the end, frame 105 1,999.965 ms before.
    ways[100..].fill(Way::NeverPaced);
    let frames = Run::streaming(&ways).judged(vec![]).streams[0].frames;
    assert_eq!((frames.captured, frames.rendered), (130, 0));
    assert_eq!((frames.lost.late, frames.lost.send, frames.under_way), (100, 5, 25));

    // A camera that goes on pacing what is new has given up what it never paced.
    let mut ways = [Way::NeverReceived; 130];
    ways[110] = Way::NeverPaced;
    let frames = Run::streaming(&ways).judged(vec![]).streams[0].frames;
    assert_eq!((frames.lost.late, frames.lost.send, frames.under_way), (105, 1, 24));
}

/// A frame that has not come by the end of the run is lost in transport only if a packet was dropped on its way since
/// it left.
#[test]
fn what_stands_still_and_was_not_dropped_is_late() {
    let fates = |at_ns: u64, node: &str| {
        let mut run = Run::streaming(&[Way::NeverReceived; 60]);
        run.entries.push(dropped(at_ns, node));
        let lost = run.judged(vec![]).streams[0].frames.lost;
        (lost.transport, lost.late, lost.total())
    };
    // Frame 29 is encoded at 2.942343 s, the next one 66.667 ms later.
    assert_eq!(fates(2_950_000_000, "link/house/up"), (30, 30, 60));
    assert_eq!(fates(2_950_000_000, "link/flat/down"), (30, 30, 60));
    assert_eq!(fates(2_950_000_000, "gateway/flat"), (30, 30, 60));
    assert_eq!(fates(2_950_000_000, "host/turn"), (30, 30, 60));
    // Not on the way of media.
    for node in ["link/flat/up", "link/house/down", "link/office/up", "gateway/office"] {
        assert_eq!(fates(2_950_000_000, node), (0, 60, 60), "{node}");
    }
}

#[test]
fn a_deeper_jitter_buffer_is_given_its_time() {
    let mut run = Run::streaming(&[Way::NeverReceived; 130]);
    *jitter_buffer(&mut run) = JitterBuffer { least_us: 1_000_000, most_us: 1_000_000 };
    // Frame 89 is captured 3,066.637 ms before the end, frame 90 2,999.970 ms before.
    let frames = run.judged(vec![]).streams[0].frames;
    assert_eq!((frames.lost.late, frames.under_way), (90, 40));
}

#[test]
fn a_marker_that_disagrees_with_the_transport_is_an_error() {
    let mut run = Run::streaming(&[Way::Rendered; 5]);
    for entry in &mut run.entries {
        if let Event::FrameRendered { marker: Some(marker), .. } = &mut entry.event
            && marker.frame >= 3
        {
            marker.frame -= 1;
        }
    }
    assert_eq!(
        faults(run),
        [
            "frame 3 of boot 0 of doorbell at phone, captured at 1200001 us, carries the marker of frame 2 of boot 0, captured at 1200001 us (first of 2 such faults)"
        ]
    );
}

#[test]
fn an_unreadable_marker_is_counted_and_no_error() {
    let mut run = Run::streaming(&[Way::Rendered; 5]);
    for entry in &mut run.entries {
        if let Event::FrameRendered { marker, .. } = &mut entry.event {
            *marker = None;
        }
    }
    // Prerecorded media have none to read.
    for (media_mode, unreadable) in [(MediaMode::Live, 5), (MediaMode::Prerecorded, 0)] {
        let header = Header { media_mode, ..run.header.clone() };
        let summary = Run { header, entries: run.entries.clone() }.judged(vec![]);
        assert_eq!(summary.faults, Vec::<String>::new());
        assert_eq!(summary.streams[0].markers_unreadable, unreadable);
    }
}

#[test]
fn a_fault_of_the_run_makes_it_an_error() {
    let mut run = Run::streaming(&[Way::Rendered; 5]);
    let text = "a task panicked".into();
    run.entries.push(entry(9_000_000_000, VIEWER, Event::Fault { text }));
    assert_eq!(faults(run), ["phone: a task panicked"]);
}

#[test]
fn a_record_that_contradicts_itself_is_an_error() {
    let mut unknown = Run::streaming(&[Way::Rendered; 2]);
    unknown.entries.push(entry(
        5_000_000_000,
        VIEWER,
        Event::FrameReceived { session: session(1), rtp_timestamp: 7, first_run_ns: 5, packets: 1 },
    ));
    assert_eq!(
        faults(unknown),
        ["phone tells of RTP timestamp 7 in session 1 of doorbell at phone, which no frame bears"]
    );

    let mut twice = Run::streaming(&[Way::Rendered; 2]);
    let last = twice.entries.last().expect("there are entries").clone();
    twice.entries.push(last);
    assert_eq!(
        faults(twice),
        ["phone passed one stage twice with RTP timestamp 96000 in session 1 of doorbell at phone"]
    );

    let mut gap = Run::streaming(&[Way::Rendered; 2]);
    gap.entries.retain(|entry| !matches!(entry.event, Event::FrameReleased { .. }));
    assert_eq!(
        faults(gap),
        [
            "frame 0 of boot 0 of doorbell at phone was rendered, but a stage before is missing (first of 2 such faults)"
        ]
    );

    let mut backwards = Run::connected(CandidateKind::Host, CandidateKind::Host);
    let mut after = AFTER_NS;
    after[3] = after[2] - 1_000_000;
    backwards.frame(0, Way::Rendered, FIRST_NS, &after);
    assert_eq!(
        faults(backwards),
        ["frame 0 of boot 0 of doorbell at phone left a stage before it entered it"]
    );

    let mut endings = Run::streaming(&[Way::Rendered; 2]);
    endings.entries.push(entry(
        5_000_000_000,
        VIEWER,
        Event::FrameLost { session: session(1), rtp_timestamp: 90_000, phase: LossPhase::Decode },
    ));
    assert_eq!(
        faults(endings),
        ["frame 0 of boot 0 of doorbell at phone was rendered and given up"]
    );
}

#[test]
fn what_a_browser_does_not_tell_of_its_own_stages_is_left_out_and_no_contradiction() {
    let mut run = Run::streaming(&[Way::Rendered; 30]);
    let inside =
        |event: &Event| matches!(event, Event::FrameReleased { .. } | Event::FrameDecoded { .. });
    run.entries.retain(|entry| !inside(&entry.event));
    run.header.peers[1].browser = Some("Chrome/156.0.8078.108".into());
    let summary = Run { header: run.header.clone(), entries: run.entries.clone() }.judged(vec![]);
    assert!(summary.faults.is_empty(), "{:?}", summary.faults);
    let stream = &summary.streams[0];
    assert_eq!((stream.frames.rendered, stream.capture_to_render_us.p50), (30, Some(100_000)));
    let stages = stream.stages_us;
    assert_eq!((stages.encode.p50, stages.network.p50), (Some(8_000), Some(28_000)));
    assert_eq!(
        (stages.jitter_buffer.p50, stages.decode.p50, stages.render.p50),
        (None, None, None)
    );
    let phone = &summary.profiles[1];
    assert_eq!((phone.profile.as_str(), phone.jitter_buffer_us), ("Chrome/156.0.8078.108", None));
    // What its camera does not tell is one as ever.
    let paced = |event: &Event| matches!(event, Event::FramePaced { rtp_timestamp: 96_000, .. });
    run.entries.retain(|entry| !paced(&entry.event));
    assert!(faults(run)[0].contains("a stage before is missing"));
}

#[test]
fn a_camera_that_boots_again_starts_its_frame_numbers_over() {
    let mut run = Run::streaming(&[Way::Rendered; 30]);
    let reboot_ns = FIRST_NS + 30 * PERIOD_NS;
    run.entries.push(entry(reboot_ns, CAMERA, Event::Started { boot: 1 }));
    run.setup(2, reboot_ns + 500_000_000);
    let mut second = Run::connected(CandidateKind::Host, CandidateKind::Host);
    second.entries.clear();
    for frame in 0..20 {
        let at = reboot_ns + 2_000_000_000 + u64::from(frame) * PERIOD_NS;
        second.frame(frame, Way::Rendered, at, &AFTER_NS);
    }
    for entry in &mut second.entries {
        match &mut entry.event {
            Event::FrameCaptured { boot, .. } | Event::FrameEncoded { boot, .. } => *boot = 1,
            Event::FrameRendered { session, marker: Some(marker), .. } => {
                session.number = 2;
                marker.boot = 1;
            }
            Event::FramePaced { session, .. }
            | Event::FrameReceived { session, .. }
            | Event::FrameReleased { session, .. }
            | Event::FrameDecoded { session, .. } => session.number = 2,
            _ => {}
        }
    }
    run.entries.append(&mut second.entries);
    let summary = run.judged(vec![]);
    assert_eq!(summary.faults, Vec::<String>::new());
    let stream = &summary.streams[0];
    assert_eq!((stream.sessions, stream.frames.rendered), (2, 50));
    assert_eq!(stream.frames.captured, 50);
    // The way back took 2 s, and the last picture stands still to the end: two freezes.
    let open_us = stream.freezes.open_us.expect("it stands still");
    assert_eq!((stream.freezes.count, stream.freezes.total_us), (2, 2_066_667 + open_us));
    assert_eq!(stream.time_to_first_frame_us, Some(900_000));
}

#[test]
fn setup_is_told_from_the_request_phase_by_phase() {
    let stream = Run::streaming(&[Way::Rendered; 5]).judged(vec![]).streams[0].clone();
    let setup = stream.setup_us;
    assert_eq!(
        [setup.signalling, setup.gathering, setup.checking, setup.nominated, setup.dtls],
        [100_000, 150_000, 250_000, 500_000, 600_000].map(Some)
    );
    // The made-up peers do not tell of these.
    assert_eq!((setup.first_rtp, setup.first_key_frame), (None, None));
    assert_eq!(setup.first_render, stream.time_to_first_frame_us);
    assert_eq!(stream.local_candidate, Some(CandidateKind::ServerReflexive));
    assert_eq!(stream.relayed, Some(false));
    // 1,000 bytes each 66.667 ms.
    assert_eq!(stream.bit_rate_bps, Some(8_000 * 1_000_000 / 66_667));
    assert_eq!(stream.psnr_millidb, Some(30_200));
    assert_eq!(stream.psnr_min_millidb, Some(30_000));
}

#[test]
fn a_stream_that_never_came_about_is_summarised_all_the_same() {
    let run = Run { header: header(vec![]), entries: vec![] };
    let summary = run.judged(vec![]);
    assert_eq!(summary.streams.len(), 1);
    let stream = &summary.streams[0];
    assert_eq!((stream.relayed, stream.capture_to_render_us.p50), (None, None));
    assert_eq!(stream.frames, FramesSummary::default());
}

#[test]
fn an_rtp_timestamp_that_comes_again_belongs_to_the_newer_frame() {
    let mut run = Run::streaming(&[Way::Rendered]);
    run.frame(1, Way::Rendered, FIRST_NS + 1_000_000_000, &AFTER_NS);
    for entry in &mut run.entries {
        match &mut entry.event {
            Event::FrameEncoded { rtp_timestamp, .. }
            | Event::FramePaced { rtp_timestamp, .. }
            | Event::FrameReceived { rtp_timestamp, .. }
            | Event::FrameReleased { rtp_timestamp, .. }
            | Event::FrameDecoded { rtp_timestamp, .. }
            | Event::FrameRendered { rtp_timestamp, .. } => *rtp_timestamp = 90_000,
            _ => {}
        }
    }
    let summary = run.judged(vec![]);
    assert_eq!(summary.faults, Vec::<String>::new());
    assert_eq!(summary.streams[0].frames.rendered, 2);
}

#[test]
fn on_a_real_clock_a_stage_may_seem_to_end_before_it_began() {
    let mut run = Run::connected(CandidateKind::Host, CandidateKind::Host);
    run.header.clock = Clock::Real { bound_us: 2_000 };
    let mut after = AFTER_NS;
    after[3] = after[2] - 1_000_000;
    run.frame(0, Way::Rendered, FIRST_NS, &after);
    let summary = run.judged(vec![]);
    assert_eq!(summary.faults, Vec::<String>::new());
    let json = serde_json::to_value(&summary).expect("a summary is JSON");
    assert_eq!((&json["clock"], &json["tick_us"]), (&"real".into(), &serde_json::Value::Null));
    assert_eq!(json["clock_bound_us"], 2_000);
    assert_eq!(summary.streams[0].stages_us.network.p50, Some(-1_000));
    assert_eq!(summary.streams[0].capture_to_render_us.p50, Some(100_000));
}
