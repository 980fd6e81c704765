//! Bounds of checks that did not pass, for the plots in which they are drawn.

use super::budget;
use crate::check_text;
use parallax_record::{CheckResult, Record, Subject, Summary, Timeline, Unit, Verdict, over_ns};

/// In which plot a bound is drawn, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundKind {
    /// A line in the plot of latencies.
    Latency,
    /// A line in the plot of PSNR.
    Psnr,
    /// A line in the plot of SSIM.
    Ssim,
    /// A time in the plot of the connection, microseconds since the viewer asked.
    Setup,
    /// A time in the plot of latencies: until then the picture was to be back.
    Recovery,
    /// The window alone, in the plot of latencies: lost frames and freezes are counted.
    Counted,
}

/// The bound of a check that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedBound {
    /// Where and how it is drawn.
    pub kind: BoundKind,
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// The bound, in the unit of the check; of a recovery the time on the run's clock.
    pub value: i64,
    /// Where the window begins, microseconds.
    pub from_us: u64,
    /// Where the window ends, microseconds.
    pub to_us: u64,
    /// Such as `fail: capture-to-render p95 below 180 ms`.
    pub text: String,
}

/// Of a run, the worst first.
pub(super) fn bounds(summary: &Summary, record: &Record, timeline: &Timeline) -> Vec<MissedBound> {
    let mut missed: Vec<&CheckResult> =
        summary.checks.iter().filter(|check| check.verdict != Verdict::Pass).collect();
    missed.sort_by_key(|check| std::cmp::Reverse(check.verdict));
    let drawn = missed.into_iter().filter_map(|check| bound(check, record, timeline));
    drawn.take(budget::CHECKS).collect()
}

fn bound(check: &CheckResult, record: &Record, timeline: &Timeline) -> Option<MissedBound> {
    let header = &record.header;
    let mut value = check.bound;
    let (kind, of) = check.kind()?;
    let kind = match kind.subject() {
        Subject::Path => return None,
        Subject::Request => BoundKind::Setup,
        Subject::Latency => BoundKind::Latency,
        Subject::LostFrames | Subject::Freezes => BoundKind::Counted,
        Subject::Pictures if check.unit == Unit::SsimPpm => BoundKind::Ssim,
        Subject::Pictures => BoundKind::Psnr,
        Subject::Event => {
            let after = of.strip_prefix("after ")?;
            let event = header.events.iter().find(|event| event.name == after)?;
            let over_us = over_ns(event, &header.events, timeline)? / 1_000;
            value = value.saturating_add(over_us.cast_signed());
            BoundKind::Recovery
        }
    };
    Some(MissedBound {
        kind,
        camera: check.camera.clone(),
        viewer: check.viewer.clone(),
        value,
        from_us: check.from_us.unwrap_or(0),
        to_us: check.to_us.unwrap_or(header.duration_us),
        text: check_text::bound_text(check),
    })
}
