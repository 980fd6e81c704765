//! The console core: a state machine over bytes and time.

mod overwritten;
mod quotes;
mod reset;
pub(crate) mod step;
mod steps;

use crate::{
    CommandId, CommandStyle, ConsoleInput, ConsoleOutput, ConsoleProfile, DeathCause, FrameEncoder,
    Limit, Nanos, Nonce, Received, Receiver, Request, RequestRefusal, ScanItem, Scanner, Sender,
    State, StepOutcome,
    command::is_a_line,
    escape::Stripper,
    lines::{Line, Lines},
    signs::SIGNS,
    transmit::Transmitter,
};
use overwritten::Prompts;
use quotes::Quotes;
use reset::Resets;
use std::collections::VecDeque;
use step::{CommandPhase, ConsoleStep, StepKind};

/// What breaks off a command at a terminal: Ctrl-C.
const INTERRUPT: u8 = 0x03;

/// Follows one board's console.
///
/// Tell it what happens with [`handle`](Self::handle), each time with the time at which it happened,
/// and take what it wants with [`poll`](Self::poll) until nothing is left. At
/// [`next_deadline`](Self::next_deadline) hand it [`ConsoleInput::Time`]. Bytes that arrived before a
/// deadline are to be handed in before it, with the time of their arrival, however late the caller is.
#[derive(Clone, Debug)]
pub struct Console {
    pub(crate) profile: ConsoleProfile,
    pub(crate) nonce: Nonce,
    pub(crate) now: Nanos,
    pub(crate) state: State,
    stripper: Stripper,
    pub(crate) scanner: Scanner,
    pub(crate) lines: Lines,
    transmitter: Transmitter,
    outputs: VecDeque<ConsoleOutput>,
    pub(crate) step: Option<ConsoleStep>,
    /// Numbers the markers of a run.
    pub(crate) commands: u32,
    run_ends_ns: Option<Nanos>,
    pub(crate) settles_ns: Option<Nanos>,
    pub(crate) resets: Resets,
    pub(crate) prompts: Prompts,
    pub(crate) quotes: Quotes,
    /// What a person types answers what asks for a password, until the line's end.
    secret_keys: bool,
    /// Nothing came since the line that answered it.
    secret_said: bool,
    /// The last line heard since the board had power, or since it was last asked to be ready.
    pub(crate) last_line: Option<Vec<u8>>,
    receiver: Option<Receiver>,
    encoder: Option<FrameEncoder>,
    /// What patterns were looked for in, for a count of their matches; none: they are not counted.
    pub(crate) looked: Option<Vec<Looked>>,
}

/// What patterns were looked for in, and how many outputs waited before what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) outputs: usize,
    pub(crate) at: LookedAt,
}

/// What patterns were looked for in.
#[derive(Clone, Debug)]
pub(crate) enum LookedAt {
    Line(Line),
    /// What remains of lines without the log that was written into them.
    Whole(Line),
    /// What stood at the end when all was quiet, and whether a step waited for it.
    Quiet(Vec<u8>, bool),
    /// A prompt, the line that it was written over in, and whether a step waited for it.
    WrittenOver {
        prompt: Vec<u8>,
        line: Vec<u8>,
        waited_for: bool,
    },
}

/// What may be due. What is due at the same time happens in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Settled,
    Reason,
    Knock,
    Step,
    Run,
}

impl Console {
    /// A board of this type, of which nothing is known yet. `nonce` must be new for each run.
    pub fn new(profile: ConsoleProfile, nonce: Nonce) -> Self {
        Self {
            profile,
            nonce,
            now: 0,
            state: State::Unknown,
            stripper: Stripper::default(),
            scanner: Scanner::new(),
            lines: Lines::default(),
            transmitter: Transmitter::default(),
            outputs: VecDeque::new(),
            step: None,
            commands: 0,
            run_ends_ns: None,
            settles_ns: None,
            resets: Resets::default(),
            prompts: Prompts::default(),
            quotes: Quotes::default(),
            secret_keys: false,
            secret_said: false,
            last_line: None,
            receiver: None,
            encoder: None,
            looked: None,
        }
    }

    /// What the board is doing, as far as is known.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The type of board.
    pub fn profile(&self) -> &ConsoleProfile {
        &self.profile
    }

    /// Whether all is quiet and what stands at the end asks for something: a user, a password, a command.
    pub fn asks(&self) -> bool {
        let tail = self.tail().0;
        let quiet = self.settles_ns.is_none() && !tail.is_empty();
        quiet && self.asks_in(&self.quiet_text(tail))
    }

    /// Something happened at `now`.
    pub fn handle(&mut self, now: Nanos, input: ConsoleInput<'_>) {
        self.now = self.now.max(now);
        self.pass();
        match input {
            ConsoleInput::Time => {}
            ConsoleInput::Received(bytes) => self.received(bytes),
            ConsoleInput::Power(on) => self.power(on),
            ConsoleInput::Reset => self.power(true),
            ConsoleInput::Unplugged => self.unplugged(),
            ConsoleInput::Plugged => {
                self.output(ConsoleOutput::Outage(false, 0));
                if self.profile.powered_by_port {
                    self.power(true);
                } else {
                    self.missed();
                }
            }
            ConsoleInput::Missed => self.missed(),
            ConsoleInput::Request(request) => {
                if let Err(refusal) = self.request(request) {
                    self.output(ConsoleOutput::Refused(refusal));
                }
            }
        }
        self.transmit_due();
    }

    /// What it wants next; none: nothing for now.
    pub fn poll(&mut self) -> Option<ConsoleOutput> {
        self.outputs.pop_front()
    }

    /// When it wants [`ConsoleInput::Time`] at the latest, in nanoseconds.
    pub fn next_deadline(&self) -> Option<Nanos> {
        let due = self.due().map(|(at, _)| at);
        [due, self.transmitter.due()].into_iter().flatten().min()
    }

    fn due(&self) -> Option<(Nanos, Due)> {
        let step = self.step.as_ref();
        let all = [
            self.settles_ns.map(|at| (at, Due::Settled)),
            self.reason_due().map(|at| (at, Due::Reason)),
            step.and_then(|step| step.knocks_ns).map(|at| (at, Due::Knock)),
            step.and_then(|step| step.ends_ns).map(|at| (at, Due::Step)),
            self.run_ends_ns.map(|at| (at, Due::Run)),
        ];
        all.into_iter().flatten().min()
    }

    /// What is due by now happens.
    fn pass(&mut self) {
        while let Some((_, due)) = self.due().filter(|(at, _)| *at <= self.now) {
            match due {
                Due::Settled => {
                    self.settles_ns = None;
                    self.settled();
                }
                Due::Reason => self.reason_is(None),
                Due::Knock => self.knock(),
                Due::Step => self.step_timed_out(),
                Due::Run => {
                    self.run_ends_ns = None;
                    self.output(ConsoleOutput::RunOver);
                    // Words of a death that nothing has proven to be quoted.
                    self.reason_is(None);
                    self.break_off(StepOutcome::TimedOut(Limit::Run));
                }
            }
        }
        self.transmit_due();
    }

    fn transmit_due(&mut self) {
        while let Some(transmit) = self.transmitter.take(self.now, &self.profile) {
            self.outputs.push_back(ConsoleOutput::Transmit(transmit));
        }
    }

    pub(crate) fn look(&mut self, at: impl FnOnce() -> LookedAt) {
        let outputs = self.outputs.len();
        if let Some(looked) = &mut self.looked {
            looked.push(Looked { outputs, at: at() });
        }
    }

    pub(crate) fn output(&mut self, output: ConsoleOutput) {
        self.outputs.push_back(output);
    }

    pub(crate) fn change(&mut self, state: State) {
        if self.state != state {
            self.state = state.clone();
            self.output(ConsoleOutput::Changed(state));
        }
    }

    pub(crate) fn send(&mut self, bytes: Vec<u8>, secret: bool) -> Result<(), RequestRefusal> {
        if self.transmitter.add(self.now, bytes, secret) {
            Ok(())
        } else {
            Err(RequestRefusal::Full)
        }
    }

    /// The time `time_ns` from now, times the profile's factor.
    pub(crate) fn within(&self, time_ns: Nanos) -> Nanos {
        self.now.saturating_add(self.profile.timeouts.scaled(time_ns))
    }

    fn received(&mut self, bytes: &[u8]) {
        let mut text = Vec::new();
        for byte in bytes {
            let Some(byte) = self.stripper.push(*byte) else { continue };
            let found = self.scanner.push(byte, &mut text);
            for byte in text.drain(..) {
                if let Some(line) = self.lines.push(byte) {
                    self.line(&line);
                }
            }
            match found {
                Some(ScanItem::Frame(frame)) => self.frame(frame),
                Some(ScanItem::Damaged(damage)) => self.output(ConsoleOutput::Damaged(damage)),
                None => {}
            }
        }
        let (tail, _) = self.lines.tail();
        let waits = !tail.is_empty() || !self.scanner.held().is_empty();
        if !bytes.is_empty() {
            self.secret_said = false;
            self.settles_ns = waits.then(|| self.now.saturating_add(self.profile.settle_ns.max(1)));
            self.still_speaks();
            self.wait_on();
        }
    }

    fn frame(&mut self, frame: crate::Frame) {
        let nonce = frame.nonce;
        if frame.sender == Sender::Board {
            self.words_were_quoted();
        }
        let Some(receiver) = &mut self.receiver else {
            if frame.sender == Sender::Board {
                self.output(ConsoleOutput::Foreign(nonce));
            }
            return;
        };
        let from = receiver.next_number();
        let (frames, received) = receiver.take(frame);
        if !matches!(received, Received::Foreign(_) | Received::Echo) {
            // Whatever became of the marker: who speaks in this conversation runs.
            self.stream_begun();
        }
        if frames > 0 {
            self.output(ConsoleOutput::Gap { from, frames });
        }
        match received {
            Received::Message(message) => self.output(ConsoleOutput::Message(message)),
            Received::Orphan => self.output(ConsoleOutput::Lost),
            Received::Foreign(nonce) => self.output(ConsoleOutput::Foreign(nonce)),
            Received::Repeated(number) => self.output(ConsoleOutput::Repeated(number)),
            Received::Piece | Received::Echo => {}
        }
    }

    fn power(&mut self, on: bool) {
        self.cut();
        self.reason_is(None);
        self.transmitter.clear();
        self.finish(StepOutcome::PowerCut);
        self.forget_boots();
        self.last_line = None;
        self.change(if on { State::Booting } else { State::Off });
    }

    /// What is in pieces stays in pieces.
    fn cut(&mut self) {
        let mut text = Vec::new();
        if self.scanner.cut(&mut text) {
            self.output(ConsoleOutput::Damaged(crate::Damage::Cut));
        }
        for byte in text {
            if let Some(line) = self.lines.push(byte) {
                self.line(&line);
            }
        }
        if let Some(line) = self.lines.finish() {
            self.line(&line);
        }
        self.stripper = Stripper::default();
        self.settles_ns = None;
    }

    fn unplugged(&mut self) {
        self.cut();
        let dropped = self.transmitter.clear();
        self.output(ConsoleOutput::Outage(true, u64::try_from(dropped).unwrap_or(u64::MAX)));
        if self.profile.powered_by_port {
            self.power(false);
        }
    }

    fn request(&mut self, request: Request) -> Result<(), RequestRefusal> {
        match request {
            Request::Start => {
                self.run_ends_ns = Some(self.within(self.profile.timeouts.run_ns));
                Ok(())
            }
            Request::Finish => {
                self.run_ends_ns = None;
                Ok(())
            }
            Request::Ready(id) => self.make_ready(id),
            Request::Command { id, text, timeout_ns } => {
                let limit = timeout_ns.unwrap_or(self.profile.timeouts.step_ns);
                self.command(id, text, limit, false)
            }
            Request::Stream { id, text, nonce } => {
                self.command(id, text, self.profile.timeouts.step_ns, true)?;
                self.receiver = Some(Receiver::new(Sender::Board, nonce));
                self.encoder = Some(FrameEncoder::new(Sender::Host, nonce));
                Ok(())
            }
            Request::Say(message) => {
                let end = self.profile.line_end.clone();
                let mut lines = Vec::new();
                let encoder = match &mut self.encoder {
                    Some(encoder) if self.state == State::Streaming => encoder,
                    _ => return Err(RequestRefusal::NotStreaming),
                };
                let before = encoder.clone();
                encoder.encode(&message, &end, &mut lines).map_err(|_| RequestRefusal::TooLong)?;
                let sent = self.send(lines, false);
                if sent.is_err() {
                    // Not sent: its numbers are free again.
                    self.encoder = Some(before);
                }
                sent
            }
            Request::Sent(frames) => {
                let receiver = self.receiver.as_mut().ok_or(RequestRefusal::NotStreaming)?;
                let from = receiver.next_number();
                let frames = receiver.end(frames);
                if frames > 0 {
                    self.output(ConsoleOutput::Gap { from, frames });
                }
                Ok(())
            }
            Request::Interrupt => {
                self.break_off(StepOutcome::Interrupted);
                Ok(())
            }
            Request::Raw(bytes) => self.type_keys(&bytes),
        }
    }

    fn command(
        &mut self,
        id: CommandId,
        text: String,
        limit_ns: Nanos,
        streams: bool,
    ) -> Result<(), RequestRefusal> {
        if self.step.is_some() {
            return Err(RequestRefusal::Busy);
        }
        if self.state != State::Ready {
            return Err(RequestRefusal::NotReady);
        }
        if !is_a_line(&text) {
            return Err(RequestRefusal::NotALine);
        }
        self.was_typed(&text);
        let (phase, typed) = match self.profile.style {
            CommandStyle::Markers => {
                let markers = self.markers();
                let typed = markers.around(&text);
                (CommandPhase::Marked(markers), typed)
            }
            CommandStyle::Plain => (CommandPhase::Plain(text.clone()), text),
        };
        self.echo_comes(&typed);
        self.type_line(typed.as_bytes(), false)?;
        let kind =
            StepKind::Command { phase, begun: false, streams, said: Vec::new(), unkept_bytes: 0 };
        self.step =
            Some(ConsoleStep { id, ends_ns: Some(self.within(limit_ns)), knocks_ns: None, kind });
        Ok(())
    }

    /// What a person types: a line that answers what asks for a password is secret.
    fn type_keys(&mut self, bytes: &[u8]) -> Result<(), RequestRefusal> {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
            if !self.secret_keys && !self.secret_said {
                let tail = self.unlogged(&self.tail().0);
                let login = self.profile.login.as_ref();
                let asked = login.and_then(|login| login.password.as_ref());
                self.secret_keys = self.prompts.password
                    || SIGNS.asks_for_password(&tail)
                    || asked.is_some_and(|(prompt, _)| prompt.is_in(&tail));
            }
            self.send(piece.to_vec(), self.secret_keys)?;
            if !self.secret_keys {
                self.keys_typed(piece);
            }
            if piece.ends_with(b"\r") || piece.ends_with(b"\n") {
                self.secret_said = core::mem::take(&mut self.secret_keys);
                self.prompts.password = false;
            }
        }
        Ok(())
    }

    /// Ends the step, if one goes on, and what it has running on the board. What the board does then
    /// is not known.
    pub(crate) fn break_off(&mut self, outcome: StepOutcome) {
        if self.step.is_some() {
            self.transmitter.clear();
            // There is room: nothing waits.
            let _ = self.send(vec![INTERRUPT], false);
            self.finish(outcome);
            self.change(State::Unknown);
        }
    }

    /// Ends the step, if one goes on. The receiver stays: the number of frames may come later.
    pub(crate) fn finish(&mut self, outcome: StepOutcome) {
        if let Some(step) = self.step.take() {
            self.output(ConsoleOutput::Finished(step.id, outcome));
        }
    }

    /// The board is dead.
    pub(crate) fn die(&mut self, cause: DeathCause) {
        self.transmitter.clear();
        self.resets.forget_reset();
        self.change(State::Dead(cause.clone()));
        self.finish(StepOutcome::Died(cause));
    }
}
