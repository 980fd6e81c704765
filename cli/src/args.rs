//! The arguments.

use crate::exit::{EXIT_CODES, exit_codes};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The test bench for peer-to-peer video cameras.
///
/// It runs whole camera and viewer stacks under scripted networks, and says whether a viewer
/// connects, how long the first picture takes, and how late every picture is.
#[derive(Debug, Parser)]
#[command(name = "parallax", version, after_help = EXIT_CODES)]
pub(crate) struct Parallax {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios in simulation, in virtual time
    Sim(SimArgs),
    /// Run one scenario for a parent
    #[command(hide = true)]
    Worker(WorkerArgs),
}

/// Run scenarios in simulation: camera, viewer, gateways, links and services in one process, in
/// virtual time. The same scenario and seed give the same record, byte for byte.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = SIM_HELP)]
pub(crate) struct SimArgs {
    /// Scenario files, or folders of them. Left out: fixtures/scenarios
    #[arg(value_name = "FILE|FOLDER")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// Seed of all randomness. Left out: the scenario's own, or else 1
    // A negative one is refused as a seed, not as a flag that does not exist.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Where the records go
    #[arg(long, value_name = "FOLDER", default_value = "target/parallax")]
    pub(crate) out: PathBuf,
    /// Run each scenario twice, the second time in another environment and under load: any
    /// difference is an error that names the first record and the first packet that differ
    #[arg(long)]
    pub(crate) verify: bool,
}

const SIM_HELP: &str = concat!(
    "\
Examples:
  parallax sim                                   every scenario in fixtures/scenarios
  parallax sim fixtures/scenarios/two-homes.toml --seed 7
  parallax sim my-scenarios/ --out results/
  parallax sim --verify                          and hold each run against a second one

What it writes, below the folder of --out:
  SCENARIO/seed-N/record.jsonl   all events of the run, one JSON object a line
  summary.json                   verdicts, checks and measurements of all runs
  environment.json               machine, tools and wall time: the one file that differs by machine

",
    exit_codes!()
);

/// Reads a seed.
fn seed(text: &str) -> Result<u64, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        format!("it is not a seed\n  help: write a whole number from 0 to {}", u64::MAX)
    })
}

/// What a parent tells its worker. The scenario's text comes on the standard input.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// The scenario's file, for its name and for messages.
    #[arg(long)]
    pub(crate) file: PathBuf,
    /// The seed.
    #[arg(long)]
    pub(crate) seed: u64,
    /// Where the record goes.
    #[arg(long)]
    pub(crate) record: PathBuf,
    /// Where a line for each packet goes.
    #[arg(long)]
    pub(crate) packets: Option<PathBuf>,
    /// Run it so often before, in this process, without a record: for the test build alone.
    #[arg(long, default_value_t = 0)]
    pub(crate) runs_before: u32,
}
