//! Runs on a board, one after the other: a board is one.

use super::{Candidate, On};
use crate::{
    args::HilArgs,
    closing,
    environment::{Started, VERSION},
    exit::{Exit, Stop},
    frames,
    inputs::Input,
    interrupt::Interrupt,
    output, report,
    values::Seeds,
};
use parallax_bench::{Run, clear, clear_browsers, recover, run as run_on};
use parallax_lab::Stop as EndOfRun;
use parallax_record::{Clock, Suite, Summary, Verdict};
use parallax_render::terminal::{self, Style};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// The seed where neither the command nor the scenario names one.
const DEFAULT_SEED: u64 = 1;
/// How often it is looked whether somebody wants the end.
const LOOK: Duration = Duration::from_millis(50);
/// Where the pictures of a run's worst frames are.
const FRAMES: &str = "frames";
/// What a run leaves in its folder.
const LEFT: [&str; 3] = ["record.jsonl", "console.txt", FRAMES];

/// One scenario with one seed on the board.
struct Planned<'a> {
    input: &'a Input,
    seed: u64,
    why_not: Option<&'a str>,
}

/// Runs all that can run on the board, shows each, and writes what they came to.
///
/// # Errors
/// If nothing could be run, or what was found could not be written.
pub(super) fn all(
    arguments: &HilArgs,
    on: &On<'_>,
    candidates: &[Candidate],
    started: &Started,
) -> Result<Exit, Stop> {
    let (planned, not_run) = plan(arguments, candidates);
    let out = &arguments.out;
    output::folder(out)?;
    let _own = output::own(out)?;
    output::writable(out)?;
    found(out)?;
    closing::forget(out)?;
    // Killed in the first run, it has run nothing: that is told, too.
    closing::write(out, &Suite::of(planned.len() as u64, Vec::new()), started)?;
    if let Some(left) = clear(&on.board.place) {
        output::error(&format!("{} was on, and is switched off: {left}", on.name));
    }
    for left in clear_browsers() {
        output::error(&format!("a browser's network namespace was left, and is gone: {left}"));
    }
    let interrupt = Interrupt::listen()?;
    let style = if output::coloured() { Style::Coloured } else { Style::Plain };
    let mut finished = Vec::new();
    for (at, run) in planned.iter().enumerate() {
        if interrupt.asked() {
            break;
        }
        let name = format!("{} seed {}", run.input.scenario.id, run.seed);
        let summary = match run.why_not {
            Some(why) => unable(run, why),
            None => {
                let seconds = run.input.scenario.duration.as_secs_f64();
                let of = planned.len();
                output::error(&format!("{}/{of}  {name} on {}, {seconds} s", at + 1, on.name));
                tried(arguments, on, run, &interrupt)?
            }
        };
        output::say(&terminal::run(&summary, &rerun(arguments, on.name, run), style));
        finished.push(summary);
        // Whatever happens to the next one, this one is told.
        closing::write(out, &Suite::of(planned.len() as u64, finished.clone()), started)?;
    }
    let suite = Suite::of(planned.len() as u64, finished);
    output::say(&not_run);
    output::say(&terminal::scenarios(&suite, style));
    output::say(&terminal::closing(&suite, style));
    closing::write(out, &suite, started)?;
    output::say(&format!("records are in {}\n", out.display()));
    let reported = closing::reported(out, arguments.no_report, &suite);
    Ok(match (interrupt.asked(), reported) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::of(suite.verdict),
        (false, false) => report::without(suite.verdict),
    })
}

/// What is to run, and what of the folders is not.
fn plan<'a>(arguments: &HilArgs, candidates: &'a [Candidate]) -> (Vec<Planned<'a>>, String) {
    let (mut planned, mut not_run) = (Vec::new(), String::new());
    for Candidate { input, named, why_not } in candidates {
        match why_not {
            Some(why) if !named => {
                not_run += &format!("not run         {}: {why}\n", input.scenario.id);
            }
            why_not => {
                let one =
                    || Seeds::one(arguments.seed.or(input.scenario.seed).unwrap_or(DEFAULT_SEED));
                let why_not = why_not.as_deref();
                let seeds = arguments.seeds.unwrap_or_else(one).all();
                planned.extend(seeds.map(|seed| Planned { input, seed, why_not }));
            }
        }
    }
    (planned, not_run)
}

fn rerun(arguments: &HilArgs, board: &str, run: &Planned<'_>) -> String {
    let profiles: String = arguments
        .profiles
        .iter()
        .map(|device| format!(" --profile {}={}", device.peer, device.profile))
        .collect();
    let viewer = if arguments.viewer.is_some() { " --viewer chromium" } else { "" };
    format!(
        "parallax hil --bench {} --board {board}{viewer} {} --seed {}{profiles}",
        arguments.bench.display(),
        run.input.file.display(),
        run.seed
    )
}

fn folder(out: &Path, run: &Planned<'_>) -> PathBuf {
    out.join(&run.input.scenario.id).join(format!("seed-{}", run.seed))
}

/// Makes records of what runs that were killed have left here, puts them aside, and says so. Their boards
/// ended with them, or are switched off before they run again.
fn found(out: &Path) -> Result<(), Stop> {
    for folder in report::run_folders(out) {
        match recover(&folder) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let free = |number: &u32| !folder.join(format!("killed-{number}")).exists();
                let Some(number) = (1..).find(free) else { continue };
                let aside = folder.join(format!("killed-{number}"));
                put_aside(&folder, &aside)?;
                output::error(&format!(
                    "a run was killed here: what it told so far is in {}",
                    aside.display()
                ));
            }
            // It keeps nobody from running: its folder is said, and it stays.
            Err(error) => output::error(&error.to_string()),
        }
    }
    Ok(())
}

/// Moves what a run has left into a folder of its own.
fn put_aside(folder: &Path, aside: &Path) -> Result<(), Stop> {
    output::folder(aside)?;
    for name in LEFT {
        match fs::rename(folder.join(name), aside.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Stop::Fault(format!(
                    "failed to move {} to {}: {error}\n  help: choose another folder with --out FOLDER",
                    folder.join(name).display(),
                    aside.display()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes what attempts of an earlier command have left.
fn forget_attempts(folder: &Path) -> Result<(), Stop> {
    for number in 1.. {
        let attempt = folder.join(format!("attempt-{number}"));
        match fs::remove_dir_all(&attempt) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => {
                return Err(Stop::BadInput(format!(
                    "failed to replace {}: {error}\n  help: remove it, or choose another folder with \
                     --out FOLDER",
                    attempt.display()
                )));
            }
        }
    }
    Ok(())
}

/// A scenario that somebody wants, and that cannot be had.
fn unable(run: &Planned<'_>, why: &str) -> Summary {
    Summary::unclear(&header(run), format!("it cannot run on this board: {why}"))
}

fn header(run: &Planned<'_>) -> parallax_record::Header {
    let clock = Clock::Real { bound_us: 1 };
    parallax_fabric::header(&run.input.scenario, run.seed, VERSION, clock)
}

/// Runs it, and again if nothing could be said and somebody wants that. What earlier attempts left
/// stays beside the last.
fn tried(
    arguments: &HilArgs,
    on: &On<'_>,
    run: &Planned<'_>,
    interrupt: &Interrupt,
) -> Result<Summary, Stop> {
    let folder = folder(&arguments.out, run);
    output::folder(&folder)?;
    forget_attempts(&folder)?;
    let mut earlier: Vec<String> = Vec::new();
    loop {
        let summary = once(on, run, &folder, &earlier, interrupt)?;
        let again = summary.verdict == Verdict::Inconclusive && !summary.doubts.is_empty();
        if !again || earlier.len() >= arguments.retries as usize || interrupt.asked() {
            return Ok(summary);
        }
        let attempt = earlier.len() + 1;
        earlier.push(format!("attempt {attempt}: inconclusive: {}", summary.doubts.join("; ")));
        put_aside(&folder, &folder.join(format!("attempt-{attempt}")))?;
    }
}

fn once(
    on: &On<'_>,
    planned: &Planned<'_>,
    folder: &Path,
    earlier: &[String],
    interrupt: &Interrupt,
) -> Result<Summary, Stop> {
    let fault = |error: std::io::Error| Stop::Fault(format!("failed to find Parallax: {error}"));
    let program = std::env::current_exe().map_err(fault)?;
    let command = [program.into_os_string(), OsString::from("process-board")];
    frames::forget(&folder.join(FRAMES)).map_err(|error| {
        Stop::BadInput(format!(
            "failed to replace {}: {error}\n  help: remove it, or choose another folder with --out FOLDER",
            folder.display()
        ))
    })?;
    let (stop, done) = (EndOfRun::default(), AtomicBool::new(false));
    let run = Run {
        scenario: &planned.input.scenario,
        seed: planned.seed,
        board: on.name,
        place: &on.board.place,
        lateness_budget: on.budget,
        browser: on.browser,
        command: &command,
        earlier,
        folder,
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
    match ran {
        Ok(ran) => {
            frames::write(&folder.join(FRAMES), &ran.pictures)?;
            Ok(ran.summary)
        }
        Err(error) => Ok(Summary::broken(&header(planned), error.to_string())),
    }
}
