//! Budgets: how much of what there is a report shows. What it costs grows with what it shows, not with what there is.

use parallax_record::{StreamSummary, Summary, Verdict};
use std::collections::BTreeMap;

/// Streams of a run, and of a scenario, that are shown with their plots.
pub(crate) const STREAMS: usize = 8;

/// Bytes of the plots of all scenarios on a page.
pub(crate) const SCENARIO_PLOTS: usize = 6_000_000;

/// Sessions of a stream whose connection is drawn.
pub(crate) const SESSIONS: usize = 6;

/// Rows of a table of streams.
pub(crate) const STREAM_ROWS: usize = 100;

/// Checks of a run that are described one by one where there are many, those that did not pass first.
pub(crate) const CHECKS: usize = 60;

/// Checks of a run that are described one by one among those that did not pass.
pub(crate) const MISSED_CHECKS: usize = 12;

/// Streams simulated and measured that are shown side by side in full, the worst first.
pub(crate) const PAIRS: usize = 20;

/// Marks of gateways' mappings in a run.
pub(crate) const MAPPINGS: usize = 1_000;

/// Which streams of a run are shown with their plots, in the order of the summary: those with a check that did not
/// pass first, the worst verdict first, then those with the greatest p95.
pub(crate) fn streams(run: &Summary) -> Vec<usize> {
    let each: Vec<Vec<&StreamSummary>> = run.streams.iter().map(|stream| vec![stream]).collect();
    scenario_streams(&[run], &each)
}

/// The places of the greatest, ascending.
fn chosen(ranks: impl Iterator<Item = (Verdict, Option<i64>)>) -> Vec<usize> {
    let mut ranked: Vec<_> = ranks.map(std::cmp::Reverse).zip(0..).collect();
    ranked.sort();
    let mut chosen: Vec<usize> = ranked.into_iter().take(STREAMS).map(|(_, at)| at).collect();
    chosen.sort_unstable();
    chosen
}

/// Which streams of a scenario are shown with their plots, by the same order over all its runs.
pub(super) fn scenario_streams(runs: &[&Summary], streams: &[Vec<&StreamSummary>]) -> Vec<usize> {
    let mut verdicts: BTreeMap<(&str, &str), Verdict> = BTreeMap::new();
    for check in runs.iter().flat_map(|run| &run.checks) {
        let name = (check.camera.as_str(), check.viewer.as_str());
        let worst = verdicts.entry(name).or_insert(check.verdict);
        *worst = (*worst).max(check.verdict);
    }
    let rank = |all: &Vec<&StreamSummary>| {
        let name = all.first().map(|one| (one.camera.as_str(), one.viewer.as_str()));
        let verdict = name.and_then(|name| verdicts.get(&name)).copied();
        let late = all.iter().filter_map(|stream| stream.capture_to_render_us.p95).max();
        (verdict.unwrap_or(Verdict::Pass), late)
    };
    chosen(streams.iter().map(rank))
}
