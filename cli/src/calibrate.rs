//! `parallax calibrate`: stage times of a device profile from measured runs.

use crate::{
    args::CalibrateArgs,
    exit::{Exit, Stop},
    inputs, output, report,
    written::Destination,
};
use parallax_calibrate::{
    Calibration, EditError, MeasuredRun, Proposal, ProposedFigure, calibrate, edited, unmeasured,
};
use parallax_record::{ClockKind, Environment, Record, Span, foreign::inline};
use parallax_render::{escape::tame, figure};
use parallax_scenario::{Profile, builtin, profile::parse};
use similar::TextDiff;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Runs `parallax calibrate`.
///
/// # Errors
/// [`Stop::BadInput`] if what is there to read is none of ours, was simulated, or its profile is not
/// known; or the calibrated one has nowhere to go.
pub(crate) fn run(arguments: &CalibrateArgs) -> Result<Exit, Stop> {
    let mut read = Read::default();
    for folder in &arguments.folders {
        read.folder(folder)?;
    }
    let names: BTreeSet<&str> = read.runs.iter().map(|run| run.profile.name.as_str()).collect();
    let Some(first) = names.first() else {
        tell_left_out(&read.left_out);
        output::error("nothing was calibrated: no run is left");
        return Ok(Exit::Inconclusive);
    };
    let name = match arguments.profile.as_deref() {
        Some(name) => name,
        None if names.len() == 1 => recorded(first)?,
        None => return Err(several(&names)),
    };
    let profile = inputs::profile(&format!("--profile {name}"), name)?;
    let file = File::of(name);
    // Before any output: a file that cannot be written ends the command at once.
    let to = file.written_to(arguments, &profile)?;
    let calibration = calibrate(&profile, &read.runs);
    tell_left_out(&[read.left_out.as_slice(), calibration.left_out.as_slice()].concat());
    if calibration.figures.is_empty() {
        output::error(format!("nothing was calibrated: no run is of `{}`", profile.name));
        return Ok(Exit::Inconclusive);
    }
    output::error(table(&calibration, &profile));
    let text = edited(&profile, &calibration).map_err(|error| {
        let text = format!("failed to {error}");
        // The limits are the user's.
        if matches!(error, EditError::Refused(_)) {
            Stop::BadInput(text)
        } else {
            Stop::Fault(text)
        }
    })?;
    output::for_programs(&file.difference(&profile.text, &text));
    if let Some(to) = to {
        to.write(&text)?;
        output::error(format!("the calibrated profile is {}", to.path().display()));
    }
    let proposed = |figure: &ProposedFigure| matches!(figure.found, Proposal::Proposed { .. });
    let any = calibration.figures.iter().any(proposed);
    Ok(if any { Exit::Pass } else { Exit::Inconclusive })
}

/// What was read.
#[derive(Default)]
struct Read {
    runs: Vec<MeasuredRun>,
    left_out: Vec<(String, String)>,
    /// The digests of all records, and where each is.
    records: BTreeMap<String, String>,
}

impl Read {
    /// Reads an output folder of `parallax hil`, or that of one run in it.
    fn folder(&mut self, folder: &Path) -> Result<(), Stop> {
        // A run that was killed has a journal.
        let lone = ["record.jsonl", "journal.jsonl"].iter().any(|file| folder.join(file).is_file());
        let runs = if lone { vec![folder.to_owned()] } else { report::run_folders(folder) };
        if runs.is_empty() {
            let what = report::none_there(folder, "there is no run in it");
            return Err(Stop::BadInput(format!(
                "failed to read {}: {what}\n  help: give a folder that `parallax hil --out FOLDER` has written",
                folder.display()
            )));
        }
        let above = match folder.ancestors().nth(2) {
            Some(above) if lone && above.as_os_str().is_empty() => Path::new("."),
            Some(above) if lone => above,
            _ => folder,
        };
        let environment = report::environment(above)?;
        for run in runs {
            self.run(above, &run, environment.as_ref())?;
        }
        Ok(())
    }

    fn run(
        &mut self,
        above: &Path,
        folder: &Path,
        environment: Option<&Environment>,
    ) -> Result<(), Stop> {
        let place = tame(&folder.display().to_string());
        let file = folder.join("record.jsonl");
        if !file.is_file() {
            let why = "it has no record: what ran it was killed";
            self.left_out.push((place, why.to_owned()));
            return Ok(());
        }
        let record: Record = report::record(&file)?;
        if record.header.clock.kind() == ClockKind::Virtual {
            return Err(Stop::BadInput(format!(
                "failed to calibrate from {place}: it was simulated, and a simulation has its times from a \
                 profile: nothing was measured\n  help: give a folder that `parallax hil` has written"
            )));
        }
        if let Some(before) = self.records.insert(record.sha256.clone(), place.clone()) {
            self.left_out.push((place, format!("its record is that of {before}")));
            return Ok(());
        }
        match MeasuredRun::of(&tame(&above.display().to_string()), &record) {
            Ok(mut run) => {
                run.bench = environment.and_then(bench);
                run.day = environment.and_then(|it| it.started_at.split('T').next().map(tame));
                self.runs.push(run);
            }
            Err(unfit) => self.left_out.push((place, unfit.to_string())),
        }
        Ok(())
    }
}

/// The bench that the command named, and the board on it.
fn bench(environment: &Environment) -> Option<String> {
    let board = flag(environment, "--board").map(|board| format!(", board {board}"));
    Some(flag(environment, "--bench")? + &board.unwrap_or_default())
}

/// The value of a flag in the command that ran.
fn flag(environment: &Environment, flag: &str) -> Option<String> {
    let mut words = environment.command_line.iter();
    while let Some(word) = words.next() {
        if word == flag {
            return words.next().map(|value| tame(value));
        }
        if let Some(value) = word.strip_prefix(flag).and_then(|rest| rest.strip_prefix('=')) {
            return Some(tame(value));
        }
    }
    None
}

/// The profile that records name: its name is known here, where it comes with Parallax.
fn recorded(name: &str) -> Result<&str, Stop> {
    if builtin(name).is_some() {
        return Ok(name);
    }
    Err(Stop::BadInput(format!(
        "failed to calibrate: the runs' camera is `{}`, a profile that does not come with Parallax\n  help: \
         name its file: --profile {}.toml",
        tame(name),
        tame(name)
    )))
}

fn several(names: &BTreeSet<&str>) -> Stop {
    let names: Vec<String> = names.iter().map(|name| tame(name)).collect();
    Stop::BadInput(format!(
        "failed to calibrate: the runs are of several devices: {}\n  help: say which with --profile: runs of \
         others are left out",
        names.join(", ")
    ))
}

/// Whether the bytes of a file are those of a device profile.
fn is_profile(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let read = parse("profile.toml", text);
    read.map(drop).map_err(|errors| inline(&errors.to_string()))
}

/// The file of a profile.
struct File {
    path: PathBuf,
    /// It comes with Parallax: the file is one of its sources.
    ships: bool,
}

impl File {
    fn of(name: &str) -> Self {
        if name.ends_with(".toml") {
            return Self { path: name.into(), ships: false };
        }
        Self { path: Path::new("device-profiles").join(format!("{name}.toml")), ships: true }
    }

    /// Where the calibrated profile goes, if anywhere.
    fn written_to(
        &self,
        arguments: &CalibrateArgs,
        profile: &Profile,
    ) -> Result<Option<Destination>, Stop> {
        if let Some(out) = &arguments.out {
            let same = fs::canonicalize(out).ok().zip(fs::canonicalize(&self.path).ok());
            if same.is_some_and(|(out, own)| out == own) {
                return Err(Stop::BadInput(format!(
                    "--out {}: that is the profile itself\n  help: --write puts the times into it",
                    out.display()
                )));
            }
            let to = Destination::new(out, "--out", "a device profile", is_profile)?;
            if let Some(folder) = out.parent() {
                output::folder(folder)?;
            }
            return Ok(Some(to));
        }
        if !arguments.write {
            return Ok(None);
        }
        // What is compiled in and what is there may be of two versions.
        let there = || parallax_files::text(&self.path, parallax_files::WRITTEN_MOST).ok();
        if self.ships && there().as_deref() != Some(&*profile.text) {
            return Err(Stop::BadInput(format!(
                "--write: {} is not there as this Parallax has it\n  help: call it in Parallax's own folder, or \
                 write the profile elsewhere with --out FILE",
                self.path.display()
            )));
        }
        Destination::new(&self.path, "--write", "a device profile", is_profile).map(Some)
    }

    /// As `git apply` and `patch -p1` take it.
    fn difference(&self, old: &str, new: &str) -> String {
        let path = self.path.display().to_string();
        let path = path.trim_start_matches("./").trim_start_matches('/');
        let (a, b) = (format!("a/{path}"), format!("b/{path}"));
        TextDiff::from_lines(old, new).unified_diff().header(&a, &b).to_string()
    }
}

fn tell_left_out(left_out: &[(String, String)]) {
    for (run, why) in left_out {
        output::error(format!("left out: {run}: {}", tame(why)));
    }
}

/// Every figure: before, measured, after.
fn table(calibration: &Calibration, profile: &Profile) -> String {
    let mut rows = vec![["figure", "before", "measured", "after"].map(str::to_owned)];
    let mut below = Vec::new();
    for figure in &calibration.figures {
        rows.push(row(figure));
        below.extend(figure.notes.iter().map(|note| format!("{}: {note}", figure.key)));
    }
    for (keys, why) in unmeasured(profile) {
        below.push(format!("left as they are: {keys}: {why}"));
    }
    let widths: [usize; 4] =
        std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
    let mut text = format!("{}: {}\n", profile.name, tame(&profile.title));
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text += &format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    for line in below {
        text += &format!("  {line}\n");
    }
    text.trim_end().to_owned()
}

/// Of fewer times the 95th percentile is the greatest of all.
const FEWEST_OF_P95: usize = 20;

fn row(figure: &ProposedFigure) -> [String; 4] {
    let shown =
        |time: Duration| figure::duration(i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
    let both = |p50: String, upper: &str, most: String| format!("p50 {p50}, {upper} {most}");
    let size = figure.picture;
    let before = match &figure.before {
        Some(before) => both(shown(before.typical(size)), "p95", shown(before.p95(size))),
        None => "none".to_owned(),
    };
    let (measured, after) = match &figure.found {
        Proposal::TooFew { has, needs } => {
            (format!("too few samples ({has} of {needs})"), "left as it is".to_owned())
        }
        Proposal::Proposed { measured, after } => {
            let (upper, most) = match measured.count < FEWEST_OF_P95 {
                true => ("most", after.longest(size)),
                false => ("p95", after.p95(size)),
            };
            let found = both(span(measured.p50), upper, span(measured.p95));
            let after = both(shown(after.typical(size)), upper, shown(most));
            (format!("{found}, n {}", measured.count), after)
        }
    };
    [figure.key.to_owned(), before, measured, after]
}

/// A measured time and how far it may be from the truth.
fn span(Span { measured_us, uncertainty }: Span) -> String {
    let within = i64::try_from(uncertainty.below.max(uncertainty.above)).unwrap_or(i64::MAX);
    format!("{} (within {})", figure::duration(measured_us), figure::duration(within))
}
