//! Scenario files from what the user named.

use crate::kind::{FileKind, kind};
use crate::{
    args::SimArgs,
    exit::Stop,
    output,
    shipped::{self, DEFAULT_FOLDER},
    values::{DeviceChoice, MediaChoice},
};
use parallax_console::Pattern;
use parallax_files as files;
use parallax_record::MediaMode;
use parallax_render::escape::tame;
use parallax_scenario::{
    Boots, Builtin, FileRead, MAX_BYTES, Profile, Profiles, Replacement, Replacements, Scenario,
    ScenarioErrors, Unreadable, clip, nearest, units::UnitError,
};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// A scenario as it was read.
#[derive(Debug)]
pub(crate) struct ScenarioInput {
    /// Its file, as the user named it or as it was found in a folder that the user named.
    pub(crate) file: PathBuf,
    /// The file's text.
    pub(crate) text: String,
    /// What it says.
    pub(crate) scenario: Scenario,
}

/// Reads and validates all scenarios whose name contains one of `only`, if there are any, folders in
/// order of name. Peers are the devices, and media come from where, the arguments say.
///
/// # Errors
/// [`Stop::BadInput`] with all that are wrong; [`Stop::Nothing`] if none is left.
pub(crate) fn read_all(arguments: &SimArgs) -> Result<Vec<ScenarioInput>, Stop> {
    let SimArgs { scenarios: named, only, profiles, media, .. } = arguments;
    let replaced = replacements(profiles, *media)?;
    let mut wrong = Vec::new();
    let mut inputs: Vec<ScenarioInput> = Vec::new();
    for file in selected(files(named)?, only)? {
        match read(&file, &replaced, is_named(named, &file)) {
            Err(stop) => wrong.push(stop.to_string()),
            Ok(None) => {}
            Ok(Some(input)) => match inputs.iter().find(|i| i.scenario.id == input.scenario.id) {
                Some(same) => wrong.push(format!(
                    "failed to read {}: its records would go where those of {} go\n  help: name \
                     the files differently, or run them with different --out folders",
                    file.display(),
                    same.file.display()
                )),
                None => inputs.push(input),
            },
        }
    }
    if wrong.is_empty() && inputs.is_empty() {
        return Err(Stop::BadInput(
            "failed to find a scenario: there are device profiles and clip manifests alone\n  help: \
             name a scenario, or the folder that holds some itself"
                .to_owned(),
        ));
    }
    if wrong.is_empty() {
        somebodys(profiles, &inputs)?;
        return Ok(inputs);
    }
    Err(Stop::BadInput(wrong.join("\n\n")))
}

/// The files that the user named, and those in folders that the user named, each in order of name.
///
/// # Errors
/// [`Stop::BadInput`] if a folder cannot be read, or has none.
pub(crate) fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    if named.is_empty() {
        let default = Path::new(DEFAULT_FOLDER);
        if default.exists() {
            return files_of(default);
        }
        output::error(format!(
            "taking the scenarios that are built in: there is no {DEFAULT_FOLDER} here"
        ));
        return Ok(shipped::all());
    }
    let mut files = Vec::new();
    for path in named {
        files.extend(files_of(path)?);
    }
    Ok(files)
}

/// Whether the user named this file itself, and not a folder with it.
pub(crate) fn is_named(named: &[PathBuf], file: &Path) -> bool {
    named.iter().any(|path| path == file || shipped::find(path).is_some_and(|found| found == file))
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, Stop> {
    if let Some(file) = shipped::find(path) {
        let from = match file == path {
            true => "the scenario that is built into this parallax".to_owned(),
            false => file.display().to_string(),
        };
        output::error(format!("{}: {from}", path.display()));
        return Ok(vec![file]);
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let refused = |error| Stop::BadInput(failed_to_read(path, &error));
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(refused)? {
        let file = entry.map_err(refused)?.path();
        if file.extension().is_some_and(|ending| ending == "toml") && file.is_file() {
            if file.to_string_lossy().contains(char::is_control) {
                return Err(Stop::BadInput(format!(
                    "failed to read {}: its name has a control character in it\n  help: rename it",
                    tame(&file.to_string_lossy())
                )));
            }
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

/// The files of scenarios whose name contains one of `only`; all if it is empty. A file that is not
/// selected is not read: an error in it does not block the others.
pub(crate) fn selected(files: Vec<PathBuf>, only: &[String]) -> Result<Vec<PathBuf>, Stop> {
    let name = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.strip_suffix(".toml").map(str::to_owned).unwrap_or(name)
    };
    let wanted = |file: &&PathBuf| {
        only.is_empty() || only.iter().any(|text| name(file).contains(text.as_str()))
    };
    let left: Vec<PathBuf> = files.iter().filter(wanted).cloned().collect();
    if left.is_empty() {
        let names: Vec<String> = files.iter().map(name).map(|name| tame(&name)).collect();
        // A text may have been meant for a part of a name.
        let parts: Vec<String> =
            names.iter().flat_map(|name| name.split('-')).map(str::to_owned).collect();
        let meant =
            only.iter().find_map(|text| nearest_of(text, &names).or(nearest_of(text, &parts)));
        let help = suggested(meant, &names);
        let only = only.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(" or ");
        return Err(Stop::Nothing(format!(
            "nothing selected: no name of a scenario contains {only}\n  help: {help}"
        )));
    }
    Ok(left)
}

/// Reads what is put in place of what scenarios say.
///
/// # Errors
/// [`Stop::BadInput`] if there is no such profile, it is wrong, or a peer is given two.
pub(crate) fn replacements(
    profiles: &[DeviceChoice],
    media: Option<MediaChoice>,
) -> Result<Replacements, Stop> {
    let mut devices = BTreeMap::new();
    for device in profiles {
        let by = format!("--profile {device}");
        let profile = profile(&by, &device.profile)?;
        let replacement = Replacement { profile, by: by.clone() };
        if let Some(other) = devices.insert(device.peer.clone(), replacement) {
            return Err(Stop::BadInput(format!(
                "{by}: the peer `{}` has another one by {}\n  help: a peer is one device: remove \
                 one of the two",
                device.peer, other.by
            )));
        }
    }
    Ok(Replacements { devices, media: media.map(MediaChoice::mode), boots: Boots::Unmeasurable })
}

/// The profile of this name, or in this file; `by` is what names it.
///
/// # Errors
/// [`Stop::BadInput`] if there is no such profile, or it is wrong.
pub(crate) fn profile(by: &str, name: &str) -> Result<Profile, Stop> {
    // From the folder in which the command is called: the user names it there.
    let shelf = Shelf { folder: PathBuf::new() };
    match shelf.find(name) {
        Some(found) => found.map_err(|errors| bad(&errors)),
        None if name.ends_with(".toml") => {
            let file = Path::new(name);
            let error = files::open(file).err().unwrap_or_else(|| io::ErrorKind::NotFound.into());
            Err(Stop::BadInput(format!("{by}: {}", failed_to_read(file, &error))))
        }
        None => {
            let names = shelf.names();
            Err(Stop::BadInput(format!(
                "{by}: there is no device profile `{name}`\n  help: {}; a file of your own ends in .toml",
                there_are(name, &names)
            )))
        }
    }
}

/// Refuses a device for a peer that there is not.
fn somebodys(profiles: &[DeviceChoice], inputs: &[ScenarioInput]) -> Result<(), Stop> {
    let peers = inputs.iter().flat_map(|input| &input.scenario.peers);
    let mut names: Vec<&str> = peers.map(|peer| peer.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    match profiles.iter().find(|device| !names.contains(&device.peer.as_str())) {
        Some(device) => Err(Stop::BadInput(format!(
            "--profile {device}: no scenario that is selected has a peer `{}`\n  help: {}",
            device.peer,
            there_are(&device.peer, &names)
        ))),
        None => Ok(()),
    }
}

/// What there is, and what of it was probably meant by `name`.
pub(crate) fn there_are(name: &str, names: &[impl AsRef<str>]) -> String {
    let all: Vec<String> = names.iter().map(|name| tame(name.as_ref())).collect();
    suggested(nearest_of(name, &all), &all)
}

fn suggested(meant: Option<&str>, all: &[String]) -> String {
    match meant {
        Some(meant) => format!("did you mean `{meant}`? There are: {}", all.join(", ")),
        None => format!("there are: {}", all.join(", ")),
    }
}

fn nearest_of<'n>(name: &str, names: &'n [String]) -> Option<&'n str> {
    nearest(name, names.iter().map(String::as_str))
}

pub(crate) fn failed_to_read(path: &Path, error: &io::Error) -> String {
    let cure = match error.kind() {
        io::ErrorKind::NotFound => match shipped::meant(path) {
            Some(meant) => {
                format!(
                    "\n  help: did you mean `{meant}`? Check its spelling and the current folder"
                )
            }
            // A mere name may have been meant for a scenario that is built in.
            None if path.components().count() == 1 && path.extension().is_none() => format!(
                "\n  help: check its spelling and the current folder; built in are: {}",
                shipped::names()
            ),
            None => "\n  help: check its spelling and the current folder".to_owned(),
        },
        io::ErrorKind::IsADirectory => "\n  help: name a file, such as one in it".to_owned(),
        io::ErrorKind::NotADirectory => {
            "\n  help: a part of the path is a file, not a folder".to_owned()
        }
        _ => String::new(),
    };
    format!("failed to read {}: {error}{cure}", path.display())
}

/// A scenario. None: it is another kind of file, as they stand beside scenarios in a folder; one that
/// was `named` is refused.
fn read(file: &Path, replaced: &Replacements, named: bool) -> Result<Option<ScenarioInput>, Stop> {
    let text = text(file)?;
    let kind = kind(&text);
    if kind != FileKind::Scenario {
        return match named {
            false => Ok(None),
            true => Err(Stop::BadInput(format!(
                "failed to read {} as a scenario: it is a {kind}\n  help: name a scenario; `parallax \
                 check` looks at profiles, benches and manifests, `--profile PEER=FILE` runs with a profile",
                file.display()
            ))),
        };
    }
    let scenario = scenario(file, &text, replaced)?;
    Ok(Some(ScenarioInput { file: file.to_owned(), text, scenario }))
}

/// The text of a file.
///
/// # Errors
/// [`Stop::BadInput`] if it cannot be read, is too long or no text.
pub(crate) fn text(file: &Path) -> Result<String, Stop> {
    if let Some(text) = shipped::text(file) {
        return Ok(text.to_owned());
    }
    let name = file.display().to_string();
    let refused = |error: io::Error| Stop::BadInput(failed_to_read(file, &error));
    let (open, length) = files::open(file).map_err(refused)?;
    parallax_scenario::within_length(&name, length).map_err(|errors| bad(&errors))?;
    let bytes = bytes(open).map_err(refused)?;
    let text = parallax_scenario::decode(&name, &bytes).map_err(|errors| bad(&errors))?;
    Ok(text.to_owned())
}

/// The scenario in the text of `file`, with everything that it needs.
///
/// # Errors
/// [`Stop::BadInput`].
pub(crate) fn scenario(file: &Path, text: &str, replaced: &Replacements) -> Result<Scenario, Stop> {
    let scenario = parse(file, text, replaced)?;
    parallax_world::check(&scenario).map_err(|errors| bad(&errors))?;
    Ok(scenario)
}

/// Parses the text of `file`.
///
/// # Errors
/// [`Stop::BadInput`].
pub(crate) fn parse(file: &Path, text: &str, replaced: &Replacements) -> Result<Scenario, Stop> {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let name = file.display().to_string();
    let mut scenario = parallax_scenario::parse_with(&name, text, &Shelf { folder }, replaced)
        .map_err(|errors| bad(&errors))?;
    if shipped::text(file).is_some() {
        // Its record is that of the file that is built in.
        scenario.file.name.push_str(".toml");
    }
    Ok(scenario)
}

/// Reads a clip's manifest and the film that it names, and decodes that, as a run does.
///
/// # Errors
/// [`Stop::BadInput`].
pub(crate) fn clip(file: &Path, text: &str) -> Result<(), Stop> {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let (name, path) = (file.display().to_string(), file.file_name().unwrap_or_default());
    clip::open((&name, text), &path.to_string_lossy(), &Shelf { folder })
        .and_then(|clip| parallax_world::check_clip(&clip, MediaMode::Live))
        .map_err(|errors| bad(&errors))
}

/// Parses the text of a device profile; its console's patterns are those that a console can be driven by.
///
/// # Errors
/// [`Stop::BadInput`].
pub(crate) fn profile_file(file: &Path, text: &str) -> Result<Profile, Stop> {
    let name = file.display().to_string();
    parallax_scenario::profile::parse_with(&name, text, pattern).map_err(|errors| bad(&errors))
}

/// Whether a text is a pattern of a console.
fn pattern(text: &str) -> Result<(), UnitError> {
    let Err(error) = Pattern::new(text) else { return Ok(()) };
    let said = error.to_string();
    let (wrong, cure) = said.split_once("\nhelp: ").unwrap_or((&said, ""));
    Err(UnitError { wrong: wrong.to_owned(), cure: cure.to_owned() })
}

/// The bytes of a file, at most one more than is allowed: that tells one that is too long, where its
/// length was not known before.
fn bytes(file: fs::File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Columns, more than any line has: a command in a message is there to be copied.
const UNWRAPPED: usize = 100_000;

/// What is wrong with a file, as the terminal shows it.
pub(crate) fn bad(errors: &ScenarioErrors) -> Stop {
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let mut text = String::new();
    // A help of several lines has a command in it, one with a table has a line of TOML.
    let is_line = |cure: &str| cure.contains('\n') || cure.contains(" = {");
    let to_copy = errors.problems().iter().any(|problem| is_line(problem.cure()));
    let width = if to_copy { UNWRAPPED } else { 100 };
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(width);
    match handler.render_report(&mut text, errors) {
        Ok(()) => {
            let more = match errors.unshown() {
                0 => String::new(),
                more => format!("\n\nand {more} more in this file, not shown"),
            };
            // The handler puts this before all problems but the first. A line of the file has its number before it.
            let text = text.trim_end().replace("\n\nError: \n", "\n\n");
            Stop::BadInput(text + &more)
        }
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
        let (open, length) = files::open(&file).ok()?;
        if let Err(errors) = parallax_scenario::within_length(&shown, length) {
            return Some(Err(errors));
        }
        let bytes = bytes(open).ok()?;
        Some(
            parallax_scenario::decode(&shown, &bytes)
                .and_then(|text| parallax_scenario::profile::parse_with(&shown, text, pattern)),
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
    let (open, length) = files::open(file)?;
    let mut bytes = Vec::new();
    if length <= most {
        open.take(most).read_to_end(&mut bytes)?;
    }
    // It may have changed since.
    let length = if length <= most { bytes.len() as u64 } else { length };
    Ok((length, bytes))
}
