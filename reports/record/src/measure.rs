//! Figures from histories. All arithmetic is in integers, so that no machine rounds differently.

use crate::distribution::nearest_rank;
use crate::event::Phase;
use crate::header::Clock;
use crate::session::{self, PathUse, SessionTimeline};
use crate::stage::{PerStage, Stage};
use crate::timeline::{Fate, FrameHistory, StreamTimeline, difference_us};
use crate::uncertainty::{STAGE_TICKS, Uncertainty, frame_ticks, network_ticks, setup_ticks};
use parallax_spec::{Percentile, Window};

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
            && passage.ended_ns.network.is_some_and(|at| released_ns > at)
        {
            resent = resent.max(resent_before);
        }
        before = passage.ended_ns.jitter_buffer.map(|at| (frame.session, at, resent));
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

/// Time in each stage of the rendered frames.
#[must_use]
pub fn stages(stream: &StreamTimeline, clock: Clock) -> PerStage<Spans> {
    PerStage::from_fn(|stage| {
        Spans::of(rendered(stream).filter_map(|frame| {
            let resent = frame.passage.resent;
            let uncertainty = match stage {
                Stage::Network => Uncertainty::of_duration(clock, network_ticks(resent)),
                Stage::JitterBuffer => Uncertainty::of_jitter_buffer(clock, resent),
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

/// A picture that has not changed for this time at the end stands still, whatever gaps came before.
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

/// The freezes of a stream of which a part is in a window, each whole.
pub(crate) fn frozen_in(stream: &StreamTimeline, duration_us: u64, window: Window) -> Vec<Freeze> {
    let mut frozen = freezes(&rendered_us(stream), duration_us);
    frozen.retain(|freeze| {
        window.from_us.is_none_or(|from| freeze.to_us >= from)
            && window.to_us.is_none_or(|to| freeze.from_us < to)
    });
    frozen
}

/// When frames of a stream were rendered, microseconds on the run's clock, ascending.
#[must_use]
pub fn rendered_us(stream: &StreamTimeline) -> Vec<u64> {
    let mut times: Vec<u64> = rendered(stream)
        .filter_map(|frame| frame.passage.ended_ns.render)
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
        .filter(|frame| frame.passage.ended_ns.pacer.is_some())
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
            .filter_map(|frame| frame.passage.ended_ns.render)
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
            .filter(|frame| frame.camera.key && frame.passage.ended_ns.network.is_some())
            .min_by_key(|frame| frame.passage.ended_ns.network),
        Phase::FirstRender => own
            .filter(|frame| frame.passage.ended_ns.render.is_some())
            .min_by_key(|frame| frame.passage.ended_ns.render),
        _ => None,
    };
    let resent = decisive.map_or(0, |frame| frame.passage.resent);
    Uncertainty::of_duration(clock, setup_ticks(phase, sessions, resent))
}

/// The pairs that a stream's sessions used, in the order of time. Of a session whose viewer names
/// none, the camera's are taken, seen from the other end.
#[must_use]
pub fn paths(stream: &StreamTimeline) -> Vec<PathUse> {
    session::paths(&stream.sessions)
}
