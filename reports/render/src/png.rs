//! PNGs of what people paste into an issue, made of the very SVG that the page shows. The font is part
//! of the program, so that a machine's own fonts decide nothing.

use crate::{Plot, Report, draw, plot, view::Run};
use resvg::{tiny_skia, usvg};
use std::sync::Arc;

const FONT: &[u8] = include_bytes!("../assets/DejaVuSans.ttf");

/// Pixels of a picture for each of the drawing: for screens of today.
const SCALE: f32 = 2.0;

/// All scenarios and runs, a cell for each. Empty if it is too large to draw.
#[must_use]
pub fn grid(report: &Report) -> Vec<u8> {
    picture(&draw::grid(report), 1.0)
}

/// The PNGs of a run, with the ends of their names: for each stream its timeline, percentile curve,
/// heat map, and the connection of its first session.
#[must_use]
pub fn run(run: &Run) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for stream in &run.streams {
        let mut add = |what: &str, plot: &Plot| {
            let name = format!("{}_{}_{what}.png", plain(&stream.camera), plain(&stream.viewer));
            all.push((name, self::plot(plot)));
        };
        add("timeline", &draw::latency(run, stream, "p"));
        if let Some(curve) = draw::run_curve(stream, "p") {
            add("percentiles", &curve);
            let frames: Vec<_> =
                stream.shown.iter().map(|frame| (frame.captured_us, frame.latency_us)).collect();
            let heat = crate::view::Heat::of(&frames, run.duration_us, 1);
            add("heat", &draw::heat(&heat, run.duration_us, None, "p"));
        }
        if let Some(connection) = stream.connections.first() {
            add("connection", &draw::waterfall(connection, "p"));
        }
    }
    all
}

/// A plot as PNG. Empty if it is too large to draw.
#[must_use]
pub fn plot(plot: &Plot) -> Vec<u8> {
    picture(&plot.svg, 0.1)
}

/// A name that any file system takes.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    name.chars().map(|c| if fits(c) { c } else { '-' }).collect()
}

fn picture(svg: &str, scale: f32) -> Vec<u8> {
    let Some((head, rest)) = svg.split_once('>') else { return Vec::new() };
    let ground = "<rect width=\"100%\" height=\"100%\" class=\"f-ground\"/>";
    let svg = format!("{head}><style>{}</style>{ground}{rest}", plot::plain_rules());
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    let options = usvg::Options {
        font_family: "DejaVu Sans".to_owned(),
        fontdb: Arc::new(fonts),
        ..usvg::Options::default()
    };
    let drawn = || {
        let tree = usvg::Tree::from_str(&svg, &options).ok()?;
        let size = tree.size();
        let scale = scale * SCALE;
        let (width, height) = (size.width() * scale, size.height() * scale);
        let mut pixels = tiny_skia::Pixmap::new(width.ceil() as u32, height.ceil() as u32)?;
        let transform = tiny_skia::Transform::from_scale(scale, scale);
        resvg::render(&tree, transform, &mut pixels.as_mut());
        pixels.encode_png().ok()
    };
    drawn().unwrap_or_default()
}
