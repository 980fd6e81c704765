//! Boxes, and the numbers in them.

use super::super::FilmError;

/// A box.
pub(super) struct Found<'f> {
    pub(super) kind: [u8; 4],
    /// What is behind its header.
    pub(super) body: &'f [u8],
    /// Where its header begins.
    pub(super) at: usize,
}

/// The boxes that follow one another in `bytes`, up to the first that does not end within.
pub(super) fn boxes(bytes: &[u8]) -> impl Iterator<Item = Result<Found<'_>, FilmError>> {
    let mut at = 0;
    let mut failed = false;
    core::iter::from_fn(move || {
        if failed || at >= bytes.len() {
            return None;
        }
        let found = found(bytes, at);
        failed = found.is_none();
        let Some((kind, header, length)) = found else {
            return Some(Err(FilmError::CutOff("a box")));
        };
        let begin = at;
        at += length;
        Some(Ok(Found { kind, body: &bytes[begin + header..at], at: begin }))
    })
}

/// Kind, bytes of the header and of all of the box at this place; none if it is not all there.
fn found(bytes: &[u8], at: usize) -> Option<([u8; 4], usize, usize)> {
    let mut fields = Fields(&bytes[at..]);
    let length = fields.number(4)?;
    let kind = fields.bytes(4)?.try_into().ok()?;
    let (header, length) = match length {
        0 => (8, bytes.len() - at),
        1 => (16, usize::try_from(fields.number(8)?).ok()?),
        _ => (8, usize::try_from(length).ok()?),
    };
    (header..=bytes.len() - at).contains(&length).then_some((kind, header, length))
}

/// The first box of a kind, within another.
pub(super) fn child<'f>(body: &'f [u8], kind: &[u8; 4]) -> Result<Option<&'f [u8]>, FilmError> {
    for found in boxes(body) {
        // Some writers leave four zeros behind the last box.
        let Ok(found) = found else { break };
        if &found.kind == kind {
            return Ok(Some(found.body));
        }
    }
    Ok(None)
}

/// The version of a full box, and its fields behind version and flags.
pub(super) fn full(body: &[u8]) -> Result<(u8, Fields<'_>), FilmError> {
    flagged(body).map(|(version, _, fields)| (version, fields))
}

/// The version and the flags of a full box, and its fields.
pub(super) fn flagged(body: &[u8]) -> Result<(u8, u32, Fields<'_>), FilmError> {
    let mut fields = Fields(body);
    let head = fields.number(4).ok_or(FilmError::Damaged("a box is too short"))?;
    Ok(((head >> 24) as u8, (head & 0xff_ffff) as u32, fields))
}

/// Fields, one behind the other; none where the bytes end.
#[derive(Clone)]
pub(super) struct Fields<'f>(pub(super) &'f [u8]);

impl<'f> Fields<'f> {
    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'f [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A number of up to 8 bytes, big-endian.
    pub(super) fn number(&mut self, bytes: usize) -> Option<u64> {
        let bytes = self.bytes(bytes)?;
        Some(bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// Skips `count` bytes.
    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.bytes(count).map(drop)
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'f [u8] {
        self.0
    }
}
