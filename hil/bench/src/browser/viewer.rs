//! The viewer that a browser is: its sessions are made by the page, and what the page and the lab see of them
//! becomes events.

use super::{
    chromium::{exchange, nanos},
    devtools::{Arrived, Devtools},
    live::Live,
    message::{FromPage, Of},
    screen::{Screen, Seen, Shown},
    wire::{Frames, Passed},
};
use crate::{
    offset::{BoardClock, Zero},
    rtp::Rtp,
    words::in_one_line,
};
use parallax_board::now_ns;
use parallax_clock::ClockExchange;
use parallax_lab::{BoardSite, LabHost, StopSignal};
use parallax_media::Picture;
use parallax_peer::{
    Host as _, RenderedPicture as Kept, SourceClip,
    checks::Checks,
    viewer::{
        Examined, ExternalSession, Playing, SessionBackend, SessionCommand, ViewerConfig, examine,
        run_elsewhere,
    },
};
use parallax_record::{Event, JitterBuffer, Phase, Session, counted};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::MissedTickBehavior,
};

/// Between two clock questions.
const QUESTION: Duration = Duration::from_millis(250);
/// Questions without an answer, at most: older ones are given up.
const WAITING: usize = 16;

/// What went over the browser's cable, and when, nanoseconds on the run's clock.
pub(super) type OnWire = (u64, Passed);

/// What is known of a browser when its run is over.
#[derive(Debug, Default)]
pub(crate) struct BrowserFindings {
    /// How far times of its clock may be from the truth, at most, microseconds. A journal has it, too.
    bound_us: Arc<AtomicU64>,
    /// Its clock jumped.
    jumped: AtomicBool,
    /// The browser ended before the run did.
    gone: AtomicBool,
    /// Frames that were shown, and those of them of which the time is not known well.
    shown: AtomicU64,
    late: AtomicU64,
}

impl BrowserFindings {
    /// Of a run whose journal hears of the bound of its clock, too.
    pub(super) fn new(bound_us: Arc<AtomicU64>) -> Self {
        Self { bound_us, ..Self::default() }
    }

    /// How far times of its clock may be from the truth, at most, microseconds; none: it jumped.
    pub(crate) fn bound_us(&self) -> Option<u64> {
        let jumped = self.jumped.load(Ordering::Relaxed);
        (!jumped).then(|| self.bound_us.load(Ordering::Relaxed))
    }

    /// What the machine owes, if its processors were so busy that the page was too slow to see when frames were
    /// shown: more than one in a hundred.
    pub(crate) fn fell_short(&self) -> Option<String> {
        let [late, shown] = [&self.late, &self.shown].map(|count| count.load(Ordering::Relaxed));
        (late.saturating_mul(100) > shown).then(|| {
            format!(
                "the machine was too busy for its browser: when {late} of {shown} frames were shown is not known well"
            )
        })
    }

    /// Whether the browser ended before the run did.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

/// What a viewer is made of.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) config: ViewerConfig,
    pub(super) devtools: Devtools,
    /// What was asked of the browser's clock before the run.
    pub(super) exchanges: Vec<ClockExchange>,
    pub(super) resolution_ns: u64,
    pub(super) arrived: UnboundedReceiver<Arrived>,
    pub(super) wire: UnboundedReceiver<OnWire>,
    pub(super) word: Arc<BrowserFindings>,
    /// Ends the run.
    pub(super) stop: StopSignal,
}

/// Runs the viewer at its place, for ever.
pub(super) async fn view(place: BoardSite, given: Given) {
    let Given { config, devtools, exchanges, resolution_ns, mut arrived, mut wire, word, stop } =
        given;
    let mut clock = BoardClock::new(Zero::of(place.clock()));
    let steady = exchanges.into_iter().all(|exchange| clock.learn(exchange));
    clock.settle(now_ns());
    let decodes = |playing: &Playing| match playing {
        Playing::Decodes(source) => source.clone(),
        Playing::Assumes { .. } => None,
    };
    let sources = config
        .views
        .iter()
        .filter_map(|view| decodes(&view.playing).map(|source| (view.camera.clone(), source)));
    let mut viewer = Viewer {
        sources: sources.collect(),
        jitter_buffer: config.viewer.jitter_buffer,
        host: place.host(),
        place,
        devtools,
        clock,
        resolution_ns,
        asked: BTreeMap::new(),
        sessions: BTreeMap::new(),
        newest: None,
        streams: BTreeMap::new(),
        word,
        stop,
    };
    if !steady {
        viewer.jumped();
    }
    let (begin, mut begun) = unbounded_channel();
    let (end, mut ended) = unbounded_channel();
    let mut software = Box::pin(run_elsewhere(viewer.host.clone(), config, Page(begin)));
    let mut questions = tokio::time::interval(QUESTION);
    // A machine that was busy does not ask all at once.
    questions.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // What cannot be said any more, the end of the other half of the pipe tells.
        let _ = tokio::select! {
            () = &mut software => return,
            Some(session) = begun.recv() => viewer.begin(session, end.clone()),
            Some(id) = ended.recv() => viewer.end(&id),
            Some(arrived) = arrived.recv() => viewer.hear(arrived),
            Some((at_ns, passed)) = wire.recv() => viewer.passed(at_ns, passed),
            _ = questions.tick() => viewer.ask(),
        };
    }
}

/// Makes sessions in the page.
#[derive(Clone)]
struct Page(UnboundedSender<ExternalSession>);

impl SessionBackend for Page {
    fn begin(&self, session: ExternalSession) {
        // Without a receiver, the viewer is about to end.
        let _ = self.0.send(session);
    }
}

struct Viewer {
    place: BoardSite,
    host: LabHost,
    devtools: Devtools,
    clock: BoardClock,
    resolution_ns: u64,
    /// Clock questions without an answer, and when they were asked.
    asked: BTreeMap<u64, u64>,
    sessions: BTreeMap<String, Live>,
    newest: Option<String>,
    /// By their SSRC: the session that was the newest when the first packet came.
    streams: BTreeMap<u32, (Session, Frames)>,
    /// What each camera films.
    sources: BTreeMap<String, SourceClip>,
    jitter_buffer: JitterBuffer,
    word: Arc<BrowserFindings>,
    stop: StopSignal,
}

impl Viewer {
    fn begin(&mut self, session: ExternalSession, end: UnboundedSender<String>) -> io::Result<()> {
        let ExternalSession { name, ice_servers, mut told, said } = session;
        let id = format!("{}/{}", name.camera, name.number);
        let servers: Vec<Value> = ice_servers
            .iter()
            .map(|it| {
                let (urls, username, credential) = (&it.urls, &it.username, &it.credential);
                json!({ "urls": urls, "username": username, "credential": credential })
            })
            .collect();
        // A browser's jitter buffer adapts by itself; its target, `jitterBufferTarget`, is a least depth.
        let least_ms = self.jitter_buffer.least_us / 1_000;
        call(&self.devtools, "begin", &[json!(id), json!(servers), json!(least_ms)])?;
        self.newest = Some(id.clone());
        let live = Live::new(name, said);
        self.sessions.insert(id.clone(), live);
        let devtools = self.devtools.clone();
        tokio::spawn(async move {
            while let Some(told) = told.recv().await {
                let _ = match told {
                    SessionCommand::Offer(sdp) => {
                        call(&devtools, "offer", &[json!(id), json!(sdp)])
                    }
                    SessionCommand::Candidate(found) => {
                        let init = json!({
                            "candidate": found.candidate, "sdpMid": found.sdp_mid,
                            "sdpMLineIndex": found.sdp_m_line_index,
                        });
                        call(&devtools, "candidate", &[json!(id), init])
                    }
                };
            }
            let _ = end.send(id);
        });
        Ok(())
    }

    fn end(&mut self, id: &str) -> io::Result<()> {
        self.sessions.remove(id);
        call(&self.devtools, "end", &[json!(id)])
    }

    fn ask(&mut self) -> io::Result<()> {
        let sent_ns = now_ns();
        let number = self.devtools.evaluate("performance.now()")?;
        self.asked.insert(number, sent_ns);
        if self.asked.len() > WAITING {
            self.asked.pop_first();
        }
        Ok(())
    }

    fn jumped(&mut self) {
        self.word.jumped.store(true, Ordering::Relaxed);
        self.place.tell(Event::ClockJumped);
    }

    fn fault(&self, text: String) {
        self.place.tell(Event::Fault { text: in_one_line(&text) });
    }

    fn hear(&mut self, arrived: Arrived) -> io::Result<()> {
        match arrived {
            Arrived::Said(text) => {
                if let Err(text) = self.said(&text) {
                    self.fault(text);
                }
            }
            Arrived::Answer(number, at_ns, answer) => {
                let asked = self.asked.remove(&number);
                match (asked, answer) {
                    (Some(sent_ns), Ok(answer)) => {
                        let exchange = exchange(sent_ns, &answer, at_ns, self.resolution_ns);
                        if exchange.is_some_and(|exchange| !self.clock.learn(exchange)) {
                            self.jumped();
                        }
                    }
                    (_, Err(text)) => self.fault(format!("its page cannot do it: {text}")),
                    (None, Ok(_)) => {}
                }
            }
            Arrived::Gone(how) => {
                self.fault(format!("{how}: help: run it again; see whether memory is short"));
                self.word.gone.store(true, Ordering::Relaxed);
                self.stop.now();
            }
        }
        Ok(())
    }

    /// A time of the page's on the run's clock.
    fn run_ns(&mut self, ms: f64) -> u64 {
        let now = now_ns();
        let at = self.clock.run_ns(nanos(ms), now);
        let bound_us = self.clock.bound_us() + self.resolution_ns.div_ceil(1_000);
        self.word.bound_us.fetch_max(bound_us, Ordering::Relaxed);
        at.unwrap_or_else(|| self.clock.host_on_run(now))
    }

    fn said(&mut self, text: &str) -> Result<(), String> {
        let wrong = |error| format!("its page said {text:.200}: {error}");
        let Of { at_ms, session: id } = serde_json::from_str(text).map_err(wrong)?;
        let message = FromPage::read(text)?;
        let at_ns = self.run_ns(at_ms);
        match message {
            FromPage::Shown { rtp_timestamp, presented, presented_ms } => {
                let run_ns = self.run_ns(presented_ms);
                let shown = Shown { rtp_timestamp, presented, run_ns };
                self.on_screen(&id, |screen| screen.shown(shown));
            }
            FromPage::Decoded { rtp_timestamp, decoded_ms, picture } => {
                let run_ns = self.run_ns(decoded_ms);
                let picture = picture.and_then(|picture| picture.picture());
                self.on_screen(&id, |screen| screen.decoded(rtp_timestamp, run_ns, picture));
            }
            message => {
                // Messages of a session that has just ended are not needed.
                let Some(live) = self.sessions.get_mut(&id) else { return Ok(()) };
                for event in live.hear(message) {
                    self.place.tell_of(at_ns, event);
                }
            }
        }
        Ok(())
    }

    /// Takes something of a session's frames, and tells of those that were shown.
    fn on_screen(&mut self, id: &str, take: impl FnOnce(&mut Screen<Picture>)) {
        let Some(live) = self.sessions.get_mut(id) else { return };
        take(&mut live.screen);
        let session = live.name.clone();
        while let Some(seen) = live.screen.poll() {
            match seen {
                Seen::Unknown { frames, run_ns } => {
                    let text = format!(
                        "shown while the page of {} was busy: {}; which of them is not known",
                        session.viewer,
                        counted(frames, "frame")
                    );
                    self.place.tell_of(run_ns, Event::LabFellShort { text });
                }
                Seen::Frame { rtp_timestamp, run_ns, at_latest, picture } => {
                    self.word.shown.fetch_add(1, Ordering::Relaxed);
                    if at_latest {
                        self.word.late.fetch_add(1, Ordering::Relaxed);
                        let text = "a frame was shown while its page was busy: the time told of \
                                    is the latest that it can have been";
                        self.place.tell_of(run_ns, Event::Note { text: text.to_owned() });
                    }
                    let source = self.sources.get(&session.camera);
                    let look = Look { place: &self.place, host: &self.host, source };
                    look.rendered(&session, rtp_timestamp, run_ns, picture.as_ref());
                    if !std::mem::replace(&mut live.has_shown, true) {
                        let (session, phase) = (session.clone(), Phase::FirstRender);
                        self.place.tell_of(run_ns, Event::Phase { session, phase });
                    }
                }
            }
        }
    }

    /// Something went over its cable.
    fn passed(&mut self, at_ns: u64, passed: Passed) -> io::Result<()> {
        let check = |checks: &mut Checks| match passed {
            Passed::Media(_) => None,
            Passed::Sent { from, to, ref datagram } => checks.sent(at_ns, from, to, datagram),
            Passed::Came { from, to, ref datagram } => checks.received(from, to, datagram),
        };
        if let Passed::Media(packet) = passed {
            self.media(at_ns, packet);
        } else if let Some(live) = self.newest.as_ref().and_then(|id| self.sessions.get_mut(id))
            && let Some(check) = check(&mut live.checks)
        {
            let event = check.event(live.name.clone());
            self.place.tell_of(at_ns, event);
        }
        Ok(())
    }

    /// A packet of media came to it.
    fn media(&mut self, at_ns: u64, packet: Rtp) {
        let newest = self.newest.as_ref().and_then(|id| self.sessions.get(id));
        if !self.streams.contains_key(&packet.ssrc)
            && let Some(live) = newest
        {
            let session = live.name.clone();
            self.streams.insert(packet.ssrc, (session.clone(), Frames::default()));
            let phase = Phase::FirstRtp;
            self.place.tell_of(at_ns, Event::Phase { session, phase });
        }
        let Some((session, frames)) = self.streams.get_mut(&packet.ssrc) else { return };
        for whole in frames.take(at_ns, packet) {
            let event = Event::FrameReceived {
                session: session.clone(),
                rtp_timestamp: whole.timestamp,
                first_run_ns: whole.first_ns,
                packets: whole.packets,
            };
            self.place.tell_of(whole.whole_ns, event);
        }
    }
}

/// Looks at what a browser shows.
struct Look<'v> {
    place: &'v BoardSite,
    host: &'v LabHost,
    source: Option<&'v SourceClip>,
}

impl Look<'_> {
    /// A frame was shown.
    fn rendered(
        &self,
        session: &Session,
        rtp_timestamp: u32,
        run_ns: u64,
        received: Option<&Picture>,
    ) {
        let Examined { marker, psnr_millidb, ssim_ppm, original } =
            received.map(|picture| examine(picture, self.source)).unwrap_or_default();
        let rendered = Event::FrameRendered {
            session: session.clone(),
            rtp_timestamp,
            marker,
            psnr_millidb,
            ssim_ppm,
        };
        self.place.tell_of(run_ns, rendered);
        if let (Some(marker), Some(psnr_millidb), Some(source), Some(received)) =
            (marker, psnr_millidb, &original, received)
        {
            self.host.show(&Kept { session, marker, psnr_millidb, received, source });
        }
    }
}

/// Has the page do something.
fn call(devtools: &Devtools, what: &str, with: &[Value]) -> io::Result<()> {
    let with: Vec<String> = with.iter().map(Value::to_string).collect();
    devtools.evaluate(&format!("viewer.{what}({})", with.join(", "))).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_was_too_busy_for_its_browser_is_told_and_a_frame_in_a_hundred_is_not() {
        let word = |late, shown| {
            let (late, shown) = (AtomicU64::new(late), AtomicU64::new(shown));
            BrowserFindings { late, shown, ..BrowserFindings::default() }.fell_short()
        };
        assert_eq!((word(0, 0), word(4, 400)), (None, None));
        let told = word(5, 400).expect("more than one in a hundred");
        assert!(told.contains("5 of 400 frames"), "{told}");
    }
}
