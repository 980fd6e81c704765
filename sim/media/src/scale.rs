//! Scaling, centre-cropped to the target's aspect ratio.
//!
//! An area average in integers: every target sample is the mean of the source area it covers,
//! with fractional edges, rounded to nearest. `image`'s resizer computes in `f32` with weights
//! whose last bits hang on how the compiler orders and fuses operations, and on an `exp` or `sin`
//! of the platform; pixels that feed a byte-exact record may not. `fast_image_resize`, scalar, weighs a
//! source sample wholly or not at all.

use crate::picture::{Picture, Size, SizeError};

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

/// From pictures of one size to those of another: centre-cropped to its aspect ratio, then averaged.
pub(crate) struct Scaler {
    from: Size,
    to: Size,
    luma: Axes,
    chroma: Axes,
}

impl Scaler {
    /// # Errors
    /// Fails for a size that no picture can have.
    pub(crate) fn new(from: Size, to: Size) -> Result<Self, SizeError> {
        to.check()?;
        let crop = centre_crop(from, to);
        let half = Crop {
            left: crop.left / 2,
            top: crop.top / 2,
            width: crop.width / 2,
            height: crop.height / 2,
        };
        let [width, height] = [to.width, to.height].map(usize::from);
        let luma = Axes::new(crop, width, height);
        let chroma = Axes::new(half, width / 2, height / 2);
        Ok(Self { from, to, luma, chroma })
    }

    /// The size of the pictures that it takes.
    pub(crate) fn from(&self) -> Size {
        self.from
    }

    /// A picture of I420 planes, luma, blue and red, each with the distance of its rows.
    ///
    /// # Errors
    /// Fails if the sizes do not fit.
    pub(crate) fn scale(&self, planes: [(&[u8], usize); 3]) -> Result<Picture, SizeError> {
        let [y, u, v] = planes;
        let y = self.luma.average(y.0, y.1);
        let u = self.chroma.average(u.0, u.1);
        let v = self.chroma.average(v.0, v.1);
        Picture::from_planes(self.to, y, u, v).ok_or(SizeError::TooSmall(self.to))
    }
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
    columns: Columns,
    rows: Vec<Span>,
    mean: Mean,
}

/// Columns of the target. In a loop of known length they go several times as fast; clips are made
/// smaller by less than two mostly, which takes two or three samples.
enum Columns {
    Two(Vec<Few<2>>),
    Three(Vec<Few<3>>),
    Any(Vec<Span>),
}

/// A span of `N` samples; those that it does not cover weigh nothing.
struct Few<const N: usize> {
    first: usize,
    weights: [u32; N],
}

impl Columns {
    fn new(from: usize, to: usize) -> Self {
        let spans = spans(from, to);
        match spans.iter().map(|span| span.weights.len()).max() {
            Some(..=2) => Self::Two(spans.iter().map(few).collect()),
            Some(3) => Self::Three(spans.iter().map(few).collect()),
            _ => Self::Any(spans),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Two(columns) => columns.len(),
            Self::Three(columns) => columns.len(),
            Self::Any(columns) => columns.len(),
        }
    }
}

fn few<const N: usize>(span: &Span) -> Few<N> {
    let weight = |n| span.weights.get(n).copied().unwrap_or(0);
    Few { first: span.first, weights: std::array::from_fn(weight) }
}

/// Samples behind the last one of a row that a span of few may touch, without weight.
const MARGIN: usize = 2;

impl Axes {
    fn new(crop: Crop, to_width: usize, to_height: usize) -> Self {
        let Crop { width, height, .. } = crop;
        Self {
            crop,
            columns: Columns::new(width, to_width),
            rows: spans(height, to_height),
            mean: Mean::new((width * height) as u32),
        }
    }

    /// Rows first, as sums; then each source row across.
    fn average(&self, plane: &[u8], stride: usize) -> Vec<u8> {
        let Crop { left, top, width, height } = self.crop;
        let mut target = Vec::with_capacity(self.columns.len() * self.rows.len());
        if (width, height) == (self.columns.len(), self.rows.len()) {
            // Each sample is the mean of itself. Clips shipped at the size they are filmed at come here.
            for line in top..top + height {
                target.extend_from_slice(&plane[line * stride + left..][..width]);
            }
            return target;
        }
        let mut sums = vec![0u32; width + MARGIN];
        for row in &self.rows {
            sums.fill(0);
            for (line, &weight) in (top + row.first..).zip(&row.weights) {
                let samples = &plane[line * stride + left..][..width];
                for (sum, &sample) in sums.iter_mut().zip(samples) {
                    *sum += weight * u32::from(sample);
                }
            }
            match &self.columns {
                Columns::Two(columns) => across(columns, &sums, self.mean, &mut target),
                Columns::Three(columns) => across(columns, &sums, self.mean, &mut target),
                Columns::Any(columns) => target.extend(columns.iter().map(|column| {
                    let samples = sums[column.first..].iter().zip(&column.weights);
                    self.mean.of(samples.map(|(&sum, &weight)| sum * weight).sum())
                })),
            }
        }
        target
    }
}

fn across<const N: usize>(columns: &[Few<N>], sums: &[u32], mean: Mean, target: &mut Vec<u8>) {
    target.extend(columns.iter().map(|column| {
        let samples = sums[column.first..][..N].iter().zip(column.weights);
        mean.of(samples.map(|(&sum, weight)| sum * weight).sum())
    }));
}

/// Divides a weighted sum of samples by the sum of its weights, rounded to nearest.
#[derive(Clone, Copy)]
struct Mean {
    half: u32,
    reciprocal: u64,
}

impl Mean {
    /// A product in the place of a division is exact if 256 x total^2 is below 2^SHIFT; it is, for
    /// a total below 2^23, and the largest picture has 3840 x 2160.
    const SHIFT: u32 = 54;

    fn new(total: u32) -> Self {
        debug_assert!(total < 1 << 23);
        Self { half: total / 2, reciprocal: (1 << Self::SHIFT) / u64::from(total.max(1)) + 1 }
    }

    /// Weights of a target sample add up to the total, so that a sum is at most 255 times that,
    /// which 32 bits hold.
    fn of(self, sum: u32) -> u8 {
        ((u64::from(sum + self.half) * self.reciprocal) >> Self::SHIFT) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scale(picture: &Picture, to: Size) -> Result<Picture, SizeError> {
        let width = usize::from(picture.size().width);
        let planes = [(picture.y(), width), (picture.u(), width / 2), (picture.v(), width / 2)];
        Scaler::new(picture.size(), to)?.scale(planes)
    }

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
        assert_eq!(scale(&scaled, size(32, 32)).unwrap(), source);
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let source = Picture::test_pattern(size(64, 48), 4).unwrap();
        assert_eq!(scale(&source, size(64, 48)).unwrap(), source);
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
        fn a_mean_is_a_division_rounded_to_nearest(total in 1u32..=3840 * 2160, share in 0.0..=1.0) {
            let sum = (f64::from(255 * total) * share) as u32;
            for sum in [0, sum, 255 * total] {
                prop_assert_eq!(u32::from(Mean::new(total).of(sum)), (sum + total / 2) / total);
            }
            // Where rounding turns: the least sum of each mean, and the one below.
            let mean = sum / total;
            let least = (mean * total).saturating_sub(total / 2);
            for sum in [least.saturating_sub(1), least] {
                prop_assert_eq!(u32::from(Mean::new(total).of(sum)), (sum + total / 2) / total);
            }
        }

        #[test]
        fn grey_stays_grey(
            luma: u8, from in (8u16..200, 8u16..200), to in (8u16..200, 8u16..200),
        ) {
            let source = Picture::grey(size(2 * from.0, 2 * from.1), luma).unwrap();
            let to = size(2 * to.0, 2 * to.1);
            let scaled = scale(&source, to).unwrap();
            prop_assert_eq!(scaled, Picture::grey(to, luma).unwrap());
        }
    }
}
