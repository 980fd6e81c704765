//! Writing of a report's files: all aside, then all moved, so that half a report is never there.

use super::judged::in_parallel;
use crate::{
    exit::Stop,
    folder::{OutputFolder, REPORT},
};
use parallax_record::BaselineResult;
use parallax_render::{Report, escape::plain_name, hgrm, html, junit, markdown, png};
use std::collections::BTreeMap;

/// The files of a report that stand beside the summary.
pub(super) const FILES: [&str; 3] = ["report.html", "junit.xml", "summary.md"];

/// Simulation and measurement side by side, in that folder.
const BESIDE: &str = "parallax.json";

/// Streams with pictures, at most, of the first runs in full; the others are one command away.
const PICTURED: usize = 40;

/// Writes a report.
///
/// # Errors
/// [`Stop::Fault`] if it cannot be written.
pub(super) fn all(
    out: &OutputFolder,
    report: &Report,
    baseline: Option<&BaselineResult>,
) -> Result<(), Stop> {
    out.put_report(&files(report, baseline)?).map_err(|error| {
        Stop::Fault(format!("failed to write the report to {}: {error}", out.path().display()))
    })
}

/// All files by their paths below the folder; the page comes last.
fn files(
    report: &Report,
    baseline: Option<&BaselineResult>,
) -> Result<Vec<(String, Vec<u8>)>, Stop> {
    let mut own: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, text) in hgrm::files(report) {
        own.insert(name, text.into_bytes());
    }
    own.insert("grid.png".to_owned(), png::grid(report));
    let mut left = PICTURED;
    let mut pictured = Vec::new();
    for run in &report.details {
        let Some(cell) = report.runs.get(run.run).filter(|_| left > 0) else { continue };
        left = left.saturating_sub(run.streams.len());
        pictured.push((cell, run));
    }
    // Most of what a report costs are its pictures.
    let pictures = in_parallel(pictured.len(), |(), at| Ok(png::run(report, pictured[at].1)))?;
    for ((cell, _), pictures) in pictured.iter().zip(pictures) {
        let folder = match report.folders.len() {
            1 => String::new(),
            _ => format!("{}_", cell.folder + 1),
        };
        let run_name =
            format!("{folder}{}_{}", plain_name(&cell.summary.scenario), cell.summary.folder());
        for (name, bytes) in pictures {
            own.insert(format!("{run_name}_{name}"), bytes);
        }
    }
    let junit = junit::report(report, baseline)
        .map_err(|error| Stop::Fault(format!("failed to write JUnit: {error}")))?;
    let mut all: Vec<(String, Vec<u8>)> = own
        .into_iter()
        // What is too large to draw has no picture.
        .filter(|(_, bytes)| !bytes.is_empty())
        .map(|(name, bytes)| (format!("{REPORT}/{name}"), bytes))
        .collect();
    if let Some(beside) = &report.beside {
        let text = beside.to_json();
        let text =
            text.map_err(|error| Stop::Fault(format!("failed to write {BESIDE}: {error}")))?;
        all.push((format!("{REPORT}/{BESIDE}"), text.into_bytes()));
    }
    all.push(("junit.xml".into(), junit.into_bytes()));
    all.push(("summary.md".into(), markdown::summary(report, baseline).into_bytes()));
    all.push(("report.html".into(), html::report(report).into_bytes()));
    Ok(all)
}
