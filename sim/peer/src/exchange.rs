//! Common part of both ends of a session: they exchange descriptions and candidates by way of
//! the rendezvous, and note how far their connection has come.

use crate::{
    connection::{self, Built, ExchangeEnd, Happening},
    host::Host,
    passes::Passes,
};
use parallax_record::{Candidate, CandidateKind, Event, Phase, Session};
use parallax_signalling::{CloseReason, FromRendezvous, SessionId, ToRendezvous};
use rtc::shared::error::Result;
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use webrtc::{
    data_channel::DataChannel,
    media_stream::track_remote::TrackRemote,
    peer_connection::{PeerConnection, RTCIceConnectionState, RTCPeerConnectionState},
};

/// One end of a session.
pub(crate) struct Exchange<H> {
    pub(crate) host: H,
    pub(crate) id: SessionId,
    pub(crate) name: Session,
    pub(crate) connection: Arc<dyn PeerConnection>,
    happenings: UnboundedReceiver<Happening>,
    passes: Passes,
    inbox: UnboundedReceiver<ExchangeInput>,
    out: UnboundedSender<ToRendezvous>,
    /// Until when DTLS has to be done, and how long that is from the start.
    setup: (Pin<Box<dyn Future<Output = ()> + Send>>, Duration),
    gathered: bool,
    /// The other end waits for the last candidate.
    pub(crate) whole: bool,
    connected: bool,
    silent: bool,
    pair: Option<(Candidate, Candidate)>,
}

/// What an end has to see to itself.
pub(crate) enum ExchangeEvent {
    /// DTLS is done: media may flow. Once in a session.
    Connected,
    /// The other end's description.
    Description(String),
    /// The other end sends video.
    Track(Arc<dyn TrackRemote>),
    /// The other end opened a data channel.
    Channel(Arc<dyn DataChannel>),
    /// For [`connection::SILENT`] nothing of ICE has come over the nominated pair. Media
    /// may have.
    Silent,
    /// It comes again.
    Heard,
    /// The session is over.
    Ended(ExchangeEnd),
}

/// Input of an end of a session.
#[derive(Debug)]
pub(crate) enum ExchangeInput {
    /// By the rendezvous.
    From(FromRendezvous),
    /// By its own peer: to end, and why.
    Stop(&'static str),
}

/// The channels of an end: its inputs, and its messages to the rendezvous.
pub(crate) struct Post {
    pub(crate) inbox: UnboundedReceiver<ExchangeInput>,
    pub(crate) out: UnboundedSender<ToRendezvous>,
}

impl<H: Host> Exchange<H> {
    /// An end of the session `name`, which has the time `setup` to get as far as DTLS.
    pub(crate) fn new(
        host: H,
        (id, name): (SessionId, Session),
        Built { connection, happenings, passes }: Built,
        post: Post,
        setup: Duration,
    ) -> Self {
        let setup = (host.runtime().sleep(setup), setup);
        let Post { inbox, out } = post;
        Self {
            host,
            id,
            name,
            connection,
            happenings,
            passes,
            inbox,
            out,
            setup,
            gathered: false,
            whole: false,
            connected: false,
            silent: false,
            pair: None,
        }
    }

    /// Does what both ends do alike, until there is something for this end.
    pub(crate) async fn next(&mut self) -> Result<ExchangeEvent> {
        loop {
            let step = tokio::select! {
                biased;
                Some(happening) = self.happenings.recv() => self.happened(happening).await?,
                Some(word) = self.inbox.recv() => match word {
                    ExchangeInput::From(message) => self.heard(message).await?,
                    ExchangeInput::Stop(reason) => Some(ExchangeEvent::Ended(ExchangeEnd::stopped(reason))),
                },
                () = &mut self.setup.0, if !self.connected => {
                    let text = format!("not connected within {:?}", self.setup.1);
                    Some(ExchangeEvent::Ended(ExchangeEnd::here(CloseReason::Failed, text)))
                }
                else => {
                    let text = "its connection is gone".to_owned();
                    Some(ExchangeEvent::Ended(ExchangeEnd::here(CloseReason::Failed, text)))
                }
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    async fn happened(&mut self, happening: Happening) -> Result<Option<ExchangeEvent>> {
        let ended = |reason, text: &str| {
            Some(ExchangeEvent::Ended(ExchangeEnd::here(reason, text.to_owned())))
        };
        Ok(match happening {
            Happening::Candidate(found) => {
                let found = connection::outward(&self.host, found);
                let candidate = connection::candidate(&found);
                self.host.observe(Event::Candidate { session: self.name.clone(), candidate });
                self.tell(connection::candidate_message(self.id, &found)?);
                None
            }
            Happening::GatheringDone => {
                if !std::mem::replace(&mut self.gathered, true) {
                    self.phase(Phase::Gathering);
                }
                if self.whole {
                    self.tell(connection::no_more_candidates(self.id));
                }
                None
            }
            Happening::Ice(RTCIceConnectionState::Checking) => {
                self.phase(Phase::Checking);
                None
            }
            Happening::Ice(RTCIceConnectionState::Connected | RTCIceConnectionState::Completed) => {
                self.note_pair().await?;
                std::mem::take(&mut self.silent).then_some(ExchangeEvent::Heard)
            }
            // Before DTLS is done, `setup` is what counts.
            Happening::Ice(RTCIceConnectionState::Disconnected) if self.connected => {
                self.silent = true;
                Some(ExchangeEvent::Silent)
            }
            Happening::State(RTCPeerConnectionState::Connected) => {
                self.note_pair().await?;
                let relayed =
                    |(local, _): &(Candidate, Candidate)| local.kind == CandidateKind::Relayed;
                self.passes.connected(self.pair.as_ref().is_none_or(relayed));
                if std::mem::replace(&mut self.connected, true) {
                    None
                } else {
                    self.phase(Phase::Dtls);
                    Some(ExchangeEvent::Connected)
                }
            }
            Happening::State(RTCPeerConnectionState::Failed) => {
                ended(CloseReason::Failed, "the connection failed")
            }
            Happening::State(RTCPeerConnectionState::Closed) => {
                ended(CloseReason::Finished, "the connection was closed")
            }
            Happening::Ice(_) | Happening::State(_) => None,
            Happening::Track(track) => {
                // Without a data channel the stack tells of its path only now.
                if self.pair.is_none() {
                    self.note_pair().await?;
                }
                Some(ExchangeEvent::Track(track))
            }
            Happening::Channel(channel) => Some(ExchangeEvent::Channel(channel)),
        })
    }

    async fn heard(&mut self, message: FromRendezvous) -> Result<Option<ExchangeEvent>> {
        Ok(match message {
            FromRendezvous::Description { sdp, .. } => Some(ExchangeEvent::Description(sdp)),
            FromRendezvous::Candidate {
                candidate: Some(candidate),
                sdp_mid,
                sdp_m_line_index,
                ..
            } => {
                connection::add_candidate(&self.connection, candidate, sdp_mid, sdp_m_line_index)
                    .await?;
                None
            }
            other => ExchangeEnd::told(&other).map(ExchangeEvent::Ended),
        })
    }

    /// Closes the connection.
    pub(crate) async fn close(&mut self) -> Result<()> {
        self.passes.closing();
        self.connection.close().await
    }

    /// Notes that a phase is complete.
    pub(crate) fn phase(&self, phase: Phase) {
        self.host.observe(Event::Phase { session: self.name.clone(), phase });
    }

    /// Speaks to the rendezvous. It may be gone: the stream goes on without it.
    pub(crate) fn tell(&self, message: ToRendezvous) {
        let _ = self.out.send(message);
    }

    async fn note_pair(&mut self) -> Result<()> {
        let pair = connection::nominated(&self.host, &self.connection).await?;
        if pair.is_some() && pair != self.pair {
            if self.pair.is_none() {
                self.phase(Phase::Nominated);
            }
            self.pair = pair;
            if let Some((local, remote)) = self.pair.clone() {
                self.host.observe(Event::Nominated { session: self.name.clone(), local, remote });
            }
        }
        Ok(())
    }
}
