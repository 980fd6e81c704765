//! All runs in one picture.

use crate::{
    escape::{tame, xml},
    plot::labels,
    view::Report,
};
use parallax_record::Verdict;
use std::fmt::Write;

/// A verdict's letter and the name of its ink: the letter says it without the colour.
pub(crate) fn sign(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("✓", "pass"),
        Verdict::Inconclusive => ("?", "inconclusive"),
        Verdict::Fail => ("✗", "fail"),
        Verdict::Error => ("!", "error"),
    }
}

/// Cells in a line.
const LINE: usize = 40;
const CELL: usize = 20;

/// Scenario by scenario, a cell for each run.
pub(crate) fn grid(report: &Report) -> String {
    let mut body = String::new();
    let mut y = 34;
    for scenario in &report.scenarios {
        let _ = write!(
            body,
            "<text class=\"f-text\" x=\"12\" y=\"{}\" font-size=\"13\">{}</text>",
            y + 14,
            xml(&labels::fit(&tame(&scenario.name), 13.0, 172.0))
        );
        for (at, run) in scenario.runs.iter().enumerate() {
            let (letter, ink) = sign(report.runs[*run].summary.verdict);
            let (x, top) = (190 + at % LINE * CELL, y + at / LINE * CELL);
            let _ = write!(
                body,
                "<rect class=\"f-{ink}\" x=\"{x}\" y=\"{top}\" width=\"18\" height=\"18\" rx=\"2\"/>\
                 <text class=\"f-ground\" x=\"{}\" y=\"{}\" font-size=\"12\" text-anchor=\"middle\">{letter}</text>",
                x + 9,
                top + 13
            );
        }
        y += scenario.runs.len().div_ceil(LINE).max(1) * CELL + 6;
    }
    let widest = report.scenarios.iter().map(|scenario| scenario.runs.len().min(LINE)).max();
    let width = (190 + widest.unwrap_or(0) * CELL + 12).max(520);
    let counts = Verdict::ALL.into_iter().rev().map(|verdict| {
        let (letter, _) = sign(verdict);
        format!("{letter} {} {verdict}", report.counts.get(verdict))
    });
    let counts = counts.collect::<Vec<_>>().join("   ");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {}\">{body}\
         <text class=\"f-text\" x=\"12\" y=\"20\" font-size=\"13\" font-weight=\"bold\">{counts}</text></svg>",
        y + 8
    )
}
