//! The frame marker: a strip of square cells at the top of the picture that says which frame this
//! is, and survives the codec.
//!
//! Cells are [`CELL`] samples wide and high, luma [`DARK`] (0) or [`LIGHT`] (1), chroma neutral,
//! row by row from the top left; a row has as many whole cells as fit. In order, each most
//! significant bit first: 16 bits of sync, boot (32), frame (32), camera clock in microseconds
//! (64), CRC-16 (IBM 3740: polynomial 0x1021, initial value 0xFFFF) of the three fields. Cells
//! behind these 160 and samples right of the last whole cell are dark.
//!
//! A marker that reads says which frame was shown, not that its picture is intact: that is what
//! [`psnr_millidb`](crate::psnr_millidb) below the strip is for.

use crate::picture::{Picture, Size};
use crc::{CRC_16_IBM_3740, Crc};

/// Side of a cell, samples. Cells of 4 are lost above a quantisation parameter of about 44.
pub const CELL: u16 = 8;
/// Luma of a cell that is 0: black in limited range.
pub const DARK: u8 = 16;
/// Luma of a cell that is 1: white in limited range.
pub const LIGHT: u8 = 235;

/// Has no period, so that a strip that is shifted by a few cells does not pass for one.
const SYNC: u16 = 0b1110_1011_1001_0000;
const FIELD_BYTES: usize = 16;
const BITS: u16 = 16 + 8 * FIELD_BYTES as u16 + 16;
const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);
/// Luma that is neither clearly dark nor clearly light: a damaged cell.
const UNCLEAR: core::ops::RangeInclusive<u32> = 96..=155;

/// What the strip says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureMarker {
    /// The boot of the camera.
    pub boot: u32,
    /// Frame number since boot.
    pub frame: u32,
    /// When the exposure ended, microseconds on the camera's clock.
    pub camera_us: u64,
}

/// The picture is too small for a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to mark a picture of {size}: the strip and 16 rows below it must fit")]
pub struct TooSmall {
    /// Size of the picture.
    pub size: Size,
}

/// Rows of luma that the strip takes at the top of a picture of this size, a multiple of
/// [`CELL`]: 16 at a width of 640, 32 at 320, 64 at 160. `None` if it would not fit with at least
/// 16 rows of picture below it.
pub fn strip_height(size: Size) -> Option<u16> {
    let columns = size.width / CELL;
    if columns == 0 {
        return None;
    }
    let height = BITS.div_ceil(columns) * CELL;
    (height + 16 <= size.height).then_some(height)
}

/// Draws the strip over the top of the picture.
///
/// # Errors
/// Fails if the picture is too small, see [`strip_height`]; the picture is then unchanged.
pub fn draw(picture: &mut Picture, marker: &PictureMarker) -> Result<(), TooSmall> {
    let size = picture.size();
    let height = usize::from(strip_height(size).ok_or(TooSmall { size })?);
    let (width, cell) = (usize::from(size.width), usize::from(CELL));
    let columns = width / cell;
    let bits = to_bits(marker);

    for (row, cells) in bits.chunks(columns).enumerate() {
        let lines = &mut picture.y_mut()[row * cell * width..][..cell * width];
        for line in lines.chunks_exact_mut(width) {
            line.fill(DARK);
            for (samples, &bit) in line.chunks_exact_mut(cell).zip(cells) {
                samples.fill(if bit { LIGHT } else { DARK });
            }
        }
    }
    let chroma = height / 2 * (width / 2);
    let (u, v) = picture.chroma_mut();
    u[..chroma].fill(128);
    v[..chroma].fill(128);
    Ok(())
}

/// Reads the strip, from the middle 4 by 4 samples of each cell. `None` if the picture is too
/// small for one, or sync or checksum are wrong, or a cell is neither dark nor light.
pub fn read(picture: &Picture) -> Option<PictureMarker> {
    let size = picture.size();
    strip_height(size)?;
    let (width, cell) = (usize::from(size.width), usize::from(CELL));
    let columns = width / cell;
    let mut bits = [false; BITS as usize];
    for (index, bit) in bits.iter_mut().enumerate() {
        let (row, column) = (index / columns, index % columns);
        let sum: u32 = (2..6)
            .flat_map(|line| &picture.y()[(row * cell + line) * width + column * cell + 2..][..4])
            .map(|&luma| u32::from(luma))
            .sum();
        let mean = sum / 16;
        if UNCLEAR.contains(&mean) {
            return None;
        }
        *bit = mean > *UNCLEAR.end();
    }
    from_bits(&bits)
}

fn to_bits(marker: &PictureMarker) -> [bool; BITS as usize] {
    let fields = to_fields(marker);
    let mut bytes = [0; BITS as usize / 8];
    bytes[..2].copy_from_slice(&SYNC.to_be_bytes());
    bytes[2..18].copy_from_slice(&fields);
    bytes[18..].copy_from_slice(&CRC.checksum(&fields).to_be_bytes());
    core::array::from_fn(|bit| bytes[bit / 8] >> (7 - bit % 8) & 1 == 1)
}

fn to_fields(marker: &PictureMarker) -> [u8; FIELD_BYTES] {
    let mut fields = [0; FIELD_BYTES];
    fields[..4].copy_from_slice(&marker.boot.to_be_bytes());
    fields[4..8].copy_from_slice(&marker.frame.to_be_bytes());
    fields[8..].copy_from_slice(&marker.camera_us.to_be_bytes());
    fields
}

fn from_bits(bits: &[bool; BITS as usize]) -> Option<PictureMarker> {
    let number = |range: core::ops::Range<usize>| {
        bits[range].iter().fold(0u64, |number, &bit| number << 1 | u64::from(bit))
    };
    let marker = PictureMarker {
        boot: u32::try_from(number(16..48)).ok()?,
        frame: u32::try_from(number(48..80)).ok()?,
        camera_us: number(80..144),
    };
    let checksum = u64::from(CRC.checksum(&to_fields(&marker)));
    (number(0..16) == u64::from(SYNC) && number(144..160) == checksum).then_some(marker)
}
