//! The encoder, or the recording that stands in for it.

use super::{Encoding, Media, VideoConfig};
use parallax_media::{EncodeError, Encoded, Encoder, EncoderConfig, Picture, Recording};
use std::time::Duration;

/// What makes a camera's frames.
pub(super) enum Film {
    Live(Box<Encoder>),
    Prerecorded {
        recording: Recording,
        /// The number of its next frame. What is lost before it is encoded is not of the recording:
        /// its frames refer to one another, and none is left out.
        next: u64,
        /// The stretch of capture that it runs in.
        stretch: Option<u32>,
    },
}

impl Film {
    /// # Errors
    /// If there is no encoder for such a video.
    pub(super) fn open(video: &VideoConfig) -> Result<Self, EncodeError> {
        Ok(match &video.media {
            Media::Live(encoding) => {
                let config = encoder_config(encoding, video.frames_per_second);
                Self::Live(Box::new(Encoder::new(config)?))
            }
            Media::Prerecorded(recording) => {
                Self::Prerecorded { recording: recording.clone(), next: 0, stretch: None }
            }
        })
    }

    /// A recording has its key frames where it has them.
    pub(super) fn wish_key_frame(&mut self) {
        if let Self::Live(encoder) = self {
            encoder.force_key_frame();
        }
    }

    /// The frame that comes of a picture, captured `at` this time since the camera's boot. A
    /// recording starts over with each stretch of capture: with a key frame, as an encoder does.
    ///
    /// # Errors
    /// If the encoder refuses the picture.
    pub(super) fn next(
        &mut self,
        picture: Option<&Picture>,
        at: Duration,
        now_in: u32,
    ) -> Result<Encoded, EncodeError> {
        match (self, picture) {
            (Self::Live(encoder), Some(picture)) => encoder.encode(picture, at),
            // Live media come with pictures.
            (Self::Live(_), None) => {
                Ok(Encoded { bytes: Vec::new(), key: false, skipped: true, qp: None })
            }
            (Self::Prerecorded { recording, next, stretch }, _) => {
                if stretch.replace(now_in) != Some(now_in) {
                    *next = 0;
                }
                let frame = recording.frame(*next);
                *next += 1;
                let (bytes, key, qp) = (frame.bytes.clone(), frame.key, frame.qp);
                Ok(Encoded { bytes, key, skipped: false, qp })
            }
        }
    }
}

fn encoder_config(encoding: &Encoding, frames_per_second: u16) -> EncoderConfig {
    EncoderConfig {
        size: encoding.size,
        frames_per_second,
        bit_rate_bps: encoding.bit_rate_bps,
        key_frame_interval: encoding.key_frame_interval,
        // One slice a frame: the viewer decodes whole frames or none, so smaller slices would
        // cost bits and save nothing.
        max_slice_bytes: None,
        skip_frames: encoding.skip_frames,
        scene_change_key_frames: true,
    }
}
