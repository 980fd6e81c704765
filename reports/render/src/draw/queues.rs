//! How long packets waited in the bottleneck queues.

use super::{look, run_time};
use crate::escape::tame;
use crate::plot::{Axis, Chart, Ink, Plot, Series, nice, round};
use crate::view::Run;
use parallax_record::{LinkDirection, LinkTimeline};
use std::collections::BTreeMap;

/// So many links have an ink of their own; those whose packets waited longest are drawn.
const INKS: [Ink; 4] = [Ink::Latency, Ink::Lost, Ink::Second, Ink::Nat];

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

fn longest(link: &LinkTimeline) -> u64 {
    link.loads.iter().filter_map(|load| load.waited_longest_ns).max().unwrap_or(0)
}

/// The longest wait in each link's queue over time; none if the record does not tell.
pub(crate) fn queues(run: &Run, id: &str) -> Option<Plot> {
    let mut links: Vec<&LinkTimeline> =
        run.loads.iter().filter(|link| !link.loads.is_empty()).collect();
    links.sort_by_key(|link| std::cmp::Reverse(longest(link)));
    links.truncate(INKS.len());
    let most = links.first().map(|link| longest(link))?;
    let top = nice::ceiling((ms(most) * 1.05).max(1.0));
    let title = "Longest wait in bottleneck queues, ms";
    let mut chart = Chart::new(title, look(run), run_time(run), Axis::plain(0.0, top, 4));
    let times = links.iter().flat_map(|link| &link.loads).map(|load| (load.from_ns, load.to_ns));
    let times: BTreeMap<u64, u64> = times.collect();
    let second = |ns: u64| ns as f64 / 1e9;
    chart.hover.x =
        times.iter().map(|(from, to)| round(f64::midpoint(second(*from), second(*to)))).collect();
    chart.hover.xn = "around";
    for (link, ink) in links.iter().zip(INKS) {
        let way = if link.direction == LinkDirection::Up { "up" } else { "down" };
        let name = format!("{} {way}", tame(&link.site));
        chart.named(ink, &name);
        for load in &link.loads {
            if let Some(waited) = load.waited_longest_ns {
                let (from, to) = (second(load.from_ns), second(load.to_ns));
                chart.line(ink, 20, vec![(from, ms(waited)), (to, ms(waited))]);
            }
        }
        let waits: BTreeMap<u64, f64> = link
            .loads
            .iter()
            .filter_map(|load| Some((load.from_ns, round(ms(load.waited_longest_ns?)))))
            .collect();
        let v = times.keys().map(|from| waits.get(from).copied()).collect();
        chart.hover.s.push(Series { n: name, u: "ms", v });
    }
    Some(chart.draw(
        id,
        &format!("At most {} ms.", nice::number(ms(most))),
        "For each access link the longest time that a packet sent in the interval had waited for the transmitter; \
         the four links with the longest waits. A wait that climbs to the queue's limit and stays there is a link \
         that is asked to carry more than its capacity.",
    ))
}
