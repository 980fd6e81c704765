//! The parent's side of a worker: start, progress, limits, outcome.

use crate::{
    args::WorkerArgs, interrupt::Interrupt, output, progress::Progress, protocol::WorkerMessage,
    worker::OUT_OF_MEMORY,
};
use parallax_render::escape::tame;
use parallax_scenario::units::format_memory;
use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// How often a parent looks whether it is to end its workers.
const LOOK: Duration = Duration::from_millis(50);

/// Settings of glibc's allocator in a worker (GLIBC_TUNABLES): one arena, grown by 16 MiB of large pages and never given
/// back. A run of ten seconds then has 800 page faults, not 1,800.
const ALLOCATOR: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1:glibc.malloc.top_pad=16777216:\
     glibc.malloc.trim_threshold=1073741824",
);

/// How a worker is followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkerWatch<'a> {
    /// Whose lines its logs are: scenario and seed.
    pub(crate) name: &'a str,
    /// How long its run may stand still, wall time.
    pub(crate) patience: Duration,
    /// How much memory it may have, bytes.
    pub(crate) memory: u64,
    /// Whether it is to end.
    pub(crate) interrupt: &'a Interrupt,
}

/// How a worker has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The record is whole.
    Whole,
    /// There is no record, and this is why.
    Broken(String),
    /// It was ended because the command is to end.
    Interrupted,
}

/// How a parent starts its worker. Kept beside what the worker reads, [`WorkerArgs`].
pub(crate) fn command(arguments: &WorkerArgs) -> Result<Command, String> {
    let program =
        std::env::current_exe().map_err(|error| format!("failed to find this program: {error}"))?;
    let mut command = Command::new(program);
    if std::env::var_os(ALLOCATOR.0).is_none() {
        command.env(ALLOCATOR.0, ALLOCATOR.1);
    }
    command.arg("worker").arg("--file").arg(&arguments.file);
    command.arg("--seed").arg(arguments.seed.to_string());
    for device in &arguments.profiles {
        command.arg("--profile").arg(device.to_string());
    }
    if let Some(media) = arguments.media {
        command.arg("--media").arg(media.name());
    }
    command.arg("--record").arg(&arguments.record);
    if let Some(frames) = &arguments.frames {
        command.arg("--frames").arg(frames);
    }
    if let Some(packets) = &arguments.packets {
        command.arg("--packets").arg(packets);
    }
    if let Some(capture) = &arguments.capture {
        command.arg("--capture").arg(capture);
    }
    if let Some(memory) = arguments.memory {
        command.arg("--memory").arg(memory.to_string());
    }
    if let Some(log) = &arguments.log {
        command.arg("--log").arg(&log.text);
    }
    if let Some(parent) = arguments.parent {
        command.arg("--parent").arg(parent.to_string());
    }
    if arguments.runs_before > 0 {
        command.arg("--runs-before").arg(arguments.runs_before.to_string());
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // A terminal's Ctrl-C goes to the parent alone, which decides what becomes of its workers.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Ok(command)
}

/// Starts a worker and follows it to its end. The calling thread must outlive the worker, which is
/// so here: the system ends a worker with the thread that started it.
pub(crate) fn wait(mut command: Command, scenario: &str, watch: WorkerWatch<'_>) -> Ended {
    let started = Progress::hand_over(scenario)
        .and_then(|(progress, stdin)| Ok((progress, command.stdin(stdin).spawn()?)));
    // The command holds copies of the worker's pipes: while one is open, reading them does not end.
    drop(command);
    let (progress, mut child) = match started {
        Ok(started) => started,
        Err(error) => return Ended::Broken(format!("failed to start a worker: {error}")),
    };
    let (output, error) = (child.stdout.take(), child.stderr.take());
    let (send, told) = mpsc::channel();
    thread::scope(|scope| {
        // Threads of their own: a worker that hangs takes nothing and says nothing.
        scope.spawn(move || {
            let lines = output.into_iter().flat_map(|output| lines(BufReader::new(output)));
            for told in lines.filter_map(|line| WorkerMessage::read(&line)) {
                if send.send(told).is_err() {
                    break;
                }
            }
        });
        let left = scope.spawn(move || error.map(left).unwrap_or_default());
        let followed = follow(&mut child, &told, &progress, watch);
        // Whatever its outcome, the worker is gone before its files are read.
        let _ = child.kill();
        let status = child.wait();
        drop(told);
        let left = left.join().unwrap_or_default();
        let Followed { at, end, said } = match followed {
            Ok(followed) => followed,
            Err(error) => {
                return Ended::Broken(format!("failed to wait for a worker: {error}"));
            }
        };
        match (end, status) {
            // It may have been through by itself when it was to be ended.
            (_, Ok(status)) if status.success() => Ended::Whole,
            (End::Interrupted, _) => Ended::Interrupted,
            (End::Still, _) => Ended::Broken(format!(
                "failed to run: no progress for {} s (--patience), {}",
                watch.patience.as_secs_f64(),
                reached(at)
            )),
            (End::Itself, Ok(status)) => {
                Ended::Broken(cause(status, said, &left, at, watch.memory))
            }
            (End::Itself, Err(error)) => {
                Ended::Broken(format!("failed to wait for a worker: {error}"))
            }
        }
    })
}

/// A worker that was followed to its end, or to where it has to be ended.
struct Followed {
    /// How far the run had come.
    at: Duration,
    end: End,
    /// What it said of why there is no record.
    said: Option<String>,
}

enum End {
    /// It ended by itself or by a signal.
    Itself,
    /// Its run stands still.
    Still,
    /// The command is to end.
    Interrupted,
}

fn follow(
    child: &mut Child,
    told: &Receiver<WorkerMessage>,
    progress: &Progress,
    watch: WorkerWatch<'_>,
) -> io::Result<Followed> {
    let (mut at, mut said) = (None, None);
    let mut still = Duration::ZERO;
    let mut looked = Instant::now();
    let end = loop {
        match told.recv_timeout(LOOK) {
            Ok(WorkerMessage::Log { at, text }) => show_log(watch.name, at, &text),
            Ok(WorkerMessage::Failed(text)) => said = Some(text),
            Err(RecvTimeoutError::Timeout) => {}
            // It has closed its standard output: it is about to end.
            Err(RecvTimeoutError::Disconnected) => match child.try_wait()? {
                Some(_) => break End::Itself,
                None => thread::sleep(Duration::from_millis(1)),
            },
        }
        // Longer than it takes to look is not time that the run had: the machine slept, or this
        // process was stopped.
        let now = Instant::now();
        still += now.saturating_duration_since(looked).min(2 * LOOK);
        looked = now;
        let reached = progress.reached();
        if at < reached {
            (at, still) = (reached, Duration::ZERO);
        }
        if watch.interrupt.asked() {
            break End::Interrupted;
        }
        if still >= watch.patience {
            break End::Still;
        }
    };
    let at = progress.reached().max(at).unwrap_or_default();
    Ok(Followed { at, end, said })
}

/// Shows what a library has logged, in one line, on the standard error.
fn show_log(name: &str, at: Duration, text: &str) {
    output::error(format!("{name}  {:.6} s  {}", at.as_secs_f64(), tame(text)));
}

/// Why a worker that ended has left no record.
fn cause(
    status: ExitStatus,
    said: Option<String>,
    left: &str,
    at: Duration,
    memory: u64,
) -> String {
    if lacked_memory(said.as_deref().unwrap_or(left)) {
        let limit = format_memory(memory);
        return format!(
            "failed to run: out of memory, {}: it may have {limit} (--memory)",
            reached(at)
        );
    }
    if let Some(said) = said {
        return said;
    }
    // It died without a word of its own: what it left on the standard error may tell why.
    let text = format!("failed to run: the worker ended with {status}, {}: {left}", reached(at));
    text.trim_end_matches([':', ' ', '\n']).to_owned()
}

/// Whether what a worker has said, or left on its standard error, is that of one without memory: its
/// own words, those of Rust's allocator, of C++'s, of the system.
fn lacked_memory(text: &str) -> bool {
    let own = text == OUT_OF_MEMORY;
    let rust = text.contains("memory allocation of ") && text.contains(" bytes failed");
    let others = ["std::bad_alloc", "Cannot allocate memory"];
    own || rust || others.iter().any(|words| text.contains(words))
}

/// How far a run had come.
fn reached(at: Duration) -> String {
    format!("at {:.3} s of the run", at.as_secs_f64())
}

/// The lines of what a worker says.
fn lines(mut output: impl BufRead) -> impl Iterator<Item = String> {
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        match output.read_until(b'\n', &mut line) {
            Ok(1..) => Some(String::from_utf8_lossy(&line).into_owned()),
            _ => None,
        }
    })
}

/// The last of what a worker leaves on its standard error. All is read, so that it never waits.
fn left(error: impl Read) -> String {
    const MOST: usize = 16 << 10;
    let mut kept: VecDeque<String> = VecDeque::new();
    let mut length = 0;
    // The codec's own warnings come with every run.
    for line in lines(BufReader::new(error)).filter(|line| !line.starts_with("[OpenH264]")) {
        length += line.len();
        kept.push_back(line);
        while length > MOST {
            length -= kept.pop_front().map_or(length, |line| line.len());
        }
    }
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_that_a_worker_leaves_is_kept_without_the_codecs_chatter() {
        let text = "[OpenH264] this\nfirst\n[OpenH264] that\nsecond\n";
        assert_eq!(left(text.as_bytes()), "first\nsecond\n");
        let long = format!("{}the end\n", "a line of some length\n".repeat(10_000));
        let kept = left(long.as_bytes());
        assert!(kept.len() <= 16 << 10 && kept.ends_with("length\nthe end\n"));
        assert_eq!(left(&b"\xff\n"[..]), "\u{fffd}\n");
    }

    #[test]
    fn one_without_memory_is_told_by_its_words() {
        for words in [
            OUT_OF_MEMORY,
            "memory allocation of 1048576 bytes failed\n",
            "terminate called after throwing an instance of 'std::bad_alloc'",
            "failed to read the scenario: Cannot allocate memory (os error 12)",
        ] {
            assert!(lacked_memory(words), "{words}");
        }
        assert!(!lacked_memory("failed to run `phone` at 1s: its code panicked: memory"));
    }
}
