//! All output to the terminal, and new folders.
//!
//! The one gate to the terminal: nothing else in the command writes to the standard output or the standard
//! error, which `cli/tests/architecture.rs` holds. Text goes through [`Shown`]: of a foreign text no control
//! character, escape sequence or bidirectional control is left as it was.

use crate::exit::{Exit, Stop};
use parallax_render::{Shown, terminal::Style};
use std::{
    fs,
    io::{ErrorKind, IsTerminal, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether something that was said is lost: the standard output took it not.
static LOST: AtomicBool = AtomicBool::new(false);

/// Says something on the standard output. A reader that has gone away is no fault.
pub(crate) fn say(text: impl Into<Shown>) {
    bytes(text.into().as_bytes());
}

/// Passes on bytes as they are: what a board says at the console, as [`crate::heard`] lets it through.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if let Err(failure) = out.write_all(bytes).and_then(|()| out.flush()) {
        drop(out);
        lost(&failure);
    }
}

/// Takes note that the standard output did not take something, and says so once.
fn lost(failure: &std::io::Error) {
    if failure.kind() != ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) {
        error(format!("failed to write to the standard output: {failure}"));
    }
}

/// How a command ends that would end so: not as if nothing were wrong if something that it said is lost.
pub(crate) fn unless_lost(exit: Exit) -> Exit {
    match exit {
        Exit::Pass if LOST.load(Ordering::Relaxed) => Exit::Fault,
        exit => exit,
    }
}

/// Says what another program reads, byte for byte; to a terminal as any text.
pub(crate) fn for_programs(text: &str) {
    if is_terminal() { say(text) } else { bytes(text.as_bytes()) }
}

/// Says what went wrong, on the standard error.
pub(crate) fn error(text: impl Into<Shown>) {
    let text = text.into();
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says something among what a board says, on the standard error. `raw`: the terminal's keys are the
/// board's, and it does not begin a line anew by itself.
pub(crate) fn beside(text: impl Into<Shown>, raw: bool) {
    let text = text.into();
    let text =
        if raw { format!("\r\n{}\r\n", text.replace('\n', "\r\n")) } else { format!("{text}\n") };
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Whether the standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// How the standard output is to be written.
pub(crate) fn style() -> Style {
    if coloured() { Style::Coloured } else { Style::Plain }
}

/// Whether the standard output is to be coloured: a terminal, and not switched off
/// (`NO_COLOR`).
fn coloured() -> bool {
    is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Whether something may move on the standard error: a terminal that can.
pub(crate) fn drawn() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Makes a folder and those above it.
///
/// # Errors
/// [`Stop::BadInput`]: the user chose where.
pub(crate) fn folder(path: &Path) -> Result<(), Stop> {
    fs::create_dir_all(path).map_err(|error| {
        let cause = match error.kind() {
            ErrorKind::AlreadyExists => "a file has that name".to_owned(),
            ErrorKind::NotADirectory => "a part of the path is a file".to_owned(),
            _ => error.to_string(),
        };
        Stop::BadInput(format!(
            "failed to make the folder {}: {cause}\n  help: choose one that can be written with \
             --out FOLDER",
            path.display()
        ))
    })
}
