//! A run in full.

use super::{delays, page::spread, pictures, word};
use crate::plot::{Ink, Plot};
use crate::view::{Report, Run, StreamView, budget};
use crate::{
    check_text, draw,
    escape::{prose, tame},
    figure, split, terminal, view,
};
use askama::Template;
use parallax_record::{PerStage, Stage, StageSummary, StreamSummary, Summary};

#[derive(Template)]
#[template(path = "run.html")]
struct Section {
    id: String,
    row: usize,
    scenario: String,
    title: String,
    seed: String,
    verdict: &'static str,
    sign: &'static str,
    made_by: String,
    rerun: String,
    links: Vec<LinkRow>,
    delays: Vec<delays::DelayRow>,
    faults: Vec<String>,
    failures: Vec<String>,
    doubts: Vec<String>,
    earlier: Vec<String>,
    checks: Vec<Check>,
    checks_more: usize,
    streams: Vec<StreamPart>,
    streams_left_out: usize,
    frames: Vec<pictures::Frame>,
    frames_note: Option<String>,
    bytes: [(&'static str, String, String); 3],
}

/// What a link did to a packet in the middle.
struct LinkRow {
    name: String,
    packets: String,
    waited: String,
    transmission: String,
    propagation: String,
    whole: String,
}

/// Means over all packets of the run, each link by itself. Empty in records that do not tell.
fn link_rows(run: &Run) -> Vec<LinkRow> {
    let row = |link: &parallax_record::LinkTimeline| {
        // A mean of intervals, each as heavy as it has packets; 128 bits hold hours of nanoseconds.
        let mean = |of: fn(&parallax_record::LinkInterval) -> Option<u64>| {
            let (mut sum, mut packets) = (0_u128, 0_u128);
            for load in &link.loads {
                let sent = u128::from(load.carried_packets);
                if let Some(ns) = of(load) {
                    sum += u128::from(ns) * sent;
                    packets += sent;
                }
            }
            let us = sum.checked_div(packets * 1_000)?;
            i64::try_from(us).ok()
        };
        let told = |us: Option<i64>| us.map_or_else(|| "–".to_owned(), figure::duration);
        let packets =
            link.loads.iter().map(|load| load.carried_packets).fold(0, u64::saturating_add);
        let way = link.direction.word();
        (packets > 0).then(|| LinkRow {
            name: format!("{}, {way}", tame(&link.site)),
            packets: packets.to_string(),
            waited: told(mean(|load| load.waited_mean_ns)),
            transmission: told(mean(|load| load.transmission_mean_ns)),
            propagation: told(mean(|load| load.propagation_mean_ns)),
            whole: told(mean(parallax_record::LinkInterval::crossing_mean_ns)),
        })
    };
    run.loads.iter().filter_map(row).collect()
}

struct Check {
    verdict: &'static str,
    sign: &'static str,
    name: String,
    measured: String,
    bound: String,
    why: String,
}

struct StreamPart {
    name: String,
    facts: Vec<(&'static str, String)>,
    stages: Vec<(&'static str, &'static str, String, String)>,
    split: Vec<split::CauseRow>,
    bar: Option<String>,
    plots: Vec<Plot>,
    group: String,
}

/// A run in full, as HTML.
pub(super) fn run(report: &Report, run: &Run, pictures: &mut pictures::Budget) -> String {
    let cell = &report.runs[run.run];
    let summary = &cell.summary;
    let environment = report.environments.get(cell.folder).and_then(Option::as_ref);
    let (frames, frames_note) = pictures.sheet(run);
    let streams = run.streams.iter().enumerate();
    let section = Section {
        id: format!("run-{}", run.run),
        row: run.run,
        scenario: tame(&summary.scenario),
        title: tame(&summary.title),
        seed: summary.which(),
        verdict: word(summary.verdict),
        sign: draw::sign(summary.verdict).0,
        made_by: run.made_by.line(),
        rerun: view::rerun(summary, environment),
        links: link_rows(run),
        delays: delays::rows(summary),
        faults: summary.faults.iter().map(|text| tame(text)).collect(),
        failures: summary.failures.iter().map(|text| tame(text)).collect(),
        doubts: summary.doubts.iter().map(|text| tame(text)).collect(),
        earlier: summary.earlier_attempts.iter().map(|text| tame(text)).collect(),
        checks: checks(summary),
        checks_more: (summary.checks.len() + summary.not_judged.len())
            .saturating_sub(budget::CHECKS),
        streams_left_out: run.streams_left_out,
        streams: streams.map(|(index, stream)| part(run, summary, stream, index)).collect(),
        frames,
        frames_note,
        bytes: bytes(run),
    };
    section.render().unwrap_or_default()
}

fn checks(summary: &Summary) -> Vec<Check> {
    let several = summary.streams.len() > 1;
    let check = |check: &parallax_record::CheckResult| {
        let (mut measured, bound) = check_text::figures(check);
        if let Some(unclear) = check_text::unclear(check) {
            measured = format!("{measured} ({unclear})");
        }
        Check {
            verdict: word(check.verdict),
            sign: draw::sign(check.verdict).0,
            name: check_text::check_title(check, several),
            measured,
            bound,
            why: prose(&check.why),
        }
    };
    let not_judged = |check: &parallax_record::NotJudged| Check {
        verdict: "not judged",
        sign: "–",
        name: check_text::not_judged_title(check, summary),
        measured: tame(&check.reason),
        bound: "–".to_owned(),
        why: prose(&check.why),
    };
    let mut ordered: Vec<_> = summary.checks.iter().collect();
    // What failed comes first.
    ordered.sort_by_key(|check| std::cmp::Reverse(check.verdict));
    let all = ordered.into_iter().map(check).chain(summary.not_judged.iter().map(not_judged));
    all.take(budget::CHECKS).collect()
}

fn part(run: &Run, summary: &Summary, stream: &StreamView, index: usize) -> StreamPart {
    let id = |what: &str| format!("r{}-{index}-{what}", run.run);
    let own = summary
        .streams
        .iter()
        .find(|one| one.camera == stream.camera && one.viewer == stream.viewer);
    let frames: Vec<(u64, i64)> =
        stream.shown.iter().map(|frame| (frame.captured_us, frame.latency_us)).collect();
    let mut plots = vec![
        draw::lanes(run, stream, &id("lanes")),
        draw::latency(run, stream, &id("latency")),
        draw::stages(run, stream, &id("stages")),
    ];
    if !frames.is_empty() {
        let heat = view::Heat::of(&frames, run.duration_us, 1);
        let group = Some(format!("run{}", run.run));
        plots.push(draw::heat(&heat, run.duration_us, group, &id("heat")));
    }
    plots.push(draw::rates(run, stream, &id("rates")));
    plots.extend(draw::queues(run, &id("queues")));
    plots.push(draw::trouble(run, stream, &id("trouble")));
    plots.extend(draw::psnr(run, stream, &id("psnr")));
    plots.extend(draw::ssim(run, stream, &id("ssim")));
    plots.extend(draw::run_curve(stream, &id("curve")));
    for connection in stream.shown_connections() {
        plots.push(draw::waterfall(
            run,
            stream,
            connection,
            &id(&format!("setup{}", connection.number)),
        ));
    }
    let stages = own.map(|own| own.stages_us).unwrap_or_default();
    StreamPart {
        name: format!("{} to {}", tame(&stream.camera), tame(&stream.viewer)),
        facts: own.map(facts).unwrap_or_default(),
        stages: stage_rows(&stages),
        split: own.map(|own| split::rows(&[own])).unwrap_or_default(),
        bar: draw::bar(&stages.map(|stage| stage.p50), &id("bar")),
        plots,
        group: format!("run{}", run.run),
    }
}

fn facts(stream: &StreamSummary) -> Vec<(&'static str, String)> {
    let path = match (stream.relayed, stream.local_candidate, stream.remote_candidate) {
        (Some(relayed), Some(local), Some(remote)) => {
            let way = if relayed { "relayed" } else { "direct" };
            format!(
                "{way}: {} ({remote}) to {} ({local})",
                tame(&stream.camera),
                tame(&stream.viewer)
            )
        }
        _ => "no pair was nominated".to_owned(),
    };
    let first = stream.time_to_first_frame_us.map_or_else(
        || "none was shown".to_owned(),
        |us| spread(us, stream.time_to_first_frame_uncertainty_us),
    );
    let latency = &stream.capture_to_render_us;
    let frames = &stream.frames;
    let mut frozen = match stream.freezes.count {
        0 => "none".to_owned(),
        count => {
            let total = figure::duration(stream.freezes.total_us.cast_signed());
            format!("{count}, {total} in all")
        }
    };
    if let Some(us) = stream.freezes.open_us {
        frozen = format!("{frozen}, still for the last {}", figure::duration(us.cast_signed()));
    }
    let mut facts = vec![
        ("Path", path),
        ("Time to first frame", first),
        ("Capture-to-render, uncertainty", spread_only(latency.uncertainty)),
        (
            "Frames",
            format!(
                "{} captured, {} shown, {} lost",
                frames.captured,
                frames.rendered,
                frames.lost.total()
            ),
        ),
        ("Freezes", frozen),
    ];
    facts.extend(crate::margin::text(&stream.margin_us).map(|text| ("Margins", text)));
    if let Some(psnr) = stream.psnr_millidb {
        facts.push(("PSNR, mean", figure::level(i64::from(psnr))));
    }
    if stream.psnr_millidb.is_none() {
        facts.push(("PSNR and SSIM", "not known".to_owned()));
    }
    if stream.sessions > 1 || !stream.ended.is_empty() {
        facts.push(("Sessions", terminal::sessions_text(stream)));
    }
    if let Some(ssim) = stream.ssim_ppm {
        facts.push(("SSIM, mean", figure::similarity(i64::from(ssim))));
    }
    facts
}

fn spread_only(uncertainty: parallax_record::Uncertainty) -> String {
    let text = figure::uncertainty(uncertainty.below, uncertainty.above);
    if text.is_empty() { "exact".to_owned() } else { text }
}

fn stage_rows(
    stages: &PerStage<StageSummary>,
) -> Vec<(&'static str, &'static str, String, String)> {
    let row = |(stage, own): (Stage, &StageSummary)| {
        let time =
            |us: Option<i64>| us.map_or_else(|| "–".to_owned(), |us| spread(us, own.uncertainty));
        (Ink::Stage(stage).name(), stage.name(), time(own.p50), time(own.p95))
    };
    stages.iter().map(row).collect()
}

fn bytes(run: &Run) -> [(&'static str, String, String); 3] {
    let all = run.bytes.direct.saturating_add(run.bytes.turn).saturating_add(run.bytes.signalling);
    let share = |bytes: u64| match all {
        0 => "–".to_owned(),
        _ => figure::share((bytes.saturating_mul(1_000_000) / all).cast_signed()),
    };
    [
        ("direct, between peers", run.bytes.direct),
        ("through TURN servers", run.bytes.turn),
        ("through signalling and STUN", run.bytes.signalling),
    ]
    .map(|(name, bytes)| (name, figure::bytes(bytes), share(bytes)))
}
