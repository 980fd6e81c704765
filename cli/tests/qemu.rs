//! What only a real kernel does, on the board of QEMU: each fault ends with the verdict that stands here beside
//! it, and leaves transcript and record whole.
//!
//! It takes the runs' own time, and a board that `just virtual-board` has made: `cargo test --workspace` leaves
//! it out, and whoever names it gets all of it (`.ci/run` does).

use parallax_record::{Event, Record, Summary, Verdict, judge};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// There is one such board.
static BOARD: Mutex<()> = Mutex::new(());

fn board() -> MutexGuard<'static, ()> {
    BOARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the board does by itself 12 s after its agent is about to start: `planted` in the background of its
/// shell.
fn planted(what: &str) -> String {
    format!("{{ (sleep 12; {what}) >/dev/null 2>&1 & }}")
}

/// A bench with this board, its setup followed by `last`.
struct Bench {
    folder: TempDir,
    file: PathBuf,
    scenario: PathBuf,
}

impl Bench {
    fn new(last: &[&str], scenario: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let read = |name: &str| {
            fs::read_to_string(format!("{ROOT}/fixtures/benches/{name}")).expect("it ships")
        };
        let written = |name: &str, text: String| {
            let file = folder.path().join(name);
            fs::write(&file, text).expect("written");
            file
        };
        let setup = "\"udhcpc -i eth0 -n -q -s /bin/lease\"";
        let profile = read("qemu-board.toml");
        assert!(profile.contains(setup), "its setup is known here");
        let more: String = last.iter().map(|command| format!(", '''{command}'''")).collect();
        written("qemu-board.toml", profile.replace(setup, &format!("{setup}{more}")));
        let bench = read("qemu.toml")
            .replace("../../target", &format!("{ROOT}/target"))
            .replace("\"./qemu.sh\"", &format!("\"{ROOT}/fixtures/benches/qemu.sh\""));
        let (file, scenario) =
            (written("bench.toml", bench), written("fault.toml", scenario.to_owned()));
        Self { folder, file, scenario }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        let out = self.folder.path().join("out");
        command.arg("hil").arg("--bench").arg(&self.file).arg(&self.scenario);
        command.arg("--out").arg(out).args(["--seed", "1", "--no-report"]);
        // The first boot is the one in which something goes wrong.
        command.arg("--no-check");
        command
    }

    fn start(&self) -> Child {
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs")
    }

    fn run_folder(&self) -> PathBuf {
        self.folder.path().join("out/fault/seed-1")
    }

    /// Waits until the camera has told of this many frames.
    fn streams(&self) {
        let journal = self.run_folder().join("journal.jsonl");
        let begun = Instant::now();
        while fs::read_to_string(&journal).map_or(0, |told| told.matches("frame_encoded").count())
            < 30
        {
            assert!(begun.elapsed() < Duration::from_secs(100), "no frames for 100 s");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What came of it: the record is whole, and the transcript has the boot.
    fn came_to(&self) -> (Summary, Record, String) {
        let folder = self.run_folder();
        let record = Record::read(&fs::read(folder.join("record.jsonl")).expect("a record"));
        let record = record.expect("a whole record");
        let console = heard(&folder.join("console.txt"));
        assert!(
            console.contains("Linux version") && console.contains("login: "),
            "it has the boot"
        );
        (judge(&record), record, console)
    }

    fn run(&self) -> (Summary, Record, String) {
        let ended = self.command().stdout(Stdio::null()).status().expect("it runs");
        assert!(ended.code().is_some(), "it ended by itself");
        self.came_to()
    }
}

/// What a transcript has of the board's words, in one: they came as they came.
fn heard(transcript: &Path) -> String {
    let text = fs::read_to_string(transcript).expect("a transcript");
    let words = text.lines().filter_map(|line| line.split_once(" < ").map(|(_, words)| words));
    words.collect::<String>().replace("\\x20", " ")
}

/// The board's switch, or a hand at its cable.
fn hand(what: &str) -> String {
    let script = Path::new(ROOT).join("fixtures/benches/qemu.sh");
    let output = Command::new(script).arg(what).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{what}: {said}");
    said
}

/// Two homes for a while, with these checks alone.
fn scenario(checks: &str) -> String {
    let text = fs::read_to_string(format!("{ROOT}/fixtures/scenarios/two-homes.toml"));
    let text = text.expect("it ships").replace("duration = \"30s\"", "duration = \"26s\"");
    let (head, _) = text.split_once("[[check]]").expect("it has checks");
    format!("{head}{checks}")
}

const CONNECTS: &str =
    "[[check]]\nconnects = { within = \"20s\" }\nwhy = \"It boots, and streams.\"\n";
const FLOWS: &str = "[[check]]\nfreezes = { at_most = 3, total_below = \"2s\", from = \"16s\" }\n\
                     why = \"It goes on.\"\n";

fn failed_with(fault: &str, needle: &str) {
    let bench = Bench::new(&[fault], &scenario(CONNECTS));
    let (summary, _, console) = bench.run();
    assert_eq!(summary.verdict, Verdict::Fail, "{fault}: {summary:?}");
    assert!(summary.failures.iter().any(|why| why.contains(needle)), "{:?}", summary.failures);
    assert!(console.contains(needle) || needle.contains("signal"), "{fault}: {needle}");
}

#[test]
fn a_panic_in_mid_stream_is_the_boards_failure() {
    let _board = board();
    failed_with(&planted("echo c > /proc/sysrq-trigger"), "Kernel panic - not syncing: sysrq");
}

#[test]
fn an_agent_that_runs_out_of_memory_is_the_boards_failure() {
    let _board = board();
    let fill = "echo 1000 > /proc/$(pidof parallax-agent)/oom_score_adj; tail /dev/zero";
    failed_with(&planted(fill), "its agent was killed by signal 9");
}

#[test]
fn a_clock_that_is_set_back_is_nobodys_matter() {
    let _board = board();
    let bench =
        Bench::new(&[&planted("date -s 2001-02-03")], &scenario(&(CONNECTS.to_owned() + FLOWS)));
    let (summary, record, _) = bench.run();
    assert_eq!(summary.verdict, Verdict::Pass, "{summary:?}");
    assert!(!record.entries.iter().any(|entry| entry.event == Event::ClockJumped));
}

#[test]
fn a_cable_that_is_pulled_out_freezes_the_picture_and_the_console_goes_on() {
    let _board = board();
    let bench = Bench::new(&[], &scenario(&(CONNECTS.to_owned() + FLOWS)));
    let mut run = bench.start();
    bench.streams();
    hand("unplug");
    run.wait().expect("it ends");
    let (summary, ..) = bench.came_to();
    assert_eq!(summary.verdict, Verdict::Fail, "{summary:?}");
    assert!(summary.failures.is_empty(), "the board itself works: {:?}", summary.failures);
    assert!(summary.doubts.is_empty(), "its console told all: {:?}", summary.doubts);
}

#[test]
fn of_a_board_that_was_frozen_its_clock_says_so() {
    let _board = board();
    let bench = Bench::new(&[], &scenario(CONNECTS));
    let mut run = bench.start();
    bench.streams();
    hand("freeze");
    thread::sleep(Duration::from_secs(3));
    hand("thaw");
    run.wait().expect("it ends");
    let (summary, record, _) = bench.came_to();
    assert_eq!(summary.verdict, Verdict::Inconclusive, "{summary:?}");
    assert!(record.entries.iter().any(|entry| entry.event == Event::ClockJumped), "it jumped");
}

#[test]
fn power_that_goes_while_it_boots_is_a_boot_more() {
    let _board = board();
    let cut =
        "[event.unplugged]\nat = \"1s\"\npower_loss = { peer = \"doorbell\", lasts = \"1s\" }\n";
    let bench = Bench::new(&[], &scenario(&format!("{cut}{CONNECTS}")));
    let (summary, _, console) = bench.run();
    assert_eq!(summary.verdict, Verdict::Pass, "{summary:?}");
    assert_eq!(console.matches("Linux version").count(), 2, "it booted twice");
}

#[test]
fn a_console_that_is_flooded_by_the_kernel_is_no_death_and_what_it_drowned_is_told() {
    let _board = board();
    let flood = "i=0; while [ $i -lt 2000 ]; do echo \"<1>flood $i\" > /dev/kmsg; i=$((i+1)); done";
    let bench = Bench::new(&["dmesg -n 8", &planted(flood)], &scenario(CONNECTS));
    let (summary, record, console) = bench.run();
    assert!(console.contains("flood 1999"), "the transcript has all of it");
    assert!(summary.failures.is_empty() && summary.faults.is_empty(), "{summary:?}");
    let missing = record
        .entries
        .iter()
        .any(|entry| matches!(entry.event, Event::Unheard { messages: 1.., .. }));
    let verdict = if missing { Verdict::Inconclusive } else { Verdict::Pass };
    assert_eq!(summary.verdict, verdict, "{summary:?}");
}

#[test]
fn what_a_killed_bench_left_on_is_ended_and_told_by_the_next() {
    let _board = board();
    let bench = Bench::new(&[], &scenario(CONNECTS));
    let mut run = bench.start();
    bench.streams();
    run.kill().expect("killed");
    run.wait().expect("it ended");
    let output = bench.command().output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("qemu was on, and is switched off: QEMU, process "), "{said}");
    assert!(said.contains("a run was killed here"), "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(hand("off"), "", "nothing is left");
}
