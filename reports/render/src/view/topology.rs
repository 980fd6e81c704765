//! Who stands where, and which way media took.

use parallax_record::{Header, PeerHeader, ServiceAddress, Site, StreamSummary, Summary};

/// A site with its peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlace {
    /// The site.
    pub site: Site,
    /// Who stands in it.
    pub peers: Vec<PeerHeader>,
}

/// The way that a stream's media took in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyRoute {
    /// From whom.
    pub camera: String,
    /// To whom.
    pub viewer: String,
    /// Through a TURN server; none if no pair was nominated.
    pub relayed: Option<bool>,
}

/// The network of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Its sites.
    pub places: Vec<NodePlace>,
    /// Its services.
    pub services: Vec<ServiceAddress>,
    /// The ways that media took.
    pub routes: Vec<TopologyRoute>,
}

impl Topology {
    /// Of a run's header, and the ways that its summary tells.
    #[must_use]
    pub fn of(header: &Header, summary: &Summary) -> Self {
        let place = |site: &Site| NodePlace {
            site: site.clone(),
            peers: header.peers.iter().filter(|peer| peer.site == site.name).cloned().collect(),
        };
        let route = |stream: &StreamSummary| TopologyRoute {
            camera: stream.camera.clone(),
            viewer: stream.viewer.clone(),
            relayed: stream.relayed,
        };
        Self {
            places: header.sites.iter().map(place).collect(),
            services: header.services.clone(),
            routes: summary.streams.iter().map(route).collect(),
        }
    }
}
