//! One board through one run: on, logged in, agent started, camera ordered, heard to the end.

use crate::offset::BoardClock;
use parallax_agent::protocol::{self, CameraOrder, FromBoard, PROTOCOL, ToBoard};
use parallax_board::{Board, Event as BoardEvent, now_ns};
use parallax_console::{CommandId, Nonce, Outcome, Output, Request};
use parallax_record::{Entry, Event};
use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, TryRecvError},
    time::Duration,
};
use tokio::sync::mpsc::UnboundedSender;

const READY: CommandId = CommandId(1);
const AGENT: CommandId = CommandId(2);
const SETUP: CommandId = CommandId(3);
/// How long a step waits for the console while something else may come up.
const STEP: Duration = Duration::from_millis(2);
/// Clock questions before the order: each may narrow what is known.
const FIRST_QUESTIONS: u32 = 8;
/// From one clock question to the next, nanoseconds.
const QUESTION_NS: u64 = 500_000_000;
/// How long the agent may take to end, nanoseconds.
const ENDING_NS: u64 = 3_000_000_000;

/// What is attended to.
pub(crate) struct Attended<'a> {
    pub(crate) board: &'a mut Board,
    pub(crate) nonce: Nonce,
    pub(crate) order: CameraOrder,
    /// What is run on it before the agent.
    pub(crate) setup: &'a [String],
    pub(crate) peer: &'a str,
    pub(crate) clock: BoardClock,
    /// What the board says about streams goes there.
    pub(crate) to_proxy: UnboundedSender<FromBoard>,
    /// And what is to be said comes from there; when nobody is left at the other end, the run is over.
    pub(crate) from_proxy: Receiver<ToBoard>,
}

/// What was heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// On the run's clock, in no order.
    pub(crate) entries: Vec<Entry>,
    /// How far times of the board may be from the truth, microseconds.
    pub(crate) bound_us: u64,
    /// A clock jumped: what spans two clocks cannot be said.
    pub(crate) jumped: bool,
    /// Frames of the console that are missing.
    pub(crate) lost_frames: u64,
}

/// Attends to a board whose power has just come on, until the run is over.
pub(crate) fn attend(attended: Attended<'_>) -> Heard {
    let mut session = Session {
        attended,
        heard: Heard::default(),
        asked: BTreeMap::new(),
        questions: 0,
        set_up: 0,
        next_question_ns: u64::MAX,
        ordered: false,
        streams: false,
        over_ns: None,
        ended: false,
        load: None,
    };
    session.attended.board.request(Request::Ready(READY));
    while !session.ended {
        session.step();
    }
    session.finish()
}

struct Session<'a> {
    attended: Attended<'a>,
    heard: Heard,
    /// Clock questions without an answer, and when they were asked.
    asked: BTreeMap<u32, u64>,
    questions: u32,
    /// Commands of its setup that were begun.
    set_up: usize,
    next_question_ns: u64,
    ordered: bool,
    /// The agent runs.
    streams: bool,
    /// When the run was over.
    over_ns: Option<u64>,
    ended: bool,
    /// First and last word about the load: when, processor time, memory.
    load: Option<[(u64, u64, u64); 2]>,
}

impl Session<'_> {
    fn step(&mut self) {
        for (at_ns, event) in self.attended.board.step(STEP) {
            self.event(at_ns, event);
        }
        loop {
            match self.attended.from_proxy.try_recv() {
                Ok(message) => self.say(&message),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.over();
                    break;
                }
            }
        }
        let now = now_ns();
        if self.streams && self.over_ns.is_none() && now >= self.next_question_ns {
            self.ask(now);
        }
        if self.over_ns.is_some_and(|over| now > over.saturating_add(ENDING_NS)) {
            self.note("the agent did not end when it was told to");
            self.ended = true;
        }
    }

    /// The run is over: the agent is told so, once.
    fn over(&mut self) {
        if self.over_ns.is_some() {
            return;
        }
        self.over_ns = Some(now_ns());
        if self.streams {
            self.say(&ToBoard::Stop);
        } else {
            self.fault("the run was over before its agent ran");
            self.ended = true;
        }
    }

    fn say(&mut self, message: &ToBoard) {
        if self.streams {
            self.attended.board.request(Request::Say(protocol::write(message)));
        }
    }

    fn ask(&mut self, now: u64) {
        let number = self.questions;
        self.questions += 1;
        self.next_question_ns = now.saturating_add(QUESTION_NS);
        self.asked.insert(number, now);
        self.say(&ToBoard::Clock { number });
    }

    fn event(&mut self, at_ns: u64, event: BoardEvent) {
        match event {
            BoardEvent::Console(output) => self.output(at_ns, output),
            BoardEvent::NotWritten(error) => {
                self.note(&error.to_string());
                self.broken();
            }
            BoardEvent::NotOpened(error) => self.note(&error.to_string()),
            BoardEvent::TranscriptFull(error) => self.note(&format!("the transcript: {error}")),
        }
    }

    fn output(&mut self, at_ns: u64, output: Output) {
        match output {
            Output::Message(message) => match protocol::read(&message) {
                Some(message) => self.hear(at_ns, message),
                None => self.fault("its agent said what no agent of this version says"),
            },
            Output::Gap { frames, .. } => {
                self.heard.lost_frames += frames;
                self.broken();
            }
            Output::Refused(refusal) => {
                self.note(&refusal.to_string());
                self.broken();
            }
            Output::Finished(READY, Outcome::Done { .. }) => {
                self.set_up = 0;
                self.set_up();
            }
            Output::Finished(SETUP, Outcome::Done { status: None | Some(0), .. }) => self.set_up(),
            Output::Finished(SETUP, outcome) => {
                self.fault(&self.not_set_up(&outcome));
                self.ended = true;
            }
            Output::Finished(READY, outcome) => {
                self.fault(&format!("it did not come up: {outcome:?}"));
                self.ended = true;
            }
            Output::Finished(_, outcome) => {
                if self.over_ns.is_none() {
                    self.fault(&format!("its agent ended: {outcome:?}"));
                }
                self.ended = true;
            }
            _ => {}
        }
    }

    /// The next command of its setup, or else the agent.
    fn set_up(&mut self) {
        let Some(text) = self.attended.setup.get(self.set_up) else { return self.start() };
        self.set_up += 1;
        let text = text.clone();
        self.attended.board.request(Request::Command { id: SETUP, text, timeout_ns: None });
    }

    fn not_set_up(&self, outcome: &Outcome) -> String {
        let text = self.set_up.checked_sub(1).and_then(|at| self.attended.setup.get(at));
        let text = text.map(String::as_str).unwrap_or_default();
        match outcome {
            Outcome::Done { status: Some(status), said, .. } => {
                let said = String::from_utf8_lossy(said);
                format!("its setup `{text}` ended with {status} and said: {}", said.trim())
            }
            other => format!("its setup `{text}` did not end: {other:?}"),
        }
    }

    fn start(&mut self) {
        let nonce = self.attended.nonce;
        let text = format!("stty -echo; parallax-agent --nonce {nonce}; stty echo");
        self.attended.board.request(Request::Stream { id: AGENT, text, nonce });
    }

    fn hear(&mut self, at_ns: u64, message: FromBoard) {
        match message {
            FromBoard::Hello { protocol: PROTOCOL, .. } => {
                self.streams = true;
                self.ask(now_ns());
            }
            FromBoard::Hello { protocol, version } => {
                let text = format!(
                    "its agent, of version {version}, speaks protocol {protocol}, \
                                    not {PROTOCOL}: help: install the agent of this version"
                );
                self.fault(&text);
                self.ended = true;
            }
            FromBoard::Clock { number, board_ns } => self.answered(at_ns, number, board_ns),
            FromBoard::Events { events } => {
                for told in events {
                    let event = self.attended.clock.event(told.board_ns, told.event, at_ns);
                    if let Some((run_ns, event)) = event {
                        self.tell(run_ns, event);
                    }
                }
            }
            FromBoard::Load { board_ns, cpu_us, memory_bytes } => {
                let now = (board_ns, cpu_us, memory_bytes);
                self.load = Some([self.load.map_or(now, |[first, _]| first), now]);
            }
            FromBoard::CannotBe { text } => {
                self.fault(&text);
                self.ended = true;
            }
            FromBoard::Bye => {}
            streams => {
                // When the run is over nobody takes it.
                let _ = self.attended.to_proxy.send(streams);
            }
        }
    }

    fn answered(&mut self, at_ns: u64, number: u32, board_ns: u64) {
        let Some(sent_ns) = self.asked.remove(&number) else { return };
        self.heard.jumped |= !self.attended.clock.take(sent_ns, board_ns, at_ns);
        if self.questions < FIRST_QUESTIONS {
            self.ask(now_ns());
        } else if !self.ordered {
            self.ordered = true;
            self.attended.clock.settle(at_ns);
            let order = self.attended.order.clone();
            self.say(&ToBoard::Order(order));
        }
    }

    /// What was said about streams is not whole any more, the one way or the other.
    fn broken(&mut self) {
        let _ = self.attended.to_proxy.send(FromBoard::Broken);
        self.say(&ToBoard::Broken);
    }

    fn tell(&mut self, run_ns: u64, event: Event) {
        let node = self.attended.peer.to_owned();
        self.heard.entries.push(Entry { run_ns, node, event });
    }

    fn now(&self) -> u64 {
        self.attended.clock.host_on_run(now_ns())
    }

    fn note(&mut self, text: &str) {
        let now = self.now();
        self.tell(now, Event::Note { text: text.to_owned() });
    }

    fn fault(&mut self, text: &str) {
        let now = self.now();
        self.tell(now, Event::Fault { text: text.to_owned() });
    }

    fn finish(mut self) -> Heard {
        if let Some([(from_ns, from_us, _), (to_ns, to_us, memory)]) = self.load {
            let wall_us = to_ns.saturating_sub(from_ns) / 1_000;
            let busy_us = to_us.saturating_sub(from_us);
            let permille = (busy_us * 1_000).checked_div(wall_us).unwrap_or(0);
            let (whole, tenth) = (permille / 10, permille % 10);
            self.note(&format!(
                "agent: {whole}.{tenth} % of a processor, {} KiB of memory",
                memory >> 10
            ));
        }
        if self.heard.lost_frames > 0 {
            self.note(&format!("{} frames of its console are missing", self.heard.lost_frames));
        }
        if self.heard.jumped {
            self.note("its clock jumped, or drifts more than a clock may");
        }
        self.heard.bound_us = self.attended.clock.bound_us();
        self.heard
    }
}
