//! The committed JSON Schemas are those of the types, and what the command writes keeps to them.
//!
//! After a change of a type that is meant: `PARALLAX_SCHEMA=write cargo test -p parallax-cli --test
//! schema` writes them anew.
#![cfg(target_os = "linux")]

mod support;

use jsonschema::Validator;
use parallax_record::schema;
use serde_json::{Value, json};
use std::{env, fs};
use support::{EASY, Place, SHIPPED, TOO_SOON, replaced, with_checks};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../reports/schema");
/// What tells this test to write.
const WRITE: &str = "PARALLAX_SCHEMA";

fn committed(name: &str) -> String {
    let file = format!("{FOLDER}/{name}.schema.json");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let writes = env::var_os(WRITE).is_some_and(|value| value == "write");
    for (name, schema) in [
        ("record", schema::record()),
        ("summary", schema::summary()),
        ("environment", schema::environment()),
    ] {
        let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
        if writes {
            fs::create_dir_all(FOLDER).expect("make a folder");
            fs::write(format!("{FOLDER}/{name}.schema.json"), &text).expect("write a schema");
        }
        let same = committed(name) == text;
        assert!(same, "{name}.schema.json is not of these types: run with {WRITE}=write");
    }
}

/// What the values of a file break, by the committed schema; none if it keeps to it.
fn broken(name: &str, values: &[Value]) -> Option<String> {
    let schema: Value = serde_json::from_str(&committed(name)).expect("JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("a schema");
    let validator: Validator = jsonschema::validator_for(&schema).expect("a schema");
    let of = |value: &Value| {
        let error = validator.iter_errors(value).next()?;
        Some(format!("{value}: {error} at {}", error.instance_path()))
    };
    values.iter().find_map(of)
}

/// The first of them is changed below.
const RUNS: [&str; 4] = ["direct", "relayed", "camera-reboot", "uplink-squeezed"];

fn lines(record: &str) -> Vec<Value> {
    record.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A place in which shipped scenarios have run: one with checks of many kinds, of which one fails, one
/// that goes over TURN with a camera that follows its path, and two with events.
fn place() -> Place {
    let place = Place::new();
    let checks = format!(
        "{}{TOO_SOON}{}",
        replaced(EASY, "7s", "5s"),
        r#"
[[check]]
capture_to_render = { percentile = 95, below = "1s" }
why = "A percentile has a number."

[[check]]
psnr = { above = "10dB", percentile = 5 }
why = "So has this one."

[[check]]
frames_lost = { at_most = "99%" }
why = "A share."

[[check]]
freezes = { at_most = 100, total_below = "8s" }
why = "Two bounds."

[[check]]
path = { relayed = false }
why = "A route."
"#
    );
    place.write("direct.toml", &with_checks("two-homes", 8, &checks));
    let relayed = with_checks("strict-homes", 8, EASY);
    let (fixed, following) = ("profile = ", "congestion_control = \"gcc\", profile = ");
    place.write("relayed.toml", &relayed.replacen(fixed, following, 1));
    for name in ["camera-reboot", "uplink-squeezed"] {
        fs::copy(format!("{SHIPPED}/{name}.toml"), place.path(&format!("{name}.toml")))
            .expect("a shipped scenario");
    }
    let files = RUNS.map(|run| format!("{run}.toml"));
    let files = files.iter().map(String::as_str);
    let call: Vec<&str> = ["sim"].into_iter().chain(files).chain(["--out", "out"]).collect();
    place.call(&call).ended(10);
    place
}

#[test]
fn what_the_command_writes_keeps_to_the_committed_schemas() {
    let place = place();
    for run in RUNS {
        let lines = lines(&place.read(&format!("out/{run}/seed-1/record.jsonl")));
        assert!(lines.len() > 100, "hardly a record: {} lines", lines.len());
        assert_eq!(broken("record", &lines), None);
    }
    assert!(place.read("out/relayed/seed-1/record.jsonl").contains(r#""kind":"rates""#));
    assert_eq!(broken("summary", &[place.json("out/summary.json")]), None);
    assert_eq!(broken("environment", &[place.json("out/environment.json")]), None);
    refuses_what_is_changed(&place);
}

/// Changes one thing at a time in what keeps to a schema.
fn refuses_what_is_changed(place: &Place) {
    let record = lines(&place.read("out/direct/seed-1/record.jsonl"));
    let entry = |kind: &str| {
        let of_kind = |line: &&Value| line["event"]["kind"] == kind;
        record.iter().find(of_kind).unwrap_or_else(|| panic!("no {kind}")).clone()
    };
    let (header, end) = (record[0].clone(), record[record.len() - 1].clone());
    let (encoded, summary) = (entry("frame_encoded"), place.json("out/summary.json"));
    let environment = place.json("out/environment.json");
    let cases = [
        // Fields that nobody knows.
        ("record", &header, "", "colour", json!("red")),
        ("record", &header, "/peers/0", "colour", json!("red")),
        ("record", &encoded, "", "colour", json!("red")),
        ("record", &encoded, "/event", "colour", json!("red")),
        ("record", &end, "/end", "colour", json!("red")),
        ("summary", &summary, "", "colour", json!("red")),
        ("summary", &summary, "/runs/0/checks/0", "colour", json!("red")),
        ("summary", &summary, "/runs/0/streams/0/frames", "colour", json!(1)),
        ("environment", &environment, "", "colour", json!("red")),
        // Types and values that a field has not.
        ("record", &header, "", "seed", json!(1)),
        ("record", &header, "", "seed", json!("one")),
        ("record", &header, "", "schema", json!(2)),
        ("record", &header, "", "format", json!("another")),
        ("record", &header, "", "duration_us", json!("8 s")),
        ("record", &header, "/checks/2/predicate", "percentile", json!(0)),
        ("record", &header, "/checks/2/predicate", "percentile", json!(100)),
        ("record", &header, "/checks/2/predicate", "kind", json!("luck")),
        ("record", &encoded, "", "run_ns", json!(-1)),
        ("record", &encoded, "", "run_ns", json!(1.5)),
        ("record", &encoded, "", "node", json!(null)),
        ("record", &encoded, "/event", "kind", json!("frame_imagined")),
        ("record", &encoded, "/event", "key", json!("yes")),
        ("record", &end, "/end", "entries", json!("all")),
        ("summary", &summary, "", "verdict", json!("perhaps")),
        ("summary", &summary, "/runs/0", "seed", json!(1)),
        ("summary", &summary, "/runs/0/checks/0", "verdict", json!(true)),
        ("environment", &environment, "", "cores", json!("two")),
    ];
    for (schema, sound, at, field, value) in cases {
        assert_eq!(broken(schema, std::slice::from_ref(sound)), None);
        let mut changed = sound.clone();
        changed.pointer_mut(at).unwrap_or_else(|| panic!("no {at} in {sound}"))[field] =
            value.clone();
        let told = broken(schema, &[changed]);
        assert!(told.is_some(), "{schema}: {at}/{field} may be {value}");
    }
    let mut short = encoded.clone();
    short.as_object_mut().expect("an object").remove("node");
    assert!(broken("record", &[short]).is_some(), "an entry may lack its node");
}
