//! The fragments of a film that is written as it goes.

use super::{
    super::FilmError,
    Video,
    boxes::{Fields, boxes, child, flagged, full},
    samples::{Sample, range},
};
use std::collections::BTreeMap;

const SHORT: FilmError = FilmError::Damaged("a fragment ends before its time");

/// What a run tells of a sample, or of all of them.
#[derive(Clone, Copy, Default)]
struct Defaults {
    lasts: u32,
    size: u32,
}

/// Appends the frames of all fragments.
pub(super) fn append(
    film: &[u8],
    movie: &[u8],
    video: &Video<'_>,
    samples: &mut Vec<Sample>,
    most: u64,
) -> Result<(), FilmError> {
    let defaults = match child(movie, b"mvex")? {
        Some(extends) => defaults(extends)?,
        None => BTreeMap::new(),
    };
    let decoded: i64 = samples.iter().map(|sample| i64::from(sample.lasts)).sum();
    let mut reader = Reader { video: video.id, defaults, samples, decoded, most };
    for found in boxes(film) {
        let found = found?;
        if &found.kind == b"moof" {
            reader.fragment(found.at as u64, found.body)?;
        }
    }
    Ok(())
}

/// By track.
fn defaults(extends: &[u8]) -> Result<BTreeMap<u32, Defaults>, FilmError> {
    let mut defaults = BTreeMap::new();
    for found in boxes(extends) {
        let found = found?;
        if &found.kind != b"trex" {
            continue;
        }
        let (_, mut fields) = full(found.body)?;
        let mut number = || fields.number(4).map(|number| number as u32).ok_or(SHORT);
        let (track, _, lasts, size) = (number()?, number()?, number()?, number()?);
        defaults.insert(track, Defaults { lasts, size });
    }
    Ok(defaults)
}

struct Reader<'s> {
    video: u32,
    defaults: BTreeMap<u32, Defaults>,
    samples: &'s mut Vec<Sample>,
    /// When the next frame is decoded.
    decoded: i64,
    most: u64,
}

impl Reader<'_> {
    /// Tracks of one fragment may lie one behind the other: those of sound are gone through too.
    fn fragment(&mut self, at: u64, fragment: &[u8]) -> Result<(), FilmError> {
        let mut behind = at;
        for found in boxes(fragment) {
            let found = found?;
            if &found.kind == b"traf" {
                behind = self.track(at, behind, found.body)?;
            }
        }
        Ok(())
    }

    /// Returns the place behind the last sample.
    fn track(&mut self, fragment: u64, behind: u64, body: &[u8]) -> Result<u64, FilmError> {
        let header = child(body, b"tfhd")?.ok_or(SHORT)?;
        let (_, flags, mut fields) = flagged(header)?;
        let track = fields.number(4).ok_or(SHORT)? as u32;
        let mut optional = |flag: u32, bytes| match flags & flag {
            0 => Ok(None),
            _ => fields.number(bytes).map(Some).ok_or(SHORT),
        };
        let explicit = optional(0x1, 8)?;
        if optional(0x2, 4)?.is_some_and(|index| index != 1) {
            return Err(FilmError::Damaged("its coding changes within the film"));
        }
        let mut defaults = self.defaults.get(&track).copied().unwrap_or_default();
        defaults.lasts = optional(0x8, 4)?.map_or(defaults.lasts, |lasts| lasts as u32);
        defaults.size = optional(0x10, 4)?.map_or(defaults.size, |size| size as u32);
        let base = match explicit {
            Some(base) => base,
            None if flags & 0x2_0000 != 0 => fragment,
            None => behind,
        };
        if track == self.video
            && let Some(time) = child(body, b"tfdt")?
        {
            let (version, mut fields) = full(time)?;
            let time = fields.number(if version == 1 { 8 } else { 4 }).ok_or(SHORT)?;
            // Far below what would overflow when frames are added.
            self.decoded = i64::try_from(time).ok().filter(|&time| time < 1 << 60).ok_or(SHORT)?;
        }
        let mut at = base;
        for found in boxes(body) {
            let found = found?;
            if &found.kind == b"trun" {
                at = self.run(track, (base, at), defaults, found.body)?;
            }
        }
        Ok(at)
    }

    /// Returns the place behind the last sample.
    fn run(
        &mut self,
        track: u32,
        (base, behind): (u64, u64),
        defaults: Defaults,
        body: &[u8],
    ) -> Result<u64, FilmError> {
        let (_, flags, mut fields) = flagged(body)?;
        let count = fields.number(4).ok_or(SHORT)?;
        let mut at = behind;
        if flags & 0x1 != 0 {
            let offset = (fields.number(4).ok_or(SHORT)? as u32).cast_signed();
            at = base.checked_add_signed(offset.into()).ok_or(SHORT)?;
        }
        if flags & 0x4 != 0 {
            fields.skip(4).ok_or(SHORT)?;
        }
        let is_video = track == self.video;
        let known = self.samples.len() as u64;
        if is_video && known + count > self.most {
            return Err(FilmError::TooLong { frames: self.most, exact: false, most: self.most });
        }
        if flags & 0xf00 == 0 && !is_video {
            // Samples without data of their own: there may be any number.
            return at.checked_add(count * u64::from(defaults.size)).ok_or(SHORT);
        }
        for _ in 0..count {
            let (Defaults { lasts, size }, offset) =
                sample(&mut fields, flags, defaults).ok_or(SHORT)?;
            let place = range(at, size as usize).ok_or(SHORT)?;
            at = place.end as u64;
            if is_video {
                let shown = self.decoded + i64::from(offset);
                self.samples.push(Sample { at: place, shown, lasts });
                self.decoded += i64::from(lasts);
            }
        }
        Ok(at)
    }
}

/// What a run tells of one sample, and how much later than decoded it is shown.
fn sample(fields: &mut Fields<'_>, flags: u32, defaults: Defaults) -> Option<(Defaults, i32)> {
    let mut number = |flag: u32, default: u32| match flags & flag {
        0 => Some(default),
        _ => fields.number(4).map(|number| number as u32),
    };
    let lasts = number(0x100, defaults.lasts)?;
    let size = number(0x200, defaults.size)?;
    number(0x400, 0)?; // flags
    let offset = number(0x800, 0)?.cast_signed();
    Some((Defaults { lasts, size }, offset))
}
