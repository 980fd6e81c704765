//! Latency over time, with what happened laid over it.

use super::{background, look, ms, point_at_marks, run_time, s, thinned};
use crate::plot::{Axis, Chart, Ink, Plot, Series, nice};
use crate::view::{Lost, Run, Stream};
use parallax_record::LossPhase;

pub(super) fn lost_at(phase: LossPhase) -> &'static str {
    match phase {
        LossPhase::Capture => "capture",
        LossPhase::Encode => "encode",
        LossPhase::Send => "send",
        LossPhase::Transport => "transport",
        LossPhase::Receive => "receive",
        LossPhase::Decode => "decode",
    }
}

/// Latency of each frame by when it was captured.
pub(crate) fn latency(run: &Run, stream: &Stream, id: &str) -> Plot {
    let most = stream.shown.iter().map(|frame| frame.latency_us).max().unwrap_or(0);
    let top = nice::ceiling(ms(most) * 1.08);
    let title = "Capture-to-render latency, ms";
    let mut chart = Chart::new(title, look(run), run_time(run), Axis::plain(0.0, top, 5));
    chart.named(Ink::Latency, "frame shown");
    background(&mut chart, run, stream, top);
    let points = stream.shown.iter().map(|frame| (s(frame.captured_us), ms(frame.latency_us)));
    let points: Vec<_> = points.collect();
    chart.hover.x = points.iter().map(|(x, _)| *x).collect();
    let values = points.iter().map(|(_, y)| Some(*y)).collect();
    chart.hover.s.push(Series { n: "latency".to_owned(), u: "ms", v: values });
    chart.dots(Ink::Latency, 30, thinned(points));
    if !stream.lost.is_empty() {
        chart.named(Ink::Lost, "frame lost");
        for Lost { captured_us, .. } in &stream.lost {
            let at = s(*captured_us);
            chart.line(Ink::Lost, 20, vec![(at, 0.0), (at, top * 0.08)]);
        }
    }
    point_at_marks(&mut chart, run, stream, top);
    let near = s(run.duration_us) / 300.0;
    for Lost { captured_us, phase } in &stream.lost {
        let at = s(*captured_us);
        let text = format!("frame lost: {}", lost_at(*phase));
        chart.hover.b.push((at - near, at + near, 0.0, top * 0.1, text));
    }
    let summary = format!(
        "{} shown, the latest {} late; {} lost; {}.",
        crate::figure::counted(stream.shown.len() as u64, "frame"),
        crate::figure::duration(most),
        stream.lost.len(),
        crate::figure::counted(stream.freezes.len() as u64, "freeze")
    );
    chart.draw(
        id,
        &summary,
        "Each dot is a frame, at the time when it was captured: how long until it was shown. Short bars \
         at the bottom are frames that were lost, at the top mappings that gateways made or forgot; bands \
         are freezes and scripted events.",
    )
}
