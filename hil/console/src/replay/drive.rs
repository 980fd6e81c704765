//! Driver of the console core by a recording.

use super::{
    CameUp, Replay, ReplayKind, ReplayStep, ReplaySummary,
    count::{Counts, Role},
    keys::{Ahead, Keys},
};
use crate::{
    CommandId, Console, ConsoleInput, ConsoleOutput, ConsoleProfile, DeathCause, Nanos, Nonce,
    Noted, Request, State,
    console::{LookedAt, step},
    signs::SIGNS,
    tell::{counted, noted, shown},
    transcript::{self, ConsoleRecording, Form, Recorded, TranscriptKind},
};

/// The step that makes a board ready; commands have others.
pub(super) const READY: CommandId = CommandId(0);
/// Ends of output that match nothing, told at most: a board that dribbles would fill pages.
const QUIETS_MOST: u32 = 40;

pub(super) struct Driver<'r> {
    pub(super) console: Console,
    pub(super) recording: &'r ConsoleRecording,
    pub(super) ahead: Ahead,
    pub(super) keys: Keys,
    pub(super) counts: Counts,
    steps: Vec<ReplayStep>,
    burst: Option<Burst>,
    pub(super) summary: ReplaySummary,
    /// The entry that is run, and its line.
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) now: Nanos,
    start_ns: Nanos,
    /// The state as far as outputs have told it.
    pub(super) state: State,
    /// What matched the line that outputs tell of.
    pub(super) matched: Vec<(Role, String)>,
    /// What stood at the end when it was quiet last.
    pub(super) tail: Vec<u8>,
    quiets: u32,
    /// Whether the login was seen in this boot.
    pub(super) logged_in: bool,
    /// Where it asked who logs in, and nothing was typed since.
    pub(super) login_line: Option<usize>,
    /// The note on a log that begins behind what is quiet.
    over: String,
    /// What it was quiet at last matches nothing.
    pub(super) unmatched: bool,
    /// A password was typed in this boot where this profile asks for none.
    pub(super) unasked: bool,
    /// A boot began that was neither typed nor announced: it is followed like any other.
    pub(super) boots_again: bool,
    /// Something asks for an answer, and no step makes the board ready.
    pub(super) asks: bool,
    /// The same quiet is looked at once more, by a step that has begun since.
    asked_again: bool,
    /// The recording's probe was typed, and its answer is to come.
    pub(super) probed: bool,
    pub(super) taken: bool,
    pub(super) next_id: u32,
}

/// Several of a kind in a row.
struct Burst {
    kind: ReplayKind,
    line: usize,
    at_ns: Option<Nanos>,
    count: u64,
    bytes: u64,
}

impl<'r> Driver<'r> {
    pub(super) fn new(profile: ConsoleProfile, recording: &'r ConsoleRecording) -> Self {
        let ahead = Ahead::of(recording);
        let counts = Counts::of(&profile);
        let mut console = Console::new(profile, ahead.nonce.unwrap_or(Nonce(0)));
        console.looked = Some(Vec::new());
        let start_ns = recording.entries.first().and_then(|first| first.at_ns).unwrap_or(0);
        let summary = ReplaySummary {
            came_up: CameUp::Open,
            boots: 0,
            deaths: 0,
            lines: 0,
            messages: 0,
            missing_frames: 0,
            damaged: 0,
            torn: recording.torn,
            last: None,
            patterns: Vec::new(),
        };
        Self {
            console,
            recording,
            ahead,
            keys: Keys::default(),
            counts,
            steps: Vec::new(),
            burst: None,
            summary,
            index: 0,
            line: 1,
            now: start_ns,
            start_ns,
            state: State::Unknown,
            matched: Vec::new(),
            tail: Vec::new(),
            quiets: 0,
            logged_in: false,
            login_line: None,
            over: String::new(),
            unmatched: false,
            unasked: false,
            boots_again: false,
            asks: false,
            asked_again: false,
            probed: false,
            taken: false,
            next_id: 1,
        }
    }

    pub(super) fn run(mut self) -> Replay {
        let recording = self.recording;
        for (index, entry) in recording.entries.iter().enumerate() {
            (self.index, self.line) = (index, entry.line);
            if let Some(at_ns) = entry.at_ns {
                self.wait_until(at_ns);
            }
            self.entry(entry);
        }
        // The recording is over: what stands there stands there, and nothing follows.
        self.settle();
        self.input(ConsoleInput::Received(b"\n"));
        self.console.reason_is(None);
        self.drain();
        self.follow_up();
        self.flush();
        if self.summary.came_up == CameUp::Open
            && let Some(line) = self.login_line
        {
            self.summary.came_up = CameUp::Login { line };
        }
        self.summary.patterns = self.counts.into_uses();
        Replay { form: recording.form, steps: self.steps, summary: self.summary }
    }

    /// Time passes, deadline by deadline, up to `at_ns`.
    fn wait_until(&mut self, at_ns: Nanos) {
        while let Some(due) = self.console.next_deadline().filter(|due| *due < at_ns) {
            self.now = self.now.max(due);
            self.input(ConsoleInput::Time);
        }
        self.now = self.now.max(at_ns);
    }

    fn entry(&mut self, entry: &Recorded) {
        match entry.kind {
            TranscriptKind::Received => self.received(&entry.bytes),
            TranscriptKind::Sent | TranscriptKind::Secret => {
                if self.keys.is_at_start() && !entry.bytes.starts_with(b"~") {
                    // The person who typed saw that it was quiet.
                    self.settle();
                }
                for byte in &entry.bytes {
                    if let Some(typed) = self.keys.push(*byte, entry.kind) {
                        self.typed(typed);
                    }
                }
                if let Some(typed) = self.keys.end() {
                    self.typed(typed);
                }
            }
            TranscriptKind::Event => self.event(&String::from_utf8_lossy(&entry.bytes)),
        }
    }

    fn event(&mut self, text: &str) {
        if self.recording.form == Form::Untimed {
            self.settle();
        }
        let (kind, input) = match text {
            transcript::POWER_ON => (ReplayKind::Power, Some(ConsoleInput::Power(true))),
            transcript::POWER_OFF => (ReplayKind::Power, Some(ConsoleInput::Power(false))),
            transcript::RESET => (ReplayKind::Power, Some(ConsoleInput::Reset)),
            transcript::UNPLUGGED => (ReplayKind::Port, Some(ConsoleInput::Unplugged)),
            transcript::PLUGGED => (ReplayKind::Port, Some(ConsoleInput::Plugged)),
            _ => (ReplayKind::Note, None),
        };
        self.step(kind, text.to_owned());
        let Some(input) = input else { return };
        self.logged_in = false;
        self.login_line = None;
        self.unasked = false;
        self.input(input);
        if self.state == State::Booting {
            self.summary.boots += 1;
            self.make_ready();
        }
    }

    fn received(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
            let cut = self.prompt_in(piece).unwrap_or(piece.len());
            let (before, after) = piece.split_at(cut);
            self.input(ConsoleInput::Received(before));
            let after_line = after.trim_ascii_end();
            // Colours may stand before it.
            let logged = SIGNS.log_in(after, 0).is_some_and(|at| at < 12);
            self.over = if logged || (self.recording.form != Form::Log && !after_line.is_empty()) {
                format!(", and a log line was written over it: {}", shown(after_line))
            } else {
                String::new()
            };
            if !after.is_empty() {
                self.settle();
                self.over.clear();
                self.input(ConsoleInput::Received(after));
            }
        }
    }

    /// Whether the next prompt is one that a board comes up by. What died and goes on all the same is
    /// looked at again.
    pub(super) fn waits(&self) -> bool {
        match &self.state {
            State::Unknown | State::Booting => true,
            State::Dead(why) => matches!(why, DeathCause::Said(..)),
            State::Ready | State::Streaming => self.console.reason_due().is_some(),
            State::Off => false,
        }
    }

    /// All is quiet, as far as is known.
    pub(super) fn settle(&mut self) {
        // What boots again is made ready, and looked at once more.
        while self.console.settles_ns.take().is_some() {
            self.console.settled();
            self.drain();
            self.follow_up();
        }
    }

    pub(super) fn input(&mut self, input: ConsoleInput<'_>) {
        self.console.handle(self.now, input);
        self.drain();
        self.follow_up();
    }

    /// Has the core make the board ready, as a driver does. A recording's board is not asked
    /// by empty lines: it cannot answer.
    fn make_ready(&mut self) {
        if self.console.step.is_some() {
            return;
        }
        self.input(ConsoleInput::Request(Request::Ready(READY)));
        if self.console.state() == &State::Unknown
            && let Some(step) = &mut self.console.step
        {
            step.knocks_ns = None;
        }
    }

    /// What a driver would do next.
    fn follow_up(&mut self) {
        if core::mem::take(&mut self.boots_again) {
            if self.console.state() != &State::Booting {
                self.console.boot_began();
            }
            self.logged_in = false;
            self.login_line = None;
            self.unasked = false;
            self.drain();
            self.make_ready();
        }
        let written_over = self.console.prompts.unanswered.take();
        if core::mem::take(&mut self.asks) && self.console.step.is_none() {
            self.make_ready();
            match written_over {
                Some(asked) => self.console.answer(asked),
                None => {
                    self.asked_again = true;
                    self.console.settled();
                }
            }
            self.drain();
        }
        let ahead = self.ahead.last_probe.is_some_and(|last| last >= self.index);
        if !ahead && !self.probed && self.probes() {
            self.taken = true;
            self.console.ready();
            self.drain();
        }
    }

    /// Whether the core has typed a probe, and waits for its answer.
    fn probes(&self) -> bool {
        let step = self.console.step.as_ref();
        matches!(step.map(|step| &step.kind), Some(step::StepKind::Ready { probe: Some(_), .. }))
    }

    fn drain(&mut self) {
        let outputs: Vec<ConsoleOutput> = core::iter::from_fn(|| self.console.poll()).collect();
        let looked = self.console.looked.replace(Vec::new()).unwrap_or_default();
        let mut looked = looked.into_iter().peekable();
        for (number, output) in outputs.into_iter().enumerate() {
            while let Some(looked) = looked.next_if(|looked| looked.outputs <= number) {
                self.looked(&looked.at);
            }
            self.output(output);
        }
        for looked in looked {
            self.looked(&looked.at);
        }
    }

    fn looked(&mut self, at: &LookedAt) {
        match at {
            LookedAt::Line(line) => {
                self.summary.lines += 1;
                self.said(&line.bytes);
                if let Some(typed) = self.typed_in(&line.bytes) {
                    self.console.prompt_stood(&line.bytes);
                    self.console.was_typed(&typed);
                    self.console.echo_came();
                }
                self.matched = self.counts.line(line, self.line);
                let dies = self.matched.iter().find(|(role, _)| matches!(role, Role::Death(_)));
                if let (Some((_, key)), State::Unknown) = (dies, &self.state) {
                    let text = format!("{} matches {key}: an earlier run's?", shown(&line.bytes));
                    self.step(ReplayKind::Ignored, text);
                }
            }
            LookedAt::Whole(line) => {
                self.matched = self.counts.line(line, self.line);
            }
            LookedAt::Quiet(tail, waited_for) => self.quiet(tail, *waited_for),
            LookedAt::WrittenOver { prompt, line, waited_for } => {
                self.matched.clear();
                let found = self.counts.quiet(prompt, self.line);
                let over = format!(", and a log line was written over it: {}", shown(line));
                if let Some(first) = found.into_iter().next() {
                    self.prompt(prompt, first, &over, *waited_for);
                }
            }
        }
    }

    fn said(&mut self, text: &[u8]) {
        if !text.trim_ascii().is_empty() {
            self.summary.last = Some((self.line, shown(text)));
        }
    }

    fn quiet(&mut self, tail: &[u8], waited_for: bool) {
        self.matched.clear();
        if tail.is_empty() || core::mem::take(&mut self.asked_again) {
            return;
        }
        self.tail = tail.to_vec();
        self.said(tail);
        let waits = self.waits();
        let found = self.counts.quiet(tail, self.line);
        if !waits {
            return;
        }
        self.unmatched = found.is_empty();
        let Some(first) = found.into_iter().next() else {
            if self.quiets < QUIETS_MOST {
                self.quiets += 1;
                self.step(ReplayKind::Quiet, format!("{} matches no prompt", shown(tail)));
            }
            return;
        };
        let over = core::mem::take(&mut self.over);
        self.prompt(tail, first, &over, waited_for);
    }

    /// A prompt stands there, or stood there before a log line was written over it.
    fn prompt(&mut self, text: &[u8], (role, key): (Role, String), over: &str, waited_for: bool) {
        let kind = match role {
            Role::Login => ReplayKind::Login,
            Role::Password => ReplayKind::Password,
            _ => ReplayKind::Prompt,
        };
        if kind == ReplayKind::Login {
            self.logged_in = true;
            self.login_line = Some(self.line);
        }
        self.asks = !waited_for;
        self.step(kind, format!("{} matches {key}{over}", shown(text)));
    }

    fn output(&mut self, output: ConsoleOutput) {
        match output {
            ConsoleOutput::Transmit(_) => self.would_type(),
            ConsoleOutput::Line(_) | ConsoleOutput::Noted(Noted::WrittenOver, _) => {}
            ConsoleOutput::Noted(what, said) => {
                if what == Noted::Restart && self.state == State::Booting {
                    self.summary.boots += 1;
                }
                let other = self.matched.iter().find(|(role, _)| *role == Role::Other);
                let key = other.filter(|_| what != Noted::Bounce);
                let key = key.map_or(String::new(), |(_, key)| format!(" matches {key}"));
                self.step(ReplayKind::Note, format!("{}{key}", noted(what, &said)));
            }
            ConsoleOutput::Changed(state) => self.changed(state),
            ConsoleOutput::Banner(said) => self.banner(&said),
            ConsoleOutput::Firmware(event, said) => {
                let prefix = format!("firmware.{}[", event.key());
                let key = self.matched.iter().find(|(_, key)| key.starts_with(&prefix));
                let key = key.map(|(_, key)| key.as_str()).unwrap_or_default();
                let text = format!("{}: {} matches {key}", event.key(), shown(&said));
                self.step(ReplayKind::Firmware, text);
            }
            ConsoleOutput::Message(message) => {
                self.summary.messages += 1;
                self.burst(ReplayKind::Frames, message.len());
            }
            ConsoleOutput::Gap { from, frames } => {
                self.summary.missing_frames += frames;
                self.step(
                    ReplayKind::Gap,
                    format!("missing: {}, from number {from} on", counted(frames, "frame")),
                );
            }
            ConsoleOutput::Lost => {
                self.step(ReplayKind::Lost, "a message of several frames".into())
            }
            ConsoleOutput::Damaged(_) => {
                self.summary.damaged += 1;
                self.burst(ReplayKind::Damaged, 0);
            }
            ConsoleOutput::Foreign(_) => self.burst(ReplayKind::Foreign, 0),
            ConsoleOutput::Repeated(number) => {
                self.step(ReplayKind::Note, format!("the frame {number} came again"));
            }
            ConsoleOutput::Outage(..) => {}
            ConsoleOutput::Finished(id, how) => self.finished(id, &how),
            ConsoleOutput::RunOver => self.step(ReplayKind::Ended, "the run's time is over".into()),
            ConsoleOutput::Refused(refusal) => {
                let text = refusal.to_string();
                let text = text.lines().next().unwrap_or_default().to_owned();
                self.step(ReplayKind::Unfit, text);
            }
        }
    }

    /// A bench would type here. Where the recording's driver did not, and types nothing more, it is not known
    /// what would have come: no timeout counts.
    fn would_type(&mut self) {
        let types = self.ahead.last_typed.is_some_and(|last| last >= self.index);
        if !types && let Some(step) = &mut self.console.step {
            step.ends_ns = None;
        }
    }

    fn burst(&mut self, kind: ReplayKind, bytes: usize) {
        if self.burst.as_ref().is_none_or(|burst| burst.kind != kind) {
            self.flush();
            let (line, at_ns) = (self.line, self.at_ns());
            self.burst = Some(Burst { kind, line, at_ns, count: 0, bytes: 0 });
        }
        if let Some(burst) = &mut self.burst {
            burst.count += 1;
            burst.bytes += u64::try_from(bytes).unwrap_or(0);
        }
    }

    fn flush(&mut self) {
        let Some(Burst { kind, line, at_ns, count, bytes }) = self.burst.take() else { return };
        let text = match kind {
            ReplayKind::Frames => {
                format!("{}, {}", counted(count, "message"), counted(bytes, "byte"))
            }
            ReplayKind::Damaged => {
                format!("{}: a gap each once the next one comes", counted(count, "frame"))
            }
            _ => format!("not of this conversation, and not counted: {}", counted(count, "frame")),
        };
        self.steps.push(ReplayStep { line, at_ns, kind, text });
    }

    pub(super) fn step(&mut self, kind: ReplayKind, text: String) {
        self.flush();
        self.steps.push(ReplayStep { line: self.line, at_ns: self.at_ns(), kind, text });
    }

    fn at_ns(&self) -> Option<Nanos> {
        let timed = self.recording.form == Form::Timed;
        timed.then(|| self.now.saturating_sub(self.start_ns))
    }
}
