//! A program as the board, over the real command. Runs are skipped, with the reason, where the machine permits no
//! namespace.

mod support;

use std::{fs, path::PathBuf, process::Command};
use tempfile::TempDir;

/// A bench whose board is this command, and what came of a scenario of 3 s on it.
struct Bench(TempDir);

impl Bench {
    fn of(command: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let text = format!(
            "schema = 1\ntitle = \"Programs\"\n\n[board.mine]\ncommand = {command}\nsignalling = \"whip\"\n"
        );
        fs::write(folder.path().join("bench.toml"), text).expect("written");
        let scenario = fs::read_to_string(format!("{}/two-homes.toml", support::SHIPPED));
        let scenario = scenario.expect("it ships");
        let duration = scenario.lines().find(|line| line.starts_with("duration")).expect("one");
        let (before, _) = scenario.split_once("[[check]]").expect("it has checks");
        let check =
            "[[check]]\nconnects = { within = \"2s\" }\nwhy = \"A person at the door waits.\"\n";
        let short = before.replace(duration, "duration = \"3s\"") + check;
        fs::write(folder.path().join("short.toml"), short).expect("written");
        Self(folder)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn call(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_parallax"))
            .current_dir(self.0.path())
            .args(arguments)
            .output()
            .expect("it runs");
        let [out, errors] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
        (output.status.code(), format!("{out}{errors}"))
    }

    /// Exit code and words of a run; none: this machine permits none.
    #[expect(clippy::print_stderr, reason = "a test says why it is skipped")]
    fn run(&self) -> Option<(Option<i32>, String)> {
        let (code, said) = self.call(&["boards", "--bench", "bench.toml"]);
        if code != Some(0) {
            eprintln!("skipped: {said}");
            return None;
        }
        Some(self.call(&["hil", "--bench", "bench.toml", "short.toml", "--out", "out"]))
    }

    fn transcript(&self) -> String {
        fs::read_to_string(self.path("out/short/seed-1/console.txt")).expect("a transcript")
    }
}

#[test]
fn a_program_that_is_not_there_is_named_before_anything_runs() {
    let bench = Bench::of("[\"./camera\", \"{url}\"]");
    let (code, said) = bench.call(&["hil", "--bench", "bench.toml", "short.toml", "--out", "out"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the board mine cannot be started: there is no program"), "{said}");
    assert!(!bench.path("out").exists());
    let (code, said) = bench.call(&["boards", "--bench", "bench.toml"]);
    assert_eq!(code, Some(11), "{said}");
    assert!(said.contains("there is no program") && said.contains("`./camera`"), "{said}");
}

#[test]
fn a_misspelt_placeholder_is_refused_with_its_line() {
    let bench = Bench::of("[\"sh\", \"{ulr}\"]");
    let (code, said) = bench.call(&["check", "bench.toml"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("line 5: `command`: {ulr} is none of {url}"), "{said}");
}

#[test]
fn a_program_that_ends_at_once_is_the_devices_failure_with_its_last_line() {
    let bench = Bench::of("[\"sh\", \"-c\", \"echo {room} at {url}; echo no sensor >&2; exit 3\"]");
    let Some((code, said)) = bench.run() else { return };
    assert_eq!(code, Some(10), "{said}");
    assert!(said.contains("its program ended at once") && said.contains("exit code 3"), "{said}");
    assert!(said.contains("its last line: no sensor"), "{said}");
    let transcript = bench.transcript();
    assert!(transcript.contains("doorbell at http://192.0.2.10:80/whip/doorbell"), "{transcript}");
}

#[test]
fn a_program_that_forks_away_and_ignores_its_address_is_told_as_that_and_killed() {
    let mark = format!("4{}.75", std::process::id());
    let bench = Bench::of(&format!("[\"sh\", \"-c\", \"setsid sleep {mark} & exit 0\"]"));
    let Some((code, said)) = bench.run() else { return };
    assert_eq!(code, Some(10), "{said}");
    assert!(
        said.contains("its program sent nothing to http://192.0.2.10:80/whip/doorbell"),
        "{said}"
    );
    let transcript = bench.transcript();
    let record = fs::read_to_string(bench.path("out/short/seed-1/record.jsonl")).expect("a record");
    assert!(record.contains("left processes behind, which go on"), "{transcript}");
    let all = fs::read_dir("/proc").expect("there are processes").flatten();
    let is_left = |file: PathBuf| {
        let words = fs::read(file.join("cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).any(|word| word == mark.as_bytes())
    };
    assert!(!all.map(|one| one.path()).any(is_left), "it still runs");
}
