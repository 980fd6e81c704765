//! A chart: a frame with two axes, and shapes in it.

use super::{Hover, Ink, Plot, data, layer, nice};
use crate::escape::xml;
use plotters::{
    coord::ranged1d::{DefaultFormatting, KeyPointHint, KeyPointWeight, Ranged},
    prelude::*,
};
use std::{convert::Infallible, fmt::Write, ops::Range};

/// One axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// Where it begins and ends.
    pub(crate) range: Range<f64>,
    /// Where it has ticks, and what they say.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From 0 or another number on, with round ticks.
    pub(crate) fn plain(from: f64, to: f64, count: usize) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        let ticks =
            nice::ticks(from, to, count).into_iter().map(|at| (at, nice::number(at))).collect();
        Self { range: from..to, ticks }
    }
}

/// How a chart is laid out.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    /// Pixels left of the plotting area, for labels.
    pub(crate) left: u32,
    /// What the axis along the bottom is, with its unit.
    pub(crate) x_name: &'static str,
    /// Charts of one group are zoomed together; none cannot be zoomed.
    pub(crate) group: Option<String>,
}

impl Look {
    /// As most charts over time are.
    pub(crate) fn wide(group: &str) -> Self {
        Self {
            width: 1_000,
            height: 230,
            left: 118,
            x_name: "run time, s",
            group: Some(group.to_owned()),
        }
    }
}

#[derive(Clone, Debug)]
enum Shape {
    Line(Ink, u32, Vec<(f64, f64)>),
    Dots(Ink, u32, Vec<(f64, f64)>),
    Boxes(Ink, f64, Vec<(f64, f64, f64, f64)>),
}

/// A text within the plotting area.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) ink: Ink,
    pub(super) x: f64,
    pub(super) y: f64,
    /// How far above `y` it stands, pixels.
    pub(super) above: f64,
    pub(super) text: String,
    /// It ends at `x`, and does not begin there.
    pub(super) ends: bool,
}

/// So far what is drawn may reach over the edge of the plotting area, pixels.
pub(super) const SLACK: f64 = 4.0;
/// The middle of the line of the title and of the first line of the legend.
pub(super) const HEAD: f64 = 13.0;
/// From one line of the legend to the next.
pub(super) const LEGEND: f64 = 15.0;

/// What is drawn, and how.
pub(crate) struct Chart {
    pub(super) look: Look,
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    shapes: Vec<Shape>,
    pub(super) notes: Vec<Note>,
    /// What can be pointed at.
    pub(crate) hover: Hover,
    pub(super) legend: Vec<(&'static str, String)>,
    /// Text for a reader who does not see it, if that is more than its summary.
    pub(crate) told: Option<String>,
}

const TOP: u32 = 34;
pub(super) const RIGHT: u32 = 18;
const BOTTOM: u32 = 26;

impl Chart {
    pub(crate) fn new(title: &str, look: Look, x: Axis, y: Axis) -> Self {
        let hover = Hover { xn: "at", xu: "s", ..Hover::default() };
        Self {
            look,
            title: title.to_owned(),
            x,
            y,
            shapes: Vec::new(),
            notes: Vec::new(),
            hover,
            legend: Vec::new(),
            told: None,
        }
    }

    pub(crate) fn line(&mut self, ink: Ink, width: u32, points: Vec<(f64, f64)>) {
        self.shapes.push(Shape::Line(ink, width, points));
    }

    pub(crate) fn dots(&mut self, ink: Ink, width: u32, points: Vec<(f64, f64)>) {
        self.shapes.push(Shape::Dots(ink, width, points));
    }

    /// From x, to x, from y, to y.
    pub(crate) fn boxes(&mut self, ink: Ink, alpha: f64, boxes: Vec<(f64, f64, f64, f64)>) {
        self.shapes.push(Shape::Boxes(ink, alpha, boxes));
    }

    /// A text that begins (or ends) at a point. Where another label is in its way it stands on the other side, or is
    /// cut, or is left out: what can be pointed at says it all the same.
    pub(crate) fn text(&mut self, ink: Ink, x: f64, y: f64, text: &str, ends: bool) {
        self.notes.push(Note { ink, x, y, above: 0.0, text: text.to_owned(), ends });
    }

    /// The bound of a check that did not pass, for a time of the run, with what it is: on the side of the bound where
    /// fewer data are.
    pub(crate) fn bound(&mut self, (from, to): (f64, f64), y: f64, text: &str, above: bool) {
        self.line(Ink::Fail, 20, vec![(from, y), (to, y)]);
        let (ink, text) = (Ink::Fail, text.to_owned());
        let above = if above { 9.0 } else { -9.0 };
        self.notes.push(Note { ink, x: from, y, above, text, ends: false });
    }

    /// The window of a check that did not pass and counts, with what it is.
    pub(crate) fn window(&mut self, from: f64, to: f64, top: f64, text: &str) {
        self.boxes(Ink::Fail, 0.08, vec![(from, to, 0.0, top)]);
        let (ink, text) = (Ink::Fail, text.to_owned());
        self.notes.push(Note { ink, x: from, y: top, above: -8.0, text, ends: false });
    }

    /// The time until which a check wanted something, with what it is.
    pub(crate) fn until(&mut self, x: f64, text: &str) {
        let Range { start, end } = self.y.range;
        self.line(Ink::Fail, 20, vec![(x, start), (x, end)]);
        let (ink, text) = (Ink::Fail, text.to_owned());
        self.notes.push(Note { ink, x, y: end, above: -8.0, text, ends: true });
    }

    pub(crate) fn named(&mut self, ink: Ink, name: &str) {
        self.legend.push((ink.name(), name.to_owned()));
    }

    /// Where the plotting area is, pixels: left, right, top, bottom.
    pub(super) fn area(&self) -> (f64, f64, f64, f64) {
        let Look { width, left, .. } = self.look;
        let [left, right, bottom] = [left, width - RIGHT, self.height() - BOTTOM].map(f64::from);
        (left, right, f64::from(self.top()), bottom)
    }

    /// Above the plotting area: the title, and as many lines as the legend needs.
    fn top(&self) -> u32 {
        let lines = self.placed_legend().last().map_or(0, |(line, ..)| *line);
        TOP + lines * LEGEND as u32
    }

    fn height(&self) -> u32 {
        self.look.height + self.top() - TOP
    }

    pub(super) fn x_px(&self, x: f64) -> f64 {
        let (left, right, ..) = self.area();
        let Range { start, end } = self.x.range;
        left + (x - start) / (end - start) * (right - left)
    }

    pub(super) fn y_px(&self, y: f64) -> f64 {
        let (_, _, top, bottom) = self.area();
        let Range { start, end } = self.y.range;
        bottom - (y - start) / (end - start) * (bottom - top)
    }

    /// Draws it.
    pub(crate) fn draw(mut self, id: &str, summary: &str, reading: &str) -> Plot {
        let mut labels = self.label_axes();
        let notes = self.place_notes(&mut labels);
        let (frame, data) = (self.frame(), self.data());
        let (width, height) = (self.look.width, self.height());
        let scale = layer::POINTS as u32;
        let (left, right, top, bottom) = self.area();
        let px = |px: f64| nice::number(px * f64::from(layer::POINTS));
        let mut svg = format!(
            "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\" data-area=\"{} {} {} {}\" data-range=\"{} {} {} {}\"",
            width * scale,
            height * scale,
            px(left),
            px(right),
            px(top),
            px(bottom),
            data::round(self.x.range.start),
            data::round(self.x.range.end),
            data::round(self.y.range.start),
            data::round(self.y.range.end),
        );
        if let Some(group) = &self.look.group {
            let _ = write!(svg, " data-group=\"{group}\"");
        }
        let _ = write!(
            svg,
            "><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>\
             <clipPath id=\"{id}-c\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\
             <g class=\"frame\">{frame}</g>\
             <g clip-path=\"url(#{id}-c)\"><g class=\"data\">{data}</g><g class=\"notes\">{}</g></g>",
            xml(&self.title),
            xml(self.told.as_deref().unwrap_or(summary)),
            px(left),
            px(top - SLACK),
            px(right - left),
            px(bottom - top + 2.0 * SLACK),
            notes
        );
        let _ = write!(
            svg,
            "<text class=\"f-text title\" x=\"{}\" y=\"170\" font-size=\"130\" font-weight=\"bold\">{}</text>\
             {}<text class=\"f-quiet\" x=\"{}\" y=\"170\" font-size=\"110\" text-anchor=\"end\">{}</text></svg>",
            px(8.0),
            xml(&self.shown_title()),
            self.keys(),
            px(right),
            self.look.x_name
        );
        Plot {
            id: id.to_owned(),
            title: self.title,
            summary: summary.to_owned(),
            reading: reading.to_owned(),
            svg,
            data: if self.hover == (Hover { xn: "at", xu: "s", ..Hover::default() }) {
                String::new()
            } else {
                self.hover.json()
            },
            legend: self.legend,
        }
    }

    /// Grid, axes and their labels.
    fn frame(&self) -> String {
        let mut out = String::new();
        let (_, _, top, bottom) = self.area();
        let mut grid = String::new();
        for (at, _) in &self.x.ticks {
            let _ = write!(
                grid,
                "M{:.0} {:.0}V{:.0}",
                self.x_px(*at) * 10.0,
                top * 10.0,
                bottom * 10.0
            );
        }
        let _ = write!(out, "<path class=\"s-grid none xgrid\" stroke-width=\"10\" d=\"{grid}\"/>");
        // Drawing on a string cannot fail.
        let drawn = self.on(&mut out, |chart| {
            let label = |ink: Ink| ("sans-serif", 110).into_font().color(&ink.sentinel());
            let find = |axis: &Axis, at: f64| {
                let found = axis.ticks.iter().find(|(tick, _)| (tick - at).abs() < 1e-9);
                found.map_or_else(String::new, |(_, text)| text.clone())
            };
            chart
                .configure_mesh()
                .disable_x_mesh()
                .x_labels(self.x.ticks.len() + 1)
                .y_labels(self.y.ticks.len() + 1)
                .light_line_style(plotters::style::TRANSPARENT)
                .bold_line_style(Ink::Grid.sentinel().stroke_width(10))
                .axis_style(Ink::Quiet.sentinel().stroke_width(10))
                .x_label_style(label(Ink::Bottom))
                .y_label_style(label(Ink::Quiet))
                .x_label_formatter(&|at| find(&self.x, *at))
                .y_label_formatter(&|at| find(&self.y, *at))
                .set_all_tick_mark_size(40)
                .draw()
        });
        debug_assert!(drawn.is_ok());
        out
    }

    fn data(&self) -> String {
        let mut out = String::new();
        let drawn = self.on(&mut out, |chart| {
            for shape in &self.shapes {
                match shape {
                    Shape::Line(ink, width, points) => {
                        let style = ink.sentinel().stroke_width(*width);
                        chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
                    }
                    Shape::Dots(ink, width, points) => {
                        let dot =
                            |at: &(f64, f64)| Circle::new(*at, *width / 2, ink.sentinel().filled());
                        chart.draw_series(points.iter().map(dot))?;
                    }
                    Shape::Boxes(ink, alpha, boxes) => {
                        let style = ink.sentinel().mix(*alpha).filled();
                        chart.draw_series(boxes.iter().map(|(x0, x1, y0, y1)| {
                            Rectangle::new([(*x0, *y1), (*x1, *y0)], style)
                        }))?;
                    }
                }
            }
            Ok(())
        });
        debug_assert!(drawn.is_ok());
        out
    }

    fn on<'a>(&self, out: &'a mut String, draw: impl FnOnce(&mut Context<'a>) -> Drawn) -> Drawn {
        let Look { width, left, .. } = self.look;
        let height = self.height();
        let scale = layer::POINTS as u32;
        let area = layer::Layer::new(out, (width * scale, height * scale)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_top(self.top() * scale)
            .margin_right(RIGHT * scale)
            .x_label_area_size(BOTTOM * scale)
            .y_label_area_size(left * scale)
            .build_cartesian_2d(Scale::of(&self.x), Scale::of(&self.y))?;
        draw(&mut chart)?;
        area.present()
    }
}

/// An axis as plotters knows it: ticks where the chart wants them and nowhere else.
struct Scale {
    range: Range<f64>,
    ticks: Vec<f64>,
}

impl Scale {
    fn of(axis: &Axis) -> Self {
        Self { range: axis.range.clone(), ticks: axis.ticks.iter().map(|(at, _)| *at).collect() }
    }
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        let at = f64::from(limit.0) + share * f64::from(limit.1 - limit.0);
        libm::round(at) as i32
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        match hint.weight() {
            // The lighter lines between.
            KeyPointWeight::Any => Vec::new(),
            KeyPointWeight::Bold => self.ticks.clone(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

type Context<'a> = ChartContext<'a, layer::Layer<'a>, Cartesian2d<Scale, Scale>>;
type Drawn = Result<(), DrawingAreaErrorKind<Infallible>>;
