//! Recordings: elementary streams encoded before, looping, for cameras that encode nothing.

use crate::clip::{self, ClipError};
use crate::picture::Size;
use crate::{nal, sequence, slice};
use std::sync::Arc;

/// A recording that is part of the binary. `fixtures/recordings/` holds its file and its manifest,
/// with origin and licence.
#[derive(Debug)]
pub struct BuiltinRecording {
    /// The clip that it shows.
    pub clip: &'static str,
    /// Its file in `fixtures/recordings/`, without the ending.
    pub file: &'static str,
    /// The size of its pictures.
    pub size: Size,
    /// How many frames it was recorded with each second.
    pub frames_per_second: u16,
    /// How many frames it has.
    pub frames: u32,
    /// H.264, constrained baseline, Annex B.
    pub annex_b: &'static [u8],
}

/// All of them. The constants are the manifest's: a test holds one against the other.
static BUILTIN: [BuiltinRecording; 1] = [BuiltinRecording {
    clip: "bunny",
    file: "bunny-320x240",
    size: Size { width: 320, height: 240 },
    frames_per_second: 15,
    frames: 75,
    annex_b: include_bytes!("../recordings/bunny-320x240.h264"),
}];

/// A frame of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedFrame {
    /// The access unit, Annex B; parameter sets lead every key frame.
    pub bytes: Vec<u8>,
    /// A key frame (IDR): decoding may begin here.
    pub key: bool,
    /// Quantisation parameter in the header of its first slice, 0 (finest) to 51; none if that
    /// header is of a kind that is not understood.
    pub qp: Option<u8>,
}

/// A recorded stream, cut into frames. Clones share them.
#[derive(Clone, Debug)]
pub struct Recording {
    frames: Arc<[RecordedFrame]>,
    profile_level_id: [u8; 3],
}

impl Recording {
    /// The built-in recordings.
    pub fn all_builtin() -> &'static [BuiltinRecording] {
        &BUILTIN
    }

    /// The built-in recording of a clip at this size, if there is one.
    pub fn builtin(clip: &str, size: Size) -> Option<&'static BuiltinRecording> {
        BUILTIN.iter().find(|recording| recording.clip == clip && recording.size == size)
    }

    /// Cuts a stream of H.264 in Annex B into its frames, and decodes nothing: 8 bits, 4:2:0,
    /// progressive, without B-frames, of any profile.
    ///
    /// What no picture needs (supplemental information, delimiters, filler) is left out, and key
    /// frames that lack their parameter sets get the latest: a camera sends those with each.
    ///
    /// # Errors
    /// If the stream is empty, says of itself that it is of another kind, or does not begin with a
    /// key frame.
    pub fn from_annex_b(annex_b: &[u8]) -> Result<Self, ClipError> {
        let mut sets = ParameterSets::default();
        let mut headers = slice::Headers::default();
        let frames: Vec<_> = clip::units(annex_b)?
            .into_iter()
            .map(|unit| frame(unit, &mut sets, &mut headers))
            .collect();
        if let Some(number) = frames.iter().position(|frame| frame.bytes.is_empty()) {
            return Err(ClipError::NoPicture { frame: number });
        }
        if !frames[0].key {
            return Err(ClipError::NoKeyFrame);
        }
        let first = nal::units(annex_b).find(|unit| nal::unit_type(unit) == Some(7));
        let profile_level_id =
            sequence::read(first.ok_or(ClipError::NoKeyFrame)?)?.profile_level_id;
        Ok(Self { frames: frames.into(), profile_level_id })
    }

    /// Whether a stream is a recording of this number of frames, all of this size, by what it says of itself:
    /// decodes nothing.
    ///
    /// # Errors
    /// As [`from_annex_b`](Self::from_annex_b), or if it is not of that size and number of frames.
    pub fn check(annex_b: &[u8], size: Size, frames: usize) -> Result<(), ClipError> {
        size.check()?;
        let units = clip::units(annex_b)?;
        if units.len() != frames {
            return Err(ClipError::OtherLength { found: units.len() });
        }
        for (frame, unit) in units.iter().enumerate() {
            for unit in nal::units(unit).filter(|unit| nal::unit_type(unit) == Some(7)) {
                let found = sequence::read(unit)?.size;
                if found != size {
                    return Err(ClipError::OtherSize { frame, found });
                }
            }
        }
        Self::from_annex_b(annex_b).map(drop)
    }

    /// Profile, constraints and level as the stream says them: the three bytes of `profile-level-id`
    /// (RFC 6184 section 8.1).
    pub fn profile_level_id(&self) -> [u8; 3] {
        self.profile_level_id
    }

    /// The frame of this number; behind the last comes the first, which is a key frame.
    pub fn frame(&self, index: u64) -> &RecordedFrame {
        &self.frames[(index % self.frames.len() as u64) as usize]
    }

    /// How many frames it has before it starts again; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a recording is never empty")]
    pub fn len(&self) -> usize {
        self.frames.len()
    }
}

/// The latest parameter sets of a stream.
#[derive(Default)]
struct ParameterSets<'s> {
    sequence: &'s [u8],
    picture: &'s [u8],
}

/// One frame from an access unit; without bytes if it has no slice.
fn frame<'s>(
    access_unit: &'s [u8],
    sets: &mut ParameterSets<'s>,
    headers: &mut slice::Headers,
) -> RecordedFrame {
    let mut slices = Vec::new();
    let mut key = false;
    for unit in nal::units(access_unit) {
        match nal::unit_type(unit) {
            Some(7) => sets.sequence = unit,
            Some(8) => sets.picture = unit,
            Some(kind @ (1 | 5)) => {
                key |= kind == 5;
                slices.push(unit);
            }
            _ => {}
        }
    }
    let mut bytes = Vec::with_capacity(access_unit.len() + 64);
    let leading = [sets.sequence, sets.picture].into_iter().filter(|_| key);
    if !slices.is_empty() {
        for unit in leading.chain(slices) {
            bytes.extend_from_slice(&[0, 0, 0, 1]);
            bytes.extend_from_slice(unit);
        }
    }
    let qp = headers.first_qp(&bytes);
    RecordedFrame { bytes, key, qp }
}
