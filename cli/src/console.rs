//! `parallax console`: a person, or lines from a pipe, at a board's console.

use crate::{
    args::ConsoleArgs,
    exit::{Exit, Stop},
    heard::{RelayedText, To},
    hil,
    interrupt::Interrupt,
    keyboard::{self, Raw},
    output,
    owner::owner,
};
use parallax_bench::{BoardSession, Book, SessionOutput, take};
use parallax_files::{self as files, PathKind};
use parallax_record::Name;
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, TryRecvError},
    time::Duration,
};

/// What leaves: Ctrl-].
const LEAVE: u8 = 0x1d;
/// How long a step waits for the board while a key may be pressed.
const STEP: Duration = Duration::from_millis(10);
/// Default folder of transcripts.
const FOLDER: &str = "target/parallax-console";

/// Runs `parallax console`.
///
/// # Errors
/// [`Stop::BadInput`] if there is no such bench or board, or its console cannot be had.
pub(crate) fn run(arguments: &ConsoleArgs) -> Result<Exit, Stop> {
    let bench = hil::bench(&arguments.bench)?;
    let (name, board) = hil::chosen(&bench, Some(&arguments.board))?;
    let profile = hil::profile(&arguments.bench, board)?;
    let transcript = match &arguments.transcript {
        Some(file) => file.clone(),
        None => free_name(name)?,
    };
    let fault = |error: std::io::Error| Stop::Fault(format!("failed to begin: {error}"));
    let command = hil::starter(&board.place)?;
    // A quarantined board can be talked to: that is how it is repaired.
    if let Some(quarantine) = hil::booked(board)?.1 {
        output::error(format!("{name} is {quarantine}"));
    }
    let held = take(&Book::shared(), board, &owner())
        .map_err(|error| Stop::BadInput(error.to_string()))?;
    // Who logs in by hand types the password as well.
    let by_hand = || (!arguments.ready).then(String::new);
    let secret = |name: &str| std::env::var(name).ok().or_else(by_hand);
    let session = BoardSession::open(name, board, &held, &profile, &command, &transcript, secret)
        .map_err(|error| Stop::BadInput(error.to_string()))?;
    let interrupt = Interrupt::listen()?;
    let raw = Raw::take().map_err(fault)?;
    let leave = if raw.is_some() { "Ctrl-] leaves" } else { "the end of the input leaves" };
    let to = match arguments.raw {
        true => To::Raw,
        false if output::is_terminal() => To::Terminal,
        false => To::Pipe,
    };
    let mut talk = Talk {
        session,
        heard: RelayedText::new(to),
        raw: raw.is_some(),
        keys: keyboard::listen().map_err(fault)?,
        pieces: Pieces::default(),
        ended: false,
        readying: arguments.ready,
        failed: false,
    };
    talk.tell(&format!(
        "{name}, a {}; {leave}; transcript: {}",
        profile.name,
        transcript.display()
    ));
    if let Some(lease) = &held.ended {
        talk.tell(&format!("{lease} is over, and is taken off"));
    }
    if arguments.ready {
        talk.session.make_ready(&board.place);
    }
    while !talk.ended && !interrupt.asked() {
        talk.hear();
        talk.say();
    }
    talk.tell(&format!("left; the transcript is {}", transcript.display()));
    drop(raw);
    Ok(match (interrupt.asked(), talk.failed) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Fail,
        (false, false) => Exit::Pass,
    })
}

/// A new file's name for a transcript of this board.
fn free_name(board: &Name) -> Result<PathBuf, Stop> {
    let folder = Path::new(FOLDER);
    output::folder(folder)?;
    let names = (1_u32..).map(|number| folder.join(format!("{board}-{number}.txt")));
    let mut free =
        names.filter(|name| files::kind(name).is_ok_and(|kind| kind == PathKind::Absent));
    free.next().ok_or_else(|| Stop::Fault(format!("failed to name a file in {FOLDER}")))
}

struct Talk {
    session: BoardSession,
    heard: RelayedText,
    raw: bool,
    keys: Receiver<Vec<u8>>,
    pieces: Pieces,
    ended: bool,
    /// The board is made ready, and nothing is typed before.
    readying: bool,
    failed: bool,
}

/// Lines from a pipe.
#[derive(Default)]
struct Pieces {
    rest: Vec<u8>,
    lines: VecDeque<Vec<u8>>,
    over: bool,
}

impl Pieces {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.lines.push_back(core::mem::take(&mut self.rest)),
                byte => self.rest.push(*byte),
            }
        }
    }

    fn end(&mut self) {
        if !core::mem::replace(&mut self.over, true) && !self.rest.is_empty() {
            self.lines.push_back(core::mem::take(&mut self.rest));
        }
    }
}

impl Talk {
    fn hear(&mut self) {
        for told in self.session.step(STEP) {
            match told {
                SessionOutput::Heard(bytes) => output::bytes(&self.heard.hear(&bytes)),
                SessionOutput::Line(text) => self.tell(&text),
                SessionOutput::Ready(ready) => {
                    self.readying = false;
                    self.failed = !ready;
                    // Lines from a pipe are for a board that is ready.
                    self.ended = !ready && !self.raw;
                }
            }
        }
    }

    fn say(&mut self) {
        if self.readying {
            return;
        }
        loop {
            match self.keys.try_recv() {
                Ok(bytes) if self.raw => {
                    let leave = bytes.iter().position(|byte| *byte == LEAVE);
                    let typed = bytes.get(..leave.unwrap_or(bytes.len())).unwrap_or_default();
                    if !typed.is_empty() {
                        self.session.type_keys(typed.to_vec());
                    }
                    self.ended |= leave.is_some();
                }
                Ok(bytes) => self.pieces.push(&bytes),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.pieces.end();
                    self.ended |= self.raw;
                    break;
                }
            }
        }
        if !self.raw && self.session.waits() {
            match self.pieces.lines.pop_front() {
                Some(line) => self.session.type_line(&line),
                None => self.ended |= self.pieces.over,
            }
        }
    }

    /// Says what the board does not say itself, on the standard error.
    fn tell(&self, text: &str) {
        output::beside(format!("-- {text}"), self.raw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_lines_whatever_its_pieces_and_a_last_one_without_end() {
        let mut pieces = Pieces::default();
        pieces.push(b"ro");
        pieces.push(b"ot\n\nuname");
        assert_eq!(pieces.lines, [b"root".to_vec(), b"".to_vec()]);
        pieces.end();
        pieces.end();
        assert_eq!(pieces.lines.back().map(Vec::as_slice), Some(&b"uname"[..]));
        assert_eq!(pieces.lines.len(), 3);
    }
}
