//! Files of the repository, for tests that read them.

#![allow(dead_code, reason = "each test program uses a part")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The repository's root.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Files below `folder` with one of these endings, sorted; without links, build output and version control.
pub(crate) fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_symlink() {
                continue;
            } else if path.is_dir() {
                if !["target", "node_modules"].contains(&name.as_str()) && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no files in {}", folder.display());
    found.sort();
    found
}

/// The text of a file.
pub(crate) fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// How often `text` has `word` with nothing of a name around it.
pub(crate) fn count(text: &str, word: &str) -> usize {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let alone = |(at, _): &(usize, &str)| {
        let before = text[..*at].chars().next_back().is_some_and(of_name);
        let after = text[*at + word.len()..].chars().next().is_some_and(of_name);
        !before && !after
    };
    text.match_indices(word).filter(alone).count()
}
