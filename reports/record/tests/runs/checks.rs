//! Each kind of check passes, fails and is inconclusive.

use crate::support::*;
use parallax_record::*;

const GOOD: [Way; 60] = [Way::Rendered; 60];

fn good() -> Run {
    Run::streaming(&GOOD)
}

/// No frame reached the viewer.
fn dead() -> Run {
    Run::streaming(&[Way::NeverReceived; 60])
}

fn connects_within(within_us: u64) -> Predicate {
    Predicate::Connects { within_us }
}

#[test]
fn connects() {
    // Measured 600 ms; true between 574 and 600 ms: 26 crossings and timers.
    assert_eq!(good().verdict(connects_within(600_000)), Verdict::Pass);
    assert_eq!(good().verdict(connects_within(599_999)), Verdict::Inconclusive);
    assert_eq!(good().verdict(connects_within(574_000)), Verdict::Inconclusive);
    assert_eq!(good().verdict(connects_within(573_999)), Verdict::Fail);
}

#[test]
fn a_connection_that_did_not_come_about_in_the_window_fails() {
    let mut before_dtls = check(connects_within(5_000_000));
    before_dtls.window.to_us = Some(700_000);
    let result = good().result(before_dtls);
    assert_eq!((result.verdict, result.measured), (Verdict::Fail, None));
    assert_eq!(
        result.detail.as_deref(),
        Some("it did not happen by the end of the window: offer after 0.1 s, no nominated pair")
    );

    let mut never_asked = check(connects_within(5_000_000));
    never_asked.window.from_us = Some(1_000_000);
    let result = good().result(never_asked);
    assert_eq!(result.verdict, Verdict::Fail);
    assert_eq!(
        result.detail.as_deref(),
        Some("the viewer did not ask for the camera in the window")
    );
}

#[test]
fn a_session_begun_anew_counts_from_the_first_request() {
    let mut run = Run {
        header: header(vec![]),
        entries: vec![entry(
            REQUEST_NS,
            VIEWER,
            Event::Phase { session: session(1), phase: Phase::Requested },
        )],
    };
    run.setup(2, REQUEST_NS + 2_000_000_000);
    let result = run.result(check(connects_within(3_000_000)));
    assert_eq!(result.measured, Some(2_600_000));
    assert_eq!(result.uncertainty.below, 2 * 26_000);
}

/// A viewer that boots again before it was answered asks again, in the session of the same number.
#[test]
fn each_request_counts_in_its_own_window() {
    let mut run = good();
    let phase = Event::Phase { session: session(1), phase: Phase::Requested };
    run.entries.push(entry(REQUEST_NS + 50_000_000, VIEWER, phase));
    let mut later = check(connects_within(5_000_000));
    later.window.from_us = Some((REQUEST_NS + 10_000_000) / 1_000);
    let checks = run.judged(vec![check(connects_within(5_000_000)), later]).checks;
    assert_eq!(checks[0].measured, Some(600_000));
    assert_eq!(checks[1].measured, Some(550_000));
}

#[test]
fn time_to_first_frame() {
    // The first frame is rendered 900 ms after the request; 35 ticks of uncertainty.
    let below = |below_us| Predicate::TimeToFirstFrame { below_us };
    assert_eq!(good().verdict(below(900_001)), Verdict::Pass);
    assert_eq!(good().verdict(below(900_000)), Verdict::Inconclusive);
    assert_eq!(good().verdict(below(865_001)), Verdict::Inconclusive);
    assert_eq!(good().verdict(below(865_000)), Verdict::Fail);
    assert_eq!(dead().verdict(below(9_000_000)), Verdict::Fail);
}

#[test]
fn what_was_resent_of_the_first_frame_makes_setup_less_certain() {
    let mut run = good();
    for _ in 0..2 {
        let event = Event::Resent { session: session(1), rtp_timestamp: 90_000 };
        run.entries.push(entry(FIRST_NS + 35_000_000, CAMERA, event));
    }
    // Of a later frame: it changes nothing.
    let event = Event::Resent { session: session(1), rtp_timestamp: 96_000 };
    run.entries.push(entry(FIRST_NS + 110_000_000, CAMERA, event));
    let below = Predicate::TimeToFirstFrame { below_us: 900_001 };
    assert_eq!(run.result(check(below)).uncertainty.below, 41_000);
}

#[test]
fn path() {
    use CandidateKind::{Host, PeerReflexive, Relayed, ServerReflexive};
    let path = |route, local, remote| Predicate::Path { route, local, remote };
    let direct = path(Some(Route::Direct), None, None);
    let relayed = path(Some(Route::Relayed), None, None);
    assert_eq!(good().verdict(direct.clone()), Verdict::Pass);
    assert_eq!(good().verdict(relayed.clone()), Verdict::Fail);
    assert_eq!(good().verdict(path(None, Some(ServerReflexive), Some(Host))), Verdict::Pass);
    assert_eq!(good().verdict(path(None, None, Some(PeerReflexive))), Verdict::Fail);
    // The pair is right, but nothing was seen to go over it.
    assert_eq!(Run::connected(Host, Relayed).verdict(relayed.clone()), Verdict::Inconclusive);
    // Nothing went over it, and it is wrong.
    assert_eq!(Run::connected(Host, Relayed).verdict(direct), Verdict::Fail);
    // No pair at all.
    let alone = Run { header: header(vec![]), entries: vec![] };
    assert_eq!(alone.verdict(relayed), Verdict::Fail);
}

#[test]
fn a_path_that_the_viewer_sees_as_peer_reflexive_is_relayed_if_the_camera_sends_through_turn() {
    let mut run = good();
    for entry in &mut run.entries {
        if entry.node == CAMERA
            && let Event::Nominated { local, .. } = &mut entry.event
        {
            local.kind = CandidateKind::Relayed;
        }
    }
    let relayed = Predicate::Path { route: Some(Route::Relayed), local: None, remote: None };
    assert_eq!(run.verdict(relayed), Verdict::Pass);
}

#[test]
fn a_path_is_judged_by_what_was_in_force_in_the_window() {
    let mut run = good();
    run.entries.push(entry(
        3_000_000_000,
        VIEWER,
        Event::Nominated {
            session: session(1),
            local: candidate(CandidateKind::Relayed),
            remote: candidate(CandidateKind::Host),
        },
    ));
    run.header.checks = [(None, Some(3_000_000)), (Some(3_000_000), None), (None, None)]
        .map(|(from_us, to_us)| Check {
            window: Window { from_us, to_us },
            ..check(Predicate::Path { route: Some(Route::Direct), local: None, remote: None })
        })
        .to_vec();
    let verdicts: Vec<_> = judge(&run.record()).checks.iter().map(|check| check.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail, Verdict::Fail]);
}

#[test]
fn capture_to_render() {
    // Every frame takes 100 ms; true between 93 and 100 ms.
    let below = |below_us| Predicate::CaptureToRender { percentile: Percentile::P95, below_us };
    assert_eq!(good().verdict(below(100_001)), Verdict::Pass);
    assert_eq!(good().verdict(below(100_000)), Verdict::Inconclusive);
    assert_eq!(good().verdict(below(93_001)), Verdict::Inconclusive);
    assert_eq!(good().verdict(below(93_000)), Verdict::Fail);
    assert_eq!(dead().verdict(below(1_000_000)), Verdict::Fail);
    let small = Run::streaming(&[Way::Rendered; 19]).result(check(below(1_000_000)));
    assert_eq!((small.verdict, small.sample), (Verdict::Inconclusive, 19));
}

#[test]
fn resent_packets_widen_the_uncertainty() {
    let mut run = good();
    let resent = (0..60).map(|frame| {
        entry(
            FIRST_NS + u64::from(frame) * PERIOD_NS + 35_000_000,
            CAMERA,
            Event::Resent { session: session(1), rtp_timestamp: 90_000 + frame * 6_000 },
        )
    });
    run.entries.extend(resent);
    let result = run.result(check(Predicate::CaptureToRender {
        percentile: Percentile::P50,
        below_us: 95_000,
    }));
    assert_eq!(result.uncertainty, Uncertainty { below: 10_000, above: 0 });
    assert_eq!(result.verdict, Verdict::Inconclusive);
}

#[test]
fn a_window_takes_frames_by_their_capture() {
    let mut windowed =
        check(Predicate::CaptureToRender { percentile: Percentile::P50, below_us: 200_000 });
    windowed.window = Window {
        from_us: Some(FIRST_NS / 1_000),
        to_us: Some((FIRST_NS + 10 * PERIOD_NS) / 1_000),
    };
    assert_eq!(good().result(windowed).sample, 10);
}

/// 60 frames, the last 20 of them 500 ms late.
fn frozen() -> Run {
    let mut run = Run::streaming(&[Way::Rendered; 40]);
    for frame in 40..60 {
        let at = FIRST_NS + u64::from(frame) * PERIOD_NS + 500_000_000;
        run.frame(frame, Way::Rendered, at, &AFTER_NS);
    }
    run.header.duration_us = 5_700_000;
    run
}

#[test]
fn freezes() {
    let at_most =
        |count_at_most, total_below_us| Predicate::Freezes { count_at_most, total_below_us };
    let mut smooth = good();
    smooth.header.duration_us = 5_100_000;
    assert_eq!(smooth.verdict(at_most(0, None)), Verdict::Pass);
    assert_eq!(frozen().verdict(at_most(0, None)), Verdict::Fail);
    assert_eq!(frozen().verdict(at_most(1, None)), Verdict::Pass);
    let mut small = Run::streaming(&[Way::Rendered; 29]);
    small.header.duration_us = 3_000_000;
    assert_eq!(small.verdict(at_most(0, None)), Verdict::Inconclusive);
    // 566.667 ms, 7 ms more or less.
    let totals: Vec<_> = [574_000, 573_000, 559_000]
        .map(|below_us| frozen().judged(vec![check(at_most(1, Some(below_us)))]).checks[1].verdict)
        .into();
    assert_eq!(totals, [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail]);
}

#[test]
fn the_longest_freeze() {
    let below = |below_us| Predicate::LongestFreeze { below_us };
    let mut smooth = good();
    smooth.header.duration_us = 5_100_000;
    let none = smooth.result(check(below(1)));
    assert_eq!((none.verdict, none.measured, none.detail), (Verdict::Pass, Some(0), None));
    // It lasts from 3.700013 to 4.266680 s: 566.667 ms, 7 ms more or less.
    for (below_us, verdict) in
        [(574_000, Verdict::Pass), (573_000, Verdict::Inconclusive), (559_000, Verdict::Fail)]
    {
        let result = frozen().result(check(below(below_us)));
        assert_eq!((result.verdict, result.measured), (verdict, Some(566_667)), "{below_us}");
        assert_eq!(result.detail.as_deref(), Some("from 3.7 s to 4.266 s"));
    }
    // The longer of two; the other is over in time.
    let two = || {
        let mut two = frozen();
        two.header.duration_us = 7_500_000;
        two
    };
    let result = two().result(check(below(1_000_000)));
    assert_eq!(result.verdict, Verdict::Fail, "{:?}", result.detail);
    assert!(result.detail.expect("a freeze").ends_with("to 7.5 s, and had not ended with the run"));
    // It may have been longer than the rest of the run: it keeps no bound.
    let result = two().result(check(below(5_000_000)));
    assert_eq!((result.verdict, result.measured), (Verdict::Inconclusive, None));
    // A freeze counts whole in each window that has a part of it, and in no other.
    let windowed = |from_us, to_us| {
        let mut windowed = check(below(559_000));
        windowed.window = Window { from_us: Some(from_us), to_us: Some(to_us) };
        windowed.minimum_sample = 1;
        frozen().result(windowed).measured
    };
    let figures = [windowed(1_000_000, 4_000_000), windowed(4_000_000, 5_000_000)];
    assert_eq!(figures, [Some(566_667); 2]);
    assert_eq!(windowed(4_300_000, 5_000_000), Some(0));
    let short = Run::streaming(&[Way::Rendered; 29]).result(check(below(10_000_000)));
    assert_eq!(short.verdict, Verdict::Inconclusive);
}

#[test]
fn a_freeze_counts_whole_in_each_window_that_has_a_part_of_it() {
    // It lasts from 3.700013 to 4.266680 s.
    let figures = |from_us, to_us| {
        let mut windowed = check(Predicate::Freezes { count_at_most: 0, total_below_us: Some(1) });
        windowed.window = Window { from_us: Some(from_us), to_us: Some(to_us) };
        let checks = frozen().judged(vec![windowed]).checks;
        [checks[0].measured, checks[1].measured]
    };
    assert_eq!(figures(4_000_000, 5_600_000), [1, 566_667].map(Some));
    assert_eq!(figures(4_300_000, 5_600_000), [0, 0].map(Some));
    // It is still going on at the end of this one.
    assert_eq!(figures(1_000_000, 4_000_000), [1, 566_667].map(Some));
    assert_eq!(figures(1_000_000, 3_700_000), [0, 0].map(Some));
}

/// One from 3.7 s to 4.266 s, and one from 5.6 s on.
#[test]
fn a_freeze_that_had_not_ended_with_the_run_keeps_no_bound_on_their_sum() {
    let total = |below_us, to_us| {
        let mut run = frozen();
        run.header.duration_us = 7_500_000;
        let mut check =
            check(Predicate::Freezes { count_at_most: 2, total_below_us: Some(below_us) });
        check.window.to_us = to_us;
        let checks = run.judged(vec![check]).checks;
        (checks[0].verdict, checks[1].verdict)
    };
    assert_eq!(total(1_000_000, None), (Verdict::Pass, Verdict::Fail));
    assert_eq!(total(5_000_000, None), (Verdict::Pass, Verdict::Inconclusive));
    // It began in this window, too; in the last it did not.
    assert_eq!(total(5_000_000, Some(6_000_000)), (Verdict::Pass, Verdict::Inconclusive));
    assert_eq!(total(5_000_000, Some(5_500_000)), (Verdict::Pass, Verdict::Pass));
}

#[test]
fn a_picture_that_stands_still_until_the_end_is_a_freeze_and_none_at_all_fails() {
    let predicate = Predicate::Freezes { count_at_most: 0, total_below_us: None };
    // The last frame comes at 5 s of 10.
    let result = good().result(check(predicate.clone()));
    assert_eq!((result.verdict, result.measured), (Verdict::Fail, Some(1)));
    assert_eq!(dead().verdict(predicate), Verdict::Fail);
}

#[test]
fn frames_lost() {
    let some = |lost: usize| {
        let mut ways = GOOD;
        ways[10..10 + lost].fill(Way::NeverReceived);
        Run::streaming(&ways)
    };
    let count = |frames| Predicate::FramesLost { at_most: LossBound::Count { frames } };
    let share = |ppm| Predicate::FramesLost { at_most: LossBound::Share { ppm } };
    assert_eq!(some(3).verdict(count(3)), Verdict::Pass);
    assert_eq!(some(3).verdict(count(2)), Verdict::Fail);
    assert_eq!(some(3).verdict(share(50_000)), Verdict::Pass);
    assert_eq!(some(3).verdict(share(49_999)), Verdict::Fail);
    let small = Run::streaming(&[Way::Rendered; 29]);
    assert_eq!(small.verdict(count(0)), Verdict::Inconclusive);
    // Nothing was ever sent to the viewer.
    let unsent = Run::streaming(&[Way::NeverPaced; 60]);
    assert_eq!(unsent.verdict(count(0)), Verdict::Fail);
}

#[test]
fn a_pacer_that_is_slower_than_the_bit_rate_is_named() {
    let told = |pacer_bps: Option<u64>, predicate| {
        let mut run = Run::streaming(&[Way::NeverPaced; 60]);
        let camera = serde_json::json!({
            "clip": "bunny", "width_px": 320, "height_px": 240, "frames_per_second": 15,
            "bit_rate_bps": 400_000, "pacer_bps": pacer_bps, "clip_sha256": "00",
        });
        run.header.peers[0].camera = serde_json::from_value(camera).expect("a camera");
        run.result(check(predicate)).detail.unwrap_or_default()
    };
    let lost = || Predicate::FramesLost { at_most: LossBound::Count { frames: 0 } };
    let cause = "the pacer of doorbell sends 1 kbit/s, less than its bit rate of 400 kbit/s";
    assert!(told(Some(1_000), lost()).ends_with(cause));
    for enough in [None, Some(400_000)] {
        assert!(!told(enough, lost()).contains("pacer"));
    }
    // It delays no set-up.
    assert!(!told(Some(1_000), Predicate::Connects { within_us: 1 }).contains("pacer"));
}

#[test]
fn frames_that_never_come_are_lost_and_those_of_the_last_moment_are_no_sample() {
    let stuck = || Run::streaming(&[Way::NeverReceived; 130]);
    let mut share = check(Predicate::FramesLost { at_most: LossBound::Share { ppm: 999_999 } });
    let result = stuck().result(share.clone());
    assert_eq!(
        (result.verdict, result.measured, result.sample),
        (Verdict::Fail, Some(1_000_000), 105)
    );
    share.window.from_us = Some(9_000_000);
    let result = stuck().result(share);
    assert_eq!((result.verdict, result.measured), (Verdict::Inconclusive, None));
    assert_eq!(result.detail.as_deref(), Some("still under way when the run ended: 10 frames"));
}

#[test]
fn psnr() {
    let above = |statistic, above_millidb| Predicate::Psnr { statistic, above_millidb };
    // 30.0, 30.1, ... 30.9 dB, six times over.
    assert_eq!(good().verdict(above(Statistic::Mean, 30_449)), Verdict::Pass);
    assert_eq!(good().verdict(above(Statistic::Mean, 30_450)), Verdict::Fail);
    assert_eq!(good().verdict(above(Statistic::Minimum, 29_999)), Verdict::Pass);
    assert_eq!(good().verdict(above(Statistic::Minimum, 30_000)), Verdict::Fail);
    let percentile = Statistic::Percentile { percentile: Percentile::P50 };
    assert_eq!(good().verdict(above(percentile, 30_399)), Verdict::Pass);
    assert_eq!(good().verdict(above(percentile, 30_400)), Verdict::Fail);
    let small = Run::streaming(&[Way::Rendered; 29]);
    assert_eq!(small.verdict(above(Statistic::Mean, 1)), Verdict::Inconclusive);
    assert_eq!(dead().verdict(above(Statistic::Mean, 1)), Verdict::Fail);
    let mut sourceless = good();
    for entry in &mut sourceless.entries {
        if let Event::FrameRendered { psnr_millidb, .. } = &mut entry.event {
            *psnr_millidb = None;
        }
    }
    let result = sourceless.result(check(above(Statistic::Mean, 1)));
    assert_eq!((result.verdict, result.measured), (Verdict::Inconclusive, None));
    assert!(result.detail.expect("a reason").contains("known source"));
}

#[test]
fn ssim() {
    let above = |statistic, above_ppm| Predicate::Ssim { statistic, above_ppm };
    // 0.900, 0.901, ... 0.909, six times over.
    assert_eq!(good().verdict(above(Statistic::Mean, 904_499)), Verdict::Pass);
    assert_eq!(good().verdict(above(Statistic::Mean, 904_500)), Verdict::Fail);
    let percentile = Statistic::Percentile { percentile: Percentile::P50 };
    assert_eq!(good().verdict(above(percentile, 903_999)), Verdict::Pass);
    assert_eq!(good().verdict(above(percentile, 904_000)), Verdict::Fail);
    let small = Run::streaming(&[Way::Rendered; 29]);
    assert_eq!(small.verdict(above(Statistic::Mean, 1)), Verdict::Inconclusive);
    assert_eq!(dead().verdict(above(Statistic::Mean, 1)), Verdict::Fail);
}

#[test]
fn a_real_clock_is_uncertain_both_ways() {
    let below = |below_us| {
        let mut run = good();
        run.header.clock = Clock::Real { bound_us: 300 };
        run.verdict(Predicate::CaptureToRender { percentile: Percentile::P50, below_us })
    };
    assert_eq!(below(100_301), Verdict::Pass);
    assert_eq!(below(100_300), Verdict::Inconclusive);
    assert_eq!(below(99_700), Verdict::Fail);
}

#[test]
fn the_worst_check_decides_and_none_is_inconclusive() {
    let summary = good().judged(vec![check(connects_within(600_000)), check(connects_within(1))]);
    assert_eq!(summary.verdict, Verdict::Fail);
    assert_eq!(good().judged(vec![]).verdict, Verdict::Inconclusive);
}

#[test]
fn a_check_that_selects_no_stream_is_an_error() {
    let mut lost = check(connects_within(600_000));
    lost.streams.camera = Some("garden".into());
    let summary = good().judged(vec![lost]);
    assert_eq!(summary.verdict, Verdict::Error);
    assert_eq!(summary.faults, ["a check selects no stream: camera garden, viewer any"]);
}

/// The run of 10 s in which the camera's software starts at `ready_ns`, if it does, and nothing comes of it.
fn booting(ready_ns: Option<u64>) -> Run {
    let mut run = Run::streaming(&[]);
    run.entries.retain(|entry| entry.node != CAMERA);
    let phase = |entry: &Entry| matches!(entry.event, Event::Phase { phase: Phase::Requested, .. });
    run.entries.retain(|entry| phase(entry) || matches!(entry.event, Event::Started { .. }));
    run.entries.extend(ready_ns.map(|at| entry(at, CAMERA, Event::Started { boot: 0 })));
    run
}

#[test]
fn a_check_that_did_not_pass_names_the_peer_that_was_still_booting() {
    let detail = |ready_ns, check| booting(ready_ns).result(check).detail.unwrap_or_default();
    let first_frame = || check(Predicate::TimeToFirstFrame { below_us: 5_000_000 });
    let never = "the camera doorbell was still booting when the run ended at 10 s";
    assert_eq!(
        detail(None, first_frame()),
        format!("it did not happen by the end of the window: no offer; {never}")
    );
    let path = Predicate::Path { route: Some(Route::Direct), local: None, remote: None };
    assert_eq!(
        detail(None, check(path.clone())),
        format!("no pair was nominated by the end of the window: {never}")
    );
    for predicate in [
        Predicate::FramesLost { at_most: LossBound::Count { frames: 0 } },
        Predicate::Freezes { count_at_most: 0, total_below_us: None },
        Predicate::CaptureToRender { percentile: Percentile::P95, below_us: 1 },
    ] {
        assert!(detail(None, check(predicate.clone())).ends_with(never), "{predicate:?}");
    }
    // It came up, too late for what was left of the time.
    let late = "the camera doorbell was still booting until 7.5 s";
    let since = "the camera doorbell was still booting until 7.3 s after the request";
    assert!(detail(Some(7_500_000_000), first_frame()).ends_with(since));
    // A window that ends before it came up.
    let mut early = check(path);
    early.window.to_us = Some(6_000_000);
    assert!(detail(Some(7_500_000_000), early).ends_with(late));
    // There was time enough: a boot is not to blame for all that fails.
    assert_eq!(
        detail(Some(2_000_000_000), first_frame()),
        "it did not happen by the end of the window: no offer"
    );
}

#[test]
fn a_first_frame_that_a_boot_made_late_says_so_and_no_other() {
    // Asked for at 0.2 s, shown 0.9 s later.
    let first_frame = |below_us| check(Predicate::TimeToFirstFrame { below_us });
    let with_boot = |ready_ns: u64| {
        let mut run = good();
        for entry in &mut run.entries {
            if entry.node == CAMERA && matches!(entry.event, Event::Started { .. }) {
                entry.run_ns = ready_ns;
            }
        }
        run.entries.sort_by_key(|entry| entry.run_ns);
        run
    };
    let result = with_boot(650_000_000).result(first_frame(500_000));
    assert_eq!(result.verdict, Verdict::Fail);
    assert_eq!(
        result.detail.as_deref(),
        Some(
            "offer after 0.1 s, nominated pair after 0.5 s, DTLS after 0.6 s, first picture after 0.9 s; the camera \
             doorbell was still booting until 0.45 s after the request"
        )
    );
    // Without these 50 ms it would have been too late all the same.
    let detail = with_boot(250_000_000).result(first_frame(500_000)).detail.unwrap_or_default();
    assert!(detail.ends_with("first picture after 0.9 s"), "{detail}");
}

#[test]
fn a_camera_without_power_is_named_as_that() {
    let mut run = booting(Some(500_000_000));
    let power_loss = |lasts_us| ScriptedEvent {
        name: "unplugged".into(),
        at_us: 2_000_000,
        lasts_us,
        action: Action::PowerLoss { peer: CAMERA.into() },
    };
    run.header.events = vec![power_loss(None)];
    let path = check(Predicate::Path { route: None, local: None, remote: None });
    let detail = run.result(path.clone()).detail.unwrap_or_default();
    assert!(
        detail.ends_with("the camera doorbell had no power from 2 s to the end of the run"),
        "{detail}"
    );
    let mut run = booting(Some(500_000_000));
    run.header.events = vec![power_loss(Some(1_000_000))];
    let detail = run.result(path).detail.unwrap_or_default();
    assert!(
        detail.ends_with("the camera doorbell was still booting when the run ended at 10 s"),
        "{detail}"
    );
}

/// More frames cannot undo what few of them have broken; a share of them they can.
#[test]
fn a_broken_bound_that_more_frames_cannot_mend_fails_however_few_there_are() {
    let few = || Run::streaming(&[Way::Rendered; 2]);
    let freezes = Predicate::Freezes { count_at_most: 0, total_below_us: None };
    let result = few().result(check(freezes));
    assert_eq!((result.verdict, result.measured, result.sample), (Verdict::Fail, Some(1), 2));
    let lost = |at_most| {
        Run::streaming(&[Way::NeverReceived; 2]).verdict(Predicate::FramesLost { at_most })
    };
    assert_eq!(lost(LossBound::Count { frames: 1 }), Verdict::Fail);
    assert_eq!(lost(LossBound::Count { frames: 2 }), Verdict::Inconclusive);
    assert_eq!(lost(LossBound::Share { ppm: 20_000 }), Verdict::Inconclusive);
    let minimum = |above_millidb| Predicate::Psnr { statistic: Statistic::Minimum, above_millidb };
    assert_eq!(few().verdict(minimum(30_000)), Verdict::Fail);
    assert_eq!(few().verdict(minimum(29_000)), Verdict::Inconclusive);
    let mean = Predicate::Psnr { statistic: Statistic::Mean, above_millidb: 40_000 };
    assert_eq!(few().verdict(mean), Verdict::Inconclusive);
}

/// The viewer lost its power for the rest of the run while the camera went on.
#[test]
fn a_viewer_without_power_is_named_where_frames_were_lost() {
    let run = |before| {
        let mut run = Run::streaming(&[[before; 60], [Way::NeverReceived; 60]].concat());
        run.header.events = vec![ScriptedEvent {
            name: "off".into(),
            at_us: 5_000_000,
            lasts_us: None,
            action: Action::PowerLoss { peer: VIEWER.into() },
        }];
        run.entries.push(entry(0, VIEWER, Event::Ready { boot: 0 }));
        run
    };
    let cause = "the viewer phone had no power from 5 s to the end of the run";
    let bad = [
        Predicate::FramesLost { at_most: LossBound::Share { ppm: 20_000 } },
        Predicate::Freezes { count_at_most: 0, total_below_us: None },
    ];
    for predicate in bad {
        let result = run(Way::Rendered).result(check(predicate));
        assert_eq!(result.verdict, Verdict::Fail);
        assert!(result.detail.as_deref().is_some_and(|text| text.ends_with(cause)), "{result:?}");
    }
    // Its session was over then: nobody was there to take the 60 frames that left the camera after it.
    let lost = run(Way::Rendered).judged(vec![]).streams.remove(0).frames.lost;
    assert_eq!((lost.session, lost.total()), (60, 60));
    // What was lost before it is not its doing.
    let mut before = check(Predicate::FramesLost { at_most: LossBound::Count { frames: 0 } });
    before.window.to_us = Some(4_900_000);
    let mut run = run(Way::NeverReceived);
    run.entries.push(dropped(4_950_000_000, "link/house/up"));
    let result = run.result(before);
    assert!(result.detail.as_deref().is_some_and(|text| !text.contains("power")), "{result:?}");
}
