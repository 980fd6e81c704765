//! Clips, the frame marker, H.264 and picture quality: pixels and bytes in, pixels and bytes out.
//!
//! A camera reads pictures from a [`Clip`], draws the [`marker`] into them and feeds them to an
//! [`Encoder`]; a viewer feeds a [`Decoder`], reads the marker and holds the picture against the
//! clip's with [`psnr_millidb`]. A camera that encodes nothing sends a [`Recording`]. Nothing here reads a clock, a file or the environment.

mod bits;
mod clip;
mod decoder;
mod encoder;
mod film;
pub mod marker;
pub mod nal;
mod picture;
mod quality;
mod recording;
mod scale;
mod scene;
mod sequence;
mod slice;

pub use clip::{Builtin, Clip, ClipError, Rate};
pub use decoder::{DecodeError, Decoder};
pub use encoder::{EncodeError, Encoded, Encoder, EncoderConfig};
pub use film::{Container, FilmError};
pub use marker::PictureMarker;
pub use picture::{Picture, Size, SizeError};
pub use quality::{PSNR_CAP_MILLIDB, psnr_millidb, ssim_ppm};
pub use recording::{BuiltinRecording, RecordedFrame, Recording};
pub use sequence::UnsupportedPicture;
