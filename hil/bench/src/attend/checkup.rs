//! End of a checkup: the agent answers, and its clock is known.

use super::{Session, network, now_ns};
use crate::words::Blame;
use parallax_agent::protocol::ToBoard;

/// An agent of this version says so.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long a checkup waits for a word over the network, nanoseconds, times the profile's factor: a board may
/// get its address some time after its login.
const PATIENCE_NS: u64 = 10_000_000_000;

impl Session<'_> {
    /// The agent is there.
    pub(super) fn greeted(&mut self, version: &str) {
        if self.attended.is_checkup && version != VERSION {
            return self.blame(Blame::Lab(format!(
                "its agent is of version {version}, not {VERSION}: help: install the agent of this version \
                 (hil/agent/README.md)"
            )));
        }
        self.streams = true;
        self.ask(now_ns());
    }

    /// How long an order waits for the network, nanoseconds.
    pub(super) fn patience_ns(&self) -> u64 {
        if self.attended.is_checkup {
            self.attended.board.console().profile().timeouts.scaled(PATIENCE_NS)
        } else {
            network::PATIENCE_NS
        }
    }

    /// What is known of its clock is as fine as it gets: the board is ordered. A checkup has seen all.
    pub(super) fn order(&mut self, now: u64) {
        self.ordered = true;
        if self.attended.is_checkup {
            return self.attended.stop.now();
        }
        self.attended.clock.settle(now);
        let order = self.attended.order.clone();
        self.say(&ToBoard::Order(Box::new(order)));
    }
}
