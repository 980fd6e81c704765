//! A program as the camera tells nothing: what rests on that is inconclusive, and nothing else is.

use crate::support::*;
use parallax_record::*;

/// A run whose camera is a program: its frames are those that the lab saw leave.
fn program(ways: &[Way]) -> Run {
    let mut run = Run::streaming(ways);
    let camera = run.header.peers.iter_mut().find(|peer| peer.name == CAMERA);
    camera.expect("it is there").program = Some(vec!["./camera".to_owned()]);
    for entry in &mut run.entries {
        if let Event::FrameRendered { marker, psnr_millidb, ssim_ppm, .. } = &mut entry.event {
            (*marker, *psnr_millidb, *ssim_ppm) = (None, None, None);
        }
    }
    run
}

fn latency() -> Check {
    check(Predicate::CaptureToRender { percentile: Percentile::P50, below_us: 10_000_000 })
}

fn lost(frames: u64) -> Check {
    check(Predicate::FramesLost { at_most: LossBound::Count { frames } })
}

#[test]
fn when_it_captured_a_frame_is_not_known_and_no_figure_says_so() {
    let run = program(&[Way::Rendered; 60]);
    let record = run.record();
    let timeline = Timeline::of(&record);
    assert!(timeline.faults.is_empty(), "{:?}", timeline.faults);
    let frames = &timeline.streams[0].frames;
    assert!(frames.iter().all(|frame| frame.capture_to_render_us().is_none()));
    assert!(frames.iter().all(|frame| frame.stage_us(Stage::Encode).is_none()));
    assert!(frames.iter().all(|frame| frame.stage_us(Stage::Network).is_some()));
    let result = program(&[Way::Rendered; 60]).result(latency());
    assert_eq!((result.verdict, result.measured), (Verdict::Inconclusive, None));
    let detail = result.detail.expect("it says why");
    assert!(detail.contains("does not tell when it captured a frame"), "{detail}");
}

#[test]
fn frames_that_were_lost_on_the_way_are_lost_and_others_are_not_known() {
    let mut ways = vec![Way::Rendered; 60];
    assert_eq!(program(&ways).result(lost(3)).verdict, Verdict::Inconclusive);
    for way in &mut ways[10..15] {
        *way = Way::NeverReceived;
    }
    let failed = program(&ways).result(lost(3));
    assert_eq!((failed.verdict, failed.measured), (Verdict::Fail, Some(5)));
    assert_eq!(program(&ways).result(lost(5)).verdict, Verdict::Inconclusive);
}

#[test]
fn what_the_viewer_sees_is_judged_and_nothing_at_all_fails() {
    let run = || program(&[Way::Rendered; 60]);
    let first = check(Predicate::TimeToFirstFrame { below_us: 60_000_000 });
    assert_eq!(run().result(first.clone()).verdict, Verdict::Pass);
    // The picture stands still from its last frame to the end of the run.
    let freezes = check(Predicate::Freezes { count_at_most: 1, total_below_us: None });
    assert_eq!(run().result(freezes).verdict, Verdict::Pass);
    let psnr = check(Predicate::Psnr { statistic: Statistic::Mean, above_millidb: 1 });
    assert_eq!(run().result(psnr).verdict, Verdict::Inconclusive);
    for check in [first, latency(), lost(0)] {
        assert_eq!(program(&[]).result(check).verdict, Verdict::Fail);
    }
}
