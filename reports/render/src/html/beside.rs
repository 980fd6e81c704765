//! The section with simulation and measurement side by side.

use super::word;
use crate::{
    beside, draw,
    plot::Plot,
    view::{Report, StreamView, budget},
};
use parallax_record::{ClockKind, beside::Pair};

/// A stream on both sides.
pub(super) struct PairSection {
    pub(super) id: String,
    pub(super) name: String,
    /// Verdict and sign; none if nothing was demanded.
    pub(super) verdict: Option<(&'static str, &'static str)>,
    pub(super) simulated: String,
    pub(super) measured: String,
    pub(super) left_out: Option<String>,
    pub(super) warnings: Vec<String>,
    pub(super) rows: Vec<FigureRow>,
    pub(super) judged: bool,
    pub(super) plot: Option<Plot>,
    /// What stands below the plot.
    pub(super) made: String,
}

/// A figure.
pub(super) struct FigureRow {
    pub(super) cells: [String; 5],
    pub(super) verdict: Option<(&'static str, &'static str)>,
}

/// The streams that both sides have.
pub(super) fn pairs(report: &Report) -> Vec<PairSection> {
    let Some(beside) = &report.beside else { return Vec::new() };
    let section = |(at, pair): (usize, &Pair)| {
        let sign = |verdict| (word(verdict), draw::sign(verdict).0);
        let [simulated, measured] = beside::sides(pair);
        let rows = pair.figures.iter().map(|compared| FigureRow {
            cells: beside::row(compared, beside.within),
            verdict: compared.verdict.map(sign),
        });
        PairSection {
            id: format!("beside-{at}"),
            name: beside::headline(pair, beside.within),
            verdict: pair.verdict.map(sign),
            made: format!("simulated: {simulated}; measured: {measured}"),
            simulated,
            measured,
            left_out: beside::left_out_of_it(pair),
            warnings: beside::warnings(pair),
            rows: rows.collect(),
            judged: pair.verdict.is_some(),
            plot: plot(report, pair, &format!("beside-{at}-curve")),
        }
    };
    beside::worst_first(beside).into_iter().take(budget::PAIRS).map(section).collect()
}

/// The frames of the runs that are shown in full and count.
fn plot(report: &Report, pair: &Pair, id: &str) -> Option<Plot> {
    let of = |clock: ClockKind| -> Vec<&StreamView> {
        let own = report.details.iter().filter(|run| {
            let summary = &report.runs[run.run].summary;
            let counts = summary.faults.is_empty() && summary.doubts.is_empty();
            summary.scenario == pair.scenario && summary.clock == clock && counts
        });
        own.flat_map(|run| &run.streams)
            .filter(|stream| stream.camera == pair.camera && stream.viewer == pair.viewer)
            .collect()
    };
    draw::beside_curve([&of(ClockKind::Virtual), &of(ClockKind::Real)], id)
}
