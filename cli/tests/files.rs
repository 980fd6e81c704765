//! Files of a user, over the real command: names that become folders, output folders in which something
//! stands, and how commands end that cannot write.
#![cfg(target_os = "linux")]

mod support;

use parallax_record::Name;
use proptest::prelude::*;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    process::{Child, Output, Stdio},
    thread,
    time::Duration,
};
use support::{Called, Place, TOO_SOON, ended_soon, endless, pipe, with_checks, worker_of};

/// A scenario of a second.
const MINIMAL: &str = include_str!("../../fixtures/cases/20-names-and-files/min.toml");

fn called(place: &Place, arguments: &[&OsStr]) -> Called {
    let Output { status, stdout, stderr } =
        place.parallax(&[]).args(arguments).output().expect("call the command");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Called { code: status.code(), said: text(stdout), complained: text(stderr) }
}

#[track_caller]
fn is_refused(called: &Called) {
    assert_eq!(called.code, Some(2), "{}{}", called.said, called.complained);
    assert!(called.complained.contains("help: "), "{}", called.complained);
    assert!(!called.complained.contains("panicked"), "{}", called.complained);
}

/// Every file and link below a folder, and what it holds.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
            match kind.is_dir() {
                true => folders.push(path),
                false if kind.is_symlink() => {
                    let to = fs::read_link(&path).expect("a link").into_os_string();
                    drop(found.insert(path, to.into_encoded_bytes()));
                }
                false if kind.is_file() => {
                    drop(found.insert(path.clone(), fs::read(&path).expect("a file")))
                }
                false => drop(found.insert(path, Vec::new())),
            }
        }
    }
    found
}

#[test]
fn a_scenario_whose_file_names_no_folder_is_refused_before_anything_runs() {
    let mut stems: Vec<OsString> = [
        "..",
        ".",
        "Two-homes",
        "two_homes",
        "two homes",
        "-rf",
        "report",
        "con",
        "\u{e4}",
        "a\nb",
        "",
    ]
    .map(OsString::from)
    .to_vec();
    stems.push("a".repeat(65).into());
    stems.push(OsStr::from_bytes(b"non\xffutf8").to_owned());
    for stem in stems {
        let place = Place::new();
        let mut file = OsString::from("./");
        file.push(&stem);
        file.push(".toml");
        fs::write(place.path("").join(&file), MINIMAL).expect("a file");
        let before = tree(&place.path(""));
        for command in ["sim", "check"] {
            let mut arguments = vec![OsStr::new(command), &file];
            if command == "sim" {
                arguments.extend(["--out", "a/b/out"].map(OsStr::new));
            }
            let called = called(&place, &arguments);
            is_refused(&called);
            assert!(called.complained.contains("rename"), "{}", called.complained);
            assert_eq!(tree(&place.path("")), before, "{stem:?} has left something");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_file_of_whatever_name_is_checked_or_refused(stem in proptest::collection::vec(1_u8.., 1..40)) {
        let stem: Vec<u8> = stem.into_iter().filter(|byte| *byte != b'/').collect();
        let place = Place::new();
        let mut file = b"./".to_vec();
        file.extend(&stem);
        file.extend(b".toml");
        let file = OsStr::from_bytes(&file);
        fs::write(place.path("").join(file), MINIMAL).expect("a file");
        let called = called(&place, &[OsStr::new("sim"), file, OsStr::new("--list")]);
        let sound = std::str::from_utf8(&stem).is_ok_and(|stem| Name::new(stem).is_ok());
        prop_assert_eq!(called.code, Some(if sound { 0 } else { 2 }), "{}", called.complained);
        prop_assert!(!called.complained.contains("panicked"), "{}", called.complained);
    }
}

#[test]
fn arguments_of_any_bytes_are_run_or_refused() {
    let odd = OsStr::from_bytes(b"o\xffdd");
    let place = Place::with("min.toml", MINIMAL);
    fs::create_dir(place.path("").join(odd)).expect("a folder");
    fs::copy(place.path("min.toml"), place.path("").join(odd).join("min.toml")).expect("a file");
    let mut file = odd.to_owned();
    file.push("/min.toml");
    let word = OsStr::new;
    // Folders may be called so, of input and of output.
    let run = [word("sim"), &file, word("--media"), word("prerecorded"), word("--out"), odd];
    let ran = called(&place, &run);
    assert!(matches!(ran.code, Some(0 | 10 | 11)), "{}{}", ran.said, ran.complained);
    assert!(place.path("").join(odd).join("summary.json").exists());
    assert_eq!(called(&place, &[word("report"), odd]).code, Some(0));
    for arguments in [
        vec![word("sim"), word("min.toml"), word("--only"), odd],
        vec![word("sim"), word("min.toml"), word("--profile"), odd],
        vec![word("sim"), word("min.toml"), word("--seed"), odd],
        vec![word("hil"), word("--bench"), odd, word("min.toml")],
        vec![word("report"), word("min.toml"), word("--select"), odd],
        vec![word("replay"), odd, word("--profile"), word("esp32-p4")],
        vec![word("report"), odd, word("--baseline"), odd],
        vec![odd],
    ] {
        let called = called(&place, &arguments);
        assert_eq!(called.code, Some(2), "{arguments:?}: {}{}", called.said, called.complained);
        assert!(!called.complained.contains("panicked"), "{}", called.complained);
    }
}

#[test]
fn a_board_whose_name_leads_out_of_the_folder_is_refused() {
    let place = Place::with(
        "bench.toml",
        include_str!("../../fixtures/cases/20-names-and-files/bench-name-traversal.toml"),
    );
    let before = tree(&place.path(""));
    for arguments in [
        &["boards", "--bench", "bench.toml", "--check", "--out", "a/b/c"][..],
        &["boards", "--bench", "bench.toml"],
        &["hil", "--bench", "bench.toml", "--dry-run"],
    ] {
        let called = place.call(arguments);
        is_refused(&called);
        assert!(called.complained.contains("\"../../x\""), "{}", called.complained);
    }
    assert_eq!(tree(&place.path("")), before);
}

/// What somebody has put into a folder that a command is to write to, and what of it is told.
type Foreign = (&'static str, fn(&Path));

const FOREIGN: &[Foreign] = &[
    ("out/summary.md", |out| fs::write(out.join("summary.md"), "").expect("a file")),
    ("out/summary.json", |out| fs::write(out.join("summary.json"), "{}").expect("a file")),
    ("out/report/thesis.png", |out| {
        fs::create_dir(out.join("report")).expect("a folder");
        fs::write(out.join("report/thesis.png"), "mine").expect("a file");
    }),
    ("out/report", |out| symlink("../elsewhere", out.join("report")).expect("a link")),
    ("out/junit.xml", |out| {
        symlink("../elsewhere/precious", out.join("junit.xml")).expect("a link")
    }),
    ("out/min", |out| symlink("../elsewhere", out.join("min")).expect("a link")),
    ("out/min", |out| fs::write(out.join("min"), "mine").expect("a file")),
    ("out/min/seed-1", |out| {
        fs::create_dir(out.join("min")).expect("a folder");
        symlink("../../elsewhere", out.join("min/seed-1")).expect("a link");
    }),
    ("out/min/seed-1/record.jsonl", |out| {
        fs::create_dir_all(out.join("min/seed-1")).expect("a folder");
        symlink("../../../elsewhere/precious", out.join("min/seed-1/record.jsonl"))
            .expect("a link");
    }),
    ("out/min/seed-1/frames/a.png", |out| {
        fs::create_dir_all(out.join("min/seed-1/frames")).expect("a folder");
        fs::write(out.join("min/seed-1/frames/a.png"), "mine").expect("a file");
    }),
    ("parallax.manifest", |out| {
        fs::write(out.join("parallax.manifest"), "mine\n").expect("a file")
    }),
    ("parallax.manifest", |out| {
        symlink("../elsewhere/precious", out.join("parallax.manifest")).expect("a link")
    }),
];

#[test]
fn what_is_somebody_elses_is_refused_and_stays() {
    for (path, put) in FOREIGN {
        let place = Place::with("min.toml", MINIMAL);
        for folder in ["out", "elsewhere"] {
            fs::create_dir(place.path(folder)).expect("a folder");
        }
        place.write("elsewhere/precious", "mine");
        place.write("elsewhere/grid.png", "mine");
        put(&place.path("out"));
        let before = tree(&place.path(""));
        let called = place.call(&["sim", "min.toml", "--media", "prerecorded", "--out", "out"]);
        is_refused(&called);
        assert!(called.complained.contains(path), "{path}: {}", called.complained);
        assert_eq!(called.said, "");
        assert_eq!(tree(&place.path("")), before, "{path}");
    }
}

#[test]
fn what_is_not_in_the_way_stays_and_a_changed_file_is_not_replaced() {
    let place = Place::with("min.toml", MINIMAL);
    fs::create_dir_all(place.path("out/report")).expect("a folder");
    place.write("out/notes.txt", "mine");
    place.write("out/report/notes.txt", "mine");
    // Somebody else's, who lets nobody look. (Root may.)
    fs::create_dir(place.path("out/closed")).expect("a folder");
    fs::set_permissions(place.path("out/closed"), Permissions::from_mode(0o000))
        .expect("it is ours");
    let sim = ["sim", "min.toml", "--media", "prerecorded", "--out", "out"];
    for _ in 0..2 {
        let ran = place.call(&sim);
        assert!(matches!(ran.code, Some(0 | 10 | 11)), "{}", ran.complained);
    }
    assert_eq!(
        (&*place.read("out/notes.txt"), &*place.read("out/report/notes.txt")),
        ("mine", "mine")
    );
    fs::remove_dir(place.path("out/closed")).expect("it is there, and empty");
    place.write("out/summary.md", "my own words");
    let before = tree(&place.path(""));
    for arguments in [&sim[..], &["report", "out"]] {
        let called = place.call(arguments);
        is_refused(&called);
        assert!(
            called.complained.contains("out/summary.md: it is not as Parallax wrote it"),
            "{}",
            called.complained
        );
    }
    assert_eq!(tree(&place.path("")), before);
    place.call(&["report", "out", "--out", "elsewhere"]).ended(0);
}

#[test]
fn a_shipped_scenario_runs_again_in_the_folder_in_which_it_left_its_own() {
    let place = Place::new();
    let sim = ["sim", "same-lan", "--media", "prerecorded", "--no-report", "--out", "."];
    for _ in 0..2 {
        place.call(&sim).ended(0);
        assert!(place.path("same-lan/seed-1/record.jsonl").exists());
    }
    // A folder of scenarios is what is meant.
    place.write("same-lan/min.toml", MINIMAL);
    let listed = place.call(&["sim", "same-lan", "--list"]).ended(0).said;
    assert!(listed.contains("min") && !listed.contains("same-lan  "), "{listed}");
}

#[test]
fn an_edited_manifest_deletes_nothing() {
    let place = Place::with("min.toml", MINIMAL);
    let sim = ["sim", "min.toml", "--media", "prerecorded", "--out", "out"];
    place.call(&sim);
    place.write("out/notes.txt", "mine");
    place.write("precious", "mine");
    fs::create_dir(place.path("out/min/other")).expect("a folder");
    place.write("out/min/other/record.jsonl", "mine");
    place.write("out/min/seed-1/notes.md", "mine");
    let whole = place.read("out/parallax.manifest");
    let digest = sha256(b"mine");
    for line in [
        format!("{digest}  ../precious\n"),
        format!("{digest}  {}\n", place.path("precious").display()),
        format!("{digest}  notes.txt\n"),
        format!("{digest}  min/../notes.txt\n"),
        format!("{digest}  min/other/record.jsonl\n"),
        format!("{digest}  min/seed-1/notes.md\n"),
        format!("{digest}  min/seed-1/attempt-thesis/a\n"),
        format!("{digest}  report/thesis.png\n"),
        "mine\n".to_owned(),
    ] {
        place.write("out/parallax.manifest", &format!("{whole}{line}"));
        let before = tree(&place.path(""));
        let called = place.call(&sim);
        is_refused(&called);
        assert!(called.complained.contains("parallax.manifest: line "), "{}", called.complained);
        assert_eq!(tree(&place.path("")), before, "{line}");
    }
    place.write("out/parallax.manifest", &whole);
    let ran = place.call(&sim);
    assert!(matches!(ran.code, Some(0 | 10 | 11)), "{}", ran.complained);
}

#[test]
fn a_mark_that_somebody_else_makes_deletes_nothing() {
    let place = Place::with("min.toml", MINIMAL);
    let sim = ["sim", "min.toml", "--media", "prerecorded", "--out", "out"];
    place.call(&sim);
    let token = "0123456789abcdef";
    let whole = place.read("out/parallax.manifest");
    place.write("out/parallax.manifest", &format!("{whole}# command {token}\n"));
    let top = format!("out/.parallax-{token}-thesis");
    for folder in ["out/min/seed-9/attempt-thesis", "out/min/seed-9/frames", &top] {
        fs::create_dir_all(place.path(folder)).expect("a folder");
    }
    let mark = format!("out/min/seed-9/.parallax-{token}");
    place.write(&mark, "");
    let mine = ["out/min/seed-9/attempt-thesis/a", &format!("{top}/a")].map(str::to_owned);
    for file in &mine {
        place.write(file, "mine");
    }
    // It stands where a run's pictures do: refused, before anything changes.
    place.write("out/min/seed-9/frames/photo.png", "mine");
    let before = tree(&place.path(""));
    let called = place.call(&sim);
    is_refused(&called);
    assert!(called.complained.contains("frames/photo.png"), "{}", called.complained);
    assert_eq!(tree(&place.path("")), before);
    fs::remove_file(place.path("out/min/seed-9/frames/photo.png")).expect("removed");
    let ran = place.call(&sim);
    assert!(matches!(ran.code, Some(0 | 10 | 11)), "{}", ran.complained);
    for file in &mine {
        assert_eq!(place.read(file), "mine", "{file}");
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}

#[test]
fn no_command_leaves_anything_of_an_earlier_one() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    place.write("late.toml", &with_checks("two-homes", 1, TOO_SOON));
    // The port is not there: its runs come to nothing, and are told.
    place.write("bench.toml", "schema = 1\ntitle = \"None\"\n[board.door]\nprofile = \"process-board\"\nport = \"/dev/nowhere\"\n");
    let small = ["sim", "soon.toml", "--seed", "2", "--out"];
    let hil = ["hil", "--bench", "bench.toml", "soon.toml", "--out"];
    let ran = |arguments: &[&str], out: &str| {
        let called = place.call(&[arguments, &[out]].concat());
        assert!(matches!(called.code, Some(10..=12)), "{}{}", called.said, called.complained);
        place.files(out)
    };
    let (alone, bench_alone) = (ran(&small, "alone"), ran(&hil, "bench-alone"));
    place
        .call(&["sim", "soon.toml", "late.toml", "--seeds", "1..3", "--pcap", "--out", "out"])
        .ended(10);
    assert!(place.path("out/late/seed-3/capture.pcapng").exists());
    assert_eq!(ran(&small, "out"), alone, "of a larger one");
    assert_eq!(ran(&hil, "out"), bench_alone, "of a simulation");
    assert_eq!(ran(&small, "out"), alone, "of a bench");
    // A report of one run alone, in its own folder, is of that run.
    place.call(&["report", "out/soon/seed-2"]).ended(10);
    assert_eq!(ran(&small, "out"), alone, "of a run alone");
}

#[test]
fn a_command_that_was_killed_at_any_moment_is_no_hindrance_to_the_next() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let sim = ["sim", "soon.toml", "--seeds", "1..3", "--jobs", "1", "--out", "out"];
    place.call(&sim).ended(10);
    let whole = place.files("out");
    for wait in [5, 20, 60, 120, 200, 300, 450, 700, 1_000] {
        let mut killed = place.start(&sim);
        thread::sleep(Duration::from_millis(wait));
        killed.kill().expect("killed");
        killed.wait().expect("it ended");
        for record in place.files("out").iter().filter(|file| file.ends_with("record.jsonl")) {
            let bytes = place.read(&format!("out/{record}"));
            parallax_record::Record::read(bytes.as_bytes()).expect("a whole record, or none");
        }
        place.call(&sim).ended(10);
        assert_eq!(place.files("out"), whole, "after {wait} ms");
    }
}

#[test]
fn the_root_is_no_output_folder() {
    let place = Place::with("min.toml", MINIMAL);
    symlink("/", place.path("link")).expect("a link");
    for out in ["/", "//", "/tmp/..", "link"] {
        let called = place.call(&["sim", "min.toml", "--out", out]);
        is_refused(&called);
        assert!(called.complained.contains("no output folder"), "{}", called.complained);
    }
}

#[test]
fn only_a_baseline_is_replaced_by_a_baseline() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    place.call(&["sim", "soon.toml", "--no-report", "--out", "out"]).ended(10);
    place.write("thesis.txt", "mine");
    place.write("empty", "");
    symlink("thesis.txt", place.path("link")).expect("a link");
    symlink("nowhere", place.path("dangling")).expect("a link");
    fs::create_dir(place.path("folder")).expect("a folder");
    pipe(&place.path("pipe"));
    let before = tree(&place.path(""));
    for file in [
        "thesis.txt",
        "empty",
        "link",
        "dangling",
        "folder",
        "pipe",
        "/dev/null",
        "/dev/full",
        "soon.toml",
        "..",
        "out/summary.json",
    ] {
        let called = place.call(&["report", "out", &format!("--accept={file}")]);
        is_refused(&called);
        assert_eq!(tree(&place.path("")), before, "{file}");
    }
    for _ in 0..2 {
        place.call(&["report", "out", "--accept"]).ended(10);
    }
    place.call(&["report", "out", "--baseline", "baseline.json"]).ended(10);
}

#[test]
fn a_hang_up_writes_what_has_finished_and_one_that_is_ignored_is_none() {
    let place = Place::with("endless.toml", &endless());
    place.write("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let sim = ["sim", "soon.toml", "endless.toml", "--jobs", "1", "--out", "out"];
    let record = place.path("out/endless/seed-1/record.jsonl");
    // A test process that ignores SIGHUP (under `nohup`) passes that on to its children.
    let parent = std::process::Command::new("env")
        .args(["--default-signal=HUP", env!("CARGO_BIN_EXE_parallax")])
        .args(sim)
        .current_dir(place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    worker_of(&parent, "endless.toml", &record);
    // Shells send it twice.
    for _ in 0..2 {
        signal(&parent, Signal::HUP);
    }
    let called = ended_soon(parent).ended(130);
    assert!(called.said.contains("interrupted: 1 of 2 runs finished"), "{}", called.said);
    assert!(place.path("out/soon/seed-1/record.jsonl").exists() && !record.exists());
    place.call(&["report", "out"]).ended(10);

    let mut command = std::process::Command::new("sh");
    let line = format!("trap '' HUP; exec '{}' {}", env!("CARGO_BIN_EXE_parallax"), sim.join(" "));
    let parent = command
        .args(["-c", &line])
        .current_dir(place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut parent = parent.spawn().expect("it starts");
    worker_of(&parent, "endless.toml", &record);
    signal(&parent, Signal::HUP);
    thread::sleep(Duration::from_millis(300));
    assert!(parent.try_wait().expect("a child").is_none(), "nohup is not heard");
    signal(&parent, Signal::TERM);
    ended_soon(parent).ended(130);
}

fn signal(child: &Child, with: Signal) {
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(process, with).expect("it is there");
}

#[test]
fn a_file_that_may_not_grow_and_an_output_that_takes_nothing_are_told() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let parallax = env!("CARGO_BIN_EXE_parallax");
    let line = |line: &str| place.shell(&line.replace("parallax ", &format!("'{parallax}' ")));
    // No file may have a byte: nothing begins. A few: a record cannot be.
    let called = line("ulimit -f 0; exec parallax sim soon.toml --out none").ended(2);
    assert!(
        called.complained.contains("failed to write to none: File too large"),
        "{}",
        called.complained
    );
    assert_eq!(fs::read_dir(place.path("none")).expect("a folder").count(), 0, "something is left");
    let called = line("ulimit -f 8; exec parallax sim soon.toml --out few");
    assert!(
        matches!(called.code, Some(1 | 12)),
        "{:?} {}{}",
        called.code,
        called.said,
        called.complained
    );
    let text = called.said + &called.complained;
    assert!(text.contains("File too large") && !text.contains("panicked"), "{text}");
    // What was said is lost: no success. Whoever has read enough is no fault.
    place.call(&["sim", "soon.toml", "--no-report", "--out", "out"]).ended(10);
    for (command, code) in [
        ("report out", 10),
        ("sim soon.toml --list", 1),
        ("--help", 1),
        ("check soon.toml", 1),
        ("sim soon.toml --out out", 10),
    ] {
        let called = line(&format!("exec parallax {command} > /dev/full")).ended(code);
        assert!(
            called.complained.contains("failed to write to the standard output: No space left"),
            "{}",
            called.complained
        );
        let closed = line(&format!("exec parallax {command} >&- 2>&-"));
        let piped = line(&format!("{{ parallax {command}; echo $? > code; }} | true; cat code"));
        let expected = if code == 1 { 0 } else { code };
        assert_eq!(closed.code, Some(expected), "{command}: {}", closed.complained);
        assert_eq!(piped.said.trim(), expected.to_string(), "{command}: {}", piped.complained);
    }
}

#[test]
fn reports_of_one_folder_at_once_are_all_right() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    place.call(&["sim", "soon.toml", "--no-report", "--out", "out"]).ended(10);
    place.call(&["report", "out"]).ended(10);
    let reported = || {
        let mut all = tree(&place.path("out"));
        // Each command has a token of its own in it.
        all.remove(&place.path("out/parallax.manifest")).expect("a manifest");
        all
    };
    let alone = reported();
    let children: Vec<Child> = (0..4).map(|_| place.start(&["report", "out"])).collect();
    for child in children {
        ended_soon(child).ended(10);
    }
    assert!(reported() == alone, "four reports at once are not as one alone");
    place.call(&["report", "out"]).ended(10);
}
