//! From the sensor to the elementary stream: each stage serves one frame at a time.

use super::{Media, Shared, film::Film};
use crate::host::{Host, Stage};
use bytes::Bytes;
use parallax_media::{EncodeError, Picture, marker};
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
    /// Which stretch of capture it is of.
    stretch: u32,
    /// None if nothing is to be encoded.
    picture: Option<Picture>,
}

/// Captures while anybody watches. Ends with its task.
pub(super) async fn run<H: Host>(shared: Arc<Shared<H>>) {
    let busy = Arc::new(AtomicBool::new(false));
    let (to_encoder, captured) = mpsc::channel(1);
    let mut tasks = crate::tasks::Tasks::default();
    tasks.spawn(&shared.host, encode(shared.clone(), captured, busy.clone()));
    let mut frame = 0;
    for stretch in 0.. {
        shared.until_watched().await;
        capture(&shared, &to_encoder, &busy, stretch, &mut frame).await;
    }
}

/// One stretch of capture, until nobody watches.
async fn capture<H: Host>(
    shared: &Arc<Shared<H>>,
    to_encoder: &mpsc::Sender<Captured>,
    busy: &AtomicBool,
    stretch: u32,
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
        let captured = Captured { frame: number, camera_us, stretch, picture };
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
    let mut film = match Film::open(&shared.config.video) {
        Ok(film) => film,
        Err(error) => return shared.fault(format!("failed to open the encoder: {error}")),
    };
    let mut payloader = H264Payloader::default();
    while let Some(Captured { frame, camera_us, stretch, picture }) = captured.recv().await {
        let started_run_ns = host.now_ns();
        if let Err(error) = shared.follow(&mut film) {
            return shared.fault(format!("failed to set the bit rate: {error}"));
        }
        if shared.take_key_frame_wish() {
            film.wish_key_frame();
        }
        let at = Duration::from_micros(camera_us);
        let next = || film.next(picture.as_ref(), at, stretch);
        let encoded = host.work(Stage::Encode, next).await;
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

impl<H: Host> Shared<H> {
    /// The picture that the sensor sees at frame `number`, marked; none if it is not encoded.
    fn expose(&self, number: u32, camera_us: u64) -> Option<Picture> {
        let video = &self.config.video;
        let Media::Live(encoding) = &video.media else { return None };
        let at = crate::frame_time(number, video.frames_per_second);
        let mut picture = encoding.clip.frame_at(at).clone();
        let mark = marker::Marker { boot: self.boot, frame: number, camera_us };
        if let Err(error) = marker::draw(&mut picture, &mark) {
            self.fault(error.to_string());
        }
        Some(picture)
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

    /// Lets the encoder aim at what the paths carry, and says so. A recording is as it is.
    fn follow(&self, film: &mut Film) -> Result<(), EncodeError> {
        let target_bps = self.with_rates(|rates| rates.target_bps());
        if let (Some(bps), Film::Live(encoder)) = (target_bps, film)
            && bps != encoder.bit_rate_bps()
        {
            encoder.set_bit_rate(bps)?;
            let (boot, bit_rate_bps) = (self.boot, bps.into());
            self.host.observe(Event::BitRateChanged { boot, bit_rate_bps });
        }
        Ok(())
    }

    fn count_encoded(&self) {
        self.counters.encoded.fetch_add(1, Ordering::Relaxed);
    }

    fn drop_frame(&self, frame: u32, phase: LossPhase) {
        self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        self.host.observe(Event::FrameDropped { boot: self.boot, frame, phase });
    }
}
