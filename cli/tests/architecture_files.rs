//! Rules of file access: who opens input, who writes, and what paths are joined from.

mod sources;

use sources::{ROOT, count, files, read};
use std::{collections::BTreeSet, path::Path};

/// Where files are opened to be read, beside `reports/files`, and why that is none of a user's input.
const MAY_READ: &[(&str, &str)] = &[
    ("cli/src/folder/mod.rs", "the output folder itself, to lock it"),
    ("hil/bench/src/browser/chromium.rs", "what its own Chromium said, in a folder of its own"),
    ("hil/bench/src/waits.rs", "the system's tables of processes"),
    ("hil/process-board/src/plug.rs", "the terminal that it has made"),
];

/// Where something is written, renamed or removed, beside `reports/files`, and why it is nobody else's.
const MAY_WRITE: &[(&str, &str)] = &[
    ("cli/src/folder/mod.rs", "what the manifest says is Parallax's"),
    ("cli/src/folder/work.rs", "in folders of runs that are marked"),
    ("cli/src/frames.rs", "in the folder of a run that goes on"),
    ("cli/src/init.rs", "removes what it has made, where it cannot go on"),
    ("cli/src/output.rs", "makes folders"),
    ("cli/src/execute.rs", "in the folder of a run that goes on"),
    ("cli/src/verify.rs", "in the folder of a run that goes on"),
    ("cli/src/worker.rs", "in the folder of a run that goes on"),
    ("cli/src/written.rs", "a file that is new, or of its own kind"),
    ("hil/bench/src/book.rs", "pages of its own folder"),
    ("hil/bench/src/browser/chromium.rs", "in a folder of its own"),
    ("hil/bench/src/health.rs", "the transcript of a checkup, which is the caller's"),
    ("hil/bench/src/hold.rs", "locks in its own folder"),
    ("hil/bench/src/journal.rs", "in the folder of a run that goes on"),
    ("hil/bench/src/left.rs", "folders that it has made"),
    ("hil/bench/src/process.rs", "in a folder of its own"),
    ("hil/bench/src/run/program.rs", "in a folder of its own"),
    ("hil/bench/src/run.rs", "in the folder of a run that goes on"),
    ("hil/board/src/transcript.rs", "a new file alone"),
    ("hil/lab/src/cable/socket.rs", "a socket that answers nobody"),
    ("hil/process-board/src/plug.rs", "the link to its terminal"),
];

const READS: &[&str] =
    &["File::open", "File::options", "OpenOptions", "fs::read", "fs::read_to_string"];
const WRITES: &[&str] = &[
    "File::create",
    "File::create_new",
    "File::options",
    "OpenOptions",
    "persist",
    "fs::copy",
    "fs::create_dir",
    "fs::create_dir_all",
    "fs::hard_link",
    "fs::remove_dir",
    "fs::remove_dir_all",
    "fs::remove_file",
    "fs::rename",
    "fs::write",
];

/// Files of the system that a program asks about itself.
const SYSTEM: &[&str] = &["\"/proc/", "\"/etc/os-release\"", "\"/dev/urandom\""];

/// Lines of a source's code, without its tests.
fn code_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let numbered = text[..end].lines().enumerate();
    numbered
        .map(|(at, line)| (at + 1, line.trim_start()))
        .filter(|(_, line)| !line.starts_with("//"))
}

/// The sources of every package that are part of a program, by their paths.
fn program_sources() -> Vec<(String, String)> {
    let root = Path::new(ROOT).canonicalize().expect("the root");
    let mut all = Vec::new();
    for folder in ["cli", "fuzz", "hil", "reports", "sim"] {
        for file in files(&root.join(folder), &[".rs"]) {
            let name = file.strip_prefix(&root).expect("below").to_str().expect("text").to_owned();
            let is_test = name.ends_with("/tests.rs") || !name.contains("/src/");
            // What interposes into calls of the C library has other names for them.
            if !is_test && !name.starts_with("sim/interpose") {
                all.push((name, read(&file)));
            }
        }
    }
    assert!(all.len() > 200, "this test has lost sight of the sources");
    all
}

#[test]
fn input_is_opened_and_output_is_written_in_few_places() {
    let mut used = BTreeSet::new();
    let sources = program_sources();
    for (name, text) in sources.iter().filter(|(name, _)| !name.starts_with("reports/files")) {
        for (number, line) in code_of(text).filter(|(_, line)| !line.starts_with("use ")) {
            for (words, may, instead) in [
                (READS, MAY_READ, "parallax_files::read or text"),
                (WRITES, MAY_WRITE, "crate::folder or crate::written"),
            ] {
                let Some(word) = words.iter().find(|word| count(line, word) > 0) else { continue };
                if SYSTEM.iter().any(|file| line.contains(file)) {
                    continue;
                }
                let listed = may.iter().any(|(file, _)| file == name);
                // One word for both: it is the other list's.
                let either = READS.contains(word)
                    && WRITES.contains(word)
                    && MAY_READ.iter().chain(MAY_WRITE).any(|(file, _)| file == name);
                assert!(listed || either, "{name}:{number}: {word}: use {instead}");
                used.insert((may.as_ptr(), name.as_str()));
            }
        }
    }
    for may in [MAY_READ, MAY_WRITE] {
        for (file, _) in may {
            assert!(
                used.contains(&(may.as_ptr(), *file)),
                "{file} does so no longer: take it off the list"
            );
        }
    }
}

/// What paths of the command and the bench are joined from that is no text of the source: names of a type that
/// cannot lead out of a folder, numbers, or a path of input that the user has written.
const JOINED: &[(&str, &str, &str)] = &[
    ("cli/src/boards.rs", "&file", "made of a Name"),
    ("cli/src/calibrate.rs", "file", "one of two texts of the source"),
    (
        "cli/src/calibrate.rs",
        r#"format!("{name}.toml")"#,
        "a profile that ships: its name was found",
    ),
    ("cli/src/console.rs", r#"format!("{board}-{number}.txt")"#, "a Name and a number"),
    ("cli/src/frames.rs", "&picture.name", "names of peers, which are checked, and numbers"),
    ("cli/src/hil.rs", "&board.profile", "input, which the bench file names"),
    ("cli/src/hil/runs.rs", "&place", "made of a Name and numbers"),
    ("cli/src/hil/runs.rs", r#"format!("attempt-{attempt}")"#, "a number"),
    ("cli/src/init.rs", "file", "a text of the source"),
    ("cli/src/init.rs", "path", "a part of a text of the source"),
    ("cli/src/inputs.rs", "name", "input, which the scenario names"),
    ("cli/src/inputs.rs", "path", "input, which the scenario names"),
    ("cli/src/report/read.rs", "run.path()", "a Name and numbers"),
    ("cli/src/report/judged.rs", "&name", "input, looked at: one part"),
    ("cli/src/shipped.rs", r#"format!("{name}.toml")"#, "a Name"),
    ("cli/src/runs.rs", "&place", "made of a Name and numbers"),
    ("cli/src/verify.rs", "name", "one of two texts of the source"),
    (
        "hil/bench/src/book.rs",
        r#"format!("{}.toml", file_name(Path::new(&new_page(board).board)))"#,
        "a path with % for each /",
    ),
    ("hil/bench/src/browser/chromium.rs", "name", "one of two texts of the source"),
    ("hil/bench/src/browser/namespace.rs", "name", "a text of the source"),
    ("hil/bench/src/browser/sandbox.rs", "process", "a number, or a text of the source"),
    ("hil/bench/src/browser/sandbox.rs", "id.to_string()", "a number"),
    ("hil/bench/src/file.rs", "file.into_inner()", "input, which the bench file names"),
    ("hil/bench/src/file.rs", "port", "a device, which the bench file names"),
    ("hil/bench/src/hold.rs", r#"format!("{name}.lock")"#, "a path with % for each /"),
    ("hil/bench/src/names.rs", "port.file_name()?", "a device, which the bench file names"),
    ("hil/bench/src/place.rs", "own", "a socket, which the bench file names"),
    ("hil/bench/src/place.rs", "board", "a socket, which the bench file names"),
    ("hil/bench/src/place.rs", "&*program", "a program, which the bench file names"),
    ("hil/bench/src/run.rs", "old", "a text of the source"),
    ("hil/bench/src/run/program.rs", "&place.folder", "the folder of the bench file"),
    ("hil/bench/src/state.rs", "name", "an interface of the kernel"),
    ("hil/board/src/port.rs", "folder", "a text of the source"),
];

/// What a path is joined from in this line, if it is no text of the source.
fn joined(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices(".join(").filter_map(|(at, word)| {
        let rest = &line[at + word.len()..];
        let mut depth = 1;
        let end = rest.char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            (depth == 0).then_some(at)
        });
        let what = &rest[..end.unwrap_or(rest.len())];
        let of_source = what.is_empty()
            || what.starts_with('"')
            || what.starts_with(|c: char| c.is_ascii_uppercase());
        (!of_source).then_some(what)
    })
}

#[test]
fn paths_are_joined_from_names_that_were_looked_at() {
    let mut used = BTreeSet::new();
    for (name, text) in program_sources() {
        // The output folder's own are entries of its manifest.
        if !(name.starts_with("cli/") || name.starts_with("hil/"))
            || name.starts_with("cli/src/folder/")
        {
            continue;
        }
        for (number, line) in code_of(&text) {
            for what in joined(line) {
                let known = JOINED.iter().find(|(file, text, _)| *file == name && *text == what);
                let Some(known) = known else {
                    panic!("{name}:{number}: .join({what}): take a Name, and list it")
                };
                used.insert(*known);
            }
        }
    }
    for known in JOINED {
        assert!(used.contains(known), "{known:?} is no longer there: take it off the list");
    }
}
