//! Sequence parameter sets (ITU-T H.264 section 7.3.2.1.1): what a stream says of its pictures.
//!
//! Level and VUI (annexes A and E) are not held against the pictures: decoders play what breaks them. The crate
//! `h264-reader` refuses it.

use crate::{
    bits::{Bits, unescape},
    picture::{Size, SizeError},
};

/// A sequence parameter set of pictures that can be decoded: 8 bits, 4:2:0, progressive.
pub(crate) struct Sequence {
    /// Profile, constraints and level: the three bytes of `profile-level-id` (RFC 6184 section 8.1).
    pub(crate) profile_level_id: [u8; 3],
    /// The size of its pictures.
    pub(crate) size: Size,
    /// Bits of `frame_num`.
    pub(crate) frame_number_bits: u32,
    /// Coding of the order of pictures.
    pub(crate) order: Order,
}

/// How slices tell the order of pictures (`pic_order_cnt_type`).
pub(crate) enum Order {
    /// A number of this many bits.
    Bits(u32),
    /// By deltas, unless they are always zero.
    Deltas {
        /// Slices have none.
        always_zero: bool,
    },
    /// It is that of decoding.
    AsDecoded,
}

/// Why pictures are of a kind that is not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedPicture {
    /// A parameter set lacks its end.
    #[error("it is damaged: a parameter set ends before its time")]
    Short,
    /// More than 8 bits a sample.
    #[error("its samples have {0} bits, and must have 8")]
    Depth(u32),
    /// Chroma is not halved both ways.
    #[error("its chroma is {0}, and must be 4:2:0")]
    Chroma(&'static str),
    /// Rows of two moments in one picture.
    #[error("it is interlaced, and must be progressive")]
    Interlaced,
    /// Pictures of an impossible size.
    #[error(transparent)]
    Size(#[from] SizeError),
}

/// Profiles whose sets tell of chroma and depth.
const HIGH: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Reads a NAL unit that is a sequence parameter set.
///
/// # Errors
/// Refuses pictures of more than 8 bits, with other chroma than 4:2:0, that may be interlaced, or
/// that are too large.
pub(crate) fn read(unit: &[u8]) -> Result<Sequence, UnsupportedPicture> {
    let payload = unescape(unit);
    parse(&mut Bits::new(&payload)).unwrap_or(Err(UnsupportedPicture::Short))
}

/// None: it is too short.
fn parse(bits: &mut Bits<'_>) -> Option<Result<Sequence, UnsupportedPicture>> {
    let (profile, constraints, level) = (bits.take(8)?, bits.take(8)?, bits.take(8)?);
    bits.unsigned()?; // seq_parameter_set_id
    if HIGH.contains(&profile)
        && let Err(unfit) = format(bits)?
    {
        return Some(Err(unfit));
    }
    let frame_number_bits = bits.unsigned()?.saturating_add(4);
    let order = match bits.unsigned()? {
        0 => Order::Bits(bits.unsigned()?.saturating_add(4)),
        1 => {
            let always_zero = bits.flag()?;
            bits.signed()?; // offset_for_non_ref_pic
            bits.signed()?; // offset_for_top_to_bottom_field
            for _ in 0..bits.unsigned()?.min(255) {
                bits.signed()?; // offset_for_ref_frame
            }
            Order::Deltas { always_zero }
        }
        _ => Order::AsDecoded,
    };
    bits.unsigned()?; // max_num_ref_frames
    bits.flag()?; // gaps_in_frame_num_value_allowed_flag
    let [width, height] = [bits.unsigned()?, bits.unsigned()?].map(macroblocks); // less one, each
    let frame_mbs_only = bits.flag()?;
    if !frame_mbs_only {
        return Some(Err(UnsupportedPicture::Interlaced));
    }
    // As it is coded, before anything is cropped. OpenH264 does not say that this is why it refuses.
    let coded = Size { width, height };
    if let Err(error @ SizeError::TooLarge(_)) = coded.check() {
        return Some(Err(error.into()));
    }
    bits.flag()?; // direct_8x8_inference_flag
    let mut size = coded;
    if bits.flag()? {
        // Left, right, top, bottom, in samples of chroma.
        let [left, right, top, bottom] =
            [bits.unsigned()?, bits.unsigned()?, bits.unsigned()?, bits.unsigned()?];
        size.width = cropped(size.width, left, right);
        size.height = cropped(size.height, top, bottom);
    }
    let profile_level_id = [profile, constraints, level].map(|byte| byte as u8);
    Some(Ok(Sequence { profile_level_id, size, frame_number_bits, order }))
}

/// What only high profiles tell: chroma, depth and scaling.
fn format(bits: &mut Bits<'_>) -> Option<Result<(), UnsupportedPicture>> {
    let chroma = bits.unsigned()?;
    if chroma == 3 {
        bits.flag()?; // separate_colour_plane_flag
    }
    let depth = bits.unsigned()?.max(bits.unsigned()?).saturating_add(8);
    if depth != 8 {
        return Some(Err(UnsupportedPicture::Depth(depth)));
    }
    if chroma != 1 {
        let name = ["missing", "4:2:0", "4:2:2", "4:4:4"].get(chroma as usize);
        return Some(Err(UnsupportedPicture::Chroma(name.unwrap_or(&"of an unknown kind"))));
    }
    bits.flag()?; // qpprime_y_zero_transform_bypass_flag
    if bits.flag()? {
        // Without 4:4:4 there are eight lists.
        for list in 0..8 {
            if bits.flag()? {
                scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(Ok(()))
}

/// What is left of a side; an impossible 0 if nothing is.
fn cropped(side: u16, before: u32, behind: u32) -> u16 {
    let off = before.saturating_add(behind).saturating_mul(2);
    side.saturating_sub(u16::try_from(off).unwrap_or(u16::MAX))
}

/// Samples of this number of macroblocks less one; as many as a size holds, if they are more.
fn macroblocks(less_one: u32) -> u16 {
    u16::try_from(less_one.saturating_add(1).saturating_mul(16)).unwrap_or(!15)
}

/// Section 7.3.2.1.1.1.
fn scaling_list(bits: &mut Bits<'_>, length: usize) -> Option<()> {
    let (mut last, mut next) = (8_i32, 8_i32);
    for _ in 0..length {
        if next != 0 {
            next = last.wrapping_add(bits.signed()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}
