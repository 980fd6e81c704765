//! Conversion of an order to the camera's configuration.

use crate::protocol::CameraOrder;
use parallax_media::{Clip, Size};
use parallax_peer::camera::{CameraConfig, Media, Signalling, TooLarge};
use parallax_spec::SignallingProtocol;
use std::sync::Arc;

/// Why this cannot be that camera.
#[derive(Debug, thiserror::Error)]
pub enum NoCamera {
    /// It does not have the clip.
    #[error("failed to open the clip {clip}: {cause}")]
    Clip {
        /// Which.
        clip: String,
        /// Why.
        cause: String,
    },
    /// It would never take a picture.
    #[error("failed to film at 0 frames per second\nhelp: order at least 1")]
    NoFrames,
    /// A number that its encoder or its pacer does not take.
    #[error("failed to be a camera: `{key}` of {value} is too large")]
    TooLarge {
        /// Which.
        key: &'static str,
        /// The number.
        value: u64,
    },
}

/// The camera that is ordered.
///
/// # Errors
/// If the clip is not there, nothing would be filmed, or a number is too large.
pub fn configure(order: &CameraOrder) -> Result<CameraConfig, NoCamera> {
    let camera = &order.camera;
    if camera.frames_per_second == 0 {
        return Err(NoCamera::NoFrames);
    }
    let too_large = |TooLarge { key, value }| NoCamera::TooLarge { key, value };
    let side = |pixels: u32| {
        u16::try_from(pixels).map_err(|_| NoCamera::TooLarge { key: "size", value: pixels.into() })
    };
    let size = Size { width: side(camera.width_px)?, height: side(camera.height_px)? };
    let clip = Clip::open(&camera.clip, size)
        .map_err(|error| NoCamera::Clip { clip: camera.clip.clone(), cause: error.to_string() })?;
    let signalling = match order.rendezvous {
        Some(at) if camera.signalling == SignallingProtocol::Whip => Signalling::Whip(at),
        Some(at) => Signalling::Rendezvous(at),
        None => Signalling::Own(order.own),
    };
    let config = CameraConfig {
        name: order.name.clone(),
        token: order.token.clone(),
        signalling,
        camera: camera.clone(),
        media: Media::Live(Arc::new(clip)),
        ice: order.ice,
    };
    config.checked().map_err(too_large)
}
