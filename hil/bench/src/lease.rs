//! Lease, quarantine and holder of a board, as they are written and told.

use parallax_record::foreign::inline;
use serde::{Deserialize, Serialize};
use std::{fmt, time::SystemTime};

/// A lease: a board is one owner's for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Whose it is.
    pub owner: String,
    /// From when, whole seconds; as all times here, of the machine's clock, and written in UTC.
    #[serde(with = "utc")]
    pub from: SystemTime,
    /// Until when.
    #[serde(with = "utc")]
    pub until: SystemTime,
}

impl Lease {
    /// What it is to an owner.
    pub fn standing(&self, now: SystemTime, who: &str) -> Standing {
        if self.until <= now {
            Standing::Ended
        } else if self.owner == who {
            Standing::Own
        } else {
            Standing::Anothers
        }
    }

    /// Whose it is, until when, and how long that still is.
    pub fn told(&self, now: SystemTime) -> String {
        let left = self.until.duration_since(now).unwrap_or_default();
        let minutes = left.as_secs().div_ceil(60);
        let (owner, until) = (inline(&self.owner), utc::text(self.until));
        format!("leased to {owner} until {until}, {minutes} min left")
    }
}

/// A lease that has ended.
impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the lease of {} until {}", inline(&self.owner), utc::text(self.until))
    }
}

/// What a lease is to an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing any more: its time is over.
    Ended,
    /// The board is his or hers.
    Own,
    /// The board is another owner's.
    Anothers,
}

/// A quarantine: nothing is to run on the board until it is readmitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// Who says so.
    pub by: String,
    /// Since when.
    #[serde(with = "utc")]
    pub since: SystemTime,
    /// Why.
    pub comment: String,
}

impl fmt::Display for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by, comment) = (inline(&self.by), inline(&self.comment));
        write!(f, "quarantined by {by} since {}: {comment}", utc::text(self.since))
    }
}

/// Who holds a board just now: what stands in its lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Who.
    pub owner: String,
    /// The process.
    pub process: u32,
    /// Since when.
    #[serde(with = "utc")]
    pub since: SystemTime,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, process {}, since {}",
            inline(&self.owner),
            self.process,
            utc::text(self.since)
        )
    }
}

/// Something that was agreed about a board: an entry of its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// When.
    #[serde(with = "utc")]
    pub at: SystemTime,
    /// Who did it.
    pub by: String,
    /// What was done.
    pub what: String,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}  {}", utc::text(self.at), inline(&self.by), inline(&self.what))
    }
}

/// Times as people and files write them: `2026-11-28T14:00:00Z`.
pub(crate) mod utc {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::time::SystemTime;

    pub(crate) fn text(at: SystemTime) -> String {
        humantime::format_rfc3339_seconds(at).to_string()
    }

    pub(super) fn serialize<S: Serializer>(at: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(from)?;
        humantime::parse_rfc3339(&text).map_err(D::Error::custom)
    }
}
