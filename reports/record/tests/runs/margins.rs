//! Margins of frames that a viewer let go, and of those that it gave up.

use crate::support::*;
use parallax_record::*;

const MS: u64 = 1_000_000;

/// Four frames: three shown, the second given up, of which a packet was sent again so long before.
fn with_a_resend_before_the_loss(before_ns: u64) -> MarginSummary {
    let lost = Way::GivenUp(LossPhase::Late);
    let mut run = Run::streaming(&[Way::Rendered, lost, Way::Rendered, Way::Rendered]);
    let margin = |entry: &mut Entry| {
        if let Event::FrameReleased { margin_us, .. } = &mut entry.event {
            *margin_us = Some(30_000);
        }
    };
    run.entries.iter_mut().for_each(margin);
    let given_up =
        run.entries.iter().position(|entry| matches!(entry.event, Event::FrameLost { .. }));
    let at = given_up.expect("a frame was given up");
    let run_ns = run.entries[at].run_ns - before_ns;
    let event = Event::Resent { session: session(1), rtp_timestamp: 90_000 + 6_000 };
    run.entries.insert(at, entry(run_ns, CAMERA, event));
    run.entries.sort_by_key(|entry| entry.run_ns);
    run.judged(vec![]).streams[0].margin_us
}

#[test]
fn a_frame_whose_resend_came_too_late_has_a_margin_below_zero() {
    // Frames cross in 28 ms: a resend that left 10 ms before its frame was given up came 18 ms after that.
    let margin = with_a_resend_before_the_loss(10 * MS);
    assert_eq!((margin.count, margin.least, margin.p5), (4, Some(-18_000), Some(-18_000)));
    assert_eq!((margin.near, margin.is_at_a_cliff()), (1, true));
    let margin = with_a_resend_before_the_loss(7 * MS);
    assert_eq!((margin.least, margin.near, margin.is_at_a_cliff()), (Some(-21_000), 0, false));
}

#[test]
fn a_frame_that_was_lost_though_its_resend_had_time_has_no_margin() {
    let margin = with_a_resend_before_the_loss(28 * MS);
    assert_eq!((margin.count, margin.least), (3, Some(30_000)));
}
