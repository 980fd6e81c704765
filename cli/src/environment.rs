//! Environment of a command: place, time, versions.

use parallax_record::{Environment, SCHEMA};
use std::{
    collections::BTreeMap,
    fs,
    time::{Instant, SystemTime},
};

/// The version of Parallax.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The compiler that built Parallax.
pub(crate) const RUSTC: &str = env!("PARALLAX_RUSTC");
/// The C++ compiler that built the codec.
pub(crate) const CXX: &str = env!("PARALLAX_CXX");

/// How long each run took, microseconds of wall time, by its folder: `two-homes/seed-1`.
pub(crate) type Walls = BTreeMap<String, u64>;

/// A stopwatch for the wall time of the command.
#[derive(Debug)]
pub(crate) struct Started {
    at: SystemTime,
    instant: Instant,
}

impl Started {
    /// Now.
    pub(crate) fn now() -> Self {
        Self { at: SystemTime::now(), instant: Instant::now() }
    }

    /// The environment, with the time since then, and how long each run took.
    pub(crate) fn environment(&self, runs_wall_us: Walls) -> Environment {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Environment {
            schema: SCHEMA,
            parallax_version: VERSION.to_owned(),
            os: os(),
            arch: std::env::consts::ARCH.to_owned(),
            rustc: RUSTC.to_owned(),
            cxx: CXX.to_owned(),
            optimised: !cfg!(debug_assertions),
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            started_at: humantime::format_rfc3339_seconds(self.at).to_string(),
            wall_duration_us: u64::try_from(self.instant.elapsed().as_micros()).unwrap_or(u64::MAX),
            command_line: std::env::args_os()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            runs_wall_us,
        }
    }
}

/// The system and its version, as far as it tells.
fn os() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}
