//! The viewer: it asks the rendezvous for its cameras and shows what they send.

mod jitter;
mod playback;
mod session;

use crate::{
    host::Host,
    identity,
    rendezvous::{self, Link},
    tasks::Tasks,
};
use parallax_media::Clip;
use parallax_record::{Event, Phase, Session};
use parallax_signalling::{FromRendezvous, SessionId, ToRendezvous, Token};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// What a viewer is to do.
#[derive(Clone, Debug)]
pub struct ViewerConfig {
    /// Its name at the rendezvous.
    pub name: String,
    /// What it watches.
    pub views: Vec<View>,
    /// How long its jitter buffer holds packets; zero: none.
    pub jitter_buffer: Duration,
    /// How it asks for lost packets again; none: not at all.
    pub nack: Option<Nack>,
}

/// Requests for lost packets (RFC 4585 section 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack {
    /// Between two requests for the same packet. With the crate's 100 ms a resend comes after the
    /// jitter buffer has let go.
    pub interval: Duration,
    /// Requests for one packet, at least 1. The crate's default asks for ever.
    pub tries: u16,
}

/// One camera to watch.
#[derive(Clone, Debug)]
pub struct View {
    /// The camera's name.
    pub camera: String,
    /// The camera's secret.
    pub token: Token,
    /// Where the rendezvous listens.
    pub rendezvous: SocketAddr,
    /// What the camera films, if this viewer knows: quality is measured against it.
    pub source: Option<Source>,
}

/// A camera's source, frame by frame.
#[derive(Clone, Debug)]
pub struct Source {
    /// The clip at the stream's size.
    pub clip: Arc<Clip>,
    /// The stream's frames per second, at least 1.
    pub frames_per_second: u16,
}

/// Between two tries to reach the rendezvous, and before a lost camera is asked for again.
const RETRY: Duration = Duration::from_secs(1);
/// Where the count of boots lies in flash.
const BOOTS: &str = "boots.viewer";

/// Runs a viewer for ever: from power on until its host drops it.
pub async fn run<H: Host>(host: H, config: ViewerConfig) {
    let boot = identity::next_boot(host.flash(), BOOTS);
    host.observe(Event::Started { boot });
    host.observe(Event::Ready { boot });
    let config = Arc::new(config);
    let mut tasks = Tasks::default();
    for view in config.views.clone() {
        tasks.spawn(&host, watch(host.clone(), config.clone(), view));
    }
    // The tasks watch for ever, and end with this future.
    std::future::pending().await
}

/// Watches one camera for ever.
async fn watch<H: Host>(host: H, config: Arc<ViewerConfig>, view: View) {
    let known = identity::load_u32(host.flash(), &sessions_in_flash(&view.camera)).unwrap_or(0);
    let mut current = Current { host, config, view, session: None, known, asked: None };
    loop {
        match rendezvous::connect(&current.host, current.view.rendezvous).await {
            Ok(link) => current.follow(link).await,
            Err(error) => current.note(format!("failed to reach the rendezvous: {error}")),
        }
        current.host.runtime().sleep(RETRY).await;
    }
}

/// A view, and the session it has now.
struct Current<H> {
    host: H,
    config: Arc<ViewerConfig>,
    view: View,
    session: Option<Running>,
    /// The number of the last session, kept in flash.
    known: u32,
    /// The session that was asked for last, by the number it will probably get.
    asked: Option<u32>,
}

struct Running {
    id: SessionId,
    inbox: mpsc::UnboundedSender<FromRendezvous>,
    /// Whether its media flows: it then outlives its signalling.
    streaming: Arc<std::sync::atomic::AtomicBool>,
    _tasks: Tasks,
}

impl Running {
    fn is_streaming(&self) -> bool {
        !self.inbox.is_closed() && self.streaming.load(std::sync::atomic::Ordering::Acquire)
    }
}

impl<H: Host> Current<H> {
    fn note(&self, text: String) {
        self.host.observe(Event::Note { text });
    }

    /// Asks for the camera and follows what comes until the connection is gone.
    async fn follow(&mut self, mut link: Link<H::Stream>) {
        let (out, mut to_send) = mpsc::unbounded_channel();
        // A stream that goes on without its signalling is not asked for again.
        if !self.session.as_ref().is_some_and(Running::is_streaming) {
            self.session = None;
            self.ask(&out);
        }
        loop {
            let message = tokio::select! {
                biased;
                message = link.receive() => message,
                Some(message) = to_send.recv() => {
                    let again = matches!(&message, ToRendezvous::Close { .. });
                    if let Err(error) = link.send(&message).await {
                        Err(error)
                    } else {
                        if again {
                            self.session = None;
                            self.host.runtime().sleep(RETRY).await;
                            self.ask(&out);
                        }
                        continue;
                    }
                }
            };
            match message {
                Ok(message) => self.take(message, &out),
                Err(error) => return self.note(format!("lost the rendezvous: {error}")),
            }
        }
    }

    fn ask(&mut self, out: &mpsc::UnboundedSender<ToRendezvous>) {
        self.asked = Some(self.known + 1);
        self.requested(self.known + 1);
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

    fn take(&mut self, message: FromRendezvous, out: &mpsc::UnboundedSender<ToRendezvous>) {
        match message {
            FromRendezvous::CameraFound { session, number, ice_servers, .. } => {
                let (inbox, messages) = mpsc::unbounded_channel();
                let start = session::Start {
                    id: session,
                    name: self.session_name(number),
                    ice_servers,
                    source: self.view.source.clone(),
                    jitter_buffer: self.config.jitter_buffer,
                    nack: self.config.nack,
                };
                // A camera that came back is offered without being asked for.
                if self.asked.take() != Some(number) {
                    self.requested(number);
                }
                self.known = number;
                let stored = sessions_in_flash(&self.view.camera);
                self.host.flash().store(&stored, &number.to_be_bytes());
                let streaming = start_flag();
                let mut tasks = Tasks::default();
                let run = session::run(
                    self.host.clone(),
                    start,
                    messages,
                    out.clone(),
                    streaming.clone(),
                );
                tasks.spawn(&self.host, run);
                self.session = Some(Running { id: session, inbox, streaming, _tasks: tasks });
            }
            FromRendezvous::Refused { why, session: None, .. } => {
                self.note(format!("the rendezvous refused the view: {why:?}"));
            }
            other => {
                let id = rendezvous::session_of(&other);
                if let Some(session) = self.session.as_ref().filter(|now| Some(now.id) == id) {
                    // A session that has just ended no longer listens.
                    let _ = session.inbox.send(other);
                }
            }
        }
    }
}

/// Where the number of the last session with a camera lies in flash.
fn sessions_in_flash(camera: &str) -> String {
    format!("sessions.{camera}")
}

fn start_flag() -> Arc<std::sync::atomic::AtomicBool> {
    Arc::new(std::sync::atomic::AtomicBool::new(false))
}
