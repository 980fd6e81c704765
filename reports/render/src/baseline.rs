//! What came of a comparison with a baseline, as text.

use crate::view;
use crate::{
    escape::tame,
    figure::{counted, with_unit},
    shown::{Shown, Style, shown},
};
use parallax_record::{
    BaselineChange, BaselineFigure, BaselineResult, MediaMode, RunName, Unit, Verdict,
};
use std::fmt::Write;

/// Most lines of each kind; the others are counted.
const LINES: usize = 20;

/// A few lines: the verdict first, regressions, what is unclear, what moved, runs of one side alone.
#[must_use]
pub fn text(result: &BaselineResult, style: Style) -> Shown {
    let (word, counts) = (style.word(result.verdict), headline(result));
    let mut out = shown![word, format!("    baseline: {counts}\n")];
    let worse =
        result.worse.iter().map(|(name, was, is)| format!("{}: {was}, now {is}", named(name)));
    lines(&mut out, "regression", worse.collect());
    for (label, verdict) in [
        ("regression", Verdict::Fail),
        ("unclear", Verdict::Inconclusive),
        ("moved", Verdict::Pass),
    ] {
        let own = result.changes.iter().filter(|change| change.verdict == verdict);
        lines(&mut out, label, own.map(change).collect());
    }
    lines(&mut out, "run by run", result.moved.iter().map(change).collect());
    lines(&mut out, "not run now", result.only_before.iter().map(named).collect());
    lines(&mut out, "not in it", result.only_now.iter().map(named).collect());
    let unlike = |(name, was, is): &(RunName, MediaMode, MediaMode)| {
        format!("{}: its media were {was}, now {is}: not compared", named(name))
    };
    lines(&mut out, "unlike", result.unlike.iter().map(unlike).collect());
    out
}

fn lines(out: &mut Shown, label: &str, mut lines: Vec<String>) {
    let more = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    for line in lines {
        out.push(format!("  {label:<12}  {line}\n"));
    }
}

fn named((scenario, seed, repeat): &RunName) -> String {
    let repeat = repeat.map_or(String::new(), |repeat| format!(", repeat {repeat}"));
    format!("{} seed {seed}{repeat}", tame(scenario))
}

/// A change in words: `two-homes, doorbell to phone: capture-to-render p95 110 ms, now 131 ms (+21 ms,
/// +19 %)`.
#[must_use]
pub fn change(change: &BaselineChange) -> String {
    let unit = change.figure.unit();
    let seed = change.seed.map_or(String::new(), |seed| format!(" seed {seed}"));
    let (scenario, camera, viewer) =
        (tame(&change.scenario), tame(&change.camera), tame(&change.viewer));
    let mut text = format!("{scenario}{seed}, {camera} to {viewer}: {} ", change.figure.name());
    let _ = write!(text, "{}, now {}", figure(change.before, unit), figure(change.now, unit));
    if let (Some(before), Some(now)) = (change.before, change.now) {
        let (before, now) = (before.0.midpoint(before.1), now.0.midpoint(now.1));
        let by = now.saturating_sub(before);
        let sign = if by < 0 { "-" } else { "+" };
        let size = i64::try_from(by.unsigned_abs()).unwrap_or(i64::MAX);
        let _ = write!(text, " ({sign}{}", with_unit(size, unit));
        if unit == Unit::Us && before > 0 {
            let percent = i128::from(size) * 1_000 / i128::from(before);
            let _ = write!(text, ", {sign}{}.{} %", percent / 10, percent % 10);
        }
        text.push(')');
    }
    if change.verdict != Verdict::Pass {
        let _ = write!(text, "; it may be worse by {}", with_unit(change.threshold, unit));
    }
    if let Some(unclear) = &change.unclear {
        let _ = write!(text, ": {unclear}");
    }
    text
}

/// How a percentile of a stream, by scenario, camera and viewer, stands to the baseline. None if it does
/// not hold it: it has p50, p95 and p99 over all seeds.
pub(crate) fn of_row(
    result: &BaselineResult,
    (scenario, camera, viewer): (&str, &str, &str),
    row: &str,
) -> Option<view::RowChange> {
    let figure = match row {
        "p50" => BaselineFigure::CaptureToRenderP50Us,
        "p95" => BaselineFigure::CaptureToRenderP95Us,
        "p99" => BaselineFigure::CaptureToRenderP99Us,
        _ => return None,
    };
    let own = result.changes.iter().find(|change| {
        change.figure == figure
            && (&*change.scenario, &*change.camera, &*change.viewer) == (scenario, camera, viewer)
    });
    let Some(own) = own else {
        // What was compared and is not named has not moved.
        let compared = result.compared > 0 && result.scenarios.iter().any(|name| name == scenario);
        return compared.then(|| view::RowChange { text: "as it was".to_owned(), worse: false });
    };
    let worse = own.verdict == Verdict::Fail;
    let text = match (own.before, own.now, &own.unclear) {
        (_, _, Some(unclear)) => unclear.clone(),
        (Some(before), Some(now), None) => {
            let by = now.0.midpoint(now.1).saturating_sub(before.0.midpoint(before.1));
            let sign = if by < 0 { "-" } else { "+" };
            let size = i64::try_from(by.unsigned_abs()).unwrap_or(i64::MAX);
            let was = self::figure(own.before, figure.unit());
            let mark = if worse { ", a regression" } else { "" };
            format!("{sign}{} (was {was}{mark})", with_unit(size, figure.unit()))
        }
        _ => format!(
            "{}, was {}",
            self::figure(own.now, figure.unit()),
            self::figure(own.before, figure.unit())
        ),
    };
    Some(view::RowChange { text, worse })
}

/// The line above all others: how many regressions in how many runs.
pub(crate) fn headline(result: &BaselineResult) -> String {
    if result.compared == 0 && !result.unlike.is_empty() {
        return format!(
            "nothing could be compared: the media of {} are live on one side, prerecorded on the other",
            counted(result.unlike.len() as u64, "run")
        );
    }
    if result.compared == 0 {
        return "nothing could be compared: no run is on both sides".to_owned();
    }
    let regressions = result.worse.len()
        + result.changes.iter().filter(|change| change.verdict == Verdict::Fail).count();
    let regressions = match regressions {
        0 => "no regression".to_owned(),
        count => counted(count as u64, "regression"),
    };
    let compared = counted(result.compared, "run");
    let unlike = match result.unlike.len() as u64 {
        0 => String::new(),
        count => format!("; {} not compared: other media", counted(count, "run")),
    };
    format!("{regressions} in {compared}; {} have the very same record{unlike}", result.same)
}

fn figure(value: Option<(i64, i64)>, unit: Unit) -> String {
    match value {
        None => "none".to_owned(),
        Some((least, most)) if least == most => with_unit(least, unit),
        Some((least, most)) => format!("{} to {}", with_unit(least, unit), with_unit(most, unit)),
    }
}
