//! The board's end of its console: bytes as fast as the wire, echo, lines.

use serialport::TTYPort;
use std::{
    io::{self, Read, Write},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Ten bits a byte: start, eight, stop.
const BITS_OF_A_BYTE: u64 = 10;
/// Between two writes: what a wire does all the time a thread does this often.
const PACE: Duration = Duration::from_millis(1);
/// Ctrl-C.
const INTERRUPT: u8 = 0x03;

/// What was written, and when.
type Written = (Instant, Vec<u8>);

/// Where the board writes. Clones write to the same wire.
#[derive(Clone)]
pub(crate) struct Wire(mpsc::Sender<Written>);

/// How long something is held back: up to so long, the same each time the program runs.
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

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // As a terminal does: a line end becomes two bytes.
        let mut out = Vec::with_capacity(bytes.len() + 8);
        for byte in bytes {
            if *byte == b'\n' {
                out.push(b'\r');
            }
            out.push(*byte);
        }
        self.0.send((Instant::now(), out)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what comes, no faster than `bits_per_second`, each held back by the jitter.
fn pace(
    mut port: TTYPort,
    waiting: &mpsc::Receiver<Written>,
    bits_per_second: u32,
    mut jitter: Jitter,
) {
    let bytes_per_second = u64::from(bits_per_second.max(1)) / BITS_OF_A_BYTE;
    let in_a_pace = usize::try_from(bytes_per_second / 1_000).unwrap_or(1).max(1);
    // When the wire is free again.
    let mut free = Instant::now();
    while let Ok((written, bytes)) = waiting.recv() {
        let due = written + jitter.draw();
        thread::sleep(due.saturating_duration_since(Instant::now()));
        for chunk in bytes.chunks(in_a_pace) {
            free = free.max(Instant::now());
            let mut rest = chunk;
            while !rest.is_empty() {
                match port.write(rest) {
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

/// Whether a failed read or write may be tried again.
fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | Interrupted | WouldBlock)
}

/// The console.
pub(crate) struct Tty {
    came: mpsc::Receiver<Vec<u8>>,
    rest: Vec<u8>,
    wire: Wire,
    echoes: bool,
}

impl Tty {
    /// Takes the master of a PTY.
    pub(crate) fn new(port: TTYPort, bits_per_second: u32, jitter: Duration) -> io::Result<Self> {
        let mut reading = port.try_clone_native().map_err(io::Error::from)?;
        let (wire, waiting) = mpsc::channel();
        thread::Builder::new()
            .name("console out".into())
            .spawn(move || pace(port, &waiting, bits_per_second, Jitter::new(jitter, 1)))?;
        let (heard, came) = mpsc::channel();
        thread::Builder::new().name("console in".into()).spawn(move || {
            let (mut bytes, mut jitter) = ([0; 256], Jitter::new(jitter, 2));
            loop {
                match reading.read(&mut bytes) {
                    Ok(0) => return,
                    Ok(read) => {
                        thread::sleep(jitter.draw());
                        if heard.send(bytes[..read].to_vec()).is_err() {
                            return;
                        }
                    }
                    Err(error) if passes(&error) => {}
                    // Nobody has the other end open just now.
                    Err(_) => thread::sleep(Duration::from_millis(20)),
                }
            }
        })?;
        Ok(Self { came, rest: Vec::new(), wire: Wire(wire), echoes: true })
    }

    pub(crate) fn wire(&self) -> Wire {
        self.wire.clone()
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

/// As a program reads it that was started: Ctrl-C ends it.
impl Read for Tty {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
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
