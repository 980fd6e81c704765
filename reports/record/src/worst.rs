//! The worst frames of a stream: which of its rendered frames have the lowest PSNR.

use serde::{Deserialize, Serialize};

/// How many frames of each stream are named, and kept as pictures.
pub const WORST_FRAMES: usize = 3;

/// A rendered frame of a stream, by what its marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WorstFrame {
    /// Its luma PSNR, thousandths of a decibel.
    pub psnr_millidb: u32,
    /// The camera's boot.
    pub boot: u32,
    /// The frame's number, which each boot counts from 0.
    pub frame: u32,
}

impl WorstFrame {
    /// The names of its pictures, as the viewer showed it and as the camera saw it. No name of a peer
    /// has the `_` in it that stands between them.
    pub fn files(&self, camera: &str, viewer: &str) -> [String; 2] {
        let Self { boot, frame, .. } = self;
        ["received", "source"]
            .map(|what| format!("{camera}_{viewer}_boot-{boot}_frame-{frame}_{what}.png"))
    }
}

/// The worst frames so far, from the worst on, each with something: of two that are equally bad the
/// earlier one is the worse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worst<T> {
    frames: Vec<(WorstFrame, T)>,
}

impl<T> Default for Worst<T> {
    fn default() -> Self {
        Self { frames: Vec::new() }
    }
}

impl<T> Worst<T> {
    /// Takes a frame that was rendered; makes what is kept with it only if it is among the worst.
    pub fn take(&mut self, frame: WorstFrame, kept: impl FnOnce() -> T) {
        let known =
            |(other, _): &(WorstFrame, T)| (other.boot, other.frame) == (frame.boot, frame.frame);
        if self.frames.iter().any(known) {
            return;
        }
        let at = self.frames.partition_point(|(worse, _)| *worse <= frame);
        if at < WORST_FRAMES {
            self.frames.truncate(WORST_FRAMES - 1);
            self.frames.insert(at, (frame, kept()));
        }
    }

    /// The frames, from the worst on.
    pub fn frames(&self) -> impl Iterator<Item = &(WorstFrame, T)> {
        self.frames.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_are_kept_from_the_worst_on_and_of_equals_the_earlier() {
        let mut worst = Worst::default();
        let mut made = 0;
        for (frame, psnr_millidb) in [40, 30, 50, 30, 20, 30, 99].into_iter().enumerate() {
            let frame = WorstFrame { psnr_millidb, boot: 1, frame: frame as u32 };
            worst.take(frame, || made += 1);
        }
        let found: Vec<_> =
            worst.frames().map(|(worst, ())| (worst.frame, worst.psnr_millidb)).collect();
        assert_eq!(found, [(4, 20), (1, 30), (3, 30)]);
        assert_eq!(made, 5, "nothing is made for what is not kept");
    }

    #[test]
    fn names_of_pictures_tell_boots_and_peers_apart() {
        let frame = WorstFrame { psnr_millidb: 1, boot: 2, frame: 7 };
        let [received, source] = frame.files("door-bell", "phone");
        assert_eq!(received, "door-bell_phone_boot-2_frame-7_received.png");
        assert_eq!(source, "door-bell_phone_boot-2_frame-7_source.png");
        assert_ne!(frame.files("a-b", "c"), frame.files("a", "b-c"));
    }
}
