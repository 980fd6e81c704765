//! Packages of the crates: what each says of itself, and which files it would hold.

use cargo_metadata::{Metadata, MetadataCommand, Package};
use std::{collections::BTreeSet, path::Path, process::Command};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Test programs, and the command: no libraries.
const NO_LIBRARIES: &[&str] = &["parallax-cli", "parallax-fuzz", "parallax-unguarded"];

/// Slugs of crates.io that are used here: <https://crates.io/category_slugs>.
const CATEGORIES: &[&str] = &[
    "command-line-utilities",
    "date-and-time",
    "development-tools::testing",
    "encoding",
    "filesystem",
    "hardware-support",
    "multimedia::video",
    "network-programming",
    "parser-implementations",
    "simulation",
    "visualization",
];

/// Folders of a package beside `src`.
const BESIDE_SOURCES: &[(&str, &[&str])] = &[
    ("parallax-media", &["clips/", "recordings/"]),
    ("parallax-render", &["assets/", "templates/"]),
    ("parallax-scenario", &["device-profiles/"]),
];

fn workspace() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(format!("{ROOT}/Cargo.toml")).no_deps();
    command.other_options(["--offline".to_owned()]).exec().expect("the workspace's metadata")
}

fn is_library(package: &&Package) -> bool {
    !NO_LIBRARIES.contains(&package.name.as_str())
}

#[test]
fn packages_say_what_they_are() {
    for package in &workspace().packages {
        let name = &package.name;
        assert_eq!(package.license.as_deref(), Some("MIT OR Apache-2.0"), "{name}");
        assert!(package.rust_version.is_some(), "{name}");
        let description = package.description.as_deref().unwrap_or_default();
        assert!(description.ends_with('.'), "{name}: {description}");
        if !is_library(&package) {
            continue;
        }
        assert!(package.readme.is_some(), "{name} has no README.md");
        // The rules of crates.io.
        assert!((1..=5).contains(&package.keywords.len()), "{name}: {:?}", package.keywords);
        for keyword in &package.keywords {
            let plain = keyword.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            assert!(plain && keyword.len() <= 20, "{name}: keyword {keyword}");
        }
        assert!((1..=5).contains(&package.categories.len()), "{name}: {:?}", package.categories);
        for category in &package.categories {
            assert!(CATEGORIES.contains(&category.as_str()), "{name}: category {category}");
        }
    }
}

/// Files of the package as `cargo package --list` has them.
fn listed(package: &Package) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["package", "--list", "--allow-dirty", "--offline", "--manifest-path"]);
    let output = cargo.arg(&package.manifest_path).output().expect("cargo");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", package.name);
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn a_librarys_package_holds_sources_readme_and_licences_and_nothing_else() {
    for package in workspace().packages.iter().filter(is_library) {
        let name = package.name.as_str();
        let files = listed(package);
        for needed in ["Cargo.toml", "README.md", "LICENSE-MIT", "LICENSE-APACHE", "src/lib.rs"] {
            assert!(files.contains(needed), "{name} lacks {needed}: {files:?}");
        }
        let beside = BESIDE_SOURCES.iter().find(|(with, _)| *with == name);
        let beside = beside.map_or(&[][..], |(_, folders)| *folders);
        for folder in beside {
            assert!(files.iter().any(|file| file.starts_with(folder)), "{name} lacks {folder}");
        }
        for file in &files {
            let cargos = ["Cargo.toml", "Cargo.toml.orig", "Cargo.lock", ".cargo_vcs_info.json"];
            let text = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];
            let sources = file.starts_with("src/") || beside.iter().any(|f| file.starts_with(f));
            let expected = sources || cargos.contains(&&**file) || text.contains(&&**file);
            assert!(expected, "{name} holds {file}");
        }
        let folder = package.manifest_path.parent().expect("a folder").as_std_path();
        holds_what_it_includes(name, folder, &files);
    }
}

/// Each file that a source includes at compile time is in the package.
fn holds_what_it_includes(name: &str, folder: &Path, files: &BTreeSet<String>) {
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        let text = std::fs::read_to_string(folder.join(file)).expect("text");
        let text = text.split("#[cfg(test)]\nmod tests").next().expect("text");
        let included = ["include_str!(\"", "include_bytes!(\""].into_iter();
        let included = included.flat_map(|call| text.split(call).skip(1));
        for path in included.filter_map(|rest| rest.split('"').next()) {
            let mut at: Vec<&str> = file.split('/').collect();
            at.pop();
            for part in path.split('/') {
                match part {
                    ".." => assert!(at.pop().is_some(), "{name}: {file} includes {path}"),
                    part => at.push(part),
                }
            }
            assert!(
                files.contains(&at.join("/")),
                "{name}: {file} includes {path}, which it lacks"
            );
        }
    }
}
