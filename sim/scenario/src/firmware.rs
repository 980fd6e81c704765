//! The firmware that a device runs, where it is not Parallax's own: what is typed to it, and what its
//! log says. Plain values; whoever drives a board reads the patterns.

use crate::{
    from_value::{FromValue, fill},
    key::{keys, pattern, sentence},
    origin::{Origin, PROVENANCE, SOURCE, origin},
    table::{Reader, Value},
};

keys! {
    FIRMWARE: "[firmware]" {
        /// Which it is, with its version.
        name: sentence("text");
        /// What starts it.
        start: sentence("command"), absent "it starts with the device";
        /// What has it join where its viewer waits.
        join: sentence("command"), absent "its start does";
        /// What ends it.
        stop: sentence("command, or `\"^C\"`"), absent "only the power ends it";
        /// What it says when it runs.
        started: pattern("array of up to 64 patterns"), default [];
        /// What it says when it is where its viewer finds it.
        joined: pattern("array of up to 64 patterns"), default [];
        /// What it says when its peer connection is up.
        connected: pattern("array of up to 64 patterns"), default [];
        /// What it says when it has sent its first frame.
        first_frame: pattern("array of up to 64 patterns"), default [];
        /// What it says when its peer connection is over.
        disconnected: pattern("array of up to 64 patterns"), default [];
        /// What it says when something went wrong.
        failed: pattern("array of up to 64 patterns"), default [];
        ..PROVENANCE;
        ..SOURCE;
    }
}

/// What is typed to a firmware, and what its log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareTraits {
    /// Which it is.
    pub name: String,
    /// What starts it; none: it starts with the device.
    pub start: Option<String>,
    /// What has it join where its viewer waits; none: its start does.
    pub join: Option<String>,
    /// What ends it; none: only the power does.
    pub stop: Option<String>,
    /// Patterns of what it says when it runs.
    pub started: Vec<String>,
    /// Patterns of what it says when it is where its viewer finds it.
    pub joined: Vec<String>,
    /// Patterns of what it says when its peer connection is up.
    pub connected: Vec<String>,
    /// Patterns of what it says when it has sent its first frame.
    pub first_frame: Vec<String>,
    /// Patterns of what it says when its peer connection is over.
    pub disconnected: Vec<String>,
    /// Patterns of what it says when something went wrong.
    pub failed: Vec<String>,
    /// Where all that comes from.
    pub origin: Origin,
}

impl FromValue for FirmwareTraits {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let table = value.table(reader, &FIRMWARE)?;
        let origin = origin(reader, &table);
        fill!(reader, table => Self {
            name, start, join, stop,
            started, joined, connected, first_frame, disconnected, failed;
            origin: origin?
        })
    }
}
