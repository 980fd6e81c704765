//! Clips: short films that loop.

use crate::decoder::{DecodeError, Decoder, size_of};
use crate::nal;
use crate::picture::{Picture, Planes, Size, SizeError};
use crate::scale::Scaler;
use crate::scene::Scene;
use crate::sequence::{self, UnsupportedPicture};
use crate::slice;
use core::time::Duration;
use openh264::formats::YUVSource;
use std::borrow::Cow;
use std::sync::Arc;

/// A clip that is part of the binary. `fixtures/clips/` holds its file and its manifest, with
/// origin and licence.
#[derive(Debug)]
pub struct Builtin {
    /// What a scenario calls it. Clips of one name show the same at different sizes.
    pub name: &'static str,
    /// Its file in `fixtures/clips/`, without the ending.
    pub file: &'static str,
    /// Its own size.
    pub size: Size,
    /// Its own frame rate.
    pub frames_per_second: u16,
    /// How many frames it has.
    pub frames: u32,
    /// H.264, constrained baseline, Annex B.
    pub annex_b: &'static [u8],
}

/// All of them, of each name the largest first. The constants are the manifest's: a test holds one
/// against the other.
static BUILTIN: [Builtin; 2] = [
    Builtin {
        name: "bunny",
        file: "bunny",
        size: Size { width: 640, height: 360 },
        frames_per_second: 25,
        frames: 125,
        annex_b: include_bytes!("../clips/bunny.h264"),
    },
    // Opening the large one costs more than all of the network in a run of half a minute.
    Builtin {
        name: "bunny",
        file: "bunny-320x240",
        size: Size { width: 320, height: 240 },
        frames_per_second: 25,
        frames: 125,
        annex_b: include_bytes!("../clips/bunny-320x240.h264"),
    },
];

/// Why a clip cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// No such clip.
    #[error("failed to find the clip {name:?}: there is {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The size asked for is impossible.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// The clip's own frame rate is none.
    #[error("failed to open the clip: its frame rate must be 1 to 1000")]
    NoRate,
    /// The clip does not decode.
    #[error("failed to open the clip: frame {frame} does not decode")]
    Frame {
        /// Counted from 0.
        frame: usize,
        /// Why.
        source: DecodeError,
    },
    /// An access unit of the clip has no picture, or there is none at all.
    #[error("failed to open the clip: no picture in frame {frame}")]
    NoPicture {
        /// Counted from 0.
        frame: usize,
    },
    /// The clip begins with another frame than a key frame with its parameter sets, and cannot be sent
    /// as it is.
    #[error("failed to open the clip: it does not begin with a key frame and its parameter sets")]
    NoKeyFrame,
    /// The clip does not begin with a start code: it is in another container, or no H.264.
    #[error("failed to open the clip: it is not H.264 in Annex B, which begins with 00 00 01")]
    NotAnnexB,
    /// The clip says of itself that its pictures are of a kind that is not decoded.
    #[error("failed to open the clip: {0}")]
    Unfit(#[from] UnsupportedPicture),
    /// Frames that refer to later ones.
    #[error(
        "failed to open the clip: frame {frame} refers to a later one (a B-frame), which OpenH264 \
         does not decode exactly and a live camera does not send"
    )]
    Bidirectional {
        /// Counted from 0.
        frame: usize,
    },
    /// A picture has another size than the clip is said to have.
    #[error("failed to open the clip: frame {frame} has {found}")]
    OtherSize {
        /// Counted from 0.
        frame: usize,
        /// Its size.
        found: Size,
    },
    /// The clip has another number of frames than it is said to have.
    #[error("failed to open the clip: it has {found} frames")]
    OtherLength {
        /// How many it has.
        found: usize,
    },
}

/// Frame rate of a clip as a ratio, frames per seconds, above 0 and at most 1000 frames/s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    frames: u32,
    seconds: u32,
}

impl Rate {
    /// One frame each millisecond.
    const MILLISECONDS: Self = Self { frames: 1000, seconds: 1 };

    /// A whole number of frames each second; none for what is no such rate.
    pub fn whole(frames_per_second: u16) -> Option<Self> {
        Self::new(frames_per_second.into(), 1)
    }

    /// `frames` in `seconds`, such as 30000 in 1001; none for what is no such rate.
    /// What 32 bits do not hold is rounded.
    pub fn new(frames: u64, seconds: u64) -> Option<Self> {
        if frames == 0 || seconds == 0 || frames > seconds.saturating_mul(1000) {
            return None;
        }
        let common = common_divisor(frames, seconds);
        let (frames, seconds) = (frames / common, seconds / common);
        let beyond = (frames | seconds).checked_ilog2().unwrap_or(0).saturating_sub(31);
        let [frames, seconds] = [frames, seconds].map(|number| (number >> beyond) as u32);
        (frames > 0).then_some(Self { frames, seconds })
    }

    /// Frames, and the seconds that they take; without a common divisor.
    pub fn ratio(self) -> (u32, u32) {
        (self.frames, self.seconds)
    }
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// A clip, decoded and scaled, or the drawn scene. Clones share the pictures.
#[derive(Clone, Debug)]
pub struct Clip {
    shown: Shown,
    rate: Rate,
}

#[derive(Clone, Debug)]
enum Shown {
    /// One after the other, and from the first again; at least one.
    Pictures(Arc<[Picture]>),
    /// Drawn for each millisecond.
    Scene(Arc<Scene>),
}

impl Clip {
    /// The name of the scene that is drawn, of any size and at any frame rate. It does not repeat.
    pub const SCENE: &str = "scene";

    /// The built-in clips, without the scene that is drawn.
    pub fn all_builtin() -> &'static [Builtin] {
        &BUILTIN
    }

    /// The built-in clip of this name that is opened for pictures of this size: the one of that
    /// size, or else the largest.
    pub fn builtin(name: &str, size: Size) -> Option<&'static Builtin> {
        let of_name = || BUILTIN.iter().filter(|clip| clip.name == name);
        of_name().find(|clip| clip.size == size).or_else(|| of_name().next())
    }

    /// Opens a built-in clip at this size, centre-cropped to its aspect ratio and scaled, or the
    /// scene.
    ///
    /// # Errors
    /// Fails if there is no such clip or the size is impossible.
    pub fn open(name: &str, size: Size) -> Result<Self, ClipError> {
        if name == Self::SCENE {
            let shown = Shown::Scene(Arc::new(Scene::new(size)?));
            return Ok(Self { shown, rate: Rate::MILLISECONDS });
        }
        let clip = Self::builtin(name, size).ok_or_else(|| {
            let mut known: Vec<_> = BUILTIN.iter().map(|clip| clip.name).collect();
            known.dedup();
            known.push(Self::SCENE);
            ClipError::Unknown { name: name.to_owned(), known: known.join(", ") }
        })?;
        Self::from_annex_b(clip.annex_b, clip.frames_per_second, size)
    }

    /// Decodes a clip of H.264 in Annex B, of this frame rate, all frames at once, and scales it to
    /// this size as [`open`](Self::open) does: 8 bits, 4:2:0, progressive, without B-frames, of any
    /// profile.
    ///
    /// # Errors
    /// Fails if the size is impossible, or the stream is empty, damaged or not of that kind.
    pub fn from_annex_b(
        annex_b: &[u8],
        frames_per_second: u16,
        size: Size,
    ) -> Result<Self, ClipError> {
        size.check()?;
        let rate = Rate::whole(frames_per_second).ok_or(ClipError::NoRate)?;
        let mut pictures = Vec::new();
        let mut scaler: Option<Scaler> = None;
        decode_each(&units(annex_b)?, |_, own, planes| {
            let scaler = match &mut scaler {
                Some(scaler) if scaler.from() == own => scaler,
                other => other.insert(Scaler::new(own, size)?),
            };
            // Scaled from where the decoder has it: copies of large pictures are not free.
            pictures.push(scaler.scale(planes)?);
            Ok(())
        })?;
        Self::of(pictures, rate).ok_or(ClipError::NoPicture { frame: 0 })
    }

    /// A clip of these pictures; none without any.
    pub(crate) fn of(pictures: Vec<Picture>, rate: Rate) -> Option<Self> {
        let shown = Shown::Pictures(pictures.into());
        matches!(&shown, Shown::Pictures(pictures) if !pictures.is_empty())
            .then_some(Self { shown, rate })
    }

    /// Whether a stream is a clip of this number of frames, all of this size: decodes all of it, and keeps
    /// nothing.
    ///
    /// # Errors
    /// Fails if the size is impossible, if the stream is empty, damaged or not of the kind that
    /// [`from_annex_b`](Self::from_annex_b) takes, or not of that size and number of frames.
    pub fn check(annex_b: &[u8], size: Size, frames: usize) -> Result<(), ClipError> {
        size.check()?;
        let units = units(annex_b)?;
        if units.len() != frames {
            return Err(ClipError::OtherLength { found: units.len() });
        }
        decode_each(&units, |frame, found, _| match found == size {
            true => Ok(()),
            false => Err(ClipError::OtherSize { frame, found }),
        })
    }

    /// How many frames the clip has before it starts again, at least one; none if it does not.
    #[expect(clippy::len_without_is_empty, reason = "a clip is never empty")]
    pub fn len(&self) -> Option<usize> {
        match &self.shown {
            Shown::Pictures(pictures) => Some(pictures.len()),
            Shown::Scene(_) => None,
        }
    }

    /// The clip's own frame rate.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// The clip's frame of this number; behind the last comes the first.
    pub fn frame(&self, index: u64) -> Cow<'_, Picture> {
        match &self.shown {
            Shown::Pictures(pictures) => {
                Cow::Borrowed(&pictures[(index % pictures.len() as u64) as usize])
            }
            Shown::Scene(scene) => Cow::Owned(scene.at(index)),
        }
    }

    /// The number of the clip's frame that is on at this time since its start, at its own frame
    /// rate: the latest that has begun. It does not wrap.
    pub fn index_at(&self, since_start: Duration) -> u64 {
        let frames = since_start.as_nanos() * u128::from(self.rate.frames)
            / (u128::from(self.rate.seconds) * 1_000_000_000);
        u64::try_from(frames).unwrap_or(u64::MAX)
    }

    /// What a camera sees at this time since the clip's start. A camera of another frame rate
    /// samples the clip in time: it sees some frames twice, or not at all.
    pub fn frame_at(&self, since_start: Duration) -> Cow<'_, Picture> {
        self.frame(self.index_at(since_start))
    }
}

/// The access units of a stream in Annex B, at least one, if its pictures are of the kind that is
/// decoded, by what it says of itself, and none refers to a later one.
pub(crate) fn units(annex_b: &[u8]) -> Result<Vec<&[u8]>, ClipError> {
    if annex_b.is_empty() {
        return Err(ClipError::NoPicture { frame: 0 });
    }
    let zeros = annex_b.iter().take_while(|&&byte| byte == 0).count();
    if zeros < 2 || annex_b.get(zeros) != Some(&1) {
        return Err(ClipError::NotAnnexB);
    }
    for unit in nal::units(annex_b).filter(|unit| nal::unit_type(unit) == Some(7)) {
        sequence::read(unit)?;
    }
    let units = nal::access_units(annex_b);
    if units.is_empty() {
        return Err(ClipError::NoPicture { frame: 0 });
    }
    for (frame, unit) in units.iter().enumerate() {
        if !nal::units(unit).any(|unit| matches!(nal::unit_type(unit), Some(1..=5))) {
            return Err(ClipError::NoPicture { frame });
        }
        if nal::units(unit).any(slice::is_bidirectional) {
            return Err(ClipError::Bidirectional { frame });
        }
    }
    Ok(units)
}

/// Decodes access units, and hands out the picture of each in their order. OpenH264 may hold pictures
/// back where a stream does not rule B-frames out.
fn decode_each(
    units: &[&[u8]],
    mut each: impl FnMut(usize, Size, Planes<'_>) -> Result<(), ClipError>,
) -> Result<(), ClipError> {
    let mut decoder = Decoder::new().map_err(|source| ClipError::Frame { frame: 0, source })?;
    let mut pictures = 0;
    for (frame, unit) in units.iter().enumerate() {
        let damaged = |source| ClipError::Frame { frame, source };
        if let Some(decoded) = decoder.decode_planes(unit).map_err(damaged)? {
            let (y, u, v) = decoded.strides();
            let size = size_of(&decoded).map_err(damaged)?;
            each(pictures, size, [(decoded.y(), y), (decoded.u(), u), (decoded.v(), v)])?;
            pictures += 1;
        }
    }
    let damaged = |source| ClipError::Frame { frame: pictures, source };
    for picture in decoder.held_back().map_err(damaged)? {
        each(pictures, picture.size(), picture.planes())?;
        pictures += 1;
    }
    match pictures == units.len() {
        true => Ok(()),
        false => Err(ClipError::NoPicture { frame: pictures }),
    }
}
