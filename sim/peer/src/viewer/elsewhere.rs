//! External session backend: a browser, say. The viewer asks the rendezvous for its cameras and
//! watches over the session as it does over its own; connection and media are the maker's.

use super::{
    Health, Sessions,
    session::{SETUP, Start, doubt},
};
use crate::{
    connection::{self, ExchangeEnd},
    exchange::{ExchangeInput, Post},
    host::Host,
    tasks::Tasks,
};
use parallax_record::{Event, Phase, Session};
use parallax_signalling::{CloseReason, FromRendezvous, IceServer, SessionId, ToRendezvous};
use std::{future::Future, sync::Arc};
use tokio::sync::mpsc;

/// Makes sessions.
pub trait SessionBackend: Clone + Send + Sync + 'static {
    /// Begins with one. Must not wait.
    fn begin(&self, session: ExternalSession);
}

/// A session to be made elsewhere.
#[derive(Debug)]
pub struct ExternalSession {
    /// Which.
    pub name: Session,
    /// STUN and TURN servers to use.
    pub ice_servers: Vec<IceServer>,
    /// Commands to it. They end when nothing more can come.
    pub told: mpsc::UnboundedReceiver<SessionCommand>,
    /// Its events. When nothing more can come, the backend is gone.
    pub said: mpsc::UnboundedSender<SessionEvent>,
}

/// A command to an external session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionCommand {
    /// The camera's description.
    Offer(String),
    /// One of the camera's candidates.
    Candidate(TrickledCandidate),
}

/// What a session elsewhere says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// Its description.
    Answer(String),
    /// One of its candidates.
    Candidate(TrickledCandidate),
    /// It has no further ones.
    Gathered,
    /// DTLS is done.
    Connected,
    /// Nothing at all comes any more.
    Silent,
    /// It comes again.
    Heard,
    /// It is over, and why.
    Failed(String),
}

/// A trickled ICE candidate (RFC 8838).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrickledCandidate {
    /// The candidate attribute.
    pub candidate: String,
    /// Identification of the media section it is for.
    pub sdp_mid: Option<String>,
    /// Index of the media section it is for.
    pub sdp_m_line_index: Option<u16>,
}

/// Sessions of a maker.
#[derive(Clone)]
pub(super) struct Made<M>(pub(super) M);

impl<H: Host, M: SessionBackend> Sessions<H> for Made<M> {
    fn run(
        &self,
        host: H,
        start: Start,
        post: Post,
        silent: mpsc::UnboundedSender<SessionId>,
        health: Arc<Health>,
    ) -> impl Future<Output = ExchangeEnd> + Send + 'static {
        let (tell, told) = mpsc::unbounded_channel();
        let (say, said) = mpsc::unbounded_channel();
        let Start { id, name, ice_servers, whole, .. } = start;
        self.0.begin(ExternalSession { name: name.clone(), ice_servers, told, said: say });
        let live = Live {
            host,
            id,
            name,
            whole,
            out: post.out,
            tell,
            health,
            silent,
            connected: false,
            tasks: Tasks::default(),
        };
        live.run(post.inbox, said)
    }
}

struct Live<H> {
    host: H,
    id: SessionId,
    name: Session,
    /// The camera waits for the last candidate.
    whole: bool,
    out: mpsc::UnboundedSender<ToRendezvous>,
    tell: mpsc::UnboundedSender<SessionCommand>,
    health: Arc<Health>,
    /// Whom to tell that nothing comes any more.
    silent: mpsc::UnboundedSender<SessionId>,
    connected: bool,
    tasks: Tasks,
}

impl<H: Host> Live<H> {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<ExchangeInput>,
        mut said: mpsc::UnboundedReceiver<SessionEvent>,
    ) -> ExchangeEnd {
        let mut setup = self.host.runtime().sleep(SETUP);
        let end = loop {
            let end = tokio::select! {
                biased;
                said = said.recv() => match said {
                    Some(said) => self.hear(said),
                    None => Some(failed("its backend is gone".to_owned())),
                },
                Some(word) = inbox.recv() => match word {
                    ExchangeInput::From(message) => self.tell(message),
                    ExchangeInput::Stop(reason) => Some(ExchangeEnd::stopped(reason)),
                },
                () = &mut setup, if !self.connected => {
                    Some(failed(format!("not connected within {SETUP:?}")))
                }
            };
            if let Some(end) = end {
                break end;
            }
        };
        let (session, reason) = (self.name, end.text.clone());
        self.host.observe(Event::Closed { session, reason });
        end
    }

    fn hear(&mut self, said: SessionEvent) -> Option<ExchangeEnd> {
        let session = self.id;
        match said {
            SessionEvent::Answer(sdp) => self.send(ToRendezvous::Description { session, sdp }),
            SessionEvent::Candidate(TrickledCandidate { candidate, sdp_mid, sdp_m_line_index }) => {
                let candidate = Some(candidate);
                self.send(ToRendezvous::Candidate {
                    session,
                    candidate,
                    sdp_mid,
                    sdp_m_line_index,
                });
            }
            SessionEvent::Gathered if self.whole => {
                self.send(connection::no_more_candidates(session))
            }
            SessionEvent::Connected => {
                self.connected = true;
                self.heard();
            }
            // Before DTLS is done, the time for it is what counts.
            SessionEvent::Silent if self.connected => {
                self.health.set(Health::DOUBTED);
                let (host, health) = (self.host.clone(), self.health.clone());
                let told = (self.id, self.silent.clone());
                self.tasks.spawn(&self.host, doubt(host, health, told));
            }
            SessionEvent::Heard if self.connected => self.heard(),
            SessionEvent::Gathered | SessionEvent::Silent | SessionEvent::Heard => {}
            SessionEvent::Failed(text) => return Some(failed(text)),
        }
        None
    }

    fn heard(&self) {
        self.health.note(self.host.now_ns());
        self.health.set(Health::STREAMING);
    }

    /// Speaks to the rendezvous. It may be gone: the stream goes on without it.
    fn send(&self, message: ToRendezvous) {
        let _ = self.out.send(message);
    }

    fn tell(&self, message: FromRendezvous) -> Option<ExchangeEnd> {
        let told = match message {
            FromRendezvous::Description { sdp, .. } => {
                let (session, phase) = (self.name.clone(), Phase::Signalling);
                self.host.observe(Event::Phase { session, phase });
                SessionCommand::Offer(sdp)
            }
            FromRendezvous::Candidate {
                candidate: Some(candidate),
                sdp_mid,
                sdp_m_line_index,
                ..
            } => SessionCommand::Candidate(TrickledCandidate {
                candidate,
                sdp_mid,
                sdp_m_line_index,
            }),
            other => return ExchangeEnd::told(&other),
        };
        // That its maker is gone, what it says tells.
        let _ = self.tell.send(told);
        None
    }
}

fn failed(text: String) -> ExchangeEnd {
    ExchangeEnd::here(CloseReason::Failed, text)
}
