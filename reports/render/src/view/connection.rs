//! How a session came about, at both ends.

use parallax_record::{
    Entry, Event, Phase, Record, Session, SessionTimeline, Stream, checked_pairs,
};

/// An end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupEnd {
    /// The viewer's.
    Viewer,
    /// The camera's.
    Camera,
}

/// A step of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupStep {
    /// At which end.
    pub end: SetupEnd,
    /// What people call it.
    pub name: String,
    /// When it began, microseconds since the viewer asked.
    pub from_us: i64,
    /// When it was complete, microseconds since the viewer asked.
    pub to_us: i64,
    /// More about it, such as candidates or the nominated pair.
    pub text: String,
    /// Whether it is a candidate pair that no check of was answered.
    pub unanswered: bool,
}

/// How a session came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSetup {
    /// The session's number.
    pub number: u32,
    /// When the viewer asked, microseconds on the run's clock.
    pub requested_us: u64,
    /// Its steps: the viewer's, then the camera's, in the order of phases.
    pub steps: Vec<SetupStep>,
}

/// Phases, the phases that each waits for (the first of them that is known), and their names.
const PHASES: [(Phase, &[Phase], &str); 8] = [
    (Phase::Signalling, &[Phase::Requested], "signalling"),
    (Phase::Gathering, &[Phase::Signalling, Phase::Requested], "gathering"),
    (Phase::Checking, &[Phase::Signalling, Phase::Requested], "until checks"),
    (Phase::Nominated, &[Phase::Checking, Phase::Signalling], "ICE checks"),
    (Phase::Dtls, &[Phase::Nominated], "DTLS"),
    (Phase::FirstRtp, &[Phase::Dtls], "first RTP"),
    (Phase::FirstKeyFrame, &[Phase::Dtls], "first key frame"),
    (Phase::FirstRender, &[Phase::FirstKeyFrame], "first render"),
];

impl SessionSetup {
    /// Of a session; none if the viewer never asked for it.
    #[must_use]
    pub fn of(session: &SessionTimeline, stream: &Stream, record: &Record) -> Option<Self> {
        let requested_ns = *session.requests_ns.first()?;
        let since = |ns: u64| (ns / 1_000).cast_signed() - (requested_ns / 1_000).cast_signed();
        let mut steps = Vec::new();
        for (end, at, node) in [
            (SetupEnd::Viewer, &session.viewer_ns, &stream.viewer),
            (SetupEnd::Camera, &session.camera_ns, &stream.camera),
        ] {
            for (phase, before, name) in PHASES {
                let Some(done) = at.get(&phase) else { continue };
                // Gathering at the camera begins when it hears of the viewer.
                let before: &[Phase] = match (end, phase) {
                    (SetupEnd::Camera, Phase::Gathering) => &[Phase::Requested],
                    _ => before,
                };
                let began = before.iter().find_map(|phase| at.get(phase)).unwrap_or(&requested_ns);
                let text = match phase {
                    Phase::Gathering => candidates(session.number, stream, node, &record.entries),
                    Phase::Nominated => pair(session, end),
                    _ => String::new(),
                };
                let (from_us, to_us) = (since(*began.min(done)), since(*done));
                let name = name.to_owned();
                steps.push(SetupStep { end, name, from_us, to_us, text, unanswered: false });
                if phase == Phase::Checking {
                    steps.extend(checks(session.number, stream, end, node, record, since));
                }
            }
        }
        Some(Self { number: session.number, requested_us: requested_ns / 1_000, steps })
    }
}

/// The candidate pairs that an end checked: each from its first check to its first answer, or to its
/// last check if there was none.
fn checks(
    number: u32,
    stream: &Stream,
    end: SetupEnd,
    node: &str,
    record: &Record,
    since: impl Fn(u64) -> i64,
) -> Vec<SetupStep> {
    let (camera, viewer) = (stream.camera.clone(), stream.viewer.clone());
    let pairs = checked_pairs(record, &Session { camera, viewer, number }, node);
    let step = |pair: &parallax_record::CheckedPair| {
        let sent = pair.attempts.iter().map(|attempt| attempt.sent_ns);
        let (first, last) = (sent.clone().min()?, sent.max()?);
        let answered = pair.answered_ns();
        let mut text = match answered {
            Some(_) => "answered".to_owned(),
            None => "never answered".to_owned(),
        };
        if pair.attempts.iter().any(|attempt| attempt.nominates) {
            text.push_str(", nominated");
        }
        let count = crate::figure::counted(pair.attempts.len() as u64, "check");
        Some(SetupStep {
            end,
            name: format!("{} to {}", pair.local.kind, pair.remote.kind),
            from_us: since(first),
            to_us: since(answered.unwrap_or(last)),
            text: format!(
                "{count} from {} to {}, {text}",
                crate::escape::tame(&pair.local.address),
                crate::escape::tame(&pair.remote.address)
            ),
            unanswered: answered.is_none(),
        })
    };
    pairs.iter().filter_map(step).collect()
}

/// The candidates that an end gathered.
fn candidates(number: u32, stream: &Stream, node: &str, entries: &[Entry]) -> String {
    let found: Vec<String> = entries
        .iter()
        .filter(|entry| entry.node == node)
        .filter_map(|entry| match &entry.event {
            Event::Candidate { session, candidate }
                if session.number == number
                    && session.camera == stream.camera
                    && session.viewer == stream.viewer =>
            {
                Some(candidate.kind.to_string())
            }
            _ => None,
        })
        .collect();
    found.join(", ")
}

/// The first pair that an end nominated.
fn pair(session: &SessionTimeline, end: SetupEnd) -> String {
    let pairs = match end {
        SetupEnd::Viewer => &session.viewer_pairs,
        SetupEnd::Camera => &session.camera_pairs,
    };
    pairs.first().map_or_else(String::new, |pair| {
        format!("nominated: {} here, {} there", pair.local.kind, pair.remote.kind)
    })
}
