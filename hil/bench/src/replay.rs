//! A recording through the console core, with a device profile.

use crate::profile::{ProfileError, console};
use parallax_console::{
    replay::{self, Replay},
    transcript::{ConsoleRecording, TranscriptError},
};
use parallax_scenario::Profile;

/// Why a recording was not run.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It is none.
    #[error(transparent)]
    Recording(#[from] TranscriptError),
    /// The profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

/// Runs the bytes of a transcript or of a log through the console core, as a board of this profile. A
/// password that its login asks for is not needed: the recording shows none either.
///
/// # Errors
/// If it is no recording, or the profile has no console that can be read.
pub fn replay(profile: &Profile, bytes: &[u8]) -> Result<Replay, ReplayError> {
    let console = console(&profile.name, profile, |_| Some(String::new()))?;
    Ok(replay::replay(console, &ConsoleRecording::read(bytes)?))
}
