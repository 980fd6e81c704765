//! One client of a server: by its first bytes a WebSocket, or HTTP.

use crate::{
    http::HttpSocket,
    websocket::{ServerSocket, SocketEvent},
    whip::wire,
};
use core::{net::IpAddr, time::Duration};

/// More bytes than the longest method of ours, a blank and the path of WHIP.
const DECIDED: usize = 16;

pub(super) struct Client {
    pub(super) socket: ClientStream,
    pub(super) from: IpAddr,
    /// The rendezvous knows it.
    pub(super) known: bool,
    /// It is over, and goes when what it has sent is out.
    pub(super) over: bool,
}

impl Client {
    pub(super) fn new(now: Duration, from: IpAddr) -> Self {
        let socket = ServerSocket::new(now);
        let socket =
            ClientStream::Undecided { opened: now, begun: Vec::new(), socket: Box::new(socket) };
        Self { socket, from, known: false, over: false }
    }
}

pub(super) enum ClientStream {
    /// What came so far may be the beginning of either.
    Undecided {
        opened: Duration,
        begun: Vec<u8>,
        socket: Box<ServerSocket>,
    },
    WebSocket(Box<ServerSocket>),
    Http(HttpSocket),
}

/// Whether these are the first bytes of a request for WHIP; none: more are needed.
fn is_whip(begun: &[u8]) -> Option<bool> {
    let Some(blank) = begun.iter().position(|byte| *byte == b' ') else {
        return (begun.len() >= DECIDED || !begun.iter().all(u8::is_ascii_uppercase))
            .then_some(false);
    };
    let path = &begun[blank + 1..];
    let known = path.len().min(wire::PATH.len());
    if path[..known] != wire::PATH.as_bytes()[..known] {
        return Some(false);
    }
    (known == wire::PATH.len()).then_some(true)
}

impl ClientStream {
    pub(super) fn receive(&mut self, now: Duration, bytes: &[u8]) {
        match self {
            Self::Undecided { begun, .. } => {
                begun.extend_from_slice(bytes);
                let decided = if bytes.is_empty() { Some(false) } else { is_whip(begun) };
                if let Some(is_whip) = decided {
                    self.decide(now, is_whip, bytes.is_empty());
                }
            }
            Self::WebSocket(socket) => socket.receive(now, bytes),
            Self::Http(socket) => socket.receive(now, bytes),
        }
    }

    fn decide(&mut self, now: Duration, is_whip: bool, finished: bool) {
        let none = Self::Http(HttpSocket::new(now, Vec::new()));
        let Self::Undecided { opened, begun, mut socket } = core::mem::replace(self, none) else {
            return;
        };
        *self = if is_whip {
            Self::Http(HttpSocket::new(opened, begun))
        } else {
            if !begun.is_empty() {
                socket.receive(now, &begun);
            }
            if finished {
                socket.receive(now, &[]);
            }
            Self::WebSocket(socket)
        };
    }

    /// What comes next of a WebSocket.
    pub(super) fn poll_websocket(&mut self, now: Duration) -> Option<SocketEvent> {
        match self {
            Self::Undecided { socket, .. } | Self::WebSocket(socket) => socket.poll(now),
            Self::Http(_) => None,
        }
    }

    pub(super) fn outgoing(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Undecided { socket, .. } | Self::WebSocket(socket) => socket.outgoing(),
            Self::Http(socket) => socket.outgoing(),
        }
    }

    /// Sends a text, if it is a WebSocket.
    pub(super) fn send(&mut self, text: String) {
        if let Self::WebSocket(socket) = self {
            socket.send(text);
        }
    }

    /// Begins to close, if it is a WebSocket.
    pub(super) fn close(&mut self, now: Duration) {
        if let Self::WebSocket(socket) = self {
            socket.close(now);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        match self {
            Self::Undecided { socket, .. } | Self::WebSocket(socket) => socket.next_deadline(),
            Self::Http(socket) => socket.next_deadline(),
        }
    }
}
