//! How long links took for packets: as recorded, and in the summary beside what was configured.

use parallax_spec::{Percentile, micros};
use serde::{Deserialize, Serialize};

use crate::distribution::DelaysOfPackets;
use crate::event::Event;
use crate::header::{LinkConfig, LinkDirection};
use crate::links;
use crate::record::Record;

impl DelaysOfPackets {
    fn summary(&self) -> DelaySummary {
        let longest = i64::try_from(self.longest_ns / 1_000).unwrap_or(i64::MAX);
        let percentile =
            |percentile| self.histogram_us.percentile_us(percentile).map(|us| us.min(longest));
        DelaySummary {
            mean: i64::try_from(self.mean_ns / 1_000).unwrap_or(i64::MAX),
            p50: percentile(Percentile::P50),
            p95: percentile(Percentile::P95),
            max: longest,
        }
    }
}

/// A delay over all packets that a link carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DelaySummary {
    /// The mean, rounded down.
    pub mean: i64,
    /// The median. Percentiles are at most 1/128 greater than the true ones.
    pub p50: Option<i64>,
    /// 95 of 100 are at most this.
    pub p95: Option<i64>,
    /// The longest.
    pub max: i64,
}

/// One direction of a site's access: the delay that was configured, and the one that came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkSummary {
    /// The site.
    pub site: String,
    /// Which of its two links.
    pub direction: LinkDirection,
    /// What was configured, in the order of time: one entry unless scripted events changed it.
    pub configured: Vec<ConfiguredDelay>,
    /// How many packets it carried.
    pub packets: u64,
    /// From the last bit sent to the arrival: what `configured` is to be compared with.
    pub propagation_us: DelaySummary,
    /// From the packet's coming to the link to its arrival: queue, transmission and propagation.
    pub crossing_us: DelaySummary,
}

/// A link's delay as it was configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfiguredDelay {
    /// From when on.
    pub from_us: u64,
    /// The mean of the delays that are drawn, before any of them is cut off at 0 or waits.
    pub one_way_delay_us: u64,
    /// Their standard deviation.
    pub delay_variation_us: u64,
    /// Whether a packet with a shorter delay overtakes others; if not, each waits for the slowest
    /// before it.
    pub reorder: bool,
}

impl ConfiguredDelay {
    fn of(from_us: u64, link: &LinkConfig) -> Self {
        Self {
            from_us,
            one_way_delay_us: micros(link.one_way_delay),
            delay_variation_us: micros(link.delay_variation),
            reorder: link.reorder,
        }
    }
}

/// The access links that carried packets: sites in the header's order, up before down. Empty of
/// records that do not tell.
pub(crate) fn summaries(record: &Record) -> Vec<LinkSummary> {
    let told = record.entries.iter().filter_map(|entry| match &entry.event {
        Event::LinkDelays { packets, propagation, crossing } => {
            Some((&entry.node, packets, propagation, crossing))
        }
        _ => None,
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return Vec::new();
    }
    let of = |(site, direction, spans): (String, LinkDirection, Vec<links::LinkSpan>)| {
        let node = direction.node(&site);
        let (_, packets, propagation, crossing) = told.iter().find(|(of, ..)| **of == node)?;
        let mut configured: Vec<ConfiguredDelay> =
            spans.iter().map(|span| ConfiguredDelay::of(span.from_us, &span.link)).collect();
        // A change of something else leaves the delay as it was.
        configured.dedup_by_key(|it| (it.one_way_delay_us, it.delay_variation_us, it.reorder));
        Some(LinkSummary {
            site,
            direction,
            configured,
            packets: **packets,
            propagation_us: propagation.summary(),
            crossing_us: crossing.summary(),
        })
    };
    links::configured(&record.header).into_iter().filter_map(of).collect()
}
