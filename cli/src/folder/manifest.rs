//! The manifest of an output folder: which files in it Parallax wrote, by path and digest.

use parallax_record::Name;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    path::Path,
};

/// Its first line. `sha256sum --check` reads the file, too: lines with `#` are none to it.
const HEAD: &str = "# parallax manifest 1";
/// Before the token of a command that wrote here.
const COMMAND: &str = "# command ";
/// Digits of a token.
const TOKEN_DIGITS: usize = 16;
/// Files that are in the folder of a run while it goes on, or when it has finished.
const FILES: [&str; 8] = [
    "capture.part",
    "capture.pcapng",
    "console.txt",
    "journal.jsonl",
    "journal.part",
    "packets.txt",
    "record.jsonl",
    "record.part",
];
/// Folders.
const FOLDERS: [&str; 3] = ["frames", "frames.part", "verify"];
/// Folders of earlier attempts begin so.
const ATTEMPT: &str = "attempt-";

/// The path of a file below the output folder, as the manifest has it. No `..`, no link of a shell, nothing
/// hidden: a folder of Parallax's, or one of a scenario, and what Parallax puts there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ManifestEntry(String);

impl ManifestEntry {
    /// The entry of this path, if Parallax may have written it.
    pub(crate) fn new(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let sound = |part: &&str| {
            !part.is_empty()
                && part.len() < 256
                && !part.starts_with('.')
                && part.chars().all(letters)
        };
        let placed = match parts[..] {
            [file] => {
                TOP.contains(&file)
                    || file.strip_suffix("-health.txt").is_some_and(|name| Name::new(name).is_ok())
            }
            ["report", file] => is_of_report(file),
            [scenario, run, ref below @ ..] => {
                Name::new(scenario).is_ok() && is_run(run) && is_file_of_run(below)
            }
            [] => false,
        };
        let sound = placed && parts.iter().all(sound);
        sound.then(|| Self(path.to_owned()))
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<Path> for ManifestEntry {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for ManifestEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

fn is_attempt(name: &str) -> bool {
    name.strip_prefix(ATTEMPT).is_some_and(is_number)
}

/// Whether a folder of a run is called so: `seed-N`, `seed-N-repeat-M`.
fn is_run(name: &str) -> bool {
    name.strip_prefix("seed-").is_some_and(|rest| match rest.split_once("-repeat-") {
        Some((seed, repeat)) => is_number(seed) && is_number(repeat),
        None => is_number(rest),
    })
}

/// Whether the report's folder has a file of this name.
fn is_of_report(name: &str) -> bool {
    if let Some(stem) = name.strip_suffix(".hgrm") {
        return matches!(stem.split('_').count(), 3 | 4);
    }
    let parts: Vec<&str> = name.split('_').collect();
    let [ref before @ .., _, _, plot] = parts[..] else {
        return ["grid.png", "parallax.json"].contains(&name);
    };
    let plots = ["timeline.png", "percentiles.png", "heat.png", "connection.png"];
    let of_run = match *before {
        [_, run] => is_run(run),
        [folder, _, run] => is_number(folder) && is_run(run),
        _ => false,
    };
    of_run && plots.contains(&plot)
}

/// Whether a picture of a worst frame is called so.
fn is_picture(name: &str) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    let [_, _, boot, frame, "received.png" | "source.png"] = parts[..] else { return false };
    boot.strip_prefix("boot-").is_some_and(is_number)
        && frame.strip_prefix("frame-").is_some_and(is_number)
}

/// Whether Parallax writes a file of this path in the folder of a run.
pub(crate) fn is_file_of_run(path: &[&str]) -> bool {
    match *path {
        [file] => FILES.contains(&file),
        ["frames" | "frames.part", picture] => is_picture(picture),
        ["verify", file] => ["packets.txt", "record.jsonl", "record.part"].contains(&file),
        [attempt, "console.txt" | "record.jsonl"] => is_attempt(attempt),
        [attempt, "frames", picture] => is_attempt(attempt) && is_picture(picture),
        _ => false,
    }
}

/// Whether Parallax makes a folder of this path in the folder of a run.
pub(crate) fn is_folder_of_run(path: &[&str]) -> bool {
    match *path {
        [name] => FOLDERS.contains(&name) || is_attempt(name),
        [attempt, "frames"] => is_attempt(attempt),
        _ => false,
    }
}

/// Whether a name in the folder of a run is one that Parallax gives.
pub(crate) fn is_work(name: &str) -> bool {
    is_file_of_run(&[name]) || is_folder_of_run(&[name])
}

/// The files that stand in the output folder itself.
pub(crate) const TOP: [&str; 6] =
    ["environment.json", "health.txt", "junit.xml", "report.html", "summary.json", "summary.md"];

/// Tells a command from others: names of what it has not finished have it in them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CommandToken(String);

impl CommandToken {
    /// A new one.
    pub(crate) fn new() -> Self {
        Self(format!("{:016x}", RandomState::new().build_hasher().finish()))
    }

    fn read(text: &str) -> Option<Self> {
        let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        let sound = text.len() == TOKEN_DIGITS && text.chars().all(digit);
        sound.then(|| Self(text.to_owned()))
    }

    /// What names of what is not finished begin with.
    pub(crate) fn prefix(&self) -> String {
        format!(".parallax-{}", self.0)
    }

    /// Whether a file that is to be moved to its place in the output folder is called so.
    pub(crate) fn is_aside(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.prefix()).and_then(|rest| rest.strip_prefix('-'));
        rest.is_some_and(|rest| rest == "manifest" || is_number(rest))
    }
}

/// SHA-256, lower-case hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What Parallax wrote to a folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct FolderManifest {
    /// The commands that wrote there.
    pub(crate) tokens: BTreeSet<CommandToken>,
    /// The digests that each file had or has: one that is being replaced has two.
    pub(crate) files: BTreeMap<ManifestEntry, BTreeSet<String>>,
}

impl FolderManifest {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut manifest = Self::default();
        // A command that was killed may have left half a line.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let mut lines = whole.lines().enumerate();
        match lines.next() {
            Some((_, HEAD)) => {}
            Some((_, head)) if head.starts_with("# parallax manifest ") => {
                return Err("another version of Parallax wrote it".to_owned());
            }
            _ => return Err("it is not a manifest of Parallax".to_owned()),
        }
        for (at, line) in lines {
            let wrong = || format!("line {} is none that Parallax writes", at + 1);
            if let Some(token) = line.strip_prefix(COMMAND) {
                manifest.tokens.insert(CommandToken::read(token).ok_or_else(wrong)?);
                continue;
            }
            let (digest, path) = line.split_once("  ").ok_or_else(wrong)?;
            let hexadecimal =
                digest.len() == 64 && digest.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
            let entry = ManifestEntry::new(path).filter(|_| hexadecimal).ok_or_else(wrong)?;
            manifest.files.entry(entry).or_default().insert(digest.to_owned());
        }
        Ok(manifest)
    }

    /// Whether a text is a manifest, or the beginning of one.
    pub(crate) fn is_begun(text: &str) -> bool {
        text.starts_with(HEAD) || HEAD.starts_with(text)
    }

    /// The line of a file.
    pub(crate) fn line(entry: &ManifestEntry, digest: &str) -> String {
        format!("{digest}  {entry}\n")
    }
}

impl fmt::Display for FolderManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        for CommandToken(token) in &self.tokens {
            writeln!(f, "{COMMAND}{token}")?;
        }
        for (entry, digests) in &self.files {
            for digest in digests {
                f.write_str(&Self::line(entry, digest))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_what_parallax_writes_and_nothing_else() {
        for path in [
            "summary.json",
            "door-health.txt",
            "report/grid.png",
            "two-homes/seed-1/record.jsonl",
            "report/two-homes_seed-1_door_phone_heat.png",
            "report/2_two-homes_seed-1-repeat-2_door_phone_timeline.png",
            "report/two-homes_door_phone-2.hgrm",
            "report/parallax.json",
            "two-homes/seed-1/verify/packets.txt",
            "two-homes/seed-7-repeat-2/attempt-1/frames/a_b_boot-1_frame-2_source.png",
        ] {
            assert!(ManifestEntry::new(path).is_some(), "{path}");
        }
        for path in [
            "",
            "/",
            ".",
            "..",
            "notes.txt",
            "../summary.json",
            "/etc/passwd",
            "report/../x",
            "report",
            "report/a/b",
            "report//a",
            "report/.hidden",
            "report/thesis.png",
            "report/my_seed-1_thesis.png",
            "report/thesis.hgrm",
            "two-homes/seed-1/notes.md",
            "two-homes/seed-1/attempt-thesis/console.txt",
            "two-homes/seed-1/attempt-1/notes.md",
            "two-homes/seed-1/frames/photo.png",
            "two-homes/seed-1/verify/notes.md",
            "two-homes/seed-1/killed-1/console.txt",
            "two-homes/seed-thesis/record.jsonl",
            "two-homes/seed-1-repeat-/record.jsonl",
            "two-homes/seed-1",
            "two-homes/x/record.jsonl",
            "Two/seed-1/a",
            "two-homes/seed-1/../../x",
            "two-homes/seed-1/a/b/c/d/e",
            "a/seed-1/\u{7}",
            "a/seed-1/b c",
            "../-health.txt",
        ] {
            assert!(ManifestEntry::new(path).is_none(), "{path:?}");
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_and_half_a_line_is_none() {
        let mut manifest = FolderManifest::default();
        manifest.tokens.insert(CommandToken::new());
        let entry = ManifestEntry::new("summary.json").expect("an entry");
        manifest.files.entry(entry).or_default().insert(digest(b"x"));
        let text = manifest.to_string();
        for cut in HEAD.len() + 1..text.len() {
            assert!(
                FolderManifest::read(&text[..cut]).is_ok_and(|read| read.files.is_empty()),
                "{cut}"
            );
        }
        assert_eq!(FolderManifest::read(&text).expect("it is one").to_string(), text);
        for (text, why) in [
            ("", "it is not a manifest"),
            ("hello\n", "it is not a manifest"),
            ("# parallax manifest 9\n", "another version"),
            ("# parallax manifest 1\n# command x\n", "line 2"),
            ("# parallax manifest 1\n00  summary.json\n", "line 2"),
        ] {
            assert!(FolderManifest::read(text).expect_err(text).contains(why), "{text}");
        }
        let outside = format!("{HEAD}\n{}  ../summary.json\n", digest(b"x"));
        assert!(FolderManifest::read(&outside).is_err());
    }
}
