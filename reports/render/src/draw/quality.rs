//! How good the pictures were.

use super::{look, run_time, s, thinned};
use crate::plot::{Axis, Chart, Ink, Look, Plot, Series};
use crate::view::{BoundKind, Run, ShownFrame, StreamView};

/// Luma PSNR over time; none if it is not known.
pub(crate) fn psnr(run: &Run, stream: &StreamView, id: &str) -> Option<Plot> {
    let axis = QualityAxis { title: "PSNR, dB", name: "PSNR", unit: "dB", scale: 1e3 };
    quality(run, stream, id, axis, BoundKind::Psnr, |frame| frame.psnr_millidb.map(f64::from))
}

/// Luma SSIM over time; none if it is not known.
pub(crate) fn ssim(run: &Run, stream: &StreamView, id: &str) -> Option<Plot> {
    let axis = QualityAxis { title: "SSIM", name: "SSIM", unit: "", scale: 1e6 };
    quality(run, stream, id, axis, BoundKind::Ssim, |frame| frame.ssim_ppm.map(f64::from))
}

/// What a plot of quality shows. A record's value is `scale` times as large.
struct QualityAxis {
    title: &'static str,
    name: &'static str,
    unit: &'static str,
    scale: f64,
}

fn quality(
    run: &Run,
    stream: &StreamView,
    id: &str,
    QualityAxis { title, name, unit, scale }: QualityAxis,
    kind: BoundKind,
    of: fn(&ShownFrame) -> Option<f64>,
) -> Option<Plot> {
    let bounds = run.bounds(stream, kind);
    let bounds: Vec<_> = bounds.map(|bound| (bound, bound.value as f64 / scale)).collect();
    let point = |frame: &ShownFrame| Some((s(frame.captured_us), of(frame)? / scale));
    let points: Vec<(f64, f64)> = stream.shown.iter().filter_map(point).collect();
    let least = points.iter().map(|(_, y)| *y).min_by(f64::total_cmp)?;
    let most = points.iter().map(|(_, y)| *y).max_by(f64::total_cmp)?;
    let summary =
        format!("From {least:.3} to {most:.3}{}{unit}.", if unit.is_empty() { "" } else { " " });
    let least = bounds.iter().map(|(_, y)| *y).fold(least, f64::min);
    let most = bounds.iter().map(|(_, y)| *y).fold(most, f64::max);
    let room = ((most - least) * 0.08).max(least.abs() * 0.002);
    let axis = Axis::plain(least - room, most + room, 4);
    let look = Look { height: 180, ..look(run) };
    let mut chart = Chart::new(title, look, run_time(run), axis);
    chart.hover.x = points.iter().map(|(x, _)| *x).collect();
    let v = points.iter().map(|(_, y)| Some(*y)).collect();
    chart.hover.s.push(Series { n: name.to_owned(), u: unit, v });
    chart.dots(Ink::Second, 30, thinned(points));
    for (bound, y) in bounds {
        chart.bound((s(bound.from_us), s(bound.to_us)), y, &bound.text, true);
    }
    let reading = "Each dot is a frame as it was shown against the same frame as the camera saw it, luma alone, \
                   the marker's strip left out. Higher is better; a dip is a damaged or starved picture.";
    Some(chart.draw(id, &summary, reading))
}
