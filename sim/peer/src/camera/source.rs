//! From the sensor to the elementary stream, by two pipelines. One frame may wait between them.

use super::{Media, Shared, film::Film};
use crate::{
    host::{Host, Work},
    pipeline::{Next, Pipeline, until},
};
use bytes::Bytes;
use parallax_media::{EncodeError, Encoded, Picture, marker};
use parallax_record::{Event, LossPhase, Stage};
use parallax_spec::PeerCondition;
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
    /// It refers to no other frame.
    pub(super) key: bool,
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

/// Frames that the encoder holds: one at work, one that waits.
const AT_ENCODER: usize = 2;

/// The way from the capture stage to the encoder.
struct ToEncoder {
    frames: mpsc::Sender<Captured>,
    busy: Arc<AtomicBool>,
}

/// Captures while there is a viewer. Ends with its task.
pub(super) async fn run<H: Host>(shared: Arc<Shared<H>>) {
    let (frames, captured) = mpsc::channel(AT_ENCODER);
    let stage = Pipeline::new(&shared.host);
    let to_encoder = ToEncoder { frames, busy: stage.busy() };
    let mut tasks = crate::tasks::Tasks::default();
    tasks.spawn(&shared.host, encode(shared.clone(), captured, stage));
    let mut frame = 0;
    for stretch in 0.. {
        shared.until_watched().await;
        capture(&shared, &to_encoder, stretch, &mut frame).await;
    }
}

/// Capture from the first viewer's session to the end of the last one's.
async fn capture<H: Host>(
    shared: &Arc<Shared<H>>,
    to_encoder: &ToEncoder,
    stretch: u32,
    frame: &mut u32,
) {
    let host = &shared.host;
    let started = host.work(Work::Start, host.now_ns(), || ()).await;
    until(host, started.through_ns).await;
    let fps = u64::from(shared.config.frames_per_second());
    let start_ns = host.now_ns();
    let due_ns = |tick: u64| start_ns + tick * 1_000_000_000 / fps;
    let mut stage = Pipeline::new(host);
    let mut tick = 0_u64;
    while shared.is_watched() {
        let empty = stage.is_empty();
        tokio::select! {
            biased;
            captured = stage.through(), if !empty => {
                shared.hand_to_encoder(to_encoder, captured);
                continue;
            }
            () = until(host, due_ns(tick)) => {}
        }
        // Exposures that ended unseen, or while the stage was at work, are lost.
        let late_ns = host.now_ns().saturating_sub(due_ns(tick));
        let last = tick + late_ns * fps / 1_000_000_000;
        // While capture is paused nothing is exposed, and so nothing is lost.
        let paused = host.in_condition(PeerCondition::CapturePaused);
        for exposure in (tick..=last).filter(|_| !paused) {
            let exposed_ns = due_ns(exposure);
            if exposure < last || !stage.takes_at(exposed_ns) {
                let (number, _) = shared.count_captured(frame, exposed_ns);
                shared.drop_frame(number, LossPhase::Capture);
                continue;
            }
            let (number, camera_us) = shared.count_captured(frame, host.now_ns());
            let expose = || shared.expose(number, camera_us);
            let worked = host.work(Work::Stage(Stage::Capture), exposed_ns, expose).await;
            stage.put(worked.map(|picture| Captured {
                frame: number,
                camera_us,
                stretch,
                picture,
            }));
        }
        tick = last + 1;
    }
    while !stage.is_empty() {
        shared.hand_to_encoder(to_encoder, stage.through().await);
    }
}

/// A frame in the encoder.
struct InEncoder {
    frame: u32,
    camera_us: u64,
    started_run_ns: u64,
    encoded: Result<Encoded, EncodeError>,
}

async fn encode<H: Host>(
    shared: Arc<Shared<H>>,
    mut captured: mpsc::Receiver<Captured>,
    mut stage: Pipeline<H, InEncoder>,
) {
    let host = &shared.host;
    let mut film = match Film::open(&shared.config) {
        Ok(film) => film,
        Err(error) => return shared.fault(format!("failed to open the encoder: {error}")),
    };
    let mut payloader = H264Payloader::default();
    while let Some(next) = stage.next(&mut captured).await {
        match next {
            Next::Take(Captured { frame, camera_us, stretch, picture }) => {
                let started_run_ns = host.now_ns();
                if picture.is_some() && shared.key_frames().leaves_out(started_run_ns) {
                    shared.drop_frame(frame, LossPhase::Encode);
                    continue;
                }
                if let Err(error) = shared.follow(&mut film) {
                    return shared.fault(format!("failed to set the bit rate: {error}"));
                }
                if shared.key_frames().take(started_run_ns) {
                    film.wish_key_frame();
                }
                let at = Duration::from_micros(camera_us);
                let next = || film.next(picture.as_ref(), at, stretch);
                let worked = host.work(Work::Stage(Stage::Encode), stage.begins_ns(), next).await;
                let encoding = |encoded| InEncoder { frame, camera_us, started_run_ns, encoded };
                stage.put(worked.map(encoding));
            }
            Next::Through(encoding) => {
                if let Err(error) = shared.encoded(encoding, &mut payloader) {
                    return shared.fault(error);
                }
            }
        }
    }
}

impl<H: Host> Shared<H> {
    /// The picture that the sensor sees at frame `number`, marked; none if it is not encoded.
    fn expose(&self, number: u32, camera_us: u64) -> Option<Picture> {
        let Media::Live(source) = &self.config.media else { return None };
        let mut picture = source.picture(number).into_owned();
        let mark = marker::PictureMarker { boot: self.boot, frame: number, camera_us };
        if let Err(error) = marker::draw(&mut picture, &mark) {
            self.fault(error.to_string());
        }
        Some(picture)
    }

    /// Hands a frame to the encoder. If one waits there already, it is lost.
    fn hand_to_encoder(&self, to: &ToEncoder, captured: Captured) {
        let number = captured.frame;
        let waiting = to.frames.max_capacity() - to.frames.capacity();
        let held = waiting + usize::from(to.busy.load(Ordering::Acquire));
        if held >= AT_ENCODER || to.frames.try_send(captured).is_err() {
            self.drop_frame(number, LossPhase::Capture);
        }
    }

    /// Sends a frame that is through the encoder.
    fn encoded(&self, encoding: InEncoder, payloader: &mut H264Payloader) -> Result<(), String> {
        let InEncoder { frame, camera_us, started_run_ns, encoded } = encoding;
        let encoded = match encoded {
            Ok(encoded) if !encoded.skipped => encoded,
            Ok(_) => {
                self.drop_frame(frame, LossPhase::Encode);
                return Ok(());
            }
            Err(error) => return Err(format!("failed to encode frame {frame}: {error}")),
        };
        let rtp_timestamp = self.rtp_timestamp(camera_us);
        self.count_encoded();
        self.host.observe(Event::FrameEncoded {
            boot: self.boot,
            frame,
            started_run_ns,
            rtp_timestamp,
            key: encoded.key,
            bytes: u32::try_from(encoded.bytes.len()).unwrap_or(u32::MAX),
            qp: encoded.qp,
        });
        let key = encoded.key;
        if key {
            self.key_frames().made();
        }
        match payloader.payload(PAYLOAD_BYTES, &Bytes::from(encoded.bytes)) {
            Ok(payloads) => {
                let sent = Frame { timestamp: rtp_timestamp, key, payloads };
                self.hand_out(&Arc::new(sent));
            }
            Err(error) => self.fault(format!("failed to packetise frame {frame}: {error}")),
        }
        Ok(())
    }

    /// The next frame's number, and its time on the camera's clock, which is recorded. Its
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
