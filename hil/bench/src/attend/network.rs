//! Clock questions over the network, finer than those over the console: no console's pace is in them.

use super::{Session, now_ns};
use parallax_agent::protocol::{self, ToBoard};
use parallax_record::Event;
use std::{collections::BTreeMap, sync::atomic::Ordering};

/// Questions before the order: each may narrow what is known.
const FIRST: u32 = 8;
/// How long an order waits for them, nanoseconds: a board whose network is not up is ordered without.
pub(super) const PATIENCE_NS: u64 = 500_000_000;
/// From one to the next, nanoseconds, before the order and after it.
const EARLY_NS: u64 = 5_000_000;
const LATER_NS: u64 = 250_000_000;
/// Questions without an answer, at most: older ones are given up.
const WAITING: usize = 16;

/// What goes on about the board's clock over the network.
#[derive(Debug, Default)]
pub(super) struct OverNetwork {
    /// When the board was asked to listen.
    begun_ns: Option<u64>,
    /// Where it does.
    port: Option<u16>,
    next_ns: u64,
    questions: u32,
    answers: u32,
    asked: BTreeMap<u32, u64>,
}

impl OverNetwork {
    pub(super) fn is_begun(&self) -> bool {
        self.begun_ns.is_some()
    }

    pub(super) fn listens(&mut self, port: u16) {
        self.port = Some(port);
    }

    /// Whether the order need not wait for it any more.
    pub(super) fn is_done(&self, now: u64, patience_ns: u64) -> bool {
        let over = |begun: u64| now > begun.saturating_add(patience_ns);
        self.answers >= FIRST || self.begun_ns.is_some_and(over)
    }

    /// How many answers came.
    pub(super) fn answers(&self) -> u32 {
        self.answers
    }
}

impl Session<'_> {
    /// Tells the board to listen.
    pub(super) fn begin_over_network(&mut self) {
        self.over_network.begun_ns = Some(now_ns());
        let towards = self.attended.order.rendezvous;
        self.say(&ToBoard::ClockSocket { towards });
    }

    /// Takes answers, and asks.
    pub(super) fn clock_over_network(&mut self, now: u64) {
        while let Ok(came) = self.attended.came.try_recv() {
            let answer = protocol::read_clock_answer(self.attended.nonce, &came.payload);
            let Some((number, board_ns)) = answer else { continue };
            let Some(sent_ns) = self.over_network.asked.remove(&number) else { continue };
            self.over_network.answers += 1;
            self.exchanged(sent_ns, board_ns, came.at_ns);
        }
        let own = &mut self.over_network;
        let Some(port) = own.port.filter(|_| now >= own.next_ns) else { return };
        own.next_ns = now.saturating_add(if self.ordered { LATER_NS } else { EARLY_NS });
        let number = own.questions;
        let question = protocol::clock_question(self.attended.nonce, number);
        if let Some(sent_ns) = self.attended.line.send(port, &question) {
            own.questions += 1;
            own.asked.insert(number, sent_ns);
            if own.asked.len() > WAITING {
                own.asked.pop_first();
            }
        }
    }

    /// Takes a clock question and its answer, whatever way they went.
    pub(super) fn exchanged(&mut self, sent_ns: u64, board_ns: u64, at_ns: u64) {
        if !self.attended.clock.take(sent_ns, board_ns, at_ns) {
            self.heard.jumped = true;
            let now = self.now();
            self.tell(now, Event::ClockJumped);
        }
        let bound_us = self.attended.clock.bound_us();
        self.attended.bound_us.fetch_max(bound_us, Ordering::Relaxed);
    }
}
