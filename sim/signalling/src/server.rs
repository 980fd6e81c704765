//! The rendezvous with clients over byte streams as a pure core: each a WebSocket, or WHIP over HTTP.

mod client;

use crate::{
    ConnectionId, FromRendezvous, IceServer, RefusedReason, Rendezvous, RendezvousOutput,
    SessionId, http, websocket::SocketEvent, whip::Whip,
};
use client::{Client, ClientStream};
use core::{fmt, net::IpAddr, time::Duration};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many clients a [`Server`] has at a time. Who has not yet finished its handshake counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub clients: usize,
    /// From one address. Where many viewers share a gateway's, it has to be as large.
    pub clients_per_address: usize,
}

/// A [`Rendezvous`] whose clients come over byte streams: cameras and viewers in plain WebSocket, and below the path
/// `/whip/` cameras that push by WHIP (RFC 9725).
///
/// The shell opens a client for each stream, hands in the bytes that come and takes out those that
/// go. Time is what has passed since a moment of the shell's choice.
pub struct Server {
    rendezvous: Rendezvous,
    limits: Limits,
    clients: BTreeMap<ConnectionId, Client>,
    /// Who is in this very process, and the texts for it.
    inside: BTreeMap<ConnectionId, VecDeque<String>>,
    whip: Whip,
    last_id: u64,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Server");
        text.field("clients", &self.clients.len()).field("limits", &self.limits);
        text.finish_non_exhaustive()
    }
}

impl Server {
    /// A server that tells its clients of `ice_servers`.
    pub fn new(ice_servers: Vec<IceServer>, limits: Limits) -> Self {
        Self {
            rendezvous: Rendezvous::new(ice_servers),
            limits,
            clients: BTreeMap::new(),
            inside: BTreeMap::new(),
            whip: Whip::default(),
            last_id: 0,
        }
    }

    /// The server of one camera, at that camera, and the connection on which it registers: see
    /// [`Rendezvous::of_camera`].
    pub fn of_camera(
        limits: Limits,
        after: SessionId,
        counted: BTreeMap<String, u32>,
    ) -> (Self, ConnectionId) {
        let mut server = Self::new(Vec::new(), limits);
        server.last_id += 1;
        let camera = ConnectionId(server.last_id);
        server.rendezvous = Rendezvous::of_camera(camera, after, counted);
        server.rendezvous.connected(camera);
        server.inside.insert(camera, VecDeque::new());
        (server, camera)
    }

    /// How many clients there are.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// A byte stream came from `from`. None: there are too many, and the shell closes it.
    pub fn open(&mut self, now: Duration, from: IpAddr) -> Option<ConnectionId> {
        let of_this = self.clients.values().filter(|client| client.from == from).count();
        if self.clients.len() >= self.limits.clients || of_this >= self.limits.clients_per_address {
            return None;
        }
        self.last_id += 1;
        let id = ConnectionId(self.last_id);
        self.clients.insert(id, Client::new(now, from));
        Some(id)
    }

    /// Bytes came from a client; none means that no more will.
    pub fn receive(&mut self, now: Duration, id: ConnectionId, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(&id).filter(|client| !client.over) else { return };
        client.socket.receive(now, bytes);
        self.settle(now, id);
    }

    /// The bytes that wait for a client; the shell takes what it can send. None: the client is
    /// over and has got everything, or is unknown. The shell closes its stream, and calls
    /// [`gone`](Self::gone).
    pub fn outgoing(&mut self, id: ConnectionId) -> Option<&mut Vec<u8>> {
        let client = self.clients.get_mut(&id)?;
        let over = client.over;
        let bytes = client.socket.outgoing();
        if over && bytes.is_empty() { None } else { Some(bytes) }
    }

    /// Whether the shell has something to do for a client: to send, or to close its stream.
    pub fn has_news(&mut self, id: ConnectionId) -> bool {
        self.outgoing(id).is_none_or(|bytes| !bytes.is_empty())
    }

    /// A client's stream is gone.
    pub fn gone(&mut self, now: Duration, id: ConnectionId) {
        if self.clients.remove(&id).is_some_and(|client| client.known) {
            self.rendezvous.disconnected(id);
        }
        self.whip.abandoned(&mut self.rendezvous, id);
        self.settle(now, id);
    }

    /// Who is inside says a text.
    pub fn say(&mut self, now: Duration, id: ConnectionId, text: &str) {
        self.rendezvous.handle(id, text);
        self.settle(now, id);
    }

    /// The next text for who is inside. None: nothing more is there.
    ///
    /// # Errors
    /// It is not inside, or not any more: it broke the rules.
    pub fn hear(&mut self, id: ConnectionId) -> Result<Option<String>, Outside> {
        self.inside.get_mut(&id).map(VecDeque::pop_front).ok_or(Outside)
    }

    /// Does what is due.
    pub fn time(&mut self, now: Duration) {
        let due = |client: &Client| client.socket.next_deadline().is_some_and(|at| at <= now);
        let due: Vec<ConnectionId> =
            self.clients.iter().filter(|(_, client)| due(client)).map(|(id, _)| *id).collect();
        for id in due {
            self.settle(now, id);
        }
        if self.whip.next_deadline().is_some_and(|at| at <= now) {
            self.whip.time(now, &mut self.rendezvous);
            self.settle_all(now, BTreeSet::new());
        }
    }

    /// When to call [`time`](Self::time) if nothing comes.
    pub fn next_deadline(&self) -> Option<Duration> {
        let clients = self.clients.values().filter_map(|client| client.socket.next_deadline());
        clients.chain(self.whip.next_deadline()).min()
    }

    /// Its process starts over: see [`Rendezvous::restart`].
    pub fn restart(&mut self) {
        self.rendezvous.restart();
        self.clients.clear();
        self.inside.clear();
        self.whip.restart();
    }

    /// Takes what has come from one client. What one says makes others speak.
    fn settle(&mut self, now: Duration, id: ConnectionId) {
        self.settle_all(now, BTreeSet::from([id]));
    }

    fn settle_all(&mut self, now: Duration, mut stirred: BTreeSet<ConnectionId>) {
        loop {
            if let Some(output) = self.rendezvous.poll() {
                let (RendezvousOutput::Send(id, _) | RendezvousOutput::Close(id)) = &output;
                stirred.insert(*id);
                self.pass_on(now, output);
            } else if let Some((id, response)) = self.whip.poll() {
                if let Some(Client { socket: ClientStream::Http(socket), .. }) =
                    self.clients.get_mut(&id)
                {
                    socket.respond(now, &response);
                    stirred.insert(id);
                }
            } else if let Some(id) = stirred.pop_first() {
                self.take(now, id);
            } else {
                return;
            }
        }
    }

    fn take(&mut self, now: Duration, id: ConnectionId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if matches!(client.socket, ClientStream::Http(_)) {
            return self.take_http(now, id);
        }
        while let Some(event) = client.socket.poll_websocket(now) {
            match event {
                SocketEvent::Opened => {
                    client.known = true;
                    self.rendezvous.connected(id);
                }
                SocketEvent::Text(text) => self.rendezvous.handle(id, &text),
                SocketEvent::TooLarge => self.rendezvous.hang_up(id, RefusedReason::TooLarge),
                SocketEvent::NoText => self.rendezvous.hang_up(id, RefusedReason::Malformed),
                SocketEvent::Over => {
                    client.over = true;
                    if core::mem::take(&mut client.known) {
                        self.rendezvous.disconnected(id);
                    }
                }
            }
        }
    }

    fn take_http(&mut self, now: Duration, id: ConnectionId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        while let ClientStream::Http(socket) = &mut client.socket
            && let Some(event) = socket.poll(now)
        {
            match event {
                http::Event::Request(request) => {
                    self.last_id += 1;
                    let ids = (id, ConnectionId(self.last_id));
                    self.whip.request(now, &mut self.rendezvous, ids, &request);
                }
                http::Event::Over => client.over = true,
            }
        }
    }

    fn pass_on(&mut self, now: Duration, output: RendezvousOutput) {
        match output {
            RendezvousOutput::Send(to, text) => {
                if let Some(client) = self.clients.get_mut(&to) {
                    client.socket.send(text);
                } else if let Some(texts) = self.inside.get_mut(&to) {
                    texts.push_back(text);
                } else if self.whip.is_camera(to)
                    && let Ok(message) = FromRendezvous::from_text(&text)
                {
                    self.whip.heard(now, &mut self.rendezvous, to, message);
                }
            }
            RendezvousOutput::Close(of) => {
                if let Some(client) = self.clients.get_mut(&of) {
                    client.known = false;
                    client.socket.close(now);
                }
                self.inside.remove(&of);
            }
        }
    }
}

/// Why nothing is heard: the sender is outside of the LAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to hear the rendezvous: it has closed this connection")]
pub struct Outside;
