//! A browser as the viewer: what it shows is in the same record, and what becomes of it is never the device's
//! doing.
//!
//! It takes the runs' own time, and root, iproute2 and chromium: `cargo test --workspace` leaves it out. Whoever
//! names it gets all of it (`.ci/run` does), or is told what it needs.

mod support;

use parallax_record::{CandidateKind, Event, Record, Summary, Verdict, judge};
use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const BENCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/benches/virtual.toml");
/// One at a time: two browsers and two cameras are too much for a small machine.
static MACHINE: Mutex<()> = Mutex::new(());

/// The machine, if it has what a browser needs; in CI it must.
fn machine() -> Option<MutexGuard<'static, ()>> {
    let here = |name: &str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).any(|folder| folder.join(name).is_file())
    };
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if root && here("ip") && here("chromium") {
        return Some(MACHINE.lock().unwrap_or_else(PoisonError::into_inner));
    }
    println!("not run: needs root, chromium, iproute2");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI it has to be there");
    None
}

/// A run of a scenario with the browser as its viewer.
struct Run {
    folder: TempDir,
    scenario: PathBuf,
}

impl Run {
    fn new(text: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let scenario = folder.path().join("watched.toml");
        fs::write(&scenario, text).expect("written");
        Self { folder, scenario }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        command.args(["hil", "--bench", BENCH, "--viewer", "chromium", "--seed", "1"]);
        command.arg("--no-report").arg("--out").arg(self.folder.path().join("out"));
        command.arg(&self.scenario);
        command
    }

    fn start(&self) -> Child {
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs")
    }

    fn run_folder(&self) -> PathBuf {
        self.folder.path().join("out/watched/seed-1")
    }

    /// Waits until the browser has shown frames.
    fn shows(&self) {
        let journal = self.run_folder().join("journal.jsonl");
        let begun = Instant::now();
        while fs::read_to_string(&journal).map_or(0, |told| told.matches("frame_rendered").count())
            < 10
        {
            assert!(begun.elapsed() < Duration::from_secs(100), "no frames for 100 s");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What came of it.
    fn came_to(&self) -> (Summary, Record) {
        let record = fs::read(self.run_folder().join("record.jsonl")).expect("a record");
        let record = Record::read(&record).expect("a whole record");
        (judge(&record), record)
    }
}

/// What a slow machine passes as well.
const STREAMS: &str = r#"
[[check]]
connects = { within = "15s" }
why = "It boots, and streams."

[[check]]
psnr = { percentile = 50, above = "30dB" }
why = "The picture is the camera's."
"#;

/// Everything that runs in a namespace of this parent's.
fn browser_of(parent: &Child) -> Vec<String> {
    let name = format!("parallax-viewer-{}", parent.id());
    let output = Command::new("ip").args(["netns", "pids", &name]).output().expect("ip");
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
}

fn namespaces() -> String {
    let output = Command::new("ip").args(["netns", "list"]).output().expect("ip");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_browser_shows_what_a_camera_sends_and_the_record_says_who_it_was() {
    let Some(_machine) = machine() else { return };
    let relayed = "\n[[check]]\npath = { relayed = true }\nwhy = \"Nothing else gets through.\"\n";
    for (scenario, more) in [("two-homes", ""), ("strict-homes", relayed), ("same-lan", "")] {
        let run = Run::new(&support::with_checks(scenario, 20, &format!("{STREAMS}{more}")));
        let mut command = run.command();
        let output = command.args(["--retries", "3"]).output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let (summary, record) = run.came_to();
        // Of a machine that was too busy, four times, nothing more is known.
        let unclear = output.status.code() == Some(11) && !summary.doubts.is_empty();
        assert!(unclear || output.status.code() == Some(0), "{scenario}: {said}");
        let phone = record.header.peers.iter().find(|peer| peer.name == "phone");
        let browser = phone.and_then(|peer| peer.browser.clone());
        assert!(browser.is_some_and(|it| it.starts_with("Chrome/")), "{scenario}");
        if unclear {
            continue;
        }
        assert_eq!(summary.verdict, Verdict::Pass, "{scenario}: {summary:?}");
        let stream = &summary.streams[0];
        assert!(stream.frames.rendered > 50, "{scenario}: {:?}", stream.frames);
        assert_eq!(stream.markers_unreadable, 0, "{scenario}");
        let told = |event: &Event| matches!(event, Event::BrowserStats { .. });
        assert!(record.entries.iter().any(|entry| told(&entry.event)), "{scenario}");
        let is_relayed = stream.local_candidate == Some(CandidateKind::Relayed);
        assert_eq!(is_relayed, scenario == "strict-homes", "{scenario}");
    }
    assert!(!namespaces().contains("parallax-viewer-"), "nothing is left");
}

#[test]
fn a_browser_that_ends_in_mid_run_is_the_labs_error() {
    let Some(_machine) = machine() else { return };
    let run = Run::new(&support::with_checks("two-homes", 60, STREAMS));
    let mut parent = run.start();
    run.shows();
    let browser = browser_of(&parent);
    assert!(!browser.is_empty(), "it runs there");
    Command::new("kill").arg("-9").args(&browser).status().expect("killed");
    let ended = parent.wait().expect("it ends");
    let (summary, _) = run.came_to();
    assert_eq!(summary.verdict, Verdict::Error, "{summary:?}");
    assert_eq!(ended.code(), Some(12), "{summary:?}");
    let said = |text: &String| text.contains("phone: the browser ended: help: ");
    assert!(summary.faults.iter().any(said), "{:?}", summary.faults);
    assert!(summary.failures.is_empty(), "the device did nothing: {:?}", summary.failures);
    assert!(!namespaces().contains("parallax-viewer-"), "nothing is left");
}

#[test]
fn what_a_killed_bench_left_of_a_browser_is_gone_with_the_next_start() {
    let Some(_machine) = machine() else { return };
    let run = Run::new(&support::with_checks("two-homes", 20, STREAMS));
    let mut parent = run.start();
    run.shows();
    parent.kill().expect("killed");
    parent.wait().expect("it ended");
    let left = format!("parallax-viewer-{}", parent.id());
    assert!(namespaces().contains(&left), "{}", namespaces());
    let output = run.command().args(["--retries", "3"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&format!("namespace was left, and is gone: {left}")), "{said}");
    assert!(said.contains("a run was killed here"), "{said}");
    assert!(matches!(output.status.code(), Some(0 | 11)), "{said}");
    assert!(!namespaces().contains("parallax-viewer-"), "nothing is left");
}
