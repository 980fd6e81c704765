//! Pages of keys: `docs/reference` is what the parser's own tables say.

#![expect(clippy::disallowed_methods, reason = "this test writes pages; the crate reads no files")]

use parallax_scenario::{
    Builtin, profile,
    reference::{self, Keys},
};
use std::{env, fs, path::Path};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");
const WRITE: &str = "PARALLAX_REFERENCE=write cargo test -p parallax-scenario --test reference";
const END: &str = "A key that is not in these tables is refused. **refused** in the third column: the key must be there.";

/// File, title and introduction of each page.
const PAGES: &[(&str, &str, &str)] = &[
    (
        "scenario.md",
        "Keys of a scenario",
        "Every key of a scenario file. [Writing a scenario](../scenarios.md) explains units, names, limits, prerecorded media, the \
         jitter buffer and congestion control.",
    ),
    (
        "profile.md",
        "Keys of a device profile",
        "Every key of a device profile. [Device profiles](../devices.md) explains stages, provenance, consoles and firmware.",
    ),
    (
        "clip.md",
        "Keys of a clip's manifest",
        "Every key of the manifest of a raw H.264 stream. [Clips](../clips.md) explains films and manifests.",
    ),
];

#[test]
fn the_pages_of_keys_are_generated_from_the_parsers_tables() {
    let all: [&[&Keys]; 3] = [&reference::SCENARIO, reference::PROFILE, reference::CLIP];
    for ((file, title, introduction), tables) in PAGES.iter().zip(all) {
        let path = Path::new(FOLDER).join(file);
        let sections = reference::sections(tables);
        let expected = format!(
            "# {title}\n<!-- Generated from the keys in sim/scenario/src by: {WRITE} -->\n\n{introduction}\n{END}\n{sections}"
        );
        if env::var("PARALLAX_REFERENCE").is_ok_and(|value| value == "write") {
            fs::write(&path, &expected).expect("the page is written");
        }
        let page = fs::read_to_string(&path).expect("a page");
        assert!(page == expected, "docs/reference/{file} differs from the parser: {WRITE}");
    }
}

/// Indented blocks of a page that are whole files: from `schema = 1` to the next line of text.
fn examples(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        let text = line.strip_prefix("    ");
        inside = match text {
            Some("schema = 1") => {
                found.push(String::new());
                true
            }
            Some(text) => inside && !text.starts_with('$'),
            None => inside && line.is_empty(),
        };
        if let Some(example) = found.last_mut().filter(|_| inside) {
            example.push_str(text.unwrap_or_default());
            example.push('\n');
        }
    }
    found
}

#[test]
fn examples_of_the_pages_are_sound() {
    let mut kinds = [0, 0];
    for page in ["scenarios.md", "tutorial.md", "devices.md"] {
        let text = fs::read_to_string(Path::new(FOLDER).join("..").join(page)).expect("a page");
        for example in examples(&text) {
            let is_profile = example.contains("[boot_time]");
            kinds[usize::from(is_profile)] += 1;
            let problems = match is_profile {
                true => profile::parse("example.toml", &example).err(),
                false => parallax_scenario::parse("example.toml", &example, &Builtin).err(),
            };
            assert!(problems.is_none(), "docs/{page}: {:?}", problems.map(miette::Report::new));
        }
    }
    assert_eq!(kinds, [2, 2], "scenarios and profiles");
}
