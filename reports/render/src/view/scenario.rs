//! A scenario over all its runs.

use super::{Heat, LatencyTable, MadeBy, Pooled, Run, Topology, VerdictCounts, budget};
use crate::input::Folder;
use parallax_record::{
    Flaky, Histogram, LatencySummary, OverTime, PerStage, Percentile, StreamSummary, Summary,
    flaky, nearest_rank,
};
use std::collections::BTreeMap;

/// A stream over all runs of its scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioStream {
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// Percentiles of its latency.
    pub latency: LatencyTable,
    /// Whether it is shown with its plots: of many streams, the worst are.
    pub in_full: bool,
    /// The latency over time, if it is shown with its plots: of each frame if all runs are shown in full, else by the summaries.
    pub heat: Option<Heat>,
    /// Where the time went: for each stage the median over the runs of their medians, microseconds.
    pub stages_us: PerStage<Option<i64>>,
    /// Runs whose media went directly, through a relay, or nowhere.
    pub routes: [u64; 3],
}

/// A scenario over all its runs in one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioView {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Why it exists; none if no run of it is shown in full.
    pub why: Option<String>,
    /// The folder that it was read from.
    pub folder: usize,
    /// Its runs in the report.
    pub runs: Vec<usize>,
    /// How many have which verdict.
    pub counts: VerdictCounts,
    /// Which of them passed sometimes.
    pub flaky: Vec<Flaky>,
    /// Its network; none if no run of it is shown in full.
    pub topology: Option<Topology>,
    /// What produced the figures: once for each way in which the runs differ.
    pub made_by: Vec<MadeBy>,
    /// How long its runs lasted at most.
    pub duration_us: u64,
    /// Its streams.
    pub streams: Vec<ScenarioStream>,
}

impl ScenarioView {
    /// Of its runs: where they are in the report and their summaries.
    #[must_use]
    pub fn of(folder: (usize, &Folder), runs: &[(usize, &Summary)], details: &[Run]) -> Self {
        let (index, read) = folder;
        let summaries: Vec<&Summary> = runs.iter().map(|(_, summary)| *summary).collect();
        let own: Vec<&Run> =
            details.iter().filter(|run| runs.iter().any(|(at, _)| *at == run.run)).collect();
        let first = summaries[0];
        let record = read.details.iter().find_map(|detail| {
            let summary = read.suite.runs.get(detail.run)?;
            (summary.scenario == first.scenario).then_some((&detail.record.header, summary))
        });
        let mut made_by: Vec<MadeBy> = Vec::new();
        for made in summaries.iter().map(|run| MadeBy::of(run)) {
            if !made_by.contains(&made) {
                made_by.push(made);
            }
        }
        let duration_us = summaries.iter().map(|run| run.duration_us).max().unwrap_or(0);
        Self {
            name: first.scenario.to_string(),
            title: first.title.clone(),
            why: record.map(|(header, _)| header.why.clone()),
            folder: index,
            runs: runs.iter().map(|(at, _)| *at).collect(),
            counts: VerdictCounts::of(summaries.iter().map(|run| run.verdict)),
            flaky: flaky(summaries.iter().copied()),
            topology: record.map(|(header, summary)| Topology::of(header, summary)),
            made_by,
            duration_us,
            streams: streams(&summaries, &own, duration_us),
        }
    }
}

fn streams(summaries: &[&Summary], own: &[&Run], duration_us: u64) -> Vec<ScenarioStream> {
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut each: Vec<Vec<&StreamSummary>> = Vec::new();
    for stream in summaries.iter().flat_map(|run| &run.streams) {
        let place = *places.entry((&stream.camera, &stream.viewer)).or_insert(each.len());
        if place == each.len() {
            each.push(Vec::new());
        }
        each[place].push(stream);
    }
    let chosen = budget::scenario_streams(summaries, &each);
    let of = |(at, all): (usize, Vec<&StreamSummary>)| {
        let (camera, viewer) = (all[0].camera.as_str(), all[0].viewer.as_str());
        let in_full = chosen.contains(&at);
        let latencies: Vec<LatencySummary> =
            all.iter().map(|stream| stream.capture_to_render_us).collect();
        let shown = own.iter().filter(|_| in_full);
        let frames: Vec<(u64, i64)> = shown
            .flat_map(|run| &run.streams)
            .filter(|stream| stream.camera == camera && stream.viewer == viewer)
            .flat_map(|stream| &stream.shown)
            .map(|frame| (frame.captured_us, frame.latency_us))
            .collect();
        // All frames of all runs are known only if each run with frames is shown in full.
        let known = frames.len() as u64 == latencies.iter().map(|run| run.count).sum::<u64>();
        let mut pooled: Vec<i64> = frames.iter().map(|(_, late)| *late).collect();
        pooled.sort_unstable();
        let histogram =
            Histogram::pooled(all.iter().map(|stream| &stream.capture_to_render_histogram_us));
        let over_time: Vec<&OverTime> =
            all.iter().map(|stream| &stream.capture_to_render_over_time_us).collect();
        let mut routes = [0; 3];
        for stream in &all {
            routes[match stream.relayed {
                Some(false) => 0,
                Some(true) => 1,
                None => 2,
            }] += 1;
        }
        ScenarioStream {
            camera: camera.to_owned(),
            viewer: viewer.to_owned(),
            latency: LatencyTable::of(
                &latencies,
                if known { Pooled::Exact(&pooled) } else { Pooled::Buckets(&histogram) },
                all.iter().map(|stream| stream.frames.lost.total()).sum(),
            ),
            in_full,
            heat: (in_full && latencies.iter().any(|run| run.count > 0)).then(|| {
                if known {
                    Heat::of(&frames, duration_us, own.len() as u64)
                } else {
                    Heat::of_summaries(&over_time, duration_us)
                }
            }),
            stages_us: medians(&all),
            routes,
        }
    };
    each.into_iter().enumerate().map(of).collect()
}

/// For each stage the median of the runs' medians.
fn medians(runs: &[&StreamSummary]) -> PerStage<Option<i64>> {
    PerStage::from_fn(|stage| {
        let mut values: Vec<i64> = runs.iter().filter_map(|run| run.stages_us[stage].p50).collect();
        values.sort_unstable();
        nearest_rank(&values, Percentile::P50)
    })
}
