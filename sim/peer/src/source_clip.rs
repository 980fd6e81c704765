//! What a camera films: its clip at its size and frame rate, with which a viewer compares what it renders.

use parallax_media::{Clip, Picture, Size};
use parallax_spec::Camera;
use std::{borrow::Cow, sync::Arc, time::Duration};

/// A camera's source, frame by frame. Clones share the pictures.
#[derive(Clone, Debug)]
pub struct SourceClip {
    clip: Arc<Clip>,
    frames_per_second: u16,
}

/// A number of a camera that is larger than its encoder or its pacer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Its key in scenarios.
    pub key: &'static str,
    /// The number.
    pub value: u64,
}

impl SourceClip {
    /// What `camera` films; `open` opens its clip at a size.
    ///
    /// # Errors
    /// If a number of the camera is too large, or the clip does not open.
    pub fn open<E: From<TooLarge>>(
        camera: &Camera,
        open: impl FnOnce(Size) -> Result<Clip, E>,
    ) -> Result<Self, E> {
        let size = media_size(camera.size())?;
        let frames_per_second = narrow("frames_per_second", camera.frames_per_second)?;
        Ok(Self { clip: Arc::new(open(size)?), frames_per_second })
    }

    /// The picture of this frame, without its marker.
    pub(crate) fn picture(&self, frame: u32) -> Cow<'_, Picture> {
        let rate = u64::from(self.frames_per_second.max(1));
        self.clip.frame_at(Duration::from_nanos(u64::from(frame) * 1_000_000_000 / rate))
    }
}

/// A size that pictures of clips may have.
///
/// # Errors
/// If a side is too large.
pub fn media_size(size: parallax_spec::Size) -> Result<Size, TooLarge> {
    Ok(Size { width: narrow("size", size.width)?, height: narrow("size", size.height)? })
}

fn narrow(key: &'static str, value: u32) -> Result<u16, TooLarge> {
    u16::try_from(value).map_err(|_| TooLarge { key, value: value.into() })
}
