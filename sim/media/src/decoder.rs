//! H.264 in, pictures out.

use crate::picture::{Picture, Size};
use openh264::OpenH264API;
use openh264::decoder::{DecodedYUV, Decoder as OpenH264, DecoderConfig, Flush};
use openh264::formats::YUVSource;

/// Why there is no picture. The decoder shows nothing it could not fully decode, and after a loss
/// nothing until the next IDR picture: ask the camera for a key frame.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// OpenH264 could not be set up.
    #[error("failed to set up the decoder: OpenH264 error {code}")]
    SetUp {
        /// Its native error code.
        code: i64,
    },
    /// The access unit, or one it refers to, is damaged or missing.
    #[error("failed to decode: OpenH264 decoding state {state:#x}")]
    Damaged {
        /// `DECODING_STATE` bits of OpenH264: 0x02 reference lost, 0x04 bit stream error, 0x10 no
        /// parameter sets yet.
        state: i64,
    },
    /// The stream holds a picture that is no I420 picture of a possible size.
    #[error("failed to decode: a picture of {width}x{height}")]
    Picture {
        /// Luma samples per row.
        width: usize,
        /// Rows.
        height: usize,
    },
}

/// A decoder of one stream: OpenH264, one thread, without error concealment. Concealed pictures
/// would be shown as if they were right.
pub struct Decoder {
    inner: OpenH264,
}

impl Decoder {
    /// A decoder that has seen nothing.
    ///
    /// # Errors
    /// Fails if OpenH264 cannot be set up.
    pub fn new() -> Result<Self, DecodeError> {
        // No flush: in baseline streams output order is decoding order, so each access unit gives
        // its picture at once and none is held back.
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        OpenH264::with_api_config(OpenH264API::from_source(), config)
            .map(|inner| Self { inner })
            .map_err(|error| DecodeError::SetUp { code: error.native_code() })
    }

    /// Decodes one access unit, Annex B with all its NAL units. `None` if it holds no picture
    /// (parameter sets alone).
    ///
    /// # Errors
    /// Fails if the access unit or one it refers to is damaged or missing, and goes on failing
    /// until the next IDR picture.
    pub fn decode(&mut self, annex_b: &[u8]) -> Result<Option<Picture>, DecodeError> {
        self.decode_planes(annex_b)?.map(|decoded| copy(&decoded)).transpose()
    }

    /// Decodes one access unit as [`decode`](Self::decode) does, and leaves the picture where it is.
    pub(crate) fn decode_planes(
        &mut self,
        annex_b: &[u8],
    ) -> Result<Option<DecodedYUV<'_>>, DecodeError> {
        // An empty packet tells OpenH264 that the stream has ended.
        if annex_b.is_empty() {
            return Ok(None);
        }
        let damaged = |error: openh264::Error| DecodeError::Damaged { state: error.native_code() };
        self.inner.decode(annex_b).map_err(damaged)
    }

    /// The pictures of a stream that has ended which were held back for those that come before
    /// them, in the order in which they are shown.
    ///
    /// # Errors
    /// Fails if the stream ends in damage.
    pub(crate) fn held_back(&mut self) -> Result<Vec<Picture>, DecodeError> {
        let damaged = |error: openh264::Error| DecodeError::Damaged { state: error.native_code() };
        self.inner.flush_remaining().map_err(damaged)?.iter().map(copy).collect()
    }
}

fn copy(decoded: &DecodedYUV<'_>) -> Result<Picture, DecodeError> {
    let (width, height) = decoded.dimensions();
    let (y_stride, u_stride, v_stride) = decoded.strides();
    let tight = |plane: &[u8], stride: usize, width: usize, height: usize| {
        let mut samples = Vec::with_capacity(width * height);
        for row in plane.chunks(stride.max(1)).take(height) {
            samples.extend_from_slice(&row[..width.min(row.len())]);
        }
        samples
    };
    let size = size_of(decoded)?;
    Picture::from_planes(
        size,
        tight(decoded.y(), y_stride, width, height),
        tight(decoded.u(), u_stride, width / 2, height / 2),
        tight(decoded.v(), v_stride, width / 2, height / 2),
    )
    .ok_or(DecodeError::Picture { width, height })
}

/// The size of a decoded picture, if it is a possible one.
pub(crate) fn size_of(decoded: &DecodedYUV<'_>) -> Result<Size, DecodeError> {
    let (width, height) = decoded.dimensions();
    let size = u16::try_from(width).ok().zip(u16::try_from(height).ok());
    size.map(|(width, height)| Size { width, height })
        .filter(|size| size.check().is_ok())
        .ok_or(DecodeError::Picture { width, height })
}
