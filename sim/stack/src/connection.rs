//! One TCP connection: its state beside that of smoltcp.

use core::{fmt, task::Poll};
use smoltcp::{
    iface::SocketHandle,
    socket::tcp::{CongestionControl, RecvError, Socket, SocketBuffer, State},
    time::Duration,
};
use std::io;

/// Bytes that wait in each direction. A power of two, scaled by one bit in the window.
const QUEUE_BYTES: usize = 64 * 1024;
/// "For a SYN segment ... R2 MUST be set large enough to provide retransmission of the segment for
/// at least 3 minutes" (RFC 9293, MUST-23).
pub(crate) const OPENING_TIMEOUT: Duration = Duration::from_secs(180);
/// "The value of R2 SHOULD correspond to at least 100 seconds" (RFC 9293, SHLD-11).
const DATA_TIMEOUT: Duration = Duration::from_secs(100);
/// How long a dropped connection waits for the other end to finish.
const RELEASED_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a connection carries no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionError {
    /// There is no listener, or its backlog is full.
    Refused,
    /// The other end reset it.
    Reset,
    /// The other end has not answered for too long.
    TimedOut,
    /// This end has closed or aborted it, or the host was restarted.
    Closed,
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "failed to connect: refused",
            Self::Reset => "failed to go on: connection reset by the other end",
            Self::TimedOut => "failed to reach the other end in time",
            Self::Closed => "failed to go on: connection closed at this end",
        })
    }
}

impl core::error::Error for ConnectionError {}

impl From<ConnectionError> for io::Error {
    fn from(error: ConnectionError) -> Self {
        let kind = match error {
            ConnectionError::Refused => io::ErrorKind::ConnectionRefused,
            ConnectionError::Reset => io::ErrorKind::ConnectionReset,
            ConnectionError::TimedOut => io::ErrorKind::TimedOut,
            ConnectionError::Closed => io::ErrorKind::BrokenPipe,
        };
        Self::new(kind, error)
    }
}

/// Why a connection or listener was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackError {
    /// There is a listener on the port.
    PortInUse,
    /// All ephemeral ports are taken.
    NoPort,
    /// Port 0 or the address 0.0.0.0 as a destination, or a backlog of none.
    Unaddressable,
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PortInUse => "failed to listen: the port is in use",
            Self::NoPort => "failed to find a free ephemeral port",
            Self::Unaddressable => "failed to connect or listen: no possible address",
        })
    }
}

impl core::error::Error for StackError {}

impl From<StackError> for io::Error {
    fn from(error: StackError) -> Self {
        let kind = match error {
            StackError::PortInUse | StackError::NoPort => io::ErrorKind::AddrInUse,
            StackError::Unaddressable => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

/// What made a connection change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionCause {
    Packet,
    Timer,
}

#[derive(Debug)]
pub(crate) struct ConnectionEntry {
    pub(crate) handle: SocketHandle,
    /// As of the last [`ConnectionEntry::settle`].
    state: State,
    error: Option<ConnectionError>,
    /// Dropped: it goes once it has said goodbye.
    pub(crate) released: bool,
}

/// A closed socket of ours.
pub(crate) fn socket() -> Socket<'static> {
    let queue = || SocketBuffer::new(vec![0; QUEUE_BYTES]);
    let mut socket = Socket::new(queue(), queue());
    // Messages are small and answered: they shall not wait for each other.
    socket.set_nagle_enabled(false);
    // Reno counts in integers. Without any, smoltcp fills the bottleneck queue with a window.
    socket.set_congestion_control(CongestionControl::Reno);
    socket
}

impl ConnectionEntry {
    pub(crate) fn new(handle: SocketHandle, state: State) -> Self {
        Self { handle, state, error: None, released: false }
    }

    /// Notes what became of the connection. To smoltcp every end is `Closed`, whatever led there:
    /// what it was before, and whether a packet or a timer changed it, tells them apart.
    pub(crate) fn settle(&mut self, socket: &mut Socket<'_>, cause: ConnectionCause) {
        // RFC 9293 section 3.6.1: after a close, data that will not be read is answered by a reset.
        if self.released && socket.can_recv() {
            socket.abort();
        }
        let state = socket.state();
        if state == State::Closed && self.error.is_none() {
            self.error = match (self.state, cause) {
                (State::Closed | State::TimeWait, _)
                | (State::LastAck, ConnectionCause::Packet) => None,
                (_, ConnectionCause::Timer) => Some(ConnectionError::TimedOut),
                (State::SynSent | State::SynReceived, ConnectionCause::Packet) => {
                    Some(ConnectionError::Refused)
                }
                (_, ConnectionCause::Packet) => Some(ConnectionError::Reset),
            };
        }
        self.state = state;
        // Smoltcp counts its timeout from the last packet that came, even if nothing was sent: a
        // connection that idles would die. It is armed while an answer is due.
        socket.set_timeout(match state {
            State::SynSent | State::SynReceived => Some(OPENING_TIMEOUT),
            State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck
                if self.released =>
            {
                Some(RELEASED_TIMEOUT)
            }
            State::FinWait1 | State::Closing | State::LastAck => Some(DATA_TIMEOUT),
            _ if socket.send_queue() > 0 => Some(DATA_TIMEOUT),
            _ => None,
        });
    }

    /// This end ends it.
    pub(crate) fn fail(&mut self, error: ConnectionError) {
        self.error.get_or_insert(error);
        self.state = State::Closed;
    }

    pub(crate) fn send(
        &self,
        socket: &mut Socket<'_>,
        data: &[u8],
    ) -> Poll<Result<usize, ConnectionError>> {
        if opening(socket) {
            return Poll::Pending;
        }
        match socket.send_slice(data) {
            Ok(0) if !data.is_empty() => Poll::Pending,
            Ok(sent) => {
                // From here on an answer is due: see `settle`.
                socket.set_timeout(Some(DATA_TIMEOUT));
                Poll::Ready(Ok(sent))
            }
            Err(_) => Poll::Ready(Err(self.error.unwrap_or(ConnectionError::Closed))),
        }
    }

    pub(crate) fn receive(
        &self,
        socket: &mut Socket<'_>,
        data: &mut [u8],
    ) -> Poll<Result<usize, ConnectionError>> {
        if opening(socket) {
            return Poll::Pending;
        }
        match socket.recv_slice(data) {
            Ok(0) if !data.is_empty() => Poll::Pending,
            Ok(received) => Poll::Ready(Ok(received)),
            Err(RecvError::Finished) => Poll::Ready(Ok(0)),
            // After TIME-WAIT smoltcp forgets that the other end had finished.
            Err(RecvError::InvalidState) => Poll::Ready(self.error.map_or(Ok(0), Err)),
        }
    }

    pub(crate) fn readable(socket: &Socket<'_>) -> bool {
        !opening(socket) && (socket.can_recv() || !socket.may_recv())
    }

    pub(crate) fn writable(socket: &Socket<'_>) -> bool {
        !opening(socket) && (socket.can_send() || !socket.may_send())
    }
}

fn opening(socket: &Socket<'_>) -> bool {
    matches!(socket.state(), State::SynSent | State::SynReceived)
}
