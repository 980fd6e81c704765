//! Latency over time, with what happened laid over it.

use super::{INTERVALS, background, look, ms, point_at_marks, run_time, s, thinned};
use crate::plot::{Axis, Chart, Ink, Plot, Series, nice};
use crate::view::{BoundKind, Lost, Run, StreamView};
use parallax_record::LossPhase;

pub(super) fn lost_at(phase: LossPhase) -> &'static str {
    match phase {
        LossPhase::Capture => "capture",
        LossPhase::Encode => "encode",
        LossPhase::Send => "send",
        LossPhase::Transport => "transport",
        LossPhase::Late => "late",
        LossPhase::Receive => "receive",
        LossPhase::Decode => "decode",
        LossPhase::Session => "its session was over",
    }
}

/// Frames that were lost: when, seconds, and what is said of them. Those that no eye tells apart are one.
pub(super) fn lost(run: &Run, stream: &StreamView) -> Vec<(f64, String)> {
    let apart_us = run.duration_us / INTERVALS as u64;
    let near =
        |one: &Lost, next: &Lost| next.captured_us.saturating_sub(one.captured_us) < apart_us;
    let mut all = Vec::new();
    let mut left = &stream.lost[..];
    while let Some(first) = left.first() {
        let count = left.iter().take_while(|lost| *lost == first || near(first, lost)).count();
        let (frames, where_lost) =
            (crate::figure::counted(count as u64, "frame"), lost_at(first.phase));
        let text = match count {
            1 => format!("frame lost: {where_lost}"),
            _ => format!("{frames} lost, the first: {where_lost}"),
        };
        all.push((s(first.captured_us), text));
        left = &left[count..];
    }
    all
}

/// Latency of each frame by when it was captured.
pub(crate) fn latency(run: &Run, stream: &StreamView, id: &str) -> Plot {
    let most = stream.shown.iter().map(|frame| frame.latency_us).max().unwrap_or(0);
    // The bound of a check that did not pass is seen, with its text above it.
    let bounds = run.bounds(stream, BoundKind::Latency).map(|bound| ms(bound.value) * 1.15);
    let top = nice::ceiling(bounds.fold(ms(most) * 1.08, f64::max));
    let title = "Capture-to-render latency, ms";
    let mut chart = Chart::new(title, look(run), run_time(run), Axis::plain(0.0, top, 5));
    chart.named(Ink::Latency, "frame shown");
    background(&mut chart, run, stream, top);
    for bound in run.bounds(stream, BoundKind::Counted) {
        chart.window(s(bound.from_us), s(bound.to_us), top, &bound.text);
    }
    let points = stream.shown.iter().map(|frame| (s(frame.captured_us), ms(frame.latency_us)));
    let points: Vec<_> = points.collect();
    chart.hover.x = points.iter().map(|(x, _)| *x).collect();
    let values = points.iter().map(|(_, y)| Some(*y)).collect();
    chart.hover.s.push(Series { n: "latency".to_owned(), u: "ms", v: values });
    chart.dots(Ink::Latency, 30, thinned(points));
    if !stream.lost.is_empty() {
        chart.named(Ink::Lost, "frame lost");
    }
    for (at, _) in lost(run, stream) {
        chart.line(Ink::Lost, 20, vec![(at, 0.0), (at, top * 0.08)]);
    }
    for bound in run.bounds(stream, BoundKind::Latency) {
        let window = (s(bound.from_us), s(bound.to_us));
        chart.bound(window, ms(bound.value), &bound.text, false);
    }
    for bound in run.bounds(stream, BoundKind::Recovery) {
        chart.until(ms(bound.value) / 1e3, &bound.text);
    }
    point_at_marks(&mut chart, run, stream, top);
    let near = s(run.duration_us) / 300.0;
    for (at, text) in lost(run, stream) {
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
