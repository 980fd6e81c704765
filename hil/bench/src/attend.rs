//! One board through one boot: logged in, agent started, camera ordered, heard to the end.

mod budget;
mod checkup;
mod limits;
mod network;

use self::{
    budget::{Budget, EVENTS_MOST},
    network::OverNetwork,
};
use crate::{
    offset::BoardClock,
    waits::Waits,
    words::{AGENT_STATUS, Blame, agent_ended, in_one_line, not_ready, not_set_up},
};
use parallax_agent::protocol::{self, BoardTimedEvent, CameraOrder, FromBoard, PROTOCOL, ToBoard};
use parallax_board::{BaudRate, Board, BoardEvent, now_ns};
use parallax_console::{CommandId, ConsoleOutput, Nonce, Request, StepOutcome};
use parallax_lab::{BoardSite, SideChannel, SideDatagram, StopSignal};
use parallax_record::{Entry, Event, counted};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::AtomicU64,
        mpsc::{Receiver, Sender, TryRecvError},
    },
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
/// How long what a board said before its power was cut may be on its way.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What holds a board's power.
pub(crate) trait BoardPower {
    /// Cuts it, or says why it cannot be.
    fn off(&mut self) -> Result<(), String>;
    /// How the board's process ended by itself; none: it has not, or is none.
    fn ended(&mut self) -> Option<String>;
    /// The process of this machine that the board is; none: it is none, or has no power.
    fn process(&self) -> Option<u32>;
}

/// What is attended to.
pub(crate) struct Attended<'a> {
    pub(crate) board: &'a mut Board,
    /// What holds its power.
    pub(crate) power: &'a mut dyn BoardPower,
    pub(crate) nonce: Nonce,
    pub(crate) order: CameraOrder,
    /// It is only looked at, and never ordered.
    pub(crate) is_checkup: bool,
    /// What is run on it before the agent.
    pub(crate) setup: &'a [String],
    pub(crate) peer: &'a str,
    pub(crate) clock: BoardClock,
    /// Where it is in the network, for as long as it has power.
    pub(crate) place: BoardSite,
    /// A line to the board, past the network; and what comes on it.
    pub(crate) line: &'a SideChannel,
    pub(crate) came: &'a Receiver<SideDatagram>,
    /// What the board says about streams goes there.
    pub(crate) to_proxy: UnboundedSender<FromBoard>,
    /// Messages to the board come from there; when the sender is gone, the run is over
    /// or the board has lost its power.
    pub(crate) from_proxy: Receiver<ToBoard>,
    /// Whether the run is to end.
    pub(crate) stop: &'a StopSignal,
    /// Who hears of entries at once.
    pub(crate) sink: Sender<Vec<Entry>>,
    /// And of how far its clock may be off, microseconds.
    pub(crate) bound_us: Arc<AtomicU64>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AttendanceEnd {
    /// With the run.
    #[default]
    Over,
    /// The board's power is to be cut: the scenario says so.
    PowerCut,
    /// The board, or what is needed to attend to it, broke: the run need not go on.
    Broken,
}

/// What was heard.
#[derive(Debug, Default)]
pub(crate) struct Attendance {
    /// How it ended.
    pub(crate) end: AttendanceEnd,
    /// On the run's clock, in no order.
    pub(crate) entries: Vec<Entry>,
    /// How far times of the board may be from the truth, at most, microseconds.
    pub(crate) bound_us: u64,
    /// Clock questions that were answered over the network.
    pub(crate) answers: u32,
    /// A clock jumped: what spans two clocks cannot be said.
    pub(crate) jumped: bool,
    /// What the camera has stored.
    pub(crate) flash: BTreeMap<String, String>,
}

/// Attends to a board whose power has just come on, until the run is over or its power is to be cut.
pub(crate) fn attend(attended: Attended<'_>) -> Attendance {
    let flash = attended.order.flash.clone();
    let mut session = Session {
        attended,
        heard: Attendance { flash, ..Attendance::default() },
        asked: BTreeMap::new(),
        questions: 0,
        over_network: OverNetwork::default(),
        set_up: 0,
        next_question_ns: u64::MAX,
        ordered: false,
        streams: false,
        heard_ns: now_ns(),
        gone_ns: None,
        not_opened: None,
        started_ns: None,
        over_ns: None,
        ended: false,
        bye: false,
        lost_frames: 0,
        damaged_frames: 0,
        damaged_since_heard: 0,
        owes_broken: false,
        next_broken_ns: 0,
        noted: None,
        load: None,
        waits: Waits::default(),
        budget: Budget::default(),
        events: 0,
    };
    session.attended.board.request(Request::Ready(READY));
    while !session.ended {
        session.step();
    }
    session.finish()
}

struct Session<'a> {
    attended: Attended<'a>,
    heard: Attendance,
    /// Clock questions without an answer, and when they were asked.
    asked: BTreeMap<u32, u64>,
    questions: u32,
    /// And those over the network.
    over_network: OverNetwork,
    /// Commands of its setup that were begun.
    set_up: usize,
    next_question_ns: u64,
    ordered: bool,
    /// The agent runs.
    streams: bool,
    /// When the agent said something last.
    heard_ns: u64,
    /// Since when the port is gone.
    gone_ns: Option<u64>,
    /// Why it cannot be opened, if it is there again.
    not_opened: Option<String>,
    /// When the agent was started.
    started_ns: Option<u64>,
    /// When the run was over.
    over_ns: Option<u64>,
    ended: bool,
    /// The agent has said its last word.
    bye: bool,
    /// Frames of the console that are missing.
    lost_frames: u64,
    /// Frames that came damaged: what was in them is missing.
    damaged_frames: u64,
    damaged_since_heard: u64,
    /// The board is to hear that something is broken, at the earliest then.
    owes_broken: bool,
    next_broken_ns: u64,
    /// What was noted last of what may happen again and again.
    noted: Option<String>,
    /// First and last word about the load: when, processor time, memory.
    load: Option<[(u64, u64, u64); 2]>,
    /// Whether it had a processor, if it is a process.
    waits: Waits,
    budget: Budget,
    /// How many events it has told.
    events: usize,
}

impl Session<'_> {
    fn step(&mut self) {
        for (at_ns, event) in self.attended.board.step(STEP) {
            self.event(at_ns, event);
        }
        loop {
            match self.attended.from_proxy.try_recv() {
                Ok(message) => {
                    self.budget_hears(&message);
                    self.say(&message);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) if self.attended.place.has_power() => {
                    self.over();
                    break;
                }
                Err(TryRecvError::Disconnected) => return self.cut(),
            }
        }
        let now = now_ns();
        self.tell_broken(now);
        if self.streams && self.over_ns.is_none() && now >= self.next_question_ns {
            self.ask(now);
        }
        self.waits.look(|| self.attended.power.process());
        if !self.ended {
            self.process();
        }
        if self.streams && self.over_ns.is_none() {
            self.clock_over_network(now);
            if !self.ordered && self.over_network.is_done(now, self.patience_ns()) {
                self.order(now);
            }
        }
        if !self.ended {
            self.limits(now);
        }
    }

    /// The board's power is to be cut. What it said before is still heard; of what it could not say
    /// any more is not known.
    fn cut(&mut self) {
        let cut_ns = self.now();
        if let Err(why) = self.attended.power.off() {
            return self.blame(Blame::Lab(why));
        }
        let end = now_ns().saturating_add(u64::try_from(LAST_WORDS.as_nanos()).unwrap_or(0));
        self.heard.end = AttendanceEnd::PowerCut;
        self.ended = true;
        while now_ns() < end && self.attended.board.is_plugged() {
            for (at_ns, event) in self.attended.board.step(STEP) {
                if let BoardEvent::Console(ConsoleOutput::Message(message)) = event
                    && let Some(FromBoard::Events { events }) = protocol::read(&message)
                {
                    self.events(at_ns, events);
                }
            }
        }
        self.attended.board.power(false);
        // What it was about is over: the next boot is not to hear of it.
        self.attended.board.step(Duration::ZERO);
        self.heard.entries.retain(|entry| entry.run_ns <= cut_ns);
        self.tell(cut_ns, Event::Unheard { messages: 0, since_run_ns: None });
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
            BoardEvent::Heard(_) => {}
            BoardEvent::Rate(Some(BaudRate { baud, readable_permille })) => {
                let percent = readable_permille / 10;
                self.note(&format!("its console speaks at {baud} bit/s, {percent} % readable"));
            }
            BoardEvent::Rate(None) => self.note("nothing readable came at any of its rates"),
            BoardEvent::NotWritten(error) => {
                self.note_anew(error.to_string());
                self.broken();
            }
            BoardEvent::NotOpened(error) => self.not_opened(&error),
            // What the board did is in the record, and was judged from what came, not from what was
            // written of it: a verdict needs no transcript, and gets no worse without.
            BoardEvent::TranscriptFull(error) => self.note(&format!(
                "the transcript takes no more: {error}: its end says how much it lacks"
            )),
        }
    }

    fn output(&mut self, at_ns: u64, output: ConsoleOutput) {
        match output {
            ConsoleOutput::Message(message) => match protocol::read(&message) {
                Some(message) => self.hear(at_ns, message),
                None => {
                    let text = "its agent said what no agent of this version says: help: install the \
                                agent of this version";
                    self.blame(Blame::Lab(text.to_owned()));
                }
            },
            ConsoleOutput::Gap { frames, .. } => {
                self.lost_frames += frames;
                let now = self.now();
                self.tell(now, Event::Unheard { messages: frames, since_run_ns: None });
                self.broken();
            }
            ConsoleOutput::Outage(gone, _) => self.outage(at_ns, gone),
            ConsoleOutput::Damaged(_) => {
                self.damaged_frames += 1;
                self.damaged_since_heard += 1;
            }
            output @ ConsoleOutput::Noted(..) => {
                if let Some(text) = output.told() {
                    self.note(&text);
                }
            }
            ConsoleOutput::Refused(refusal) => {
                self.note_anew(refusal.to_string());
                self.broken();
            }
            ConsoleOutput::Finished(READY, StepOutcome::Done { .. }) => {
                self.set_up = 0;
                self.set_up();
            }
            ConsoleOutput::Finished(READY, outcome) => {
                let blame = not_ready(&outcome, self.attended.board.console().state());
                self.blame(blame);
            }
            ConsoleOutput::Finished(SETUP, StepOutcome::Done { status: None | Some(0), .. }) => {
                self.set_up()
            }
            ConsoleOutput::Finished(SETUP, outcome) => {
                let text = self.set_up.checked_sub(1).and_then(|at| self.attended.setup.get(at));
                let text = text.map(String::as_str).unwrap_or_default();
                self.blame(not_set_up(text, &outcome));
            }
            ConsoleOutput::Finished(AGENT, _) if self.over_ns.is_some() => self.ended = true,
            ConsoleOutput::Finished(AGENT, outcome) => self.blame(agent_ended(&outcome)),
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

    fn start(&mut self) {
        self.started_ns = Some(now_ns());
        let nonce = self.attended.nonce;
        let status = AGENT_STATUS;
        // The status of the line is that of its last command: the agent's is said.
        let text =
            format!("stty -echo; parallax-agent --nonce {nonce}; echo '{status}'$?; stty echo");
        self.attended.board.request(Request::Stream { id: AGENT, text, nonce });
    }

    fn hear(&mut self, at_ns: u64, message: FromBoard) {
        self.heard_ns = at_ns;
        self.damaged_since_heard = 0;
        match message {
            FromBoard::Hello { protocol: PROTOCOL, version } => self.greeted(&version),
            FromBoard::Hello { protocol, version } => {
                let text = format!(
                    "its agent, of version {version}, speaks protocol {protocol}, \
                                    not {PROTOCOL}: help: install the agent of this version"
                );
                self.blame(Blame::Lab(text));
            }
            FromBoard::ClockAt { port } => self.over_network.listens(port),
            FromBoard::Clock { number, board_ns } => self.answered(at_ns, number, board_ns),
            FromBoard::Events { events } => self.events(at_ns, events),
            FromBoard::Load { board_ns, cpu_us, memory_bytes } => {
                let now = (board_ns, cpu_us, memory_bytes);
                self.load = Some([self.load.map_or(now, |[first, _]| first), now]);
            }
            FromBoard::CannotBe { text } => self.blame(Blame::Lab(text)),
            FromBoard::Stored { name, base64 } => self.store(name, base64),
            FromBoard::Bye => self.bye = true,
            FromBoard::Broken => {
                // What was lost may have been the order: an agent that has one already drops it.
                if self.ordered {
                    let order = self.attended.order.clone();
                    self.say(&ToBoard::Order(Box::new(order)));
                }
                let _ = self.attended.to_proxy.send(FromBoard::Broken);
            }
            streams => self.pass_on(streams),
        }
    }

    fn events(&mut self, at_ns: u64, events: Vec<BoardTimedEvent>) {
        self.events = self.events.saturating_add(events.len());
        if self.events > EVENTS_MOST {
            let text = format!("its agent told more than {EVENTS_MOST} events");
            return self.blame(Blame::Lab(text));
        }
        for told in events {
            let event = self.attended.clock.event(told.board_ns, told.event, at_ns);
            if let Some((run_ns, event)) = event {
                self.tell(run_ns, event);
            }
        }
    }

    fn answered(&mut self, at_ns: u64, number: u32, board_ns: u64) {
        let Some(sent_ns) = self.asked.remove(&number) else { return };
        self.exchanged(sent_ns, board_ns, at_ns);
        if self.over_ns.is_some() {
            // That was the last.
        } else if self.questions < FIRST_QUESTIONS {
            self.ask(now_ns());
        } else if !self.over_network.is_begun() {
            self.begin_over_network();
        }
    }

    fn tell(&mut self, run_ns: u64, event: Event) {
        let entry = Entry { run_ns, node: self.attended.peer.to_owned(), event };
        // Without a receiver, it is among the entries all the same.
        let _ = self.attended.sink.send(vec![entry.clone()]);
        self.heard.entries.push(entry);
    }

    fn now(&self) -> u64 {
        self.attended.clock.host_on_run(now_ns())
    }

    fn note(&mut self, text: &str) {
        let now = self.now();
        self.tell(now, Event::Note { text: in_one_line(&text) });
    }

    /// Notes what may happen again and again, once until something else is noted so.
    fn note_anew(&mut self, text: String) {
        if self.noted.as_ref() != Some(&text) {
            self.note(&text);
            self.noted = Some(text);
        }
    }

    /// Ends the session, and records the blame.
    fn blame(&mut self, blame: Blame) {
        let now = self.now();
        if self.streams {
            // What it would still have said is unknown.
            let since = self.attended.clock.host_on_run(self.heard_ns);
            self.tell(now, Event::Unheard { messages: 0, since_run_ns: Some(since) });
        }
        self.tell(now, blame.event());
        self.heard.end = AttendanceEnd::Broken;
        self.ended = true;
    }

    fn finish(mut self) -> Attendance {
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
        match self.waits.told(self.attended.peer) {
            Some((text, false)) => self.note(&text),
            Some((text, true)) => {
                let now = self.now();
                self.tell(now, Event::LabFellShort { text });
            }
            None => {}
        }
        self.heard.answers = self.over_network.answers();
        if self.ordered && self.heard.answers == 0 {
            self.note("no clock question over the network was answered: its clock is known by its console alone");
        }
        if self.lost_frames > 0 {
            self.note(&format!("missing of its console: {}", counted(self.lost_frames, "frame")));
        }
        if self.damaged_frames > 0 {
            self.note(&format!(
                "{} of its console came damaged",
                counted(self.damaged_frames, "frame")
            ));
        }
        if self.over_ns.is_some() && self.streams && !self.bye {
            let now = self.now();
            // What it said last did not come: at least that.
            self.tell(now, Event::Unheard { messages: 1, since_run_ns: None });
        }
        self.heard.bound_us = self.attended.clock.bound_us();
        self.heard
    }
}
