//! Typed lines, handed to the console core of a replay.

use super::{
    ReplayKind,
    drive::{Driver, READY},
    keys::Typed,
};
use crate::{
    CommandId, CommandStyle, ConsoleInput, Nonce, Request, State,
    command::{Markers, marked},
    console::step::{ConsoleStep, StepKind},
    tell::shown,
};

impl Driver<'_> {
    pub(super) fn typed(&mut self, typed: Typed) {
        match typed {
            Typed::Secret => {
                // A person answered what no bench would have taken for a question.
                self.unasked |= self.waits() && self.unmatched;
                self.step(ReplayKind::Typed, "a line that is not shown".into());
            }
            Typed::Interrupt => self.interrupted(),
            // A knock, or what the agent's host says in frames.
            Typed::Line(line) if line.is_empty() || line.starts_with('~') => {}
            Typed::Line(line) => {
                self.login_line = None;
                self.whole_line(line);
            }
        }
    }

    fn whole_line(&mut self, line: String) {
        match marked(&line) {
            Some((nonce, number, "")) => self.probe(nonce, number),
            Some((nonce, number, command)) => {
                self.console.nonce = nonce;
                self.console.commands = number;
                self.command(command.to_owned());
            }
            None => self.line(line),
        }
    }

    /// The recording's probe: it is the core's, if the core has typed one.
    fn probe(&mut self, nonce: Nonce, number: u32) {
        if let Some(ConsoleStep { kind: StepKind::Ready { probe: probe @ Some(_), .. }, .. }) =
            &mut self.console.step
        {
            *probe = Some(Markers::new(nonce, number));
            self.probed = true;
            self.console.commands = number.saturating_add(1);
        } else if self.console.state() != &State::Ready {
            let text = format!(
                "a probe was typed here, and by this profile it is not: `prompt` does not match {}",
                shown(&self.tail)
            );
            self.step(ReplayKind::Unfit, text);
        }
    }

    /// A line without markers: a person's, or one for a command line without a shell.
    fn line(&mut self, line: String) {
        let plain = self.console.profile().style == CommandStyle::Plain;
        if plain && self.console.state() == &State::Ready {
            return self.command(line);
        }
        self.console.was_typed(&line);
        let text = self.named(&line);
        self.step(ReplayKind::Typed, text);
    }

    fn command(&mut self, text: String) {
        let busy = self.console.step.as_ref().is_some_and(|step| step.id != READY);
        if busy {
            self.step(
                ReplayKind::Ended,
                "its end was not seen before the next one was typed".into(),
            );
            self.console.step = None;
            self.console.change(State::Ready);
        }
        let named = self.named(&text);
        if self.console.state() != &State::Ready {
            let text = format!("{named}: not followed, by this profile the board is not ready");
            return self.step(ReplayKind::Unfit, text);
        }
        self.step(ReplayKind::Command, named);
        let id = CommandId(self.next_id);
        self.next_id += 1;
        let request = match self.ahead.stream_of(&text) {
            Some(nonce) => Request::Stream { id, text, nonce },
            None => Request::Command { id, text, timeout_ns: None },
        };
        self.input(ConsoleInput::Request(request));
    }

    fn interrupted(&mut self) {
        let text = self.named("^C");
        self.step(ReplayKind::Typed, text);
        let command = self.console.step.as_ref().is_some_and(|step| step.id != READY);
        if command {
            self.input(ConsoleInput::Request(Request::Interrupt));
        }
    }

    /// A line, with the step of the firmware that it is.
    fn named(&self, line: &str) -> String {
        let firmware = self.console.profile().firmware.as_ref();
        match firmware.and_then(|firmware| firmware.step_of(line)) {
            Some(step) => format!("{} is firmware.{}", shown(line.as_bytes()), step.key()),
            None => shown(line.as_bytes()),
        }
    }
}
