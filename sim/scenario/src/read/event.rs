//! Reading events: what is done to a run, and whether it can be done there and then.

use super::{
    addresses::Placed,
    site::{CHANGE_LINK, LinkChange},
};
use crate::{
    error::Rank,
    from_value::FromValue,
    key::{FOREVER, H, Keys, Kind, keys, said, whole_ms, words},
    scenario::Peer,
    table::{Place, Reader, Table, Value},
    units::format_duration,
};
use core::time::Duration;
use parallax_spec::{
    Action, LinkConfig, LinkDirection, PeerCondition, ScriptedEvent, ServiceKind, Site, micros,
};
use std::collections::BTreeMap;

/// Tables of events, in the order in which they are documented.
pub(crate) const TABLES: &[&Keys] = &[&EVENT, &POWER_LOSS, &PAUSE_CAMERA, &CHANGE_LINK];

const ONE_ACTION: &str = "exactly one of these in each event";
const SERVICE: Kind = words(&["stun", "turn", "rendezvous"]);

keys! {
    EVENT: "[event.NAME]" {
        /// When it begins, in the run's time; before what peers do at that time.
        at: whole_ms(0, FOREVER).and(", within the run");
        /// The server is gone without a word: what is sent to it vanishes.
        kill: SERVICE, absent ONE_ACTION;
        /// The server starts over, killed before or not; it has forgotten everything but how many sessions it has
        /// numbered.
        restart: SERVICE, absent ONE_ACTION;
        /// A peer loses its power, without a word.
        power_loss: said("table"), absent ONE_ACTION;
        /// A camera captures no frame; its sessions go on.
        pause_camera: said("table"), absent ONE_ACTION;
        /// A link of a site becomes another one.
        change_link: said("table"), absent ONE_ACTION;
        /// Its gateway starts over, in no time; it has forgotten its mappings.
        reboot_gateway: said("name of a site"), absent ONE_ACTION;
    } later {
        change_address: "changes of a peer's address";
        handover: "changes of a peer's site";
        change_gateway: "changes of a gateway's behaviour";
    }
}

keys! {
    POWER_LOSS: "power_loss" {
        /// It keeps what is in flash: certificate, token, counts. All else is lost.
        peer: said("name of a peer");
        /// How long it is off; then it boots, for as long as its profile says.
        lasts: whole_ms(1, H), absent "it stays off";
    }
}

keys! {
    PAUSE_CAMERA: "pause_camera" {
        /// Simulated or in the lab: a board is not told of events.
        peer: said("name of a camera");
        /// Then it captures again; its frames are numbered on.
        lasts: whole_ms(1, H), absent "to the end";
    }
}

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
    ("kill", |reader, value| at_once(reader, value, |service| Action::Kill { service })),
    ("restart", |reader, value| at_once(reader, value, |service| Action::Restart { service })),
    ("power_loss", |reader, value| {
        on_peer(reader, value, &POWER_LOSS, |peer| Action::PowerLoss { peer })
    }),
    ("pause_camera", |reader, value| {
        on_peer(reader, value, &PAUSE_CAMERA, |peer| Action::PauseCamera { peer })
    }),
    ("change_link", change_link),
    ("reboot_gateway", |reader, value| {
        at_once(reader, value, |site| Action::RebootGateway { site })
    }),
];

pub(super) fn read(reader: &mut Reader, events: Vec<(String, Value<'_>)>) -> Vec<EventDraft> {
    events.into_iter().filter_map(|(name, value)| event(reader, name, value)).collect()
}

fn event(reader: &mut Reader, name: String, value: Value<'_>) -> Option<EventDraft> {
    let table = value.table(reader, &EVENT)?;
    let at = table.read(reader, "at");
    let said = action(reader, &table)?;
    Some(EventDraft { name, at: at?, said })
}

/// The one action of an event.
fn action(reader: &mut Reader, table: &Table<'_>) -> Option<Said> {
    let mut given: Vec<_> = ACTIONS.iter().filter(|(key, _)| table.has(key)).collect();
    given.sort_by_key(|(key, _)| table.place_of(key).map(|place| place.span.start));
    let Some((first, read)) = given.first() else {
        if table.has_strange_keys() {
            // What was meant has been told of already.
            return None;
        }
        let all = ACTIONS.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(", ");
        let help = format!("add one of: {all}");
        return reader.refuse(Rank::Missing, &table.place, "nothing is done", "no action", help);
    };
    if let Some((second, _)) = given.get(1) {
        let place = table.place_of(second)?;
        let message = format!("this event does `{first}` already");
        let help = "write an `[event.NAME]` for each";
        return reader.refuse(Rank::Value, &place, &message, "a second action", help);
    }
    let value = table.get(reader, first)?;
    read(reader, value)
}

/// An action in no time.
fn at_once<T: FromValue>(
    reader: &mut Reader,
    value: Value<'_>,
    action: fn(T) -> Action,
) -> Option<Said> {
    let (target, place) = FromValue::from_value(reader, value)?;
    Some(Said::at_once(action(target), place))
}

/// An action that keeps a peer in a condition.
fn on_peer(
    reader: &mut Reader,
    value: Value<'_>,
    keys: &'static Keys,
    action: fn(String) -> Action,
) -> Option<Said> {
    let table = value.table(reader, keys)?;
    let (peer, lasts) = (table.read(reader, "peer"), table.read(reader, "lasts"));
    let (peer, place) = peer?;
    Some(Said { lasts: lasts?, ..Said::at_once(action(peer), place) })
}

fn change_link(reader: &mut Reader, value: Value<'_>) -> Option<Said> {
    let table = value.table(reader, &CHANGE_LINK)?;
    let (site, direction) = (table.read(reader, "site"), table.read(reader, "direction"));
    let lasts = table.read(reader, "lasts");
    let change = LinkChange::read(reader, &table)?;
    let (site, target) = site?;
    let action = Action::ChangeLink { site, direction: direction?, link: LinkConfig::default() };
    Some(Said { action, change: Some(change), lasts: lasts?, target })
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
            return reader.refuse(Rank::Whole, place, "the run is over by then", "too late", help);
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
                    return reader.refuse(
                        Rank::Whole,
                        &draft.said.target,
                        &message,
                        "nothing there",
                        help,
                    );
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
            return reader.refuse(Rank::Whole, &draft.said.target, &message, "killed twice", help);
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
        reader.refuse(Rank::Whole, &draft.said.target, &message, "does not run", help)
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
            return reader.refuse_name(&draft.said.target, what, peer, names.into_iter());
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
            return reader.refuse(Rank::Whole, &draft.said.target, &message, "no link there", help);
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
        let mut sites = self.placed.sites.iter();
        let names = sites.clone().map(|site| site.name.as_str());
        let found = sites.find(|site| site.name == name);
        found.or_else(|| reader.refuse_name(&draft.said.target, "site", name, names))
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
    reader.refuse(Rank::Whole, place, &message, "too early", help)
}
