//! Circles of imports among the files of a crate, and public names that stand for one type.

mod sources;

use cargo_metadata::MetadataCommand;
use sources::ROOT;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Circles that stand, each with the reason. The list may only shrink.
const CIRCLES: &[(&str, &[&str])] =
    &[("clips are a part of the plan", &["sim/fabric/src/clips.rs", "sim/fabric/src/plan.rs"])];

/// The path of a module, from the crate's root.
type Module = Vec<String>;

/// An import or another path in a file.
#[derive(Debug)]
struct Named {
    /// The module that it is written in.
    within: Module,
    path: Vec<String>,
    /// The name that it gets there; none: it is no import.
    alias: Option<String>,
    /// It is handed on, and not used there.
    exported: bool,
}

/// Names and punctuation of a source; comments and literals left out.
fn tokens(text: &str) -> Vec<String> {
    let (chars, mut at, mut found) = (text.chars().collect::<Vec<_>>(), 0, Vec::new());
    let of_name = |c: char| c.is_alphanumeric() || c == '_';
    while let Some(&first) = chars.get(at) {
        let next = chars.get(at + 1).copied().unwrap_or_default();
        match first {
            '/' if next == '/' => {
                while chars.get(at).is_some_and(|c| *c != '\n') {
                    at += 1;
                }
            }
            '/' if next == '*' => {
                while at < chars.len() && (chars[at], chars.get(at + 1)) != ('*', Some(&'/')) {
                    at += 1;
                }
                at += 2;
            }
            '"' => {
                at += 1;
                while chars.get(at).is_some_and(|c| *c != '"') {
                    at += if chars[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
            }
            // A letter in quotes; else a lifetime.
            '\'' if next == '\\' || chars.get(at + 2) == Some(&'\'') => {
                at += if next == '\\' { 3 } else { 2 };
                while chars.get(at).is_some_and(|c| *c != '\'') {
                    at += 1;
                }
                at += 1;
            }
            c if of_name(c) => {
                let start = at;
                while chars.get(at).is_some_and(|c| of_name(*c)) {
                    at += 1;
                }
                let name: String = chars[start..at].iter().collect();
                let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
                let raw = name.ends_with('r') && chars.get(at + hashes) == Some(&'"');
                if raw {
                    let end = format!("\"{}", "#".repeat(hashes));
                    let rest: String = chars[at + hashes + 1..].iter().collect();
                    let length = rest.find(&end).map_or(rest.len(), |end| end + 1 + hashes);
                    at += hashes + 1 + rest[..length.min(rest.len())].chars().count();
                } else {
                    found.push(name);
                }
            }
            ':' if next == ':' => {
                found.push("::".to_owned());
                at += 2;
            }
            c => {
                if !c.is_whitespace() {
                    found.push(c.to_string());
                }
                at += 1;
            }
        }
    }
    found
}

/// The token behind the bracket that closes the one at `at`.
fn behind(tokens: &[String], at: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// Leaves out what is compiled for tests alone.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut left, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens[at..].iter().take(attribute.len()).eq(attribute.iter()) {
            at += attribute.len();
            while at < tokens.len() && ![";", "{"].contains(&tokens[at].as_str()) {
                at = if tokens[at] == "(" || tokens[at] == "[" {
                    behind(&tokens, at)
                } else {
                    at + 1
                };
            }
            at = if tokens.get(at).is_some_and(|token| token == "{") {
                behind(&tokens, at)
            } else {
                at + 1
            };
        } else {
            left.push(tokens[at].clone());
            at += 1;
        }
    }
    left
}

/// The paths of a `use`, each with the name that it gets.
fn of_use(tokens: &[String], before: &[String], to: &mut Vec<(Vec<String>, String)>) {
    let mut path = before.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "::" => at += 1,
            "{" => {
                let end = behind(tokens, at) - 1;
                let (mut start, mut index) = (at + 1, at + 1);
                while index <= end {
                    if index == end || tokens[index] == "," {
                        if start < index {
                            of_use(&tokens[start..index], &path, to);
                        }
                        start = index + 1;
                    }
                    index = if tokens[index] == "{" { behind(tokens, index) } else { index + 1 };
                }
                return;
            }
            "as" => break,
            name => {
                path.push(name.to_owned());
                at += 1;
            }
        }
    }
    let own = path.last().is_some_and(|last| last == "self") && path.len() > 1;
    if own {
        path.pop();
    }
    let alias = tokens.get(at + 1).or(path.last()).cloned().unwrap_or_default();
    to.push((path, alias));
}

/// Imports and paths of a file.
fn named(text: &str, module: &Module) -> Vec<Named> {
    let tokens = without_tests(tokens(text));
    let (mut found, mut at) = (Vec::new(), 0);
    // Modules within the file, and where they end.
    let mut within: Vec<(String, usize)> = Vec::new();
    while at < tokens.len() {
        within.retain(|(_, end)| at < *end);
        let here = || module.iter().chain(within.iter().map(|(name, _)| name)).cloned().collect();
        match tokens[at].as_str() {
            "mod" if tokens.get(at + 2).is_some_and(|token| token == "{") => {
                within.push((tokens[at + 1].clone(), behind(&tokens, at + 2)));
                at += 3;
            }
            "use" if tokens.get(at + 1).is_some_and(|token| token != "<") => {
                let end = at + tokens[at..].iter().position(|token| token == ";").unwrap_or(1);
                let exported = at > 0 && ["pub", ")"].contains(&tokens[at - 1].as_str());
                let mut paths = Vec::new();
                of_use(&tokens[at + 1..end], &[], &mut paths);
                found.extend(paths.into_iter().map(|(path, alias)| Named {
                    within: here(),
                    path,
                    alias: Some(alias),
                    exported,
                }));
                at = end;
            }
            _ => {
                let start = at;
                while tokens.get(at + 1).is_some_and(|token| token == "::") && at + 2 < tokens.len()
                {
                    at += 2;
                }
                let path: Vec<_> = tokens[start..=at].iter().step_by(2).cloned().collect();
                if path.len() > 1 && (start == 0 || tokens[start - 1] != "::") {
                    found.push(Named { within: here(), path, alias: None, exported: false });
                }
                at += 1;
            }
        }
    }
    found
}

/// The files of a crate by module, and what each names.
struct Sources {
    files: BTreeMap<Module, PathBuf>,
    named: BTreeMap<Module, Vec<Named>>,
}

impl Sources {
    fn of(folder: &Path) -> Self {
        let (mut files, mut all) = (BTreeMap::new(), BTreeMap::new());
        for file in sources::files(folder, &[".rs"]) {
            let below = file.strip_prefix(folder).expect("below").with_extension("");
            let mut module: Module =
                below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let last = module.last().cloned().unwrap_or_default();
            let is_root = module.len() == 1 && (last == "lib" || last == "main");
            if module[0] == "bin" || (last == "main" && folder.join("lib.rs").exists()) {
                continue;
            }
            if is_root || last == "mod" {
                module.pop();
            }
            all.insert(module.clone(), named(&sources::read(&file), &module));
            files.insert(module, file);
        }
        Self { files, named: all }
    }

    /// The module of a path, and what is left of the path there; none: it leads out of the crate.
    fn absolute(&self, named: &Named) -> Option<Module> {
        let mut path = named.path.iter().map(String::as_str).peekable();
        let mut from = named.within.clone();
        match *path.peek()? {
            "crate" => {
                path.next();
                from.clear();
            }
            "self" => drop(path.next()),
            "super" => {
                while path.next_if_eq(&"super").is_some() {
                    from.pop();
                }
            }
            first => {
                let child: Module = from.iter().cloned().chain([first.to_owned()]).collect();
                if !self.files.contains_key(&child) {
                    return None;
                }
            }
        }
        Some(from.into_iter().chain(path.map(str::to_owned)).collect())
    }

    /// The file in which that stands which a path names, through what hands it on.
    fn file_of(&self, mut path: Module, aliases: &BTreeMap<Module, Module>) -> Module {
        let mut seen = BTreeSet::new();
        loop {
            let length = (0..=path.len()).rev().find(|n| self.files.contains_key(&path[..*n]));
            let length = length.unwrap_or(0);
            let name = path.get(..=length).map(<[String]>::to_vec);
            let Some((name, to)) = name.and_then(|name| Some((name.clone(), aliases.get(&name)?)))
            else {
                return path[..length].to_vec();
            };
            if !seen.insert(name) {
                return path[..length].to_vec();
            }
            path = to.iter().chain(&path[length + 1..]).cloned().collect();
        }
    }

    /// Which files each file uses. What a file has below it is a part of it: a use of the file above is none.
    fn uses(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut aliases = BTreeMap::new();
        for (module, named) in &self.named {
            for (name, path) in named.iter().filter_map(|n| Some((n, self.absolute(n)?))) {
                let alias = name.alias.clone().filter(|_| name.within == *module);
                if let Some(alias) = alias {
                    aliases.insert([module.as_slice(), &[alias]].concat(), path);
                }
            }
        }
        let uses = |(module, named): (&Module, &Vec<Named>)| {
            let used = named.iter().filter(|named| !named.exported);
            let used = used.filter_map(|named| self.absolute(named));
            let used = used.map(|path| self.file_of(path, &aliases));
            let above = |used: &Module| !used.is_empty() && module.starts_with(used);
            (module.clone(), used.filter(|used| used != module && !above(used)).collect())
        };
        self.named.iter().map(uses).collect()
    }

    /// Files that use each other, by whatever way.
    fn circles(&self) -> BTreeSet<Vec<PathBuf>> {
        let uses = self.uses();
        let reached = |from: &Module| {
            let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
            while let Some(module) = next.pop() {
                for used in uses.get(module).into_iter().flatten() {
                    if reached.insert(used.clone()) {
                        next.push(used);
                    }
                }
            }
            reached
        };
        let reached: BTreeMap<_, _> = uses.keys().map(|module| (module, reached(module))).collect();
        let circle = |module: &&Module| -> Option<Vec<PathBuf>> {
            let mutual = reached[*module]
                .iter()
                .filter(|other| reached.get(other).is_some_and(|back| back.contains(*module)));
            let files: Vec<_> = mutual.map(|module| self.files[module].clone()).collect();
            (!files.is_empty()).then_some(files)
        };
        uses.keys().filter_map(|module| circle(&module)).collect()
    }
}

/// The `src` folders of the workspace.
fn crates() -> Vec<PathBuf> {
    let mut command = MetadataCommand::new();
    command.manifest_path(format!("{ROOT}/Cargo.toml")).no_deps();
    let workspace = command.other_options(["--offline".to_owned()]).exec().expect("the metadata");
    let folder = |package: &cargo_metadata::Package| {
        package.manifest_path.parent().expect("a folder").join("src").into_std_path_buf()
    };
    workspace.packages.iter().map(folder).filter(|folder| folder.is_dir()).collect()
}

fn relative(file: &Path) -> String {
    let root = Path::new(ROOT).canonicalize().expect("the root");
    file.strip_prefix(root).expect("below").to_str().expect("text").to_owned()
}

#[test]
fn no_circle_of_imports_but_those_of_the_list() {
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    let (mut files, mut uses) = (0, 0);
    for folder in crates() {
        let sources = Sources::of(&folder);
        files += sources.files.len();
        uses += sources.uses().values().map(BTreeSet::len).sum::<usize>();
        let circles = sources.circles().into_iter();
        found.extend(circles.map(|circle| circle.iter().map(|file| relative(file)).collect()));
    }
    assert!(files > 300 && uses > 1_000, "this test has lost sight of the sources");
    let listed = |circle: &&[&str]| circle.iter().map(|file| (*file).to_owned()).collect();
    let listed: BTreeSet<Vec<String>> = CIRCLES.iter().map(|(_, circle)| listed(circle)).collect();
    let new: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "new circles: {new:#?}\nno longer there: {gone:#?}");
}

#[test]
fn a_circle_is_found_through_what_hands_a_name_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    };
    write("lib.rs", "mod a; mod b; mod c; pub use a::{A, Other as Alias};");
    write("a.rs", "mod part; use crate::b::B; pub struct A; pub struct Other; // crate::c::C\n");
    // A part uses what it is a part of.
    write("a/part.rs", "use super::A; fn f(_: super::Other) {}");
    write("b.rs", "pub struct B; fn f() { let _ = \"crate::c::C\"; g(crate::Alias) }");
    write("c.rs", "use crate::{b::B, A}; #[cfg(test)] mod tests { use crate::d::D; }");
    write("d.rs", "use crate::c; mod inner { use super::super::c::C; }");
    let circles = Sources::of(folder.path()).circles();
    let files = |names: &[&str]| names.iter().map(|name| folder.path().join(name)).collect();
    assert_eq!(circles, BTreeSet::from([files(&["a.rs", "b.rs"])]));
}

/// Public types whose names stand for several. The list may only shrink.
const SHARED: &[&str] = &["Builtin", "Event", "Size"];

/// The types that a source declares for other files: `pub` and `pub(crate)`.
fn types(text: &str) -> Vec<String> {
    let tokens = without_tests(tokens(text));
    let kinds = ["struct", "enum", "trait", "type", "union"];
    let declared = |(at, token): (usize, &String)| {
        let public = at > 0 && tokens[at - 1] == "pub"
            || at > 3 && tokens[at - 4..at].iter().eq(["pub", "(", "crate", ")"].iter());
        (public && kinds.contains(&token.as_str())).then(|| tokens[at + 1].clone())
    };
    tokens.iter().enumerate().filter_map(declared).collect()
}

#[test]
fn a_type_has_its_name_alone() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in crates().iter().flat_map(|folder| sources::files(folder, &[".rs"])) {
        for name in types(&sources::read(&file)) {
            places.entry(name).or_default().insert(relative(&file));
        }
    }
    assert!(places.len() > 500, "this test has lost sight of the types");
    let shared = places.iter().filter(|(_, files)| files.len() > 1);
    let found: BTreeSet<&str> = shared.clone().map(|(name, _)| name.as_str()).collect();
    let listed: BTreeSet<&str> = SHARED.iter().copied().collect();
    let new = shared.filter(|(name, _)| !listed.contains(name.as_str())).collect::<Vec<_>>();
    let gone = listed.difference(&found).collect::<Vec<_>>();
    assert!(new.is_empty(), "rename one of each: {new:#?}");
    assert!(gone.is_empty(), "take off the list: {gone:#?}");
}

#[test]
fn types_are_read_as_they_are_declared() {
    let text = "pub struct A; pub(crate) enum B {} struct C; pub(super) trait D {} pub type E = u8;
        // pub struct F;
        #[cfg(test)] pub struct G; const TEXT: &str = \"pub struct H;\"; const R: &str = r#\"pub enum I\"#;";
    assert_eq!(types(text), ["A", "B", "E"]);
}
