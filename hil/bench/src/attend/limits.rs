//! Time limits of an agent, and the blame when they pass.

use super::{Session, now_ns};
use crate::words::Blame;
use parallax_agent::protocol::ToBoard;
use parallax_board::OpenError;
use parallax_record::counted;

/// How long the agent may take to end, nanoseconds; times the profile's factor, as all here.
const ENDING_NS: u64 = 10_000_000_000;
/// An agent that runs answers clock questions: one that has said nothing for this time is silent.
const SILENCE_NS: u64 = 10_000_000_000;
/// How long a port may be gone, nanoseconds.
const GONE_NS: u64 = 10_000_000_000;
/// From one word about what is broken to the next, at least, nanoseconds: a console that takes nothing
/// is not to get notes of it without end.
const BROKEN_NS: u64 = 100_000_000;

impl Session<'_> {
    /// Nothing is waited for without end.
    pub(super) fn limits(&mut self, now: u64) {
        let timeouts = self.attended.board.console().profile().timeouts;
        let longer = |since: Option<u64>, most: u64| {
            since.is_some_and(|since| now > since.saturating_add(timeouts.scaled(most)))
        };
        let seconds = |most: u64| timeouts.scaled(most) / 1_000_000_000;
        let runs = self.over_ns.is_none() && self.gone_ns.is_none();
        if longer(self.gone_ns, GONE_NS) {
            let blame = match self.not_opened.take() {
                Some(error) => Blame::Lab(format!("its port is there again: {error}")),
                // Pulled out, or a board that carries its own adapter and has died: that looks the same.
                None => Blame::Unknown(
                    "its port was gone, and did not come back: help: see whether it is plugged in, and \
                     whether the board has power"
                        .to_owned(),
                ),
            };
            self.blame(blame);
        } else if longer(self.over_ns, ENDING_NS) {
            self.note("the agent did not end when it was told to");
            self.ended = true;
        } else if runs && !self.streams && longer(self.started_ns, SILENCE_NS) {
            let seconds = seconds(SILENCE_NS);
            self.blame(Blame::Unknown(format!(
                "its agent was started, and has said nothing in {seconds} s{}: help: console.txt has what \
                 was typed; if some of it is lost, its profile's `transmit_delay` is wrong",
                self.damage_told()
            )));
        } else if runs && self.streams && longer(Some(self.heard_ns), SILENCE_NS) {
            let seconds = seconds(SILENCE_NS);
            let blame = if self.damaged_since_heard > 0 {
                // It speaks, and is not understood: its adapter or its wire may be at fault.
                let damage = self.damage_told();
                Blame::Unknown(format!(
                    "nothing that its agent said in {seconds} s came whole{damage}"
                ))
            } else {
                Blame::Device(format!("its agent has said nothing for {seconds} s"))
            };
            self.blame(blame);
        }
    }

    fn damage_told(&self) -> String {
        match self.damaged_since_heard {
            0 => String::new(),
            damaged => format!(
                ": {} came damaged (see whether its wire and its rate are right)",
                counted(damaged, "frame")
            ),
        }
    }

    /// A board that ended by itself has failed. Its port may be seen to go before its process ends.
    pub(super) fn process(&mut self) {
        if self.gone_ns.is_some()
            && let Some(how) = self.attended.power.ended()
        {
            self.blame(Blame::Device(format!("its process ended: {how}")));
        }
    }

    /// The port is gone, or there again.
    pub(super) fn outage(&mut self, at_ns: u64, gone: bool) {
        self.gone_ns = gone.then_some(at_ns);
        self.not_opened = None;
        self.note(if gone { "its port is gone" } else { "its port is there again" });
        if self.streams {
            // How much it said meanwhile, the numbers of its frames tell.
            self.broken();
        }
    }

    /// It is there, and cannot be opened. What was just plugged in may have no owner yet: it is tried
    /// again until it has been gone for too long.
    pub(super) fn not_opened(&mut self, error: &OpenError) {
        self.note(&format!("its port is there again and cannot be opened: {error}"));
        self.not_opened = Some(error.to_string());
    }

    /// The run is over: the agent gets `Stop`, once. Before, it is asked for its time once more: a clock
    /// that jumped since it was asked last is seen by nothing else.
    pub(super) fn over(&mut self) {
        if self.over_ns.is_some() {
            return;
        }
        let now = now_ns();
        self.over_ns = Some(now);
        if self.streams {
            // It answers before it ends, and films no longer than it has to.
            self.ask(now);
            self.say(&ToBoard::Stop);
            return;
        }
        if !self.attended.stop.asked() {
            // Too slow, or not understood: unknown before the time of a boot is over.
            let what = if self.started_ns.is_some() {
                format!("its agent had said nothing when the run was over{}", self.damage_told())
            } else {
                "it was not up when the run was over: help: see console.txt; a run that is longer than \
                 its profile's boot_timeout tells more"
                    .to_owned()
            };
            self.blame(Blame::Unknown(what));
        }
        self.ended = true;
    }

    /// What was said about streams is not whole any more, the one way or the other.
    pub(super) fn broken(&mut self) {
        let _ = self.attended.to_proxy.send(parallax_agent::protocol::FromBoard::Broken);
        self.owes_broken = true;
    }

    /// Tells the board what is broken.
    pub(super) fn tell_broken(&mut self, now: u64) {
        if self.owes_broken && now >= self.next_broken_ns {
            self.owes_broken = false;
            self.next_broken_ns = now.saturating_add(BROKEN_NS);
            self.say(&ToBoard::Broken);
        }
    }
}
