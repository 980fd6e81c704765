//! `parallax hil`: scenarios on a board, in real time.

mod course;
mod runs;

use crate::{
    args::HilArgs,
    environment::Started,
    exit::{Exit, Stop},
    inputs::{self, ScenarioInput},
    interrupt::Interrupt,
    kind::{FileKind, kind},
    output,
    owner::owner,
    shipped,
    values::DeviceChoice,
};
use parallax_bench::{
    Bench, BenchBoard, Blame, BoardPlace, Book, Checkup, Hold, Lease, Quarantine, Standing, check,
    console, read, state, why_no_browser, why_not,
};
use parallax_lab::StopSignal;
use parallax_record::Name;
use parallax_scenario::{Boots, Profile, Replacements};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// What scenarios run on.
struct On<'a> {
    name: &'a str,
    board: &'a BenchBoard,
    profile: Profile,
    budget: Option<Duration>,
    /// Whether a browser is the viewer.
    browser: bool,
    /// That the board is held, once it is.
    hold: Option<Hold>,
}

/// A scenario, and why it cannot run, if it cannot.
struct Candidate {
    input: ScenarioInput,
    named: bool,
    why_not: Option<String>,
}

/// Runs `parallax hil`.
///
/// # Errors
/// If nothing could be run, or what was found could not be written.
pub(crate) fn run(arguments: &HilArgs) -> Result<Exit, Stop> {
    let started = Started::now();
    let bench = bench(&arguments.bench)?;
    let (name, board) = chosen(&bench, arguments.board.as_deref())?;
    let browser = bench.browser || arguments.viewer.is_some();
    let profile = profile(&arguments.bench, board)?;
    drivable(name, board, &profile)?;
    let mut candidates = candidates(arguments, board, &profile)?;
    if browser {
        for candidate in &mut candidates {
            let of_a_program = || {
                let text = "a browser cannot be the viewer of a program yet: leave out `viewer`";
                matches!(board.place, BoardPlace::Program(_)).then(|| text.to_owned())
            };
            let no_browser = || why_no_browser(&candidate.input.scenario);
            candidate.why_not = candidate.why_not.take().or_else(of_a_program).or_else(no_browser);
        }
    }
    if arguments.dry_run {
        if let Some(trouble) = state(&board.place, &starter(&board.place)?).trouble {
            output::say(format!("{name} {trouble}: as it is now nothing runs\n"));
        }
        let lease = booked(board)?
            .0
            .filter(|lease| lease.standing(SystemTime::now(), &owner()) == Standing::Anothers);
        if let Some(lease) = lease {
            let told = lease.told(SystemTime::now());
            output::say(format!("{name} is {told}: as it is now nothing of yours runs\n"));
        }
        output::say(listed(&candidates, name));
        return Ok(Exit::Pass);
    }
    if let BoardPlace::Program(_) = &board.place
        && let Some(trouble) = state(&board.place, &starter(&board.place)?).trouble
    {
        return Err(Stop::BadInput(format!("the board {name} {trouble}")));
    }
    let on = On { name, board, profile, budget: bench.lateness_budget, browser, hold: None };
    runs::all(arguments, on, &candidates, &started)
}

/// Reads a bench file, or the bench that is built in.
pub(crate) fn bench(file: &Path) -> Result<Bench, Stop> {
    let (name, built_in) = shipped::BENCH;
    let text = match file.exists() || file.extension().is_some() {
        true => inputs::text(file)?,
        false if file == Path::new(name) => built_in.to_owned(),
        false => {
            return Err(Stop::BadInput(format!(
                "failed to read the bench {}: there is no such file\n  help: name a bench file; built in is: {name}",
                file.display()
            )));
        }
    };
    read(&file.display().to_string(), &text).map_err(|error| Stop::BadInput(error.to_string()))
}

pub(crate) fn chosen<'b>(
    bench: &'b Bench,
    name: Option<&str>,
) -> Result<(&'b Name, &'b BenchBoard), Stop> {
    let mut boards = bench.boards.iter();
    let found = match name {
        Some(name) => boards.find(|(board, _)| *board == name),
        None => boards.next(),
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = bench.boards.keys().map(|name| name.as_str()).collect();
        Stop::BadInput(format!(
            "--board {}: there is no such board\n  help: {}",
            name.unwrap_or_default(),
            inputs::there_are(name.unwrap_or_default(), &names)
        ))
    })
}

/// What stands for a board's profile as the command line would name it: a file is beside the bench's.
fn named(bench: &Path, board: &BenchBoard) -> String {
    if !board.profile.ends_with(".toml") {
        return board.profile.clone();
    }
    let folder = bench.parent().unwrap_or(Path::new(""));
    folder.join(&board.profile).display().to_string()
}

/// The board in the place of `peer`, and for other peers the devices that the command names.
fn replaced(
    bench: &Path,
    board: &BenchBoard,
    peer: &str,
    others: &[DeviceChoice],
) -> Result<Replacements, Stop> {
    let device = DeviceChoice { peer: peer.to_owned(), profile: named(bench, board) };
    let flag = format!("--profile {peer}={}: ", device.profile);
    let mut devices = others.to_vec();
    devices.push(device);
    let found = inputs::replacements(&devices, None);
    found.map(|found| Replacements { boots: Boots::Unknown, ..found }).map_err(|stop| match stop {
        // The flag was not given: the name comes from the bench file.
        Stop::BadInput(text) => Stop::BadInput(match text.strip_prefix(&flag) {
            Some(cause) => format!(
                "failed to read the bench {}: line {}: `profile`: {cause}",
                bench.display(),
                board.profile_line
            ),
            None => text,
        }),
        other => other,
    })
}

pub(crate) fn profile(bench: &Path, board: &BenchBoard) -> Result<Profile, Stop> {
    let found = replaced(bench, board, "camera", &[])?.devices.into_values().next();
    found
        .map(|found| found.profile)
        .ok_or_else(|| Stop::BadInput(format!("there is no profile {}", board.profile)))
}

/// Whether a board's console can be driven by a profile. A program has none.
pub(crate) fn drivable(name: &str, board: &BenchBoard, profile: &Profile) -> Result<(), Stop> {
    drivable_with(name, board, profile, |name| std::env::var(name).ok())
}

/// As [`drivable`], with passwords of somewhere else.
pub(crate) fn drivable_with(
    name: &str,
    board: &BenchBoard,
    profile: &Profile,
    secret: impl Fn(&str) -> Option<String>,
) -> Result<(), Stop> {
    if let BoardPlace::Program(_) = board.place {
        return Ok(());
    }
    console(name, profile, secret).map(drop).map_err(|error| Stop::BadInput(error.to_string()))
}

/// What is wrong with a board's profile, with the place in the bench file that names it.
pub(crate) fn of_board(bench: &Path, board: &BenchBoard, stop: &Stop) -> String {
    let text = stop.to_string();
    match text.starts_with("failed to read the bench") {
        true => text,
        false => format!(
            "failed to read the bench {}: line {}: `profile`: {text}",
            bench.display(),
            board.profile_line
        ),
    }
}

/// Looks at a board as a bench does before a run, and leaves what it said in a transcript. `None`: it is
/// healthy, or the command was interrupted.
pub(crate) fn checkup(
    name: &str,
    board: &BenchBoard,
    profile: &Profile,
    hold: Option<&Hold>,
    transcript: &Path,
    interrupt: &Interrupt,
) -> Result<Option<Blame>, Stop> {
    let fault = |error: &dyn std::fmt::Display| Stop::Fault(format!("failed to check: {error}"));
    let place = &board.place;
    let command = starter(place)?;
    let stop = StopSignal::default();
    let checkup = Checkup {
        board: name,
        place,
        hold,
        profile,
        command: &command,
        transcript,
        stop: stop.clone(),
    };
    let blame = interrupt.ends(&stop, || check(&checkup)).map_err(|error| fault(&error))?;
    Ok(blame.filter(|_| !interrupt.asked()))
}

/// What starts a process board, or the helper of a program: this program.
pub(crate) fn starter(place: &BoardPlace) -> Result<[OsString; 2], Stop> {
    let program = std::env::current_exe()
        .map_err(|error| Stop::Fault(format!("failed to find Parallax: {error}")))?;
    let subcommand = match place {
        BoardPlace::Program(_) => "program-board",
        BoardPlace::Process | BoardPlace::Port(_) => "process-board",
    };
    Ok([program.into_os_string(), OsString::from(subcommand)])
}

/// The owner of a board's lease and the reason of its quarantine, where there are any.
pub(crate) fn booked(board: &BenchBoard) -> Result<(Option<Lease>, Option<Quarantine>), Stop> {
    Book::shared().of(board).map_err(|error| Stop::BadInput(error.to_string()))
}

/// All scenarios that were named or are in folders that were; those that can run with the board's
/// profile in the place of their camera's.
fn candidates(
    arguments: &HilArgs,
    board: &BenchBoard,
    profile: &Profile,
) -> Result<Vec<Candidate>, Stop> {
    let quarantine = booked(board)?.1;
    let mut all: Vec<Candidate> = Vec::new();
    let files = inputs::selected(inputs::files(&arguments.scenarios)?, &arguments.only)?;
    for file in files {
        let named = inputs::is_named(&arguments.scenarios, &file);
        let text = inputs::text(&file)?;
        if kind(&text) != FileKind::Scenario && !named {
            continue;
        }
        let mut found = candidate(arguments, board, profile, file, text, named)?;
        if let Some(quarantine) = &quarantine {
            found.why_not = Some(quarantine.to_string());
        }
        let id = &found.input.scenario.id;
        if let Some(same) = all.iter().find(|other| other.input.scenario.id == *id) {
            return Err(Stop::BadInput(format!(
                "failed to read {}: its records would go where those of {} go\n  help: name the files \
                 differently, or run them with different --out folders",
                found.input.file.display(),
                same.input.file.display()
            )));
        }
        all.push(found);
    }
    let has = |device: &&DeviceChoice| {
        all.iter().any(|one| one.input.scenario.peer(&device.peer).is_some())
    };
    match arguments.profiles.iter().find(|device| !has(device)) {
        None => Ok(all),
        Some(device) => Err(Stop::BadInput(format!(
            "--profile {}={}: no scenario has a peer of that name\n  help: `parallax hil --dry-run` \
             names the scenarios; their files name their peers",
            device.peer, device.profile
        ))),
    }
}

fn candidate(
    arguments: &HilArgs,
    board: &BenchBoard,
    profile: &Profile,
    file: PathBuf,
    text: String,
    named: bool,
) -> Result<Candidate, Stop> {
    let plain = Replacements { boots: Boots::Unknown, ..Replacements::default() };
    let mut scenario = inputs::scenario(&file, &text, &plain)?;
    let mut why_not = why_not(&scenario, board, profile);
    let camera = scenario.peers.iter().find(|peer| peer.camera.is_some());
    if let (None, Some(camera)) = (&why_not, camera) {
        let camera = camera.name.clone();
        if arguments.profiles.iter().any(|device| device.peer == camera) {
            return Err(Stop::BadInput(format!(
                "--profile {camera}: that peer is the board\n  help: the board's profile is in {}",
                arguments.bench.display()
            )));
        }
        let others = arguments.profiles.iter();
        let others: Vec<DeviceChoice> =
            others.filter(|device| scenario.peer(&device.peer).is_some()).cloned().collect();
        let replaced = replaced(&arguments.bench, board, &camera, &others)?;
        match inputs::scenario(&file, &text, &replaced) {
            Ok(with_board) => scenario = with_board,
            // More than the board can: its profile says so.
            Err(stop) => why_not = Some(stop.to_string()),
        }
    }
    Ok(Candidate { input: ScenarioInput { file, text, scenario }, named, why_not })
}

fn listed(candidates: &[Candidate], board: &str) -> String {
    let line = |Candidate { input, why_not, .. }: &Candidate| match why_not {
        None => format!("{}  runs on {board}\n", input.scenario.id),
        Some(why) => format!("{}  does not run on {board}: {why}\n", input.scenario.id),
    };
    candidates.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_in_a_file_is_beside_the_bench() {
        let board = |profile: &str| BenchBoard {
            profile: profile.to_owned(),
            profile_line: 5,
            place: BoardPlace::Process,
            known_as: "mine.toml#one".into(),
        };
        let bench = Path::new("benches/mine.toml");
        assert_eq!(named(bench, &board("own.toml")), "benches/own.toml");
        assert_eq!(named(bench, &board("process-board")), "process-board");
    }
}
