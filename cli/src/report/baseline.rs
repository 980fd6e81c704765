//! A baseline's file.

use crate::{exit::Stop, output};
use parallax_record::{Baseline, BaselineResult, Suite, Thresholds, compare_with_baseline};
use std::path::Path;

/// Holds runs against a baseline.
///
/// # Errors
/// [`Stop::BadInput`] if the file is none.
pub(super) fn compare<'a>(
    file: &Path,
    suites: impl Iterator<Item = &'a Suite>,
    thresholds: Thresholds,
) -> Result<BaselineResult, Stop> {
    let name = file.display();
    let bytes = parallax_files::read(file, parallax_files::SUMMARY_MOST).map_err(|error| {
        Stop::BadInput(format!(
            "failed to read the baseline {name}: {error}\n  help: `parallax report FOLDER --accept \
             {name}` stores one of runs that are as they should be"
        ))
    })?;
    let baseline = Baseline::read(&bytes).map_err(|error| {
        Stop::BadInput(format!(
            "failed to read the baseline {name}: {error}\n  help: give a file that `parallax report \
             --accept` has written, or store one anew with it"
        ))
    })?;
    Ok(compare_with_baseline(&baseline, suites, thresholds))
}

/// Stores what runs came to as the baseline.
///
/// # Errors
/// [`Stop::BadInput`] if there is nothing to store, [`Stop::Fault`] if it cannot be written.
pub(super) fn accept<'a>(file: &Path, suites: impl Iterator<Item = &'a Suite>) -> Result<(), Stop> {
    let baseline = Baseline::of(suites);
    if baseline.runs.is_empty() {
        return Err(Stop::BadInput(format!(
            "failed to store {} as a baseline: nothing ran\n  help: give a folder in which runs have \
             finished",
            file.display()
        )));
    }
    let text = baseline
        .to_json()
        .map_err(|error| Stop::Fault(format!("failed to write JSON: {error}")))?;
    output::file(file, &text)
}
