//! Streams of other profiles than constrained baseline: sent as they are, and filmed.

use parallax_media::{Clip, ClipError, Decoder, Recording, Size, UnsupportedPicture, nal};
use sha2::{Digest, Sha256};

const FRAMES: usize = 10;

#[expect(clippy::disallowed_methods, reason = "a test reads files; the crate reads none")]
fn stream(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/streams/");
    std::fs::read(format!("{folder}{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn size(name: &str) -> Size {
    match name {
        "cropped" => Size { width: 72, height: 42 },
        _ => Size { width: 64, height: 48 },
    }
}

/// The streams that can be sent and filmed, each with the digest of ffmpeg's pictures.
fn sound() -> Vec<(String, String, Vec<u8>)> {
    let decoded = String::from_utf8(stream("decoded.txt")).expect("text");
    let of = |line: &str| {
        let (digest, name) = line.split_once(' ').expect("a digest and a name");
        (name.to_owned(), digest.to_owned(), stream(&format!("{name}.h264")))
    };
    let all: Vec<_> = decoded.lines().map(of).collect();
    assert_eq!(all.len(), 7);
    all
}

#[test]
fn main_and_high_without_b_frames_are_clips_and_decode_to_what_ffmpeg_makes_of_them() {
    for (name, digest, bytes) in sound() {
        Clip::check(&bytes, size(&name), FRAMES).unwrap_or_else(|error| panic!("{name}: {error}"));
        let clip = Clip::from_annex_b(&bytes, 25, size(&name)).expect("a clip");
        let mut found = Sha256::new();
        for frame in 0..clip.len().expect("it loops") as u64 {
            let picture = clip.frame(frame);
            found.update([picture.y(), picture.u(), picture.v()].concat());
        }
        assert_eq!(hex::encode(found.finalize()), digest, "{name}");
    }
}

/// What is cut from a stream has all its slices, whatever codes them, and decodes from each key frame.
#[test]
fn main_and_high_without_b_frames_are_recordings() {
    for (name, _, bytes) in sound() {
        Recording::check(&bytes, size(&name), FRAMES).unwrap_or_else(|e| panic!("{name}: {e}"));
        let recording = Recording::from_annex_b(&bytes).expect("a recording");
        let slices = if name.ends_with("4-slices") { 3..=4 } else { 1..=1 };
        for number in 0..FRAMES as u64 {
            let frame = recording.frame(number);
            assert_eq!(frame.key, number % 5 == 0, "{name} {number}");
            let kinds = nal::units(&frame.bytes).filter_map(nal::unit_type);
            let count = kinds.filter(|kind| matches!(kind, 1 | 5)).count();
            assert!(slices.contains(&count), "{name} {number}: {count} slices");
            // A table of weights stands before the parameter.
            let known = frame.key || name == "unweighted";
            assert!(!known || frame.qp.is_some(), "{name} {number}");
        }
        let mut decoder = Decoder::new().expect("a decoder");
        for number in 5..FRAMES as u64 {
            assert!(decoder.decode(&recording.frame(number).bytes).is_ok(), "{name} {number}");
        }
    }
}

#[test]
fn a_recording_tells_its_profile_and_level() {
    let of = |name: &str| {
        let recording = Recording::from_annex_b(&stream(name)).expect("a recording");
        recording.profile_level_id()
    };
    assert_eq!(of("main.h264")[0], 77);
    assert_eq!(of("high.h264")[0], 100);
    let high = stream("high.h264");
    let at = high.windows(2).position(|bytes| bytes == [0x67, 100]).expect("a parameter set");
    assert_eq!(of("high.h264"), high[at + 1..at + 4]);
}

#[test]
fn what_is_not_decoded_exactly_is_refused_as_a_clip_and_as_a_recording() {
    let fits = Size { width: 64, height: 48 };
    for name in ["b-frames", "interlaced", "ten-bit", "422"] {
        let bytes = stream(&format!("{name}.h264"));
        let errors = [
            Clip::check(&bytes, fits, FRAMES).expect_err(name),
            Clip::from_annex_b(&bytes, 25, fits).expect_err(name),
            Recording::check(&bytes, fits, FRAMES).expect_err(name),
            Recording::from_annex_b(&bytes).expect_err(name),
        ];
        for error in errors {
            let right = match name {
                "b-frames" => matches!(error, ClipError::Bidirectional { frame: 1.. }),
                "interlaced" => matches!(error, ClipError::Unfit(UnsupportedPicture::Interlaced)),
                "ten-bit" => matches!(error, ClipError::Unfit(UnsupportedPicture::Depth(10))),
                _ => matches!(error, ClipError::Unfit(UnsupportedPicture::Chroma("4:2:2"))),
            };
            assert!(right, "{name}: {error}");
        }
    }
}

#[test]
fn a_recording_is_held_against_what_is_said_of_it_without_decoding() {
    let high = stream("high.h264");
    let fits = Size { width: 64, height: 48 };
    let refused = |bytes: &[u8], size, frames| Recording::check(bytes, size, frames).unwrap_err();
    let wide = Size { width: 80, height: 48 };
    assert!(matches!(
        refused(&high, wide, FRAMES),
        ClipError::OtherSize { frame: 0, found } if found == fits
    ));
    assert!(matches!(refused(&high, fits, 9), ClipError::OtherLength { found: FRAMES }));
    let both = [high.clone(), stream("cropped.h264")].concat();
    assert!(matches!(refused(&both, fits, 20), ClipError::OtherSize { frame: 10, .. }));
    // Nothing looks into a frame: bytes in the middle of a slice may be any.
    let mut damaged = high;
    let end = damaged.len();
    damaged[end - 9..end - 1].fill(0xff);
    Recording::check(&damaged, fits, FRAMES).expect("it is sent as it is");
}

/// Parameter sets cut at each byte, and with each bit turned over: no panic.
#[test]
fn damaged_parameter_sets_are_refused_or_read() {
    for name in ["high.h264", "cropped.h264", "filler.h264"] {
        let sound = stream(name);
        for at in 0..48 {
            let cut = [&sound[..at], &sound[48..]].concat();
            let _ = Recording::from_annex_b(&cut);
            for bit in 0..8 {
                let mut turned = sound.clone();
                turned[at] ^= 1 << bit;
                let _ = Recording::from_annex_b(&turned);
            }
        }
    }
}
