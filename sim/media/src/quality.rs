//! Picture quality against a reference: luma PSNR and SSIM, the marker's strip left out.

use crate::picture::Picture;

/// What [`psnr_millidb`] says of identical pictures, whose PSNR has no bound: 99 dB. A single
/// luma step in one sample of 3840x2160 is 117 dB, and is capped too.
pub const PSNR_CAP_MILLIDB: u32 = 99_000;

/// Side of an SSIM window, samples.
const WINDOW: usize = 8;
/// Distance between SSIM windows, samples: they overlap by half.
const STEP: usize = 4;

/// Peak signal-to-noise ratio of the luma of two pictures, thousandths of a decibel, rounded to
/// nearest, at most [`PSNR_CAP_MILLIDB`]. The top `skip_rows` are left out.
///
/// `None` if the sizes differ or no row is left.
pub fn psnr_millidb(a: &Picture, b: &Picture, skip_rows: u16) -> Option<u32> {
    let (a, b, _) = below(a, b, skip_rows)?;
    // Row-sized chunks in 32 bits, so that the compiler may vectorise: 4096 * 255^2 fits.
    let squares: u64 = a
        .chunks(4096)
        .zip(b.chunks(4096))
        .map(|(a, b)| {
            let sum: u32 = a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2)).sum();
            u64::from(sum)
        })
        .sum();
    if squares == 0 {
        return Some(PSNR_CAP_MILLIDB);
    }
    let ratio = 255.0 * 255.0 * a.len() as f64 / squares as f64;
    // From 0 (all wrong by 255) upwards: the cast cannot lose a sign.
    let millidb = libm::round(10_000.0 * libm::log10(ratio)) as u32;
    Some(millidb.min(PSNR_CAP_MILLIDB))
}

/// Structural similarity of the luma of two pictures, millionths: 1,000,000 for identical ones,
/// down to -1,000,000. Mean over windows of 8 by 8 samples, 4 apart, all samples of a window
/// alike (Wang et al. 2004 with K1 = 0.01, K2 = 0.03, and population variances). The top
/// `skip_rows` are left out.
///
/// `None` if the sizes differ or no whole window is left.
pub fn ssim_ppm(a: &Picture, b: &Picture, skip_rows: u16) -> Option<i32> {
    let (a, b, width) = below(a, b, skip_rows)?;
    let height = a.len() / width;
    if width < WINDOW || height < WINDOW {
        return None;
    }
    let strip = |row: usize| {
        let from = row * STEP * width;
        moments(&a[from..from + STEP * width], &b[from..from + STEP * width], width)
    };
    let mut sum = 0.0;
    let mut windows = 0u32;
    let mut above = strip(0);
    for row in 1..height / STEP {
        let below = strip(row);
        for (above, below) in above.windows(2).zip(below.windows(2)) {
            sum += window_ssim([above[0], above[1], below[0], below[1]]);
            windows += 1;
        }
        above = below;
    }
    Some(libm::round(1e6 * sum / f64::from(windows)) as i32)
}

/// Both lumas below the strip, and their width.
fn below<'p>(
    a: &'p Picture,
    b: &'p Picture,
    skip_rows: u16,
) -> Option<(&'p [u8], &'p [u8], usize)> {
    let width = usize::from(a.size().width);
    let skip = usize::from(skip_rows) * width;
    (a.size() == b.size() && skip < a.y().len()).then(|| (&a.y()[skip..], &b.y()[skip..], width))
}

/// Sums over a block of [`STEP`] by [`STEP`] samples of two pictures. A window is four blocks, and
/// each block is in up to four windows.
#[derive(Clone, Copy, Debug)]
struct Moments {
    a: u32,
    b: u32,
    aa_bb: u32,
    ab: u32,
}

/// The blocks of a strip of [`STEP`] rows, from the left; what is no whole block is left out.
fn moments(a: &[u8], b: &[u8], width: usize) -> Vec<Moments> {
    // Down each column first, in plain lists: the compiler makes vectors of that. A column of four
    // products fits into 32 bits many times over.
    let [mut sum_a, mut sum_b, mut sum_aa_bb, mut sum_ab] = [(); 4].map(|()| vec![0u32; width]);
    for (a, b) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
        let sums = sum_a.iter_mut().zip(&mut sum_b).zip(&mut sum_aa_bb).zip(&mut sum_ab);
        for ((((sum_a, sum_b), sum_aa_bb), sum_ab), (&a, &b)) in sums.zip(a.iter().zip(b)) {
            let (a, b) = (u16::from(a), u16::from(b));
            *sum_a += u32::from(a);
            *sum_b += u32::from(b);
            *sum_aa_bb += u32::from(a * a) + u32::from(b * b);
            *sum_ab += u32::from(a * b);
        }
    }
    let total = |sums: &[u32], at: usize| sums[at..at + STEP].iter().sum();
    (0..width / STEP)
        .map(|block| block * STEP)
        .map(|at| Moments {
            a: total(&sum_a, at),
            b: total(&sum_b, at),
            aa_bb: total(&sum_aa_bb, at),
            ab: total(&sum_ab, at),
        })
        .collect()
}

/// SSIM of one window. Sums are integers; the division at the end is exact IEEE arithmetic, the
/// same on every machine.
fn window_ssim(blocks: [Moments; 4]) -> f64 {
    const N: i64 = (WINDOW * WINDOW) as i64;
    // (K * 255)^2 times N^2, because the moments below stay multiplied by N^2.
    const C1: f64 = 0.01 * 255.0 * 0.01 * 255.0 * (N * N) as f64;
    const C2: f64 = 0.03 * 255.0 * 0.03 * 255.0 * (N * N) as f64;
    let total = |of: fn(Moments) -> u32| blocks.into_iter().map(of).sum::<u32>();
    let (sum_a, sum_b) = (total(|block| block.a), total(|block| block.b));
    let (sum_aa_bb, sum_ab) = (total(|block| block.aa_bb), total(|block| block.ab));
    let (sum_a, sum_b) = (i64::from(sum_a), i64::from(sum_b));
    let squares = sum_a * sum_a + sum_b * sum_b;
    let product = sum_a * sum_b;
    let variances = N * i64::from(sum_aa_bb) - squares;
    let covariance = N * i64::from(sum_ab) - product;
    (2.0 * product as f64 + C1) * (2.0 * covariance as f64 + C2)
        / ((squares as f64 + C1) * (variances as f64 + C2))
}
