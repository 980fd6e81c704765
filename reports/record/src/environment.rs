//! Where and when something ran: `environment.json`, the one file that differs from machine to
//! machine.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The machine, the tools and the wall time of one call of the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The version of this format: [`SCHEMA`](crate::SCHEMA).
    #[cfg_attr(feature = "schema", schemars(extend("const" = crate::SCHEMA)))]
    pub schema: u32,
    /// The version of Parallax.
    pub parallax_version: String,
    /// Operating system and its version.
    pub os: String,
    /// The processor's architecture.
    pub arch: String,
    /// The compiler that built Parallax, as it names itself.
    pub rustc: String,
    /// The C++ compiler that built the codec, as it names itself.
    pub cxx: String,
    /// Whether it was built with optimisation.
    pub optimised: bool,
    /// Processors that the process may use.
    pub cores: u32,
    /// When it began: RFC 3339, UTC.
    pub started_at: String,
    /// How long it took, microseconds of wall time.
    pub wall_duration_us: u64,
    /// The command and its arguments.
    pub command_line: Vec<String>,
    /// How long each run took, microseconds of wall time, by its folder: `two-homes/seed-1`.
    #[serde(default)]
    pub runs_wall_us: BTreeMap<String, u64>,
}
