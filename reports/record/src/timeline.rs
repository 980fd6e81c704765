//! What became of each frame, put together from the entries of all nodes.
//!
//! A camera knows its frames by boot and frame number, a session by RTP timestamp; the encoder's
//! event has both and joins them. The marker in a rendered picture must agree with that join.

use std::collections::BTreeMap;

use crate::absence;
use crate::candidate::Candidate;
use crate::event::{Event, LossPhase, Phase, Session};
use crate::header::{Clock, Header, PeerHeader, Stream};
use crate::join::{self, CameraFrame, FaultKind, Faults, Passage};
use crate::measure::difference_us;
use crate::record::Record;

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

/// What a session went through.
#[derive(Clone, Debug, Default)]
pub struct SessionTimeline {
    /// Its number.
    pub number: u32,
    /// When the viewer asked for it, nanoseconds on the run's clock, ascending: more than once if the
    /// viewer booted again before it was answered.
    pub requests_ns: Vec<u64>,
    /// When each phase was first complete at the viewer, nanoseconds on the run's clock.
    pub viewer_ns: BTreeMap<Phase, u64>,
    /// When each phase was first complete at the camera, nanoseconds on the run's clock.
    pub camera_ns: BTreeMap<Phase, u64>,
    /// The viewer's nominated pairs, in the order of time.
    pub viewer_pairs: Vec<Pair>,
    /// The camera's nominated pairs, in the order of time.
    pub camera_pairs: Vec<Pair>,
    /// When either end first said that it was over, nanoseconds on the run's clock.
    pub closed_ns: Option<u64>,
}

/// A nominated pair at one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// From when on, nanoseconds on the run's clock.
    pub run_ns: u64,
    /// This end.
    pub local: Candidate,
    /// The other end.
    pub remote: Candidate,
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

/// Which boundary between stages is that of the last packet's leaving its pacer.
const PACED: usize = 3;

/// How many stages a frame passes.
pub const STAGES: usize = 7;

impl FrameHistory {
    /// When it passed from stage to stage, microseconds on the run's clock (rounded down, each by
    /// itself, so that differences add up exactly): captured, encoder began, encoded, last packet
    /// paced, received, released by the jitter buffer, decoded, rendered. None unless all is
    /// known.
    #[must_use]
    pub fn boundaries_us(&self) -> Option<[u64; STAGES + 1]> {
        let mut us = [0; STAGES + 1];
        for (us, ns) in us.iter_mut().zip(self.boundaries_ns()) {
            *us = ns? / 1_000;
        }
        Some(us)
    }

    /// What is known of these, nanoseconds.
    fn boundaries_ns(&self) -> [Option<u64>; STAGES + 1] {
        [
            Some(self.camera.captured_ns),
            self.camera.started_ns,
            self.camera.encoded_ns,
            self.passage.paced_ns,
            self.passage.received_ns,
            self.passage.released_ns,
            self.passage.decoded_ns,
            self.passage.rendered_ns,
        ]
    }

    /// How long one stage took, microseconds, if both its ends are known.
    #[must_use]
    pub fn stage_us(&self, stage: usize) -> Option<i64> {
        let at = self.boundaries_ns();
        Some(difference_us((*at.get(stage)?)?, (*at.get(stage + 1)?)?))
    }

    /// How long each stage took, microseconds: capture, encode, pacer, network, jitter buffer,
    /// decode, render. Negative only on a real clock, within its bound.
    #[must_use]
    pub fn stages_us(&self) -> Option<[i64; STAGES]> {
        let at = self.boundaries_us()?;
        let mut stages = [0; STAGES];
        for (stage, ends) in stages.iter_mut().zip(at.windows(2)) {
            *stage = ends[1].cast_signed() - ends[0].cast_signed();
        }
        Some(stages)
    }

    /// From capture to render, microseconds: exactly the sum of its stages, where all are known.
    #[must_use]
    pub fn capture_to_render_us(&self) -> Option<i64> {
        Some(difference_us(self.camera.captured_ns, self.passage.rendered_ns?))
    }

    /// Whether all is known that its camera tells.
    fn left_whole(&self) -> bool {
        self.boundaries_ns()[..=PACED].iter().all(Option::is_some)
    }
}

impl Timeline {
    /// Puts the histories together.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let mut faults = Faults::of(record);
        let cameras = join::Cameras::of(&record.entries, &mut faults);
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
                let patience = Patience::of(&record.header, stream);
                let mut frames = frames(stream, &sessions, &cameras, &passages, patience);
                // Whatever the network did, nobody was there to take it.
                let nobody_there = absence::without_power(record, &stream.viewer);
                for frame in &mut frames {
                    if frame.fate == Fate::Lost(LossPhase::Transport)
                        && frame.passage.paced_ns.is_some_and(&nobody_there)
                    {
                        frame.fate = Fate::Lost(LossPhase::Receive);
                    }
                }
                StreamTimeline { stream: stream.clone(), sessions, frames }
            })
            .collect::<Vec<_>>();
        for stream in &streams {
            let viewer = |peer: &&PeerHeader| peer.name == stream.stream.viewer;
            let viewer = record.header.peers.iter().find(viewer);
            let is_browser = viewer.is_some_and(|peer| peer.browser.is_some());
            for frame in &stream.frames {
                examine((stream, is_browser), frame, record.header.clock, &mut faults);
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

fn sessions(record: &Record) -> BTreeMap<Session, SessionTimeline> {
    let mut sessions: BTreeMap<Session, SessionTimeline> = BTreeMap::new();
    let end_ns = record.header.duration_us.saturating_mul(1_000);
    for entry in &record.entries {
        let Some(session) = entry.event.session() else {
            continue;
        };
        let timeline = sessions.entry(session.clone()).or_insert_with(|| SessionTimeline {
            number: session.number,
            ..SessionTimeline::default()
        });
        let at_viewer = entry.node == session.viewer;
        match &entry.event {
            Event::Phase { phase, .. } => {
                let phases =
                    if at_viewer { &mut timeline.viewer_ns } else { &mut timeline.camera_ns };
                phases.entry(*phase).or_insert(entry.run_ns);
                if at_viewer && *phase == Phase::Requested {
                    timeline.requests_ns.push(entry.run_ns);
                }
            }
            Event::Nominated { local, remote, .. } => {
                let pairs =
                    if at_viewer { &mut timeline.viewer_pairs } else { &mut timeline.camera_pairs };
                pairs.push(Pair {
                    run_ns: entry.run_ns,
                    local: local.clone(),
                    remote: remote.clone(),
                });
            }
            // Peers that are put away at the end of the run say goodbye too.
            Event::Closed { .. } if entry.run_ns < end_ns => {
                timeline.closed_ns.get_or_insert(entry.run_ns);
            }
            _ => {}
        }
    }
    sessions
}

/// The frames of a stream: what each session's camera captured from the first frame that the
/// session sent on, until the session ended or the next one took over.
fn frames(
    stream: &Stream,
    sessions: &[SessionTimeline],
    cameras: &join::Cameras,
    passages: &join::Passages,
    patience: Patience,
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
        let over = session.closed_ns.is_some()
            || position + 1 < sessions.len()
            || cameras.booted_after(&stream.camera, boot);
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
        let ready_ns = session.viewer_ns.get(&Phase::Dtls).copied();
        settle(&mut histories, (over, ready_ns), patience);
        next_first = Some((boot, first));
        histories.append(&mut frames);
        frames = histories;
    }
    frames
}

/// How far a frame got, and how it is lost if it stays there.
fn standing(frame: &FrameHistory) -> (u8, LossPhase) {
    if frame.passage.rendered_ns.is_some() {
        (5, LossPhase::Decode)
    } else if frame.passage.decoded_ns.is_some() {
        (4, LossPhase::Decode)
    } else if frame.passage.released_ns.is_some() {
        (3, LossPhase::Decode)
    } else if frame.passage.received_ns.is_some() {
        (2, LossPhase::Receive)
    } else if frame.passage.paced_ns.is_some() {
        (2, LossPhase::Transport)
    } else if frame.camera.encoded_ns.is_some() {
        (1, LossPhase::Send)
    } else {
        (0, LossPhase::Encode)
    }
}

/// Until when a frame must have been captured to be lost if it is under way when the run ends.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Nanoseconds on the run's clock.
    before_ns: u64,
    /// When the run ends, likewise.
    end_ns: u64,
}

impl Patience {
    fn of(header: &Header, stream: &Stream) -> Self {
        let viewer = header.peers.iter().find(|peer| peer.name == stream.viewer);
        let depth_us = viewer.and_then(|peer| peer.jitter_buffer_us).unwrap_or(0);
        let patience_us = depth_us.saturating_add(PATIENCE_US);
        let ns = |us: u64| us.saturating_mul(1_000);
        let before_ns = ns(header.duration_us.saturating_sub(patience_us));
        Self { before_ns, end_ns: ns(header.duration_us) }
    }

    /// A frame may be under way for as long as another one of its session was that was shown: where the path
    /// has become long, its last frames are on the way when the run ends, not lost.
    fn with_those_shown(self, frames: &[FrameHistory]) -> Self {
        let shown = frames.iter().filter_map(FrameHistory::capture_to_render_us).max();
        let longest_ns = u64::try_from(shown.unwrap_or(0)).unwrap_or(0).saturating_mul(1_000);
        Self { before_ns: self.before_ns.min(self.end_ns.saturating_sub(longest_ns)), ..self }
    }

    fn is_over(self, frame: &FrameHistory) -> bool {
        frame.camera.captured_ns < self.before_ns
    }
}

/// When the jitter buffer was done with a frame, and with all before it: it let it go, or gave it
/// up.
fn done_ns(passage: &Passage) -> Option<u64> {
    let given_up = matches!(passage.lost, Some(LossPhase::Transport | LossPhase::Late));
    earlier(passage.released_ns, passage.lost_ns.filter(|_| given_up))
}

/// How a frame is lost that never left the jitter buffer. The buffer was done with a later one first at
/// `later_done_ns`. Not whole at all: in transport, unless it left before the viewer was done with DTLS at `ready_ns`: the
/// viewer's stack drops what it cannot decrypt yet. Whole before the buffer was done with it and with all
/// later ones: the network did its part. Otherwise it was late; whole in the same instant is late, too.
fn lost_before_release(
    passage: &Passage,
    later_done_ns: Option<u64>,
    ready_ns: Option<u64>,
) -> LossPhase {
    let given_up_ns = earlier(done_ns(passage), later_done_ns);
    match passage.received_ns {
        None if passage.paced_ns.zip(ready_ns).is_some_and(|(left, ready)| left < ready) => {
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

/// Decides each frame's fate. Stages keep the order of frames, so a frame that a later one has
/// overtaken is lost, whether anybody said so or not: a viewer that got no packet of a frame does
/// not know that there was one. Whole packets may wait in the jitter buffer, so on the way from
/// the pacer to its release a frame is only overtaken by one that was released. What nothing has
/// overtaken is lost where it is stuck, once patience is over.
fn settle(frames: &mut [FrameHistory], (over, ready_ns): (bool, Option<u64>), patience: Patience) {
    let mut furthest = 0;
    let mut later_done_ns = None;
    for frame in frames.iter_mut().rev() {
        let (stood, phase) = standing(frame);
        let before_release = lost_before_release(&frame.passage, later_done_ns, ready_ns);
        frame.fate = if frame.passage.rendered_ns.is_some() {
            Fate::Rendered
        } else if let Some(phase) = frame.passage.lost {
            Fate::Lost(match phase {
                LossPhase::Transport | LossPhase::Late => before_release,
                other => other,
            })
        } else if let Some(phase) = frame.camera.dropped
            && frame.passage.paced_ns.is_none()
        {
            Fate::Lost(phase)
        } else if over || furthest > stood || patience.is_over(frame) {
            Fate::Lost(if phase == LossPhase::Receive { before_release } else { phase })
        } else {
            Fate::UnderWay
        };
        furthest = furthest.max(stood);
        later_done_ns = earlier(later_done_ns, done_ns(&frame.passage));
    }
}

/// Looks for contradictions in one history. A browser does not tell of its own stages.
fn examine(
    (stream, is_browser): (&StreamTimeline, bool),
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
        None => faults.missing(
            FaultKind::Gap,
            &stream.stream.camera,
            camera.captured_ns,
            format!("{} was rendered, but a stage before is missing", name()),
        ),
        Some(stages) => {
            if matches!(clock, Clock::Virtual { .. }) && stages.iter().any(|stage| *stage < 0) {
                faults.add(
                    FaultKind::Backwards,
                    format!("{} left a stage before it entered it", name()),
                );
            }
        }
    }
}
