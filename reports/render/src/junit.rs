//! `junit.xml`, in the dialect that Jenkins and others read: a suite for each scenario, a case for
//! each run. A run that failed is a failure; an error and what is inconclusive are errors of their
//! type, never skipped. A check that the mode of a run cannot judge is a case of its own, skipped.

use crate::{
    check_text,
    escape::tame,
    terminal::{self, Style},
    view::{Cell, Missed, ReasonSource, Report},
};
use parallax_record::{BaselineResult, Verdict, beside::SideBySide};
use quick_junit::{
    NonSuccessKind, Report as Junit, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite,
};
use std::{collections::BTreeMap, time::Duration};

/// The file's text. `time` is wall time, and is left out where it is not known. Characters that XML forbids are left
/// out.
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
            if let Some(wall) = wall(report, run) {
                case.set_time(wall);
            }
            case.set_classname(name.clone());
            suite.add_test_case(case);
            for mut case in not_judged(run) {
                case.set_classname(name.clone());
                suite.add_test_case(case);
            }
        }
        junit.add_test_suite(with_skipped(suite));
    }
    junit.add_test_suites(reasons(report));
    if let Some(baseline) = baseline {
        let mut suite = TestSuite::new("baseline");
        let text = crate::baseline::text(baseline, Style::Plain);
        let first = text.lines().next().unwrap_or_default().to_owned();
        let status = status(baseline.verdict, &first, "regression", &text);
        suite.add_test_case(TestCase::new("no regression against the baseline", status));
        junit.add_test_suite(suite);
    }
    if let Some(beside) = report.beside.as_ref().filter(|beside| beside.within.is_some()) {
        junit.add_test_suite(side_by_side(beside));
    }
    junit.to_string()
}

/// Counts skipped cases as `skipped`, which Jenkins and GitLab read. The library has no such attribute of a suite, and
/// counts them as `disabled`: cases that were not to run.
fn with_skipped(mut suite: TestSuite) -> TestSuite {
    let skipped = std::mem::take(&mut suite.disabled).to_string();
    suite.extra.insert("skipped".into(), skipped.into());
    suite
}

/// What counts against the runs as a whole: records that cannot be read, runs that did not finish.
fn reasons(report: &Report) -> Vec<TestSuite> {
    let mut suite = TestSuite::new("all planned runs");
    for reason in &report.overall.reasons {
        let name = match reason.source {
            ReasonSource::Records => "every record can be read",
            ReasonSource::Planned => "every planned run has finished",
            ReasonSource::Runs | ReasonSource::Baseline | ReasonSource::Within => continue,
        };
        let status = status(reason.verdict, &reason.text, "records", &reason.text);
        suite.add_test_case(TestCase::new(name, status));
    }
    if report.overall.verdict.is_none() && suite.test_cases.is_empty() {
        let status = status(Verdict::Inconclusive, "nothing ran", "records", "nothing ran");
        suite.add_test_case(TestCase::new("every planned run has finished", status));
    }
    if suite.test_cases.is_empty() { Vec::new() } else { vec![suite] }
}

/// A case for each stream on both sides, and for each that one side alone has.
fn side_by_side(beside: &SideBySide) -> TestSuite {
    let mut suite = TestSuite::new("simulation and measurement");
    let case = |name: &str, verdict, text: &str| {
        TestCase::new(clean(name), status(verdict, name, "distance", text))
    };
    for pair in &beside.pairs {
        let name = crate::beside::headline(pair, beside.within);
        let only = SideBySide { pairs: vec![pair.clone()], alone: Vec::new(), ..*beside };
        let text = crate::beside::text(&only, Style::Plain);
        suite.add_test_case(case(&name, pair.verdict.unwrap_or(Verdict::Inconclusive), &text));
    }
    for text in &beside.alone {
        suite.add_test_case(case(&format!("not compared: {text}"), Verdict::Inconclusive, text));
    }
    if suite.test_cases.is_empty() {
        let verdict = beside.verdict.unwrap_or(Verdict::Inconclusive);
        suite.add_test_case(case("nothing was compared", verdict, "nothing was compared"));
    }
    suite
}

fn case(run: &Cell, missed: Option<&Missed>) -> TestCase {
    let summary = &run.summary;
    let status = match missed {
        None => TestCaseStatus::success(),
        Some(missed) => {
            let text = terminal::run(summary, &missed.rerun, Style::Plain);
            let kind = missed.checks.first().map_or("run", |check| check.name.as_str());
            status(summary.verdict, &missed.brief(), kind, &text)
        }
    };
    let mut case = TestCase::new(format!("seed {}", summary.which()), status);
    for earlier in &summary.earlier_attempts {
        let mut attempt = TestRerun::new(NonSuccessKind::Error);
        attempt.set_type("inconclusive").set_message(clean(earlier));
        case.status.add_rerun(attempt);
    }
    // The duration of a run on its own clock is not the time that the command took.
    let duration = Duration::from_micros(summary.duration_us).as_secs_f64();
    case.add_property(("run_duration_s", format!("{duration:.3}").as_str()));
    case
}

/// A skipped case for each check that the mode of the run cannot judge.
fn not_judged(run: &Cell) -> impl Iterator<Item = TestCase> {
    let summary = &run.summary;
    summary.not_judged.iter().map(|check| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(clean(&check.reason)).set_type("not judged");
        let title = check_text::not_judged_title(check, summary);
        TestCase::new(clean(&format!("seed {}: {title}", summary.which())), status)
    })
}

/// How long a run took by the clock on the wall, if its folder says so.
fn wall(report: &Report, run: &Cell) -> Option<Duration> {
    let environment = report.environments.get(run.folder)?.as_ref()?;
    environment.runs_wall_us.get(&run.summary.path()).copied().map(Duration::from_micros)
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
