//! `junit.xml`, in the dialect that Jenkins and others read: a suite for each scenario, a case for
//! each run. A run that failed is a failure; an error and what is inconclusive are errors of their
//! type, never skipped. A check that the mode of a run cannot judge is a case of its own, skipped.

use crate::{
    escape::tame,
    terminal::{self, Style},
    view::{Cell, Missed, Report},
};
use parallax_record::{BaselineResult, Verdict, beside::SideBySide};
use quick_junit::{
    NonSuccessKind, Report as Junit, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite,
};
use std::{collections::BTreeMap, time::Duration};

/// The file's text. Times are those of the runs' own clocks. Characters that XML forbids are left out.
///
/// # Errors
/// Never in fact: a string takes what is written.
pub fn report(
    report: &Report,
    baseline: Option<&BaselineResult>,
) -> Result<String, SerializeError> {
    let missed: BTreeMap<usize, &Missed> =
        report.missed.iter().map(|missed| (missed.run, missed)).collect();
    let mut junit = Junit::new("parallax");
    for scenario in &report.scenarios {
        let name = clean(&match report.folders.len() {
            1 => scenario.name.clone(),
            _ => format!("{} in {}", scenario.name, report.folders[scenario.folder]),
        });
        let mut suite = TestSuite::new(name.clone());
        for flaky in &scenario.flaky {
            suite.add_property(("flaky", flaky.to_string().as_str()));
        }
        for at in &scenario.runs {
            let Some(run) = report.runs.get(*at) else { continue };
            let mut case = case(run, missed.get(at).copied());
            case.set_classname(name.clone());
            suite.add_test_case(case);
            for mut case in not_judged(run) {
                case.set_classname(name.clone());
                suite.add_test_case(case);
            }
        }
        junit.add_test_suite(suite);
    }
    if let Some(baseline) = baseline {
        let mut suite = TestSuite::new("baseline");
        let text = crate::baseline::text(baseline, Style::Plain);
        let first = text.lines().next().unwrap_or_default().to_owned();
        let status = status(baseline.verdict, &first, "regression", &text);
        suite.add_test_case(TestCase::new("no regression against the baseline", status));
        junit.add_test_suite(suite);
    }
    if let Some(beside) = report.beside.as_ref().filter(|beside| beside.within.is_some()) {
        let mut suite = TestSuite::new("simulation and measurement");
        for pair in &beside.pairs {
            let name = crate::beside::headline(pair, beside.within);
            let alone =
                SideBySide { pairs: vec![pair.clone()], alone: Vec::new(), ..beside.clone() };
            let text = crate::beside::text(&alone, Style::Plain);
            let verdict = pair.verdict.unwrap_or(Verdict::Inconclusive);
            suite.add_test_case(TestCase::new(
                clean(&name),
                status(verdict, &name, "distance", &text),
            ));
        }
        junit.add_test_suite(suite);
    }
    junit.to_string()
}

fn case(run: &Cell, missed: Option<&Missed>) -> TestCase {
    let summary = &run.summary;
    let status = match missed {
        None => TestCaseStatus::success(),
        Some(missed) => {
            let text = terminal::run(summary, &missed.rerun, Style::Plain);
            let kind = missed
                .checks
                .iter()
                .max_by_key(|check| check.verdict)
                .map_or("run", |check| check.name.as_str());
            status(summary.verdict, &missed.brief(), kind, &text)
        }
    };
    let mut case = TestCase::new(format!("seed {}", summary.which()), status);
    for earlier in &summary.earlier_attempts {
        let mut attempt = TestRerun::new(NonSuccessKind::Error);
        attempt.set_type("inconclusive").set_message(clean(earlier));
        case.status.add_rerun(attempt);
    }
    case.set_time(Duration::from_micros(summary.duration_us));
    case
}

/// A skipped case for each check that the mode of the run cannot judge.
fn not_judged(run: &Cell) -> impl Iterator<Item = TestCase> {
    let summary = &run.summary;
    summary.not_judged.iter().map(|check| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(clean(&check.reason)).set_type("not judged");
        let title = terminal::not_judged_title(check, summary);
        TestCase::new(clean(&format!("seed {}: {title}", summary.which())), status)
    })
}

fn status(verdict: Verdict, message: &str, kind: &str, text: &str) -> TestCaseStatus {
    let (non_success, kind) = match verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Fail => (NonSuccessKind::Failure, kind.to_owned()),
        Verdict::Inconclusive | Verdict::Error => (NonSuccessKind::Error, verdict.to_string()),
    };
    let mut status = TestCaseStatus::non_success(non_success);
    status.set_message(clean(message)).set_type(clean(&kind)).set_description(clean(text));
    status
}

/// Lines without characters that XML forbids. The library leaves out most of them, but neither U+FFFE
/// nor U+FFFF.
fn clean(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(tame).collect();
    lines.join("\n")
}
