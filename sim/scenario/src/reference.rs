//! Reference of all keys: the tables of scenarios, profiles and manifests. `tests/reference.rs` generates the pages of
//! `docs/reference` from it.

pub use crate::key::{Absent, Key, Keys, Kind};
use crate::{
    clip, console, firmware, origin, profile,
    read::{self, camera, check, congestion, event, ice, peer, site, viewer},
    stage,
};
use std::sync::LazyLock;

/// Tables of a scenario, in the order in which they are documented.
pub static SCENARIO: LazyLock<Vec<&Keys>> = LazyLock::new(|| {
    let peers = [&peer::PEER, &camera::CAMERA, &congestion::CONGESTION_CONTROL, &camera::VIDEO];
    let viewers = [&viewer::VIEWER, &viewer::JITTER_BUFFER, &viewer::NACK, &ice::ICE];
    [&[&read::TOP], site::TABLES, &peers, &viewers, event::TABLES, check::TABLES].concat()
});

/// Tables of a device profile, in the order in which they are documented.
pub const PROFILE: &[&Keys] = &[
    &profile::PROFILE_TOP,
    &profile::SET_UP,
    &profile::ABILITY_CAMERA,
    &profile::ABILITY_VIEWER,
    &console::CONSOLE,
    &firmware::FIRMWARE,
    &origin::FIGURE,
    &stage::STAGE,
    &stage::OCCUPANCY,
];

/// The table of a clip's manifest.
pub const CLIP: &[&Keys] = &[&clip::CLIP_TOP];

/// A section in Markdown for each table, for the pages of `docs/reference`.
pub fn sections(tables: &[&Keys]) -> String {
    let mut page = String::new();
    for table in tables {
        let heading = match table.place {
            "(top)" => "Top of the file".to_owned(),
            place if place.starts_with("a ") => place.to_owned(),
            place => format!("`{place}`"),
        };
        page.push_str(&format!(
            "\n## {heading}\n| Key | Value | If left out | Meaning |\n|---|---|---|---|\n"
        ));
        for Key { name, kind, absent, meaning } in table.keys {
            let absent = match absent {
                Absent::Refused => "**refused**".into(),
                Absent::Default(value) => format!("`{value}`"),
                Absent::Told(told) => (*told).to_owned(),
            };
            page.push_str(&format!("| `{name}` | {kind} | {absent} | {meaning} |\n"));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ControlLine, Level, Provenance, key::Shape};
    use parallax_record::{CandidateKind, CheckKind};
    use parallax_spec::{
        Behaviour, FilterScope, LinkDirection, MediaMode, PortAssignment, ServiceKind,
        SignallingProtocol,
    };
    use serde::de::{
        DeserializeOwned,
        value::{Error, StrDeserializer},
    };

    #[test]
    fn every_default_is_toml() {
        for table in SCENARIO.iter().chain(PROFILE).chain(CLIP) {
            for key in table.keys {
                if let Absent::Default(text) = key.absent {
                    assert!(toml::de::DeValue::parse(text).is_ok(), "{} {}", table.place, key.name);
                }
            }
        }
    }

    #[test]
    fn no_key_is_listed_twice() {
        for table in SCENARIO.iter().chain(PROFILE).chain(CLIP) {
            let mut names: Vec<_> = table.keys.iter().map(|key| key.name).collect();
            names.extend(table.later.iter().map(|(name, _)| *name));
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{}", table.place);
        }
    }

    #[test]
    fn each_kind_of_check_has_its_key_and_its_table() {
        for key in CheckKind::ALL.map(CheckKind::key) {
            assert!(check::CHECK.find(key).is_some(), "{key}");
            assert!(SCENARIO.iter().any(|table| table.place == key), "{key}");
        }
    }

    /// A word that its type does not know would be read as nothing, without a message.
    #[test]
    fn words_of_keys_are_those_of_their_types() {
        fn all<T: DeserializeOwned>(keys: &Keys, key: &str) {
            let Some(Shape::Words(words)) = keys.find(key).map(|key| key.kind.shape) else {
                panic!("{} {key}: no words", keys.place)
            };
            for word in words {
                assert!(T::deserialize(StrDeserializer::<Error>::new(word)).is_ok(), "{word}");
            }
        }
        all::<MediaMode>(&read::TOP, "media");
        all::<Behaviour>(&site::GATEWAY, "mapping");
        all::<PortAssignment>(&site::GATEWAY, "ports");
        all::<FilterScope>(&site::GATEWAY, "filter_scope");
        all::<SignallingProtocol>(&camera::CAMERA, "signalling");
        all::<ServiceKind>(&event::EVENT, "kill");
        all::<LinkDirection>(&site::CHANGE_LINK, "direction");
        all::<CandidateKind>(&check::PATH, "local");
        all::<Provenance>(&origin::FIGURE, "provenance");
        all::<Level>(&console::CONSOLE, "dtr");
        all::<ControlLine>(&console::CONSOLE, "reset_line");
        all::<stage::Family>(&stage::STAGE, "distribution");
    }

    /// What stands in a table of a page: the values that a key takes.
    fn value(tables: &[&Keys], place: &str, key: &str) -> String {
        let mut places = tables.iter().filter(|table| table.place == place);
        places.find_map(|table| table.find(key)).expect("a key").kind.to_string()
    }

    /// Limits of how many and how long, which no number in the file is out of.
    #[test]
    fn limits_of_lists_and_lengths_stand_in_the_tables() {
        use crate::{MAX_CLIP_BYTES, from_value, read, stage};
        let clip_bytes = MAX_CLIP_BYTES as usize;
        for (tables, place, key, most) in [
            (SCENARIO.as_slice(), "(top)", "site", read::MOST),
            (SCENARIO.as_slice(), "(top)", "peer", read::MOST),
            (SCENARIO.as_slice(), "(top)", "event", read::MOST_EVENTS),
            (PROFILE, "[console]", "bauds", from_value::ITEMS_MOST),
            (PROFILE, "[console]", "banners", from_value::ITEMS_MOST),
            (PROFILE, "[console]", "setup", from_value::ITEMS_MOST),
            (PROFILE, "[console]", "setup", from_value::COMMAND_BYTES_MOST),
            (PROFILE, "[console]", "panics", from_value::ITEMS_MOST),
            (PROFILE, "[console]", "watchdogs", from_value::ITEMS_MOST),
            (PROFILE, stage::STAGE.place, "quantiles", stage::MOST_QUANTILES),
            (CLIP, "(top)", "bytes", clip_bytes),
        ] {
            let value = value(tables, place, key);
            let mut numbers = value.split(|c: char| !c.is_ascii_digit());
            assert!(numbers.any(|number| number == most.to_string()), "{place} {key}: {value}");
        }
    }
}
