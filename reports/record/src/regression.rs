//! Holds runs against a baseline: a check of its own, over all runs.
//!
//! Runs on a virtual clock compare exactly: the same seed has the same record, or else the figures
//! that moved are reported. Whether that is a regression is decided over all seeds that both sides have,
//! since a change of the software changes packet sizes, and with them which packets a single seed loses. Runs on a real
//! clock differ only as far as their noise allows: by the intervals of their medians.

use std::collections::{BTreeMap, BTreeSet};

use crate::baseline::{Baseline, BaselineFigure, BaselineRun, BaselineStream};
use crate::distribution::{Histogram, median_interval, nearest_rank};
use crate::header::{ClockKind, MediaMode};
use crate::summary::Suite;
use crate::verdict::Verdict;
use parallax_spec::Percentile;

/// How much worse a figure may be before it is a regression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Times and freezes: per cent of what they were.
    pub percent: u32,
    /// Times: but by no less than this, microseconds.
    pub least_us: i64,
    /// Lost frames: parts per million of the captured ones.
    pub lost_ppm: i64,
    /// PSNR: thousandths of a decibel.
    pub psnr_millidb: i64,
}

impl Default for Thresholds {
    /// 5 %, but no less than 1 ms; half of a hundredth of the frames; half a decibel.
    fn default() -> Self {
        Self { percent: 5, least_us: 1_000, lost_ppm: 5_000, psnr_millidb: 500 }
    }
}

impl Thresholds {
    /// The most that a figure may be worse by.
    #[must_use]
    pub fn of(&self, figure: BaselineFigure, before: i64) -> i64 {
        let share = i128::from(before.unsigned_abs()) * i128::from(self.percent) / 100;
        let share = i64::try_from(share).unwrap_or(i64::MAX);
        match figure {
            BaselineFigure::FramesLostPpm => self.lost_ppm,
            BaselineFigure::PsnrMillidb => self.psnr_millidb,
            BaselineFigure::Freezes => share,
            _ => share.max(self.least_us),
        }
    }
}

/// A figure that is not what it was, or of which nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineChange {
    /// The scenario's name.
    pub scenario: String,
    /// The seed; none if it is over all that both sides have.
    pub seed: Option<u64>,
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// Which figure.
    pub figure: BaselineFigure,
    /// What it was, the least and the most it may have been; none if it was not there.
    pub before: Option<(i64, i64)>,
    /// What it is, likewise.
    pub now: Option<(i64, i64)>,
    /// The most that it may be worse by.
    pub threshold: i64,
    /// `Fail` is a regression. Of one seed among several it is never one.
    pub verdict: Verdict,
    /// Why nothing can be said, if nothing can.
    pub unclear: Option<String>,
}

/// A run by its scenario, its seed, and which of several it is.
pub type RunName = (String, u64, Option<u32>);

/// What came of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineResult {
    /// Pass, fail, or inconclusive: nothing could be compared, not well enough, or not all that the
    /// baseline has.
    pub verdict: Verdict,
    /// Runs that both sides have.
    pub compared: u64,
    /// Of these the ones with the very same record.
    pub same: u64,
    /// Their scenarios.
    pub scenarios: Vec<String>,
    /// Runs whose verdict is worse than it was.
    pub worse: Vec<(RunName, Verdict, Verdict)>,
    /// Over all seeds of a scenario: what is beyond its threshold or unclear, and what moved.
    pub changes: Vec<BaselineChange>,
    /// Run by run: which figures moved.
    pub moved: Vec<BaselineChange>,
    /// Runs that the baseline alone has.
    pub only_before: Vec<RunName>,
    /// Runs that it has not.
    pub only_now: Vec<RunName>,
    /// Runs that both sides have, with media of the baseline and of now that do not compare: live ones are
    /// encoded and decoded, prerecorded ones are only sent.
    pub unlike: Vec<(RunName, MediaMode, MediaMode)>,
}

/// Runs on a real clock of which nothing is said with fewer.
const MEASURED_RUNS: usize = 5;

type Pools<'a> = BTreeMap<(&'a str, &'a str), &'a Histogram>;

/// The runs that both sides have of one scenario, and whether none has another.
struct RunPair<'a> {
    scenario: &'a str,
    runs: Vec<(&'a BaselineRun, &'a BaselineRun)>,
    whole: bool,
}

/// Holds runs against a baseline.
#[must_use]
pub fn compare<'a>(
    before: &Baseline,
    suites: impl IntoIterator<Item = &'a Suite>,
    thresholds: Thresholds,
) -> BaselineResult {
    let now = Baseline::of(suites);
    let by_name = |baseline: &'_ Baseline| -> Vec<RunName> {
        baseline.runs.iter().map(|run| (run.scenario.clone(), run.seed, run.repeat)).collect()
    };
    let old: BTreeMap<RunName, &BaselineRun> =
        by_name(before).into_iter().zip(&before.runs).collect();
    let new: BTreeMap<RunName, &BaselineRun> = by_name(&now).into_iter().zip(&now.runs).collect();
    let but = |all: &BTreeMap<RunName, &BaselineRun>, other: &BTreeMap<RunName, &BaselineRun>| {
        all.keys().filter(|name| !other.contains_key(*name)).cloned().collect::<Vec<_>>()
    };
    let (only_before, only_now) = (but(&old, &new), but(&new, &old));
    let unlike = |(name, is): (&RunName, &&BaselineRun)| {
        let (before, now) = (old.get(name)?.media_mode?, is.media_mode?);
        (before != now).then(|| (name.clone(), before, now))
    };
    let unlike: Vec<_> = new.iter().filter_map(unlike).collect();
    let mut pairs: BTreeMap<&str, RunPair<'_>> = BTreeMap::new();
    let mut result = BaselineResult {
        verdict: Verdict::Pass,
        compared: 0,
        same: 0,
        scenarios: Vec::new(),
        worse: Vec::new(),
        changes: Vec::new(),
        moved: Vec::new(),
        only_before,
        only_now,
        unlike,
    };
    for (name, is) in &new {
        let Some(was) = old.get(name) else { continue };
        if result.unlike.iter().any(|(unlike, ..)| unlike == name) {
            continue;
        }
        result.compared += 1;
        if is.record_sha256.is_some() && is.record_sha256 == was.record_sha256 {
            result.same += 1;
        }
        if is.verdict > was.verdict {
            result.worse.push((name.clone(), was.verdict, is.verdict));
        }
        let others = result.only_before.iter().chain(&result.only_now);
        let others = others.chain(result.unlike.iter().map(|(unlike, ..)| unlike));
        let whole = || others.clone().all(|(scenario, ..)| *scenario != name.0);
        let scenario = is.scenario.as_str();
        pairs
            .entry(scenario)
            .or_insert_with(|| RunPair { scenario, runs: Vec::new(), whole: whole() })
            .runs
            .push((was, is));
    }
    result.scenarios = pairs.keys().map(|name| (*name).to_owned()).collect();
    for pair in pairs.values() {
        let (old, new) = (pools(before, pair.scenario), pools(&now, pair.scenario));
        scenario(pair, &old, &new, thresholds, &mut result);
    }
    result.verdict = verdict(&result);
    result
}

fn pools<'a>(baseline: &'a Baseline, scenario: &str) -> Pools<'a> {
    let own = baseline.pooled.iter().filter(|pool| pool.scenario == scenario);
    own.map(|pool| {
        let name = (pool.camera.as_str(), pool.viewer.as_str());
        (name, &pool.capture_to_render_histogram_us)
    })
    .collect()
}

fn verdict(result: &BaselineResult) -> Verdict {
    if result.compared == 0 {
        // What could not be compared has not passed.
        return Verdict::Inconclusive;
    }
    let worse = (!result.worse.is_empty()).then_some(Verdict::Fail);
    let changes = result.changes.iter().map(|change| change.verdict);
    // Runs that were accepted and did not run, or not so that they compare, may be the ones that regressed.
    let missing = !result.only_before.is_empty() || !result.unlike.is_empty();
    let missing = missing.then_some(Verdict::Inconclusive);
    Verdict::worst(changes.chain(worse).chain(missing)).unwrap_or(Verdict::Pass)
}

/// Of each figure of each stream the values of both sides.
type Values<'a> = BTreeMap<(&'a str, &'a str, BaselineFigure), (Vec<i64>, Vec<i64>)>;

fn scenario(
    pair: &RunPair<'_>,
    old: &Pools<'_>,
    new: &Pools<'_>,
    thresholds: Thresholds,
    result: &mut BaselineResult,
) {
    let real = |run: &BaselineRun| run.clock == ClockKind::Real;
    let measured = pair.runs.iter().any(|(was, is)| real(was) || real(is));
    let values = run_by_run(pair, thresholds, &mut result.moved);
    for ((camera, viewer, figure), (mut before, mut now)) in values {
        before.sort_unstable();
        now.sort_unstable();
        let few = measured && (before.len() < MEASURED_RUNS || now.len() < MEASURED_RUNS);
        // Only pools of the same runs compare, and one run has exact figures of its own.
        let pools = figure.percentile().filter(|_| !measured && pair.whole && pair.runs.len() > 1);
        let pooled = pools.and_then(|percentile| {
            let of = |pools: &Pools<'_>| {
                let pool = pools.get(&(camera, viewer))?;
                let borne = pool.count() >= percentile.sample_that_bears_it();
                pool.percentile_us(percentile).filter(|_| borne)
            };
            Some((of(old)?, of(new)?))
        });
        let (before, now) = match pooled {
            Some((before, now)) => (Some((before, before)), Some((now, now))),
            None if measured => (interval(&before), interval(&now)),
            None => (exact(figure, &before), exact(figure, &now)),
        };
        if before == now && !few {
            continue;
        }
        let (verdict, unclear, threshold) = judge(figure, before, now, few, thresholds);
        result.changes.push(BaselineChange {
            scenario: pair.scenario.to_owned(),
            seed: None,
            camera: camera.to_owned(),
            viewer: viewer.to_owned(),
            figure,
            before,
            now,
            threshold,
            verdict,
            unclear,
        });
    }
}

/// The values of all runs of a scenario; what moved in each run goes to `moved`.
fn run_by_run<'a>(
    pair: &RunPair<'a>,
    thresholds: Thresholds,
    moved: &mut Vec<BaselineChange>,
) -> Values<'a> {
    let mut values = Values::new();
    for (was, is) in &pair.runs {
        let streams = was.streams.iter().chain(&is.streams);
        let names: BTreeSet<_> =
            streams.map(|stream| (stream.camera.as_str(), stream.viewer.as_str())).collect();
        for (camera, viewer) in names {
            let of = |run: &BaselineRun, figure| -> Option<i64> {
                let own = |one: &&BaselineStream| one.camera == camera && one.viewer == viewer;
                run.streams.iter().find(own)?.figures.get(&figure).copied()
            };
            for figure in FIGURES {
                let (before, now) = (of(was, figure), of(is, figure));
                if before.is_some() || now.is_some() {
                    let both = values.entry((camera, viewer, figure)).or_default();
                    both.0.extend(before);
                    both.1.extend(now);
                }
                if before != now {
                    moved.push(BaselineChange {
                        scenario: pair.scenario.to_owned(),
                        seed: Some(is.seed),
                        camera: camera.to_owned(),
                        viewer: viewer.to_owned(),
                        figure,
                        before: before.map(|value| (value, value)),
                        now: now.map(|value| (value, value)),
                        threshold: thresholds.of(figure, before.unwrap_or(0)),
                        verdict: Verdict::Pass,
                        unclear: None,
                    });
                }
            }
        }
    }
    values
}

const FIGURES: [BaselineFigure; 7] = [
    BaselineFigure::TimeToFirstFrameUs,
    BaselineFigure::CaptureToRenderP50Us,
    BaselineFigure::CaptureToRenderP95Us,
    BaselineFigure::CaptureToRenderP99Us,
    BaselineFigure::FramesLostPpm,
    BaselineFigure::Freezes,
    BaselineFigure::PsnrMillidb,
];

/// Over exact runs: freezes together, lost frames as their mean, all else as the median.
fn exact(figure: BaselineFigure, sorted: &[i64]) -> Option<(i64, i64)> {
    let sum = sorted.iter().fold(0_i64, |sum, value| sum.saturating_add(*value));
    let value = match figure {
        BaselineFigure::Freezes => (!sorted.is_empty()).then_some(sum),
        BaselineFigure::FramesLostPpm => sum.checked_div(sorted.len() as i64),
        _ => nearest_rank(sorted, Percentile::P50),
    }?;
    Some((value, value))
}

/// The interval that the median of measured runs lies in, in 95 of 100 cases; of five runs, in which no interval is
/// so sure, all that they span.
fn interval(sorted: &[i64]) -> Option<(i64, i64)> {
    median_interval(sorted).or_else(|| Some((*sorted.first()?, *sorted.last()?)))
}

fn judge(
    figure: BaselineFigure,
    before: Option<(i64, i64)>,
    now: Option<(i64, i64)>,
    few: bool,
    thresholds: Thresholds,
) -> (Verdict, Option<String>, i64) {
    let reference = before.map_or(0, |(least, most)| least.midpoint(most));
    let threshold = thresholds.of(figure, reference);
    if few {
        let text = format!("measured runs need {MEASURED_RUNS} on either side");
        return (Verdict::Inconclusive, Some(text), threshold);
    }
    let (Some(before), Some(now)) = (before, now) else {
        // What came about before and does not any more is worse than any figure.
        let verdict = if now.is_none() { Verdict::Fail } else { Verdict::Pass };
        return (verdict, None, threshold);
    };
    let ends = [
        figure.worse_by(before.0, now.1),
        figure.worse_by(before.1, now.0),
        figure.worse_by(before.0, now.0),
        figure.worse_by(before.1, now.1),
    ];
    if ends.iter().all(|worse| *worse > threshold) {
        (Verdict::Fail, None, threshold)
    } else if ends.iter().all(|worse| *worse <= threshold) {
        (Verdict::Pass, None, threshold)
    } else {
        let text = "the threshold lies within the noise".to_owned();
        (Verdict::Inconclusive, Some(text), threshold)
    }
}
