//! Encoder and decoder: what goes in comes out, the same bytes every time, and nothing wrong is
//! shown after a loss.

use core::time::Duration;
use parallax_media::{
    Clip, DecodeError, Decoder, EncodeError, Encoded, Encoder, EncoderConfig, Picture,
    PictureMarker, Size, marker, nal, psnr_millidb,
};
use std::collections::BTreeMap;
use std::sync::Mutex;

const SMALL: Size = Size { width: 320, height: 240 };
const LARGE: Size = Size { width: 640, height: 360 };
const RATE: u16 = 15;

fn at(frame: u32) -> Duration {
    Duration::from_secs(u64::from(frame)) / u32::from(RATE)
}

fn marker_of(frame: u32) -> PictureMarker {
    PictureMarker { boot: 3, frame, camera_us: at(frame).as_micros() as u64 }
}

/// The clip at this size, opened once for all tests.
fn clip(size: Size) -> Clip {
    static CLIPS: Mutex<BTreeMap<Size, Clip>> = Mutex::new(BTreeMap::new());
    let mut clips = CLIPS.lock().unwrap();
    clips.entry(size).or_insert_with(|| Clip::open("bunny", size).unwrap()).clone()
}

/// What a camera feeds its encoder.
fn marked(clip: &Clip, frame: u32) -> Picture {
    let mut picture = clip.frame_at(at(frame)).into_owned();
    marker::draw(&mut picture, &marker_of(frame)).unwrap();
    picture
}

fn encode(config: EncoderConfig, frames: u32) -> Vec<Encoded> {
    let clip = clip(config.size);
    let mut encoder = Encoder::new(config).unwrap();
    (0..frames).map(|frame| encoder.encode(&marked(&clip, frame), at(frame)).unwrap()).collect()
}

fn bytes(frames: &[Encoded]) -> Vec<&[u8]> {
    frames.iter().map(|frame| &frame.bytes[..]).collect()
}

#[test]
fn every_frame_comes_back_close_to_its_source_and_with_its_marker() {
    for (size, bit_rate_bps) in [(SMALL, 400_000), (LARGE, 1_000_000)] {
        let clip = clip(size);
        let mut decoder = Decoder::new().unwrap();
        for (frame, encoded) in (0..).zip(encode(EncoderConfig::new(size, RATE, bit_rate_bps), 100))
        {
            let picture = decoder.decode(&encoded.bytes).unwrap().unwrap();
            assert_eq!(marker::read(&picture), Some(marker_of(frame)));
            let strip = marker::strip_height(size).unwrap();
            let psnr = psnr_millidb(&picture, &clip.frame_at(at(frame)), strip).unwrap();
            assert!(psnr > 28_000, "frame {frame} of {size} has {psnr} mdB");
        }
    }
}

#[test]
fn markers_read_where_the_bit_rate_is_far_too_low() {
    for size in [Size { width: 160, height: 120 }, SMALL, LARGE] {
        let mut decoder = Decoder::new().unwrap();
        let mut coarsest = 0;
        for (frame, encoded) in (0..).zip(encode(EncoderConfig::new(size, RATE, 1_000), 110)) {
            let picture = decoder.decode(&encoded.bytes).unwrap().unwrap();
            assert_eq!(marker::read(&picture), Some(marker_of(frame)), "{size}");
            coarsest = coarsest.max(encoded.qp.unwrap());
        }
        assert!(coarsest > 40, "{size}: at most {coarsest}");
    }
}

/// Rate control ends at a quantisation parameter of 42 in small pictures; H.264 ends at 51.
#[test]
fn markers_read_at_the_coarsest_quantisation_there_is() {
    for size in [Size { width: 160, height: 120 }, SMALL, LARGE] {
        let (width, height) = (usize::from(size.width), usize::from(size.height));
        let clip = clip(size);
        let settings = openh264::encoder::EncoderConfig::new()
            .rate_control_mode(openh264::encoder::RateControlMode::Bitrate)
            .qp(openh264::encoder::QpRange::new(51, 51))
            .num_threads(1);
        let mut encoder = openh264::encoder::Encoder::with_api_config(
            openh264::OpenH264API::from_source(),
            settings,
        )
        .unwrap();
        let mut decoder = Decoder::new().unwrap();
        for frame in 0..100 {
            let picture = marked(&clip, frame);
            let planes = [picture.y(), picture.u(), picture.v()].concat();
            let source = openh264::formats::YUVBuffer::from_vec(planes, width, height);
            let bytes = encoder.encode(&source).unwrap().to_vec();
            let shown = decoder.decode(&bytes).unwrap().unwrap();
            assert_eq!(marker::read(&shown), Some(marker_of(frame)), "{size}");
            let strip = marker::strip_height(size).unwrap();
            let psnr = psnr_millidb(&shown, &clip.frame_at(at(frame)), strip).unwrap();
            assert!(psnr < 26_000, "{size} is too good for this test: {psnr} mdB");
        }
    }
}

#[test]
fn two_encoders_give_the_same_bytes_also_side_by_side() {
    for max_slice_bytes in [None, Some(1100)] {
        let config = EncoderConfig { max_slice_bytes, ..EncoderConfig::new(SMALL, RATE, 300_000) };
        let alone = encode(config, 40);
        let beside: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| encode(config, 40))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for other in beside {
            assert_eq!(bytes(&alone), bytes(&other));
        }
    }
}

#[test]
fn only_the_first_frame_is_a_key_frame_until_one_is_asked_for() {
    let clip = clip(SMALL);
    let mut encoder = Encoder::new(EncoderConfig::new(SMALL, RATE, 300_000)).unwrap();
    // Asked for before the first frame: that one is a key frame anyway, no second one follows.
    encoder.force_key_frame();
    let mut keys = Vec::new();
    for frame in 0..120 {
        if frame == 50 || frame == 90 {
            encoder.force_key_frame();
        }
        if encoder.encode(&marked(&clip, frame), at(frame)).unwrap().key {
            keys.push(frame);
        }
    }
    // 120 frames are 8 s: the clip starts again on the way, without a key frame.
    assert_eq!(keys, [0, 50, 90]);
}

#[test]
fn a_clip_that_starts_again_is_a_scene_change_if_they_count() {
    let config =
        EncoderConfig { scene_change_key_frames: true, ..EncoderConfig::new(SMALL, RATE, 300_000) };
    let keys: Vec<_> =
        (0..).zip(encode(config, 120)).filter(|(_, e)| e.key).map(|(n, _)| n).collect();
    assert!(keys.contains(&75), "the clip starts again at frame 75, key frames at {keys:?}");
}

#[test]
fn key_frames_come_at_their_interval() {
    let config =
        EncoderConfig { key_frame_interval: Some(30), ..EncoderConfig::new(SMALL, RATE, 300_000) };
    let keys: Vec<u32> =
        (0..).zip(encode(config, 91)).filter(|(_, e)| e.key).map(|(n, _)| n).collect();
    assert_eq!(keys, [0, 30, 60, 90]);
}

#[test]
fn key_frames_carry_parameter_sets_of_constrained_baseline() {
    let frames = encode(
        EncoderConfig { key_frame_interval: Some(5), ..EncoderConfig::new(SMALL, RATE, 300_000) },
        11,
    );
    for frame in frames {
        let units: Vec<_> = nal::units(&frame.bytes).collect();
        let types: Vec<_> = units.iter().filter_map(|unit| nal::unit_type(unit)).collect();
        if frame.key {
            assert_eq!(types, [7, 8, 5]);
            // H.264 section A.2.1.1: profile_idc 66 with constraint_set1_flag 1.
            assert_eq!(units[0][1], 66);
            assert_eq!(units[0][2] & 0b0100_0000, 0b0100_0000);
        } else {
            assert_eq!(types, [1]);
        }
        assert_eq!(nal::access_units(&frame.bytes), [&frame.bytes[..]]);
    }
}

#[test]
fn slices_stay_within_their_limit_and_decode() {
    let config =
        EncoderConfig { max_slice_bytes: Some(1100), ..EncoderConfig::new(LARGE, RATE, 1_500_000) };
    let frames = encode(config, 30);
    let mut decoder = Decoder::new().unwrap();
    for encoded in &frames {
        assert!(nal::units(&encoded.bytes).all(|unit| unit.len() <= 1100));
        assert_eq!(nal::access_units(&encoded.bytes).len(), 1);
        assert!(decoder.decode(&encoded.bytes).unwrap().is_some());
    }
    assert!(nal::units(&frames[0].bytes).count() > 10, "the first frame is cut into many slices");
}

#[test]
fn frames_are_skipped_only_where_that_is_allowed() {
    let floor = EncoderConfig::new(LARGE, RATE, 30_000);
    assert!(encode(floor, 60).iter().all(|frame| !frame.skipped && !frame.bytes.is_empty()));
    let frames = encode(EncoderConfig { skip_frames: true, ..floor }, 60);
    let skipped: Vec<_> = frames.iter().filter(|frame| frame.skipped).collect();
    assert!(!skipped.is_empty());
    assert!(skipped.iter().all(|frame| frame.bytes.is_empty() && frame.qp.is_none() && !frame.key));
}

#[test]
fn the_bit_rate_is_held() {
    for bit_rate in [200_000, 400_000, 800_000] {
        let frames = encode(EncoderConfig::new(SMALL, RATE, bit_rate), 300);
        // The first key frame overshoots: the next 19 s count.
        let bits: usize = frames[15..].iter().map(|frame| 8 * frame.bytes.len()).sum();
        let rate = bits as u64 * u64::from(RATE) / 285;
        let aim = u64::from(bit_rate);
        assert!(rate < aim * 11 / 10 && rate > aim * 8 / 10, "{rate} instead of {aim} bit/s");
    }
}

/// Every frame of a group refers to the one before: what follows a loss cannot be decoded.
#[test]
fn after_a_lost_frame_nothing_is_shown_until_the_next_key_frame() {
    let config =
        EncoderConfig { key_frame_interval: Some(30), ..EncoderConfig::new(SMALL, RATE, 300_000) };
    let frames = encode(config, 40);
    for lost in [&[1][..], &[7], &[7, 8, 9], &[29], &[0]] {
        let mut decoder = Decoder::new().unwrap();
        for (index, frame) in frames.iter().enumerate().filter(|(index, _)| !lost.contains(index)) {
            let result = decoder.decode(&frame.bytes);
            let blind = lost.iter().any(|lost| (*lost..30).contains(&index));
            if blind {
                assert!(matches!(result, Err(DecodeError::Damaged { .. })), "{lost:?}: {index}");
            } else {
                assert!(matches!(result, Ok(Some(_))), "{lost:?}: {index}");
            }
        }
    }
}

#[test]
fn a_frame_without_one_of_its_slices_is_not_shown() {
    let config = EncoderConfig {
        key_frame_interval: Some(20),
        max_slice_bytes: Some(600),
        ..EncoderConfig::new(SMALL, RATE, 400_000)
    };
    let frames = encode(config, 25);
    let victim = 10;
    let slices = nal::units(&frames[victim].bytes).count();
    assert!(slices > 2, "frame {victim} has {slices} slices");
    for missing in 0..slices {
        let mut decoder = Decoder::new().unwrap();
        for (index, frame) in frames.iter().enumerate() {
            let mut bytes = frame.bytes.clone();
            if index == victim {
                bytes.clear();
                for (_, unit) in nal::units(&frame.bytes).enumerate().filter(|(n, _)| *n != missing)
                {
                    bytes.extend_from_slice(&[0, 0, 0, 1]);
                    bytes.extend_from_slice(unit);
                }
            }
            let shown = matches!(decoder.decode(&bytes), Ok(Some(_)));
            assert_eq!(shown, !(victim..20).contains(&index), "without slice {missing}: {index}");
        }
    }
}

#[test]
fn a_decoder_that_joins_late_waits_for_a_key_frame() {
    let config =
        EncoderConfig { key_frame_interval: Some(10), ..EncoderConfig::new(SMALL, RATE, 300_000) };
    let frames = encode(config, 15);
    let mut decoder = Decoder::new().unwrap();
    for (index, frame) in frames.iter().enumerate().skip(4) {
        assert_eq!(decoder.decode(&frame.bytes).is_ok(), index >= 10, "{index}");
    }
}

#[test]
fn noise_and_nothing_are_no_pictures() {
    let mut decoder = Decoder::new().unwrap();
    assert!(decoder.decode(&[]).unwrap().is_none());
    let noise: Vec<u8> = (0..2000u32).map(|n| ((n * 7919) >> 3) as u8).collect();
    assert!(!matches!(decoder.decode(&noise), Ok(Some(_))));
    // And it still works.
    let frames = encode(EncoderConfig::new(SMALL, RATE, 300_000), 1);
    assert!(decoder.decode(&frames[0].bytes).unwrap().is_some());
}

#[test]
fn settings_out_of_range_are_refused() {
    let good = EncoderConfig::new(SMALL, RATE, 300_000);
    let message = |config| Encoder::new(config).err().map(|error: EncodeError| error.to_string());
    assert_eq!(message(good), None);
    assert_eq!(
        message(EncoderConfig { max_slice_bytes: Some(100), ..good }).unwrap(),
        "failed to set up the encoder: max_slice_bytes must be at least 421, not 100"
    );
    assert_eq!(
        message(EncoderConfig { bit_rate_bps: 0, ..good }).unwrap(),
        "failed to set up the encoder: bit_rate_bps must be at least 1, not 0"
    );
    let mut encoder = Encoder::new(good).unwrap();
    let other = Picture::grey(LARGE, 0).unwrap();
    assert_eq!(
        encoder.encode(&other, Duration::ZERO).unwrap_err().to_string(),
        "failed to encode a picture of 640x360: the encoder is set to 320x240"
    );
}

#[test]
fn encoder_and_decoder_may_change_threads() {
    fn is_send<T: Send>() {}
    is_send::<Encoder>();
    is_send::<Decoder>();
    is_send::<Clip>();
}
