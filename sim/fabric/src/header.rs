//! What a scenario is in its record.

use crate::plan::ProfiledDevice;
use parallax_media::Clip;
use parallax_peer::{Work, media_size};
use parallax_record::{
    CameraHeader, Clock, ConfiguredTime, DeviceRole, FORMAT, Header, MediaMode, PeerHeader,
    ProfileUse, SCHEMA, StageTimes,
};
use parallax_scenario::{CameraUse, ClipUse, Peer, Scenario, units::Size};
use parallax_spec::micros;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The header of the record of a run of `scenario` on `clock`. `version` is Parallax's.
pub fn header(scenario: &Scenario, seed: u64, version: &str, clock: Clock) -> Header {
    Header {
        format: FORMAT.to_owned(),
        schema: SCHEMA,
        parallax_version: version.to_owned(),
        scenario: scenario.id.clone(),
        scenario_file: Some(scenario.file.clone()),
        title: scenario.title.clone(),
        why: scenario.why.clone(),
        seed,
        repeat: None,
        clock,
        duration_us: micros(scenario.duration),
        media_mode: scenario.media,
        sites: scenario.sites.clone(),
        services: scenario.services.addresses(),
        peers: scenario.peers.iter().map(|it| peer(it, scenario)).collect(),
        streams: scenario.streams(),
        events: scenario.events.clone(),
        checks: scenario.checks.clone(),
    }
}

fn peer(peer: &Peer, scenario: &Scenario) -> PeerHeader {
    // No boot time depends on a picture; a profile may say so all the same.
    let picture = peer.camera.as_ref().map_or(Size { width: 1, height: 1 }, |c| c.config.size());
    PeerHeader {
        name: peer.name.clone(),
        site: peer.site.clone(),
        address: Some(peer.address),
        profile: ProfileUse {
            name: peer.profile.name.clone(),
            sha256: hex::encode(Sha256::digest(peer.profile.text.as_bytes())),
        },
        browser: None,
        program: None,
        boot_us: micros(peer.profile.boot_time.typical(picture)),
        ice: Some(peer.ice),
        camera: peer.camera.as_ref().map(|it| camera(it, scenario.media)),
        viewer: peer.viewer.clone(),
        stages: Some(stages(&ProfiledDevice::of(scenario, peer), peer)),
    }
}

fn stages(device: &ProfiledDevice, peer: &Peer) -> StageTimes {
    StageTimes::from_fn(|stage, role| {
        let plays = match role {
            DeviceRole::Camera => peer.camera.is_some(),
            DeviceRole::Viewer => peer.viewer.is_some(),
        };
        let (typical, longest) =
            device.typical_and_longest(Work::Stage(stage)).filter(|_| plays)?;
        Some(ConfiguredTime { typical_us: micros(typical), longest_us: micros(longest) })
    })
}

fn camera(camera: &CameraUse, media: MediaMode) -> CameraHeader {
    CameraHeader {
        camera: camera.config.clone(),
        clip_sha256: clip_sha256(&camera.clip, camera.config.size(), media),
        recorded_bps: match media {
            MediaMode::Live => None,
            MediaMode::Prerecorded => camera.recorded_bits_per_second(),
        },
    }
}

fn clip_sha256(clip: &ClipUse, size: Size, media: MediaMode) -> String {
    match (clip, media) {
        // Held against the file when it was read.
        (ClipUse::Own(clip), _) => clip.manifest().sha256.clone(),
        (ClipUse::Film(film), _) => film.sha256.clone(),
        (ClipUse::Builtin(name), MediaMode::Live) => builtin_sha256(name, size),
        (ClipUse::Builtin(_), MediaMode::Prerecorded) => {
            let size = media_size(size).ok();
            let bytes = size.and_then(|size| crate::clips::recorded(clip, size).ok());
            hex::encode(Sha256::digest(bytes.unwrap_or_default()))
        }
    }
}

/// Of the file, or of the pictures that the scene shows at 0 s and at 1 s.
fn builtin_sha256(name: &str, size: Size) -> String {
    let mut hash = Sha256::new();
    if let Ok(size) = media_size(size) {
        if let Some(clip) = Clip::builtin(name, size) {
            hash.update(clip.annex_b);
        } else if let Ok(scene) = Clip::open(name, size) {
            for second in [0, 1] {
                let picture = scene.frame_at(Duration::from_secs(second));
                hash.update([picture.y(), picture.u(), picture.v()].concat());
            }
        }
    }
    hex::encode(hash.finalize())
}
