//! Whatever stands in an output folder and is not Parallax's is there afterwards as it was before.

use super::*;
use parallax_record::Name;
use proptest::prelude::*;
use std::{collections::BTreeMap, os::unix::fs::symlink};
use tempfile::{TempDir, tempdir};

/// Paths at which a foreign file may lie, and whether Parallax writes a file there.
const PLACES: [(&str, bool); 26] = [
    ("notes.txt", false),
    ("summary.json", true),
    ("summary.md", true),
    ("report.html", true),
    ("report/grid.png", true),
    ("report/thesis.png", false),
    ("report/notes.txt", false),
    ("home/seed-1/record.jsonl", true),
    ("home/seed-1/notes.txt", false),
    ("home/seed-1/frames/a.png", false),
    ("home/seed-1/frames/a_b_boot-1_frame-2_source.png", true),
    ("home/seed-1/attempt-thesis/a", false),
    ("home/seed-2/record.jsonl", true),
    ("home/seed-2/journal.jsonl", true),
    ("home/seed-2/attempt-1/console.txt", true),
    ("home/seed-2/attempt-1/notes.txt", false),
    ("home/seed-2/verify/notes.txt", false),
    ("home/seed-3/record.jsonl", true),
    ("home/seed-3/record.jsonl/notes.txt", false),
    ("office/seed-1/record.jsonl", true),
    ("home/other/record.jsonl", false),
    (".parallax-0123456789abcdef-thesis/a", false),
    (".parallax-0123456789abcdef-thesis", false),
    ("parallax.manifest", true),
    ("report", false),
    ("home", false),
];

/// The token of a folder that no command has made.
const TOKEN: &str = "0123456789abcdef";

/// A change of a folder between two commands.
#[derive(Clone, Debug)]
enum Deed {
    /// Writes a file, in the place of whatever is there.
    File(usize, u8),
    /// Puts a link there, to a file or a folder outside.
    Link(usize, bool),
    /// Adds a line to the manifest, with the right digest of what is there or another.
    Claim(usize, bool),
    /// Adds such a line for a path that leads outside.
    Escape(usize),
    /// Adds a command to the manifest, and its mark to the folder of a run.
    Mark(u64),
    /// Removes the manifest.
    Lose,
}

const ESCAPES: [&str; 4] = [
    "../outside/precious",
    "/etc/hostname",
    "report/../../outside/precious",
    "home/seed-1/../../../outside/precious",
];

fn deed() -> impl Strategy<Value = Deed> {
    let place = 0..PLACES.len();
    prop_oneof![
        4 => (place.clone(), any::<u8>()).prop_map(|(at, byte)| Deed::File(at, byte)),
        2 => (place.clone(), any::<bool>()).prop_map(|(at, folder)| Deed::Link(at, folder)),
        2 => (place, any::<bool>()).prop_map(|(at, right)| Deed::Claim(at, right)),
        1 => (0..ESCAPES.len()).prop_map(Deed::Escape),
        2 => (1..4_u64).prop_map(Deed::Mark),
        1 => Just(Deed::Lose),
    ]
}

/// A command that runs two scenarios' runs, and may be killed before it has finished the last.
fn command(out: &Path, seeds: &[u64], killed: bool) -> Result<(), Stop> {
    let scenario = Name::new("home").expect("a name");
    let runs: Vec<PathBuf> =
        seeds.iter().map(|seed| place(&scenario, &format!("seed-{seed}"))).collect();
    let folder = OutputFolder::take(out)?;
    folder.check(Plan {
        top: &["summary.json", "summary.md", "report.html"],
        report: true,
        runs: &runs,
    })?;
    folder.clear()?;
    for (at, run) in runs.iter().enumerate() {
        let path = folder.begin_run(run).map_err(|error| Stop::Fault(error.to_string()))?;
        let made = files::put_new(&path.join("record.jsonl"), b"a record")
            .and_then(|()| files::create_folder(&path.join("frames")))
            .and_then(|()| {
                files::put_new(&path.join("frames/a_b_boot-1_frame-2_source.png"), b"a picture")
            });
        made.map_err(|error| Stop::Fault(error.to_string()))?;
        if killed && at + 1 == runs.len() {
            return Ok(());
        }
        folder.finish_run(run, None)?;
    }
    folder.put("summary.json", format!("{seeds:?}").as_bytes())?;
    let report = ["report/grid.png", "summary.md", "report.html"]
        .map(|path| (path.to_owned(), path.as_bytes().to_vec()));
    folder.put_report(&report).map_err(|error| Stop::Fault(error.to_string()))
}

/// Every file and link below a folder, by its path, with what it holds. The manifest is not among them.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("a kind");
            let name = path.strip_prefix(root).expect("below").to_owned();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                let to = fs::read_link(&path).expect("a link");
                found.insert(name, to.into_os_string().into_encoded_bytes());
            } else {
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

struct Ground {
    folder: TempDir,
}

impl Ground {
    fn new() -> Self {
        let folder = tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("outside/report")).expect("a folder");
        fs::write(folder.path().join("outside/precious"), "precious").expect("a file");
        fs::write(folder.path().join("outside/report/grid.png"), "mine").expect("a file");
        Self { folder }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Does it; whether it left something that is not Parallax's at a path.
    fn does(&self, deed: &Deed) -> Option<PathBuf> {
        let at =
            |place: &usize| (PathBuf::from(PLACES[*place].0), self.out().join(PLACES[*place].0));
        let clear = |path: &Path| {
            let mut above = path.parent();
            // A file or a link in the way of the folders goes.
            while let Some(folder) = above.filter(|folder| folder.starts_with(self.out())) {
                if !matches!(files::kind(folder), Ok(PathKind::Folder | PathKind::Absent)) {
                    fs::remove_file(folder).expect("removed");
                }
                above = folder.parent();
            }
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
        };
        let append = |line: String| {
            let file = self.out().join(MANIFEST);
            if matches!(files::kind(&file), Ok(PathKind::File(_))) {
                let text = fs::read_to_string(&file).unwrap_or_default();
                fs::write(&file, text + &line).expect("written");
            }
        };
        match deed {
            Deed::File(place, byte) => {
                let (name, path) = at(place);
                clear(&path);
                fs::write(&path, [b'#', *byte]).expect("written");
                Some(name)
            }
            Deed::Link(place, folder) => {
                let (name, path) = at(place);
                clear(&path);
                let to = if *folder { "outside" } else { "outside/precious" };
                symlink(self.folder.path().join(to), &path).expect("a link");
                Some(name)
            }
            Deed::Claim(place, right) => {
                let bytes = fs::read(at(place).1)
                    .ok()
                    .filter(|_| *right)
                    .unwrap_or_else(|| b"another".to_vec());
                append(format!("{}  {}\n", digest(&bytes), PLACES[*place].0));
                None
            }
            Deed::Escape(path) => {
                append(format!("{}  {}\n", digest(b"precious"), ESCAPES[*path]));
                None
            }
            Deed::Mark(seed) => {
                append(format!("# command {TOKEN}\n"));
                let mark = self.out().join(format!("home/seed-{seed}/.parallax-{TOKEN}"));
                clear(&mark);
                fs::write(mark, "").expect("written");
                None
            }
            Deed::Lose => {
                let _ = fs::remove_file(self.out().join(MANIFEST));
                None
            }
        }
    }
}

/// What a command may remove or replace: a file at a path at which Parallax writes, if the manifest has that
/// path and the file's digest, or the file is in the folder of a run that is marked by a command of the manifest.
fn may_go(out: &Path, path: &Path, held: &[u8], manifest: &str) -> bool {
    if files::kind(&out.join(path)).is_ok_and(|kind| kind == PathKind::Other) {
        return false;
    }
    let marks: Vec<String> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("# command "))
        .map(|token| format!(".parallax-{token}"))
        .collect();
    let mut above = path.ancestors().skip(1);
    let is_marked = above.any(|folder| {
        marks.iter().any(|mark| {
            files::kind(&out.join(folder).join(mark)).is_ok_and(|kind| kind == PathKind::File(0))
        })
    });
    let is_mark = held.is_empty()
        && marks.iter().any(|mark| path.file_name().is_some_and(|name| name == &**mark));
    let is_ours = PLACES.iter().any(|(place, ours)| *ours && path == Path::new(place))
        || path.ends_with("record.jsonl")
            && path.starts_with("home")
            && path.iter().count() == 3
            && !path.starts_with("home/other")
        || path.ends_with("frames/a_b_boot-1_frame-2_source.png");
    let line = format!("{}  {}", digest(held), path.display());
    is_mark || is_ours && (is_marked || manifest.lines().any(|has| has == line))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_foreign_is_changed(
        first in proptest::option::of((1..4_u64, any::<bool>())),
        deeds in proptest::collection::vec(deed(), 0..5),
        last in 1..4_u64,
    ) {
        let ground = Ground::new();
        if let Some((seeds, killed)) = first {
            command(&ground.out(), &(1..=seeds).collect::<Vec<_>>(), killed).expect("an empty folder is free");
        } else {
            fs::create_dir(ground.out()).expect("a folder");
        }
        let foreign: Vec<PathBuf> = deeds.iter().filter_map(|deed| ground.does(deed)).collect();
        let before = tree(ground.folder.path());
        let manifest = fs::read_to_string(ground.out().join(MANIFEST)).unwrap_or_default();
        let free: BTreeSet<&PathBuf> = before.iter().filter(|(path, held)| path.strip_prefix("out")
            .is_ok_and(|own| own == Path::new(MANIFEST) || may_go(&ground.out(), own, held, &manifest)))
            .map(|(path, _)| path).collect();
        let ended = command(&ground.out(), &(1..=last).collect::<Vec<_>>(), false);
        let after = tree(ground.folder.path());
        for (path, held) in &before {
            if !free.contains(path) {
                prop_assert_eq!(after.get(path), Some(held), "{} {:?}", path.display(), ended.as_ref().map_err(ToString::to_string));
            }
        }
        if ended.is_err() {
            prop_assert!(matches!(ended, Err(Stop::BadInput(_))), "{:?}", ended);
        } else {
            let expected = format!("{:?}", (1..=last).collect::<Vec<_>>());
            prop_assert_eq!(after.get(Path::new("out/summary.json")), Some(&expected.into_bytes()));
            let stale = |path: &&PathBuf| path.to_string_lossy().contains("seed-3/record.jsonl") && last < 3
                && !foreign.iter().any(|foreign| path.ends_with(foreign));
            prop_assert_eq!(after.keys().find(stale), None);
        }
    }
}

#[test]
fn a_folder_that_was_left_alone_is_used_again_and_holds_nothing_stale() {
    let ground = Ground::new();
    for (seeds, killed) in [(3, false), (1, false), (3, true), (2, false), (2, true), (2, true)] {
        let seeds: Vec<u64> = (1..=seeds).collect();
        command(&ground.out(), &seeds, killed).expect("it is Parallax's alone");
        let records =
            tree(&ground.out()).into_keys().filter(|path| path.ends_with("record.jsonl")).count();
        assert_eq!(records, seeds.len());
    }
    command(&ground.out(), &[1], false).expect("after a command that was killed");
    let names: Vec<String> =
        tree(&ground.out()).into_keys().map(|path| path.display().to_string()).collect();
    assert_eq!(
        names,
        [
            "home/seed-1/frames/a_b_boot-1_frame-2_source.png",
            "home/seed-1/record.jsonl",
            "parallax.manifest",
            "report/grid.png",
            "report.html",
            "summary.json",
            "summary.md",
        ]
    );
}

#[test]
fn a_manifest_that_was_begun_is_written_anew_and_another_file_of_its_name_stays() {
    let ground = Ground::new();
    let aside = ground.out().join(MANIFEST_ASIDE);
    command(&ground.out(), &[1], false).expect("it is new");
    let whole = fs::read_to_string(ground.out().join(MANIFEST)).expect("a manifest");
    for begun in ["", "# par", &whole] {
        fs::write(&aside, begun).expect("a file");
        command(&ground.out(), &[1], false).expect("after a command that was killed");
        assert!(!aside.exists(), "{begun:?}");
    }
    fs::write(&aside, "mine").expect("a file");
    command(&ground.out(), &[1], false).expect_err("it is in the way");
    assert_eq!(fs::read_to_string(&aside).expect("it is there"), "mine");
    fs::remove_file(&aside).expect("it is there");
    symlink(MANIFEST, &aside).expect("a link");
    command(&ground.out(), &[1], false).expect_err("it is in the way");
    assert!(aside.is_symlink());
}

#[test]
fn the_root_is_no_output_folder_by_whatever_name() {
    let folder = tempdir().expect("a folder");
    symlink("/", folder.path().join("link")).expect("a link");
    for path in [
        Path::new("/"),
        Path::new("/tmp/.."),
        &folder.path().join("link"),
        Path::new("/proc/self/root"),
    ] {
        let refused = OutputFolder::take(path).expect_err("refused").to_string();
        assert!(refused.contains("the root of all folders is no output folder"), "{refused}");
    }
}
