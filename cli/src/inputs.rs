//! Scenario files from what the user named.

use crate::exit::Stop;
use parallax_scenario::{
    Builtin, FileRead, MAX_BYTES, Profile, Profiles, Scenario, ScenarioErrors, Unreadable,
};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Where scenarios are looked for if none is named.
pub(crate) const DEFAULT_FOLDER: &str = "fixtures/scenarios";

/// A scenario as it was read.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its file, as the user named it or as it was found in a folder that the user named.
    pub(crate) file: PathBuf,
    /// The file's text.
    pub(crate) text: String,
    /// What it says.
    pub(crate) scenario: Scenario,
}

/// Reads and validates all scenarios, folders in order of name.
///
/// # Errors
/// [`Stop::BadInput`] with the first that is wrong; [`Stop::Nothing`] for no scenario at all.
pub(crate) fn read_all(named: &[PathBuf]) -> Result<Vec<Input>, Stop> {
    let default = [PathBuf::from(DEFAULT_FOLDER)];
    let named = if named.is_empty() { &default[..] } else { named };
    let mut files = Vec::new();
    for path in named {
        files.extend(files_of(path)?);
    }
    let mut inputs: Vec<Input> = Vec::new();
    for file in files {
        let input = read(&file)?;
        if let Some(same) = inputs.iter().find(|i| i.scenario.id == input.scenario.id) {
            return Err(Stop::BadInput(format!(
                "failed to read {}: its records would go where those of {} go\n  help: name the \
                 files differently, or run them with different --out folders",
                file.display(),
                same.file.display()
            )));
        }
        inputs.push(input);
    }
    if inputs.is_empty() {
        return Err(Stop::Nothing("nothing selected".to_owned()));
    }
    Ok(inputs)
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, Stop> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let refused = |error| Stop::BadInput(failed_to_read(path, &error));
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(refused)? {
        let file = entry.map_err(refused)?.path();
        if file.extension().is_some_and(|ending| ending == "toml") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Stop::BadInput(format!(
            "failed to find a scenario: no file in {} ends in .toml\n  help: name a scenario, or \
             the folder that holds some itself",
            path.display()
        )));
    }
    Ok(files)
}

fn failed_to_read(path: &Path, error: &std::io::Error) -> String {
    let cure = match error.kind() {
        std::io::ErrorKind::NotFound if path == Path::new(DEFAULT_FOLDER) => {
            "\n  help: name a scenario or a folder of them, or run it where that folder is"
        }
        std::io::ErrorKind::NotFound => "\n  help: check its spelling and the current folder",
        _ => "",
    };
    format!("failed to read {}: {error}{cure}", path.display())
}

fn read(file: &Path) -> Result<Input, Stop> {
    let text = text(file)?;
    let scenario = scenario(file, &text)?;
    Ok(Input { file: file.to_owned(), text, scenario })
}

/// The text of a file.
///
/// # Errors
/// [`Stop::BadInput`] if it cannot be read, is too long or no text.
pub(crate) fn text(file: &Path) -> Result<String, Stop> {
    let name = file.display().to_string();
    let refused = |error: io::Error| Stop::BadInput(failed_to_read(file, &error));
    let length = fs::metadata(file).map_err(refused)?.len();
    parallax_scenario::within_length(&name, length).map_err(|errors| bad(&errors))?;
    let bytes = bytes(file).map_err(refused)?;
    let text = parallax_scenario::decode(&name, &bytes).map_err(|errors| bad(&errors))?;
    Ok(text.to_owned())
}

/// The scenario in the text of `file`, with everything that it needs.
///
/// # Errors
/// [`Stop::BadInput`].
pub(crate) fn scenario(file: &Path, text: &str) -> Result<Scenario, Stop> {
    let scenario = parse(file, text)?;
    parallax_world::check(&scenario).map_err(|errors| bad(&errors))?;
    Ok(scenario)
}

/// Parses the text of `file`.
///
/// # Errors
/// [`Stop::BadInput`].
pub(crate) fn parse(file: &Path, text: &str) -> Result<Scenario, Stop> {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    parallax_scenario::parse(&file.display().to_string(), text, &Shelf { folder })
        .map_err(|errors| bad(&errors))
}

/// The bytes of a file, at most one more than is allowed: that tells one that is too long, where its
/// length was not known before.
fn bytes(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MAX_BYTES as u64 + 1;
    File::open(file)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn bad(errors: &ScenarioErrors) -> Stop {
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let mut text = String::new();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(100);
    match handler.render_report(&mut text, errors) {
        Ok(()) => Stop::BadInput(text.trim_end().to_owned()),
        Err(_) => Stop::BadInput(errors.to_string()),
    }
}

/// Device profiles that come with Parallax, by name, and files by their path from the scenario's
/// folder, which end in `.toml`; and the files that those name.
struct Shelf {
    folder: PathBuf,
}

impl Profiles for Shelf {
    fn find(&self, name: &str) -> Option<Result<Profile, ScenarioErrors>> {
        if !name.ends_with(".toml") {
            return Builtin.find(name);
        }
        let file = self.folder.join(name);
        let shown = file.display().to_string();
        let length = fs::metadata(&file).ok()?.len();
        if let Err(errors) = parallax_scenario::within_length(&shown, length) {
            return Some(Err(errors));
        }
        let bytes = bytes(&file).ok()?;
        Some(
            parallax_scenario::decode(&shown, &bytes)
                .and_then(|text| parallax_scenario::profile::parse(&shown, text)),
        )
    }

    fn names(&self) -> Vec<String> {
        Builtin.names()
    }

    fn beside(&self, path: &str, most: u64) -> Result<FileRead, Unreadable> {
        let file = self.folder.join(path);
        let name = file.display().to_string();
        match beside(&file, most) {
            Ok((length, bytes)) => Ok(FileRead { name, length, bytes }),
            Err(error) => Err(Unreadable { name, cause: error.to_string() }),
        }
    }
}

/// The length of a file, and its bytes if there are up to `most`.
fn beside(file: &Path, most: u64) -> io::Result<(u64, Vec<u8>)> {
    // Whoever opens a pipe waits for one who writes to it.
    let found = fs::metadata(file)?;
    if !found.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    if found.len() <= most {
        File::open(file)?.take(most).read_to_end(&mut bytes)?;
    }
    // It may have changed since.
    let length = if found.len() <= most { bytes.len() as u64 } else { found.len() };
    Ok((length, bytes))
}
