//! Joins what cameras and viewers say about the same frame.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Entry, Event, LossPhase, Marker, Session};
use crate::record::Record;
use crate::stage::{PerStage, Stage};

/// What a camera did with a frame. Times are nanoseconds on the run's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraFrame {
    /// The boot of the camera.
    pub boot: u32,
    /// Frame number since boot.
    pub frame: u32,
    /// When it was captured; of a program that says nothing of its pictures, when it began to leave.
    pub captured_ns: u64,
    /// Whether that is its capture.
    pub capture_is_known: bool,
    /// The same on the camera's clock, microseconds since it booted.
    pub camera_us: u64,
    /// When each stage at the camera ended.
    pub ended_ns: PerStage<Option<u64>>,
    /// Its RTP timestamp.
    pub rtp_timestamp: Option<u32>,
    /// A key frame.
    pub key: bool,
    /// Bytes of the elementary stream.
    pub bytes: u32,
    /// Where the camera gave it up.
    pub dropped: Option<LossPhase>,
}

/// What happened to a frame in one session. Times are nanoseconds on the run's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// When each stage from the pacer on ended.
    pub ended_ns: PerStage<Option<u64>>,
    /// How much later it could have come before the jitter buffer gave it up, microseconds.
    pub margin_us: Option<i64>,
    /// How many packets of it were sent again.
    pub resent: u64,
    /// When each of these left, ascending.
    pub resent_ns: Vec<u64>,
    /// Where it was given up, by the viewer or by the camera's end of the session.
    pub lost: Option<LossPhase>,
    /// When it was given up.
    pub lost_ns: Option<u64>,
    /// What its marker says.
    pub marker: Option<Marker>,
    /// Luma PSNR against its source, thousandths of a decibel.
    pub psnr_millidb: Option<u32>,
    /// Luma SSIM against its source, millionths.
    pub ssim_ppm: Option<i32>,
}

/// Kinds of contradiction, in the order in which they are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FaultKind {
    Run,
    Marker,
    UnknownFrame,
    Twice,
    TwoEndings,
    Gap,
    Backwards,
}

/// Faults by kind: the first in words, the others counted, for one cause makes thousands. Faults
/// of the run itself are all told.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    run: Vec<String>,
    /// What of a node was not heard: since when, when that was found, and how many messages. What nobody
    /// told of contradicts nothing there.
    unheard: BTreeMap<String, Vec<(u64, u64, u64)>>,
    /// A clock jumped: events in another order contradict nothing.
    jumped: bool,
    kinds: BTreeMap<FaultKind, (String, u64)>,
}

/// How long before a power cut a board may say something that is not heard, and how long after it what
/// that was about may still go through the network and its viewer, nanoseconds.
const LAST_WORDS_NS: u64 = 3_000_000_000;

impl Faults {
    /// Of a record: none so far.
    pub(crate) fn of(record: &Record) -> Self {
        let jumped = |entry: &Entry| entry.event == Event::ClockJumped;
        let jumped = record.entries.iter().any(jumped);
        let mut unheard: BTreeMap<String, Vec<(u64, u64, u64)>> = BTreeMap::new();
        for entry in &record.entries {
            if let Event::Unheard { messages, since_run_ns } = entry.event {
                let since_ns = since_run_ns.unwrap_or(entry.run_ns);
                let of = unheard.entry(entry.node.clone()).or_default();
                of.push((since_ns, entry.run_ns, messages));
            }
        }
        Self { unheard, jumped, ..Self::default() }
    }

    pub(crate) fn add(&mut self, kind: FaultKind, text: String) {
        if kind == FaultKind::Run {
            self.run.push(text);
        } else if !(self.jumped && matches!(kind, FaultKind::Twice | FaultKind::Backwards)) {
            self.kinds.entry(kind).or_insert((text, 0)).1 += 1;
        }
    }

    /// Adds a fault about something that `camera` should have recorded about this time and did not.
    pub(crate) fn missing(&mut self, kind: FaultKind, camera: &str, run_ns: u64, text: String) {
        if !self.jumped && !self.is_unheard(camera, run_ns) {
            self.add(kind, text);
        }
    }

    /// Whether what this node said about this time is not whole. Where messages are missing nobody
    /// knows which; what it said last before its power was cut, or while nothing was heard of it, is missing
    /// around that time alone.
    fn is_unheard(&self, node: &str, run_ns: u64) -> bool {
        let around = |(since_ns, until_ns, messages): &(u64, u64, u64)| {
            let since_ns = since_ns.saturating_sub(LAST_WORDS_NS);
            let until_ns = until_ns.saturating_add(LAST_WORDS_NS);
            *messages > 0 || (since_ns..=until_ns).contains(&run_ns)
        };
        self.unheard.get(node).is_some_and(|times| times.iter().any(around))
    }

    pub(crate) fn texts(self) -> Vec<String> {
        let counted = self.kinds.into_values().map(|(text, count)| match count {
            1 => text,
            _ => format!("{text} (first of {count} such faults)"),
        });
        self.run.into_iter().chain(counted).collect()
    }
}

/// The frames of a camera since one of its boots.
#[derive(Debug, Default)]
struct Shot {
    /// In the order of their numbers.
    frames: Vec<CameraFrame>,
    /// Which frames bore an RTP timestamp, and from when on: it comes again after 2^32.
    timestamps: BTreeMap<u32, Vec<(u64, usize)>>,
}

impl Shot {
    fn index(&self, frame: u32) -> Option<usize> {
        self.frames.binary_search_by_key(&frame, |known| known.frame).ok()
    }

    /// Notes an event of a frame after its capture.
    fn note(&mut self, index: usize, entry: &Entry) {
        let known = &mut self.frames[index];
        if let Some(stage) = Stage::ended_by(&entry.event) {
            known.ended_ns[stage] = Some(entry.run_ns);
        }
        match &entry.event {
            Event::FrameDropped { phase, .. } => _ = known.dropped.get_or_insert(*phase),
            Event::FrameEncoded { started_run_ns, rtp_timestamp, key, bytes, .. } => {
                self.timestamps.entry(*rtp_timestamp).or_default().push((*started_run_ns, index));
                known.ended_ns.capture = Some(*started_run_ns);
                known.rtp_timestamp = Some(*rtp_timestamp);
                known.key = *key;
                known.bytes = *bytes;
            }
            _ => {}
        }
    }
}

/// All frames of all cameras.
#[derive(Debug, Default)]
pub(crate) struct Cameras {
    /// Since each boot of each camera.
    shot: BTreeMap<String, BTreeMap<u32, Shot>>,
    /// The boot that a session belongs to.
    boots: BTreeMap<Session, u32>,
    /// The newest boot of each camera.
    newest: BTreeMap<String, u32>,
    /// Cameras that do not tell when they capture.
    unknown: BTreeSet<String>,
}

impl Cameras {
    pub(crate) fn of(record: &Record, faults: &mut Faults) -> Self {
        let silent = record.header.peers.iter().filter(|peer| peer.program.is_some());
        let unknown = silent.map(|peer| peer.name.clone()).collect();
        let mut cameras = Self { unknown, ..Self::default() };
        for entry in &record.entries {
            cameras.take(entry, faults);
        }
        cameras
    }

    pub(crate) fn frames(&self, camera: &str, boot: u32) -> &[CameraFrame] {
        self.shot(camera, boot).map_or(&[], |shot| &shot.frames)
    }

    fn shot(&self, camera: &str, boot: u32) -> Option<&Shot> {
        self.shot.get(camera)?.get(&boot)
    }

    pub(crate) fn booted_after(&self, camera: &str, boot: u32) -> bool {
        self.newest.get(camera).is_some_and(|newest| *newest > boot)
    }

    fn take(&mut self, entry: &Entry, faults: &mut Faults) {
        let node = &entry.node;
        match &entry.event {
            Event::Started { boot } | Event::Ready { boot } => {
                self.newest.insert(node.clone(), *boot);
            }
            Event::FrameCaptured { boot, frame, camera_us } => {
                self.captured(entry, *boot, *frame, *camera_us, faults)
            }
            event if let Some((boot, frame)) = event.camera_frame() => {
                if let Some((shot, index)) = self.find(entry, boot, frame, faults) {
                    shot.note(index, entry);
                }
            }
            event => {
                if let Some(session) = event.session()
                    && session.camera == *node
                {
                    let boot = self.newest.get(node).copied().unwrap_or(0);
                    self.boots.entry(session.clone()).or_insert(boot);
                }
            }
        }
    }

    fn captured(
        &mut self,
        entry: &Entry,
        boot: u32,
        frame: u32,
        camera_us: u64,
        faults: &mut Faults,
    ) {
        let node = &entry.node;
        if self.newest.get(node) != Some(&boot) {
            self.newest.insert(node.clone(), boot);
        }
        if self.shot(node, boot).is_none() {
            self.shot.entry(node.clone()).or_default().insert(boot, Shot::default());
        }
        let shot = self.shot.get_mut(node).and_then(|shot| shot.get_mut(&boot));
        let Some(Shot { frames, .. }) = shot else { return };
        if frames.last().is_some_and(|last| last.frame >= frame) {
            faults.add(
                FaultKind::Twice,
                format!("{node} captured frame {frame} of boot {boot} after a later one"),
            );
            return;
        }
        frames.push(CameraFrame {
            boot,
            frame,
            captured_ns: entry.run_ns,
            capture_is_known: !self.unknown.contains(node),
            camera_us,
            ended_ns: PerStage::default(),
            rtp_timestamp: None,
            key: false,
            bytes: 0,
            dropped: None,
        });
    }

    fn find(
        &mut self,
        entry: &Entry,
        boot: u32,
        frame: u32,
        faults: &mut Faults,
    ) -> Option<(&mut Shot, usize)> {
        let node = &entry.node;
        let shot = self.shot.get_mut(node).and_then(|shot| shot.get_mut(&boot));
        let found = shot.and_then(|shot| shot.index(frame).map(|index| (shot, index)));
        if found.is_none() {
            faults.missing(
                FaultKind::UnknownFrame,
                node,
                entry.run_ns,
                format!("{node} tells of frame {frame} of boot {boot}, which it never captured"),
            );
        }
        found
    }

    /// Which frame bears an RTP timestamp in a session at a time: the newest that began to be
    /// encoded before.
    fn index(&self, session: &Session, rtp_timestamp: u32, run_ns: u64) -> Option<(u32, usize)> {
        let boot = *self.boots.get(session)?;
        let borne = self.shot(&session.camera, boot)?.timestamps.get(&rtp_timestamp)?;
        let (_, index) = borne.iter().rev().find(|(from, _)| *from <= run_ns)?;
        Some((boot, *index))
    }
}

/// What happened to the frames in each session.
#[derive(Debug, Default)]
pub(crate) struct Passages {
    frames: BTreeMap<Session, BTreeMap<usize, Passage>>,
    first_sent: BTreeMap<Session, (u32, usize)>,
}

impl Passages {
    /// Boot and index of the first frame that a session sent.
    pub(crate) fn first_sent(&self, session: &Session) -> Option<(u32, usize)> {
        self.first_sent.get(session).copied()
    }

    pub(crate) fn of(&self, session: &Session, index: usize) -> Passage {
        self.frames.get(session).and_then(|frames| frames.get(&index)).cloned().unwrap_or_default()
    }
}

/// Reads the passages, and what the run itself says of faults.
pub(crate) fn passages(record: &Record, cameras: &Cameras, faults: &mut Faults) -> Passages {
    let mut passages = Passages::default();
    for entry in &record.entries {
        if let Event::Fault { text } = &entry.event {
            faults.add(FaultKind::Run, format!("{}: {text}", entry.node));
        }
        let (Some(session), Some(rtp_timestamp)) =
            (entry.event.session(), entry.event.rtp_timestamp())
        else {
            continue;
        };
        let Some((boot, index)) = cameras.index(session, rtp_timestamp, entry.run_ns) else {
            faults.missing(
                FaultKind::UnknownFrame,
                &session.camera,
                entry.run_ns,
                format!(
                    "{} tells of RTP timestamp {rtp_timestamp} in session {} of {} at {}, which no frame bears",
                    entry.node, session.number, session.camera, session.viewer
                ),
            );
            continue;
        };
        if matches!(entry.event, Event::FramePaced { .. }) {
            match passages.first_sent.get_mut(session) {
                Some((_, first)) => *first = index.min(*first),
                None => _ = passages.first_sent.insert(session.clone(), (boot, index)),
            }
        }
        let frames = match passages.frames.get_mut(session) {
            Some(frames) => frames,
            None => passages.frames.entry(session.clone()).or_default(),
        };
        let passage = frames.entry(index).or_default();
        if !note(passage, entry) {
            faults.add(
                FaultKind::Twice,
                format!(
                    "{} passed one stage twice with RTP timestamp {rtp_timestamp} in session {} of {} at {}",
                    entry.node, session.number, session.camera, session.viewer
                ),
            );
        }
    }
    passages
}

/// Notes an event in its frame's passage; false if that stage was noted before.
fn note(passage: &mut Passage, entry: &Entry) -> bool {
    let at = Some(entry.run_ns);
    match &entry.event {
        Event::FrameReleased { margin_us, .. } => passage.margin_us = *margin_us,
        Event::FrameLost { phase, .. } => {
            passage.lost_ns = at;
            return passage.lost.replace(*phase).is_none();
        }
        Event::FrameRendered { marker, psnr_millidb, ssim_ppm, .. } => {
            passage.marker = *marker;
            passage.psnr_millidb = *psnr_millidb;
            passage.ssim_ppm = *ssim_ppm;
        }
        Event::Resent { .. } => {
            passage.resent += 1;
            passage.resent_ns.push(entry.run_ns);
        }
        _ => {}
    }
    Stage::ended_by(&entry.event)
        .is_none_or(|stage| std::mem::replace(&mut passage.ended_ns[stage], at).is_none())
}
