//! The digests of the shipped scenarios, as `fixtures/digests.toml` has them for each target, rustc
//! and C++ compiler. Debug and release are held to the same ones:
//!
//! ```text
//! cargo test -p parallax-cli --test digests
//! cargo test -p parallax-cli --test digests --release
//! ```
//!
//! After a change that is meant to change runs, `PARALLAX_DIGESTS=write` writes those of this
//! machine and drops all others, which are of the runs before.
#![cfg(target_os = "linux")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Write,
};
use support::{Called, Place, SHIPPED};
use toml::{Table, Value};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/digests.toml");

/// What stands above the digests in their file.
const HEAD: &str = "\
# SHA-256 of what the shipped scenarios come to with their own seed, by target, rustc and C++
# compiler. `cli/tests/digests.rs` holds every run against them; it tells how to write them anew.

";

/// What the digests may depend on besides the scenario.
fn key() -> [(&'static str, &'static str); 3] {
    [
        ("target", env!("PARALLAX_TARGET")),
        ("rustc", env!("PARALLAX_RUSTC")),
        ("cxx", env!("PARALLAX_CXX")),
    ]
}

/// Record and packets of each run, by scenario.
type Digests = BTreeMap<String, [String; 2]>;

/// The entry for this machine, as it stands in the file.
fn entry(digests: &Digests) -> String {
    let mut text = String::from("[[build]]\n");
    for (name, value) in key() {
        text += &format!("{name} = {}\n", Value::from(value));
    }
    for (scenario, [record, packets]) in digests {
        text += &format!("\n[build.runs.{scenario}]\n");
        text += &format!("record_sha256 = \"{record}\"\npackets_sha256 = \"{packets}\"\n");
    }
    text
}

/// The digests that a file knows for this machine.
///
/// # Panics
/// If the file is not what it should be: an entry that nobody can read would hold nobody.
fn known(text: &str) -> Option<Digests> {
    let table: Table = text.parse().expect("TOML");
    let builds = table["build"].as_array().expect("entries");
    let ours =
        |build: &&Value| key().iter().all(|(name, value)| build[name].as_str() == Some(value));
    let mut found = builds.iter().filter(ours);
    let build = found.next()?;
    assert!(found.next().is_none(), "two entries for one build");
    let digest = |run: &Value, name: &str| run[name].as_str().expect("a digest").to_owned();
    let runs = build["runs"].as_table().expect("runs").iter();
    let run = |(scenario, run): (&String, &Value)| {
        (scenario.clone(), ["record_sha256", "packets_sha256"].map(|name| digest(run, name)))
    };
    Some(runs.map(run).collect())
}

/// Runs what is shipped as an installed program does: in an empty folder, with an empty environment.
fn run() -> Digests {
    let place = Place::new();
    let output = place.parallax(&["sim", "--out", "out"]).env_clear().output().expect("call it");
    Called::from(output).ended(0);
    let summary = place.json("out/summary.json");
    let runs = summary["runs"].as_array().expect("runs").iter().map(|run| {
        let text = |name: &str| run[name].as_str().expect("a text").to_owned();
        (text("scenario"), [text("record_sha256"), text("packets_sha256")])
    });
    runs.collect()
}

/// Says something that is shown for a test that passes, too.
fn report(text: &str) {
    writeln!(std::io::stderr(), "{text}").expect("say it");
}

#[test]
fn shipped_scenarios_come_to_the_digests_that_are_committed() {
    let found = run();
    // Files of the folder, and not the list that is built in.
    let shipped = fs::read_dir(SHIPPED).expect("the shipped scenarios");
    let name = |file: fs::DirEntry| {
        file.path().file_stem().expect("a name").to_string_lossy().into_owned()
    };
    let shipped: BTreeSet<String> = shipped.map(|file| name(file.expect("an entry"))).collect();
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), shipped);
    if env::var_os("PARALLAX_DIGESTS").is_some_and(|value| value == "write") {
        fs::write(FILE, format!("{HEAD}{}", entry(&found))).expect("write the digests");
        report(&format!("wrote {FILE}"));
        return;
    }
    let text = fs::read_to_string(FILE).expect("the digests that are committed");
    match known(&text) {
        Some(committed) => assert_eq!(
            found, committed,
            "runs are not what they were. If that is meant, write the digests anew: \
             PARALLAX_DIGESTS=write cargo test -p parallax-cli --test digests"
        ),
        None => report(&format!(
            "fixtures/digests.toml does not know this build. If its digests are to be held from \
             now on, add:\n\n{}",
            entry(&found)
        )),
    }
}

#[test]
fn a_known_build_is_held_and_an_unknown_one_is_not() {
    let digests = Digests::from([("two-homes".into(), ["aa".into(), "bb".into()])]);
    let ours = entry(&digests);
    assert_eq!(known(&ours), Some(digests.clone()));
    for (name, value) in key() {
        let line = format!("{name} = {}", Value::from(value));
        assert!(ours.contains(&line), "{ours}");
        let theirs = ours.replace(&line, &format!("{name} = \"another\""));
        assert_eq!(known(&theirs), None, "without {name}");
        // Beside another's entry, ours is found all the same.
        assert_eq!(known(&format!("{theirs}\n{ours}")), Some(digests.clone()));
    }
}

#[test]
fn the_key_names_real_compilers() {
    for (name, value) in key() {
        assert!(!value.is_empty() && value != "unknown", "{name}: {value}");
    }
    assert!(key()[0].1.contains(env::consts::ARCH), "{:?}", key());
    assert!(key()[1].1.starts_with("rustc "), "{:?}", key());
}
