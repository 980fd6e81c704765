//! Films that users bring: H.264 in MP4, or Y4M. Nothing in a file is trusted: what it says of its
//! lengths and numbers is held against what is there.

mod mp4;
mod y4m;

use crate::{
    clip::{Clip, Rate},
    decoder::{DecodeError, Decoder, size_of},
    picture::{Planes, Size, SizeError},
    scale::Scaler,
    sequence::UnsupportedPicture,
    slice,
};
use core::ops::Range;
use openh264::formats::YUVSource;

/// What a film may be kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// MP4, plain or fragmented, with H.264.
    Mp4,
    /// YUV4MPEG2: pictures as they are.
    Y4m,
}

/// Why a film cannot be a clip. The texts go on where "FILE:" begins.
#[derive(Debug, thiserror::Error)]
pub enum FilmError {
    /// It has no byte.
    #[error("the file is empty")]
    Empty,
    /// It is something else than its ending says.
    #[error("it is no {0}, whatever its name says")]
    OtherKind(&'static str),
    /// Its end is missing.
    #[error("it ends in the midst of {0}: is it cut off?")]
    CutOff(&'static str),
    /// It contradicts itself.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It has only sound, or nothing at all.
    #[error("it has no video track")]
    NoVideo,
    /// Its pictures are of another kind than H.264.
    #[error("its video is {0}, and must be H.264")]
    Codec(String),
    /// More than 8 bits a sample.
    #[error("its samples have {0} bits, and must have 8")]
    Depth(u32),
    /// Chroma is not halved both ways.
    #[error("its chroma is {0}, and must be 4:2:0")]
    Chroma(String),
    /// Rows of two moments in one picture.
    #[error("it is interlaced, and must be progressive")]
    Interlaced,
    /// Frames that refer to later ones: OpenH264 decodes them only nearly right.
    #[error("it has frames that refer to later ones (B-frames), which do not decode exactly")]
    Bidirectional,
    /// It is to be shown turned or mirrored.
    #[error("it is to be turned or mirrored when it is shown")]
    Turned,
    /// Frames do not follow one another evenly.
    #[error("its frame rate varies: {frame}, and must be constant")]
    VariableRate {
        /// What tells so.
        frame: String,
    },
    /// A frame rate that is none, or beyond 1000 frames/s.
    #[error("its frame rate is {0}, and must be above 0 and at most 1000 frames/s")]
    Rate(String),
    /// It is to be shown from another place on, or only a part of it.
    #[error("its edit list {0}")]
    Edited(&'static str),
    /// Pictures of an impossible size.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// More frames than there may be.
    #[error("it has {}{frames} frames, too many to hold in memory", if *.exact { "" } else { "more than " })]
    TooLong {
        /// How many there are.
        frames: u64,
        /// Whether that is all of them; else there are more.
        exact: bool,
        /// How many there may be.
        most: u64,
    },
    /// H.264 that OpenH264 does not decode.
    #[error("frame {frame} does not decode: {source}")]
    Frame {
        /// Counted from 0, in the order of the file.
        frame: usize,
        /// Why.
        source: DecodeError,
    },
    /// Not one picture for each frame.
    #[error("its {frames} frames decode to {pictures} pictures")]
    Pictures {
        /// How many frames there are.
        frames: usize,
        /// How many came out.
        pictures: usize,
    },
    /// Pictures of several sizes.
    #[error("it changes its size from {from} to {to}")]
    OtherSize {
        /// The first size.
        from: Size,
        /// Another one.
        to: Size,
    },
}

impl From<UnsupportedPicture> for FilmError {
    fn from(unfit: UnsupportedPicture) -> Self {
        match unfit {
            UnsupportedPicture::Short => Self::Damaged("a parameter set ends before its time"),
            UnsupportedPicture::Depth(bits) => Self::Depth(bits),
            UnsupportedPicture::Chroma(kind) => Self::Chroma(kind.to_owned()),
            UnsupportedPicture::Interlaced => Self::Interlaced,
            UnsupportedPicture::Size(error) => Self::Size(error),
        }
    }
}

impl Clip {
    /// Decodes a film, all frames at once, and scales it to this size as [`open`](Self::open) does.
    /// Refuses one of more than `most` frames before it decodes any.
    ///
    /// # Errors
    /// Fails if the size is impossible, or the film is not what a clip can be; see [`FilmError`].
    pub fn from_film(
        container: Container,
        film: &[u8],
        size: Size,
        most: u64,
    ) -> Result<Self, FilmError> {
        size.check()?;
        let mut pictures = Vec::new();
        let mut scaler: Option<Scaler> = None;
        let rate = pictures_of(container, film, most, |own, planes| {
            let scaler = match &mut scaler {
                Some(scaler) => scaler,
                none => none.insert(Scaler::new(own, size)?),
            };
            pictures.push(scaler.scale(planes)?);
            Ok(())
        })?;
        Self::of(pictures, rate).ok_or(FilmError::NoVideo)
    }

    /// Whether [`from_film`](Self::from_film) takes a film: decodes all of it, and keeps nothing.
    ///
    /// # Errors
    /// As `from_film`.
    pub fn check_film(container: Container, film: &[u8], most: u64) -> Result<(), FilmError> {
        pictures_of(container, film, most, |_, _| Ok(())).map(drop)
    }
}

/// Hands out every picture in the order in which they are shown; all have one size. Tells the rate.
fn pictures_of(
    container: Container,
    film: &[u8],
    most: u64,
    mut each: impl FnMut(Size, Planes<'_>) -> Result<(), FilmError>,
) -> Result<Rate, FilmError> {
    if film.is_empty() {
        return Err(FilmError::Empty);
    }
    match container {
        Container::Y4m => {
            let y4m = y4m::read(film, most)?;
            for frame in y4m.frames {
                each(y4m.size, y4m::planes(&film[frame], y4m.size))?;
            }
            Ok(y4m.rate)
        }
        Container::Mp4 => {
            let track = mp4::read(film, most)?;
            decode(film, &track, each)?;
            Ok(track.rate)
        }
    }
}

/// The H.264 of a film.
struct Track {
    /// Parameter sets, Annex B.
    parameters: Vec<u8>,
    /// How many bytes tell the length of a NAL unit: 1 to 4.
    length_bytes: usize,
    /// Where each frame is in the file, in the order of decoding.
    samples: Vec<Range<usize>>,
    rate: Rate,
}

impl Track {
    /// A frame as Annex B, with the parameter sets if it is the first.
    fn annex_b(&self, film: &[u8], frame: usize) -> Result<Vec<u8>, FilmError> {
        let mut stream = if frame == 0 { self.parameters.clone() } else { Vec::new() };
        let mut rest = &film[self.samples[frame].clone()];
        while !rest.is_empty() {
            let (length, behind) = rest
                .split_at_checked(self.length_bytes)
                .ok_or(FilmError::Damaged("a frame ends within the length of a NAL unit"))?;
            let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
            let (unit, behind) = behind
                .split_at_checked(length)
                .ok_or(FilmError::Damaged("a NAL unit is longer than its frame"))?;
            if slice::is_bidirectional(unit) {
                return Err(FilmError::Bidirectional);
            }
            stream.extend_from_slice(&[0, 0, 0, 1]);
            stream.extend_from_slice(unit);
            rest = behind;
        }
        Ok(stream)
    }
}

/// Where frames might refer to later ones, OpenH264 may hold pictures back; what it holds at the end
/// has to be asked for.
fn decode(
    film: &[u8],
    track: &Track,
    mut each: impl FnMut(Size, Planes<'_>) -> Result<(), FilmError>,
) -> Result<(), FilmError> {
    let mut pictures = 0;
    let mut first: Option<Size> = None;
    let mut take = |size: Size, planes: Planes<'_>| {
        pictures += 1;
        let from = *first.get_or_insert(size);
        if from != size {
            return Err(FilmError::OtherSize { from, to: size });
        }
        each(size, planes)
    };
    let mut decoder = Decoder::new().map_err(|source| FilmError::Frame { frame: 0, source })?;
    for frame in 0..track.samples.len() {
        let stream = track.annex_b(film, frame)?;
        let failed = |source| FilmError::Frame { frame, source };
        if let Some(decoded) = decoder.decode_planes(&stream).map_err(failed)? {
            let (y, u, v) = decoded.strides();
            let size = size_of(&decoded).map_err(failed)?;
            take(size, [(decoded.y(), y), (decoded.u(), u), (decoded.v(), v)])?;
        }
    }
    let frames = track.samples.len();
    let failed = |source| FilmError::Frame { frame: frames, source };
    for picture in decoder.held_back().map_err(failed)? {
        take(picture.size(), picture.planes())?;
    }
    if pictures != frames {
        return Err(FilmError::Pictures { frames, pictures });
    }
    Ok(())
}
