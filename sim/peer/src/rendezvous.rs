//! A peer's connection to the rendezvous: WebSocket (RFC 6455) over the host's TCP.

use crate::host::Host;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use parallax_signalling::{FromRendezvous, MAX_MESSAGE_BYTES, SessionId, ToRendezvous};
use std::{io, net::SocketAddr, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

/// Between two signs of life. A home gateway forgets an idle TCP connection without telling either
/// end (RFC 5382 REQ-5 asks for two hours, many allow minutes).
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// An open connection.
pub(crate) struct Link<S> {
    socket: WebSocketStream<S>,
    /// Something has come since the last ping.
    heard: bool,
}

/// Connects to the rendezvous at `at`.
pub(crate) async fn connect<H: Host>(host: &H, at: SocketAddr) -> io::Result<Link<H::Stream>> {
    let stream = host.connect(at).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let (socket, _) = client_async_with_config(format!("ws://{at}/"), stream, Some(limits))
        .await
        .map_err(into_io)?;
    Ok(Link { socket, heard: true })
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// The next message. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The connection is gone, or something came that is no message.
    pub(crate) async fn receive(&mut self) -> io::Result<FromRendezvous> {
        loop {
            let next = self.socket.next().await;
            self.heard = true;
            match next {
                Some(Ok(Message::Text(text))) => {
                    return FromRendezvous::from_text(text.as_str()).map_err(io::Error::other);
                }
                // Pings are answered by the library as it reads on.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
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

    /// Asks the other end for a sign of life. To be called every [`KEEP_ALIVE`].
    ///
    /// # Errors
    /// The connection is gone, or nothing has come since the last call.
    pub(crate) async fn keep_alive(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.heard, false) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.socket.send(Message::Ping(Bytes::new())).await.map_err(into_io)
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: &ToRendezvous) -> io::Result<()> {
        self.socket.send(Message::text(message.to_text())).await.map_err(into_io)
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
