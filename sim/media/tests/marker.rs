//! The frame marker: what is drawn is read, and what is damaged is not misread.

use parallax_media::{Picture, PictureMarker, Size, marker};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const SMALL: Size = Size { width: 320, height: 240 };
/// As wide as SMALL, and no higher than damage reaches.
const LOW: Size = Size { width: 320, height: 72 };
const LARGE: Size = Size { width: 640, height: 360 };

fn marked(size: Size, marker: &PictureMarker) -> Picture {
    let mut picture = Picture::test_pattern(size, marker.frame).unwrap();
    marker::draw(&mut picture, marker).unwrap();
    picture
}

fn any_marker() -> impl Strategy<Value = PictureMarker> {
    (any::<u32>(), any::<u32>(), any::<u64>()).prop_map(|(boot, frame, camera_us)| PictureMarker {
        boot,
        frame,
        camera_us,
    })
}

/// Damage as a decoder without its references would do it: rectangles of another luma, or of what
/// is elsewhere in the picture.
#[derive(Clone, Copy, Debug)]
struct Damage {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    from: Option<(usize, usize)>,
    luma: u8,
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let place = || (0..320usize, 0..48usize);
    (place(), 1..64usize, 1..24usize, proptest::option::of(place()), any::<u8>()).prop_map(
        |((left, top), width, height, from, luma)| Damage { left, top, width, height, from, luma },
    )
}

fn apply(picture: &mut Picture, damage: Damage) {
    let before = picture.y().to_vec();
    let width = usize::from(picture.size().width);
    for row in 0..damage.height {
        for column in 0..damage.width {
            let at = (damage.top + row) * width + (damage.left + column) % width;
            picture.y_mut()[at] = match damage.from {
                Some((left, top)) => before[(top + row) * width + (left + column) % width],
                None => damage.luma,
            };
        }
    }
}

// Cases are the same in every run: a false accept is possible by its 16 bits of checksum, and
// must not come and go.
fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Default::default()
    }
}

proptest! {
    #![proptest_config(fixed(256))]

    #[test]
    fn what_is_drawn_is_read(marker in any_marker(), width in 4u16..160, height in 16u16..120) {
        let size = Size { width: 2 * width.max(8), height: 2 * height };
        let mut picture = Picture::grey(size, 77).unwrap();
        match marker::draw(&mut picture, &marker) {
            Ok(()) => prop_assert_eq!(marker::read(&picture), Some(marker)),
            Err(_) => {
                prop_assert_eq!(marker::strip_height(size), None);
                prop_assert_eq!(marker::read(&picture), None);
                prop_assert_eq!(picture, Picture::grey(size, 77).unwrap());
            }
        }
    }

    #[test]
    fn below_the_strip_nothing_changes(marker in any_marker()) {
        let before = Picture::test_pattern(SMALL, marker.frame).unwrap();
        let after = marked(SMALL, &marker);
        prop_assert_eq!(&before.y()[32 * 320..], &after.y()[32 * 320..]);
        prop_assert_eq!(&before.u()[16 * 160..], &after.u()[16 * 160..]);
        prop_assert_eq!(&before.v()[16 * 160..], &after.v()[16 * 160..]);
    }
}

proptest! {
    #![proptest_config(fixed(4096))]

    #[test]
    fn a_damaged_strip_reads_right_or_not_at_all(
        marker in any_marker(),
        damage in proptest::collection::vec(any_damage(), 1..8),
    ) {
        let mut picture = marked(LOW, &marker);
        for damage in damage {
            apply(&mut picture, damage);
        }
        let read = marker::read(&picture);
        prop_assert!(read.is_none() || read == Some(marker), "{read:?} for {marker:?}");
    }

    #[test]
    fn parts_of_two_frames_do_not_make_a_third(a in any_marker(), b in any_marker(), rows in 0usize..=32) {
        let (mut mixed, other) = (marked(LOW, &a), marked(LOW, &b));
        mixed.y_mut()[..rows * 320].copy_from_slice(&other.y()[..rows * 320]);
        let read = marker::read(&mixed);
        prop_assert!(read.is_none() || read == Some(a) || read == Some(b), "{read:?}");
    }

    #[test]
    fn one_wrong_cell_is_noticed(marker in any_marker(), cell in 0usize..160) {
        let mut picture = marked(LOW, &marker);
        let (left, top) = (cell % 40 * 8, cell / 40 * 8);
        for row in top..top + 8 {
            for luma in &mut picture.y_mut()[row * 320 + left..][..8] {
                *luma = if *luma == marker::DARK { marker::LIGHT } else { marker::DARK };
            }
        }
        prop_assert_eq!(marker::read(&picture), None);
    }
}

#[test]
fn unmarked_pictures_have_no_marker() {
    for n in 0..200 {
        assert_eq!(marker::read(&Picture::test_pattern(LARGE, n).unwrap()), None);
    }
    for luma in [0, 16, 128, 235, 255] {
        assert_eq!(marker::read(&Picture::grey(SMALL, luma).unwrap()), None);
    }
}

#[test]
fn the_strip_is_laid_out_as_documented() {
    assert_eq!(marker::strip_height(LARGE), Some(16));
    assert_eq!(marker::strip_height(SMALL), Some(32));
    assert_eq!(marker::strip_height(Size { width: 160, height: 120 }), Some(64));
    assert_eq!(marker::strip_height(Size { width: 160, height: 78 }), None);
    assert_eq!(marker::strip_height(Size { width: 160, height: 80 }), Some(64));
    assert_eq!(marker::strip_height(Size { width: 6, height: 400 }), None);

    let picture = marked(SMALL, &PictureMarker { boot: 0, frame: 0, camera_us: 1 });
    let cells: String = (0..160)
        .map(|cell| {
            if picture.y()[(cell / 40 * 8 + 4) * 320 + cell % 40 * 8 + 4] == 235 {
                '1'
            } else {
                '0'
            }
        })
        .collect();
    let (sync, rest) = cells.split_at(16);
    assert_eq!(sync, "1110101110010000");
    assert_eq!(u128::from_str_radix(&rest[..128], 2).unwrap(), 1);
    // Computed bit by bit, as the definition of the checksum says.
    let mut checksum = 0xffffu16;
    for bit in rest[..128].bytes() {
        let carry = (checksum >> 15) ^ u16::from(bit == b'1');
        checksum = (checksum << 1) ^ (carry * 0x1021);
    }
    assert_eq!(u16::from_str_radix(&rest[128..], 2).unwrap(), checksum);
    assert!(picture.u()[..16 * 160].iter().chain(&picture.v()[..16 * 160]).all(|&c| c == 128));
}

#[test]
fn too_small_a_picture_is_refused() {
    let mut picture = Picture::grey(Size { width: 64, height: 64 }, 50).unwrap();
    let marker = PictureMarker { boot: 1, frame: 2, camera_us: 3 };
    assert_eq!(
        marker::draw(&mut picture, &marker).unwrap_err().to_string(),
        "failed to mark a picture of 64x64: the strip and 16 rows below it must fit"
    );
}
