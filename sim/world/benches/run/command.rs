//! The whole command: `parallax sim`, with the start of its processes, its records, their reading and judging.

use crate::{ROUNDS, Sample, TWO_HOMES, cost, floor, humane, median, sample, two_homes};
use parallax_record::MediaMode;
use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// How many runs one command has, and how many commands with one run are measured at a time: the system counts in
/// hundredths of a second.
const RUNS: u32 = 20;
/// What the command may cost for each run with prerecorded media, in floors.
const FLOORS: f64 = 3.5;

/// Measures `program` beside floors of its packets, in turns.
pub(crate) fn measure(program: &str) {
    let scenario = two_homes(MediaMode::Prerecorded);
    let Sample { packets, .. } = sample(&scenario);
    let out = env::temp_dir().join(format!("parallax-bench-command-{}", std::process::id()));
    let [mut floors, mut alone, mut among] = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        floors.push(cost(|| {
            let came = floor::run(&packets, scenario.duration);
            assert_eq!(came.video, packets.len(), "the floor lost packets");
        }));
        let range = format!("1..{RUNS}");
        among.push(children(|| sim(program, &["--seeds", &range], &out)) / RUNS);
        alone.push(children(|| (1..=RUNS).for_each(|_| sim(program, &[], &out))) / RUNS);
    }
    fs::remove_dir_all(&out).expect("its own folder");
    for (costs, what) in [(alone, "with one run"), (among, "with 20 runs, each")] {
        let mut ratios: Vec<f64> = costs
            .iter()
            .zip(&floors)
            .map(|(cost, floor)| cost.as_secs_f64() / floor.as_secs_f64())
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "the command {what}: {}, floor {}: {:.2} floors of the {FLOORS} it may cost",
            humane(median(costs)),
            humane(median(floors.clone())),
            ratios[ROUNDS / 2],
        );
    }
}

fn sim(program: &str, arguments: &[&str], out: &Path) {
    let status = Command::new(program)
        .args(["sim", TWO_HOMES, "--media", "prerecorded", "--no-report", "--jobs", "1"])
        .args(arguments)
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("the command starts").success(), "{program} did not pass");
}

/// Processor time of the processes that `work` starts and waits for, and of theirs.
fn children(work: impl FnOnce()) -> Duration {
    let before = ended_children();
    work();
    ended_children() - before
}

/// Processor time of all processes that this one has waited for, and of theirs (proc_pid_stat(5)).
fn ended_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells");
    // The name, in parentheses, may have spaces.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks: u64 = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_secs(ticks)
        / u32::try_from(rustix::param::clock_ticks_per_second()).expect("a hundred")
}
