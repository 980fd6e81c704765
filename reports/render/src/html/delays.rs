//! The delay of each link: what was configured, and what came out.

use crate::{escape::tame, figure};
use parallax_record::{ConfiguredDelay, DelaySummary, Summary};

/// Most configured delays of a link that are named.
const CONFIGURED_NAMED: usize = 4;

/// One direction of a site's access.
pub(super) struct DelayRow {
    pub(super) name: String,
    pub(super) configured: String,
    /// Mean, p50, p95 of propagation, then of the whole link.
    pub(super) figures: [String; 6],
}

/// The links of a run; none in summaries that do not tell.
pub(super) fn rows(summary: &Summary) -> Vec<DelayRow> {
    let row = |link: &parallax_record::LinkSummary| {
        let way = link.direction.word();
        let [mean, p50, p95] = figures(&link.propagation_us);
        let [whole_mean, whole_p50, whole_p95] = figures(&link.crossing_us);
        DelayRow {
            name: format!("{}, {way}", tame(&link.site)),
            configured: configured(&link.configured),
            figures: [mean, p50, p95, whole_mean, whole_p50, whole_p95],
        }
    };
    summary.links.iter().map(row).collect()
}

fn figures(delay: &DelaySummary) -> [String; 3] {
    [Some(delay.mean), delay.p50, delay.p95]
        .map(|us| us.map_or_else(|| "–".to_owned(), figure::duration))
}

fn configured(delays: &[ConfiguredDelay]) -> String {
    let time = |us: u64| figure::duration(i64::try_from(us).unwrap_or(i64::MAX));
    let one = |delay: &ConfiguredDelay| {
        let mut text = String::new();
        if delay.from_us > 0 {
            text = format!("from {} ", time(delay.from_us));
        }
        text.push_str(&time(delay.one_way_delay_us));
        if delay.delay_variation_us > 0 {
            let order = if delay.reorder { "reordered" } else { "in order" };
            text.push_str(&format!(" ± {}, {order}", time(delay.delay_variation_us)));
        }
        text
    };
    let mut all: Vec<String> = delays.iter().take(CONFIGURED_NAMED).map(one).collect();
    if delays.len() > CONFIGURED_NAMED {
        all.push(format!("and {} more", delays.len() - CONFIGURED_NAMED));
    }
    all.join("; ")
}
