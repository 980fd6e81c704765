//! Sessions that end: what is lost to their end, and what the checks say of it.

use crate::support::*;
use parallax_record::*;

/// When the viewer gives up: 29 frames were captured before.
const GIVEN_UP_NS: u64 = FIRST_NS + 29 * PERIOD_NS;
const TOLD: &str = "session 1 was ended by phone at 2.933 s (nothing came any more)";

fn closed(run_ns: u64, node: &str, number: u32, reason: &str) -> Entry {
    entry(run_ns, node, Event::Closed { session: session(number), reason: reason.into() })
}

/// 20 frames come, 9 do not; then the viewer gives the session up, and the camera hears of it.
fn given_up(way: Way) -> Run {
    let mut run = Run::streaming(&[[Way::Rendered; 20].as_slice(), &[way; 9]].concat());
    run.entries.push(closed(GIVEN_UP_NS, VIEWER, 1, "nothing came any more"));
    run.entries.push(closed(GIVEN_UP_NS + 30_000_000, CAMERA, 1, "the other side finished"));
    run
}

fn lost(run: Run) -> LostSummary {
    let summary = run.judged(vec![]);
    assert_eq!(summary.faults, Vec::<String>::new());
    summary.streams[0].frames.lost
}

#[test]
fn frames_on_their_way_when_the_viewer_gives_up_are_lost_to_the_end_of_the_session() {
    for asks_again in [false, true] {
        let mut run = given_up(Way::NeverReceived);
        if asks_again {
            run.setup(2, GIVEN_UP_NS + 1_000_000);
        }
        let summary = run.judged(vec![]);
        let stream = &summary.streams[0];
        assert_eq!((stream.frames.lost.session, stream.frames.lost.total()), (9, 9));
        let [end] = &stream.ended[..] else { panic!("{:?}", stream.ended) };
        assert_eq!((end.to_string().as_str(), end.connected), (TOLD, true));
    }
}

#[test]
fn frames_of_which_the_network_dropped_packets_are_lost_in_transport() {
    let of = |at_ns, delay_us| {
        let mut run = given_up(Way::NeverReceived);
        run.header.sites =
            vec![site("house", delay_us, delay_us), site("flat", delay_us, delay_us)];
        run.entries.push(dropped(at_ns, "link/house/up"));
        let lost = lost(run);
        (lost.transport, lost.session)
    };
    let frame = |number: u64| FIRST_NS + number * PERIOD_NS + AFTER_NS[1];
    // In the time of all, of the first five, of none.
    assert_eq!(of(frame(28), 10_000), (9, 0));
    assert_eq!(of(frame(24), 10_000), (5, 4));
    assert_eq!(of(frame(19), 10_000), (0, 9));
    assert_eq!(of(GIVEN_UP_NS + 1, 10_000), (0, 9));
    // Those that left less than 200 ms before could not have come in time, whatever was dropped: the last three.
    assert_eq!(of(frame(28), 100_000), (6, 3));
}

#[test]
fn what_a_viewer_gave_up_and_had_not_come_when_its_session_was_over_was_not_lost_in_transport() {
    for phase in [LossPhase::Transport, LossPhase::Late] {
        assert_eq!(lost(given_up(Way::GivenUp(phase))).session, 9);
        let mut dropping = given_up(Way::GivenUp(phase));
        dropping.entries.push(dropped(FIRST_NS + 28 * PERIOD_NS + AFTER_NS[1], "gateway/flat"));
        assert_eq!(lost(dropping).transport, 9);
    }
    // A later frame overtook them: they were lost, and not by the session's end.
    let mut ways = [Way::Rendered; 29];
    ways[20..25].fill(Way::NeverReceived);
    let mut run = Run::streaming(&ways);
    run.entries.push(closed(GIVEN_UP_NS + 200_000_000, VIEWER, 1, "it finished"));
    let lost = lost(run);
    assert_eq!((lost.transport, lost.session), (5, 0));
}

/// Whatever stage a frame was in: whole at the viewer, decoded, at the camera still.
#[test]
fn frames_in_any_stage_are_lost_to_the_end_of_their_session_unless_they_were_stuck_before() {
    let at = FIRST_NS + 22 * PERIOD_NS;
    let ended = |last_ns: u64, by: &str, closed_ns: u64| {
        let mut run = Run::streaming(&[Way::Rendered; 20]);
        run.frame(20, Way::Rendered, at, &AFTER_NS);
        run.entries.retain(|entry| entry.run_ns <= last_ns);
        run.entries.push(closed(closed_ns, by, 1, "it will not do"));
        let lost = lost(run);
        assert_eq!(lost.total(), 1, "{last_ns} {by}: {lost:?}");
        lost
    };
    for (passed, after_ns) in AFTER_NS.into_iter().enumerate().take(AFTER_NS.len() - 1) {
        for by in [VIEWER, CAMERA] {
            let last_ns = at + after_ns;
            assert_eq!(ended(last_ns, by, last_ns + 1).session, 1, "{passed} {by}");
            // 2.05 s of patience later it was lost where it was stuck, or late on its way.
            let lost = ended(last_ns, by, last_ns + 3_000_000_000);
            assert_eq!((lost.session, lost.late), (0, u64::from(passed == 2)), "{passed} {by}");
        }
    }
}

#[test]
fn a_peer_that_stops_ends_its_session_without_a_word() {
    let power_loss = |peer: &str| ScriptedEvent {
        name: "off".into(),
        at_us: 2_900_000,
        lasts_us: Some(500_000),
        action: Action::PowerLoss { peer: peer.into() },
    };
    for peer in [CAMERA, VIEWER] {
        // The scenario takes its power; or, on a bench, it boots without a scripted event.
        for scripted in [true, false] {
            let mut run = given_up(Way::NeverReceived);
            run.entries.retain(|entry| !matches!(entry.event, Event::Closed { .. }));
            run.entries.push(closed(4_000_000_000, VIEWER, 1, "nothing came any more"));
            let told = if scripted {
                run.header.events.push(power_loss(peer));
                format!("session 1 was ended by {peer} at 2.9 s (it lost its power)")
            } else {
                run.entries.push(entry(3_000_000_000, peer, Event::Started { boot: 1 }));
                format!("session 1 was ended by {peer} at 3 s (it booted again)")
            };
            let stream = run.judged(vec![]).streams.remove(0);
            let ended: Vec<String> = stream.ended.iter().map(ToString::to_string).collect();
            assert_eq!(ended, [told], "{peer}");
            assert_eq!((stream.frames.lost.session, stream.frames.lost.transport), (9, 0));
        }
    }
}

#[test]
fn a_viewer_that_boots_before_it_is_answered_goes_on_with_its_session() {
    let mut run = Run::streaming(&[Way::Rendered; 20]);
    let requested = Event::Phase { session: session(1), phase: Phase::Requested };
    run.entries.push(entry(10_000_000, VIEWER, requested));
    run.entries.push(entry(100_000_000, VIEWER, Event::Started { boot: 1 }));
    assert_eq!(run.judged(vec![]).streams[0].ended, []);
}

#[test]
fn peers_that_are_put_away_at_the_end_of_the_run_end_no_session() {
    let mut run = Run::streaming(&[Way::Rendered; 20]);
    run.entries.push(closed(10_000_000_000, VIEWER, 1, "it is stopped"));
    assert_eq!(run.judged(vec![]).streams[0].ended, []);
}

#[test]
fn a_check_that_fails_names_the_end_of_the_session_and_its_time() {
    let event = ScriptedEvent {
        name: "longer".into(),
        at_us: 2_300_000,
        lasts_us: None,
        action: Action::RebootGateway { site: "house".into() },
    };
    let percentile = Percentile::P95;
    for (predicate, from_us) in [
        (Predicate::FramesLost { at_most: LossBound::Count { frames: 0 } }, None),
        (Predicate::FramesLost { at_most: LossBound::Count { frames: 0 } }, Some(4_000_000)),
        (Predicate::Freezes { count_at_most: 0, total_below_us: None }, None),
        (Predicate::Freezes { count_at_most: 0, total_below_us: None }, Some(4_000_000)),
        (Predicate::CaptureToRender { percentile, below_us: 50_000 }, None),
        (Predicate::CaptureToRender { percentile, below_us: 500_000 }, Some(4_000_000)),
        (Predicate::Recovery { after: "longer".into(), within_us: 1_000_000 }, None),
    ] {
        let mut check = check(predicate);
        check.window.from_us = from_us;
        let mut run = given_up(Way::NeverReceived);
        run.header.events = vec![event.clone()];
        let result = run.result(check);
        assert_eq!(result.verdict, Verdict::Fail, "{result:?}");
        assert!(result.detail.as_deref().is_some_and(|text| text.ends_with(TOLD)), "{result:?}");
    }
    // Neither before it nor where it is not the cause.
    let mut early = check(Predicate::CaptureToRender { percentile, below_us: 50_000 });
    early.window.to_us = Some(2_000_000);
    early.minimum_sample = 1;
    let detail = given_up(Way::NeverReceived).result(early).detail.unwrap_or_default();
    assert!(!detail.contains("ended"), "{detail}");
    let within = check(Predicate::Connects { within_us: 500_000 });
    let detail = given_up(Way::NeverReceived).result(within).detail.unwrap_or_default();
    assert!(!detail.contains("ended"), "{detail}");
}

#[test]
fn a_session_that_never_connected_is_named_with_its_successors() {
    let mut run = Run { header: header(vec![]), entries: vec![] };
    for number in 1..=4 {
        let at_ns = u64::from(number) * 2_000_000_000;
        let phase = Phase::Requested;
        let requested = Event::Phase { session: session(number), phase };
        run.entries.push(entry(at_ns, VIEWER, requested));
        run.entries.push(closed(at_ns + 1_000_000_000, VIEWER, number, "not connected within 1s"));
    }
    let judged = run.judged(vec![
        check(Predicate::Connects { within_us: 500_000 }),
        check(Predicate::TimeToFirstFrame { below_us: 500_000 }),
        check(Predicate::Path { route: Some(Route::Direct), local: None, remote: None }),
    ]);
    let told = "session 1 was ended by phone at 3 s (not connected within 1s), 2 more, and \
                session 4 was ended by phone at 9 s (not connected within 1s)";
    for result in &judged.checks {
        assert!(result.detail.as_deref().is_some_and(|text| text.ends_with(told)), "{result:?}");
    }
    assert!(judged.streams[0].ended.iter().all(|end| !end.connected));
}
