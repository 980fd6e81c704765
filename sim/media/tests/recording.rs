//! Recordings: file, manifest and code agree, and what is cut from a stream can be sent as it is.

use parallax_media::{Clip, ClipError, Decoder, Recording, Size, nal};
use sha2::{Digest, Sha256};

const SMALL: Size = Size { width: 320, height: 240 };

#[expect(clippy::disallowed_methods, reason = "a test compares files; the crate reads none")]
fn read(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/recordings/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn bunny() -> &'static [u8] {
    Recording::builtin("bunny", SMALL).unwrap().annex_b
}

#[test]
fn each_built_in_recording_agrees_with_its_file_and_its_manifest() {
    for recording in Recording::all_builtin() {
        let text = String::from_utf8(read(&format!("{}.toml", recording.file))).unwrap();
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        let number = |key: &str| manifest[key].as_integer().unwrap();
        assert_eq!(read(manifest["file"].as_str().unwrap()), recording.annex_b);
        let digest = hex::encode(Sha256::digest(recording.annex_b));
        assert_eq!(manifest["sha256"].as_str(), Some(digest.as_str()));
        assert_eq!(number("bytes"), recording.annex_b.len() as i64);
        assert_eq!(manifest["size"].as_str().unwrap(), recording.size.to_string());
        assert_eq!(number("frames_per_second"), i64::from(recording.frames_per_second));
        assert_eq!(number("frames"), i64::from(recording.frames));
        Clip::check(recording.annex_b, recording.size, recording.frames as usize).unwrap();
        let cut = Recording::from_annex_b(recording.annex_b).unwrap();
        assert_eq!(cut.len(), recording.frames as usize);
    }
}

#[test]
fn the_shipped_recording_has_a_key_frame_each_third_of_a_second_and_its_frames_are_as_they_were() {
    let recording = Recording::from_annex_b(bunny()).unwrap();
    let mut whole = Vec::new();
    for number in 0..75 {
        let frame = recording.frame(number);
        assert_eq!(frame.key, number % 5 == 0, "{number}");
        assert!(frame.qp.is_some_and(|qp| qp > 0), "{number}");
        whole.extend_from_slice(&frame.bytes);
    }
    assert_eq!(whole, bunny());
    assert_eq!(recording.frame(75), recording.frame(0));
    assert_eq!(recording.frame(u64::MAX), recording.frame(u64::MAX % 75));
}

/// What another encoder wrote around and between pictures does not go on the wire, and a viewer may
/// begin with any key frame.
#[test]
fn key_frames_lead_with_their_parameter_sets_and_nothing_else_goes_along() {
    let units = nal::access_units(bunny());
    let bare_key: Vec<u8> = nal::units(units[15])
        .filter(|unit| nal::unit_type(unit) == Some(5))
        .flat_map(|unit| [&[0, 0, 1], unit].concat())
        .collect();
    let delimiter = [0, 0, 0, 1, 9, 0xf0];
    let information = [0, 0, 0, 1, 6, 5, 1, 0, 0x80];
    let stream =
        [units[0], &delimiter, &information, units[1], &delimiter, &bare_key, units[16]].concat();
    let recording = Recording::from_annex_b(&stream).unwrap();
    assert_eq!(recording.len(), 4);
    assert_eq!(recording.frame(1).bytes, units[1]);
    assert_eq!(recording.frame(2).bytes, units[15]);
    assert!(recording.frame(2).key && !recording.frame(3).key);
    let mut decoder = Decoder::new().unwrap();
    assert!(decoder.decode(&recording.frame(2).bytes).unwrap().is_some());
}

#[test]
fn what_cannot_be_sent_as_it_is_is_refused() {
    let refused = |stream: &[u8]| Recording::from_annex_b(stream).unwrap_err();
    let units = nal::access_units(bunny());
    assert!(matches!(refused(&[]), ClipError::NoPicture { frame: 0 }));
    assert!(matches!(refused(&bunny()[1_000..]), ClipError::NotAnnexB));
    assert!(matches!(refused(&units[1..].concat()), ClipError::NoKeyFrame));
    assert!(matches!(refused(&[0, 0, 0, 1, 9, 0xf0]), ClipError::NoPicture { frame: 0 }));
    // High 10, whose parameter sets go on otherwise.
    let mut other = bunny().to_vec();
    other[5] = 110;
    assert!(matches!(refused(&other), ClipError::Unfit(_)));
}
