//! What the mode of a run cannot judge has no verdict; everything else is judged as ever.

use crate::support::*;
use parallax_record::*;

/// A run with prerecorded media: nothing is known of a picture but that it was shown.
fn prerecorded(ways: &[Way]) -> Run {
    let mut run = Run::streaming(ways);
    run.header.media_mode = MediaMode::Prerecorded;
    for entry in &mut run.entries {
        if let Event::FrameRendered { marker, psnr_millidb, ssim_ppm, .. } = &mut entry.event {
            (*marker, *psnr_millidb, *ssim_ppm) = (None, None, None);
        }
    }
    run
}

fn connects(within_us: u64) -> Check {
    check(Predicate::Connects { within_us })
}

fn pictures() -> [Check; 2] {
    [
        check(Predicate::Psnr { statistic: Statistic::Mean, above_millidb: 1 }),
        check(Predicate::Ssim { statistic: Statistic::Minimum, above_ppm: 1 }),
    ]
}

/// Every kind of check.
fn each_kind() -> Vec<Check> {
    let predicates = [
        Predicate::Connects { within_us: 1 },
        Predicate::Path { route: Some(Route::Relayed), local: None, remote: None },
        Predicate::TimeToFirstFrame { below_us: 1 },
        Predicate::CaptureToRender { percentile: Percentile::P50, below_us: 1 },
        Predicate::Freezes { count_at_most: 0, total_below_us: Some(1) },
        Predicate::FramesLost { at_most: LossBound::Count { frames: 0 } },
        Predicate::Recovery { after: "dark".into(), within_us: 1 },
    ];
    predicates.into_iter().map(check).chain(pictures()).collect()
}

#[test]
fn pictures_of_prerecorded_media_are_not_judged_and_change_no_verdict() {
    let [psnr, ssim] = pictures();
    for (within_us, verdict) in [(600_000, Verdict::Pass), (1, Verdict::Fail)] {
        let checks = vec![psnr.clone(), connects(within_us), ssim.clone()];
        let summary = prerecorded(&[Way::Rendered; 60]).judged(checks);
        assert_eq!((summary.verdict, summary.checks.len()), (verdict, 1));
        let names: Vec<_> = summary.not_judged.iter().map(|check| &*check.name).collect();
        assert_eq!(names, ["psnr mean", "ssim minimum"]);
        assert!(summary.not_judged.iter().all(|check| check.reason.contains("prerecorded")));
        assert_eq!(summary.not_judged[0].why, psnr.why);
        assert_eq!(Suite::new(vec![summary.clone(), summary]).not_judged, 4);
    }
}

#[test]
fn a_run_of_which_nothing_was_judged_is_inconclusive() {
    let summary = prerecorded(&[Way::Rendered; 60]).judged(pictures().to_vec());
    assert_eq!((summary.verdict, summary.checks.len()), (Verdict::Inconclusive, 0));
    assert_eq!((summary.faults.len(), summary.not_judged.len()), (0, 2));
}

/// That there is no picture at all, any mode can tell.
#[test]
fn a_dead_stream_fails_its_checks_of_pictures_in_any_mode() {
    let summary = prerecorded(&[Way::NeverReceived; 60]).judged(pictures().to_vec());
    assert_eq!((summary.verdict, summary.not_judged.len()), (Verdict::Fail, 0));
    assert!(summary.checks.iter().all(|check| check.verdict == Verdict::Fail));
}

/// What was not enough to measure is inconclusive, and not excused by the mode.
#[test]
fn every_other_check_is_judged_as_with_live_media() {
    let dark = ScriptedEvent {
        name: "dark".into(),
        at_us: 3_000_000,
        lasts_us: None,
        action: Action::RebootGateway { site: "house".into() },
    };
    for frames in [60, 5] {
        let ways = vec![Way::Rendered; frames];
        let mut live = Run::streaming(&ways);
        live.header.events.push(dark.clone());
        let mut recorded = prerecorded(&ways);
        recorded.header.events.push(dark.clone());
        let (live, recorded) = (live.judged(each_kind()), recorded.judged(each_kind()));
        assert_eq!(live.not_judged, []);
        assert_eq!(live.checks.len(), 10, "{:?}", live.checks);
        assert_eq!(recorded.checks, live.checks[..8]);
        assert_eq!(recorded.not_judged.len(), 2);
    }
}
