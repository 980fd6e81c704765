//! What the network did on the way from a camera to a viewer.

use parallax_spec::{Route, micros};

use crate::event::Event;
use crate::header::{Header, LinkDirection, ServiceKind, Stream};
use crate::links::{LinkSpan, configured};
use crate::record::Record;
use crate::session::PathUse;

/// The way of a stream's packets.
#[derive(Debug, Default)]
pub(crate) struct Way {
    /// When packets were dropped on it, whosever, nanoseconds on the run's clock, ascending.
    drops_ns: Vec<u64>,
    up: Vec<LinkSpan>,
    down: Vec<LinkSpan>,
    paths: Vec<PathUse>,
    /// What a relay adds, microseconds: from the core to the TURN server and back.
    relay_us: u64,
}

impl Way {
    /// Of a stream. What other sites' links and gateways dropped, and what the links of these two sites
    /// dropped in the other direction, was not on it.
    pub(crate) fn of(record: &Record, stream: &Stream, paths: Vec<PathUse>) -> Self {
        let site = |name: &String| site_of(&record.header, name);
        let (from, to) = (site(&stream.camera), site(&stream.viewer));
        let is_on_it = |node: &str| {
            let mut parts = node.splitn(3, '/');
            match (parts.next(), parts.next(), parts.next()) {
                (Some("link"), site, Some("up")) => site == from,
                (Some("link"), site, Some("down")) => site == to,
                (Some("gateway"), site, None) => site == from || site == to,
                _ => true,
            }
        };
        let dropped = record.entries.iter().filter(|entry| {
            matches!(entry.event, Event::PacketDropped { .. }) && is_on_it(&entry.node)
        });
        let drops_ns = dropped.map(|entry| entry.run_ns).collect();
        Self { drops_ns, ..Self::without_drops(&record.header, stream, paths) }
    }

    /// The links alone.
    pub(crate) fn without_drops(header: &Header, stream: &Stream, paths: Vec<PathUse>) -> Self {
        let site = |name: &String| site_of(header, name);
        let (from, to) = (site(&stream.camera), site(&stream.viewer));
        let turn = header.services.iter().find(|service| service.kind == ServiceKind::Turn);
        let relay_us = turn.map_or(0, |turn| micros(turn.one_way_delay).saturating_mul(2));
        let mut way = Self { paths, relay_us, ..Self::default() };
        for (site, direction, spans) in configured(header) {
            match direction {
                LinkDirection::Up if from == Some(&site) => way.up = spans,
                LinkDirection::Down if to == Some(&site) => way.down = spans,
                _ => {}
            }
        }
        way
    }

    /// Whether a packet was dropped on it from one time to another.
    pub(crate) fn dropped(&self, from_ns: u64, to_ns: u64) -> bool {
        let first = self.drops_ns.partition_point(|at| *at < from_ns);
        self.drops_ns.get(first).is_some_and(|at| *at <= to_ns)
    }

    /// When a packet that leaves its camera at a time comes to its viewer at the earliest, by the
    /// one-way delays of the links and of the TURN server if it is relayed; nanoseconds.
    pub(crate) fn arrival_ns(&self, left_ns: u64) -> u64 {
        let relay_us = if self.relayed(left_ns) { self.relay_us } else { 0 };
        let relay_ns = relay_us.saturating_mul(1_000);
        let at_core_ns = after(&self.up, left_ns);
        after(&self.down, at_core_ns.saturating_add(relay_ns))
    }

    /// Whether a packet that leaves its camera at a time goes through a TURN server.
    pub(crate) fn relayed(&self, left_ns: u64) -> bool {
        let path = self.paths.iter().rfind(|path| path.from_ns <= left_ns);
        path.is_some_and(|path| path.route == Route::Relayed)
    }
}

/// When a packet that comes to a link at a time has crossed it.
fn after(spans: &[LinkSpan], at_ns: u64) -> u64 {
    let now = spans.iter().rfind(|span| span.from_us <= at_ns / 1_000);
    let delay_us = now.map_or(0, |span| micros(span.link.one_way_delay));
    at_ns.saturating_add(delay_us.saturating_mul(1_000))
}

/// The site of a peer.
fn site_of<'a>(header: &'a Header, peer: &str) -> Option<&'a str> {
    let peer = header.peers.iter().find(|one| one.name == peer);
    peer.map(|peer| peer.site.as_str())
}
