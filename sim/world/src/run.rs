//! A scenario as a world: sites, services, and peers with the software under test.

use crate::{
    capture::CaptureSink,
    error::WorldError,
    host::{Device, SimHost},
    script,
    services::{self, Placed, RENDEZVOUS_PORT, secret},
    simulate::{Guards, simulate},
    world::{Outcome, Sinks, Watch, World},
};
use parallax_media::{Clip, ClipError, Recording};
use parallax_network::{HostId, Network, SiteId};
use parallax_peer::{
    Stage,
    camera::{self, CameraConfig, Encoding, Media, Signalling, VideoConfig},
    viewer::{self, Nack, Playing, Source, View, ViewerConfig},
};
use parallax_record::MediaMode;
use parallax_scenario::{
    Camera, ClipUse, CongestionControl, OwnClip, Peer, Profile, Scenario, ScenarioErrors, Viewer,
    clip::Flaw, units::Size,
};
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
    run_watched(scenario, seed, guards, sinks, Box::new(|_| ()), None)
}

/// As [`run`], and tells `watch` at the beginning of each step how far the run has come. Every packet
/// is written to `capture`, if there is one, as a pcapng file; that changes nothing of the run.
///
/// # Errors
/// As [`run`]; and if the capture is not taken.
pub fn run_watched(
    scenario: &Scenario,
    seed: u64,
    guards: Guards,
    sinks: Sinks<'_>,
    watch: Watch<'_>,
    capture: Option<CaptureSink<'_>>,
) -> Result<Outcome, WorldError> {
    let films = films(scenario)?;
    simulate(seed, guards, move || {
        let mut network = Network::new(seed);
        let hosts = place_peers(scenario, &mut network)?;
        let Placed { hosted, kinds, rendezvous } = services::place(scenario, seed, &mut network)?;
        let mut world = World::new(seed, network, Box::new(hosted), kinds, sinks)?;
        world.watch(watch);
        if let Some(capture) = capture {
            world.capture(capture)?;
        }
        #[cfg(feature = "guards-off")]
        if !guards.map_order {
            world.plant_hash_map();
        }
        let addresses = scenario.peers.iter().map(|peer| (peer.name.clone(), peer.address));
        let setting = Setting { seed, films, rendezvous, addresses: addresses.collect() };
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

/// Whether the clips that users brought for a scenario are what their manifests say: decodes each
/// once, which [`run`] does for itself, and trusts those that come with Parallax.
///
/// # Errors
/// With what is wrong with the first of them, told in its manifest.
pub fn check(scenario: &Scenario) -> Result<(), ScenarioErrors> {
    let mut checked: Vec<&OwnClip> = Vec::new();
    for (_, camera) in cameras(scenario) {
        if let ClipUse::Own(clip) = &camera.video.clip
            && !checked.contains(&clip)
        {
            sound(clip, scenario.media).map_err(|error| clip.manifest().flawed(&flaw(error)))?;
            checked.push(clip);
        }
    }
    Ok(())
}

fn sound(clip: &OwnClip, media: MediaMode) -> Result<(), WorldError> {
    let manifest = clip.manifest();
    Clip::check(clip.annex_b(), media_size(manifest.size)?, manifest.frames as usize)?;
    if media == MediaMode::Prerecorded {
        Recording::from_annex_b(clip.annex_b())?;
    }
    Ok(())
}

fn flaw(error: WorldError) -> Flaw {
    match error {
        WorldError::Clip(ClipError::Size(error)) => Flaw::ImpossibleSize(error.to_string()),
        WorldError::Clip(ClipError::OtherSize { frame, found }) => {
            let found = Size { width: found.width.into(), height: found.height.into() };
            Flaw::Size { frame, found }
        }
        WorldError::Clip(ClipError::OtherLength { found }) => Flaw::Frames(found),
        error => Flaw::Stream(error.to_string()),
    }
}

fn cameras(scenario: &Scenario) -> impl Iterator<Item = (&Peer, &Camera)> {
    scenario.peers.iter().filter_map(|peer| Some((peer, peer.camera.as_ref()?)))
}

/// Where a camera's frames come from.
enum Film {
    Live(Source),
    Prerecorded(Recording),
}

/// Each camera's, by the camera's name.
fn films(scenario: &Scenario) -> Result<BTreeMap<String, Film>, WorldError> {
    let open = |(peer, camera): (&Peer, &Camera)| {
        let (clip, size) = (&camera.video.clip, media_size(camera.video.size)?);
        let film = match scenario.media {
            MediaMode::Live => Film::Live(Source {
                clip: Arc::new(open(clip, size)?),
                frames_per_second: frames_per_second(camera)?,
            }),
            MediaMode::Prerecorded => {
                Film::Prerecorded(Recording::from_annex_b(recorded(clip, size)?)?)
            }
        };
        Ok((peer.name.clone(), film))
    };
    cameras(scenario).map(open).collect()
}

/// The stream that stands in for an encoder's.
pub(crate) fn recorded(clip: &ClipUse, size: parallax_media::Size) -> Result<&[u8], WorldError> {
    match clip {
        ClipUse::Builtin(name) => Recording::builtin(name, size)
            .map(|recording| recording.annex_b)
            .ok_or_else(|| WorldError::NotRecorded { clip: name.clone(), size: size.to_string() }),
        ClipUse::Own(clip) => Ok(clip.annex_b()),
    }
}

fn open(clip: &ClipUse, size: parallax_media::Size) -> Result<Clip, ClipError> {
    match clip {
        ClipUse::Builtin(name) => Clip::open(name, size),
        ClipUse::Own(clip) => {
            Clip::from_annex_b(clip.annex_b(), clip.manifest().frames_per_second, size)
        }
    }
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
    films: BTreeMap<String, Film>,
    /// None: each camera is its own.
    rendezvous: Option<SocketAddr>,
    /// Where each peer is.
    addresses: BTreeMap<String, Ipv4Addr>,
}

impl Setting {
    fn camera(&self, peer: &Peer, camera: &Camera) -> Result<CameraConfig, WorldError> {
        let video = &camera.video;
        let media = match self.film(&peer.name)? {
            Film::Live(source) => Media::Live(Encoding {
                clip: Arc::clone(&source.clip),
                size: media_size(video.size)?,
                bit_rate_bps: narrow(video.bit_rate_bits_per_second, "bit_rate")?,
                key_frame_interval: video.key_frame_interval_frames,
                skip_frames: video.skip_frames,
            }),
            Film::Prerecorded(recording) => Media::Prerecorded(recording.clone()),
        };
        let pacer = camera.pacer_bits_per_second.map(|rate| narrow(rate, "pacer")).transpose()?;
        Ok(CameraConfig {
            name: peer.name.clone(),
            token: self.token(&peer.name),
            signalling: match self.rendezvous {
                Some(at) => Signalling::Rendezvous(at),
                None => Signalling::Own(own_rendezvous(peer.address)),
            },
            video: VideoConfig { frames_per_second: frames_per_second(camera)?, media },
            pacer_bps: pacer,
            congestion_control: congestion_control(camera.congestion_control)?,
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
                playing: match self.film(camera)? {
                    Film::Live(source) => Playing::Decodes(Some(source.clone())),
                    Film::Prerecorded(_) => Playing::Assumes,
                },
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

    fn film(&self, camera: &str) -> Result<&Film, WorldError> {
        self.films.get(camera).ok_or_else(|| WorldError::NoSuchCamera { camera: camera.to_owned() })
    }

    /// The secret of a camera, which its viewers know.
    fn token(&self, camera: &str) -> Token {
        Token::new(secret(self.seed, &services::token(camera)))
    }
}

fn congestion_control(
    chosen: CongestionControl,
) -> Result<Option<camera::CongestionControl>, WorldError> {
    Ok(match chosen {
        CongestionControl::None => None,
        CongestionControl::Gcc { floor_bits_per_second, ceiling_bits_per_second } => {
            Some(camera::CongestionControl {
                floor_bps: narrow(floor_bits_per_second, "floor")?,
                ceiling_bps: narrow(ceiling_bits_per_second, "ceiling")?,
            })
        }
    })
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

fn frames_per_second(camera: &Camera) -> Result<u16, WorldError> {
    narrow(camera.video.frames_per_second, "frames_per_second")
}

/// Numbers of a scenario may be larger than a peer takes.
fn narrow<T: TryFrom<U>, U: Copy + std::fmt::Display>(
    value: U,
    key: &'static str,
) -> Result<T, WorldError> {
    T::try_from(value).map_err(|_| WorldError::TooLarge { key, value: value.to_string() })
}
