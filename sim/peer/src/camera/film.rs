//! The encoder, or the recording that stands in for it.

use super::{CameraConfig, Media};
use parallax_media::{EncodeError, Encoded, Encoder, Picture, Recording};
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
    pub(super) fn open(config: &CameraConfig) -> Result<Self, EncodeError> {
        Ok(match &config.media {
            Media::Live(_) => Self::Live(Box::new(Encoder::new(config.encoder())?)),
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
