//! The built-in clips: file, manifest and code agree, and time picks the right frame.

use core::time::Duration;
use parallax_media::{Clip, ClipError, Size};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

const SMALL: Size = Size { width: 320, height: 240 };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    schema: u32,
    title: String,
    author: String,
    licence: String,
    changes: String,
    origin: String,
    origin_sha256: String,
    command: String,
    command_version: String,
    file: String,
    size: String,
    frames_per_second: u16,
    frames: u32,
    bytes: usize,
    sha256: String,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/clips"))
}

#[expect(clippy::disallowed_methods, reason = "a test compares files; the crate reads none")]
fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

#[test]
fn each_built_in_clip_agrees_with_its_file_and_its_manifest() {
    for clip in Clip::all_builtin() {
        let text = String::from_utf8(read(&format!("{}.toml", clip.file))).unwrap();
        let manifest: Manifest = toml::from_str(&text).unwrap();
        assert_eq!(manifest.schema, 1);
        assert_eq!(read(&manifest.file), clip.annex_b);
        assert_eq!(hex::encode(Sha256::digest(clip.annex_b)), manifest.sha256);
        assert_eq!(clip.annex_b.len(), manifest.bytes);
        assert_eq!(clip.size.to_string(), manifest.size);
        assert_eq!(clip.frames_per_second, manifest.frames_per_second);
        assert_eq!(clip.frames, manifest.frames);
        assert!(manifest.command.ends_with(&manifest.file));
        assert_eq!(manifest.origin_sha256.len(), 64);
        let Manifest { title, author, licence, changes, origin, command_version, .. } = manifest;
        for owed in [title, author, licence, changes, origin, command_version] {
            assert!(!owed.is_empty(), "{}.toml leaves something open", clip.file);
        }
        assert_eq!(Clip::builtin(clip.name, clip.size).unwrap().file, clip.file);
        let opened = Clip::open(clip.name, clip.size).unwrap();
        assert_eq!(opened.len(), Some(clip.frames as usize));
        assert_eq!(opened.frame(0).size(), clip.size);
    }
}

/// A clip shows the same whichever of its sizes it is opened from: the frames of the small one are
/// those of the large one, cropped and scaled, but for what two encoders lost.
#[test]
fn clips_of_one_name_show_the_same() {
    let large = Clip::builtin("bunny", Size { width: 640, height: 360 }).unwrap();
    let scaled = Clip::from_annex_b(large.annex_b, large.frames_per_second, SMALL).unwrap();
    let small = Clip::open("bunny", SMALL).unwrap();
    assert_eq!(scaled.len(), small.len());
    for frame in 0..scaled.len().unwrap() as u64 {
        let psnr = parallax_media::psnr_millidb(&scaled.frame(frame), &small.frame(frame), 0);
        assert!(psnr > Some(30_000), "frame {frame}: {psnr:?}");
    }
}

#[test]
fn every_clip_file_is_built_in() {
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".h264").map(str::to_owned))
        .collect();
    files.sort();
    let mut built_in: Vec<_> = Clip::all_builtin().iter().map(|clip| clip.file).collect();
    built_in.sort_unstable();
    assert_eq!(files, built_in);
}

#[test]
fn the_clip_moves_and_starts_again() {
    let clip = Clip::open("bunny", SMALL).unwrap();
    assert_eq!(clip.frame(0).size(), SMALL);
    assert_eq!(clip.frame(125), clip.frame(0));
    assert_eq!(clip.frame(u64::MAX), clip.frame(u64::MAX % 125));
    for frame in 0..124 {
        assert_ne!(clip.frame(frame), clip.frame(frame + 1), "{frame}");
    }
}

#[test]
fn a_camera_sees_the_latest_frame_that_has_begun() {
    let clip = Clip::open("bunny", SMALL).unwrap();
    let begins = |frame: u64| Duration::from_millis(40 * frame);
    for frame in 0..300 {
        assert_eq!(clip.index_at(begins(frame)), frame);
        assert_eq!(clip.index_at(begins(frame + 1) - Duration::from_nanos(1)), frame);
        assert_eq!(clip.frame_at(begins(frame)), clip.frame(frame));
    }
    // A camera of 15 frames/s sees five frames of 25 in three.
    let seen: Vec<_> = (0..7).map(|n| clip.index_at(Duration::from_secs(n) / 15)).collect();
    assert_eq!(seen, [0, 1, 3, 5, 6, 8, 10]);
    // One of 30 sees some twice.
    let seen: Vec<_> = (0..7).map(|n| clip.index_at(Duration::from_secs(n) / 30)).collect();
    assert_eq!(seen, [0, 0, 1, 2, 3, 4, 5]);
    assert_eq!(clip.index_at(Duration::MAX), u64::MAX);
}

#[test]
fn what_is_no_clip_is_refused() {
    let message = |error: ClipError| error.to_string();
    assert_eq!(
        message(Clip::open("rabbit", SMALL).unwrap_err()),
        "failed to find the clip \"rabbit\": there is bunny, scene"
    );
    assert_eq!(
        message(Clip::open("bunny", Size { width: 321, height: 240 }).unwrap_err()),
        "failed to use the size 321x240: width and height must be even"
    );
    assert!(matches!(Clip::from_annex_b(&[], 25, SMALL), Err(ClipError::NoPicture { frame: 0 })));
    let bunny = Clip::builtin("bunny", SMALL).unwrap().annex_b;
    assert!(matches!(Clip::from_annex_b(bunny, 0, SMALL), Err(ClipError::NoRate)));
    // Without its beginning, the key frame, it cannot be decoded.
    let units = parallax_media::nal::access_units(bunny);
    assert!(matches!(
        Clip::from_annex_b(&units[1..].concat(), 25, SMALL),
        Err(ClipError::Frame { frame: 0, .. } | ClipError::NoPicture { frame: 0 })
    ));
    // Nor is anything a clip that does not begin as one.
    let headless = &bunny[1_000..];
    assert!(matches!(Clip::from_annex_b(headless, 25, SMALL), Err(ClipError::NotAnnexB)));
}

#[test]
fn a_clip_is_held_against_what_is_said_of_it() {
    let bunny = Clip::builtin("bunny", SMALL).unwrap().annex_b;
    let units = parallax_media::nal::access_units(bunny);
    Clip::check(bunny, SMALL, 125).unwrap();
    let message = |stream: &[u8], size, frames| Clip::check(stream, size, frames).unwrap_err();
    let wide = Size { width: 640, height: 240 };
    assert!(matches!(message(bunny, wide, 125), ClipError::OtherSize { frame: 0, found: SMALL }));
    assert!(matches!(message(bunny, SMALL, 124), ClipError::OtherLength { found: 125 }));
    let odd = Size { width: 321, height: 240 };
    assert!(matches!(message(bunny, odd, 125), ClipError::Size(_)));
    // The size may change with a key frame.
    let large = Clip::builtin("bunny", Size { width: 640, height: 360 }).unwrap().annex_b;
    let both = [&units[..2].concat(), large].concat();
    assert!(matches!(message(&both, SMALL, 127), ClipError::OtherSize { frame: 2, .. }));
    // A frame that lacks its end, and all that follow.
    let short = &units[2][..units[2].len() - 20];
    let damaged = [&units[..2].concat(), short, &units[3..].concat()].concat();
    assert!(matches!(message(&damaged, SMALL, 125), ClipError::Frame { frame: 2, .. }));
}

/// Encoders name levels that their pictures exceed, and players play them.
#[test]
fn a_level_that_is_too_low_for_the_pictures_does_not_matter() {
    let bunny = Clip::builtin("bunny", Size { width: 640, height: 360 }).unwrap().annex_b;
    let units = parallax_media::nal::access_units(bunny);
    let stream = units[..3].concat();
    let mut low = stream.clone();
    // Level 1 has 99 macroblocks at most (ITU-T H.264 table A-1); these pictures have 920.
    let header = low.windows(4).position(|bytes| bytes == [0, 0, 1, 0x67]).unwrap();
    low[header + 6] = 10;
    assert_ne!(low, stream);
    Clip::check(&low, Size { width: 640, height: 360 }, 3).unwrap();
    let [stream, low] = [stream, low].map(|bytes| Clip::from_annex_b(&bytes, 25, SMALL).unwrap());
    assert_eq!((low.len(), low.frame(2).y()), (Some(3), stream.frame(2).y()));
}
