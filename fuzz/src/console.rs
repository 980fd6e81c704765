//! Console output, and recordings of it.

use crc::{CRC_32_ISO_HDLC, Crc};
use parallax_console::{
    CommandId, CommandStyle, Console, ConsoleInput, ConsoleOutput, ConsoleProfile, Frame,
    FrameEncoder, Login, Nonce, Pattern, Received, Receiver, Request, ScanItem, Scanner, Secret,
    Sender, StepOutcome,
    replay::replay,
    transcript::{ConsoleRecording, Form, read},
};

/// Deadlines in a row without an input, at most: a core that wants time for ever hangs its shell.
const DEADLINES_MOST: usize = 10_000;

fn profile(plain: bool) -> Option<ConsoleProfile> {
    let pattern = |text| Pattern::new(text).ok();
    let login = Login {
        prompt: pattern("login: $")?,
        user: "root".into(),
        password: Some((pattern("Password: $")?, Secret::new("hush"))),
        refused: Some(pattern("Login incorrect")?),
    };
    Some(ConsoleProfile {
        banners: vec![pattern(r"U-Boot SPL \d{4}")?],
        login: Some(login),
        style: if plain { CommandStyle::Plain } else { CommandStyle::Markers },
        transmit_chunk_bytes: 3,
        transmit_delay_ns: 1_000_000,
        ..ConsoleProfile::new(pattern("# $")?)
    })
}

/// The console core: each input is a byte that says what, one that says how long after the last, and
/// for bytes from the board how many follow.
pub fn console(data: &[u8]) {
    let Some((first, mut rest)) = data.split_first() else { return };
    let Some(profile) = profile(first & 1 == 1) else { return };
    let mut console = Console::new(profile, Nonce(7));
    let (mut now, mut id) = (0_u64, 0);
    while let [what, time, after @ ..] = rest {
        rest = after;
        now += 1_u64 << (time % 36);
        let mut deadlines = 0;
        while let Some(due) = console.next_deadline().filter(|due| *due <= now) {
            console.handle(due, ConsoleInput::Time);
            hold(&mut console);
            deadlines += 1;
            assert!(deadlines < DEADLINES_MOST, "it wants time for ever");
        }
        id += 1;
        let id = CommandId(id);
        let line = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (bytes, after) = rest.split_at(usize::from(time >> 2).min(rest.len()));
        let input = match what % 16 {
            0..=6 => ConsoleInput::Received(bytes),
            7 => ConsoleInput::Power(true),
            8 => ConsoleInput::Power(false),
            9 => ConsoleInput::Unplugged,
            10 => ConsoleInput::Plugged,
            11 => ConsoleInput::Request(Request::Ready(id)),
            12 => {
                ConsoleInput::Request(Request::Command { id, text: line(bytes), timeout_ns: None })
            }
            13 => ConsoleInput::Request(Request::Stream { id, text: line(bytes), nonce: Nonce(9) }),
            14 => ConsoleInput::Request(Request::Say(bytes.to_vec())),
            _ => ConsoleInput::Request(match what >> 4 {
                0..=3 => Request::Start,
                4..=7 => Request::Interrupt,
                8..=11 => Request::Sent(u64::from(*time)),
                _ => Request::Raw(bytes.to_vec()),
            }),
        };
        if matches!(what % 16, 0..=6 | 12..=15) {
            rest = after;
        }
        console.handle(now, input);
        hold(&mut console);
    }
}

/// What must be true of everything that comes out.
fn hold(console: &mut Console) {
    let mut state = None;
    while let Some(output) = console.poll() {
        match output {
            ConsoleOutput::Changed(new) => {
                assert_ne!(state.as_ref(), Some(&new), "a change that is none");
                state = Some(new);
            }
            ConsoleOutput::Line(line) => assert!(line.len() <= 4096 && !line.contains(&b'\n')),
            ConsoleOutput::Finished(_, StepOutcome::Done { said, .. }) => {
                assert!(said.len() <= 64 * 1024)
            }
            ConsoleOutput::Transmit(transmit) => assert!(!transmit.bytes.is_empty()),
            _ => {}
        }
    }
    if let Some(state) = state {
        assert_eq!(console.state(), &state, "the last change is the state");
    }
}

/// Frames in a stream of bytes, as they are and with the checksum that each would have: none is lost,
/// invented or changed.
pub fn frames(data: &[u8]) {
    found(data);
    found(&checksummed(data));
    travels(data);
}

/// What stands between two marks, with its checksum put right: mutations do not guess one.
fn checksummed(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, part) in data.split(|byte| *byte == b'~').enumerate() {
        if number > 0 {
            out.push(b'~');
        }
        match part.len().checked_sub(9).and_then(|split| part.split_at_checked(split)) {
            Some((told, _)) if matches!(part.first(), Some(b'B' | b'H')) => {
                let checksum = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(told);
                out.extend_from_slice(told);
                out.extend_from_slice(format!(".{checksum:08x}").as_bytes());
            }
            _ => out.extend_from_slice(part),
        }
    }
    out
}

fn found(data: &[u8]) {
    let (mut scanner, mut text, mut found) = (Scanner::new(), Vec::new(), Vec::new());
    let mut receiver = Receiver::new(Sender::Board, Nonce(0x1111_2222));
    for byte in data {
        if let Some(ScanItem::Frame(frame)) = scanner.push(*byte, &mut text) {
            let mut line = Vec::new();
            frame.encode(&mut line).unwrap_or_else(|error| panic!("{frame:?}: {error}"));
            let read = Frame::decode(&line[1..line.len() - 1]);
            assert_eq!(read.as_ref(), Ok(&frame), "a frame reads back");
            found.push(line.len());
            let missing = receiver.missing();
            if let (gap, Received::Message(message)) = receiver.take(frame) {
                assert!(message.len() <= 64 * 1024);
                assert_eq!(receiver.missing(), missing.saturating_add(gap));
            }
        }
    }
    scanner.cut(&mut text);
    // Line ends of frames belong to them; nothing is there twice.
    assert!(text.len() <= data.len());
    assert!(found.is_empty() || text.len() < data.len());
}

/// Any bytes travel in frames, and arrive as they are.
fn travels(data: &[u8]) {
    let mut lines = Vec::new();
    let mut encoder = FrameEncoder::new(Sender::Board, Nonce(0x1111_2222));
    if encoder.encode(data, b"\r\n", &mut lines).is_ok() {
        let (mut scanner, mut text) = (Scanner::new(), Vec::new());
        let mut receiver = Receiver::new(Sender::Board, Nonce(0x1111_2222));
        let mut back = None;
        for byte in lines {
            if let Some(ScanItem::Frame(frame)) = scanner.push(byte, &mut text)
                && let (_, Received::Message(message)) = receiver.take(frame)
            {
                back = Some(message);
            }
        }
        assert_eq!(back.as_deref(), Some(data), "any bytes travel");
    }
}

/// A recording, read and replayed: the same twice.
pub fn recording(data: &[u8]) {
    let Ok(recording) = ConsoleRecording::read(data) else { return };
    if let (Form::Timed, Ok(text)) = (recording.form, core::str::from_utf8(data))
        && let Ok(entries) = read(text)
    {
        let again = format!("{}\n{}", parallax_console::transcript::HEAD, {
            entries.iter().map(|entry| entry.to_line()).collect::<String>()
        });
        let secret = entries.iter().any(|entry| entry.to_line().contains(" * "));
        assert!(secret || read(&again).as_ref() == Ok(&entries), "a transcript reads back");
    }
    for plain in [false, true] {
        let Some(profile) = profile(plain) else { return };
        let first = replay(profile.clone(), &recording);
        assert_eq!(replay(profile, &recording), first);
        let shown = first.to_string();
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "a terminal obeys it");
        let lines = data.split(|byte| *byte == b'\n').count();
        assert!(first.steps.iter().all(|step| step.line <= lines.max(1)));
    }
}
