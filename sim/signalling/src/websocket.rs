//! The server's end of one WebSocket (RFC 6455) as a pure core, by `tungstenite` over bytes in
//! memory. A server masks nothing, so that it draws no randomness.

use crate::MAX_MESSAGE_BYTES;
use core::time::Duration;
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};
use tungstenite::{
    Bytes, Error, HandshakeError, Message, WebSocket,
    handshake::{
        MidHandshake,
        server::{NoCallback, ServerHandshake},
    },
    protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
};

/// How long a handshake may take, from the opening of the byte stream: a client that dribbles bytes gets
/// no more.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long after the last sign of life the other end is pinged.
const PING_AFTER: Duration = Duration::from_secs(20);
/// How long after the last sign of life the other end is given up: two pings went unanswered.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the other end may take to close, and to take what was said last.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes that wait for a slow reader.
const MAX_WAITING_BYTES: usize = 16 * MAX_MESSAGE_BYTES;

type Handshake = MidHandshake<ServerHandshake<SocketBytes, NoCallback>>;

/// The bytes of both directions.
#[derive(Debug, Default)]
pub(crate) struct SocketBytes {
    received: VecDeque<u8>,
    finished: bool,
    sent: Vec<u8>,
}

impl Read for SocketBytes {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() && !self.finished {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.received.read(into)
    }
}

impl Write for SocketBytes {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.sent.extend_from_slice(from);
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What came of a WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SocketEvent {
    /// The handshake is done.
    Opened,
    /// A text.
    Text(String),
    /// A message longer than any of ours.
    TooLarge,
    /// A message that is no text.
    NoText,
    /// It is over; what it has sent is still to go out.
    Over,
}

enum Stage {
    Handshake(Handshake),
    Open(WebSocket<SocketBytes>),
    /// Nothing comes any more; these bytes still go out.
    Over(Vec<u8>),
}

/// The server's end of one WebSocket.
pub(crate) struct ServerSocket {
    stage: Stage,
    opened: Duration,
    /// The last sign of life.
    heard: Duration,
    pinged: Duration,
    /// Since when it closes, or is over and has bytes to send.
    closing: Option<Duration>,
    /// A frame too large came: what follows is not read any more, and only waited out, so that
    /// the answer is not lost to a reset.
    discard: bool,
}

impl ServerSocket {
    pub(crate) fn new(now: Duration) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES))
            .write_buffer_size(0);
        let stage = match tungstenite::accept_with_config(SocketBytes::default(), Some(config)) {
            Err(HandshakeError::Interrupted(handshake)) => Stage::Handshake(handshake),
            Ok(socket) => Stage::Open(socket),
            Err(HandshakeError::Failure(_)) => Stage::Over(Vec::new()),
        };
        Self { stage, opened: now, heard: now, pinged: now, closing: None, discard: false }
    }

    /// Bytes came in; none means that no more will.
    pub(crate) fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.heard = now;
        self.pinged = now;
        let discard = self.discard;
        if let Some(wire) = self.wire() {
            if !discard {
                wire.received.extend(bytes);
            }
            wire.finished |= bytes.is_empty();
        }
    }

    /// The bytes that wait to go out; the caller takes what it can send.
    pub(crate) fn outgoing(&mut self) -> &mut Vec<u8> {
        match &mut self.stage {
            Stage::Handshake(handshake) => &mut handshake.get_mut().get_mut().sent,
            Stage::Open(socket) => &mut socket.get_mut().sent,
            Stage::Over(sent) => sent,
        }
    }

    fn wire(&mut self) -> Option<&mut SocketBytes> {
        match &mut self.stage {
            Stage::Handshake(handshake) => Some(handshake.get_mut().get_mut()),
            Stage::Open(socket) => Some(socket.get_mut()),
            Stage::Over(_) => None,
        }
    }

    fn over(&mut self, now: Duration) -> Option<SocketEvent> {
        if matches!(self.stage, Stage::Over(_)) {
            return None;
        }
        let sent = core::mem::take(self.outgoing());
        self.end(now, sent)
    }

    fn end(&mut self, now: Duration, sent: Vec<u8>) -> Option<SocketEvent> {
        self.closing = Some(now);
        self.stage = Stage::Over(sent);
        Some(SocketEvent::Over)
    }

    /// What comes next of the bytes that came in.
    pub(crate) fn poll(&mut self, now: Duration) -> Option<SocketEvent> {
        if self.next_deadline().is_some_and(|deadline| deadline <= now)
            && let Some(over) = self.time(now)
        {
            return Some(over);
        }
        if self.discard {
            return if self.wire().is_some_and(|wire| wire.finished) {
                self.over(now)
            } else {
                None
            };
        }
        match core::mem::replace(&mut self.stage, Stage::Over(Vec::new())) {
            Stage::Handshake(handshake) => self.shake(now, handshake),
            Stage::Open(mut socket) => {
                let read = socket.read();
                self.stage = Stage::Open(socket);
                self.read(now, read)
            }
            over @ Stage::Over(_) => {
                self.stage = over;
                None
            }
        }
    }

    fn shake(&mut self, now: Duration, mut handshake: Handshake) -> Option<SocketEvent> {
        let wire = handshake.get_mut().get_mut();
        if wire.received.is_empty() && !wire.finished {
            self.stage = Stage::Handshake(handshake);
            return None;
        }
        match handshake.handshake() {
            Ok(socket) => {
                self.stage = Stage::Open(socket);
                Some(SocketEvent::Opened)
            }
            Err(HandshakeError::Interrupted(handshake)) => {
                self.stage = Stage::Handshake(handshake);
                None
            }
            // Tungstenite drops the stream with the error, and with it any answer.
            Err(HandshakeError::Failure(_)) => {
                let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
                self.end(now, answer.to_vec())
            }
        }
    }

    fn read(&mut self, now: Duration, read: Result<Message, Error>) -> Option<SocketEvent> {
        match read {
            // What comes after the close began is of no use.
            Ok(_) if self.closing.is_some() => self.poll(now),
            Ok(Message::Text(text)) => Some(SocketEvent::Text(text.as_str().to_owned())),
            Ok(Message::Binary(_)) => Some(SocketEvent::NoText),
            // Tungstenite answers pings and closes; the answer goes out with the next read.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                self.poll(now)
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                if self.outgoing().len() > MAX_WAITING_BYTES {
                    return self.over(now);
                }
                None
            }
            // Reading stops in the midst of a frame: the rest cannot be made sense of.
            Err(Error::Capacity(_)) if self.closing.is_none() => {
                self.discard = true;
                Some(SocketEvent::TooLarge)
            }
            Err(_) => self.over(now),
        }
    }

    /// Does what is due.
    fn time(&mut self, now: Duration) -> Option<SocketEvent> {
        let socket = match &mut self.stage {
            Stage::Open(socket) => socket,
            Stage::Handshake(_) => return self.over(now),
            Stage::Over(sent) => {
                // They are not taken.
                sent.clear();
                return None;
            }
        };
        let closing = self.closing.is_some_and(|since| since + CLOSE_TIMEOUT <= now);
        if closing || self.heard + SILENCE <= now {
            return self.over(now);
        }
        self.pinged = now;
        // Fails only when it is closing, and then the close has its own time.
        let _ = socket.send(Message::Ping(Bytes::new()));
        None
    }

    /// Sends a text. Nothing is sent before the handshake or after the end.
    pub(crate) fn send(&mut self, text: String) {
        if let Stage::Open(socket) = &mut self.stage {
            // Fails only when it is closing: then it is not read.
            let _ = socket.send(Message::text(text));
        }
    }

    /// Begins to close: for a message too large, or for one that is against the rules.
    pub(crate) fn close(&mut self, now: Duration) {
        if let Stage::Open(socket) = &mut self.stage {
            let code = if self.discard { CloseCode::Size } else { CloseCode::Policy };
            let _ = socket.close(Some(CloseFrame { code, reason: "".into() }));
            let _ = socket.flush();
            self.closing = Some(now);
        }
    }

    /// When to poll next if nothing comes.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        match (&self.stage, self.closing) {
            (Stage::Handshake(_), _) => Some(self.opened + HANDSHAKE_TIMEOUT),
            (Stage::Open(_), Some(since)) => Some(since + CLOSE_TIMEOUT),
            (Stage::Open(_), None) => Some((self.pinged + PING_AFTER).min(self.heard + SILENCE)),
            (Stage::Over(sent), Some(since)) if !sent.is_empty() => Some(since + CLOSE_TIMEOUT),
            (Stage::Over(_), _) => None,
        }
    }
}
