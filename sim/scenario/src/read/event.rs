//! Reading events: what is done to a run, and whether it can be done there and then.

use super::{addresses::Placed, site::LinkChange};
use crate::{
    error::Rank,
    reference::{self, Keys},
    scenario::Peer,
    synonyms::nearest,
    table::{Place, Reader, Table, Value, optional},
    units::{self, format_duration, shown},
};
use core::time::Duration;
use parallax_spec::{
    Action, LinkConfig, LinkDirection, PeerCondition, ScriptedEvent, ServiceKind, Site, micros,
};
use std::collections::BTreeMap;

/// An event as the file gives it, not yet held against the scenario.
pub(super) struct EventDraft {
    name: String,
    at: (Duration, Place),
    said: Said,
}

/// An action as the file gives it.
struct Said {
    /// A link is not yet what the change makes of it.
    action: Action,
    change: Option<LinkChange>,
    lasts: Option<Duration>,
    /// Where it names what it is done to.
    target: Place,
}

impl Said {
    /// An action in no time, named at `target`.
    fn at_once(action: Action, target: Place) -> Self {
        Self { action, change: None, lasts: None, target }
    }
}

/// How to read one kind of action.
type Read = fn(&mut Reader, Value<'_>) -> Option<Said>;

/// Every kind of action: its key, and how to read it.
const ACTIONS: &[(&str, Read)] = &[
    ("kill", kill),
    ("restart", restart),
    ("power_loss", power_loss),
    ("pause_camera", pause_camera),
    ("change_link", change_link),
    ("reboot_gateway", reboot_gateway),
];

pub(super) fn read(reader: &mut Reader, events: Vec<(String, Value<'_>)>) -> Vec<EventDraft> {
    events.into_iter().filter_map(|(name, value)| event(reader, name, value)).collect()
}

fn event(reader: &mut Reader, name: String, value: Value<'_>) -> Option<EventDraft> {
    let table = value.table(reader, &reference::EVENT)?;
    let at = table.get(reader, "at").and_then(|value| {
        value.unit(reader, units::whole_millis).map(|at| (at, value.place.clone()))
    });
    let said = action(reader, &table)?;
    Some(EventDraft { name, at: at?, said })
}

/// The one action of an event.
fn action(reader: &mut Reader, table: &Table<'_>) -> Option<Said> {
    let mut given: Vec<_> = ACTIONS.iter().filter(|(key, _)| table.has(key)).collect();
    given.sort_by_key(|(key, _)| table.key_span(key).map(|span| span.start));
    let Some((first, read)) = given.first() else {
        if table.has_strange_keys() {
            // What was meant has been told of already.
            return None;
        }
        let all = ACTIONS.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(", ");
        let help = format!("add one of: {all}");
        reader.refuse(Rank::Missing, &table.place, "nothing is done", "no action", help);
        return None;
    };
    if let Some((second, _)) = given.get(1) {
        let place = Place { path: table.path(second), span: table.key_span(second)? };
        let message = format!("this event does `{first}` already");
        let help = "write an `[event.NAME]` for each";
        reader.refuse(Rank::Value, &place, &message, "a second action", help);
        return None;
    }
    let value = table.get(reader, first)?;
    read(reader, value)
}

fn lasts(reader: &mut Reader, table: &Table<'_>) -> Option<Option<Duration>> {
    optional(reader, table, "lasts", |reader, value| {
        let range = (Duration::from_millis(1), Duration::from_secs(3_600));
        value.unit_between(reader, units::whole_millis, range, format_duration)
    })
}

fn service(reader: &mut Reader, value: &Value<'_>) -> Option<ServiceKind> {
    value.one_of(reader, &ServiceKind::ALL.map(|service| (service.name(), service)))
}

fn kill(reader: &mut Reader, value: Value<'_>) -> Option<Said> {
    let service = service(reader, &value)?;
    Some(Said::at_once(Action::Kill { service }, value.place))
}

fn restart(reader: &mut Reader, value: Value<'_>) -> Option<Said> {
    let service = service(reader, &value)?;
    Some(Said::at_once(Action::Restart { service }, value.place))
}

fn power_loss(reader: &mut Reader, value: Value<'_>) -> Option<Said> {
    on_peer(reader, value, &reference::POWER_LOSS, |peer| Action::PowerLoss { peer })
}

fn pause_camera(reader: &mut Reader, value: Value<'_>) -> Option<Said> {
    on_peer(reader, value, &reference::PAUSE_CAMERA, |peer| Action::PauseCamera { peer })
}

/// An action that keeps a peer in a condition.
fn on_peer(
    reader: &mut Reader,
    value: Value<'_>,
    keys: &'static Keys,
    action: fn(String) -> Action,
) -> Option<Said> {
    let table = value.table(reader, keys)?;
    let peer = table.get(reader, "peer");
    let peer = peer.and_then(|value| Some((value.text(reader)?, value.place)));
    let lasts = lasts(reader, &table);
    let (peer, place) = peer?;
    Some(Said { lasts: lasts?, ..Said::at_once(action(peer), place) })
}

fn change_link(reader: &mut Reader, value: Value<'_>) -> Option<Said> {
    let table = value.table(reader, &reference::CHANGE_LINK)?;
    let site = table.get(reader, "site");
    let site = site.and_then(|value| Some((value.text(reader)?, value.place)));
    let words = [("up", LinkDirection::Up), ("down", LinkDirection::Down)];
    let direction = table.get(reader, "direction").and_then(|value| value.one_of(reader, &words));
    let lasts = lasts(reader, &table);
    let change = LinkChange::read(reader, &table)?;
    let (site, target) = site?;
    let action = Action::ChangeLink { site, direction: direction?, link: LinkConfig::default() };
    Some(Said { action, change: Some(change), lasts: lasts?, target })
}

fn reboot_gateway(reader: &mut Reader, value: Value<'_>) -> Option<Said> {
    let site = value.text(reader)?;
    Some(Said::at_once(Action::RebootGateway { site }, value.place))
}

/// What has become of the run by the time of an event.
struct State<'p> {
    placed: &'p Placed,
    /// Services that are killed, and by which event.
    killed: BTreeMap<ServiceKind, String>,
    /// Conditions of peers: by which event, and until when.
    conditions: BTreeMap<(String, PeerCondition), (String, Option<Duration>)>,
    /// Changed links, by site and direction: what they are once the change is over, by which event
    /// they changed, and until when if it ends.
    links: BTreeMap<(String, LinkDirection), (LinkConfig, String, Option<Duration>)>,
}

/// Holds events against the scenario, one after the other in the order of time.
pub(super) fn hold(
    reader: &mut Reader,
    mut drafts: Vec<EventDraft>,
    duration: Duration,
    placed: &Placed,
) -> Option<Vec<ScriptedEvent>> {
    // Stable: at one time in the order of the file.
    drafts.sort_by_key(|draft| draft.at.0);
    let mut state = State {
        placed,
        killed: BTreeMap::new(),
        conditions: BTreeMap::new(),
        links: BTreeMap::new(),
    };
    let mut events = Vec::new();
    for draft in drafts {
        let (at, place) = &draft.at;
        if *at >= duration {
            let help = format!("the run goes from `0s` to `{}`", format_duration(duration));
            reader.refuse(Rank::Whole, place, "the run is over by then", "too late", help);
            return None;
        }
        let action = state.action(reader, &draft)?;
        let EventDraft { name, at: (at, _), said } = draft;
        let (at_us, lasts_us) = (micros(at), said.lasts.map(micros));
        events.push(ScriptedEvent { name, at_us, lasts_us, action });
    }
    Some(events)
}

impl State<'_> {
    fn action(&mut self, reader: &mut Reader, draft: &EventDraft) -> Option<Action> {
        match &draft.said.action {
            Action::Kill { service } => self.kill(reader, draft, *service)?,
            Action::Restart { service } => {
                self.runs(reader, draft, *service)?;
                self.killed.remove(service);
            }
            Action::PowerLoss { .. } => self.condition(reader, draft, "peer", |_| true)?,
            Action::PauseCamera { .. } => {
                self.condition(reader, draft, "camera", |peer| peer.camera.is_some())?;
            }
            Action::ChangeLink { site, direction, .. } => {
                let link = self.change_link(reader, draft, (site, *direction))?;
                let (site, direction) = (site.clone(), *direction);
                return Some(Action::ChangeLink { site, direction, link });
            }
            Action::RebootGateway { site: name } => {
                if self.site(reader, draft, name)?.gateway.is_none() {
                    let message = format!("the site `{name}` has no gateway");
                    let help = "name a site with a gateway";
                    reader.refuse(Rank::Whole, &draft.said.target, &message, "nothing there", help);
                    return None;
                }
            }
        }
        Some(draft.said.action.clone())
    }

    fn kill(
        &mut self,
        reader: &mut Reader,
        draft: &EventDraft,
        service: ServiceKind,
    ) -> Option<()> {
        self.runs(reader, draft, service)?;
        if let Some(earlier) = self.killed.insert(service, draft.name.clone()) {
            let message = format!("`{earlier}` has killed it already");
            let help = "restart it in between, or remove this event";
            reader.refuse(Rank::Whole, &draft.said.target, &message, "killed twice", help);
            return None;
        }
        Some(())
    }

    /// Refuses what is done to a service that is not in the scenario.
    fn runs(&self, reader: &mut Reader, draft: &EventDraft, service: ServiceKind) -> Option<()> {
        if self.placed.services.address(service).is_some() {
            return Some(());
        }
        let name = service.name();
        let message = format!("no such server runs in this scenario: `{name}`");
        let help = format!("let `{name}` run in `[services]`, or remove this event");
        reader.refuse(Rank::Whole, &draft.said.target, &message, "does not run", help);
        None
    }

    /// Puts a peer into a condition: one that `can` be, which `what` names.
    fn condition(
        &mut self,
        reader: &mut Reader,
        draft: &EventDraft,
        what: &str,
        can: impl Fn(&Peer) -> bool,
    ) -> Option<()> {
        let (peer, condition) = draft.said.action.condition()?;
        let can = self.placed.peers.iter().filter(|peer| can(peer));
        let names: Vec<_> = can.map(|peer| peer.name.as_str()).collect();
        if !names.contains(&peer) {
            refuse_name(reader, &draft.said.target, what, peer, &names);
            return None;
        }
        let begins = draft.at.0;
        let until = draft.said.lasts.map(|lasts| begins + lasts);
        let key = (peer.to_owned(), condition);
        let before = self.conditions.insert(key, (draft.name.clone(), until));
        still_under_way(reader, draft, before, &format!("{condition} then"))
    }

    /// What the link becomes.
    fn change_link(
        &mut self,
        reader: &mut Reader,
        draft: &EventDraft,
        (site, direction): (&str, LinkDirection),
    ) -> Option<LinkConfig> {
        let found = self.site(reader, draft, site)?;
        let Some(original) = found.link(direction) else {
            let message = format!("the site `{site}` has no Internet, and so no such link");
            let help = "name a site with Internet";
            reader.refuse(Rank::Whole, &draft.said.target, &message, "no link there", help);
            return None;
        };
        let key = (site.to_owned(), direction);
        let (before, under_way) = match self.links.get(&key) {
            Some((kept, name, until)) => (kept, until.map(|until| (name.clone(), Some(until)))),
            None => (original, None),
        };
        still_under_way(reader, draft, under_way, "it changes this link too")?;
        let after = draft.said.change.as_ref()?.of(before);
        let until = draft.said.lasts.map(|lasts| draft.at.0 + lasts);
        // Once a change has ended, the link is as it was before.
        let kept = if until.is_some() { before.clone() } else { after.clone() };
        self.links.insert(key, (kept, draft.name.clone(), until));
        Some(after)
    }

    fn site(&self, reader: &mut Reader, draft: &EventDraft, name: &str) -> Option<&Site> {
        let found = self.placed.sites.iter().find(|site| site.name == name);
        if found.is_none() {
            let names: Vec<_> = self.placed.sites.iter().map(|site| site.name.as_str()).collect();
            refuse_name(reader, &draft.said.target, "site", name, &names);
        }
        found
    }
}

/// Refuses an event while an earlier one still goes on: `before` has its name, and its end if it
/// has one.
fn still_under_way(
    reader: &mut Reader,
    draft: &EventDraft,
    before: Option<(String, Option<Duration>)>,
    what: &str,
) -> Option<()> {
    let Some((earlier, until)) = before else { return Some(()) };
    let (at, place) = &draft.at;
    if until.is_some_and(|until| until <= *at) {
        return Some(());
    }
    let message = match until {
        Some(until) => format!("`{earlier}` lasts until {}: {what}", format_duration(until)),
        None => format!("`{earlier}` lasts to the end: {what}"),
    };
    let help = "let this event begin when that one is over";
    reader.refuse(Rank::Whole, place, &message, "too early", help);
    None
}

fn refuse_name(reader: &mut Reader, place: &Place, what: &str, name: &str, known: &[&str]) {
    let all = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let help = match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? {what}s: {all}"),
        None => format!("{what}s: {all}"),
    };
    let message = format!("there is no {what} {}", shown(name));
    reader.refuse(Rank::Whole, place, &message, &format!("no such {what}"), help);
}
