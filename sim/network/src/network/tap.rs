//! Packets as they pass, for captures.

use alloc::{format, string::String, vec::Vec};

use super::Network;
use crate::{Flow, HostId, NetworkOutput, Point, SiteId, topology::number};

impl Network {
    /// From now on, passes of packets are reported ([`NetworkOutput::Passed`]). It changes nothing of
    /// what becomes of them.
    ///
    /// A packet that its host sends while it is cut off passes nowhere.
    pub fn tap(&mut self) {
        self.tapped = true;
    }

    /// Every point that a packet may pass: hosts and services in the order of their adding, then
    /// both ports of each gateway.
    pub fn points(&self) -> Vec<Point> {
        let hosts = 0..number(self.topology.hosts.len());
        let mut points: Vec<_> = hosts.map(|host| Point::Host(HostId(host))).collect();
        for (at, site) in self.topology.sites.iter().enumerate() {
            let id = SiteId(number(at));
            if site.gateway.is_some() {
                points.push(Point::Inside(id));
            }
            if site.gateway.is_some() && site.access.is_some() {
                points.push(Point::Outside(id));
            }
        }
        points
    }

    /// What a point is called: `host/HOST`, `service/SERVICE`, `gateway/SITE/in`,
    /// `gateway/SITE/out`.
    pub fn point_name(&self, point: Point) -> String {
        match point {
            Point::Host(id) => {
                let host = self.topology.host(id);
                let kind = if host.lan.is_some() { "host" } else { "service" };
                format!("{kind}/{}", host.name)
            }
            Point::Inside(id) => format!("gateway/{}/in", self.topology.site(id).name),
            Point::Outside(id) => format!("gateway/{}/out", self.topology.site(id).name),
        }
    }

    /// A packet leaves its sender, if that is on the network.
    #[cold]
    pub(super) fn pass_sender(&mut self, number: u32) {
        let from = self.flights[number].from;
        if !self.topology.host(from).cut {
            self.pass(number, Point::Host(from), Flow::Outbound);
        }
    }

    /// A packet passes a point. Kept out of the way of networks without a tap.
    #[cold]
    pub(super) fn pass(&mut self, number: u32, point: Point, flow: Flow) {
        let flight = &self.flights[number];
        let (packet, gateways) = (flight.packet.clone(), flight.gateways);
        self.outputs.push_back(NetworkOutput::Passed {
            at: self.clock,
            point,
            flow,
            packet,
            gateways,
        });
    }
}
