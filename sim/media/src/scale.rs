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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(width: u16, height: u16) -> Size {
        Size { width, height }
    }

    fn crop_of(from: Size, to: Size) -> [usize; 4] {
        let Crop { left, top, width, height } = centre_crop(from, to);
        [left, top, width, height]
    }

    #[test]
    fn the_crop_is_the_largest_in_the_middle() {
        assert_eq!(crop_of(size(640, 360), size(320, 240)), [80, 0, 480, 360]);
        assert_eq!(crop_of(size(640, 360), size(1280, 720)), [0, 0, 640, 360]);
        assert_eq!(crop_of(size(640, 480), size(320, 180)), [0, 60, 640, 360]);
        assert_eq!(crop_of(size(640, 360), size(240, 320)), [184, 0, 270, 360]);
    }

    #[test]
    fn half_the_size_is_the_mean_of_four() {
        let mut source = Picture::grey(size(64, 32), 0).unwrap();
        for (index, luma) in source.y_mut().iter_mut().enumerate() {
            *luma = (index * 31 % 251) as u8;
        }
        let scaled = scale(&source, size(32, 16)).unwrap();
        for (index, &luma) in scaled.y().iter().enumerate() {
            let corner = index / 32 * 2 * 64 + index % 32 * 2;
            let four = [0, 1, 64, 65].map(|offset| u32::from(source.y()[corner + offset]));
            assert_eq!(u32::from(luma), (four.iter().sum::<u32>() + 2) / 4);
        }
    }

    #[test]
    fn two_thirds_of_the_size_share_the_middle_sample() {
        // Columns 0, 90, 240, over and over: (2*0 + 90) / 3 = 30, (90 + 2*240) / 3 = 190.
        let mut source = Picture::grey(size(48, 48), 0).unwrap();
        for (index, luma) in source.y_mut().iter_mut().enumerate() {
            *luma = [0, 90, 240][index % 48 % 3];
        }
        let scaled = scale(&source, size(32, 32)).unwrap();
        assert!(scaled.y().chunks(2).all(|pair| pair == [30, 190]));
    }

    #[test]
    fn twice_the_size_repeats_every_sample() {
        let source = Picture::test_pattern(size(32, 32), 4).unwrap();
        let scaled = scale(&source, size(64, 64)).unwrap();
        for (index, &luma) in scaled.y().iter().enumerate() {
            assert_eq!(luma, source.y()[index / 64 / 2 * 32 + index % 64 / 2]);
        }
        assert_eq!(scale(&scaled, size(32, 32)).unwrap().into_owned(), source);
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let source = Picture::test_pattern(size(64, 48), 4).unwrap();
        assert!(matches!(scale(&source, size(64, 48)).unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn chroma_is_cut_where_luma_is() {
        // Left and right of the middle 32 columns are other colours: none of them may show.
        let mut source = Picture::grey(size(64, 32), 10).unwrap();
        let inside = |column: usize, from: usize, to: usize| (from..to).contains(&column);
        for (index, luma) in source.y_mut().iter_mut().enumerate() {
            *luma = if inside(index % 64, 16, 48) { 50 } else { 200 };
        }
        let (u, v) = source.chroma_mut();
        for (index, (u, v)) in u.iter_mut().zip(v).enumerate() {
            (*u, *v) = if inside(index % 32, 8, 24) { (60, 70) } else { (0, 255) };
        }
        let scaled = scale(&source, size(16, 16)).unwrap();
        assert!(scaled.y().iter().all(|&luma| luma == 50));
        assert!(scaled.u().iter().all(|&u| u == 60) && scaled.v().iter().all(|&v| v == 70));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

        #[test]
        fn spans_cover_all_samples_evenly(from in 1usize..400, to in 1usize..400) {
            let mut covered = vec![0; from];
            for span in spans(from, to) {
                prop_assert_eq!(span.weights.iter().sum::<u32>(), from as u32);
                for (sample, &weight) in (span.first..).zip(&span.weights) {
                    covered[sample] += weight;
                }
            }
            prop_assert!(covered.iter().all(|&weight| weight == to as u32));
        }

        #[test]
        fn grey_stays_grey(
            luma: u8, from in (8u16..200, 8u16..200), to in (8u16..200, 8u16..200),
        ) {
            let source = Picture::grey(size(2 * from.0, 2 * from.1), luma).unwrap();
            let to = size(2 * to.0, 2 * to.1);
            let scaled = scale(&source, to).unwrap().into_owned();
            prop_assert_eq!(scaled, Picture::grey(to, luma).unwrap());
        }
    }
}
