//! The command as a user calls it, in a folder of its own.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part")]

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

/// The scenarios that come with Parallax.
pub const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/scenarios");

/// A check that `two-homes` passes within 8 s.
pub const EASY: &str = r#"
[[check]]
connects = { within = "7s" }
why = "It takes about two."
"#;

/// A check that `two-homes` fails within 2 s.
pub const TOO_SOON: &str = r#"
[[check]]
connects = { within = "1200ms" }
why = "The doorbell boots for about two seconds; nobody connects before."
"#;

/// The text of a shipped scenario, cut to `seconds`, but to two at least: a run in which its camera can only
/// boot is refused.
pub fn shipped(name: &str, seconds: u32) -> String {
    let text = fs::read_to_string(format!("{SHIPPED}/{name}.toml")).expect("a shipped scenario");
    replaced(&text, "duration = \"30s\"", &format!("duration = \"{}s\"", seconds.max(2)))
}

/// `text` with one thing replaced, which must be there.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "there is no {from} in the scenario");
    text.replace(from, to)
}

/// A shipped scenario, cut to `seconds`, with other checks: `checks` is TOML.
pub fn with_checks(name: &str, seconds: u32, checks: &str) -> String {
    let text = shipped(name, seconds);
    let (world, _) = text.split_once("[[check]]").expect("checks");
    format!("{world}{checks}")
}

/// A scenario that takes so long that somebody can do something to its worker: to be ended by then.
pub fn endless() -> String {
    let text = with_checks("two-homes", 1, TOO_SOON);
    replaced(&text, "duration = \"2s\"", "duration = \"1h\"")
}

/// Waits for the worker that `parent` has for the scenario `file`, and gives its process id, once
/// its run goes on.
pub fn worker_of(parent: &Child, file: &str, record: &Path) -> i32 {
    // A minute on a machine that has much else to do.
    for _ in 0..3_000 {
        // It writes aside before it begins.
        let begun = fs::metadata(record.with_extension("part")).is_ok_and(|part| part.len() > 0);
        if let Some(worker) = find_worker(parent.id(), file).filter(|_| begun) {
            return worker;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("there is no worker for {file}");
}

/// The process that `parent` has started for the scenario `file`.
pub fn find_worker(parent: u32, file: &str) -> Option<i32> {
    let processes = fs::read_dir("/proc")
        .expect("processes")
        .filter_map(|entry| entry.expect("an entry").file_name().to_str()?.parse::<i32>().ok());
    let ours = |process: &i32| {
        let read = |what| fs::read_to_string(format!("/proc/{process}/{what}")).unwrap_or_default();
        let child = read("status").lines().any(|line| line == format!("PPid:\t{parent}"));
        let command = read("cmdline");
        let words: Vec<&str> = command.split('\0').collect();
        child && words.contains(&"worker") && words.contains(&file)
    };
    processes.into_iter().find(ours)
}

/// The files of every report.
pub const REPORT: [&str; 4] = ["junit.xml", "report.html", "report/grid.png", "summary.md"];

fn of_report(file: &str) -> bool {
    let of_folder = |file: &str| file.ends_with(".png") || file.ends_with(".hgrm");
    REPORT.contains(&file) || file.strip_prefix("report/").is_some_and(of_folder)
}

/// A folder to call the command in.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// With a scenario in it.
    pub fn with(name: &str, text: &str) -> Self {
        let place = Self::new();
        place.write(name, text);
        place
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("write a file");
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Reads a file as text.
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Reads a file as JSON.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// The command, to be called here.
    pub fn parallax(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_parallax"));
        command.args(arguments);
        command
    }

    /// What a line comes to in a shell, here.
    pub fn shell(&self, line: &str) -> Called {
        let output = self.command("sh").args(["-c", line]).output();
        Called::from(output.expect("call a shell"))
    }

    /// A command in this folder, as a user calls it: cargo, which runs the tests, is not around.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_remove("CARGO_MANIFEST_DIR");
        command
    }

    /// Starts it, to be waited for.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.parallax(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("start the command")
    }

    /// Calls it; its exit code is one that the help of the command lists.
    #[track_caller]
    pub fn call(&self, arguments: &[&str]) -> Called {
        let called = Called::from(self.parallax(arguments).output().expect("call the command"));
        if let (Some(name), Some(code)) = (arguments.first(), called.code) {
            let listed = codes(name);
            assert!(
                listed.is_empty() || listed.contains(&code),
                "{arguments:?} ended with {code}, the help lists {listed:?}:\n{}",
                called.complained
            );
        }
        called
    }

    /// As [`files`](Self::files), without those of a report, which is there whole or not at all, and
    /// without pictures of frames, which stand beside a whole record alone.
    pub fn files_but_pictures(&self, below: &str) -> Vec<String> {
        let (report, all): (Vec<_>, Vec<_>) =
            self.files(below).into_iter().partition(|file| of_report(file));
        if !report.is_empty() {
            for file in REPORT {
                assert!(report.iter().any(|name| name == file), "no {file} in {report:?}");
            }
        }
        let beside_a_record = |picture: &String| {
            let (run, name) = picture.split_once("/frames/").expect("a picture");
            name.ends_with(".png") && all.contains(&format!("{run}/record.jsonl"))
        };
        let (pictures, others): (Vec<_>, Vec<_>) =
            all.iter().cloned().partition(|file| file.contains("/frames"));
        assert!(pictures.iter().all(beside_a_record), "{pictures:?}");
        others
    }

    /// All files below a folder of it, by their paths from there, in order. Manifests are not among them: every
    /// output folder has one.
    pub fn files(&self, below: &str) -> Vec<String> {
        fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { walk(&path, files) } else { files.push(path) }
            }
        }
        let (root, mut files) = (self.path(below), Vec::new());
        walk(&root, &mut files);
        let name = |file: &PathBuf| file.strip_prefix(&root).expect("below").display().to_string();
        let mut names: Vec<String> = files.iter().map(name).collect();
        names.retain(|name| !name.ends_with("parallax.manifest"));
        names.sort();
        names
    }
}

/// The exit codes that the help of a command lists; none, if there is no such command.
pub fn codes(command: &str) -> Vec<i32> {
    static KNOWN: Mutex<BTreeMap<String, Vec<i32>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let of = || {
        let help = Command::new(env!("CARGO_BIN_EXE_parallax")).args([command, "-h"]).output();
        let help = String::from_utf8(help.expect("call the command").stdout).expect("text");
        let list = help.split_once("Exit codes:\n").map_or("", |(_, list)| list);
        // Further lines of a meaning are indented more.
        let codes = list.lines().filter_map(|line| line.get(..5)?.trim().parse().ok());
        codes.collect()
    };
    known.entry(command.to_owned()).or_insert_with(of).clone()
}

/// What a call came to.
pub struct Called {
    /// The exit code; none if it was killed.
    pub code: Option<i32>,
    /// The standard output.
    pub said: String,
    /// The standard error.
    pub complained: String,
}

impl From<Output> for Called {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            said: String::from_utf8(output.stdout).expect("text"),
            complained: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Called {
    /// The call, which must have ended so.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        let Self { said, complained, .. } = &self;
        assert_eq!(
            self.code,
            Some(code),
            "standard output:\n{said}\nstandard error:\n{complained}"
        );
        self
    }
}

/// A JUnit file with a mark for each wall time: they are all in it that differs from call to call.
pub fn without_times(xml: &str) -> String {
    let mut parts = xml.split(" time=\"");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (seconds, rest) = part.split_once('"').expect("it ends");
        assert!(seconds.parse::<f64>().is_ok(), "{seconds} is no time");
        out += &format!(" time=\"WALL\"{rest}");
    }
    out
}

/// Makes a pipe.
#[cfg(target_os = "linux")]
pub fn pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
}

/// Its end, which must come: whoever waits for a pipe waits for ever.
pub fn ended_soon(mut child: Child) -> Called {
    for _ in 0..6_000 {
        if child.try_wait().expect("a child").is_some() {
            return Called::from(child.wait_with_output().expect("it ended"));
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("killed");
    panic!("it waits for something");
}
