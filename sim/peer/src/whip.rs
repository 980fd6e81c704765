//! A camera's way to a rendezvous that it pushes to by WHIP (RFC 9725): HTTP over the host's TCP.

use crate::host::Host;
use parallax_signalling::{Token, WhipRequest, WhipResponse, WhipResponseReader};
use std::{io, net::SocketAddr, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longest time of an offer until its answer: the rendezvous waits up to 23 s for viewer, answer and candidates.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest time of any other response, with the opening of the connection.
const RESPONSE: Duration = Duration::from_secs(5);

/// A client of one rendezvous. Its connection is kept from request to request, as long as it lives.
pub(crate) struct Client<H: Host> {
    host: H,
    at: SocketAddr,
    token: Token,
    stream: Option<H::Stream>,
}

impl<H: Host> Client<H> {
    pub(crate) fn new(host: H, at: SocketAddr, token: Token) -> Self {
        Self { host, at, token, stream: None }
    }

    /// Asks, and waits for the response. All but a POST is asked once more if a kept connection turns out to be dead.
    ///
    /// # Errors
    /// The rendezvous cannot be reached, does not answer in time, or answers with what is no response.
    pub(crate) async fn ask(&mut self, request: &WhipRequest) -> io::Result<WhipResponse> {
        let within = if matches!(request, WhipRequest::Post { .. }) { ANSWER } else { RESPONSE };
        let kept = self.stream.take().filter(|_| within == RESPONSE);
        if let Some(kept) = kept
            && let Ok(response) = self.timed(request, Some(kept), within).await
        {
            return Ok(response);
        }
        self.timed(request, None, within).await
    }

    async fn timed(
        &mut self,
        request: &WhipRequest,
        stream: Option<H::Stream>,
        within: Duration,
    ) -> io::Result<WhipResponse> {
        let runtime = self.host.runtime();
        tokio::select! {
            biased;
            response = self.exchange(request, stream) => response,
            () = runtime.sleep(within) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    async fn exchange(
        &mut self,
        request: &WhipRequest,
        stream: Option<H::Stream>,
    ) -> io::Result<WhipResponse> {
        let mut stream = match stream {
            Some(stream) => stream,
            None => self.host.connect(self.at).await?,
        };
        stream.write_all(&request.to_bytes(&self.at.to_string(), &self.token)).await?;
        stream.flush().await?;
        let (mut reader, mut bytes) = (WhipResponseReader::default(), [0; 4096]);
        loop {
            let read = stream.read(&mut bytes).await?;
            if read == 0 {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if let Some(response) = reader.receive(&bytes[..read]).map_err(io::Error::other)? {
                self.stream = Some(stream);
                return Ok(response);
            }
        }
    }
}
