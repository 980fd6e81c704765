//! Reading a scenario: from TOML to a scenario that is complete and makes sense.

mod addresses;
mod boot;
pub(crate) mod camera;
pub(crate) mod check;
pub(crate) mod congestion;
pub(crate) mod event;
pub(crate) mod ice;
pub(crate) mod peer;
pub(crate) mod site;
pub(crate) mod viewer;
mod whole;

use crate::{
    document,
    error::{Problem, Rank, ScenarioErrors},
    files::Profiles,
    key::{H, S, keys, said, sentence, time, words},
    replacement::Replacements,
    scenario::Scenario,
    table::{Place, Reader, Table, Value},
    units,
};
use core::time::Duration;
use parallax_record::{MediaMode, Name, ScenarioFile};
use sha2::{Digest, Sha256};

keys! {
    TOP: "(top)" {
        /// The version of this format.
        schema: said("`1`");
        /// What the scenario is, in a few words.
        title: sentence("text, not empty");
        /// Why it matters: what a pass tells.
        why: sentence("text, not empty");
        /// How long the run takes, in its own time.
        duration: time(S, H);
        /// The seed of the run, unless the command names another.
        seed: said("text of digits, `\"0\"` to `\"18446744073709551615\"`"), absent "the command's `--seed`";
        /// Whether frames are encoded and decoded during the run, or a recording is sent as it is.
        media: words(&["live", "prerecorded"]), default "live";
        /// Homes and offices.
        site: said("table `[site.NAME]`, 1 to 256");
        /// Cameras and viewers, in their sites.
        peer: said("table `[peer.NAME]`, 1 to 256");
        /// What stands in the core of the network.
        services: said("table `[services]`"), absent "all of them run";
        /// What is done to the run while it goes: faults, and changes of the network.
        event: said("table `[event.NAME]`, up to 4096"), absent "nothing happens";
        /// What is judged, one or more.
        check: said("array `[[check]]`");
    }
}

/// Most sites, and most peers, of a scenario.
pub(crate) const MOST: usize = 256;
/// Scripted events: a link's capacity, measured each 200 ms, for 13 minutes.
pub(crate) const MOST_EVENTS: usize = 4_096;

/// Reads a scenario. `name` is the file as messages show it; the scenario is named after its stem.
///
/// # Errors
/// With everything that is wrong with it or with a profile that it names, most helpful first.
pub fn parse(name: &str, text: &str, profiles: &dyn Profiles) -> Result<Scenario, ScenarioErrors> {
    parse_with(name, text, profiles, &Replacements::default())
}

/// As [`parse`], with some peers being other devices than the scenario says, or its media coming
/// from elsewhere. Both must be up to what the scenario asks, as what it names itself must be.
///
/// # Errors
/// As [`parse`], and if something is not up to it.
pub fn parse_with(
    name: &str,
    text: &str,
    profiles: &dyn Profiles,
    replacements: &Replacements,
) -> Result<Scenario, ScenarioErrors> {
    let id = id(name)?;
    let file = ScenarioFile {
        name: document::base_name(name).to_owned(),
        sha256: hex::encode(Sha256::digest(text.as_bytes())),
    };
    document::read((name, text), None, &TOP, |reader, top| {
        read(reader, (id, file), &top, profiles, replacements)
    })
}

fn read(
    reader: &mut Reader,
    (id, file): (Name, ScenarioFile),
    top: &Table<'_>,
    profiles: &dyn Profiles,
    replacements: &Replacements,
) -> Option<Scenario> {
    let schema = document::schema(reader, top);
    let (title, why) = (top.read(reader, "title"), top.read(reader, "why"));
    let duration: Option<Duration> = top.read(reader, "duration");
    let seed = top.read_by(reader, "seed", seed);
    let media: Option<MediaMode> = top.read(reader, "media");
    let media = media.map(|media| replacements.media.unwrap_or(media));
    let sites = top.get(reader, "site").map(|value| named(reader, value, "site"));
    let sites = sites.map(|sites| site::read(reader, sites));
    let peers = top.get(reader, "peer").map(|value| named(reader, value, "peer"));
    let peers = peers.map(|peers| peer::read(reader, peers, replacements, (profiles, media)));
    let services = site::services(reader, top);
    let events = top.get(reader, "event").map(|value| named(reader, value, "event"));
    let events = events.map(|events| event::read(reader, events)).unwrap_or_default();
    let checks = top.get(reader, "check").and_then(|value| value.items(reader));
    let checks = checks.map(|checks| check::read(reader, checks));
    if !reader.problems.is_empty() {
        // Values that do not go together are told once each is right by itself.
        return None;
    }
    let (duration, checks) = (duration?, checks?);
    let drafts = peers?;
    let placed = addresses::assign(reader, sites?, &drafts, services?)?;
    whole::peers(reader, &placed.peers, &drafts)?;
    whole::requests(reader, &drafts, duration)?;
    whole::signalling(reader, &placed, &drafts)?;
    let events = event::hold(reader, events, duration, &placed)?;
    let checks = whole::checks(reader, checks, (duration, replacements.boots), &events, &placed)?;
    Some(Scenario {
        schema: schema?,
        id,
        file,
        title: title?,
        why: why?,
        duration,
        seed: seed?,
        media: media?,
        sites: placed.sites,
        peers: placed.peers,
        services: placed.services,
        events,
        checks,
    })
}

/// The entries of a table whose keys are names, in the order of the file.
fn named<'a>(reader: &mut Reader, value: Value<'a>, what: &str) -> Vec<(String, Value<'a>)> {
    let place = value.place.clone();
    let before = reader.problems.len();
    if value.is_array() {
        let help = format!("write `[{what}.NAME]`, with a name for each, instead of `[[{what}]]`");
        reader.note(Rank::Value, &place, "each of them has a name", "without names", help);
        return Vec::new();
    }
    let mut entries = Table::in_order(value, reader);
    if entries.is_empty() && reader.problems.len() == before {
        let message = format!("there is no {what}");
        reader.note(Rank::Missing, &place, &message, "empty", format!("add `[{what}.NAME]`"));
    }
    let most = if what == "event" { MOST_EVENTS } else { MOST };
    if entries.len() > most {
        let message = format!("there are {} of them", entries.len());
        let help = format!("a scenario has up to {most} {what}s");
        reader.note(Rank::Value, &entries[most].1, &message, "one too many", help);
        entries.truncate(most);
    }
    entries
        .into_iter()
        .filter(|(name, place, _)| sound_name(reader, name, place))
        .map(|(name, place, value)| (name, Value::new(place, value)))
        .collect()
}

/// Names are part of places in the record, of random streams and of file names.
fn sound_name(reader: &mut Reader, name: &str, place: &Place) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let sound = name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(letters);
    if !sound {
        let help = "write small letters, digits and `-`, beginning with a letter, up to 32";
        reader.note(Rank::Value, place, "this is not a name", "not a name", help);
    }
    sound
}

fn seed(reader: &mut Reader, value: Value<'_>) -> Option<u64> {
    let text = value.text(reader)?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seed = text.parse().ok().filter(|_| digits);
    if seed.is_none() {
        let message = format!("{} is not a seed", units::shown(&text));
        let help =
            format!("write a whole number from 0 to {} in quotes, such as `\"7\"`", u64::MAX);
        reader.note(Rank::Value, &value.place, &message, "not a seed", help);
    }
    seed
}

/// The name of a scenario: that of its file. Folders are called after it.
fn id(file: &str) -> Result<Name, ScenarioErrors> {
    let stem = document::stem(file);
    Name::new(&stem).map_err(|error| {
        let message = format!("{file}: a scenario cannot have this file name: {error}");
        let like = Name::like(&stem).map_or_else(|| "my-scenario".to_owned(), String::from);
        let cure = format!(
            "its records go into a folder of that name: rename the file, for example to {like}.toml"
        );
        Problem::of_file(message, cure).into()
    })
}
