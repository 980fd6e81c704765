//! Words of the sources: one for each thing, and no filler in the place of a noun.

mod sources;

use sources::{ROOT, count, files, read};
use std::path::{Path, PathBuf};

fn has_word(text: &str, word: &str) -> bool {
    count(text, word) > 0
}

/// Words with a better one in their place. All in small letters.
const WORDS: &[(&str, &str)] = &[
    ("cone", "mapping and filtering, each by its behaviour (RFC 4787)"),
    ("symmetric nat", "address-and-port-dependent mapping"),
    ("symmetric gateway", "address-and-port-dependent mapping"),
    ("router", "gateway"),
    ("routers", "gateways"),
    ("bandwidth", "capacity"),
    ("bottleneck buffer", "bottleneck queue"),
    ("glass-to-glass", "capture-to-render latency: no photon is measured here"),
    ("todo", "an issue"),
    ("fixme", "an issue"),
];

/// Where a word is what a user might write, and is corrected, or a library's name.
const QUOTED: &[(&str, &str)] = &[
    // Fields of smoltcp's DHCP.
    ("hil/lab/src/port.rs", "router"),
    ("hil/lab/src/port/tests.rs", "router"),
    ("hil/lab/tests/board.rs", "router"),
    ("hil/lab/tests/fates/station.rs", "router"),
    ("hil/process-board/src/station.rs", "router"),
    ("sim/scenario/src/synonyms.rs", "bandwidth"),
    ("sim/scenario/src/synonyms.rs", "cone"),
    ("sim/scenario/src/synonyms.rs", "router"),
    ("sim/scenario/tests/broken.rs", "bandwidth"),
    ("sim/scenario/tests/snapshots/broken__broken_scenarios.snap", "bandwidth"),
];

#[test]
fn one_word_for_each_thing() {
    let root = Path::new(ROOT).canonicalize().expect("the root");
    let folders = ["cli", "device-profiles", "docs", "fixtures", "fuzz", "hil", "reports", "sim"];
    for file in folders.iter().flat_map(|f| files(&root.join(f), &[".rs", ".md", ".toml", ".snap"]))
    {
        let name = file.strip_prefix(&root).expect("below").to_str().expect("text");
        if name == "cli/tests/architecture_words.rs" {
            continue;
        }
        let text = read(&file).to_lowercase();
        for (word, instead) in WORDS.iter().filter(|(word, _)| !QUOTED.contains(&(name, *word))) {
            let lines = text.lines().enumerate();
            let line = lines.filter(|(_, line)| has_word(line, word)).map(|(at, _)| at + 1).next();
            assert_eq!(line, None, "{name} says {word}: say {instead}");
        }
    }
    for (name, word) in QUOTED {
        let text = read(&root.join(name)).to_lowercase();
        assert!(has_word(&text, word), "{name} no longer says {word}: take it off the list");
    }
}

/// Fillers in the place of a noun, and what to write instead. All in small letters.
const FILLERS: &[(&str, &str)] = &[
    ("somebody", "the person or the program by its role: the user, the caller, another owner"),
    ("anybody", "the person or the program by its role"),
    ("nobody", "no and a noun: no reader, no host"),
    ("whoever", "the role: the caller, the holder, the reader"),
    ("befall", "inject, happen to"),
    ("befalls", "injects, happens to"),
    ("is told", "gets, is reported, is recorded"),
    ("are told", "get, are reported, are recorded"),
    ("was told", "got, was reported"),
    ("be told", "be reported, be recorded"),
    ("so many", "the number by its name, or: this number of"),
    ("so much", "the amount by its name"),
    ("so long", "the time by its name"),
];

/// How many fillers the sources of a crate have at most. The numbers may only fall; the aim is none.
const FILLED: &[(&str, usize)] = &[
    ("cli", 10),
    ("hil/bench", 16),
    ("hil/console", 4),
    ("reports/record", 9),
    ("sim/peer", 3),
    ("sim/scenario", 21),
    ("sim/signalling", 1),
    ("sim/world", 1),
];

#[test]
fn no_filler_in_the_place_of_a_noun() {
    let root = Path::new(ROOT).canonicalize().expect("the root");
    let folders = ["cli", "fuzz", "hil", "reports", "sim"];
    let mut found = std::collections::BTreeMap::<String, Vec<String>>::new();
    for file in folders.iter().flat_map(|folder| files(&root.join(folder), &[".rs"])) {
        let name = file.strip_prefix(&root).expect("below").to_str().expect("text").to_owned();
        let Some((of, _)) = name.split_once("/src/") else { continue };
        // A phrase may go on in the next line of a comment.
        let text = read(&file).to_lowercase().replace("///", " ").replace("//", " ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (word, instead) in FILLERS {
            let times =
                std::iter::repeat_n(format!("{name}: {word}: {instead}"), count(&text, word));
            found.entry(of.to_owned()).or_default().extend(times);
        }
    }
    for (of, fillers) in &found {
        let most = FILLED.iter().find(|(name, _)| name == of).map_or(0, |(_, most)| *most);
        let times = fillers.len();
        assert_eq!(times, most, "{of} has {times} fillers, {most} are listed: {fillers:#?}");
    }
    let without = FILLED.iter().find(|(name, _)| !found.contains_key(*name));
    assert_eq!(without, None, "it has no filler any more");
}

#[test]
fn a_filler_is_found_as_a_word() {
    assert_eq!(count("nobody told nobody_else, nobody.", "nobody"), 2);
    assert_eq!(count("so many more, soso many", "so many"), 1);
}

/// Pages for users, without code: none of these words.
#[test]
fn pages_for_users_have_no_filler() {
    let root = Path::new(ROOT).canonicalize().expect("the root");
    let generated = |file: &PathBuf| !file.starts_with(root.join("docs/reference"));
    let pages: Vec<PathBuf> =
        files(&root.join("docs"), &[".md"]).into_iter().filter(generated).collect();
    assert!(pages.len() > 10, "{pages:?}");
    for page in pages.iter().chain([&root.join("README.md")]) {
        let text = read(page).to_lowercase();
        let prose = text.lines().filter(|line| !line.starts_with("    "));
        let prose: Vec<String> = prose.map(|line| line.split('`').step_by(2).collect()).collect();
        let prose = prose.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        for (word, instead) in FILLERS {
            assert!(!has_word(&prose, word), "{} says {word}: {instead}", page.display());
        }
    }
}
