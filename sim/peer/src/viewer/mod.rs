//! The viewer: it asks the rendezvous for its cameras and shows what they send.

mod base;
mod elsewhere;
mod jitter;
mod nack;
mod playback;
mod requests;
mod session;
mod target;

pub use elsewhere::{
    ExternalSession, SessionBackend, SessionCommand, SessionEvent, TrickledCandidate,
};
pub use playback::{Examined, examine};

use crate::{
    connection::{self, ExchangeEnd},
    exchange::{ExchangeInput, Post},
    host::Host,
    identity,
    rendezvous::{self, RendezvousEvent, RendezvousLink},
    source_clip::SourceClip,
    tasks::{self, Tasks, Timer},
};
use parallax_record::{Event, Ice, Phase, Session};
use parallax_signalling::{
    CloseReason, FromRendezvous, RefusedReason, SessionId, ToRendezvous, Token,
};
use parallax_spec::Viewer;
use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// What a viewer is to do.
#[derive(Clone, Debug)]
pub struct ViewerConfig {
    /// Its name at the rendezvous.
    pub name: String,
    /// What it watches.
    pub views: Vec<View>,
    /// How it views.
    pub viewer: Viewer,
    /// How its ICE agent is set.
    pub ice: Ice,
}

/// One camera to watch.
#[derive(Clone, Debug)]
pub struct View {
    /// The camera's name.
    pub camera: String,
    /// The camera's secret.
    pub token: Token,
    /// Where the rendezvous listens: the camera itself, if it is its own.
    pub rendezvous: SocketAddr,
    /// What becomes of its frames.
    pub playing: Playing,
}

/// What a viewer does with the frames of a stream.
#[derive(Clone, Debug)]
pub enum Playing {
    /// It decodes them, and reads their markers. If it knows what the camera films, it measures
    /// their quality against that.
    Decodes(Option<SourceClip>),
    /// It takes a frame for decoded if it is whole and its references are intact, in the time that
    /// decoding takes: for recordings, which bear no markers.
    Assumes {
        /// The recording's [`profile_level_id`](parallax_media::Recording::profile_level_id).
        profile_level_id: [u8; 3],
    },
}

impl Playing {
    /// The profile that the viewer answers with.
    fn profile_level_id(&self) -> [u8; 3] {
        match self {
            Self::Decodes(_) => connection::CONSTRAINED_BASELINE,
            Self::Assumes { profile_level_id } => connection::profile_level_id(*profile_level_id),
        }
    }
}

/// Between two tries to reach the rendezvous, and before a lost camera is asked for again.
const RETRY: Duration = Duration::from_secs(1);
/// Where the count of boots lies in flash.
const BOOTS: &str = "boots.viewer";

/// Runs a viewer for ever: from power on until its host drops it.
pub async fn run<H: Host>(host: H, config: ViewerConfig) {
    run_with(host, config, session::Stack).await
}

/// As [`run`], with sessions that `maker` makes.
pub async fn run_elsewhere<H: Host, M: SessionBackend>(host: H, config: ViewerConfig, maker: M) {
    run_with(host, config, elsewhere::Made(maker)).await
}

/// Who makes a viewer's sessions.
trait Sessions<H>: Clone + Send + Sync + 'static {
    /// Runs a session from the camera's being found to its end, and says how it ended.
    fn run(
        &self,
        host: H,
        start: session::Start,
        post: Post,
        silent: mpsc::UnboundedSender<SessionId>,
        health: Arc<Health>,
    ) -> impl Future<Output = ExchangeEnd> + Send + 'static;
}

async fn run_with<H: Host>(host: H, config: ViewerConfig, sessions: impl Sessions<H>) {
    let boot = identity::next_boot(host.flash(), BOOTS);
    host.observe(Event::Started { boot });
    host.observe(Event::Ready { boot });
    let early = config.viewer.asks_at.saturating_sub(Duration::from_nanos(host.now_ns()));
    if !early.is_zero() {
        host.runtime().sleep(early).await;
    }
    let config = Arc::new(config);
    let mut tasks = Tasks::default();
    for view in config.views.clone() {
        tasks.spawn(&host, watch(host.clone(), config.clone(), view, sessions.clone()));
    }
    // The tasks watch for ever, and end with this future.
    std::future::pending().await
}

/// Watches one camera for ever.
async fn watch<H: Host>(
    host: H,
    config: Arc<ViewerConfig>,
    view: View,
    sessions: impl Sessions<H>,
) {
    let known = identity::load_u32(host.flash(), &sessions_in_flash(&view.camera)).unwrap_or(0);
    let mut current = Current {
        host,
        config,
        view,
        sessions,
        session: None,
        known,
        asked: None,
        ended: mpsc::unbounded_channel(),
        silent: mpsc::unbounded_channel(),
        tasks: Tasks::default(),
    };
    loop {
        if !current.is_streaming() {
            current.request();
        }
        match rendezvous::connect(&current.host, current.view.rendezvous).await {
            Ok(link) => current.follow(link).await,
            Err(error) => current.note(format!("failed to reach the rendezvous: {error}")),
        }
        current.host.runtime().sleep(RETRY).await;
    }
}

/// A view, and the session it has now.
struct Current<H, S> {
    host: H,
    config: Arc<ViewerConfig>,
    view: View,
    /// Who makes its sessions.
    sessions: S,
    session: Option<Running>,
    /// The number of the last session, kept in flash.
    known: u32,
    /// The session that was asked for last, by the number it will probably get.
    asked: Option<u32>,
    /// Where sessions tell that they have ended.
    ended: (mpsc::UnboundedSender<Ended>, mpsc::UnboundedReceiver<Ended>),
    /// Where sessions tell that nothing comes any more.
    silent: (mpsc::UnboundedSender<SessionId>, mpsc::UnboundedReceiver<SessionId>),
    /// Of sessions: the present one's, and of those that are about to end.
    tasks: Tasks,
}

/// A session that has ended.
struct Ended {
    id: SessionId,
    /// What to tell the rendezvous; none if it knows.
    tell: Option<CloseReason>,
    /// The rendezvous is about to offer the next one by itself.
    replaced: bool,
}

impl Ended {
    /// Tells the rendezvous, unless it knows.
    async fn tell<H: Host>(&self, link: &mut RendezvousLink<H>) -> io::Result<()> {
        match self.tell {
            Some(reason) => link.send(&ToRendezvous::Close { session: self.id, reason }).await,
            None => Ok(()),
        }
    }
}

struct Running {
    id: SessionId,
    inbox: mpsc::UnboundedSender<ExchangeInput>,
    health: Arc<Health>,
}

impl Running {
    /// Its media flow or did: it then outlives its signalling.
    fn is_streaming(&self) -> bool {
        !self.inbox.is_closed() && self.health.get() != Health::CONNECTING
    }

    fn is_silent(&self) -> bool {
        self.is_streaming() && self.health.get() == Health::SILENT
    }
}

/// How a session is, as it says itself.
#[derive(Default)]
struct Health {
    state: AtomicU8,
    /// When the last packet of its media came, on the run's clock.
    last_ns: AtomicU64,
}

impl Health {
    const CONNECTING: u8 = 0;
    const STREAMING: u8 = 1;
    /// ICE hears nothing any more; media may still come.
    const DOUBTED: u8 = 2;
    /// It was streaming, and nothing at all comes any more.
    const SILENT: u8 = 3;

    fn get(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }

    fn set(&self, state: u8) {
        self.state.store(state, Ordering::Release);
    }

    /// A packet came.
    fn note(&self, now_ns: u64) {
        self.last_ns.store(now_ns, Ordering::Release);
    }

    /// How long no packet has come.
    fn quiet(&self, now_ns: u64) -> Duration {
        Duration::from_nanos(now_ns.saturating_sub(self.last_ns.load(Ordering::Acquire)))
    }
}

impl<H: Host, S: Sessions<H>> Current<H, S> {
    fn note(&self, text: String) {
        self.host.observe(Event::Note { text });
    }

    fn is_streaming(&self) -> bool {
        self.session.as_ref().is_some_and(Running::is_streaming)
    }

    /// Asks for the camera and follows what comes until the connection is gone.
    async fn follow(&mut self, mut link: RendezvousLink<H>) {
        let (out, mut to_send) = mpsc::unbounded_channel();
        // A stream that goes on without its signalling is not asked for again.
        if !self.is_streaming() {
            self.drop_session("its signalling was lost before it was connected");
            self.ask(&out);
        }
        self.renew_if_silent(&out);
        let (mut retry, mut probe): (Timer, Timer) = (None, None);
        let mut keep_alive = self.host.runtime().interval(rendezvous::KEEP_ALIVE);
        loop {
            let done = tokio::select! {
                biased;
                heard = link.receive() => heard.map(|heard| match heard {
                    RendezvousEvent::Message(message) => {
                        if self.take(message, &out) == Next::AskAgain {
                            retry = Some(self.host.runtime().sleep(RETRY));
                        }
                    }
                    RendezvousEvent::Pong => {
                        if probe.take().is_some() {
                            self.renew_if_silent(&out);
                        }
                    }
                }),
                () = keep_alive.tick(), if probe.is_none() => link.keep_alive().await,
                Some(message) = to_send.recv() => link.send(&message).await,
                // Is it the path to the camera alone that is dead, or the one to the rendezvous too?
                Some(id) = self.silent.1.recv() => {
                    let now = self.session.as_ref().filter(|session| session.id == id);
                    if now.is_some_and(Running::is_silent) && probe.is_none() {
                        probe = Some(self.host.runtime().sleep(rendezvous::PROBE));
                        link.probe().await
                    } else {
                        Ok(())
                    }
                }
                Some(ended) = self.ended.1.recv() => {
                    if self.session.take_if(|now| now.id == ended.id).is_some() {
                        retry = (!ended.replaced).then(|| self.host.runtime().sleep(RETRY));
                    }
                    ended.tell(&mut link).await
                }
                () = tasks::due(&mut probe) => {
                    probe = None;
                    if link.is_silent() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
                }
                () = tasks::due(&mut retry) => {
                    retry = None;
                    // A camera that came back in the meantime has been offered already.
                    if self.session.is_none() {
                        self.ask(&out);
                    }
                    Ok(())
                }
            };
            if let Err(error) = done {
                return self.note(format!("lost the rendezvous: {error}"));
            }
        }
    }

    /// The rendezvous answers, and still nothing comes from the camera: their path is dead, and a
    /// new one is asked for.
    fn renew_if_silent(&mut self, out: &mpsc::UnboundedSender<ToRendezvous>) {
        let now_ns = self.host.now_ns();
        let dead = |session: &Running| {
            session.is_silent() && session.health.quiet(now_ns) >= connection::SILENT
        };
        if self.session.as_ref().is_some_and(dead) {
            self.drop_session("nothing came from the camera any more");
            self.ask(out);
        }
    }

    /// Drops the session there is, if any. It says so itself.
    fn drop_session(&mut self, reason: &'static str) {
        if let Some(session) = self.session.take() {
            // One that has ended has said that.
            let _ = session.inbox.send(ExchangeInput::Stop(reason));
        }
    }

    /// The session's time starts: from here on the viewer wants to see the camera.
    fn request(&mut self) {
        if self.asked.is_none() {
            self.asked = Some(self.known + 1);
            self.requested(self.known + 1);
        }
    }

    fn ask(&mut self, out: &mpsc::UnboundedSender<ToRendezvous>) {
        self.request();
        // The link that takes it from this queue is in the same loop: it is there.
        let _ = out.send(ToRendezvous::View {
            camera: self.view.camera.clone(),
            viewer: self.config.name.clone(),
            token: self.view.token.clone(),
        });
    }

    fn requested(&self, number: u32) {
        let session = self.session_name(number);
        self.host.observe(Event::Phase { session, phase: Phase::Requested });
    }

    fn session_name(&self, number: u32) -> Session {
        Session { camera: self.view.camera.clone(), viewer: self.config.name.clone(), number }
    }

    fn take(&mut self, message: FromRendezvous, out: &mpsc::UnboundedSender<ToRendezvous>) -> Next {
        match message {
            FromRendezvous::CameraFound { session, number, ice_servers, whole, .. } => {
                self.drop_session("a newer session took its place");
                let (inbox, messages) = mpsc::unbounded_channel();
                let start = session::Start {
                    id: session,
                    name: self.session_name(number),
                    ice_servers,
                    whole,
                    playing: self.view.playing.clone(),
                    jitter_buffer: self.config.viewer.jitter_buffer,
                    nack: self.config.viewer.nack,
                    ice: self.config.ice,
                };
                // A camera that came back is offered without being asked for.
                if self.asked.take() != Some(number) {
                    self.requested(number);
                }
                self.known = number;
                let stored = sessions_in_flash(&self.view.camera);
                self.host.flash().store(&stored, &number.to_be_bytes());
                let health = Arc::<Health>::default();
                let post = Post { inbox: messages, out: out.clone() };
                let silent = self.silent.0.clone();
                let run = self.sessions.run(self.host.clone(), start, post, silent, health.clone());
                let ended = self.ended.0.clone();
                self.tasks.spawn(&self.host, async move {
                    let end = run.await;
                    let replaced = end.replaced();
                    // The receiver is gone only with the viewer itself.
                    let _ = ended.send(Ended { id: session, tell: end.tell, replaced });
                });
                self.session = Some(Running { id: session, inbox, health });
            }
            FromRendezvous::Refused { why, session: None, .. } => {
                self.note(format!("the rendezvous refused the view: {why:?}"));
                // What is full now may have room later. The other reasons stay.
                if why == RefusedReason::Full {
                    return Next::AskAgain;
                }
            }
            other => {
                let id = rendezvous::session_of(&other);
                if let Some(session) = self.session.as_ref().filter(|now| Some(now.id) == id) {
                    // A session that has just ended no longer listens.
                    let _ = session.inbox.send(ExchangeInput::From(other));
                }
            }
        }
        Next::Follow
    }
}

/// What a viewer does after a message.
#[derive(PartialEq, Eq)]
enum Next {
    Follow,
    AskAgain,
}

/// Where the number of the last session with a camera lies in flash.
fn sessions_in_flash(camera: &str) -> String {
    format!("sessions.{camera}")
}
