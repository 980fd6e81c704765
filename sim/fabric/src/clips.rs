//! What cameras film: opened for a run, and held against what a scenario says of it before.

use crate::{error::SetupError, plan::cameras};
use parallax_media::{
    Clip, ClipError, Container, FilmError, Recording, SizeError, UnsupportedPicture,
};
use parallax_peer::{SourceClip, media_size};
use parallax_record::MediaMode;
use parallax_scenario::{
    CameraUse, ClipUse, Film, FilmCure, FilmKind, OwnClip, Scenario, ScenarioErrors, clip::Flaw,
    units::Size,
};

/// Whether the clips that users brought for a scenario can be filmed, and are what their manifests
/// say: decodes each once, which a run does for itself, and trusts those that come
/// with Parallax.
///
/// # Errors
/// With what is wrong with the first of them, told in its manifest, or where the scenario names it.
pub fn check(scenario: &Scenario) -> Result<(), ScenarioErrors> {
    let mut checked: Vec<&OwnClip> = Vec::new();
    let mut films: Vec<(&Film, u64)> = Vec::new();
    for (_, camera) in cameras(scenario) {
        match &camera.clip {
            ClipUse::Builtin(_) => {}
            ClipUse::Own(clip) if checked.contains(&clip) => {}
            ClipUse::Own(clip) => {
                check_clip(clip, scenario.media)?;
                checked.push(clip);
            }
            ClipUse::Film(film) => {
                let most = Film::most_frames(camera.config.size());
                if films.iter().any(|&(other, fits)| other == film && fits <= most) {
                    continue;
                }
                Clip::check_film(container(film), film.bytes(), most)
                    .map_err(|error| film.refused(&error.to_string(), cure(&error)))?;
                films.push((film, most));
            }
        }
    }
    Ok(())
}

/// Whether a clip is what its manifest says, and can be filmed, which decodes it once, or sent as it is.
///
/// # Errors
/// With what is wrong with it, told in its manifest.
pub fn check_clip(clip: &OwnClip, media: MediaMode) -> Result<(), ScenarioErrors> {
    sound(clip, media).map_err(|error| clip.manifest().flawed(&flaw(clip, error)))
}

/// Opens the clip of a camera for its pictures.
pub(crate) fn open(camera: &CameraUse) -> Result<SourceClip, SetupError> {
    SourceClip::open(&camera.config, |size| {
        Ok(match &camera.clip {
            ClipUse::Builtin(name) => Clip::open(name, size)?,
            ClipUse::Own(clip) => {
                Clip::from_annex_b(clip.annex_b(), clip.manifest().frames_per_second, size)?
            }
            ClipUse::Film(film) => {
                let most = Film::most_frames(camera.config.size());
                Clip::from_film(container(film), film.bytes(), size, most)?
            }
        })
    })
}

/// The stream that stands in for an encoder's.
pub(crate) fn recorded(clip: &ClipUse, size: parallax_media::Size) -> Result<&[u8], SetupError> {
    let not_recorded =
        || SetupError::NotRecorded { clip: clip.name().to_owned(), size: size.to_string() };
    match clip {
        ClipUse::Builtin(name) => Recording::builtin(name, size)
            .map(|recording| recording.annex_b)
            .ok_or_else(not_recorded),
        ClipUse::Own(clip) => Ok(clip.annex_b()),
        // Refused with the scenario.
        ClipUse::Film(_) => Err(not_recorded()),
    }
}

fn sound(clip: &OwnClip, media: MediaMode) -> Result<(), SetupError> {
    let manifest = clip.manifest();
    let (size, frames) = (media_size(manifest.size)?, manifest.frames as usize);
    match media {
        MediaMode::Live => Clip::check(clip.annex_b(), size, frames)?,
        MediaMode::Prerecorded => Recording::check(clip.annex_b(), size, frames)?,
    }
    Ok(())
}

fn flaw(clip: &OwnClip, error: SetupError) -> Flaw {
    match error {
        SetupError::Clip(ClipError::Unfit(UnsupportedPicture::Interlaced)) => Flaw::Interlaced,
        SetupError::Clip(ClipError::Bidirectional { frame }) => Flaw::Bidirectional { frame },
        SetupError::Clip(error @ ClipError::Frame { .. })
            if Recording::from_annex_b(clip.annex_b()).is_ok() =>
        {
            Flaw::NotDecoded(error.to_string())
        }
        SetupError::Clip(ClipError::Size(error)) => Flaw::ImpossibleSize(error.to_string()),
        SetupError::Clip(ClipError::OtherSize { frame, found }) => {
            let found = Size { width: found.width.into(), height: found.height.into() };
            Flaw::Size { frame, found }
        }
        SetupError::Clip(ClipError::OtherLength { found }) => Flaw::Frames(found),
        error => Flaw::Stream(error.to_string()),
    }
}

fn container(film: &Film) -> Container {
    match film.kind {
        FilmKind::Mp4 => Container::Mp4,
        FilmKind::Y4m => Container::Y4m,
    }
}

fn cure(error: &FilmError) -> FilmCure {
    match error {
        FilmError::Empty
        | FilmError::OtherKind(_)
        | FilmError::CutOff(_)
        | FilmError::Damaged(_)
        | FilmError::NoVideo => FilmCure::Bring,
        FilmError::Frame { .. } | FilmError::Pictures { .. } => FilmCure::Anew,
        FilmError::Interlaced => FilmCure::Deinterlace,
        FilmError::Size(SizeError::Odd(_)) => FilmCure::Even,
        FilmError::Size(_) | FilmError::OtherSize { .. } => FilmCure::Scale,
        FilmError::TooLong { most, .. } => FilmCure::Cut { most: *most },
        FilmError::Codec(_)
        | FilmError::Depth(_)
        | FilmError::Chroma(_)
        | FilmError::Bidirectional
        | FilmError::Turned
        | FilmError::VariableRate { .. }
        | FilmError::Rate(_)
        | FilmError::Edited(_) => FilmCure::Convert,
    }
}
