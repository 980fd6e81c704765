//! Capture-to-render by cause, in words.

use crate::figure;
use parallax_record::{Percentile, SplitPart, SplitSummary, Stage, StreamSummary, nearest_rank};

/// One cause of a latency, or all of it.
pub(crate) struct CauseRow {
    /// Its name.
    pub(crate) name: &'static str,
    /// The median, and what 95 of 100 frames have at most.
    pub(crate) p50: String,
    pub(crate) p95: String,
    /// What is counted there.
    pub(crate) what: String,
}

/// For a line of a terminal: `configured 41 ms, p95 48 ms; chosen by the stack ...`. None if no viewer tells its stages.
pub(crate) fn line(split: &SplitSummary) -> Option<String> {
    let part = |(name, part): (&str, SplitPart)| {
        let mut text = format!("{name} {}", figure::to_ms(part.p50?));
        if split.count >= Percentile::P95.sample_that_bears_it() {
            text += &format!(" (p95 {})", figure::to_ms(part.p95?));
        }
        Some(text)
    };
    let parts: Vec<String> = split.parts().into_iter().filter_map(part).collect();
    (!parts.is_empty()).then(|| format!("p50 {}", parts.join(", ")))
}

/// For a cell of a table: p50 and p95 of each cause, over runs; a dash where that is not known.
pub(crate) fn cells(runs: &[&StreamSummary]) -> [String; 3] {
    over_runs(runs).map(|(_, [p50, p95])| match (p50, p95) {
        (Some(p50), Some(p95)) => format!("{} / {}", figure::to_ms(p50), figure::to_ms(p95)),
        (Some(p50), None) => figure::to_ms(p50),
        _ => "–".to_owned(),
    })
}

/// A row for each cause and one for the whole, over runs; empty if no viewer tells its stages.
pub(crate) fn rows(runs: &[&StreamSummary]) -> Vec<CauseRow> {
    let causes = over_runs(runs);
    if causes.iter().all(|(_, [p50, _])| p50.is_none()) {
        return Vec::new();
    }
    let time = |us: Option<i64>| us.map_or_else(|| "–".to_owned(), figure::to_ms);
    let whats = [
        configured(runs),
        "pacer, wait for resends, adaptive jitter buffer".to_owned(),
        "transmission and queues, delay above the configured one, busy stages, frames before that were late, and the \
         stages of a board"
            .to_owned(),
    ];
    let mut rows: Vec<CauseRow> = causes
        .into_iter()
        .zip(whats)
        .map(|((name, [p50, p95]), what)| CauseRow { name, p50: time(p50), p95: time(p95), what })
        .collect();
    let whole = [Percentile::P50, Percentile::P95].map(|percentile| {
        median(runs, |stream| {
            let latency = &stream.capture_to_render_us;
            let us = if percentile == Percentile::P50 { latency.p50 } else { latency.p95 };
            us.filter(|_| latency.count >= percentile.sample_that_bears_it())
        })
    });
    let [p50, p95] = whole.map(time);
    rows.push(CauseRow { name: "capture-to-render", p50, p95, what: "the whole".to_owned() });
    rows
}

/// Each cause with the medians over the runs of its p50 and its p95.
fn over_runs(runs: &[&StreamSummary]) -> [(&'static str, [Option<i64>; 2]); 3] {
    let names = SplitSummary::default().parts().map(|(name, _)| name);
    std::array::from_fn(|at| {
        let of = |p95: bool| {
            median(runs, |stream| {
                let (_, part) = stream.split_us.parts()[at];
                let bears = stream.split_us.count >= Percentile::P95.sample_that_bears_it();
                if p95 { part.p95.filter(|_| bears) } else { part.p50 }
            })
        };
        (names[at], [of(false), of(true)])
    })
}

/// What was configured of each stage, in words.
fn configured(runs: &[&StreamSummary]) -> String {
    let stage = |stage: Stage| {
        let us = median(runs, |stream| stream.configured_us[stage].filter(|us| *us > 0))?;
        Some(format!("{} {}", stage.name(), figure::to_ms(us)))
    };
    let stages: Vec<String> = Stage::ALL.into_iter().filter_map(stage).collect();
    match stages.is_empty() {
        true => "nothing".to_owned(),
        false => format!("{}: profiles (medians), links, fixed jitter buffer", stages.join(", ")),
    }
}

fn median(runs: &[&StreamSummary], of: impl Fn(&StreamSummary) -> Option<i64>) -> Option<i64> {
    let mut values: Vec<i64> = runs.iter().filter_map(|stream| of(stream)).collect();
    values.sort_unstable();
    nearest_rank(&values, Percentile::P50)
}
