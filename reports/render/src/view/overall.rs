//! Overall verdict: what the page, its title, `summary.md`, JUnit, the terminal and the exit code all say.

use crate::{baseline, beside, figure, input::FolderOrigin};
use parallax_record::{BaselineResult, Verdict, beside::SideBySide};

/// How many runs have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictCounts {
    /// Passed.
    pub pass: u64,
    /// Nothing can be said.
    pub inconclusive: u64,
    /// Failed.
    pub fail: u64,
    /// The run itself broke.
    pub error: u64,
}

impl VerdictCounts {
    /// Counts them.
    #[must_use]
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            *match verdict {
                Verdict::Pass => &mut counts.pass,
                Verdict::Inconclusive => &mut counts.inconclusive,
                Verdict::Fail => &mut counts.fail,
                Verdict::Error => &mut counts.error,
            } += 1;
        }
        counts
    }

    /// Of one verdict.
    #[must_use]
    pub fn get(&self, verdict: Verdict) -> u64 {
        match verdict {
            Verdict::Pass => self.pass,
            Verdict::Inconclusive => self.inconclusive,
            Verdict::Fail => self.fail,
            Verdict::Error => self.error,
        }
    }

    /// The worst that there is; none of nothing.
    #[must_use]
    pub fn worst(&self) -> Option<Verdict> {
        Verdict::ALL.into_iter().rev().find(|verdict| self.get(*verdict) > 0)
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.pass + self.inconclusive + self.fail + self.error
    }
}

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
    pub source: ReasonSource,
    /// In words.
    pub text: String,
}

/// Where a reason comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonSource {
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
    /// Of runs of which `planned` were asked for, of where they were read from, and of what came of the comparisons.
    pub(super) fn of(
        counts: &VerdictCounts,
        planned: u64,
        origins: &[FolderOrigin],
        baseline: Option<&BaselineResult>,
        beside: Option<&SideBySide>,
    ) -> Self {
        let mut reasons = runs(counts);
        for text in origins.iter().flat_map(|origin| &origin.unreadable) {
            let (verdict, source) = (Verdict::Error, ReasonSource::Records);
            reasons.push(Reason { verdict, source, text: text.clone() });
        }
        reasons.extend(unfinished(counts.total(), planned, origins));
        if let Some(result) = baseline.filter(|it| it.verdict != Verdict::Pass) {
            let text = format!("baseline: {}", baseline::headline(result));
            reasons.push(Reason { verdict: result.verdict, source: ReasonSource::Baseline, text });
        }
        if let Some(beside) = beside
            && let Some(verdict) = beside.verdict.filter(|verdict| *verdict != Verdict::Pass)
        {
            let text = beside::verdict_text(beside, verdict);
            reasons.push(Reason { verdict, source: ReasonSource::Within, text });
        }
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
        let worst = Verdict::worst(reasons.iter().map(|reason| reason.verdict));
        let unread = reasons.iter().any(|reason| reason.source == ReasonSource::Records);
        let verdict = match counts.total() == 0 && !unread {
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
fn runs(counts: &VerdictCounts) -> Vec<Reason> {
    let total = figure::counted(counts.total(), "run");
    let each = [Verdict::Error, Verdict::Fail, Verdict::Inconclusive].into_iter();
    let reason = |verdict| {
        let count = counts.get(verdict);
        let what = match (verdict, count) {
            (Verdict::Error, 1) => "is an error",
            (Verdict::Error, _) => "are errors",
            (Verdict::Fail, _) => "failed",
            (_, 1) => "is inconclusive",
            _ => "are inconclusive",
        };
        let text = format!("{count} of {total} {what}");
        (count > 0).then_some(Reason { verdict, source: ReasonSource::Runs, text })
    };
    each.filter_map(reason).collect()
}

fn unfinished(finished: u64, planned: u64, origins: &[FolderOrigin]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |text| {
        let (verdict, source) = (Verdict::Inconclusive, ReasonSource::Planned);
        reasons.push(Reason { verdict, source, text });
    };
    if finished < planned {
        let planned = figure::counted(planned, "run");
        add(format!("interrupted: {finished} of {planned} finished"));
    }
    let without = origins.iter().filter(|origin| origin.without_summary).count() as u64;
    if without > 0 {
        let of = match origins.len() {
            1 => String::new(),
            all => format!(" in {without} of {}", figure::counted(all as u64, "folder")),
        };
        add(format!(
            "summary.json is missing{of}: the runs are those with a record, and how many were planned is unknown"
        ));
    }
    reasons
}
