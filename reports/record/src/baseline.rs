//! What runs came to, kept small enough for git, so that later runs can be held against it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::distribution::Histogram;
use crate::foreign::inline;
use crate::header::{ClockKind, MediaMode, SCHEMA};
use crate::summary::{StreamSummary, Suite, Summary, Unit};
use crate::verdict::Verdict;
use parallax_spec::Percentile;

/// The `format` of every baseline.
pub const BASELINE_FORMAT: &str = "parallax-baseline";

/// The content of a baseline's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Tells it from other programs' JSON: [`BASELINE_FORMAT`].
    #[cfg_attr(feature = "schema", schemars(extend("const" = BASELINE_FORMAT)))]
    pub format: String,
    /// The version of this format: [`SCHEMA`].
    #[cfg_attr(feature = "schema", schemars(extend("const" = SCHEMA)))]
    pub schema: u32,
    /// Distributions over the runs of a scenario, in the order of names.
    pub pooled: Vec<BaselinePool>,
    /// The runs, in the order of scenarios and seeds.
    pub runs: Vec<BaselineRun>,
}

/// Capture-to-render latency of a stream over all runs of its scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BaselinePool {
    /// The scenario's name.
    pub scenario: String,
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// In buckets.
    pub capture_to_render_histogram_us: Histogram,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BaselineRun {
    /// The scenario's name.
    pub scenario: String,
    /// The seed; a string in JSON.
    #[serde(with = "crate::seed")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::seed::Seed"))]
    pub seed: u64,
    /// Which of several of the same on a bench; none: it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u32>,
    /// Its clock: of a virtual one runs are held against each other exactly.
    pub clock: ClockKind,
    /// Where its media came from; none: the baseline is older than this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_mode: Option<MediaMode>,
    /// What it came to.
    pub verdict: Verdict,
    /// The digest of its record.
    pub record_sha256: Option<String>,
    /// Its key figures.
    pub streams: Vec<BaselineStream>,
}

/// The key figures of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BaselineStream {
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// By name ([`BaselineFigure`]); what was not measured is not there.
    pub figures: BTreeMap<BaselineFigure, i64>,
}

/// A figure that runs are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BaselineFigure {
    /// From the viewer's first request to the first rendered frame, microseconds.
    TimeToFirstFrameUs,
    /// The median of capture-to-render latency, microseconds.
    CaptureToRenderP50Us,
    /// Its p95, of at least 20 frames.
    CaptureToRenderP95Us,
    /// Its p99, of at least 100 frames.
    CaptureToRenderP99Us,
    /// Lost of 1,000,000 captured frames.
    FramesLostPpm,
    /// Freezes that ended.
    Freezes,
    /// Mean luma PSNR, thousandths of a decibel.
    PsnrMillidb,
}

impl BaselineFigure {
    /// All that were measured of a stream.
    pub(crate) fn of(stream: &StreamSummary) -> BTreeMap<Self, i64> {
        let latency = &stream.capture_to_render_us;
        let borne = |percentile: Percentile, us: Option<i64>| {
            us.filter(|_| latency.count >= percentile.sample_that_bears_it())
        };
        let (lost, captured) = (stream.frames.lost.total(), stream.frames.captured);
        let lost_ppm = lost.saturating_mul(1_000_000).checked_div(captured);
        let all = [
            (Self::TimeToFirstFrameUs, stream.time_to_first_frame_us),
            (Self::CaptureToRenderP50Us, borne(Percentile::P50, latency.p50)),
            (Self::CaptureToRenderP95Us, borne(Percentile::P95, latency.p95)),
            (Self::CaptureToRenderP99Us, borne(Percentile::P99, latency.p99)),
            (Self::FramesLostPpm, lost_ppm.and_then(|ppm| i64::try_from(ppm).ok())),
            (Self::Freezes, (captured > 0).then_some(stream.freezes.count as i64)),
            (Self::PsnrMillidb, stream.psnr_millidb.map(i64::from)),
        ];
        all.into_iter().filter_map(|(figure, value)| Some((figure, value?))).collect()
    }

    /// Its unit.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::FramesLostPpm => Unit::Ppm,
            Self::Freezes => Unit::Freezes,
            Self::PsnrMillidb => Unit::Millidb,
            _ => Unit::Us,
        }
    }

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TimeToFirstFrameUs => "time to first frame",
            Self::CaptureToRenderP50Us => "capture-to-render p50",
            Self::CaptureToRenderP95Us => "capture-to-render p95",
            Self::CaptureToRenderP99Us => "capture-to-render p99",
            Self::FramesLostPpm => "frames lost",
            Self::Freezes => "freezes",
            Self::PsnrMillidb => "PSNR",
        }
    }

    pub(crate) fn percentile(self) -> Option<Percentile> {
        match self {
            Self::CaptureToRenderP50Us => Some(Percentile::P50),
            Self::CaptureToRenderP95Us => Some(Percentile::P95),
            Self::CaptureToRenderP99Us => Some(Percentile::P99),
            _ => None,
        }
    }

    /// How much worse it is: less is better of all but PSNR.
    pub(crate) fn worse_by(self, before: i64, now: i64) -> i64 {
        if self == Self::PsnrMillidb {
            before.saturating_sub(now)
        } else {
            now.saturating_sub(before)
        }
    }
}

/// Why bytes are not a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// Another program's.
    #[error("it is not a baseline of Parallax: {}", inline(.0))]
    NotABaseline(String),
    /// A newer Parallax wrote it.
    #[error("it has schema {found}, and this Parallax knows {SCHEMA}: use a newer one")]
    NewerSchema {
        /// What the file says.
        found: u64,
    },
    /// It has what it should not, or lacks what it should have.
    #[error("{}", inline(.0))]
    Corrupt(String),
}

#[derive(Deserialize)]
struct Probe {
    format: String,
    schema: u64,
}

impl Baseline {
    /// Of what has run. Of a scenario, seed and repeat that ran more than once the last one counts.
    #[must_use]
    pub fn of<'a>(suites: impl IntoIterator<Item = &'a Suite>) -> Self {
        let all: BTreeMap<(&str, u64, Option<u32>), &Summary> = suites
            .into_iter()
            .flat_map(|suite| &suite.runs)
            .map(|run| ((run.scenario.as_str(), run.seed, run.repeat), run))
            .collect();
        let mut streams: BTreeMap<(&str, &str, &str), Vec<&Histogram>> = BTreeMap::new();
        for run in all.values() {
            for stream in &run.streams {
                let name = (run.scenario.as_str(), stream.camera.as_str(), stream.viewer.as_str());
                streams.entry(name).or_default().push(&stream.capture_to_render_histogram_us);
            }
        }
        let pooled =
            streams.into_iter().map(|((scenario, camera, viewer), histograms)| BaselinePool {
                scenario: scenario.to_owned(),
                camera: camera.to_owned(),
                viewer: viewer.to_owned(),
                capture_to_render_histogram_us: Histogram::pooled(histograms),
            });
        Self {
            format: BASELINE_FORMAT.to_owned(),
            schema: SCHEMA,
            pooled: pooled.collect(),
            runs: all.values().map(|run| BaselineRun::of(run)).collect(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// If it is empty, another program's, from a newer schema or corrupt.
    pub fn read(bytes: &[u8]) -> Result<Self, BaselineError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(BaselineError::Empty);
        }
        let probe: Probe = serde_json::from_slice(bytes)
            .map_err(|error| BaselineError::NotABaseline(error.to_string()))?;
        if probe.format != BASELINE_FORMAT {
            let cause = format!("its format is {:?}", probe.format);
            return Err(BaselineError::NotABaseline(cause));
        }
        if probe.schema > u64::from(SCHEMA) {
            return Err(BaselineError::NewerSchema { found: probe.schema });
        }
        serde_json::from_slice(bytes).map_err(|error| BaselineError::Corrupt(error.to_string()))
    }

    /// The file's text: JSON with a line for each run, so that git shows which have changed.
    ///
    /// # Errors
    /// Never in fact: these types are all JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let pooled: Vec<String> =
            self.pooled.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let runs: Vec<String> =
            self.runs.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let (format, schema) = (serde_json::to_string(&self.format)?, self.schema);
        Ok(format!(
            "{{\n\"format\":{format},\n\"schema\":{schema},\n\"pooled\":[\n{}\n],\n\"runs\":[\n{}\n]\n}}\n",
            pooled.join(",\n"),
            runs.join(",\n")
        ))
    }
}

impl BaselineRun {
    pub(crate) fn of(run: &Summary) -> Self {
        let stream = |stream: &StreamSummary| BaselineStream {
            camera: stream.camera.clone(),
            viewer: stream.viewer.clone(),
            figures: BaselineFigure::of(stream),
        };
        Self {
            scenario: run.scenario.to_string(),
            seed: run.seed,
            repeat: run.repeat,
            clock: run.clock,
            media_mode: Some(run.media_mode),
            verdict: run.verdict,
            record_sha256: run.record_sha256.clone(),
            streams: run.streams.iter().map(stream).collect(),
        }
    }
}
