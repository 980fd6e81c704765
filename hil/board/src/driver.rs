//! Driver of the console core, by port and clock.

use crate::{
    now_ns,
    port::{ConsolePort, OpenError, PortSettings, PortWriteError, Pulse},
    rate::{self, BaudRate, Hunt, HuntStep},
    reader::{PortReader, Reading, lock},
    transcript::Recorder,
};
use core::time::Duration;
use parallax_console::{
    CommandId, Console, ConsoleInput, ConsoleOutput, Request, State, StepOutcome, Transmit,
    transcript::{self, TranscriptKind},
};
use std::{
    io,
    sync::{Arc, Mutex, mpsc::RecvTimeoutError},
    thread,
};

/// How often a port that is gone is looked for.
const LOOK_NS: u64 = 100_000_000;
/// Quiet time before power on after which all output of an earlier run has come; and how
/// long that may take. USB adapters hold bytes back for 16 ms.
const QUIET_NS: u64 = 50_000_000;
const EARLIER_NS: u64 = 1_000_000_000;
/// What a write may take beyond what its bytes take on the wire.
const WRITE_GRACE: Duration = Duration::from_secs(2);

/// What happened at a board.
#[derive(Debug)]
pub enum BoardEvent {
    /// The console core has this to say; never [`ConsoleOutput::Transmit`], which is done.
    Console(ConsoleOutput),
    /// Bytes came, as they are, after [`listen`](Board::listen).
    Heard(Vec<u8>),
    /// The board speaks at this rate of its profile's; none: it said nothing readable at any, and the
    /// first one is taken.
    Rate(Option<BaudRate>),
    /// Bytes were not written: the lab's port or the board's console does not take them.
    NotWritten(PortWriteError),
    /// The port is there, and cannot be opened again. Said once for each outage.
    NotOpened(OpenError),
    /// The transcript takes no more: what follows is not in it until it does. The run goes on.
    TranscriptFull(io::Error),
}

/// Why a board cannot be driven.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// Its port cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The thread that reads cannot be started.
    #[error("failed to start reading the port: {0}\nhelp: see what limits threads and files here")]
    Reader(io::Error),
}

/// A board: its console core, its port, its transcript.
///
/// The owner calls [`step`](Self::step) again and again; the transcript is written by a thread
/// of its own, and misses nothing meanwhile.
pub struct Board {
    console: Console,
    settings: PortSettings,
    recorder: Arc<Mutex<Recorder>>,
    port: Option<(PortReader, ConsolePort)>,
    look_ns: u64,
    refused: bool,
    events: Vec<(u64, BoardEvent)>,
    listens: bool,
    /// When bytes came last.
    heard_ns: u64,
    /// At which of the profile's rates it speaks is being found out.
    hunt: Option<Hunt>,
}

impl Board {
    /// Opens the port and starts to read. Where the board's profile has several rates, each is listened
    /// at until one is readable; the port is opened once, whatever its control lines do. A board that is
    /// known to have no power is listened to when it has.
    ///
    /// # Errors
    /// When the port cannot be opened, or no thread can be started.
    pub fn open(
        mut settings: PortSettings,
        mut console: Console,
        mut recorder: Recorder,
    ) -> Result<Self, BoardError> {
        let mut port = ConsolePort::open(&settings)?;
        let mut events = Vec::new();
        let profile = console.profile();
        if profile.bauds.len() > 1 && console.state() == &State::Unknown {
            let (bauds, knock) = (profile.bauds.clone(), profile.line_end.clone());
            let found = rate::find(&mut port, &mut recorder, &bauds, &knock);
            settings.baud = found.as_ref().map_or(settings.baud, |(rate, _)| rate.baud);
            events.push((now_ns(), BoardEvent::Rate(found.as_ref().map(|(rate, _)| *rate))));
            for (at_ns, bytes) in found.into_iter().flat_map(|(_, pieces)| pieces) {
                console.handle(at_ns, ConsoleInput::Received(&bytes));
            }
        }
        let recorder = Arc::new(Mutex::new(recorder));
        let reader = PortReader::start(&port, &recorder).map_err(BoardError::Reader)?;
        let port = Some((reader, port));
        let (refused, listens) = (false, false);
        let (look_ns, heard_ns, hunt) = (0, now_ns(), None);
        Ok(Self {
            console,
            settings,
            recorder,
            port,
            look_ns,
            refused,
            events,
            listens,
            heard_ns,
            hunt,
        })
    }

    /// From now on [`BoardEvent::Heard`] tells what came, besides what it means: a person reads it.
    pub fn listen(&mut self) {
        self.listens = true;
    }

    /// The console core.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// Whether the port is there.
    pub fn is_plugged(&self) -> bool {
        self.port.is_some()
    }

    /// Asks for something; the answer comes from [`step`](Self::step).
    pub fn request(&mut self, request: Request) {
        self.input(now_ns(), ConsoleInput::Request(request));
    }

    /// The board was switched on (true) or off. Tell it *before* it is switched on, so that the first
    /// words of its boot are a boot's.
    pub fn power(&mut self, on: bool) {
        let event = if on { transcript::POWER_ON } else { transcript::POWER_OFF };
        lock(&self.recorder).event(event);
        self.input(now_ns(), ConsoleInput::Power(on));
        let bauds = &self.console.profile().bauds;
        self.hunt = (on && bauds.len() > 1).then(|| Hunt::new(bauds.clone(), self.settings.baud));
    }

    /// Hears what an earlier run has left, until nothing comes any more: before the board is switched on.
    pub fn hear_earlier(&mut self) {
        let begun = now_ns();
        let mut kept = Vec::new();
        self.heard_ns = begun;
        loop {
            kept.extend(self.step(Duration::from_millis(5)));
            let now = now_ns();
            if now > self.heard_ns.saturating_add(QUIET_NS)
                || now > begun.saturating_add(EARLIER_NS)
            {
                break;
            }
        }
        self.events = kept;
    }

    /// Resets the board by a control line of its port.
    ///
    /// # Errors
    /// When the port has no such line, or is gone.
    pub fn pulse(&mut self, pulse: &Pulse) -> Result<(), PortWriteError> {
        lock(&self.recorder).event(transcript::RESET);
        self.input(now_ns(), ConsoleInput::Reset);
        let (_, port) = self.port.as_mut().ok_or(PortWriteError::Gone { unwritten: 0 })?;
        port.pulse(pulse)
    }

    /// Waits until something happens, at most for `wait`, and tells what did, each with its time in
    /// nanoseconds of [`now_ns`]. It may tell nothing and return early.
    pub fn step(&mut self, wait: Duration) -> Vec<(u64, BoardEvent)> {
        let start = now_ns();
        let wait_ns = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        let mut until = start.saturating_add(wait_ns);
        if let Some(deadline) = self.console.next_deadline() {
            until = until.min(deadline);
        }
        if !self.events.is_empty() {
            until = start;
        }
        if self.port.is_none() {
            until = until.min(self.look_ns.max(start));
        }
        let pause = Duration::from_nanos(until.saturating_sub(start));
        match self.port.as_ref().and_then(|(reader, _)| reader.heard()) {
            None => {
                thread::sleep(pause);
                self.look();
            }
            Some(heard) => {
                let first = heard.recv_timeout(pause);
                let gone = matches!(first, Err(RecvTimeoutError::Disconnected));
                // What came before a deadline is handed in before it.
                let all: Vec<Reading> = first.into_iter().chain(heard.try_iter()).collect();
                self.hear(all, gone);
            }
        }
        self.input(now_ns(), ConsoleInput::Time);
        if let Some(error) = lock(&self.recorder).failure() {
            self.events.push((now_ns(), BoardEvent::TranscriptFull(error)));
        }
        core::mem::take(&mut self.events)
    }

    /// Steps until the step called `id` ends, and tells how, and all that happened. A profile's
    /// timeouts end every step but a stream, which lasts until its run's.
    pub fn finish(&mut self, id: CommandId) -> (StepOutcome, Vec<(u64, BoardEvent)>) {
        let mut all = Vec::new();
        loop {
            let mut outcome = None;
            for (at, event) in self.step(Duration::from_secs(1)) {
                if let BoardEvent::Console(ConsoleOutput::Finished(of, how)) = &event
                    && *of == id
                {
                    outcome = Some(how.clone());
                }
                all.push((at, event));
            }
            if let Some(outcome) = outcome {
                return (outcome, all);
            }
        }
    }

    /// Runs steps until the board is in a state that `done` accepts, or `limit` is over.
    pub fn until(
        &mut self,
        limit: Duration,
        done: impl Fn(&State) -> bool,
    ) -> (bool, Vec<(u64, BoardEvent)>) {
        let end = now_ns().saturating_add(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
        let mut all = Vec::new();
        while !done(self.console.state()) {
            let left = end.saturating_sub(now_ns());
            if left == 0 {
                return (false, all);
            }
            all.extend(self.step(Duration::from_nanos(left)));
        }
        (true, all)
    }

    fn hear(&mut self, all: Vec<Reading>, mut gone: bool) {
        for Reading { at_ns, bytes } in all {
            match bytes {
                Some(bytes) => {
                    self.heard_ns = now_ns();
                    self.input(at_ns, ConsoleInput::Received(&bytes));
                    self.hunt(&bytes);
                    if self.listens {
                        self.events.push((at_ns, BoardEvent::Heard(bytes)));
                    }
                }
                None => gone = true,
            }
        }
        if gone {
            self.unplugged();
        }
    }

    /// What cannot be read is of another rate.
    fn hunt(&mut self, bytes: &[u8]) {
        let Some(next) = self.hunt.as_mut().and_then(|hunt| hunt.hear(bytes)) else { return };
        match next {
            HuntStep::Found(rate) => {
                self.hunt = None;
                let BaudRate { baud, readable_permille } = rate;
                let text = format!("{baud} bit/s: {} % readable", readable_permille / 10);
                lock(&self.recorder).event(&text);
                self.events.push((now_ns(), BoardEvent::Rate(Some(rate))));
            }
            HuntStep::Try(baud) => {
                let taken = self.port.as_mut().is_some_and(|(_, port)| port.set_baud(baud));
                let text = if taken { "tried next" } else { "the port cannot be set to it" };
                lock(&self.recorder).event(&format!("{baud} bit/s: {text}"));
                if taken {
                    self.settings.baud = baud;
                }
                // What it asked at the rate before was not understood.
                self.input(now_ns(), ConsoleInput::Missed);
            }
        }
    }

    fn unplugged(&mut self) {
        if self.port.take().is_some() {
            lock(&self.recorder).event(transcript::UNPLUGGED);
            self.refused = false;
            self.look_ns = now_ns().saturating_add(LOOK_NS);
            self.input(now_ns(), ConsoleInput::Unplugged);
        }
    }

    /// Looks for a port that is gone.
    fn look(&mut self) {
        if now_ns() < self.look_ns {
            return;
        }
        self.look_ns = now_ns().saturating_add(LOOK_NS);
        match ConsolePort::open(&self.settings) {
            Ok(port) => {
                lock(&self.recorder).event(transcript::PLUGGED);
                self.input(now_ns(), ConsoleInput::Plugged);
                match PortReader::start(&port, &self.recorder) {
                    Ok(reader) => self.port = Some((reader, port)),
                    Err(error) => {
                        let path = self.settings.path.clone();
                        let error = OpenError::Failed { path, reason: error.to_string() };
                        self.events.push((now_ns(), BoardEvent::NotOpened(error)));
                        self.input(now_ns(), ConsoleInput::Unplugged);
                    }
                }
            }
            Err(OpenError::Missing { .. }) => {}
            Err(error) => {
                // A device that was just plugged in has no owner yet: it is tried again.
                if !core::mem::replace(&mut self.refused, true) {
                    self.events.push((now_ns(), BoardEvent::NotOpened(error)));
                }
            }
        }
    }

    fn input(&mut self, at_ns: u64, input: ConsoleInput<'_>) {
        self.console.handle(at_ns, input);
        let mut gone = false;
        while let Some(output) = self.console.poll() {
            match output {
                ConsoleOutput::Transmit(transmit) => gone |= self.transmit(transmit),
                output => self.events.push((at_ns, BoardEvent::Console(output))),
            }
        }
        if gone {
            self.unplugged();
        }
    }

    /// Whether the port turned out to be gone.
    fn transmit(&mut self, transmit: Transmit) -> bool {
        let Transmit { bytes, secret, .. } = transmit;
        let Some((_, port)) = &mut self.port else {
            let error = PortWriteError::Gone { unwritten: bytes.len() };
            self.events.push((now_ns(), BoardEvent::NotWritten(error)));
            return false;
        };
        // Ten bits a byte.
        let bits = u64::try_from(bytes.len()).unwrap_or(0).saturating_mul(10);
        let wire = Duration::from_millis(bits * 1000 / u64::from(self.settings.baud.max(1)));
        let at_ns = now_ns();
        if secret {
            // Before it can be echoed.
            lock(&self.recorder).expect_secret(&bytes);
        }
        let written = port.write(&bytes, wire + WRITE_GRACE);
        let (unwritten, gone) = match &written {
            Ok(()) => (0, false),
            Err(PortWriteError::Stalled { unwritten }) => (*unwritten, false),
            Err(PortWriteError::Gone { unwritten }) => (*unwritten, true),
            Err(PortWriteError::NoLine { .. }) => (bytes.len(), false),
        };
        let kind = if secret { TranscriptKind::Secret } else { TranscriptKind::Sent };
        let sent = bytes.get(..bytes.len() - unwritten).unwrap_or_default();
        lock(&self.recorder).record(at_ns, kind, sent);
        if let Err(error) = written {
            lock(&self.recorder)
                .event(&format!("{} not written", crate::port::bytes_in_words(unwritten)));
            self.events.push((now_ns(), BoardEvent::NotWritten(error)));
        }
        gone
    }
}
