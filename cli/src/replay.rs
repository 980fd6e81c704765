//! `parallax replay`: a recorded console through the console core.

use crate::{
    args::ReplayArgs,
    exit::{Exit, Stop},
    inputs, output,
};
use parallax_bench::{ReplayError, replay};
use std::{io, path::Path};

/// Bytes of a recording, at most: a day of a console at 115200 bit/s is four times as many.
const BYTES_MOST: u64 = 256 << 20;

/// Runs `parallax replay`.
///
/// # Errors
/// [`Stop::BadInput`] if there is no such recording or profile, or either is wrong.
pub(crate) fn run(arguments: &ReplayArgs) -> Result<Exit, Stop> {
    let ReplayArgs { transcript, profile } = arguments;
    let found = inputs::profile(&format!("--profile {profile}"), profile)?;
    let bytes = bytes(transcript)?;
    let replayed = replay(&found, &bytes).map_err(|error| {
        Stop::BadInput(match error {
            ReplayError::Recording(error) => {
                format!("failed to read {}: {error}", transcript.display())
            }
            ReplayError::Profile(error) => error.to_string(),
        })
    })?;
    output::say(replayed.to_string());
    Ok(match replayed.summary.came_up.known() {
        Some(true) => Exit::Pass,
        Some(false) => Exit::Fail,
        None => Exit::Inconclusive,
    })
}

fn bytes(file: &Path) -> Result<Vec<u8>, Stop> {
    parallax_files::read(file, BYTES_MOST).map_err(|error| {
        let cure = match error.kind() {
            io::ErrorKind::FileTooLarge => "\n  help: cut out the part that is of interest",
            _ => "",
        };
        Stop::BadInput(inputs::failed_to_read(file, &error) + cure)
    })
}
