//! What became of each frame, put together from the entries of all nodes.
//!
//! A camera knows its frames by boot and frame number, a session by RTP timestamp; the encoder's
//! event has both and joins them. The marker in a rendered picture must agree with that join.

use std::collections::BTreeMap;

use crate::event::{Event, LossPhase, Phase, Session};
use crate::header::{Clock, Header, PeerHeader, Stream};
use crate::join::{self, CameraFrame, FaultKind, Faults, Passage};
use crate::record::Record;
use crate::session::{SessionTimeline, paths, sessions};
use crate::stage::{PerStage, Stage};
use crate::way::Way;

/// The histories of all streams that the header expects.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// In the header's order.
    pub streams: Vec<StreamTimeline>,
    /// When the software of each peer began to run, once for each boot and role, nanoseconds on
    /// the run's clock, ascending.
    pub ready_ns: BTreeMap<String, Vec<u64>>,
    /// What in the record contradicts itself, or broke the run: one text for each kind, with its
    /// count. If there is any, the run is an error.
    pub faults: Vec<String>,
}

/// One camera at one viewer.
#[derive(Clone, Debug)]
pub struct StreamTimeline {
    /// Which.
    pub stream: Stream,
    /// Its sessions, by number.
    pub sessions: Vec<SessionTimeline>,
    /// Its frames, by session and capture: from the first that a session sent to the last that was
    /// captured before it ended.
    pub frames: Vec<FrameHistory>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was shown.
    Rendered,
    /// It will not be shown any more, or it stood still for longer than [`PATIENCE_US`] allows.
    Lost(LossPhase),
    /// The run ended too early to tell.
    UnderWay,
}

/// How long after its capture a frame may still be under way when the run ends, microseconds, the
/// depth of the viewer's jitter buffer left out; longer where another frame of its session took longer
/// and was shown. Whatever stands still for longer is lost to a person who watches live. A frame
/// that was rendered later than this was rendered all the same.
pub const PATIENCE_US: u64 = 2_000_000;

/// One frame on its way to one viewer. Times are nanoseconds on the run's clock.
#[derive(Clone, Debug)]
pub struct FrameHistory {
    /// The session's number.
    pub session: u32,
    /// What the camera did with it.
    pub camera: CameraFrame,
    /// What happened to it in the session.
    pub passage: Passage,
    /// What became of it.
    pub fate: Fate,
}

impl FrameHistory {
    /// When a stage ended, if that is known.
    #[must_use]
    pub fn ended_ns(&self, stage: Stage) -> Option<u64> {
        self.passage.ended_ns[stage].or(self.camera.ended_ns[stage])
    }

    /// How long one stage took, microseconds, if both its ends are known.
    #[must_use]
    pub fn stage_us(&self, stage: Stage) -> Option<i64> {
        if stage <= Stage::Encode && !self.camera.capture_is_known {
            return None;
        }
        let began_ns = match stage.before() {
            Some(before) => self.ended_ns(before)?,
            None => self.camera.captured_ns,
        };
        Some(difference_us(began_ns, self.ended_ns(stage)?))
    }

    /// How long each stage took, microseconds; none unless all are known. Their sum is exactly the latency. Negative only
    /// on a real clock, within its bound.
    #[must_use]
    pub fn stages_us(&self) -> Option<PerStage<i64>> {
        let each = PerStage::from_fn(|stage| self.stage_us(stage));
        let known = each.iter().all(|(_, us)| us.is_some());
        known.then(|| each.map(|us| us.unwrap_or_default()))
    }

    /// From capture to render, microseconds: exactly the sum of its stages, where all are known.
    #[must_use]
    pub fn capture_to_render_us(&self) -> Option<i64> {
        let rendered_ns = self.passage.ended_ns.render?;
        self.camera.capture_is_known.then(|| difference_us(self.camera.captured_ns, rendered_ns))
    }

    /// Whether the end of each stage is known.
    fn is_whole(&self) -> bool {
        Stage::ALL.into_iter().all(|stage| self.ended_ns(stage).is_some())
    }

    /// Whether all is known that its camera tells.
    fn left_whole(&self) -> bool {
        let mut stages = Stage::ALL.into_iter().take_while(|stage| *stage <= Stage::Pacer);
        stages.all(|stage| self.ended_ns(stage).is_some())
    }
}

/// From one time to another, both nanoseconds rounded down to microseconds first.
#[must_use]
pub(crate) fn difference_us(from_ns: u64, to_ns: u64) -> i64 {
    (to_ns / 1_000).cast_signed() - (from_ns / 1_000).cast_signed()
}

impl Timeline {
    /// Puts the histories together.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let mut faults = Faults::of(record);
        let cameras = join::Cameras::of(record, &mut faults);
        let passages = join::passages(record, &cameras, &mut faults);
        let sessions = sessions(record);
        let streams = record
            .header
            .streams
            .iter()
            .map(|stream| {
                let sessions: Vec<_> = sessions
                    .range(session_range(stream))
                    .map(|(_, session)| session.clone())
                    .collect();
                let way = Way::of(record, stream, paths(&sessions));
                let patience = Patience::of(&record.header, stream);
                let frames = frames(stream, &sessions, &cameras, &passages, patience, &way);
                StreamTimeline { stream: stream.clone(), sessions, frames }
            })
            .collect::<Vec<_>>();
        for stream in &streams {
            let viewer = |peer: &&PeerHeader| peer.name == stream.stream.viewer;
            let viewer = record.header.peers.iter().find(viewer);
            let is_browser = viewer.is_some_and(|peer| peer.browser.is_some());
            for frame in &stream.frames {
                examine(stream, is_browser, frame, record.header.clock, &mut faults);
            }
        }
        Self { streams, ready_ns: ready_ns(record), faults: faults.texts() }
    }
}

fn ready_ns(record: &Record) -> BTreeMap<String, Vec<u64>> {
    let mut ready: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for entry in &record.entries {
        if let Event::Ready { .. } = entry.event {
            ready.entry(entry.node.clone()).or_default().push(entry.run_ns);
        }
    }
    ready
}

fn session_range(stream: &Stream) -> std::ops::RangeInclusive<Session> {
    let with =
        |number| Session { camera: stream.camera.clone(), viewer: stream.viewer.clone(), number };
    with(0)..=with(u32::MAX)
}

/// The frames of a stream: what each session's camera captured from the first frame that the
/// session sent on, until the session ended or the next one took over.
fn frames(
    stream: &Stream,
    sessions: &[SessionTimeline],
    cameras: &join::Cameras,
    passages: &join::Passages,
    patience: Patience,
    way: &Way,
) -> Vec<FrameHistory> {
    let mut frames = Vec::new();
    let mut next_first: Option<(u32, usize)> = None;
    for (position, session) in sessions.iter().enumerate().rev() {
        let name = Session {
            camera: stream.camera.clone(),
            viewer: stream.viewer.clone(),
            number: session.number,
        };
        let Some((boot, first)) = passages.first_sent(&name) else {
            continue;
        };
        let mut last = cameras.frames(&stream.camera, boot).len();
        if let Some((next_boot, next)) = next_first
            && next_boot == boot
        {
            last = last.min(next);
        }
        let next_ns = sessions.get(position + 1).map(|next| next.requests_ns.first().copied());
        let rebooted = cameras.booted_after(&stream.camera, boot);
        let over = session.closed_ns.is_some() || next_ns.is_some() || rebooted;
        let next_ns = next_ns.flatten();
        let [camera_ns, viewer_ns] = [&stream.camera, &stream.viewer].map(|peer| {
            let by_the_other = session.closed_ns.or(next_ns);
            session.ended_at(peer).or(by_the_other)
        });
        let ready_ns = session.viewer_ns.get(&Phase::Dtls).copied();
        let end = SessionOver { over, camera_ns, viewer_ns, ready_ns };
        let mut histories: Vec<_> = cameras.frames(&stream.camera, boot)[first.min(last)..last]
            .iter()
            .enumerate()
            .take_while(|(_, camera)| session.closed_ns.is_none_or(|at| camera.captured_ns < at))
            .map(|(offset, camera)| FrameHistory {
                session: session.number,
                camera: camera.clone(),
                passage: passages.of(&name, first + offset),
                fate: Fate::UnderWay,
            })
            .collect();
        let patience = patience.with_those_shown(&histories);
        settle(&mut histories, end, patience, way);
        next_first = Some((boot, first));
        histories.append(&mut frames);
        frames = histories;
    }
    frames
}

/// The stage that a frame got to; none if it was shown. One in the jitter buffer counts as in the network: whole packets
/// may wait there.
fn standing(frame: &FrameHistory) -> Option<Stage> {
    let last = Stage::ALL.into_iter().rfind(|stage| frame.ended_ns(*stage).is_some());
    let next = Stage::ALL.into_iter().find(|stage| last.is_none_or(|last| *stage > last))?;
    Some(if next == Stage::JitterBuffer { Stage::Network } else { next })
}

/// The end of a session. Times are nanoseconds on the run's clock.
#[derive(Clone, Copy, Debug)]
struct SessionOver {
    /// Whether it was over before its run.
    over: bool,
    /// Until when its camera had it.
    camera_ns: Option<u64>,
    /// Until when its viewer had it.
    viewer_ns: Option<u64>,
    /// When its viewer was done with DTLS.
    ready_ns: Option<u64>,
}

impl SessionOver {
    /// When it was over for a frame: at its camera until it has left, then at its viewer.
    fn of(self, frame: &FrameHistory) -> Option<u64> {
        if frame.passage.ended_ns.pacer.is_none() { self.camera_ns } else { self.viewer_ns }
    }
}

/// How long a frame may be under way before it is lost where it is stuck.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Nanoseconds.
    ns: u64,
    /// When the run ends, nanoseconds on its clock.
    end_ns: u64,
}

impl Patience {
    fn of(header: &Header, stream: &Stream) -> Self {
        let viewer = header.peers.iter().find(|peer| peer.name == stream.viewer);
        let buffer = viewer.and_then(PeerHeader::jitter_buffer);
        let depth_us = buffer.map_or(0, |buffer| buffer.most_us);
        let ns = |us: u64| us.saturating_mul(1_000);
        Self { ns: ns(depth_us.saturating_add(PATIENCE_US)), end_ns: ns(header.duration_us) }
    }

    /// A frame may be under way for as long as another one of its session was that was shown: where the path
    /// has become long, its last frames are on the way when the run ends, not lost.
    fn with_those_shown(self, frames: &[FrameHistory]) -> Self {
        let shown = frames.iter().filter_map(FrameHistory::capture_to_render_us).max();
        let longest_ns = u64::try_from(shown.unwrap_or(0)).unwrap_or(0).saturating_mul(1_000);
        Self { ns: self.ns.max(longest_ns), ..self }
    }

    /// Whether it is over at a time.
    fn is_over_at(self, frame: &FrameHistory, at_ns: u64) -> bool {
        frame.camera.captured_ns.saturating_add(self.ns) < at_ns
    }
}

/// When the jitter buffer was done with a frame, and with all before it: it let it go, or gave it
/// up.
fn done_ns(passage: &Passage) -> Option<u64> {
    let given_up = matches!(passage.lost, Some(LossPhase::Transport | LossPhase::Late));
    earlier(passage.ended_ns.jitter_buffer, passage.lost_ns.filter(|_| given_up))
}

/// How a frame is lost that never left the jitter buffer. The buffer was done with a later one first at
/// `later_done_ns`. Not whole at all: in transport, unless it left before the viewer was done with DTLS at `ready_ns`: the
/// viewer's stack drops what it cannot decrypt yet, and unless the camera's pacer held it until it was given up. Whole before the buffer was done with it and with all
/// later ones: the network did its part. Otherwise it was late; whole in the same instant is late, too.
fn lost_before_release(
    passage: &Passage,
    later_done_ns: Option<u64>,
    ready_ns: Option<u64>,
) -> LossPhase {
    let given_up_ns = earlier(done_ns(passage), later_done_ns);
    let too_late = passage.ended_ns.pacer.zip(given_up_ns).is_some_and(|(left, at)| left >= at);
    match passage.ended_ns.network {
        _ if too_late => LossPhase::Send,
        None if passage.ended_ns.pacer.zip(ready_ns).is_some_and(|(left, ready)| left < ready) => {
            LossPhase::Receive
        }
        None => LossPhase::Transport,
        Some(whole) if given_up_ns.is_none_or(|at| whole < at) => LossPhase::Receive,
        Some(_) => LossPhase::Late,
    }
}

fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// How a frame is lost that nothing overtook, and that would be lost at `phase`, if its session was over at `end_ns`: to
/// the session's end, unless it was lost before. One that is not whole and could have come by then was dropped, if
/// packets were dropped since it left, and else late if it was under way for longer than patience allows. One at another
/// stage for so long is stuck there.
fn at_the_end(
    frame: &FrameHistory,
    phase: LossPhase,
    end_ns: u64,
    patience: Patience,
    way: &Way,
) -> LossPhase {
    let is_over = patience.is_over_at(frame, end_ns);
    match (phase, frame.passage.ended_ns.pacer) {
        (LossPhase::Late, _) => LossPhase::Late,
        (LossPhase::Transport, Some(left_ns)) if way.arrival_ns(left_ns) >= end_ns => {
            LossPhase::Session
        }
        (LossPhase::Transport, _) if way.dropped(sent_from_ns(frame), end_ns) => phase,
        (LossPhase::Transport, _) if is_over => LossPhase::Late,
        // Sent before the viewer could decrypt it.
        (LossPhase::Receive, _) if frame.passage.ended_ns.network.is_none() => phase,
        _ if is_over => phase,
        _ => LossPhase::Session,
    }
}

/// Before this no packet of a frame was sent.
fn sent_from_ns(frame: &FrameHistory) -> u64 {
    frame.camera.ended_ns.encode.unwrap_or(frame.camera.captured_ns)
}

/// Decides each frame's fate. Stages keep the order of frames, so a frame that a later one has
/// overtaken is lost, whether an event says so or not: a viewer that got no packet of a frame does
/// not know that there was one. Whole packets may wait in the jitter buffer, so on the way from
/// the pacer to its release a frame is only overtaken by one that was released. What nothing has
/// overtaken is lost to the end of its session, or where it is stuck once patience is over.
fn settle(frames: &mut [FrameHistory], end: SessionOver, patience: Patience, way: &Way) {
    let mut furthest = 0;
    let mut later_done_ns = None;
    for frame in frames.iter_mut().rev() {
        let stood = standing(frame);
        let got = stood.map_or(Stage::ALL.len(), |stage| stage as usize);
        let before_release = lost_before_release(&frame.passage, later_done_ns, end.ready_ns);
        let stuck = match stood {
            None | Some(Stage::Network) => before_release,
            Some(stage) => stage.lost(),
        };
        let overtaken = furthest > got;
        let at_the_end = |phase| match end.of(frame) {
            Some(end_ns) if !overtaken => at_the_end(frame, phase, end_ns, patience, way),
            _ => phase,
        };
        frame.fate = if frame.passage.ended_ns.render.is_some() {
            Fate::Rendered
        } else if let Some(phase) = frame.passage.lost {
            Fate::Lost(match phase {
                LossPhase::Transport | LossPhase::Late
                    if frame.passage.ended_ns.network.is_none() =>
                {
                    at_the_end(before_release)
                }
                LossPhase::Transport | LossPhase::Late => before_release,
                other => other,
            })
        } else if let Some(phase) = frame.camera.dropped
            && frame.passage.ended_ns.pacer.is_none()
        {
            Fate::Lost(phase)
        } else if end.over || overtaken || end.of(frame).is_some() {
            Fate::Lost(at_the_end(stuck))
        } else if patience.is_over_at(frame, patience.end_ns) {
            let on_its_way =
                stuck == LossPhase::Transport && !way.dropped(sent_from_ns(frame), patience.end_ns);
            Fate::Lost(if on_its_way { LossPhase::Late } else { stuck })
        } else {
            Fate::UnderWay
        };
        furthest = furthest.max(got);
        later_done_ns = earlier(later_done_ns, done_ns(&frame.passage));
    }
}

/// Looks for contradictions in one history. A browser does not tell of its own stages.
fn examine(
    stream: &StreamTimeline,
    is_browser: bool,
    frame: &FrameHistory,
    clock: Clock,
    faults: &mut Faults,
) {
    let camera = &frame.camera;
    let name = || {
        format!(
            "frame {} of boot {} of {} at {}",
            camera.frame, camera.boot, stream.stream.camera, stream.stream.viewer
        )
    };
    if frame.fate != Fate::Rendered {
        return;
    }
    if frame.passage.lost.is_some() {
        faults.add(FaultKind::TwoEndings, format!("{} was rendered and given up", name()));
    }
    if let Some(marker) = frame.passage.marker
        && (marker.boot, marker.frame, marker.camera_us)
            != (camera.boot, camera.frame, camera.camera_us)
    {
        faults.add(
            FaultKind::Marker,
            format!(
                "{}, captured at {} us, carries the marker of frame {} of boot {}, captured at {} us",
                name(),
                camera.camera_us,
                marker.frame,
                marker.boot,
                marker.camera_us
            ),
        );
    }
    match frame.stages_us() {
        None if is_browser && frame.left_whole() => {}
        // When it was captured is not known.
        None if frame.is_whole() => {}
        None => faults.missing(
            FaultKind::Gap,
            &stream.stream.camera,
            camera.captured_ns,
            format!("{} was rendered, but a stage before is missing", name()),
        ),
        Some(stages) => {
            if matches!(clock, Clock::Virtual { .. }) && stages.iter().any(|(_, us)| *us < 0) {
                faults.add(
                    FaultKind::Backwards,
                    format!("{} left a stage before it entered it", name()),
                );
            }
        }
    }
}
