//! Where the time went.

use super::{look, ms, run_time, s};
use crate::figure;
use crate::plot::{Axis, Chart, Ink, Plot, Series, labels, nice};
use crate::view::{Run, StreamView};
use parallax_record::{PerStage, Stage};
use std::fmt::Write;

/// The mean of each stage in each interval, one upon the other.
pub(crate) fn stages(run: &Run, stream: &StreamView, id: &str) -> Plot {
    let step = s(stream.second_us);
    let means: Vec<Option<PerStage<f64>>> = stream
        .seconds
        .iter()
        .map(|second| {
            (second.staged > 0).then(|| second.stages_us.map(|sum| ms(*sum) / second.staged as f64))
        })
        .collect();
    let whole = |stages: &PerStage<f64>| stages.iter().map(|(_, mean)| mean).sum::<f64>();
    let most = means.iter().flatten().map(whole).fold(0.0, f64::max);
    let top = nice::ceiling(most * 1.05);
    let title = "Where the time went, ms";
    let mut chart = Chart::new(title, look(run), run_time(run), Axis::plain(0.0, top, 5));
    let mut bases = vec![0.0; means.len()];
    for stage in Stage::ALL {
        let mut boxes = Vec::new();
        for (at, mean) in means.iter().enumerate() {
            let Some(mean) = mean else { continue };
            let (from, base) = (at as f64 * step, bases[at]);
            bases[at] = base + mean[stage];
            boxes.push((from + step * 0.06, from + step * 0.94, base, bases[at]));
        }
        chart.boxes(Ink::Stage(stage), 1.0, boxes);
        chart.named(Ink::Stage(stage), stage.name());
        let values = means.iter().map(|mean| mean.map(|mean| crate::plot::round(mean[stage])));
        chart.hover.s.push(Series { n: stage.name().to_owned(), u: "ms", v: values.collect() });
    }
    chart.hover.x = (0..means.len()).map(|at| (at as f64 + 0.5) * step).collect();
    chart.hover.xn = "around";
    chart.draw(
        id,
        "The mean time that shown frames spent in each stage, by when they were captured.",
        "Each column is the mean of the frames captured in it, split into the stages of a frame's way; for \
         each frame the stages add up exactly to its latency. A stage that swells is where to look.",
    )
}

/// One bar of stages, for a page alone: the medians side by side.
pub(crate) fn bar(stages_us: &PerStage<Option<i64>>, id: &str) -> Option<String> {
    let sum: i64 = stages_us.iter().filter_map(|(_, us)| *us).sum();
    if sum <= 0 {
        return None;
    }
    let width = 1_000.0;
    let mut svg = format!(
        "<svg class=\"bar\" viewBox=\"0 0 1000 46\" role=\"img\" aria-labelledby=\"{id}-t\">\
         <title id=\"{id}-t\">Median time in each stage: {}</title>",
        told(stages_us)
    );
    let mut x = 0.0;
    for (stage, us) in stages_us.iter() {
        let wide = width * us.unwrap_or(0) as f64 / sum as f64;
        let _ = write!(
            svg,
            "<rect class=\"f-{}\" x=\"{x:.1}\" y=\"0\" width=\"{wide:.1}\" height=\"22\"/>",
            Ink::Stage(stage).name()
        );
        let text = format!("{} {}", stage.name(), figure::duration(us.unwrap_or(0)));
        // What does not fit is in the table beside it.
        if wide > labels::width(&text, 12.0) + 4.0 {
            let _ = write!(
                svg,
                "<text class=\"f-text\" x=\"{x:.1}\" y=\"39\" font-size=\"12\">{text}</text>"
            );
        }
        x += wide;
    }
    svg.push_str("</svg>");
    Some(svg)
}

pub(crate) fn told(stages_us: &PerStage<Option<i64>>) -> String {
    let each = stages_us.iter().map(|(stage, us)| match us {
        Some(us) => format!("{} {}", stage.name(), figure::duration(*us)),
        None => format!("{} unknown", stage.name()),
    });
    each.collect::<Vec<_>>().join(", ")
}
