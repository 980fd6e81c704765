//! What plotters draws on: SVG with a class for each ink, and what is drawn alike one after the other
//! in one path. A point of this backend is a tenth of a pixel.

use super::Ink;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
    text_anchor::{HPos, VPos},
};
use std::{convert::Infallible, fmt::Write};

/// How many points of this backend make a pixel.
pub(crate) const POINTS: i32 = 10;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// A layer of a plot.
pub(crate) struct Layer<'a> {
    out: &'a mut String,
    size: (u32, u32),
    /// The attributes of the path that is open.
    open: Option<String>,
}

impl<'a> Layer<'a> {
    /// A layer that writes to the end of `out`, its size in points.
    pub(crate) fn new(out: &'a mut String, size: (u32, u32)) -> Self {
        Self { out, size, open: None }
    }

    fn close(&mut self) {
        if let Some(attributes) = self.open.take() {
            let _ = write!(self.out, "\"{attributes}/>");
        }
    }

    /// Goes on with the path if it looks alike, or begins another.
    fn path(&mut self, attributes: String) {
        if self.open.as_ref() != Some(&attributes) {
            self.close();
            self.out.push_str("<path d=\"");
            self.open = Some(attributes);
        }
    }

    fn stroke(&mut self, colour: BackendColor, width: u32) {
        let ink = Ink::of_sentinel(colour.rgb).name();
        let width = width.max(1);
        self.path(format!(" class=\"s-{ink} none w{width}\" stroke-width=\"{width}\""));
    }

    fn fill(&mut self, colour: BackendColor) {
        let ink = Ink::of_sentinel(colour.rgb).name();
        let mut attributes = format!(" class=\"f-{ink}\"");
        if colour.alpha < 1.0 {
            let _ = write!(attributes, " fill-opacity=\"{}\"", colour.alpha);
        }
        self.path(attributes);
    }
}

impl Drop for Layer<'_> {
    fn drop(&mut self) {
        self.close();
    }
}

impl DrawingBackend for Layer<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        self.close();
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect(at, (at.0 + 1, at.1 + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if fill {
            self.fill(style.color());
        } else {
            self.stroke(style.color(), style.stroke_width());
        }
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        let _ = write!(self.out, "M{} {}h{width}v{height}h{}z", from.0, from.1, -width);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.stroke(style.color(), style.stroke_width());
        let mut last: Option<BackendCoord> = None;
        for (x, y) in path {
            match last {
                None => _ = write!(self.out, "M{x} {y}"),
                Some((_, before)) if before == y => _ = write!(self.out, "H{x}"),
                Some((before, _)) if before == x => _ = write!(self.out, "V{y}"),
                Some(_) => _ = write!(self.out, "L{x} {y}"),
            }
            last = Some((x, y));
        }
        Ok(())
    }

    /// A dot is a line without length with round ends: zooming moves it and does not stretch it.
    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Drawn {
        let ink = Ink::of_sentinel(style.color().rgb).name();
        let width = radius * 2;
        self.path(format!(
            " class=\"s-{ink} none w{width}\" stroke-width=\"{width}\" stroke-linecap=\"round\""
        ));
        let _ = write!(self.out, "M{} {}h0", center.0, center.1);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        self.fill(style.color());
        for (index, (x, y)) in corners.into_iter().enumerate() {
            let _ = write!(self.out, "{}{x} {y}", if index == 0 { 'M' } else { 'L' });
        }
        self.out.push('z');
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        self.close();
        let ink = Ink::of_sentinel(style.color().rgb).name();
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        let shift = match style.anchor().v_pos {
            VPos::Top => ".76em",
            VPos::Center => ".35em",
            VPos::Bottom => "-.2em",
        };
        let turn = match style.transform() {
            FontTransform::None => String::new(),
            FontTransform::Rotate90 => format!(" transform=\"rotate(90 {x} {y})\""),
            FontTransform::Rotate180 => format!(" transform=\"rotate(180 {x} {y})\""),
            FontTransform::Rotate270 => format!(" transform=\"rotate(270 {x} {y})\""),
        };
        let _ = write!(
            self.out,
            "<text x=\"{x}\" y=\"{y}\" dy=\"{shift}\" text-anchor=\"{anchor}\" font-size=\"{}\" \
             class=\"f-{ink}\"{turn}>{}</text>",
            style.size(),
            crate::escape::xml(text)
        );
        Ok(())
    }
}
