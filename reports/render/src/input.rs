//! What there is to render: what a shell has read of one or more output folders. Nothing else is
//! ever looked at.

use parallax_record::{Environment, Record, Suite};
use std::collections::BTreeMap;

/// One output folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// How people call it: its path as it was given.
    pub name: String,
    /// Its `summary.json`.
    pub suite: Suite,
    /// Its `environment.json`, if it is there.
    pub environment: Option<Environment>,
    /// Runs that are shown in full: failed, worst and selected ones.
    pub details: Vec<Detail>,
    /// How far the figures come from records.
    pub origin: FolderOrigin,
}

/// Where the figures of a folder come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderOrigin {
    /// How many runs were judged again from their records.
    pub judged_again: u64,
    /// Runs whose record says something else than `summary.json` did: the record counts.
    pub corrections: Vec<String>,
    /// `summary.json` is not there: the runs are those that have a record, and how many were asked for is unknown.
    pub without_summary: bool,
    /// Records that cannot be read, with the cause, where there is no summary.
    pub unreadable: Vec<String>,
}

/// A run that is shown in full.
#[derive(Clone, Debug)]
pub struct Detail {
    /// Which of the suite's runs, from 0.
    pub run: usize,
    /// Its record.
    pub record: Record,
    /// The pictures of its worst frames that are there, as PNG, by file name
    /// ([`WorstFrame::files`](parallax_record::WorstFrame::files)).
    pub pictures: BTreeMap<String, Vec<u8>>,
}
