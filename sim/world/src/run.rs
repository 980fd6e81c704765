//! A scenario as a world: sites, services, and peers with the software under test.

use crate::{
    clips,
    error::WorldError,
    host::{Device, SimHost},
    script,
    services::{self, Placed, RENDEZVOUS_PORT, secret},
    simulate::{Guards, simulate},
    world::{Outcome, Sinks, Watch, World},
};
use parallax_network::{HostId, Network, SiteId};
use parallax_peer::{
    Stage,
    camera::{self, CameraConfig, Signalling, VideoConfig},
    viewer::{self, Nack, Source, View, ViewerConfig},
};
use parallax_record::{CongestionControl, MediaMode};
use parallax_scenario::{Camera, Peer, Profile, Scenario, Viewer, units::Size};
use parallax_signalling::Token;
use rand_chacha::ChaCha8Rng;
use std::{
    collections::BTreeMap,
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// Runs a scenario, from power on of all peers at time zero to its duration.
///
/// One process serves one run, see [`simulate`].
///
/// # Errors
/// If the world cannot be made, or a peer's code fails as code (not as a peer: that is for the
/// verdict).
pub fn run(
    scenario: &Scenario,
    seed: u64,
    guards: Guards,
    sinks: Sinks<'_>,
) -> Result<Outcome, WorldError> {
    run_watched(scenario, seed, guards, sinks, Box::new(|_| ()))
}

/// As [`run`], and tells `watch` at the beginning of each step how far the run has come.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    scenario: &Scenario,
    seed: u64,
    guards: Guards,
    sinks: Sinks<'_>,
    watch: Watch<'_>,
) -> Result<Outcome, WorldError> {
    let sources = sources(scenario)?;
    simulate(seed, guards, move || {
        let mut network = Network::new(seed);
        let hosts = place_peers(scenario, &mut network)?;
        let Placed { hosted, kinds, rendezvous } = services::place(scenario, seed, &mut network)?;
        let mut world = World::new(seed, network, Box::new(hosted), kinds, sinks)?;
        world.watch(watch);
        #[cfg(feature = "guards-off")]
        if !guards.map_order {
            world.plant_hash_map();
        }
        let addresses = scenario.peers.iter().map(|peer| (peer.name.clone(), peer.address));
        let setting = Setting { seed, sources, rendezvous, addresses: addresses.collect() };
        for (peer, host) in scenario.peers.iter().zip(hosts) {
            let software = Software {
                camera: peer
                    .camera
                    .as_ref()
                    .map(|camera| setting.camera(peer, camera))
                    .transpose()?,
                viewer: peer
                    .viewer
                    .as_ref()
                    .map(|viewer| setting.viewer(peer, viewer))
                    .transpose()?,
            };
            let device = Arc::new(ProfiledDevice {
                profile: peer.profile.clone(),
                pictures: pictures(scenario, peer),
            });
            world.add_peer(host, device, move |host| {
                let software = software.clone();
                async move {
                    #[cfg(feature = "guards-off")]
                    if let Some(plant) = guards.plant.filter(|plant| plant.seed == seed) {
                        crate::plant::spring(&host, plant.fault);
                    }
                    software.run(host).await;
                }
            });
        }
        script::run(&mut world, scenario)?;
        Ok(world.finish())
    })?
}

pub(crate) fn cameras(scenario: &Scenario) -> impl Iterator<Item = (&Peer, &Camera)> {
    scenario.peers.iter().filter_map(|peer| Some((peer, peer.camera.as_ref()?)))
}

/// Each camera's source, by the camera's name.
fn sources(scenario: &Scenario) -> Result<BTreeMap<String, Source>, WorldError> {
    // The only mode there is; another one has to come with its own way.
    let MediaMode::Live = scenario.media;
    let open = |(peer, camera): (&Peer, &Camera)| {
        let video = &camera.video;
        let clip = clips::open(&video.clip, video.size)?;
        let frames_per_second = narrow(video.frames_per_second, "frames_per_second")?;
        Ok((peer.name.clone(), Source { clip: Arc::new(clip), frames_per_second }))
    };
    cameras(scenario).map(open).collect()
}

fn place_peers(scenario: &Scenario, network: &mut Network) -> Result<Vec<HostId>, WorldError> {
    let mut sites: BTreeMap<&str, SiteId> = BTreeMap::new();
    for site in &scenario.sites {
        sites.insert(&site.name, network.add_site(&site.name, site.config.clone())?);
    }
    let place = |peer: &Peer| {
        let site = sites.get(peer.site.as_str()).ok_or_else(|| WorldError::NoSuchSite {
            peer: peer.name.clone(),
            site: peer.site.clone(),
        })?;
        Ok(network.add_host(&peer.name, *site, peer.address)?)
    };
    scenario.peers.iter().map(place).collect()
}

/// What peers are configured from.
struct Setting {
    seed: u64,
    sources: BTreeMap<String, Source>,
    /// None: each camera is its own.
    rendezvous: Option<SocketAddr>,
    /// Where each peer is.
    addresses: BTreeMap<String, Ipv4Addr>,
}

impl Setting {
    fn camera(&self, peer: &Peer, camera: &Camera) -> Result<CameraConfig, WorldError> {
        // The only kind there is; another one has to be handed to the camera.
        let CongestionControl::None = camera.congestion_control;
        let video = &camera.video;
        let source = self.source(&peer.name)?;
        let pacer = camera.pacer_bits_per_second.map(|rate| narrow(rate, "pacer")).transpose()?;
        Ok(CameraConfig {
            name: peer.name.clone(),
            token: self.token(&peer.name),
            signalling: match self.rendezvous {
                Some(at) => Signalling::Rendezvous(at),
                None => Signalling::Own(own_rendezvous(peer.address)),
            },
            video: VideoConfig {
                clip: Arc::clone(&source.clip),
                size: media_size(video.size)?,
                frames_per_second: source.frames_per_second,
                bit_rate_bps: narrow(video.bit_rate_bits_per_second, "bit_rate")?,
                key_frame_interval: video.key_frame_interval_frames,
                skip_frames: video.skip_frames,
            },
            pacer_bps: pacer,
        })
    }

    fn viewer(&self, peer: &Peer, viewer: &Viewer) -> Result<ViewerConfig, WorldError> {
        let view = |camera: &String| {
            let at = self.addresses.get(camera).copied().map(own_rendezvous);
            let rendezvous = self.rendezvous.or(at);
            Ok(View {
                camera: camera.clone(),
                token: self.token(camera),
                rendezvous: rendezvous
                    .ok_or_else(|| WorldError::NoSuchCamera { camera: camera.clone() })?,
                source: Some(self.source(camera)?.clone()),
            })
        };
        let nack = viewer.nack.map(|nack| {
            Ok::<_, WorldError>(Nack {
                interval: nack.interval,
                tries: narrow(nack.tries, "tries")?,
            })
        });
        Ok(ViewerConfig {
            name: peer.name.clone(),
            views: viewer.cameras.iter().map(view).collect::<Result<_, WorldError>>()?,
            jitter_buffer: viewer.jitter_buffer,
            nack: nack.transpose()?,
        })
    }

    fn source(&self, camera: &str) -> Result<&Source, WorldError> {
        self.sources
            .get(camera)
            .ok_or_else(|| WorldError::NoSuchCamera { camera: camera.to_owned() })
    }

    /// The secret of a camera, which its viewers know.
    fn token(&self, camera: &str) -> Token {
        Token::new(secret(self.seed, &services::token(camera)))
    }
}

/// Where a camera at `address` is its own rendezvous.
fn own_rendezvous(address: Ipv4Addr) -> SocketAddr {
    (address, RENDEZVOUS_PORT).into()
}

/// What runs on a peer's host.
#[derive(Clone)]
struct Software {
    camera: Option<CameraConfig>,
    viewer: Option<ViewerConfig>,
}

impl Software {
    async fn run(self, host: SimHost) {
        let camera_host = host.clone();
        let camera = async {
            match self.camera {
                Some(config) => camera::run(camera_host, config).await,
                None => pending().await,
            }
        };
        let viewer = async {
            match self.viewer {
                Some(config) => viewer::run(host, config).await,
                None => pending().await,
            }
        };
        // Both run for ever; if one ends, that is the end of the peer's software.
        futures::future::select(Box::pin(camera), Box::pin(viewer)).await;
    }
}

/// A device as its profile describes it.
struct ProfiledDevice {
    profile: Profile,
    pictures: Pictures,
}

/// The sizes that a peer's stages work on.
#[derive(Clone, Copy)]
struct Pictures {
    /// As a camera.
    filmed: Size,
    /// As a viewer: the largest.
    viewed: Size,
}

impl Device for ProfiledDevice {
    fn boot_time(&self, random: &mut ChaCha8Rng) -> Duration {
        self.profile.boot_time.sample(self.pictures.filmed, random)
    }

    fn stage_time(&self, stage: Stage, random: &mut ChaCha8Rng) -> Duration {
        let camera = self.profile.camera.as_ref();
        let viewer = self.profile.viewer.as_ref();
        let Pictures { filmed, viewed } = self.pictures;
        let (time, size) = match stage {
            Stage::Capture => (camera.map(|camera| &camera.capture), filmed),
            Stage::Encode => (camera.map(|camera| &camera.encode), filmed),
            Stage::Decode => (viewer.map(|viewer| &viewer.decode), viewed),
            Stage::Render => (viewer.map(|viewer| &viewer.render), viewed),
        };
        // A scenario gives no role to a device that lacks the ability.
        time.map_or(Duration::ZERO, |time| time.sample(size, random))
    }
}

fn pictures(scenario: &Scenario, peer: &Peer) -> Pictures {
    // No stage works on what a peer has not.
    const NONE: Size = Size { width: 1, height: 1 };
    let size_of = |peer: &Peer| peer.camera.as_ref().map(|camera| camera.video.size);
    let viewed = peer.viewer.iter().flat_map(|viewer| &viewer.cameras);
    let viewed = viewed.filter_map(|name| size_of(scenario.peer(name)?));
    Pictures {
        filmed: size_of(peer).unwrap_or(NONE),
        viewed: viewed.max_by_key(|size| size.pixels()).unwrap_or(NONE),
    }
}

pub(crate) fn media_size(size: Size) -> Result<parallax_media::Size, WorldError> {
    let (width, height) = (narrow(size.width, "size")?, narrow(size.height, "size")?);
    Ok(parallax_media::Size { width, height })
}

/// Numbers of a scenario may be larger than a peer takes.
fn narrow<T: TryFrom<U>, U: Copy + std::fmt::Display>(
    value: U,
    key: &'static str,
) -> Result<T, WorldError> {
    T::try_from(value).map_err(|_| WorldError::TooLarge { key, value: value.to_string() })
}
