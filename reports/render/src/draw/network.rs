//! The network's side: bit rate against capacity, and what went missing.

use super::{look, run_time, s};
use crate::figure;
use crate::plot::{Axis, Chart, Ink, Plot, Series, nice};
use crate::view::{Run, StreamView};

/// A line of steps: each value holds until the next one's time.
fn steps(values: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut line = Vec::new();
    for (index, (at, value)) in values.iter().enumerate() {
        let until = values.get(index + 1).map_or(end, |next| next.0);
        line.extend([(*at, *value), (until, *value)]);
    }
    line
}

fn log(bps: u64) -> f64 {
    libm::log10(bps.max(1) as f64)
}

/// What the encoder made, what congestion control wanted, and what the link carries.
pub(crate) fn rates(run: &Run, stream: &StreamView, id: &str) -> Plot {
    let step = s(stream.second_us);
    let encoded: Vec<u64> = stream
        .seconds
        .iter()
        .map(|second| second.encoded_bytes.saturating_mul(8_000_000) / stream.second_us)
        .collect();
    let capacity: Vec<(u64, u64)> = run
        .up_link(&stream.camera)
        .map(|link| link.capacity_bps.iter().filter_map(|(at, bps)| Some((*at, (*bps)?))).collect())
        .unwrap_or_default();
    let rates = &stream.rates;
    let all = encoded
        .iter()
        .copied()
        .chain(capacity.iter().map(|(_, bps)| *bps))
        .chain(rates.iter().flat_map(|rate| [rate.estimate_bps, rate.target_bps, rate.sent_bps]))
        .filter(|bps| *bps > 0);
    let (least, most) = all.fold((u64::MAX, 10_000), |(a, b), bps| (a.min(bps), b.max(bps)));
    let least = least.clamp(1_000, most / 10);
    let (low, high) =
        (libm::floor(log(least) * 2.0) / 2.0, libm::ceil(log(most) * 2.0) / 2.0 + 0.1);
    let decades = (low.floor() as i32..=high.floor() as i32).flat_map(|power| {
        let of = |factor: u64| factor * 10_u64.pow(power.max(0) as u32);
        [of(1), of(3)]
    });
    let ticks = decades
        .map(|bps| (log(bps), figure::bit_rate(bps)))
        .filter(|(at, _)| (low..=high).contains(at))
        .collect();
    let title = "Bit rate and capacity (logarithmic)";
    let mut chart = Chart::new(title, look(run), run_time(run), Axis { range: low..high, ticks });
    let end = s(run.duration_us);
    if !capacity.is_empty() {
        let line: Vec<_> = capacity.iter().map(|(at, bps)| (s(*at), log(*bps))).collect();
        chart.line(Ink::Event, 20, steps(&line, end));
        chart.named(Ink::Event, "capacity of the camera's up link");
    }
    // Where nothing was encoded there is no line.
    let known = |bps: &u64| *bps > 0;
    let mut from = 0;
    for stretch in encoded.chunk_by(|one, next| known(one) == known(next)) {
        if known(&stretch[0]) {
            let point =
                |(at, bps): (usize, &u64)| ((from + at) as f64 * step, log((*bps).max(least)));
            let line: Vec<_> = stretch.iter().enumerate().map(point).collect();
            let until = ((from + stretch.len()) as f64 * step).min(end);
            chart.line(Ink::Latency, 20, steps(&line, until));
        }
        from += stretch.len();
    }
    chart.named(Ink::Latency, "encoded");
    if !rates.is_empty() {
        for (ink, name, of) in [
            (
                Ink::Second,
                "estimated",
                (|rate| rate.estimate_bps) as fn(&crate::view::RateSample) -> u64,
            ),
            (Ink::Third, "sent", |rate| rate.sent_bps),
        ] {
            let line = rates.iter().map(|rate| (s(rate.at_us), log(of(rate).max(least)))).collect();
            chart.line(ink, 20, line);
            chart.named(ink, name);
        }
    }
    let mut series = vec![("encoded", encoded.iter().map(|bps| Some(*bps as f64 / 1e3)).collect())];
    let at = |index: usize| index as u64 * stream.second_us;
    if !capacity.is_empty() {
        let carried = |index: usize| {
            let before = capacity.iter().rfind(|(from, _)| *from <= at(index));
            before.map(|(_, bps)| *bps as f64 / 1e3)
        };
        series.push(("capacity", (0..encoded.len()).map(carried).collect::<Vec<_>>()));
    }
    if !rates.is_empty() {
        for (name, of) in [
            ("estimated", (|rate| rate.estimate_bps) as fn(&crate::view::RateSample) -> u64),
            ("target", |rate| rate.target_bps),
            ("sent", |rate| rate.sent_bps),
        ] {
            let last = |index: usize| {
                let within = rates.iter().rfind(|rate| {
                    rate.at_us >= at(index) && rate.at_us < at(index) + stream.second_us
                });
                within.map(|rate| of(rate) as f64 / 1e3)
            };
            series.push((name, (0..encoded.len()).map(last).collect()));
        }
    }
    chart.hover.x = (0..encoded.len()).map(|at| (at as f64 + 0.5) * step).collect();
    chart.hover.xn = "around";
    let named = |(name, v): (&str, Vec<Option<f64>>)| Series { n: name.to_owned(), u: "kbit/s", v };
    chart.hover.s = series.into_iter().map(named).collect();
    chart.draw(
        id,
        &format!("At most {} in an interval or of capacity.", figure::bit_rate(most)),
        "What the encoder made in each interval, against what the first link on its way can carry. With \
         congestion control also what the path was estimated to carry, and what left for the wire with headers \
         and resent packets. The axis is logarithmic: each step up is about three times as much.",
    )
}

/// What went missing, and what was done about it.
pub(crate) fn trouble(run: &Run, stream: &StreamView, id: &str) -> Plot {
    let step = s(stream.second_us);
    let count = stream.seconds.len();
    let dropped: Vec<u64> = (0..count)
        .map(|at| {
            let counts = run.drops.values().flat_map(|drops| drops.values());
            counts.filter_map(|counts| counts.get(at)).sum()
        })
        .collect();
    let of =
        |what: fn(&crate::view::Second) -> u64| stream.seconds.iter().map(what).collect::<Vec<_>>();
    let all = [
        (Ink::Third, "packets dropped", dropped),
        (Ink::Nat, "asked for again (NACK)", of(|second| second.nacked)),
        (Ink::Second, "sent again", of(|second| second.resent)),
        (Ink::Lost, "frames lost", of(|second| second.lost)),
    ];
    let most = all.iter().flat_map(|(.., counts)| counts).max().copied().unwrap_or(0);
    let top = nice::ceiling((most.max(4)) as f64 * 1.05);
    let axis = Axis::plain(0.0, top, 4);
    let mut chart = Chart::new("Losses and repairs, each interval", look(run), run_time(run), axis);
    let end = s(run.duration_us);
    for (ink, name, counts) in all {
        let line: Vec<_> =
            counts.iter().enumerate().map(|(at, n)| (at as f64 * step, *n as f64)).collect();
        chart.line(ink, 20, steps(&line, end));
        chart.named(ink, name);
        let v = counts.iter().map(|n| Some(*n as f64)).collect();
        chart.hover.s.push(Series { n: name.to_owned(), u: "", v });
    }
    chart.hover.x = (0..count).map(|at| (at as f64 + 0.5) * step).collect();
    chart.hover.xn = "around";
    let places: Vec<String> = run
        .drops
        .iter()
        .flat_map(|(node, causes)| {
            causes.iter().map(move |(cause, counts)| {
                format!("{} at {node} ({cause})", counts.iter().sum::<u64>())
            })
        })
        .collect();
    let places = if places.is_empty() { "none".to_owned() } else { places.join(", ") };
    chart.draw(
        id,
        &format!("Packets dropped in all: {places}."),
        "Packets that links and gateways dropped, anywhere and of any kind; packets of this stream that the \
         viewer asked for again and that were sent again; and frames that were lost in the end. Drops without \
         lost frames: repair works.",
    )
}
