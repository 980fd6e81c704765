//! The header of a run's record: the scenario, complete, in the record's words.

use crate::TICK;
use parallax_media::Clip;
use parallax_network::{
    Behaviour, GatewayConfig, LinkConfig, Loss, PortAssignment, QueueLimit as Queue,
};
use parallax_record as record;
use parallax_record::{Clock, FORMAT, Header, SCHEMA};
use parallax_scenario::{Camera, Peer, Scenario, Services, Site};
use sha2::{Digest, Sha256};
use std::{net::Ipv4Addr, time::Duration};

/// Where STUN and TURN listen, UDP (RFC 8489 section 2).
pub(crate) const STUN_PORT: u16 = 3478;
/// Where the rendezvous listens, TCP.
pub(crate) const RENDEZVOUS_PORT: u16 = 80;

/// What the record of a run of `scenario` with `seed` begins with. `version` is that of the
/// command that runs it.
pub fn header(scenario: &Scenario, seed: u64, version: &str) -> Header {
    Header {
        format: FORMAT.to_owned(),
        schema: SCHEMA,
        parallax_version: version.to_owned(),
        scenario: scenario.id.clone(),
        title: scenario.title.clone(),
        why: scenario.why.clone(),
        seed,
        clock: Clock::Virtual { tick_us: micros(TICK) },
        duration_us: micros(scenario.duration),
        media_mode: scenario.media,
        congestion_control: scenario
            .peers
            .iter()
            .find_map(|peer| peer.camera.as_ref())
            .map_or(record::CongestionControl::None, |camera| camera.congestion_control),
        sites: scenario.sites.iter().map(site).collect(),
        services: services(&scenario.services),
        peers: scenario.peers.iter().map(peer).collect(),
        streams: scenario.streams(),
        checks: scenario.checks.clone(),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn site(site: &Site) -> record::SiteHeader {
    let access = site.config.internet.as_ref();
    record::SiteHeader {
        name: site.name.clone(),
        lan: site.network.to_string(),
        gateway: site.config.gateway.as_ref().map(|config| gateway(config, site.config.external)),
        up: access.map(|access| link(&access.up)),
        down: access.map(|access| link(&access.down)),
    }
}

fn gateway(config: &GatewayConfig, external: Ipv4Addr) -> record::GatewayHeader {
    record::GatewayHeader {
        external: external.to_string(),
        mapping: behaviour(config.mapping).to_owned(),
        filtering: behaviour(config.filtering).to_owned(),
        ports: match config.ports {
            PortAssignment::Preserving => "preserving",
            PortAssignment::Random => "random",
        }
        .to_owned(),
        mapping_timeout_us: micros(config.mapping_timeout),
        hairpinning: config.hairpinning,
    }
}

fn behaviour(behaviour: Behaviour) -> &'static str {
    match behaviour {
        Behaviour::EndpointIndependent => "endpoint-independent",
        Behaviour::AddressDependent => "address-dependent",
        Behaviour::AddressAndPortDependent => "address-and-port-dependent",
    }
}

fn link(config: &LinkConfig) -> record::LinkHeader {
    let (mean, burst) = match config.loss {
        Loss::None => (0.0, 1.0),
        Loss::Independent { probability } => (probability, 1.0),
        Loss::Burst { mean, burst } => (mean, burst),
    };
    record::LinkHeader {
        capacity_bps: config.capacity.map(|capacity| capacity.bits_per_second()),
        one_way_delay_us: micros(config.one_way_delay),
        delay_variation_us: micros(config.delay_variation),
        loss_mean_ppm: libm::round(mean * 1e6) as u64,
        loss_burst_millipackets: libm::round(burst * 1e3) as u64,
        queue: match config.queue {
            Queue::Unlimited => record::QueueLimit::Unlimited,
            Queue::Bytes(bytes) => record::QueueLimit::Bytes { bytes },
            Queue::Packets(packets) => record::QueueLimit::Packets { packets: packets.into() },
            Queue::Time(limit) => record::QueueLimit::Time { limit_us: micros(limit) },
        },
    }
}

fn services(services: &Services) -> Vec<record::ServiceHeader> {
    let at = |name: &str, address: Option<Ipv4Addr>, port: u16| {
        address.map(|address| record::ServiceHeader {
            name: name.to_owned(),
            kind: name.to_owned(),
            address: format!("{address}:{port}"),
        })
    };
    [
        at("stun", services.stun, STUN_PORT),
        at("turn", services.turn, STUN_PORT),
        at("rendezvous", services.rendezvous, RENDEZVOUS_PORT),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn peer(peer: &Peer) -> record::PeerHeader {
    record::PeerHeader {
        name: peer.name.clone(),
        site: peer.site.clone(),
        profile: record::ProfileUse {
            name: peer.profile.name.clone(),
            sha256: sha256(peer.profile.text.as_bytes()),
        },
        boot_us: micros(peer.profile.boot_time.distribution.typical()),
        camera: peer.camera.as_ref().map(camera),
        jitter_buffer_us: peer.viewer.as_ref().map(|viewer| micros(viewer.jitter_buffer)),
    }
}

fn camera(camera: &Camera) -> record::CameraHeader {
    let video = &camera.video;
    record::CameraHeader {
        clip: video.clip.clone(),
        clip_sha256: Clip::builtin(&video.clip).map_or_else(String::new, |c| sha256(c.annex_b)),
        width_px: video.size.width.into(),
        height_px: video.size.height.into(),
        frames_per_second: video.frames_per_second,
        bit_rate_bps: video.bit_rate_bits_per_second,
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
