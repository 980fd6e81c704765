//! Overall verdict: what the page, its title, `summary.md`, JUnit, the terminal and the exit code all say.

use super::Report;
use crate::{baseline, beside, figure};
use parallax_record::Verdict;

/// Overall verdict with its reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overall {
    /// The worst of the reasons; pass without any; none if nothing ran.
    pub verdict: Option<Verdict>,
    /// Why it is no pass, the worst first.
    pub reasons: Vec<Reason>,
}

/// Why the overall verdict is no pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What it costs.
    pub verdict: Verdict,
    /// Where it comes from.
    pub source: Source,
    /// In words.
    pub text: String,
}

/// Where a reason comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Runs have this verdict.
    Runs,
    /// Records cannot be read.
    Records,
    /// Not all runs that were asked for have finished, or how many were is unknown.
    Planned,
    /// The comparison with a baseline.
    Baseline,
    /// The bound for the distance of simulation and measurement.
    Within,
}

impl Overall {
    /// Of all that a report holds.
    pub(super) fn of(report: &Report) -> Self {
        let mut reasons = runs(report);
        for text in report.origins.iter().flat_map(|origin| &origin.unreadable) {
            let (verdict, source) = (Verdict::Error, Source::Records);
            reasons.push(Reason { verdict, source, text: text.clone() });
        }
        reasons.extend(planned(report));
        if let Some(result) = report.baseline.as_ref().filter(|it| it.verdict != Verdict::Pass) {
            let text = format!("baseline: {}", baseline::headline(result));
            reasons.push(Reason { verdict: result.verdict, source: Source::Baseline, text });
        }
        if let Some(beside) = &report.beside
            && let Some(verdict) = beside.verdict.filter(|verdict| *verdict != Verdict::Pass)
        {
            let text = beside::verdict_text(beside, verdict);
            reasons.push(Reason { verdict, source: Source::Within, text });
        }
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
        let worst = Verdict::worst(reasons.iter().map(|reason| reason.verdict));
        let unread = reasons.iter().any(|reason| reason.source == Source::Records);
        let verdict = match report.runs.is_empty() && !unread {
            true => None,
            false => Some(worst.unwrap_or(Verdict::Pass)),
        };
        Self { verdict, reasons }
    }

    /// The reasons in one line; empty of a pass.
    #[must_use]
    pub fn line(&self) -> String {
        let texts: Vec<&str> = self.reasons.iter().map(|reason| reason.text.as_str()).collect();
        texts.join("; ")
    }
}

/// A reason for each verdict that runs have, but pass.
fn runs(report: &Report) -> Vec<Reason> {
    let total = figure::counted(report.counts.total(), "run");
    let each = [Verdict::Error, Verdict::Fail, Verdict::Inconclusive].into_iter();
    let reason = |verdict| {
        let count = report.counts.get(verdict);
        let what = match (verdict, count) {
            (Verdict::Error, 1) => "is an error",
            (Verdict::Error, _) => "are errors",
            (Verdict::Fail, _) => "failed",
            (_, 1) => "is inconclusive",
            _ => "are inconclusive",
        };
        let text = format!("{count} of {total} {what}");
        (count > 0).then_some(Reason { verdict, source: Source::Runs, text })
    };
    each.filter_map(reason).collect()
}

fn planned(report: &Report) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |text| {
        let (verdict, source) = (Verdict::Inconclusive, Source::Planned);
        reasons.push(Reason { verdict, source, text });
    };
    let finished = report.runs.len() as u64;
    if finished < report.planned {
        let planned = figure::counted(report.planned, "run");
        add(format!("interrupted: {finished} of {planned} finished"));
    }
    let without = report.origins.iter().filter(|origin| origin.without_summary).count() as u64;
    if without > 0 {
        let of = match report.origins.len() {
            1 => String::new(),
            all => format!(" in {without} of {}", figure::counted(all as u64, "folder")),
        };
        add(format!(
            "summary.json is missing{of}: the runs are those with a record, and how many were planned is unknown"
        ));
    }
    reasons
}
