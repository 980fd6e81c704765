//! The encoder's bytes, held against those of other builds of this target and C++ compiler.
//!
//! OpenH264 is C++: another compiler may, on some targets, fuse a multiplication and an addition
//! in rate control, and round otherwise. So a digest counts for one target and one compiler.
//! A key that `digests.txt` does not know is reported with the line to add; a key it knows must
//! have its digest.

use core::time::Duration;
use parallax_media::{Clip, Encoder, EncoderConfig, PictureMarker, Size, marker};
use sha2::{Digest, Sha256};
use std::process::Command;

const RATE: u16 = 15;
const KNOWN: &str = include_str!("digests.txt");

/// SHA-256 of 60 frames each at two sizes, whole and in slices, with a key frame asked for.
fn digest() -> String {
    let mut hash = Sha256::new();
    let (small, large) = (Size { width: 320, height: 240 }, Size { width: 640, height: 360 });
    for (size, bit_rate_bps, max_slice_bytes) in
        [(small, 400_000, None), (small, 150_000, Some(1100)), (large, 1_000_000, None)]
    {
        let clip = Clip::open("bunny", size).unwrap();
        let config =
            EncoderConfig { max_slice_bytes, ..EncoderConfig::new(size, RATE, bit_rate_bps) };
        let mut encoder = Encoder::new(config).unwrap();
        for frame in 0..60 {
            if frame == 40 {
                encoder.force_key_frame();
            }
            let at = Duration::from_secs(u64::from(frame)) / u32::from(RATE);
            let mut picture = clip.frame_at(at).into_owned();
            let camera_us = at.as_micros() as u64;
            marker::draw(&mut picture, &PictureMarker { boot: 1, frame, camera_us }).unwrap();
            let encoded = encoder.encode(&picture, at).unwrap();
            hash.update((encoded.bytes.len() as u64).to_be_bytes());
            hash.update(&encoded.bytes);
        }
    }
    hex::encode(hash.finalize())
}

/// Target and C++ compiler: `CXX` or, as the build does by default, `c++`.
fn key() -> String {
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    #[expect(clippy::disallowed_methods, reason = "a test asks which compiler built the encoder")]
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let version = Command::new(&compiler)
        .arg("--version")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    format!("{target} {}", version.lines().next().unwrap_or("unknown compiler"))
}

fn known(key: &str) -> Option<&'static str> {
    let lines = KNOWN.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .find(|(_, of)| *of == key)
        .map(|(digest, _)| digest)
}

#[test]
#[expect(clippy::print_stderr, reason = "an unknown key is reported, not failed")]
fn sixty_frames_have_the_known_digest() {
    let (key, digest) = (key(), digest());
    match known(&key) {
        Some(expected) => assert_eq!(digest, expected, "the encoder's bytes changed for {key}"),
        None => eprintln!(
            "no digest is known for this build; tests/digests.txt may gain:\n{digest} {key}"
        ),
    }
}

#[test]
fn the_list_of_digests_is_well_formed() {
    let lines: Vec<_> = KNOWN.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(!lines.is_empty());
    for line in lines {
        let (digest, key) = line.split_once(' ').unwrap();
        assert!(hex::decode(digest).is_ok_and(|bytes| bytes.len() == 32), "{line}");
        assert_eq!(known(key), Some(digest), "{key} is there twice");
    }
}
