//! The rendezvous as a state machine.

use crate::{
    CloseReason, FromRendezvous, IceServer, MessageError, RefusedReason, SessionId, ToRendezvous,
    Token,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most cameras the rendezvous remembers. A camera that went away is remembered with its
/// token, so that no other client takes its name while it boots.
pub const MAX_CAMERAS: usize = 1024;
/// The most viewers that one camera serves at a time.
pub const MAX_VIEWERS_PER_CAMERA: usize = 16;
/// The most cameras that one connection views or waits for.
pub const MAX_VIEWS_PER_CONNECTION: usize = 16;
/// The most views that wait for cameras to register, of all connections.
pub const MAX_WAITING: usize = 1024;
/// Of how many viewers' names a camera's sessions are counted.
const MAX_NUMBERED_VIEWERS: usize = 1024;

/// A connection to the rendezvous. The shell numbers them, and uses no number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What the shell shall do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RendezvousOutput {
    /// Send this text on the connection.
    Send(ConnectionId, String),
    /// Close the connection, after what was sent before. `disconnected` need not be called.
    Close(ConnectionId),
}

/// Brings cameras and viewers together. It has no clock: a connection lives until the shell says
/// otherwise.
#[derive(Debug, Default)]
pub struct Rendezvous {
    ice_servers: Vec<IceServer>,
    /// On what connection alone a camera may register; none: on any.
    registrar: Option<ConnectionId>,
    /// How many sessions each viewer had with the camera that is about to register.
    counted: BTreeMap<String, u32>,
    connections: BTreeSet<ConnectionId>,
    cameras: BTreeMap<String, Camera>,
    /// By camera and connection: a connection views a camera at most once.
    views: BTreeMap<(String, ConnectionId), View>,
    sessions: BTreeMap<SessionId, Session>,
    last_session: u64,
    last_view: u64,
    outputs: VecDeque<RendezvousOutput>,
}

#[derive(Debug)]
struct Camera {
    token: Token,
    boot: u32,
    /// None while it is away.
    connection: Option<ConnectionId>,
    /// It is there for one session, and then away until it registers again.
    once: bool,
    /// How many sessions each viewer had.
    numbers: BTreeMap<String, u32>,
}

/// A viewer's wish to see a camera. Without a session it waits.
#[derive(Debug)]
struct View {
    viewer: String,
    token: Token,
    session: Option<SessionId>,
    /// Who came first is served first.
    order: u64,
}

#[derive(Debug)]
struct Session {
    camera: String,
    camera_connection: ConnectionId,
    viewer_connection: ConnectionId,
    /// Whether an offer is out that has no answer yet.
    offered: bool,
    /// Whether the camera has made an offer at all: then it knows of the session.
    known: bool,
}

impl Rendezvous {
    /// A rendezvous that tells its cameras and viewers of `ice_servers`.
    pub fn new(ice_servers: Vec<IceServer>) -> Self {
        Self { ice_servers, ..Self::default() }
    }

    /// The rendezvous of one camera alone, at that camera, which registers on `registrar`. Nobody
    /// else does: `full` is what they hear, even with the camera's token.
    ///
    /// It starts over with its camera. So that no session is named twice all the same, sessions
    /// are numbered from `after` on, and `counted` says how many sessions each viewer had.
    pub fn of_camera(
        registrar: ConnectionId,
        after: SessionId,
        counted: BTreeMap<String, u32>,
    ) -> Self {
        let registrar = Some(registrar);
        Self { registrar, counted, last_session: after.0, ..Self::default() }
    }

    /// Forgets all connections, cameras, views and sessions, as a restart of its process does.
    /// Session ids and the counts of sessions go on, so that no session is named twice in a run.
    pub fn restart(&mut self) {
        self.connections.clear();
        self.views.clear();
        self.sessions.clear();
        self.outputs.clear();
        // A camera without numbers would be a camera without viewers: those are forgotten whole.
        self.cameras.retain(|_, camera| !camera.numbers.is_empty());
        for camera in self.cameras.values_mut() {
            camera.connection = None;
            // No text is this token: see `Token::is_valid`.
            camera.token = Token::new("");
        }
    }

    /// A connection came up.
    pub fn connected(&mut self, connection: ConnectionId) {
        self.connections.insert(connection);
    }

    /// A connection is gone. Its sessions are over as far as signalling goes.
    pub fn disconnected(&mut self, connection: ConnectionId) {
        if !self.connections.remove(&connection) {
            return;
        }
        for camera in self.cameras.values_mut() {
            if camera.connection == Some(connection) {
                camera.connection = None;
            }
        }
        let of_this = |session: &Session| {
            session.camera_connection == connection || session.viewer_connection == connection
        };
        let over: Vec<SessionId> =
            self.sessions.iter().filter(|(_, s)| of_this(s)).map(|(id, _)| *id).collect();
        for id in over {
            // The viewer's view stays, and waits for the camera.
            self.end(id, Some(connection), CloseReason::Disconnected);
        }
        self.views.retain(|(_, viewer), _| *viewer != connection);
    }

    /// A text came in on a connection. Texts on connections that are not up are ignored: they
    /// crossed a `Close`.
    pub fn handle(&mut self, connection: ConnectionId, text: &str) {
        if !self.connections.contains(&connection) {
            return;
        }
        let message = match ToRendezvous::from_text(text) {
            Ok(message) => message,
            Err(MessageError::TooLarge { .. }) => {
                return self.hang_up(connection, RefusedReason::TooLarge);
            }
            Err(_) => return self.hang_up(connection, RefusedReason::Malformed),
        };
        self.say(connection, message);
    }

    /// A message came in on a connection that is up.
    pub(crate) fn say(&mut self, connection: ConnectionId, message: ToRendezvous) {
        match message {
            ToRendezvous::Register { camera, token, boot } => {
                self.register(connection, camera, token, boot, false);
            }
            ToRendezvous::View { camera, viewer, token } => {
                self.view(connection, camera, viewer, token);
            }
            ToRendezvous::Description { session, sdp } => {
                self.describe(connection, session, sdp);
            }
            ToRendezvous::Candidate { session, candidate, sdp_mid, sdp_m_line_index } => match self
                .other_end(connection, session)
            {
                Some(other) => self.send(
                    other,
                    &FromRendezvous::Candidate { session, candidate, sdp_mid, sdp_m_line_index },
                ),
                None => self.refuse_session(connection, RefusedReason::UnknownSession, session),
            },
            ToRendezvous::Close { session, reason } => {
                self.close(connection, session, reason);
            }
        }
    }

    /// Registers a camera that is there for one session alone, and whose viewer has to give its answer whole.
    pub(crate) fn register_once(
        &mut self,
        connection: ConnectionId,
        camera: String,
        token: Token,
        boot: u32,
    ) {
        self.register(connection, camera, token, boot, true);
    }

    /// Whether a camera with this name and token may register.
    pub(crate) fn admits(&self, camera: &str, token: &Token) -> bool {
        let known = self.cameras.get(camera).filter(|camera| camera.token.is_valid());
        known.is_none_or(|camera| camera.token.matches(token))
    }

    pub(crate) fn ice_servers(&self) -> &[IceServer] {
        &self.ice_servers
    }

    /// What was too long for the shell to hand in, or no text at all.
    pub fn hang_up(&mut self, connection: ConnectionId, why: RefusedReason) {
        if self.connections.contains(&connection) {
            self.send(connection, &FromRendezvous::Refused { why, camera: None, session: None });
            self.outputs.push_back(RendezvousOutput::Close(connection));
            self.disconnected(connection);
        }
    }

    /// What the shell shall do next.
    pub fn poll(&mut self) -> Option<RendezvousOutput> {
        self.outputs.pop_front()
    }

    fn register(
        &mut self,
        connection: ConnectionId,
        name: String,
        token: Token,
        boot: u32,
        once: bool,
    ) {
        if self.registrar.is_some_and(|registrar| registrar != connection) {
            return self.refuse_camera(connection, RefusedReason::Full, name);
        }
        let full = self.cameras.len() >= MAX_CAMERAS;
        // It has lost its connection, not its sessions.
        let same_boot =
            self.cameras.get(&name).is_some_and(|it| it.boot == boot && !it.once && !once);
        match self.cameras.get_mut(&name) {
            // After a restart the camera is known by its count of sessions alone.
            Some(camera) if !camera.token.is_valid() || camera.token.matches(&token) => {
                camera.token = token;
                camera.boot = boot;
                camera.connection = Some(connection);
                camera.once = once;
            }
            Some(_) => return self.refuse_camera(connection, RefusedReason::WrongToken, name),
            None if full => {
                return self.refuse_camera(connection, RefusedReason::Full, name);
            }
            None => {
                let connection = Some(connection);
                let numbers = std::mem::take(&mut self.counted);
                let camera = Camera { token, boot, connection, once, numbers };
                self.cameras.insert(name.clone(), camera);
            }
        }
        let ice_servers = self.ice_servers.clone();
        self.send(connection, &FromRendezvous::Registered { camera: name.clone(), ice_servers });
        let old: Vec<SessionId> =
            self.sessions.iter().filter(|(_, s)| s.camera == name).map(|(id, _)| *id).collect();
        for id in old {
            if let Some(session) = self.sessions.get_mut(&id).filter(|s| same_boot && s.known) {
                session.camera_connection = connection;
                continue;
            }
            let Some(session) = self.sessions.remove(&id) else { continue };
            let (camera, viewer) = (name.clone(), session.viewer_connection);
            self.send(viewer, &FromRendezvous::CameraBack { session: id, camera, boot });
            // Only if it has not started over: to a camera that has, the session means nothing.
            if session.camera_connection == connection {
                let reason = CloseReason::Replaced;
                self.send(connection, &FromRendezvous::Closed { session: id, reason });
            }
            if let Some(view) = self.views.get_mut(&(name.clone(), viewer)) {
                view.session = None;
            }
        }
        self.serve_waiting(&name);
    }

    /// Makes sessions for all who wait for the camera, in the order they came.
    fn serve_waiting(&mut self, name: &str) {
        let mut waiting: Vec<(u64, ConnectionId)> = self
            .views
            .iter()
            .filter(|((camera, _), view)| camera == name && view.session.is_none())
            .map(|((_, connection), view)| (view.order, *connection))
            .collect();
        waiting.sort_unstable();
        for (_, viewer) in waiting {
            self.begin(name, viewer);
        }
    }

    fn view(&mut self, connection: ConnectionId, camera: String, viewer: String, token: Token) {
        let known = self.cameras.get(&camera).filter(|camera| camera.token.is_valid());
        if known.is_some_and(|camera| !camera.token.matches(&token)) {
            return self.refuse_camera(connection, RefusedReason::WrongToken, camera);
        }
        // The same viewer on another connection: its old one died unnoticed. A
        // wait is replaced only if the tokens agree, or anyone could end it.
        let stale = self.views.iter().find(|((of, at), view)| {
            *of == camera
                && (*at == connection || view.viewer == viewer && view.token.matches(&token))
        });
        if let Some((key, view)) = stale.map(|(key, view)| (key.clone(), view.session)) {
            if let Some(session) = view {
                let silent = (key.1 == connection).then_some(connection);
                self.end(session, silent, CloseReason::Replaced);
            }
            self.views.remove(&key);
        }
        let mine = self.views.keys().filter(|(_, at)| *at == connection).count();
        let waiting = self.views.values().filter(|view| view.session.is_none()).count();
        if mine >= MAX_VIEWS_PER_CONNECTION || waiting >= MAX_WAITING {
            return self.refuse_camera(connection, RefusedReason::Full, camera);
        }
        self.last_view += 1;
        let view = View { viewer, token, session: None, order: self.last_view };
        self.views.insert((camera.clone(), connection), view);
        self.begin(&camera, connection);
    }

    /// Makes a session for a view, if the camera is there and the token is right.
    fn begin(&mut self, name: &str, viewer_connection: ConnectionId) {
        let serving = self.sessions.values().filter(|s| s.camera == name).count();
        let key = (name.to_owned(), viewer_connection);
        let Some(camera) = self.cameras.get_mut(name) else { return };
        let Some(camera_connection) = camera.connection else { return };
        let Some(view) = self.views.get_mut(&key) else { return };
        if !camera.token.matches(&view.token) {
            self.views.remove(&key);
            return self.refuse_camera(viewer_connection, RefusedReason::WrongToken, key.0);
        }
        let new_name = !camera.numbers.contains_key(&view.viewer);
        if serving >= MAX_VIEWERS_PER_CAMERA
            || new_name && camera.numbers.len() >= MAX_NUMBERED_VIEWERS
        {
            self.views.remove(&key);
            return self.refuse_camera(viewer_connection, RefusedReason::Full, key.0);
        }
        let number = camera.numbers.entry(view.viewer.clone()).or_default();
        *number = number.saturating_add(1);
        let (number, boot, viewer) = (*number, camera.boot, view.viewer.clone());
        let whole = camera.once;
        if camera.once {
            camera.connection = None;
        }
        self.last_session += 1;
        let session = SessionId(self.last_session);
        view.session = Some(session);
        let camera = name.to_owned();
        self.sessions.insert(
            session,
            Session {
                camera: camera.clone(),
                camera_connection,
                viewer_connection,
                offered: false,
                known: false,
            },
        );
        let ice_servers = self.ice_servers.clone();
        let found = FromRendezvous::CameraFound {
            session,
            camera: camera.clone(),
            boot,
            number,
            ice_servers: ice_servers.clone(),
            whole,
        };
        self.send(viewer_connection, &found);
        let came = FromRendezvous::ViewerCame { session, camera, viewer, number, ice_servers };
        self.send(camera_connection, &came);
    }

    fn describe(&mut self, connection: ConnectionId, id: SessionId, sdp: String) {
        let Some(other) = self.other_end(connection, id) else {
            return self.refuse_session(connection, RefusedReason::UnknownSession, id);
        };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // A peer that views itself holds both ends: its descriptions take turns all the same.
        let both = session.camera_connection == session.viewer_connection;
        let offers = connection == session.camera_connection && !(both && session.offered);
        if offers == session.offered {
            return self.refuse_session(connection, RefusedReason::OutOfTurn, id);
        }
        session.offered = offers;
        session.known = true;
        self.send(other, &FromRendezvous::Description { session: id, sdp });
    }

    fn close(&mut self, connection: ConnectionId, id: SessionId, reason: CloseReason) {
        if self.other_end(connection, id).is_none() {
            return self.refuse_session(connection, RefusedReason::UnknownSession, id);
        }
        if let Some(session) = self.end(id, Some(connection), reason) {
            self.views.remove(&(session.camera, session.viewer_connection));
        }
    }

    /// Ends a session and tells its ends, but not `silent`. A view of it waits from now on.
    fn end(
        &mut self,
        id: SessionId,
        silent: Option<ConnectionId>,
        reason: CloseReason,
    ) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        if let Some(view) = self.views.get_mut(&(session.camera.clone(), session.viewer_connection))
        {
            view.session = None;
        }
        for end in [session.camera_connection, session.viewer_connection] {
            if Some(end) != silent {
                self.send(end, &FromRendezvous::Closed { session: id, reason });
            }
        }
        Some(session)
    }

    /// The other end of a session of `connection`, and nothing if it is none of its sessions.
    fn other_end(&self, connection: ConnectionId, id: SessionId) -> Option<ConnectionId> {
        let session = self.sessions.get(&id)?;
        if connection == session.camera_connection {
            Some(session.viewer_connection)
        } else if connection == session.viewer_connection {
            Some(session.camera_connection)
        } else {
            None
        }
    }

    fn refuse_camera(&mut self, to: ConnectionId, why: RefusedReason, camera: String) {
        let refused = FromRendezvous::Refused { why, camera: Some(camera), session: None };
        self.send(to, &refused);
    }

    fn refuse_session(&mut self, to: ConnectionId, why: RefusedReason, session: SessionId) {
        let refused = FromRendezvous::Refused { why, camera: None, session: Some(session) };
        self.send(to, &refused);
    }

    fn send(&mut self, to: ConnectionId, message: &FromRendezvous) {
        if self.connections.contains(&to) {
            self.outputs.push_back(RendezvousOutput::Send(to, message.to_text()));
        }
    }
}
