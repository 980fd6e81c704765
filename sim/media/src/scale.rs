//! Scaling, centre-cropped to the target's aspect ratio.
//!
//! An area average in integers: every target sample is the mean of the source area it covers,
//! with fractional edges, rounded to nearest. `image`'s resizer computes in `f32` with weights
//! whose last bits hang on how the compiler orders and fuses operations, and on an `exp` or `sin`
//! of the platform; pixels that feed a byte-exact record may not.

use crate::picture::{Picture, Size, SizeError};
use std::borrow::Cow;

/// A part of a picture, luma samples; all four even, so that chroma is cut at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crop {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

/// The largest part in the middle of `from` with the aspect ratio of `to`, as far as even numbers
/// allow.
pub(crate) fn centre_crop(from: Size, to: Size) -> Crop {
    let [from_width, from_height, to_width, to_height] =
        [from.width, from.height, to.width, to.height].map(usize::from);
    let even = |length: usize| (length & !1).max(2);
    let width = even(from_width.min(from_height * to_width / to_height));
    let height = even(from_height.min(from_width * to_height / to_width));
    let middle = |outer: usize, inner: usize| ((outer - inner) / 2) & !1;
    Crop { left: middle(from_width, width), top: middle(from_height, height), width, height }
}

/// The picture at another size: centre-cropped to its aspect ratio, then averaged.
///
/// # Errors
/// Fails for a size that no picture can have.
pub(crate) fn scale(picture: &Picture, to: Size) -> Result<Cow<'_, Picture>, SizeError> {
    to.check()?;
    if picture.size() == to {
        return Ok(Cow::Borrowed(picture));
    }
    let from = picture.size();
    let crop = centre_crop(from, to);
    let half = Crop {
        left: crop.left / 2,
        top: crop.top / 2,
        width: crop.width / 2,
        height: crop.height / 2,
    };
    let [from_width, to_width, to_height] = [from.width, to.width, to.height].map(usize::from);
    let luma = Axes::new(crop, to_width, to_height);
    let chroma = Axes::new(half, to_width / 2, to_height / 2);
    let y = luma.average(picture.y(), from_width);
    let u = chroma.average(picture.u(), from_width / 2);
    let v = chroma.average(picture.v(), from_width / 2);
    Picture::from_planes(to, y, u, v).map(Cow::Owned).ok_or(SizeError::TooSmall(to))
}

/// The source samples that one target sample covers along one axis, and how much of each.
struct Span {
    first: usize,
    weights: Vec<u32>,
}

/// Splits `from` samples into `to` equal spans. In units of 1/`to` of a source sample, source
/// sample i covers [i*to, (i+1)*to) and target sample t covers [t*from, (t+1)*from): overlaps are
/// whole numbers, and each span's weights add up to `from`.
fn spans(from: usize, to: usize) -> Vec<Span> {
    (0..to)
        .map(|target| {
            let (begin, end) = (target * from, (target + 1) * from);
            let (first, last) = (begin / to, (end - 1) / to);
            let weights = (first..=last)
                .map(|sample| (end.min((sample + 1) * to) - begin.max(sample * to)) as u32)
                .collect();
            Span { first, weights }
        })
        .collect()
}

struct Axes {
    crop: Crop,
    columns: Vec<Span>,
    rows: Vec<Span>,
}

impl Axes {
    fn new(crop: Crop, to_width: usize, to_height: usize) -> Self {
        Self { crop, columns: spans(crop.width, to_width), rows: spans(crop.height, to_height) }
    }

    /// Rows first, as sums; then each source row across.
    fn average(&self, plane: &[u8], stride: usize) -> Vec<u8> {
        let Crop { left, top, width, height } = self.crop;
        // Weights of a target sample add up to width * height: at most 3840 * 2160 * 255 in a
        // sum, which 32 bits hold.
        let total = (width * height) as u32;
        let mut target = Vec::with_capacity(self.columns.len() * self.rows.len());
        let mut sums = vec![0u32; width];
        for row in &self.rows {
            sums.fill(0);
            for (line, &weight) in (top + row.first..).zip(&row.weights) {
                let samples = &plane[line * stride + left..][..width];
                for (sum, &sample) in sums.iter_mut().zip(samples) {
                    *sum += weight * u32::from(sample);
                }
            }
            for column in &self.columns {
                let sum: u32 = sums[column.first..]
                    .iter()
                    .zip(&column.weights)
                    .map(|(&sum, &weight)| sum * weight)
                    .sum();
                target.push(((sum + total / 2) / total) as u8);
            }
        }
        target
    }
}
