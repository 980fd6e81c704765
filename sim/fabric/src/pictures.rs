//! The pictures of the worst frames, kept until the run ends.

use crate::lock;
use parallax_media::Picture;
use parallax_peer::RenderedPicture;
use parallax_record::{Stream, Worst, WorstFrame};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// The most that all kept pictures of a run may take in memory, bytes. Frames beyond are known by
/// their numbers alone.
const MOST_BYTES: usize = 64 << 20;

/// A picture of one of a stream's worst frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPicture {
    /// Its file's name, see [`WorstFrame::files`].
    pub name: String,
    picture: Picture,
}

impl KeptPicture {
    /// Width and height, pixels.
    pub fn size(&self) -> (u32, u32) {
        let size = self.picture.size();
        (size.width.into(), size.height.into())
    }

    /// Red, green and blue, 8 bits each, row by row.
    pub fn rgb(&self) -> Vec<u8> {
        self.picture.rgb()
    }
}

/// Received, and its source.
type Pair = [Picture; 2];

type Streams = BTreeMap<Stream, Worst<Option<Pair>>>;

/// What viewers were shown, as far as it is kept. Clones share it.
#[derive(Clone, Default)]
pub struct Pictures(Arc<Mutex<Streams>>);

impl Pictures {
    /// Takes a picture if it is among the worst of its stream.
    pub fn take(&self, seen: &RenderedPicture<'_>) {
        let mut streams = lock(&self.0);
        let bytes = held(&streams) + 2 * bytes_of(seen.received);
        let stream =
            Stream { camera: seen.session.camera.clone(), viewer: seen.session.viewer.clone() };
        let (boot, frame) = (seen.marker.boot, seen.marker.frame);
        let frame = WorstFrame { psnr_millidb: seen.psnr_millidb, boot, frame };
        let pair = || [seen.received.clone(), seen.source.clone()];
        streams.entry(stream).or_default().take(frame, || (bytes <= MOST_BYTES).then(pair));
    }

    /// All that were kept, stream by stream, from the worst on.
    pub fn kept(&self) -> Vec<KeptPicture> {
        let mut kept = Vec::new();
        for (stream, worst) in std::mem::take(&mut *lock(&self.0)) {
            for (frame, pair) in worst.frames() {
                let names = frame.files(&stream.camera, &stream.viewer);
                for (name, picture) in names.into_iter().zip(pair.iter().flatten()) {
                    kept.push(KeptPicture { name, picture: picture.clone() });
                }
            }
        }
        kept
    }
}

fn held(streams: &Streams) -> usize {
    let pairs = streams.values().flat_map(Worst::frames).filter_map(|(_, pair)| pair.as_ref());
    pairs.flatten().map(bytes_of).sum()
}

fn bytes_of(picture: &Picture) -> usize {
    picture.size().area() * 3 / 2
}
