//! Scheduler: several runs at once, results in the order of the request.

use crate::{
    execute::{Executor, FinishedRun},
    runs::PlannedRun,
};
use std::{
    collections::BTreeMap,
    io,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
};

/// What happens to a run, by its place in the order.
#[derive(Debug)]
pub(crate) enum News<'a> {
    /// It goes on.
    Began(&'a PlannedRun<'a>),
    /// It has ended, so; perhaps before others that were asked for earlier.
    Ended(&'a PlannedRun<'a>, Option<&'a FinishedRun>),
}

enum Report {
    Began(usize),
    Ended(usize, Option<Box<FinishedRun>>),
}

/// Runs all, `jobs` at once, and hands out the results in order, those of interrupted runs left
/// out. `news` hears of everything as it happens.
///
/// # Errors
/// If the system gives no thread at all.
pub(crate) fn all(
    runs: &[PlannedRun<'_>],
    jobs: usize,
    executor: Executor<'_>,
    mut news: impl FnMut(News<'_>),
    mut result: impl FnMut(&PlannedRun<'_>, FinishedRun),
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let (send, reports) = mpsc::channel();
    thread::scope(|scope| {
        for job in 0..jobs.min(runs.len()) {
            let (send, next) = (send.clone(), &next);
            // The thread that starts a worker waits for it: the system ends a worker with it.
            let work = move || {
                while !executor.interrupt.asked() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(index) else { break };
                    let _ = send.send(Report::Began(index));
                    let done = executor.run(run).map(Box::new);
                    let _ = send.send(Report::Ended(index, done));
                }
            };
            // With fewer threads it takes longer; without any it would take for ever.
            match thread::Builder::new().spawn_scoped(scope, work) {
                Err(error) if job == 0 => return Err(error),
                Err(_) => break,
                Ok(_) => {}
            }
        }
        drop(send);
        in_order(runs, &reports, &mut news, &mut result);
        Ok(())
    })
}

fn in_order(
    runs: &[PlannedRun<'_>],
    reports: &Receiver<Report>,
    news: &mut impl FnMut(News<'_>),
    result: &mut impl FnMut(&PlannedRun<'_>, FinishedRun),
) {
    let mut next = 0;
    let mut waiting: BTreeMap<usize, Box<FinishedRun>> = BTreeMap::new();
    for report in reports {
        match report {
            Report::Began(index) => news(News::Began(&runs[index])),
            Report::Ended(index, done) => {
                news(News::Ended(&runs[index], done.as_deref()));
                waiting.extend(done.map(|done| (index, done)));
            }
        }
        while let Some(done) = waiting.remove(&next) {
            result(&runs[next], *done);
            next += 1;
        }
    }
    // Behind a run that was interrupted others may have finished.
    for (index, done) in waiting {
        result(&runs[index], *done);
    }
}
