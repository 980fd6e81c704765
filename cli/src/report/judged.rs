//! Second judgement of runs, from their records.

use super::file::{Memory, bad, is_absent, is_one_name, record_in};
use crate::exit::Stop;
use parallax_record::{Record, Suite, Summary, contradiction, judge_again};
use parallax_render::input::Detail;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Pictures larger than this are not ours.
const PICTURE_BYTES: u64 = 32 << 20;

/// The runs of a folder as their records have them.
#[derive(Default)]
pub(super) struct Judged {
    /// In the order of the summary.
    pub(super) runs: Vec<Summary>,
    /// How many have a record, and were judged again.
    pub(super) judged: u64,
    /// How many should have a record that is not there.
    pub(super) without_record: u64,
    /// What the records say otherwise than the summary.
    pub(super) corrections: Vec<String>,
    /// The records, if they were to be kept.
    pub(super) records: BTreeMap<usize, Record>,
}

impl Judged {
    /// Runs that were judged from their records just now.
    pub(super) fn just_now(runs: Vec<Summary>) -> Self {
        Self { judged: runs.len() as u64, runs, ..Self::default() }
    }
}

/// A run, judged again.
struct One {
    summary: Summary,
    correction: Option<String>,
    record: Option<Record>,
    judged: bool,
}

/// Judges all runs of a folder again, several at a time; what comes out does not depend on it. A run without a record
/// stays as the summary has it.
///
/// # Errors
/// [`Stop::BadInput`] if a record cannot be read or is another run's, or a summary without one contradicts itself.
pub(super) fn again(
    folder: &Path,
    suite: &Suite,
    keep: bool,
    place: impl Fn(&Summary) -> PathBuf + Sync,
) -> Result<Judged, Stop> {
    let each = in_parallel(suite.runs.len(), |memory: &mut Memory, at| {
        let stored = &suite.runs[at];
        let file = place(stored).join("record.jsonl");
        // Whatever else stands there is refused where it is read.
        if is_absent(&file) {
            return match contradiction(stored) {
                None => Ok(One {
                    summary: stored.clone(),
                    correction: None,
                    record: None,
                    judged: false,
                }),
                Some(what) => Err(bad(
                    &folder.join("summary.json"),
                    &format!("{}: {what}, and there is no record to judge it by", stored.path()),
                )),
            };
        }
        let record = checked(&file, stored, memory)?;
        let judged = judge_again(&record, stored);
        let correction = judged
            .correction
            .map(|what| format!("{}: by its record {what}: the record counts", stored.path()));
        let record = match keep {
            true => Some(record),
            false => {
                memory.entries = record.entries;
                None
            }
        };
        Ok(One { summary: judged.summary, correction, record, judged: true })
    })?;
    let mut all = Judged::default();
    for (at, One { summary, correction, record, judged }) in each.into_iter().enumerate() {
        all.judged += u64::from(judged);
        all.without_record += u64::from(!judged && summary.record_sha256.is_some());
        all.corrections.extend(correction);
        all.records.extend(record.map(|record| (at, record)));
        all.runs.push(summary);
    }
    Ok(all)
}

/// Reads the runs of `chosen` with their pictures, but for the records that are there already.
///
/// # Errors
/// [`Stop::BadInput`] if something cannot be read.
pub(super) fn details(
    suite: &Suite,
    chosen: &BTreeSet<usize>,
    records: BTreeMap<usize, Record>,
    place: impl Fn(&Summary) -> PathBuf + Sync,
) -> Result<Vec<Detail>, Stop> {
    let wanted: Vec<usize> = chosen.iter().copied().collect();
    let records = Mutex::new(records);
    let found = in_parallel(wanted.len(), |memory: &mut Memory, at| {
        let at = wanted[at];
        let summary = &suite.runs[at];
        let place = place(summary);
        let file = place.join("record.jsonl");
        let known = records.lock().ok().and_then(|mut records| records.remove(&at));
        let record = match known {
            Some(record) => record,
            None if is_absent(&file) => return Ok(None),
            None => checked(&file, summary, memory)?,
        };
        Ok(Some(Detail { run: at, record, pictures: pictures(summary, &place)? }))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// The record in a file, if it is that of which a summary speaks.
fn checked(file: &Path, summary: &Summary, memory: &mut Memory) -> Result<Record, Stop> {
    let record = record_in(file, memory)?;
    if summary.record_sha256.as_ref().is_some_and(|digest| *digest != record.sha256) {
        return Err(bad(
            file,
            &format!(
                "it is not the record that summary.json speaks of: its digest is {}",
                record.sha256
            ),
        ));
    }
    let header = &record.header;
    let of = (&header.scenario, header.seed, header.repeat);
    if of != (&summary.scenario, summary.seed, summary.repeat) {
        return Err(bad(
            file,
            &format!("it is the record of {} seed {}", header.scenario, header.seed),
        ));
    }
    Ok(record)
}

/// The pictures of a run's worst frames.
fn pictures(summary: &Summary, place: &Path) -> Result<BTreeMap<String, Vec<u8>>, Stop> {
    let mut pictures = BTreeMap::new();
    for stream in &summary.streams {
        for worst in &stream.worst_frames {
            for name in worst.files(&stream.camera, &stream.viewer) {
                let path = place.join("frames").join(&name);
                // What is none of ours is not shown.
                if is_one_name(&name)
                    && let Ok(bytes) = parallax_files::read(&path, PICTURE_BYTES)
                {
                    pictures.insert(name, bytes);
                }
            }
        }
    }
    Ok(pictures)
}

/// Does something for each of `count` things, on all cores, with the results in their order. The first error counts.
/// Each thread has a state that its results do not depend on.
pub(super) fn in_parallel<S: Default, T: Send>(
    count: usize,
    work: impl Fn(&mut S, usize) -> Result<T, Stop> + Sync,
) -> Result<Vec<T>, Stop> {
    let next = AtomicUsize::new(0);
    let results: Mutex<BTreeMap<usize, Result<T, Stop>>> = Mutex::default();
    let one = || {
        let mut state = S::default();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                break;
            }
            let result = work(&mut state, at);
            if let Ok(mut results) = results.lock() {
                results.insert(at, result);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(count);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(one);
        }
    });
    let results =
        results.into_inner().map_err(|_| Stop::Fault("failed to read records".to_owned()))?;
    results.into_values().collect()
}
