//! The page, its title, `summary.md`, JUnit and the terminal say one verdict, whatever it comes from.

use crate::{
    beside::measured,
    support::{folder, folder_of, header},
};
use parallax_record::{
    Baseline, BaselineResult, Suite, Thresholds, Verdict, beside::Within, compare_with_baseline,
};
use parallax_render::{
    Report, html,
    input::Folder,
    junit, markdown,
    terminal::{self, Style},
};

/// Two runs on a virtual clock, the second with this verdict.
fn runs(verdict: Verdict) -> Folder {
    let mut folder = folder_of(vec![header(1), header(7)]);
    let run = &mut folder.suite.runs[1];
    run.verdict = verdict;
    match verdict {
        Verdict::Pass => {}
        Verdict::Inconclusive => run.doubts.push("the lab was late".to_owned()),
        Verdict::Fail => run.failures.push("doorbell: it panicked".to_owned()),
        Verdict::Error => run.faults.push("the worker was killed".to_owned()),
    }
    folder.suite = Suite::new(folder.suite.runs);
    folder
}

/// What a comparison with a baseline came to, as it is made.
fn baseline(folder: &Folder, verdict: Verdict) -> BaselineResult {
    let mut before = Baseline::of([&folder.suite]);
    let result = match verdict {
        Verdict::Pass => compare_with_baseline(&before, [&folder.suite], Thresholds::default()),
        Verdict::Inconclusive => {
            before.runs[0].scenario = "another".to_owned();
            compare_with_baseline(&before, [&folder.suite], Thresholds::default())
        }
        _ => {
            for run in &mut before.runs {
                run.record_sha256 = None;
                for stream in &mut run.streams {
                    for value in stream.figures.values_mut() {
                        *value /= 2;
                    }
                }
            }
            before.pooled.clear();
            compare_with_baseline(&before, [&folder.suite], Thresholds::default())
        }
    };
    assert_eq!(result.verdict, verdict, "{result:?}");
    result
}

/// The verdict of a JUnit file as a CI server reads it: an error, a failure, what is inconclusive.
fn of_junit(xml: &str) -> Verdict {
    if xml.contains("<error") && xml.contains("type=\"error\"") {
        Verdict::Error
    } else if xml.contains("<failure") {
        Verdict::Fail
    } else if xml.contains("<error") {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    }
}

/// All that is said of a report, and that it is the same.
#[track_caller]
fn agree(report: &Report, expected: Option<Verdict>, what: &str) {
    assert_eq!(report.overall.verdict, expected, "{what}");
    let word = expected.map_or("NONE".to_owned(), |verdict| verdict.to_string().to_uppercase());
    let page = html::report(report);
    assert!(page.contains(&format!("<title>{word}: ")), "the title: {what}");
    let class = format!("<header class=\"{}\">", word.to_lowercase());
    assert!(page.contains(&class), "the page: {what}");
    let passed = expected == Some(Verdict::Pass);
    assert_eq!(page.contains("All passed"), passed, "the headline: {what}");
    let markdown = markdown::summary(report, report.baseline.as_ref());
    let heading = match expected {
        None => "## Parallax: NOTHING RAN\n".to_owned(),
        Some(_) => format!("## Parallax: {word}\n"),
    };
    assert!(markdown.starts_with(&heading), "summary.md: {what}: {markdown}");
    let xml = junit::report(report, report.baseline.as_ref()).expect("a text");
    let junit = of_junit(&xml);
    assert_eq!(junit, expected.unwrap_or(Verdict::Inconclusive), "junit.xml: {what}: {xml}");
    let said = terminal::overall(&report.overall, Style::Plain);
    let begins = if expected.is_none() { "NOTHING RAN " } else { &format!("{word} ") };
    assert!(said.starts_with(begins), "the terminal: {what}: {said}");
    for reason in &report.overall.reasons {
        assert!(said.contains(&reason.text), "{} is not in {said}", reason.text);
    }
}

const WIDE: Within = Within::Medians { percent: 1_000, us: 60_000_000 };
const NARROW: Within = Within::Medians { percent: 0, us: 5_000 };

#[test]
fn every_combination_of_reasons_is_said_alike_everywhere() {
    let verdicts = [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail];
    let or_none = || verdicts.into_iter().map(Some).chain([None]);
    for of_runs in Verdict::ALL {
        for of_baseline in or_none() {
            for of_within in or_none() {
                for more_planned in [false, true] {
                    let mut folders = vec![runs(of_runs)];
                    if more_planned {
                        folders[0].suite = Suite::of(3, folders[0].suite.runs.clone());
                    }
                    let compared = of_baseline.map(|verdict| baseline(&folders[0], verdict));
                    let mut expected = vec![of_runs];
                    expected.extend(of_baseline);
                    expected.extend(more_planned.then_some(Verdict::Inconclusive));
                    let within = of_within.map(|verdict| {
                        let later_us = if verdict == Verdict::Fail { 60_000 } else { 0 };
                        folders.push(measured(later_us));
                        if verdict == Verdict::Inconclusive {
                            let alone = folders[1].suite.runs[0].clone();
                            folders[1].suite.runs.push(parallax_record::Summary {
                                scenario: "measured-alone".parse().expect("a name"),
                                ..alone
                            });
                        }
                        if verdict == Verdict::Fail { NARROW } else { WIDE }
                    });
                    expected.extend(of_within);
                    let mut report = Report::new(&folders);
                    if let Some(compared) = compared {
                        report = report.against(compared);
                    }
                    if let Some(within) = within {
                        report = report.within(within);
                    }
                    let what = format!("{of_runs}, {of_baseline:?}, {of_within:?}, {more_planned}");
                    agree(&report, Verdict::worst(expected), &what);
                }
            }
        }
    }
}

#[test]
fn without_a_summary_or_with_a_broken_record_nothing_passes() {
    let mut folders = [folder(&[1])];
    folders[0].origin.without_summary = true;
    agree(&Report::new(&folders), Some(Verdict::Inconclusive), "no summary");
    folders[0].origin.unreadable.push("record.jsonl: it is cut off in line 7".to_owned());
    let report = Report::new(&folders);
    agree(&report, Some(Verdict::Error), "a broken record");
    assert!(html::report(&report).contains("it is cut off in line 7"));
    folders[0].suite = Suite::new(Vec::new());
    folders[0].details.clear();
    agree(&Report::new(&folders), Some(Verdict::Error), "nothing but a broken record");
}

#[test]
fn where_nothing_ran_nothing_passes() {
    let mut folders = [folder(&[1])];
    folders[0].details.clear();
    folders[0].suite = Suite::new(Vec::new());
    agree(&Report::new(&folders), None, "nothing was asked for");
    folders[0].suite = Suite::of(3, Vec::new());
    agree(&Report::new(&folders), None, "it was killed in its first run");
}
