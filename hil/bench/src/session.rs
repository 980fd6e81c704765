//! A person at a board's console, through the same driver as a run.

use crate::{
    file::BenchBoard,
    hold::{Hold, HoldError},
    place::{BoardPlace, PortPlace},
    process::ProcessBoard,
    profile::{ProfileError, console},
    run::nonce,
};
use parallax_board::{
    Board, BoardError, BoardEvent, CommandPower, PortSettings, Power as _, PowerError, Recorder,
    RecorderError,
};
use parallax_console::{CommandId, Console, ConsoleOutput, Limit, Request, State, StepOutcome};
use parallax_scenario::Profile;
use std::{
    ffi::OsString,
    io,
    os::unix::net::UnixDatagram,
    path::Path,
    thread,
    time::{Duration, Instant},
};

const READY: CommandId = CommandId(1);
/// Between two looks for a console.
const LOOK: Duration = Duration::from_millis(10);

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The board's console.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The transcript.
    #[error(transparent)]
    Transcript(#[from] RecorderError),
    /// The process.
    #[error(
        "failed to switch the board on: {0}\n  help: see whether processes can be started here"
    )]
    Power(io::Error),
    /// What switches it.
    #[error(transparent)]
    Switch(#[from] PowerError),
    /// Another program has it, as its port shows once that is there.
    #[error(transparent)]
    Taken(#[from] HoldError),
    /// It is a program.
    #[error(
        "failed to open the console of {0}: it is a program, and has none\n  help: console.txt of a run has its output"
    )]
    NoConsole(String),
}

/// What a session keeps on.
enum Held {
    Process(
        #[expect(dead_code, reason = "it is held")] ProcessBoard,
        #[expect(dead_code, reason = "it is held")] UnixDatagram,
    ),
    /// A board on a port; and what switches it off, if it was switched on.
    Port(Option<CommandPower>),
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Self::Port(Some(power)) = self {
            // The next holder begins with it.
            let _ = power.set(false);
        }
    }
}

/// Switches a board on whose console is not there, if the bench can; and waits for the console.
fn switched_on(place: &PortPlace, hold: &Hold) -> Result<Option<CommandPower>, SessionError> {
    let Some(switch) = place.power.as_ref().filter(|_| !place.port.exists()) else {
        return Ok(None);
    };
    let mut power = switch.commands.clone();
    power.set(true)?;
    let end = Instant::now() + power.limit;
    while !place.port.exists() && Instant::now() < end {
        thread::sleep(LOOK);
    }
    let named = hold.take_names(&place.port);
    if named.is_err() {
        // It is another's, and goes off as it was.
        power.set(false)?;
    }
    named?;
    Ok(Some(power))
}

/// What a session has to tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionOutput {
    /// The board said this: bytes as they came.
    Heard(Vec<u8>),
    /// Something that what it said does not show.
    Line(String),
    /// It is ready (true), or will not be: the answer to [`BoardSession::make_ready`].
    Ready(bool),
}

/// A board whose console is held. A process board has power as long as the session lasts, and so
/// has one whose console was not there before the bench switched it on; any other is as it is.
pub struct BoardSession {
    board: Board,
    line_end: Vec<u8>,
    prompt_time: Duration,
    boot_time: Duration,
    heard: Instant,
    /// What switches the board on, if it does not answer.
    switch: Option<CommandPower>,
    // Dropped after the board: the console is closed first.
    held: Held,
}

impl BoardSession {
    /// Opens the console of the board called `name`, which the caller holds ([`take`](crate::take)); a process board is started by `command`. The
    /// transcript is a new file. `secret` looks up a password by the name of an environment variable.
    ///
    /// # Errors
    /// When the profile has no console, the port cannot be opened, or the transcript not be written.
    pub fn open(
        name: &str,
        board: &BenchBoard,
        hold: &Hold,
        profile: &Profile,
        command: &[OsString],
        transcript: &Path,
        secret: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SessionError> {
        if let BoardPlace::Program(_) = &board.place {
            return Err(SessionError::NoConsole(name.to_owned()));
        }
        let console_profile = console(name, profile, secret)?;
        let recorder = Recorder::create(transcript)?;
        let baud = console_profile.bauds.first().copied().unwrap_or(115_200);
        let (path, held) = match &board.place {
            BoardPlace::Port(place) => (place.port.clone(), Held::Port(switched_on(place, hold)?)),
            BoardPlace::Program(_) => return Err(SessionError::NoConsole(name.to_owned())),
            BoardPlace::Process => {
                // There is nothing at the other end of its cable.
                let (lab, cable) = UnixDatagram::pair().map_err(SessionError::Power)?;
                let mut process =
                    ProcessBoard::new(command, cable, baud).map_err(SessionError::Power)?;
                process.on().map_err(SessionError::Power)?;
                (process.console.clone(), Held::Process(process, lab))
            }
        };
        let line_end = console_profile.line_end.clone();
        let timeouts = console_profile.timeouts;
        let prompt_time = Duration::from_nanos(timeouts.scaled(timeouts.prompt_ns));
        let boot_time = Duration::from_nanos(timeouts.scaled(timeouts.boot_ns));
        let settings = PortSettings { path, baud, lines: console_profile.lines };
        let mut board = Board::open(settings, Console::new(console_profile, nonce()), recorder)?;
        board.listen();
        if !matches!(held, Held::Port(None)) {
            board.power(true);
        }
        let heard = Instant::now();
        Ok(Self { board, line_end, prompt_time, boot_time, heard, switch: None, held })
    }

    /// Has the board boot, log in and answer, as a run does. One that does not answer is switched on, where
    /// `place` has a switch, and off again with the session.
    pub fn make_ready(&mut self, place: &BoardPlace) {
        if let (BoardPlace::Port(place), Held::Port(None)) = (place, &self.held) {
            self.switch = place.power.as_ref().map(|switch| switch.commands.clone());
        }
        self.board.request(Request::Ready(READY));
    }

    /// It did not answer: it is switched off and on, and is to boot. False if nothing switches it.
    fn switch_on(&mut self, told: &mut Vec<SessionOutput>) -> bool {
        let Some(mut power) = self.switch.take() else { return false };
        told.push(SessionOutput::Line(
            "it does not answer: its power is switched off and on".into(),
        ));
        // The first words of its boot are a boot's.
        self.board.power(true);
        let switched = power.reset();
        self.held = Held::Port(Some(power));
        if let Err(error) = &switched {
            told.push(SessionOutput::Line(error.to_string()));
            return false;
        }
        self.board.request(Request::Ready(READY));
        true
    }

    /// Types bytes as they are.
    pub fn type_keys(&mut self, bytes: Vec<u8>) {
        self.board.request(Request::Raw(bytes));
    }

    /// Types a line, with the end that the board's lines have.
    pub fn type_line(&mut self, line: &[u8]) {
        self.heard = Instant::now();
        self.type_keys([line, &self.line_end].concat());
    }

    /// Whether the board waits for a line: a prompt stands at the end of what it said, or it has been
    /// quiet for as long as a prompt may take; while it boots, a boot.
    pub fn waits(&self) -> bool {
        let console = self.board.console();
        let booting = console.state() == &State::Booting;
        let most = if booting { self.boot_time } else { self.prompt_time };
        console.asks() || self.heard.elapsed() > most
    }

    /// Waits until something happens, at most for `wait`.
    pub fn step(&mut self, wait: Duration) -> Vec<SessionOutput> {
        let mut told = Vec::new();
        for (_, event) in self.board.step(wait) {
            match event {
                BoardEvent::Heard(bytes) => {
                    self.heard = Instant::now();
                    told.push(SessionOutput::Heard(bytes));
                }
                BoardEvent::Console(output) => {
                    told.extend(output.told().map(SessionOutput::Line));
                    if let ConsoleOutput::Finished(READY, how) = output {
                        let silent = matches!(how, StepOutcome::TimedOut(Limit::Prompt));
                        if !(silent && self.switch_on(&mut told)) {
                            told.push(SessionOutput::Ready(matches!(
                                how,
                                StepOutcome::Done { .. }
                            )));
                        }
                    }
                }
                BoardEvent::Rate(rate) => told.push(SessionOutput::Line(match rate {
                    Some(rate) => format!(
                        "it speaks at {} bit/s ({} % readable)",
                        rate.baud,
                        rate.readable_permille / 10
                    ),
                    None => "nothing readable came at any of its rates: the first is taken".into(),
                })),
                BoardEvent::NotWritten(error) => told.push(SessionOutput::Line(error.to_string())),
                BoardEvent::NotOpened(error) => told.push(SessionOutput::Line(error.to_string())),
                BoardEvent::TranscriptFull(error) => {
                    let text = format!("the transcript takes no more: {error}");
                    told.push(SessionOutput::Line(text));
                }
            }
        }
        told
    }
}
