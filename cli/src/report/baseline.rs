//! A baseline's file.

use crate::{exit::Stop, written::Destination};
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

/// What runs came to as a baseline, and where it goes.
///
/// # Errors
/// [`Stop::BadInput`] if there is nothing to store, or something else stands there.
pub(super) fn accepted<'a>(
    file: &Path,
    suites: impl Iterator<Item = &'a Suite>,
) -> Result<(Destination, String), Stop> {
    let baseline = Baseline::of(suites);
    if baseline.runs.is_empty() {
        return Err(Stop::BadInput(format!(
            "failed to store {} as a baseline: nothing ran\n  help: give a folder in which runs have \
             finished",
            file.display()
        )));
    }
    let is_baseline =
        |bytes: &[u8]| Baseline::read(bytes).map(drop).map_err(|error| error.to_string());
    let to = Destination::new(file, "--accept", "a baseline", is_baseline)?;
    let text = baseline
        .to_json()
        .map_err(|error| Stop::Fault(format!("failed to write JSON: {error}")))?;
    Ok((to, text))
}
