//! Checks in words: title, figures, and why nothing can be said.

use crate::{escape::tame, figure};
use parallax_record::{CheckResult, NotJudged, Summary, Unit, Verdict};
use std::fmt::Write;

/// The checks that did not pass, if they say something: a doubt holds for all of them alike and is shown
/// already, and checks of a run that broke say nothing.
pub(crate) fn missed(summary: &Summary) -> impl Iterator<Item = &CheckResult> {
    let is_told = summary.doubts.is_empty() && summary.faults.is_empty();
    summary.checks.iter().filter(move |check| is_told && check.verdict != Verdict::Pass)
}

/// Why a run has no verdict for or against it, if it has none.
pub(crate) fn nothing_judged(summary: &Summary) -> Option<&'static str> {
    let told = [&summary.faults, &summary.failures, &summary.doubts];
    if !summary.checks.is_empty() || told.iter().any(|texts| !texts.is_empty()) {
        return None;
    }
    Some(if summary.not_judged.is_empty() {
        "the scenario has no checks: nothing was judged"
    } else {
        "the mode of the run can judge none of its checks"
    })
}

/// The titles of the checks that the mode of a run cannot judge, by reason.
pub(crate) fn not_judged(summary: &Summary) -> Vec<(String, Vec<String>)> {
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for check in &summary.not_judged {
        let (reason, title) = (tame(&check.reason), not_judged_title(check, summary));
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, titles)) => titles.push(title),
            None => reasons.push((reason, vec![title])),
        }
    }
    reasons
}

/// What was to be checked, of which stream, in which window.
pub(crate) fn not_judged_title(check: &NotJudged, summary: &Summary) -> String {
    let stream = (&*check.camera, &*check.viewer);
    let several = summary.streams.len() > 1;
    title(&check.name, several.then_some(stream), (check.from_us, check.to_us))
}

/// What was checked, of which stream, in which window.
pub(crate) fn check_title(check: &CheckResult, name_stream: bool) -> String {
    let stream = (&*check.camera, &*check.viewer);
    title(&check.name, name_stream.then_some(stream), (check.from_us, check.to_us))
}

fn title(name: &str, stream: Option<(&str, &str)>, window: (Option<u64>, Option<u64>)) -> String {
    let mut title = plain_name(name);
    if let Some((camera, viewer)) = stream {
        let _ = write!(title, ", {} to {}", tame(camera), tame(viewer));
    }
    title.push_str(&window_text(window));
    title
}

/// A check that did not pass with its bound, short: `fail: capture-to-render p95 below 180 ms`.
pub(crate) fn bound_text(check: &CheckResult) -> String {
    let bound = figure::bound(check.comparison, check.bound, check.unit);
    format!("{}: {} {bound}", check.verdict, plain_name(&check.name))
}

/// Why nothing can be said of a check, if nothing can.
pub(crate) fn unclear(check: &CheckResult) -> Option<String> {
    if check.verdict != Verdict::Inconclusive {
        return None;
    }
    if check.sample < check.minimum_sample {
        let samples = figure::counted(check.sample, "sample");
        return Some(format!("{samples}, {} needed", check.minimum_sample));
    }
    if check.detail.is_some() {
        // That says it.
        return None;
    }
    check.measured.map(|_| "the bound lies within the uncertainty".to_owned())
}

/// What was measured, and what was demanded. Of a path the words say more than the count of pairs.
pub(crate) fn figures(check: &CheckResult) -> (String, String) {
    let detail = check.detail.as_deref().map(tame);
    if check.unit == Unit::Pairs {
        let demanded = plain_name(&check.name);
        let demanded = match demanded.strip_prefix("path ") {
            Some(only) => format!("nothing but {only}"),
            None => "any nominated pair".to_owned(),
        };
        return (detail.unwrap_or_else(|| "nothing".to_owned()), demanded);
    }
    let mut measured = check.measured.map_or_else(
        || "nothing".to_owned(),
        |value| {
            let (below, above) = (check.uncertainty.below, check.uncertainty.above);
            match check.unit {
                Unit::Us => figure::measured(value, below, above),
                unit => figure::with_unit(value, unit),
            }
        },
    );
    if let Some(detail) = detail {
        let _ = write!(measured, ": {detail}");
    }
    (measured, figure::bound(check.comparison, check.bound, check.unit))
}

fn window_text((from_us, to_us): (Option<u64>, Option<u64>)) -> String {
    let time = |us: u64| figure::duration(i64::try_from(us).unwrap_or(i64::MAX));
    match (from_us, to_us) {
        (None, None) => String::new(),
        (Some(from), None) => format!(", from {}", time(from)),
        (None, Some(to)) => format!(", to {}", time(to)),
        (Some(from), Some(to)) => format!(", from {} to {}", time(from), time(to)),
    }
}

/// A check's name as people say it.
fn plain_name(name: &str) -> String {
    let name = name
        .replace("capture_to_render", "capture-to-render")
        .replace("psnr", "PSNR")
        .replace("ssim", "SSIM");
    tame(&name.replace('_', " "))
}
