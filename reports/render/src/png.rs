//! PNGs of what people paste into an issue, made of the very SVG that the page shows. The font is part
//! of the program, so that a machine's own fonts decide nothing.

use crate::{
    Plot, Report, draw,
    escape::{tame, xml},
    plot::{self, labels},
    view::Run,
};
use parallax_record::Verdict;
use resvg::{tiny_skia, usvg};
use std::sync::{Arc, LazyLock};

const FONT: &[u8] = include_bytes!("../assets/DejaVuSans.ttf");

/// That font, read once for all pictures.
static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    Arc::new(fonts)
});

/// Pixels of a picture for each of the drawing: for screens of today.
const SCALE: f32 = 2.0;

/// All scenarios and runs, a cell for each. Empty if it is too large to draw.
#[must_use]
pub fn grid(report: &Report) -> Vec<u8> {
    let overall = &report.overall;
    let line = overall.line();
    let text = if line.is_empty() { "all runs" } else { &line };
    picture(&draw::grid(report), 1.0, Some((overall.verdict, text)))
}

/// The PNGs of a run, with the ends of their names: for each stream its timeline, percentile curve,
/// heat map, and the connection of its first session.
#[must_use]
pub fn run(report: &Report, run: &Run) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let Some(cell) = report.runs.get(run.run) else { return all };
    let summary = &cell.summary;
    for stream in &run.streams {
        let caption = format!(
            "{}, seed {}: {} to {}",
            summary.scenario,
            summary.which(),
            stream.camera,
            stream.viewer
        );
        let mut add = |what: &str, plot: &Plot| {
            let name = format!("{}_{}_{what}.png", plain(&stream.camera), plain(&stream.viewer));
            let caption = (Some(summary.verdict), caption.as_str());
            all.push((name, picture(&plot.svg, 0.1, Some(caption))));
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
            add("connection", &draw::waterfall(run, stream, connection, "p"));
        }
    }
    all
}

/// A plot as PNG. Empty if it is too large to draw.
#[must_use]
pub fn plot(plot: &Plot) -> Vec<u8> {
    picture(&plot.svg, 0.1, None)
}

/// A name that any file system takes.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    name.chars().map(|c| if fits(c) { c } else { '-' }).collect()
}

/// How high a caption is, pixels.
const CAPTION: f64 = 26.0;
/// The font size of a caption, pixels.
const CAPTION_SIZE: f64 = 13.0;

/// A drawing with its ground, and above it the verdict and what it is of, so that a picture by itself says it.
fn composed(svg: &str, scale: f32, caption: Option<(Option<Verdict>, &str)>) -> Option<String> {
    let (head, rest) = svg.split_once('>')?;
    let (_, view) = head.split_once("viewBox=\"0 0 ")?;
    let (size, _) = view.split_once('"')?;
    let (width, height) = size.split_once(' ')?;
    let (width, height): (f64, f64) = (width.parse().ok()?, height.parse().ok()?);
    // Points of the drawing for each pixel.
    let points = 1.0 / f64::from(scale);
    let above = if caption.is_some() { CAPTION * points } else { 0.0 };
    let whole = height + above;
    let head = head.replacen(&format!("0 0 {size}"), &format!("0 -{above} {width} {whole}"), 1);
    let mut top = format!(
        "<style>{}</style><rect x=\"0\" y=\"-{above}\" width=\"{width}\" height=\"{whole}\" class=\"f-ground\"/>",
        plot::plain_rules()
    );
    if let Some((verdict, text)) = caption {
        let word = verdict.map_or("NONE".to_owned(), |verdict| verdict.to_string().to_uppercase());
        let ink = verdict.map_or("quiet", |verdict| draw::sign(verdict).1);
        let left = 8.0 + labels::width(&word, CAPTION_SIZE) * labels::BOLD + 10.0;
        let text = labels::fit(&tame(text), CAPTION_SIZE, width / points - left - 8.0);
        let (size, y) = (CAPTION_SIZE * points, 8.0 * points);
        for (x, ink, weight, text) in [(8.0, ink, "bold", &word), (left, "text", "normal", &text)] {
            top += &format!(
                "<text class=\"f-{ink}\" x=\"{}\" y=\"-{y}\" font-size=\"{size}\" font-weight=\"{weight}\">{}</text>",
                x * points,
                xml(text)
            );
        }
    }
    Some(format!("{head}>{top}{rest}"))
}

fn tree(svg: &str) -> Option<usvg::Tree> {
    let options = usvg::Options {
        font_family: "DejaVu Sans".to_owned(),
        fontdb: Arc::clone(&FONTS),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).ok()
}

fn picture(svg: &str, scale: f32, caption: Option<(Option<Verdict>, &str)>) -> Vec<u8> {
    let drawn = || {
        let tree = tree(&composed(svg, scale, caption)?)?;
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

/// What the renderer itself says of where texts are: for tests of what places them.
#[cfg(test)]
pub(crate) mod seen {
    use super::*;

    /// A text with its left, top, right and lower edge, pixels.
    pub(crate) type Text = (String, [f32; 4]);

    fn collect(group: &usvg::Group, scale: f32, found: &mut Vec<Text>) {
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => collect(group, scale, found),
                usvg::Node::Text(text) => {
                    let words = text.chunks().iter().map(|chunk| chunk.text()).collect::<String>();
                    let extent = text.abs_bounding_box();
                    let edges = [extent.left(), extent.top(), extent.right(), extent.bottom()];
                    if !words.trim().is_empty() {
                        found.push((words, edges.map(|edge| edge * scale)));
                    }
                }
                _ => {}
            }
        }
    }

    /// All texts of a drawing, and its width and height, pixels.
    pub(crate) fn texts(svg: &str, scale: f32) -> (Vec<Text>, f32, f32) {
        let caption = Some((Some(Verdict::Fail), "a-scenario-with-a-name, seed 7"));
        let svg = composed(svg, scale, caption).expect("a drawing");
        let tree = tree(&svg).expect("a drawing");
        let mut found = Vec::new();
        collect(tree.root(), scale, &mut found);
        (found, tree.size().width() * scale, tree.size().height() * scale)
    }

    /// No two texts touch each other, and none leaves the drawing.
    pub(crate) fn hold_apart(svg: &str, scale: f32) {
        let (found, width, height) = texts(svg, scale);
        for (at, (text, one)) in found.iter().enumerate() {
            let inside =
                one[0] > -0.6 && one[1] > -0.6 && one[2] < width + 0.6 && one[3] < height + 0.6;
            assert!(inside, "{text:?} leaves the drawing: {one:?} of {width} x {height}");
            for (other_text, other) in &found[at + 1..] {
                // A line's box is higher than its letters: lines may overlap by the difference.
                let beside = one[1] + 1.5 < other[3] && other[1] + 1.5 < one[3];
                let over = one[0] < other[2] && other[0] < one[2];
                assert!(!(beside && over), "{text:?} {one:?} and {other_text:?} {other:?}");
            }
        }
    }
}
