//! Rules of the workspace as a whole: dependencies between crates, libraries of pure cores, `unsafe`, lengths of
//! files, output to the terminal.

mod sources;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use sources::{ROOT, files, read};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use toml::Table;

/// Dependencies between crates, without those of tests. Each member is in the list.
const MAY_KNOW: &[(&str, &[&str])] = &[
    (
        "parallax-agent",
        &[
            "parallax-console",
            "parallax-media",
            "parallax-peer",
            "parallax-record",
            "parallax-signalling",
            "parallax-spec",
        ],
    ),
    (
        "parallax-bench",
        &[
            "parallax-agent",
            "parallax-board",
            "parallax-clock",
            "parallax-console",
            "parallax-fabric",
            "parallax-files",
            "parallax-lab",
            "parallax-media",
            "parallax-network",
            "parallax-peer",
            "parallax-program",
            "parallax-record",
            "parallax-scenario",
            "parallax-signalling",
        ],
    ),
    ("parallax-program", &["parallax-lab"]),
    ("parallax-process-board", &["parallax-agent", "parallax-console", "parallax-peer"]),
    ("parallax-fuzz", &["parallax-console", "parallax-scenario", "parallax-signalling"]),
    ("parallax-board", &["parallax-console"]),
    ("parallax-clock", &[]),
    ("parallax-files", &[]),
    ("parallax-calibrate", &["parallax-record", "parallax-scenario"]),
    ("parallax-console", &[]),
    ("parallax-codec-raw", &[]),
    ("parallax-network", &["parallax-spec"]),
    ("parallax-spec", &[]),
    ("parallax-capture", &["parallax-network", "parallax-stack"]),
    ("parallax-signalling", &[]),
    ("parallax-media", &["parallax-codec-raw"]),
    ("parallax-record", &["parallax-spec"]),
    ("parallax-interpose", &[]),
    ("parallax-stack", &["parallax-network"]),
    ("parallax-services", &["parallax-network", "parallax-stack", "parallax-signalling"]),
    ("parallax-scenario", &["parallax-record", "parallax-spec"]),
    (
        "parallax-peer",
        &["parallax-media", "parallax-signalling", "parallax-record", "parallax-spec"],
    ),
    ("parallax-render", &["parallax-record"]),
    (
        "parallax-fabric",
        &[
            "parallax-capture",
            "parallax-media",
            "parallax-network",
            "parallax-peer",
            "parallax-record",
            "parallax-scenario",
            "parallax-services",
            "parallax-signalling",
            "parallax-spec",
            "parallax-stack",
        ],
    ),
    (
        "parallax-lab",
        &[
            "parallax-fabric",
            "parallax-media",
            "parallax-network",
            "parallax-peer",
            "parallax-record",
            "parallax-scenario",
            "parallax-services",
            "parallax-stack",
        ],
    ),
    (
        "parallax-world",
        &[
            "parallax-capture",
            "parallax-fabric",
            "parallax-interpose",
            "parallax-media",
            "parallax-network",
            "parallax-peer",
            "parallax-record",
            "parallax-scenario",
            "parallax-services",
            "parallax-signalling",
            "parallax-stack",
        ],
    ),
    (
        "parallax-cli",
        &[
            "parallax-bench",
            "parallax-calibrate",
            "parallax-console",
            "parallax-fabric",
            "parallax-files",
            "parallax-lab",
            "parallax-process-board",
            "parallax-program",
            "parallax-record",
            "parallax-render",
            "parallax-scenario",
            "parallax-world",
        ],
    ),
    ("parallax-unguarded", &["parallax-cli", "parallax-world"]),
];

/// Input and time in, output and next deadline out.
const PURE: &[&str] = &[
    "parallax-clock",
    "parallax-console",
    "parallax-codec-raw",
    "parallax-network",
    "parallax-stack",
    "parallax-capture",
    "parallax-signalling",
    "parallax-services",
    "parallax-media",
    "parallax-scenario",
    "parallax-spec",
    "parallax-record",
    "parallax-calibrate",
];

/// Libraries of pure cores. An entry has been looked at: no clock, socket, file, thread or entropy is
/// reached by what is called.
const PURE_MAY_USE: &[&str] = &[
    "bytes",
    "crc",
    "hex",
    "http",
    "httparse",
    "libm",
    "memchr",
    "miette",
    "openh264",
    "openh264-sys2",
    "pcap-file",
    "rand_chacha",
    "rand_core",
    "regex",
    "regex-syntax",
    "schemars",
    "serde",
    "serde_json",
    "sha2",
    "smoltcp",
    "strsim",
    "stun-types",
    "subtle",
    "thiserror",
    "tokio",
    "toml",
    "toml_edit",
    "tungstenite",
    "turn-server-proto",
    "turn-types",
];

/// What the `clippy.toml` of a pure core bans, at least.
const BANNED_IN_PURE: &[&str] = &[
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::env::var",
    "std::fs::read",
    "std::fs::read_to_string",
    "std::fs::write",
    "std::thread::spawn",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
];

/// What the `clippy.toml` of the peers bans, at least: the very code runs on a board later.
const BANNED_IN_PEER: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "tokio::net::TcpListener",
    "tokio::net::TcpStream",
    "tokio::net::UdpSocket",
    "tokio::spawn",
    "tokio::task::spawn",
    "tokio::time::Instant",
    "tokio::time::interval",
    "tokio::time::sleep",
    "tokio::time::timeout",
];

/// Words of a pure core's code that a list of banned functions lets through.
const ABSENT_FROM_PURE: &[&str] = &[
    "fs::",
    "env::",
    "process::",
    "thread::",
    "HashMap",
    "HashSet",
    "SystemTime",
    "net::TcpListener",
    "net::TcpStream",
    "net::UdpSocket",
    "thread_local",
];

/// The feature that is there for tests alone.
const GUARDS_OFF: &str = "guards-off";

fn workspace() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(format!("{ROOT}/Cargo.toml")).no_deps();
    command.other_options(["--offline".to_owned()]).exec().expect("the workspace's metadata")
}

fn folder(package: &Package) -> &Path {
    package.manifest_path.parent().expect("a folder").as_std_path()
}

fn normal(package: &Package) -> impl Iterator<Item = &cargo_metadata::Dependency> {
    package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal)
}

fn ours(name: &str) -> bool {
    name.starts_with("parallax-")
}

/// The packages of [`PURE`], all of them.
fn pure(workspace: &Metadata) -> Vec<&Package> {
    let pure = |package: &&Package| PURE.contains(&package.name.as_str());
    let found: Vec<_> = workspace.packages.iter().filter(pure).collect();
    assert_eq!(found.len(), PURE.len());
    found
}

fn table(file: &Path) -> Table {
    read(file).parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Whether `text` has `word` with nothing of a name before it, or after it if it ends as a name.
fn has_word(text: &str, word: &str) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(of_name);
        let after = text[at + word.len()..].chars().next().is_some_and(of_name);
        !(before || (word.ends_with(of_name) && after))
    })
}

/// Lines of code, numbered: no comment lines.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_start()));
    numbered.filter(|(_, line)| !line.starts_with("//"))
}

#[test]
fn everyone_knows_only_whom_they_may() {
    let workspace = workspace();
    let members: BTreeSet<&str> = workspace.packages.iter().map(|p| p.name.as_str()).collect();
    let listed: BTreeSet<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    assert_eq!(members, listed);
    let mut known = 0;
    for package in &workspace.packages {
        let (_, may) =
            MAY_KNOW.iter().find(|(name, _)| *name == package.name.as_str()).expect("listed");
        for dependency in normal(package).filter(|dependency| ours(&dependency.name)) {
            known += 1;
            let name = dependency.name.as_str();
            assert!(may.contains(&name), "{} knows {name}", package.name);
        }
    }
    assert!(known > 20, "this test has lost sight of the dependencies");
}

#[test]
fn no_board_and_no_bench_has_the_simulator_in_it() {
    let workspace = workspace();
    let ends = [
        "parallax-agent",
        "parallax-bench",
        "parallax-lab",
        "parallax-process-board",
        "parallax-program",
    ];
    for end in ends {
        let (mut reached, mut next) = (BTreeSet::new(), vec![end.to_owned()]);
        while let Some(name) = next.pop() {
            let package = workspace.packages.iter().find(|package| package.name.as_str() == name);
            let known = normal(package.expect("a member")).filter(|known| ours(&known.name));
            next.extend(known.map(|known| known.name.clone()));
            reached.insert(name);
        }
        assert!(reached.len() > 3, "{end}: this test has lost sight of the dependencies");
        for simulator in ["parallax-interpose", "parallax-world", "parallax-cli"] {
            assert!(!reached.contains(simulator), "{end} has {simulator} in it");
        }
    }
}

#[test]
fn pure_cores_are_built_from_what_was_looked_at() {
    for package in pure(&workspace()) {
        for dependency in normal(package).filter(|dependency| !ours(&dependency.name)) {
            let name = dependency.name.as_str();
            assert!(PURE_MAY_USE.contains(&name), "{} uses {name}", package.name);
            if name == "tokio" {
                // The traits of streams alone: no runtime, no timer, no socket.
                assert_eq!(dependency.features, ["io-util"], "{}", package.name);
            }
            if name.starts_with("rand_") {
                // Their defaults reach for the system's entropy.
                let plain = !dependency.uses_default_features && dependency.features.is_empty();
                assert!(plain, "{} has {name} with features", package.name);
            }
        }
    }
}

#[test]
fn peers_have_no_runtime_of_their_own() {
    let workspace = workspace();
    let peer =
        workspace.packages.iter().find(|package| package.name == "parallax-peer").expect("peer");
    let tokio = normal(peer).find(|dependency| dependency.name == "tokio").expect("tokio");
    for feature in &tokio.features {
        assert!(["io-util", "macros", "sync"].contains(&feature.as_str()), "tokio with {feature}");
    }
    assert!(normal(peer).all(|dependency| dependency.name != "turmoil"));
}

/// What a package's `clippy.toml` bans.
fn banned(package: &Package) -> BTreeSet<String> {
    let file = table(&folder(package).join("clippy.toml"));
    let lists = ["disallowed-methods", "disallowed-types"].map(|list| &file[list]);
    let entries = lists.into_iter().flat_map(|list| list.as_array().expect("a list"));
    entries.map(|entry| entry["path"].as_str().expect("a path").to_owned()).collect()
}

#[test]
fn clippy_bans_what_cores_and_peers_must_not_call() {
    let workspace = workspace();
    let mut held: Vec<(&Package, &[&str])> =
        pure(&workspace).into_iter().map(|package| (package, BANNED_IN_PURE)).collect();
    let peer = workspace.packages.iter().find(|package| package.name == "parallax-peer");
    held.push((peer.expect("peer"), BANNED_IN_PEER));
    for (package, bans) in held {
        let banned = banned(package);
        for ban in bans {
            assert!(banned.contains(*ban), "{} does not ban {ban}", package.name);
        }
    }
    // A ban that is only a warning would not hold.
    let lints = &table(&Path::new(ROOT).join("Cargo.toml"))["workspace"]["lints"];
    assert_eq!(lints["clippy"]["disallowed_methods"].as_str(), Some("deny"));
    assert_eq!(lints["clippy"]["disallowed_types"].as_str(), Some("deny"));
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("deny"));
    for package in &workspace.packages {
        let manifest = table(package.manifest_path.as_std_path());
        let inherited = manifest["lints"]["workspace"].as_bool();
        assert_eq!(inherited, Some(true), "{} has lints of its own", package.name);
    }
}

#[test]
fn pure_cores_do_not_name_the_system() {
    for package in pure(&workspace()) {
        for file in files(&folder(package).join("src"), &[".rs"]) {
            for (number, line) in code(&read(&file)) {
                for word in ABSENT_FROM_PURE {
                    assert!(!has_word(line, word), "{}:{number}: {word}", file.display());
                }
            }
        }
    }
}

/// Where `unsafe` is, and how many lines name it at most: of the second there is no more to come.
const UNSAFE: &[(&str, usize)] = &[("parallax-interpose", 1_000), ("parallax-codec-raw", 3)];

#[test]
fn unsafe_code_is_in_two_crates_the_second_for_one_thing() {
    let mut found = BTreeMap::new();
    let workspace = workspace();
    for package in &workspace.packages {
        for file in files(folder(package), &[".rs"]) {
            if file.ends_with("cli/tests/architecture.rs") {
                continue;
            }
            let text = read(&file);
            let names = ["unsafe", "unsafe_code"];
            let mut lines =
                code(&text).filter(|(_, line)| names.iter().any(|name| has_word(line, name)));
            let name = package.name.as_str();
            if UNSAFE.iter().any(|(with, _)| *with == name) {
                *found.entry(name).or_default() += lines.count();
            } else {
                let line = lines.next().map(|(number, _)| number);
                assert_eq!(line, None, "{} has unsafe code", file.display());
            }
        }
    }
    for (name, most) in UNSAFE {
        let lines: usize = found.get(name).copied().unwrap_or_default();
        assert!(lines > 0, "this test has lost sight of what is unsafe in {name}");
        assert!(lines <= *most, "{name} has {lines} lines with unsafe code");
    }
}

#[test]
fn guards_are_off_in_one_test_build_alone() {
    let workspace = workspace();
    let defaults: Vec<_> = workspace.workspace_default_members.iter().collect();
    let [default] = defaults[..] else { panic!("{defaults:?}") };
    assert_eq!(workspace[default].name, "parallax-cli");
    let mut askers = Vec::new();
    for package in &workspace.packages {
        for dependency in &package.dependencies {
            if dependency.features.iter().any(|feature| feature == GUARDS_OFF) {
                askers.push((package.name.as_str(), dependency.name.as_str()));
            }
        }
        for (feature, enabled) in &package.features {
            let asks = enabled.iter().any(|enabled| enabled.contains(GUARDS_OFF));
            assert!(!asks || feature == GUARDS_OFF, "{}: {feature}", package.name);
        }
    }
    assert_eq!(askers, [("parallax-unguarded", "parallax-world")]);
}

#[test]
fn sources_are_short_enough_to_read() {
    const MOST_LINES: usize = 600;
    for package in &workspace().packages {
        for file in files(folder(package), &[".rs"]) {
            let lines = read(&file).lines().count();
            assert!(lines < MOST_LINES, "{} has {lines} lines", file.display());
        }
    }
}

#[test]
fn a_word_is_found_as_a_word() {
    assert!(has_word("a HashMap, ", "HashMap") && has_word("HashMap", "HashMap"));
    assert!(!has_word("HashMaps_of", "HashMap") && !has_word("a.MyHashMap", "HashMap"));
    assert!(has_word("use std::fs::File", "fs::") && !has_word("use std::offs::File", "fs::"));
    assert!(has_word("unsafe {", "unsafe") && !has_word("#[allow(unsafe_code)]", "unsafe"));
}

/// What writes to a terminal without the gate, and where it is the gate's own or no terminal is there.
const PRINTS: &[&str] =
    &["stdout()", "stderr()", "print!", "println!", "eprint!", "eprintln!", "dbg!", ".print()"];
const PRINT: &[(&str, &str)] = &[
    ("cli/src/output.rs", "the gate"),
    ("cli/src/display.rs", "indicatif's line, whose text is tamed"),
    ("cli/build.rs", "told to cargo"),
    ("hil/agent/src/main.rs", "on a board's console"),
    ("hil/process-board/src/main.rs", "a program of its own"),
    ("hil/program/src/main.rs", "a program of its own"),
    ("hil/process-board/src/inject.rs", "a board that cannot inject its faults"),
];

#[test]
fn one_gate_to_the_terminal() {
    let root = Path::new(ROOT).canonicalize().expect("the root");
    let mut printing = BTreeSet::new();
    for package in &workspace().packages {
        let sources = ["src", "build.rs"].map(|name| folder(package).join(name));
        let folders = sources.iter().filter(|source| source.is_dir());
        let mut all: Vec<PathBuf> = folders.flat_map(|folder| files(folder, &[".rs"])).collect();
        all.extend(sources.iter().filter(|source| source.is_file()).cloned());
        for file in all {
            let name = file.strip_prefix(&root).expect("below").to_str().expect("text").to_owned();
            let text = read(&file);
            let found =
                code(&text).find(|(_, line)| PRINTS.iter().any(|word| has_word(line, word)));
            let Some((number, line)) = found else { continue };
            let may = PRINT.iter().any(|(may, _)| *may == name);
            assert!(may, "{name}:{number} goes past cli/src/output.rs: {line}");
            printing.insert(name);
        }
    }
    let listed: BTreeSet<String> = PRINT.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(printing, listed, "this list has lost sight of who prints");
}
