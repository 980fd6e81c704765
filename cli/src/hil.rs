//! `parallax hil`: scenarios on a board, in real time.

use crate::{
    args::HilArgs,
    environment::{Started, VERSION},
    exit::{Exit, Stop},
    inputs::{self, Input},
    interrupt::Interrupt,
    kind::{Kind, kind},
    output,
    values::Device,
};
use parallax_bench::{Bench, BenchBoard, Run, console, read, run as run_on, why_not};
use parallax_lab::Stop as EndOfRun;
use parallax_record::{Clock, Suite, Summary, Verdict};
use parallax_render::terminal::{self, Style};
use parallax_scenario::{Profile, Replacements};
use std::{
    ffi::OsString,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// The seed where neither the command nor the scenario names one.
const DEFAULT_SEED: u64 = 1;
/// How often it is looked whether somebody wants the end.
const LOOK: Duration = Duration::from_millis(50);

/// A scenario, and why it cannot run, if it cannot.
struct Candidate {
    input: Input,
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
    let candidates = candidates(arguments, board)?;
    if arguments.dry_run {
        output::say(&listed(&candidates, name));
        return Ok(Exit::Pass);
    }
    output::folder(&arguments.out)?;
    let _own = output::own(&arguments.out)?;
    output::writable(&arguments.out)?;
    let interrupt = Interrupt::listen()?;
    let style = if output::coloured() { Style::Coloured } else { Style::Plain };
    let (mut finished, mut planned, mut not_run) = (Vec::new(), 0, String::new());
    for Candidate { input, named, why_not } in &candidates {
        let seed = arguments.seed.or(input.scenario.seed).unwrap_or(DEFAULT_SEED);
        let summary = match why_not {
            Some(why) if !named => {
                not_run += &format!("not run         {}: {why}\n", input.scenario.id);
                continue;
            }
            Some(why) => unable(input, seed, why),
            None if interrupt.asked() => {
                planned += 1;
                continue;
            }
            None => {
                let on = On { name, board, budget: bench.lateness_budget };
                let mut summary = one(arguments, &on, input, seed, &interrupt)?;
                // What was cut short has not failed, however it looks, and has not passed.
                if interrupt.asked() && summary.verdict != Verdict::Error {
                    summary.verdict = Verdict::Inconclusive;
                }
                summary
            }
        };
        planned += 1;
        let again = format!(
            "parallax hil --bench {} --board {name} {} --seed {seed}",
            arguments.bench.display(),
            input.file.display()
        );
        output::say(&terminal::run(&summary, &again, style));
        finished.push(summary);
    }
    let suite = Suite::of(planned, finished);
    output::say(&not_run);
    output::say(&terminal::closing(&suite, style));
    let json = |error: serde_json::Error| Stop::Fault(format!("failed to write JSON: {error}"));
    let environment = serde_json::to_string_pretty(&started.environment()).map_err(json)?;
    output::file(&arguments.out.join("environment.json"), &format!("{environment}\n"))?;
    output::file(&arguments.out.join("summary.json"), &suite.to_json().map_err(json)?)?;
    output::say(&format!("records are in {}\n", arguments.out.display()));
    Ok(if interrupt.asked() { Exit::Interrupted } else { Exit::of(suite.verdict) })
}

pub(crate) fn bench(file: &Path) -> Result<Bench, Stop> {
    let text = inputs::text(file)?;
    read(&file.display().to_string(), &text).map_err(|error| Stop::BadInput(error.to_string()))
}

fn chosen<'b>(bench: &'b Bench, name: Option<&str>) -> Result<(&'b str, &'b BenchBoard), Stop> {
    let mut boards = bench.boards.iter();
    let found = match name {
        Some(name) => boards.find(|(board, _)| *board == name),
        None => boards.next(),
    };
    found.map(|(name, board)| (name.as_str(), board)).ok_or_else(|| {
        let names: Vec<&str> = bench.boards.keys().map(String::as_str).collect();
        Stop::BadInput(format!(
            "--board {}: there is no such board\n  help: there are: {}",
            name.unwrap_or_default(),
            names.join(", ")
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

fn replaced(bench: &Path, board: &BenchBoard, peer: &str) -> Result<Replacements, Stop> {
    let device = Device { peer: peer.to_owned(), profile: named(bench, board) };
    let flag = format!("--profile {peer}={}: ", device.profile);
    inputs::replacements(&[device], None).map_err(|stop| match stop {
        // Nobody gave that flag: it was the bench file.
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
    let found = replaced(bench, board, "camera")?.devices.into_values().next();
    found
        .map(|found| found.profile)
        .ok_or_else(|| Stop::BadInput(format!("there is no profile {}", board.profile)))
}

/// Whether a console can be driven by a profile.
pub(crate) fn drivable(board: &str, profile: &Profile) -> Result<(), Stop> {
    let traits = profile.console.as_ref().ok_or_else(|| {
        Stop::BadInput(format!(
            "its profile {} has no [console]\n  help: device-profiles/README.md tells its keys",
            profile.name
        ))
    })?;
    console(board, traits, |name| std::env::var(name).ok())
        .map(drop)
        .map_err(|error| Stop::BadInput(error.to_string()))
}

/// All scenarios that were named or are in folders that were; those that can run with the board's
/// profile in the place of their camera's.
fn candidates(arguments: &HilArgs, board: &BenchBoard) -> Result<Vec<Candidate>, Stop> {
    let found = profile(&arguments.bench, board)?;
    drivable(arguments.board.as_deref().unwrap_or("board"), &found)?;
    let mut all = Vec::new();
    for file in inputs::files(&arguments.scenarios)? {
        let named = arguments.scenarios.contains(&file);
        let text = inputs::text(&file)?;
        if kind(&text) != Kind::Scenario && !named {
            continue;
        }
        let mut scenario = inputs::scenario(&file, &text, &Replacements::default())?;
        let mut why_not = why_not(&scenario, board);
        let camera = scenario.peers.iter().find(|peer| peer.camera.is_some());
        if let (None, Some(camera)) = (&why_not, camera) {
            let replaced = replaced(&arguments.bench, board, &camera.name)?;
            match inputs::scenario(&file, &text, &replaced) {
                Ok(with_board) => scenario = with_board,
                // More than the board can: its profile says so.
                Err(stop) => why_not = Some(stop.to_string()),
            }
        }
        all.push(Candidate { input: Input { file, text, scenario }, named, why_not });
    }
    Ok(all)
}

fn listed(candidates: &[Candidate], board: &str) -> String {
    let line = |Candidate { input, why_not, .. }: &Candidate| match why_not {
        None => format!("{}  runs on {board}\n", input.scenario.id),
        Some(why) => format!("{}  does not run on {board}: {why}\n", input.scenario.id),
    };
    candidates.iter().map(line).collect()
}

/// A scenario that somebody wants, and that cannot be had.
fn unable(input: &Input, seed: u64, why: &str) -> Summary {
    let clock = Clock::Real { bound_us: 1 };
    let header = parallax_fabric::header(&input.scenario, seed, VERSION, clock);
    let mut summary = Summary::broken(&header, format!("it cannot run on this board: {why}"));
    summary.verdict = Verdict::Inconclusive;
    summary
}

/// What a scenario runs on.
struct On<'a> {
    name: &'a str,
    board: &'a BenchBoard,
    budget: Option<Duration>,
}

fn one(
    arguments: &HilArgs,
    on: &On<'_>,
    input: &Input,
    seed: u64,
    interrupt: &Interrupt,
) -> Result<Summary, Stop> {
    let folder = arguments.out.join(&input.scenario.id).join(format!("seed-{seed}"));
    output::folder(&folder)?;
    let fault = |error: std::io::Error| Stop::Fault(format!("failed to find Parallax: {error}"));
    let program = std::env::current_exe().map_err(fault)?;
    let command = [program.into_os_string(), OsString::from("process-board")];
    let (stop, done) = (EndOfRun::default(), AtomicBool::new(false));
    let run = Run {
        scenario: &input.scenario,
        seed,
        board: on.name,
        place: &on.board.place,
        lateness_budget: on.budget,
        command: &command,
        folder: &folder,
        version: VERSION,
        stop: stop.clone(),
    };
    let ran = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if interrupt.asked() {
                    stop.now();
                }
                thread::sleep(LOOK);
            }
        });
        let ran = run_on(&run);
        done.store(true, Ordering::Relaxed);
        ran
    });
    Ok(ran.map_or_else(
        |error| {
            let clock = Clock::Real { bound_us: 1 };
            let header = parallax_fabric::header(&input.scenario, seed, VERSION, clock);
            Summary::broken(&header, error.to_string())
        },
        |ran| ran.summary,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parallax_bench::Place;

    #[test]
    fn a_profile_in_a_file_is_beside_the_bench() {
        let board = |profile: &str| BenchBoard {
            profile: profile.to_owned(),
            profile_line: 5,
            place: Place::Process,
        };
        let bench = Path::new("benches/mine.toml");
        assert_eq!(named(bench, &board("own.toml")), "benches/own.toml");
        assert_eq!(named(bench, &board("process-board")), "process-board");
    }
}
