//! Latency over all runs of a scenario, from the histograms of their summaries.

use crate::view::{Report, ScenarioStream, ScenarioView};
use parallax_record::{Histogram, Percentile, StreamSummary};

/// The histogram of a stream over all runs of its scenario.
#[must_use]
pub fn histogram(report: &Report, scenario: &ScenarioView, stream: &ScenarioStream) -> Histogram {
    let runs = runs(report, scenario, stream);
    Histogram::pooled(runs.iter().map(|one| &one.capture_to_render_histogram_us))
}

/// What the runs of a scenario say of a stream.
#[must_use]
pub fn runs<'a>(
    report: &'a Report,
    scenario: &ScenarioView,
    stream: &ScenarioStream,
) -> Vec<&'a StreamSummary> {
    let runs = scenario.runs.iter().filter_map(|at| report.runs.get(*at));
    runs.flat_map(|run| &run.summary.streams)
        .filter(|one| one.camera == stream.camera && one.viewer == stream.viewer)
        .collect()
}

/// p50, p90, p95 and p99, each if the sample bears it, and the greatest: microseconds. Of one run they
/// are exact; of several each but the greatest may be too great by less than 1/128.
#[must_use]
pub fn row(report: &Report, scenario: &ScenarioView, stream: &ScenarioStream) -> [Option<i64>; 5] {
    let own = runs(report, scenario, stream);
    let runs = own.iter().map(|one| one.capture_to_render_us).filter(|run| run.count > 0);
    let runs: Vec<_> = runs.collect();
    let max = runs.iter().filter_map(|run| run.max).max();
    let count: u64 = runs.iter().map(|run| run.count).sum();
    let pooled = histogram(report, scenario, stream);
    let exact = match runs[..] {
        [one] => Some([one.p50, one.p90, one.p95, one.p99]),
        _ => None,
    };
    let all = [Percentile::P50, Percentile::P90, Percentile::P95, Percentile::P99];
    let mut row = [None; 5];
    for (at, percentile) in all.into_iter().enumerate() {
        if count >= percentile.sample_that_bears_it() {
            let us = match exact {
                Some(exact) => exact[at],
                None => pooled.percentile_us(percentile),
            };
            // No percentile is above the greatest, whatever its bucket.
            row[at] = us.map(|us| max.map_or(us, |max| us.min(max)));
        }
    }
    row[4] = max;
    row
}
