//! The codec: the frames of a run, marked, encoded, decoded, and their markers read.

use core::hint::black_box;
use parallax_media::{Clip, Decoder, Encoder, EncoderConfig, PictureMarker, Size, marker};
use parallax_scenario::{Camera, Scenario};
use std::time::Duration;

fn camera(scenario: &Scenario) -> &Camera {
    let camera = scenario.peers.iter().find_map(|peer| peer.camera.as_ref());
    &camera.expect("a camera").config
}

fn size(camera: &Camera) -> Size {
    let narrow = |pixels| u16::try_from(pixels).expect("a small picture");
    Size { width: narrow(camera.width_px), height: narrow(camera.height_px) }
}

/// The clip that the camera films, at its size.
pub(crate) fn open(scenario: &Scenario) -> Clip {
    let camera = camera(scenario);
    Clip::open(&camera.clip, size(camera)).expect("the clip")
}

/// `frames` of it, as the camera encodes and the viewer decodes them.
pub(crate) fn run(scenario: &Scenario, clip: &Clip, frames: u32) {
    let camera = camera(scenario);
    let rate = u16::try_from(camera.frames_per_second).expect("a low rate");
    let bit_rate = u32::try_from(camera.bit_rate_bps).expect("a low rate");
    let config = EncoderConfig {
        scene_change_key_frames: true,
        ..EncoderConfig::new(size(camera), rate, bit_rate)
    };
    let mut encoder = Encoder::new(config).expect("an encoder");
    let mut decoder = Decoder::new().expect("a decoder");
    for frame in 0..frames {
        let at = Duration::from_secs(frame.into()) / u32::from(rate);
        let mut picture = clip.frame_at(at).into_owned();
        let camera_us = at.as_micros() as u64;
        let mark = PictureMarker { boot: 0, frame, camera_us };
        marker::draw(&mut picture, &mark).expect("a marker");
        let encoded = encoder.encode(&picture, at).expect("an encoded frame");
        if encoded.skipped {
            continue;
        }
        let picture = decoder.decode(&encoded.bytes).expect("it decodes").expect("a picture");
        black_box(marker::read(&picture).expect("its marker"));
    }
}
