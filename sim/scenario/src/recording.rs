//! What cameras send with prerecorded media, and whether that is what a scenario asks for.

use crate::{
    clip::ClipUse,
    error::Rank,
    scenario::CameraUse,
    table::{Place, Reader},
    units::{self, Size},
};

/// A recording that comes with Parallax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRecording {
    /// The clip that it shows.
    pub clip: &'static str,
    /// The size of its pictures.
    pub size: Size,
    /// How many frames it has.
    pub frames: u32,
    /// How long its file is.
    pub bytes: u32,
}

/// The recordings that come with Parallax (`fixtures/recordings/`). A test holds them against the
/// media.
pub const RECORDINGS: &[KnownRecording] = &[KnownRecording {
    clip: "bunny",
    size: Size { width: 320, height: 240 },
    frames: 75,
    bytes: 245_662,
}];

/// How far a recording's bit rate may be from the one asked for, percent.
const TOLERANCE_PERCENT: u64 = 20;

impl CameraUse {
    /// The bit rate of its recording at its frame rate, bits per second; none if there is no
    /// recording of its clip and size.
    pub fn recorded_bits_per_second(&self) -> Option<u64> {
        let size = self.config.size();
        let (frames, bytes) = match &self.clip {
            ClipUse::Builtin(name) => RECORDINGS
                .iter()
                .find(|recording| recording.clip == name && recording.size == size)
                .map(|recording| (recording.frames, recording.bytes))?,
            ClipUse::Own(clip) if clip.manifest().size == size => {
                (clip.manifest().frames, clip.manifest().bytes)
            }
            ClipUse::Own(_) | ClipUse::Film(_) => return None,
        };
        let bits = u64::from(bytes) * 8 * u64::from(self.config.frames_per_second);
        Some(bits / u64::from(frames))
    }
}

/// Refuses a camera whose recording is another one than it asks for: nothing is scaled or encoded.
pub(crate) fn suits(
    reader: &mut Reader,
    camera: &CameraUse,
    places: &[(&'static str, Place)],
) -> Option<()> {
    let mut refuse = |key: &str, message: &str, label: &str, help: String| {
        if let Some((_, place)) = places.iter().find(|(name, _)| *name == key) {
            reader.note(Rank::Value, place, message, label, help);
        }
    };
    let (size, asked) = (camera.config.size(), camera.config.bit_rate_bps);
    let Some(recorded) = camera.recorded_bits_per_second() else {
        let (message, help) = match &camera.clip {
            ClipUse::Own(clip) => {
                let own = clip.manifest().size;
                (
                    format!("the clip has pictures of {own}, and is sent as it is"),
                    format!("write `{own}`, or run it with live media"),
                )
            }
            ClipUse::Film(film) => (
                format!("a film such as `{}` is not sent as it is", film.name),
                "make it a raw stream with a manifest, as `docs/clips.md` tells, or run it \
                 with live media"
                    .to_owned(),
            ),
            ClipUse::Builtin(name) => {
                let sizes = sizes(name);
                let write = if sizes.is_empty() { sizes } else { format!("write {sizes}, ") };
                (
                    format!("there is no recording of `{name}` at {size}"),
                    format!(
                        "{write}name a clip of your own of this size, or run it with live media"
                    ),
                )
            }
        };
        refuse("size", &message, "not recorded", help);
        return None;
    };
    if recorded.abs_diff(asked) * 100 > asked * TOLERANCE_PERCENT {
        let recorded = units::format_bits_per_second(recorded.div_ceil(1_000) * 1_000);
        let message = format!(
            "the recording comes to {recorded} at {} frames per second",
            camera.config.frames_per_second
        );
        let help = format!(
            "write `bit_rate = \"{recorded}\"`: a recording is sent as it is, and its rate may be \
             {TOLERANCE_PERCENT} % off; or run it with live media"
        );
        refuse("bit_rate", &message, "not its rate", help);
        return None;
    }
    Some(())
}

/// The sizes at which a clip was recorded.
fn sizes(clip: &str) -> String {
    let of = RECORDINGS.iter().filter(|recording| recording.clip == clip);
    of.map(|recording| format!("`{}`", recording.size)).collect::<Vec<_>>().join(" or ")
}
