//! `parallax report`: what runs came to, for people and for other programs to read, from output
//! folders alone.

mod baseline;
mod open;
mod read;
mod write;

use crate::{
    args::ReportArgs,
    exit::{Exit, Stop},
    output,
};
use parallax_record::Verdict;
use parallax_render::{Report, baseline::text, beside, terminal};
use std::path::Path;

pub(crate) use read::{environment, record, run_folders};
pub(crate) use write::{FILES, forget};

/// Runs `parallax report`.
///
/// # Errors
/// [`Stop::BadInput`] if what is there to read is none of ours, or not whole: then nothing is
/// written. [`Stop::Fault`] if the report could not be written.
pub(crate) fn run(arguments: &ReportArgs) -> Result<Exit, Stop> {
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
    let out = arguments.out.as_ref().unwrap_or(&arguments.folders[0]);
    write::all(out, &report, compared.as_ref())?;
    if let Some(file) = &arguments.accept {
        baseline::accept(file, suites())?;
    }
    for suite in suites() {
        output::say(terminal::closing(suite, style));
    }
    if let Some(compared) = &compared {
        output::say(text(compared, style));
    }
    if let Some(beside) = &report.beside {
        output::say(beside::text(beside, style));
    }
    let page = out.join("report.html");
    output::say(format!("the report is {}\n", page.display()));
    if let Some(file) = &arguments.accept {
        output::say(format!("the baseline is {}\n", file.display()));
    }
    if arguments.open {
        open::page(&page)?;
    }
    // What the runs came to was told by the command that ran them: here it is only shown.
    let apart = report.beside.and_then(|beside| beside.verdict);
    let demanded = compared.map(|compared| compared.verdict).into_iter().chain(apart);
    Ok(match Verdict::worst(demanded) {
        None => Exit::Pass,
        Some(verdict) => Exit::of(Some(verdict)),
    })
}

/// The report of what has just run, in its output folder.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn at_end(folder: &Path) -> Result<(), Stop> {
    let folders = read::folders(&[folder.to_owned()], &[])?;
    for note in &folders.notes {
        output::error(note);
    }
    write::all(folder, &Report::new(&folders.read), None)
}

/// How a command ends whose runs are done and whose report could not be written: what the runs came
/// to comes first, but nobody is to take it for a whole success.
pub(crate) fn without(verdict: Option<Verdict>) -> Exit {
    match Exit::of(verdict) {
        Exit::Pass => Exit::Fault,
        other => other,
    }
}
