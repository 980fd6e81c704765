//! The firmware that a device runs, where it is not Parallax's own: what is typed to it, and what its
//! log says. Plain values; whoever drives a board reads the patterns.

use crate::{
    console::{pattern, several},
    origin::{Origin, origin},
    table::{Reader, Table, optional},
};

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

pub(crate) fn read(reader: &mut Reader, table: &Table<'_>) -> Option<FirmwareTraits> {
    let name = table.get(reader, "name").and_then(|value| value.words(reader));
    let mut command = |key| optional(reader, table, key, |reader, value| value.words(reader));
    let (start, join, stop) = (command("start"), command("join"), command("stop"));
    let mut said = |key| several(reader, table, key, |reader, value| pattern(reader, &value));
    let (started, joined, connected) = (said("started"), said("joined"), said("connected"));
    let (first_frame, disconnected) = (said("first_frame"), said("disconnected"));
    let failed = said("failed");
    let origin = origin(reader, table);
    Some(FirmwareTraits {
        name: name?,
        start: start?,
        join: join?,
        stop: stop?,
        started: started?,
        joined: joined?,
        connected: connected?,
        first_frame: first_frame?,
        disconnected: disconnected?,
        failed: failed?,
        origin: origin?,
    })
}
