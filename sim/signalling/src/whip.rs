//! WHIP (RFC 9725): cameras that push to the rendezvous over HTTP, as a pure core.
//!
//! `/whip/ROOM` is the endpoint of the camera ROOM, `/whip/ROOM/NUMBER` a session. A POST registers the camera at the
//! [`Rendezvous`] for one session, and waits there for a viewer, who sees a camera like any other. Its answer goes out with all
//! of its candidates: WHIP has no way to tell the camera of one later.

mod answers;
mod request;
mod sdp;
pub(crate) mod wire;

use crate::{
    CloseReason, ConnectionId, FromRendezvous, IceServer, MAX_SDP_BYTES, RefusedReason, Rendezvous,
    SessionId, ToRendezvous, Token,
    http::{HttpRequest, HttpResponse},
};
use core::time::Duration;
use http::{Method, StatusCode};
use request::{Precondition, Target};
use sdp::{Candidate, Description, Ice, MAX_CANDIDATES};
use std::collections::{BTreeMap, VecDeque};

/// A longer candidate of a viewer, or one with a control character, is not passed on: it becomes a line of the answer.
const MAX_CANDIDATE_BYTES: usize = 512;

/// How long a POST waits for a viewer. A camera that is there first is served the moment its viewer comes; HTTP clients that
/// give up an answer early mostly do so after 30 s, some after 15 s.
const VIEWER_WAIT: Duration = Duration::from_secs(10);
/// How long a viewer may take from the offer to its answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// How long a viewer may take from its answer to its last candidate. Then the answer goes out with those that there are.
const GATHERING_WAIT: Duration = Duration::from_secs(3);

/// All that a server has of WHIP.
#[derive(Default)]
pub(crate) struct Whip {
    /// By the connection to the rendezvous of each.
    sessions: BTreeMap<ConnectionId, Session>,
    responses: VecDeque<(ConnectionId, HttpResponse)>,
    /// Counts POSTs: each is a boot of its camera for the rendezvous, so that it takes the place of what was before.
    posts: u32,
}

/// A WHIP session from its POST on.
struct Session {
    room: String,
    token: Token,
    offer: Description,
    /// The camera's present credentials.
    ice: Ice,
    /// How many times ICE was restarted.
    restarts: u32,
    ice_servers: Vec<IceServer>,
    /// The viewer's session, once there is one.
    id: Option<SessionId>,
    viewer: String,
    number: u32,
    pending: Option<Pending>,
}

/// A request that waits for the viewer.
struct Pending {
    client: ConnectionId,
    until: Duration,
    /// The credentials of an ICE restart; none: it is the POST.
    restart: Option<Ice>,
    answer: Option<String>,
    candidates: Vec<Candidate>,
}

impl Pending {
    fn new(client: ConnectionId, until: Duration, restart: Option<Ice>) -> Self {
        Self { client, until, restart, answer: None, candidates: Vec::new() }
    }
}

impl Session {
    fn entity_tag(&self, at: ConnectionId) -> String {
        format!("\"{}-{}\"", at.0, self.restarts)
    }

    fn is_of(&self, client: ConnectionId) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.client == client)
    }
}

impl Whip {
    /// Whether a connection of the rendezvous is a camera's of WHIP.
    pub(crate) fn is_camera(&self, connection: ConnectionId) -> bool {
        self.sessions.contains_key(&connection)
    }

    /// The next response, and the client that it is for.
    pub(crate) fn poll(&mut self) -> Option<(ConnectionId, HttpResponse)> {
        self.responses.pop_front()
    }

    /// When to call [`time`](Self::time) if nothing comes.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.sessions.values().filter_map(|session| Some(session.pending.as_ref()?.until)).min()
    }

    /// Its process starts over: all sessions are gone.
    pub(crate) fn restart(&mut self) {
        self.sessions.clear();
        self.responses.clear();
    }

    fn respond(&mut self, client: ConnectionId, response: HttpResponse) {
        self.responses.push_back((client, response));
    }

    /// A request came from a client. `fresh` is a connection that the rendezvous does not know yet.
    pub(crate) fn request(
        &mut self,
        now: Duration,
        rendezvous: &mut Rendezvous,
        (client, fresh): (ConnectionId, ConnectionId),
        request: &HttpRequest,
    ) {
        let response = match Target::of(&request.target) {
            None => Some(answers::not_found()),
            Some(target) if request.method == Method::OPTIONS => {
                Some(self.options(rendezvous, &target, request))
            }
            Some(Target::Endpoint(room)) => match request.method {
                Method::POST => self.post(now, rendezvous, (client, fresh), room, request).err(),
                Method::GET | Method::HEAD => Some(HttpResponse::new(StatusCode::NO_CONTENT)),
                _ => Some(answers::not_allowed(answers::ENDPOINT_METHODS)),
            },
            Some(Target::Session(room, at)) => {
                self.of_session(now, rendezvous, (client, at), room, request)
            }
        };
        if let Some(response) = response {
            self.respond(client, response);
        }
    }

    /// CORS, and what may be sent. A page's preflight has no token, and gets no TURN password.
    fn options(
        &self,
        rendezvous: &Rendezvous,
        target: &Target<'_>,
        request: &HttpRequest,
    ) -> HttpResponse {
        let response = answers::options(target);
        let preflight = request.fields.one("access-control-request-method").is_some();
        let token = request::bearer(request);
        match (target, token) {
            (Target::Endpoint(room), Some(token))
                if !preflight && rendezvous.admits(room, &token) =>
            {
                answers::with_ice_servers(response, rendezvous.ice_servers())
            }
            _ => response,
        }
    }

    fn post(
        &mut self,
        now: Duration,
        rendezvous: &mut Rendezvous,
        (client, fresh): (ConnectionId, ConnectionId),
        room: &str,
        request: &HttpRequest,
    ) -> Result<(), HttpResponse> {
        let token = request::bearer(request).ok_or_else(|| answers::unauthorised(request))?;
        if !rendezvous.admits(room, &token) {
            return Err(answers::wrong_token());
        }
        answers::needs_type(request, wire::SDP)?;
        let offer = Description::offer(&request.body).map_err(answers::wrong)?;
        let ice = offer.ice().ok_or_else(answers::not_found)?;
        self.posts = self.posts.wrapping_add(1);
        let session = Session {
            room: room.to_owned(),
            token: token.clone(),
            offer,
            ice,
            restarts: 0,
            ice_servers: Vec::new(),
            id: None,
            viewer: String::new(),
            number: 0,
            pending: Some(Pending::new(client, now + VIEWER_WAIT, None)),
        };
        self.sessions.insert(fresh, session);
        rendezvous.connected(fresh);
        rendezvous.register_once(fresh, room.to_owned(), token, self.posts);
        Ok(())
    }

    fn of_session(
        &mut self,
        now: Duration,
        rendezvous: &mut Rendezvous,
        (client, at): (ConnectionId, ConnectionId),
        room: &str,
        request: &HttpRequest,
    ) -> Option<HttpResponse> {
        let Some(token) = request::bearer(request) else {
            return Some(answers::unauthorised(request));
        };
        let established = |session: &&mut Session| {
            session.room == room && session.pending.as_ref().is_none_or(|it| it.restart.is_some())
        };
        let Some(session) = self.sessions.get_mut(&at).filter(established) else {
            return Some(answers::not_found());
        };
        if !session.token.matches(&token) {
            return Some(answers::wrong_token());
        }
        match request.method {
            Method::GET | Method::HEAD => Some(HttpResponse::new(StatusCode::NO_CONTENT)),
            Method::DELETE => {
                self.remove(rendezvous, at, CloseReason::Finished, answers::not_found());
                Some(HttpResponse::new(StatusCode::OK))
            }
            Method::PATCH => match Self::patch(now, rendezvous, session, (client, at), request) {
                Ok(response) => response,
                Err(response) => Some(response),
            },
            _ => Some(answers::not_allowed(answers::SESSION_METHODS)),
        }
    }

    /// Candidates, or new credentials: an ICE restart, whose response waits for the viewer (RFC 9725 section 4.3).
    fn patch(
        now: Duration,
        rendezvous: &mut Rendezvous,
        session: &mut Session,
        (client, at): (ConnectionId, ConnectionId),
        request: &HttpRequest,
    ) -> Result<Option<HttpResponse>, HttpResponse> {
        answers::needs_type(request, wire::FRAGMENT)?;
        match request::precondition(request, &session.entity_tag(at)) {
            Precondition::Met => {}
            Precondition::Missing => return Err(answers::precondition_required()),
            Precondition::Failed => return Err(answers::precondition_failed()),
        }
        let fragment = Description::fragment(&request.body).map_err(answers::wrong)?;
        let Some(id) = session.id else { return Err(answers::not_found()) };
        match fragment.ice() {
            Some(ice) if ice != session.ice => {
                if session.pending.is_some() {
                    return Err(answers::conflict(
                        "wait for the response to the ICE restart before",
                    ));
                }
                let offer = session.offer.restarted(&fragment, session.restarts + 1);
                let sdp =
                    offer.ok_or_else(|| answers::unprocessable("its origin has no version"))?;
                let sdp = sdp.to_text();
                if sdp.len() > MAX_SDP_BYTES {
                    return Err(answers::too_large());
                }
                session.pending = Some(Pending::new(client, now + ANSWER_WAIT, Some(ice)));
                rendezvous.say(at, ToRendezvous::Description { session: id, sdp });
                Ok(None)
            }
            _ => {
                for Candidate { text, mid, index } in fragment.candidates() {
                    let mid = mid.or_else(|| session.offer.first_mid().map(str::to_owned));
                    let candidate = Some(text);
                    rendezvous.say(at, candidate_message(id, candidate, mid, index));
                }
                if fragment.ends_candidates() {
                    rendezvous.say(at, candidate_message(id, None, None, None));
                }
                Ok(Some(HttpResponse::new(StatusCode::NO_CONTENT)))
            }
        }
    }

    /// The rendezvous tells a camera something.
    pub(crate) fn heard(
        &mut self,
        now: Duration,
        rendezvous: &mut Rendezvous,
        at: ConnectionId,
        message: FromRendezvous,
    ) {
        let Some(session) = self.sessions.get_mut(&at) else { return };
        match message {
            FromRendezvous::Registered { ice_servers, .. } => {
                session.ice_servers = ice_servers;
                self.replace_others(rendezvous, at);
            }
            FromRendezvous::ViewerCame { session: id, viewer, number, .. } => {
                (session.id, session.viewer, session.number) = (Some(id), viewer, number);
                if let Some(pending) = &mut session.pending {
                    pending.until = now + ANSWER_WAIT;
                }
                let sdp = session.offer.to_text();
                rendezvous.say(at, ToRendezvous::Description { session: id, sdp });
            }
            FromRendezvous::Description { sdp, .. } => {
                // An ICE restart that was given up has no request that waits for the answer.
                let Some(pending) = &mut session.pending else { return };
                let whole = sdp.contains("\na=end-of-candidates");
                pending.answer = Some(sdp);
                pending.until = now + GATHERING_WAIT;
                if whole {
                    self.complete(rendezvous, at);
                }
            }
            FromRendezvous::Candidate { candidate, sdp_mid, sdp_m_line_index, .. } => {
                let Some(pending) = &mut session.pending else { return };
                match candidate.filter(|text| !text.is_empty()) {
                    Some(text)
                        if pending.candidates.len() < MAX_CANDIDATES
                            && text.len() <= MAX_CANDIDATE_BYTES
                            && !text.contains(char::is_control) =>
                    {
                        let index = sdp_m_line_index;
                        pending.candidates.push(Candidate { text, mid: sdp_mid, index });
                    }
                    None if pending.answer.is_some() => self.complete(rendezvous, at),
                    Some(_) | None => {}
                }
            }
            FromRendezvous::Refused { why: RefusedReason::WrongToken, session: None, .. } => {
                self.remove(rendezvous, at, CloseReason::Failed, answers::wrong_token());
            }
            // The viewer has not answered the restart before, which was given up.
            FromRendezvous::Refused { why: RefusedReason::OutOfTurn, .. } => {
                self.give_up_restart(at);
            }
            FromRendezvous::Refused { .. } => {
                let response = answers::unavailable("there is no room for another camera");
                self.remove(rendezvous, at, CloseReason::Failed, response);
            }
            FromRendezvous::Closed { .. } => {
                let response = answers::unavailable("the viewer left");
                self.remove(rendezvous, at, CloseReason::Failed, response);
            }
            FromRendezvous::CameraFound { .. } | FromRendezvous::CameraBack { .. } => {}
        }
    }

    /// A camera's newest POST takes the place of what it posted before.
    fn replace_others(&mut self, rendezvous: &mut Rendezvous, at: ConnectionId) {
        let Some(room) = self.sessions.get(&at).map(|session| session.room.clone()) else { return };
        let others = self.sessions.iter().filter(|(other, it)| **other != at && it.room == room);
        let others: Vec<ConnectionId> = others.map(|(other, _)| *other).collect();
        for other in others {
            let response = answers::conflict("a newer POST took the place of this one");
            self.remove(rendezvous, other, CloseReason::Failed, response);
        }
    }

    /// The answer is whole: the request that waits for it gets it.
    fn complete(&mut self, rendezvous: &mut Rendezvous, at: ConnectionId) {
        let Some(session) = self.sessions.get_mut(&at) else { return };
        let Some(pending) = session.pending.take() else { return };
        let is_restart = pending.restart.is_some();
        let answer = Description::read(pending.answer.unwrap_or_default().as_bytes());
        let answer = answer.ok().map(|mut answer| {
            answer.complete_answer(pending.candidates.into_iter());
            answer
        });
        let response = match (answer, pending.restart) {
            (Some(answer), None) if answer.takes_media() => {
                let tag = session.entity_tag(at);
                Some(answers::created(
                    &session.room,
                    at,
                    (&session.viewer, session.number),
                    &tag,
                    &answer,
                ))
                .map(|created| answers::with_ice_servers(created, &session.ice_servers))
            }
            (Some(answer), Some(ice)) => answer.ice_fragment().map(|fragment| {
                (session.ice, session.restarts) = (ice, session.restarts + 1);
                answers::restarted(&session.entity_tag(at), fragment)
            }),
            _ => None,
        };
        match response {
            Some(response) => self.respond(pending.client, response),
            // The session and its ICE stay as they are (RFC 9725 section 4.3.3).
            None if is_restart => {
                let response = answers::unavailable("the viewer's answer has no credentials");
                self.respond(pending.client, response);
            }
            // Nothing that is offered is taken: no session comes of it.
            None => {
                self.respond(
                    pending.client,
                    answers::unprocessable("the viewer takes no such media"),
                );
                self.remove(rendezvous, at, CloseReason::Failed, answers::not_found());
            }
        }
    }

    /// A client is gone without its response.
    pub(crate) fn abandoned(&mut self, rendezvous: &mut Rendezvous, client: ConnectionId) {
        let of_it = self.sessions.iter_mut().find(|(_, session)| session.is_of(client));
        let Some((at, session)) = of_it else { return };
        let at = *at;
        let Some(pending) = session.pending.take() else { return };
        if pending.restart.is_none() {
            self.remove(rendezvous, at, CloseReason::Failed, answers::not_found());
        }
    }

    /// Does what is due.
    pub(crate) fn time(&mut self, now: Duration, rendezvous: &mut Rendezvous) {
        let due = |session: &Session| session.pending.as_ref().is_some_and(|it| it.until <= now);
        let due: Vec<ConnectionId> =
            self.sessions.iter().filter(|(_, it)| due(it)).map(|(at, _)| *at).collect();
        for at in due {
            let Some(session) = self.sessions.get_mut(&at) else { continue };
            if session.pending.as_ref().is_some_and(|pending| pending.answer.is_some()) {
                self.complete(rendezvous, at);
            } else if session.pending.as_ref().is_some_and(|pending| pending.restart.is_some()) {
                self.give_up_restart(at);
            } else {
                let what = if session.id.is_some() {
                    "the viewer did not answer"
                } else {
                    "no viewer is there"
                };
                self.remove(rendezvous, at, CloseReason::Failed, answers::unavailable(what));
            }
        }
    }

    /// Answers an ICE restart that comes to nothing: the session and its ICE stay as they are.
    fn give_up_restart(&mut self, at: ConnectionId) {
        let session = self.sessions.get_mut(&at);
        if let Some(pending) = session.and_then(|it| it.pending.take_if(|it| it.restart.is_some()))
        {
            self.respond(pending.client, answers::unavailable("the viewer did not answer"));
        }
    }

    /// Ends a session. A request that waits in it gets `response`; the viewer hears of `reason`.
    fn remove(
        &mut self,
        rendezvous: &mut Rendezvous,
        at: ConnectionId,
        reason: CloseReason,
        response: HttpResponse,
    ) {
        let Some(session) = self.sessions.remove(&at) else { return };
        if let Some(pending) = session.pending {
            self.respond(pending.client, response);
        }
        if let Some(session) = session.id {
            rendezvous.say(at, ToRendezvous::Close { session, reason });
        }
        rendezvous.disconnected(at);
    }
}

/// The fragment that tells of a client's own candidates.
pub(crate) fn trickle(offer: &str, candidates: &[String], last: bool) -> Option<String> {
    Description::read(offer.as_bytes()).ok()?.trickle(candidates, last)
}

fn candidate_message(
    session: SessionId,
    candidate: Option<String>,
    sdp_mid: Option<String>,
    sdp_m_line_index: Option<u16>,
) -> ToRendezvous {
    ToRendezvous::Candidate { session, candidate, sdp_mid, sdp_m_line_index }
}
