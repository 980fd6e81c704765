//! Simulation and measurement side by side: a known distance, judged and told.

use crate::support::{folder, folder_of, header};
use parallax_record::{
    Clock, Header, MediaMode, Summary, Verdict,
    beside::{Pair, SideBySide, Within},
};
use parallax_render::{
    Report, beside::text, html, input::Folder, junit, markdown, terminal::Style,
};

const BOUND_US: u64 = 500;

/// The same run on a real clock, each latency later by so much than simulated.
pub(crate) fn measured(later_us: i64) -> Folder {
    let clock = Clock::Real { bound_us: BOUND_US };
    let mut folder = folder_of(vec![Header { clock, ..header(7) }]);
    for stream in folder.suite.runs.iter_mut().flat_map(|run| &mut run.streams) {
        let latency = &mut stream.capture_to_render_us;
        for figure in [&mut latency.p50, &mut latency.p95, &mut latency.p99] {
            *figure = figure.map(|us| us + later_us);
        }
    }
    folder
}

fn apart(later_us: i64, within: Option<Within>) -> SideBySide {
    let (simulated, measured) = (folder(&[7]), measured(later_us));
    let runs = simulated.suite.runs.iter().chain(&measured.suite.runs);
    SideBySide::of(runs, within).expect("there are both")
}

#[test]
fn media_that_differ_are_named() {
    let (mut simulated, measured) = (folder(&[7]), measured(0));
    for run in &mut simulated.suite.runs {
        run.media_mode = MediaMode::Prerecorded;
    }
    let runs = simulated.suite.runs.iter().chain(&measured.suite.runs);
    let told = text(&SideBySide::of(runs, None).expect("there are both"), Style::Plain).to_string();
    assert!(
        told.contains("unlike        the media are prerecorded simulated, live measured"),
        "{told}"
    );
    let same = text(&apart(0, None), Style::Plain).to_string();
    assert!(!same.contains("the media are"), "{same}");
}

fn p50(pair: &Pair) -> &parallax_record::beside::Compared {
    let own = pair.figures.iter().find(|figure| figure.name == "capture-to-render p50");
    own.expect("it is there")
}

#[test]
fn a_known_distance_is_found_with_what_both_clocks_leave_open() {
    let beside = apart(7_000, None);
    let figure = p50(&beside.pairs[0]);
    let difference = figure.difference.expect("both have it");
    assert_eq!(difference.by, 7_000);
    let simulated = figure.simulated.expect("it is there").uncertainty;
    assert!(simulated.below > 0 && simulated.above == 0, "late by ticks, never early");
    let open = i64::try_from(simulated.below).expect("a few ticks");
    assert_eq!((difference.least, difference.most), (7_000 - 500, 7_000 + 500 + open));
    assert_eq!((figure.verdict, beside.verdict), (None, None), "nothing was demanded");
}

#[test]
fn the_whole_interval_of_the_distance_is_judged() {
    let simulated = p50(&apart(0, None).pairs[0]).simulated.expect("it is there");
    let open = simulated.uncertainty.below;
    let verdict = |percent, us| {
        let beside = apart(7_000, Some(Within::Medians { percent, us }));
        p50(&beside.pairs[0]).verdict.expect("it was demanded")
    };
    assert_eq!(verdict(0, 7_500 + open), Verdict::Pass);
    assert_eq!(verdict(0, 7_499 + open), Verdict::Inconclusive);
    assert_eq!(verdict(0, 6_500), Verdict::Inconclusive);
    assert_eq!(verdict(0, 6_499), Verdict::Fail);
    // Of the two bounds the wider one counts.
    assert_eq!(verdict(1_000, 1), Verdict::Pass, "7 ms is less than ten times the rest");
}

#[test]
fn what_is_configured_alike_counts_for_no_share() {
    let (simulated, mut other) = (folder(&[7]), measured(7_000));
    let within = Some(Within::Medians { percent: 100, us: 1 });
    let of = |measured: &[Summary]| {
        let runs = simulated.suite.runs.iter().chain(measured);
        SideBySide::of(runs, within).expect("both").pairs.remove(0)
    };
    let pair = of(&other.suite.runs);
    let alike: Vec<_> = pair.alike.iter().map(|one| (one.stage, one.us)).collect();
    let expected = [
        ("capture", 1_000),
        ("encode", 8_000),
        ("network", 24_000),
        ("jitter buffer", 50_000),
        ("decode", 6_000),
        ("render", 4_000),
    ];
    assert_eq!(alike, expected);
    let (figure, whole) = (p50(&pair), 93_000);
    assert_eq!(figure.alike, whole);
    // 103 ms were simulated: 7 ms, and what the clocks leave open, are more than the 10 ms that are left.
    assert_eq!(figure.verdict, Some(Verdict::Inconclusive));
    let network = pair.figures.iter().find(|figure| figure.name == "network, median");
    assert_eq!(network.expect("it is there").alike, 24_000);
    // Another depth on one side, and a board's own stages, are no agreement by construction.
    let own = &mut other.suite.runs[0].streams[0].configured_us;
    (own.jitter_buffer, own.capture, own.encode) = (Some(40_000), None, None);
    let pair = of(&other.suite.runs);
    assert_eq!(p50(&pair).alike, 24_000 + 6_000 + 4_000);
    assert_eq!(p50(&pair).verdict, Some(Verdict::Pass), "of 69 ms");
}

#[test]
fn what_was_measured_lies_in_the_range_of_the_simulated_runs_or_it_does_not() {
    // Ten runs, each a millisecond later than the one before: 103 to 112 ms, of which 93 ms are configured alike.
    let verdict = |runs: i64, later_us, percent| {
        let simulated = (0..runs).map(|run| {
            let mut folder = folder(&[7]);
            for stream in folder.suite.runs.iter_mut().flat_map(|run| &mut run.streams) {
                stream.capture_to_render_us.p50 =
                    stream.capture_to_render_us.p50.map(|us| us + run * 1_000);
            }
            folder.suite.runs.remove(0)
        });
        let all: Vec<Summary> = simulated.chain(measured(later_us).suite.runs).collect();
        let beside = SideBySide::of(&all, Some(Within::Range { percent })).expect("both");
        p50(&beside.pairs[0]).verdict.expect("it was demanded")
    };
    let open = i64::try_from(BOUND_US).expect("a small bound");
    assert_eq!(verdict(10, 9_000 - open, 0), Verdict::Pass);
    assert_eq!(verdict(10, 9_000 - open + 1, 0), Verdict::Inconclusive);
    assert_eq!(verdict(10, 9_000 + open + 1, 0), Verdict::Fail);
    assert_eq!(verdict(10, open, 0), Verdict::Pass);
    assert_eq!(verdict(10, -open - 1, 0), Verdict::Fail);
    // Each end by a tenth of what is not configured alike: 1 ms of 10 ms below, 1.9 ms of 19 ms above.
    assert_eq!(verdict(10, 9_000 + 1_900 - open, 10), Verdict::Pass);
    assert_eq!(verdict(10, 9_000 + 1_900 + open + 1, 10), Verdict::Fail);
    assert_eq!(verdict(10, -1_000 + open, 10), Verdict::Pass);
    assert_eq!(verdict(10, -1_000 - open - 1, 10), Verdict::Fail);
    assert_eq!(verdict(9, 4_000, 10), Verdict::Inconclusive, "too few runs for a range");
}

#[test]
fn nearer_and_later_are_alike() {
    let verdict = |later_us| {
        let beside = apart(later_us, Some(Within::Medians { percent: 0, us: 5_000 }));
        p50(&beside.pairs[0]).verdict.expect("it was demanded")
    };
    assert_eq!(verdict(-60_000), Verdict::Fail);
    assert_eq!(verdict(60_000), Verdict::Fail);
}

#[test]
fn what_one_side_lacks_is_inconclusive_and_told() {
    let (simulated, mut other) = (folder(&[7]), measured(0));
    let within = Some(Within::Medians { percent: 1_000, us: 60_000_000 });
    let of = |measured: &[Summary]| {
        SideBySide::of(simulated.suite.runs.iter().chain(measured), within).expect("both")
    };
    assert_eq!(of(&other.suite.runs).verdict, Some(Verdict::Pass), "so wide a bound holds");
    // The lab fell short: the run does not count.
    other.suite.runs[0].doubts.push("the lab was late".to_owned());
    let beside = of(&other.suite.runs);
    assert_eq!(beside.verdict, Some(Verdict::Inconclusive));
    assert_eq!((beside.pairs[0].measured.runs, beside.pairs[0].measured.left_out), (0, 1));
    other.suite.runs[0].scenario = "another".parse().expect("a name");
    let beside = of(&other.suite.runs);
    assert_eq!(beside.verdict, Some(Verdict::Inconclusive), "nothing stands beside anything");
    assert_eq!(beside.alone.len(), 2, "{:?}", beside.alone);
    assert!(SideBySide::of(&simulated.suite.runs, within).is_none(), "one side alone");
    // A scenario that broke wherever it ran is not forgotten beside one that is near enough.
    let near = measured(0);
    let mut broke: Vec<Summary> = [&simulated, &near].map(|side| side.suite.runs[0].clone()).into();
    for run in &mut broke {
        (run.scenario, run.streams) = ("third".parse().expect("a name"), Vec::new());
    }
    let beside = of(&[&near.suite.runs[..], &broke].concat());
    assert_eq!(beside.verdict, Some(Verdict::Inconclusive));
    assert_eq!(beside.alone, ["third: no run came to anything"]);
}

#[test]
fn media_that_went_another_way_fail() {
    let (simulated, mut other) = (folder(&[7]), measured(0));
    let within = Some(Within::Medians { percent: 1_000, us: 60_000_000 });
    for stream in &mut other.suite.runs[0].streams {
        stream.relayed = stream.relayed.map(|relayed| !relayed);
    }
    let runs = simulated.suite.runs.iter().chain(&other.suite.runs);
    let beside = SideBySide::of(runs, within).expect("both");
    assert_eq!(beside.verdict, Some(Verdict::Fail));
    assert!(text(&beside, Style::Plain).contains("media went another way"));
}

#[test]
fn a_path_that_no_measured_run_took_is_inconclusive_and_told() {
    let (mut simulated, other) = (folder(&[7, 8]), measured(0));
    let within = Some(Within::Medians { percent: 1_000, us: 60_000_000 });
    for stream in &mut simulated.suite.runs[1].streams {
        stream.relayed = stream.relayed.map(|relayed| !relayed);
    }
    let runs = simulated.suite.runs.iter().chain(&other.suite.runs);
    let beside = SideBySide::of(runs, within).expect("both");
    assert_eq!(beside.pairs[0].same_path, Some(Verdict::Inconclusive));
    assert_eq!(beside.verdict, Some(Verdict::Inconclusive));
    let said = text(&beside, Style::Plain);
    assert!(
        said.contains(
            "simulated runs also went server-reflexive to host, relayed, and no measured one did"
        ),
        "{said}"
    );
    assert!(said.contains("(2 runs simulated, 1 run measured)"), "{said}");
    // A range of simulated runs has several paths, and the measured one is one of them.
    let runs = simulated.suite.runs.iter().chain(&other.suite.runs);
    let beside = SideBySide::of(runs, Some(Within::Range { percent: 10 })).expect("both");
    assert_eq!(beside.pairs[0].same_path, Some(Verdict::Pass));
    let runs = simulated.suite.runs[1..].iter().chain(&other.suite.runs);
    let beside = SideBySide::of(runs, Some(Within::Range { percent: 10 })).expect("both");
    assert_eq!(beside.pairs[0].same_path, Some(Verdict::Fail));
}

#[test]
fn every_sink_tells_it() {
    let folders = [folder(&[7]), measured(60_000)];
    let report = Report::new(&folders).within(Within::Medians { percent: 10, us: 5_000 });
    let beside = report.beside.as_ref().expect("both");
    insta::assert_snapshot!(text(beside, Style::Plain));
    assert!(markdown::summary(&report, None).contains("### Simulation and measurement"));
    let junit = junit::report(&report, None).expect("a text");
    assert!(
        junit.contains("<testsuite name=\"simulation and measurement\" tests=\"1\""),
        "{junit}"
    );
    assert!(junit.contains("type=\"distance\""), "{junit}");
    let page = html::report(&report);
    assert!(page.contains("id=\"beside\"") && page.contains("beside-0-curve"));
    assert!(beside.to_json().expect("JSON").contains("\"verdict\": \"fail\""));
    // Without both kinds there is no such part.
    let alone = Report::new(&folders[..1]);
    assert!(alone.beside.is_none() && !html::report(&alone).contains("id=\"beside\""));
}
