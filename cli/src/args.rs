//! Command-line arguments.

use crate::{
    exit, help,
    log::{self, Filter},
    values::{self, BrowserChoice, DeviceChoice, MediaChoice, Seeds},
};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use parallax_record::{Thresholds, beside::Within};
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

/// The test bench for peer-to-peer video cameras.
///
/// It runs whole camera and viewer stacks under scripted networks, and says whether a viewer
/// connects, how long the first picture takes, and how late every picture is.
#[derive(Debug, Parser)]
// Not the name by which it was called: that may be anything.
#[command(name = "parallax", bin_name = "parallax", version, after_help = exit::listed(exit::CODES))]
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
    /// Say whether scenarios, device profiles and bench files are sound, without running anything
    Check(CheckArgs),
    /// Show what runs came to: a page, pictures, JUnit, Markdown; hold them against a baseline
    Report(ReportArgs),
    /// Run scenarios on a board of a bench, in real time
    Hil(HilArgs),
    /// Show the boards of a bench, and whether they can be driven; lease, quarantine, check them
    Boards(BoardsArgs),
    /// Talk to a board of a bench on its console
    Console(ConsoleArgs),
    /// Show what a bench makes of a recorded console, step by step: to write and test a profile
    Replay(ReplayArgs),
    /// Propose a device profile's stage times from what runs on a bench measured
    Calibrate(CalibrateArgs),
    /// Write a scenario, a bench file and a CI job to start from
    Init(InitArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Run one scenario for a parent
    #[command(hide = true)]
    Worker(WorkerArgs),
    /// Be a board, for a bench
    #[command(hide = true)]
    ProcessBoard(ProcessBoardArgs),
    /// Give a program a network namespace, for a bench
    #[command(hide = true)]
    ProgramBoard(ProcessBoardArgs),
}

/// Run scenarios in simulation: camera, viewer, gateways, links and services in one process, in
/// virtual time. The same scenario and seed give the same record, byte for byte.
#[derive(Debug, Args)]
#[command(after_help = help::SIM.codes(), after_long_help = help::SIM.whole())]
pub(crate) struct SimArgs {
    /// Scenario files, folders of them, or names of those that come with Parallax. Left out: all of
    /// fixtures/scenarios; without such a folder, the built-in scenarios
    #[arg(value_name = "FILE|FOLDER|NAME")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// Seed of all randomness. Left out: the scenario's own, or else 1
    // A negative one is refused as a seed, not as a flag that does not exist.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Run each scenario with each seed from A to B, both included
    #[arg(long, value_name = "A..B", conflicts_with = "seed", allow_hyphen_values = true)]
    #[arg(value_parser = values::seeds)]
    pub(crate) seeds: Option<Seeds>,
    /// Only scenarios whose name contains TEXT; given again: or that one
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
    /// Say what would run, and run nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// The device that a peer is, whatever its scenario says: one of device-profiles, or a file
    /// that ends in .toml; given again: for another peer
    #[arg(long = "profile", value_name = "PEER=NAME", value_parser = values::device)]
    pub(crate) profiles: Vec<DeviceChoice>,
    /// Where media come from, whatever the scenarios say. With prerecorded ones PSNR and SSIM are not
    /// judged: checks of them are skipped and counted
    #[arg(long, value_name = "MODE", value_enum)]
    pub(crate) media: Option<MediaChoice>,
    /// Where the records go
    #[arg(long, value_name = "FOLDER", default_value = "target/parallax")]
    pub(crate) out: PathBuf,
    /// How many runs go on at once. Left out: one for each core
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Run each scenario twice, the second time in another environment and under load: any
    /// difference is an error that names the first record and the first packet that differ
    #[arg(long)]
    pub(crate) verify: bool,
    /// Keep no pictures of the worst frames (a run's `frames` folder)
    #[arg(long)]
    pub(crate) no_frames: bool,
    /// Write no report at the end
    #[arg(long)]
    pub(crate) no_report: bool,
    /// Write all packets of each run to capture.pcapng beside its record, for Wireshark: at hosts,
    /// services and both sides of each gateway, and those dropped, with what decrypts their DTLS
    #[arg(long)]
    pub(crate) pcap: bool,
    /// A run whose own time stands still for so long, by the clock on the wall, is an error
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::patience)]
    pub(crate) patience: Duration,
    /// A run that wants more memory (address space) than this is an error
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = values::memory)]
    pub(crate) memory: u64,
    /// Show what libraries log, on the standard error: `debug`, `warn,rtc_ice=trace`. Without a
    /// filter: info. Before a FILE write --log=FILTER
    #[arg(long, value_name = "FILTER", num_args = 0..=1, default_missing_value = "info")]
    #[arg(value_parser = log::filter)]
    pub(crate) log: Option<Filter>,
}

/// Run scenarios with a board in the place of their camera, in real time: the same network, viewer,
/// services, checks and records as in simulation.
#[derive(Debug, Args)]
#[command(after_help = help::HIL.codes(), after_long_help = help::HIL.whole())]
pub(crate) struct HilArgs {
    /// The bench file; or `virtual`, a bench without hardware that comes with Parallax
    #[arg(long, value_name = "FILE")]
    pub(crate) bench: PathBuf,
    /// Scenario files, folders of them, or names of those that come with Parallax. Left out: all of
    /// fixtures/scenarios; without such a folder, the built-in scenarios. A named scenario that cannot run is inconclusive; one of a folder is reported as not run
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// The board. Left out: the first by name
    #[arg(long, value_name = "NAME")]
    pub(crate) board: Option<String>,
    /// Who the viewer is: a browser, in a network namespace (root, iproute2, chromium). Left out: what the
    /// bench says, or else Parallax's own
    #[arg(long, value_name = "BROWSER", value_enum)]
    pub(crate) viewer: Option<BrowserChoice>,
    /// Seed of the network's randomness. Left out: the scenario's own, or else 1
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Run each scenario with each seed from A to B, both included
    #[arg(long, value_name = "A..B", conflicts_with = "seed", allow_hyphen_values = true)]
    #[arg(value_parser = values::seeds)]
    pub(crate) seeds: Option<Seeds>,
    /// Only scenarios whose name contains TEXT; given again: or that one
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
    /// The device that a peer other than the board is, whatever its scenario says: one of
    /// device-profiles, or a file that ends in .toml; given again: for another peer
    #[arg(long = "profile", value_name = "PEER=NAME", value_parser = values::device)]
    pub(crate) profiles: Vec<DeviceChoice>,
    /// Number of runs of each scenario with each seed. The report shows how far the figures of a board spread, and
    /// which checks pass in some runs alone
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) repeat: u32,
    /// How often an inconclusive run, for example of a lab that was late, is tried again at most. The record
    /// and the report name each attempt
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) retries: u32,
    /// How long to wait for a board that another command drives or another user has leased. Left out: not at all
    #[arg(long, value_name = "DURATION", value_parser = values::span)]
    pub(crate) wait: Option<Duration>,
    /// Do not look whether the board is healthy, before its first run and after one that broke
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Write no report at the end
    #[arg(long)]
    pub(crate) no_report: bool,
    /// Where the records go
    #[arg(long, value_name = "FOLDER", default_value = "target/parallax-hil")]
    pub(crate) out: PathBuf,
    /// Say which scenarios can run and why others cannot, and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Show the boards of a bench, and whether they can be driven; or lease, quarantine or check one.
#[derive(Debug, Args)]
#[command(after_help = help::BOARDS.codes(), after_long_help = help::BOARDS.whole())]
pub(crate) struct BoardsArgs {
    /// The bench
    #[arg(long, value_name = "FILE")]
    pub(crate) bench: PathBuf,
    /// Lease this board: no other user can run on it until the lease ends. Your own lease is renewed; where
    /// another user has one, the command names that user and ends with 11
    #[arg(long, value_name = "NAME", group = "act")]
    pub(crate) lease: Option<String>,
    /// How long a lease lasts
    #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = values::span)]
    #[arg(requires = "lease")]
    pub(crate) span: Duration,
    /// End the lease of this board
    #[arg(long, value_name = "NAME", group = "act")]
    pub(crate) release: Option<String>,
    /// With --release: end another owner's lease; with --quarantine: replace another owner's quarantine. The
    /// command names that owner
    #[arg(long)]
    pub(crate) force: bool,
    /// Keep this board from all runs of all users until it is readmitted
    #[arg(long, value_name = "NAME", group = "act", requires = "comment")]
    pub(crate) quarantine: Option<String>,
    /// Why it is quarantined: everybody who would run on it reads this
    #[arg(long, value_name = "TEXT", requires = "quarantine")]
    pub(crate) comment: Option<String>,
    /// End the quarantine of this board
    #[arg(long, value_name = "NAME", group = "act")]
    pub(crate) readmit: Option<String>,
    /// Show who leased, released, quarantined and readmitted this board, and when
    #[arg(long, value_name = "NAME", group = "act")]
    pub(crate) history: Option<String>,
    /// Put the lease page of this board aside, which cannot be read, and keep what can be read of it
    #[arg(long, value_name = "NAME", group = "act")]
    pub(crate) mend: Option<String>,
    /// Look whether this board is healthy; all boards, if none is named
    #[arg(long, value_name = "NAME", group = "act", num_args = 0..=1)]
    pub(crate) check: Option<Option<String>>,
    /// Where the transcripts of --check go, NAME-health.txt each
    #[arg(long, value_name = "FOLDER", default_value = "target/parallax-boards")]
    pub(crate) out: PathBuf,
    /// Who you are. Left out: what PARALLAX_OWNER says, or else user@host
    #[arg(long, value_name = "WHO", value_parser = values::name)]
    pub(crate) owner: Option<String>,
}

/// Talk to a board of a bench on its console, through the driver that a run has: every byte is in the
/// transcript, and the driver's events are on the standard error.
#[derive(Debug, Args)]
#[command(after_help = help::CONSOLE.codes(), after_long_help = help::CONSOLE.whole())]
pub(crate) struct ConsoleArgs {
    /// The bench file; or `virtual`, a bench without hardware that comes with Parallax
    #[arg(long, value_name = "FILE")]
    pub(crate) bench: PathBuf,
    /// The board
    #[arg(value_name = "NAME")]
    pub(crate) board: String,
    /// Have the board boot, log in and answer first, as a run does; until then no key reaches it
    #[arg(long)]
    pub(crate) ready: bool,
    /// Pass on every byte that the board says. Left out, escape sequences that reach beyond the screen
    /// (clipboard, window title, printer) are written out, and all of them where no terminal is
    #[arg(long)]
    pub(crate) raw: bool,
    /// Where the transcript goes: a new file. Left out: target/parallax-console/NAME-N.txt
    #[arg(long, value_name = "FILE")]
    pub(crate) transcript: Option<PathBuf>,
}

/// Show what the console core makes of a recorded console, step by step, as a board of a profile:
/// states, banners, prompts, logins, deaths, frames and gaps, commands and how they ended, each with
/// its line and its time; and which patterns matched. Nothing is driven.
#[derive(Debug, Args)]
#[command(after_help = help::REPLAY.codes(), after_long_help = help::REPLAY.whole())]
pub(crate) struct ReplayArgs {
    /// A transcript (console.txt of a run), or a log of another program (picocom, minicom, screen)
    #[arg(value_name = "TRANSCRIPT")]
    pub(crate) transcript: PathBuf,
    /// What the board is: one of device-profiles, or a file that ends in .toml
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) profile: String,
}

/// Propose a device profile's stage times (boot, capture, encode) from what runs on a bench measured:
/// a diff against the profile's file on the standard output, and on the standard error each figure
/// before, as measured, and after. Nothing is run, and no file is written unless it is asked for.
#[derive(Debug, Args)]
#[command(after_help = help::CALIBRATE.codes(), after_long_help = help::CALIBRATE.whole())]
pub(crate) struct CalibrateArgs {
    /// Output folders of `parallax hil`, or the folder of one run in it. Runs that are errors, whose device
    /// failed or of which nothing can be said are left out, and told; one whose check failed is not
    #[arg(value_name = "HIL_FOLDER", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// The profile: one of device-profiles, or a file that ends in .toml; runs of other devices are left
    /// out. Left out: the one of device-profiles that the runs name
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) profile: Option<String>,
    /// Write the calibrated profile to this file. A device's name is that of its file
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    pub(crate) out: Option<PathBuf>,
    /// Put the times into the profile's own file
    #[arg(long)]
    pub(crate) write: bool,
}

/// Write files to start from: a scenario, a bench file, the JSON Schema of scenarios for editors, and CI jobs for GitHub
/// and GitLab. No file is overwritten.
#[derive(Debug, Args)]
#[command(after_help = help::INIT.codes(), after_long_help = help::INIT.whole())]
pub(crate) struct InitArgs {
    /// Where they go: the top of your repository, for its CI. It is made if it is not there
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub(crate) folder: PathBuf,
}

/// Print completions for a shell, on the standard output.
#[derive(Debug, Args)]
#[command(after_help = help::COMPLETIONS.codes(), after_long_help = help::COMPLETIONS.whole())]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

/// What a bench tells a process board or a program's helper, as their crates read it.
#[derive(Debug, Args)]
pub(crate) struct ProcessBoardArgs {
    /// As they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<std::ffi::OsString>,
}

/// Say whether scenarios, device profiles and bench files are sound, without running anything. Each
/// mistake is reported with its place and what would be right.
#[derive(Debug, Args)]
#[command(after_help = help::CHECK.codes(), after_long_help = help::CHECK.whole())]
pub(crate) struct CheckArgs {
    /// Scenarios, device profiles, benches and clip manifests, folders of them, or names of shipped
    /// scenarios. Left out: all of fixtures/scenarios; without such a folder, the built-in scenarios
    #[arg(value_name = "FILE|FOLDER")]
    pub(crate) files: Vec<PathBuf>,
}

/// Show what runs came to, from the folders that `sim --out` has left: report.html for people, pictures
/// for issues, junit.xml and summary.md for CI, histograms. Nothing is run.
#[derive(Debug, Args)]
#[command(after_help = help::REPORT.codes(), after_long_help = help::REPORT.whole())]
pub(crate) struct ReportArgs {
    /// Output folders of `parallax sim` or `parallax hil`, or the folder of one run in it
    #[arg(value_name = "RUN_FOLDER", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// Hold the runs against this baseline: a regression beyond a threshold is a failure
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Where simulated and measured runs are given: how far apart they may be, in percent of what was simulated
    /// or by a time, as in 10%,50ms: set-up from the offer on, latency, its stages and the path are held to it. Or, with range,10%: what was measured
    /// lies in the range of the simulated runs (10 at least), each end widened by a share of itself: set-up, latency,
    /// frames lost, time frozen and the path. Beyond it is a failure
    #[arg(long, value_name = "PERCENT,DURATION|range,PERCENT", value_parser = values::within)]
    pub(crate) within: Option<Within>,
    /// Store the runs as the baseline of later ones, in a file for git. Before a folder write
    /// --accept=FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "baseline.json")]
    pub(crate) accept: Option<PathBuf>,
    /// Show this run in full too; given again: and that one. Runs that did not pass and the latest of
    /// each scenario are; all, if they are few
    #[arg(long, value_name = "SCENARIO/seed-N")]
    pub(crate) select: Vec<String>,
    /// Where the report goes. Left out: into the first RUN_FOLDER
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Open the page when it is written
    #[arg(long)]
    pub(crate) open: bool,
    /// Baseline: allowed increase of times and freezes, percent
    #[arg(long, value_name = "PERCENT", default_value_t = Thresholds::default().percent)]
    pub(crate) threshold: u32,
    /// Baseline: times may be worse by this, if the percents are less
    #[arg(long, value_name = "DURATION", default_value = "1ms", value_parser = humantime::parse_duration)]
    pub(crate) threshold_time: Duration,
    /// Baseline: allowed increase of lost frames, of 1,000,000
    #[arg(long, value_name = "PPM", default_value_t = Thresholds::default().lost_ppm)]
    #[arg(value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    pub(crate) threshold_lost: i64,
    /// Baseline: allowed decrease of the PSNR, thousandths of a decibel
    #[arg(long, value_name = "MILLIDB", default_value_t = Thresholds::default().psnr_millidb)]
    #[arg(value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    pub(crate) threshold_psnr: i64,
}

impl ReportArgs {
    /// How much worse a run may be than the baseline.
    pub(crate) fn thresholds(&self) -> Thresholds {
        Thresholds {
            percent: self.threshold,
            least_us: i64::try_from(self.threshold_time.as_micros()).unwrap_or(i64::MAX),
            lost_ppm: self.threshold_lost,
            psnr_millidb: self.threshold_psnr,
        }
    }
}

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
    /// Devices that peers of the scenario are.
    #[arg(long = "profile", value_parser = values::device)]
    pub(crate) profiles: Vec<DeviceChoice>,
    /// Where media come from, whatever the scenario says.
    #[arg(long, value_enum)]
    pub(crate) media: Option<MediaChoice>,
    /// Where the record goes.
    #[arg(long)]
    pub(crate) record: PathBuf,
    /// The folder where pictures of the worst frames go.
    #[arg(long)]
    pub(crate) frames: Option<PathBuf>,
    /// Where a line for each packet goes.
    #[arg(long)]
    pub(crate) packets: Option<PathBuf>,
    /// Where a capture of its packets goes.
    #[arg(long)]
    pub(crate) capture: Option<PathBuf>,
    /// The most address space it may have, bytes. Left out: what the system allows.
    #[arg(long)]
    pub(crate) memory: Option<u64>,
    /// Filter of the libraries' logs.
    #[arg(long, value_parser = log::filter)]
    pub(crate) log: Option<Filter>,
    /// The process that waits for it. Left out: none.
    #[arg(long)]
    pub(crate) parent: Option<u32>,
    /// Run it so often before, in this process, without a record: for the test build alone.
    #[arg(long, default_value_t = 0)]
    pub(crate) runs_before: u32,
}
