//! What a scenario is in its record.

use crate::{
    plan::ProfiledDevice,
    services::{RENDEZVOUS_PORT, STUN_PORT},
};
use parallax_media::Clip;
use parallax_network::{
    Behaviour, Capacity, GatewayConfig, LinkConfig, Loss, PortAssignment, QueueLimit, SiteConfig,
};
use parallax_peer::Work;
use parallax_record::{
    CameraHeader, Clock, ConfiguredTime, CongestionControl, DeviceRole, FORMAT, GatewayHeader,
    GccCamera, Header, LinkHeader, MediaMode, PeerHeader, ProfileUse, SCHEMA, ScriptedEvent,
    ServiceHeader, SiteHeader, StageTimes,
};
use parallax_scenario::{Action, Camera, ClipUse, Event, Peer, Scenario, Site, units::Size};
use sha2::{Digest, Sha256};
use std::{net::Ipv4Addr, time::Duration};

/// The header of the record of a run of `scenario` on `clock`. `version` is Parallax's.
pub fn header(scenario: &Scenario, seed: u64, version: &str, clock: Clock) -> Header {
    let places = scenario.services;
    let service = |kind: &str, at: Option<Ipv4Addr>, port: u16| {
        at.map(|at| ServiceHeader {
            name: kind.to_owned(),
            kind: kind.to_owned(),
            address: format!("{at}:{port}"),
            one_way_delay_us: if kind == "turn" { micros(places.turn_one_way_delay) } else { 0 },
        })
    };
    let services = [
        service("stun", places.stun, STUN_PORT),
        service("turn", places.turn, STUN_PORT),
        service("rendezvous", places.rendezvous, RENDEZVOUS_PORT),
    ];
    Header {
        format: FORMAT.to_owned(),
        schema: SCHEMA,
        parallax_version: version.to_owned(),
        scenario: scenario.id.clone(),
        title: scenario.title.clone(),
        why: scenario.why.clone(),
        seed,
        repeat: None,
        clock,
        duration_us: micros(scenario.duration),
        media_mode: scenario.media,
        congestion_control: congestion_control(scenario),
        sites: scenario.sites.iter().map(site).collect(),
        services: services.into_iter().flatten().collect(),
        peers: scenario.peers.iter().map(|it| peer(it, scenario)).collect(),
        streams: scenario.streams(),
        events: scenario.events.iter().map(event).collect(),
        checks: scenario.checks.clone(),
    }
}

fn congestion_control(scenario: &Scenario) -> CongestionControl {
    let gcc = |peer: &Peer| match peer.camera.as_ref()?.congestion_control {
        parallax_scenario::CongestionControl::None => None,
        parallax_scenario::CongestionControl::Gcc {
            floor_bits_per_second: floor_bps,
            ceiling_bits_per_second: ceiling_bps,
        } => Some(GccCamera { camera: peer.name.clone(), floor_bps, ceiling_bps }),
    };
    let cameras: Vec<_> = scenario.peers.iter().filter_map(gcc).collect();
    if cameras.is_empty() { CongestionControl::None } else { CongestionControl::Gcc { cameras } }
}

pub(crate) fn event(event: &Event) -> ScriptedEvent {
    let action = match &event.action {
        Action::Kill(service) => {
            parallax_record::Action::Kill { service: service.name().to_owned() }
        }
        Action::Restart(service) => {
            parallax_record::Action::Restart { service: service.name().to_owned() }
        }
        Action::PowerLoss { peer } => parallax_record::Action::PowerLoss { peer: peer.clone() },
        Action::ChangeLink { site, direction, after, .. } => parallax_record::Action::ChangeLink {
            site: site.clone(),
            direction: *direction,
            link: link(after),
        },
        Action::RebootGateway { site } => {
            parallax_record::Action::RebootGateway { site: site.clone() }
        }
    };
    ScriptedEvent {
        name: event.name.clone(),
        at_us: micros(event.at),
        lasts_us: event.lasts.map(micros),
        action,
    }
}

fn site(site: &Site) -> SiteHeader {
    let SiteConfig { gateway: config, external, internet } = &site.config;
    SiteHeader {
        name: site.name.clone(),
        lan: site.network.to_string(),
        gateway: config.as_ref().map(|config| gateway(config, *external)),
        up: internet.as_ref().map(|access| link(&access.up)),
        down: internet.as_ref().map(|access| link(&access.down)),
    }
}

fn gateway(config: &GatewayConfig, external: Ipv4Addr) -> GatewayHeader {
    GatewayHeader {
        external: external.to_string(),
        mapping: behaviour(config.mapping),
        filtering: behaviour(config.filtering),
        ports: match config.ports {
            PortAssignment::Preserving => "preserving",
            PortAssignment::Random => "random",
        }
        .to_owned(),
        mapping_timeout_us: micros(config.mapping_timeout),
        hairpinning: config.hairpinning,
    }
}

fn behaviour(behaviour: Behaviour) -> String {
    match behaviour {
        Behaviour::EndpointIndependent => "endpoint-independent",
        Behaviour::AddressDependent => "address-dependent",
        Behaviour::AddressAndPortDependent => "address-and-port-dependent",
    }
    .to_owned()
}

fn link(config: &LinkConfig) -> LinkHeader {
    let (mean, burst) = match config.loss {
        Loss::None => (0.0, 1.0),
        Loss::Independent { probability } => (probability, 1.0),
        Loss::Burst { mean, burst } => (mean, burst),
    };
    LinkHeader {
        capacity_bps: config.capacity.map(Capacity::bits_per_second),
        one_way_delay_us: micros(config.one_way_delay),
        delay_variation_us: micros(config.delay_variation),
        reorder: config.reorder,
        // Both are finite and not negative.
        loss_mean_ppm: (mean * 1e6).round() as u64,
        loss_burst_millipackets: (burst * 1e3).round() as u64,
        queue: match config.queue {
            QueueLimit::Unlimited => parallax_record::QueueLimit::Unlimited,
            QueueLimit::Bytes(bytes) => parallax_record::QueueLimit::Bytes { bytes },
            QueueLimit::Packets(packets) => {
                parallax_record::QueueLimit::Packets { packets: packets.into() }
            }
            QueueLimit::Time(limit) => {
                parallax_record::QueueLimit::Time { limit_us: micros(limit) }
            }
        },
    }
}

fn peer(peer: &Peer, scenario: &Scenario) -> PeerHeader {
    // No boot time depends on a picture; a profile may say so all the same.
    let picture = peer.camera.as_ref().map_or(Size { width: 1, height: 1 }, |c| c.video.size);
    let buffer = peer.viewer.as_ref().map(|viewer| viewer.jitter_buffer.header());
    PeerHeader {
        name: peer.name.clone(),
        site: peer.site.clone(),
        profile: ProfileUse {
            name: peer.profile.name.clone(),
            sha256: hex::encode(Sha256::digest(peer.profile.text.as_bytes())),
        },
        browser: None,
        boot_us: micros(peer.profile.boot_time.typical(picture)),
        ice: Some(peer.ice),
        camera: peer.camera.as_ref().map(|it| camera(it, scenario.media)),
        jitter_buffer_us: buffer.map(|(most_us, _)| most_us),
        jitter_buffer_least_us: buffer.and_then(|(_, least_us)| least_us),
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

fn camera(camera: &Camera, media: MediaMode) -> CameraHeader {
    let video = &camera.video;
    let asked = video.bit_rate_bits_per_second;
    CameraHeader {
        clip: video.clip.name().to_owned(),
        clip_sha256: clip_sha256(&video.clip, video.size, media),
        width_px: video.size.width,
        height_px: video.size.height,
        frames_per_second: video.frames_per_second,
        bit_rate_bps: match media {
            MediaMode::Live => asked,
            MediaMode::Prerecorded => video.recorded_bits_per_second().unwrap_or(asked),
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
            let size = crate::plan::media_size(size).ok();
            let bytes = size.and_then(|size| crate::clips::recorded(clip, size).ok());
            hex::encode(Sha256::digest(bytes.unwrap_or_default()))
        }
    }
}

/// Of the file, or of the pictures that the scene shows at 0 s and at 1 s.
fn builtin_sha256(name: &str, size: Size) -> String {
    let mut hash = Sha256::new();
    if let Ok(size) = crate::plan::media_size(size) {
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

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
