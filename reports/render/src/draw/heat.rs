//! Latency over time as a heat map.

use super::s;
use crate::plot::{Axis, Chart, Ink, Look, Plot};
use crate::view::Heat;

const BY_FRAMES: &str = "Each cell counts the frames captured in its interval that were so late, in all runs: the \
     stronger the colour, the more. A second band above the first is a mode of its own; a band that climbs is a \
     queue that fills.";

const BY_MEDIANS: &str = "Each cell counts frames by the summaries of all runs, in which the frames of a second stand at \
     their median: the stronger the colour, the more. A second band above the first is runs with another mode; a \
     band that climbs is a queue that fills. Single late frames do not show here: see the runs in full.";

/// Latency heat map. `group` are the plots that it is zoomed with.
pub(crate) fn heat(heat: &Heat, duration_us: u64, group: Option<String>, id: &str) -> Plot {
    let rows = heat.cells.keys().map(|(_, row)| *row + 1).max().unwrap_or(1).max(1);
    let row_ms = heat.row_us as f64 / 1e3;
    let top = rows as f64 * row_ms;
    let most = heat.cells.values().max().copied().unwrap_or(1);
    let end = s(duration_us.max(1));
    let look = Look { width: 1_000, height: 250, left: 118, x_name: "run time, s", group };
    let title = "Latency heat map, ms";
    let mut chart = Chart::new(title, look, Axis::plain(0.0, end, 12), Axis::plain(0.0, top, 5));
    let column = s(heat.column_us);
    let mut shades: [Vec<(f64, f64, f64, f64)>; 6] = Default::default();
    for ((at, row), count) in &heat.cells {
        let from = *at as f64 * column;
        let low = *row as f64 * row_ms;
        let cell = (from, from + column, low, low + row_ms);
        shades[shade(*count, most)].push(cell);
        let text = format!(
            "{}, {} to {} ms late",
            crate::figure::counted(*count, "frame"),
            crate::plot::nice::number(low),
            crate::plot::nice::number(low + row_ms)
        );
        chart.hover.b.push((cell.0, cell.1, cell.2, cell.3, text));
    }
    for (ink, cells) in Ink::HEAT.into_iter().zip(shades) {
        chart.boxes(ink, 1.0, cells);
    }
    chart.named(Ink::Heat1, "1 frame");
    chart.named(Ink::Heat6, &crate::figure::counted(most, "frame"));
    let frames: u64 = heat.cells.values().sum();
    let runs = crate::figure::counted(heat.runs, "run");
    chart.draw(
        id,
        &format!(
            "{} of {runs}; at most {most} in one cell.",
            crate::figure::counted(frames, "frame")
        ),
        if heat.by_medians { BY_MEDIANS } else { BY_FRAMES },
    )
}

/// From one frame to the most, in six steps whose areas grow: few are seen beside many.
fn shade(count: u64, most: u64) -> usize {
    let share = libm::sqrt(count as f64 / most.max(1) as f64);
    ((share * 6.0) as usize).min(5)
}
