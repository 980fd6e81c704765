//! Checks that the mode of their runs cannot judge.

use super::Report;
use crate::{check_text, escape::tame};

/// A check that was not judged, over the runs of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotJudgedLine {
    /// The scenario.
    pub scenario: String,
    /// What was to be checked, of which stream, in which window.
    pub check: String,
    /// In how many runs.
    pub runs: u64,
    /// Why not.
    pub reason: String,
}

impl Report {
    /// How many checks of all runs were not judged.
    #[must_use]
    pub fn not_judged(&self) -> u64 {
        self.runs.iter().map(|run| run.summary.not_judged.len() as u64).sum()
    }

    /// The checks that were not judged, each once for a scenario, in the order of the scenarios.
    #[must_use]
    pub fn not_judged_by_scenario(&self) -> Vec<NotJudgedLine> {
        let mut lines = Vec::new();
        for scenario in &self.scenarios {
            let first = lines.len();
            for summary in scenario.runs.iter().map(|at| &self.runs[*at].summary) {
                for check in &summary.not_judged {
                    let title = check_text::not_judged_title(check, summary);
                    let reason = tame(&check.reason);
                    let known =
                        |line: &&mut NotJudgedLine| line.check == title && line.reason == reason;
                    match lines[first..].iter_mut().find(known) {
                        Some(line) => line.runs += 1,
                        None => lines.push(NotJudgedLine {
                            scenario: tame(&scenario.name),
                            check: title,
                            runs: 1,
                            reason,
                        }),
                    }
                }
            }
        }
        lines
    }
}
