//! Cameras of peers, and whether a device is up to one.

use super::congestion;
use crate::{
    clip::{self, Clips},
    error::Rank,
    from_value::FromValue,
    key::{flag, keys, rate, said, size, whole, words},
    profile::Profile,
    recording,
    replacement::{Replacement, by, lacks},
    scenario::CameraUse,
    table::{Place, Reader, Value},
    units::{self, Size},
};
use parallax_spec::{Camera, MediaMode, SignallingProtocol};

keys! {
    CAMERA: "camera" {
        /// The device it is.
        profile: said("name of a device profile, or a file such as `\"my-own.toml\"` beside the scenario");
        /// What it films and how it encodes.
        video: said("table");
        /// How fast the packets of a frame leave, and resends in turn with them. A frame that would wait for more
        /// than 1 s is dropped. Under congestion control at the start; each session's keeps its ratio to the bit
        /// rate.
        pacer: rate().and(", or `\"none\"`"), absent "2.5 times the bit rate";
        /// What adapts the bit rate to the path: nothing, or Google congestion control. One encoder serves all
        /// viewers: it follows the lowest estimate.
        congestion_control: said("`\"none\"`, `\"gcc\"`, or table"), default "none";
        /// What it speaks with the rendezvous: Parallax's own messages, or WHIP (RFC 9725), by which it pushes to
        /// one viewer.
        signalling: words(&["websocket", "whip"]), default "websocket";
    }
}

keys! {
    VIDEO: "video" {
        /// What it films, looping: a clip of `fixtures/clips`, whose page tells how to make one. `"scene"` is
        /// drawn, at any size and frame rate.
        clip: said("name of a clip, or a film of your own beside the scenario, such as `\"my-film.mp4\"` or `\"my-film.y4m\"`, or its manifest, `\"my-film.toml\"`");
        /// The size of the picture.
        size: size().and(", such as `\"320x240\"`, both even, from `\"160x96\"`");
        /// How often it films.
        frames_per_second: whole(1, 1_000);
        /// What the encoder aims at; under congestion control at the start of each session. Prerecorded media must
        /// be near it.
        bit_rate: rate();
        /// A key frame at least this often.
        key_frame_interval: said("duration, or `\"none\"`"), absent "`\"none\"`: on request, and where the scene changes";
        /// Whether the encoder may skip frames to hold its bit rate.
        skip_frames: flag(), default false;
    }
}

/// A camera before its device is known.
pub(super) struct CameraDraft {
    pub(super) profile: (String, Place),
    camera: CameraUse,
    /// Where its signalling is given, if it is.
    pub(super) signalling: Option<Place>,
    /// Where what its device limits is given: size, frame rate, bit rate, ceiling.
    limited: Vec<(&'static str, Place)>,
}

pub(super) fn read(
    reader: &mut Reader,
    value: Value<'_>,
    clips: &mut Clips<'_>,
    media: Option<MediaMode>,
) -> Option<CameraDraft> {
    let table = value.table(reader, &CAMERA)?;
    let profile = table.read(reader, "profile");
    let video = table.get(reader, "video");
    let video = video.and_then(|value| video_of(reader, value, clips, media));
    let pacer = table.read_by(reader, "pacer", or_none);
    let congestion_control = table.get(reader, "congestion_control");
    let named = congestion_control.as_ref().map(|value| value.place.clone());
    let congestion_control =
        congestion_control.and_then(|value| congestion::Draft::read(reader, value));
    let signalling = table.read(reader, "signalling");
    let (CameraUse { mut config, clip }, mut limited) = video?;
    let (bounds, ceiling) = congestion_control?.around(reader, config.bit_rate_bps)?;
    if media == Some(MediaMode::Prerecorded)
        && bounds.is_some()
        && let Some(place) = named
    {
        let message = "a recording is sent as it is: its bit rate follows nothing";
        let help = "write `congestion_control = \"none\"`, or run it with live media";
        return reader.refuse(Rank::Whole, &place, message, "not with prerecorded media", help);
    }
    limited.extend(ceiling.map(|place| ("ceiling", place)));
    let (signalling, place) = signalling?;
    config.pacer_bps = pacer?.unwrap_or(Some(config.bit_rate_bps * 5 / 2));
    config.congestion_control = bounds;
    config.signalling = signalling;
    Some(CameraDraft {
        profile: profile?,
        camera: CameraUse { config, clip },
        signalling: Some(place),
        limited,
    })
}

/// A value, or `"none"`.
fn or_none<T: FromValue>(reader: &mut Reader, value: Value<'_>) -> Option<Option<T>> {
    match value.as_text() {
        Some("none") => Some(None),
        _ => T::from_value(reader, value).map(Some),
    }
}

/// The camera's video: all of it but pacer, congestion control and signalling.
fn video_of(
    reader: &mut Reader,
    value: Value<'_>,
    clips: &mut Clips<'_>,
    media: Option<MediaMode>,
) -> Option<(CameraUse, Vec<(&'static str, Place)>)> {
    let table = value.table(reader, &VIDEO)?;
    let clip = table.get(reader, "clip");
    let clip = clip.and_then(|value| Some((clips.find(reader, &value)?, value.place)));
    let size = table.get(reader, "size").and_then(|value| even_size(reader, &value));
    let frames_per_second = table.read(reader, "frames_per_second");
    let bit_rate = table.read(reader, "bit_rate");
    let interval =
        table.read_by(reader, "key_frame_interval", |reader, value| match value.as_text() {
            Some("none") => Some(None),
            _ => frames(reader, &value, frames_per_second?).map(Some),
        });
    let skip_frames = table.read(reader, "skip_frames");
    let limited = ["size", "frames_per_second", "bit_rate"];
    let places = limited.map(|key| Some((key, table.get(reader, key)?.place)));
    let ((clip, place), size) = (clip?, size?);
    if media == Some(MediaMode::Live) {
        clip::fits_memory(reader, &clip, size, &place)?;
    }
    let config = Camera {
        clip: clip.name().to_owned(),
        width_px: size.width,
        height_px: size.height,
        frames_per_second: frames_per_second?,
        bit_rate_bps: bit_rate?,
        key_frame_interval_frames: interval?.flatten(),
        skip_frames: skip_frames?,
        pacer_bps: None,
        congestion_control: None,
        signalling: SignallingProtocol::WebSocket,
    };
    let camera = CameraUse { config, clip };
    let places: Vec<_> = places.into_iter().flatten().collect();
    if media == Some(MediaMode::Prerecorded) {
        recording::suits(reader, &camera, &places)?;
    }
    Some((camera, places))
}

/// The smallest picture that has room for the frame marker and some picture below it.
const LEAST: Size = Size { width: 160, height: 96 };

/// H.264 pictures are made of 2x2 blocks of chroma samples.
fn even_size(reader: &mut Reader, value: &Value<'_>) -> Option<Size> {
    let size = value.unit(reader, units::size)?;
    let even =
        Size { width: size.width.next_multiple_of(2), height: size.height.next_multiple_of(2) };
    if size != even {
        let message = format!("a picture of {size} has an odd side");
        return value.refuse(
            reader,
            &message,
            "odd",
            format!("H.264 takes even sides: write `{even}`"),
        );
    }
    if size.width < LEAST.width || size.height < LEAST.height {
        let message = format!("a picture of {size} is too small");
        let help = format!("write `{LEAST}` or more: the frame marker needs the room");
        return value.refuse(reader, &message, "too small", help);
    }
    Some(size)
}

/// A duration as a number of frames.
fn frames(reader: &mut Reader, value: &Value<'_>, frames_per_second: u32) -> Option<u32> {
    let duration = value.unit(reader, units::duration)?;
    let product = duration.as_nanos() * u128::from(frames_per_second);
    let frames = u32::try_from(product / 1_000_000_000).ok().filter(|frames| *frames > 0);
    if frames.is_none() || product % 1_000_000_000 != 0 {
        let message =
            format!("this is no whole number of frames at {frames_per_second} frames per second");
        return value.refuse(
            reader,
            &message,
            "part of a frame",
            "write a time of one or more whole frames, such as `2s`",
        );
    }
    frames
}

/// The camera, if the device can film and encode what is asked of it. A ceiling that was not given
/// is at most the device's.
pub(super) fn suits(
    reader: &mut Reader,
    profile: &Profile,
    draft: CameraDraft,
    replacement: Option<&Replacement>,
) -> Option<CameraUse> {
    let CameraDraft { profile: (_, named), mut camera, limited, .. } = draft;
    let device = &profile.name;
    let Some(ability) = &profile.camera else {
        let message = by(replacement, format!("the device `{device}` cannot be a camera"));
        return reader.refuse(
            Rank::Value,
            &named,
            &message,
            &lacks(replacement, "camera"),
            "name a profile with `[camera]`, such as `esp32-p4`",
        );
    };
    let (config, limits) = (&mut camera.config, &ability.encoder);
    let mut sound = Some(());
    let mut refuse = |key: &str, asked: String, most: String| {
        sound = None;
        let Some((_, place)) = limited.iter().find(|(name, _)| *name == key) else { return };
        let message = by(replacement, format!("{asked} is beyond the device `{device}`"));
        reader.note(
            Rank::Value,
            place,
            &message,
            "too much for it",
            format!("its encoder takes up to {most}: ask for less, or name another profile"),
        );
    };
    for (key, asked, most) in limits.exceeded(config) {
        refuse(key, asked, most);
    }
    let most = limits.most_bit_rate.value;
    if let Some(bounds) = &mut config.congestion_control
        && bounds.ceiling_bps > most
    {
        let asked = units::format_bits_per_second(bounds.ceiling_bps);
        bounds.ceiling_bps = most;
        if limited.iter().any(|(key, _)| *key == "ceiling") {
            refuse("ceiling", asked, units::format_bits_per_second(most));
        }
    }
    sound.map(|()| camera)
}
