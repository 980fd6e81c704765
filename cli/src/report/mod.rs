//! `parallax report`: what runs came to, for people and for other programs to read, from output
//! folders alone.

mod baseline;
mod file;
mod judged;
mod open;
mod read;
mod write;

use crate::{
    args::ReportArgs,
    exit::{Exit, Stop},
    folder::{OutputFolder, Plan},
    output,
};
use parallax_record::Verdict;
use parallax_render::{Report, baseline::text, beside, terminal, view::ReasonSource};
use std::path::Path;

pub(crate) use file::record;
pub(crate) use read::{environment, none_there, run_folders};
use write::FILES;

/// Runs `parallax report`.
///
/// # Errors
/// [`Stop::BadInput`] if what is there to read is none of ours, or not whole: then nothing is
/// written. [`Stop::Fault`] if the report could not be written.
pub(crate) fn run(arguments: &ReportArgs) -> Result<Exit, Stop> {
    let out = arguments.out.as_ref().unwrap_or(&arguments.folders[0]);
    // Nothing is made before what is to be read is known to be there.
    let held = match out.is_dir() {
        true => Some(taken(out)?),
        false => None,
    };
    let folders = read::folders(&arguments.folders, &arguments.select)?;
    for note in &folders.notes {
        output::error(note);
    }
    let suites = || folders.read.iter().map(|folder| &folder.suite);
    let compared = match &arguments.baseline {
        Some(file) => Some(baseline::compare(file, suites(), arguments.thresholds())?),
        None => None,
    };
    let style = output::style();
    let mut report = Report::new(&folders.read);
    if let Some(compared) = &compared {
        report = report.against(compared.clone());
    }
    if let Some(within) = arguments.within {
        report = report.within(within);
        if report.beside.is_none() {
            return Err(Stop::BadInput(
                "failed to hold simulation against measurement: there are not runs of both\n  help: give a folder of \
                 `parallax sim` and one of `parallax hil`"
                    .to_owned(),
            ));
        }
    }
    corrected(&report);
    let accepted = match &arguments.accept {
        Some(file) => Some(baseline::accepted(file, suites())?),
        None => None,
    };
    let folder = match held {
        Some(folder) => folder,
        None => taken(out)?,
    };
    folder.begin()?;
    write::all(&folder, &report, compared.as_ref())?;
    if let Some((to, text)) = accepted {
        to.write(&text)?;
    }
    drop(folder);
    for suite in suites() {
        output::say(terminal::closing(suite, style));
    }
    if let Some(compared) = &compared {
        output::say(text(compared, style));
    }
    if let Some(beside) = &report.beside {
        output::say(beside::text(beside, style));
    }
    let origin = terminal::origin(&report);
    if !origin.is_empty() {
        output::say(format!("{origin}\n"));
    }
    // Where one folder is all, its closing line has said it.
    let said = report.folders.len() == 1
        && compared.is_none()
        && arguments.within.is_none()
        && report.overall.reasons.iter().all(|reason| reason.source == ReasonSource::Runs);
    if !said {
        output::say(terminal::overall(&report.overall, style));
    }
    let page = out.join("report.html");
    output::say(format!("the report is {}\n", page.display()));
    if let Some(file) = &arguments.accept {
        output::say(format!("the baseline is {}\n", file.display()));
    }
    if arguments.open {
        open::page(&page)?;
    }
    Ok(Exit::of(report.overall.verdict))
}

/// The folder of a report, in which nothing stands in its way.
fn taken(out: &Path) -> Result<OutputFolder, Stop> {
    let folder = OutputFolder::take(out)?;
    folder.check(Plan { top: &FILES, report: true, runs: &[] })?;
    Ok(folder)
}

/// The report of what has just run, in its output folder.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn at_end(folder: &OutputFolder) -> Result<(), Stop> {
    let folders = read::folders(&[folder.path().to_owned()], &[])?;
    for note in &folders.notes {
        output::error(note);
    }
    let report = Report::new(&folders.read);
    corrected(&report);
    write::all(folder, &report, None)
}

/// Tells what the records say otherwise than the summary.
fn corrected(report: &Report) {
    for text in terminal::corrections(report) {
        output::error(&text);
    }
}

/// How a command ends whose runs are done and whose report could not be written: what the runs came
/// to comes first, but it must not pass for a success.
pub(crate) fn without(verdict: Option<Verdict>) -> Exit {
    match Exit::of(verdict) {
        Exit::Pass => Exit::Fault,
        other => other,
    }
}
