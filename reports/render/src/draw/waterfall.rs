//! How a connection came about, step by step.

use super::s;
use crate::figure;
use crate::plot::{Axis, Chart, Ink, Look, Plot};
use crate::view::{BoundKind, MissedBound, Run, SessionSetup, SetupEnd, StreamView};

/// The steps of a session at both ends.
pub(crate) fn waterfall(
    run: &Run,
    stream: &StreamView,
    connection: &SessionSetup,
    id: &str,
) -> Plot {
    let steps = &connection.steps;
    let rows = steps.len().max(1);
    let end = steps.iter().map(|step| step.to_us).max().unwrap_or(1).max(1) as f64 / 1e6;
    // A bound counts from the first time that the viewer asked.
    let first = stream.connections.first().map_or(0, |first| first.requested_us);
    let before = s(connection.requested_us.saturating_sub(first));
    let bounds = run.bounds(stream, BoundKind::Setup);
    let bounds: Vec<(&MissedBound, f64)> = bounds
        .map(|bound| (bound, bound.value as f64 / 1e6 - before))
        .filter(|(_, at)| *at >= 0.0)
        .collect();
    let end = bounds.iter().map(|(_, at)| *at).fold(end, f64::max);
    // Room for the durations right of the bars.
    let end = end * 1.12;
    let middle = |row: usize| (rows - row) as f64 - 0.5;
    let name = |end: SetupEnd| if end == SetupEnd::Viewer { "viewer" } else { "camera" };
    let ticks = steps
        .iter()
        .enumerate()
        .map(|(row, step)| (middle(row), format!("{} · {}", name(step.end), step.name)));
    let axis = Axis { range: 0.0..rows as f64, ticks: ticks.collect() };
    let look = Look {
        width: 1_000,
        height: 62 + 21 * rows as u32,
        left: 252,
        x_name: "since the viewer asked, s",
        group: None,
    };
    let title = format!("Connection, session {}", connection.number);
    let mut chart = Chart::new(&title, look, Axis::plain(0.0, end, 10), axis);
    chart.named(Ink::Latency, "viewer");
    chart.named(Ink::Second, "camera");
    if steps.iter().any(|step| step.unanswered) {
        chart.named(Ink::Lost, "pair without an answer");
    }
    for (row, step) in steps.iter().enumerate() {
        let y = middle(row);
        let (from, to) = (step.from_us as f64 / 1e6, step.to_us as f64 / 1e6);
        let ink = match (step.unanswered, step.end) {
            (true, _) => Ink::Lost,
            (false, SetupEnd::Viewer) => Ink::Latency,
            (false, SetupEnd::Camera) => Ink::Second,
        };
        // What took no time is still seen.
        let seen = to.max(from + end / 400.0);
        chart.boxes(ink, 1.0, vec![(from, seen, y - 0.3, y + 0.3)]);
        let lasted = figure::duration(step.to_us - step.from_us);
        chart.text(Ink::Quiet, seen + end / 160.0, y, &lasted, false);
        let also = if step.text.is_empty() { String::new() } else { format!(" ({})", step.text) };
        let text = format!(
            "{} {}: {lasted}, done after {}{also}",
            name(step.end),
            step.name,
            figure::duration(step.to_us)
        );
        chart.hover.b.push((from, end, y - 0.5, y + 0.5, text));
    }
    for (bound, at) in bounds {
        chart.until(at, &bound.text);
    }
    let told: Vec<String> = chart.hover.b.iter().map(|(.., text)| text.clone()).collect();
    chart.told = Some(told.join("; "));
    let longest = steps.iter().max_by_key(|step| step.to_us - step.from_us);
    let summary = longest.map_or_else(String::new, |step| {
        let lasted = figure::duration(step.to_us - step.from_us);
        format!("The longest step: {}, {} of the {}.", lasted, step.name, name(step.end))
    });
    chart.draw(
        id,
        &summary,
        "Each bar begins when the step that it waits for was complete at that end, and ends when it was complete \
         itself. Candidate pairs are there from their first check to the first answer. Gathering runs beside the others. The longest bar in the chain is what to shorten.",
    )
}
