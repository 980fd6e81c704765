//! The text that a terminal or a CI job shows of runs: the verdict first, then what a reader
//! needs to understand it and to see it again.

use std::fmt::Write;

use parallax_record::{
    CheckResult, LostSummary, Percentile, RateSummary, RatesSummary, StreamSummary, Suite, Summary,
    Verdict, flaky,
};

pub use crate::shown::Style;
use crate::{
    check_text::{check_title, figures, missed, not_judged, nothing_judged, unclear},
    escape::{prose, tame},
    figure, margin,
    shown::{Shown, WIDTH, shown},
    split,
    view::{Overall, Report, budget},
};

/// Frames under way at the end of any run that streams: up to this number they are not worth a word.
const A_HANDFUL: u64 = 5;

/// One run, a few lines, the last one ended. `rerun` is the command that runs it again; it is shown
/// if the run did not pass.
///
/// Control characters in names and texts are written out: they are not ours.
#[must_use]
pub fn run(summary: &Summary, rerun: &str, style: Style) -> Shown {
    let mut out = brief(summary, "", style);
    for (verdict, texts) in [
        (Verdict::Error, &summary.faults),
        (Verdict::Fail, &summary.failures),
        (Verdict::Inconclusive, &summary.doubts),
    ] {
        let word = match verdict {
            Verdict::Inconclusive => "unclear".to_owned(),
            told => told.to_string(),
        };
        let word = style.verdict(verdict, &format!("{word:<WIDTH$}"));
        for text in texts {
            line(&mut out, shown!["  ", &word, "  ", tame(text)]);
        }
    }
    for earlier in &summary.earlier_attempts {
        row(&mut out, "tried before", &tame(earlier), style);
    }
    let mut missed: Vec<&CheckResult> = missed(summary).collect();
    missed.sort_by_key(|check| std::cmp::Reverse(check.verdict));
    for check in missed.iter().take(budget::MISSED_CHECKS) {
        show_check(&mut out, check, summary.streams.len() > 1, style);
    }
    if missed.len() > budget::MISSED_CHECKS {
        let more = missed.len() - budget::MISSED_CHECKS;
        row(&mut out, "and more", &format!("{more} checks: summary.json has all"), style);
    }
    for (reason, mut titles) in not_judged(summary) {
        let more = titles.len().saturating_sub(budget::MISSED_CHECKS);
        titles.truncate(budget::MISSED_CHECKS);
        titles.extend((more > 0).then(|| format!("and {more} more")));
        row(&mut out, "not judged", &format!("{}: {reason}", titles.join("; ")), style);
    }
    if let Some(text) = nothing_judged(summary) {
        row(&mut out, "unclear", text, style);
    }
    let shown = budget::streams(summary);
    for stream in shown.iter().filter_map(|at| summary.streams.get(*at)) {
        show_stream(&mut out, stream, style);
    }
    if summary.streams.len() > shown.len() {
        let more = summary.streams.len() - shown.len();
        row(&mut out, "and more", &format!("{more} streams: summary.json has all"), style);
    }
    if summary.verdict != Verdict::Pass {
        row(&mut out, "run again", &tame(rerun), style);
    }
    out
}

/// The one line that says which run it was and its verdict. `also` is put at its end.
#[must_use]
pub fn brief(summary: &Summary, also: &str, style: Style) -> Shown {
    let mut out = Shown::default();
    let verdict = summary.verdict.to_string().to_uppercase();
    let head = shown![
        style.verdict(summary.verdict, &format!("{verdict:<WIDTH$}")),
        "    ",
        style.bold(&tame(&summary.scenario)),
        "  ",
        style.dim(&format!("seed {}, {}{also}", summary.which(), tame(&summary.title))),
    ];
    line(&mut out, head);
    out
}

/// Most seeds of runs that did not pass and are named for each verdict.
const SEEDS_NAMED: usize = 10;

/// If a scenario ran more than once, a line for each scenario: how many runs, with which verdicts,
/// and the seeds of those that did not pass.
#[must_use]
pub fn scenarios(suite: &Suite, style: Style) -> Shown {
    let mut groups: Vec<(&str, Vec<&Summary>)> = Vec::new();
    for run in &suite.runs {
        match groups.iter_mut().find(|(scenario, _)| *scenario == run.scenario) {
            Some((_, runs)) => runs.push(run),
            None => groups.push((&run.scenario, vec![run])),
        }
    }
    if groups.iter().all(|(_, runs)| runs.len() < 2) {
        return Shown::default();
    }
    let names: Vec<String> = groups.iter().map(|(scenario, _)| tame(scenario)).collect();
    let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut out = Shown::default();
    for (name, (_, runs)) in names.iter().zip(&groups) {
        let count = figure::counted(runs.len() as u64, "run");
        let counts = counts(runs, seeds_text, style);
        let name = style.bold(&format!("{name:<widest$}"));
        line(&mut out, shown![name, format!("  {count}: "), counts]);
        for flaky in flaky(runs.iter().copied()) {
            line(&mut out, format!("{:<widest$}  {flaky}", ""));
        }
    }
    out
}

/// The seeds of runs that did not pass; none of those that passed.
fn seeds_text(verdict: Verdict, runs: &[&Summary]) -> String {
    if verdict == Verdict::Pass {
        return String::new();
    }
    let named: Vec<String> = runs.iter().take(SEEDS_NAMED).map(|run| run.which()).collect();
    let word = if runs.len() == 1 { "seed" } else { "seeds" };
    match runs.len() - named.len() {
        0 => format!(" ({word} {})", named.join(", ")),
        more => format!(" ({word} {} and {more} more)", named.join(", ")),
    }
}

/// How many of the runs have which verdict, the worst first, and after each what `also` says.
fn counts(runs: &[&Summary], also: impl Fn(Verdict, &[&Summary]) -> String, style: Style) -> Shown {
    let counts = Verdict::ALL.into_iter().rev().filter_map(|verdict| {
        let of: Vec<&Summary> = runs.iter().copied().filter(|run| run.verdict == verdict).collect();
        let count = of.len();
        let text = match verdict {
            Verdict::Pass => format!("{count} passed"),
            Verdict::Inconclusive => format!("{count} inconclusive"),
            Verdict::Fail => format!("{count} failed"),
            Verdict::Error => figure::counted(count as u64, "error"),
        };
        (count > 0).then(|| shown![style.verdict(verdict, &text), also(verdict, &of)])
    });
    let separators = std::iter::once("").chain(std::iter::repeat(", "));
    let mut all: Shown =
        separators.zip(counts).map(|(separator, count)| shown![separator, count]).collect();
    let not_judged: usize = runs.iter().map(|run| run.not_judged.len()).sum();
    if not_judged > 0 {
        all.push(format!("; {} not judged", figure::counted(not_judged as u64, "check")));
    }
    all
}

/// The closing line: how many runs, with which verdicts. Before it, if some that were asked for have
/// not finished, that the command was interrupted.
#[must_use]
pub fn closing(suite: &Suite, style: Style) -> Shown {
    let finished = suite.runs.len() as u64;
    let mut out = Shown::default();
    if finished < suite.planned {
        let planned = figure::counted(suite.planned, "run");
        line(&mut out, format!("interrupted: {finished} of {planned} finished"));
    }
    let Some(worst) = suite.verdict else {
        line(&mut out, "nothing ran");
        return out;
    };
    let verdict = worst.to_string().to_uppercase();
    let runs: Vec<&Summary> = suite.runs.iter().collect();
    let closing = shown![
        style.verdict(worst, &format!("{verdict:<WIDTH$}")),
        format!("    {}: ", figure::counted(finished, "run")),
        counts(&runs, |_, _| String::new(), style),
    ];
    line(&mut out, closing);
    out
}

/// The last line of a report: the verdict over all that it holds, with its reasons.
#[must_use]
pub fn overall(overall: &Overall, style: Style) -> Shown {
    let (word, rest) = match overall.verdict {
        None => (format!("{:<WIDTH$}", "NOTHING RAN").into(), overall.line()),
        Some(Verdict::Pass) => (style.word(Verdict::Pass), "no reason against it".to_owned()),
        Some(verdict) => (style.word(verdict), overall.line()),
    };
    let mut out = Shown::default();
    line(&mut out, shown![word, "    overall: ", tame(&rest)]);
    out
}

/// Most corrections that are shown one by one.
const CORRECTIONS: usize = 10;

/// How many runs were judged again from their records; empty if there are no runs.
#[must_use]
pub fn origin(report: &Report) -> String {
    if report.runs.is_empty() {
        return String::new();
    }
    let judged: u64 = report.origins.iter().map(|origin| origin.judged_again).sum();
    let all = figure::counted(report.runs.len() as u64, "run");
    let rest = match report.runs.len() as u64 - judged {
        0 => "",
        _ => "; the others, without a record, are as summary.json has them",
    };
    format!("Judged again from their records: {judged} of {all}{rest}.")
}

/// What the records said otherwise than `summary.json`, a line for each run.
#[must_use]
pub fn corrections(report: &Report) -> Vec<String> {
    let all = report.origins.iter().flat_map(|origin| &origin.corrections);
    let mut lines: Vec<String> = all.clone().take(CORRECTIONS).map(|text| tame(text)).collect();
    let more = all.count() - lines.len();
    if more > 0 {
        let more = figure::counted(more as u64, "more run");
        lines.push(format!("and {more} corrected by records"));
    }
    lines
}

fn show_stream(out: &mut Shown, stream: &StreamSummary, style: Style) {
    let (camera, viewer) = (tame(&stream.camera), tame(&stream.viewer));
    let path = match (stream.relayed, stream.local_candidate, stream.remote_candidate) {
        (Some(relayed), Some(local), Some(remote)) => {
            let route = if relayed { "relayed" } else { "direct" };
            format!("{camera} ({remote}) to {viewer} ({local}), {route}")
        }
        _ => format!("{camera} to {viewer}: no pair was nominated"),
    };
    row(out, "path", &path, style);

    let first = stream.time_to_first_frame_us.map_or_else(
        || "none was rendered".to_owned(),
        |us| {
            let uncertainty = stream.time_to_first_frame_uncertainty_us;
            format!("after {}", figure::measured(us, uncertainty.below, uncertainty.above))
        },
    );
    row(out, "first frame", &first, style);
    if stream.capture_to_render_us.count > 0 {
        row(out, "latency", &latency_text(stream), style);
        if let Some(text) = split::line(&stream.split_us) {
            row(out, "split", &text, style);
        }
    }
    if stream.margin_us.is_at_a_cliff()
        && let Some(text) = margin::text(&stream.margin_us)
    {
        row(out, "margin", &text, style);
    }
    if stream.frames.captured > 0 {
        row(out, "picture", &picture_text(stream), style);
    }
    if let Some(rates) = &stream.rates {
        row(out, "bit rate", &rates_text(rates), style);
    }
    if !stream.ended.is_empty() {
        row(out, "sessions", &sessions_text(stream), style);
    }
}

/// Most ends of sessions that are shown one by one.
const ENDS: usize = 3;

/// How many sessions there were, how many never connected, and how the first ones ended.
pub(crate) fn sessions_text(stream: &StreamSummary) -> String {
    let in_vain = stream.ended.iter().filter(|end| !end.connected).count();
    let mut parts = vec![match in_vain {
        0 => stream.sessions.to_string(),
        _ => format!("{}, of which {in_vain} never connected", stream.sessions),
    }];
    parts.extend(stream.ended.iter().take(ENDS).map(|end| tame(&end.to_string())));
    let more = stream.ended.len().saturating_sub(ENDS);
    parts.extend((more > 0).then(|| format!("and {more} more: summary.json has all")));
    parts.join("; ")
}

/// What congestion control made of the bit rate.
fn rates_text(rates: &RatesSummary) -> String {
    let of = |name: &str, RateSummary { mean, last }: RateSummary| {
        format!("{name} {} (last {})", figure::bit_rate(mean), figure::bit_rate(last))
    };
    let parts = [
        of("estimate", rates.estimate_bps),
        of("target", rates.target_bps),
        of("sent", rates.sent_bps),
    ];
    format!("mean {}", parts.join(", "))
}

/// No percentile that the sample does not bear.
fn latency_text(stream: &StreamSummary) -> String {
    let latency = &stream.capture_to_render_us;
    let frames = figure::counted(latency.count, "frame");
    let (below, above) = (latency.uncertainty.below, latency.uncertainty.above);
    let parts: Vec<String> = [
        (Percentile::P50, latency.p50),
        (Percentile::P95, latency.p95),
        (Percentile::P99, latency.p99),
    ]
    .into_iter()
    .map(|(percentile, value)| match value {
        Some(us) if latency.count >= percentile.sample_that_bears_it() => {
            format!("{percentile} {}", figure::rounded(us, below.max(above)))
        }
        _ => format!("no {percentile} of {frames}"),
    })
    .collect();
    let mut open = figure::uncertainty(below, above);
    if !open.is_empty() {
        open = format!(" ({open})");
    }
    let without = figure::not_in_it(stream.frames.lost.total());
    format!("capture-to-render {}{open}{without}", parts.join(", "))
}

fn picture_text(stream: &StreamSummary) -> String {
    let freezes = &stream.freezes;
    let mut text = figure::counted(freezes.count, "freeze");
    if freezes.count > 0 {
        let total = i64::try_from(freezes.total_us).unwrap_or(i64::MAX);
        let _ = write!(text, " of {} in all", figure::duration(total));
    }
    if let Some(open_us) = freezes.open_us {
        let open = i64::try_from(open_us).unwrap_or(i64::MAX);
        let _ = write!(text, ", still for the last {}", figure::duration(open));
    }
    let frames = &stream.frames;
    let _ = write!(
        text,
        ", {} of {} lost",
        frames.lost.total(),
        figure::counted(frames.captured, "frame")
    );
    text.push_str(&lost_text(&frames.lost));
    if frames.under_way > A_HANDFUL {
        let _ = write!(text, ", {} still under way at the end", frames.under_way);
    }
    match stream.psnr_millidb {
        Some(psnr) => {
            let _ = write!(text, ", PSNR {}", figure::level(i64::from(psnr)));
        }
        None => text.push_str(", PSNR unknown"),
    }
    if let Some(ssim) = stream.ssim_ppm {
        let _ = write!(text, ", SSIM {}", figure::similarity(i64::from(ssim)));
    }
    text
}

/// Where frames were lost, in the order of their way; nothing if none was.
fn lost_text(lost: &LostSummary) -> String {
    let parts: Vec<String> = lost
        .by_phase()
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, phase)| format!("{phase} {count}"))
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn show_check(out: &mut Shown, check: &CheckResult, name_stream: bool, style: Style) {
    let verdict = check.verdict.to_string();
    let word = style.verdict(check.verdict, &format!("{verdict:<WIDTH$}"));
    let title = check_title(check, name_stream);
    line(out, shown!["  ", word, "  ", style.bold(&title)]);
    let (measured, bound) = figures(check);
    row(out, "measured", &measured, style);
    row(out, "bound", &bound, style);
    if let Some(reason) = unclear(check) {
        row(out, "unclear", &reason, style);
    }
    row(out, "why", &prose(&check.why), style);
}

/// Indented by two, a label in a column of its own.
fn row(out: &mut Shown, label: &str, text: &str, style: Style) {
    let label = style.dim(&format!("{label:<WIDTH$}"));
    line(out, shown!["  ", label, "  ", text]);
}

fn line(out: &mut Shown, text: impl Into<Shown>) {
    out.push(text);
    out.end_line();
}
