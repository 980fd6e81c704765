//! Reading peers: cameras and viewers.

use super::{
    camera::{self, CameraDraft},
    ice,
    viewer::{self, ViewerDraft},
};
use crate::{
    clip::Clips,
    error::Rank,
    files::{self, Profiles},
    key::{keys, said},
    profile::Profile,
    replacement::{Replacements, by, lacks},
    scenario::CameraUse,
    synonyms::{instead, quoted},
    table::{Place, Reader, Table, Value},
    units::shown,
};
use core::net::Ipv4Addr;
use parallax_spec::{Ice, MediaMode, ServiceKind, Viewer};

keys! {
    PEER: "[peer.NAME]" {
        /// Where it stands.
        site: said("name of a site");
        /// It is a camera.
        camera: said("table"), absent "no camera";
        /// It is a viewer of these.
        views: said("array of names of cameras"), absent "no viewer";
        /// How it views.
        viewer: said("table"), absent "its defaults";
        /// Its address.
        address: said("IPv4 address"), absent "the next free one of its site's network";
        /// Settings of its ICE agent (RFC 8445).
        ice: said("table"), absent "its defaults";
    }
}

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

fn peer(
    reader: &mut Reader,
    name: String,
    value: Value<'_>,
    (clips, media): (&mut Clips<'_>, Option<MediaMode>),
    replacements: &Replacements,
) -> Option<PeerDraft> {
    free_name(reader, &name, &value.place)?;
    let table = value.table(reader, &PEER)?;
    let (site, address) = (table.read(reader, "site"), table.read(reader, "address"));
    let camera =
        table.read_by(reader, "camera", |reader, value| camera::read(reader, value, clips, media));
    let views = table.read_by(reader, "views", views);
    let viewer = viewer::read(reader, &table);
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
        Some(draft) => Some(camera::suits(reader, &profile, draft, replacement)?),
        None => None,
    };
    if views.is_some() && profile.viewer.is_none() {
        let place = viewer_profile.map_or_else(|| table.place.clone(), |(_, place)| place);
        let message = by(replacement, format!("the device `{}` cannot be a viewer", profile.name));
        return reader.refuse(
            Rank::Value,
            &place,
            &message,
            &lacks(replacement, "viewer"),
            "name a profile with `[viewer]`, such as `phone`",
        );
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
    reader.refuse(Rank::Value, place, message, "taken", help)
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
        return reader.refuse(
            Rank::Missing,
            &table.place,
            "it is neither camera nor viewer",
            "no `camera`, no `views`",
            help,
        );
    }
    if !views && let Some(place) = table.place_of("viewer") {
        let help = "add `views = [\"NAME\"]`, or remove `viewer`";
        return reader.refuse(
            Rank::Missing,
            &place,
            "it views nothing",
            "a viewer without `views`",
            help,
        );
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
        return reader.refuse(Rank::Whole, place, &message, &format!("not `{camera}`"), help);
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
            reader.refuse(Rank::Value, &place, &message, "not a profile", "name another file")
        }
        None => {
            let names = profiles.names();
            let names = || names.iter().map(String::as_str);
            let own = "or name one of your own, such as `my-own.toml`";
            let help = instead(&name, names(), &format!("there are: {}; {own}", quoted(names())));
            let message = format!("there is no device profile {}", shown(&name));
            reader.refuse(Rank::Value, &place, &message, "not a profile", help)
        }
    }
}

fn views(reader: &mut Reader, value: Value<'_>) -> Option<(Vec<String>, Vec<Place>)> {
    let place = value.place.clone();
    let mut names: Vec<String> = Vec::new();
    let mut places = Vec::new();
    for item in value.items(reader)? {
        let name = item.text(reader)?;
        if names.contains(&name) {
            return item.refuse(
                reader,
                &format!("{} stands here twice", shown(&name)),
                "again",
                "remove it",
            );
        }
        names.push(name);
        places.push(item.place);
    }
    if names.is_empty() {
        let help = "name one or more cameras, such as `[\"doorbell\"]`, or remove `views`";
        return reader.refuse(Rank::Value, &place, "it views nothing", "empty", help);
    }
    Some((names, places))
}
