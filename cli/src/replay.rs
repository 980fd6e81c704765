//! `parallax replay`: a recorded console through the console core.

use crate::{
    args::ReplayArgs,
    exit::{Exit, Stop},
    inputs, output,
};
use parallax_bench::{ReplayError, replay};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

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
    let refused = |error: io::Error| Stop::BadInput(inputs::failed_to_read(file, &error));
    let found = fs::metadata(file).map_err(refused)?;
    if !found.is_file() {
        // A pipe would be waited on for ever.
        return Err(refused(io::Error::other("it is no regular file")));
    }
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(BYTES_MOST + 1).read_to_end(&mut bytes))
        .map_err(refused)?;
    if bytes.len() as u64 > BYTES_MOST {
        return Err(Stop::BadInput(format!(
            "failed to read {}: it has more than {} MiB\n  help: cut out the part that is of interest",
            file.display(),
            BYTES_MOST >> 20
        )));
    }
    Ok(bytes)
}
