//! Runs that did not pass, and why.

use super::rerun;
use crate::{
    check_text,
    escape::{prose, tame},
    figure,
};
use parallax_record::{Environment, Summary, Verdict};

/// A run that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Which run of the report, from 0.
    pub run: usize,
    /// What broke the run itself, what the device under test did wrong, and why nothing can be said.
    pub faults: Vec<String>,
    /// The checks that did not pass.
    pub checks: Vec<Miss>,
    /// The line that runs it again.
    pub rerun: String,
}

/// A check that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// Its verdict.
    pub verdict: Verdict,
    /// What was checked, of which stream, in which window.
    pub name: String,
    /// What was measured, with its uncertainty.
    pub measured: String,
    /// What was demanded.
    pub bound: String,
    /// Why nothing can be said, if nothing can.
    pub unclear: Option<String>,
    /// Why the bound is what it is.
    pub why: String,
}

impl Missed {
    /// What a run missed; none if it passed.
    #[must_use]
    pub fn of(run: usize, summary: &Summary, environment: Option<&Environment>) -> Option<Self> {
        if summary.verdict == Verdict::Pass {
            return None;
        }
        let several = summary.streams.len() > 1;
        let told = [&summary.faults, &summary.failures, &summary.doubts];
        let mut faults: Vec<String> = told.into_iter().flatten().map(|text| tame(text)).collect();
        faults.extend(check_text::nothing_judged(summary).map(str::to_owned));
        let mut checks: Vec<Miss> = check_text::missed(summary)
            .map(|check| {
                let (measured, bound) = check_text::figures(check);
                Miss {
                    verdict: check.verdict,
                    name: check_text::check_title(check, several),
                    measured,
                    bound,
                    unclear: check_text::unclear(check),
                    why: prose(&check.why),
                }
            })
            .collect();
        checks.sort_by_key(|check| std::cmp::Reverse(check.verdict));
        Some(Self { run, faults, checks, rerun: rerun(summary, environment) })
    }

    /// Everything in one line: the worst check first said.
    #[must_use]
    pub fn brief(&self) -> String {
        let worst = self.checks.first();
        match (self.faults.first(), worst) {
            (Some(fault), _) => fault.clone(),
            (None, Some(check)) => {
                format!("{}: {} (bound: {})", check.name, check.measured, check.bound)
            }
            (None, None) => figure::counted(0, "check"),
        }
    }
}
