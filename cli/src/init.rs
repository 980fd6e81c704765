//! `parallax init`: files to start from.

use crate::{
    args::InitArgs,
    exit::{Exit, Stop},
    output,
    runs::quoted,
};
use parallax_files::{self as files, PathKind};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What is written, by its path from the folder.
const FILES: &[(&str, &str)] = &[
    ("parallax/front-door.toml", include_str!("init/front-door.toml")),
    ("parallax/bench.toml", include_str!("init/bench.toml")),
    ("parallax/scenario.schema.json", include_str!("../../fixtures/scenario.schema.json")),
    ("parallax/gitlab-ci.yml", include_str!("init/gitlab.yml")),
    (".github/workflows/parallax.yml", include_str!("init/github.yml")),
];

/// Runs `parallax init`.
///
/// # Errors
/// [`Stop::BadInput`] if something is in the way; [`Stop::Fault`] if a file cannot be written. Then none is left.
pub(crate) fn run(arguments: &InitArgs) -> Result<Exit, Stop> {
    // `./` in front of each file would tell nothing.
    let folder = arguments.folder.strip_prefix(".").unwrap_or(&arguments.folder);
    free(folder)?;
    let mut made = Vec::new();
    let written = FILES.iter().try_for_each(|(file, text)| {
        let path = folder.join(file);
        write(&path, text, &mut made)
            .map_err(|error| Stop::Fault(format!("failed to write {}: {error}", path.display())))
    });
    if written.is_err() {
        // The latest first: folders are empty by then.
        for path in made.iter().rev() {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
    }
    written?;
    for (file, _) in FILES {
        output::say(format!("wrote {}\n", folder.join(file).display()));
    }
    let scenarios = quoted(&folder.join("parallax").display().to_string());
    output::say(format!("run it: parallax sim {scenarios}\n"));
    Ok(Exit::Pass)
}

/// Whether all files can be made: nothing is in their place, and what is above them is a folder or is not there.
fn free(folder: &Path) -> Result<(), Stop> {
    let refused = |path: &Path, why: &str| {
        Err(Stop::BadInput(format!(
            "failed to begin: {}: {why}\n  help: nothing is overwritten: name another folder, or move this away",
            path.display()
        )))
    };
    // The user may have named a link.
    if fs::metadata(folder).is_ok_and(|found| !found.is_dir()) {
        return refused(folder, "it is not a folder");
    }
    for path in FILES.iter().flat_map(|(file, _)| Path::new(file).ancestors()) {
        let (is_file, path) = (path.extension().is_some(), folder.join(path));
        match files::kind(&path) {
            Ok(PathKind::Absent) => {}
            Ok(PathKind::Folder) if !is_file => {}
            Ok(_) if is_file => return refused(&path, "it is there already"),
            Ok(_) => return refused(&path, "it is not a folder"),
            Err(error) => return refused(&path, &error.to_string()),
        }
    }
    Ok(())
}

/// Writes a new file, and the folders above it that are not there. What is new is added to `made`.
fn write(path: &Path, text: &str, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let above: Vec<&Path> = path.ancestors().skip(1).filter(|above| !above.exists()).collect();
    for folder in above.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
        files::create_folder(folder)?;
        made.push(folder.to_owned());
    }
    files::put_new(path, text.as_bytes())?;
    made.push(path.to_owned());
    Ok(())
}
