//! MP4 (ISO/IEC 14496-12 and -15), plain and fragmented: where the frames of its first video track
//! are, and when they are shown.
//!
//! Read here, because users bring any file: of the crates, `mp4` reads other bytes than the samples'
//! from fragments, `re_mp4` panics where a damaged table is short, and `mp4-atom` overflows the stack on
//! boxes within boxes. `README.md` has versions and tests.

mod boxes;
mod fragments;
mod samples;

use super::{FilmError, Track};
use crate::{clip::Rate, sequence};
use boxes::{Fields, boxes, child, full};
use samples::Sample;

/// A track's table of contents, as far as it is needed.
pub(super) struct Video<'f> {
    id: u32,
    /// Units of time in a second.
    timescale: u32,
    /// The sample table.
    table: &'f [u8],
    edits: Option<&'f [u8]>,
}

/// Finds the frames.
pub(super) fn read(film: &[u8], most: u64) -> Result<Track, FilmError> {
    if film.len() < 8 || !film[4..8].iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return Err(FilmError::OtherKind("MP4"));
    }
    let mut movie = None;
    let mut known = false;
    for found in boxes(film) {
        let found = found.map_err(|error| match known {
            true => error,
            // What is no MP4 at all looks like one that is cut off.
            false => FilmError::OtherKind("MP4"),
        })?;
        known |= matches!(&found.kind, b"ftyp" | b"moov" | b"mdat" | b"styp");
        if &found.kind == b"moov" {
            movie = Some(found.body);
        }
    }
    if !known {
        return Err(FilmError::OtherKind("MP4"));
    }
    let movie = movie.ok_or(FilmError::CutOff("the film: its index is missing"))?;
    let video = video(movie)?.ok_or(FilmError::NoVideo)?;
    let mut track = description(video.table)?;
    let mut found = samples::of_table(&video, most)?;
    fragments::append(film, movie, &video, &mut found, most)?;
    if found.is_empty() {
        return Err(FilmError::NoVideo);
    }
    for sample in &found {
        if sample.at.end > film.len() {
            return Err(FilmError::CutOff("its pictures"));
        }
    }
    let times = times(&found);
    track.rate = rate(&times, found[0].lasts, video.timescale)?;
    let lasts = times.last().zip(times.first()).map_or(0, |(last, first)| last - first);
    edits(&video, movie, times[0], lasts)?;
    track.samples = found.into_iter().map(|sample| sample.at).collect();
    Ok(track)
}

/// The first track of pictures.
fn video(movie: &[u8]) -> Result<Option<Video<'_>>, FilmError> {
    for found in boxes(movie) {
        let found = found?;
        if &found.kind != b"trak" {
            continue;
        }
        let media = child(found.body, b"mdia")?.ok_or(FilmError::Damaged("a track is empty"))?;
        let handler = child(media, b"hdlr")?.map(full).transpose()?;
        let is_video = handler.is_some_and(|(_, mut fields)| {
            fields.skip(4).is_some() && fields.bytes(4) == Some(b"vide")
        });
        if !is_video {
            continue;
        }
        let cut = FilmError::Damaged("a video track lacks its header");
        let header = child(found.body, b"tkhd")?.and_then(track_header).ok_or(cut)?;
        let (id, upright) = header;
        if !upright {
            return Err(FilmError::Turned);
        }
        let cut = FilmError::Damaged("a video track lacks its time scale");
        let timescale = child(media, b"mdhd")?.and_then(timescale).ok_or(cut)?;
        let table = match child(media, b"minf")? {
            Some(information) => child(information, b"stbl")?,
            None => None,
        };
        let table = table.ok_or(FilmError::Damaged("a video track lacks its sample table"))?;
        let edits = child(found.body, b"edts")?.map(|edits| child(edits, b"elst")).transpose()?;
        return Ok(Some(Video { id, timescale, table, edits: edits.flatten() }));
    }
    Ok(None)
}

/// A track's number, and whether it is shown as it is.
fn track_header(body: &[u8]) -> Option<(u32, bool)> {
    let (version, mut fields) = full(body).ok()?;
    fields.skip(if version == 1 { 16 } else { 8 })?;
    let id = fields.number(4)?;
    fields.skip(if version == 1 { 12 } else { 8 })?;
    fields.skip(16)?;
    let matrix: Option<Vec<u64>> = (0..9).map(|_| fields.number(4)).collect();
    let matrix = matrix?;
    let upright = matrix[1] == 0 && matrix[3] == 0;
    // The highest bit is the sign.
    let positive = [matrix[0], matrix[4]].iter().all(|scale| (1..1 << 31).contains(scale));
    Some((u32::try_from(id).ok()?, upright && positive))
}

fn timescale(body: &[u8]) -> Option<u32> {
    let (version, mut fields) = full(body).ok()?;
    fields.skip(if version == 1 { 16 } else { 8 })?;
    u32::try_from(fields.number(4)?).ok().filter(|&units| units > 0)
}

/// The parameter sets of a track, if it can be decoded. Its frames are still to be found.
fn description(table: &[u8]) -> Result<Track, FilmError> {
    const LACKS: FilmError = FilmError::Damaged("a video track does not say what it holds");
    let entries = child(table, b"stsd")?.ok_or(LACKS)?;
    let (_, mut fields) = full(entries)?;
    fields.skip(4).ok_or(LACKS)?;
    let mut entries = boxes(fields.rest());
    let entry = entries.next().ok_or(LACKS)??;
    if entries.next().is_some() {
        return Err(FilmError::Damaged("its coding changes within the film"));
    }
    if !matches!(&entry.kind, b"avc1" | b"avc3") {
        return Err(FilmError::Codec(codec(entry.kind)));
    }
    // ISO/IEC 14496-12 section 12.1.3: fixed bytes of a visual sample entry.
    let inner = entry.body.get(78..).ok_or(LACKS)?;
    let configuration = child(inner, b"avcC")?.ok_or(LACKS)?;
    let (length_bytes, parameters) = parameter_sets(configuration)?;
    let rate = Rate::whole(1).ok_or(LACKS)?;
    Ok(Track { parameters, length_bytes, samples: Vec::new(), rate })
}

/// ISO/IEC 14496-15 section 5.3.3.1.
fn parameter_sets(configuration: &[u8]) -> Result<(usize, Vec<u8>), FilmError> {
    const SHORT: FilmError = FilmError::Damaged("its parameter sets end before their time");
    let mut fields = Fields(configuration);
    fields.skip(4).ok_or(SHORT)?;
    let length_bytes = (fields.number(1).ok_or(SHORT)? & 3) as usize + 1;
    let mut stream = Vec::new();
    for kind in ["sequence", "picture"] {
        let mask = if kind == "sequence" { 0x1f } else { 0xff };
        for _ in 0..fields.number(1).ok_or(SHORT)? & mask {
            let length = fields.number(2).ok_or(SHORT)? as usize;
            let unit = fields.bytes(length).ok_or(SHORT)?;
            if kind == "sequence" {
                sequence::read(unit)?;
            }
            stream.extend_from_slice(&[0, 0, 0, 1]);
            stream.extend_from_slice(unit);
        }
    }
    Ok((length_bytes, stream))
}

fn codec(kind: [u8; 4]) -> String {
    match &kind {
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "HEVC".to_owned(),
        b"av01" => "AV1".to_owned(),
        b"vp08" => "VP8".to_owned(),
        b"vp09" => "VP9".to_owned(),
        b"mp4v" => "MPEG-4 part 2".to_owned(),
        b"encv" => "encrypted".to_owned(),
        _ => format!("of the kind \"{}\"", kind.escape_ascii()),
    }
}

/// When frames are shown, in order.
fn times(samples: &[Sample]) -> Vec<i64> {
    let mut times: Vec<i64> = samples.iter().map(|sample| sample.shown).collect();
    times.sort_unstable();
    times
}

/// The rate of frames that are shown at these times. Times are whole units: two frames may be one
/// unit nearer to each other than others are.
fn rate(times: &[i64], lasts: u32, timescale: u32) -> Result<Rate, FilmError> {
    let steps = || times.windows(2).map(|pair| pair[1] - pair[0]);
    let (least, most) = (steps().min(), steps().max());
    let (Some(least), Some(most)) = (least, most) else {
        // A single frame: it is always on.
        let lasts = if lasts == 0 { timescale } else { lasts };
        return rational(timescale.into(), lasts.into());
    };
    if most - least > 1 {
        let millis = |units: i64| units.saturating_mul(1000) / i64::from(timescale);
        let frame = format!("its frames last {} to {} ms", millis(least), millis(most));
        return Err(FilmError::VariableRate { frame });
    }
    let whole: i64 = times[times.len() - 1] - times[0];
    let frames = (times.len() as u64 - 1) * u64::from(timescale);
    rational(frames, u64::try_from(whole).unwrap_or(0))
}

fn rational(frames: u64, seconds: u64) -> Result<Rate, FilmError> {
    Rate::new(frames, seconds).ok_or_else(|| FilmError::Rate(format!("{frames}/{seconds}")))
}

/// Refuses an edit list that shows another part of the film than all of it. One that begins with the
/// first frame that is shown, and not later, is usual: with frames that refer to later ones, that is
/// not at time 0.
fn edits(video: &Video<'_>, movie: &[u8], first: i64, lasts: i64) -> Result<(), FilmError> {
    const SHORT: FilmError = FilmError::Damaged("its edit list ends before its time");
    let Some(edits) = video.edits else { return Ok(()) };
    let (version, mut fields) = full(edits)?;
    let wide = if version == 1 { 8 } else { 4 };
    let count = fields.number(4).ok_or(SHORT)?;
    if count == 0 {
        return Ok(());
    }
    let shown = fields.number(wide).ok_or(SHORT)?;
    let from = fields.number(wide).ok_or(SHORT)?;
    let (speed, part) = fields.number(2).zip(fields.number(2)).ok_or(SHORT)?;
    let nothing = if wide == 8 { u64::MAX } else { u32::MAX.into() };
    if from == nothing {
        return Err(FilmError::Edited("begins with nothing to be seen"));
    }
    if count > 1 {
        return Err(FilmError::Edited("shows several parts"));
    }
    if (speed, part) != (1, 0) {
        return Err(FilmError::Edited("shows it at another speed"));
    }
    if i64::try_from(from) != Ok(first) {
        return Err(FilmError::Edited("begins at another frame than the first"));
    }
    // The last frame need not be shown for as long as it lasts.
    let units = child(movie, b"mvhd")?.and_then(timescale).unwrap_or(video.timescale);
    let shown = u128::from(shown) * u128::from(video.timescale);
    if shown != 0 && shown + u128::from(units) < lasts.unsigned_abs() as u128 * u128::from(units) {
        return Err(FilmError::Edited("ends before the last frame"));
    }
    Ok(())
}
