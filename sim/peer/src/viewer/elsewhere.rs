//! Sessions that somebody else makes: a browser, say. The viewer asks the rendezvous for its cameras and
//! watches over the session as it does over its own; connection and media are the maker's.

use super::{
    Health, Sessions,
    session::{SETUP, Start, doubt},
};
use crate::{
    connection::End,
    exchange::{Post, Word},
    host::Host,
    tasks::Tasks,
};
use parallax_record::{Event, Phase, Session};
use parallax_signalling::{CloseReason, FromRendezvous, IceServer, SessionId, ToRendezvous};
use std::{future::Future, sync::Arc};
use tokio::sync::mpsc;

/// Makes sessions.
pub trait Maker: Clone + Send + Sync + 'static {
    /// Begins with one. Must not wait.
    fn begin(&self, session: Elsewhere);
}

/// A session to be made elsewhere.
#[derive(Debug)]
pub struct Elsewhere {
    /// Which.
    pub name: Session,
    /// STUN and TURN servers to use.
    pub ice_servers: Vec<IceServer>,
    /// What it is told. It ends when nothing more can come.
    pub told: mpsc::UnboundedReceiver<Told>,
    /// What it says. When nothing more can come, whoever makes it is gone.
    pub said: mpsc::UnboundedSender<Said>,
}

/// What a session elsewhere is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The camera's description.
    Offer(String),
    /// One of the camera's candidates.
    Candidate(TrickledCandidate),
}

/// What a session elsewhere says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Its description.
    Answer(String),
    /// One of its candidates.
    Candidate(TrickledCandidate),
    /// DTLS is done.
    Connected,
    /// Nothing at all comes any more.
    Silent,
    /// It comes again.
    Heard,
    /// It is over, and why.
    Failed(String),
}

/// An ICE candidate as it is told (RFC 8838).
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

impl<H: Host, M: Maker> Sessions<H> for Made<M> {
    fn run(
        &self,
        host: H,
        start: Start,
        post: Post,
        silent: mpsc::UnboundedSender<SessionId>,
        health: Arc<Health>,
    ) -> impl Future<Output = End> + Send + 'static {
        let (tell, told) = mpsc::unbounded_channel();
        let (say, said) = mpsc::unbounded_channel();
        let Start { id, name, ice_servers, .. } = start;
        self.0.begin(Elsewhere { name: name.clone(), ice_servers, told, said: say });
        let live = Live {
            host,
            id,
            name,
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
    out: mpsc::UnboundedSender<ToRendezvous>,
    tell: mpsc::UnboundedSender<Told>,
    health: Arc<Health>,
    /// Whom to tell that nothing comes any more.
    silent: mpsc::UnboundedSender<SessionId>,
    connected: bool,
    tasks: Tasks,
}

impl<H: Host> Live<H> {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Word>,
        mut said: mpsc::UnboundedReceiver<Said>,
    ) -> End {
        let mut setup = self.host.runtime().sleep(SETUP);
        let end = loop {
            let end = tokio::select! {
                biased;
                said = said.recv() => match said {
                    Some(said) => self.hear(said),
                    None => Some(failed("whoever makes it is gone".to_owned())),
                },
                Some(word) = inbox.recv() => match word {
                    Word::From(message) => self.tell(message),
                    Word::Stop(reason) => Some(End::stopped(reason)),
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

    fn hear(&mut self, said: Said) -> Option<End> {
        let session = self.id;
        match said {
            Said::Answer(sdp) => self.send(ToRendezvous::Description { session, sdp }),
            Said::Candidate(TrickledCandidate { candidate, sdp_mid, sdp_m_line_index }) => {
                let candidate = Some(candidate);
                self.send(ToRendezvous::Candidate {
                    session,
                    candidate,
                    sdp_mid,
                    sdp_m_line_index,
                });
            }
            Said::Connected => {
                self.connected = true;
                self.heard();
            }
            // Before DTLS is done, the time for it is what counts.
            Said::Silent if self.connected => {
                self.health.set(Health::DOUBTED);
                let (host, health) = (self.host.clone(), self.health.clone());
                let told = (self.id, self.silent.clone());
                self.tasks.spawn(&self.host, doubt(host, health, told));
            }
            Said::Heard if self.connected => self.heard(),
            Said::Silent | Said::Heard => {}
            Said::Failed(text) => return Some(failed(text)),
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

    fn tell(&self, message: FromRendezvous) -> Option<End> {
        let told = match message {
            FromRendezvous::Description { sdp, .. } => {
                let (session, phase) = (self.name.clone(), Phase::Signalling);
                self.host.observe(Event::Phase { session, phase });
                Told::Offer(sdp)
            }
            FromRendezvous::Candidate {
                candidate: Some(candidate),
                sdp_mid,
                sdp_m_line_index,
                ..
            } => Told::Candidate(TrickledCandidate { candidate, sdp_mid, sdp_m_line_index }),
            other => return End::told(&other),
        };
        // That its maker is gone, what it says tells.
        let _ = self.tell.send(told);
        None
    }
}

fn failed(text: String) -> End {
    End::here(CloseReason::Failed, text)
}
