//! What happened, one lane for each kind.

use super::{latency, look, run_time, s};
use crate::plot::{Axis, Chart, Ink, Look, Plot};
use crate::view::{MarkKind, Run, StreamView};
use parallax_record::Stage;

/// The lane of lost frames.
const LOST: &str = "frame lost";

/// A lane: its name, ink, and what is in it: from, to, text.
type Lane = (&'static str, Ink, Vec<(f64, f64, String)>);

fn lanes_of(run: &Run, stream: &StreamView) -> Vec<Lane> {
    let blink = s(run.duration_us) / 400.0;
    let marks = |kinds: &[MarkKind]| {
        let of = run.marks.iter().filter(|mark| kinds.contains(&mark.kind));
        let span = |mark: &crate::view::Mark| {
            let from = s(mark.from_us);
            (from, mark.to_us.map_or(from + blink, s), mark.text.clone())
        };
        of.map(span).collect::<Vec<_>>()
    };
    let step = s(stream.second_us);
    let counted = |of: &dyn Fn(usize) -> u64, noun: &str| {
        let count = |at: usize| (at, of(at));
        let some = (0..stream.seconds.len()).map(count).filter(|(_, count)| *count > 0);
        some.map(|(at, count)| {
            let from = at as f64 * step;
            (from, from + step, crate::figure::counted(count, noun))
        })
        .collect::<Vec<_>>()
    };
    let dropped = |at: usize| {
        let causes = run.drops.values().flat_map(|drops| drops.values());
        causes.filter_map(|counts| counts.get(at)).sum()
    };
    let lost = latency::lost(run, stream).into_iter().map(|(at, text)| (at, at + blink, text));
    let frozen = stream.freezes.iter().map(|freeze| {
        let lasted = crate::figure::duration(freeze.duration_us().cast_signed());
        (s(freeze.from_us), s(freeze.to_us), format!("freeze of {lasted}"))
    });
    let ended =
        stream.ends.iter().map(|(at_us, text)| (s(*at_us), s(*at_us) + blink, text.clone()));
    vec![
        ("scripted event", Ink::Event, marks(&[MarkKind::Event])),
        ("mapping made", Ink::Nat, marks(&[MarkKind::MappingCreated])),
        ("mapping forgotten", Ink::Nat, marks(&[MarkKind::MappingExpired])),
        ("packets dropped", Ink::Third, counted(&dropped, "packet dropped")),
        (
            "asked again",
            Ink::Second,
            counted(&|at| stream.seconds[at].nacked, "packet asked for again"),
        ),
        (
            "key frame asked",
            Ink::Stage(Stage::Decode),
            counted(&|at| stream.seconds[at].key_frames_asked, "key frame asked for"),
        ),
        (LOST, Ink::Lost, lost.collect()),
        ("freeze", Ink::Lost, frozen.collect()),
        ("session ended", Ink::Event, ended.collect()),
    ]
}

/// Up to this number of scripted events each has a lane, so that its text has room.
const EVENT_LANES: usize = 6;

/// The lanes with something in them.
fn shown(lanes: &[Lane]) -> Vec<Lane> {
    let mut shown = Vec::new();
    for (name, ink, spans) in lanes.iter().filter(|(_, _, spans)| !spans.is_empty()) {
        if *ink == Ink::Event && spans.len() <= EVENT_LANES {
            shown.extend(spans.iter().map(|span| (*name, *ink, vec![span.clone()])));
        } else {
            shown.push((*name, *ink, spans.clone()));
        }
    }
    shown
}

/// What happened when.
pub(crate) fn lanes(run: &Run, stream: &StreamView, id: &str) -> Plot {
    let all = lanes_of(run, stream);
    let lanes = shown(&all);
    let count = lanes.len().max(1);
    let middle = |index: usize| (count - index) as f64 - 0.5;
    let names = lanes.iter().enumerate().map(|(at, (name, ..))| (middle(at), (*name).to_owned()));
    let axis = Axis { range: 0.0..count as f64, ticks: names.collect() };
    let look = Look { height: 62 + 22 * count as u32, ..look(run) };
    let mut chart = Chart::new("What happened", look, run_time(run), axis);
    let end = s(run.duration_us);
    for (index, (_, ink, spans)) in lanes.iter().enumerate() {
        let y = middle(index);
        let boxes = spans.iter().map(|(from, to, _)| (*from, *to, y - 0.32, y + 0.32)).collect();
        chart.boxes(*ink, if *ink == Ink::Event { 0.45 } else { 1.0 }, boxes);
        for (from, to, text) in spans {
            chart.hover.b.push((*from, *to, y - 0.5, y + 0.5, text.clone()));
            if *ink == Ink::Event {
                let late = *from > end * 0.55;
                let at = if late { *from - end * 0.004 } else { *from + end * 0.006 };
                chart.text(Ink::Text, at, y, text, late);
            }
        }
    }
    let happened = all.iter().filter(|(_, _, spans)| !spans.is_empty());
    // What no eye tells apart is drawn as one, and counted whole.
    let count = |name: &str, spans: usize| if name == LOST { stream.lost.len() } else { spans };
    let mut counts: Vec<String> =
        happened.map(|(name, _, spans)| format!("{name}: {}", count(name, spans.len()))).collect();
    if run.mappings_left_out > 0 {
        counts.push(format!("mappings that are not drawn: {}", run.mappings_left_out));
    }
    chart.draw(
        id,
        &counts.join("; "),
        "One lane for each kind of thing that happened to the run; lanes in which nothing happened are left \
         out. Packets dropped, asked for again and key frames asked for are marked by interval.",
    )
}
