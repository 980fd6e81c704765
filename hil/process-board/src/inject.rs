//! Fault injection.

use crate::{
    fault::BoardFaultKind, faults::ActiveFaults, plug::Plug, shell::BANNER, tty::ConsoleWire,
};
use rustix::process::{Signal, getpid, kill_process};
use std::{
    io::{self, Write as _},
    process,
    sync::{Arc, mpsc::Sender},
    thread,
    time::Duration,
};

/// Between two looks for what is due.
const LOOK: Duration = Duration::from_millis(2);
/// How long last words may be on their way to the wire.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Injects the faults of a board when they are due.
pub(crate) struct Injector {
    pub(crate) faults: ActiveFaults,
    pub(crate) wire: ConsoleWire,
    pub(crate) plug: Arc<Plug>,
    /// Where typed bytes go.
    pub(crate) typed: Sender<Vec<u8>>,
}

impl Injector {
    /// Injects what is due.
    pub(crate) fn inject_due(&self) -> io::Result<()> {
        self.faults.due().into_iter().try_for_each(|kind| self.inject(kind))
    }

    /// Injects what is due from now on, in a thread of its own.
    pub(crate) fn start(self) -> io::Result<()> {
        let inject = move || {
            loop {
                if let Err(error) = self.inject_due() {
                    // A board that cannot inject its faults must not run.
                    let _ = writeln!(io::stderr(), "failed to fail: {error}");
                    process::exit(1);
                }
                thread::sleep(LOOK);
            }
        };
        thread::Builder::new().name("faults".into()).spawn(inject).map(drop)
    }

    fn inject(&self, kind: BoardFaultKind) -> io::Result<()> {
        match kind {
            BoardFaultKind::Silent => stop(Duration::ZERO),
            BoardFaultKind::Panic => self.last(
                "\n[   12.345678] Kernel panic - not syncing: Fatal exception in interrupt\n",
            ),
            BoardFaultKind::Watchdog => self.last(&format!(
                "\n[   12.345678] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [parallax-agent:77]\n\
                 {}\nReset cause: WDOG\n",
                BANNER
            )),
            BoardFaultKind::Reset => self.last(&format!("\n{}\n", BANNER)),
            BoardFaultKind::Deaf => self.plug.stop_taking(),
            BoardFaultKind::Unplugged(millis) => {
                self.plug.pull();
                let Some(millis) = millis else { return Ok(()) };
                thread::sleep(Duration::from_millis(millis));
                self.plug.put(self.faults.is(BoardFaultKind::Locked)).map_err(io::Error::other)
            }
            BoardFaultKind::Exit(status) => process::exit(status.into()),
            BoardFaultKind::Killed | BoardFaultKind::OutOfMemory => {
                if kind == BoardFaultKind::OutOfMemory {
                    let text =
                        "\n[   12.345678] Out of memory: Killed process 77 (parallax-agent)\n";
                    self.wire.clone().write_all(text.as_bytes())?;
                }
                self.faults.kill_agent();
                // The reader of typed bytes wakes.
                self.typed.send(Vec::new()).map_err(io::Error::other)
            }
            // These are states, read by the code that they disturb.
            BoardFaultKind::BootLoop
            | BoardFaultKind::Garbage(_)
            | BoardFaultKind::Dropped(_)
            | BoardFaultKind::Interleaved(_)
            | BoardFaultKind::Earlier
            | BoardFaultKind::Overrun(_)
            | BoardFaultKind::Locked
            | BoardFaultKind::NoAgent
            | BoardFaultKind::Refused
            | BoardFaultKind::Rate(_) => Ok(()),
        }
    }

    fn last(&self, words: &str) -> io::Result<()> {
        self.wire.clone().write_all(words.as_bytes())?;
        stop(LAST_WORDS)
    }
}

/// Stops the board as it stands, with all its threads. Its console stays plugged in.
fn stop(after: Duration) -> io::Result<()> {
    thread::sleep(after);
    Ok(kill_process(getpid(), Signal::STOP)?)
}
