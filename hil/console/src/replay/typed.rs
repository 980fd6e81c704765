//! What was typed in a recording: lines again, whatever the pieces.

use super::{
    Kind as Told,
    drive::{Driver, READY},
};
use crate::{
    CommandId, CommandStyle, Input, Nonce, Request, Scanner, Sender, State,
    command::{Markers, marked},
    steps::{self, Step},
    tell::shown,
    transcript::{Kind, Recording},
};
use std::collections::BTreeSet;

/// What breaks off a command at a terminal.
const INTERRUPT: u8 = 0x03;

/// Something that was typed as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Typed {
    /// A line.
    Line(String),
    /// A line that the recording does not show.
    Secret,
    /// Ctrl-C.
    Interrupt,
}

/// Puts typed bytes together.
#[derive(Clone, Default, Debug)]
pub(super) struct Keys {
    line: Vec<u8>,
    secret: bool,
    after_return: bool,
}

impl Keys {
    /// Whether no line was begun.
    pub(super) fn is_at_start(&self) -> bool {
        self.line.is_empty()
    }

    pub(super) fn push(&mut self, byte: u8, kind: Kind) -> Option<Typed> {
        let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
        // A line that is not shown comes as one entry, its end with it.
        if kind == Kind::Secret {
            self.secret = true;
            return None;
        }
        match byte {
            b'\n' if after_return => None,
            b'\r' | b'\n' => {
                let line = core::mem::take(&mut self.line);
                Some(Typed::Line(String::from_utf8_lossy(&line).into_owned()))
            }
            INTERRUPT => {
                self.line.clear();
                Some(Typed::Interrupt)
            }
            byte => {
                self.line.push(byte);
                None
            }
        }
    }

    /// What an entry that is not shown came to.
    pub(super) fn end(&mut self) -> Option<Typed> {
        core::mem::take(&mut self.secret).then_some(Typed::Secret)
    }
}

/// What is to be known of a recording before it is run.
#[derive(Clone, Default, Debug)]
pub(super) struct Ahead {
    /// The nonce of its markers.
    pub(super) nonce: Option<Nonce>,
    /// The entry of the last probe.
    pub(super) last_probe: Option<usize>,
    /// The last entry that was typed.
    pub(super) last_typed: Option<usize>,
    /// The nonces of the board's frames.
    pub(super) streams: BTreeSet<Nonce>,
}

impl Ahead {
    pub(super) fn of(recording: &Recording) -> Self {
        let mut ahead = Self::default();
        let (mut keys, mut scanner, mut text) = (Keys::default(), Scanner::new(), Vec::new());
        for (index, entry) in recording.entries.iter().enumerate() {
            if matches!(entry.kind, Kind::Sent | Kind::Secret) {
                ahead.last_typed = Some(index);
            }
            for byte in &entry.bytes {
                match entry.kind {
                    Kind::Received => {
                        text.clear();
                        if let Some(crate::Found::Frame(frame)) = scanner.push(*byte, &mut text)
                            && frame.sender == Sender::Board
                        {
                            ahead.streams.insert(frame.nonce);
                        }
                    }
                    Kind::Sent | Kind::Secret => {
                        if let Some(Typed::Line(line)) = keys.push(*byte, entry.kind)
                            && let Some((nonce, _, command)) = marked(&line)
                        {
                            ahead.nonce.get_or_insert(nonce);
                            if command.is_empty() {
                                ahead.last_probe = Some(index);
                            }
                        }
                    }
                    Kind::Event => {}
                }
            }
            keys.end();
        }
        ahead
    }

    /// The stream that a command starts: it is told the nonce of frames that come.
    pub(super) fn stream_of(&self, command: &str) -> Option<Nonce> {
        self.streams.iter().find(|nonce| command.contains(&nonce.to_string())).copied()
    }
}

impl Driver<'_> {
    pub(super) fn typed(&mut self, typed: Typed) {
        match typed {
            Typed::Secret => {
                // Somebody answered what no bench would have taken for a question.
                self.unasked |= self.waits() && self.unmatched;
                self.step(Told::Typed, "a line that is not shown".into());
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
        if let Some(Step { kind: steps::Kind::Ready { probe: probe @ Some(_), .. }, .. }) =
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
            self.step(Told::Unfit, text);
        }
    }

    /// A line that nobody marked: a person's, or one for a command line without a shell.
    fn line(&mut self, line: String) {
        let plain = self.console.profile().style == CommandStyle::Plain;
        if plain && self.console.state() == &State::Ready {
            return self.command(line);
        }
        self.console.was_typed(&line);
        let text = self.named(&line);
        self.step(Told::Typed, text);
    }

    fn command(&mut self, text: String) {
        let busy = self.console.step.as_ref().is_some_and(|step| step.id != READY);
        if busy {
            self.step(Told::Ended, "its end was not seen before the next one was typed".into());
            self.console.step = None;
            self.console.change(State::Ready);
        }
        let named = self.named(&text);
        if self.console.state() != &State::Ready {
            let text = format!("{named}: not followed, by this profile the board is not ready");
            return self.step(Told::Unfit, text);
        }
        self.step(Told::Command, named);
        let id = CommandId(self.next_id);
        self.next_id += 1;
        let request = match self.ahead.stream_of(&text) {
            Some(nonce) => Request::Stream { id, text, nonce },
            None => Request::Command { id, text, timeout_ns: None },
        };
        self.input(Input::Request(request));
    }

    fn interrupted(&mut self) {
        let text = self.named("^C");
        self.step(Told::Typed, text);
        let command = self.console.step.as_ref().is_some_and(|step| step.id != READY);
        if command {
            self.input(Input::Request(Request::Interrupt));
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
