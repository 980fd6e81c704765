//! Pictures of a run's worst frames, kept beside its record as PNG.

use crate::exit::Stop;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use parallax_files as files;
use parallax_world::KeptPicture;
use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Writes pictures to a folder, which is there whole or not at all; none make no folder.
///
/// # Errors
/// If they cannot be written: then nothing is left.
pub(crate) fn write(folder: &Path, pictures: &[KeptPicture]) -> Result<(), Stop> {
    if pictures.is_empty() {
        return Ok(());
    }
    let aside = aside(folder);
    let written = files::create_folder(&aside)
        .and_then(|()| pictures.iter().try_for_each(|picture| png(&aside, picture)))
        .and_then(|()| files::rename_new(&aside, folder));
    written.map_err(|error| {
        let _ = forget(folder);
        Stop::Fault(format!("failed to write {}: {error}", folder.display()))
    })
}

fn png(folder: &Path, picture: &KeptPicture) -> io::Result<()> {
    let mut file = BufWriter::new(files::create(&folder.join(&picture.name))?);
    let (width, height) = picture.size();
    PngEncoder::new(&mut file)
        .write_image(&picture.rgb(), width, height, ExtendedColorType::Rgb8)
        .map_err(io::Error::other)?;
    file.flush()
}

/// Removes the pictures of an earlier run, whole or not.
///
/// # Errors
/// If they are there and cannot be removed.
pub(crate) fn forget(folder: &Path) -> io::Result<()> {
    for folder in [folder, &aside(folder)] {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Where pictures are until all are written.
fn aside(folder: &Path) -> PathBuf {
    folder.with_extension("part")
}
