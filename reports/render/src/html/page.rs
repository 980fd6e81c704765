//! What the page says, ready for its template: texts are tamed here and escaped there.

use super::word;
use crate::plot::Plot;
use crate::view::{
    LatencyTable, Missed, NotJudgedLine, Report, ScenarioStream, ScenarioView, budget,
};
use crate::{
    draw,
    escape::{prose, tame},
    figure, split, terminal,
};
use parallax_record::{Percentile, StreamSummary, Summary, Uncertainty};
use std::collections::BTreeSet;

/// Most runs that did not pass and are described one by one; all are in the grid and in the list.
pub(super) const MISSED_SHOWN: usize = 50;

/// Most checks that were not judged and are listed.
const NOT_JUDGED_SHOWN: usize = 200;

/// A run that did not pass.
pub(super) struct MissedRun {
    pub(super) anchor: String,
    pub(super) scenario: String,
    pub(super) seed: String,
    pub(super) verdict: &'static str,
    pub(super) sign: &'static str,
    pub(super) missed: Missed,
    /// How many checks that did not pass are not told here.
    pub(super) more: usize,
}

pub(super) fn anchor(run: usize, shown: &BTreeSet<usize>) -> String {
    if shown.contains(&run) { format!("run-{run}") } else { format!("row-{run}") }
}

pub(super) fn missed(report: &Report, shown: &BTreeSet<usize>) -> Vec<MissedRun> {
    let each = report.missed.iter().take(MISSED_SHOWN);
    each.map(|missed| {
        let summary = &report.runs[missed.run].summary;
        let mut missed = missed.clone();
        let more = missed.checks.len().saturating_sub(budget::MISSED_CHECKS);
        missed.checks.truncate(budget::MISSED_CHECKS);
        MissedRun {
            more,
            anchor: anchor(missed.run, shown),
            scenario: tame(&summary.scenario),
            seed: summary.which(),
            verdict: word(summary.verdict),
            sign: draw::sign(summary.verdict).0,
            missed,
        }
    })
    .collect()
}

/// Checks that the mode of their runs cannot judge.
pub(super) struct NotJudgedSection {
    pub(super) count: String,
    pub(super) lines: Vec<NotJudgedLine>,
    pub(super) more: usize,
}

pub(super) fn not_judged(report: &Report) -> Option<NotJudgedSection> {
    let mut lines = report.not_judged_by_scenario();
    let more = lines.len().saturating_sub(NOT_JUDGED_SHOWN);
    lines.truncate(NOT_JUDGED_SHOWN);
    let count = figure::counted(report.not_judged(), "check");
    (!lines.is_empty()).then_some(NotJudgedSection { count, lines, more })
}

/// A scenario in the grid.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) anchor: String,
    pub(super) cells: Vec<GridCell>,
}

/// A run in the grid.
pub(super) struct GridCell {
    pub(super) anchor: String,
    pub(super) seed: String,
    pub(super) verdict: &'static str,
    pub(super) sign: &'static str,
}

pub(super) fn groups(report: &Report, shown: &BTreeSet<usize>) -> Vec<Group> {
    let cell = |run: &usize| {
        let summary = &report.runs[*run].summary;
        GridCell {
            anchor: anchor(*run, shown),
            seed: summary.which(),
            verdict: word(summary.verdict),
            sign: draw::sign(summary.verdict).0,
        }
    };
    let group = |(at, scenario): (usize, &ScenarioView)| Group {
        name: named(report, scenario),
        anchor: format!("scenario-{at}"),
        cells: scenario.runs.iter().map(cell).collect(),
    };
    report.scenarios.iter().enumerate().map(group).collect()
}

fn named(report: &Report, scenario: &ScenarioView) -> String {
    let name = tame(&scenario.name);
    if report.folders.len() > 1 {
        format!("{name} ({})", tame(&report.folders[scenario.folder]))
    } else {
        name
    }
}

/// A scenario over all its runs.
pub(super) struct ScenarioSection {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) why: Option<String>,
    pub(super) counts: String,
    pub(super) flaky: Vec<String>,
    pub(super) made_by: Vec<String>,
    /// In one line, for figures over all runs.
    pub(super) made: String,
    pub(super) topology: Option<String>,
    pub(super) streams: Vec<StreamSection>,
    /// The streams beside these, a row for each, and what is said of more.
    pub(super) others: Vec<StreamRow>,
    pub(super) others_more: usize,
}

/// A stream of which a row is shown.
pub(super) struct StreamRow {
    pub(super) name: String,
    pub(super) routes: String,
    pub(super) frames: u64,
    /// p50, p90, p95, p99 and max over all frames.
    pub(super) latencies: Vec<String>,
}

/// A stream over all runs of a scenario.
pub(super) struct StreamSection {
    pub(super) name: String,
    pub(super) routes: String,
    pub(super) frames: String,
    pub(super) rows: Vec<LatencyRow>,
    pub(super) compared: bool,
    /// By cause, over the runs.
    pub(super) split: Vec<split::CauseRow>,
    pub(super) bar: Option<String>,
    pub(super) stages: String,
    pub(super) plots: Vec<Plot>,
    /// There was no room for them.
    pub(super) no_plots: bool,
}

/// A line of a latency table.
pub(super) struct LatencyRow {
    pub(super) name: String,
    pub(super) pooled: String,
    pub(super) median: String,
    pub(super) range: String,
    pub(super) sample: String,
    pub(super) change: String,
    pub(super) worse: bool,
}

fn latency_rows(table: &LatencyTable) -> Vec<LatencyRow> {
    let each = table.rows.iter().map(|row| {
        let missing = row.missing.as_ref();
        let pooled = match (row.pooled_us, missing) {
            (Some(us), _) => table.time(us),
            (None, Some(why)) => why.clone(),
            (None, None) => "not known from summaries".to_owned(),
        };
        let none = || "–".to_owned();
        LatencyRow {
            name: row.name.clone(),
            pooled,
            median: row.over_runs_us.map_or_else(none, |[_, median, _]| {
                let median = table.time(median);
                row.interval_us.map_or(median.clone(), |(least, most)| {
                    let (least, most) = (table.time(least), table.time(most));
                    format!("{median} (95 %: {least} to {most})")
                })
            }),
            range: row.over_runs_us.map_or_else(none, |[least, _, most]| {
                format!("{} to {}", table.time(least), table.time(most))
            }),
            sample: match row.runs {
                0 => none(),
                runs => figure::counted(runs, "run"),
            },
            change: row.change.as_ref().map_or_else(none, |change| tame(&change.text)),
            worse: row.change.as_ref().is_some_and(|change| change.worse),
        }
    });
    each.collect()
}

fn made(scenario: &ScenarioView) -> String {
    match &scenario.made_by[..] {
        [one] => one.line(),
        many => format!("{} different settings, listed below", many.len()),
    }
}

/// All scenarios, those with the worst verdicts first.
pub(super) fn scenarios(report: &Report) -> Vec<ScenarioSection> {
    let mut left = budget::SCENARIO_PLOTS;
    let mut section = |(at, scenario): (usize, &ScenarioView)| {
        let counts = super::Verdict::ALL.into_iter().rev().filter_map(|verdict| {
            let count = scenario.counts.get(verdict);
            (count > 0).then(|| format!("{count} {}", word(verdict)))
        });
        let streams = scenario.streams.iter().enumerate().filter(|(_, stream)| stream.in_full);
        let others = scenario.streams.iter().filter(|stream| !stream.in_full);
        ScenarioSection {
            others: others.clone().take(budget::STREAM_ROWS).map(stream_row).collect(),
            others_more: others.count().saturating_sub(budget::STREAM_ROWS),
            id: format!("scenario-{at}"),
            name: named(report, scenario),
            title: tame(&scenario.title),
            why: scenario.why.as_ref().map(|why| prose(why)),
            counts: counts.collect::<Vec<_>>().join(", "),
            flaky: scenario.flaky.iter().map(ToString::to_string).collect(),
            made_by: scenario.made_by.iter().map(|made| made.line()).collect(),
            made: made(scenario),
            topology: scenario
                .topology
                .as_ref()
                .filter(|topology| !topology.places.is_empty())
                .map(|topology| draw::topology(topology, &format!("topology-{at}"))),
            streams: streams
                .map(|(index, stream)| {
                    stream_section(report, scenario, stream, &format!("s{at}-{index}"), &mut left)
                })
                .collect(),
        }
    };
    let mut order: Vec<(usize, &ScenarioView)> = report.scenarios.iter().enumerate().collect();
    order.sort_by_key(|(_, scenario)| std::cmp::Reverse(scenario.counts.worst()));
    order.into_iter().map(&mut section).collect()
}

fn stream_row(stream: &ScenarioStream) -> StreamRow {
    let pooled = |row: &crate::view::PercentileRow| {
        row.pooled_us.map_or_else(|| "–".to_owned(), |us| stream.latency.time(us))
    };
    StreamRow {
        name: format!("{} to {}", tame(&stream.camera), tame(&stream.viewer)),
        routes: routes(stream),
        frames: stream.latency.frames,
        latencies: stream.latency.rows.iter().map(pooled).collect(),
    }
}

fn routes(stream: &ScenarioStream) -> String {
    let [direct, relayed, nowhere] = stream.routes;
    let of = [(direct, "direct"), (relayed, "relayed"), (nowhere, "without a nominated pair")];
    let routes = of.into_iter().filter(|(count, _)| *count > 0);
    let routes = routes.map(|(count, way)| format!("{} {way}", figure::counted(count, "run")));
    routes.collect::<Vec<_>>().join(", ")
}

fn stream_section(
    report: &Report,
    scenario: &ScenarioView,
    stream: &ScenarioStream,
    id: &str,
    left: &mut usize,
) -> StreamSection {
    let own: Vec<_> = report
        .details
        .iter()
        .filter(|run| scenario.runs.contains(&run.run))
        .flat_map(|run| &run.streams)
        .filter(|one| one.camera == stream.camera && one.viewer == stream.viewer)
        .collect();
    // When the page is full nothing more is drawn.
    let room = *left > 0;
    let curve = if room { draw::scenario_curve(&own, &format!("{id}-curve")) } else { None };
    let heat = stream.heat.as_ref().filter(|_| room);
    let heat = heat.map(|heat| {
        draw::heat(heat, scenario.duration_us, Some(id.to_owned()), &format!("{id}-heat"))
    });
    let plots: Vec<Plot> = curve.into_iter().chain(heat).collect();
    let bytes: usize = plots.iter().map(|plot| plot.svg.len() + plot.data.len()).sum();
    *left = left.saturating_sub(bytes);
    StreamSection {
        name: format!("{} to {}", tame(&stream.camera), tame(&stream.viewer)),
        routes: routes(stream),
        frames: format!(
            "{} of {}{}",
            figure::counted(stream.latency.frames, "frame"),
            figure::counted(stream.latency.runs, "run"),
            figure::not_in_it(stream.latency.lost)
        ),
        rows: latency_rows(&stream.latency),
        compared: stream.latency.rows.iter().any(|row| row.change.is_some()),
        split: split::rows(&crate::pooled::runs(report, scenario, stream)),
        stages: draw::told(&stream.stages_us),
        bar: draw::bar(&stream.stages_us, &format!("{id}-bar")),
        no_plots: !room,
        plots,
    }
}

/// What came of a comparison with a baseline.
pub(super) struct BaselineSection {
    pub(super) verdict: &'static str,
    pub(super) sign: &'static str,
    pub(super) headline: String,
    /// Line by line, as on the terminal.
    pub(super) text: String,
}

pub(super) fn baseline(result: &parallax_record::BaselineResult) -> BaselineSection {
    BaselineSection {
        verdict: word(result.verdict),
        sign: draw::sign(result.verdict).0,
        headline: crate::baseline::headline(result),
        text: crate::baseline::text(result, terminal::Style::Plain).to_string(),
    }
}

/// A run in the list.
pub(super) struct RunRow {
    pub(super) run: usize,
    pub(super) anchor: Option<String>,
    pub(super) scenario: String,
    pub(super) seed: String,
    pub(super) verdict: &'static str,
    pub(super) sign: &'static str,
    pub(super) path: &'static str,
    /// Texts and the numbers that they are sorted by: first frame, p50, p95, p99, lost, freezes, PSNR.
    pub(super) figures: Vec<(String, i64)>,
}

/// The stream that is the latest at p95: the row tells of it.
fn worst(summary: &Summary) -> Option<&StreamSummary> {
    summary.streams.iter().max_by_key(|stream| stream.capture_to_render_us.p95)
}

pub(super) fn rows(report: &Report, shown: &BTreeSet<usize>) -> Vec<RunRow> {
    let row = |(run, cell): (usize, &crate::view::Cell)| {
        let summary = &cell.summary;
        let stream = worst(summary);
        RunRow {
            run,
            anchor: shown.contains(&run).then(|| format!("run-{run}")),
            scenario: tame(&summary.scenario),
            seed: summary.which(),
            verdict: word(summary.verdict),
            sign: draw::sign(summary.verdict).0,
            path: match stream.and_then(|stream| stream.relayed) {
                Some(true) => "relayed",
                Some(false) => "direct",
                None => "none",
            },
            figures: stream.map_or_else(|| vec![("–".to_owned(), -1); 7], figures),
        }
    };
    report.runs.iter().enumerate().map(row).collect()
}

fn figures(stream: &StreamSummary) -> Vec<(String, i64)> {
    let none = || ("–".to_owned(), -1);
    let time = |us: Option<i64>, open: Uncertainty| {
        us.map_or_else(none, |us| (figure::rounded(us, open.below.max(open.above)), us))
    };
    let latency = &stream.capture_to_render_us;
    let borne = |percentile: Percentile, us: Option<i64>| {
        if latency.count < percentile.sample_that_bears_it() {
            none()
        } else {
            time(us, latency.uncertainty)
        }
    };
    let (lost, captured) = (stream.frames.lost.total(), stream.frames.captured);
    vec![
        time(stream.time_to_first_frame_us, stream.time_to_first_frame_uncertainty_us),
        borne(Percentile::P50, latency.p50),
        borne(Percentile::P95, latency.p95),
        borne(Percentile::P99, latency.p99),
        (format!("{lost} of {captured}"), lost.cast_signed()),
        (stream.freezes.count.to_string(), stream.freezes.count.cast_signed()),
        stream
            .psnr_millidb
            .map_or_else(none, |psnr| (figure::level(i64::from(psnr)), i64::from(psnr))),
    ]
}

/// Where a folder was made.
pub(super) struct EnvironmentBlock {
    pub(super) folder: String,
    pub(super) facts: Vec<(&'static str, String)>,
}

pub(super) fn environments(report: &Report) -> Vec<EnvironmentBlock> {
    let blocks = report.folders.iter().zip(&report.environments);
    blocks
        .map(|(folder, environment)| EnvironmentBlock {
            folder: tame(folder),
            facts: environment.as_ref().map_or_else(Vec::new, |environment| {
                let wall = figure::duration(environment.wall_duration_us.cast_signed());
                vec![
                    ("Parallax", tame(&environment.parallax_version)),
                    ("Operating system", tame(&environment.os)),
                    ("Architecture", tame(&environment.arch)),
                    ("Compiler", tame(&environment.rustc)),
                    ("C++ compiler", tame(&environment.cxx)),
                    ("Optimised", if environment.optimised { "yes" } else { "no" }.to_owned()),
                    ("Cores", environment.cores.to_string()),
                    ("Began", tame(&environment.started_at)),
                    ("Took", wall),
                    ("Command", tame(&environment.command_line.join(" "))),
                ]
            }),
        })
        .collect()
}

/// A figure with how far the truth may be from it.
pub(super) fn spread(us: i64, uncertainty: parallax_record::Uncertainty) -> String {
    figure::measured(us, uncertainty.below, uncertainty.above)
}
