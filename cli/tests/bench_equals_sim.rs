//! The shipped scenarios on the bench without hardware, and in simulation: both pass, by the same kinds of
//! candidates, over a relay or not alike.
//!
//! It takes the scenarios' own time, one after the other: `cargo test --workspace` leaves it out, and whoever
//! names it gets all of it (`.ci/run` does).

use parallax_record::{CandidateKind, Event, Record, Summary, Verdict, judge};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Scenarios as they ship, and whether their media go over a relay.
const SCENARIOS: [(&str, bool); 4] =
    [("two-homes", false), ("strict-homes", true), ("same-lan", false), ("signalling-lost", false)];

/// Runs `parallax` with these arguments on all scenarios, into `out`; it has to end with 0.
fn parallax(arguments: &[&str], out: &Path) {
    let files = SCENARIOS.map(|(name, _)| format!("{ROOT}/fixtures/scenarios/{name}.toml"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments).args(files).args(["--seed", "1", "--out"]).arg(out);
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}:\n{said}{complained}");
}

/// How camera and viewer came together.
#[derive(Debug, PartialEq, Eq)]
struct Ways {
    /// The kinds of candidates that each gathered.
    gathered: BTreeMap<String, BTreeSet<CandidateKind>>,
    /// The last nominated pair at the viewer: its own, the other's.
    pair: (Option<CandidateKind>, Option<CandidateKind>),
    relayed: Option<bool>,
}

fn run(out: &Path, scenario: &str) -> (Summary, Ways) {
    let file = out.join(scenario).join("seed-1").join("record.jsonl");
    let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let record = Record::read(&bytes).expect("a whole record");
    let mut gathered: BTreeMap<String, BTreeSet<CandidateKind>> = BTreeMap::new();
    for entry in &record.entries {
        if let Event::Candidate { candidate, .. } = &entry.event {
            gathered.entry(entry.node.clone()).or_default().insert(candidate.kind);
        }
    }
    let summary = judge(&record);
    let [stream] = &summary.streams[..] else { panic!("{:?}", summary.streams) };
    let pair = (stream.local_candidate, stream.remote_candidate);
    let relayed = stream.relayed;
    (summary, Ways { gathered, pair, relayed })
}

#[test]
fn a_process_board_connects_as_a_simulated_camera_does() {
    let folder = TempDir::new().expect("a folder");
    let (bench, sim) = (folder.path().join("bench"), folder.path().join("sim"));
    let file = format!("{ROOT}/fixtures/benches/virtual.toml");
    parallax(&["sim", "--no-report"], &sim);
    parallax(&["hil", "--bench", &file], &bench);
    for (scenario, relayed) in SCENARIOS {
        let ((on_board, real), (simulated, virtual_one)) =
            (run(&bench, scenario), run(&sim, scenario));
        assert_eq!(on_board.verdict, Verdict::Pass, "{scenario}");
        assert_eq!(simulated.verdict, Verdict::Pass, "{scenario}");
        assert_eq!(real.relayed, Some(relayed), "{scenario}");
        assert_eq!(real.gathered.len(), 2, "{scenario}: {real:?}");
        assert_eq!(real, virtual_one, "{scenario}");
        assert_eq!(on_board.checks.len(), simulated.checks.len(), "{scenario}");
    }
}
