//! Page of a board in the lease database: its lease, quarantine and history, and the rules by which they change. Pure:
//! decided from the page, the time and who asks.

use crate::lease::{Act, Lease, Quarantine, Standing, utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::{Duration, SystemTime};

/// Acts that are kept.
const ACTS_MOST: usize = 50;

/// What is written of a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// What it is known by: a name that stays, if it has one.
    pub(crate) board: String,
    /// Its other names that stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) also: Vec<String>,
    pub(crate) lease: Option<Lease>,
    pub(crate) quarantine: Option<Quarantine>,
    /// What was done, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) history: Vec<Act>,
}

impl Page {
    /// Of a board about which nothing is agreed.
    pub(crate) fn new(board: String, also: Vec<String>) -> Self {
        Self { board, also, lease: None, quarantine: None, history: Vec::new() }
    }

    /// What can be read of the text of a page that is broken: each part that is whole by itself.
    pub(crate) fn salvage(self, text: &str) -> Self {
        let Ok(table) = text.parse::<toml::Table>() else { return self };
        fn part<T: DeserializeOwned>(table: &toml::Table, name: &str) -> Option<T> {
            table.get(name)?.clone().try_into().ok()
        }
        let acts = table.get("history").and_then(toml::Value::as_array);
        let acts = acts.into_iter().flatten().filter_map(|act| act.clone().try_into().ok());
        let (lease, quarantine) = (part(&table, "lease"), part(&table, "quarantine"));
        Self { lease, quarantine, history: acts.collect(), ..self }
    }

    /// Enters what was done.
    pub(crate) fn enter(&mut self, at: SystemTime, by: &str, what: String) {
        self.history.push(Act { at, by: by.to_owned(), what });
        self.history.drain(..self.history.len().saturating_sub(ACTS_MOST));
    }

    /// Two pages that turned out to be of one board: the lease that ends later counts, and the older quarantine.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        let later = |lease: &Option<Lease>| lease.as_ref().map(|lease| lease.until);
        if later(&other.lease) > later(&self.lease) {
            self.lease = other.lease;
        }
        self.quarantine = match (self.quarantine, other.quarantine) {
            (Some(own), Some(other)) if other.since < own.since => Some(other),
            (own, other) => own.or(other),
        };
        self.also.extend([other.board].into_iter().chain(other.also));
        self.history.extend(other.history);
        self.history.sort_by_key(|act| act.at);
        self
    }

    /// Leases it to an owner, in the place of the owner's standing lease, or of one that is over; or
    /// tells whose it is. The lease, and what it replaced.
    pub(crate) fn lease(
        &mut self,
        owner: &str,
        now: SystemTime,
        span: Duration,
    ) -> Result<(Lease, Option<Lease>), Lease> {
        if let Some(lease) = &self.lease
            && lease.standing(now, owner) == Standing::Anothers
        {
            return Err(lease.clone());
        }
        let lease = Lease { owner: owner.to_owned(), from: now, until: now + span };
        self.enter(now, owner, format!("leased it until {}", utc::text(lease.until)));
        let before = self.lease.replace(lease.clone());
        Ok((lease, before))
    }

    /// Quarantines it, in the place of a quarantine by the same person, or by force of another's, which is
    /// told if it stands. What was replaced.
    pub(crate) fn quarantine(
        &mut self,
        why: Quarantine,
        force: bool,
    ) -> Result<Option<Quarantine>, Quarantine> {
        match &self.quarantine {
            Some(before) if before.by != why.by && !force => Err(before.clone()),
            _ => {
                self.enter(why.since, &why.by.clone(), format!("quarantined it: {}", why.comment));
                Ok(self.quarantine.replace(why))
            }
        }
    }

    /// Ends a quarantine, and tells what it was.
    pub(crate) fn readmit(&mut self, who: &str, now: SystemTime) -> Option<Quarantine> {
        let was = self.quarantine.take();
        if let Some(was) = &was {
            self.enter(now, who, format!("readmitted it; it was {was}"));
        }
        was
    }

    /// Ends a lease; another owner's, which goes on, by force alone. What it was, if there was one.
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
            _ => {
                let was = self.lease.take();
                if let Some(was) = &was {
                    self.enter(now, who, format!("ended {was}"));
                }
                Ok(was)
            }
        }
    }

    /// Takes a lease off whose time is over.
    pub(crate) fn expire(&mut self, now: SystemTime) -> Option<Lease> {
        self.lease.take_if(|lease| lease.until <= now)
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
        Page::new("/dev/ttyUSB0".to_owned(), Vec::new())
    }

    #[test]
    fn a_lease_is_its_owners_until_it_ends_and_then_nobodys() {
        let now = at("2026-11-28T14:00:00Z");
        let mut page = page();
        let (lease, before) = page.lease("anna@lab", now, 2 * HOUR).expect("it is free");
        assert_eq!(before, None);
        assert_eq!(lease.standing(now, "anna@lab"), Standing::Own);
        assert_eq!(lease.standing(now, "ben@lab"), Standing::Anothers);
        assert_eq!(lease.standing(now + 2 * HOUR, "anna@lab"), Standing::Ended);
        let said = lease.told(now + HOUR - Duration::from_secs(1));
        assert_eq!(said, "leased to anna@lab until 2026-11-28T16:00:00Z, 61 min left");
        assert_eq!(page.lease("ben@lab", now + HOUR, HOUR), Err(lease.clone()));
        // Hers is renewed, and may become shorter.
        let (renewed, before) = page.lease("anna@lab", now, HOUR).expect("it is hers");
        assert_eq!(before, Some(lease.clone()), "what it replaces is told");
        assert_eq!(page.expire(now + HOUR - Duration::from_secs(1)), None);
        let (bens, before) = page.lease("ben@lab", now + HOUR, HOUR).expect("it ended");
        assert_eq!((bens.owner.as_str(), before), ("ben@lab", Some(renewed.clone())));
        assert_ne!(renewed, lease);
        assert!(page.expire(now + 2 * HOUR).is_some() && page.lease.is_none());
    }

    #[test]
    fn somebody_elses_lease_ends_by_force_alone() {
        let now = at("2026-11-28T14:00:00Z");
        let mut page = page();
        assert_eq!(page.release("anna", now, false), Ok(None));
        let (lease, _) = page.lease("anna", now, HOUR).expect("it is free");
        assert_eq!(page.release("ben", now, false), Err(lease.clone()));
        assert_eq!(page.release("ben", now, true), Ok(Some(lease.clone())));
        page.lease = Some(lease.clone());
        assert_eq!(page.release("anna", now, false), Ok(Some(lease.clone())));
        page.lease = Some(lease.clone());
        // It is over: no force is needed.
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

    fn quarantine(by: &str, since: SystemTime) -> Quarantine {
        Quarantine { by: by.to_owned(), since, comment: format!("{by}'s reason") }
    }

    #[test]
    fn somebody_elses_quarantine_is_replaced_by_force_alone_and_all_that_was_done_is_kept() {
        let now = at("2026-11-28T14:00:00Z");
        let mut page = page();
        let [annas, again, bens] = [("anna", 0), ("anna", 1), ("ben", 2)]
            .map(|(by, hours)| quarantine(by, now + hours * HOUR));
        assert_eq!(page.quarantine(annas.clone(), false), Ok(None));
        assert_eq!(page.quarantine(again.clone(), false), Ok(Some(annas)), "her own");
        assert_eq!(page.quarantine(bens.clone(), false), Err(again.clone()));
        assert_eq!(page.quarantine(bens.clone(), true), Ok(Some(again)));
        assert_eq!(page.readmit("carol", now + 3 * HOUR), Some(bens));
        assert_eq!(page.readmit("carol", now + 3 * HOUR), None);
        let told: Vec<_> = page.history.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "2026-11-28T14:00:00Z  anna  quarantined it: anna's reason",
                "2026-11-28T15:00:00Z  anna  quarantined it: anna's reason",
                "2026-11-28T16:00:00Z  ben  quarantined it: ben's reason",
                "2026-11-28T17:00:00Z  carol  readmitted it; it was quarantined by ben since 2026-11-28T16:00:00Z: \
                 ben's reason",
            ]
        );
        for _ in 0..ACTS_MOST {
            page.enter(now, "dora", "more".to_owned());
        }
        assert_eq!(page.history.len(), ACTS_MOST, "the oldest go");
    }

    #[test]
    fn of_a_broken_page_each_part_is_kept_that_can_be_read() {
        let now = at("2026-11-28T14:00:00Z");
        let mut page = page();
        page.lease("anna", now, HOUR).expect("it is free");
        page.quarantine(quarantine("ben", now), false).expect("it is free");
        let text = toml::to_string(&page).expect("TOML");
        let read = |text: &str| self::page().salvage(text);
        assert_eq!(read(&text), page);
        let newer = read(&format!("colour = 7\n{text}"));
        assert_eq!(newer, page, "what only a newer version knows is lost");
        let torn = read(&text.replace("28T15", "38T15"));
        assert_eq!((torn.lease, torn.quarantine), (None, page.quarantine.clone()));
        assert_eq!(torn.history.len(), 2);
        for cut in 0..text.len() {
            let left = read(text.get(..cut).unwrap_or_default());
            assert!(left.lease.is_none() || left.lease == page.lease, "{cut}");
            assert!(left.history.len() <= 2, "{cut}");
        }
    }

    #[test]
    fn two_pages_of_one_board_become_one() {
        let now = at("2026-11-28T14:00:00Z");
        let [mut one, mut two] = [page(), Page::new("/dev/serial/by-id/a".to_owned(), Vec::new())];
        one.lease("anna", now, HOUR).expect("it is free");
        two.lease("ben", now, 2 * HOUR).expect("it is free");
        two.quarantine(quarantine("ben", now), false).expect("it is free");
        let both = one.merge(two.clone());
        assert_eq!((&both.lease, &both.quarantine), (&two.lease, &two.quarantine));
        assert_eq!((both.history.len(), both.also), (3, vec![two.board]));
    }
}
