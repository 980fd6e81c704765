//! One camera's pictures at one viewer.

use super::{SessionSetup, budget, network};
use crate::escape::tame;
use parallax_record::{
    EndedSession, Event, Fate, Freeze, LossPhase, PerStage, Record, StreamTimeline, freezes,
    rendered_us,
};

/// A frame that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownFrame {
    /// When it was captured, microseconds.
    pub captured_us: u64,
    /// From capture to render, microseconds: the sum of its stages.
    pub latency_us: i64,
    /// How long each stage took, microseconds; none if its viewer does not tell.
    pub stages_us: Option<PerStage<i64>>,
    /// Luma PSNR, thousandths of a decibel.
    pub psnr_millidb: Option<u32>,
    /// Luma SSIM, millionths.
    pub ssim_ppm: Option<i32>,
}

/// A frame that was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// When it was captured, microseconds.
    pub captured_us: u64,
    /// Where it was lost.
    pub phase: LossPhase,
}

/// What a camera's pacer did in an interval of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacerLoad {
    /// When the interval began, nanoseconds.
    pub from_ns: u64,
    /// When it ended, nanoseconds.
    pub to_ns: u64,
    /// The longest that a new packet or a resend waited, nanoseconds.
    pub waited_longest_ns: u64,
}

/// What happened in a second, or a few, of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Frames shown that were captured in it.
    pub shown: u64,
    /// Of these, those all of whose stages are known.
    pub staged: u64,
    /// Their stages, summed up, microseconds.
    pub stages_us: PerStage<i64>,
    /// Frames lost that were captured in it.
    pub lost: u64,
    /// Bytes of the elementary stream that left the encoder.
    pub encoded_bytes: u64,
    /// Packets that the viewer asked for again.
    pub nacked: u64,
    /// Packets that were sent again.
    pub resent: u64,
    /// Key frames that the viewer asked for.
    pub key_frames_asked: u64,
}

/// One camera's pictures at one viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamView {
    /// Whose pictures.
    pub camera: String,
    /// Seen where.
    pub viewer: String,
    /// Frames that were shown, in the order of capture.
    pub shown: Vec<ShownFrame>,
    /// Frames that were lost, in the order of capture.
    pub lost: Vec<Lost>,
    /// When the picture stood still.
    pub freezes: Vec<Freeze>,
    /// How long an interval of `seconds` is, microseconds.
    pub second_us: u64,
    /// The run in intervals.
    pub seconds: Vec<Second>,
    /// What congestion control said, if there was any.
    pub rates: Vec<network::RateSample>,
    /// When sessions ended before the run did, microseconds, and by whom and why.
    pub ends: Vec<(u64, String)>,
    /// What the camera's pacer did.
    pub pacer: Vec<PacerLoad>,
    /// How its sessions came about.
    pub connections: Vec<SessionSetup>,
}

impl StreamView {
    /// Of a stream's timeline.
    #[must_use]
    pub fn of(timeline: &StreamTimeline, record: &Record) -> Self {
        let duration_us = record.header.duration_us;
        let second_us = network::interval_us(duration_us);
        let mut stream = Self {
            camera: timeline.stream.camera.clone(),
            viewer: timeline.stream.viewer.clone(),
            shown: Vec::new(),
            lost: Vec::new(),
            freezes: freezes(&rendered_us(timeline), duration_us),
            second_us,
            seconds: vec![Second::default(); duration_us.div_ceil(second_us) as usize],
            rates: Vec::new(),
            ends: timeline
                .sessions
                .iter()
                .filter_map(EndedSession::of)
                .map(|end| (end.at_us, tame(&end.to_string())))
                .collect(),
            pacer: Vec::new(),
            connections: Vec::new(),
        };
        stream.take_frames(timeline);
        stream.take_events(record);
        let connection = |session| SessionSetup::of(session, &timeline.stream, record);
        stream.connections = timeline.sessions.iter().filter_map(connection).collect();
        stream
    }

    fn at(&mut self, at_us: u64) -> Option<&mut Second> {
        self.seconds.get_mut((at_us / self.second_us) as usize)
    }

    fn take_frames(&mut self, timeline: &StreamTimeline) {
        for frame in &timeline.frames {
            let captured_us = frame.camera.captured_ns / 1_000;
            match (frame.fate, frame.stages_us(), frame.capture_to_render_us()) {
                (Fate::Rendered, stages_us, Some(latency_us)) => {
                    if let Some(second) = self.at(captured_us) {
                        second.shown += 1;
                        second.staged += u64::from(stages_us.is_some());
                        for (stage, us) in stages_us.unwrap_or_default().iter() {
                            second.stages_us[stage] += us;
                        }
                    }
                    self.shown.push(ShownFrame {
                        captured_us,
                        latency_us,
                        stages_us,
                        psnr_millidb: frame.passage.psnr_millidb,
                        ssim_ppm: frame.passage.ssim_ppm,
                    });
                }
                (Fate::Lost(phase), ..) => {
                    if let Some(second) = self.at(captured_us) {
                        second.lost += 1;
                    }
                    self.lost.push(Lost { captured_us, phase });
                }
                _ => {}
            }
        }
        self.shown.sort_by_key(|frame| frame.captured_us);
        self.lost.sort_by_key(|frame| frame.captured_us);
    }

    fn take_events(&mut self, record: &Record) {
        for entry in &record.entries {
            let at_us = entry.run_ns / 1_000;
            let own = entry.event.session().is_some_and(|session| {
                session.camera == self.camera && session.viewer == self.viewer
            });
            match &entry.event {
                Event::FrameEncoded { bytes, .. } if entry.node == self.camera => {
                    if let Some(second) = self.at(at_us) {
                        second.encoded_bytes += u64::from(*bytes);
                    }
                }
                Event::Nack { packets, .. } if own => {
                    if let Some(second) = self.at(at_us) {
                        second.nacked += u64::from(*packets);
                    }
                }
                Event::Resent { .. } if own => {
                    if let Some(second) = self.at(at_us) {
                        second.resent += 1;
                    }
                }
                Event::KeyFrameRequested { .. } if own => {
                    if let Some(second) = self.at(at_us) {
                        second.key_frames_asked += 1;
                    }
                }
                Event::PacerLoad {
                    from_run_ns,
                    waited_longest_ns,
                    resent_waited_longest_ns,
                    ..
                } if own => self.pacer.push(PacerLoad {
                    from_ns: *from_run_ns,
                    to_ns: entry.run_ns,
                    waited_longest_ns: (*waited_longest_ns).max(*resent_waited_longest_ns),
                }),
                Event::Rates { estimate_bps, target_bps, sent_bps, .. } if own => {
                    self.rates.push(network::RateSample {
                        at_us,
                        estimate_bps: *estimate_bps,
                        target_bps: *target_bps,
                        sent_bps: *sent_bps,
                    });
                }
                _ => {}
            }
        }
    }

    /// The sessions whose connection is drawn: the first ones in which something happened.
    pub(crate) fn shown_connections(&self) -> impl Iterator<Item = &SessionSetup> {
        self.connections.iter().filter(|one| !one.steps.is_empty()).take(budget::SESSIONS)
    }

    /// The latencies, ascending.
    #[must_use]
    pub fn latencies_us(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.shown.iter().map(|frame| frame.latency_us).collect();
        all.sort_unstable();
        all
    }
}
