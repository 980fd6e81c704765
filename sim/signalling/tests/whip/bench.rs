//! A server with viewers on WebSockets and cameras on HTTP.

use parallax_signalling::{
    ConnectionId, FromRendezvous, IceServer, Limits, Server, SessionId, ToRendezvous, Token,
};
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::IpAddr,
    time::Duration,
};
use tungstenite::{ClientHandshake, HandshakeError, Message, WebSocket, handshake::MidHandshake};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const ROOM: &str = "doorbell";
pub(crate) const TOKEN: &str = "secret";

pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) now: Duration,
}

/// A response as a client reads it.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(of, _)| of.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} of {self:?}");
        all[0]
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        let turn = IceServer {
            urls: vec!["turn:198.51.100.2:3478?transport=udp".to_owned()],
            username: "user".to_owned(),
            credential: "pass\"word".to_owned(),
        };
        let stun = IceServer {
            urls: vec!["stun:198.51.100.1:3478".to_owned()],
            username: String::new(),
            credential: String::new(),
        };
        let limits = Limits { clients: 64, clients_per_address: 64 };
        Self { server: Server::new(vec![stun, turn], limits), now: Duration::ZERO }
    }

    pub(crate) fn open(&mut self) -> ConnectionId {
        self.server.open(self.now, IpAddr::from([192, 0, 2, 1])).expect("room")
    }

    pub(crate) fn send(&mut self, client: ConnectionId, bytes: &[u8]) {
        self.server.receive(self.now, client, bytes);
    }

    /// Time goes by.
    pub(crate) fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(at) = self.server.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.server.time(self.now);
        }
        self.now = until;
    }

    /// What has come for a client, response by response.
    pub(crate) fn responses(&mut self, client: ConnectionId) -> Vec<Response> {
        let Some(bytes) = self.server.outgoing(client) else { return Vec::new() };
        let bytes = std::mem::take(bytes);
        let mut rest = String::from_utf8(bytes).expect("text");
        let mut responses = Vec::new();
        while !rest.is_empty() {
            let (head, after) = rest.split_once("\r\n\r\n").expect("a whole head");
            let mut lines = head.lines();
            let status = lines.next().expect("a status line");
            let status = status.strip_prefix("HTTP/1.1 ").expect("HTTP/1.1");
            let status = status[..3].parse().expect("a code");
            let fields: Vec<(String, String)> = lines
                .map(|line| line.split_once(": ").expect("a field"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let length = fields.iter().find(|(name, _)| name == "Content-Length");
            let length = length.map_or(0, |(_, value)| value.parse().expect("a number"));
            let (body, after) = after.split_at(length);
            responses.push(Response { status, fields, body: body.to_owned() });
            rest = after.to_owned();
        }
        responses
    }

    /// The one response that has come.
    pub(crate) fn response(&mut self, client: ConnectionId) -> Response {
        let mut all = self.responses(client);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&mut self, request: &Request) -> Response {
        let client = self.open();
        self.send(client, request.text().as_bytes());
        self.response(client)
    }

    pub(crate) fn is_over(&mut self, client: ConnectionId) -> bool {
        self.server.outgoing(client).is_none()
    }

    /// A camera posts, a viewer answers with one candidate: the response, and the viewer.
    pub(crate) fn established(&mut self) -> (Response, Viewer) {
        let camera = self.open();
        self.send(camera, Request::post(OFFER).text().as_bytes());
        let mut viewer = Viewer::new(self, "phone");
        viewer.view(self);
        viewer.answer(self, ANSWER);
        viewer.candidate(self, Some(HOST_CANDIDATE));
        viewer.candidate(self, None);
        let response = self.response(camera);
        assert_eq!(response.status, 201, "{response:?}");
        viewer.said(self);
        (response, viewer)
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            line: format!("{method} {target} HTTP/1.1"),
            fields: Vec::new(),
            body: String::new(),
        }
        .with("Host", "192.0.2.80")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(of, _)| of != name);
        self
    }

    pub(crate) fn authorised(self) -> Self {
        self.with("Authorization", &format!("Bearer {TOKEN}"))
    }

    pub(crate) fn body(mut self, media_type: &str, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self.with("Content-Type", media_type).with("Content-Length", &body.len().to_string())
    }

    pub(crate) fn post(offer: &str) -> Self {
        Self::new("POST", &format!("/whip/{ROOM}")).authorised().body("application/sdp", offer)
    }

    /// A PATCH on what a response created.
    pub(crate) fn patch(created: &Response, fragment: &str) -> Self {
        Self::new("PATCH", created.field("Location"))
            .authorised()
            .with("If-Match", created.field("ETag"))
            .body("application/trickle-ice-sdpfrag", fragment)
    }

    pub(crate) fn text(&self) -> String {
        let fields = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{}\r\n{}\r\n{}", self.line, fields.collect::<String>(), self.body)
    }
}

#[derive(Default)]
struct Wire {
    received: VecDeque<u8>,
    sent: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.received.read(into)
    }
}

impl Write for Wire {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.sent.write(from)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A viewer of the rendezvous's own protocol.
pub(crate) struct Viewer {
    pub(crate) client: ConnectionId,
    name: &'static str,
    socket: WebSocket<Wire>,
    pub(crate) session: Option<SessionId>,
}

impl Viewer {
    pub(crate) fn new(bench: &mut Bench, name: &'static str) -> Self {
        let client = bench.open();
        let mut handshake: MidHandshake<ClientHandshake<Wire>> =
            match tungstenite::client("ws://192.0.2.80/", Wire::default()) {
                Err(HandshakeError::Interrupted(handshake)) => handshake,
                _ => panic!("nothing has come yet"),
            };
        let sent = std::mem::take(&mut handshake.get_mut().get_mut().sent);
        bench.send(client, &sent);
        let answer = std::mem::take(bench.server.outgoing(client).expect("it is there"));
        handshake.get_mut().get_mut().received.extend(answer);
        let (socket, _) = handshake.handshake().unwrap_or_else(|_| panic!("a WebSocket"));
        Self { client, name, socket, session: None }
    }

    pub(crate) fn say(&mut self, bench: &mut Bench, message: &ToRendezvous) {
        self.socket.send(Message::text(message.to_text())).expect("it is open");
        let sent = std::mem::take(&mut self.socket.get_mut().sent);
        bench.send(self.client, &sent);
    }

    /// What the rendezvous has said.
    pub(crate) fn said(&mut self, bench: &mut Bench) -> Vec<FromRendezvous> {
        if let Some(bytes) = bench.server.outgoing(self.client) {
            self.socket.get_mut().received.extend(std::mem::take(bytes));
        }
        let mut said = Vec::new();
        while let Ok(message) = self.socket.read() {
            if let Message::Text(text) = message {
                let message = FromRendezvous::from_text(&text).expect("a message");
                if let FromRendezvous::CameraFound { session, .. } = message {
                    self.session = Some(session);
                }
                said.push(message);
            }
        }
        said
    }

    pub(crate) fn view(&mut self, bench: &mut Bench) {
        let (camera, viewer) = (ROOM.to_owned(), self.name.to_owned());
        self.say(bench, &ToRendezvous::View { camera, viewer, token: Token::new(TOKEN) });
    }

    /// The offer that has come.
    pub(crate) fn offer(&mut self, bench: &mut Bench) -> String {
        let said = self.said(bench);
        let mut offers = said.iter().filter_map(|message| match message {
            FromRendezvous::Description { sdp, .. } => Some(sdp.clone()),
            _ => None,
        });
        offers.next_back().unwrap_or_else(|| panic!("an offer in {said:?}"))
    }

    fn id(&mut self, bench: &mut Bench) -> SessionId {
        if self.session.is_none() {
            self.said(bench);
        }
        self.session.expect("a session")
    }

    pub(crate) fn answer(&mut self, bench: &mut Bench, sdp: &str) {
        let session = self.id(bench);
        self.say(bench, &ToRendezvous::Description { session, sdp: sdp.to_owned() });
    }

    pub(crate) fn candidate(&mut self, bench: &mut Bench, candidate: Option<&str>) {
        let session = self.id(bench);
        let message = ToRendezvous::Candidate {
            session,
            candidate: candidate.map(str::to_owned),
            sdp_mid: Some("0".to_owned()),
            sdp_m_line_index: Some(0),
        };
        self.say(bench, &message);
    }
}

pub(crate) const HOST_CANDIDATE: &str = "candidate:1 1 udp 2130706431 203.0.113.7 40000 typ host";

pub(crate) const OFFER: &str = "v=0\r\n\
o=- 7 2 IN IP4 127.0.0.1\r\n\
s=-\r\n\
t=0 0\r\n\
a=group:BUNDLE 0\r\n\
a=ice-options:trickle ice2\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 102\r\n\
c=IN IP4 0.0.0.0\r\n\
a=ice-ufrag:EsAw\r\n\
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
a=fingerprint:sha-256 DA:7B\r\n\
a=setup:actpass\r\n\
a=mid:0\r\n\
a=sendonly\r\n\
a=msid:stream track\r\n\
a=rtcp-mux\r\n\
a=rtcp-mux-only\r\n\
a=rtpmap:102 H264/90000\r\n";

pub(crate) const ANSWER: &str = "v=0\r\n\
o=- 8 1 IN IP4 127.0.0.1\r\n\
s=-\r\n\
t=0 0\r\n\
a=group:BUNDLE 0\r\n\
a=ice-options:trickle ice2\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 102\r\n\
c=IN IP4 0.0.0.0\r\n\
a=ice-ufrag:38sd\r\n\
a=ice-pwd:2e13dde17c1cb009202f627fab90cbec\r\n\
a=fingerprint:sha-256 F7:EB\r\n\
a=setup:passive\r\n\
a=mid:0\r\n\
a=sendrecv\r\n\
a=rtcp-mux\r\n\
a=rtpmap:102 H264/90000\r\n";

pub(crate) const FRAGMENT: &str = "a=group:BUNDLE 0\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 102\r\n\
a=mid:0\r\n\
a=ice-ufrag:EsAw\r\n\
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\n\
a=end-of-candidates\r\n";

pub(crate) const RESTART: &str = "a=ice-options:trickle ice2\r\n\
a=group:BUNDLE 0\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 102\r\n\
a=mid:0\r\n\
a=ice-ufrag:ysXw\r\n\
a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n\
a=candidate:9 1 udp 2122260223 192.0.2.9 61999 typ host\r\n";
