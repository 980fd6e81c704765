//! A board whose rate is one of several. A PTY carries bytes whatever its rate, and keeps the rate
//! that was set: the board here looks at it, and puts what it says through a UART that samples its
//! bits at that rate.

use parallax_board::{Board, BoardEvent, PortSettings, Recorder};
use parallax_console::{
    CommandId, Console, ConsoleProfile, LinePolicy, Nonce, Pattern, Request, StepOutcome, score,
};
use rustix::termios::tcgetattr;
use serialport::{SerialPort as _, TTYPort};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// What a receiver at `heard` bits per second makes of bytes sent at `sent`, back to back: 8 data bits,
/// no parity, one stop bit, sampled in the middle of each bit from the edge of the start bit on.
fn sampled(bytes: &[u8], sent: u64, heard: u64) -> Vec<u8> {
    if sent == heard {
        return bytes.to_vec();
    }
    let mut bits = Vec::new();
    for byte in bytes {
        bits.push(false);
        bits.extend((0..8).map(|bit| byte >> bit & 1 == 1));
        bits.push(true);
    }
    // The level of the wire, at a time in units of 1 / (sent * heard) seconds; idle is high.
    let level = |time: u64| bits.get(usize::try_from(time / heard).expect("short")).copied();
    let (mut out, mut time, end) = (Vec::new(), 0, bits.len() as u64 * heard);
    while time < end {
        if level(time).unwrap_or(true) {
            time += 1 + heard.min(sent) / 16;
            continue;
        }
        let bit = |number: u64| level(time + sent / 2 + number * sent).unwrap_or(true);
        out.push((0..8).map(|number| u8::from(bit(number + 1)) << number).sum());
        // A stop bit that is none is a framing error: the receiver goes on behind it all the same.
        time += sent * 10;
    }
    out
}

#[test]
fn a_uart_at_the_wrong_rate_hears_what_cannot_be_read() {
    let said = b"Linux board 6.1.21 #1 SMP\r\nboard login: ";
    assert_eq!(sampled(said, 115_200, 115_200), said);
    assert_eq!(score(said), 1000);
    for heard in [9_600, 57_600, 921_600, 1_500_000] {
        let garbage = sampled(said, 115_200, heard);
        assert_ne!(garbage, said);
        assert!(score(&garbage) < 950, "{heard}: {:?}", garbage.escape_ascii().to_string());
    }
}

/// A shell behind a UART of this rate.
struct FakeBoard {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl FakeBoard {
    fn new(rate: u64) -> Self {
        let (master, slave) = TTYPort::pair().expect("a PTY");
        let path = PathBuf::from(slave.name().expect("a name"));
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = Some(thread::spawn(move || shell(master, &slave, rate, &stopped)));
        Self { stop, thread, path }
    }
}

impl Drop for FakeBoard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn shell(mut master: TTYPort, slave: &TTYPort, rate: u64, stop: &AtomicBool) {
    let host = File::options().read(true).open(slave.name().expect("a name")).expect("the PTY");
    let (mut line, mut buffer) = (Vec::new(), [0; 256]);
    while !stop.load(Ordering::Relaxed) {
        let Ok(count) = master.read(&mut buffer) else { continue };
        let heard = u64::from(tcgetattr(&host).expect("a terminal").output_speed());
        let mut said = Vec::new();
        for byte in sampled(&buffer[..count], heard, rate) {
            if byte != b'\r' {
                // As a terminal does, garbage waits in the line that is typed.
                line.extend(Some(byte).filter(|byte| byte.is_ascii_graphic() || *byte == b' '));
                continue;
            }
            let typed = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            let ran = Command::new("sh").args(["-c", &typed]).output().expect("sh");
            let ran = String::from_utf8_lossy(&ran.stdout).replace('\n', "\r\n");
            said.extend(format!("{typed}\r\n{ran}board:/# ").into_bytes());
        }
        // At another rate it hears no line end, and is as talkative as a board that boots.
        if said.is_empty() && heard != rate {
            said = b"[    1.000000] usb 1-1: new device\r\n".to_vec();
        }
        master.write_all(&sampled(&said, rate, heard)).expect("room");
    }
}

fn open(fake: &FakeBoard, bauds: &[u32]) -> Board {
    let prompt = Pattern::new("# $").expect("a pattern");
    let profile = ConsoleProfile { bauds: bauds.to_vec(), ..ConsoleProfile::new(prompt) };
    let settings =
        PortSettings { path: fake.path.clone(), baud: bauds[0], lines: LinePolicy::default() };
    let console = Console::new(profile, Nonce(0x0102_0304));
    Board::open(settings, console, Recorder::none()).unwrap_or_else(|error| panic!("{error}"))
}

fn rate(board: &mut Board) -> Option<u32> {
    let events = board.step(Duration::from_millis(1));
    let found = events.iter().find_map(|(_, event)| match event {
        BoardEvent::Rate(rate) => Some(rate.map(|rate| rate.baud)),
        _ => None,
    });
    found.expect("it is told")
}

#[test]
fn the_rate_is_found_among_the_profiles_and_the_board_answers_at_it() {
    let fake = FakeBoard::new(115_200);
    let mut board = open(&fake, &[1_500_000, 9_600, 115_200, 57_600]);
    assert_eq!(rate(&mut board), Some(115_200));
    board.request(Request::Ready(CommandId(1)));
    let (outcome, all) = board.finish(CommandId(1));
    assert!(matches!(outcome, StepOutcome::Done { .. }), "{outcome:?} {all:?}");
}

#[test]
fn a_board_that_speaks_at_none_of_its_rates_is_told() {
    let fake = FakeBoard::new(921_600);
    let mut board = open(&fake, &[9_600, 19_200]);
    assert_eq!(rate(&mut board), None);
}
