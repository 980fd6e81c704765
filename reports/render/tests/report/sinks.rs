//! JUnit, Markdown and hgrm: their structure, their limits, and that names from outside stay names.

use crate::support::{folder, folder_of, header};
use parallax_record::{
    Baseline, Histogram, Suite, Thresholds, Verdict, compare_with_baseline, nearest_rank,
};
use parallax_render::{Report, hgrm, junit, markdown, pooled};
use proptest::prelude::*;

const HOSTILE: &str =
    "]]></failure><script>alert(1)</script>|`*[x](http://x)\u{0}\u{1b}[31m\u{fffe}\n\n# <!--@all";

fn hostile() -> Report {
    with(HOSTILE)
}

/// A report with this text wherever a text is not ours.
fn with(text: &str) -> Report {
    let mut header = header(2);
    header.title = text.into();
    header.checks[0].why = text.into();
    let mut folder = folder_of(vec![header]);
    folder.name = text.into();
    folder.suite.runs[0].checks[0].name = text.into();
    folder.suite.runs[0].faults.push(text.into());
    folder.suite.runs[0].streams[0].camera = text.into();
    Report::new(&[folder])
}

/// What marks of Markdown there are, line by line.
fn marks(markdown: &str) -> Vec<String> {
    let mark = |letter: &char| "|<>[]()`*_!~\\$@".contains(*letter);
    markdown.lines().map(|line| line.chars().filter(mark).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_adds_a_mark_or_an_element(text in "x(\\PC|[\u{0}-\u{7f}\u{202e}]|www\\.|https://|<!--|\\]\\]>){0,40}") {
        let (plain, told) = (with("x"), with(&text));
        let (before, after) = (markdown::summary(&plain, None), markdown::summary(&told, None));
        prop_assert_eq!(marks(&before), marks(&after), "{}", after);
        prop_assert!(!after.contains("www.") && !after.contains("://"), "{}", after);
        let (before, after) = (junit::report(&plain, None).expect("XML"), junit::report(&told, None).expect("XML"));
        prop_assert_eq!(before.matches('<').count(), after.matches('<').count(), "{}", after);
    }
}

#[test]
fn each_case_has_at_most_one_end_and_none_is_skipped() {
    let mut folder = folder(&[1, 2, 3, 4]);
    folder.suite.runs[2].verdict = Verdict::Inconclusive;
    folder.suite.runs[3].verdict = Verdict::Error;
    folder.suite.runs[3].faults.push("it broke".into());
    folder.suite = Suite::new(folder.suite.runs);
    let xml = junit::report(&Report::new(&[folder]), None).expect("XML");
    assert!(xml.contains("<testsuites name=\"parallax\" tests=\"4\" failures=\"1\" errors=\"2\">"));
    for (child, count) in [
        ("<testcase ", 4),
        ("<failure ", 1),
        ("<error ", 2),
        ("type=\"inconclusive\"", 1),
        ("type=\"error\"", 1),
        ("<skipped", 0),
    ] {
        assert_eq!(xml.matches(child).count(), count, "{child} in {xml}");
    }
    for case in xml.split("<testcase ").skip(1) {
        let ends = ["<failure", "<error", "<skipped"].map(|end| case.matches(end).count());
        assert!(ends.iter().sum::<usize>() <= 1, "{case}");
    }
    assert!(xml.contains("run again     parallax sim two-homes.toml --seed 2"), "{xml}");
}

#[test]
fn names_from_outside_are_inert_in_junit() {
    let xml = junit::report(&hostile(), None).expect("XML");
    assert!(!xml.contains("<script") && !xml.contains("<!--"), "{xml}");
    assert_eq!(xml.matches("</failure>").count() + xml.matches("</error>").count(), 1);
    let forbidden = |c: char| (c.is_control() && c != '\n') || c == '\u{fffe}';
    assert!(!xml.chars().any(forbidden), "a character that XML forbids");
}

#[test]
fn names_from_outside_are_inert_in_markdown() {
    let report = hostile();
    let suite = folder(&[1]).suite;
    let mut baseline = Baseline::of([&suite]);
    baseline.runs[0].scenario = HOSTILE.into();
    let compared = compare_with_baseline(&baseline, [&suite], Thresholds::default());
    let text = markdown::summary(&report, Some(&compared));
    let (fenced, open): (Vec<_>, Vec<_>) = {
        let mut inside = false;
        text.lines().partition(|line| {
            let fence = line.starts_with("```");
            inside ^= fence;
            inside || fence
        })
    };
    assert!(fenced.iter().any(|line| line.contains("<script>")), "it is shown as code");
    for line in open {
        assert!(!line.contains(['<', '`', '[', '\u{1b}']), "{line}");
        let headings = ["## Parallax: ", "### What did", "### Capture", "### Against"];
        let heading = line.starts_with('#');
        assert!(!heading || headings.iter().any(|own| line.starts_with(own)), "{line}");
        if line.starts_with('|') {
            assert!([6, 7, 13].contains(&line.matches('|').count()), "{line}");
        }
    }
}

#[test]
fn a_histogram_of_a_scenario_holds_all_its_runs() {
    let report = Report::new(&[folder(&[1, 2, 3])]);
    let files = hgrm::files(&report);
    let names: Vec<_> = files.keys().collect();
    assert_eq!(names, ["two-homes_doorbell_phone.hgrm"]);
    insta::assert_snapshot!(files["two-homes_doorbell_phone.hgrm"]);
}

#[test]
fn pooled_percentiles_are_those_of_all_frames() {
    let report = Report::new(&[folder(&[1, 2, 3])]);
    let (scenario, stream) = (&report.scenarios[0], &report.scenarios[0].streams[0]);
    let all = pooled::histogram(&report, scenario, stream);
    let shown = report.details.iter().flat_map(|run| &run.streams[0].shown);
    let mut late: Vec<i64> = shown.map(|frame| frame.latency_us).collect();
    late.sort_unstable();
    assert_eq!(all, Histogram::of(late.iter().copied()));
    let row = pooled::row(&report, scenario, stream);
    for (found, number) in row.into_iter().zip([50, 90, 95, 99]) {
        let percentile = number.try_into().expect("a percentile");
        let (found, naive) = (found.expect("one"), nearest_rank(&late, percentile).expect("one"));
        assert!(found >= naive && found - naive <= naive / 128, "{found} for {naive}");
    }
    assert_eq!(row[4], late.last().copied());
}

#[test]
fn a_page_of_thousands_of_runs_has_room() {
    let mut folder = folder(&[2]);
    let one = folder.suite.runs[0].clone();
    let runs = (1..=5_000).map(|seed| {
        let mut run = one.clone();
        run.seed = seed;
        run.checks[0].name = HOSTILE.repeat(100);
        run.scenario = format!("scenario-{}", seed % 1_000).parse().expect("a name");
        run
    });
    folder.suite = Suite::new(runs.collect());
    folder.details.clear();
    let report = Report::new(&[folder]);
    let text = markdown::summary(&report, None);
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
    assert!(
        text.contains("\nand 4800 more runs that did not pass: "),
        "it hides that there are more"
    );
    assert!(text.contains("| scenario-999 |"), "no latency of the last");
}
