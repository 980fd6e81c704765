//! What a peer costs in a world of 2, 20 and 100 peers: pairs of cameras and viewers as in
//! `two-homes`, each in a home of its own, with prerecorded media.
//!
//! Each run has a process of its own, as with `parallax sim`: it says its CPU time, and by how much
//! its anonymous resident memory at the run's last event is above the one before the run. Pages of
//! the program itself, which are read in as they are first used, belong to no peer.
#![expect(clippy::print_stdout, reason = "a bench prints")]

mod street;

use parallax_record::{Entry, Event, Writer};
use parallax_world::{Guards, Sinks, header, run};
use rustix::time::{ClockId, clock_gettime};
use std::{env, fs, process::Command, time::Duration};
use street::street;

/// Peers of each world.
const PEERS: [usize; 3] = [2, 20, 100];
/// How often each is measured.
const ROUNDS: usize = 5;
/// By how much a peer's cost may differ between worlds.
const WITHIN: f64 = 2.0;
/// By which a process knows that it is to run a world.
const ONE: &str = "--world-of";

/// What a run cost.
#[derive(Clone, Copy)]
struct Cost {
    cpu_us: u64,
    before_kib: u64,
    added_kib: u64,
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == ONE) {
        let peers = arguments[at + 1].parse().expect("a number of peers");
        let Cost { cpu_us, before_kib, added_kib } = measure(peers);
        println!("{cpu_us} {before_kib} {added_kib}");
        return;
    }
    let mut per_peer: Vec<[f64; 2]> = Vec::new();
    println!("peers   CPU per peer   memory per peer   the process before the run");
    for peers in PEERS {
        // In ROUNDS processes; of each figure the median.
        let costs: Vec<Cost> = (0..ROUNDS).map(|_| in_a_process(peers)).collect();
        let median = |of: fn(&Cost) -> u64| {
            let mut values: Vec<u64> = costs.iter().map(of).collect();
            values.sort_unstable();
            values[ROUNDS / 2] as f64
        };
        let cpu_ms = median(|cost| cost.cpu_us) / 1_000.0 / peers as f64;
        let memory_mib = median(|cost| cost.added_kib) / 1_024.0 / peers as f64;
        let before_mib = median(|cost| cost.before_kib) / 1_024.0;
        println!("{peers:>5}   {cpu_ms:>9.1} ms   {memory_mib:>11.2} MiB   {before_mib:>22.1} MiB");
        per_peer.push([cpu_ms, memory_mib]);
    }
    for (index, what) in ["CPU time", "memory"].into_iter().enumerate() {
        let of = |peer: &[f64; 2]| peer[index];
        let most = per_peer.iter().map(of).fold(f64::MIN, f64::max);
        let least = per_peer.iter().map(of).fold(f64::MAX, f64::min);
        println!("{what} per peer: the most is {:.2} x the least, of {WITHIN}", most / least);
    }
}

fn in_a_process(peers: usize) -> Cost {
    let program = env::current_exe().expect("this program");
    let output = Command::new(program).args([ONE, &peers.to_string()]).output().expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<u64> =
        text.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    let [cpu_us, before_kib, added_kib] = numbers[..] else { panic!("{text}") };
    Cost { cpu_us, before_kib, added_kib }
}

fn measure(peers: usize) -> Cost {
    let scenario = street(peers, 30);
    let before_kib = anonymous_kib();
    let before = cpu();
    let mut writer =
        Writer::new(std::io::sink(), &header(&scenario, 1, "0.0.0")).expect("a record");
    let (mut rendered, mut at_end_kib) = (0, 0);
    let entry = |entry: Entry| {
        if matches!(entry.event, Event::Bytes { .. }) {
            at_end_kib = anonymous_kib();
        }
        rendered += u32::from(matches!(entry.event, Event::FrameRendered { .. }));
        writer.entry(&entry).expect("an entry");
    };
    let sinks = Sinks { entry: Box::new(entry), packet: None };
    let outcome = run(&scenario, 1, Guards::default(), sinks).expect("a run");
    writer.finish(&outcome.packets_sha256).expect("a record");
    // 30 s at 15 frames a second, of which the first three or so are for setting up.
    assert!(rendered as usize > peers / 2 * 300, "{rendered} frames at {peers} peers");
    let cpu_us = u64::try_from((cpu() - before).as_micros()).expect("a while");
    Cost { cpu_us, before_kib, added_kib: at_end_kib.saturating_sub(before_kib) }
}

/// CPU time of the process so far.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Memory of this process that is no file's, KiB.
fn anonymous_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("a line");
    line.split_whitespace().nth(1).expect("a figure").parse().expect("KiB")
}
