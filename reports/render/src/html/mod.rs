//! `report.html`: one file that needs nothing else, for 1 run or 5,000.

mod beside;
mod delays;
mod page;
mod pictures;
mod section;

use crate::{
    draw,
    escape::tame,
    figure, plot, terminal,
    view::{Report, budget},
};
use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use parallax_record::Verdict;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Most bytes of the page for runs in full: what does not fit is in the list alone.
const IN_FULL_BYTES: usize = 12_000_000;

const SCRIPT: &str = include_str!("../../assets/report.js");
const STYLE: &str = include_str!("../../assets/report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    verdict: &'static str,
    sign: &'static str,
    headline: String,
    counts: Vec<(&'static str, &'static str, u64)>,
    /// How many runs were judged again, and what was corrected by that.
    origin: String,
    corrections: Vec<String>,
    baseline: Option<page::BaselineSection>,
    pairs: Vec<beside::PairSection>,
    pairs_more: Option<String>,
    /// What the bound of simulation beside measurement is for.
    held: Option<String>,
    alone: Vec<String>,
    not_in_full: u64,
    missed: Vec<page::MissedRun>,
    missed_more: usize,
    not_judged: Option<page::NotJudgedSection>,
    groups: Vec<page::Group>,
    scenarios: Vec<page::ScenarioSection>,
    rows: Vec<page::RunRow>,
    runs: Vec<String>,
    environments: Vec<page::EnvironmentBlock>,
    style: String,
    script: &'static str,
    policy: String,
}

/// The page.
#[must_use]
pub fn report(report: &Report) -> String {
    let (runs, shown) = in_full(report);
    let style = format!("{}{STYLE}", plot::page_rules());
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; img-src data:; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(&style),
        hash(SCRIPT)
    );
    let verdict = report.overall.verdict;
    let page = Page {
        title: title(report),
        verdict: verdict.map_or("none", word),
        sign: verdict.map_or("–", |verdict| draw::sign(verdict).0),
        headline: headline(report),
        counts: counts(report),
        origin: terminal::origin(report),
        corrections: terminal::corrections(report),
        baseline: report.baseline.as_ref().map(page::baseline),
        pairs: beside::pairs(report),
        pairs_more: report.beside.as_ref().and_then(crate::beside::left_out),
        held: report.beside.as_ref().and_then(|beside| beside.within).map(crate::beside::held),
        alone: report
            .beside
            .iter()
            .flat_map(|beside| beside.alone.iter().take(budget::STREAM_ROWS))
            .map(|text| tame(text))
            .collect(),
        not_in_full: report.runs.len() as u64 - shown.len() as u64,
        missed: page::missed(report, &shown),
        missed_more: report.missed.len().saturating_sub(page::MISSED_SHOWN),
        not_judged: page::not_judged(report),
        groups: page::groups(report, &shown),
        scenarios: page::scenarios(report),
        rows: page::rows(report, &shown),
        runs,
        environments: page::environments(report),
        style,
        script: SCRIPT,
        policy,
    };
    // Writing to a string does not fail, and the template is checked by the compiler.
    page.render().unwrap_or_default()
}

/// The runs in full, as HTML, those that did not pass first, and which they are.
fn in_full(report: &Report) -> (Vec<String>, BTreeSet<usize>) {
    let mut order: Vec<_> = report.details.iter().collect();
    order.sort_by_key(|run| (std::cmp::Reverse(report.runs[run.run].summary.verdict), run.run));
    let mut pictures = pictures::Budget::new();
    let (mut sections, mut shown, mut bytes) = (Vec::new(), BTreeSet::new(), 0);
    for run in order {
        let html = section::run(report, run, &mut pictures);
        // What does not fit was drawn for nothing: once, not for each run that follows.
        if bytes + html.len() > IN_FULL_BYTES {
            break;
        }
        bytes += html.len();
        sections.push(html);
        shown.insert(run.run);
    }
    (sections, shown)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Fail => "fail",
        Verdict::Error => "error",
    }
}

fn title(report: &Report) -> String {
    let names: Vec<String> = report.scenarios.iter().map(|scenario| tame(&scenario.name)).collect();
    let what = match &names[..] {
        [] => "nothing ran".to_owned(),
        [one] => one.clone(),
        many => figure::counted(many.len() as u64, "scenario"),
    };
    let verdict = report.overall.verdict.map_or("NONE", word).to_uppercase();
    format!("{verdict}: {what} · Parallax report")
}

fn headline(report: &Report) -> String {
    let runs = figure::counted(report.runs.len() as u64, "run");
    let scenarios = figure::counted(report.scenarios.len() as u64, "scenario");
    let why = tame(&report.overall.line());
    match report.overall.verdict {
        None if why.is_empty() => "Nothing ran".to_owned(),
        None => format!("Nothing ran: {why}"),
        Some(Verdict::Pass) => {
            let kept = match &report.baseline {
                Some(_) => "; no regression against the baseline",
                None => "",
            };
            let near = match report.beside.as_ref().and_then(|beside| beside.within) {
                Some(_) => "; simulation and measurement are as near as demanded",
                None => "",
            };
            format!("All passed: {runs} of {scenarios}{kept}{near}")
        }
        Some(_) if report.counts.pass == report.counts.total() => {
            format!("{why}. The runs themselves passed: {runs} of {scenarios}")
        }
        Some(_) => format!("{why} · {scenarios}"),
    }
}

fn counts(report: &Report) -> Vec<(&'static str, &'static str, u64)> {
    let each = Verdict::ALL.into_iter().rev();
    each.map(|verdict| (word(verdict), draw::sign(verdict).0, report.counts.get(verdict))).collect()
}
