//! A worker: one run in a process of its own. What it finds goes into the record; what went wrong
//! goes to the standard output, for its parent.

use crate::{
    args::WorkerArgs,
    environment::VERSION,
    exit::{Exit, Stop},
    inputs,
};
use parallax_record::{Entry, WriteError, Writer};
use parallax_scenario::Scenario;
use parallax_world::{PacketSeen, Sinks};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

/// What keeps runs repeatable. A test build switches off one at a time, to show that `--verify`
/// sees what happens then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    /// Those of the run itself.
    pub world: parallax_world::Guards,
    /// Whether runs share a process.
    pub shared_process: bool,
}

/// Runs the scenario from the standard input.
///
/// # Errors
/// Whatever keeps the run from being recorded whole.
pub(crate) fn run(arguments: &WorkerArgs, guards: Guards) -> Result<Exit, Stop> {
    // A worker whose parent is gone would run on, and write where nobody looks any more.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|error| Stop::Fault(format!("failed to follow the parent: {error}")))?;
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Stop::Fault(format!("failed to read the scenario: {error}")))?;
    let scenario = inputs::parse(&arguments.file, &text)?;
    for _ in 0..arguments.runs_before {
        let unheard = Sinks { entry: Box::new(drop), packet: None };
        run_once(&scenario, arguments.seed, guards, unheard)?;
    }
    let aside = aside(&arguments.record);
    let recorded = record(&scenario, arguments, guards, &aside);
    if recorded.is_err() {
        // What is left is no record; the parent says why.
        let _ = fs::remove_file(&aside);
    }
    recorded.map(|()| Exit::Pass)
}

fn run_once(
    scenario: &Scenario,
    seed: u64,
    guards: Guards,
    sinks: Sinks<'_>,
) -> Result<parallax_world::Outcome, Stop> {
    parallax_world::run(scenario, seed, guards.world, sinks).map_err(|error| {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        Stop::Fault(text)
    })
}

fn record(
    scenario: &Scenario,
    arguments: &WorkerArgs,
    guards: Guards,
    aside: &Path,
) -> Result<(), Stop> {
    let refused = |file: &Path, error: &dyn std::fmt::Display| {
        Stop::Fault(format!("failed to write {}: {error}", file.display()))
    };
    let create =
        |file: &Path| File::create(file).map(BufWriter::new).map_err(|error| refused(file, &error));
    let header = parallax_world::header(scenario, arguments.seed, VERSION);
    let mut writer =
        Writer::new(create(aside)?, &header).map_err(|error| refused(aside, &error))?;
    let mut failed: Option<WriteError> = None;
    let mut lines = arguments.packets.as_deref().map(create).transpose()?;
    let mut line_failed: Option<io::Error> = None;
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
        run_once(scenario, arguments.seed, guards, Sinks { entry: Box::new(entry), packet })?
    };
    if let Some(error) = failed {
        return Err(refused(aside, &error));
    }
    if let (Some(file), Some(mut lines)) = (&arguments.packets, lines) {
        let flushed = line_failed.map_or_else(|| lines.flush(), Err);
        flushed.map_err(|error| refused(file, &error))?;
    }
    writer.finish(&outcome.packets_sha256).map_err(|error| refused(aside, &error))?;
    fs::rename(aside, &arguments.record).map_err(|error| refused(&arguments.record, &error))?;
    Ok(())
}

/// Where a record is written until it is whole.
fn aside(record: &Path) -> PathBuf {
    record.with_extension("part")
}

/// Clears away what a worker that was killed has left of `record`.
pub(crate) fn clear(record: &Path) {
    // A worker that ended by itself has left nothing.
    let _ = fs::remove_file(aside(record));
}

/// How a parent starts its worker. Kept beside what the worker reads.
pub(crate) fn command(arguments: &WorkerArgs) -> io::Result<std::process::Command> {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.arg("worker").arg("--file").arg(&arguments.file);
    command.arg("--seed").arg(arguments.seed.to_string());
    command.arg("--record").arg(&arguments.record);
    if let Some(packets) = &arguments.packets {
        command.arg("--packets").arg(packets);
    }
    if arguments.runs_before > 0 {
        command.arg("--runs-before").arg(arguments.runs_before.to_string());
    }
    command.stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    Ok(command)
}

/// Starts a worker and waits for it.
///
/// # Errors
/// In words, why there is no record: what the worker said, or how it died.
pub(crate) fn wait(mut command: std::process::Command, scenario: &str) -> Result<(), String> {
    let mut child =
        command.spawn().map_err(|error| format!("failed to start a worker: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        // A worker that dies before it has read says so below.
        let _ = input.write_all(scenario.as_bytes());
    }
    let ended = child
        .wait_with_output()
        .map_err(|error| format!("failed to wait for a worker: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    let cause = String::from_utf8_lossy(&ended.stdout);
    if !cause.trim().is_empty() {
        return Err(cause.trim().to_owned());
    }
    // It died without a word of its own: what it left on the standard error may tell why.
    let left = String::from_utf8_lossy(&ended.stderr);
    // The codec's own warnings come with every run.
    let left: Vec<&str> = left.lines().filter(|line| !line.starts_with("[OpenH264]")).collect();
    let text =
        format!("failed to run: the worker ended with {}: {}", ended.status, left.join("\n"));
    Err(text.trim_end_matches([':', ' ', '\n']).to_owned())
}
