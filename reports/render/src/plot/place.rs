//! Where the labels of a chart stand.

use super::{
    Chart,
    chart::{HEAD, LEGEND, Note, RIGHT, SLACK},
    data,
    labels::{self, Extent, Labels},
};
use crate::escape::xml;
use std::fmt::Write;

/// Font size of all labels but the title, pixels.
const SIZE: f64 = 11.0;
/// Font size of the title.
const TITLE: f64 = 13.0;
/// Between a note and the point that it is about, pixels.
const GAP: f64 = 3.0;
/// How far the baseline is below the middle of a line, of the font size.
const BASELINE: f64 = 0.35;

impl Chart {
    /// Where the name of the axis along the bottom begins, right of the title.
    fn x_name_left(&self) -> f64 {
        f64::from(self.look.width - RIGHT) - labels::width(self.look.x_name, SIZE)
    }

    /// The title, cut to its room.
    pub(super) fn shown_title(&self) -> String {
        let room = (self.x_name_left() - 20.0) / labels::BOLD;
        labels::fit(&self.title, TITLE, room)
    }

    /// The entries of the legend: line, left end, ink, name; those that do not fit beside the title stand below it.
    pub(super) fn placed_legend(&self) -> Vec<(u32, f64, &'static str, String)> {
        let right = f64::from(self.look.width - RIGHT);
        let title = labels::width(&self.shown_title(), TITLE) * labels::BOLD;
        let (mut line, mut x) = (0, 8.0 + title + 24.0);
        let mut placed = Vec::new();
        for (ink, name) in &self.legend {
            let name = labels::fit(name, SIZE, right - 40.0);
            let wide = 14.0 + labels::width(&name, SIZE);
            let end = if line == 0 { self.x_name_left() - 12.0 } else { right };
            if x + wide > end {
                (line, x) = (line + 1, 8.0);
            }
            placed.push((line, x, *ink, name));
            x += wide + 16.0;
        }
        placed
    }

    /// The legend, beside the title and below it.
    pub(super) fn keys(&self) -> String {
        let mut out = String::new();
        for (line, x, ink, name) in self.placed_legend() {
            let down = f64::from(line) * LEGEND;
            let _ = write!(
                out,
                "<rect class=\"f-{ink}\" x=\"{:.0}\" y=\"{:.0}\" width=\"100\" height=\"90\"/>\
                 <text class=\"f-text\" x=\"{:.0}\" y=\"{:.0}\" font-size=\"110\">{}</text>",
                x * 10.0,
                (8.5 + down) * 10.0,
                (x + 14.0) * 10.0,
                (17.0 + down) * 10.0,
                xml(&name)
            );
        }
        out
    }

    /// Takes the places of the title, the legend and the labels of both axes. A label of an axis that has no place is
    /// left out: its tick is there.
    pub(super) fn label_axes(&mut self) -> Labels {
        let mut labels = Labels::default();
        let title = labels::width(&self.shown_title(), TITLE) * labels::BOLD;
        labels.take(Extent::line(8.0, HEAD, title, TITLE));
        let x_name = labels::width(self.look.x_name, SIZE);
        labels.take(Extent::line(self.x_name_left(), HEAD, x_name, SIZE));
        for (line, x, _, name) in self.placed_legend() {
            let wide = 14.0 + labels::width(&name, SIZE);
            labels.take(Extent::line(x, HEAD + f64::from(line) * LEGEND, wide, SIZE));
        }
        let (left, .., bottom) = self.area();
        let mut y = std::mem::take(&mut self.y.ticks);
        for (at, text) in &mut y {
            // The tick mark and as much again are between axis and label.
            *text = labels::fit(text, SIZE, left - 12.0);
            let wide = labels::width(text, SIZE);
            if !labels.take(Extent::line(left - 8.0 - wide, self.y_px(*at), wide, SIZE)) {
                text.clear();
            }
        }
        let mut x = std::mem::take(&mut self.x.ticks);
        for (at, text) in &mut x {
            let wide = labels::width(text, SIZE);
            let extent = Extent::line(self.x_px(*at) - wide / 2.0, bottom + 12.5, wide, SIZE);
            let inside = extent.left >= 0.0 && extent.right <= f64::from(self.look.width);
            if !inside || !labels.take(extent) {
                text.clear();
            }
        }
        (self.x.ticks, self.y.ticks) = (x, y);
        labels
    }

    /// Texts within the plotting area: the script moves them when it zooms, and then they only move apart.
    pub(super) fn place_notes(&self, labels: &mut Labels) -> String {
        let mut out = String::new();
        for note in &self.notes {
            let Some((text, y, ends)) = self.place(note, labels) else { continue };
            let anchor = if ends { "end" } else { "start" };
            let _ = write!(
                out,
                "<text class=\"f-{} s-ground\" stroke-width=\"30\" paint-order=\"stroke\" x=\"{:.0}\" dx=\"{:.0}\" \
                 y=\"{:.0}\" font-size=\"110\" text-anchor=\"{anchor}\" data-x=\"{}\">{}</text>",
                note.ink.name(),
                self.x_px(note.x) * 10.0,
                if ends { -GAP } else { GAP } * 10.0,
                (y + SIZE * BASELINE) * 10.0,
                data::round(note.x),
                xml(&text)
            );
        }
        out
    }

    /// Where a note stands: its text, the middle of its line, and whether it ends at its point. As wanted if there is
    /// room, else on the other side of its point or of its line, else cut to the most room that there is.
    fn place(&self, note: &Note, labels: &mut Labels) -> Option<(String, f64, bool)> {
        let (left, right, top, bottom) = self.area();
        let x = self.x_px(note.x);
        let lines = [note.above, -note.above].map(|above| self.y_px(note.y) - above);
        // What leaves the plotting area is cut off.
        let half = SIZE * 0.6;
        let inside = |y: &f64| *y >= top - SLACK + half && *y <= bottom + SLACK - half;
        let mut most: Option<(f64, f64, bool)> = None;
        for y in lines.into_iter().filter(inside) {
            let (before, after) = labels.room(x, y, SIZE, (left, right));
            let (before, after) = ((before - GAP).max(0.0), (after - GAP).max(0.0));
            for ends in [note.ends, !note.ends] {
                let room = if ends { before } else { after };
                if room >= labels::width(&note.text, SIZE) {
                    return self.stand(&note.text, (x, y, ends), labels);
                }
                if most.is_none_or(|(best, ..)| room > best) {
                    most = Some((room, y, ends));
                }
            }
        }
        let (room, y, ends) = most?;
        self.stand(&labels::fit(&note.text, SIZE, room), (x, y, ends), labels)
    }

    fn stand(
        &self,
        text: &str,
        (x, y, ends): (f64, f64, bool),
        labels: &mut Labels,
    ) -> Option<(String, f64, bool)> {
        let wide = labels::width(text, SIZE);
        let begins = if ends { x - GAP - wide } else { x + GAP };
        let stands = !text.is_empty() && labels.take(Extent::line(begins, y, wide, SIZE));
        stands.then(|| (text.to_owned(), y, ends))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Ink, Look};
    use super::*;
    use crate::png::seen;
    use proptest::prelude::*;

    fn text(most: usize) -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select("aeimwWM 0·…–ß".chars().collect::<Vec<_>>()),
            1..most,
        )
        .prop_map(|letters| letters.into_iter().collect())
    }

    fn ticks(most: usize) -> impl Strategy<Value = Vec<(f64, String)>> {
        prop::collection::vec((0.0..10.0_f64, text(40)), 0..most)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Whatever is to be written, wherever: what is there can be read.
        #[test]
        fn no_two_labels_of_a_chart_overlap(
            title in text(120),
            (x, y) in (ticks(30), ticks(30)),
            legend in prop::collection::vec(text(60), 0..9),
            notes in prop::collection::vec((0.0..10.0_f64, 0.0..10.0_f64, text(60), any::<bool>()), 0..30),
            bounds in prop::collection::vec((0.0..10.0_f64, 0.0..10.0_f64, text(60)), 0..6),
        ) {
            let axis = |ticks| Axis { range: 0.0..10.0, ticks };
            let look = Look { x_name: "run time, s", ..Look::wide("run1") };
            let mut chart = Chart::new(&title, look, axis(x), axis(y));
            for name in &legend {
                chart.named(Ink::Latency, name);
            }
            for (x, y, text, ends) in &notes {
                chart.text(Ink::Text, *x, *y, text, *ends);
            }
            for (from, y, text) in &bounds {
                chart.bound((*from, 10.0), *y, text, *y > 5.0);
                chart.until(*from, text);
                chart.window(*from, 10.0, 10.0, text);
            }
            seen::hold_apart(&chart.draw("a", "", "").svg, 0.1);
        }

        #[test]
        fn a_text_is_no_wider_than_it_is_said_to_be(text in "[ -~]{1,60}") {
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 2000 40\"><text x=\"0\" y=\"20\" \
                 font-size=\"11\">{}</text></svg>",
                xml(&text)
            );
            let (found, ..) = seen::texts(&svg, 1.0);
            let said = labels::width(&text, 11.0) as f32;
            for (_, [left, _, right, _]) in found.iter().filter(|(found, _)| *found == text.trim()) {
                prop_assert!(right - left <= said + 0.5, "{} for {said}", right - left);
            }
        }
    }

    #[test]
    fn the_text_of_a_bound_at_an_edge_is_not_cut_off() {
        for (y, above) in [(9.9, true), (10.0, true), (0.1, false), (0.0, false)] {
            let axis = || Axis { range: 0.0..10.0, ticks: Vec::new() };
            let mut chart = Chart::new("Title", Look::wide("run1"), axis(), axis());
            let (_, _, top, bottom) = chart.area();
            chart.bound((2.0, 10.0), y, "fail: PSNR p5 above 45 dB", above);
            let (found, ..) = seen::texts(&chart.draw("a", "", "").svg, 0.1);
            let own = found.iter().find(|(text, _)| text.starts_with("fail"));
            let [_, upper, _, lower] = own.expect("it is there").1.map(f64::from);
            // The caption of a PNG stands above all.
            let caption = 26.0;
            assert!(
                upper > top + caption - SLACK - 0.6 && lower < bottom + caption + SLACK + 0.6,
                "{y}: {upper} {lower}"
            );
        }
    }

    #[test]
    fn a_label_in_the_way_of_another_turns_to_the_other_side_or_is_cut() {
        let axis = || Axis { range: 0.0..10.0, ticks: Vec::new() };
        let mut chart = Chart::new("Title", Look::wide("run1"), axis(), axis());
        chart.text(Ink::Text, 5.0, 5.0, "squeeze: up link of house changes", false);
        chart.text(Ink::Text, 4.9, 5.0, "cut: phone loses its power", false);
        chart.text(Ink::Text, 9.9, 5.0, "later: doorbell loses its power", false);
        let (found, ..) = seen::texts(&chart.draw("a", "", "").svg, 0.1);
        let left = |text: &str| {
            let own = found.iter().find(|(found, _)| found.starts_with(text));
            own.unwrap_or_else(|| panic!("no {text} in {found:?}")).1[0]
        };
        assert!(left("cut: phone loses its power") < left("squeeze: up link of house changes"));
        assert!(
            left("later: doorbell loses its power") > left("squeeze: up link of house changes")
        );
    }
}
