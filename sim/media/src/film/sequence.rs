//! What a sequence parameter set says of pictures (ITU-T H.264 section 7.3.2.1.1), as far as it
//! tells what can be decoded.

use super::FilmError;
use crate::{
    picture::{Size, SizeError},
    slice::{Bits, unescape},
};

/// Profiles whose sets tell of chroma and depth.
const HIGH: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Refuses pictures of more than 8 bits, with other chroma than 4:2:0, that may be interlaced, or
/// that are too large.
pub(super) fn check(unit: &[u8]) -> Result<(), FilmError> {
    let payload = unescape(unit);
    let mut bits = Bits::new(&payload);
    refusal(&mut bits).unwrap_or(Err(FilmError::Damaged("a parameter set ends before its time")))
}

/// None: it is too short.
fn refusal(bits: &mut Bits<'_>) -> Option<Result<(), FilmError>> {
    let profile = bits.take(8)?;
    bits.take(16)?; // constraints, level
    bits.unsigned()?; // seq_parameter_set_id
    if HIGH.contains(&profile) {
        let chroma = bits.unsigned()?;
        if chroma == 3 {
            bits.flag()?; // separate_colour_plane_flag
        }
        let depth = bits.unsigned()?.max(bits.unsigned()?).saturating_add(8);
        if depth != 8 {
            return Some(Err(FilmError::Depth(depth)));
        }
        let name = ["missing", "4:2:0", "4:2:2", "4:4:4"].get(chroma as usize);
        if chroma != 1 {
            let name = name.unwrap_or(&"of an unknown kind");
            return Some(Err(FilmError::Chroma((*name).to_owned())));
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
    }
    bits.unsigned()?; // log2_max_frame_num_minus4
    match bits.unsigned()? {
        0 => {
            bits.unsigned()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.flag()?; // delta_pic_order_always_zero_flag
            bits.signed()?; // offset_for_non_ref_pic
            bits.signed()?; // offset_for_top_to_bottom_field
            for _ in 0..bits.unsigned()?.min(255) {
                bits.signed()?; // offset_for_ref_frame
            }
        }
        _ => {}
    }
    bits.unsigned()?; // max_num_ref_frames
    bits.flag()?; // gaps_in_frame_num_value_allowed_flag
    let [width, height] = [bits.unsigned()?, bits.unsigned()?].map(macroblocks); // less one, each
    let frame_mbs_only = bits.flag()?;
    if !frame_mbs_only {
        return Some(Err(FilmError::Interlaced));
    }
    // As it is coded, before anything is cropped. OpenH264 does not say that this is why it refuses.
    let coded = Size { width, height };
    Some(match coded.check() {
        Err(error @ SizeError::TooLarge(_)) => Err(error.into()),
        _ => Ok(()),
    })
}

/// Samples of so many macroblocks less one; as many as a size holds, if they are more.
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
