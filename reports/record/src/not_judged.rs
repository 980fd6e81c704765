//! Checks that the mode of a run cannot judge.

use serde::{Deserialize, Serialize};

use crate::header::{Header, MediaMode, Stream};
use parallax_spec::{Check, Predicate, Subject};

/// A check that the mode of the run cannot judge, for one stream. It has no verdict and changes none.
///
/// A check that could have been judged and had too small a sample is inconclusive instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NotJudged {
    /// What was to be checked, such as `psnr p50`.
    pub name: String,
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// Where the window begins; `null` is the start of the run.
    pub from_us: Option<u64>,
    /// Where the window ends; `null` is the end of the run.
    pub to_us: Option<u64>,
    /// Why the mode of the run cannot judge it.
    pub reason: String,
    /// Why the check is demanded.
    pub why: String,
}

impl NotJudged {
    /// The result of a check called `name` on `stream` for which `reason` holds.
    pub(crate) fn of(check: &Check, name: String, stream: &Stream, reason: &str) -> Self {
        Self {
            name,
            camera: stream.camera.clone(),
            viewer: stream.viewer.clone(),
            from_us: check.window.from_us,
            to_us: check.window.to_us,
            reason: reason.to_owned(),
            why: check.why.clone(),
        }
    }
}

/// Why the mode of a run cannot judge a predicate; none if it can.
pub(crate) fn reason(predicate: &Predicate, header: &Header) -> Option<&'static str> {
    let pictures = predicate.kind().subject() == Subject::Pictures;
    (pictures && header.media_mode == MediaMode::Prerecorded)
        .then_some("prerecorded media are not decoded, so no picture can be compared")
}
