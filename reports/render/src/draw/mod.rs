//! What the view holds, as plots. Each is drawn once: the page and the PNGs show the same.

mod curve;
mod grid;
mod heat;
mod lanes;
mod latency;
mod network;
mod quality;
mod queues;
mod stages;
mod topology;
mod waterfall;

pub(crate) use curve::{beside_curve, run_curve, scenario_curve};
pub(crate) use grid::{grid, sign};
pub(crate) use heat::heat;
pub(crate) use lanes::lanes;
pub(crate) use latency::latency;
pub(crate) use network::{rates, trouble};
pub(crate) use quality::{psnr, ssim};
pub(crate) use queues::queues;
pub(crate) use stages::{bar, stages, told};
pub(crate) use topology::topology;
pub(crate) use waterfall::waterfall;

use crate::plot::{Axis, Chart, Ink, Look};
use crate::view::{MarkKind, Run, StreamView};

/// Microseconds as seconds.
fn s(us: u64) -> f64 {
    us as f64 / 1e6
}

/// Microseconds as milliseconds.
fn ms(us: i64) -> f64 {
    us as f64 / 1e3
}

/// An axis of the run's time.
fn run_time(run: &Run) -> Axis {
    Axis::plain(0.0, s(run.duration_us.max(1)), 12)
}

/// How plots over the time of a run are laid out: all alike, so that they are read together.
fn look(run: &Run) -> Look {
    Look::wide(&format!("run{}", run.run))
}

/// What is drawn more often than the eye can tell apart is thinned out to this number of intervals.
const INTERVALS: usize = 1_500;

/// Points in the order of x, thinned out so that of each interval the least and the greatest stay: no
/// peak is lost.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= 2 * INTERVALS {
        return points;
    }
    let size = points.len().div_ceil(INTERVALS);
    let extremes = |chunk: &[(f64, f64)]| {
        let least = chunk.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
        let most = chunk.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        let mut both: Vec<_> = least.into_iter().chain(most).collect();
        both.sort_by(|a, b| a.0.total_cmp(&b.0));
        both.dedup();
        both
    };
    points.chunks(size).flat_map(extremes).collect()
}

/// Bands and lines for what happened, behind the data.
fn background(chart: &mut Chart, run: &Run, stream: &StreamView, top: f64) {
    let end = s(run.duration_us);
    let bands = stream.freezes.iter().map(|freeze| (s(freeze.from_us), s(freeze.to_us), 0.0, top));
    let bands: Vec<_> = bands.collect();
    if !bands.is_empty() {
        chart.named(Ink::Freeze, "freeze");
        chart.boxes(Ink::Freeze, 1.0, bands);
    }
    let of =
        |kinds: &'static [MarkKind]| run.marks.iter().filter(|mark| kinds.contains(&mark.kind));
    for mark in of(&[MarkKind::Event]) {
        let from = s(mark.from_us);
        if let Some(to_us) = mark.to_us {
            chart.boxes(Ink::Event, 0.18, vec![(from, s(to_us).min(end), 0.0, top)]);
        }
        chart.line(Ink::Event, 15, vec![(from, 0.0), (from, top)]);
    }
    for mark in of(&[MarkKind::MappingCreated, MarkKind::MappingExpired]) {
        let at = s(mark.from_us);
        chart.line(Ink::Nat, 10, vec![(at, top * 0.93), (at, top)]);
    }
    if of(&[MarkKind::Event]).next().is_some() {
        chart.named(Ink::Event, "scripted event");
    }
    if of(&[MarkKind::MappingCreated, MarkKind::MappingExpired]).next().is_some() {
        chart.named(Ink::Nat, "NAT mapping");
    }
}

/// Texts of events for a pointer on them.
fn point_at_marks(chart: &mut Chart, run: &Run, stream: &StreamView, top: f64) {
    let near = s(run.duration_us) / 250.0;
    for freeze in &stream.freezes {
        let text =
            format!("freeze of {}", crate::figure::duration(freeze.duration_us().cast_signed()));
        chart.hover.b.push((s(freeze.from_us), s(freeze.to_us), 0.0, top, text));
    }
    for mark in &run.marks {
        let from = s(mark.from_us);
        let to = mark.to_us.map_or(from + near, s);
        let low = if mark.kind == MarkKind::Event { 0.0 } else { top * 0.9 };
        chart.hover.b.push((from - near / 2.0, to, low, top, mark.text.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_peaks_and_the_order() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|n| (f64::from(n), 1.0)).collect();
        points[54_321].1 = 99.0;
        let thin = thinned(points);
        assert!(thin.len() <= 2 * INTERVALS + 2, "{}", thin.len());
        assert!(thin.contains(&(54_321.0, 99.0)));
        assert!(thin.is_sorted_by(|a, b| a.0 <= b.0));
    }
}
