//! What is ordered, as the camera takes it.

use crate::protocol::CameraOrder;
use parallax_media::{Clip, Size};
use parallax_peer::camera::{
    CameraConfig, CongestionControl, Encoding, Media, Signalling, VideoConfig,
};
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
}

/// The camera that is ordered.
///
/// # Errors
/// If the clip is not there, or nothing would be filmed.
pub fn configure(order: &CameraOrder) -> Result<CameraConfig, NoCamera> {
    if order.frames_per_second == 0 {
        return Err(NoCamera::NoFrames);
    }
    let size = Size { width: order.width, height: order.height };
    let clip = Clip::open(&order.clip, size)
        .map_err(|error| NoCamera::Clip { clip: order.clip.clone(), cause: error.to_string() })?;
    let signalling = match order.rendezvous {
        Some(at) if order.whip => Signalling::Whip(at),
        Some(at) => Signalling::Rendezvous(at),
        None => Signalling::Own(order.own),
    };
    let gcc = |(floor_bps, ceiling_bps)| CongestionControl { floor_bps, ceiling_bps };
    Ok(CameraConfig {
        name: order.name.clone(),
        token: order.token.clone(),
        signalling,
        video: VideoConfig {
            frames_per_second: order.frames_per_second,
            media: Media::Live(Encoding {
                clip: Arc::new(clip),
                size,
                bit_rate_bps: order.bit_rate_bps,
                key_frame_interval: order.key_frame_interval,
                skip_frames: order.skip_frames,
            }),
        },
        pacer_bps: order.pacer_bps,
        congestion_control: order.gcc_bps.map(gcc),
        ice: order.ice,
    })
}
