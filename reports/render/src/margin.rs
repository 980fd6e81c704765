//! Margins of frames to their deadlines, in words.

use crate::figure;
use parallax_record::{MarginSummary, NEAR_US};

/// Such as `least 0.4 ms, p1 2.1 ms, p5 31 ms between a frame's coming and its being given up`; at a cliff, how many frames stand there. None if no
/// frame has one.
pub(crate) fn text(margin: &MarginSummary) -> Option<String> {
    let parts = [("least", margin.least), ("p1", margin.p1), ("p5", margin.p5)];
    let part = |(name, us): (&str, Option<i64>)| Some(format!("{name} {}", figure::to_ms(us?)));
    let parts: Option<Vec<String>> = parts.into_iter().map(part).collect();
    let mut text = format!("{} between a frame's coming and its being given up", parts?.join(", "));
    if margin.is_at_a_cliff() {
        text += &format!(
            ": at a cliff, {} of {} frames came less than {} before or after that, and a little more delay loses more",
            margin.near,
            margin.count,
            figure::to_ms(NEAR_US)
        );
    }
    Some(text)
}
