//! The sample table of a film that is not fragmented.

use super::{
    super::FilmError,
    Video,
    boxes::{Fields, child, full},
};
use core::ops::Range;

/// A frame.
pub(super) struct Sample {
    pub(super) at: Range<usize>,
    /// When it is shown, in units of the track's time scale.
    pub(super) shown: i64,
    /// How long it lasts until the next is decoded.
    pub(super) lasts: u32,
}

const TIMES: FilmError = FilmError::Damaged("its table of times does not fit its frames");
const PLACES: FilmError = FilmError::Damaged("its table of places does not fit its frames");
const SIZES: FilmError = FilmError::Damaged("its table of sizes ends before its time");

/// The frames that the table tells of; none, in a film that is fragmented from its first frame on.
pub(super) fn of_table(video: &Video<'_>, most: u64) -> Result<Vec<Sample>, FilmError> {
    let sizes = sizes(video.table, most)?;
    if sizes.is_empty() {
        return Ok(Vec::new());
    }
    let mut durations = runs(video.table, b"stts")?.ok_or(TIMES)?;
    let mut offsets = runs(video.table, b"ctts")?;
    let mut places = Places::new(video.table)?;
    let mut decoded = 0_i64;
    let mut samples = Vec::with_capacity(sizes.len());
    for size in sizes {
        let lasts = durations.next().ok_or(TIMES)?;
        // Of version 0, too, writers mean signed numbers.
        let offset = match &mut offsets {
            Some(offsets) => i64::from(offsets.next().ok_or(TIMES)?.cast_signed()),
            None => 0,
        };
        let at = places.next(size)?;
        samples.push(Sample { at, shown: decoded + offset, lasts });
        decoded += i64::from(lasts);
    }
    Ok(samples)
}

/// How long each frame is.
fn sizes(table: &[u8], most: u64) -> Result<Vec<usize>, FilmError> {
    let sizes = child(table, b"stsz")?.ok_or(FilmError::Damaged("it has no table of sizes"))?;
    let (_, mut fields) = full(sizes)?;
    let (same, count) = fields.number(4).zip(fields.number(4)).ok_or(SIZES)?;
    if count > most {
        return Err(FilmError::TooLong { frames: count, exact: true, most });
    }
    let size = |_| if same == 0 { fields.number(4) } else { Some(same) };
    let sizes: Option<Vec<_>> = (0..count).map(size).collect();
    Ok(sizes.ok_or(SIZES)?.into_iter().map(|size| size as usize).collect())
}

/// Values of a table that tells, in turn, how many samples have which.
struct Runs<'f> {
    entries: Fields<'f>,
    left: u64,
    value: u32,
}

impl Runs<'_> {
    fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            self.left = self.entries.number(4)?;
            self.value = self.entries.number(4)? as u32;
        }
        self.left -= 1;
        Some(self.value)
    }
}

fn runs<'f>(table: &'f [u8], kind: &[u8; 4]) -> Result<Option<Runs<'f>>, FilmError> {
    let Some(found) = child(table, kind)? else { return Ok(None) };
    let (_, mut entries) = full(found)?;
    entries.skip(4).ok_or(TIMES)?;
    Ok(Some(Runs { entries, left: 0, value: 0 }))
}

/// Where frames are: chunk by chunk, one behind the other within each.
struct Places<'f> {
    chunks: Fields<'f>,
    /// Bytes of a chunk's place.
    wide: usize,
    /// Runs of chunks that hold as many frames each.
    runs: Fields<'f>,
    /// The number of the chunk, from 1.
    chunk: u64,
    /// Frames in each chunk now, and from which chunk on there is another number of them.
    each: u64,
    until: u64,
    /// Frames left in this chunk, and where the next is.
    left: u64,
    at: u64,
}

impl<'f> Places<'f> {
    fn new(table: &'f [u8]) -> Result<Self, FilmError> {
        let (wide, chunks) = match child(table, b"stco")? {
            Some(chunks) => (4, chunks),
            None => (8, child(table, b"co64")?.ok_or(PLACES)?),
        };
        let (_, mut chunks) = full(chunks)?;
        let (_, mut runs) = full(child(table, b"stsc")?.ok_or(PLACES)?)?;
        chunks.skip(4).and(runs.skip(4)).ok_or(PLACES)?;
        let mut places = Self { chunks, wide, runs, chunk: 0, each: 0, until: 1, left: 0, at: 0 };
        // The first run has to begin with the first chunk.
        if places.runs.clone().number(4) != Some(1) {
            return Err(PLACES);
        }
        places.run().ok_or(PLACES)?;
        Ok(places)
    }

    /// Goes on to the next run.
    fn run(&mut self) -> Option<()> {
        self.runs.skip(4)?;
        self.each = self.runs.number(4)?;
        if self.runs.number(4)? != 1 {
            return None; // It is described elsewhere than the first.
        }
        self.until = self.runs.clone().number(4).unwrap_or(u64::MAX);
        Some(())
    }

    /// Where the next frame is, of this length.
    fn next(&mut self, size: usize) -> Result<Range<usize>, FilmError> {
        while self.left == 0 {
            self.chunk += 1;
            while self.chunk >= self.until {
                self.run().ok_or(PLACES)?;
            }
            self.at = self.chunks.number(self.wide).ok_or(PLACES)?;
            self.left = self.each;
        }
        self.left -= 1;
        let range = range(self.at, size).ok_or(PLACES)?;
        self.at = range.end as u64;
        Ok(range)
    }
}

/// A place in the file.
pub(super) fn range(at: u64, size: usize) -> Option<Range<usize>> {
    let begin = usize::try_from(at).ok()?;
    Some(begin..begin.checked_add(size)?)
}
