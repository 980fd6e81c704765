//! A peer's connection to the rendezvous: WebSocket (RFC 6455) over the host's TCP.

use crate::host::Host;
use futures::{SinkExt, StreamExt};
use parallax_signalling::{FromRendezvous, MAX_MESSAGE_BYTES, SessionId, ToRendezvous};
use std::{io, net::SocketAddr};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

/// An open connection.
pub(crate) struct Link<S>(WebSocketStream<S>);

/// Connects to the rendezvous at `at`.
pub(crate) async fn connect<H: Host>(host: &H, at: SocketAddr) -> io::Result<Link<H::Stream>> {
    let stream = host.connect(at).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let (socket, _) = client_async_with_config(format!("ws://{at}/"), stream, Some(limits))
        .await
        .map_err(into_io)?;
    Ok(Link(socket))
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// The next message. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The connection is gone, or something came that is no message.
    pub(crate) async fn receive(&mut self) -> io::Result<FromRendezvous> {
        loop {
            match self.0.next().await {
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

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: &ToRendezvous) -> io::Result<()> {
        self.0.send(Message::text(message.to_text())).await.map_err(into_io)
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
