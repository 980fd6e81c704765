//! Plotted data for a pointer on a plot: the same numbers that were drawn.

use serde::Serialize;

/// One value for each x.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Series {
    /// What it is.
    pub(crate) n: String,
    /// Its unit.
    pub(crate) u: &'static str,
    /// Its values; `null` where there is none.
    pub(crate) v: Vec<Option<f64>>,
}

/// What can be pointed at.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Hover {
    /// What x is, such as `run time`.
    pub(crate) xn: &'static str,
    /// Its unit.
    pub(crate) xu: &'static str,
    /// Where there are values, ascending.
    pub(crate) x: Vec<f64>,
    /// The values.
    pub(crate) s: Vec<Series>,
    /// What has an extent: from x, to x, from y, to y, text.
    pub(crate) b: Vec<(f64, f64, f64, f64, String)>,
}

impl Hover {
    /// As JSON that may stand in a `<script>`.
    pub(crate) fn json(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        crate::escape::json_in_html(&json)
    }
}

/// Thousandths are enough for a pointer's text.
pub(crate) fn round(value: f64) -> f64 {
    libm::round(value * 1_000.0) / 1_000.0
}
