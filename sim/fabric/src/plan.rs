//! A scenario's peers: where they stand, and what they are configured as.

use crate::{
    clips,
    error::SetupError,
    services::{self, secret},
};
use parallax_media::Recording;
use parallax_network::{HostId, Network, SiteId};
use parallax_peer::{
    Host, Work,
    camera::{self, CameraConfig, Media, Signalling},
    media_size,
    viewer::{self, Playing, View, ViewerConfig},
};
use parallax_record::{DeviceRole, MediaMode, SetupTask};
use parallax_scenario::{CameraUse, Peer, Profile, Scenario, StageTime, Viewer, units::Size};
use parallax_signalling::Token;
use parallax_spec::{Camera, RENDEZVOUS_PORT, SignallingProtocol};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::BTreeMap,
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

pub(crate) fn cameras(scenario: &Scenario) -> impl Iterator<Item = (&Peer, &CameraUse)> {
    scenario.peers.iter().filter_map(|peer| Some((peer, peer.camera.as_ref()?)))
}

/// What each camera films, by the camera's name.
///
/// # Errors
/// If a clip does not open.
pub fn films(scenario: &Scenario) -> Result<BTreeMap<String, Media>, SetupError> {
    let open = |(peer, camera): (&Peer, &CameraUse)| {
        let media = match scenario.media {
            MediaMode::Live => Media::Live(clips::open(camera)?),
            MediaMode::Prerecorded => Media::Prerecorded(Recording::from_annex_b(
                clips::recorded(&camera.clip, media_size(camera.config.size())?)?,
            )?),
        };
        Ok((peer.name.clone(), media))
    };
    cameras(scenario).map(open).collect()
}

/// Puts the sites and peers of a scenario into the network; gives the peers' hosts, in the order of the
/// scenario.
///
/// # Errors
/// If one cannot stand where it is to stand.
pub fn place_peers(scenario: &Scenario, network: &mut Network) -> Result<Vec<HostId>, SetupError> {
    let mut sites: BTreeMap<&str, SiteId> = BTreeMap::new();
    for site in &scenario.sites {
        sites.insert(&site.name, network.add_site(&site.name, site.config())?);
    }
    let place = |peer: &Peer| {
        let site = sites.get(peer.site.as_str()).ok_or_else(|| SetupError::NoSuchSite {
            peer: peer.name.clone(),
            site: peer.site.clone(),
        })?;
        Ok(network.add_host(&peer.name, *site, peer.address)?)
    };
    scenario.peers.iter().map(place).collect()
}

/// What peers are configured from.
#[derive(Debug)]
pub struct Setting {
    seed: u64,
    films: BTreeMap<String, Media>,
    /// None: each camera is its own.
    rendezvous: Option<SocketAddr>,
    /// Where each peer is.
    addresses: BTreeMap<String, Ipv4Addr>,
}

impl Setting {
    /// What the peers of `scenario` are configured from. Without `rendezvous`, each camera is its own.
    pub fn new(
        scenario: &Scenario,
        seed: u64,
        films: BTreeMap<String, Media>,
        rendezvous: Option<SocketAddr>,
    ) -> Self {
        let addresses = scenario.peers.iter().map(|peer| (peer.name.clone(), peer.address));
        Self { seed, films, rendezvous, addresses: addresses.collect() }
    }

    /// What runs on the host of `peer`.
    ///
    /// # Errors
    /// If a number is larger than a peer takes, or a camera is not there.
    pub fn software(&self, peer: &Peer) -> Result<Software, SetupError> {
        let camera = peer.camera.as_ref().map(|camera| self.camera(peer, &camera.config));
        let viewer = peer.viewer.as_ref().map(|viewer| self.viewer(peer, viewer));
        Ok(Software { camera: camera.transpose()?, viewer: viewer.transpose()? })
    }

    fn camera(&self, peer: &Peer, camera: &Camera) -> Result<CameraConfig, SetupError> {
        let config = CameraConfig {
            name: peer.name.clone(),
            token: self.token(&peer.name),
            signalling: match self.rendezvous {
                Some(at) if camera.signalling == SignallingProtocol::Whip => Signalling::Whip(at),
                Some(at) => Signalling::Rendezvous(at),
                None => Signalling::Own(own_rendezvous(peer.address)),
            },
            camera: camera.clone(),
            media: self.film(&peer.name)?.clone(),
            ice: peer.ice,
        };
        Ok(config.checked()?)
    }

    fn viewer(&self, peer: &Peer, viewer: &Viewer) -> Result<ViewerConfig, SetupError> {
        let view = |camera: &String| {
            let at = self.addresses.get(camera).copied().map(own_rendezvous);
            let rendezvous = self.rendezvous.or(at);
            Ok(View {
                camera: camera.clone(),
                token: self.token(camera),
                rendezvous: rendezvous
                    .ok_or_else(|| SetupError::NoSuchCamera { camera: camera.clone() })?,
                playing: match self.film(camera)? {
                    Media::Live(source) => Playing::Decodes(Some(source.clone())),
                    Media::Prerecorded(recording) => {
                        Playing::Assumes { profile_level_id: recording.profile_level_id() }
                    }
                },
            })
        };
        Ok(ViewerConfig {
            name: peer.name.clone(),
            views: viewer.cameras.iter().map(view).collect::<Result<_, SetupError>>()?,
            viewer: viewer.clone(),
            ice: peer.ice,
        })
    }

    fn film(&self, camera: &str) -> Result<&Media, SetupError> {
        self.films.get(camera).ok_or_else(|| SetupError::NoSuchCamera { camera: camera.to_owned() })
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
#[derive(Clone, Debug)]
pub struct Software {
    camera: Option<CameraConfig>,
    viewer: Option<ViewerConfig>,
}

impl Software {
    /// What it does as a viewer, if it is one.
    pub fn viewer(&self) -> Option<&ViewerConfig> {
        self.viewer.as_ref()
    }

    /// Runs it, for ever: if it ends, something of it broke.
    pub async fn run<H: Host>(self, host: H) {
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
#[derive(Debug)]
pub struct ProfiledDevice {
    profile: Profile,
    pictures: Pictures,
}

/// The sizes that a peer's stages work on.
#[derive(Clone, Copy, Debug)]
struct Pictures {
    /// As a camera.
    filmed: Size,
    /// As a viewer: the largest.
    viewed: Size,
}

impl ProfiledDevice {
    /// The device of `peer`, working on the pictures of `scenario`.
    pub fn of(scenario: &Scenario, peer: &Peer) -> Self {
        Self { profile: peer.profile.clone(), pictures: pictures(scenario, peer) }
    }

    /// From power on until the peer's software runs.
    pub fn time_to_boot(&self, random: &mut ChaCha8Rng) -> Duration {
        self.profile.boot_time.sample(self.pictures.filmed, random)
    }

    /// How long work takes, such as a frame in a stage: no time where the profile has none.
    pub fn time_of(&self, work: Work, random: &mut ChaCha8Rng) -> Duration {
        self.time(work).map_or(Duration::ZERO, |(time, size)| time.sample(size, random))
    }

    /// How long a task of a session's set-up takes; none: no time.
    pub fn time_of_task(&self, task: SetupTask, random: &mut ChaCha8Rng) -> Option<Duration> {
        Some(self.profile.set_up.get(&task)?.sample(self.pictures.filmed, random))
    }

    /// How late a timer goes off.
    pub fn timer_lateness(&self, random: &mut ChaCha8Rng) -> Duration {
        let timer = self.profile.timer.as_ref();
        timer.map_or(Duration::ZERO, |timer| timer.sample(self.pictures.filmed, random))
    }

    /// How long work takes in the middle, and what it hardly ever exceeds; none: the profile has no time for it.
    pub(crate) fn typical_and_longest(&self, work: Work) -> Option<(Duration, Duration)> {
        let (time, size) = self.time(work)?;
        Some((time.typical(size), time.longest(size)))
    }

    /// How long after a frame a stage takes the next one; none: when the frame is through.
    pub fn occupancy_of(&self, work: Work) -> Option<Duration> {
        let (time, size) = self.time(work)?;
        time.occupancy(size)
    }

    /// The time of work by the profile, and the size of the pictures that it works on.
    fn time(&self, work: Work) -> Option<(&StageTime, Size)> {
        let Profile { camera, viewer, .. } = &self.profile;
        let Pictures { filmed, viewed } = self.pictures;
        match work {
            Work::Start => Some((camera.as_ref()?.start.as_ref()?, filmed)),
            Work::Stage(stage) => match stage.role()? {
                DeviceRole::Camera => Some((camera.as_ref()?.stages.get(&stage)?, filmed)),
                DeviceRole::Viewer => Some((viewer.as_ref()?.stages.get(&stage)?, viewed)),
            },
        }
    }
}

fn pictures(scenario: &Scenario, peer: &Peer) -> Pictures {
    // No stage works on what a peer has not.
    const NONE: Size = Size { width: 1, height: 1 };
    let size_of = |peer: &Peer| peer.camera.as_ref().map(|camera| camera.config.size());
    let viewed = peer.viewer.iter().flat_map(|viewer| &viewer.cameras);
    let viewed = viewed.filter_map(|name| size_of(scenario.peer(name)?));
    Pictures {
        filmed: size_of(peer).unwrap_or(NONE),
        viewed: viewed.max_by_key(|size| size.pixels()).unwrap_or(NONE),
    }
}
