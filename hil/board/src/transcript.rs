//! The transcript on disk: kept whatever happens.

use crate::now_ns;
use parallax_console::transcript::{Entry, HEAD, Kind};
use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Why there is no transcript.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to begin the transcript {}: {reason}\n\
     help: name a new file in a folder that can be written", path.display()
)]
pub struct RecorderError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub reason: io::Error,
}

/// Writes a transcript, each line at once: a program that is killed leaves all up to its last line.
pub struct Recorder {
    out: Box<dyn Write + Send>,
    /// Bytes of the console that are not in the file since it last took a line.
    lost_bytes: u64,
    /// Said once for each time that the file takes no more.
    failure: Option<io::Error>,
}

impl Recorder {
    /// Begins a new file.
    ///
    /// # Errors
    /// When the file is there already, or cannot be written.
    pub fn create(path: &Path) -> Result<Self, RecorderError> {
        let fail = |reason| RecorderError { path: path.to_owned(), reason };
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(fail)?;
        let mut recorder = Self::new(Box::new(file));
        match recorder.failure.take() {
            Some(reason) => Err(fail(reason)),
            None => Ok(recorder),
        }
    }

    /// Writes to `out`, which is to pass on each line at once.
    pub fn new(mut out: Box<dyn Write + Send>) -> Self {
        let failure = out.write_all(format!("{HEAD}\n").as_bytes()).err();
        Self { out, lost_bytes: 0, failure }
    }

    /// One that keeps nothing.
    pub fn none() -> Self {
        Self::new(Box::new(io::sink()))
    }

    /// Writes what came or went at `at_ns`. When the file takes no more, what is not in it is counted,
    /// and told in it as soon as it takes lines again.
    pub fn record(&mut self, at_ns: u64, kind: Kind, bytes: &[u8]) {
        let mut lines = String::new();
        if self.lost_bytes > 0 {
            // The line end closes what may stand there of a line that failed.
            let text = format!("lost {} bytes: the file took no more", self.lost_bytes);
            let told = Entry { at_ns, kind: Kind::Event, bytes: text.into_bytes() };
            lines = format!("\n{}", told.to_line());
        }
        lines.push_str(&Entry { at_ns, kind, bytes: bytes.to_vec() }.to_line());
        match self.out.write_all(lines.as_bytes()).and_then(|()| self.out.flush()) {
            Ok(()) => self.lost_bytes = 0,
            Err(error) => {
                if self.lost_bytes == 0 {
                    self.failure = Some(error);
                }
                // At least one: an event without bytes is lost as well.
                self.lost_bytes += u64::try_from(bytes.len().max(1)).unwrap_or(1);
            }
        }
    }

    /// Notes an event.
    pub fn event(&mut self, text: &str) {
        self.record(now_ns(), Kind::Event, text.as_bytes());
    }

    /// Why the file took no more, if that has happened since this was asked last.
    pub fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// How many bytes of the console are not in the file since it last took a line.
    pub fn lost_bytes(&self) -> u64 {
        self.lost_bytes
    }
}
