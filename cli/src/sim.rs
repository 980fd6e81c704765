//! `parallax sim`: scenarios in simulation, each run in a worker of its own.

use crate::{
    args::SimArgs,
    closing,
    display::Display,
    environment::{Started, Walls},
    execute::{Executor, FinishedRun},
    exit::{Exit, Stop},
    folder::{OutputFolder, Plan},
    inputs::{self, ScenarioInput},
    interrupt::Interrupt,
    output, report,
    runs::{self, PlannedRun},
    schedule,
    worker::CommandGuards,
};
use parallax_record::{Suite, Verdict};
use parallax_render::{
    Shown, escape,
    terminal::{self, Style},
};
use std::path::PathBuf;

/// With more runs than these, one that passed is one line.
const SHOWN_WHOLE: usize = 20;

/// Runs `parallax sim`.
///
/// # Errors
/// If nothing could be run, or what was found could not be written.
pub(crate) fn run(arguments: &SimArgs, guards: CommandGuards) -> Result<Exit, Stop> {
    let started = Started::now();
    let inputs = inputs::read_all(arguments)?;
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.jobs.map_or_else(cores, usize::from);
    let runs = runs::all(&inputs, arguments, jobs)?;
    if arguments.list {
        output::say(list(&inputs, &runs, arguments));
        return Ok(Exit::Pass);
    }
    let out = OutputFolder::take(&arguments.out)?;
    let places: Vec<PathBuf> = runs.iter().map(|run| run.place.clone()).collect();
    out.check(Plan { top: &closing::FILES, report: true, runs: &places })?;
    out.clear()?;
    assert!(!guards.parent_panics, "this fault was planted");
    let interrupt = Interrupt::listen()?;
    let style = output::style();
    let executor = Executor { out: &out, guards, interrupt: &interrupt };
    let (finished, walls) = go_through(&runs, jobs, arguments, executor, style)?;
    let suite = Suite::of(runs.len() as u64, finished);
    output::say(terminal::scenarios(&suite, style));
    output::say(terminal::closing(&suite, style));
    closing::write(&out, &suite, &started, walls)?;
    output::say(format!("records are in {}\n", arguments.out.display()));
    let reported = closing::reported(&out, arguments.no_report, &suite);
    // An interrupt after the last run comes too late.
    let whole = suite.runs.len() == runs.len();
    Ok(match (whole, reported) {
        (false, _) => Exit::Interrupted,
        (true, true) => Exit::of(suite.verdict),
        (true, false) => report::without(suite.verdict),
    })
}

/// Runs all, and shows each in its turn.
fn go_through(
    runs: &[PlannedRun<'_>],
    jobs: usize,
    arguments: &SimArgs,
    executor: Executor<'_>,
    style: Style,
) -> Result<(Vec<parallax_record::Summary>, Walls), Stop> {
    let brief = runs.len() > SHOWN_WHOLE;
    // Both the news and the results move what the terminal shows.
    let display = std::cell::RefCell::new(Display::new(runs.len(), arguments.log.is_some()));
    let (mut finished, mut walls) = (Vec::new(), Walls::new());
    let news = |news: schedule::News<'_>| display.borrow_mut().hear(&news);
    let result = |run: &PlannedRun<'_>, done: FinishedRun| {
        display.borrow().say(&shown(run, &done, brief, style));
        walls.insert(done.summary.path(), done.wall_us);
        finished.push(done.summary);
    };
    let ended = schedule::all(runs, jobs, executor, news, result);
    display.into_inner().end();
    ended.map_err(|error| Stop::Fault(format!("failed to start a thread: {error}")))?;
    Ok((finished, walls))
}

/// What the terminal shows of a run.
fn shown(run: &PlannedRun<'_>, done: &FinishedRun, brief: bool, style: Style) -> Shown {
    let FinishedRun { summary, verified, .. } = done;
    if brief && summary.verdict == Verdict::Pass {
        return terminal::brief(summary, if *verified { ", verified" } else { "" }, style);
    }
    let mut text = terminal::run(summary, &run.rerun(), style);
    if *verified {
        text.push("  verified      a second run has the same record and the same packets\n");
    }
    text
}

/// What would run.
fn list(inputs: &[ScenarioInput], runs: &[PlannedRun<'_>], arguments: &SimArgs) -> String {
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let seeds = |input: &ScenarioInput| runs::seeds(input, arguments).to_string();
    let names = widest(&mut inputs.iter().map(|input| input.scenario.id.chars().count()));
    let numbers = widest(&mut inputs.iter().map(|input| seeds(input).len()));
    let mut text = String::new();
    for input in inputs {
        let scenario = &input.scenario;
        let (id, seeds) = (&scenario.id, seeds(input));
        text += &format!("{id:<names$}  {seeds:<numbers$}  {}\n", escape::tame(&scenario.title));
    }
    let plural = if runs.len() == 1 { "" } else { "s" };
    text + &format!("{} run{plural}\n", runs.len())
}
