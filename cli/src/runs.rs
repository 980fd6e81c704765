//! The runs of a command: one scenario with one seed each.

use crate::{
    args::{SimArgs, WorkerArgs},
    exit::Stop,
    folder,
    inputs::ScenarioInput,
    values::{DeviceChoice, Seeds},
};
use parallax_record::run_folder;
use parallax_scenario::units;
use std::{path::PathBuf, time::Duration};

/// The seed where neither the command nor the scenario names one.
const DEFAULT_SEED: u64 = 1;

/// Defaults: how long a run may stand still, and how much memory it may have.
pub(crate) const DEFAULT_PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const DEFAULT_MEMORY: u64 = 4 << 30;

/// The most runs of one command: more are a slip of the finger.
const MOST: u128 = 1_000_000;

/// The seeds that a scenario runs with.
pub(crate) fn seeds(input: &ScenarioInput, arguments: &SimArgs) -> Seeds {
    let one = || Seeds::one(arguments.seed.or(input.scenario.seed).unwrap_or(DEFAULT_SEED));
    arguments.seeds.unwrap_or_else(one)
}

/// All runs: scenarios in the order of `inputs`, the seeds of each in order.
///
/// # Errors
/// [`Stop::BadInput`] if they are too many.
pub(crate) fn all<'a>(
    inputs: &'a [ScenarioInput],
    arguments: &'a SimArgs,
    jobs: usize,
) -> Result<Vec<PlannedRun<'a>>, Stop> {
    let count: u128 = inputs.iter().map(|input| seeds(input, arguments).count()).sum();
    if count > MOST {
        return Err(Stop::BadInput(format!(
            "failed to begin: these would be {count} runs\n  help: up to {MOST} go into one \
             folder; take a smaller range of --seeds, or fewer scenarios"
        )));
    }
    let of = |input| {
        seeds(input, arguments).all().map(move |seed| PlannedRun::new(input, seed, arguments, jobs))
    };
    Ok(inputs.iter().flat_map(of).collect())
}

/// One scenario with one seed.
#[derive(Debug)]
pub(crate) struct PlannedRun<'a> {
    /// What runs.
    pub(crate) input: &'a ScenarioInput,
    /// Its seed.
    pub(crate) seed: u64,
    /// Its own folder.
    pub(crate) folder: PathBuf,
    /// The same, from the output folder.
    pub(crate) place: PathBuf,
    /// The options of the command.
    pub(crate) arguments: &'a SimArgs,
    jobs: usize,
}

impl<'a> PlannedRun<'a> {
    fn new(input: &'a ScenarioInput, seed: u64, arguments: &'a SimArgs, jobs: usize) -> Self {
        let place = folder::place(&input.scenario.id, &run_folder(seed, None));
        let folder = arguments.out.join(&place);
        Self { input, seed, folder, place, arguments, jobs }
    }

    /// How it is called where several run.
    pub(crate) fn name(&self) -> String {
        format!("{} seed {}", self.input.scenario.id, self.seed)
    }

    /// Where its record goes.
    pub(crate) fn record(&self) -> PathBuf {
        self.folder.join("record.jsonl")
    }

    /// Where pictures of its worst frames go.
    pub(crate) fn frames(&self) -> PathBuf {
        self.folder.join("frames")
    }

    /// Where its packets go while a second run is held against it.
    pub(crate) fn packets(&self) -> PathBuf {
        self.folder.join("packets.txt")
    }

    /// Where a capture of its packets goes.
    pub(crate) fn capture(&self) -> PathBuf {
        self.folder.join("capture.pcapng")
    }

    /// How many cores are this run's if all that go on at once have as many.
    pub(crate) fn share_of_cores(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        cores.div_ceil(self.jobs)
    }

    /// The arguments of its worker.
    pub(crate) fn worker(&self) -> WorkerArgs {
        WorkerArgs {
            file: self.input.file.clone(),
            seed: self.seed,
            profiles: self.profiles().cloned().collect(),
            media: self.arguments.media,
            record: self.record(),
            frames: (!self.arguments.no_frames).then(|| self.frames()),
            packets: self.arguments.verify.then(|| self.packets()),
            capture: self.arguments.pcap.then(|| self.capture()),
            memory: Some(self.arguments.memory),
            log: self.arguments.log.clone(),
            parent: Some(std::process::id()),
            runs_before: 0,
        }
    }

    /// The devices that are put in place of those of its scenario.
    fn profiles(&self) -> impl Iterator<Item = &'a DeviceChoice> {
        let scenario = &self.input.scenario;
        let has = |device: &&DeviceChoice| scenario.peer(&device.peer).is_some();
        self.arguments.profiles.iter().filter(has)
    }

    /// The line that runs it again.
    pub(crate) fn rerun(&self) -> String {
        // Cargo tells what it runs where it is. Who came by it need not have an installed one.
        let command = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(_) => "cargo run --release --",
            None => "parallax",
        };
        let file = quoted(&self.input.file.display().to_string());
        let mut line = format!("{command} sim {file} --seed {}", self.seed);
        for device in self.profiles() {
            line += &format!(" --profile {}", quoted(&device.to_string()));
        }
        if let Some(media) = self.arguments.media {
            line += &format!(" --media {}", media.name());
        }
        if self.arguments.verify {
            line += " --verify";
        }
        if self.arguments.pcap {
            line += " --pcap";
        }
        // What ends a run early; where it goes (`--out`) is not part of it: there it would replace the others.
        if self.arguments.patience != DEFAULT_PATIENCE {
            line += &format!(" --patience {}", units::format_duration(self.arguments.patience));
        }
        if self.arguments.memory != DEFAULT_MEMORY {
            line += &format!(" --memory {}", units::format_memory(self.arguments.memory));
        }
        line
    }
}

/// A word as a shell takes it.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches as _;

    #[test]
    fn what_is_said_of_defaults_is_what_the_flags_have() {
        let of = |words: &[&str]| {
            let command = <SimArgs as clap::Args>::augment_args(clap::Command::new("sim"));
            let matches = command.get_matches_from(words);
            SimArgs::from_arg_matches(&matches).expect("they are sound")
        };
        let defaults = of(&["sim"]);
        assert_eq!((defaults.patience, defaults.memory), (DEFAULT_PATIENCE, DEFAULT_MEMORY));
    }

    #[test]
    fn a_shell_reads_a_quoted_word_as_it_is() {
        assert_eq!(quoted("fixtures/two-homes.toml"), "fixtures/two-homes.toml");
        assert_eq!(quoted("it's here.toml"), r"'it'\''s here.toml'");
        assert_eq!(quoted("doorbell=my own.toml"), "'doorbell=my own.toml'");
    }
}
