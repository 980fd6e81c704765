//! Stage times from what runs measured.

use crate::run::{MeasuredFrame, MeasuredRun};
use core::time::Duration;
use parallax_record::{Percentile, SetupTask, Span, Spans, Stage, Uncertainty, nearest_rank};
use parallax_scenario::{
    Distribution, Origin, Profile, Provenance, Quantile, StageTime,
    units::{Size, format_duration},
};
use std::collections::{BTreeMap, BTreeSet};

/// Of fewer frames no distribution is proposed: of 100, five are above the 95th percentile, so that it
/// is not one frame's luck.
pub const FEWEST_FRAMES: usize = 100;

/// Of fewer boots none is proposed: the least and the greatest of five hold the true median between
/// them 15 times of 16.
pub const FEWEST_BOOTS: usize = 5;

/// Likewise of tasks of a set-up, and of starts: a session has one or two.
pub const FEWEST_TASKS: usize = 5;

/// The key of a task's time.
pub(crate) fn task_key(task: SetupTask) -> &'static str {
    match task {
        SetupTask::KeyGeneration => "set_up.key_generation",
        SetupTask::Offer => "set_up.offer",
        SetupTask::Answer => "set_up.answer",
        SetupTask::FirstCheck => "set_up.first_check",
        SetupTask::Handshake => "set_up.handshake",
        SetupTask::KeyExchange => "set_up.key_exchange",
        SetupTask::Signature => "set_up.signature",
        SetupTask::Verification => "set_up.verification",
    }
}

/// What of `profile` no run on a bench measures, and why.
pub fn unmeasured(profile: &Profile) -> Vec<(&'static str, &'static str)> {
    const LIMITS: &str = "largest_picture, most_frames_per_second, most_bit_rate";
    let all = [
        (true, LIMITS, "a limit is what a device can do: a run shows what it did"),
        (
            profile.viewer.is_some(),
            "viewer.decode, viewer.render",
            "the viewer of a run on a bench is no device: it takes its times from its profile",
        ),
        (
            profile.console.is_some(),
            "console",
            "how it behaves and how long it is waited for, not how long it takes",
        ),
    ];
    all.into_iter().filter(|(there, ..)| *there).map(|(_, keys, why)| (keys, why)).collect()
}

/// The quantiles that are proposed, thousandths of a percent, where a sample lies beyond them: so one that is far
/// out weighs as what it is, one of all.
const PERCENTS: [u32; 13] = [
    0, 1_000, 5_000, 10_000, 25_000, 50_000, 75_000, 90_000, 95_000, 99_000, 99_500, 99_900,
    100_000,
];

/// What was found for a device.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Each figure that a run can measure.
    pub figures: Vec<ProposedFigure>,
    /// Runs that were not used, and why not.
    pub left_out: Vec<(String, String)>,
}

/// One stage time of a profile.
#[derive(Clone, Debug)]
pub struct ProposedFigure {
    /// Its table: `camera.encode`.
    pub key: &'static str,
    /// The size of the pictures that were measured.
    pub picture: Size,
    /// As the profile has it; none: it has none.
    pub before: Option<StageTime>,
    /// What was found.
    pub found: Proposal,
    /// What a reader should know of it.
    pub notes: Vec<String>,
}

/// What was found for a figure.
#[derive(Clone, Debug)]
pub enum Proposal {
    /// Another distribution.
    Proposed {
        /// What was measured.
        measured: Measured,
        /// What it comes to.
        after: StageTime,
    },
    /// It is left as it is.
    TooFew {
        /// Samples.
        has: usize,
        /// How many it needs.
        needs: usize,
    },
}

/// Times of all runs together.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// How many.
    pub count: usize,
    /// The median.
    pub p50: Span,
    /// 95 of 100 are at most this.
    pub p95: Span,
}

/// Proposes stage times for the device of `profile`, from what `runs` measured. Those of another device
/// are left out, and those whose pictures are of another size than most frames are.
pub fn calibrate(profile: &Profile, runs: &[MeasuredRun]) -> Calibration {
    let mut left_out = Vec::new();
    let of_device = runs.iter().filter(|run| {
        let same = run.profile.name == profile.name;
        if !same {
            let why = format!("its camera is `{}`, not `{}`", run.profile.name, profile.name);
            left_out.push((place(run), why));
        }
        same
    });
    let of_device: Vec<&MeasuredRun> = of_device.collect();
    let Some(picture) = most_filmed(&of_device) else {
        return Calibration { figures: Vec::new(), left_out };
    };
    let (used, other): (Vec<&MeasuredRun>, Vec<&MeasuredRun>) =
        of_device.into_iter().partition(|run| run.picture == picture);
    left_out.extend(other.into_iter().map(|run| {
        (place(run), format!("its pictures are {}, those of most frames {picture}", run.picture))
    }));
    let figures =
        measured(profile).into_iter().filter_map(|Kind { key, what, needs, before, times }| {
            let samples = Samples { runs: &used, times, what, picture };
            let mut figure = samples.figure(key, needs, before)?;
            if key == "camera.encode" {
                figure.notes.extend(key_frames(&used));
            }
            Some(figure)
        });
    Calibration { figures: figures.collect(), left_out }
}

/// A figure that runs measure.
struct Kind<'p> {
    key: &'static str,
    /// What each sample is the time of.
    what: &'static str,
    needs: usize,
    before: Option<&'p StageTime>,
    times: Times,
}

/// What of `profile` runs measure, in its order.
fn measured(profile: &Profile) -> Vec<Kind<'_>> {
    let kind = |key, what, needs, before, times| Kind { key, what, needs, before, times };
    let boot_time = Some(&profile.boot_time);
    let boots: Times = Box::new(|run| run.boots_us.clone());
    let mut all = vec![kind("boot_time", "boots", FEWEST_BOOTS, boot_time, boots)];
    for task in SetupTask::ALL {
        let times: Times =
            Box::new(move |run| run.tasks_us.get(&task).cloned().unwrap_or_default());
        all.push(kind(task_key(task), "tasks", FEWEST_TASKS, profile.set_up.get(&task), times));
    }
    let timers: Times = Box::new(|run| run.timers_us.clone());
    all.push(kind("timer", "timers", FEWEST_FRAMES, profile.timer.as_ref(), timers));
    if let Some(camera) = &profile.camera {
        let starts: Times = Box::new(|run| run.starts_us.clone());
        all.push(kind("camera.start", "starts", FEWEST_TASKS, camera.start.as_ref(), starts));
        let capture: Times = Box::new(|run| run.frames.iter().map(|it| it.capture_us).collect());
        let encode: Times = Box::new(|run| run.frames.iter().map(|it| it.encode_us).collect());
        let stages =
            [("camera.capture", Stage::Capture, capture), ("camera.encode", Stage::Encode, encode)];
        for (key, stage, times) in stages {
            all.push(kind(key, "frames", FEWEST_FRAMES, camera.stages.get(&stage), times));
        }
    }
    all
}

/// Where a run is.
fn place(run: &MeasuredRun) -> String {
    format!("{}/{}", run.folder, run.name())
}

/// The size of picture that most frames have.
fn most_filmed(runs: &[&MeasuredRun]) -> Option<Size> {
    let mut frames: BTreeMap<Size, usize> = BTreeMap::new();
    for run in runs {
        *frames.entry(run.picture).or_default() += run.frames.len();
    }
    frames.into_iter().max_by_key(|(size, count)| (*count, *size)).map(|(size, _)| size)
}

/// What a run measured of a figure, microseconds.
type Times = Box<dyn Fn(&MeasuredRun) -> Vec<i64>>;

/// What runs measured of a figure.
struct Samples<'a> {
    runs: &'a [&'a MeasuredRun],
    times: Times,
    /// What each is the time of.
    what: &'static str,
    picture: Size,
}

impl Samples<'_> {
    /// None if nothing is known of it: the profile has none, and no run measured any.
    fn figure(
        &self,
        key: &'static str,
        needs: usize,
        before: Option<&StageTime>,
    ) -> Option<ProposedFigure> {
        let of_runs: Vec<(&MeasuredRun, Vec<i64>)> = self
            .runs
            .iter()
            .map(|run| {
                let mut times = (self.times)(run);
                times.sort_unstable();
                (*run, times)
            })
            .collect();
        let mut all: Vec<i64> = of_runs.iter().flat_map(|(_, times)| times).copied().collect();
        all.sort_unstable();
        if before.is_none() && all.is_empty() {
            return None;
        }
        let found = self.found(&of_runs, &all, needs, before);
        let notes = match found {
            Proposal::Proposed { .. } => differing(&of_runs).into_iter().collect(),
            Proposal::TooFew { .. } => Vec::new(),
        };
        Some(ProposedFigure { key, picture: self.picture, before: before.cloned(), found, notes })
    }

    fn found(
        &self,
        of_runs: &[(&MeasuredRun, Vec<i64>)],
        all: &[i64],
        needs: usize,
        before: Option<&StageTime>,
    ) -> Proposal {
        let spans = Spans::of(of_runs.iter().flat_map(|(run, times)| {
            let span = |us: &i64| Span { measured_us: *us, uncertainty: run.uncertainty };
            times.iter().map(span)
        }));
        let percentiles = spans.percentile(Percentile::P50).zip(spans.percentile(Percentile::P95));
        let Some((p50, p95)) = percentiles.filter(|_| all.len() >= needs) else {
            return Proposal::TooFew { has: all.len(), needs };
        };
        let measured = Measured { count: all.len(), p50, p95 };
        let source = self.source(of_runs, all.len(), spans.widest());
        let after = StageTime {
            distribution: Distribution::Quantiles {
                quantiles: quantiles(all).into(),
                samples: u32::try_from(all.len()).ok(),
            },
            per: before.and_then(|before| before.per).map(|_| self.picture),
            occupancy: before.and_then(|before| before.occupancy.clone()),
            origin: Origin { provenance: Provenance::Measured, source },
        };
        Proposal::Proposed { measured, after }
    }

    /// Where the numbers come from.
    fn source(
        &self,
        of_runs: &[(&MeasuredRun, Vec<i64>)],
        count: usize,
        widest: Uncertainty,
    ) -> String {
        let used = of_runs.iter().filter(|(_, times)| !times.is_empty()).map(|(run, _)| *run);
        let used: Vec<&MeasuredRun> = used.collect();
        let versions: BTreeSet<&str> = used.iter().map(|run| run.version.as_str()).collect();
        let versions: Vec<&str> = versions.into_iter().collect();
        let most = Duration::from_micros(widest.below.max(widest.above));
        let runs = if used.len() == 1 { "run" } else { "runs" };
        let size = match self.what {
            "frames" => format!(" of {}", self.picture),
            _ => String::new(),
        };
        format!(
            "parallax calibrate: {count} {}{size} in {} {runs} on a bench ({}), each time within {} of the \
             truth; Parallax {}{}",
            self.what,
            used.len(),
            short(&named(&used), 250),
            format_duration(most),
            versions.join(" and "),
            short(&context(&used), 120)
        )
    }
}

/// Where and when runs were made, as far as that is known.
fn context(runs: &[&MeasuredRun]) -> String {
    let told = |what: &str, of: fn(&MeasuredRun) -> Option<&str>| {
        let all: BTreeSet<&str> = runs.iter().filter_map(|run| of(run)).collect();
        let all: Vec<&str> = all.into_iter().collect();
        if all.is_empty() { String::new() } else { format!("; {what}{}", all.join(" and ")) }
    };
    told("bench ", |run| run.bench.as_deref()) + &told("", |run| run.day.as_deref())
}

/// Folders, scenarios and stretches of seeds that are named, at most.
const NAMED: usize = 6;

/// Runs in a few words: `target/hil two-homes seeds 1..3, 7`.
fn named(runs: &[&MeasuredRun]) -> String {
    let mut seeds: BTreeMap<(&str, &str), BTreeSet<u64>> = BTreeMap::new();
    for run in runs {
        seeds.entry((&run.folder, &run.scenario)).or_default().insert(run.seed);
    }
    let named = |((folder, scenario), seeds): (&(&str, &str), &BTreeSet<u64>)| {
        let mut stretches: Vec<(u64, u64)> = Vec::new();
        for seed in seeds {
            match stretches.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(*seed) => *last = *seed,
                _ => stretches.push((*seed, *seed)),
            }
        }
        let shown = |(first, last): &(u64, u64)| match first == last {
            true => first.to_string(),
            false => format!("{first}..{last}"),
        };
        let word = if seeds.len() == 1 { "seed" } else { "seeds" };
        format!("{folder} {scenario} {word} {}", listed(stretches.iter().map(shown), ", "))
    };
    listed(seeds.iter().map(named), "; ")
}

/// Characters, at most: a line of a profile has its limit.
fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first [`NAMED`], and how many more there are.
fn listed(texts: impl ExactSizeIterator<Item = String>, between: &str) -> String {
    let more = texts.len().saturating_sub(NAMED);
    let mut shown: Vec<String> = texts.take(NAMED).collect();
    shown.extend((more > 0).then(|| format!("{more} more")));
    shown.join(between)
}

/// The quantiles of times that ascend.
fn quantiles(sorted_us: &[i64]) -> Vec<Quantile> {
    let count = sorted_us.len() as u64;
    let told = PERCENTS.into_iter().filter(|percent| {
        let (below, above) = (u64::from(*percent), u64::from(100_000 - percent));
        matches!(percent, 0 | 50_000 | 100_000) || count * below.min(above) >= 100_000
    });
    let quantile = |percent_thousandths: u32| {
        // By nearest rank: a time that occurred.
        let rank = (count * u64::from(percent_thousandths)).div_ceil(100_000).max(1);
        let us = usize::try_from(rank - 1).ok().and_then(|at| sorted_us.get(at)).copied();
        let us = us.unwrap_or_default().max(0).cast_unsigned();
        Quantile { percent_thousandths, time: Duration::from_micros(us) }
    };
    told.map(quantile).collect()
}

/// The median and how wide the middle half is.
fn middle(sorted_us: &[i64]) -> Option<(i64, i64)> {
    let at = |percent: u8| nearest_rank(sorted_us, Percentile::try_from(percent).ok()?);
    Some((at(50)?, at(75)? - at(25)?))
}

/// Fewer samples have no middle to speak of.
const FEWEST_OF_A_PART: usize = 20;

/// What to say if the runs are further apart than the frames of a run: they are no one distribution.
fn differing(of_runs: &[(&MeasuredRun, Vec<i64>)]) -> Option<String> {
    let mut middles: Vec<(i64, i64, &MeasuredRun)> = of_runs
        .iter()
        .filter(|(_, times)| times.len() >= FEWEST_OF_A_PART)
        .filter_map(|(run, times)| middle(times).map(|(median, width)| (median, width, *run)))
        .collect();
    middles.sort_by_key(|(median, _, _)| *median);
    let mut widths: Vec<i64> = middles.iter().map(|(_, width, _)| *width).collect();
    widths.sort_unstable();
    let within = nearest_rank(&widths, Percentile::P50)?;
    let (fastest, slowest) = (middles.first()?, middles.last()?);
    (slowest.0 - fastest.0 > within).then(|| {
        format!(
            "its runs differ: the median of {} is {}, that of {} {}, and the middle half of a run's is \
             {} wide. They are pooled all the same",
            place(fastest.2),
            shown(fastest.0),
            place(slowest.2),
            shown(slowest.0),
            shown(within)
        )
    })
}

/// Of fewer key frames nothing is said.
const FEWEST_KEY_FRAMES: usize = 5;

/// What to say if key frames take another time: a profile has one for all.
fn key_frames(runs: &[&MeasuredRun]) -> Option<String> {
    let of = |key: bool| {
        let frames = runs.iter().flat_map(|run| &run.frames);
        let times =
            frames.filter(|frame: &&MeasuredFrame| frame.key == key).map(|frame| frame.encode_us);
        let mut times: Vec<i64> = times.collect();
        times.sort_unstable();
        times
    };
    let (keys, others) = (of(true), of(false));
    let (key, _) = middle(&keys).filter(|_| keys.len() >= FEWEST_KEY_FRAMES)?;
    let (other, width) = middle(&others)?;
    (key.abs_diff(other) > width.unsigned_abs()).then(|| {
        format!(
            "key frames take another time: the median of {} is {}, that of the {} others {}. A profile \
             has one time for all",
            keys.len(),
            shown(key),
            others.len(),
            shown(other)
        )
    })
}

/// A measured time.
fn shown(us: i64) -> String {
    format_duration(Duration::from_micros(us.max(0).cast_unsigned()))
}

#[cfg(test)]
mod tests;
