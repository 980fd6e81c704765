//! A board behind a PTY: no hardware, no rights.

use parallax_board::{
    Board, BoardEvent, ConsolePort, OpenError, PortLine, PortSettings, PortState, PortWriteError,
    Pulse, Recorder, look, stable_name,
};
use parallax_console::{
    CommandId, Console, ConsoleOutput, ConsoleProfile, DeathCause, FrameEncoder, LineLevel,
    LinePolicy, Nonce, Pattern, Request, Sender, State, StepOutcome,
    transcript::{TranscriptEntry, TranscriptKind, read},
};
use serialport::{SerialPort as _, TTYPort};
use std::{
    fs,
    io::{Read as _, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tempfile::TempDir;

const NONCE: Nonce = Nonce(0x0102_0304);
/// Longer than anything here takes, on a machine however busy.
const LONG: Duration = Duration::from_secs(60);

fn profile() -> ConsoleProfile {
    ConsoleProfile::new(Pattern::new("# $").expect("a pattern"))
        .with_banner(Pattern::new("ROM 1").expect("a pattern"))
}

fn settings(path: &Path) -> PortSettings {
    let lines = LinePolicy { dtr: LineLevel::Low, rts: LineLevel::Low };
    PortSettings { path: path.to_owned(), baud: 115_200, lines }
}

/// A board's end of a PTY, in a thread that types back what a shell would.
struct FakeBoard {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// The name that stays.
    path: PathBuf,
    /// Kept open, so that the PTY stays while nobody else has it open.
    _slave: TTYPort,
}

impl FakeBoard {
    fn new(folder: &TempDir) -> Self {
        let (master, slave) = TTYPort::pair().expect("a PTY");
        let path = folder.path().join("board");
        let _ = fs::remove_file(&path);
        symlink(slave.name().expect("a name"), &path).expect("a link");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = Some(thread::spawn(move || shell(master, &stopped)));
        Self { stop, thread, path, _slave: slave }
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

/// Echoes each line and has a real shell run it.
fn shell(mut master: TTYPort, stop: &AtomicBool) {
    let mut line = Vec::new();
    let mut buffer = [0; 256];
    while !stop.load(Ordering::Relaxed) {
        let Ok(count) = master.read(&mut buffer) else { continue };
        for byte in &buffer[..count] {
            if *byte != b'\r' {
                line.push(*byte);
                continue;
            }
            let typed = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            let ran = Command::new("sh").args(["-c", &typed]).output().expect("sh");
            let said = String::from_utf8_lossy(&ran.stdout).replace('\n', "\r\n");
            write!(master, "{typed}\r\n{said}# \x1b[6n").expect("room");
        }
    }
}

fn open(path: &Path, recorder: Recorder) -> Board {
    let console = Console::new(profile(), NONCE);
    Board::open(settings(path), console, recorder).unwrap_or_else(|error| panic!("{error}"))
}

fn make_ready(board: &mut Board) {
    board.request(Request::Ready(CommandId(1)));
    let (outcome, all) = board.finish(CommandId(1));
    assert!(matches!(outcome, StepOutcome::Done { .. }), "{outcome:?} {all:?}");
}

fn run(board: &mut Board, text: &str) -> (Option<u32>, String) {
    board.request(Request::Command { id: CommandId(2), text: text.into(), timeout_ns: None });
    match board.finish(CommandId(2)) {
        (StepOutcome::Done { status, said, .. }, _) => {
            (status, String::from_utf8(said).expect("text"))
        }
        (outcome, all) => panic!("{outcome:?} {all:?}"),
    }
}

#[test]
fn a_stream_of_frames_comes_through() {
    let folder = TempDir::new().expect("a folder");
    let fake = FakeBoard::new(&folder);
    let mut board = open(&fake.path, Recorder::none());
    make_ready(&mut board);
    let mut lines = Vec::new();
    let nonce = Nonce(5);
    let mut encoder = FrameEncoder::new(Sender::Board, nonce);
    for message in ["one", "two"] {
        encoder.encode(message.as_bytes(), b"\\n", &mut lines).expect("short");
    }
    let lines = String::from_utf8(lines).expect("text");
    let text = format!("printf '{}'", lines.replace('%', "%%"));
    board.request(Request::Stream { id: CommandId(3), text, nonce });
    let (outcome, all) = board.finish(CommandId(3));
    assert!(matches!(outcome, StepOutcome::Done { status: Some(0), .. }), "{outcome:?}");
    let message = |(_, event): &(u64, BoardEvent)| match event {
        BoardEvent::Console(ConsoleOutput::Message(message)) => Some(message.clone()),
        _ => None,
    };
    let messages: Vec<Vec<u8>> = all.iter().filter_map(message).collect();
    assert_eq!(messages, [b"one", b"two"]);
}

#[test]
fn a_port_that_is_gone_is_told_and_found_again_by_its_name() {
    let folder = TempDir::new().expect("a folder");
    let fake = FakeBoard::new(&folder);
    let file = folder.path().join("transcript");
    let mut board = open(&fake.path, Recorder::create(&file).expect("a file"));
    make_ready(&mut board);
    drop(fake);
    let mut seen = Vec::new();
    while board.is_plugged() {
        seen.extend(board.step(LONG));
    }
    seen.extend(board.step(Duration::ZERO));
    let outage = |gone| move |(_, event): &(u64, BoardEvent)| matches!(event, BoardEvent::Console(ConsoleOutput::Outage(now, _)) if *now == gone);
    assert!(seen.iter().any(outage(true)), "{seen:?}");
    let fake = FakeBoard::new(&folder);
    let mut seen = Vec::new();
    while !board.is_plugged() {
        seen.extend(board.step(LONG));
    }
    seen.extend(board.step(Duration::ZERO));
    assert!(seen.iter().any(outage(false)), "{seen:?}");
    make_ready(&mut board);
    assert_eq!(run(&mut board, "echo again"), (Some(0), "again\n".into()));
    drop(board);
    drop(fake);
    let entries = read(&fs::read_to_string(&file).expect("a transcript")).expect("sound");
    let events: Vec<&[u8]> = entries
        .iter()
        .filter(|e| e.kind == TranscriptKind::Event)
        .map(|e| e.bytes.as_slice())
        .collect();
    assert_eq!(events, [&b"unplugged"[..], b"plugged in"]);
}

#[test]
fn a_real_shell_behind_a_pty_runs_commands_and_all_of_it_is_in_the_transcript() {
    let folder = TempDir::new().expect("a folder");
    let fake = FakeBoard::new(&folder);
    let file = folder.path().join("transcript");
    let mut board = open(&fake.path, Recorder::create(&file).expect("a file"));
    make_ready(&mut board);
    assert_eq!(run(&mut board, "echo one; printf two; false"), (Some(1), "one\ntwo\n".into()));
    drop(board);
    let text = fs::read_to_string(&file).expect("a transcript");
    let entries = read(&text).expect("sound");
    let of = |kind| {
        let all = entries.iter().filter(move |entry| entry.kind == kind);
        all.flat_map(|entry| entry.bytes.clone()).collect::<Vec<u8>>()
    };
    // All that went out came back as an echo; what the command said is there as it was said.
    let sent = String::from_utf8(of(TranscriptKind::Sent)).expect("text");
    let heard = String::from_utf8(of(TranscriptKind::Received)).expect("text");
    assert!(sent.split('\r').all(|line| heard.contains(line)), "{sent}\n{heard}");
    // The prompt after it may still be on its way.
    assert!(heard.contains("one\r\ntwoplx:01020304:1:e:1."), "{heard}");
}

#[test]
fn each_port_that_cannot_be_opened_is_told_with_its_cure() {
    let folder = TempDir::new().expect("a folder");
    let fake = FakeBoard::new(&folder);
    let _held = ConsolePort::open(&settings(&fake.path)).expect("free");
    let locked = ConsolePort::open(&settings(&fake.path)).expect_err("locked");
    assert!(matches!(locked, OpenError::Locked { .. }), "{locked}");
    let missing = ConsolePort::open(&settings(&folder.path().join("none"))).expect_err("missing");
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing}");
    let file = folder.path().join("file");
    fs::write(&file, "no port").expect("a file");
    for none in [file.as_path(), folder.path()] {
        let error = ConsolePort::open(&settings(none)).expect_err("no port");
        assert!(matches!(error, OpenError::NotAPort { .. }), "{error}");
        assert!(error.to_string().contains("help: name a device"), "{error}");
    }
}

#[test]
fn a_write_that_nobody_takes_ends_at_its_limit() {
    let (_master, slave) = TTYPort::pair().expect("a PTY");
    let path = PathBuf::from(slave.name().expect("a name"));
    let mut port = ConsolePort::open(&settings(&path)).expect("free");
    let many = vec![b'x'; 1 << 20];
    match port.write(&many, Duration::from_millis(200)) {
        Err(PortWriteError::Stalled { unwritten }) => assert!(unwritten > 0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stalled_write_is_an_event_and_the_board_goes_on() {
    let (master, slave) = TTYPort::pair().expect("a PTY");
    let path = PathBuf::from(slave.name().expect("a name"));
    // A limit grows with what the bytes take on the wire.
    let settings = PortSettings { baud: 4_000_000, ..settings(&path) };
    let console = Console::new(profile(), NONCE);
    let mut board = Board::open(settings, console, Recorder::none()).expect("free");
    board.request(Request::Raw(vec![b'x'; 200_000]));
    let all = board.step(Duration::ZERO);
    let stalled = |(_, event): &(u64, BoardEvent)| {
        matches!(event, BoardEvent::NotWritten(PortWriteError::Stalled { .. }))
    };
    assert!(all.iter().any(stalled), "{all:?}");
    drop(master);
}

#[test]
fn a_pty_has_no_control_lines_and_says_so() {
    let (_master, slave) = TTYPort::pair().expect("a PTY");
    let path = PathBuf::from(slave.name().expect("a name"));
    let mut board = open(&path, Recorder::none());
    let pulse = Pulse { line: PortLine::Rts, active: true, hold: Duration::ZERO };
    let error = board.pulse(&pulse).expect_err("no lines");
    assert!(error.to_string().contains("a PTY has none"), "{error}");
}

#[test]
fn a_board_that_dies_is_dead_at_once_and_the_transcript_has_its_last_words() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("transcript");
    let (mut master, slave) = TTYPort::pair().expect("a PTY");
    let path = PathBuf::from(slave.name().expect("a name"));
    let mut board = open(&path, Recorder::create(&file).expect("a file"));
    board.power(true);
    master.write_all(b"ROM 1\r\nKernel panic - not syncing: \xff\r\n").expect("room");
    let (died, all) = board.until(LONG, |state| matches!(state, State::Dead(_)));
    assert!(died, "{all:?}");
    assert!(matches!(board.console().state(), State::Dead(DeathCause::Said(..))));
    let text = fs::read_to_string(&file).expect("a transcript");
    assert!(text.contains("not syncing: \\xff\\x0d\\x0a"), "{text}");
}

#[test]
fn a_device_is_named_by_where_it_is_plugged_in() {
    let folder = TempDir::new().expect("a folder");
    let (serial, device) = (folder.path().join("serial"), folder.path().join("ttyUSB0"));
    fs::write(&device, "").expect("a file");
    for name in ["by-id", "by-path"] {
        fs::create_dir_all(serial.join(name)).expect("a folder");
    }
    assert_eq!(stable_name(&device, &serial), None);
    let by_id = serial.join("by-id/usb-FTDI_1234");
    symlink(&device, &by_id).expect("a link");
    assert_eq!(stable_name(&device, &serial), Some(by_id));
    let by_path = serial.join("by-path/pci-0:1.4");
    symlink(&device, &by_path).expect("a link");
    assert_eq!(stable_name(&device, &serial), Some(by_path));
}

#[test]
fn a_transcript_on_a_full_disk_is_told_and_the_run_goes_on() {
    let folder = TempDir::new().expect("a folder");
    let fake = FakeBoard::new(&folder);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    let mut board = open(&fake.path, Recorder::new(Box::new(full)));
    board.request(Request::Ready(CommandId(1)));
    let (outcome, all) = board.finish(CommandId(1));
    assert!(matches!(outcome, StepOutcome::Done { .. }), "{outcome:?}");
    let full = |(_, event): &(u64, BoardEvent)| matches!(event, BoardEvent::TranscriptFull(_));
    assert!(all.iter().any(full), "{all:?}");
}

/// A disk that is full for some writes.
struct Disk {
    file: Arc<std::sync::Mutex<Vec<u8>>>,
    full: Arc<AtomicBool>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut file = self.file.lock().expect("whole");
        if self.full.load(Ordering::Relaxed) {
            // What fits still fits.
            file.extend_from_slice(&bytes[..3]);
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        file.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_a_full_disk_did_not_take_is_counted_in_the_transcript() {
    let (file, full) = (Arc::default(), Arc::new(AtomicBool::new(false)));
    let disk = Disk { file: Arc::clone(&file), full: Arc::clone(&full) };
    let mut recorder = Recorder::new(Box::new(disk));
    recorder.record(1, TranscriptKind::Received, b"one");
    full.store(true, Ordering::Relaxed);
    recorder.record(2, TranscriptKind::Received, b"two");
    recorder.record(3, TranscriptKind::Received, b"three");
    assert!(recorder.failure().is_some() && recorder.failure().is_none());
    assert_eq!(recorder.lost_bytes(), 8);
    full.store(false, Ordering::Relaxed);
    recorder.record(4, TranscriptKind::Received, b"four");
    let text = String::from_utf8(file.lock().expect("whole").clone()).expect("text");
    let kept: Vec<TranscriptEntry> = text
        .lines()
        .skip(1)
        .filter_map(|line| read(&format!("parallax-transcript 1\n{line}\n")).ok()?.pop())
        .collect();
    let kept: Vec<&[u8]> = kept.iter().map(|entry| entry.bytes.as_slice()).collect();
    assert_eq!(kept, [&b"one"[..], b"lost 8 bytes: the file took no more", b"four"]);
}

#[test]
fn a_board_that_floods_its_console_gets_a_bounded_transcript_that_says_so() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("transcript");
    let mut recorder = Recorder::create(&file).expect("a file").with_limit(2 << 20);
    for number in 0..20_000_u64 {
        recorder.record(number, TranscriptKind::Received, format!("{number:>1000}\n").as_bytes());
    }
    recorder.record(20_000, TranscriptKind::Event, b"power off");
    let told = recorder.failure().expect("it is told").to_string();
    assert!(told.contains("the limit of 2 MiB is reached"), "{told}");
    drop(recorder);
    let text = fs::read_to_string(&file).expect("a transcript");
    assert!(text.len() < 3 << 20, "{}", text.len());
    let last = text.lines().last().expect("a line");
    assert!(last.contains(" 19999\\x0a"), "its last words are there: {last}");
    assert!(text.contains(" bytes of the board; its last "), "and how many are not");
    assert!(text.contains("20000 ! power off\n"));
}

#[test]
fn a_password_that_the_board_echoes_is_not_in_the_transcript_however_it_is_cut() {
    let said = b"hush\r\nsh: hush: not found\r\n# ";
    for cut in 0..=said.len() {
        let file: Arc<std::sync::Mutex<Vec<u8>>> = Arc::default();
        let disk = Disk { file: Arc::clone(&file), full: Arc::default() };
        let mut recorder = Recorder::new(Box::new(disk));
        recorder.record(1, TranscriptKind::Received, b"login: hu");
        recorder.expect_secret(b"hush\r");
        recorder.record(2, TranscriptKind::Secret, b"hush\r");
        recorder.record(3, TranscriptKind::Received, &said[..cut]);
        recorder.record(4, TranscriptKind::Event, b"unplugged");
        recorder.record(5, TranscriptKind::Received, &said[cut..]);
        drop(recorder);
        let text = String::from_utf8(file.lock().expect("whole").clone()).expect("text");
        let entries = read(&text).expect("sound").into_iter();
        let heard: Vec<u8> =
            entries.filter(|e| e.kind == TranscriptKind::Received).flat_map(|e| e.bytes).collect();
        let expected = b"login: hu****\r\nsh: ****: not found\r\n# ";
        assert_eq!(String::from_utf8_lossy(&heard), String::from_utf8_lossy(expected), "{cut}");
    }
}

#[test]
fn a_transcript_is_never_written_over() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("transcript");
    drop(Recorder::create(&file).expect("a new file"));
    let error = Recorder::create(&file).err().expect("refused").to_string();
    assert!(error.contains("help: name a new file"), "{error}");
}

#[test]
fn the_state_of_a_port_is_told_without_opening_it() {
    let (_master, slave) = TTYPort::pair().expect("a PTY");
    let path = PathBuf::from(slave.name().expect("a name"));
    assert_eq!(look(&path), PortState::There);
    let port = ConsolePort::open(&settings(&path)).expect("free");
    assert_eq!(look(&path), PortState::Locked(Some(std::process::id())));
    drop(port);
    assert_eq!(look(&path), PortState::There);
    // A program that takes no lock has it open, which is told.
    let mut other = Command::new("sh")
        .args(["-c", &format!("exec sleep 60 < {}", path.display())])
        .spawn()
        .expect("it runs");
    let seen = (0..2_000).any(|_| {
        thread::sleep(Duration::from_millis(5));
        look(&path) == PortState::Open(other.id())
    });
    other.kill().expect("it runs");
    other.wait().expect("it ends");
    assert!(seen, "{:?}", look(&path));
    assert_eq!(look(&path.with_extension("none")), PortState::Missing);
}
