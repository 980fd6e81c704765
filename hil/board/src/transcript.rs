//! The transcript on disk: kept whatever happens.

use crate::{now_ns, stars::Stars};
use parallax_console::transcript::{HEAD, TranscriptEntry, TranscriptKind};
use std::{
    collections::VecDeque,
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Bytes of a transcript, at most. A console of 230 kbit/s that is never quiet takes more than an hour.
const BYTES_MOST: u64 = 128 << 20;
/// Bytes of what is typed and noted beyond that, at most.
const NOTED_BYTES_MOST: u64 = 1 << 20;
/// Bytes of what the board says last that are kept all the same.
const LAST_BYTES_MOST: usize = 64 << 10;

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
    /// Passwords in what the board says.
    stars: Stars,
    /// Bytes of the file, and how many it may have.
    written: u64,
    most: u64,
    /// Bytes of the board that are left out for that, and the last of them.
    left_out: u64,
    last: VecDeque<(u64, Vec<u8>)>,
    last_bytes: usize,
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
        Self {
            out,
            lost_bytes: 0,
            failure,
            stars: Stars::default(),
            written: 0,
            most: BYTES_MOST,
            left_out: 0,
            last: VecDeque::new(),
            last_bytes: 0,
        }
    }

    /// With at most this number of bytes of the board's output, but for its end.
    #[must_use]
    pub fn with_limit(mut self, bytes: u64) -> Self {
        self.most = bytes;
        self
    }

    /// One that keeps nothing.
    pub fn none() -> Self {
        Self::new(Box::new(io::sink()))
    }

    /// A part of a password is about to be sent: what the board echoes of it is not shown.
    pub fn expect_secret(&mut self, bytes: &[u8]) {
        self.stars.sent(bytes);
    }

    /// Writes what came or went at `at_ns`. When the file takes no more, what is not in it is counted,
    /// and told in it as soon as it takes lines again. What may be the beginning of a password is written
    /// when more has come.
    pub fn record(&mut self, at_ns: u64, kind: TranscriptKind, bytes: &[u8]) {
        if kind != TranscriptKind::Received {
            return self.within_limit(at_ns, kind, bytes);
        }
        for (at_ns, bytes) in self.stars.received(at_ns, bytes) {
            self.within_limit(at_ns, kind, &bytes);
        }
    }

    /// Writes it, unless a board that floods its console has used up the transcript.
    fn within_limit(&mut self, at_ns: u64, kind: TranscriptKind, bytes: &[u8]) {
        if self.written < self.most {
            return self.write(at_ns, kind, bytes);
        }
        if kind != TranscriptKind::Received {
            if self.written < self.most.saturating_add(NOTED_BYTES_MOST) {
                self.write(at_ns, kind, bytes);
            }
            return;
        }
        if self.left_out == 0 {
            let text = format!("the limit of {} MiB is reached", self.most >> 20);
            self.write(
                at_ns,
                TranscriptKind::Event,
                format!("{text}: only the end follows").as_bytes(),
            );
            self.failure = Some(io::Error::other(text));
        }
        self.left_out = self.left_out.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        self.last.push_back((at_ns, bytes.to_vec()));
        self.last_bytes += bytes.len();
        while self.last_bytes > LAST_BYTES_MOST
            && let Some((_, first)) = self.last.pop_front()
        {
            self.last_bytes -= first.len();
        }
    }

    fn write(&mut self, at_ns: u64, kind: TranscriptKind, bytes: &[u8]) {
        let mut lines = String::new();
        if self.lost_bytes > 0 {
            // The line end closes what may stand there of a line that failed.
            let lost = parallax_console::counted(self.lost_bytes, "byte");
            let text = format!("lost {lost}: the file took no more");
            let told =
                TranscriptEntry { at_ns, kind: TranscriptKind::Event, bytes: text.into_bytes() };
            lines = format!("\n{}", told.to_line());
        }
        lines.push_str(&TranscriptEntry { at_ns, kind, bytes: bytes.to_vec() }.to_line());
        self.written = self.written.saturating_add(u64::try_from(lines.len()).unwrap_or(0));
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
        self.record(now_ns(), TranscriptKind::Event, text.as_bytes());
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

/// What is held back is written: passwords starred, and the end of what was left out.
impl Drop for Recorder {
    fn drop(&mut self) {
        for (at_ns, bytes) in self.stars.end() {
            self.within_limit(at_ns, TranscriptKind::Received, &bytes);
        }
        if self.left_out > 0 {
            let last = std::mem::take(&mut self.last);
            let kept: usize = last.iter().map(|(_, bytes)| bytes.len()).sum();
            let gone = self.left_out.saturating_sub(u64::try_from(kept).unwrap_or(0));
            let at_ns = last.front().map_or_else(now_ns, |(at_ns, _)| *at_ns);
            let text = format!(
                "left out: {} of the board; its last {kept} follow",
                parallax_console::counted(gone, "byte")
            );
            self.write(at_ns, TranscriptKind::Event, text.as_bytes());
            for (at_ns, bytes) in last {
                self.write(at_ns, TranscriptKind::Received, &bytes);
            }
        }
    }
}
