//! Another bit rate at run time.

use core::time::Duration;
use parallax_media::{Clip, Decoder, EncodeError, Encoded, Encoder, EncoderConfig, Size};

const SIZE: Size = Size { width: 320, height: 240 };
const RATE: u16 = 15;

/// Encodes, and sets the bit rate before some of the frames.
fn encode(config: EncoderConfig, frames: u32, changes: &[(u32, u32)]) -> Vec<Encoded> {
    let clip = Clip::open("bunny", SIZE).unwrap();
    let mut encoder = Encoder::new(config).unwrap();
    let frame = |frame: u32| {
        if let Some((_, bit_rate)) = changes.iter().find(|(at, _)| *at == frame) {
            encoder.set_bit_rate(*bit_rate).unwrap();
            assert_eq!(encoder.bit_rate_bps(), *bit_rate);
        }
        let at = Duration::from_secs(u64::from(frame)) / u32::from(RATE);
        encoder.encode(clip.frame_at(at), at).unwrap()
    };
    (0..frames).map(frame).collect()
}

fn bits_per_second(frames: &[Encoded]) -> u64 {
    let bits: usize = frames.iter().map(|frame| 8 * frame.bytes.len()).sum();
    bits as u64 * u64::from(RATE) / frames.len() as u64
}

#[track_caller]
fn assert_near(rate: u64, aim: u64) {
    assert!(rate < aim * 11 / 10 && rate > aim * 8 / 10, "{rate} instead of {aim} bit/s");
}

#[test]
fn the_encoder_follows_up_and_down_without_a_key_frame() {
    let config = EncoderConfig::new(SIZE, RATE, 400_000);
    let frames = encode(config, 600, &[(150, 200_000), (300, 800_000), (450, 150_000)]);
    // A second each is left out: rate control has to come to the new aim.
    for (from, aim) in [(15, 400_000), (165, 200_000), (315, 800_000), (465, 150_000)] {
        assert_near(bits_per_second(&frames[from..from + 135]), aim);
    }
    assert_eq!(frames.iter().filter(|frame| frame.key).count(), 1);
    let mut decoder = Decoder::new().unwrap();
    for frame in &frames {
        assert!(decoder.decode(&frame.bytes).unwrap().is_some());
    }
}

#[test]
fn with_skipped_frames_a_narrow_rate_is_held_by_leaving_frames_out() {
    let config = EncoderConfig { skip_frames: true, ..EncoderConfig::new(SIZE, RATE, 400_000) };
    let frames = encode(config, 450, &[(150, 20_000)]);
    let (wide, narrow) = (&frames[15..150], &frames[165..]);
    let skipped = |frames: &[Encoded]| frames.iter().filter(|frame| frame.skipped).count();
    let (few, many) = (skipped(wide), skipped(narrow));
    assert!(few < 10 && many > 100, "{few} of {}, then {many} of {}", wide.len(), narrow.len());
    assert!(bits_per_second(narrow) < 25_000, "{} bit/s", bits_per_second(narrow));
}

#[test]
fn a_rate_set_before_the_first_frame_is_as_if_configured() {
    let set = encode(EncoderConfig::new(SIZE, RATE, 800_000), 30, &[(0, 200_000)]);
    assert_eq!(set, encode(EncoderConfig::new(SIZE, RATE, 200_000), 30, &[]));
}

#[test]
fn the_same_changes_give_the_same_bytes_and_the_same_rate_again_changes_none() {
    let config = EncoderConfig::new(SIZE, RATE, 400_000);
    let changes = [(30, 200_000), (60, 900_000)];
    let once = encode(config, 90, &changes);
    assert_eq!(once, encode(config, 90, &changes));
    let again = [(30, 200_000), (40, 200_000), (60, 900_000), (75, 900_000)];
    assert_eq!(once, encode(config, 90, &again));
    assert_eq!(encode(config, 30, &[]), encode(config, 30, &[(15, 400_000)]));
}

#[test]
fn less_than_a_bit_a_frame_is_refused_and_changes_nothing() {
    let mut encoder = Encoder::new(EncoderConfig::new(SIZE, RATE, 400_000)).unwrap();
    let refused = encoder.set_bit_rate(14).unwrap_err();
    assert!(matches!(refused, EncodeError::Setting { setting: "bit_rate_bps", least: 15, .. }));
    assert_eq!(encoder.bit_rate_bps(), 400_000);
    encoder.set_bit_rate(15).unwrap();
}
