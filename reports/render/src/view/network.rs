//! The network's side of a run.

use parallax_record::{Action, Capacity, Event, Header, LinkConfig, LinkDirection, Record};
use std::collections::BTreeMap;

/// What congestion control said at a time, all in bits per second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateSample {
    /// When, microseconds.
    pub at_us: u64,
    /// What the path was estimated to carry.
    pub estimate_bps: u64,
    /// What the encoder was to aim at.
    pub target_bps: u64,
    /// What left for the wire.
    pub sent_bps: u64,
}

/// Packets dropped in each interval, by cause.
pub type Drops = BTreeMap<String, Vec<u64>>;

/// One direction of a site's access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkCapacity {
    /// As entries name it: `link/SITE/up`.
    pub node: String,
    /// From when on it carried how many bits per second; none is without limit.
    pub capacity_bps: Vec<(u64, Option<u64>)>,
}

/// The links of a run, with what scripted events made of their capacities.
pub(super) fn links(header: &Header) -> Vec<LinkCapacity> {
    let mut links = Vec::new();
    for site in &header.sites {
        for (way, direction, link) in
            [("up", LinkDirection::Up, &site.up), ("down", LinkDirection::Down, &site.down)]
        {
            let Some(link) = link else { continue };
            links.push(LinkCapacity {
                node: format!("link/{}/{way}", site.name),
                capacity_bps: capacities(header, &site.name, direction, link),
            });
        }
    }
    links
}

fn capacities(
    header: &Header,
    of: &str,
    way: LinkDirection,
    link: &LinkConfig,
) -> Vec<(u64, Option<u64>)> {
    let bps = |link: &LinkConfig| link.capacity.map(Capacity::bits_per_second);
    let mut steps = vec![(0, bps(link))];
    for event in &header.events {
        if let Action::ChangeLink { site, direction, link: other } = &event.action
            && site == of
            && *direction == way
        {
            steps.push((event.at_us, bps(other)));
            if let Some(lasts_us) = event.lasts_us {
                steps.push((event.at_us.saturating_add(lasts_us), bps(link)));
            }
        }
    }
    steps.sort_by_key(|(at, _)| *at);
    steps
}

/// Packets that links and gateways dropped, by node and cause.
pub(super) fn drops(record: &Record) -> BTreeMap<String, Drops> {
    let interval_us = interval_us(record.header.duration_us);
    let count = record.header.duration_us.div_ceil(interval_us) as usize;
    let mut drops: BTreeMap<String, Drops> = BTreeMap::new();
    for entry in &record.entries {
        if let Event::PacketDropped { cause, .. } = &entry.event {
            let by_cause = drops.entry(entry.node.clone()).or_default();
            let counts = by_cause.entry(cause.clone()).or_insert_with(|| vec![0; count]);
            if let Some(interval) = counts.get_mut((entry.run_ns / 1_000 / interval_us) as usize) {
                *interval += 1;
            }
        }
    }
    drops
}

/// Most intervals of a run.
const MOST_INTERVALS: u64 = 120;

/// How long the intervals of a run are: whole seconds, microseconds.
pub(super) fn interval_us(duration_us: u64) -> u64 {
    duration_us.div_ceil(MOST_INTERVALS).div_ceil(1_000_000).max(1) * 1_000_000
}
