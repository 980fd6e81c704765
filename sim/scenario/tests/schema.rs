//! The JSON Schema of scenarios, `fixtures/scenario.schema.json`, by which editors complete and check them. It is
//! generated from the reference of keys, which is what the parser reads by:
//! `PARALLAX_SCHEMA=write cargo test -p parallax-scenario --test schema`.
#![allow(clippy::disallowed_methods, reason = "a test reads files")]

use jsonschema::Validator;
use parallax_scenario::{
    BUILTIN_CLIPS, Builtin, Profiles as _,
    reference::{Absent, Key, Keys, SCENARIO},
    units,
};
use serde_json::{Map, Value, json};
use std::{env, fs, path::Path};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/scenario.schema.json");

/// Values with a unit: what the reference calls them, and the texts that they are.
const QUANTITIES: &[(&str, &str)] = &[
    ("duration", "(ns|us|ms|s|min|h)"),
    ("rate", "[kMG]?bit/s"),
    ("bytes", "(B|kB|MB|KiB|MiB)"),
    ("packets", "packets?"),
    ("share", "%"),
    ("decibels", "dB"),
];

fn quantity(name: &str) -> Option<Value> {
    let (_, unit) = QUANTITIES.iter().find(|(known, _)| *known == name)?;
    Some(json!({ "type": "string", "pattern": format!("^ *[0-9]+([.][0-9]+)? *{unit} *$") }))
}

/// What a table is called among the definitions: `site` for `[site.NAME]`, `up` for `up, down`.
fn name(keys: &Keys) -> &'static str {
    let place = keys.place.trim_matches(['[', ']']);
    place.split([',', '.']).next().expect("a name")
}

/// The table that stands behind a key.
fn table(key: &Key) -> &'static Keys {
    let is_it = |keys: &&&Keys| {
        name(keys) == key.name || keys.place.split(", ").any(|place| place == key.name)
    };
    SCENARIO.iter().find(is_it).unwrap_or_else(|| panic!("no table of {}", key.name))
}

fn reference(keys: &Keys) -> Value {
    json!({ "$ref": format!("#/definitions/{}", name(keys)) })
}

fn literal(text: &str) -> Value {
    let table: toml::Table = format!("value = {text}").parse().expect("TOML");
    serde_json::to_value(&table["value"]).expect("JSON")
}

/// The text between backticks that a part is as a whole.
fn quoted(part: &str) -> Option<&str> {
    let inner = part.strip_prefix('`')?.strip_suffix('`')?;
    (!inner.contains('`')).then_some(inner)
}

/// What one part of the column of values stands for; none if it only narrows the part before.
fn kind(part: &str, key: &Key) -> Option<Value> {
    let text = || json!({ "type": "string" });
    match part {
        "text" | "a film of your own beside the scenario" | "its manifest" => Some(text()),
        "text of digits" => Some(json!({ "type": "string", "pattern": "^[0-9]{1,20}$" })),
        "IPv4 address" => Some(json!({ "type": "string", "format": "ipv4" })),
        "pixels" => Some(json!({ "type": "string", "pattern": "^[0-9]+x[0-9]+$" })),
        "array of names of cameras" => Some(json!({ "type": "array", "items": text() })),
        "number" => Some(json!({ "type": "number" })),
        "whole number" | "whole number of frames" => {
            Some(json!({ "type": "integer", "minimum": 0 }))
        }
        "table" => Some(reference(table(key))),
        // Beside a file of the user's own: editors complete what comes with Parallax.
        "name of a clip" => Some(json!({ "enum": BUILTIN_CLIPS })),
        "name of a device profile" => Some(json!({ "enum": Builtin.names() })),
        _ if part.starts_with("name of a") || part.starts_with("a file such as ") => Some(text()),
        _ if part.starts_with("IPv4 network ") => {
            Some(json!({ "type": "string", "pattern": "^[0-9.]+/[0-9]+$" }))
        }
        _ if part.starts_with("table `") => Some(match table(key) {
            keys if keys.place.ends_with(".NAME]") => json!({
                "type": "object",
                "propertyNames": { "pattern": "^[a-z][a-z0-9-]{0,31}$" },
                "additionalProperties": reference(keys),
            }),
            keys => reference(keys),
        }),
        _ if part.starts_with("array `[[") => {
            Some(json!({ "type": "array", "minItems": 1, "items": reference(table(key)) }))
        }
        _ => quantity(part),
    }
}

/// Takes a part that narrows what is before it, such as `1 to 1000`; false if it does not.
fn narrows(part: &str, before: &mut Value) -> bool {
    let number = |text: &str| text.parse::<serde_json::Number>().ok();
    let (least, most) = match part {
        _ if part.starts_with("up to ") => (None, number(&part["up to ".len()..])),
        _ => match (part.split_once(" to "), part.strip_suffix(" up")) {
            (Some((least, most)), _) => (number(least), number(most)),
            (None, Some(least)) => (number(least), None),
            (None, None) => (None, None),
        },
    };
    let (lower, upper) = match before["type"].as_str() {
        Some("object") => ("minProperties", "maxProperties"),
        Some("integer" | "number") => ("minimum", "maximum"),
        // The parser has more to say of texts than a pattern can.
        Some("string") if part == "not empty" => {
            before["minLength"] = json!(1);
            return true;
        }
        Some("string") => return true,
        _ => return false,
    };
    let bounds = [(lower, least), (upper, most)].into_iter();
    let bounds: Vec<_> = bounds.filter_map(|(bound, value)| Some((bound, value?))).collect();
    for (bound, value) in &bounds {
        before[*bound] = json!(value);
    }
    !bounds.is_empty()
}

/// What a key may be, by the column of values of the reference.
fn value(keys: &Keys, key: &Key) -> Value {
    let (mut kinds, mut literals): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for part in key.kind.to_string().split(", ") {
        let part = part.strip_prefix("or ").unwrap_or(part);
        if let Some(kind) = kind(part, key) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        } else if let Some(text) = quoted(part) {
            literals.push(literal(text));
        } else {
            let narrowed = part.starts_with("such as ")
                || kinds.last_mut().is_some_and(|before| narrows(part, before));
            assert!(narrowed, "{} {}: what is `{part}`? Teach `kind`", keys.place, key.name);
        }
    }
    // A text that may be anything may be these, too.
    if !literals.is_empty() && !kinds.contains(&json!({ "type": "string" })) {
        kinds.push(json!({ "enum": literals }));
    }
    if kinds.len() == 1 { kinds.remove(0) } else { json!({ "anyOf": kinds }) }
}

/// How the reference begins what it says of keys that exclude each other.
const ONE_OF: &str = "exactly one ";

/// One of these has to be there, and no second one.
fn alternatives(keys: &Keys) -> Vec<Value> {
    let is_one = |key: &&Key| matches!(key.absent, Absent::Told(told) if told.starts_with(ONE_OF));
    keys.keys.iter().filter(is_one).map(|key| json!({ "required": [key.name] })).collect()
}

fn definition(keys: &Keys) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in keys.keys {
        let mut schema = value(keys, key);
        let mut meaning = key.meaning.to_owned();
        match key.absent {
            Absent::Refused => required.push(key.name),
            Absent::Default(text) => schema["default"] = literal(text),
            Absent::Told(told) if told.starts_with(ONE_OF) => {}
            Absent::Told(told) => meaning += &format!(" Left out: {told}."),
        }
        // Beside a reference nothing else counts in this draft.
        if schema.get("$ref").is_some() {
            let (reference, default) = (schema["$ref"].take(), schema.get("default").cloned());
            schema = json!({ "allOf": [{ "$ref": reference }] });
            if let Some(default) = default {
                schema["default"] = default;
            }
        }
        schema["description"] = meaning.replace("**", "").into();
        properties.insert(key.name.to_owned(), schema);
    }
    let mut definition = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let one_of = alternatives(keys);
    if !one_of.is_empty() {
        definition["oneOf"] = one_of.into();
    }
    definition
}

fn schema() -> Value {
    let (top, tables) = SCENARIO.split_first().expect("tables");
    let mut schema = definition(top);
    // What editors' TOML servers know.
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("A scenario of Parallax");
    let definitions = tables.iter().map(|keys| (name(keys).to_owned(), definition(keys)));
    schema["definitions"] = Value::Object(definitions.collect());
    schema
}

fn validator() -> Validator {
    let text = fs::read_to_string(FILE).expect("the committed schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    jsonschema::draft7::meta::validate(&schema).expect("a schema");
    jsonschema::draft7::new(&schema).expect("a schema")
}

/// What is wrong with a scenario, by the schema.
fn wrong(validator: &Validator, scenario: &Value) -> Option<String> {
    let error = validator.iter_errors(scenario).next()?;
    Some(format!("{}: {error}", error.instance_path()))
}

fn read(file: &Path) -> Option<Value> {
    let text = fs::read_to_string(file).expect("text");
    let table = text.parse::<toml::Table>().ok()?;
    table.contains_key("site").then(|| serde_json::to_value(table).expect("JSON"))
}

#[test]
fn the_committed_schema_is_that_of_the_reference() {
    let names: Vec<&str> = SCENARIO.iter().map(|keys| name(keys)).collect();
    assert!(names.iter().all(|name| names.iter().filter(|other| other == &name).count() == 1));
    let text = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
    if env::var_os("PARALLAX_SCHEMA").is_some_and(|value| value == "write") {
        fs::write(FILE, &text).expect("write the schema");
    }
    let committed = fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        committed == text,
        "fixtures/scenario.schema.json is not of this reference: run with PARALLAX_SCHEMA=write"
    );
}

#[test]
fn scenarios_that_are_sound_keep_to_it() {
    let (validator, mut seen) = (validator(), 0);
    let mut folders = vec![std::path::PathBuf::from(format!("{ROOT}/fixtures"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "toml") {
                let Some(scenario) = read(&path) else { continue };
                let told = wrong(&validator, &scenario);
                // One that is there to be refused.
                let is_broken = path.ends_with("scenario-unknown-key-esc.toml");
                assert_eq!(told.is_some(), is_broken, "{}: {told:?}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 25, "only {seen} scenarios were seen");
}

#[test]
fn what_is_changed_is_refused() {
    let validator = validator();
    let scenario = read(Path::new(&format!("{ROOT}/fixtures/scenarios/camera-reboot.toml")));
    let scenario = scenario.expect("a scenario");
    assert_eq!(wrong(&validator, &scenario), None);
    let event = scenario["event"].as_object().and_then(|all| all.keys().next()).expect("an event");
    let event = format!("/event/{event}");
    let link = "/site/house/up";
    for (at, key, value) in [
        ("", "colour", json!("red")),
        ("", "schema", json!(2)),
        ("", "title", json!("")),
        ("", "duration", json!(30)),
        ("", "duration", json!("30 seconds")),
        ("", "seed", json!(7)),
        ("", "media", json!("taped")),
        ("", "check", json!([])),
        ("/site", "Capitals", scenario["site"]["house"].clone()),
        ("/site/house", "colour", json!("red")),
        ("/site/house", "gateway", json!("all")),
        ("/site/house/gateway", "mapping", json!("any")),
        ("/site/house/gateway", "hairpinning", json!("yes")),
        (link, "capacity", json!("8Mbps")),
        (link, "loss", json!({ "mean": "1%" })),
        (link, "loss", json!({ "mean": "1%", "burst": 0 })),
        (link, "queue", json!("200 parcels")),
        ("/peer/doorbell/camera", "colour", json!("red")),
        ("/peer/doorbell/camera/video", "frames_per_second", json!(1_001)),
        ("/peer/doorbell/camera/video", "size", json!("large")),
        ("/peer/phone", "views", json!("doorbell")),
        (&event, "at", json!(10)),
        (&event, "kill", json!("turn")),
        ("/check/0", "colour", json!("red")),
        ("/check/0", "psnr", json!({ "above": "30dB" })),
    ] {
        let mut changed = scenario.clone();
        changed.pointer_mut(at).unwrap_or_else(|| panic!("no {at}"))[key] = value.clone();
        assert!(wrong(&validator, &changed).is_some(), "{at}/{key} may be {value}");
    }
    for (at, key) in [("", "why"), (link, "capacity"), ("/check/0", "why"), (&event, "at")] {
        let mut short = scenario.clone();
        let table = short.pointer_mut(at).and_then(Value::as_object_mut).expect("a table");
        assert!(table.remove(key).is_some(), "no {at}/{key}");
        assert!(wrong(&validator, &short).is_some(), "{at} may lack {key}");
    }
}

#[test]
fn each_default_keeps_to_its_own_schema() {
    let definitions = schema()["definitions"].clone();
    for keys in SCENARIO.iter() {
        for key in keys.keys {
            let Absent::Default(text) = key.absent else { continue };
            let mut schema = value(keys, key);
            schema["definitions"] = definitions.clone();
            let validator = jsonschema::draft7::new(&schema).expect("a schema");
            assert!(validator.is_valid(&literal(text)), "{} {}", keys.place, key.name);
        }
    }
}

#[test]
fn texts_with_units_are_those_that_the_parser_takes() {
    type Parses = fn(&str) -> bool;
    let parses: [(&str, Parses); 6] = [
        ("duration", |text| units::duration(text).is_ok()),
        ("rate", |text| units::bits_per_second(text).is_ok()),
        ("bytes", |text| units::bytes(text).is_ok()),
        ("packets", |text| units::packets(text).is_ok()),
        ("share", |text| units::share_ppb(text).is_ok()),
        ("decibels", |text| units::millidb(text).is_ok()),
    ];
    let units = [
        "", "ns", "us", "ms", "s", "min", "h", "m", "sec", "bit/s", "kbit/s", "Mbit/s", "Gbit/s",
        "Mbps", "B", "kB", "KB", "MB", "KiB", "MiB", "GiB", "packet", "packets", "%", "percent",
        "dB", "db",
    ];
    for (name, parses) in parses {
        let validator = jsonschema::draft7::new(&quantity(name).expect("known")).expect("a schema");
        for unit in units {
            for number in ["1", "1.0", "10 ", " 2", "1.", ".5", "-1", "x", ""] {
                let text = format!("{number}{unit}");
                assert_eq!(validator.is_valid(&json!(text)), parses(&text), "{name} {text:?}");
            }
        }
    }
}
