//! Fault injection.

use crate::{fault::FaultKind, faults::ActiveFaults, plug::Plug, shell::BANNER, tty::Wire};
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
    pub(crate) wire: Wire,
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
                    // A board that cannot fail as it was told is none.
                    let _ = writeln!(io::stderr(), "failed to fail: {error}");
                    process::exit(1);
                }
                thread::sleep(LOOK);
            }
        };
        thread::Builder::new().name("faults".into()).spawn(inject).map(drop)
    }

    fn inject(&self, kind: FaultKind) -> io::Result<()> {
        match kind {
            FaultKind::Silent => stop(Duration::ZERO),
            FaultKind::Panic => self.last(
                "\n[   12.345678] Kernel panic - not syncing: Fatal exception in interrupt\n",
            ),
            FaultKind::Watchdog => self.last(&format!(
                "\n[   12.345678] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [parallax-agent:77]\n\
                 {}\nReset cause: WDOG\n",
                BANNER
            )),
            FaultKind::Reset => self.last(&format!("\n{}\n", BANNER)),
            FaultKind::Deaf => self.plug.stop_taking(),
            FaultKind::Unplugged(millis) => {
                self.plug.pull();
                let Some(millis) = millis else { return Ok(()) };
                thread::sleep(Duration::from_millis(millis));
                self.plug.put(self.faults.is(FaultKind::Locked)).map_err(io::Error::other)
            }
            FaultKind::Exit(status) => process::exit(status.into()),
            FaultKind::Killed | FaultKind::OutOfMemory => {
                if kind == FaultKind::OutOfMemory {
                    let text =
                        "\n[   12.345678] Out of memory: Killed process 77 (parallax-agent)\n";
                    self.wire.clone().write_all(text.as_bytes())?;
                }
                self.faults.kill_agent();
                // The reader of typed bytes wakes.
                self.typed.send(Vec::new()).map_err(io::Error::other)
            }
            // These are states, read by the code that they disturb.
            FaultKind::BootLoop
            | FaultKind::Garbage(_)
            | FaultKind::Dropped(_)
            | FaultKind::Interleaved(_)
            | FaultKind::Earlier
            | FaultKind::Overrun(_)
            | FaultKind::Locked
            | FaultKind::NoAgent
            | FaultKind::Refused
            | FaultKind::Rate(_) => Ok(()),
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
