//! Progress of the current step by lines and prompts.

use super::{
    LookedAt,
    quotes::Voice,
    step::{Asked, CommandPhase, ConsoleStep, Spoken, StepKind},
};
use crate::{
    CommandId, CommandStyle, Console, ConsoleOutput, DeathCause, FirmwareEvent, Limit, Noted,
    RequestRefusal, State, StepOutcome, command::Markers, lines::Line, signs::SIGNS,
};

/// Bytes of a command's output that are kept, at most.
const SAID_BYTES_MOST: usize = 64 * 1024;
/// Bytes of a line that goes into a cause, at most.
const CAUSE_BYTES_MOST: usize = 256;
/// How often a login is tried.
const LOGINS_MOST: u32 = 3;
/// How often an empty line may be typed after a user: it may be taken for a password.
const EMPTIES_MOST: u32 = 1;

impl Console {
    pub(crate) fn markers(&mut self) -> Markers {
        let markers = Markers::new(self.nonce, self.commands);
        self.commands += 1;
        markers
    }

    pub(crate) fn type_line(&mut self, text: &[u8], secret: bool) -> Result<(), RequestRefusal> {
        let line = [text, &self.profile.line_end].concat();
        self.send(line, secret)
    }

    /// An empty line, to get a prompt; none where it may be taken for a password.
    fn type_empty(&mut self) {
        let text = self.unlogged(&self.tail().0);
        let password = self.prompts.password || SIGNS.asks_for_password(&text);
        let Some(ConsoleStep { kind: StepKind::Ready { spoken, empties, .. }, .. }) =
            &mut self.step
        else {
            return;
        };
        let after_user = *spoken == Spoken::User;
        if password || (after_user && *empties >= EMPTIES_MOST) {
            return;
        }
        if after_user {
            *empties += 1;
        } else {
            *spoken = Spoken::Line;
        }
        // If too much waits, it is typed again later.
        let _ = self.type_line(&[], false);
    }

    pub(crate) fn make_ready(&mut self, id: CommandId) -> Result<(), RequestRefusal> {
        if self.step.is_some() {
            return Err(RequestRefusal::Busy);
        }
        match self.state {
            State::Off => return Err(RequestRefusal::Off),
            // What stands there already may be what it asks.
            State::Booting if self.settles_ns.is_none() && !self.tail().0.is_empty() => {
                self.settles_ns = Some(self.now.saturating_add(self.profile.settle_ns.max(1)));
            }
            State::Booting => {}
            _ => {
                self.last_line = None;
                self.forget_boots();
                self.change(State::Unknown);
            }
        }
        let kind = StepKind::Ready {
            knocks: 0,
            logins: 0,
            missed: false,
            probe: None,
            spoken: Spoken::Nothing,
            buried: false,
            empties: 0,
        };
        let ends_ns = Some(self.within(self.profile.timeouts.boot_ns));
        self.step = Some(ConsoleStep { id, ends_ns, knocks_ns: None, kind });
        if self.state == State::Unknown {
            self.type_line(&[], false)?;
            if let Some(ConsoleStep { kind: StepKind::Ready { spoken, .. }, .. }) = &mut self.step {
                *spoken = Spoken::Line;
            }
        }
        self.arm_knock();
        Ok(())
    }

    /// From now on the board has the time of a prompt to answer. While it boots it is asked only where that
    /// stops no boot loader.
    pub(crate) fn arm_knock(&mut self) {
        let at = self.within(self.profile.timeouts.prompt_ns.max(1)).max(self.now + 1);
        let knocks = self.state == State::Unknown || self.profile.wakes_by_line;
        let knocks = knocks || self.prompts.system;
        if let Some(step) = &mut self.step
            && let StepKind::Ready { probe, missed, buried, .. } = &step.kind
        {
            step.knocks_ns = (knocks || *missed || *buried || probe.is_some()).then_some(at);
        }
    }

    /// The port was gone. If it boots, it may have asked who logs in meanwhile, and says no more: when it
    /// has been quiet for the time of a prompt, an empty line asks. A boot loader that counts is not.
    pub(crate) fn missed(&mut self) {
        if let Some(ConsoleStep { kind: StepKind::Ready { missed, .. }, .. }) = &mut self.step {
            *missed = true;
            self.arm_knock();
        }
    }

    /// Bytes came: it is not quiet. A prompt that was written over is asked for all the same: a system
    /// may log without end.
    pub(crate) fn still_speaks(&mut self) {
        if self.state == State::Booting
            && let Some(ConsoleStep { kind: StepKind::Ready { missed, buried: false, .. }, .. }) =
                &self.step
            && (*missed || self.prompts.system)
        {
            self.arm_knock();
        }
    }

    /// A frame of the stream that was asked for came.
    pub(crate) fn stream_begun(&mut self) {
        let streams = |step: &ConsoleStep| {
            matches!(step.kind, StepKind::Command { streams: true, begun: false, .. })
        };
        if self.step.as_ref().is_some_and(streams) {
            self.begun();
        }
    }

    /// No prompt came: an empty line asks for one, unless it was asked often enough.
    pub(crate) fn knock(&mut self) {
        let most = self.profile.timeouts.knocks;
        let unknown = self.state == State::Unknown;
        let Some(ConsoleStep { kind: StepKind::Ready { knocks, .. }, .. }) = &mut self.step else {
            return;
        };
        *knocks += 1;
        // A boot has the time of its step, however often it is knocked.
        if unknown && *knocks >= most {
            return self.no_prompt(Limit::Prompt);
        }
        self.type_empty();
        self.arm_knock();
    }

    pub(crate) fn step_timed_out(&mut self) {
        match &self.step {
            Some(ConsoleStep { kind: StepKind::Ready { .. }, .. }) => self.no_prompt(Limit::Step),
            _ => {
                // It died, and went on to speak.
                self.reason_is(None);
                self.break_off(StepOutcome::TimedOut(Limit::Step));
            }
        }
    }

    fn no_prompt(&mut self, limit: Limit) {
        let mut heard = self.last_line.take();
        if let Some(tail) = Some(self.tail().0).filter(|tail| !tail.is_empty()) {
            heard = Some(self.kept(&tail));
        }
        self.finish(StepOutcome::TimedOut(limit));
        self.die(heard.map_or(DeathCause::Silent, DeathCause::NoPrompt));
    }

    /// What stands at the end, and is no line yet; how much of it was in the line before.
    pub(crate) fn tail(&self) -> (Vec<u8>, usize) {
        let (tail, seen) = self.lines.tail();
        ([tail, self.scanner.held()].concat(), seen)
    }

    /// A line is over.
    pub(crate) fn line(&mut self, line: &Line) {
        let fresh = line.bytes.get(line.seen..).unwrap_or_default();
        self.look(|| LookedAt::Line(line.clone()));
        self.output(ConsoleOutput::Line(fresh.to_vec()));
        self.last_line = Some(self.kept(&line.bytes));
        let before = self.state.clone();
        let voice = self.hear_line(line);
        self.hear_speaker(line);
        self.watch_for_ends(line, voice);
        self.watch_for_words_further_on(line, voice);
        self.resets.hear_time(line);
        self.watch_unlogged(line, &before, voice);
        self.watch_firmware(line);
        self.follow(line, fresh);
    }

    /// Before it is known what the board does, what it says may be an earlier run's.
    fn is_heard(&self) -> bool {
        matches!(self.state, State::Booting | State::Ready | State::Streaming)
    }

    fn watch_firmware(&mut self, line: &Line) {
        let Some(firmware) = self.profile.firmware.as_ref().filter(|_| self.is_heard()) else {
            return;
        };
        let told = firmware.events.iter().filter(|(_, said)| said.is_new_in(line));
        let mut told: Vec<FirmwareEvent> = told.map(|(event, _)| *event).collect();
        told.dedup();
        for event in told {
            self.output(ConsoleOutput::Firmware(event, self.kept(&line.bytes)));
        }
    }

    fn watch_for_death(&mut self, line: &Line, voice: Voice) {
        if !self.is_heard() {
            return;
        }
        let said = self.profile.deaths.iter().find(|death| death.pattern.is_new_in(line));
        if let Some(kind) = said.map(|death| death.kind) {
            let voice = self.voice_of_death(line, voice);
            self.ends_by(DeathCause::Said(kind, self.kept(&line.bytes)), voice);
        }
    }

    /// Words of a death that stand further on in a line than where a message begins.
    fn watch_for_words_further_on(&mut self, line: &Line, voice: Voice) {
        let counts = matches!(voice, Voice::Own | Voice::Doubtful);
        if !counts || !self.is_heard() {
            return;
        }
        let mut deaths = self.profile.deaths.iter();
        if deaths.any(|death| death.pattern.is_new_in(line)) {
            return;
        }
        let mut deaths = self.profile.deaths.iter();
        if let Some(death) = deaths.find(|death| death.pattern.breaks_in(line)) {
            let kind = death.kind;
            self.may_end_by(DeathCause::Said(kind, self.kept(&line.bytes)), line);
        }
    }

    /// Boots, resets, deaths and warnings.
    pub(crate) fn watch_for_ends(&mut self, line: &Line, voice: Voice) {
        if voice == Voice::Echo {
            return;
        }
        self.watch_for_boot(line);
        if !self.watch_for_reason(line) {
            self.watch_for_death(line, voice);
            self.watch_for_words(line, voice);
        }
    }

    /// What a line says of a restart, and warnings.
    fn watch_for_words(&mut self, line: &Line, voice: Voice) {
        if self.is_heard() && voice != Voice::Quoted {
            self.watch_for_restart(line);
            if SIGNS.warns(line) {
                self.note(Noted::Warning, &line.bytes);
            }
        }
    }

    /// As much of a line as is kept, without the login's password.
    pub(crate) fn kept(&self, line: &[u8]) -> Vec<u8> {
        let mut line = line.get(..CAUSE_BYTES_MOST).unwrap_or(line).to_vec();
        let login = self.profile.login.as_ref();
        if let Some((_, secret)) = login.and_then(|login| login.password.as_ref()) {
            secret.star(&mut line);
        }
        line
    }

    fn follow(&mut self, line: &Line, fresh: &[u8]) {
        let Some(step) = &mut self.step else { return };
        match &mut step.kind {
            StepKind::Ready { probe, .. } => {
                if probe.as_ref().is_some_and(|markers| markers.end_in(&line.bytes).is_some()) {
                    return self.ready();
                }
                let login = self.profile.login.as_ref();
                let refused = login.and_then(|login| login.refused.as_ref());
                if refused.is_some_and(|refused| refused.is_new_in(line)) {
                    self.die(DeathCause::LoginRefused);
                }
            }
            StepKind::Command {
                phase: CommandPhase::Plain(text),
                begun,
                said,
                unkept_bytes,
                ..
            } => {
                if *begun {
                    keep(said, unkept_bytes, fresh);
                } else if line.bytes.ends_with(text.trim_end().as_bytes()) {
                    self.begun();
                }
            }
            StepKind::Command {
                phase: CommandPhase::Marked(markers),
                begun,
                said,
                unkept_bytes,
                ..
            } => {
                if !*begun {
                    let Some(end) = markers.begin_in(&line.bytes) else { return };
                    let rest = line.bytes.get(end..).unwrap_or_default();
                    if !rest.is_empty() {
                        keep(said, unkept_bytes, rest);
                    }
                    return self.begun();
                }
                let Some((start, status)) = markers.end_in(&line.bytes) else {
                    return keep(said, unkept_bytes, fresh);
                };
                let before = line.bytes.get(line.seen..start).unwrap_or_default();
                if !before.is_empty() {
                    keep(said, unkept_bytes, before);
                }
                self.done(Some(status));
            }
        }
    }

    pub(crate) fn ready(&mut self) {
        self.change(State::Ready);
        self.finish(StepOutcome::Done { status: None, said: Vec::new(), unkept_bytes: 0 });
    }

    fn begun(&mut self) {
        let Some(step) = &mut self.step else { return };
        let StepKind::Command { begun, streams, .. } = &mut step.kind else { return };
        *begun = true;
        if *streams {
            // A stream lasts as long as the run lets it.
            step.ends_ns = None;
            self.output_is_own();
            self.change(State::Streaming);
        }
    }

    fn done(&mut self, status: Option<u32>) {
        let Some(ConsoleStep { kind: StepKind::Command { said, unkept_bytes, .. }, .. }) =
            &mut self.step
        else {
            return;
        };
        let said = core::mem::take(said);
        let unkept_bytes = *unkept_bytes;
        self.command_ends(status.is_some());
        if self.step.is_none() {
            return;
        }
        self.change(State::Ready);
        self.finish(StepOutcome::Done { status, said, unkept_bytes });
    }

    /// All is quiet: what stands at the end may be a prompt.
    pub(crate) fn settled(&mut self) {
        let (tail, seen) = self.tail();
        let waited_for = self.step.is_some();
        let text = self.quiet_text(tail.clone());
        self.look(|| LookedAt::Quiet(text.clone(), waited_for));
        for end in [Line::new(tail.clone(), seen), Line::new(self.unlogged(&tail), 0)] {
            self.watch_for_death(&end, self.voice_of_end(&end));
        }
        match self.asked(&text) {
            Some(Asked::Command) => self.prompt_stands(&text),
            // A boot that has come to its login tells no reason any more.
            Some(_) => {
                self.words_were_quoted();
                self.reason_is(None);
            }
            None => {}
        }
        let prompt = self.profile.prompt.is_in(&text);
        self.prompts.stood = self.asks_in(&text);
        match self.step.as_ref().map(|step| &step.kind) {
            Some(StepKind::Ready { .. }) => match self.asked(&text) {
                Some(asked) => self.answer(asked),
                None => self.prompt_before_log(&tail),
            },
            Some(StepKind::Command { phase: CommandPhase::Plain(_), begun: true, .. })
                if prompt =>
            {
                self.done(None);
            }
            None if self.looked.is_some() && !self.prompts.stood => self.prompt_before_log(&tail),
            _ => {}
        }
    }

    /// Whether a text asks for a user, a password, a command.
    pub(crate) fn asks_in(&self, text: &[u8]) -> bool {
        self.asked(text).is_some()
    }

    fn asked(&self, tail: &[u8]) -> Option<Asked> {
        if let Some(login) = &self.profile.login {
            if login.prompt.is_in(tail) {
                return Some(Asked::User);
            }
            if login.password.as_ref().is_some_and(|(prompt, _)| prompt.is_in(tail)) {
                return Some(Asked::Password);
            }
        }
        self.profile.prompt.is_in(tail).then_some(Asked::Command)
    }

    pub(crate) fn answer(&mut self, asked: Asked) {
        self.prompts.password = false;
        let login = self.profile.login.clone();
        // When too much waits to be sent, the knock asks again.
        match asked {
            Asked::User => {
                let Some(ConsoleStep { kind: StepKind::Ready { logins, .. }, .. }) = &mut self.step
                else {
                    return;
                };
                *logins += 1;
                // Who logs in again and again in a recording was not refused by that.
                if *logins > LOGINS_MOST && self.looked.is_none() {
                    return self.die(DeathCause::LoginRefused);
                }
                let user = login.map(|login| login.user).unwrap_or_default();
                let _ = self.type_line(user.as_bytes(), false);
                self.spoke(Spoken::User);
            }
            Asked::Password => {
                if let Some((_, secret)) = login.and_then(|login| login.password) {
                    let _ = self.type_line(secret.bytes(), true);
                }
                self.spoke(Spoken::Password);
            }
            Asked::Command if self.profile.style == CommandStyle::Plain => return self.ready(),
            Asked::Command => {
                let markers = self.markers();
                let _ = self.type_line(markers.around("").as_bytes(), false);
                if let Some(ConsoleStep { kind: StepKind::Ready { probe, .. }, .. }) =
                    &mut self.step
                {
                    *probe = Some(markers);
                }
            }
        }
        self.arm_knock();
    }

    fn spoke(&mut self, what: Spoken) {
        if let Some(ConsoleStep { kind: StepKind::Ready { spoken, buried, .. }, .. }) =
            &mut self.step
        {
            *spoken = what;
            *buried = false;
        }
    }
}

fn keep(said: &mut Vec<u8>, unkept_bytes: &mut u64, line: &[u8]) {
    if said.len() + line.len() < SAID_BYTES_MOST {
        said.extend_from_slice(line);
        said.push(b'\n');
    } else {
        *unkept_bytes += line.len() as u64 + 1;
    }
}
