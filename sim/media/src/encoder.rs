//! Pictures in, H.264 out.

use crate::picture::{Picture, Size, SizeError};
use crate::slice;
use core::time::Duration;
use openh264::OpenH264API;
use openh264::Timestamp;
use openh264::encoder::{
    BitRate, Complexity, Encoder as OpenH264, EncoderConfig as OpenH264Config, FrameRate,
    FrameType, IntraFramePeriod, Profile, QpRange, RateControlMode, SpsPpsStrategy, UsageType,
};
use openh264::formats::YUVSource;

/// OpenH264 refuses slices that could not hold its largest macroblock (400 bytes) and a NAL
/// header (20 bytes).
const SLICE_BYTES_MIN: u32 = 421;

/// How a camera encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Size of all pictures.
    pub size: Size,
    /// Frames per second that rate control reckons with, at least 1.
    pub frames_per_second: u16,
    /// Bits per second that rate control aims at, at least 1. The first key frame overshoots.
    pub bit_rate_bps: u32,
    /// A key frame each time this number of frames has passed. `None`: only the first one and those asked for.
    pub key_frame_interval: Option<u32>,
    /// Cut frames into slices of at most this number of bytes, NAL header included. `None`: one slice
    /// per frame.
    pub max_slice_bytes: Option<u32>,
    /// Let rate control leave out whole frames to hold the bit rate. Without it the bit rate is
    /// exceeded where the quantisation parameter ends.
    pub skip_frames: bool,
    /// Begin a scene with a key frame, without a request for one. A clip that starts again is a scene.
    pub scene_change_key_frames: bool,
}

impl EncoderConfig {
    /// A camera's usual settings: no periodic key frames, one slice per frame, no skipped frames,
    /// no key frames at scene changes.
    pub fn new(size: Size, frames_per_second: u16, bit_rate_bps: u32) -> Self {
        Self {
            size,
            frames_per_second,
            bit_rate_bps,
            key_frame_interval: None,
            max_slice_bytes: None,
            skip_frames: false,
            scene_change_key_frames: false,
        }
    }
}

/// What became of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The access unit, Annex B; SPS and PPS lead every key frame. Empty if skipped.
    pub bytes: Vec<u8>,
    /// A key frame (IDR): decoding may begin here.
    pub key: bool,
    /// Rate control left the picture out.
    pub skipped: bool,
    /// Quantisation parameter in the header of the first slice, 0 (finest) to 51. Macroblocks
    /// may deviate from it. `None` if skipped.
    pub qp: Option<u8>,
}

/// Why nothing was encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The configured size is impossible.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// A setting is out of range.
    #[error("failed to set up the encoder: {setting} must be at least {least}, not {value}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// Its least value.
        least: u32,
        /// What was asked for.
        value: u32,
    },
    /// A picture of another size than configured.
    #[error("failed to encode a picture of {given}: the encoder is set to {configured}")]
    OtherSize {
        /// Size of the picture.
        given: Size,
        /// Size the encoder was set up for.
        configured: Size,
    },
    /// OpenH264 refused.
    #[error("failed to encode: OpenH264 error {code}")]
    OpenH264 {
        /// Its native error code.
        code: i64,
    },
}

/// An encoder of one stream: OpenH264, constrained baseline, one thread.
///
/// The same pictures, times and settings give the same bytes on any machine with the same target
/// and C++ compiler, with or without its assembly parts. One thread is what makes it so: with more,
/// slices are cut by the number of cores.
pub struct Encoder {
    inner: OpenH264,
    config: EncoderConfig,
    /// OpenH264 is initialised by the first picture, which is a key frame anyway.
    started: bool,
    key_frame_wanted: bool,
    slice_headers: slice::Headers,
}

impl Encoder {
    /// An encoder that has seen nothing; its first frame will be a key frame.
    ///
    /// # Errors
    /// Fails if the size is impossible, a setting is out of range, or OpenH264 cannot be set up.
    pub fn new(config: EncoderConfig) -> Result<Self, EncodeError> {
        config.size.check()?;
        let settings = [
            ("frames_per_second", 1, u32::from(config.frames_per_second)),
            ("bit_rate_bps", 1, config.bit_rate_bps),
            ("key_frame_interval", 1, config.key_frame_interval.unwrap_or(1)),
            ("max_slice_bytes", SLICE_BYTES_MIN, config.max_slice_bytes.unwrap_or(SLICE_BYTES_MIN)),
        ];
        for (setting, least, value) in settings {
            if value < least {
                return Err(EncodeError::Setting { setting, least, value });
            }
        }
        Ok(Self {
            inner: open(&config)?,
            config,
            started: false,
            key_frame_wanted: false,
            slice_headers: slice::Headers::default(),
        })
    }

    /// Makes the next frame that is not skipped a key frame.
    pub fn force_key_frame(&mut self) {
        self.key_frame_wanted = true;
    }

    /// What rate control aims at, bits per second.
    #[must_use]
    pub fn bit_rate_bps(&self) -> u32 {
        self.config.bit_rate_bps
    }

    /// Lets rate control aim at another bit rate from the next frame on, without a key frame.
    ///
    /// # Errors
    /// Fails, and keeps what there was, if the bit rate is below one bit a frame. Fails if OpenH264
    /// refuses it.
    pub fn set_bit_rate(&mut self, bit_rate_bps: u32) -> Result<(), EncodeError> {
        let (setting, least) = ("bit_rate_bps", u32::from(self.config.frames_per_second));
        if bit_rate_bps < least {
            return Err(EncodeError::Setting { setting, least, value: bit_rate_bps });
        }
        let from_bps = core::mem::replace(&mut self.config.bit_rate_bps, bit_rate_bps);
        if !self.started {
            self.inner = open(&self.config)?;
        } else if bit_rate_bps != from_bps {
            parallax_codec_raw::set_bit_rate(&mut self.inner, from_bps, bit_rate_bps)
                .map_err(|code| EncodeError::OpenH264 { code })?;
        }
        Ok(())
    }

    /// Encodes one picture, captured `at` this time since the start of the stream. OpenH264 takes
    /// whole milliseconds of it.
    ///
    /// # Errors
    /// Fails if the picture has another size than configured, or OpenH264 refuses it.
    pub fn encode(&mut self, picture: &Picture, at: Duration) -> Result<Encoded, EncodeError> {
        if picture.size() != self.config.size {
            let (given, configured) = (picture.size(), self.config.size);
            return Err(EncodeError::OtherSize { given, configured });
        }
        if self.started && self.key_frame_wanted {
            self.inner.force_intra_frame();
        }
        // OpenH264 counts milliseconds in an i64, and the crate panics above it.
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX).min(i64::MAX as u64);
        let stream = self
            .inner
            .encode_at(&Source(picture), Timestamp::from_millis(at))
            .map_err(|error| EncodeError::OpenH264 { code: error.native_code() })?;
        self.started = true;
        let skipped = stream.frame_type() == FrameType::Skip;
        let key = stream.frame_type() == FrameType::IDR;
        let bytes = stream.to_vec();
        self.key_frame_wanted &= !key;
        let qp = self.slice_headers.first_qp(&bytes);
        Ok(Encoded { bytes, key, skipped, qp })
    }
}

fn open(config: &EncoderConfig) -> Result<OpenH264, EncodeError> {
    let mut encoder = OpenH264::with_api_config(OpenH264API::from_source(), settings_of(config))
        .map_err(|error| EncodeError::OpenH264 { code: error.native_code() })?;
    parallax_codec_raw::quiet(&mut encoder).map_err(|code| EncodeError::OpenH264 { code })?;
    Ok(encoder)
}

fn settings_of(config: &EncoderConfig) -> OpenH264Config {
    let settings = OpenH264Config::new()
        .bitrate(BitRate::from_bps(config.bit_rate_bps))
        .max_frame_rate(FrameRate::from_hz(f32::from(config.frames_per_second)))
        .skip_frames(config.skip_frames)
        .scene_change_detect(config.scene_change_key_frames)
        .intra_frame_period(IntraFramePeriod::from_num_frames(
            config.key_frame_interval.unwrap_or(0),
        ))
        .usage_type(UsageType::CameraVideoRealTime)
        .rate_control_mode(RateControlMode::Bitrate)
        .sps_pps_strategy(SpsPpsStrategy::ConstantId)
        .profile(Profile::Baseline)
        .complexity(Complexity::Medium)
        .qp(QpRange::new(0, 51))
        .num_threads(1)
        .debug(false);
    match config.max_slice_bytes {
        Some(bytes) => settings.max_slice_len(bytes),
        None => settings,
    }
}

/// What the crate's encoder reads a picture through.
struct Source<'p>(&'p Picture);

impl YUVSource for Source<'_> {
    fn dimensions(&self) -> (usize, usize) {
        let size = self.0.size();
        (usize::from(size.width), usize::from(size.height))
    }

    fn strides(&self) -> (usize, usize, usize) {
        let width = usize::from(self.0.size().width);
        (width, width / 2, width / 2)
    }

    fn y(&self) -> &[u8] {
        self.0.y()
    }

    fn u(&self) -> &[u8] {
        self.0.u()
    }

    fn v(&self) -> &[u8] {
        self.0.v()
    }
}
