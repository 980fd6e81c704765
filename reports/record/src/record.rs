//! `record.jsonl`: a header, entries in the order of time, and a trailer that says it is whole.
//!
//! JSON Lines, UTF-8, each line ended by `\n`, fields in the order of the types. The digest of a
//! record is the SHA-256 of its bytes.

use std::io::{self, BufRead as _, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event::{Entry, Event};
use crate::foreign::inline;
use crate::header::{FORMAT, Header, SCHEMA};

/// The last line's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct End {
    /// How many entries there are.
    pub entries: u64,
    /// SHA-256 over time, direction, addresses, length and payload of every packet of the run,
    /// lower-case hexadecimal; empty if what ran it was killed before it could tell.
    pub packets_sha256: String,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Trailer {
    /// That the run has ended, and what it came to.
    end: End,
}

/// Why a record could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The sink refused.
    #[error("write the record: {0}")]
    Io(#[from] io::Error),
    /// A line could not be put in JSON.
    #[error("write the record: {0}")]
    Json(#[from] serde_json::Error),
    /// An entry is older than the one before.
    #[error("write the record: time goes back from {last_ns} ns to {run_ns} ns at {node}")]
    TimeWentBack {
        /// The newest entry so far.
        last_ns: u64,
        /// The refused one.
        run_ns: u64,
        /// Where it came from.
        node: String,
    },
}

/// Writes a record as the run goes. What it has written is incomplete until
/// [`finish`](Self::finish) has returned: a run that dies leaves a record that no reader takes
/// for a whole one.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    hash: Sha256,
    entries: u64,
    last_ns: u64,
    /// The last line: thousands of lines share its memory.
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a record. The sink is written to line by line: give it a buffer.
    ///
    /// # Errors
    /// If the sink refuses.
    pub fn new(sink: W, header: &Header) -> Result<Self, WriteError> {
        let mut writer =
            Self { sink, hash: Sha256::new(), entries: 0, last_ns: 0, line: Vec::new() };
        writer.line(header)?;
        Ok(writer)
    }

    /// Adds an entry. Entries of one instant stay in the order in which they are given.
    ///
    /// # Errors
    /// If time goes back, or the sink refuses.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), WriteError> {
        if entry.run_ns < self.last_ns {
            return Err(WriteError::TimeWentBack {
                last_ns: self.last_ns,
                run_ns: entry.run_ns,
                node: entry.node.clone(),
            });
        }
        self.line(entry)?;
        self.last_ns = entry.run_ns;
        self.entries += 1;
        Ok(())
    }

    /// Writes the trailer, flushes, and gives back the sink and the record's SHA-256 in lower-case
    /// hexadecimal.
    ///
    /// # Errors
    /// If the sink refuses.
    pub fn finish(mut self, packets_sha256: &str) -> Result<(W, String), WriteError> {
        let end = End { entries: self.entries, packets_sha256: packets_sha256.to_owned() };
        self.line(&Trailer { end })?;
        self.sink.flush()?;
        Ok((self.sink, hex::encode(self.hash.finalize())))
    }

    fn line(&mut self, content: &impl Serialize) -> Result<(), WriteError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, content)?;
        self.line.push(b'\n');
        self.hash.update(&self.line);
        self.sink.write_all(&self.line)?;
        Ok(())
    }
}

/// Why bytes are not a record that can be judged.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is nothing.
    #[error("read the record: it is empty")]
    Empty,
    /// The first line is no header of ours.
    #[error("read the record: line 1 is not the header of a Parallax record ({})", inline(cause))]
    NotARecord {
        /// What is wrong with it.
        cause: String,
    },
    /// It was written by a newer Parallax.
    #[error(
        "read the record: it has schema {found}, and this Parallax knows {SCHEMA}: use a newer one"
    )]
    NewerSchema {
        /// What the record says.
        found: u64,
    },
    /// A line is not what it should be.
    #[error("read the record: line {line}: {}", inline(cause))]
    Corrupt {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// It stops before its end.
    #[error("read the record: it is cut off in line {line}: the run that wrote it did not end")]
    Incomplete {
        /// The line that is not whole or not there, from 1.
        line: usize,
    },
}

/// A whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What ran.
    pub header: Header,
    /// What happened, in the order of time.
    pub entries: Vec<Entry>,
    /// The trailer.
    pub end: End,
    /// SHA-256 of the record's bytes, lower-case hexadecimal.
    pub sha256: String,
}

impl Record {
    /// Makes a record from its parts, as writing and reading it would.
    ///
    /// # Errors
    /// If the entries are out of order.
    pub fn new(
        header: Header,
        entries: Vec<Entry>,
        packets_sha256: &str,
    ) -> Result<Self, WriteError> {
        let mut writer = Writer::new(io::sink(), &header)?;
        for entry in &entries {
            writer.entry(entry)?;
        }
        let (_, sha256) = writer.finish(packets_sha256)?;
        let end = End { entries: entries.len() as u64, packets_sha256: packets_sha256.to_owned() };
        Ok(Self { header, entries, end, sha256 })
    }

    /// Makes a record of the journal of a run that was killed: the events so far, in any order. It
    /// begins with a header; of several the last counts, which knows the clock best. A last line that
    /// is cut off is left out. The record says that it was cut short.
    ///
    /// # Errors
    /// If it has no whole header, is another program's or from a newer schema, or a line is corrupt.
    pub fn recover(journal: &[u8]) -> Result<Self, ReadError> {
        let whole = journal.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let (mut header, mut entries) = (None, Vec::<Entry>::new());
        for (index, line) in journal[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
            if header.is_none() || line.starts_with(b"{\"format\":") {
                header = Some(read_header(line)?);
                continue;
            }
            let entry = serde_json::from_slice(line)
                .map_err(|error| corrupt(index + 1, &located(&error)))?;
            entries.push(entry);
        }
        let mut header = header.ok_or(ReadError::Empty)?;
        // Stable: what happened at one time stays in its order.
        entries.sort_by_key(|entry| entry.run_ns);
        let run_ns = entries.last().map_or(0, |last| last.run_ns);
        header.duration_us = header.duration_us.min(run_ns / 1_000);
        let text = "what ran it was killed".to_owned();
        let event = Event::CutShort { text };
        entries.push(Entry { run_ns, node: "lab".to_owned(), event });
        // The digest of its packets was lost with the process.
        Self::new(header, entries, "").map_err(|error| corrupt(1, &error.to_string()))
    }

    /// The record's bytes, as a writer writes them.
    ///
    /// # Errors
    /// Never in fact: what was read can be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        let mut writer = Writer::new(Vec::new(), &self.header)?;
        for entry in &self.entries {
            writer.entry(entry)?;
        }
        Ok(writer.finish(&self.end.packets_sha256)?.0)
    }

    /// Reads a whole record.
    ///
    /// # Errors
    /// If it is empty, another program's, from a newer schema, corrupt or cut off. No part of a
    /// bad record is given back.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        Self::read_in(Vec::new(), bytes)
    }

    /// Reads a whole record, with its entries in the memory of others that are not needed any more: of thousands of
    /// records, asking the system for memory is else a tenth of the cost.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_in(mut entries: Vec<Entry>, bytes: &[u8]) -> Result<Self, ReadError> {
        entries.clear();
        if bytes.is_empty() {
            return Err(ReadError::Empty);
        }
        // Entries are not moved often while they grow.
        entries.reserve(bytes.len() / LINE_USUAL);
        let mut header = None;
        let mut end = None;
        for (index, line) in Lines(bytes).enumerate() {
            let number = index + 1;
            if header.is_none() {
                header = Some(read_header(line)?);
            } else if end.is_some() {
                return Err(corrupt(number, "there is more after the end"));
            } else if !line.ends_with(b"\n") {
                return Err(ReadError::Incomplete { line: number });
            } else if line.starts_with(b"{\"end\":") {
                end = Some(read_end(number, line, entries.len())?);
            } else {
                let entry = read_entry(line).map_err(|error| corrupt(number, &located(&error)))?;
                bounded(number, line)?;
                if entries.last().is_some_and(|last| entry.run_ns < last.run_ns) {
                    return Err(corrupt(number, "time goes back"));
                }
                entries.push(entry);
            }
        }
        let line = entries.len() + 2;
        match (header, end) {
            (Some(header), Some(end)) => {
                Ok(Self { header, entries, end, sha256: hex::encode(Sha256::digest(bytes)) })
            }
            _ => Err(ReadError::Incomplete { line }),
        }
    }
}

/// Bytes of a usual line.
const LINE_USUAL: usize = 160;

/// Eleven days of nanoseconds, and a petabyte: what is computed from numbers of a record stays within 64 bits.
const DIGITS_MOST: usize = 15;

/// Refuses a line with a number of more digits.
fn bounded(number: usize, line: &[u8]) -> Result<(), ReadError> {
    match too_great(line) {
        None => Ok(()),
        Some(column) => {
            let cause = format!("column {column}: a number has up to {DIGITS_MOST} digits");
            Err(corrupt(number, &cause))
        }
    }
}

/// Where a number with too many digits begins, the column from 1.
fn too_great(line: &[u8]) -> Option<usize> {
    let digit = |at: &usize| line.get(*at).is_some_and(u8::is_ascii_digit);
    // Of this number in a row, one stands at a multiple of the number.
    let step = DIGITS_MOST + 1;
    let long = (0..line.len()).step_by(step).any(|at| {
        let before = (0..at).rev().take_while(digit).count();
        digit(&at) && before + (at..line.len()).take_while(digit).count() >= step
    });
    if !long {
        return None;
    }
    let (mut in_text, mut escaped, mut digits) = (false, false, 0);
    for (index, byte) in line.iter().enumerate() {
        digits = if byte.is_ascii_digit() && !in_text { digits + 1 } else { 0 };
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            _ if digits > DIGITS_MOST => return Some(index + 1 - DIGITS_MOST),
            _ => {}
        }
    }
    None
}

fn corrupt(line: usize, cause: &(impl ToString + ?Sized)) -> ReadError {
    ReadError::Corrupt { line, cause: cause.to_string() }
}

/// The parser sees one line at a time and calls each of them line 1: only its column is of use.
fn located(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(cause) => format!("column {}: {cause}", error.column()),
        None => text,
    }
}

/// What every schema's header has, so that a newer one is recognised before it is misread.
#[derive(Deserialize)]
struct Probe {
    format: String,
    schema: u64,
}

fn read_header(line: &[u8]) -> Result<Header, ReadError> {
    let foreign = |cause: String| ReadError::NotARecord { cause };
    if !line.ends_with(b"\n") && line.starts_with(b"{\"format\":\"parallax-record\"") {
        return Err(ReadError::Incomplete { line: 1 });
    }
    let probe: Probe = serde_json::from_slice(line).map_err(|error| foreign(located(&error)))?;
    if probe.format != FORMAT {
        return Err(foreign(format!("its format is {:?}", probe.format)));
    }
    if probe.schema > u64::from(SCHEMA) {
        return Err(ReadError::NewerSchema { found: probe.schema });
    }
    bounded(1, line)?;
    Header::from_json(line).map_err(|error| corrupt(1, &located(&error)))
}

/// Lines with their ends; the last may lack one. As `split_inclusive`, many bytes at a time.
struct Lines<'b>(&'b [u8]);

impl<'b> Iterator for Lines<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let mut rest = self.0;
        let length = rest.skip_until(b'\n').ok().filter(|length| *length > 0)?;
        let line = &self.0[..length];
        self.0 = rest;
        Some(line)
    }
}

/// The parser of bytes looks at each text in them for UTF-8: once for the line costs less.
fn read_entry(line: &[u8]) -> serde_json::Result<Entry> {
    match std::str::from_utf8(line) {
        Ok(line) => serde_json::from_str(line),
        Err(_) => serde_json::from_slice(line),
    }
}

fn read_end(number: usize, line: &[u8], entries: usize) -> Result<End, ReadError> {
    let Trailer { end } =
        serde_json::from_slice(line).map_err(|error| corrupt(number, &located(&error)))?;
    if end.entries != entries as u64 {
        let cause = format!("the end counts {} entries, there are {entries}", end.entries);
        return Err(corrupt(number, &cause));
    }
    Ok(end)
}
