//! Runs against a baseline: exactly in simulation, by intervals that know their noise when measured.

use parallax_record::*;

fn stream(latencies: &[i64]) -> StreamSummary {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    let of = |percentile| nearest_rank(&sorted, percentile);
    StreamSummary {
        camera: "doorbell".into(),
        viewer: "phone".into(),
        sessions: 1,
        ended: vec![],
        local_candidate: None,
        remote_candidate: None,
        relayed: Some(false),
        setup_us: PerPhase::default(),
        setup_uncertainty_us: PerPhase::default(),
        time_to_first_frame_us: Some(1_000_000),
        time_to_first_frame_uncertainty_us: Uncertainty::NONE,
        capture_to_render_us: LatencySummary {
            count: sorted.len() as u64,
            p50: of(Percentile::P50),
            p90: of(Percentile::P90),
            p95: of(Percentile::P95),
            p99: of(Percentile::P99),
            max: sorted.last().copied(),
            ..LatencySummary::default()
        },
        capture_to_render_histogram_us: Histogram::of(sorted.iter().copied()),
        capture_to_render_over_time_us: OverTime::default(),
        stages_us: PerStage::default(),
        split_us: SplitSummary::default(),
        configured_us: PerStage::default(),
        margin_us: MarginSummary::default(),
        frames: FramesSummary {
            captured: sorted.len() as u64,
            encoded: sorted.len() as u64,
            rendered: sorted.len() as u64,
            ..FramesSummary::default()
        },
        freezes: FreezesSummary::default(),
        psnr_millidb: Some(38_000),
        psnr_min_millidb: None,
        worst_frames: Vec::new(),
        ssim_ppm: None,
        ssim_min_ppm: None,
        markers_unreadable: 0,
        bit_rate_bps: None,
        rates: None,
    }
}

fn run(seed: u64, clock: ClockKind, latencies: &[i64]) -> Summary {
    Summary {
        scenario: "two-homes".parse().expect("a name"),
        title: "Two homes".into(),
        seed,
        repeat: None,
        clock,
        tick_us: None,
        clock_bound_us: None,
        verdict: Verdict::Pass,
        faults: Vec::new(),
        failures: Vec::new(),
        doubts: Vec::new(),
        earlier_attempts: Vec::new(),
        record_sha256: Some(format!("{seed} {latencies:?}")),
        packets_sha256: None,
        duration_us: 10_000_000,
        media_mode: MediaMode::Live,
        congestion_control: CongestionControl::None,
        profiles: Vec::new(),
        checks: Vec::new(),
        not_judged: Vec::new(),
        streams: vec![stream(latencies)],
        links: Vec::new(),
        bytes: BytesSummary::default(),
    }
}

/// Runs of 200 frames each, frame by frame a millisecond apart, from `from_us` on.
fn runs(clock: ClockKind, from_us: &[i64]) -> Suite {
    let latencies = |from: &i64| (0..200).map(|frame| from + frame * 100).collect::<Vec<_>>();
    let of = |(seed, from): (usize, &i64)| run(seed as u64, clock, &latencies(from));
    Suite::new(from_us.iter().enumerate().map(of).collect())
}

fn compare(before: &Suite, now: &Suite) -> BaselineResult {
    let text = Baseline::of([before]).to_json().expect("JSON");
    let baseline = Baseline::read(text.as_bytes()).expect("a baseline");
    assert_eq!(baseline, Baseline::of([before]), "it does not read back");
    compare_with_baseline(&baseline, [now], Thresholds::default())
}

const VIRTUAL: ClockKind = ClockKind::Virtual;
const REAL: ClockKind = ClockKind::Real;

#[test]
fn the_same_runs_are_the_same() {
    let suite = runs(VIRTUAL, &[100_000, 110_000]);
    let result = compare(&suite, &suite);
    assert_eq!((result.verdict, result.compared, result.same), (Verdict::Pass, 2, 2));
    assert!(result.changes.is_empty() && result.moved.is_empty());
}

#[test]
fn a_simulated_latency_beyond_the_threshold_over_all_seeds_is_a_regression() {
    let before = runs(VIRTUAL, &[100_000, 100_000, 100_000]);
    let result = compare(&before, &runs(VIRTUAL, &[110_000, 110_000, 110_000]));
    assert_eq!(result.verdict, Verdict::Fail);
    let failed: Vec<_> =
        result.changes.iter().filter(|change| change.verdict == Verdict::Fail).collect();
    let figures: Vec<_> = failed.iter().map(|change| change.figure).collect();
    use BaselineFigure::{CaptureToRenderP50Us, CaptureToRenderP95Us, CaptureToRenderP99Us};
    assert_eq!(figures, [CaptureToRenderP50Us, CaptureToRenderP95Us, CaptureToRenderP99Us]);
    assert!(failed.iter().all(|change| change.seed.is_none()));
    // Each seed tells which figures moved.
    assert_eq!(result.moved.len(), 9);
    assert_eq!(result.moved[0].before, Some((109_900, 109_900)));
    assert_eq!(result.moved[0].now, Some((119_900, 119_900)));
}

#[test]
fn a_change_within_the_threshold_or_to_the_better_is_none() {
    let before = runs(VIRTUAL, &[100_000, 100_000]);
    for now in [&[104_000, 104_000], &[60_000, 60_000]] {
        let result = compare(&before, &runs(VIRTUAL, now));
        assert_eq!((result.verdict, result.same), (Verdict::Pass, 0));
        assert!(!result.moved.is_empty(), "it moved all the same");
    }
}

#[test]
fn seeds_that_were_dealt_each_others_hands_are_no_regression() {
    let with_a_late_one = |late: usize| {
        let mut from = [100_000; 40];
        from[late] = 115_000;
        runs(VIRTUAL, &from)
    };
    let result = compare(&with_a_late_one(3), &with_a_late_one(7));
    assert_eq!((result.verdict, result.same), (Verdict::Pass, 38));
    assert!(result.changes.is_empty(), "{:?}", result.changes);
    let seeds: Vec<_> = result.moved.iter().filter_map(|change| change.seed).collect();
    assert_eq!(seeds, [3, 3, 3, 7, 7, 7]);
    // A late one more is one of the hundredth that p99 is about, and of nothing else.
    let result = compare(&runs(VIRTUAL, &[100_000; 40]), &with_a_late_one(7));
    let failed = result.changes.iter().filter(|change| change.verdict == Verdict::Fail);
    let figures: Vec<_> = failed.map(|change| change.figure).collect();
    assert_eq!(figures, [BaselineFigure::CaptureToRenderP99Us]);
}

#[test]
fn a_worse_verdict_and_a_stream_that_came_to_nothing_are_regressions() {
    let before = runs(VIRTUAL, &[100_000]);
    let mut now = before.clone();
    now.runs[0].verdict = Verdict::Fail;
    let result = compare(&before, &now);
    assert_eq!(result.verdict, Verdict::Fail);
    assert_eq!(result.worse, [(("two-homes".into(), 0, None), Verdict::Pass, Verdict::Fail)]);
    let mut gone = before.clone();
    gone.runs[0].streams[0] = stream(&[]);
    assert_eq!(compare(&before, &gone).verdict, Verdict::Fail);
}

#[test]
fn nothing_to_compare_is_inconclusive_and_what_is_missing_is_named() {
    let before = runs(VIRTUAL, &[100_000, 100_000]);
    let mut other = runs(VIRTUAL, &[100_000]);
    other.runs[0].seed = 9;
    let result = compare(&before, &other);
    assert_eq!((result.verdict, result.compared), (Verdict::Inconclusive, 0));
    assert_eq!(result.only_before, [("two-homes".into(), 0, None), ("two-homes".into(), 1, None)]);
    assert_eq!(result.only_now, [("two-homes".into(), 9, None)]);
    assert_eq!(compare(&before, &Suite::new(Vec::new())).verdict, Verdict::Inconclusive);
}

#[test]
fn runs_that_did_not_run_again_keep_the_others_from_a_pass_and_from_hiding_a_regression() {
    let before = runs(VIRTUAL, &[100_000, 100_000]);
    let part = Suite::new(before.runs[..1].to_vec());
    let result = compare(&before, &part);
    assert_eq!((result.verdict, result.compared), (Verdict::Inconclusive, 1));
    // More than the baseline has is no loss.
    assert_eq!(compare(&part, &before).verdict, Verdict::Pass);
    let mut worse = part;
    worse.runs[0].verdict = Verdict::Fail;
    assert_eq!(compare(&before, &worse).verdict, Verdict::Fail);
}

#[test]
fn runs_with_other_media_are_named_and_not_compared() {
    let before = runs(VIRTUAL, &[100_000, 100_000]);
    let mut now = runs(VIRTUAL, &[100_000, 200_000]);
    now.runs[1].media_mode = MediaMode::Prerecorded;
    now.runs[1].verdict = Verdict::Fail;
    let result = compare(&before, &now);
    let unlike = (("two-homes".into(), 1, None), MediaMode::Live, MediaMode::Prerecorded);
    assert_eq!(result.unlike, [unlike]);
    assert_eq!((result.verdict, result.compared), (Verdict::Inconclusive, 1));
    assert!(result.changes.is_empty() && result.moved.is_empty() && result.worse.is_empty());
    // A regression of the others stands.
    now.runs[0] = runs(VIRTUAL, &[200_000]).runs.remove(0);
    assert_eq!(compare(&before, &now).verdict, Verdict::Fail);
    now.runs.remove(0);
    let none = compare(&Suite::new(before.runs[1..].to_vec()), &now);
    assert_eq!((none.verdict, none.compared), (Verdict::Inconclusive, 0));
    // An older baseline does not say which media its runs had.
    let mut old = Baseline::of([&before]);
    old.runs.iter_mut().for_each(|run| run.media_mode = None);
    let old = Baseline::read(old.to_json().expect("JSON").as_bytes()).expect("a baseline");
    let result = compare_with_baseline(&old, [&now], Thresholds::default());
    assert_eq!((result.compared, result.unlike.len()), (1, 0));
}

#[test]
fn measured_runs_know_their_noise() {
    let noisy = [96, 98, 99, 100, 101, 102, 103, 104, 105, 107].map(|ms| ms * 1_000);
    let before = runs(REAL, &noisy);
    // All later by 1 ms: within the threshold, but the noise is wider than that.
    let result = compare(&before, &runs(REAL, &noisy.map(|us| us + 1_000)));
    assert_eq!(result.verdict, Verdict::Inconclusive);
    assert!(result.changes.iter().any(|change| {
        change.unclear.as_deref() == Some("the threshold lies within the noise")
    }));
    // Later by far more than the noise, and sooner.
    assert_eq!(compare(&before, &runs(REAL, &noisy.map(|us| us + 60_000))).verdict, Verdict::Fail);
    assert_eq!(compare(&before, &runs(REAL, &noisy.map(|us| us - 60_000))).verdict, Verdict::Pass);
    // Steady ones that hardly moved.
    let steady = runs(REAL, &[100_000; 10]);
    assert_eq!(compare(&steady, &runs(REAL, &[100_500; 10])).verdict, Verdict::Pass);
    // Of too few nothing is said.
    let few = runs(REAL, &[100_000; 4]);
    assert_eq!(compare(&few, &few).verdict, Verdict::Inconclusive);
}
