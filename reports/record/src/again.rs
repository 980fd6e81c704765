//! Judging again: a summary is held against its record, or else against itself.

use crate::judge::{judge, worst};
use crate::record::Record;
use crate::summary::{CheckResult, Comparison, Summary};
use crate::verdict::Verdict;

/// Summary of a run, from its record and not from what was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedAgain {
    /// Figures and verdict of the record.
    pub summary: Summary,
    /// How the stored summary differs, if it does.
    pub correction: Option<String>,
}

/// Judges a record again and compares the result with the summary that was stored for it.
///
/// Faults of the stored summary that the record does not have are kept: `--verify` finds them outside the record.
#[must_use]
pub fn judge_again(record: &Record, stored: &Summary) -> JudgedAgain {
    let mut summary = judge(record);
    for fault in &stored.faults {
        if !summary.faults.contains(fault) {
            summary.faults.push(fault.clone());
            summary.verdict = Verdict::Error;
        }
    }
    let correction = if summary.verdict != stored.verdict {
        Some(format!("the verdict is {}, not {}", summary.verdict, stored.verdict))
    } else if summary.checks != stored.checks {
        Some("the checks have other results".to_owned())
    } else if summary != *stored {
        Some("figures differ".to_owned())
    } else {
        None
    };
    JudgedAgain { summary, correction }
}

/// How a summary contradicts itself, if it does: its verdict against its checks, a check's verdict against its
/// figures.
#[must_use]
pub fn contradiction(summary: &Summary) -> Option<String> {
    let broken = |check: &CheckResult| {
        let name = &check.name;
        let (measured, bound) = (check.measured, check.bound);
        let contradicts = match check.verdict {
            Verdict::Pass => !may_pass(check),
            Verdict::Fail => !may_fail(check),
            _ => false,
        };
        let measured = measured.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
        contradicts.then(|| {
            format!(
                "the check {name} has `verdict` {}, but `measured` {measured}, `uncertainty` {} below and {} above, \
                 `bound` {bound}, `sample` {} of `minimum_sample` {} say otherwise",
                check.verdict,
                check.uncertainty.below,
                check.uncertainty.above,
                check.sample,
                check.minimum_sample
            )
        })
    };
    let verdict = match (summary.faults.is_empty(), summary.failures.is_empty()) {
        (true, true) if !summary.doubts.is_empty() => Verdict::Inconclusive,
        _ => worst(&summary.faults, &summary.failures, &summary.checks),
    };
    let own = (summary.verdict != verdict)
        .then(|| format!("`verdict` is {}, but the rest says {verdict}", summary.verdict));
    own.or_else(|| summary.checks.iter().find_map(broken))
}

/// Whether the whole interval keeps the bound, and the sample is large enough.
fn may_pass(check: &CheckResult) -> bool {
    let Some(measured) = check.measured else { return false };
    let (least, most) = check.uncertainty.interval(measured);
    let inside = match check.comparison {
        Comparison::Below => most < check.bound,
        Comparison::AtMost => most <= check.bound,
        Comparison::Above => least > check.bound,
    };
    inside && check.sample >= check.minimum_sample
}

/// Whether the whole interval breaks the bound, or nothing was measured.
fn may_fail(check: &CheckResult) -> bool {
    let Some(measured) = check.measured else { return true };
    let (least, most) = check.uncertainty.interval(measured);
    match check.comparison {
        Comparison::Below => least >= check.bound,
        Comparison::AtMost => least > check.bound,
        Comparison::Above => most <= check.bound,
    }
}
