//! Pictures of frames within the page: as many as there is room for.

use crate::{
    figure,
    view::{Run, ShownPicture},
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// Most bytes of all pictures, before base64.
const PICTURES_BYTES: usize = 4_500_000;

/// What room there still is.
pub(super) struct Budget {
    left: usize,
}

/// A frame in the contact sheet.
pub(super) struct Frame {
    pub(super) name: String,
    pub(super) received: String,
    pub(super) source: String,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: PICTURES_BYTES }
    }

    /// The frames of a run that there is room for, and what to say of the others.
    pub(super) fn sheet(&mut self, run: &Run) -> (Vec<Frame>, Option<String>) {
        let mut frames = Vec::new();
        let (mut absent, mut too_large) = (0, 0);
        for picture in &run.pictures {
            let (Some(received), Some(source)) = (&picture.received, &picture.source) else {
                absent += 1;
                continue;
            };
            let size = received.len() + source.len();
            if size > self.left {
                too_large += 1;
                continue;
            }
            self.left -= size;
            frames.push(Frame {
                name: name(picture),
                received: uri(received),
                source: uri(source),
            });
        }
        let note = match (absent, too_large) {
            (0, 0) => None,
            (0, more) => Some(format!(
                "{} more: in the folder `frames` beside the record, for want of room here.",
                figure::counted(more, "frame")
            )),
            (absent, _) => {
                Some(format!("Of {} no picture was kept.", figure::counted(absent, "frame")))
            }
        };
        (frames, note)
    }
}

fn name(picture: &ShownPicture) -> String {
    let psnr = figure::level(i64::from(picture.psnr_millidb));
    let boot = if picture.boot == 0 { String::new() } else { format!(" of boot {}", picture.boot) };
    format!("frame {}{boot}, PSNR {psnr}", picture.frame)
}

fn uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}
