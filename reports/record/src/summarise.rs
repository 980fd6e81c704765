//! Puts the figures of a run into the summary's types.

use crate::control;
use crate::distribution::{Histogram, OverTime};
use crate::event::{Event, LossPhase, Marker, Phase};
use crate::header::{Clock, MediaMode};
use crate::margin::MarginSummary;
use crate::measure::{self, Spans};
use crate::phase::PerPhase;
use crate::record::Record;
use crate::session::EndedSession;
use crate::split::{Causes, SplitSummary};
use crate::stage::PerStage;
use crate::summary::{
    BytesSummary, FramesSummary, FreezesSummary, LatencySummary, StageSummary, StreamSummary,
};
use crate::timeline::{Fate, FrameHistory, StreamTimeline, difference_us};
use crate::uncertainty::Uncertainty;
use crate::worst::{Worst, WorstFrame};
use parallax_spec::{Percentile, Route, Window};

/// Counts fates.
pub(crate) fn count<'a>(frames: impl Iterator<Item = &'a FrameHistory>) -> FramesSummary {
    let mut counts = FramesSummary::default();
    for frame in frames {
        counts.captured += 1;
        counts.encoded += u64::from(frame.camera.ended_ns.encode.is_some());
        let counter = match frame.fate {
            Fate::Rendered => &mut counts.rendered,
            Fate::UnderWay => &mut counts.under_way,
            Fate::Lost(LossPhase::Capture) => &mut counts.lost.capture,
            Fate::Lost(LossPhase::Encode) => &mut counts.lost.encode,
            Fate::Lost(LossPhase::Send) => &mut counts.lost.send,
            Fate::Lost(LossPhase::Transport) => &mut counts.lost.transport,
            Fate::Lost(LossPhase::Late) => &mut counts.lost.late,
            Fate::Lost(LossPhase::Receive) => &mut counts.lost.receive,
            Fate::Lost(LossPhase::Decode) => &mut counts.lost.decode,
            Fate::Lost(LossPhase::Session) => &mut counts.lost.session,
        };
        *counter += 1;
    }
    counts
}

/// Everything that the summary says of a stream.
pub(crate) fn summarise(stream: &StreamTimeline, record: &Record) -> StreamSummary {
    let header = &record.header;
    let clock = header.clock;
    let (setup_us, setup_uncertainty_us) = setup(stream, clock);
    let first_frame = measure::time_to(stream, Phase::FirstRender, Window::WHOLE, clock);
    let latency = measure::capture_to_render(stream, Window::WHOLE, clock);
    let path = measure::paths(stream).last().copied();
    let (histogram, over_time) = distribution(stream, header.duration_us);
    let causes = Causes::of(header, stream);
    let psnr = measure::psnr_millidb(stream, Window::WHOLE);
    let ssim = measure::ssim_ppm(stream, Window::WHOLE);
    StreamSummary {
        camera: stream.stream.camera.clone(),
        viewer: stream.stream.viewer.clone(),
        sessions: stream.sessions.len() as u64,
        ended: stream.sessions.iter().filter_map(EndedSession::of).collect(),
        local_candidate: path.map(|path| path.local),
        remote_candidate: path.map(|path| path.remote),
        relayed: path.map(|path| path.route == Route::Relayed),
        setup_us,
        setup_uncertainty_us,
        time_to_first_frame_us: first_frame.map(|span| span.measured_us),
        time_to_first_frame_uncertainty_us: first_frame
            .map_or(Uncertainty::NONE, |span| span.uncertainty),
        capture_to_render_us: LatencySummary {
            count: latency.count(),
            p50: latency.percentile_us(Percentile::P50),
            p90: latency.percentile_us(Percentile::P90),
            p95: latency.percentile_us(Percentile::P95),
            p99: latency.percentile_us(Percentile::P99),
            max: latency.max_us(),
            uncertainty: latency.widest(),
            p50_uncertainty: own(&latency, Percentile::P50),
            p95_uncertainty: own(&latency, Percentile::P95),
            p99_uncertainty: own(&latency, Percentile::P99),
        },
        capture_to_render_histogram_us: histogram,
        capture_to_render_over_time_us: over_time,
        stages_us: stages(stream, clock),
        split_us: SplitSummary::of(&causes, stream),
        configured_us: causes.configured_us(stream),
        margin_us: MarginSummary::of(stream),
        frames: count(stream.frames.iter()),
        freezes: frozen(stream, header.duration_us),
        psnr_millidb: measure::mean(&psnr),
        psnr_min_millidb: psnr.first().copied(),
        worst_frames: worst(stream),
        ssim_ppm: measure::mean(&ssim),
        ssim_min_ppm: ssim.first().copied(),
        markers_unreadable: match header.media_mode {
            MediaMode::Live => unreadable(stream),
            MediaMode::Prerecorded => 0,
        },
        bit_rate_bps: measure::bit_rate_bps(stream),
        rates: control::summary(&control::rates(record, &stream.stream)),
    }
}

fn worst(stream: &StreamTimeline) -> Vec<WorstFrame> {
    let mut worst = Worst::default();
    for frame in stream.frames.iter().filter(|frame| frame.fate == Fate::Rendered) {
        if let (Some(marker), Some(psnr_millidb)) =
            (frame.passage.marker, frame.passage.psnr_millidb)
        {
            let Marker { boot, frame, .. } = marker;
            worst.take(WorstFrame { psnr_millidb, boot, frame }, || ());
        }
    }
    worst.frames().map(|(frame, ())| *frame).collect()
}

fn unreadable(stream: &StreamTimeline) -> u64 {
    let without_marker =
        |frame: &&FrameHistory| frame.fate == Fate::Rendered && frame.passage.marker.is_none();
    stream.frames.iter().filter(without_marker).count() as u64
}

fn frozen(stream: &StreamTimeline, duration_us: u64) -> FreezesSummary {
    let mut summary = FreezesSummary::default();
    for freeze in measure::freezes(&measure::rendered_us(stream), duration_us) {
        summary.count += 1;
        summary.total_us += freeze.duration_us();
        summary.open_us = freeze.open.then(|| freeze.duration_us());
    }
    summary
}

fn stages(stream: &StreamTimeline, clock: Clock) -> PerStage<StageSummary> {
    measure::stages(stream, clock).map(|spans| StageSummary {
        p50: spans.percentile_us(Percentile::P50),
        p95: spans.percentile_us(Percentile::P95),
        uncertainty: spans.widest(),
        p50_uncertainty: own(spans, Percentile::P50),
    })
}

/// A percentile's own uncertainty.
fn own(spans: &Spans, percentile: Percentile) -> Uncertainty {
    spans.percentile(percentile).map_or(Uncertainty::NONE, |span| span.uncertainty)
}

fn setup(stream: &StreamTimeline, clock: Clock) -> (PerPhase<Option<i64>>, PerPhase<Uncertainty>) {
    let rendered = |position: &usize| {
        let session = &stream.sessions[*position];
        measure::phase_ns(stream, session, Phase::FirstRender).is_some()
    };
    let chosen = (0..stream.sessions.len()).find(rendered).or(stream.sessions.len().checked_sub(1));
    let request = measure::first_request(stream, Window::WHOLE);
    let of = |phase| {
        let (position, requested_ns) = request?;
        let chosen = chosen?;
        let session = &stream.sessions[chosen];
        let at = measure::phase_ns(stream, session, phase)?;
        let sessions = chosen.saturating_sub(position) as u64 + 1;
        Some((
            difference_us(requested_ns, at),
            measure::setup_uncertainty(stream, session, phase, sessions, clock),
        ))
    };
    let all = PerPhase {
        signalling: of(Phase::Signalling),
        gathering: of(Phase::Gathering),
        checking: of(Phase::Checking),
        nominated: of(Phase::Nominated),
        dtls: of(Phase::Dtls),
        first_rtp: of(Phase::FirstRtp),
        first_key_frame: of(Phase::FirstKeyFrame),
        first_render: of(Phase::FirstRender),
    };
    let us = all.map(|found| found.map(|(us, _)| us));
    let uncertainty = all.map(|found| found.map_or(Uncertainty::NONE, |(_, how)| how));
    (us, uncertainty)
}

/// What peers put on the wire.
pub(crate) fn bytes(record: &Record) -> BytesSummary {
    let mut all = BytesSummary::default();
    for entry in &record.entries {
        if let Event::Bytes { direct, turn, signalling } = &entry.event {
            all.direct += direct;
            all.turn += turn;
            all.signalling += signalling;
        }
    }
    all
}

/// Capture-to-render latency of a stream, in buckets and over time.
fn distribution(stream: &StreamTimeline, duration_us: u64) -> (Histogram, OverTime) {
    let frames: Vec<(u64, i64)> = measure::rendered(stream)
        .filter_map(|frame| Some((frame.camera.captured_ns / 1_000, frame.capture_to_render_us()?)))
        .collect();
    let histogram = Histogram::of(frames.iter().map(|(_, latency_us)| *latency_us));
    (histogram, OverTime::of(duration_us, frames))
}
