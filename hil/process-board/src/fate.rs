//! Has happen what is to go wrong.

use crate::{
    fault::{Fault, Faults, Stage, Wrong},
    lock,
    plug::Plug,
    tty::Wire,
};
use rustix::process::{Signal, getpid, kill_process};
use std::{
    io::{self, Write as _},
    process,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    thread,
    time::{Duration, Instant},
};

/// Between two looks for what is due.
const LOOK: Duration = Duration::from_millis(2);
/// How long last words may be on their way to the wire.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What a board has to expect. Clones are the same.
#[derive(Clone)]
pub(crate) struct Fate {
    on: Instant,
    faults: Arc<Mutex<Faults>>,
    killed: Arc<AtomicBool>,
}

impl Fate {
    /// Of a board whose power came on at `on`.
    pub(crate) fn new(on: Instant, all: Vec<Fault>) -> Self {
        let mut faults = Faults::new(all);
        faults.reached(Stage::On, Duration::ZERO);
        Self { on, faults: Arc::new(Mutex::new(faults)), killed: Arc::default() }
    }

    /// The board has come so far.
    pub(crate) fn reached(&self, stage: Stage) {
        lock(&self.faults).reached(stage, self.on.elapsed());
    }

    /// What is wrong now.
    pub(crate) fn now(&self) -> Vec<Wrong> {
        lock(&self.faults).now(self.on.elapsed()).collect()
    }

    pub(crate) fn is(&self, wrong: Wrong) -> bool {
        self.now().contains(&wrong)
    }

    /// Whether the agent was killed.
    pub(crate) fn has_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }

    /// Does what is due by now.
    pub(crate) fn act(&self, hands: &Hands) -> io::Result<()> {
        let due = lock(&self.faults).due(self.on.elapsed());
        due.into_iter().try_for_each(|wrong| self.befall(wrong, hands))
    }

    /// Does what is due, from now on.
    pub(crate) fn begin(&self, hands: Hands) -> io::Result<()> {
        let fate = self.clone();
        let act = move || {
            loop {
                if let Err(error) = fate.act(&hands) {
                    // A board that cannot fail as it was told is none.
                    let _ = writeln!(io::stderr(), "failed to fail: {error}");
                    process::exit(1);
                }
                thread::sleep(LOOK);
            }
        };
        thread::Builder::new().name("fate".into()).spawn(act).map(drop)
    }

    fn befall(&self, wrong: Wrong, hands: &Hands) -> io::Result<()> {
        match wrong {
            Wrong::Silent => stop(Duration::ZERO),
            Wrong::Panic => hands.last(
                "\n[   12.345678] Kernel panic - not syncing: Fatal exception in interrupt\n",
            ),
            Wrong::Watchdog => hands.last(&format!(
                "\n[   12.345678] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [parallax-agent:77]\n\
                 {}\nReset cause: WDOG\n",
                crate::board::BANNER
            )),
            Wrong::Reset => hands.last(&format!("\n{}\n", crate::board::BANNER)),
            Wrong::Deaf => hands.plug.stop_taking(),
            Wrong::Unplugged(millis) => {
                hands.plug.pull();
                let Some(millis) = millis else { return Ok(()) };
                thread::sleep(Duration::from_millis(millis));
                hands.plug.put(self.is(Wrong::Locked)).map_err(io::Error::other)
            }
            Wrong::Exit(status) => process::exit(status.into()),
            Wrong::Killed | Wrong::OutOfMemory => {
                if wrong == Wrong::OutOfMemory {
                    let text =
                        "\n[   12.345678] Out of memory: Killed process 77 (parallax-agent)\n";
                    hands.wire.clone().write_all(text.as_bytes())?;
                }
                self.killed.store(true, Ordering::Relaxed);
                // Whoever waits for what is typed wakes.
                hands.typed.send(Vec::new()).map_err(io::Error::other)
            }
            // These are states: whoever does what they spoil asks for them.
            Wrong::BootLoop
            | Wrong::Garbage(_)
            | Wrong::Dropped(_)
            | Wrong::Interleaved(_)
            | Wrong::Earlier
            | Wrong::Overrun(_)
            | Wrong::Locked
            | Wrong::NoAgent
            | Wrong::Refused
            | Wrong::Rate(_) => Ok(()),
        }
    }
}

/// What fate has its hands on.
pub(crate) struct Hands {
    pub(crate) wire: Wire,
    pub(crate) plug: Arc<Plug>,
    pub(crate) typed: Sender<Vec<u8>>,
}

impl Hands {
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
