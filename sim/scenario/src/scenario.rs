//! A scenario, complete and validated: every default taken, every address assigned.

use crate::{clip::ClipUse, profile::Profile};
use core::{net::Ipv4Addr, time::Duration};
use parallax_record::{Check, Name, ScenarioFile};
use parallax_spec::{Camera, Ice, MediaMode, ScriptedEvent, Services, Site, Stream, Viewer};

/// What runs, and what is demanded of it. Everything stands in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Version of the format: 1.
    pub schema: u32,
    /// The name of the file without folder and ending: `two-homes`. Folders are called so.
    pub id: Name,
    /// The file, told apart from others by its digest.
    pub file: ScenarioFile,
    /// What it is, in a few words.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// How long the run takes, in its own time.
    pub duration: Duration,
    /// The seed, if the scenario insists on one.
    pub seed: Option<u64>,
    /// Where the media come from.
    pub media: MediaMode,
    /// The sites; at least one.
    pub sites: Vec<Site>,
    /// The peers; at least a camera and a viewer of it.
    pub peers: Vec<Peer>,
    /// What stands in the core.
    pub services: Services,
    /// What is done to the run while it goes: in the order of time, and at one time in that of the
    /// file.
    pub events: Vec<ScriptedEvent>,
    /// What is demanded; at least one.
    pub checks: Vec<Check>,
}

impl Scenario {
    /// The site called `name`.
    pub fn site(&self, name: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.name == name)
    }

    /// The peer called `name`.
    pub fn peer(&self, name: &str) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.name == name)
    }

    /// Who views whom: viewers in the order of the file, the cameras of each as it lists them.
    pub fn streams(&self) -> Vec<Stream> {
        let of = |peer: &Peer| {
            let cameras = peer.viewer.iter().flat_map(|viewer| viewer.cameras.clone());
            cameras.map(|camera| Stream { camera, viewer: peer.name.clone() }).collect::<Vec<_>>()
        };
        self.peers.iter().flat_map(of).collect()
    }
}

/// A device in a site: a camera, a viewer or both.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// The name of its site.
    pub site: String,
    /// Its address, inside its site.
    pub address: Ipv4Addr,
    /// The device it is.
    pub profile: Profile,
    /// How its ICE agent is set.
    pub ice: Ice,
    /// What it films, if it is a camera.
    pub camera: Option<CameraUse>,
    /// What it views, if it is a viewer.
    pub viewer: Option<Viewer>,
}

/// A camera, and what stands in for its sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraUse {
    /// How it films, encodes and sends.
    pub config: Camera,
    /// The clip that `config` names.
    pub clip: ClipUse,
}
