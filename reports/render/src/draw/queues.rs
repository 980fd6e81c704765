//! How long packets waited in pacers and bottleneck queues.

use super::{look, run_time};
use crate::escape::tame;
use crate::plot::{Axis, Chart, Ink, Plot, Series, nice, round};
use crate::view::{Run, StreamView};
use parallax_record::{LinkDirection, LinkTimeline};
use std::collections::BTreeMap;

/// Queues that have an ink of their own: those whose packets waited longest are drawn.
const INKS: [Ink; 4] = [Ink::Latency, Ink::Lost, Ink::Second, Ink::Nat];

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// A queue, and the longest wait in it in each interval of time, nanoseconds.
struct Waits {
    name: String,
    /// From when, until when, and how long; none: nothing left it.
    intervals: Vec<(u64, u64, Option<u64>)>,
}

impl Waits {
    fn longest(&self) -> u64 {
        self.intervals.iter().filter_map(|(.., waited)| *waited).max().unwrap_or(0)
    }

    /// What is known of the interval in which a time lies.
    fn at(&self, ns: u64) -> Option<u64> {
        let within = |(from, to, _): &&(u64, u64, Option<u64>)| (*from..*to).contains(&ns);
        self.intervals.iter().find(within).and_then(|(.., waited)| *waited)
    }
}

fn of_link(link: &LinkTimeline) -> Waits {
    let way = if link.direction == LinkDirection::Up { "up" } else { "down" };
    let intervals =
        link.loads.iter().map(|load| (load.from_ns, load.to_ns, load.waited_longest_ns));
    Waits { name: format!("{} {way}", tame(&link.site)), intervals: intervals.collect() }
}

fn of_pacer(stream: &StreamView) -> Waits {
    let intervals =
        stream.pacer.iter().map(|load| (load.from_ns, load.to_ns, Some(load.waited_longest_ns)));
    let name = format!("{}, pacer for {}", tame(&stream.camera), tame(&stream.viewer));
    Waits { name, intervals: intervals.collect() }
}

/// The longest wait in each queue over time; none if the record does not tell.
pub(crate) fn queues(run: &Run, id: &str) -> Option<Plot> {
    let queues = run.loads.iter().map(of_link).chain(run.streams.iter().map(of_pacer));
    let mut queues: Vec<Waits> = queues.filter(|queue| !queue.intervals.is_empty()).collect();
    queues.sort_by_key(|queue| std::cmp::Reverse(queue.longest()));
    queues.truncate(INKS.len());
    let most = queues.first().map(Waits::longest)?;
    let top = nice::ceiling((ms(most) * 1.05).max(1.0));
    let title = "Longest wait in pacers and bottleneck queues, ms";
    let mut chart = Chart::new(title, look(run), run_time(run), Axis::plain(0.0, top, 4));
    let times = queues.iter().flat_map(|queue| &queue.intervals).map(|(from, to, _)| (*from, *to));
    let times: BTreeMap<u64, u64> = times.collect();
    let middles: Vec<u64> = times.iter().map(|(from, to)| from.midpoint(*to)).collect();
    let second = |ns: u64| ns as f64 / 1e9;
    chart.hover.x = middles.iter().map(|at| round(second(*at))).collect();
    chart.hover.xn = "around";
    for (queue, ink) in queues.into_iter().zip(INKS) {
        chart.named(ink, &queue.name);
        for (from, to, waited) in &queue.intervals {
            if let Some(waited) = waited {
                let (from, to) = (second(*from), second(*to));
                chart.line(ink, 20, vec![(from, ms(*waited)), (to, ms(*waited))]);
            }
        }
        let v = middles.iter().map(|at| queue.at(*at).map(|waited| round(ms(waited)))).collect();
        chart.hover.s.push(Series { n: queue.name, u: "ms", v });
    }
    Some(chart.draw(
        id,
        &format!("At most {} ms.", nice::number(ms(most))),
        "For each access link, and for each camera's pacer, the longest time that a packet sent in the interval had \
         waited; the four queues with the longest waits. A wait that climbs to the queue's limit and stays there is \
         a link that is asked to carry more than its capacity; a pacer's wait is the camera's own doing.",
    ))
}
