//! A camera that pushes by WHIP (RFC 9725): it offers before it knows of a viewer, and gets the answer, the viewer's name and
//! the STUN and TURN servers in one response. One session at a time.

use super::{RETRY, Shared, session};
use crate::{
    exchange::{ExchangeInput, Post},
    host::Host,
    name::SessionName,
    tasks::{self, Timer},
    whip::Client,
};
use futures::future;
use parallax_record::{Event, Session};
use parallax_signalling::{SessionId, ToRendezvous, WhipRequest, WhipResponse, trickle};
use rtc::shared::error::{Error, Result};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Status codes (RFC 9110 section 15).
const CREATED: u16 = 201;
const NOT_FOUND: u16 = 404;
const UNAVAILABLE: u16 = 503;

/// Pushes one session after another; does not end.
pub(super) async fn run<H: Host>(shared: &Arc<Shared<H>>, at: SocketAddr) {
    for number in 1.. {
        if let Err(error) = push(shared, at, SessionId(number)).await {
            shared.host.observe(Event::Note { text: format!("failed to push: {error}") });
        }
        shared.host.runtime().sleep(RETRY).await;
    }
}

/// Offers until a viewer answers, and streams to it until the session is over.
async fn push<H: Host>(shared: &Arc<Shared<H>>, at: SocketAddr, id: SessionId) -> Result<()> {
    let name = SessionName::default();
    let prepared = session::prepare(shared, id, &name, &[]).await?;
    let offer = prepared.offer.sdp.clone();
    let mut client = Client::new(shared.host.clone(), at, shared.config.token.clone());
    let created = post(shared, &mut client, &offer).await;
    let session = created.session.as_ref().zip(created.location.clone());
    let Some(((viewer, number), location)) = session else {
        return Err(Error::Other("the rendezvous names no session".to_owned()));
    };
    let viewer =
        Session { camera: shared.config.name.clone(), viewer: viewer.clone(), number: *number };
    name.give(viewer.clone());
    let (to_session, inbox) = mpsc::unbounded_channel();
    let (out, said) = mpsc::unbounded_channel();
    let entity_tag = created.entity_tag.clone().unwrap_or_default();
    let signalling = Signalling { shared, client, offer, location, entity_tag, to_session };
    let start = session::Start { id, name: viewer, ice_servers: created.ice_servers };
    let answered =
        session::run_answered(shared, prepared, (start, created.content), Post { inbox, out });
    future::join(answered, signalling.run(said)).await;
    Ok(())
}

/// Posts the offer until there is an answer.
async fn post<H: Host>(shared: &Shared<H>, client: &mut Client<H>, offer: &str) -> WhipResponse {
    let camera = shared.config.name.clone();
    let request = WhipRequest::Post { camera, offer: offer.to_owned() };
    loop {
        let mut again = RETRY;
        match client.ask(&request).await {
            Ok(response) if response.status == CREATED => return response,
            // No viewer is there.
            Ok(response) if response.status == UNAVAILABLE => {
                again = response.retry_after.map_or(RETRY, Duration::from_secs);
            }
            Ok(WhipResponse { status, content, .. }) => {
                shared.fault(format!("the rendezvous refused the offer: {status} {content}"));
            }
            Err(error) => {
                let text = format!("failed to reach the rendezvous: {error}");
                shared.host.observe(Event::Note { text });
            }
        }
        shared.host.runtime().sleep(again).await;
    }
}

/// Candidates and the end of a session after its answer.
struct Signalling<'s, H: Host> {
    shared: &'s Arc<Shared<H>>,
    client: Client<H>,
    offer: String,
    location: String,
    entity_tag: String,
    to_session: mpsc::UnboundedSender<ExchangeInput>,
}

impl<H: Host> Signalling<'_, H> {
    /// Tells what the session says until that is over.
    async fn run(mut self, mut said: mpsc::UnboundedReceiver<ToRendezvous>) {
        let (mut candidates, mut last) = (Vec::new(), false);
        let mut retry: Timer = None;
        loop {
            tokio::select! {
                biased;
                message = said.recv() => {
                    let mut next = message;
                    if next.is_none() {
                        return;
                    }
                    // What has come meanwhile goes out together.
                    while let Some(message) = next {
                        match message {
                            ToRendezvous::Candidate { candidate: Some(candidate), .. } => candidates.push(candidate),
                            ToRendezvous::Candidate { candidate: None, .. } => last = true,
                            ToRendezvous::Close { .. } => return self.delete().await,
                            _ => {}
                        }
                        next = said.try_recv().ok();
                    }
                    retry = self.patch(&mut candidates, &mut last).await;
                }
                () = tasks::due(&mut retry) => retry = self.patch(&mut candidates, &mut last).await,
                () = self.shared.silent.notified() => self.look().await,
            }
        }
    }

    /// Tells of candidates; gives the time for the next try if the rendezvous cannot be reached.
    async fn patch(&mut self, candidates: &mut Vec<String>, last: &mut bool) -> Timer {
        let fragment = trickle(&self.offer, candidates, *last)?;
        let (location, entity_tag) = (self.location.clone(), self.entity_tag.clone());
        match self.client.ask(&WhipRequest::Patch { location, entity_tag, fragment }).await {
            Ok(WhipResponse { status, .. }) => {
                if status / 100 != 2 {
                    self.note(format!("the rendezvous refused candidates: {status}"));
                }
                candidates.clear();
                *last = false;
                None
            }
            Err(error) => {
                self.note(format!("lost the rendezvous: {error}"));
                Some(self.shared.host.runtime().sleep(RETRY))
            }
        }
    }

    /// Nothing comes from the viewer any more. If the rendezvous does not know the session any more either, the viewer has let go
    /// of it, and waits for a new one.
    async fn look(&mut self) {
        while self.shared.is_silent() {
            let location = self.location.clone();
            match self.client.ask(&WhipRequest::Get { location }).await {
                Ok(response) if response.status == NOT_FOUND && self.shared.is_silent() => {
                    let _ = self
                        .to_session
                        .send(ExchangeInput::Stop("the rendezvous does not know it any more"));
                    return;
                }
                Ok(_) | Err(_) if self.to_session.is_closed() => return,
                Ok(_) | Err(_) => self.shared.host.runtime().sleep(RETRY).await,
            }
        }
    }

    async fn delete(mut self) {
        let location = self.location.clone();
        if let Err(error) = self.client.ask(&WhipRequest::Delete { location }).await {
            self.note(format!("lost the rendezvous: {error}"));
        }
    }

    fn note(&self, text: String) {
        self.shared.host.observe(Event::Note { text });
    }
}
