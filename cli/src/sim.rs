//! `parallax sim`: scenarios in simulation, each run in a worker of its own.

use crate::{
    args::{SimArgs, WorkerArgs},
    environment::{Started, VERSION},
    exit::{Exit, Stop},
    inputs::{self, Input},
    output, verify,
    worker::{self, Guards},
};
use parallax_record::{Record, Suite, Summary, judge};
use parallax_render::terminal::{self, Style};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The seed where neither the command nor the scenario names one.
const DEFAULT_SEED: u64 = 1;

/// Runs `parallax sim`.
///
/// # Errors
/// If nothing could be run, or what was found could not be written.
pub(crate) fn run(arguments: &SimArgs, guards: Guards) -> Result<Exit, Stop> {
    let started = Started::now();
    let inputs = inputs::read_all(&arguments.scenarios)?;
    output::folder(&arguments.out)?;
    let _own = output::own(&arguments.out)?;
    // A summary of an earlier call must not stand beside the records of this one.
    forget(&arguments.out.join("summary.json"))?;
    forget(&arguments.out.join("environment.json"))?;
    let style = if output::coloured() { Style::Coloured } else { Style::Plain };
    let mut runs = Vec::new();
    for input in &inputs {
        let run = Run::new(input, arguments)?;
        let mut summary = run.once();
        let mut verified = false;
        if arguments.verify && summary.record_sha256.is_some() {
            match verify::again(&run, guards) {
                Ok(()) => verified = true,
                Err(difference) => {
                    summary.verdict = parallax_record::Verdict::Error;
                    summary.faults.push(difference);
                }
            }
        }
        output::say(&terminal::run(&summary, &run.rerun(arguments), style));
        if verified {
            output::say("  verified      a second run has the same record and the same packets\n");
        }
        runs.push(summary);
    }
    let suite = Suite::new(runs);
    output::say(&terminal::closing(&suite, style));
    write(&arguments.out, &suite, &started)?;
    output::say(&format!("records are in {}\n", arguments.out.display()));
    Ok(Exit::of(suite.verdict))
}

fn write(folder: &Path, suite: &Suite, started: &Started) -> Result<(), Stop> {
    let json = |error: serde_json::Error| Stop::Fault(format!("failed to write JSON: {error}"));
    let environment = serde_json::to_string_pretty(&started.environment()).map_err(json)?;
    output::file(&folder.join("environment.json"), &format!("{environment}\n"))?;
    output::file(&folder.join("summary.json"), &suite.to_json().map_err(json)?)
}

fn forget(file: &Path) -> Result<(), Stop> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Stop::BadInput(format!("failed to replace {}: {error}", file.display())))
        }
        _ => Ok(()),
    }
}

/// One scenario with one seed.
pub(crate) struct Run<'a> {
    /// What runs.
    pub(crate) input: &'a Input,
    /// Its seed.
    pub(crate) seed: u64,
    /// Its own folder.
    pub(crate) folder: PathBuf,
    verify: bool,
}

impl<'a> Run<'a> {
    fn new(input: &'a Input, arguments: &SimArgs) -> Result<Self, Stop> {
        let seed = arguments.seed.or(input.scenario.seed).unwrap_or(DEFAULT_SEED);
        let folder = arguments.out.join(&input.scenario.id).join(format!("seed-{seed}"));
        output::folder(&folder)?;
        let run = Self { input, seed, folder, verify: arguments.verify };
        forget(&run.record())?;
        worker::clear(&run.record());
        verify::forget(&run).map_err(|error| {
            Stop::BadInput(format!("failed to replace {}: {error}", run.folder.display()))
        })?;
        Ok(run)
    }

    /// Where its record goes.
    pub(crate) fn record(&self) -> PathBuf {
        self.folder.join("record.jsonl")
    }

    /// Where its packets go while a second run is held against it.
    pub(crate) fn packets(&self) -> PathBuf {
        self.folder.join("packets.txt")
    }

    /// What its worker is told.
    pub(crate) fn worker(&self) -> WorkerArgs {
        WorkerArgs {
            file: self.input.file.clone(),
            seed: self.seed,
            record: self.record(),
            packets: self.verify.then(|| self.packets()),
            runs_before: 0,
        }
    }

    /// Runs it and judges its record.
    fn once(&self) -> Summary {
        let recorded = worker::command(&self.worker())
            .map_err(|error| format!("failed to find this program: {error}"))
            .and_then(|command| worker::wait(command, &self.input.text))
            .and_then(|()| {
                fs::read(self.record())
                    .map_err(|error| format!("failed to read {}: {error}", self.record().display()))
            })
            .and_then(|bytes| Record::read(&bytes).map_err(|error| format!("failed to {error}")));
        match recorded {
            Ok(record) => judge(&record),
            Err(cause) => {
                worker::clear(&self.record());
                let header = parallax_world::header(&self.input.scenario, self.seed, VERSION);
                Summary::broken(&header, cause)
            }
        }
    }

    /// The line that runs it again.
    fn rerun(&self, arguments: &SimArgs) -> String {
        let verify = if arguments.verify { " --verify" } else { "" };
        // Cargo tells what it runs where it is. Who came by it need not have an installed one.
        let command = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(_) => "cargo run --release --",
            None => "parallax",
        };
        format!("{command} sim {} --seed {}{verify}", quoted(&self.input.file), self.seed)
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_quoted_path_as_it_is() {
        assert_eq!(quoted(Path::new("fixtures/two-homes.toml")), "fixtures/two-homes.toml");
        assert_eq!(quoted(Path::new("it's here.toml")), r"'it'\''s here.toml'");
    }
}
