//! From the sensor to the elementary stream: each stage serves one frame at a time.

use super::{Shared, VideoConfig};
use crate::host::{Host, Stage};
use bytes::Bytes;
use parallax_media::{Encoder, EncoderConfig, Picture, marker};
use parallax_record::{Event, LossPhase};
use rtc::rtp::{codec::h264::H264Payloader, packetizer::Payloader};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// Bytes of RTP payload in a packet: with the RTP header, SRTP's tag, TURN's channel header, UDP
/// and IP it stays under the 1280 bytes that every path carries.
const PAYLOAD_BYTES: usize = 1_160;

/// An encoded frame, cut for the wire.
pub(super) struct Frame {
    /// RTP timestamp.
    pub(super) timestamp: u32,
    /// RTP payloads, in order.
    pub(super) payloads: Vec<Bytes>,
}

struct Captured {
    frame: u32,
    camera_us: u64,
    picture: Picture,
}

/// Captures while anybody watches. Ends with its task.
pub(super) async fn run<H: Host>(shared: Arc<Shared<H>>) {
    let busy = Arc::new(AtomicBool::new(false));
    let (to_encoder, captured) = mpsc::channel(1);
    let mut tasks = crate::tasks::Tasks::default();
    tasks.spawn(&shared.host, encode(shared.clone(), captured, busy.clone()));
    let mut frame = 0;
    loop {
        shared.until_watched().await;
        capture(&shared, &to_encoder, &busy, &mut frame).await;
    }
}

/// One stretch of capture, until nobody watches.
async fn capture<H: Host>(
    shared: &Arc<Shared<H>>,
    to_encoder: &mpsc::Sender<Captured>,
    busy: &AtomicBool,
    frame: &mut u32,
) {
    let host = &shared.host;
    let fps = u64::from(shared.config.video.frames_per_second);
    let start_ns = host.now_ns();
    let mut tick = 0_u64;
    while shared.is_watched() {
        let due_ns = start_ns + tick * 1_000_000_000 / fps;
        let wait = due_ns.saturating_sub(host.now_ns());
        if wait > 0 {
            host.runtime().sleep(Duration::from_nanos(wait)).await;
        }
        // Exposures that ended while the capture stage was at work are lost.
        let late_ns = host.now_ns().saturating_sub(due_ns);
        let missed = late_ns * fps / 1_000_000_000;
        for lost in 0..missed {
            let exposed_ns = start_ns + (tick + lost) * 1_000_000_000 / fps;
            let (number, _) = shared.count_captured(frame, exposed_ns);
            shared.drop_frame(number, LossPhase::Capture);
        }
        tick += missed + 1;
        let (number, camera_us) = shared.count_captured(frame, host.now_ns());
        let picture = host.work(Stage::Capture, || shared.expose(number, camera_us)).await;
        // The flag comes first: the channel alone would let a frame wait for the encoder.
        let captured = Captured { frame: number, camera_us, picture };
        if busy.swap(true, Ordering::AcqRel) || to_encoder.try_send(captured).is_err() {
            shared.drop_frame(number, LossPhase::Capture);
        }
    }
}

async fn encode<H: Host>(
    shared: Arc<Shared<H>>,
    mut captured: mpsc::Receiver<Captured>,
    busy: Arc<AtomicBool>,
) {
    let host = &shared.host;
    let mut encoder = match Encoder::new(encoder_config(&shared.config.video)) {
        Ok(encoder) => encoder,
        Err(error) => return shared.fault(format!("failed to open the encoder: {error}")),
    };
    let mut payloader = H264Payloader::default();
    while let Some(Captured { frame, camera_us, picture }) = captured.recv().await {
        let started_run_ns = host.now_ns();
        if shared.take_key_frame_wish() {
            encoder.force_key_frame();
        }
        let at = Duration::from_micros(camera_us);
        let encoded = host.work(Stage::Encode, || encoder.encode(&picture, at)).await;
        busy.store(false, Ordering::Release);
        let encoded = match encoded {
            Ok(encoded) if !encoded.skipped => encoded,
            Ok(_) => {
                shared.drop_frame(frame, LossPhase::Encode);
                continue;
            }
            Err(error) => return shared.fault(format!("failed to encode frame {frame}: {error}")),
        };
        let rtp_timestamp = shared.rtp_timestamp(camera_us);
        shared.count_encoded();
        host.observe(Event::FrameEncoded {
            boot: shared.boot,
            frame,
            started_run_ns,
            rtp_timestamp,
            key: encoded.key,
            bytes: u32::try_from(encoded.bytes.len()).unwrap_or(u32::MAX),
            qp: encoded.qp,
        });
        match payloader.payload(PAYLOAD_BYTES, &Bytes::from(encoded.bytes)) {
            Ok(payloads) => {
                let sent = Frame { timestamp: rtp_timestamp, payloads };
                shared.hand_out(&Arc::new(sent));
            }
            Err(error) => shared.fault(format!("failed to packetise frame {frame}: {error}")),
        }
    }
}

fn encoder_config(video: &VideoConfig) -> EncoderConfig {
    EncoderConfig {
        size: video.size,
        frames_per_second: video.frames_per_second,
        bit_rate_bps: video.bit_rate_bps,
        key_frame_interval: video.key_frame_interval,
        // One slice a frame: the viewer decodes whole frames or none, so smaller slices would
        // cost bits and save nothing.
        max_slice_bytes: None,
        skip_frames: video.skip_frames,
        scene_change_key_frames: true,
    }
}

impl<H: Host> Shared<H> {
    /// The picture that the sensor sees at frame `number`, marked.
    fn expose(&self, number: u32, camera_us: u64) -> Picture {
        let video = &self.config.video;
        let mut picture =
            video.clip.frame_at(crate::frame_time(number, video.frames_per_second)).into_owned();
        let mark = marker::Marker { boot: self.boot, frame: number, camera_us };
        if let Err(error) = marker::draw(&mut picture, &mark) {
            self.fault(error.to_string());
        }
        picture
    }

    /// The next frame's number, and its time on the camera's clock, told to whoever records. Its
    /// exposure ended at `exposed_ns` on the run's clock.
    fn count_captured(&self, frame: &mut u32, exposed_ns: u64) -> (u32, u64) {
        let number = *frame;
        *frame += 1;
        self.counters.captured.fetch_add(1, Ordering::Relaxed);
        let camera_us = self.camera_us_at(exposed_ns);
        self.host.observe(Event::FrameCaptured { boot: self.boot, frame: number, camera_us });
        (number, camera_us)
    }

    fn count_encoded(&self) {
        self.counters.encoded.fetch_add(1, Ordering::Relaxed);
    }

    fn drop_frame(&self, frame: u32, phase: LossPhase) {
        self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        self.host.observe(Event::FrameDropped { boot: self.boot, frame, phase });
    }
}
