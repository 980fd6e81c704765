//! Conversion of an order to the camera's configuration.

use crate::protocol::CameraOrder;
use parallax_media::Clip;
use parallax_peer::{
    SourceClip, TooLarge,
    camera::{CameraConfig, Media, Signalling},
};
use parallax_spec::SignallingProtocol;

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

impl From<TooLarge> for NoCamera {
    fn from(TooLarge { key, value }: TooLarge) -> Self {
        Self::TooLarge { key, value }
    }
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
    let source = SourceClip::open(camera, |size| {
        Clip::open(&camera.clip, size)
            .map_err(|error| NoCamera::Clip { clip: camera.clip.clone(), cause: error.to_string() })
    })?;
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
        media: Media::Live(source),
        ice: order.ice,
    };
    Ok(config.checked()?)
}
