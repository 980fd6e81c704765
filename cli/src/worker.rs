//! A worker: one run in a process of its own. What it finds goes into the record; how far it has come
//! ([`crate::progress`]) and what went wrong ([`crate::protocol`]) goes to its parent.

use crate::{
    args::WorkerArgs,
    environment::VERSION,
    exit::{Exit, Stop},
    frames, inputs, log, progress,
};
use parallax_files as files;
use parallax_record::{Entry, WriteError, Writer};
use parallax_scenario::Scenario;
use parallax_world::{CaptureSink, KeptPicture, PacketSeen, Sinks};
use std::{
    fs,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// What keeps runs repeatable. A test build switches off one at a time, to show that `--verify`
/// sees what happens then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandGuards {
    /// Those of the run itself.
    pub world: parallax_world::Guards,
    /// Whether runs share a process.
    pub shared_process: bool,
    /// Whether the parent panics where it would begin, to show what a user then sees.
    pub parent_panics: bool,
}

/// Runs the scenario from the standard input.
///
/// # Errors
/// Whatever keeps the run from being recorded whole.
pub(crate) fn run(arguments: &WorkerArgs, guards: CommandGuards) -> Result<Exit, Stop> {
    #[cfg(target_os = "linux")]
    confine(arguments)?;
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Stop::Fault(format!("failed to read the scenario: {error}")))?;
    let replaced = inputs::replacements(&arguments.profiles, arguments.media)?;
    let scenario = inputs::parse(&arguments.file, &text, &replaced)?;
    if let Some(filter) = arguments.log.clone() {
        let secrets = parallax_world::secrets(&scenario, arguments.seed);
        log::listen(filter, secrets).map_err(Stop::Fault)?;
    }
    for _ in 0..arguments.runs_before {
        let unheard = Sinks { entry: Box::new(drop), packet: None };
        run_once(&scenario, &text, arguments.seed, guards, unheard, None)?;
    }
    let aside = aside(&arguments.record);
    // The capture is complete before the record appears.
    let moved = |file: &Path| {
        files::rename_new(&self::aside(file), file).map_err(|error| refused(file, &error))
    };
    let recorded = record(&scenario, &text, arguments, guards, &aside)
        .and_then(|pictures| match &arguments.frames {
            Some(folder) => frames::write(folder, &pictures),
            None => Ok(()),
        })
        .and_then(|()| arguments.capture.as_deref().map_or(Ok(()), moved))
        .and_then(|()| moved(&arguments.record))
        .map_err(|stop| if memory_is_up(arguments) { out_of_memory() } else { stop });
    if recorded.is_err() {
        // What is left is no record; the parent says why.
        let _ = fs::remove_file(&aside);
        if let Some(capture) = &arguments.capture {
            let _ = fs::remove_file(capture);
            clear(capture);
        }
    }
    recorded.map(|()| Exit::Pass)
}

/// Bounds what a worker may take, and how long it may live. Before anything else.
#[cfg(target_os = "linux")]
fn confine(arguments: &WorkerArgs) -> Result<(), Stop> {
    use rustix::process::{Pid, Resource, Rlimit, Signal};
    let refused =
        |what: &str, error: rustix::io::Errno| Stop::Fault(format!("failed to {what}: {error}"));
    if arguments.memory.is_some() {
        let maximum = rustix::process::getrlimit(Resource::As).maximum;
        // No more can be asked for than the system allows already.
        let current = arguments.memory.map(|memory| memory.saturating_add(RESERVE));
        let current = current.into_iter().chain(maximum).min();
        let limit = Rlimit { current, maximum };
        rustix::process::setrlimit(Resource::As, limit)
            .map_err(|error| refused("bound the memory", error))?;
    }
    // A worker whose parent is gone would run on, and write files that are never read.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| refused("follow the parent", error))?;
    // It may be gone already, and then no signal comes.
    let parent = rustix::process::getppid().map(Pid::as_raw_nonzero);
    let expected = arguments.parent.and_then(|parent| i32::try_from(parent).ok());
    match expected {
        Some(expected) if parent.map(i32::from) != Some(expected) => {
            Err(Stop::Fault("failed to run: the parent is gone".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Memory above what a worker may have before the system refuses it, bytes. The codec takes a
/// refusal for a picture that cannot be decoded, which would come to a verdict about the peers: whoever
/// was refused anything smaller than this has been above what it may have, and that is seen at the
/// end.
const RESERVE: u64 = 64 << 20;

/// What is said of a run that wanted too much memory; the parent knows how much it had.
pub(crate) const OUT_OF_MEMORY: &str = "out of memory";

fn out_of_memory() -> Stop {
    Stop::Fault(OUT_OF_MEMORY.to_owned())
}

/// Whether this process has had more memory than it may have; where the system does not tell, it has
/// not.
fn memory_is_up(arguments: &WorkerArgs) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let most = arguments.memory.unwrap_or(u64::MAX);
    peak.is_some_and(|kibibytes| kibibytes.saturating_mul(1 << 10) > most)
}

/// How often it is stored how far the run has come, in the run's time.
const TELL: Duration = Duration::from_millis(100);

fn run_once(
    scenario: &Scenario,
    text: &str,
    seed: u64,
    guards: CommandGuards,
    sinks: Sinks<'_>,
    capture: Option<CaptureSink<'_>>,
) -> Result<parallax_world::SimOutcome, Stop> {
    let mut next = Duration::ZERO;
    let watch = move |at: Duration| {
        if at >= next {
            next = at + TELL;
            progress::store(text, at);
        }
    };
    let watch = Box::new(watch);
    let outcome = parallax_world::run_watched(scenario, seed, guards.world, sinks, watch, capture);
    outcome.map_err(|error| {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        Stop::Fault(text)
    })
}

fn refused(file: &Path, error: &dyn std::fmt::Display) -> Stop {
    Stop::Fault(format!("failed to write {}: {error}", file.display()))
}

/// Writes a whole record to `aside`, and what goes beside it. Returns the pictures of the worst
/// frames.
fn record(
    scenario: &Scenario,
    text: &str,
    arguments: &WorkerArgs,
    guards: CommandGuards,
    aside: &Path,
) -> Result<Vec<KeptPicture>, Stop> {
    let create = |file: &Path| {
        files::create(file).map(BufWriter::new).map_err(|error| refused(file, &error))
    };
    let header = parallax_world::header(scenario, arguments.seed, VERSION);
    let mut writer =
        Writer::new(create(aside)?, &header).map_err(|error| refused(aside, &error))?;
    let mut failed: Option<WriteError> = None;
    let mut lines = arguments.packets.as_deref().map(create).transpose()?;
    let mut line_failed: Option<io::Error> = None;
    let capture =
        arguments.capture.as_deref().map(|file| create(&self::aside(file))).transpose()?;
    let outcome = {
        let entry = |entry: Entry| {
            if failed.is_none() {
                failed = writer.entry(&entry).err();
            }
        };
        let packet = lines.as_mut().map(|lines| {
            let line_failed = &mut line_failed;
            let write = move |packet: &PacketSeen<'_>| {
                if line_failed.is_none() {
                    *line_failed = writeln!(lines, "{packet}").err();
                }
            };
            Box::new(write) as Box<dyn FnMut(&PacketSeen<'_>) + Send>
        });
        let capture = capture.map(|file| Box::new(file) as CaptureSink<'_>);
        let sinks = Sinks { entry: Box::new(entry), packet };
        run_once(scenario, text, arguments.seed, guards, sinks, capture)?
    };
    if let Some(error) = failed {
        return Err(refused(aside, &error));
    }
    if let (Some(file), Some(mut lines)) = (&arguments.packets, lines) {
        let flushed = line_failed.map_or_else(|| lines.flush(), Err);
        flushed.map_err(|error| refused(file, &error))?;
    }
    writer.finish(&outcome.packets_sha256).map_err(|error| refused(aside, &error))?;
    if memory_is_up(arguments) { Err(out_of_memory()) } else { Ok(outcome.pictures) }
}

/// Where a record or a capture is written until it is whole.
fn aside(record: &Path) -> PathBuf {
    record.with_extension("part")
}

/// Clears away what a worker that was killed has left of `record`, or of a capture.
pub(crate) fn clear(record: &Path) {
    // A worker that ended by itself has left nothing.
    let _ = fs::remove_file(aside(record));
}
