//! `.hgrm`: the percentile distribution of HdrHistogram as text, which its plotters read. Values are
//! milliseconds.

use crate::{escape::plain_name, pooled, view::Report};
use hdrhistogram::Histogram as Hdr;
use parallax_record::Histogram;
use std::{collections::BTreeMap, fmt::Write};

/// Significant digits: the buckets of a summary are these.
const DIGITS: u8 = 2;

/// Lines for each halving of what is left to 100 %.
const TICKS: u32 = 5;

/// A file for each scenario and stream with rendered frames: its name and its text, over all runs.
#[must_use]
pub fn files(report: &Report) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for scenario in &report.scenarios {
        for named in &scenario.streams {
            let pooled = pooled::histogram(report, scenario, named);
            if pooled.count() == 0 {
                continue;
            }
            let folder = match report.folders.len() {
                1 => String::new(),
                _ => format!("{}_", scenario.folder + 1),
            };
            let [scenario, camera, viewer] =
                [&scenario.name, &named.camera, &named.viewer].map(|name| plain_name(name));
            let stem = format!("{folder}{scenario}_{camera}_{viewer}");
            // Names that differ only in characters that no file system takes get a number.
            let other = |number: &u32| match number {
                1 => format!("{stem}.hgrm"),
                _ => format!("{stem}-{number}.hgrm"),
            };
            let free = (1..).find(|number| !files.contains_key(&other(number))).unwrap_or(1);
            files.insert(other(&free), text(&pooled));
        }
    }
    files
}

/// The text of one.
#[must_use]
pub fn text(histogram: &Histogram) -> String {
    let mut out = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let Ok(mut hdr) = Hdr::<u64>::new_with_bounds(1, i64::MAX.unsigned_abs(), DIGITS) else {
        return out;
    };
    for (least, _, count) in histogram.buckets() {
        // What is shown before it was captured, by two clocks, is shown at once.
        hdr.saturating_record_n(u64::try_from(least).unwrap_or(0), count);
    }
    let ms = |us: f64| us / 1_000.0;
    let mut total: u64 = 0;
    for step in hdr.iter_quantiles(TICKS) {
        total = total.saturating_add(step.count_since_last_iteration());
        let value = ms(step.value_iterated_to() as f64);
        let at = step.quantile_iterated_to();
        let _ = if at < 1.0 {
            writeln!(out, "{value:>12.3} {at:>14.12} {total:>10} {:>14.2}", 1.0 / (1.0 - at))
        } else {
            writeln!(out, "{value:>12.3} {at:>14.12} {total:>10}")
        };
    }
    let (mean, deviation, max) = (ms(hdr.mean()), ms(hdr.stdev()), ms(hdr.max() as f64));
    let _ = writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]");
    let _ = writeln!(out, "#[Max     = {max:>12.3}, Total count    = {:>12}]", hdr.len());
    let _ = writeln!(out, "#[Buckets = {:>12}, SubBuckets     = {:>12}]", hdr.buckets(), 256);
    out
}
