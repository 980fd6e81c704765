//! Checks: what a scenario demands of a run, and why.
//!
//! A check is data. The scenario's parser makes it, the record's header carries it, and
//! `judge` of `parallax-record` holds the run against it, so that an old record can be judged again.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::CandidateKind;

/// One demand on the streams of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What must hold.
    pub predicate: Predicate,
    /// For which streams. Each selected stream is judged by itself.
    pub streams: StreamSelection,
    /// When it must hold.
    pub window: Window,
    /// How many samples the verdict needs, at least; fewer are inconclusive. What a sample is
    /// depends on the predicate: a request, an end of the event, a captured or a rendered frame.
    pub minimum_sample: u64,
    /// Why the bound is what it is, for the reader of a failure.
    pub why: String,
}

/// Which streams a check is about. What is not given selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StreamSelection {
    /// Only streams of this camera.
    pub camera: Option<String>,
    /// Only streams to this viewer.
    pub viewer: Option<String>,
}

impl StreamSelection {
    /// Whether the stream from `camera` to `viewer` is selected.
    #[must_use]
    pub fn selects(&self, camera: &str, viewer: &str) -> bool {
        self.camera.as_deref().is_none_or(|name| name == camera)
            && self.viewer.as_deref().is_none_or(|name| name == viewer)
    }
}

/// A part of the run, `from` included, `to` not. Microseconds on the run's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Where it begins; none is the start of the run.
    pub from_us: Option<u64>,
    /// Where it ends; none is the end of the run.
    pub to_us: Option<u64>,
}

impl Window {
    /// The whole run.
    pub const WHOLE: Self = Self { from_us: None, to_us: None };

    /// Whether a time on the run's clock lies inside. A window without an end takes in what
    /// happened in the last instant of the run.
    #[must_use]
    pub fn holds(&self, run_ns: u64) -> bool {
        let run_us = run_ns / 1_000;
        self.from_us.is_none_or(|from| run_us >= from) && self.to_us.is_none_or(|to| run_us < to)
    }
}

/// What must hold for a stream.
///
/// A bound called `below` or `above` is not itself allowed; one called `within` or `at_most` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Predicate {
    /// From the viewer's first request in the window to the first completed DTLS handshake.
    Connects {
        /// At most this long, microseconds.
        within_us: u64,
    },
    /// Each nominated pair that was in force in the window is of this kind.
    Path {
        /// Through a TURN server or not; none if that is all the same.
        route: Option<Route>,
        /// Type of the viewer's end; none if that is all the same.
        local: Option<CandidateKind>,
        /// Type of the camera's end, as the viewer sees it; none if that is all the same.
        remote: Option<CandidateKind>,
    },
    /// From the viewer's first request in the window to the first rendered frame.
    TimeToFirstFrame {
        /// Less than this, microseconds.
        below_us: u64,
    },
    /// Capture-to-render latency of the frames captured in the window.
    CaptureToRender {
        /// Which percentile is held against the bound.
        percentile: Percentile,
        /// Less than this, microseconds.
        below_us: u64,
    },
    /// Freezes of which a part is in the window. Each counts whole, also what is before and behind the window. One
    /// that had not ended with the run breaks a bound on their sum, and cannot keep one.
    ///
    /// A limit: render times are late by up to some ticks, so a gap within them of the threshold
    /// may be a freeze or none, although the count, like all counts, is taken for exact.
    Freezes {
        /// At most this number.
        count_at_most: u64,
        /// All together shorter than this, microseconds; none if that is all the same.
        total_below_us: Option<u64>,
    },
    /// The longest freeze of which a part is in the window. It counts whole, also what is before and behind the window;
    /// without a freeze it is 0. One that had not ended with the run may be longer than it was seen to be: it breaks
    /// a bound, and cannot keep one.
    LongestFreeze {
        /// Shorter than this, microseconds.
        below_us: u64,
    },
    /// Frames captured in the window for the viewer, and lost on the way.
    FramesLost {
        /// At most this number.
        at_most: LossBound,
    },
    /// Luma PSNR of the rendered frames that were captured in the window.
    Psnr {
        /// Which figure is held against the bound.
        statistic: Statistic,
        /// More than this, thousandths of a decibel.
        above_millidb: u32,
    },
    /// Luma SSIM of the rendered frames that were captured in the window.
    Ssim {
        /// Which figure is held against the bound.
        statistic: Statistic,
        /// More than this, millionths.
        above_ppm: u32,
    },
    /// From when a scripted event is over to the first rendered frame that was captured after
    /// that, both in the window, and from which on the picture does not stand still for 2 s any
    /// more: a stream that dies of the event some time later has not recovered yet. A window without an
    /// end ends at the next event that begins after this one is over.
    Recovery {
        /// The event's name in the header.
        after: String,
        /// At most this long, microseconds.
        within_us: u64,
    },
}

/// Defines the kinds of check, one row for each variant of [`Predicate`]: its key in scenarios, with which its results'
/// names begin; its subject.
macro_rules! kinds {
    ($($kind:ident $key:literal $subject:ident;)*) => {
        /// Kind of a check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "variants of the predicate, which says what they mean")]
        pub enum CheckKind {
            $($kind,)*
        }

        impl CheckKind {
            /// All kinds.
            pub const ALL: [Self; [$($key),*].len()] = [$(Self::$kind),*];

            /// Its key in scenarios, with which its results' names begin.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$kind => $key,)* }
            }

            /// What it looks at.
            #[must_use]
            pub fn subject(self) -> Subject {
                match self { $(Self::$kind => Subject::$subject,)* }
            }
        }

        impl Predicate {
            /// Its kind.
            #[must_use]
            pub fn kind(&self) -> CheckKind {
                match self { $(Self::$kind { .. } => CheckKind::$kind,)* }
            }
        }
    };
}

kinds! {
    Connects "connects" Request;
    Path "path" Path;
    TimeToFirstFrame "time_to_first_frame" Request;
    CaptureToRender "capture_to_render" Latency;
    Freezes "freezes" Freezes;
    LongestFreeze "longest_freeze" Freezes;
    FramesLost "frames_lost" LostFrames;
    Psnr "psnr" Pictures;
    Ssim "ssim" Pictures;
    Recovery "recovery" Event;
}

/// What a check looks at: that decides what explains a failure, whether a mode can judge it, and where its bound is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The time from the viewer's request on.
    Request,
    /// The nominated pairs.
    Path,
    /// The latency of rendered frames.
    Latency,
    /// Times in which the picture stood still.
    Freezes,
    /// Frames that were lost.
    LostFrames,
    /// The pictures of rendered frames, beside their sources.
    Pictures,
    /// The time from the end of a scripted event on.
    Event,
}

impl Predicate {
    /// The event after which it must hold, by its name.
    #[must_use]
    pub fn event(&self) -> Option<&str> {
        match self {
            Self::Recovery { after, .. } => Some(after),
            _ => None,
        }
    }

    /// A bound in time that must not outlast its window: a late frame could not be distinguished from one that never came.
    #[must_use]
    pub fn bound_us(&self) -> Option<u64> {
        match self {
            Self::Connects { within_us } => Some(*within_us),
            Self::TimeToFirstFrame { below_us } | Self::CaptureToRender { below_us, .. } => {
                Some(*below_us)
            }
            _ => None,
        }
    }

    /// Whether more frames can only make it worse: once broken, it stays so.
    #[must_use]
    pub fn only_worsens(&self) -> bool {
        matches!(
            self,
            Self::Path { .. }
                | Self::Freezes { .. }
                | Self::LongestFreeze { .. }
                | Self::FramesLost { at_most: LossBound::Count { .. } }
                | Self::Psnr { statistic: Statistic::Minimum, .. }
                | Self::Ssim { statistic: Statistic::Minimum, .. }
        )
    }

    /// How many samples a verdict needs where the scenario does not say: one of what must happen
    /// once; enough that a percentile is not merely the worst frame; 30 frames, the memory of the
    /// freeze rule, for the others.
    #[must_use]
    pub fn default_minimum_sample(&self) -> u64 {
        match self {
            Self::CaptureToRender { percentile, .. }
            | Self::Psnr { statistic: Statistic::Percentile { percentile }, .. }
            | Self::Ssim { statistic: Statistic::Percentile { percentile }, .. } => {
                percentile.sample_that_bears_it()
            }
            _ => match self.kind().subject() {
                Subject::Request | Subject::Path | Subject::Event => 1,
                _ => 30,
            },
        }
    }
}

/// How media travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// From peer to peer.
    Direct,
    /// Through at least one TURN server.
    Relayed,
}

/// A bound on lost frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LossBound {
    /// A number of frames.
    Count {
        /// Frames.
        frames: u64,
    },
    /// So large a share of the frames captured for the viewer.
    Share {
        /// Parts in a million.
        ppm: u64,
    },
}

/// One figure for many samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Statistic {
    /// The arithmetic mean, rounded down.
    Mean,
    /// The least.
    Minimum,
    /// A percentile by nearest rank: 5 says that 95 % of the frames are at least as good.
    Percentile {
        /// Which.
        percentile: Percentile,
    },
}

/// A whole percentile from 1 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "u8", into = "u8")]
#[cfg_attr(feature = "schema", schemars(extend("minimum" = 1, "maximum" = 99)))]
pub struct Percentile(u8);

impl Percentile {
    /// The median.
    pub const P50: Self = Self(50);
    /// 90 of 100 are at most this.
    pub const P90: Self = Self(90);
    /// 95 of 100 are at most this.
    pub const P95: Self = Self(95);
    /// 99 of 100 are at most this.
    pub const P99: Self = Self(99);

    /// The percentile as a number from 1 to 99.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// The smallest sample in which this percentile is not simply the least or the greatest
    /// value: 100 for p99 and p1, 20 for p95 and p5, 2 for the median.
    #[must_use]
    pub fn sample_that_bears_it(self) -> u64 {
        100_u64.div_ceil(u64::from(self.0.min(100 - self.0)))
    }
}

impl TryFrom<u8> for Percentile {
    type Error = PercentileError;

    fn try_from(value: u8) -> Result<Self, Self::Error> {
        if (1..=99).contains(&value) { Ok(Self(value)) } else { Err(PercentileError(value)) }
    }
}

impl From<Percentile> for u8 {
    fn from(value: Percentile) -> Self {
        value.0
    }
}

impl fmt::Display for Percentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

/// A number that is no percentile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PercentileError(pub u8);

impl fmt::Display for PercentileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "take {} as a percentile: it is a whole number from 1 to 99", self.0)
    }
}

impl std::error::Error for PercentileError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_whole_number_from_1_to_99() {
        assert!(Percentile::try_from(0).is_err());
        assert!(Percentile::try_from(100).is_err());
        assert_eq!(Percentile::try_from(95), Ok(Percentile::P95));
        assert!(serde_json::from_str::<Percentile>("100").is_err());
    }

    #[test]
    fn the_sample_that_bears_a_percentile() {
        assert_eq!(Percentile::P50.sample_that_bears_it(), 2);
        assert_eq!(Percentile::P95.sample_that_bears_it(), 20);
        assert_eq!(Percentile::P99.sample_that_bears_it(), 100);
        assert_eq!(Percentile(5).sample_that_bears_it(), 20);
    }

    #[test]
    fn a_window_takes_its_start_and_leaves_its_end() {
        let window = Window { from_us: Some(5), to_us: Some(7) };
        assert!(!window.holds(4_999));
        assert!(window.holds(5_000));
        assert!(window.holds(6_999));
        assert!(!window.holds(7_000));
        assert!(Window::WHOLE.holds(u64::MAX));
    }

    #[test]
    fn a_selection_without_names_selects_all() {
        assert!(StreamSelection::default().selects("doorbell", "phone"));
        let selection = StreamSelection { camera: Some("doorbell".into()), viewer: None };
        assert!(selection.selects("doorbell", "phone"));
        assert!(!selection.selects("garden", "phone"));
    }

    #[test]
    fn a_check_reads_back_as_it_was_written_and_refuses_unknown_keys() {
        let check = Check {
            predicate: Predicate::CaptureToRender {
                percentile: Percentile::P95,
                below_us: 250_000,
            },
            streams: StreamSelection::default(),
            window: Window { from_us: Some(5_000_000), to_us: None },
            minimum_sample: 20,
            why: "A conversation breaks down.".into(),
        };
        let text = serde_json::to_string(&check).expect("a check is JSON");
        assert_eq!(
            text,
            r#"{"predicate":{"kind":"capture_to_render","percentile":95,"below_us":250000},"streams":{"camera":null,"viewer":null},"window":{"from_us":5000000,"to_us":null},"minimum_sample":20,"why":"A conversation breaks down."}"#
        );
        assert_eq!(serde_json::from_str::<Check>(&text).ok(), Some(check));
        let strange = text.replace("below_us", "under_us");
        assert!(serde_json::from_str::<Check>(&strange).is_err());
    }
}
