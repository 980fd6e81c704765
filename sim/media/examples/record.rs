//! Makes the recording `fixtures/recordings/bunny-320x240.h264`: the clip `bunny` as the camera of
//! the shipped scenarios films and encodes it, without markers. Writes it to the standard output.
//!
//! Another C++ compiler may round otherwise in rate control, and make other bytes: then the
//! manifest changes with the file.
#![expect(clippy::print_stderr, reason = "a tool for developers tells what it made")]

use parallax_media::{Clip, Encoder, EncoderConfig, Size};
use std::{error::Error, io::Write, time::Duration};

const SIZE: Size = Size { width: 320, height: 240 };
const FRAMES_PER_SECOND: u16 = 15;
const SECONDS: u16 = 5;
/// A third of a second: who asks for a key frame waits about as long as for a live encoder's.
const KEY_FRAME_INTERVAL: u32 = 5;
/// So many key frames take more than rate control allows for: it comes to 393 kbit/s.
const BIT_RATE_BPS: u32 = 325_000;

fn main() -> Result<(), Box<dyn Error>> {
    let clip = Clip::open("bunny", SIZE)?;
    let config = EncoderConfig {
        key_frame_interval: Some(KEY_FRAME_INTERVAL),
        ..EncoderConfig::new(SIZE, FRAMES_PER_SECOND, BIT_RATE_BPS)
    };
    let mut encoder = Encoder::new(config)?;
    let mut stream = Vec::new();
    let mut keys = Vec::new();
    for frame in 0..u32::from(FRAMES_PER_SECOND * SECONDS) {
        let at = Duration::from_secs(frame.into()) / FRAMES_PER_SECOND.into();
        let encoded = encoder.encode(&clip.frame_at(at), at)?;
        if encoded.key {
            keys.push((frame, encoded.bytes.len()));
        }
        stream.extend_from_slice(&encoded.bytes);
    }
    let bits = stream.len() * 8 / usize::from(SECONDS);
    eprintln!("{} bytes, {bits} bit/s, key frames (number, bytes): {keys:?}", stream.len());
    std::io::stdout().write_all(&stream)?;
    Ok(())
}
