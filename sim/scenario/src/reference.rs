//! Reference of all keys: place, value, default and meaning. The parser takes keys and defaults from
//! here alone, and `tests/reference.rs` generates the pages of `docs/reference` from it.

mod check;
mod clip;
mod profile;
mod scenario;

pub(crate) use check::*;
pub(crate) use clip::*;
pub(crate) use profile::*;
pub(crate) use scenario::*;

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is, with its unit.
    pub value: &'static str,
    /// What holds if it is left out.
    pub absent: Absent,
    /// What it means.
    pub meaning: &'static str,
}

/// What holds if a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The file is refused.
    Refused,
    /// This value, in TOML.
    Default(&'static str),
    /// There is no such thing, or it is derived, as told.
    Told(&'static str),
}

/// The keys of one kind of table.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// Where such a table stands, such as `[site.NAME]`.
    pub place: &'static str,
    /// Its keys, in the order in which they are documented.
    pub keys: &'static [Key],
    /// Keys that are not supported yet, and what they are for: refused by name.
    pub later: &'static [(&'static str, &'static str)],
}

const fn must(name: &'static str, value: &'static str, meaning: &'static str) -> Key {
    Key { name, value, absent: Absent::Refused, meaning }
}

const fn or(
    name: &'static str,
    value: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key { name, value, absent: Absent::Default(default), meaning }
}

const fn may(
    name: &'static str,
    value: &'static str,
    told: &'static str,
    meaning: &'static str,
) -> Key {
    Key { name, value, absent: Absent::Told(told), meaning }
}

/// Tables of a scenario, in the order in which they are documented: those of checks come last.
pub const SCENARIO: &[&Keys] = &TABLES;

const TABLES: [&Keys; SCENARIO_TABLES.len() + CHECK_TABLES.len()] = {
    let mut tables = [SCENARIO_TABLES[0]; SCENARIO_TABLES.len() + CHECK_TABLES.len()];
    let mut at = 0;
    while at < tables.len() {
        tables[at] = match at.checked_sub(SCENARIO_TABLES.len()) {
            Some(of_checks) => CHECK_TABLES[of_checks],
            None => SCENARIO_TABLES[at],
        };
        at += 1;
    }
    tables
};

/// Tables of a device profile, in the order in which they are documented.
pub const PROFILE: &[&Keys] = &[
    &PROFILE_TOP,
    &SET_UP,
    &ABILITY_CAMERA,
    &ABILITY_VIEWER,
    &CONSOLE,
    &FIRMWARE,
    &FIGURE,
    &STAGE,
    &OCCUPANCY,
];

/// The table of a clip's manifest.
pub const CLIP: &[&Keys] = &[&CLIP_TOP];

/// The key of `keys` called `name`.
pub(crate) fn find(keys: &Keys, name: &str) -> Option<&'static Key> {
    keys.keys.iter().find(|key| key.name == name)
}

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
        for Key { name, value, absent, meaning } in table.keys {
            let absent = match absent {
                Absent::Refused => "**refused**".into(),
                Absent::Default(value) => format!("`{value}`"),
                Absent::Told(told) => (*told).to_owned(),
            };
            page.push_str(&format!("| `{name}` | {value} | {absent} | {meaning} |\n"));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// What stands in a table of a page: the values that a key takes.
    fn value(tables: &[&Keys], place: &str, key: &str) -> &'static str {
        let mut places = tables.iter().filter(|table| table.place == place);
        places.find_map(|table| find(table, key)).expect("a key").value
    }

    /// Limits of how many and how long, which no number in the file is out of.
    #[test]
    fn limits_of_lists_and_lengths_stand_in_the_tables() {
        use crate::{MAX_CLIP_BYTES, console, read, stage};
        let clip_bytes = MAX_CLIP_BYTES as usize;
        for (tables, place, key, most) in [
            (SCENARIO, "(top)", "site", read::MOST),
            (SCENARIO, "(top)", "peer", read::MOST),
            (SCENARIO, "(top)", "event", read::MOST_EVENTS),
            (PROFILE, "[console]", "bauds", console::ITEMS_MOST),
            (PROFILE, "[console]", "banners", console::ITEMS_MOST),
            (PROFILE, "[console]", "setup", console::ITEMS_MOST),
            (PROFILE, "[console]", "setup", console::COMMAND_BYTES_MOST),
            (PROFILE, "[console]", "panics", console::ITEMS_MOST),
            (PROFILE, "[console]", "watchdogs", console::ITEMS_MOST),
            (PROFILE, STAGE.place, "quantiles", stage::MOST_QUANTILES),
            (CLIP, "(top)", "bytes", clip_bytes),
        ] {
            let value = value(tables, place, key);
            let mut numbers = value.split(|c: char| !c.is_ascii_digit());
            assert!(numbers.any(|number| number == most.to_string()), "{place} {key}: {value}");
        }
    }
}
