//! Access links over a run: what they were, and what they carried.

use crate::event::Event;
use crate::header::{Action, Header, LinkConfig, LinkDirection};
use crate::record::Record;

/// One direction of a site's access over the whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkTimeline {
    /// The site.
    pub site: String,
    /// Which of its two links.
    pub direction: LinkDirection,
    /// What it was, from the start of the run to its end, without gaps.
    pub spans: Vec<LinkSpan>,
    /// What it did, in the order of time. Where nothing happened there is no interval.
    pub loads: Vec<LinkInterval>,
}

/// A time in which a link stayed the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSpan {
    /// From when on, microseconds on the run's clock.
    pub from_us: u64,
    /// Until when.
    pub to_us: u64,
    /// What it was.
    pub link: LinkConfig,
}

/// What a link did in an interval: [`Event::LinkLoad`], whose words these are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkInterval {
    /// When it began, nanoseconds on the run's clock.
    pub from_ns: u64,
    /// When it ended, nanoseconds on the run's clock; always after its beginning.
    pub to_ns: u64,
    /// Packets that came to the link.
    pub offered_packets: u64,
    /// Their bytes.
    pub offered_bytes: u64,
    /// Packets sent that will arrive.
    pub carried_packets: u64,
    /// Their bytes.
    pub carried_bytes: u64,
    /// Packets sent, and lost on the way.
    pub lost_packets: u64,
    /// Packets that the bottleneck queue had no room for.
    pub dropped_packets: u64,
    /// Mean time in the bottleneck queue, nanoseconds; none if nothing was sent.
    pub waited_mean_ns: Option<u64>,
    /// Longest time in the bottleneck queue, nanoseconds; none if nothing was sent.
    pub waited_longest_ns: Option<u64>,
    /// Mean time of transmission, nanoseconds; none if nothing was sent.
    pub transmission_mean_ns: Option<u64>,
    /// Mean time of propagation, nanoseconds; none if nothing was carried.
    pub propagation_mean_ns: Option<u64>,
}

impl LinkInterval {
    /// The mean time over the link, nanoseconds: wait, transmission and propagation. None if nothing
    /// was carried.
    #[must_use]
    pub fn crossing_mean_ns(&self) -> Option<u64> {
        let sent_ns = self.waited_mean_ns?.saturating_add(self.transmission_mean_ns?);
        Some(sent_ns.saturating_add(self.propagation_mean_ns?))
    }
}

/// The access links of a run: sites in the header's order, up before down.
#[must_use]
pub fn links(record: &Record) -> Vec<LinkTimeline> {
    let links = configured(&record.header).into_iter();
    links
        .map(|(site, direction, spans)| LinkTimeline {
            loads: loads(record, &site, direction),
            site,
            direction,
            spans,
        })
        .collect()
}

/// What the access links of a run were over time, in the same order.
pub(crate) fn configured(header: &Header) -> Vec<(String, LinkDirection, Vec<LinkSpan>)> {
    let mut links = Vec::new();
    for site in &header.sites {
        for (direction, link) in [(LinkDirection::Up, &site.up), (LinkDirection::Down, &site.down)]
        {
            if let Some(link) = link {
                let spans = link_spans(header, &site.name, direction, link);
                links.push((site.name.clone(), direction, spans));
            }
        }
    }
    links
}

/// What a link was over time. As a run has it: at one time, what lasted ends before anything begins;
/// a change that does not last stays; after one that lasts, the link is what it was before.
fn link_spans(
    header: &Header,
    site: &str,
    direction: LinkDirection,
    at_start: &LinkConfig,
) -> Vec<LinkSpan> {
    // When, whether it begins, and with what link.
    let mut steps: Vec<(u64, bool, LinkConfig)> = Vec::new();
    let mut stays = at_start.clone();
    for event in &header.events {
        if let Action::ChangeLink { site: of, direction: way, link } = &event.action
            && (of.as_str(), *way) == (site, direction)
        {
            steps.push((event.at_us, true, link.clone()));
            match event.lasts_us {
                Some(lasts) => {
                    steps.push((event.at_us.saturating_add(lasts), false, stays.clone()));
                }
                None => stays = link.clone(),
            }
        }
    }
    steps.retain(|(at, ..)| *at < header.duration_us);
    steps.sort_by_key(|(at, begins, _)| (*at, *begins));
    let first = LinkSpan { from_us: 0, to_us: header.duration_us, link: at_start.clone() };
    let mut spans = vec![first];
    for (at, _, link) in steps {
        if let Some(last) = spans.last_mut() {
            last.to_us = at;
        }
        spans.push(LinkSpan { from_us: at, to_us: header.duration_us, link });
    }
    spans.retain(|span| span.from_us < span.to_us);
    spans
}

fn loads(record: &Record, site: &str, direction: LinkDirection) -> Vec<LinkInterval> {
    let node = direction.node(site);
    let of_link = record.entries.iter().filter(|entry| entry.node == node);
    of_link
        .filter_map(|entry| match entry.event {
            Event::LinkLoad {
                from_run_ns: from_ns,
                offered_packets,
                offered_bytes,
                carried_packets,
                carried_bytes,
                lost_packets,
                dropped_packets,
                waited_mean_ns,
                waited_longest_ns,
                transmission_mean_ns,
                propagation_mean_ns,
            } => Some(LinkInterval {
                from_ns,
                to_ns: entry.run_ns,
                offered_packets,
                offered_bytes,
                carried_packets,
                carried_bytes,
                lost_packets,
                dropped_packets,
                waited_mean_ns,
                waited_longest_ns,
                transmission_mean_ns,
                propagation_mean_ns,
            }),
            _ => None,
        })
        .collect()
}
