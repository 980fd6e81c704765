//! Plots: drawn once, as SVG. The page shows that SVG, and a PNG is made of the same.
//!
//! [`plotters`] scales, lays out and draws; [`layer`] is what it draws on.

mod chart;
mod data;
mod ink;
pub(crate) mod labels;
mod layer;
pub(crate) mod nice;
mod place;

pub(crate) use chart::{Axis, Chart, Look};
pub(crate) use data::{Hover, Series, round};
pub(crate) use ink::{Ink, page_rules, plain_rules};

/// A drawn plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// What it is called in the page: unique there.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What it shows, for a reader who does not see it.
    pub summary: String,
    /// How to read it.
    pub reading: String,
    /// The whole SVG element.
    pub svg: String,
    /// The plotted data as JSON that may stand in HTML; empty if there is nothing to point at.
    pub data: String,
    /// Inks and names of what is drawn.
    pub legend: Vec<(&'static str, String)>,
}
