//! The board's end of its console: bytes as fast as the wire, echo, lines.

use crate::{
    fault::{BoardFaultKind, Fifo, Noise, at_a_wrong_rate},
    faults::ActiveFaults,
    plug::Plug,
};
use std::{
    io::{self, Read, Write},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Ten bits a byte: start, eight, stop.
const BITS_OF_A_BYTE: u64 = 10;
/// Between two writes: what a wire does all the time a thread does this often.
const PACE: Duration = Duration::from_millis(1);
/// Between two looks for a console that is not plugged in.
const LOOK: Duration = Duration::from_millis(5);
/// Ctrl-C.
const INTERRUPT: u8 = 0x03;

/// What was written, and when.
type Written = (Instant, Vec<u8>);

/// Where the board writes. Clones write to the same wire.
#[derive(Clone)]
pub(crate) struct ConsoleWire {
    waiting: mpsc::Sender<Written>,
    /// Whether the agent writes here: killed, it says nothing.
    of_agent: Option<ActiveFaults>,
}

/// Random delays up to `most`, the same each time the program runs.
struct Jitter {
    most: Duration,
    state: u64,
}

impl Jitter {
    fn new(most: Duration, seed: u64) -> Self {
        Self { most, state: seed }
    }

    /// The next delay. Marsaglia's xorshift: it has to be uneven, nothing more.
    fn draw(&mut self) -> Duration {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let millionth = u32::try_from(self.state % 1_000_001).unwrap_or(0);
        self.most * millionth / 1_000_000
    }
}

impl Write for ConsoleWire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.of_agent.as_ref().is_some_and(ActiveFaults::agent_killed) {
            return Ok(bytes.len());
        }
        // As a terminal does: a line end becomes two bytes.
        let mut out = Vec::with_capacity(bytes.len() + 8);
        for byte in bytes {
            if *byte == b'\n' {
                out.push(b'\r');
            }
            out.push(*byte);
        }
        self.waiting.send((Instant::now(), out)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what comes, no faster than `bits_per_second`, each held back by the jitter.
fn pace(
    plug: &Plug,
    waiting: &mpsc::Receiver<Written>,
    bits_per_second: u32,
    mut jitter: Jitter,
    faults: &ActiveFaults,
) {
    let bytes_per_second = u64::from(bits_per_second.max(1)) / BITS_OF_A_BYTE;
    let in_a_pace = usize::try_from(bytes_per_second / 1_000).unwrap_or(1).max(1);
    let mut noise = Noise::new(1);
    // When the wire is free again.
    let mut free = Instant::now();
    while let Ok((written, bytes)) = waiting.recv() {
        let due = written + jitter.draw();
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let wrong = faults.now();
        let bytes = noise.pass(&bytes, &wrong);
        for chunk in bytes.chunks(in_a_pace) {
            free = free.max(Instant::now());
            let chunk = at_its_rate(chunk, &wrong, plug);
            let mut rest = chunk.as_slice();
            while !rest.is_empty() {
                match plug.write(rest) {
                    Ok(0) => return,
                    Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                    Err(error) if passes(&error) => thread::sleep(PACE),
                    Err(_) => return,
                }
            }
            let sent = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            let takes = sent.saturating_mul(1_000_000_000) / bytes_per_second.max(1);
            free += Duration::from_nanos(takes);
            let ahead = free.saturating_duration_since(Instant::now());
            if ahead >= PACE {
                thread::sleep(ahead);
            }
        }
    }
}

/// A PTY carries bytes whatever its rate, and keeps the rate that was set: a board with a rate of its own
/// is understood at that one alone, in both directions.
fn at_its_rate(bytes: &[u8], wrong: &[BoardFaultKind], plug: &Plug) -> Vec<u8> {
    let own = wrong.iter().find_map(|wrong| match wrong {
        BoardFaultKind::Rate(own) => Some(*own),
        _ => None,
    });
    if own.is_some() && own != plug.rate() { at_a_wrong_rate(bytes) } else { bytes.to_vec() }
}

/// Reads what is typed, from whatever PTY is plugged in.
fn hear(plug: &Plug, heard: &mpsc::Sender<Vec<u8>>, mut jitter: Jitter, faults: &ActiveFaults) {
    let (mut bytes, mut fifo, begun) = ([0; 256], Fifo::default(), Instant::now());
    loop {
        let times = plug.times();
        let Some(mut reading) = plug.reading() else {
            thread::sleep(LOOK);
            continue;
        };
        while plug.times() == times {
            match reading.read(&mut bytes) {
                Ok(0) => return,
                Ok(read) => {
                    thread::sleep(jitter.draw());
                    let wrong = faults.now();
                    let mut typed = at_its_rate(&bytes[..read], &wrong, plug);
                    for wrong in &wrong {
                        if let BoardFaultKind::Overrun(most) = wrong {
                            typed = fifo.take(&typed, *most, begun.elapsed());
                        }
                    }
                    if !typed.is_empty() && heard.send(typed).is_err() {
                        return;
                    }
                }
                Err(error) if passes(&error) => {}
                // The other end is not open just now.
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// Whether a failed read or write may be tried again.
fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | Interrupted | WouldBlock)
}

/// The console.
pub(crate) struct Tty {
    came: mpsc::Receiver<Vec<u8>>,
    typed: mpsc::Sender<Vec<u8>>,
    rest: Vec<u8>,
    wire: ConsoleWire,
    echoes: bool,
    faults: ActiveFaults,
}

impl Tty {
    /// Behind this plug.
    pub(crate) fn new(
        plug: &Arc<Plug>,
        bits_per_second: u32,
        jitter: Duration,
        faults: &ActiveFaults,
    ) -> io::Result<Self> {
        let (wire, waiting) = mpsc::channel();
        let (out, active) = (Arc::clone(plug), faults.clone());
        thread::Builder::new().name("console out".into()).spawn(move || {
            pace(&out, &waiting, bits_per_second, Jitter::new(jitter, 1), &active);
        })?;
        let (typed, came) = mpsc::channel();
        let (into, heard, active) = (Arc::clone(plug), typed.clone(), faults.clone());
        thread::Builder::new()
            .name("console in".into())
            .spawn(move || hear(&into, &heard, Jitter::new(jitter, 2), &active))?;
        let wire = ConsoleWire { waiting: wire, of_agent: None };
        Ok(Self { came, typed, rest: Vec::new(), wire, echoes: true, faults: faults.clone() })
    }

    pub(crate) fn wire(&self) -> ConsoleWire {
        self.wire.clone()
    }

    /// The agent's.
    pub(crate) fn wire_of_agent(&self) -> ConsoleWire {
        ConsoleWire { of_agent: Some(self.faults.clone()), ..self.wire() }
    }

    /// Where what is typed goes.
    pub(crate) fn typed(&self) -> mpsc::Sender<Vec<u8>> {
        self.typed.clone()
    }

    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        self.wire.write_all(text.as_bytes())
    }

    /// Whether what is typed is shown.
    pub(crate) fn echo(&mut self, echoes: bool) {
        self.echoes = echoes;
    }

    /// Forgets what was typed until now.
    pub(crate) fn forget(&mut self) {
        self.rest.clear();
        while self.came.try_recv().is_ok() {}
    }

    /// A line that was typed, without its end; nothing of one that was broken off.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        loop {
            let byte = self.byte()?;
            match byte {
                b'\r' | b'\n' => {
                    self.say("\n")?;
                    return Ok(String::from_utf8_lossy(&line).into_owned());
                }
                INTERRUPT => {
                    self.say("^C\n")?;
                    return Ok(String::new());
                }
                _ => {
                    line.push(byte);
                    if self.echoes {
                        self.wire.write_all(&[byte])?;
                    }
                }
            }
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        while self.rest.is_empty() {
            self.rest = self.came.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        Ok(self.rest.remove(0))
    }
}

/// Input of a program that was started: Ctrl-C ends it, and so does a kill.
impl Read for Tty {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            if self.faults.agent_killed() {
                return Ok(0);
            }
            self.rest = self.came.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        let room = bytes.len().min(self.rest.len());
        let end = self.rest[..room].iter().position(|byte| *byte == INTERRUPT);
        let count = end.unwrap_or(room);
        if count == 0 {
            self.rest.remove(0);
            return Ok(0);
        }
        bytes[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}
