//! State of a TCP connection as a gateway sees it pass: RFC 5382 section 5.

use crate::TcpHeader;

/// Which way a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the Internet.
    Out,
    /// To the LAN.
    In,
}

/// The phases of RFC 5382 section 5, with the resets of RFC 7857 section 2.
#[derive(Debug, Default)]
pub(super) struct TcpState {
    opened: [bool; 2],
    closed: [bool; 2],
    reset: bool,
}

impl TcpState {
    /// A segment passes.
    pub(super) fn see(&mut self, header: &TcpHeader, direction: Direction) {
        let end = direction as usize;
        if header.syn && (self.reset || self.closed == [true; 2]) {
            // The same endpoints open another connection.
            *self = Self::default();
        }
        // An acknowledgement without a SYN before it belongs to a connection that is older than this
        // session: the gateway was started or the session expired in between.
        self.opened[end] |= !header.rst && (header.syn || header.acknowledgement.is_some());
        self.closed[end] |= header.fin;
        // Any other segment after a reset shows that the connection outlived it.
        self.reset = header.rst;
    }

    /// Both ends have opened it, not both have closed it, and the last segment did not reset it.
    /// Everything else is transitory.
    pub(super) fn is_established(&self) -> bool {
        self.opened == [true; 2] && self.closed != [true; 2] && !self.reset
    }
}
