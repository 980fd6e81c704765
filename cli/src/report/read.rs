//! Reading of output folders: the summary of each, and the records of those runs that are shown in full.

use super::{
    file::{bad, is_absent, parse, record, unreadable},
    judged::{self, Judged},
};
use crate::exit::Stop;
use parallax_bench::recover;
use parallax_files as files;
use parallax_record::{Environment, Suite, Summary, Verdict, judge};
use parallax_render::{
    escape::tame,
    figure::counted,
    input::{Folder, FolderOrigin},
};
use parallax_scenario::nearest;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Up to this number of runs, all are shown in full.
const FEW: usize = 20;

/// Of more runs, the number of those that did not pass.
const MISSED: usize = 20;

/// And the number of scenarios of which the run with the greatest p95 is shown.
const WORST: usize = 10;

/// What was read.
pub(super) struct Folders {
    /// The folders, in the order in which they were given.
    pub(super) read: Vec<Folder>,
    /// What a reader should know.
    pub(super) notes: Vec<String>,
}

/// Reads folders.
///
/// # Errors
/// [`Stop::BadInput`] if one of them is no output folder, something in it is not whole, or a
/// selected run is not there.
pub(super) fn folders(paths: &[PathBuf], select: &[String]) -> Result<Folders, Stop> {
    let mut all = Folders { read: Vec::new(), notes: Vec::new() };
    let mut found = BTreeSet::new();
    for path in paths {
        // One folder needs no name: a copy of it somewhere else has the same report.
        let name = if paths.len() > 1 { path.display().to_string() } else { String::new() };
        let Found { suite, lone, judged, mut origin } = suite(path)?;
        let environment = environment(path)?;
        let place = |run: &Summary| match lone {
            true => path.clone(),
            false => path.join(run.path()),
        };
        // With few runs each is shown in full: its record is read once.
        let judged = match judged {
            true => Judged::just_now(suite.runs.clone()),
            false => judged::again(path, &suite, suite.runs.len() <= FEW, place)?,
        };
        if judged.without_record > 0 {
            let records = counted(judged.without_record, "record");
            let (are, their) = if judged.without_record == 1 {
                ("is", "its run is")
            } else {
                ("are", "their runs are")
            };
            all.notes.push(format!(
                "{records} {are} not in {}: {their} shown from the summary alone",
                path.display()
            ));
        }
        all.notes.extend(origin.unreadable.iter().cloned());
        origin.judged_again = judged.judged;
        origin.corrections.extend(judged.corrections);
        let stored = suite.verdict;
        let suite = Suite::of(suite.planned, judged.runs);
        if let (Some(is), true) = (suite.verdict, origin.corrections.is_empty())
            && suite.verdict != stored
        {
            let was = stored.map_or("null".to_owned(), |verdict| verdict.to_string());
            let text = format!("summary.json: the verdict over all runs is {is}, not {was}");
            origin.corrections.push(text);
        }
        let chosen = in_full(&suite, select, &mut found);
        let details = judged::details(&suite, &chosen, judged.records, place)?;
        all.read.push(Folder { name, suite, environment, details, origin });
    }
    match select.iter().find(|name| !found.contains(*name)) {
        None => Ok(all),
        Some(name) => Err(Stop::BadInput(format!(
            "failed to select {name}: no such run is there\n  help: {}write SCENARIO/seed-N, or SCENARIO \
             for all its runs, as the folders of their records are called",
            meant(&all, name)
        ))),
    }
}

/// What was probably selected by a name that no run has.
fn meant(folders: &Folders, name: &str) -> String {
    let runs = folders.read.iter().flat_map(|folder| &folder.suite.runs);
    let names: Vec<String> = match name.contains('/') {
        true => runs.map(|run| format!("{}/{}", run.scenario, run.folder())).collect(),
        false => runs.map(|run| run.scenario.to_string()).collect(),
    };
    let meant = nearest(name, names.iter().map(String::as_str));
    meant.map_or(String::new(), |meant| format!("did you mean {}? Else ", tame(meant)))
}

/// The runs of a folder.
struct Found {
    suite: Suite,
    /// The folder is that of one run alone.
    lone: bool,
    /// They have just been judged from their records.
    judged: bool,
    origin: FolderOrigin,
}

/// The runs of a folder, as `summary.json` has them, or else those that have records. What was killed before its run
/// came to a summary is among the runs.
fn suite(folder: &Path) -> Result<Found, Stop> {
    let file = folder.join("summary.json");
    match files::read(&file, files::SUMMARY_MOST) {
        Ok(bytes) => {
            let mut suite: Suite = parse(&file, &bytes, "summary")?;
            let mut names = BTreeSet::new();
            if let Some(run) = suite.runs.iter().find(|run| !names.insert(run.path())) {
                return Err(bad(&file, &format!("the run {} is in it twice", run.path())));
            }
            let (planned, count) = (suite.planned, suite.runs.len() as u64);
            if planned < count {
                let text = format!(
                    "`planned` is {planned}, but `runs` has {count}: at least so many were asked for"
                );
                return Err(bad(&file, &text));
            }
            let mut origin = FolderOrigin::default();
            let (lacking, corrections) = lacking(folder, &suite)?;
            if !lacking.is_empty() {
                origin.corrections = corrections;
                let runs = [suite.runs, lacking].concat();
                suite = Suite::of(suite.planned.max(runs.len() as u64), runs);
            }
            Ok(Found { suite, lone: false, judged: false, origin })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => without_summary(folder),
        Err(error) => Err(unreadable(&file, &error)),
    }
}

/// The runs of a folder without a summary: it is the folder of one run, or the command that ran them was killed.
fn without_summary(folder: &Path) -> Result<Found, Stop> {
    recover(folder).map_err(|error| Stop::BadInput(error.to_string()))?;
    let file = folder.join("record.jsonl");
    if file.is_file() {
        let suite = Suite::new(vec![judge(&record(&file)?)]);
        return Ok(Found { suite, lone: true, judged: true, origin: FolderOrigin::default() });
    }
    let mut origin = FolderOrigin { without_summary: true, ..FolderOrigin::default() };
    let mut runs = Vec::new();
    let folders = run_folders(folder);
    for found in judged::in_parallel(folders.len(), |(), at| Ok(of_record(&folders[at])))? {
        match found {
            Ok(summary) => runs.extend(summary),
            // Of the other runs something can be said.
            Err(Stop::BadInput(cause)) => {
                let cause = cause.split("\n  help: ").next().unwrap_or_default();
                origin.unreadable.push(cause.to_owned());
            }
            Err(stop) => return Err(stop),
        }
    }
    if runs.is_empty() && origin.unreadable.is_empty() {
        return Err(no_summary(folder));
    }
    // By number: seed 2 comes before seed 10.
    runs.sort_by(|a, b| (&a.scenario, a.seed, a.repeat).cmp(&(&b.scenario, b.seed, b.repeat)));
    Ok(Found { suite: Suite::new(runs), lone: false, judged: true, origin })
}

/// What a run came to by its record, in its folder; none if it has no record.
fn of_record(folder: &Path) -> Result<Option<Summary>, Stop> {
    recover(folder).map_err(|error| Stop::BadInput(error.to_string()))?;
    let file = folder.join("record.jsonl");
    if is_absent(&file) {
        return Ok(None);
    }
    let summary = judge(&record(&file)?);
    match folder.ends_with(summary.path()) {
        true => Ok(Some(summary)),
        false => Err(bad(&file, &format!("it is the record of {}", summary.path()))),
    }
}

/// Runs that have a record and are not in the summary, and a text for each of which a summary of the command that ran
/// it should tell: all but those that were killed.
fn lacking(folder: &Path, suite: &Suite) -> Result<(Vec<Summary>, Vec<String>), Stop> {
    let interrupted = suite.planned > suite.runs.len() as u64;
    let known: BTreeSet<PathBuf> = suite.runs.iter().map(|run| folder.join(run.path())).collect();
    let (mut found, mut corrections) = (Vec::new(), Vec::new());
    for folder in run_folders(folder) {
        if known.contains(&folder) {
            continue;
        }
        let Some(summary) = of_record(&folder)? else { continue };
        // The record of a run that was killed has no digest of its packets.
        if !interrupted || summary.packets_sha256.is_some() {
            let path = summary.path();
            let text = format!("{path}: summary.json does not have this run: its record counts");
            corrections.push(text);
        }
        found.push(summary);
    }
    Ok((found, corrections))
}

/// The folders of runs in an output folder, in order of name: `SCENARIO/seed-N`.
pub(crate) fn run_folders(out: &Path) -> Vec<PathBuf> {
    let folders = |of: &Path| -> Vec<PathBuf> {
        // What cannot be read has nothing that could.
        let entries = fs::read_dir(of).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        found.sort();
        found
    };
    let is_run = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"))
    };
    folders(out).iter().flat_map(|scenario| folders(scenario)).filter(is_run).collect()
}

fn no_summary(folder: &Path) -> Stop {
    let name = folder.display();
    let help = match folder.ancestors().skip(1).find(|above| above.join("summary.json").is_file()) {
        Some(above) if !above.as_os_str().is_empty() => format!("give {}", above.display()),
        _ => "give a folder that `parallax sim --out FOLDER` has written".to_owned(),
    };
    let what = none_there(folder, "it has neither a summary.json nor a record.jsonl");
    Stop::BadInput(format!("failed to read {name}: {what}\n  help: {help}"))
}

/// Why nothing was found at `folder`: `empty`, if it is one.
pub(crate) fn none_there<'w>(folder: &Path, empty: &'w str) -> &'w str {
    if folder.is_dir() {
        empty
    } else if folder.exists() {
        "it is a file, and a folder is wanted"
    } else {
        "there is no such folder"
    }
}

/// Where and when the runs of a folder ran, if it tells.
///
/// # Errors
/// [`Stop::BadInput`] if what is there is none of ours.
pub(crate) fn environment(folder: &Path) -> Result<Option<Environment>, Stop> {
    let file = folder.join("environment.json");
    match files::read(&file, files::SUMMARY_MOST) {
        Ok(bytes) => parse(&file, &bytes, "environment").map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&file, &error)),
    }
}

/// Which runs are shown in full, ascending. What of `select` is there goes to `found`.
fn in_full(suite: &Suite, select: &[String], found: &mut BTreeSet<String>) -> BTreeSet<usize> {
    let mut chosen = BTreeSet::new();
    for (at, run) in suite.runs.iter().enumerate() {
        let name = format!("{}/{}", run.scenario, run.folder());
        for wanted in select {
            if *wanted == name || *wanted == run.scenario {
                found.insert(wanted.clone());
                chosen.insert(at);
            }
        }
    }
    if suite.runs.len() <= FEW {
        return (0..suite.runs.len()).collect();
    }
    // Those that did not pass, the worst first, a run of each scenario before a second one of any.
    let mut missed: Vec<(std::cmp::Reverse<Verdict>, usize, usize)> = Vec::new();
    let mut before: BTreeMap<(&str, Verdict), usize> = BTreeMap::new();
    let mut worst: BTreeMap<&str, (i64, usize)> = BTreeMap::new();
    for (at, run) in suite.runs.iter().enumerate() {
        if run.verdict != Verdict::Pass {
            let of_kind = before.entry((run.scenario.as_str(), run.verdict)).or_default();
            missed.push((std::cmp::Reverse(run.verdict), *of_kind, at));
            *of_kind += 1;
        }
        let late = run.streams.iter().filter_map(|stream| stream.capture_to_render_us.p95).max();
        if let Some(late) = late {
            let entry = worst.entry(&run.scenario).or_insert((late, at));
            if late > entry.0 {
                *entry = (late, at);
            }
        }
    }
    missed.sort();
    chosen.extend(missed.iter().take(MISSED).map(|(_, _, at)| *at));
    let mut worst: Vec<(i64, usize)> = worst.into_values().collect();
    worst.sort_by_key(|(late, at)| (std::cmp::Reverse(*late), *at));
    chosen.extend(worst.iter().take(WORST).map(|(_, at)| *at));
    chosen
}
