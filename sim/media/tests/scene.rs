//! The scene that is drawn: the same on every machine, never twice the same, and enough to encode.

use core::time::Duration;
use parallax_media::{Clip, Decoder, Encoder, EncoderConfig, Size, psnr_millidb};
use sha2::{Digest, Sha256};

const SMALL: Size = Size { width: 320, height: 240 };

fn scene(size: Size) -> Clip {
    Clip::open(Clip::SCENE, size).unwrap()
}

/// SHA-256 of pictures of several sizes at several times. It is that of every machine and build:
/// whole numbers alone go into it.
#[test]
fn the_scene_has_the_known_digest() {
    let mut hash = Sha256::new();
    for (width, height) in [(16, 16), (160, 96), (320, 240), (640, 360), (360, 640), (3840, 2160)] {
        let scene = scene(Size { width, height });
        for ms in [0, 1, 67, 12_345, 3_600_000, u64::MAX] {
            let picture = scene.frame(ms);
            hash.update([picture.y(), picture.u(), picture.v()].concat());
        }
    }
    let known = "0fd2b381ffeb03a0cd4a3a219623610a5896d141f9fea0ece3af784b3d21bd4a";
    assert_eq!(hex::encode(hash.finalize()), known);
}

#[test]
fn the_scene_shows_another_picture_in_each_millisecond_and_does_not_loop() {
    let scene = scene(SMALL);
    assert_eq!(scene.len(), None);
    let at = |nanos| scene.frame_at(Duration::from_nanos(nanos));
    assert_eq!(at(0), at(999_999));
    assert_ne!(at(0), at(1_000_000));
    assert_eq!(at(7_000_000), scene.frame(7));
    for ms in (0..5_000).step_by(333) {
        assert_ne!(scene.frame(ms), scene.frame(ms + 1), "{ms}");
        assert_ne!(scene.frame(ms), scene.frame(ms + 3_600_000), "{ms}");
    }
}

/// Each has what it asked for, and the other finds the same: they share what is not drawn anew.
#[test]
fn clones_show_the_same_scene() {
    let first = scene(SMALL);
    let second = first.clone();
    assert_eq!(first.frame(1_000), second.frame(1_000));
    assert_eq!(first.frame(1_000), scene(SMALL).frame(1_000));
}

/// The encoder has to give up detail at an everyday bit rate, and gives up little.
#[test]
fn the_scene_is_about_as_hard_to_encode_as_a_film() {
    let mean = |name: &str| {
        let clip = Clip::open(name, SMALL).unwrap();
        let mut encoder = Encoder::new(EncoderConfig::new(SMALL, 15, 400_000)).unwrap();
        let mut decoder = Decoder::new().unwrap();
        let (mut bytes, mut sum) = (0, 0);
        for frame in 0..75 {
            let at = Duration::from_secs(frame) / 15;
            let encoded = encoder.encode(&clip.frame_at(at), at).unwrap().bytes;
            bytes += encoded.len();
            let shown = decoder.decode(&encoded).unwrap().unwrap();
            sum += psnr_millidb(&shown, &clip.frame_at(at), 0).unwrap();
        }
        (bytes * 8 / 5, sum / 75)
    };
    let (rate, psnr) = mean(Clip::SCENE);
    assert!((350_000..450_000).contains(&rate), "{rate} bit/s");
    let (_, film) = mean("bunny");
    assert!(psnr.abs_diff(film) < 3_000, "the scene has {psnr} millidecibels, the film {film}");
}

#[test]
fn an_impossible_size_is_refused() {
    let odd = Clip::open(Clip::SCENE, Size { width: 321, height: 240 }).unwrap_err();
    assert_eq!(odd.to_string(), "failed to use the size 321x240: width and height must be even");
}
