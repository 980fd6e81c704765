//! YUV4MPEG2: a line of parameters, then pictures, each behind a line of its own.

use super::FilmError;
use crate::{
    clip::Rate,
    picture::{Planes, Size},
};
use core::ops::Range;

/// The longest line there may be.
const MOST_LINE_BYTES: usize = 1024;

/// What a file holds.
pub(super) struct Y4m {
    pub(super) size: Size,
    pub(super) rate: Rate,
    /// Where each picture is in the file.
    pub(super) frames: Vec<Range<usize>>,
}

/// Finds the pictures.
pub(super) fn read(film: &[u8], most: u64) -> Result<Y4m, FilmError> {
    if !film.starts_with(b"YUV4MPEG2 ") {
        return Err(FilmError::OtherKind("Y4M, which begins with YUV4MPEG2"));
    }
    let header = line(film).ok_or(FilmError::CutOff("its first line"))?;
    let (size, rate) = parameters(header)?;
    let length = size.area() * 3 / 2;
    let mut frames = Vec::new();
    let mut at = header.len() + 1;
    while at < film.len() {
        let head = line(&film[at..]).ok_or(FilmError::CutOff("the line before a picture"))?;
        if !head.starts_with(b"FRAME") {
            return Err(FilmError::Damaged("a picture does not begin with FRAME"));
        }
        let begin = at + head.len() + 1;
        if film.len() - begin < length {
            return Err(FilmError::CutOff("a picture"));
        }
        frames.push(begin..begin + length);
        at = begin + length;
    }
    let found = frames.len() as u64;
    match found {
        0 => Err(FilmError::NoVideo),
        _ if found > most => Err(FilmError::TooLong { frames: found, exact: true, most }),
        _ => Ok(Y4m { size, rate, frames }),
    }
}

/// The planes of a picture of this size.
pub(super) fn planes(picture: &[u8], size: Size) -> Planes<'_> {
    let width = usize::from(size.width);
    let (y, chroma) = picture.split_at(size.area());
    let (u, v) = chroma.split_at(size.area() / 4);
    [(y, width), (u, width / 2), (v, width / 2)]
}

/// Up to the end of the line.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    let within = &bytes[..bytes.len().min(MOST_LINE_BYTES)];
    within.iter().position(|&byte| byte == b'\n').map(|end| &within[..end])
}

fn parameters(header: &[u8]) -> Result<(Size, Rate), FilmError> {
    let (mut width, mut height, mut rate) = (None, None, None);
    for parameter in header.split(|&byte| byte == b' ').skip(1) {
        let Some((&name, value)) = parameter.split_first() else { continue };
        let text = core::str::from_utf8(value).unwrap_or_default();
        match name {
            b'W' => width = text.parse::<u16>().ok(),
            b'H' => height = text.parse::<u16>().ok(),
            b'F' => rate = Some(rate_of(text)?),
            // Unknown is taken for progressive, as everybody does.
            b'I' if !matches!(text, "p" | "?") => return Err(FilmError::Interlaced),
            b'C' => colours(text)?,
            _ => {}
        }
    }
    let missing = FilmError::Damaged("its first line tells no size of up to 65535");
    let (width, height) = width.zip(height).ok_or(missing)?;
    let size = Size { width, height };
    size.check()?;
    let rate = rate.ok_or(FilmError::Damaged("its first line tells no frame rate"))?;
    Ok((size, rate))
}

fn rate_of(text: &str) -> Result<Rate, FilmError> {
    let parts = text.split_once(':');
    let parts = parts.and_then(|(n, d)| Some((n.parse::<u64>().ok()?, d.parse::<u64>().ok()?)));
    let (frames, seconds) =
        parts.ok_or(FilmError::Damaged("its first line tells a frame rate that is no ratio"))?;
    Rate::new(frames, seconds).ok_or_else(|| FilmError::Rate(format!("{frames}/{seconds}")))
}

/// Chroma may sit where it will: see the limits in the README.
fn colours(text: &str) -> Result<(), FilmError> {
    let kind = text.split_once('p').filter(|(_, bits)| bits.bytes().all(|b| b.is_ascii_digit()));
    if let Some((_, bits)) = kind
        && let Ok(bits @ 9..) = bits.parse::<u32>()
    {
        return Err(FilmError::Depth(bits));
    }
    match text {
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Ok(()),
        "422" => Err(FilmError::Chroma("4:2:2".to_owned())),
        "444" | "444alpha" => Err(FilmError::Chroma("4:4:4".to_owned())),
        "411" => Err(FilmError::Chroma("4:1:1".to_owned())),
        _ if text.starts_with("mono") => Err(FilmError::Chroma("missing".to_owned())),
        _ => Err(FilmError::Chroma("of an unknown kind".to_owned())),
    }
}
