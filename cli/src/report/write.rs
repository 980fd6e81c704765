//! Writes the files of a report: all aside, then all moved, so that half a report is never there.

use super::judged::in_parallel;
use crate::{exit::Stop, output};
use parallax_record::BaselineResult;
use parallax_render::{Report, escape::plain_name, hgrm, html, junit, markdown, png};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The files of a report that stand beside the summary.
pub(crate) const FILES: [&str; 3] = ["report.html", "junit.xml", "summary.md"];

/// The folder of its pictures and histograms.
const FOLDER: &str = "report";

/// Simulation and measurement side by side, in that folder.
const BESIDE: &str = "parallax.json";

/// Where all of it is until all is written.
const ASIDE: &str = "report.part";

/// So many streams have pictures, of the first runs in full; the others are one command away.
const PICTURED: usize = 40;

/// Writes a report.
///
/// # Errors
/// [`Stop::BadInput`] if something stands in its way, [`Stop::Fault`] if it cannot be written.
pub(super) fn all(
    out: &Path,
    report: &Report,
    baseline: Option<&BaselineResult>,
) -> Result<(), Stop> {
    output::folder(out)?;
    for name in FILES {
        output::room_for_file(&out.join(name))?;
    }
    output::room_for_folder(&out.join(FOLDER))?;
    let files = files(report, baseline)?;
    let aside = out.join(ASIDE);
    let written = write(out, &aside, &files);
    // A folder that is gone is what is wanted.
    let _ = fs::remove_dir_all(&aside);
    written.map_err(|error| {
        Stop::Fault(format!("failed to write the report to {}: {error}", out.display()))
    })
}

/// All files by their paths below the folder; the page comes last.
fn files(
    report: &Report,
    baseline: Option<&BaselineResult>,
) -> Result<Vec<(PathBuf, Vec<u8>)>, Stop> {
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
    let pictures = in_parallel(pictured.len(), |at| Ok(png::run(report, pictured[at].1)))?;
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
    let mut all: Vec<(PathBuf, Vec<u8>)> = own
        .into_iter()
        // What is too large to draw has no picture.
        .filter(|(_, bytes)| !bytes.is_empty())
        .map(|(name, bytes)| (Path::new(FOLDER).join(name), bytes))
        .collect();
    if let Some(beside) = &report.beside {
        let text = beside.to_json();
        let text =
            text.map_err(|error| Stop::Fault(format!("failed to write {BESIDE}: {error}")))?;
        all.push((Path::new(FOLDER).join(BESIDE), text.into_bytes()));
    }
    all.push(("junit.xml".into(), junit.into_bytes()));
    all.push(("summary.md".into(), markdown::summary(report, baseline).into_bytes()));
    all.push(("report.html".into(), html::report(report).into_bytes()));
    Ok(all)
}

fn write(out: &Path, aside: &Path, files: &[(PathBuf, Vec<u8>)]) -> io::Result<()> {
    match fs::remove_dir_all(aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(aside.join(FOLDER))?;
    for (name, bytes) in files {
        fs::write(aside.join(name), bytes)?;
    }
    forget(out)?;
    fs::create_dir_all(out.join(FOLDER))?;
    for (name, _) in files {
        fs::rename(aside.join(name), out.join(name))?;
    }
    Ok(())
}

/// Removes an earlier report: its files alone, for a scenario may be called as its folder is.
///
/// # Errors
/// If something of it cannot be removed.
pub(crate) fn forget(out: &Path) -> io::Result<()> {
    for name in FILES {
        match fs::remove_file(out.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let folder = out.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let ours = path.extension().is_some_and(|ending| ending == "png" || ending == "hgrm")
            || path.ends_with(BESIDE);
        if ours && path.is_file() {
            fs::remove_file(path)?;
        }
    }
    // It stays if something else is in it.
    let _ = fs::remove_dir(&folder);
    Ok(())
}
