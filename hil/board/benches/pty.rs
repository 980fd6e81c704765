//! Frames over a PTY, from whoever writes them as fast as the PTY takes them, through a board's reader,
//! transcript and console core, to the messages that come out.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parallax_board::{Board, BoardEvent, PortSettings, Recorder};
use parallax_console::{
    CommandId, Console, ConsoleOutput, ConsoleProfile, FrameEncoder, LineLevel, LinePolicy, Nonce,
    Pattern, Request, Sender, StepOutcome,
};
use serialport::{SerialPort as _, TTYPort};
use std::{
    io::{Read as _, Write as _},
    process::Command,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const NONCE: Nonce = Nonce(0x0102_0304);
/// Of the stream.
const FRAMES: Nonce = Nonce(0x0506_0708);
const STREAM: CommandId = CommandId(2);
/// Of a message: one frame.
const BYTES: usize = 200;
const MESSAGES: u64 = 1_000;

/// A board's end: a real shell does what is typed, and says what it is asked to once a stream has begun.
fn says(mut master: TTYPort, asked: &Receiver<Vec<u8>>) {
    master.set_timeout(Duration::from_millis(1)).expect("it can be set");
    let (mut line, mut buffer) = (Vec::new(), [0; 256]);
    let mut streams = false;
    while !streams {
        let Ok(count) = master.read(&mut buffer) else { continue };
        for byte in &buffer[..count] {
            line.push(*byte);
            if *byte != b'\r' {
                continue;
            }
            let typed = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            streams = typed.contains("frames");
            // The stream goes on: only its beginning is done.
            let done = if streams { typed.split(';').next().unwrap_or_default() } else { &typed };
            let ran = Command::new("sh").args(["-c", done]).output().expect("sh");
            let said = String::from_utf8_lossy(&ran.stdout).replace('\n', "\r\n");
            let prompt = if streams { "" } else { "# " };
            write!(master, "{typed}\r\n{said}{prompt}").expect("it takes it");
        }
    }
    while let Ok(bytes) = asked.recv() {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            match master.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(_) => thread::yield_now(),
            }
        }
    }
}

/// Steps until so many messages have come.
fn hear(board: &mut Board, many: u64) {
    let mut left = many;
    while left > 0 {
        for (_, event) in board.step(Duration::from_secs(1)) {
            match event {
                BoardEvent::Console(ConsoleOutput::Message(_)) => left -= 1,
                BoardEvent::Console(ConsoleOutput::Gap { .. } | ConsoleOutput::Finished(..)) => {
                    panic!("{event:?}")
                }
                _ => {}
            }
        }
    }
}

fn bench(criterion: &mut Criterion) {
    let folder = TempDir::new().expect("a folder");
    let (master, slave) = TTYPort::pair().expect("a PTY");
    let path = slave.name().expect("a name").into();
    let (ask, asked) = channel();
    let board_end = thread::spawn(move || says(master, &asked));
    let profile = ConsoleProfile::new(Pattern::new("# $").expect("a pattern"));
    let lines = LinePolicy { dtr: LineLevel::Low, rts: LineLevel::Low };
    let settings = PortSettings { path, baud: 4_000_000, lines };
    let recorder = Recorder::create(&folder.path().join("transcript")).expect("a file");
    let mut board =
        Board::open(settings, Console::new(profile, NONCE), recorder).expect("it opens");
    board.request(Request::Ready(CommandId(1)));
    let (outcome, all) = board.finish(CommandId(1));
    assert!(matches!(outcome, StepOutcome::Done { .. }), "{outcome:?} {all:?}");
    board.request(Request::Stream { id: STREAM, text: "frames".into(), nonce: FRAMES });
    let mut encoder = FrameEncoder::new(Sender::Board, FRAMES);
    let mut group = criterion.benchmark_group("over a PTY");
    let message = vec![b'x'; BYTES];
    let mut batch = || {
        let mut lines = Vec::new();
        for _ in 0..MESSAGES {
            encoder.encode(&message, b"\r\n", &mut lines).expect("it is short enough");
        }
        lines
    };
    let first = batch();
    let bytes = first.len() as u64;
    ask.send(first).expect("it listens");
    hear(&mut board, MESSAGES);
    group.throughput(Throughput::ElementsAndBytes { elements: MESSAGES, bytes }).sample_size(20);
    group.bench_function("frames of 200 bytes, with a transcript", |bencher| {
        bencher.iter_custom(|times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                let lines = batch();
                let begun = Instant::now();
                ask.send(lines).expect("it listens");
                hear(&mut board, MESSAGES);
                took += begun.elapsed();
            }
            took
        });
    });
    group.finish();
    drop(ask);
    board_end.join().expect("it ends");
}

criterion_group!(benches, bench);
criterion_main!(benches);
