//! Progress of a run, from worker to parent: a number behind the scenario, in the memory file that is the worker's
//! standard input.
//!
//! A worker stores it without a wake-up; the parent reads it when it looks anyway. What a worker stored before it hung or
//! was killed is still there.

use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::pwrite,
};
use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    os::unix::fs::FileExt as _,
    process::Stdio,
    time::Duration,
};

/// The parent's end.
#[derive(Debug)]
pub(crate) struct Progress {
    file: File,
    /// Where the number is.
    at: u64,
}

impl Progress {
    /// Hands a scenario over: what the worker's standard input is to be.
    pub(crate) fn hand_over(scenario: &str) -> io::Result<(Self, Stdio)> {
        let mut file = File::from(memfd_create("scenario", MemfdFlags::CLOEXEC)?);
        file.write_all(scenario.as_bytes())?;
        // Both ends have one position: the worker reads from the beginning.
        file.rewind()?;
        let stdin = Stdio::from(file.try_clone()?);
        Ok((Self { file, at: place(scenario) }, stdin))
    }

    /// How far the run has come, in its own time; none: it has not begun.
    pub(crate) fn reached(&self) -> Option<Duration> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, self.at).ok()?;
        Some(Duration::from_micros(u64::from_le_bytes(bytes)))
    }
}

/// Stores how far a run has come; `scenario` is what was read from the standard input. Where that is no memory
/// file of a parent's, nothing reads it.
pub(crate) fn store(scenario: &str, reached: Duration) {
    let micros = u64::try_from(reached.as_micros()).unwrap_or(u64::MAX);
    let _ = pwrite(io::stdin(), &micros.to_le_bytes(), place(scenario));
}

/// Behind the scenario, where a number does not lie across two words of memory.
fn place(scenario: &str) -> u64 {
    (scenario.len() as u64).next_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_worker_reads_the_scenario_and_its_parent_reads_how_far_it_has_come() {
        for scenario in ["", "schema = 1", "12345678"] {
            let (progress, stdin) = Progress::hand_over(scenario).expect("a memory file");
            assert_eq!(progress.reached(), None, "it has not begun");
            let cat = Command::new("cat").stdin(stdin).stdout(Stdio::piped()).output();
            assert_eq!(cat.expect("it runs").stdout, scenario.as_bytes());
            for micros in [0_u64, 1, 29_980_000, u64::MAX] {
                let stored = pwrite(&progress.file, &micros.to_le_bytes(), place(scenario));
                assert_eq!(stored.expect("stored"), 8);
                assert_eq!(progress.reached(), Some(Duration::from_micros(micros)));
            }
        }
    }
}
