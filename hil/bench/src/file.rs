//! The bench file: which boards stand here. What a type of board is, its device profile tells.

use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// A file that is no bench.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the bench {file}: {cause}\n  help: {help}")]
pub struct FileError {
    file: String,
    cause: String,
    help: &'static str,
}

/// A bench.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bench {
    /// What it is, in a few words.
    pub title: String,
    /// Its boards, by name.
    pub boards: BTreeMap<String, BenchBoard>,
}

/// A board of a bench.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchBoard {
    /// The device profile of its type: a shipped one by its name, or a file beside the bench file.
    pub profile: String,
    /// The line of the bench file that names the profile, from 1.
    pub profile_line: usize,
    /// Where it is.
    pub place: Place,
}

/// Where a board is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is a process, started for each run.
    Process,
    /// On a serial port.
    Port(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: u32,
    title: String,
    board: BTreeMap<String, WrittenBoard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBoard {
    profile: toml::Spanned<String>,
    #[serde(default)]
    process: bool,
    port: Option<PathBuf>,
}

/// Reads the text of a bench file called `file`.
///
/// # Errors
/// The first thing that is wrong, with its line and key.
pub fn read(file: &str, text: &str) -> Result<Bench, FileError> {
    let wrong = |cause: String, help| FileError { file: file.to_owned(), cause, help };
    let written: Written = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let cause = format!("{at}{}", error.message());
        wrong(cause, "hil/README.md shows a whole bench file and tells its keys")
    })?;
    if written.schema != 1 {
        let cause = format!("{}`schema` is {}", at_key(text, "schema"), written.schema);
        return Err(wrong(cause, "this version reads `schema = 1`"));
    }
    if written.board.is_empty() {
        return Err(wrong("it has no board".to_owned(), "add a table [board.NAME]"));
    }
    let mut boards = BTreeMap::new();
    for (name, board) in written.board {
        let place = match (board.process, board.port) {
            (true, None) => Place::Process,
            (false, Some(port)) => Place::Port(port),
            (both, _) => {
                let at = at_key(text, &format!("[board.{name}]"));
                let what = if both { "both `process` and `port`" } else { "no `port`" };
                let cause = format!("{at}the board `{name}` has {what}");
                return Err(wrong(cause, "write `process = true`, or `port = \"/dev/...\"`"));
            }
        };
        let profile_line = line_of(text, board.profile.span().start);
        let profile = board.profile.into_inner();
        boards.insert(name, BenchBoard { profile, profile_line, place });
    }
    Ok(Bench { title: written.title, boards })
}

/// Lines are counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
}

/// The first line that begins so, if there is one.
fn at_key(text: &str, key: &str) -> String {
    let at = text.lines().position(|line| line.trim_start().starts_with(key));
    at.map(|at| format!("line {}: ", at + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str =
        "schema = 1\ntitle = \"Mine\"\n\n[board.one]\nprofile = \"process-board\"\n";

    fn said(more: &str) -> String {
        read("mine.toml", &format!("{SOUND}{more}")).expect_err("it is wrong").to_string()
    }

    #[test]
    fn a_bench_has_boards_that_are_processes_or_on_ports() {
        let text = format!(
            "{SOUND}process = true\n[board.two]\nprofile = \"two.toml\"\nport = \"/dev/ttyUSB0\"\n"
        );
        let bench = read("mine.toml", &text).expect("it is sound");
        assert_eq!(bench.title, "Mine");
        assert_eq!(bench.boards["one"].place, Place::Process);
        assert_eq!(bench.boards["two"].place, Place::Port("/dev/ttyUSB0".into()));
        assert_eq!(bench.boards["two"].profile, "two.toml");
        assert_eq!(bench.boards["two"].profile_line, 8);
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_line_and_key() {
        let text = said("process = true\nbuad = 9600\n");
        assert!(
            text.contains("mine.toml") && text.contains("line 7") && text.contains("`buad`"),
            "{text}"
        );
    }

    #[test]
    fn a_board_is_in_one_place() {
        let nowhere = said("");
        assert!(nowhere.contains("line 4") && nowhere.contains("`one` has no `port`"), "{nowhere}");
        let twice = said("process = true\nport = \"/dev/x\"\n");
        assert!(twice.contains("both `process` and `port`"), "{twice}");
    }

    #[test]
    fn another_schema_no_board_and_no_toml_are_refused() {
        let other = read("b.toml", &SOUND.replace("schema = 1", "schema = 2"));
        assert!(other.expect_err("another").to_string().contains("line 1: `schema` is 2"));
        let none = read("b.toml", "schema = 1\ntitle = \"x\"\n[board]\n");
        assert!(none.expect_err("none").to_string().contains("no board"));
        let broken = read("b.toml", "schema = 1\ntitle = \n").expect_err("broken").to_string();
        assert!(broken.contains("line 2"), "{broken}");
    }
}
