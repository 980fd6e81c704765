//! What those who share a board have agreed on, and what follows from it: decided from what is written, the
//! time and who asks.

use parallax_record::foreign::inline;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// A board that somebody has for a time.
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
    /// What it is to somebody.
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

/// What a lease is to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing any more: its time is over.
    Ended,
    /// The board is his or hers.
    Own,
    /// The board is somebody else's.
    Anothers,
}

/// A board on which nothing is to run until somebody readmits it.
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

/// What is written of a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// What it is known by.
    pub(crate) board: std::path::PathBuf,
    pub(crate) lease: Option<Lease>,
    pub(crate) quarantine: Option<Quarantine>,
}

impl Page {
    /// Leases it to somebody, in the place of a lease of his or hers that may stand; or tells whose it is.
    pub(crate) fn lease(
        &mut self,
        owner: &str,
        now: SystemTime,
        span: Duration,
    ) -> Result<Lease, Lease> {
        if let Some(lease) = &self.lease
            && lease.standing(now, owner) == Standing::Anothers
        {
            return Err(lease.clone());
        }
        let lease = Lease { owner: owner.to_owned(), from: now, until: now + span };
        self.lease = Some(lease.clone());
        Ok(lease)
    }

    /// Ends a lease; somebody else's, which goes on, by force alone. What it was, if there was one.
    pub(crate) fn release(
        &mut self,
        who: &str,
        now: SystemTime,
        force: bool,
    ) -> Result<Option<Lease>, Lease> {
        match &self.lease {
            Some(lease) if !force && lease.standing(now, who) == Standing::Anothers => {
                Err(lease.clone())
            }
            _ => Ok(self.lease.take()),
        }
    }

    /// Takes a lease off whose time is over.
    pub(crate) fn expire(&mut self, now: SystemTime) -> Option<Lease> {
        self.lease.take_if(|lease| lease.until <= now)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lease.is_none() && self.quarantine.is_none()
    }
}

/// Times as people and files write them: `2026-11-28T14:00:00Z`.
mod utc {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::time::SystemTime;

    pub(super) fn text(at: SystemTime) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(text: &str) -> SystemTime {
        humantime::parse_rfc3339(text).expect("a time")
    }

    fn page() -> Page {
        Page { board: "/dev/ttyUSB0".into(), lease: None, quarantine: None }
    }

    #[test]
    fn a_lease_is_its_owners_until_it_ends_and_then_nobodys() {
        let now = at("2026-11-28T14:00:00Z");
        let mut page = page();
        let lease = page.lease("anna@lab", now, 2 * HOUR).expect("it is free");
        assert_eq!(lease.standing(now, "anna@lab"), Standing::Own);
        assert_eq!(lease.standing(now, "ben@lab"), Standing::Anothers);
        assert_eq!(lease.standing(now + 2 * HOUR, "anna@lab"), Standing::Ended);
        let said = lease.told(now + HOUR - Duration::from_secs(1));
        assert_eq!(said, "leased to anna@lab until 2026-11-28T16:00:00Z, 61 min left");
        assert_eq!(page.lease("ben@lab", now + HOUR, HOUR), Err(lease.clone()));
        // Hers is renewed, and may become shorter.
        let renewed = page.lease("anna@lab", now, HOUR).expect("it is hers");
        assert_eq!(page.expire(now + HOUR - Duration::from_secs(1)), None);
        assert_eq!(page.lease("ben@lab", now + HOUR, HOUR).expect("it ended").owner, "ben@lab");
        assert_ne!(renewed, lease);
        assert!(page.expire(now + 2 * HOUR).is_some() && page.is_empty());
    }

    #[test]
    fn somebody_elses_lease_ends_by_force_alone() {
        let now = at("2026-11-28T14:00:00Z");
        let mut page = page();
        assert_eq!(page.release("anna", now, false), Ok(None));
        let lease = page.lease("anna", now, HOUR).expect("it is free");
        assert_eq!(page.release("ben", now, false), Err(lease.clone()));
        assert_eq!(page.release("ben", now, true), Ok(Some(lease.clone())));
        page.lease = Some(lease.clone());
        assert_eq!(page.release("anna", now, false), Ok(Some(lease.clone())));
        page.lease = Some(lease.clone());
        // It is over: nobody has to be forced.
        assert_eq!(page.release("ben", now + HOUR, false), Ok(Some(lease)));
    }

    #[test]
    fn what_is_written_is_read_again_and_its_times_are_in_utc() {
        let mut page = page();
        page.lease("anna", at("2026-11-28T14:00:00Z"), HOUR).expect("it is free");
        let (by, since) = ("ben".to_owned(), at("2026-11-27T09:30:00Z"));
        let quarantine = Quarantine { by, since, comment: "relay \"sticks\"".to_owned() };
        let told = "quarantined by ben since 2026-11-27T09:30:00Z: relay \"sticks\"";
        assert_eq!(quarantine.to_string(), told);
        page.quarantine = Some(quarantine);
        let text = toml::to_string(&page).expect("TOML");
        assert!(text.contains("until = \"2026-11-28T15:00:00Z\""), "{text}");
        assert_eq!(toml::from_str::<Page>(&text).expect("a page"), page);
        assert!(toml::from_str::<Page>(&text.replace("28T15", "38T15")).is_err());
    }
}
