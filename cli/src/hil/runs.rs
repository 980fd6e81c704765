//! Runs on a board, one after the other: a board is one.

use super::{Candidate, On, checkup, course::Course, starter};
use crate::{
    args::HilArgs,
    closing,
    display::while_it_goes,
    environment::{Started, VERSION, Walls},
    exit::{Exit, Stop},
    folder::{self, OutputFolder, Plan, put_aside},
    frames,
    inputs::ScenarioInput,
    interrupt::Interrupt,
    output,
    owner::owner,
    report,
    runs::quoted,
    values::Seeds,
};
use parallax_bench::{
    Blame, BoardPlace, BoardRun, Book, advice, clear, clear_browsers, in_one_line, run as run_on,
    take,
};
use parallax_files as files;
use parallax_lab::StopSignal;
use parallax_record::{Clock, Header, Suite, Summary, Verdict, run_folder};
use parallax_render::terminal;
use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The seed where neither the command nor the scenario names one.
const DEFAULT_SEED: u64 = 1;
/// How often it is looked whether a board is free.
const LOOK: Duration = Duration::from_millis(100);
/// Where the pictures of a run's worst frames are.
const FRAMES: &str = "frames";
/// Transcript of the last checkup.
const HEALTH: &str = "health.txt";
/// What a run leaves in its folder.
const LEFT: [&str; 3] = ["record.jsonl", "console.txt", FRAMES];

/// One scenario with one seed on the board.
struct Planned<'a> {
    input: &'a ScenarioInput,
    seed: u64,
    /// Which of several of the same, from 1; none: it is one.
    repeat: Option<u32>,
    why_not: Option<&'a str>,
}

impl Planned<'_> {
    /// Its folder, from the output folder.
    fn place(&self) -> PathBuf {
        folder::place(&self.input.scenario.id, &run_folder(self.seed, self.repeat))
    }
}

/// Runs all that can run on the board, shows each, and writes what they came to.
///
/// # Errors
/// If nothing could be run, or what was found could not be written.
pub(super) fn all(
    arguments: &HilArgs,
    mut on: On<'_>,
    candidates: &[Candidate],
    started: &Started,
) -> Result<Exit, Stop> {
    let (planned, not_run) = plan(arguments, candidates);
    let out = &arguments.out;
    let out = &OutputFolder::take(out)?;
    let places: Vec<PathBuf> = planned.iter().map(Planned::place).collect();
    out.check(Plan { top: &closing::FILES, report: true, runs: &places })?;
    out.clear()?;
    // Killed in the first run, it has run nothing: the summary says so, too.
    let mut walls = Walls::new();
    closing::write(out, &Suite::of(planned.len() as u64, Vec::new()), started, walls.clone())?;
    for left in clear_browsers() {
        output::error(format!("a browser's network namespace was left, and is gone: {left}"));
    }
    let interrupt = Interrupt::listen()?;
    // It is held for all of its runs: no other command comes between two of them.
    let mut course = match planned.iter().any(|run| run.why_not.is_none()) {
        true => had(arguments, &mut on, &interrupt),
        false => Course::default(),
    };
    let on = &on;
    let style = output::style();
    let mut finished = Vec::new();
    for (at, run) in planned.iter().enumerate() {
        if interrupt.asked() {
            break;
        }
        let which = run.repeat.map_or(String::new(), |repeat| format!(", repeat {repeat}"));
        let name = format!("{} seed {}{which}", run.input.scenario.id, run.seed);
        let began = Instant::now();
        let summary = match run.why_not {
            Some(why) => unable(run, why),
            None => {
                let seconds = run.input.scenario.duration.as_secs_f64();
                let of = planned.len();
                let told = format!("{}/{of}  {name} on {}, {seconds} s", at + 1, on.name);
                let summary = on_course(arguments, out, on, run, &mut course, &told, &interrupt)?;
                let Some(summary) = summary else { break };
                summary
            }
        };
        output::say(terminal::run(&summary, &rerun(arguments, on.name, run), style));
        let wall_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        walls.insert(summary.path(), wall_us);
        finished.push(summary);
        // Written before the next one begins, whatever happens to that.
        let so_far = Suite::of(planned.len() as u64, finished.clone());
        closing::write(out, &so_far, started, walls.clone())?;
    }
    let suite = Suite::of(planned.len() as u64, finished);
    output::say(not_run);
    output::say(terminal::scenarios(&suite, style));
    output::say(terminal::closing(&suite, style));
    closing::write(out, &suite, started, walls)?;
    output::say(format!("records are in {}\n", out.path().display()));
    let reported = closing::reported(out, arguments.no_report, &suite);
    // An interrupt after the last run comes too late; a run that it cut short is in doubt.
    let last_in_doubt = suite.runs.last().is_some_and(|run| !run.doubts.is_empty());
    let whole = suite.runs.len() == planned.len() && !last_in_doubt;
    Ok(match (interrupt.asked() && !whole, reported) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::of(suite.verdict),
        (false, false) => report::without(suite.verdict),
    })
}

/// Takes the board; or tells why all its runs come to nothing.
fn had(arguments: &HilArgs, on: &mut On<'_>, interrupt: &Interrupt) -> Course {
    if let BoardPlace::Port(place) = &on.board.place
        && let Some(advice) = advice(&place.port)
    {
        output::error(format!("{}: {advice}", on.name));
    }
    let (book, owner) = (Book::shared(), owner());
    let end = Instant::now() + arguments.wait.unwrap_or_default();
    let mut told = false;
    loop {
        match take(&book, on.board, &owner) {
            Ok(held) => {
                if let Some(lease) = &held.ended {
                    output::error(format!("{}: {lease} is over, and is taken off", on.name));
                }
                if let Some(left) = clear(&on.board.place) {
                    output::error(format!("{} was on, and is switched off: {left}", on.name));
                }
                on.hold = Some(held);
                return Course::new();
            }
            Err(error) if error.passes() && Instant::now() < end && !interrupt.asked() => {
                if !told {
                    output::error(format!("waiting for {}: {}", on.name, in_one_line(&error)));
                    told = true;
                }
                thread::sleep(LOOK);
            }
            Err(error) => {
                return Course::without(in_one_line(&error));
            }
        }
    }
}

/// A run, if its board is fit for it; none: the command was interrupted.
fn on_course(
    arguments: &HilArgs,
    out: &OutputFolder,
    on: &On<'_>,
    run: &Planned<'_>,
    course: &mut Course,
    told: &str,
    interrupt: &Interrupt,
) -> Result<Option<Summary>, Stop> {
    let mut before = None;
    // A program was tried when the command began, and each run starts it anew.
    let is_program = matches!(on.board.place, BoardPlace::Program(_));
    if course.is_due() && !arguments.no_check && !is_program {
        output::error(format!("checking {}", on.name));
        let blame = checked(on, out, interrupt)?;
        if interrupt.asked() {
            return Ok(None);
        }
        before = course.checked(blame);
    }
    if let Some(summary) = course.not_run(&header(run)) {
        return Ok(Some(summary));
    }
    output::error(told);
    let whole = run.input.scenario.duration;
    let summary = while_it_goes(&run.input.scenario.id, whole, || {
        tried(arguments, out, on, run, before, interrupt)
    })?;
    let is_whole = u128::from(summary.duration_us) >= whole.as_micros();
    course.ran(&summary, is_whole);
    Ok(Some(summary))
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
                // What cannot run can do so no better again.
                let several = arguments.repeat > 1 && why_not.is_none();
                let repeats: Vec<Option<u32>> = match several {
                    true => (1..=arguments.repeat).map(Some).collect(),
                    false => vec![None],
                };
                for seed in seeds {
                    let one =
                        |repeat: &Option<u32>| Planned { input, seed, repeat: *repeat, why_not };
                    planned.extend(repeats.iter().map(one));
                }
            }
        }
    }
    (planned, not_run)
}

fn rerun(arguments: &HilArgs, board: &str, run: &Planned<'_>) -> String {
    let profiles: String = arguments
        .profiles
        .iter()
        .map(|device| format!(" --profile {}", quoted(&device.to_string())))
        .collect();
    let viewer = if arguments.viewer.is_some() { " --viewer chromium" } else { "" };
    format!(
        "parallax hil --bench {} --board {}{viewer} {} --seed {}{profiles}",
        quoted(&arguments.bench.display().to_string()),
        quoted(board),
        quoted(&run.input.file.display().to_string()),
        run.seed
    )
}

/// Looks at the board, and keeps what it said.
fn checked(on: &On<'_>, out: &OutputFolder, interrupt: &Interrupt) -> Result<Option<Blame>, Stop> {
    let fault = |error: io::Error| Stop::Fault(format!("failed to check {}: {error}", on.name));
    // It is written while the board talks, and is in its place when it is whole.
    let aside = TempDir::new().map_err(fault)?;
    let transcript = aside.path().join(HEALTH);
    let blame = checkup(on.name, on.board, &on.profile, on.hold.as_ref(), &transcript, interrupt)?;
    out.put(HEALTH, &files::read(&transcript, files::RECORD_MOST).map_err(fault)?)?;
    Ok(blame)
}

/// A scenario that was asked for and cannot be run.
fn unable(run: &Planned<'_>, why: &str) -> Summary {
    Summary::unclear(&header(run), format!("it cannot run on this board: {why}"))
}

fn header(run: &Planned<'_>) -> Header {
    let clock = Clock::Real { bound_us: 1 };
    let header = parallax_fabric::header(&run.input.scenario, run.seed, VERSION, clock);
    Header { repeat: run.repeat, ..header }
}

/// Runs it, and again if it was inconclusive and retries are allowed. What earlier attempts left
/// stays beside the last.
fn tried(
    arguments: &HilArgs,
    out: &OutputFolder,
    on: &On<'_>,
    run: &Planned<'_>,
    before: Option<String>,
    interrupt: &Interrupt,
) -> Result<Summary, Stop> {
    let place = run.place();
    let folder = out.begin_run(&place).map_err(|error| {
        let folder = out.path().join(&place);
        Stop::Fault(format!("failed to make the folder {}: {error}", folder.display()))
    })?;
    let mut earlier = Vec::from_iter(before);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let summary = once(on, run, &folder, &earlier, interrupt)?;
        let again = summary.verdict == Verdict::Inconclusive && !summary.doubts.is_empty();
        if !again || attempt > arguments.retries || interrupt.asked() {
            return out.finish_run(&place, None).map(|()| summary);
        }
        earlier.push(format!("attempt {attempt}: inconclusive: {}", summary.doubts.join("; ")));
        put_aside(&folder, &folder.join(format!("attempt-{attempt}")), &LEFT)?;
    }
}

fn once(
    on: &On<'_>,
    planned: &Planned<'_>,
    folder: &Path,
    earlier: &[String],
    interrupt: &Interrupt,
) -> Result<Summary, Stop> {
    let command = starter(&on.board.place)?;
    frames::forget(&folder.join(FRAMES)).map_err(|error| {
        Stop::BadInput(format!(
            "failed to replace {}: {error}\n  help: remove it, or choose another folder with --out FOLDER",
            folder.display()
        ))
    })?;
    let stop = StopSignal::default();
    let run = BoardRun {
        scenario: &planned.input.scenario,
        seed: planned.seed,
        repeat: planned.repeat,
        board: on.name,
        place: &on.board.place,
        hold: on.hold.as_ref(),
        lateness_budget: on.budget,
        browser: on.browser,
        command: &command,
        earlier,
        folder,
        version: VERSION,
        stop: stop.clone(),
    };
    match interrupt.ends(&stop, || run_on(&run)) {
        Ok(ran) => {
            if let Some(why) = &ran.unconfined {
                output::error(format!("the browser ran without its sandbox: {why}"));
            }
            frames::write(&folder.join(FRAMES), &ran.pictures)?;
            Ok(ran.summary)
        }
        Err(error) => Ok(Summary::broken(&header(planned), in_one_line(&error))),
    }
}
