//! Documents: links and file names lead to what exists, `README.md` is short, and `docs/rfc.md` lists each test of a clause.

mod sources;

use sources::{ROOT, files};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};
use tempfile::TempDir;

/// Documents in which each text in backticks with a `/` in it is a file's name. In all others that is one that begins
/// with an entry of the repository's root.
const NAMES_FILES: &[&str] = &["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];

/// Texts with a `/` in such documents that are no files.
const NO_FILES: &[&str] = &[
    "gateway/SITE",
    "link/SITE/up",
    "peer/NAME/boot",
    "peer/NAME/stage/encode",
    "service/turn/password",
];

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

/// Whether a text in backticks of the document at `name` is the name of a file.
fn names_file(root: &Path, name: &Path, span: &str) -> bool {
    let path = span.contains('/') && !span.contains(char::is_whitespace);
    let first = || span.split('/').next().filter(|first| !["", "..", "target"].contains(first));
    let of_root = || first().is_some_and(|first| root.join(first).exists());
    let pattern = span.contains(['{', '*']) || span.contains("NAME");
    path && (NAMES_FILES.iter().any(|listed| name == Path::new(listed)) || of_root() && !pattern)
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
    let mut found = Found::default();
    for path in files(root, &[".md"]) {
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
        for (at, span) in code_spans(&text) {
            if !names_file(root, name, span) {
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

#[test]
fn the_readme_is_short() {
    let lines =
        fs::read_to_string(Path::new(ROOT).join("README.md")).expect("text").lines().count();
    assert!(
        lines <= 150,
        "README.md has {lines} lines, 150 are allowed: move details to a page of docs"
    );
}

/// Names of the test functions of a Rust source.
fn tests(source: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut marked = false;
    for line in source.lines().map(str::trim_start) {
        marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let declared = line.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
        if let Some((name, _)) = declared.filter(|_| marked && !line.starts_with("//")) {
            names.insert(name);
            marked = false;
        }
    }
    names
}

/// The tests that a page names in the last cells of its tables, each with the file that was named last before.
fn named(page: &str) -> Vec<(&str, &str)> {
    let (mut found, mut file) = (Vec::new(), "");
    for line in page.lines() {
        let cell =
            line.trim_end_matches([' ', '|']).rsplit('|').next().filter(|_| line.starts_with('|'));
        for (_, span) in code_spans(cell.unwrap_or(line)) {
            match cell {
                Some(_) => found.push((file, span)),
                None if span.contains('/') && span.ends_with(".rs") => file = span,
                None => {}
            }
        }
    }
    found
}

#[test]
fn the_list_of_rfc_clauses_names_tests_that_exist_and_all_of_those_that_are_a_clauses() {
    let root = Path::new(ROOT).canonicalize().expect("the root");
    let page = fs::read_to_string(root.join("docs/rfc.md")).expect("text");
    let named = named(&page);
    assert!(named.len() > 50, "only {} tests are named", named.len());
    for (file, test) in &named {
        let source =
            fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(
            tests(&source).contains(test),
            "docs/rfc.md names {test}, which is no test of {file}"
        );
    }
    let of_a_clause = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rfc"))
    };
    let clauses: Vec<PathBuf> = files(&root, &[".rs"]).into_iter().filter(of_a_clause).collect();
    assert!(clauses.len() >= 3, "{clauses:?}");
    for path in clauses {
        let file = path.strip_prefix(&root).expect("below").to_str().expect("text");
        let source = fs::read_to_string(&path).expect("text");
        for test in tests(&source) {
            assert!(named.contains(&(file, test)), "docs/rfc.md lacks {test} of {file}");
        }
    }
}

/// A name with three `_` or more is one of a test.
#[test]
fn the_page_of_attackers_names_tests_that_exist() {
    let root = Path::new(ROOT);
    let page = fs::read_to_string(root.join("docs/attackers.md")).expect("text");
    let mut named = 0;
    for row in page.lines() {
        let spans: Vec<&str> = code_spans(row).into_iter().map(|(_, span)| span).collect();
        let sources: Vec<String> = spans
            .iter()
            .filter(|span| span.contains('/') && span.ends_with(".rs"))
            .map(|file| {
                fs::read_to_string(root.join(file))
                    .unwrap_or_else(|error| panic!("{file}: {error}"))
            })
            .collect();
        let is_test = |span: &&&str| !span.contains('/') && span.matches('_').count() >= 3;
        for test in spans.iter().filter(is_test) {
            named += 1;
            assert!(
                sources.iter().any(|source| tests(source).contains(test)),
                "{test} is in no file of its row"
            );
        }
    }
    assert!(named > 5, "only {named} tests are named");
}

#[test]
fn tests_are_found_in_sources_and_in_tables() {
    let source = "#[test]\nfn one() {}\nfn helper() {}\n    #[tokio::test(x)]\n    async fn two() {}\n#[test]\n#[ignore]\nfn three() {}\n";
    assert_eq!(tests(source), BTreeSet::from(["one", "two", "three"]));
    let page = "`a` in `b/c.rs`.\n| x | y | Test |\n|---|---|---|\n| `k` | z | `one` |\n\nIn `d/e.rs`:\n| `k` | `two` |\n";
    assert_eq!(named(page), [("b/c.rs", "one"), ("d/e.rs", "two")]);
}
