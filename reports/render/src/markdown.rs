//! `summary.md` for the page of a CI job: the verdict first, then what did not pass, then latency.

use crate::{
    escape::tame,
    terminal::{self, Style},
    view::{Missed, Report, budget},
};
use parallax_record::{BaselineResult, Verdict};
use std::fmt::Write;

/// GitHub refuses a page above 1 MiB; other steps may want some of it.
const MOST_BYTES: usize = 500_000;

/// Runs that did not pass, at most.
const MOST_RUNS: usize = 200;

/// The file's text.
#[must_use]
pub fn summary(report: &Report, baseline: Option<&BaselineResult>) -> String {
    let mut out = head(report);
    if let Some(baseline) = baseline {
        let text = crate::baseline::text(baseline, Style::Plain);
        let _ = writeln!(out, "\n### Against the baseline\n\n{}", fenced(&text));
    }
    if let Some(beside) = &report.beside {
        let text = crate::beside::text(beside, Style::Plain);
        // A page of its own has all of it.
        if out.len() + text.len() < MOST_BYTES {
            let _ = writeln!(out, "\n### Simulation and measurement\n\n{}", fenced(&text));
        } else {
            out.push_str("\nSimulation and measurement side by side: `report.html` has them.\n");
        }
    }
    did_not_pass(report, &mut out);
    not_judged(report, &mut out);
    flaky(report, &mut out);
    latency(report, &mut out);
    out
}

fn head(report: &Report) -> String {
    let verdict = report.overall.verdict;
    let verdict = verdict.map_or("nothing ran".to_owned(), |verdict| verdict.to_string());
    let mut out = format!("## Parallax: {}\n\n", verdict.to_uppercase());
    out.push_str("| Runs | Passed | Failed | Inconclusive | Errors | Checks not judged |\n");
    out.push_str("|--:|--:|--:|--:|--:|--:|\n");
    let counts = &report.counts;
    let _ = writeln!(
        out,
        "| {} | {} | {} | {} | {} | {} |",
        counts.total(),
        counts.pass,
        counts.fail,
        counts.inconclusive,
        counts.error,
        report.not_judged()
    );
    if !report.overall.reasons.is_empty() {
        out.push('\n');
    }
    for reason in report.overall.reasons.iter().take(MOST_RUNS) {
        let _ = writeln!(out, "- **{}**: {}", reason.verdict, cell(&reason.text));
    }
    let origin = terminal::origin(report);
    if !origin.is_empty() {
        let _ = writeln!(out, "\n{origin}");
    }
    for text in terminal::corrections(report) {
        let _ = writeln!(out, "\n{}", cell(&text));
    }
    out
}

fn did_not_pass(report: &Report, out: &mut String) {
    if report.missed.is_empty() {
        return;
    }
    out.push_str(
        "\n### What did not pass\n\n| Run | Verdict | Check | Measured | Bound | Run again |\n",
    );
    out.push_str("|---|---|---|---|---|---|\n");
    let mut shown = 0;
    for missed in report.missed.iter().take(MOST_RUNS) {
        let row = row(report, missed);
        if out.len() + row.len() > MOST_BYTES {
            break;
        }
        out.push_str(&row);
        shown += 1;
    }
    let more = report.missed.len() - shown;
    if more > 0 {
        let _ = writeln!(
            out,
            "\nand {more} more {} that did not pass: `report.html`, `junit.xml` and `summary.json` have all.",
            if more == 1 { "run" } else { "runs" }
        );
    }
}

/// The checks that the mode of their runs cannot judge, by scenario.
fn not_judged(report: &Report, out: &mut String) {
    let all = report.not_judged_by_scenario();
    if all.is_empty() {
        return;
    }
    out.push_str("\n### Not judged\n\n| Scenario | Check | Runs | Reason |\n|---|---|--:|---|\n");
    for line in all.iter().take(MOST_RUNS) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            cell(&line.scenario),
            cell(&line.check),
            line.runs,
            cell(&line.reason)
        );
    }
    if all.len() > MOST_RUNS {
        let _ = writeln!(out, "\nand {} more: `summary.json` has all.", all.len() - MOST_RUNS);
    }
}

/// Runs that passed sometimes.
fn flaky(report: &Report, out: &mut String) {
    let all = report.scenarios.iter().flat_map(|scenario| {
        scenario.flaky.iter().map(move |flaky| format!("{} is {flaky}", scenario.name))
    });
    for text in all.take(MOST_RUNS) {
        let _ = writeln!(out, "\n{}", cell(&text));
    }
}

fn row(report: &Report, missed: &Missed) -> String {
    let run = &report.runs[missed.run].summary;
    let name = cell(&format!("{} seed {}", run.scenario, run.which()));
    let worst = missed.checks.first();
    let (check, measured, bound) = match (missed.faults.first(), worst) {
        (Some(fault), _) => (cell(fault), String::new(), String::new()),
        (None, Some(check)) => (cell(&check.name), cell(&check.measured), cell(&check.bound)),
        (None, None) => Default::default(),
    };
    let others = missed.checks.len().saturating_sub(1);
    let others = if others > 0 { format!(" and {others} more") } else { String::new() };
    let verdict = match run.verdict {
        Verdict::Pass | Verdict::Inconclusive => run.verdict.to_string(),
        Verdict::Fail | Verdict::Error => format!("**{}**", run.verdict),
    };
    format!(
        "| {name} | {verdict} | {check}{others} | {measured} | {bound} | {} |\n",
        cell(&missed.rerun)
    )
}

fn latency(report: &Report, out: &mut String) {
    out.push_str("\n### Capture-to-render latency\n\n");
    out.push_str(
        "Over all rendered frames of all runs, without those that were lost; no percentile that the sample \
         does not bear. The last three columns split it by cause, p50 / p95 of each, medians over the runs: \
         configured (links, profiles, fixed jitter buffer), chosen by the stack (pacer, resends, adaptive jitter \
         buffer), suffered (queues, loss, late). They add up for each frame; their percentiles do not.\n\n",
    );
    out.push_str("| Scenario | Stream | Frames | Lost | p50 | p90 | p95 | p99 | max ");
    out.push_str("| Configured | Chosen | Suffered |\n");
    out.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    let (mut left, all) = (0, report.scenarios.iter().map(|one| one.streams.len()).sum::<usize>());
    'all: for scenario in &report.scenarios {
        for stream in scenario.streams.iter().take(budget::STREAM_ROWS) {
            let figures: Vec<String> = crate::pooled::row(report, scenario, stream)
                .into_iter()
                .map(|us| us.map_or("–".to_owned(), |us| stream.latency.time(us)))
                .chain(crate::split::cells(&crate::pooled::runs(report, scenario, stream)))
                .collect();
            let row = format!(
                "| {} | {} | {} | {} | {} |\n",
                cell(&scenario.name),
                cell(&format!("{} to {}", stream.camera, stream.viewer)),
                stream.latency.frames,
                stream.latency.lost,
                figures.join(" | ")
            );
            // Room for what may be left out to be said.
            if out.len() + row.len() > 2 * MOST_BYTES - 1_000 {
                break 'all;
            }
            out.push_str(&row);
            left += 1;
        }
    }
    if left < all {
        let _ = writeln!(out, "\nand {} more: `summary.json` has all.", all - left);
    }
}

/// The most characters of a cell: texts from outside have no end.
const CELL: usize = 300;

/// A text from outside as a cell of a table: in it nothing is a mark of Markdown, HTML or a mention.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for (at, character) in tame(text).chars().enumerate() {
        if at == CELL {
            out.push('…');
            break;
        }
        match character {
            // GitHub makes a link of `www.` and what follows.
            '.' if out.ends_with("www") => out.push_str("&#46;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // By number: a backslash does not hold within every mark, and `@` and `:` have none.
            '|' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '!' | '#' | '~' | '\\' | '$' | '@'
            | ':' => {
                let _ = write!(out, "&#{};", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out
}

/// A text as code, in a fence that is longer than any in it.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: Vec<String> = text.lines().map(tame).collect();
    format!("{fence}text\n{}\n{fence}", lines.join("\n"))
}
