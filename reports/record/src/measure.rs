//! Figures from histories. All arithmetic is in integers, so that no machine rounds differently.

use crate::candidate::CandidateKind;
use crate::check::{Percentile, Route, Window};
use crate::event::Phase;
use crate::header::Clock;
use crate::session::{Pair, SessionTimeline};
use crate::timeline::{Fate, FrameHistory, STAGES, StreamTimeline};
use crate::uncertainty::{STAGE_TICKS, Uncertainty, frame_ticks, network_ticks, setup_ticks};

/// A percentile by nearest rank: the smallest value such that at least `percentile` of 100 values
/// are no greater. It is always a value that occurred. None of an empty sample. `sorted` ascends.
#[must_use]
pub fn nearest_rank<T: Copy>(sorted: &[T], percentile: Percentile) -> Option<T> {
    let rank = (sorted.len() * usize::from(percentile.get())).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// The 95 % interval of the median of whatever these are a sample of, from their order alone: however they are
/// distributed, fewer than `k` of `n` lie on one side of it as often as fewer than `k` of `n` coins show heads (the
/// sign test). None of fewer than six: not even the least and the greatest of five are so sure. `sorted` ascends.
#[must_use]
pub fn median_interval(sorted: &[i64]) -> Option<(i64, i64)> {
    // Products and powers of two alone: they are the same on every machine. 2^-n is no number for large n, so the
    // binomial coefficients are kept below it.
    const STEP: i32 = 500;
    let count = sorted.len();
    let most = 2.0_f64.powi(STEP);
    let mut exponent = i32::try_from(count).ok()?;
    let (mut term, mut one_side, mut outside) = (1.0, 0.0, 0);
    while outside < count / 2 {
        one_side += term;
        if exponent <= 2 * STEP && one_side * 2.0_f64.powi(-exponent) > 0.025 {
            break;
        }
        term *= (count - outside) as f64 / (outside + 1) as f64;
        if term > most {
            (term, one_side, exponent) = (term / most, one_side / most, exponent - STEP);
        }
        outside += 1;
    }
    let least = outside.checked_sub(1)?;
    Some((*sorted.get(least)?, *sorted.get(count - 1 - least)?))
}

/// A duration as measured and the interval that the true one lies in, microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// As measured.
    pub measured_us: i64,
    /// How far the truth may be from it.
    pub uncertainty: Uncertainty,
}

/// Many durations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    measured: Vec<i64>,
    least: Vec<i64>,
    most: Vec<i64>,
    widest: Uncertainty,
}

impl Spans {
    /// Collects them.
    #[must_use]
    pub fn of(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut all = Self::default();
        for span in spans {
            let (least, most) = span.uncertainty.interval(span.measured_us);
            all.measured.push(span.measured_us);
            all.least.push(least);
            all.most.push(most);
            all.widest.below = all.widest.below.max(span.uncertainty.below);
            all.widest.above = all.widest.above.max(span.uncertainty.above);
        }
        all.measured.sort_unstable();
        all.least.sort_unstable();
        all.most.sort_unstable();
        all
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.measured.len() as u64
    }

    /// The measured percentile, microseconds.
    #[must_use]
    pub fn percentile_us(&self, percentile: Percentile) -> Option<i64> {
        nearest_rank(&self.measured, percentile)
    }

    /// The percentile and its own uncertainty: a percentile grows with each of its values, so the
    /// true one lies between that of the least and that of the most they can be.
    #[must_use]
    pub fn percentile(&self, percentile: Percentile) -> Option<Span> {
        let measured_us = nearest_rank(&self.measured, percentile)?;
        Some(Span {
            measured_us,
            uncertainty: Uncertainty {
                below: measured_us.abs_diff(nearest_rank(&self.least, percentile)?),
                above: measured_us.abs_diff(nearest_rank(&self.most, percentile)?),
            },
        })
    }

    /// The greatest, as measured, microseconds.
    #[must_use]
    pub fn max_us(&self) -> Option<i64> {
        self.measured.last().copied()
    }

    /// The greatest uncertainty of any of them: no percentile is further from the truth.
    #[must_use]
    pub fn widest(&self) -> Uncertainty {
        self.widest
    }
}

/// Capture-to-render latency of each rendered frame captured in a window.
#[must_use]
pub fn capture_to_render(stream: &StreamTimeline, window: Window, clock: Clock) -> Spans {
    let mut spans = Vec::new();
    let mut before: Option<(u32, u64, u64)> = None;
    for frame in rendered(stream) {
        let passage = &frame.passage;
        let mut resent = passage.resent;
        // Held back in the jitter buffer by the frame before: as uncertain as that one.
        if let Some((session, released_ns, resent_before)) = before
            && session == frame.session
            && passage.received_ns.is_some_and(|at| released_ns > at)
        {
            resent = resent.max(resent_before);
        }
        before = passage.released_ns.map(|at| (frame.session, at, resent));
        if let Some(measured_us) = frame.capture_to_render_us()
            && window.holds(frame.camera.captured_ns)
        {
            spans.push(Span {
                measured_us,
                uncertainty: Uncertainty::of_duration(clock, frame_ticks(resent)),
            });
        }
    }
    Spans::of(spans)
}

/// Time in each stage of the rendered frames, in the order of the stages.
#[must_use]
pub fn stages(stream: &StreamTimeline, clock: Clock) -> [Spans; STAGES] {
    const NETWORK: usize = 3;
    const JITTER_BUFFER: usize = 4;
    std::array::from_fn(|stage| {
        Spans::of(rendered(stream).filter_map(|frame| {
            let resent = frame.passage.resent;
            let uncertainty = match stage {
                NETWORK => Uncertainty::of_duration(clock, network_ticks(resent)),
                JITTER_BUFFER => Uncertainty::of_jitter_buffer(clock, resent),
                _ => Uncertainty::of_duration(clock, STAGE_TICKS),
            };
            Some(Span { measured_us: frame.stage_us(stage)?, uncertainty })
        }))
    })
}

pub(crate) fn rendered(stream: &StreamTimeline) -> impl Iterator<Item = &FrameHistory> {
    stream.frames.iter().filter(|frame| frame.fate == Fate::Rendered)
}

/// A time without a new picture that a viewer takes notice of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// When the last frame before it was rendered, microseconds on the run's clock.
    pub from_us: u64,
    /// When the next one was, or the end of the observation.
    pub to_us: u64,
    /// No next frame came.
    pub open: bool,
}

impl Freeze {
    /// How long it lasted, microseconds.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        self.to_us - self.from_us
    }
}

/// How many gaps the mean of the freeze rule remembers.
const FREEZE_MEMORY: usize = 30;

/// How many gaps must be known before one can be called a freeze.
const FREEZE_START: usize = 5;

/// A picture that has stood still for so long by the end stands still, whatever is known of gaps.
const STANDS_STILL_US: u64 = 1_000_000;

/// Freezes as in webrtc-stats (`freezeCount`): a gap between two rendered frames of at least
/// max(3 x the mean gap, the mean gap + 150 ms), the mean over the 30 gaps before it. Where the
/// definition is silent: before 5 gaps are known nothing is a freeze; a freeze's own gap counts in
/// the mean of those after it; sessions of one stream are watched as one, so a reconnection may be
/// a freeze. Beyond the definition, which sees no freeze in a picture that stands still for good:
/// a gap still open at `until_us` is one too, marked so, if it is long enough, or a second where
/// fewer than 5 gaps are known.
///
/// Whether a gap at the threshold is a freeze may hang on the ticks that its times are late.
///
/// `rendered_us` ascends; what lies after `until_us` is not looked at.
#[must_use]
pub fn freezes(rendered_us: &[u64], until_us: u64) -> Vec<Freeze> {
    let seen = &rendered_us[..rendered_us.partition_point(|at| *at <= until_us)];
    let mut gaps: Vec<u64> = Vec::new();
    let mut freezes = Vec::new();
    let closed = seen.windows(2).map(|pair| (pair[0], pair[1], false));
    let open = seen.last().map(|last| (*last, until_us, true));
    for (from_us, to_us, open) in closed.chain(open) {
        let gap = to_us - from_us;
        let known = &gaps[gaps.len().saturating_sub(FREEZE_MEMORY)..];
        let (count, sum) = (known.len() as u64, known.iter().copied().fold(0, u64::saturating_add));
        // The mean is sum / count; everything is multiplied by count to stay exact.
        let freeze = if known.len() >= FREEZE_START {
            // 128 bits: the times of a record may be any.
            let (gap, count, sum) = (u128::from(gap), u128::from(count), u128::from(sum));
            gap * count >= (3 * sum).max(sum + 150_000 * count)
        } else {
            open && gap >= STANDS_STILL_US
        };
        if freeze {
            freezes.push(Freeze { from_us, to_us, open });
        }
        gaps.push(gap);
    }
    freezes
}

/// When frames of a stream were rendered, microseconds on the run's clock, ascending.
#[must_use]
pub fn rendered_us(stream: &StreamTimeline) -> Vec<u64> {
    let mut times: Vec<u64> = rendered(stream)
        .filter_map(|frame| frame.passage.rendered_ns)
        .map(|ns| ns / 1_000)
        .collect();
    times.sort_unstable();
    times
}

/// PSNR of the rendered frames captured in a window, thousandths of a decibel, ascending.
#[must_use]
pub fn psnr_millidb(stream: &StreamTimeline, window: Window) -> Vec<u32> {
    let mut values: Vec<u32> = rendered(stream)
        .filter(|frame| window.holds(frame.camera.captured_ns))
        .filter_map(|frame| frame.passage.psnr_millidb)
        .collect();
    values.sort_unstable();
    values
}

/// SSIM of the rendered frames captured in a window, millionths, ascending.
#[must_use]
pub fn ssim_ppm(stream: &StreamTimeline, window: Window) -> Vec<i32> {
    let mut values: Vec<i32> = rendered(stream)
        .filter(|frame| window.holds(frame.camera.captured_ns))
        .filter_map(|frame| frame.passage.ssim_ppm)
        .collect();
    values.sort_unstable();
    values
}

/// The arithmetic mean, rounded down; none of none.
#[must_use]
pub fn mean<T: Copy + Into<i64> + TryFrom<i64>>(values: &[T]) -> Option<T> {
    let count = i64::try_from(values.len()).ok().filter(|count| *count > 0)?;
    let sum: i64 = values.iter().map(|value| (*value).into()).sum();
    T::try_from(sum.div_euclid(count)).ok()
}

/// Bits per second of the elementary stream that was sent: the bits of all frames but the last,
/// over the time from the first one's capture to the last one's. None of fewer than two frames.
#[must_use]
pub fn bit_rate_bps(stream: &StreamTimeline) -> Option<u64> {
    let sent: Vec<_> = stream
        .frames
        .iter()
        .filter(|frame| frame.passage.paced_ns.is_some())
        .map(|frame| &frame.camera)
        .collect();
    let (last, others) = sent.split_last()?;
    let first = others.first()?;
    let bits: u128 = others.iter().map(|frame| u128::from(frame.bytes) * 8).sum();
    let duration_ns = u128::from(last.captured_ns.checked_sub(first.captured_ns)?);
    u64::try_from((bits * 1_000_000_000).checked_div(duration_ns)?).ok()
}

/// The viewer's first request in a window, nanoseconds on the run's clock, and where in the
/// stream's sessions it is.
#[must_use]
pub(crate) fn first_request(stream: &StreamTimeline, window: Window) -> Option<(usize, u64)> {
    stream.sessions.iter().enumerate().find_map(|(position, session)| {
        let at = session.requests_ns.iter().copied().find(|at| window.holds(*at))?;
        Some((position, at))
    })
}

/// From the viewer's first request in a window until a phase was complete in that session or, if
/// it came to nothing, in a later one. None if nothing was asked for, or the phase was not reached
/// in the window.
#[must_use]
pub fn time_to(
    stream: &StreamTimeline,
    phase: Phase,
    window: Window,
    clock: Clock,
) -> Option<Span> {
    let (position, requested_ns) = first_request(stream, window)?;
    stream.sessions[position..].iter().enumerate().find_map(|(sessions, session)| {
        let at = phase_ns(stream, session, phase)?;
        window.holds(at).then(|| Span {
            measured_us: difference_us(requested_ns, at),
            uncertainty: setup_uncertainty(stream, session, phase, sessions as u64 + 1, clock),
        })
    })
}

/// When a phase was complete at the viewer. The first render is that of a frame.
#[must_use]
pub(crate) fn phase_ns(
    stream: &StreamTimeline,
    session: &SessionTimeline,
    phase: Phase,
) -> Option<u64> {
    if phase == Phase::FirstRender {
        rendered(stream)
            .filter(|frame| frame.session == session.number)
            .filter_map(|frame| frame.passage.rendered_ns)
            .min()
    } else {
        session.viewer_ns.get(&phase).copied()
    }
}

/// How uncertain the time of a phase is that was reached in `session`, when `sessions` had to be
/// begun for it.
#[must_use]
pub(crate) fn setup_uncertainty(
    stream: &StreamTimeline,
    session: &SessionTimeline,
    phase: Phase,
    sessions: u64,
    clock: Clock,
) -> Uncertainty {
    let own = stream.frames.iter().filter(|frame| frame.session == session.number);
    let decisive = match phase {
        Phase::FirstKeyFrame => own
            .filter(|frame| frame.camera.key && frame.passage.received_ns.is_some())
            .min_by_key(|frame| frame.passage.received_ns),
        Phase::FirstRender => own
            .filter(|frame| frame.passage.rendered_ns.is_some())
            .min_by_key(|frame| frame.passage.rendered_ns),
        _ => None,
    };
    let resent = decisive.map_or(0, |frame| frame.passage.resent);
    Uncertainty::of_duration(clock, setup_ticks(phase, sessions, resent))
}

/// From one time to another, both nanoseconds rounded down to microseconds first.
#[must_use]
pub(crate) fn difference_us(from_ns: u64, to_ns: u64) -> i64 {
    (to_ns / 1_000).cast_signed() - (from_ns / 1_000).cast_signed()
}

/// A pair that a session used, as the viewer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathUse {
    /// The viewer's end.
    pub local: CandidateKind,
    /// The camera's end.
    pub remote: CandidateKind,
    /// Direct or through TURN. Each end knows its own candidate best: a TURN server's address may
    /// look peer-reflexive from afar, so the camera's word counts here too.
    pub route: Route,
    /// From when on, nanoseconds on the run's clock.
    pub from_ns: u64,
    /// Until when; none if it was not replaced and its session not ended.
    pub to_ns: Option<u64>,
}

/// The pairs that a stream's sessions used, in the order of time. Of a session whose viewer names
/// none, the camera's are taken, seen from the other end.
#[must_use]
pub fn paths(stream: &StreamTimeline) -> Vec<PathUse> {
    paths_of(&stream.sessions)
}

/// As [`paths`], of the sessions of a stream.
pub(crate) fn paths_of(sessions: &[SessionTimeline]) -> Vec<PathUse> {
    let mut uses = Vec::new();
    for (position, session) in sessions.iter().enumerate() {
        let successor_ns = sessions[position + 1..]
            .iter()
            .find_map(|next| next.viewer_ns.get(&Phase::Requested).copied());
        let over_ns = match (session.closed_ns, successor_ns) {
            (Some(closed), Some(next)) => Some(closed.min(next)),
            (closed, next) => closed.or(next),
        };
        let mirrored: Vec<Pair>;
        let pairs = if session.viewer_pairs.is_empty() {
            mirrored = session.camera_pairs.iter().map(mirror).collect();
            &mirrored
        } else {
            &session.viewer_pairs
        };
        for (index, pair) in pairs.iter().enumerate() {
            let to_ns = pairs.get(index + 1).map(|next| next.run_ns).or(over_ns);
            let at_camera =
                session.camera_pairs.iter().rfind(|own| to_ns.is_none_or(|to| own.run_ns < to));
            let ends = [Some(pair), at_camera];
            let relayed = ends.into_iter().flatten().any(|pair| {
                pair.local.kind == CandidateKind::Relayed
                    || pair.remote.kind == CandidateKind::Relayed
            });
            uses.push(PathUse {
                local: pair.local.kind,
                remote: pair.remote.kind,
                route: if relayed { Route::Relayed } else { Route::Direct },
                from_ns: pair.run_ns,
                to_ns,
            });
        }
    }
    uses
}

fn mirror(pair: &Pair) -> Pair {
    Pair { run_ns: pair.run_ns, local: pair.remote.clone(), remote: pair.local.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_median_is_that_of_the_tables() {
        // Ranks from the tables of the sign test: n, and which of n from either end.
        for (count, rank) in
            [(6, 1), (8, 1), (9, 2), (12, 3), (15, 4), (20, 6), (25, 8), (50, 18), (100, 40)]
        {
            let values: Vec<i64> = (1..=count).collect();
            assert_eq!(median_interval(&values), Some((rank, count + 1 - rank)), "{count}");
        }
        for count in 0..6 {
            assert_eq!(median_interval(&(0..count).collect::<Vec<_>>()), None, "{count}");
        }
        let (least, most) = median_interval(&(1..=5_000).collect::<Vec<_>>()).expect("an interval");
        // 2500 ± 1.96 * sqrt(5000) / 2, to a rank.
        assert!((2_430..=2_432).contains(&least) && least + most == 5_001, "{least} {most}");
    }
}
