//! PSNR and SSIM against closed forms and a naive reference.

use parallax_media::{PSNR_CAP_MILLIDB, Picture, Size, psnr_millidb, ssim_ppm};
use proptest::prelude::*;

const SIZE: Size = Size { width: 96, height: 64 };

fn picture(luma: Vec<u8>) -> Picture {
    let mut picture = Picture::grey(SIZE, 0).unwrap();
    picture.y_mut().copy_from_slice(&luma);
    picture
}

fn any_luma() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), SIZE.area())
}

/// By the definition, with the standard library's logarithm.
fn naive_psnr(a: &Picture, b: &Picture, skip_rows: u16) -> f64 {
    let skip = usize::from(skip_rows) * usize::from(SIZE.width);
    let pairs: Vec<_> = a.y()[skip..].iter().zip(&b.y()[skip..]).collect();
    let error: f64 = pairs.iter().map(|(a, b)| (f64::from(**a) - f64::from(**b)).powi(2)).sum();
    #[expect(clippy::disallowed_methods, reason = "a reference apart from what it is held against")]
    let decibel = 10.0 * (255.0 * 255.0 / (error / pairs.len() as f64)).log10();
    decibel
}

#[test]
fn a_constant_offset_has_the_psnr_of_its_square() {
    let base = Picture::grey(SIZE, 100).unwrap();
    // 20 log10(255 / offset), thousandths.
    for (offset, expected) in [(1, 48_131), (2, 42_110), (5, 34_151), (10, 28_131), (155, 4_324)] {
        let other = Picture::grey(SIZE, 100 + offset).unwrap();
        assert_eq!(psnr_millidb(&base, &other, 16), Some(expected));
    }
    let (black, white) = (Picture::grey(SIZE, 0).unwrap(), Picture::grey(SIZE, 255).unwrap());
    assert_eq!(psnr_millidb(&black, &white, 0), Some(0));
}

#[test]
fn identical_pictures_are_at_the_cap() {
    let a = Picture::test_pattern(SIZE, 3).unwrap();
    assert_eq!(psnr_millidb(&a, &a, 16), Some(PSNR_CAP_MILLIDB));
    assert_eq!(ssim_ppm(&a, &a, 16), Some(1_000_000));
}

#[test]
fn the_rows_of_the_strip_and_chroma_do_not_count() {
    let a = Picture::test_pattern(SIZE, 3).unwrap();
    let mut b = a.clone();
    b.y_mut()[..16 * 96].fill(235);
    b.chroma_mut().0.fill(7);
    assert_eq!(psnr_millidb(&a, &b, 16), Some(PSNR_CAP_MILLIDB));
    assert_eq!(ssim_ppm(&a, &b, 16), Some(1_000_000));
    assert!(psnr_millidb(&a, &b, 15).unwrap() < PSNR_CAP_MILLIDB);
    assert!(ssim_ppm(&a, &b, 15).unwrap() < 1_000_000);
}

#[test]
fn what_cannot_be_compared_has_no_number() {
    let a = Picture::grey(SIZE, 0).unwrap();
    let b = Picture::grey(Size { width: 64, height: 96 }, 0).unwrap();
    assert_eq!(psnr_millidb(&a, &b, 0), None);
    assert_eq!(ssim_ppm(&a, &b, 0), None);
    assert_eq!(psnr_millidb(&a, &a, 64), None);
    assert_eq!(psnr_millidb(&a, &a, u16::MAX), None);
    assert_eq!(ssim_ppm(&a, &a, 57), None);
}

#[test]
fn ssim_of_two_greys_is_its_luminance_term() {
    // Without variance it is (2ab + C1) / (a^2 + b^2 + C1), C1 = (0.01 * 255)^2 = 6.5025.
    let (a, b) = (Picture::grey(SIZE, 100).unwrap(), Picture::grey(SIZE, 150).unwrap());
    let expected = (30_000.0 + 6.5025) / (32_500.0 + 6.5025) * 1e6;
    assert_eq!(ssim_ppm(&a, &b, 0), Some(libm::round(expected) as i32));
}

#[test]
fn ssim_of_a_picture_and_its_negative_is_below_zero() {
    let a = picture((0..SIZE.area()).map(|n| if n % 2 == 0 { 88 } else { 168 }).collect());
    let b = picture((0..SIZE.area()).map(|n| if n % 2 == 0 { 168 } else { 88 }).collect());
    // Equal means of 128; variance 1600 = -covariance; C2 = (0.03 * 255)^2 = 58.5225.
    let expected = (-3_200.0 + 58.5225) / (3_200.0 + 58.5225) * 1e6;
    assert_eq!(ssim_ppm(&a, &b, 0), Some(libm::round(expected) as i32));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn psnr_agrees_with_its_definition(a in any_luma(), b in any_luma(), skip in 0u16..64) {
        let (a, b) = (picture(a), picture(b));
        let expected = naive_psnr(&a, &b, skip) * 1000.0;
        prop_assert!((f64::from(psnr_millidb(&a, &b, skip).unwrap()) - expected).abs() <= 0.51);
        prop_assert_eq!(psnr_millidb(&a, &b, skip), psnr_millidb(&b, &a, skip));
    }

    #[test]
    fn ssim_is_symmetric_and_bounded(a in any_luma(), b in any_luma()) {
        let (a, b) = (picture(a), picture(b));
        let ssim = ssim_ppm(&a, &b, 16).unwrap();
        prop_assert_eq!(Some(ssim), ssim_ppm(&b, &a, 16));
        prop_assert!(ssim.abs() <= 1_000_000);
    }
}
