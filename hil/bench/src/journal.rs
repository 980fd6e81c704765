//! Journal of a run on disk: if the bench is killed, a record can be made
//! of it.

use parallax_files as files;
use parallax_record::{Clock, Entry, Header, ReadError, Record, WriteError};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

/// Beside the record that is to be.
const NAME: &str = "journal.jsonl";

/// How far times of the board, and of a browser, may be from the truth, microseconds; 0: not known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) board: Arc<AtomicU64>,
    pub(crate) browser: Arc<AtomicU64>,
}

impl Bounds {
    /// Of what spans both.
    fn both_us(&self) -> u64 {
        let [board, browser] =
            [&self.board, &self.browser].map(|bound| bound.load(Ordering::Relaxed));
        board.saturating_add(browser)
    }
}

/// A journal that is written by a thread of its own: its callers wait for no disk.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    entries: Sender<Vec<Entry>>,
    bounds_us: Bounds,
    writer: JoinHandle<io::Result<()>>,
}

impl Journal {
    /// Begins one in this folder. Of the clock nothing is known yet but what the header says.
    pub(crate) fn begin(folder: &Path, header: Header) -> io::Result<Self> {
        let path = folder.join(NAME);
        // Under its name it has a header.
        let aside = path.with_extension("part");
        let mut file = BufWriter::new(files::create(&aside)?);
        line(&mut file, &header)?;
        file.flush()?;
        files::rename_new(&aside, &path)?;
        let (entries, told) = channel();
        let bounds_us = Bounds::default();
        let known = bounds_us.clone();
        let writer = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(file, header, &told, &known))?;
        Ok(Self { path, entries, bounds_us, writer })
    }

    /// Takes entries in any order.
    pub(crate) fn sink(&self) -> Sender<Vec<Entry>> {
        self.entries.clone()
    }

    /// Takes how far times may be from the truth.
    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds_us
    }

    /// Waits until all entries are written. All other sinks must be gone. A journal that could
    /// not be written is no fault of a run that has come to its record.
    pub(crate) fn end(self) -> PathBuf {
        drop(self.entries);
        let _ = self.writer.join();
        self.path
    }
}

fn write(
    mut file: BufWriter<File>,
    mut header: Header,
    told: &Receiver<Vec<Entry>>,
    known: &Bounds,
) -> io::Result<()> {
    while let Ok(first) = told.recv() {
        let bound_us = known.both_us();
        // It grows a little all the time: a header is worth a tenth.
        if bound_us > 0
            && header.clock.bound_us().is_none_or(|old| old.abs_diff(bound_us) > old / 10)
        {
            header.clock = Clock::Real { bound_us };
            line(&mut file, &header)?;
        }
        for entry in [first].into_iter().chain(told.try_iter()).flatten() {
            line(&mut file, &entry)?;
        }
        file.flush()?;
    }
    Ok(())
}

fn line(file: &mut impl Write, content: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *file, content).map_err(io::Error::other)?;
    file.write_all(b"\n")
}

/// Why a journal became no record.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// A file.
    #[error("failed to make a record of {}: {cause}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It is none.
    #[error("failed to make a record of {}: {cause}\n  help: remove it", file.display())]
    Journal {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        cause: ReadError,
    },
    /// The record.
    #[error("failed to {0}")]
    Record(#[from] WriteError),
}

/// If a run that was killed has left its journal in this folder, makes it the run's record, and says
/// where that is. A journal beside a whole record is of no use any more.
///
/// # Errors
/// If it cannot be read or written, or is none.
pub fn recover(folder: &Path) -> Result<Option<PathBuf>, RecoverError> {
    let (file, record) = (folder.join(NAME), folder.join("record.jsonl"));
    let failed = |cause| RecoverError::File { file: file.clone(), cause };
    let journal = match files::read(&file, files::RECORD_MOST) {
        Ok(journal) => journal,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let is_whole =
        files::read(&record, files::RECORD_MOST).is_ok_and(|bytes| Record::read(&bytes).is_ok());
    if !is_whole {
        let recovered = Record::recover(&journal)
            .map_err(|cause| RecoverError::Journal { file: file.clone(), cause })?;
        put(&record, &recovered).map_err(failed)?;
    }
    fs::remove_file(&file).map_err(failed)?;
    Ok((!is_whole).then_some(record))
}

/// Writes a record whole or not at all.
pub(crate) fn put(path: &Path, record: &Record) -> io::Result<()> {
    let aside = path.with_extension("part");
    files::put_new(&aside, &record.to_bytes().map_err(io::Error::other)?)?;
    files::rename_new(&aside, path)
}
