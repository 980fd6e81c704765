//! How many frames are how late: latency by percentile.

use super::ms;
use crate::figure::{counted, not_in_it};
use crate::plot::{Axis, Chart, Ink, Look, Plot, Series, nice};
use crate::view::StreamView;
use parallax_record::Stage;

/// The percentiles that have a tick, and the frames that each needs.
const TICKS: [(f64, &str, usize); 9] = [
    (0.0, "p0", 1),
    (0.5, "p50", 2),
    (0.75, "p75", 4),
    (0.9, "p90", 10),
    (0.95, "p95", 20),
    (0.99, "p99", 100),
    (0.999, "p99.9", 1_000),
    (0.9999, "p99.99", 10_000),
    (0.99999, "p99.999", 100_000),
];

/// Where a share of frames lies on the axis: equal steps for 90 %, 99 %, 99.9 %.
fn place(share: f64) -> f64 {
    -libm::log10(1.0 - share)
}

/// Points of a curve.
const POINTS: usize = 600;

/// A curve's points: (place, latency in ms) for ranks of an ascending sample, denser where fewer are left.
fn points(sorted: &[i64]) -> Vec<(f64, f64)> {
    let count = sorted.len();
    let end = place((count as f64 - 0.5) / count as f64);
    let mut ranks: Vec<usize> = if count <= POINTS {
        (0..count).collect()
    } else {
        let share = |step: usize| 1.0 - libm::pow(10.0, -end * step as f64 / POINTS as f64);
        (0..=POINTS).map(|step| ((share(step) * count as f64) as usize).min(count - 1)).collect()
    };
    ranks.dedup();
    ranks
        .into_iter()
        .map(|rank| (place((rank as f64 + 0.5) / count as f64), ms(sorted[rank])))
        .collect()
}

fn chart(title: &str, samples: &[&[i64]]) -> Option<(Chart, f64)> {
    let most = samples.iter().filter_map(|sample| sample.last()).max()?;
    let count = samples.iter().map(|sample| sample.len()).max()?;
    let end = place((count as f64 - 0.5) / count as f64).max(0.5);
    let ticks = TICKS.iter().filter(|(_, _, needs)| *needs <= count);
    let ticks = ticks.map(|(share, name, _)| (place(*share), (*name).to_owned())).collect();
    let look = Look {
        width: 1_000,
        height: 260,
        left: 118,
        x_name: "percentile of frames (logarithmic)",
        group: None,
    };
    let top = nice::ceiling(ms(*most) * 1.05);
    let axis = Axis { range: 0.0..end, ticks };
    Some((Chart::new(title, look, axis, Axis::plain(0.0, top, 5)), top))
}

/// What is pointed at: the percentile as a place on the axis.
fn point(chart: &mut Chart, sorted: &[i64]) {
    let points = points(sorted);
    chart.hover.xn = "percentile";
    chart.hover.xu = "p";
    chart.hover.x = points.iter().map(|(x, _)| crate::plot::round(*x)).collect();
    let v = points.iter().map(|(_, y)| Some(*y)).collect();
    chart.hover.s = vec![Series { n: "latency".to_owned(), u: "ms", v }];
}

const READING: &str = "Share of frames with at most this latency: the further right, the rarer the frame. A curve \
                       that stays flat and then turns up has few late frames; the axis ends where the sample does.";

/// Of one stream of a run; none if no frame was shown.
pub(crate) fn run_curve(stream: &StreamView, id: &str) -> Option<Plot> {
    let sorted = stream.latencies_us();
    let (mut chart, _) = chart("Latency by percentile, ms", &[&sorted])?;
    chart.line(Ink::Latency, 20, points(&sorted));
    point(&mut chart, &sorted);
    let frames = counted(sorted.len() as u64, "frame");
    let without = not_in_it(stream.lost.len() as u64);
    Some(chart.draw(id, &format!("Of {frames}{without}."), READING))
}

/// Of a stream over several runs: each by itself, and all frames together.
pub(crate) fn scenario_curve(streams: &[&StreamView], id: &str) -> Option<Plot> {
    let each: Vec<Vec<i64>> = streams.iter().map(|stream| stream.latencies_us()).collect();
    let mut all: Vec<i64> = each.iter().flatten().copied().collect();
    all.sort_unstable();
    let (mut chart, _) = chart("Latency by percentile, ms", &[&all])?;
    if each.len() > 1 {
        chart.named(Ink::Stage(Stage::Capture), "one run");
        for run in each.iter().filter(|run| !run.is_empty()) {
            chart.line(Ink::Stage(Stage::Capture), 10, points(run));
        }
    }
    chart.named(Ink::Latency, "all frames");
    chart.line(Ink::Latency, 30, points(&all));
    point(&mut chart, &all);
    let summary = format!(
        "Of {} of {}{}.",
        counted(all.len() as u64, "frame"),
        counted(each.len() as u64, "run"),
        not_in_it(streams.iter().map(|stream| stream.lost.len() as u64).sum())
    );
    Some(chart.draw(id, &summary, READING))
}

/// Of a stream simulated and measured: all frames of either side.
pub(crate) fn beside_curve(sides: [&[&StreamView]; 2], id: &str) -> Option<Plot> {
    let [simulated, measured] = sides.map(|side| {
        let mut all: Vec<i64> = side.iter().flat_map(|stream| stream.latencies_us()).collect();
        all.sort_unstable();
        all
    });
    if simulated.is_empty() || measured.is_empty() {
        return None;
    }
    let (mut chart, _) = chart("Latency by percentile, ms", &[&simulated, &measured])?;
    let most = simulated.len().max(measured.len()) as f64;
    let end = place((most - 0.5) / most);
    chart.named(Ink::Latency, "simulated");
    chart.line(Ink::Latency, 20, points(&simulated));
    chart.named(Ink::Lost, "measured");
    chart.line(Ink::Lost, 20, points(&measured));
    // Read at the same places on both: each by nearest rank, as far as its sample goes.
    let shares: Vec<f64> = (0..=POINTS / 4)
        .map(|step| 1.0 - libm::pow(10.0, -end * step as f64 / (POINTS / 4) as f64))
        .collect();
    let read = |sorted: &[i64]| {
        let at = |share: &f64| sorted.get((share * sorted.len() as f64) as usize).map(|us| ms(*us));
        shares.iter().map(at).collect::<Vec<_>>()
    };
    chart.hover.xn = "percentile";
    chart.hover.xu = "p";
    chart.hover.x = shares.iter().map(|share| crate::plot::round(place(*share))).collect();
    let series = |n: &str, sorted: &[i64]| Series { n: n.to_owned(), u: "ms", v: read(sorted) };
    chart.hover.s = vec![series("simulated", &simulated), series("measured", &measured)];
    let [lost_simulated, lost_measured] =
        sides.map(|side| not_in_it(side.iter().map(|stream| stream.lost.len() as u64).sum()));
    let summary = format!(
        "{} simulated{lost_simulated}, {} measured{lost_measured}.",
        counted(simulated.len() as u64, "frame"),
        counted(measured.len() as u64, "frame")
    );
    Some(chart.draw(id, &summary, READING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_the_sample_itself_and_thins_the_middle_not_the_tail() {
        let few = points(&[10_000, 20_000, 30_000, 40_000]);
        assert_eq!(few.iter().map(|(_, y)| *y).collect::<Vec<_>>(), [10.0, 20.0, 30.0, 40.0]);
        let many: Vec<i64> = (0..100_000).collect();
        let curve = points(&many);
        assert!(curve.len() <= POINTS + 1);
        let tail: Vec<f64> = curve.iter().rev().take(3).map(|(_, y)| *y * 1e3).collect();
        assert_eq!(tail, [99_999.0, 99_998.0, 99_997.0]);
        assert!(curve.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
    }

    #[test]
    fn each_nine_is_as_far_from_the_one_before() {
        assert!((place(0.9) - 1.0).abs() < 1e-9);
        assert!((place(0.999) - 3.0).abs() < 1e-9);
    }
}
