//! What the terminal shows of runs that pass, fail, are inconclusive, and break.

use parallax_record::*;
use parallax_render::Shown;
use parallax_render::terminal::{Style, brief, closing, run, scenarios};

const RERUN: &str = "parallax sim fixtures/scenarios/two-homes.toml --seed 7";

fn late(below: u64) -> Uncertainty {
    Uncertainty { below, above: 0 }
}

fn stream() -> StreamSummary {
    StreamSummary {
        camera: "doorbell".into(),
        viewer: "phone".into(),
        sessions: 1,
        ended: vec![],
        local_candidate: Some(CandidateKind::ServerReflexive),
        remote_candidate: Some(CandidateKind::PeerReflexive),
        relayed: Some(false),
        setup_us: PerPhase::default(),
        setup_uncertainty_us: PerPhase::default(),
        time_to_first_frame_us: Some(1_234_000),
        time_to_first_frame_uncertainty_us: late(30_000),
        capture_to_render_us: LatencySummary {
            count: 437,
            p50: Some(112_400),
            p90: Some(130_000),
            p95: Some(141_950),
            p99: Some(203_000),
            max: Some(260_000),
            uncertainty: late(13_000),
            p50_uncertainty: late(7_000),
            p95_uncertainty: late(10_000),
            p99_uncertainty: late(13_000),
        },
        capture_to_render_histogram_us: Histogram::default(),
        capture_to_render_over_time_us: OverTime::default(),
        stages_us: PerStage::default(),
        split_us: SplitSummary {
            count: 437,
            configured: SplitPart { p50: Some(41_200), p95: Some(47_900) },
            chosen: SplitPart { p50: Some(63_400), p95: Some(80_000) },
            suffered: SplitPart { p50: Some(3_200), p95: Some(21_000) },
        },
        configured_us: PerStage::default(),
        margin_us: MarginSummary {
            count: 437,
            least: Some(200),
            p1: Some(4_300),
            p5: Some(31_200),
            near: 7,
        },
        frames: FramesSummary {
            captured: 440,
            encoded: 440,
            rendered: 437,
            lost: LostSummary { transport: 2, receive: 1, ..LostSummary::default() },
            under_way: 0,
        },
        freezes: FreezesSummary { count: 1, total_us: 420_000, open_us: None },
        psnr_millidb: Some(31_415),
        psnr_min_millidb: Some(27_000),
        worst_frames: Vec::new(),
        ssim_ppm: Some(953_999),
        ssim_min_ppm: Some(700_000),
        markers_unreadable: 0,
        bit_rate_bps: Some(398_000),
        rates: None,
    }
}

fn check() -> CheckResult {
    CheckResult {
        name: "capture_to_render p95".into(),
        camera: "doorbell".into(),
        viewer: "phone".into(),
        verdict: Verdict::Pass,
        measured: Some(141_950),
        uncertainty: late(7_000),
        comparison: Comparison::Below,
        bound: 250_000,
        unit: Unit::Us,
        sample: 437,
        minimum_sample: 20,
        from_us: Some(5_000_000),
        to_us: None,
        detail: None,
        why: "A doorbell conversation breaks down above about 250 ms.".into(),
    }
}

fn summary(verdict: Verdict, checks: Vec<CheckResult>) -> Summary {
    Summary {
        scenario: "two-homes".parse().expect("a name"),
        title: "Two homes, ordinary gateways".into(),
        seed: 7,
        repeat: None,
        clock: ClockKind::Virtual,
        tick_us: Some(1_000),
        clock_bound_us: None,
        verdict,
        faults: vec![],
        failures: Vec::new(),
        doubts: Vec::new(),
        earlier_attempts: Vec::new(),
        record_sha256: Some("ab".into()),
        packets_sha256: Some("cd".into()),
        duration_us: 30_000_000,
        media_mode: MediaMode::Live,
        congestion_control: CongestionControl::None,
        profiles: vec![],
        checks,
        not_judged: Vec::new(),
        streams: vec![stream()],
        links: Vec::new(),
        bytes: BytesSummary::default(),
    }
}

fn failed() -> Summary {
    let latency = CheckResult { verdict: Verdict::Fail, bound: 120_000, ..check() };
    let path = CheckResult {
        name: "path relayed".into(),
        verdict: Verdict::Fail,
        measured: Some(1),
        uncertainty: Uncertainty::NONE,
        comparison: Comparison::AtMost,
        bound: 0,
        unit: Unit::Pairs,
        from_us: None,
        detail: Some("direct (server-reflexive to peer-reflexive)".into()),
        why: "Strict gateways on both sides leave no direct way.".into(),
        ..check()
    };
    summary(Verdict::Fail, vec![check(), latency, path])
}

fn inconclusive() -> Summary {
    let astride = CheckResult { verdict: Verdict::Inconclusive, bound: 140_000, ..check() };
    let small = CheckResult {
        name: "psnr p5".into(),
        verdict: Verdict::Inconclusive,
        measured: Some(30_120),
        uncertainty: Uncertainty::NONE,
        comparison: Comparison::Above,
        bound: 28_000,
        unit: Unit::Millidb,
        sample: 12,
        to_us: Some(6_000_000),
        why: "Faces must be recognised.".into(),
        ..check()
    };
    let mut summary = summary(Verdict::Inconclusive, vec![astride, small]);
    summary.streams[0].capture_to_render_us.count = 60;
    summary
}

fn dead() -> Summary {
    let connects = CheckResult {
        name: "connects".into(),
        verdict: Verdict::Fail,
        measured: None,
        uncertainty: Uncertainty::NONE,
        comparison: Comparison::AtMost,
        bound: 3_000_000,
        from_us: None,
        detail: Some("it did not happen by the end of the window".into()),
        why: "Visitors leave after a few seconds.".into(),
        ..check()
    };
    let mut summary = summary(Verdict::Fail, vec![connects]);
    let stream = &mut summary.streams[0];
    stream.relayed = None;
    stream.time_to_first_frame_us = None;
    stream.capture_to_render_us = LatencySummary::default();
    stream.frames = FramesSummary::default();
    summary
}

fn broken() -> Summary {
    let mut summary = summary(Verdict::Error, vec![]);
    summary.streams.clear();
    summary.faults = vec!["phone: a task panicked: index out of bounds".into()];
    summary
}

#[test]
fn a_run_that_passes() {
    let summary = summary(Verdict::Pass, vec![check()]);
    insta::assert_snapshot!(run(&summary, RERUN, Style::Plain));
}

#[test]
fn a_run_that_fails() {
    insta::assert_snapshot!(run(&failed(), RERUN, Style::Plain));
}

#[test]
fn a_run_that_never_connects() {
    insta::assert_snapshot!(run(&dead(), RERUN, Style::Plain));
}

#[test]
fn a_run_that_is_inconclusive() {
    insta::assert_snapshot!(run(&inconclusive(), RERUN, Style::Plain));
}

#[test]
fn frames_under_way_are_told_if_they_are_more_than_a_handful() {
    let picture = |under_way| {
        let mut summary = summary(Verdict::Pass, vec![check()]);
        summary.streams[0].frames.under_way = under_way;
        let text = run(&summary, RERUN, Style::Plain);
        text.lines().last().expect("lines").to_owned()
    };
    assert!(!picture(5).contains("under way"));
    insta::assert_snapshot!(
        picture(6).trim_start(),
        @"picture       1 freeze of 420 ms in all, 3 of 440 frames lost (transport 2, receive 1), 6 still under way at the end, PSNR 31.42 dB, SSIM 0.953"
    );
}

#[test]
fn congestion_control_is_one_line_of_its_own() {
    let mut summary = summary(Verdict::Pass, vec![check()]);
    summary.streams[0].rates = Some(RatesSummary {
        estimate_bps: RateSummary { mean: 512_000, last: 600_000 },
        target_bps: RateSummary { mean: 498_500, last: 600_000 },
        sent_bps: RateSummary { mean: 1_230_000, last: 640 },
    });
    let text = run(&summary, RERUN, Style::Plain);
    let line = text.lines().find(|line| line.contains("bit rate"));
    let expected = "  bit rate      mean estimate 512 kbit/s (last 600 kbit/s), target 498.5 \
                    kbit/s (last 600 kbit/s), sent 1.2 Mbit/s (last 640 bit/s)";
    assert_eq!(line, Some(expected));
}

#[test]
fn a_run_without_checks() {
    let summary = summary(Verdict::Inconclusive, vec![]);
    insta::assert_snapshot!(run(&summary, RERUN, Style::Plain));
}

#[test]
fn a_run_that_breaks() {
    insta::assert_snapshot!(run(&broken(), RERUN, Style::Plain));
}

#[test]
fn colour_adds_nothing_but_colour() {
    for summary in [failed(), inconclusive(), dead(), broken()] {
        let mut plain = String::new();
        let coloured = run(&summary, RERUN, Style::Coloured);
        let mut rest: &str = &coloured;
        while let Some(start) = rest.find("\x1b[") {
            plain.push_str(&rest[..start]);
            let end = rest[start..].find('m').expect("each code ends");
            rest = &rest[start + end + 1..];
        }
        plain.push_str(rest);
        let trimmed: String = plain.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        assert_eq!(trimmed, *run(&summary, RERUN, Style::Plain));
        assert!(coloured.contains("\x1b["));
    }
}

#[test]
fn the_closing_line_counts_verdicts_from_the_worst_on() {
    let pass = || summary(Verdict::Pass, vec![check()]);
    let suites = [
        Suite::new(vec![]),
        Suite::new(vec![pass()]),
        Suite::new(vec![pass(), failed(), pass(), inconclusive()]),
        Suite::new(vec![pass(), broken(), broken()]),
    ];
    let lines: Shown = suites.iter().map(|suite| closing(suite, Style::Plain)).collect();
    insta::assert_snapshot!(lines);
}

#[test]
fn an_interrupted_suite_says_how_much_of_it_there_is() {
    let pass = || summary(Verdict::Pass, vec![check()]);
    insta::assert_snapshot!(closing(&Suite::of(10, vec![pass(), failed()]), Style::Plain), @r"
    interrupted: 2 of 10 runs finished
    FAIL            2 runs: 1 failed, 1 passed
    ");
    insta::assert_snapshot!(closing(&Suite::of(1, vec![]), Style::Plain), @r"
    interrupted: 0 of 1 run finished
    nothing ran
    ");
}

#[test]
fn scenarios_that_ran_often_are_counted_one_by_one() {
    let with_seed = |seed, run: Summary| Summary { seed, ..run };
    let mut runs: Vec<Summary> = (1..=200)
        .map(|seed| match seed {
            17 | 94 => with_seed(seed, failed()),
            50 => with_seed(seed, broken()),
            _ => with_seed(seed, summary(Verdict::Pass, vec![check()])),
        })
        .collect();
    runs.extend((1..=13).map(|seed| {
        let run = with_seed(seed, inconclusive());
        Summary { scenario: "an-office".parse().expect("a name"), ..run }
    }));
    insta::assert_snapshot!(scenarios(&Suite::new(runs), Style::Plain), @r"
    two-homes  200 runs: 1 error (seed 50), 2 failed (seeds 17, 94), 197 passed
    an-office  13 runs: 13 inconclusive (seeds 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 3 more)
    ");
    let one = Suite::new(vec![summary(Verdict::Pass, vec![check()])]);
    assert_eq!(&*scenarios(&one, Style::Plain), "");
}

#[test]
fn a_run_in_one_line_is_the_first_of_its_lines() {
    let passed = summary(Verdict::Pass, vec![check()]);
    let whole = run(&passed, RERUN, Style::Plain);
    let line = brief(&passed, "", Style::Plain);
    assert!(whole.starts_with(&*line) && line.ends_with('\n'), "{line}");
    let verified = brief(&passed, ", verified", Style::Plain);
    assert_eq!(verified.trim_end(), format!("{}, verified", line.trim_end()));
}

#[test]
fn names_and_texts_from_outside_cannot_steer_the_terminal() {
    let mut hostile = failed();
    hostile.title = "Two\n\x1b[31mhomes\r".into();
    hostile.checks[1].why = "A reason\n  of two lines.\x07\x1b]0;gotcha\x07".into();
    hostile.streams[0].camera = "door\tbell".into();
    let text = run(&hostile, RERUN, Style::Plain);
    assert!(text.contains(r"Two\n\u{1b}[31mhomes"), "{text}");
    assert!(text.contains("A reason of two lines."), "{text}");
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()));
}
