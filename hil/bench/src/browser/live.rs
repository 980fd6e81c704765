//! A session in the page: what it says of its connection, in the words of the record, and what of that its viewer is
//! to know.

use super::{
    message::{FromPage, PageStats, mean_us},
    screen::Screen,
};
use parallax_media::Picture;
use parallax_peer::{
    checks::Checks,
    viewer::{SessionEvent, TrickledCandidate},
};
use parallax_record::{BrowserStats, Event, Phase, Session};
use tokio::sync::mpsc::UnboundedSender;

/// A session in the page.
pub(super) struct Live {
    pub(super) name: Session,
    pub(super) screen: Screen<Picture>,
    /// As the lab sees them.
    pub(super) checks: Checks,
    /// A frame was shown.
    pub(super) has_shown: bool,
    said: UnboundedSender<SessionEvent>,
    has_pair: bool,
    is_silent: bool,
}

impl Live {
    /// One that has just begun; `said` hears of what its viewer is to know.
    pub(super) fn new(name: Session, said: UnboundedSender<SessionEvent>) -> Self {
        let (screen, checks) = (Screen::default(), Checks::default());
        Self { name, screen, checks, has_shown: false, said, has_pair: false, is_silent: false }
    }

    /// What it says of its connection.
    pub(super) fn hear(&mut self, message: FromPage) -> Vec<Event> {
        let session = self.name.clone();
        match message {
            FromPage::Candidate { text, sdp_mid, sdp_m_line_index, candidate } => {
                let candidate = candidate.candidate();
                let own = TrickledCandidate { candidate: text, sdp_mid, sdp_m_line_index };
                self.say(SessionEvent::Candidate(own));
                vec![Event::Candidate { session, candidate }]
            }
            FromPage::Gathered => {
                self.say(SessionEvent::Gathered);
                vec![self.phase(Phase::Gathering)]
            }
            FromPage::Ice { state } => self.ice(&state),
            FromPage::State { state } => self.state(&state),
            FromPage::Pair { local, remote } => {
                let first = !std::mem::replace(&mut self.has_pair, true);
                let (local, remote) = (local.candidate(), remote.candidate());
                let nominated = Event::Nominated { session, local, remote };
                first.then(|| self.phase(Phase::Nominated)).into_iter().chain([nominated]).collect()
            }
            FromPage::Answer { sdp } => self.say(SessionEvent::Answer(sdp)),
            FromPage::Stats(stats) => {
                vec![Event::BrowserStats { session, stats: statistics(&stats) }]
            }
            FromPage::RoundTrip { round_trip_us } => {
                let round_trip_us = u64::try_from(round_trip_us).unwrap_or(0);
                vec![Event::RoundTrip { session, round_trip_us }]
            }
            FromPage::Telemetry { camera_us, captured, encoded, dropped } => {
                vec![Event::Telemetry { session, camera_us, captured, encoded, dropped }]
            }
            FromPage::Failed { text } => self.say(SessionEvent::Failed(text)),
            FromPage::Ready { .. } | FromPage::Shown { .. } | FromPage::Decoded { .. } => vec![],
        }
    }

    /// `RTCIceConnectionState` (webrtc-pc section 5.6.4).
    fn ice(&mut self, state: &str) -> Vec<Event> {
        match state {
            "checking" => vec![self.phase(Phase::Checking)],
            "disconnected" => {
                self.is_silent = true;
                self.say(SessionEvent::Silent)
            }
            "connected" | "completed" if std::mem::take(&mut self.is_silent) => {
                self.say(SessionEvent::Heard)
            }
            _ => vec![],
        }
    }

    /// `RTCPeerConnectionState` (webrtc-pc section 4.3.3).
    fn state(&self, state: &str) -> Vec<Event> {
        match state {
            "connected" => {
                self.say(SessionEvent::Connected);
                vec![self.phase(Phase::Dtls)]
            }
            "failed" => self.say(SessionEvent::Failed("the connection failed".to_owned())),
            _ => vec![],
        }
    }

    fn phase(&self, phase: Phase) -> Event {
        Event::Phase { session: self.name.clone(), phase }
    }

    /// One that has just ended does not hear it.
    fn say(&self, said: SessionEvent) -> Vec<Event> {
        let _ = self.said.send(said);
        vec![]
    }
}

fn statistics(stats: &PageStats) -> BrowserStats {
    BrowserStats {
        packets_received: stats.packets_received,
        packets_lost: stats.packets_lost,
        nacks: stats.nacks,
        key_frames_asked: stats.key_frames_asked,
        frames_received: stats.frames_received,
        frames_decoded: stats.frames_decoded,
        key_frames_decoded: stats.key_frames_decoded,
        frames_dropped: stats.frames_dropped,
        freezes: stats.freezes,
        jitter_buffer_us: mean_us(stats.jitter_buffer_s, stats.jitter_buffer_frames),
        decode_us: mean_us(stats.decode_s, stats.frames_decoded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::unbounded_channel;

    fn heard(texts: &[&str]) -> (Vec<Event>, Vec<SessionEvent>) {
        let (say, mut said) = unbounded_channel();
        let name = Session { camera: "doorbell".into(), viewer: "phone".into(), number: 1 };
        let mut live = Live::new(name, say);
        let read = |text: &&str| FromPage::read(text).expect("a message");
        let events = texts.iter().flat_map(|text| live.hear(read(text))).collect();
        (events, std::iter::from_fn(|| said.try_recv().ok()).collect())
    }

    #[test]
    fn the_first_pair_is_a_phase_and_each_is_nominated() {
        let pair = r#"{"kind":"pair","local":{"type":"srflx","address":"198.51.100.2","port":7},
            "remote":{"type":"host","address":"192.168.1.10","port":8}}"#;
        let (events, said) = heard(&[pair, pair]);
        assert!(matches!(events[0], Event::Phase { phase: Phase::Nominated, .. }));
        assert!(matches!(events[1..], [Event::Nominated { .. }, Event::Nominated { .. }]));
        assert_eq!(said, []);
    }

    #[test]
    fn a_viewer_hears_that_its_session_is_connected_silent_heard_again_and_over() {
        let ice = |state: &str| format!(r#"{{"kind":"ice","state":"{state}"}}"#);
        let state = |state: &str| format!(r#"{{"kind":"state","state":"{state}"}}"#);
        let all = [
            ice("checking"),
            ice("connected"),
            state("connected"),
            ice("disconnected"),
            ice("connected"),
            state("failed"),
        ];
        let (events, said) = heard(&all.each_ref().map(String::as_str));
        let phases = events.iter().map(|event| match event {
            Event::Phase { phase, .. } => *phase,
            other => panic!("{other:?}"),
        });
        assert_eq!(phases.collect::<Vec<_>>(), [Phase::Checking, Phase::Dtls]);
        let failed = SessionEvent::Failed("the connection failed".to_owned());
        assert_eq!(
            said,
            [SessionEvent::Connected, SessionEvent::Silent, SessionEvent::Heard, failed]
        );
    }
}
