//! Calls of OpenH264 that the safe interface of the crate `openh264` lacks: another bit rate at
//! run time, and silence while it is set up.
//!
//! A camera that follows its path changes its bit rate several times a second. To open the encoder
//! anew would be safe code, and would cost a key frame each time, several times a frame's size, just
//! when the path has become narrow: no camera does so. This crate is therefore the second one of the
//! project with `unsafe` code; the first is `sim/interpose`.
#![expect(unsafe_code, reason = "the raw interface of OpenH264, each use with its reason")]

use core::ffi::c_int;
use openh264::encoder::Encoder;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_TRACE_LEVEL,
    SBitrateInfo, SPATIAL_LAYER_0, WELS_LOG_QUIET,
};

/// Keeps an encoder from writing to the standard error. The crate says so once it is set up, and it has warned
/// by then: that without skipped frames a bit rate may be missed, which is what a camera's profile asked for.
///
/// # Errors
/// OpenH264's error code; none is known.
pub fn quiet(encoder: &mut Encoder) -> Result<(), i64> {
    set(encoder, ENCODER_OPTION_TRACE_LEVEL, WELS_LOG_QUIET)
}

/// Lets rate control aim at `to_bps` bits per second from the next frame on, without a key frame.
/// `from_bps` is what it aims at now: OpenH264 refuses a target above its maximum, so that the
/// maximum goes first on the way up, and last on the way down.
///
/// The encoder must have encoded a frame: before that it is not initialised. `to_bps` must not be
/// below its frame rate.
///
/// # Errors
/// OpenH264's error code: `cmInitExpected` (4) before the first frame, `cmInitParaError` (1) for a
/// rate that it does not take.
pub fn set_bit_rate(encoder: &mut Encoder, from_bps: u32, to_bps: u32) -> Result<(), i64> {
    let order = if to_bps > from_bps {
        [ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_BITRATE]
    } else {
        [ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE]
    };
    for option in order {
        let bps = c_int::try_from(to_bps).unwrap_or(c_int::MAX);
        set(encoder, option, SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bps })?;
    }
    Ok(())
}

/// What an option takes.
trait Value {}
/// [`ENCODER_OPTION_TRACE_LEVEL`].
impl Value for c_int {}
/// [`ENCODER_OPTION_BITRATE`] and [`ENCODER_OPTION_MAX_BITRATE`].
impl Value for SBitrateInfo {}

/// Sets one of these three options, to the value that it takes.
fn set(encoder: &mut Encoder, option: ENCODER_OPTION, mut value: impl Value) -> Result<(), i64> {
    // SAFETY: `raw_api` asks that nothing is set that the crate relies on. It reads its own bit rate
    // only where the size of the picture changes, to set the encoder up anew; it keeps no copy that
    // these options could contradict. The level it sets itself, later, to the same.
    let api = unsafe { encoder.raw_api() };
    // SAFETY: `SetOption` reads an `SBitrateInfo` behind the pointer for the two bit rates, an `int` for the level,
    // that one before the encoder is initialised, too (welsEncoderExt.cpp), checks it, and keeps no pointer to it.
    // `value` is one, lives until after the call, and nothing else refers to it. The encoder itself lives as long
    // as `encoder`, which is borrowed mutably: no other call is under way.
    let code = unsafe { api.set_option(option, (&raw mut value).cast()) };
    if code == 0 { Ok(()) } else { Err(i64::from(code)) }
}
