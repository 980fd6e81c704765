//! Reading peers: cameras and viewers.

use super::{congestion, ice};
use crate::{
    clip::{self, Clips},
    error::Rank,
    files::{self, Profiles},
    profile::Profile,
    recording, reference,
    replacement::{Replacement, Replacements},
    scenario::CameraUse,
    synonyms::nearest,
    table::{Place, Reader, Table, Value, optional},
    units::{self, Size, shown},
};
use core::{net::Ipv4Addr, time::Duration};
use parallax_spec::{
    Camera, Ice, JitterBuffer, MediaMode, Nack, ServiceKind, SignallingProtocol, Viewer,
};

/// A peer as the file gives it, its address perhaps still open.
pub(super) struct PeerDraft {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) site: (String, Place),
    pub(super) address: Option<(Ipv4Addr, Place)>,
    pub(super) profile: Profile,
    pub(super) ice: Ice,
    pub(super) camera: Option<CameraUse>,
    /// Where the camera's signalling is given; the device otherwise.
    pub(super) signalling: Place,
    pub(super) viewer: Option<Viewer>,
    /// Where each camera that it views is named.
    pub(super) views: Vec<Place>,
    /// Where its first request is given a time; the device otherwise.
    pub(super) asks_at: Place,
}

pub(super) fn read(
    reader: &mut Reader,
    peers: Vec<(String, Value<'_>)>,
    replacements: &Replacements,
    (profiles, media): (&dyn Profiles, Option<MediaMode>),
) -> Vec<PeerDraft> {
    let mut clips = Clips::new(profiles);
    let mut peer = |(name, value)| peer(reader, name, value, (&mut clips, media), replacements);
    peers.into_iter().filter_map(&mut peer).collect()
}

/// A camera before its device is known.
struct CameraDraft {
    profile: (String, Place),
    camera: CameraUse,
    /// Where its signalling is given, if it is.
    signalling: Option<Place>,
    /// Where what its device limits is given: size, frame rate, bit rate, ceiling.
    limited: Vec<(&'static str, Place)>,
}

/// A viewer before its device is known.
struct ViewerDraft {
    profile: Option<(String, Place)>,
    jitter_buffer: JitterBuffer,
    nack: Option<Nack>,
    asks_at: (Duration, Place),
}

fn peer(
    reader: &mut Reader,
    name: String,
    value: Value<'_>,
    (clips, media): (&mut Clips<'_>, Option<MediaMode>),
    replacements: &Replacements,
) -> Option<PeerDraft> {
    free_name(reader, &name, &value.place)?;
    let table = value.table(reader, &reference::PEER)?;
    let site = table.get(reader, "site");
    let site = site.and_then(|value| Some((value.text(reader)?, value.place)));
    let address = optional(reader, &table, "address", |reader, value| {
        super::site::address(reader, value).map(|address| (address, value.place.clone()))
    });
    let camera = optional(reader, &table, "camera", |reader, value| {
        camera(reader, value.clone(), clips, media)
    });
    let views = optional(reader, &table, "views", |reader, value| views(reader, value.clone()));
    let viewer = viewer(reader, &table);
    let ice = ice::read(reader, &table);
    let (camera, views, viewer, ice) = (camera?, views?, viewer?, ice?);
    roles(reader, &table, camera.is_some(), views.is_some())?;
    let chosen = profile_name(reader, &table, camera.as_ref(), views.is_some().then_some(&viewer))?;
    let replacement = replacements.devices.get(&name);
    let profile = match replacement {
        // What the scenario names is a default.
        Some(replacement) => replacement.profile.clone(),
        None => profile(reader, chosen, clips.profiles)?,
    };
    let viewer_profile = viewer.profile;
    let signalling = camera.as_ref().and_then(|draft| draft.signalling.clone());
    let camera = match camera {
        Some(draft) => Some(suits_camera(reader, &profile, draft, replacement)?),
        None => None,
    };
    if views.is_some() && profile.viewer.is_none() {
        let place = viewer_profile.map_or_else(|| table.place.clone(), |(_, place)| place);
        let message = by(replacement, format!("the device `{}` cannot be a viewer", profile.name));
        reader.refuse(
            Rank::Value,
            &place,
            &message,
            &lacks(replacement, "viewer"),
            "name a profile with `[viewer]`, such as `phone`",
        );
        return None;
    }
    let (cameras, places) = views.unwrap_or_default();
    Some(PeerDraft {
        name,
        place: table.place.clone(),
        site: site?,
        address: address?,
        profile,
        ice,
        camera,
        signalling: signalling.unwrap_or_else(|| table.place.clone()),
        viewer: (!cameras.is_empty()).then_some(Viewer {
            cameras,
            jitter_buffer: viewer.jitter_buffer,
            nack: viewer.nack,
            asks_at: viewer.asks_at.0,
        }),
        views: places,
        asks_at: viewer.asks_at.1,
    })
}

/// Refuses names that others have whose events are in the record.
fn free_name(reader: &mut Reader, name: &str, place: &Place) -> Option<()> {
    let message = if ServiceKind::ALL.iter().any(|service| service.name() == name) {
        "this is the name of a service"
    } else if let Some((_, owner)) = NODES.iter().find(|(node, _)| *node == name) {
        owner
    } else {
        return Some(());
    };
    let help = format!(
        "give the peer another name, such as `{name}-1`: entries of the record name the node at which they happened"
    );
    reader.refuse(Rank::Value, place, message, "taken", help);
    None
}

/// Names in the record that are no peer's, no service's and have no `/`.
const NODES: [(&str, &str); 3] = [
    ("core", "this is the name of the network's core in the record"),
    ("lab", "this is the name of the lab in the record"),
    ("world", "this is the name of the simulator in the record"),
];

fn roles(reader: &mut Reader, table: &Table<'_>, camera: bool, views: bool) -> Option<()> {
    if !camera && !views {
        let help = "add `camera = { ... }`, `views = [\"NAME\"]`, or both";
        reader.refuse(
            Rank::Missing,
            &table.place,
            "it is neither camera nor viewer",
            "no `camera`, no `views`",
            help,
        );
        return None;
    }
    if !views && let Some(span) = table.key_span("viewer") {
        let place = Place { path: table.path("viewer"), span };
        let help = "add `views = [\"NAME\"]`, or remove `viewer`";
        reader.refuse(Rank::Missing, &place, "it views nothing", "a viewer without `views`", help);
        return None;
    }
    Some(())
}

/// The name of the device that a peer is, and where it is named. A peer is one device.
fn profile_name(
    reader: &mut Reader,
    table: &Table<'_>,
    camera: Option<&CameraDraft>,
    viewer: Option<&ViewerDraft>,
) -> Option<(String, Place)> {
    let camera = camera.map(|camera| camera.profile.clone());
    let viewer = viewer.and_then(|viewer| viewer.profile.clone());
    if let (Some((camera, _)), Some((viewer, place))) = (&camera, &viewer)
        && camera != viewer
    {
        let message = format!("a peer is one device, and this one is `{camera}` as a camera");
        let help = "remove the viewer's `profile`, or make two peers";
        reader.refuse(Rank::Whole, place, &message, &format!("not `{camera}`"), help);
        return None;
    }
    Some(camera.or(viewer).unwrap_or_else(|| (DEFAULT_VIEWER.to_owned(), table.place.clone())))
}

/// The device of a viewer that names none.
const DEFAULT_VIEWER: &str = "phone";

fn profile(
    reader: &mut Reader,
    (name, place): (String, Place),
    profiles: &dyn Profiles,
) -> Option<Profile> {
    match profiles.find(&name) {
        Some(Ok(profile)) => Some(profile),
        Some(Err(errors)) => {
            reader.problems.extend(errors.into_problems());
            None
        }
        None if files::is_beside(&name) => {
            // Whoever finds no profile there says nothing of why.
            files::beside(reader, profiles, &name, &place)?;
            let message = format!("{} holds no device profile", shown(&name));
            reader.refuse(Rank::Value, &place, &message, "not a profile", "name another file");
            None
        }
        None => {
            let names = profiles.names();
            let all = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let help = match nearest(&name, names.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`? There are: {all}"),
                None => {
                    format!("there are: {all}; or name one of your own, such as `my-own.toml`")
                }
            };
            let message = format!("there is no device profile {}", shown(&name));
            reader.refuse(Rank::Value, &place, &message, "not a profile", help);
            None
        }
    }
}

fn camera(
    reader: &mut Reader,
    value: Value<'_>,
    clips: &mut Clips<'_>,
    media: Option<MediaMode>,
) -> Option<CameraDraft> {
    let table = value.table(reader, &reference::CAMERA)?;
    let profile = table.get(reader, "profile");
    let profile = profile.and_then(|value| Some((value.text(reader)?, value.place)));
    let video = table.get(reader, "video");
    let video = video.and_then(|value| video_of(reader, value, clips, media));
    let pacer = optional(reader, &table, "pacer", |reader, value| match value.as_text() {
        Some("none") => Some(None),
        _ => congestion::rate(reader, value).map(Some),
    });
    let congestion_control = table.get(reader, "congestion_control");
    let named = congestion_control.as_ref().map(|value| value.place.clone());
    let congestion_control =
        congestion_control.and_then(|value| congestion::Draft::read(reader, value));
    let signalling = table.get(reader, "signalling").and_then(|value| {
        let words =
            [("websocket", SignallingProtocol::WebSocket), ("whip", SignallingProtocol::Whip)];
        Some((value.one_of(reader, &words)?, value.place))
    });
    let (CameraUse { mut config, clip }, mut limited) = video?;
    let (bounds, ceiling) = congestion_control?.around(reader, config.bit_rate_bps)?;
    if media == Some(MediaMode::Prerecorded)
        && bounds.is_some()
        && let Some(place) = named
    {
        let message = "a recording is sent as it is: its bit rate follows nothing";
        let help = "write `congestion_control = \"none\"`, or run it with live media";
        reader.refuse(Rank::Whole, &place, message, "not with prerecorded media", help);
        return None;
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

/// The camera's video: all of it but pacer, congestion control and signalling.
fn video_of(
    reader: &mut Reader,
    value: Value<'_>,
    clips: &mut Clips<'_>,
    media: Option<MediaMode>,
) -> Option<(CameraUse, Vec<(&'static str, Place)>)> {
    let table = value.table(reader, &reference::VIDEO)?;
    let clip = table.get(reader, "clip");
    let clip = clip.and_then(|value| Some((clips.find(reader, &value)?, value.place)));
    let size = table.get(reader, "size").and_then(|value| even_size(reader, &value));
    let frames_per_second =
        table.get(reader, "frames_per_second").and_then(|value| value.whole(reader, 1..=1_000));
    let bit_rate = table.get(reader, "bit_rate").and_then(|value| congestion::rate(reader, &value));
    let interval =
        optional(reader, &table, "key_frame_interval", |reader, value| match value.as_text() {
            Some("none") => Some(None),
            _ => frames(reader, value, frames_per_second?).map(Some),
        });
    let skip_frames = table.get(reader, "skip_frames").and_then(|value| value.boolean(reader));
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
        reader.refuse(
            Rank::Value,
            &value.place,
            &message,
            "odd",
            format!("H.264 takes even sides: write `{even}`"),
        );
        return None;
    }
    if size.width < LEAST.width || size.height < LEAST.height {
        let message = format!("a picture of {size} is too small");
        let help = format!("write `{LEAST}` or more: the frame marker needs the room");
        reader.refuse(Rank::Value, &value.place, &message, "too small", help);
        return None;
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
        reader.refuse(
            Rank::Value,
            &value.place,
            &message,
            "part of a frame",
            "write a time of one or more whole frames, such as `2s`",
        );
        return None;
    }
    frames
}

fn views(reader: &mut Reader, value: Value<'_>) -> Option<(Vec<String>, Vec<Place>)> {
    let place = value.place.clone();
    let mut names: Vec<String> = Vec::new();
    let mut places = Vec::new();
    for item in value.items(reader)? {
        let name = item.text(reader)?;
        if names.contains(&name) {
            reader.refuse(
                Rank::Value,
                &item.place,
                &format!("{} stands here twice", shown(&name)),
                "again",
                "remove it",
            );
            return None;
        }
        names.push(name);
        places.push(item.place);
    }
    if names.is_empty() {
        let help = "name one or more cameras, such as `[\"doorbell\"]`, or remove `views`";
        reader.refuse(Rank::Value, &place, "it views nothing", "empty", help);
        return None;
    }
    Some((names, places))
}

fn viewer(reader: &mut Reader, peer: &Table<'_>) -> Option<ViewerDraft> {
    let table = match peer.get(reader, "viewer") {
        Some(value) => value.table(reader, &reference::VIEWER)?,
        None => {
            let place = Place { path: peer.path("viewer"), span: peer.place.span.clone() };
            Table::open(reader, &reference::VIEWER, place, toml::de::DeTable::new())
        }
    };
    let profile = optional(reader, &table, "profile", |reader, value| {
        Some((value.text(reader)?, value.place.clone()))
    });
    let jitter_buffer =
        table.get(reader, "jitter_buffer").and_then(|value| jitter_buffer(reader, value));
    let nack = table.get(reader, "nack").and_then(|value| nack(reader, value));
    let asks_at = table.get(reader, "asks_at").and_then(|value| {
        let range = (Duration::ZERO, Duration::from_secs(24 * 60 * 60));
        let at = value.unit_between(reader, units::whole_millis, range, units::format_duration)?;
        Some((at, value.place))
    });
    Some(ViewerDraft {
        profile: profile?,
        jitter_buffer: jitter_buffer?,
        nack: nack?,
        asks_at: asks_at?,
    })
}

/// A duration, the fixed depth, or the bounds of one that adapts.
fn jitter_buffer(reader: &mut Reader, value: Value<'_>) -> Option<JitterBuffer> {
    let depth = |reader: &mut Reader, value: Value<'_>| {
        let range = (Duration::ZERO, Duration::from_secs(10));
        let depth =
            value.unit_between(reader, units::whole_micros, range, units::format_duration)?;
        u64::try_from(depth.as_micros()).ok()
    };
    if !value.is_table() {
        return depth(reader, value).map(|us| JitterBuffer { least_us: us, most_us: us });
    }
    let table = value.table(reader, &reference::JITTER_BUFFER)?;
    let mut bound = |key| {
        let value = table.get(reader, key)?;
        let place = value.place.clone();
        Some((depth(reader, value)?, place))
    };
    let (least, most) = (bound("least"), bound("most"));
    let ((least_us, place), (most_us, _)) = (least?, most?);
    if least_us > most_us {
        let ms = |us| units::format_duration(Duration::from_micros(us));
        let message = format!("`{}` is more than `most`, `{}`", ms(least_us), ms(most_us));
        let help = "give bounds such as `{ least = \"20ms\", most = \"500ms\" }`, or one duration if the depth is fixed";
        reader.refuse(Rank::Value, &place, &message, "beyond `most`", help);
        return None;
    }
    Some(JitterBuffer { least_us, most_us })
}

fn nack(reader: &mut Reader, value: Value<'_>) -> Option<Option<Nack>> {
    if value.as_text().is_some() {
        return value.one_of(reader, &[("none", ())]).map(|()| None);
    }
    let table = value.table(reader, &reference::NACK)?;
    let interval = table.get(reader, "interval").and_then(|value| {
        let range = (Duration::from_millis(1), Duration::from_secs(1));
        value.unit_between(reader, units::whole_micros, range, units::format_duration)
    });
    let tries = table.get(reader, "tries").and_then(|value| value.whole(reader, 1..=100));
    let tries = u16::try_from(tries?).ok()?;
    Some(Some(Nack { interval: interval?, tries }))
}

/// The camera, if the device can film and encode what is asked of it. A ceiling that was not given
/// is at most the device's.
fn suits_camera(
    reader: &mut Reader,
    profile: &Profile,
    draft: CameraDraft,
    replacement: Option<&Replacement>,
) -> Option<CameraUse> {
    let CameraDraft { profile: (_, named), mut camera, limited, .. } = draft;
    let device = &profile.name;
    let Some(ability) = &profile.camera else {
        let message = by(replacement, format!("the device `{device}` cannot be a camera"));
        reader.refuse(
            Rank::Value,
            &named,
            &message,
            &lacks(replacement, "camera"),
            "name a profile with `[camera]`, such as `esp32-p4`",
        );
        return None;
    };
    let (config, limits) = (&mut camera.config, &ability.encoder);
    let size = config.size();
    let largest = limits.largest_picture.value;
    let mut sound = Some(());
    let mut refuse = |key: &str, asked: String, most: String| {
        sound = None;
        let Some((_, place)) = limited.iter().find(|(name, _)| *name == key) else { return };
        let message = by(replacement, format!("{asked} is beyond the device `{device}`"));
        reader.refuse(
            Rank::Value,
            place,
            &message,
            "too much for it",
            format!("its encoder takes up to {most}: ask for less, or name another profile"),
        );
    };
    if size.width > largest.width || size.height > largest.height {
        refuse("size", format!("a picture of {size}"), largest.to_string());
    }
    let most = limits.most_frames_per_second.value;
    if config.frames_per_second > most {
        let asked = format!("a rate of {} frames per second", config.frames_per_second);
        refuse("frames_per_second", asked, format!("{most} frames per second"));
    }
    let most = limits.most_bit_rate.value;
    if config.bit_rate_bps > most {
        let asked = units::format_bits_per_second(config.bit_rate_bps);
        refuse("bit_rate", asked, units::format_bits_per_second(most));
    }
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

/// What stands at the place where a device is named that lacks an ability.
fn lacks(replacement: Option<&Replacement>, ability: &str) -> String {
    match replacement {
        Some(Replacement { profile, .. }) => {
            format!("replaced by `{}`, which has no `[{ability}]` in its profile", profile.name)
        }
        None => format!("has no `[{ability}]` in its profile"),
    }
}

/// A message about a device, with who put it there if it was not the scenario.
fn by(replacement: Option<&Replacement>, message: String) -> String {
    match replacement {
        Some(Replacement { by, .. }) => format!("{message}, put here by `{by}`"),
        None => message,
    }
}
