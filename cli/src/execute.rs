//! Execution of a run: its worker, its record, its verdict.

use crate::{
    args::SimArgs,
    child::{self, Ended, WorkerWatch},
    environment::VERSION,
    folder::OutputFolder,
    frames,
    interrupt::Interrupt,
    runs::PlannedRun,
    verify,
    worker::{self, CommandGuards},
};
use parallax_record::{Record, Summary, Verdict, judge};
use std::{fs, path::Path, time::Instant};

/// What a run came to.
#[derive(Debug)]
pub(crate) struct FinishedRun {
    /// Its verdict and figures.
    pub(crate) summary: Summary,
    /// A second run was the same.
    pub(crate) verified: bool,
    /// How long it took, microseconds of wall time.
    pub(crate) wall_us: u64,
}

/// Executes runs into an output folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Executor<'a> {
    /// Where records go.
    pub(crate) out: &'a OutputFolder,
    /// Guards against what makes runs differ.
    pub(crate) guards: CommandGuards,
    /// Ctrl-C.
    pub(crate) interrupt: &'a Interrupt,
}

impl Executor<'_> {
    /// Executes a run and judges its record; none if it was interrupted: then nothing is left of it.
    pub(crate) fn run(self, run: &PlannedRun<'_>) -> Option<FinishedRun> {
        let name = run.name();
        let SimArgs { patience, memory, .. } = *run.arguments;
        let watch = WorkerWatch { name: &name, patience, memory, interrupt: self.interrupt };
        let began = Instant::now();
        let done = self.once(run, watch).and_then(|summary| self.verified(run, summary, watch));
        let Some((mut summary, verified)) = done else {
            self.out.abandon_run(&run.place);
            return None;
        };
        let wall_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Err(stop) = self.out.finish_run(&run.place, summary.record_sha256.as_deref()) {
            summary.verdict = Verdict::Error;
            summary.faults.push(stop.to_string());
        }
        Some(FinishedRun { summary, verified, wall_us })
    }

    fn once(self, run: &PlannedRun<'_>, watch: WorkerWatch<'_>) -> Option<Summary> {
        let ended = match self.out.begin_run(&run.place) {
            Ok(_) => match child::command(&run.worker()) {
                Ok(command) => child::wait(command, &run.input.text, watch),
                Err(error) => Ended::Broken(error),
            },
            Err(error) => Ended::Broken(format!(
                "failed to make the folder {}: {error}",
                run.folder.display()
            )),
        };
        let recorded = match ended {
            Ended::Whole => read(&run.record()),
            Ended::Broken(cause) => Err(cause),
            Ended::Interrupted => return None,
        };
        Some(match recorded {
            Ok(record) => judge(&record),
            Err(cause) => {
                worker::clear(&run.record());
                let _ = frames::forget(&run.frames());
                let _ = fs::remove_file(run.capture());
                worker::clear(&run.capture());
                // Packets of half a run are of no use either; what cannot be removed stays.
                let _ = verify::forget(run);
                let header = parallax_world::header(&run.input.scenario, run.seed, VERSION);
                Summary::broken(&header, cause)
            }
        })
    }

    /// The summary, and whether a second run was the same; none if it was interrupted.
    fn verified(
        self,
        run: &PlannedRun<'_>,
        mut summary: Summary,
        watch: WorkerWatch<'_>,
    ) -> Option<(Summary, bool)> {
        if !run.arguments.verify || summary.record_sha256.is_none() {
            return Some((summary, false));
        }
        match verify::again(run, self.guards, watch) {
            Ended::Whole => Some((summary, true)),
            Ended::Broken(difference) => {
                summary.verdict = Verdict::Error;
                summary.faults.push(difference);
                Some((summary, false))
            }
            Ended::Interrupted => None,
        }
    }
}

fn read(record: &Path) -> Result<Record, String> {
    let bytes = parallax_files::read(record, parallax_files::RECORD_MOST)
        .map_err(|error| format!("failed to read {}: {error}", record.display()))?;
    Record::read(&bytes).map_err(|error| format!("failed to {error}"))
}
