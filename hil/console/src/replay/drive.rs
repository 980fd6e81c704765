//! Drives the console core by a recording.

use super::{
    CameUp, Kind, Replay, Step, Summary,
    count::{Counts, Role},
    typed::{Ahead, Keys},
};
use crate::{
    Cause, CommandId, CommandStyle, Console, ConsoleProfile, Input, Limit, Nanos, Nonce, Outcome,
    Output, Request, State,
    console::LookedAt,
    steps,
    tell::{cause, outcome, shown, state},
    transcript::{self, Form, Kind as Entry, Recorded, Recording},
};

/// The step that makes a board ready; commands have others.
pub(super) const READY: CommandId = CommandId(0);
/// Ends of output that match nothing, told at most: a board that dribbles would fill pages.
const QUIETS_MOST: u32 = 40;

pub(super) struct Driver<'r> {
    pub(super) console: Console,
    pub(super) recording: &'r Recording,
    pub(super) ahead: Ahead,
    pub(super) keys: Keys,
    counts: Counts,
    steps: Vec<Step>,
    burst: Option<Burst>,
    summary: Summary,
    /// The entry that is run, and its line.
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) now: Nanos,
    start_ns: Nanos,
    /// The state as far as outputs have told it.
    state: State,
    /// What matched the line that outputs tell of.
    matched: Vec<(Role, String)>,
    /// What stood at the end when it was quiet last.
    pub(super) tail: Vec<u8>,
    quiets: u32,
    /// Whether the login was seen in this boot.
    pub(super) logged_in: bool,
    /// What it was quiet at last matches nothing.
    pub(super) unmatched: bool,
    /// A password was typed in this boot where this profile asks for none.
    pub(super) unasked: bool,
    /// A boot began that nobody asked for: it is followed like any other.
    boots_again: bool,
    /// Something asks for an answer, and nobody makes the board ready.
    asks: bool,
    /// The same quiet is looked at once more, by a step that has begun since.
    asked_again: bool,
    /// The recording's probe was typed, and its answer is to come.
    pub(super) probed: bool,
    taken: bool,
    pub(super) next_id: u32,
}

/// Several of a kind in a row.
struct Burst {
    kind: Kind,
    line: usize,
    at_ns: Option<Nanos>,
    count: u64,
    bytes: u64,
}

impl<'r> Driver<'r> {
    pub(super) fn new(profile: ConsoleProfile, recording: &'r Recording) -> Self {
        let ahead = Ahead::of(recording);
        let counts = Counts::of(&profile);
        let mut console = Console::new(profile, ahead.nonce.unwrap_or(Nonce(0)));
        console.looked = Some(Vec::new());
        let start_ns = recording.entries.first().and_then(|first| first.at_ns).unwrap_or(0);
        let summary = Summary {
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
        self.input(Input::Received(b"\n"));
        self.flush();
        self.summary.patterns = self.counts.into_uses();
        Replay { form: recording.form, steps: self.steps, summary: self.summary }
    }

    /// Time passes, deadline by deadline, up to `at_ns`.
    fn wait_until(&mut self, at_ns: Nanos) {
        while let Some(due) = self.console.next_deadline().filter(|due| *due < at_ns) {
            self.now = self.now.max(due);
            self.input(Input::Time);
        }
        self.now = self.now.max(at_ns);
    }

    fn entry(&mut self, entry: &Recorded) {
        match entry.kind {
            Entry::Received => self.received(&entry.bytes),
            Entry::Sent | Entry::Secret => {
                if self.keys.is_at_start() && !entry.bytes.starts_with(b"~") {
                    // Whoever typed saw that it was quiet.
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
            Entry::Event => self.event(&String::from_utf8_lossy(&entry.bytes)),
        }
    }

    fn event(&mut self, text: &str) {
        if self.recording.form == Form::Untimed {
            self.settle();
        }
        let (kind, input) = match text {
            transcript::POWER_ON => (Kind::Power, Some(Input::Power(true))),
            transcript::POWER_OFF => (Kind::Power, Some(Input::Power(false))),
            transcript::RESET => (Kind::Power, Some(Input::Reset)),
            transcript::UNPLUGGED => (Kind::Port, Some(Input::Unplugged)),
            transcript::PLUGGED => (Kind::Port, Some(Input::Plugged)),
            _ => (Kind::Note, None),
        };
        self.step(kind, text.to_owned());
        let Some(input) = input else { return };
        self.logged_in = false;
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
            self.input(Input::Received(before));
            if !after.is_empty() {
                self.settle();
                self.input(Input::Received(after));
            }
        }
    }

    /// Whether the next prompt is one that a board comes up by. What died and goes on all the same is
    /// looked at again.
    pub(super) fn waits(&self) -> bool {
        match &self.state {
            State::Unknown | State::Booting => true,
            State::Dead(why) => matches!(why, Cause::Said(..)),
            State::Off | State::Ready | State::Streaming => false,
        }
    }

    /// All is quiet, as far as is known.
    pub(super) fn settle(&mut self) {
        if self.console.settles_ns.take().is_some() {
            self.console.settled();
            self.drain();
            self.follow_up();
        }
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        self.console.handle(self.now, input);
        self.drain();
        self.follow_up();
    }

    /// Has the core make the board ready, as whoever drives one does. A recording's board is not asked
    /// by empty lines: it cannot answer.
    fn make_ready(&mut self) {
        if self.console.step.is_some() {
            return;
        }
        self.input(Input::Request(Request::Ready(READY)));
        if self.console.state() == &State::Unknown
            && let Some(step) = &mut self.console.step
        {
            step.knocks_ns = None;
        }
    }

    /// What whoever drives a board would do next.
    fn follow_up(&mut self) {
        if core::mem::take(&mut self.boots_again) {
            self.console.banners = 1;
            self.console.change(State::Booting);
            self.logged_in = false;
            self.unasked = false;
            self.drain();
            self.make_ready();
        }
        if core::mem::take(&mut self.asks) && self.console.step.is_none() {
            self.make_ready();
            self.asked_again = true;
            self.console.settled();
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
        matches!(step.map(|step| &step.kind), Some(steps::Kind::Ready { probe: Some(_), .. }))
    }

    fn drain(&mut self) {
        let outputs: Vec<Output> = core::iter::from_fn(|| self.console.poll()).collect();
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
                self.matched = self.counts.line(&line.bytes, line.seen, self.line);
                let dies = self.matched.iter().find(|(role, _)| matches!(role, Role::Death(_)));
                if let (Some((_, key)), State::Unknown) = (dies, &self.state) {
                    let text = format!("{} matches {key}: an earlier run's?", shown(&line.bytes));
                    self.step(Kind::Ignored, text);
                }
            }
            LookedAt::Quiet(tail, waited_for) => self.quiet(tail, *waited_for),
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
        let Some((role, key)) = found.first() else {
            if self.quiets < QUIETS_MOST {
                self.quiets += 1;
                self.step(Kind::Quiet, format!("{} matches no prompt", shown(tail)));
            }
            return;
        };
        let kind = match role {
            Role::Login => Kind::Login,
            Role::Password => Kind::Password,
            _ => Kind::Prompt,
        };
        self.logged_in |= kind == Kind::Login;
        self.asks = !waited_for;
        self.step(kind, format!("{} matches {key}", shown(tail)));
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Transmit(_) | Output::Line(_) => {}
            Output::Changed(state) => self.changed(state),
            Output::Banner(said) => self.banner(&said),
            Output::Firmware(event, said) => {
                let prefix = format!("firmware.{}[", event.key());
                let key = self.matched.iter().find(|(_, key)| key.starts_with(&prefix));
                let key = key.map(|(_, key)| key.as_str()).unwrap_or_default();
                let text = format!("{}: {} matches {key}", event.key(), shown(&said));
                self.step(Kind::Firmware, text);
            }
            Output::Message(message) => {
                self.summary.messages += 1;
                self.burst(Kind::Frames, message.len());
            }
            Output::Gap { from, frames } => {
                self.summary.missing_frames += frames;
                self.step(Kind::Gap, format!("{frames} frames are missing, from number {from} on"));
            }
            Output::Lost => self.step(Kind::Lost, "a message of several frames".into()),
            Output::Damaged(_) => {
                self.summary.damaged += 1;
                self.burst(Kind::Damaged, 0);
            }
            Output::Foreign(_) => self.burst(Kind::Foreign, 0),
            Output::Repeated(number) => {
                self.step(Kind::Note, format!("the frame {number} came again"));
            }
            Output::Outage(..) => {}
            Output::Finished(id, how) => self.finished(id, &how),
            Output::RunOver => self.step(Kind::Ended, "the run's time is over".into()),
            Output::Refused(refusal) => {
                let text = refusal.to_string();
                let text = text.lines().next().unwrap_or_default().to_owned();
                self.step(Kind::Unfit, text);
            }
        }
    }

    fn changed(&mut self, new: State) {
        match &new {
            State::Dead(why) => self.died(why),
            State::Ready if matches!(self.state, State::Unknown | State::Booting) => {
                let line = self.line;
                let taken = core::mem::take(&mut self.taken);
                let plain = self.console.profile().style == CommandStyle::Plain;
                let text = match (taken, plain) {
                    (true, _) => "ready, by its prompt alone: nothing was typed that proves it",
                    (_, true) => "ready: its prompt came",
                    _ => "ready: it answered the probe",
                };
                self.step(Kind::State, text.to_owned());
                let logs_in = self.console.profile().login.is_some();
                let unseen = logs_in && !self.logged_in && self.summary.boots > 0;
                let missed = match (unseen, core::mem::take(&mut self.unasked)) {
                    (true, _) => Some("login_prompt"),
                    (false, true) => Some("password_prompt"),
                    (false, false) => None,
                };
                if let Some(key) = missed {
                    let text =
                        format!("it booted and came up, and `{key}` matched nothing on the way");
                    self.step(Kind::Unfit, text);
                }
                if !matches!(self.summary.came_up, CameUp::Yes { .. }) {
                    self.summary.came_up = match (missed, taken) {
                        // Whoever was logged in there, no bench would have been.
                        (Some(key), _) => CameUp::No(format!(
                            "line {line}: by this profile nobody logs in: `{key}` matched nothing"
                        )),
                        (None, true) => CameUp::Prompt { line },
                        (None, false) => CameUp::Yes { line },
                    };
                }
            }
            new => self.step(Kind::State, state(new).to_owned()),
        }
        self.probed &= matches!(new, State::Unknown | State::Booting);
        self.state = new;
    }

    fn died(&mut self, why: &Cause) {
        self.summary.deaths += 1;
        let key = match why {
            Cause::Said(kind, said) => {
                let of = |(role, _): &&(Role, String)| *role == Role::Death(*kind);
                let key = self.matched.iter().find(of).map(|(_, key)| key.clone());
                key.or_else(|| self.counts.death_in(said))
            }
            Cause::Reset(_) | Cause::BootLoop(_) => {
                let of = |(role, _): &&(Role, String)| *role == Role::Banner;
                self.matched.iter().find(of).map(|(_, key)| key.clone())
            }
            _ => None,
        };
        // What resets boots already. A loop has no end to wait for.
        self.boots_again = matches!(why, Cause::Reset(_));
        let mut text = cause(why);
        if let Some(key) = key {
            text += &format!(" matches {key}");
        }
        if self.summary.came_up == CameUp::Open {
            self.summary.came_up = CameUp::No(format!("line {}: {text}", self.line));
        }
        self.step(Kind::Death, text);
    }

    fn banner(&mut self, said: &[u8]) {
        let of = |(role, _): &&(Role, String)| *role == Role::Banner;
        let key = self.matched.iter().find(of).map(|(_, key)| key.clone()).unwrap_or_default();
        self.step(Kind::Banner, format!("{} matches {key}", shown(said)));
        match &self.state {
            State::Dead(Cause::BootLoop(_)) => {}
            State::Dead(_) | State::Ready | State::Streaming => {
                self.summary.boots += 1;
                self.boots_again |= matches!(self.state, State::Dead(_));
            }
            State::Unknown => {
                self.summary.boots += 1;
                self.asks = false;
                self.boots_again = true;
            }
            State::Booting | State::Off => {}
        }
    }

    fn finished(&mut self, id: CommandId, how: &Outcome) {
        match how {
            // A death is told already, and that a board is ready as well.
            Outcome::Died(_) => {}
            Outcome::Done { .. } if id == READY => {}
            Outcome::TimedOut(Limit::Step) if id == READY => {
                self.step(Kind::Ended, "no prompt within boot_timeout".into());
            }
            Outcome::Done { .. } => self.step(Kind::Done, outcome(how)),
            _ => self.step(Kind::Ended, outcome(how)),
        }
    }

    fn burst(&mut self, kind: Kind, bytes: usize) {
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
            Kind::Frames => format!("{count} messages, {bytes} bytes"),
            Kind::Damaged => format!("{count} frames: each is a gap once the next one comes"),
            _ => format!("{count} frames of another conversation: they count for nothing"),
        };
        self.steps.push(Step { line, at_ns, kind, text });
    }

    pub(super) fn step(&mut self, kind: Kind, text: String) {
        self.flush();
        self.steps.push(Step { line: self.line, at_ns: self.at_ns(), kind, text });
    }

    fn at_ns(&self) -> Option<Nanos> {
        let timed = self.recording.form == Form::Timed;
        timed.then(|| self.now.saturating_sub(self.start_ns))
    }
}
