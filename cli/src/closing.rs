//! Files of an output folder that belong to no single run.

use crate::{
    environment::{Started, Walls},
    exit::Stop,
    folder::OutputFolder,
    output, report,
};
use parallax_record::Suite;

/// The files of a command that are not of one run alone.
pub(crate) const FILES: [&str; 6] =
    ["environment.json", "health.txt", "junit.xml", "report.html", "summary.json", "summary.md"];

/// Writes what the runs came to so far, and where, when and how long they ran.
///
/// # Errors
/// [`Stop::Fault`].
pub(crate) fn write(
    out: &OutputFolder,
    suite: &Suite,
    started: &Started,
    walls: Walls,
) -> Result<(), Stop> {
    let json = |error: serde_json::Error| Stop::Fault(format!("failed to write JSON: {error}"));
    let environment = serde_json::to_string_pretty(&started.environment(walls)).map_err(json)?;
    out.put("environment.json", format!("{environment}\n").as_bytes())?;
    out.put("summary.json", suite.to_json().map_err(json)?.as_bytes())
}

/// Writes the report, unless it is unwanted or there are no runs. Whether nothing went
/// wrong: what the runs came to is written all the same.
pub(crate) fn reported(out: &OutputFolder, unwanted: bool, suite: &Suite) -> bool {
    if unwanted || suite.runs.is_empty() {
        return true;
    }
    match report::at_end(out) {
        Ok(()) => {
            let page = out.path().join("report.html");
            output::say(format!("the report is {}\n", page.display()));
            true
        }
        Err(stop) => {
            output::error(stop.to_string());
            false
        }
    }
}
