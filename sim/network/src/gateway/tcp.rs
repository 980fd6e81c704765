//! How far a TCP connection is, as a gateway sees it pass: RFC 5382 section 5.

use crate::TcpHeader;

/// Which way a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the Internet.
    Out,
    /// To the LAN.
    In,
}

/// What each end has said.
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
        self.opened[end] |= header.syn;
        self.closed[end] |= header.fin;
        self.reset |= header.rst;
    }

    /// Both ends have opened it, and neither has reset nor have both closed it. All else is
    /// transitory, a connection that was opened before the gateway was started included.
    pub(super) fn is_established(&self) -> bool {
        self.opened == [true; 2] && self.closed != [true; 2] && !self.reset
    }
}
