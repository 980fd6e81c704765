//! A peer's connection to the rendezvous: WebSocket (RFC 6455) over the host's TCP. A camera may be
//! its own rendezvous: then nothing is in between.

use crate::{
    host::Host,
    own::{self, Own},
};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use parallax_signalling::{FromRendezvous, MAX_MESSAGE_BYTES, SessionId, ToRendezvous};
use std::{io, net::SocketAddr, time::Duration};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

/// Between two signs of life. A home gateway forgets an idle TCP connection without telling either
/// end (RFC 5382 REQ-5 asks for two hours, many allow minutes).
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long an answer to a ping is waited for when a path has died: TCP asks three times in it
/// (RFC 6298: first after 1 s, then twice that).
pub(crate) const PROBE: Duration = Duration::from_secs(3);
/// Longest time of a connection to open. Left to itself, TCP waits twice as long from try to try,
/// and is a minute late when the other end is back.
const OPENING: Duration = Duration::from_secs(5);

/// An open connection.
pub(crate) enum RendezvousLink<H: Host> {
    /// To a rendezvous elsewhere.
    Far(Box<Far<H>>),
    /// To the camera's own.
    Own(Own<H>),
}

/// A WebSocket to a rendezvous elsewhere.
pub(crate) struct Far<H: Host> {
    socket: WebSocketStream<H::Stream>,
    /// Something has come since the last ping.
    heard: bool,
}

/// What came on a connection.
pub(crate) enum RendezvousEvent {
    /// A message.
    Message(FromRendezvous),
    /// The answer to a ping: the rendezvous is there.
    Pong,
}

/// Connects to the rendezvous at `at`.
///
/// # Errors
/// It is not there, or does not answer in time.
pub(crate) async fn connect<H: Host>(host: &H, at: SocketAddr) -> io::Result<RendezvousLink<H>> {
    tokio::select! {
        biased;
        link = open(host, at) => link,
        () = host.runtime().sleep(OPENING) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn open<H: Host>(host: &H, at: SocketAddr) -> io::Result<RendezvousLink<H>> {
    let stream = host.connect(at).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let (socket, _) = client_async_with_config(format!("ws://{at}/"), stream, Some(limits))
        .await
        .map_err(into_io)?;
    Ok(RendezvousLink::Far(Box::new(Far { socket, heard: true })))
}

/// Is the rendezvous at `at`, for a camera that has booted `boot` times before.
///
/// # Errors
/// The host cannot listen there.
pub(crate) async fn listen<H: Host>(
    host: &H,
    at: SocketAddr,
    boot: u32,
) -> io::Result<RendezvousLink<H>> {
    own::listen(host, at, boot).await.map(RendezvousLink::Own)
}

impl<H: Host> RendezvousLink<H> {
    /// What comes next. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The connection is gone, or something came that is no message.
    pub(crate) async fn receive(&mut self) -> io::Result<RendezvousEvent> {
        match self {
            Self::Far(far) => far.receive().await,
            Self::Own(own) => own.receive().await.map(RendezvousEvent::Message),
        }
    }

    /// Asks the other end for a sign of life. To be called every [`KEEP_ALIVE`].
    ///
    /// # Errors
    /// The connection is gone, or nothing has come since the last call.
    pub(crate) async fn keep_alive(&mut self) -> io::Result<()> {
        match self {
            Self::Far(far) if !far.heard => Err(io::ErrorKind::TimedOut.into()),
            _ => self.probe().await,
        }
    }

    /// Asks the other end for a sign of life, out of turn: it has [`PROBE`] to answer.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) async fn probe(&mut self) -> io::Result<()> {
        match self {
            Self::Far(far) => {
                far.heard = false;
                far.socket.send(Message::Ping(Bytes::new())).await.map_err(into_io)
            }
            Self::Own(_) => Ok(()),
        }
    }

    /// Whether nothing has come since the last ping.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::Far(far) if !far.heard)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) async fn send(&mut self, message: &ToRendezvous) -> io::Result<()> {
        match self {
            Self::Far(far) => {
                far.socket.send(Message::text(message.to_text())).await.map_err(into_io)
            }
            Self::Own(own) => {
                own.send(message);
                Ok(())
            }
        }
    }
}

impl<H: Host> Far<H> {
    async fn receive(&mut self) -> io::Result<RendezvousEvent> {
        loop {
            let next = self.socket.next().await;
            self.heard = true;
            match next {
                Some(Ok(Message::Text(text))) => {
                    let message = FromRendezvous::from_text(text.as_str());
                    return message.map(RendezvousEvent::Message).map_err(io::Error::other);
                }
                // Pings are answered by the library as it reads on.
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(Message::Pong(_))) => return Ok(RendezvousEvent::Pong),
                Some(Ok(Message::Close(_))) | None => {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                    return Err(io::Error::other("failed to read a message: it is not text"));
                }
                Some(Err(error)) => return Err(into_io(error)),
            }
        }
    }
}

fn into_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The session that a message is for.
pub(crate) fn session_of(message: &FromRendezvous) -> Option<SessionId> {
    match message {
        FromRendezvous::ViewerCame { session, .. }
        | FromRendezvous::CameraFound { session, .. }
        | FromRendezvous::CameraBack { session, .. }
        | FromRendezvous::Description { session, .. }
        | FromRendezvous::Candidate { session, .. }
        | FromRendezvous::Closed { session, .. } => Some(*session),
        FromRendezvous::Refused { session, .. } => *session,
        FromRendezvous::Registered { .. } => None,
    }
}
