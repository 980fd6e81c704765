//! Prompts that a log line was written over, in the same line.
//!
//! A program that waits for a line has printed its prompt; what another thread or the kernel prints
//! then stands behind it, or within it. The prompt is found in what remains without the log.

use super::{
    LookedAt,
    quotes::{PROMPT_BYTES_MOST, Voice},
    step::{Asked, ConsoleStep, Spoken, StepKind},
};
use crate::{Console, Noted, Pattern, State, lines::Line, signs::SIGNS};

/// Bytes of a line that are kept for its rest, which may follow a log.
const HELD_BYTES_MOST: usize = 256;

/// What is known of prompts that do not stand at the end of all.
#[derive(Clone, Default, Debug)]
pub(crate) struct Prompts {
    /// What stood in lines before the log that was written into them: the line's rest may follow.
    pub(crate) held: Vec<u8>,
    /// A prompt was seen standing in the line that is not over yet.
    pub(crate) stood: bool,
    /// A system runs, and no boot loader any more.
    pub(crate) system: bool,
    /// What asked for a password was written over, and nothing was typed since.
    pub(crate) password: bool,
    /// A replay's: a prompt that was written over, and no step waited for it.
    pub(crate) unanswered: Option<Asked>,
}

impl Prompts {
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A line without the log that was written into it, with what stood before it in earlier lines of that
    /// kind. A line that is a log's alone is no part of any other.
    fn unlog(&mut self, line: &[u8]) -> Unlogged {
        let begins = SIGNS.log_in(line, 0);
        let within = if begins == Some(0) { SIGNS.log_in(line, 1) } else { begins };
        let joined = self.held.len();
        if begins == Some(0) && within.is_none() {
            return Unlogged { text: Vec::new(), logged: false, joined: 0 };
        }
        let mut text = core::mem::take(&mut self.held);
        text.extend_from_slice(line.get(..within.unwrap_or(line.len())).unwrap_or_default());
        if within.is_some() {
            let from = text.len().saturating_sub(HELD_BYTES_MOST);
            self.held.extend_from_slice(text.get(from..).unwrap_or_default());
        }
        Unlogged { text, logged: within.is_some(), joined }
    }
}

/// What remains of a line without the log that was written into it.
struct Unlogged {
    text: Vec<u8>,
    /// The log begins right behind.
    logged: bool,
    /// Number of its first bytes that stood in an earlier line.
    joined: usize,
}

/// A prompt found in a line.
struct Found {
    asked: Asked,
    end: usize,
    /// A log begins right behind it.
    sure: bool,
}

impl Console {
    /// `tail`, with what stood before it in lines that a log was written into.
    pub(crate) fn unlogged(&self, tail: &[u8]) -> Vec<u8> {
        [&self.prompts.held, tail].concat()
    }

    /// A line is over: a prompt may stand in it, and what a log was written into is whole again. `before`
    /// is the state that the line found: what ran had its prompt, and what died in this line has none.
    pub(crate) fn watch_unlogged(&mut self, line: &Line, before: &State, voice: Voice) {
        let stood = core::mem::take(&mut self.prompts.stood);
        let Unlogged { text, logged, joined } = self.prompts.unlog(&line.bytes);
        self.prompts.password |= logged && SIGNS.asks_for_password(&text);
        // What a line says by itself it has said.
        if joined > 0 && voice != Voice::Echo && !self.ends_in(line) {
            let whole = Line::new(text.clone(), joined);
            self.look(|| LookedAt::Whole(whole.clone()));
            self.watch_for_ends(&whole, self.voice(&whole.starts));
        }
        if !stood && (self.state == *before || self.state == State::Booting) {
            self.prompt_in(&text, logged, &line.bytes);
        }
        let booting = self.state == State::Booting;
        if (booting || self.resets.waits_for_a_reason()) && SIGNS.is_of_a_system(&line.bytes) {
            self.prompts.system |= booting;
            // The boot loader has told all that it tells.
            if self.resets.waits_for_a_reason() {
                self.reason_is(None);
            }
        }
        if self.state != *before && matches!(self.state, State::Dead(_)) {
            // Nothing that stood there goes on.
            self.prompts.held.clear();
        }
    }

    /// Whether a line tells of a boot, a reset, a death, or warns.
    fn ends_in(&self, line: &Line) -> bool {
        let deaths = self.profile.deaths.iter().map(|death| &death.pattern);
        deaths.chain(&self.profile.banners).any(|pattern| pattern.is_new_in(line))
            || SIGNS.reason(line).is_some()
            || SIGNS.restart(line).is_some()
            || SIGNS.warns(line)
    }

    /// All is quiet: what stands at the end, with what stood before it in lines that something was written
    /// into. A log of any form may have been.
    pub(crate) fn quiet_text(&self, tail: Vec<u8>) -> Vec<u8> {
        let waits = matches!(self.state, State::Booting | State::Unknown | State::Dead(_));
        if !waits || tail.is_empty() || self.asks_in(&tail) {
            return tail;
        }
        let whole = self.unlogged(&tail);
        if self.asks_in(&whole) {
            return whole;
        }
        let before = self.last_line.as_deref().unwrap_or_default();
        let before = before.get(..PROMPT_BYTES_MOST.min(before.len())).unwrap_or_default();
        let prompts = self.expected(Spoken::Nothing, true);
        let joins = |end: usize| {
            let text = [before.get(..end)?, &tail].concat();
            // It begins the line, and goes on behind the log.
            let is_prompt =
                |pattern: &Pattern| pattern.end_starts_at(&text).is_some_and(|start| start < end);
            let found = prompts.iter().any(|(_, pattern, _)| is_prompt(pattern));
            found.then_some(text)
        };
        let joined = (1..=before.len()).find_map(joins);
        joined.unwrap_or(tail)
    }

    /// All is quiet, and what stands at the end is no prompt: a log without a line end may stand behind
    /// one.
    pub(crate) fn prompt_before_log(&mut self, tail: &[u8]) {
        if let Some(log) = SIGNS.log_in(tail, 0) {
            let text = self.unlogged(tail.get(..log).unwrap_or_default());
            self.prompts.password |= SIGNS.asks_for_password(&text);
            self.prompts.stood = self.prompt_in(&text, true, tail);
        }
    }

    fn prompt_in(&mut self, text: &[u8], logged: bool, line: &[u8]) -> bool {
        let Some(Found { asked, end, sure }) = self.overwritten(text, logged) else { return false };
        self.prompts.held.clear();
        let prompt = text.get(..end).unwrap_or_default().to_vec();
        self.note(Noted::WrittenOver, line);
        let line = line.to_vec();
        let waited_for = self.step.is_some();
        self.look(|| LookedAt::WrittenOver { prompt, line, waited_for });
        let now = self.now;
        let due = self.within(self.profile.timeouts.prompt_ns.max(1)).max(now + 1);
        let replays = self.looked.is_some();
        let Some(ConsoleStep {
            kind: StepKind::Ready { spoken, probe, buried, .. },
            knocks_ns,
            ..
        }) = &mut self.step
        else {
            self.prompts.unanswered = Some(asked);
            return true;
        };
        // It answers what was typed, and the program waits for a line: else an empty line asks.
        if replays || (sure && probe.is_none() && *spoken != Spoken::Nothing) {
            self.answer(asked);
        } else {
            *buried = true;
            knocks_ns.get_or_insert(due);
        }
        true
    }

    /// The prompt in a text, if one may be there now.
    fn overwritten(&self, text: &[u8], logged: bool) -> Option<Found> {
        let text = text.get(..PROMPT_BYTES_MOST.min(text.len()))?;
        let spoken = match self.step.as_ref().map(|step| &step.kind) {
            Some(StepKind::Ready { spoken, .. }) => *spoken,
            Some(StepKind::Command { .. }) => return None,
            None if self.looked.is_some() => Spoken::Nothing,
            None => return None,
        };
        let unknown = match &self.state {
            State::Booting => false,
            State::Unknown => true,
            State::Dead(why) => matches!(why, crate::DeathCause::Said(..)),
            State::Off | State::Ready | State::Streaming => return None,
        };
        let mut found = None;
        for (asked, pattern, sure_only) in self.expected(spoken, unknown) {
            let anywhere = asked != Asked::Command;
            let here = |end: usize, sure: bool| {
                let start = pattern.end_starts_at(text.get(..end)?)?;
                let first = text.get(..start)?.iter().all(|byte| *byte == b' ');
                (anywhere || sure || first).then_some(Found { asked, end, sure })
            };
            // Prompts end in something else than a word.
            let mut ends = (1..text.len()).filter(|end| !text[end - 1].is_ascii_alphanumeric());
            let sure = logged.then(|| here(text.len(), true)).flatten();
            let other = || ends.find_map(|end| here(end, false)).filter(|_| !sure_only && !logged);
            found = found.or_else(|| sure.or_else(other));
        }
        found
    }

    /// Prompts that may come now, and whether only where a log begins right behind.
    fn expected(&self, spoken: Spoken, unknown: bool) -> Vec<(Asked, &Pattern, bool)> {
        let command = (Asked::Command, &self.profile.prompt, false);
        let Some(login) = &self.profile.login else { return vec![command] };
        let user = |sure_only| (Asked::User, &login.prompt, sure_only);
        let password = login.password.as_ref().map(|(prompt, _)| (Asked::Password, prompt, false));
        match spoken {
            // Before the login no shell takes commands, and much of a boot looks like a short prompt.
            Spoken::Nothing | Spoken::Line if !unknown => vec![user(false)],
            Spoken::Nothing | Spoken::Line => vec![user(false), command],
            // `Last login: ` is none.
            Spoken::User => password.into_iter().chain([command, user(true)]).collect(),
            Spoken::Password => vec![command, user(true)],
        }
    }
}
