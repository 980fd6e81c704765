//! From whole frames to pictures on the display, by two pipelines.

use super::Playing;
use crate::{
    frames::Whole,
    host::{Host, RenderedPicture, Work, Worked},
    pipeline::{Next, Pipeline},
    source_clip::SourceClip,
    tasks::Tasks,
};
use bytes::Bytes;
use parallax_media::{DecodeError, Decoder, Picture, marker, psnr_millidb, ssim_ppm};
use parallax_record::{Event, LossPhase, Marker, Phase, Session, Stage};
use rtc::rtp::{codec::h264::H264Packet, packetizer::Depacketizer};
use std::borrow::Cow;
use tokio::sync::mpsc;

/// Frames that may wait for the decoder.
pub(super) const QUEUE_FRAMES: usize = 30;

/// A whole frame on its way to the decoder.
pub(super) struct Item {
    pub(super) frame: Whole,
    /// No packet is missing between it and the frame before it.
    pub(super) follows: bool,
    /// A key frame was held already, or had begun to come: if this one is lost, none is asked for.
    pub(super) held: bool,
}

struct Decoded {
    rtp_timestamp: u32,
    shown: Shown,
}

/// What a decoder gives.
enum Shown {
    Picture(Picture),
    /// It was not decoded: nothing is known of its pixels.
    Assumed,
}

/// The decoder, or nothing in its place.
struct Screen(Option<Decoder>);

impl Screen {
    fn open(playing: &Playing) -> Result<Self, DecodeError> {
        Ok(Self(match playing {
            Playing::Decodes(_) => Some(Decoder::new()?),
            Playing::Assumes { .. } => None,
        }))
    }

    /// What a frame comes to whose references are intact: nothing if it is no picture. None if there is
    /// nothing to decode.
    async fn decode<H: Host>(
        &mut self,
        host: &H,
        begins_ns: u64,
        frame: &Whole,
    ) -> Option<Worked<Option<Shown>>> {
        let Some(decoder) = &mut self.0 else {
            return Some(
                host.work(Work::Stage(Stage::Decode), begins_ns, || Some(Shown::Assumed)).await,
            );
        };
        let stream = depacketise(&frame.payloads)?;
        let decode = || decoder.decode(&stream).ok().flatten();
        Some(
            host.work(Work::Stage(Stage::Decode), begins_ns, decode)
                .await
                .map(|picture| picture.map(Shown::Picture)),
        )
    }
}

/// Decodes and renders until the queue ends. `wish`: a key frame is needed.
pub(super) async fn run<H: Host>(
    host: H,
    name: Session,
    playing: Playing,
    queue: mpsc::Receiver<Item>,
    wish: mpsc::Sender<()>,
) {
    let screen = match Screen::open(&playing) {
        Ok(screen) => screen,
        Err(error) => {
            let text = format!("failed to open the decoder: {error}");
            return host.observe(Event::Fault { text });
        }
    };
    let source = match playing {
        Playing::Decodes(source) => source,
        Playing::Assumes { .. } => None,
    };
    let (to_display, pictures) = mpsc::channel(QUEUE_FRAMES);
    let mut tasks = Tasks::default();
    tasks.spawn(&host, render(host.clone(), name.clone(), source, pictures));
    decode(host, name, screen, queue, to_display, wish).await;
}

async fn decode<H: Host>(
    host: H,
    name: Session,
    mut screen: Screen,
    mut queue: mpsc::Receiver<Item>,
    to_display: mpsc::Sender<Decoded>,
    wish: mpsc::Sender<()>,
) {
    // Without its references a frame is not decoded: wrong pictures are worse than none.
    let mut intact = false;
    let lost = |rtp_timestamp, held: bool| {
        // If a wish waits already, that one will do.
        if !held {
            let _ = wish.try_send(());
        }
        let session = name.clone();
        host.observe(Event::FrameLost { session, rtp_timestamp, phase: LossPhase::Decode });
    };
    let mut stage: Pipeline<H, (u32, u64, Option<Shown>)> = Pipeline::new(&host);
    while let Some(next) = stage.next(&mut queue).await {
        match next {
            Next::Take(Item { frame, follows, held }) => {
                intact = frame.key || (intact && follows);
                let rtp_timestamp = frame.timestamp;
                let started_run_ns = host.now_ns();
                let decoding = match intact {
                    true => screen.decode(&host, stage.begins_ns(), &frame).await,
                    false => None,
                };
                match decoding {
                    Some(worked) => {
                        // What follows refers to it.
                        intact &= worked.done.is_some();
                        stage.put(worked.map(|shown| (rtp_timestamp, started_run_ns, shown)));
                    }
                    None => {
                        intact = false;
                        lost(rtp_timestamp, held);
                    }
                }
            }
            Next::Through((rtp_timestamp, started_run_ns, Some(shown))) => {
                let session = name.clone();
                host.observe(Event::FrameDecoded { session, rtp_timestamp, started_run_ns });
                if to_display.try_send(Decoded { rtp_timestamp, shown }).is_err() {
                    intact = false;
                    lost(rtp_timestamp, false);
                }
            }
            Next::Through((rtp_timestamp, _, None)) => lost(rtp_timestamp, false),
        }
    }
}

async fn render<H: Host>(
    host: H,
    name: Session,
    source: Option<SourceClip>,
    mut pictures: mpsc::Receiver<Decoded>,
) {
    let mut any = false;
    let mut stage = Pipeline::new(&host);
    while let Some(next) = stage.next(&mut pictures).await {
        let (rtp_timestamp, shown, examined) = match next {
            Next::Take(Decoded { rtp_timestamp, shown }) => {
                let look = || match &shown {
                    Shown::Picture(picture) => examine(picture, source.as_ref()),
                    Shown::Assumed => Examined::default(),
                };
                let worked = host.work(Work::Stage(Stage::Render), stage.begins_ns(), look).await;
                stage.put(worked.map(|examined| (rtp_timestamp, shown, examined)));
                continue;
            }
            Next::Through(rendered) => rendered,
        };
        let Examined { marker, psnr_millidb, ssim_ppm, original } = examined;
        let session = name.clone();
        host.observe(Event::FrameRendered {
            session,
            rtp_timestamp,
            marker,
            psnr_millidb,
            ssim_ppm,
        });
        if let (Some(marker), Some(psnr_millidb), Some(source), Shown::Picture(received)) =
            (marker, psnr_millidb, original, &shown)
        {
            let (session, source) = (&name, &*source);
            host.show(&RenderedPicture { session, marker, psnr_millidb, received, source });
        }
        if !std::mem::replace(&mut any, true) {
            host.observe(Event::Phase { session: name.clone(), phase: Phase::FirstRender });
        }
    }
}

/// What a picture says of itself, and how near it is to its source.
#[derive(Debug, Default)]
pub struct Examined<'s> {
    /// Its marker, if that can be read.
    pub marker: Option<Marker>,
    /// Its luma PSNR, thousandths of a decibel, the marker's strip left out.
    pub psnr_millidb: Option<u32>,
    /// Its luma SSIM, millionths, likewise.
    pub ssim_ppm: Option<i32>,
    /// Its source, without the marker's strip.
    pub original: Option<Cow<'s, Picture>>,
}

/// Reads a picture's marker, and compares the picture with its source, if that is known.
pub fn examine<'s>(picture: &Picture, source: Option<&'s SourceClip>) -> Examined<'s> {
    let Some(read) = marker::read(picture) else { return Examined::default() };
    let marker = Marker { boot: read.boot, frame: read.frame, camera_us: read.camera_us };
    let original = source.map(|source| source.picture(read.frame));
    let compared = original.as_ref().and_then(|original| {
        let skip = marker::strip_height(picture.size())?;
        Some((psnr_millidb(picture, original, skip), ssim_ppm(picture, original, skip)))
    });
    let (psnr_millidb, ssim_ppm) = compared.unwrap_or_default();
    Examined { marker: Some(marker), psnr_millidb, ssim_ppm, original }
}

/// The elementary stream of a frame (annex B); `None` if a payload is damaged.
fn depacketise(payloads: &[Bytes]) -> Option<Vec<u8>> {
    let mut packets = H264Packet::default();
    let mut stream = Vec::new();
    for payload in payloads {
        stream.extend_from_slice(&packets.depacketize(payload).ok()?);
    }
    Some(stream)
}
