//! Links and file names in documents: what a Markdown file of the repository leads to exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Documents whose names of files are held: each text in backticks that has a `/` in it.
const NAMES_FILES: &[&str] = &["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];

/// Texts with a `/` in such documents that are no files.
const NO_FILES: &[&str] = &[
    "/var/tmp/parallax-boards",
    "gateway/SITE",
    "link/SITE/up",
    "peer/NAME/boot",
    "peer/NAME/stage/encode",
    "service/turn/password",
];

/// Markdown files below `folder`, without build output and what is not of the repository.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            let foreign = ["target", "node_modules", ".git"].contains(&name.as_str());
            if !foreign {
                documents(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
    found.sort();
}

/// The text with blanks in place of fenced blocks, so that lines keep their numbers.
fn without_fences(text: &str) -> String {
    let mut fence: Option<&str> = None;
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        let inside = fence.is_some() || mark.is_some();
        fence = match (fence, mark) {
            (None, mark) => mark,
            (Some(open), Some(mark)) if open == mark => None,
            (open, _) => open,
        };
        kept.push_str(if inside { "\n" } else { line });
    }
    kept
}

/// Texts in backticks, with their places. One does not reach beyond its paragraph.
fn code_spans(text: &str) -> Vec<(usize, &str)> {
    let run = |at: usize| text[at..].bytes().take_while(|byte| *byte == b'`').count();
    let (mut spans, mut at) = (Vec::new(), 0);
    while let Some(open) = text[at..].find('`').map(|found| at + found) {
        let ticks = run(open);
        let begin = open + ticks;
        let paragraph = text[begin..].find("\n\n").map_or(text.len(), |end| begin + end);
        let mut close = begin;
        let end = loop {
            let Some(found) = text[close..paragraph].find('`') else { break None };
            close += found;
            match run(close) {
                found if found == ticks => break Some(close),
                found => close += found,
            }
        };
        at = end.map_or(begin, |end| {
            spans.push((begin, &text[begin..end]));
            end + ticks
        });
    }
    spans
}

/// The text with blanks in place of what is in backticks.
fn without_code(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, span) in code_spans(text) {
        for byte in bytes[at..at + span.len()].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).expect("whole spans are blank")
}

/// Where links and images lead, with their places: `[text](there)` and `[text]: there`.
fn destinations(text: &str) -> Vec<(usize, String)> {
    let inline = text.match_indices("](").map(|(at, mark)| at + mark.len());
    let mut starts: Vec<usize> = inline.collect();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with('[')
            && !line.starts_with("[^")
            && let Some(end) = line.find("]: ")
        {
            starts.push(at + end + 3);
        }
        at += line.len();
    }
    let destination = |start: usize| {
        let rest = text[start..].trim_start();
        let (mut depth, pointed) = (0, rest.starts_with('<'));
        let end = rest.find(|c: char| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            if pointed { c == '>' } else { c.is_whitespace() || depth < 0 }
        });
        (start, rest[..end.unwrap_or(rest.len())].trim_start_matches('<').to_owned())
    };
    starts.into_iter().map(destination).collect()
}

/// The anchors of a document's headings, by GitHub's rule: small letters, `-` for each blank, no other punctuation,
/// a number behind one that is there already.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for line in without_fences(text).lines() {
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        if !(1..=6).contains(&level) || !heading.starts_with(' ') {
            continue;
        }
        let mut shown = heading.trim().trim_end_matches('#').trim_end().to_owned();
        // Of a link its text is shown.
        while let Some(at) = shown.find("](") {
            let end = shown[at..].find(')').map_or(shown.len(), |end| at + end + 1);
            shown.replace_range(at..end, "");
        }
        let kept = shown.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        let slug = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let before = times.entry(slug.clone()).or_default();
        anchors.insert(if *before == 0 { slug } else { format!("{slug}-{before}") });
        *before += 1;
    }
    anchors
}

/// A path without `.` and `..`; none if it leads out of the repository.
fn resolved(folder: &Path, to: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in folder.join(to).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir if path.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(path)
}

/// What is wrong with a link of the document at `name`, a path from the root.
fn broken(root: &Path, name: &Path, to: &str) -> Option<String> {
    let is_remote = ["https://", "http://", "mailto:"].iter().any(|scheme| to.starts_with(scheme));
    if is_remote {
        return None;
    }
    let (file, anchor) =
        to.split_once('#').map_or((to, None), |(file, anchor)| (file, Some(anchor)));
    let target = match file {
        "" => name.to_owned(),
        file => match resolved(name.parent().expect("a folder"), file) {
            Some(target) => target,
            None => return Some("it leads out of the repository".to_owned()),
        },
    };
    if !root.join(&target).exists() {
        return Some("there is no such file".to_owned());
    }
    let anchor = anchor?;
    if target.extension().is_none_or(|ending| ending != "md") {
        return Some("an anchor leads to a heading of a Markdown file".to_owned());
    }
    let text = fs::read_to_string(root.join(&target)).expect("text");
    (!anchors(&text).contains(anchor)).then(|| format!("{} has no such heading", target.display()))
}

/// Whether the texts in backticks of this document are held.
fn names_files(name: &Path) -> bool {
    name.starts_with("docs") || NAMES_FILES.iter().any(|listed| name == Path::new(listed))
}

/// What was looked at, and what is wrong.
#[derive(Default)]
struct Found {
    links: usize,
    files: usize,
    no_files: BTreeSet<String>,
    problems: Vec<String>,
}

fn look(root: &Path) -> Found {
    let mut all = Vec::new();
    documents(root, &mut all);
    let mut found = Found::default();
    for path in all {
        let name = path.strip_prefix(root).expect("below");
        let text = without_fences(&fs::read_to_string(&path).expect("text"));
        let mut tell = |at: usize, what: &str, why: &str| {
            let line = text[..at].matches('\n').count() + 1;
            found.problems.push(format!("{}:{line}: {what}: {why}", name.display()));
        };
        for (at, to) in destinations(&without_code(&text)) {
            found.links += 1;
            if let Some(why) = broken(root, name, &to) {
                tell(at, &to, &why);
            }
        }
        if !names_files(name) {
            continue;
        }
        for (at, span) in code_spans(&text) {
            if !span.contains('/') || span.contains(char::is_whitespace) {
                continue;
            }
            if NO_FILES.contains(&span) {
                found.no_files.insert(span.to_owned());
                continue;
            }
            found.files += 1;
            if span.starts_with('/') || !root.join(span).exists() {
                tell(at, span, "there is no such file");
            }
        }
    }
    found
}

#[test]
fn links_and_names_of_files_lead_somewhere() {
    let root = Path::new(ROOT).canonicalize().expect("the root");
    let Found { links, files, no_files, problems } = look(&root);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(links > 20 && files > 100, "only {links} links and {files} names of files were found");
    let listed: BTreeSet<String> = NO_FILES.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(no_files, listed, "a text is in no document any more: take it off the list");
}

#[test]
fn what_leads_nowhere_is_found() {
    let folder = TempDir::new().expect("a folder");
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    fs::create_dir(folder.path().join("docs")).expect("a folder");
    put("there.rs", "");
    put(
        "README.md",
        "# Two `words`, here\n## Again\n## Again\n\
         [a](docs/page.md) [b](docs/page.md#the-page \"title\") ![c](there.rs) [d](#two-words-here) [e](#again-1)\n\
         [f](https://example.org/gone) `[g](gone.md)`\n\n```\n[h](gone.md)\n# Fenced\n```\n\n\
         [i](gone.md) [j](#fenced) [k](docs/page.md#gone) [l](../out.md) [m](there.rs#L1)\n\n[n]: gone.png\n",
    );
    put(
        "docs/page.md",
        "# The [page](../README.md)\nIn `there.rs` and `docs/page.md`, a span\nthat `is\nbroken` and `docs/gone.md`.\n",
    );
    let Found { links, files, problems, .. } = look(folder.path());
    let expected = [
        "README.md:12: gone.md: there is no such file",
        "README.md:12: #fenced: README.md has no such heading",
        "README.md:12: docs/page.md#gone: docs/page.md has no such heading",
        "README.md:12: ../out.md: it leads out of the repository",
        "README.md:12: there.rs#L1: an anchor leads to a heading of a Markdown file",
        "README.md:14: gone.png: there is no such file",
        "docs/page.md:4: docs/gone.md: there is no such file",
    ];
    assert_eq!(problems, expected);
    assert_eq!((links, files), (13, 2));
}
