//! What a command that has run something leaves in its output folder beside the records.

use crate::{environment::Started, exit::Stop, output, report, runs};
use parallax_record::Suite;
use std::{collections::BTreeMap, path::Path};

/// The files beside the records that are not the report's.
pub(crate) const FILES: [&str; 2] = ["summary.json", "environment.json"];

/// Removes what an earlier command has left: its summary and report must not stand beside the records
/// of this one.
///
/// # Errors
/// [`Stop::BadInput`]: the user chose the folder.
pub(crate) fn forget(out: &Path) -> Result<(), Stop> {
    for name in FILES {
        runs::forget(&out.join(name))?;
    }
    report::forget(out).map_err(|error| {
        Stop::BadInput(format!(
            "failed to replace the report in {}: {error}\n  help: remove it, or choose another folder \
             with --out FOLDER",
            out.display()
        ))
    })
}

/// How long each run took, microseconds of wall time, by its folder: `two-homes/seed-1`.
pub(crate) type Walls = BTreeMap<String, u64>;

/// Writes what the runs came to so far, and where, when and how long they ran.
///
/// # Errors
/// [`Stop::Fault`].
pub(crate) fn write(
    out: &Path,
    suite: &Suite,
    started: &Started,
    walls: Walls,
) -> Result<(), Stop> {
    let json = |error: serde_json::Error| Stop::Fault(format!("failed to write JSON: {error}"));
    let environment = serde_json::to_string_pretty(&started.environment(walls)).map_err(json)?;
    output::file(&out.join("environment.json"), &format!("{environment}\n"))?;
    output::file(&out.join("summary.json"), &suite.to_json().map_err(json)?)
}

/// Writes the report, if there is something to report and somebody wants it. Whether nothing went
/// wrong: what the runs came to is written all the same.
pub(crate) fn reported(out: &Path, unwanted: bool, suite: &Suite) -> bool {
    if unwanted || suite.runs.is_empty() {
        return true;
    }
    match report::at_end(out) {
        Ok(()) => {
            let page = out.join("report.html");
            output::say(format!("the report is {}\n", page.display()));
            true
        }
        Err(stop) => {
            output::error(stop.to_string());
            false
        }
    }
}
