//! Prompts that a log line is written over or into, at each byte: the board comes up all the same, driven
//! and replayed, with times and without.

use crate::bench::{Bench, MS, S, pattern, sent, shell};
use parallax_console::{
    CommandId, CommandStyle, ConsoleInput, ConsoleOutput, ConsoleProfile, Login, Nanos, Request,
    Secret, State, StepOutcome,
    replay::{CameUp, replay},
    transcript::ConsoleRecording,
};

use std::collections::VecDeque;

/// Logs as systems print them; the last one says by no form that it is one.
const LOGS: [(&str, &str, &str); 4] = [
    ("", "[   15.204000] random: crng init done", ""),
    ("", "I (1869) pp: pp rom version: e7ae62f", ""),
    ("\x1b[0;32m", "I (1869) pp: pp rom version: e7ae62f", "\x1b[0m"),
    ("", "usb 1-1: new high-speed USB device", ""),
];
const ENDS: [&str; 3] = ["\r\n", "\n", "\r\r\n"];
const LOGIN: &str = "board login: ";
const PASSWORD: &str = "Password: ";
const SHELL: &str = "root@board:~# ";

fn esp() -> ConsoleProfile {
    ConsoleProfile::new(pattern("esp> $"))
        .with_banner(pattern("ESP-ROM:esp32s3"))
        .with_style(CommandStyle::Plain)
}

fn linux() -> ConsoleProfile {
    let login = Login {
        prompt: pattern("board login: $"),
        user: "root".into(),
        password: Some((pattern("Password: $"), Secret::new("hush"))),
        refused: None,
    };
    ConsoleProfile::new(pattern("root@board:~# $"))
        .with_banner(pattern("U-Boot SPL"))
        .with_login(login)
}

/// What a log line makes of a prompt.
fn written_into(prompt: &str, cut: usize, log: (&str, &str, &str), end: &str) -> String {
    let (head, tail) = prompt.split_at(cut);
    let (before, log, after) = log;
    format!("{head}{before}{log}{after}{end}{tail}")
}

/// A board of Linux in a test's hands: it asks, takes what is typed, and logs over its first prompts.
struct Board {
    bench: Bench,
    asks: &'static str,
    /// Typed, and not read yet; and what is no line yet.
    waiting: VecDeque<u8>,
    typed: Vec<u8>,
    /// Lines typed as a password.
    passwords: Vec<String>,
    /// How many prompts are written into, and how.
    spoils: u32,
    cut: usize,
    log: (&'static str, &'static str, &'static str),
    end: &'static str,
}

impl Board {
    fn say(&mut self, text: &str) {
        let out = self.bench.hear(text.as_bytes());
        self.waiting.extend(sent(&out));
    }

    fn ask(&mut self) {
        let mut text = self.asks.to_owned();
        if self.spoils > 0 {
            self.spoils -= 1;
            text = written_into(&text, self.cut.min(text.len()), self.log, self.end);
        }
        self.say(&text);
    }

    fn hear(&mut self, outputs: &[ConsoleOutput]) {
        self.waiting.extend(sent(outputs));
        while let Some(byte) = self.waiting.pop_front() {
            if byte != b'\r' {
                self.typed.push(byte);
                continue;
            }
            let line = String::from_utf8(std::mem::take(&mut self.typed)).expect("text");
            match self.asks {
                LOGIN => {
                    self.say(&format!("{line}\r\n"));
                    if !line.is_empty() {
                        self.asks = PASSWORD;
                    }
                }
                PASSWORD => {
                    self.say("\r\n");
                    self.asks = if line == "hush" { SHELL } else { LOGIN };
                    self.passwords.push(line);
                }
                _ if line.is_empty() => self.say("\r\n"),
                _ => {
                    let said = shell(line.as_bytes(), "", 0);
                    self.say(&String::from_utf8(said).expect("text"));
                }
            }
            self.ask();
        }
    }

    /// Boots, and is driven until it is ready or that has failed.
    fn run(mut self, asks: &'static str) -> Self {
        self.asks = asks;
        self.bench.input(ConsoleInput::Power(true));
        self.bench.ask(Request::Ready(CommandId(1)));
        self.say(
            "U-Boot SPL 2013.07\r\nStarting kernel ...\r\n[    0.000000] Linux version 3.10.14\r\n",
        );
        self.bench.wait(S);
        self.ask();
        let until = self.bench.now + 60 * S;
        while self.bench.now < until && self.bench.console.state() == &State::Booting {
            let out = self.bench.wait(10 * MS);
            self.hear(&out);
        }
        self
    }
}

#[test]
fn a_linux_board_whose_prompts_are_written_into_comes_up_without_a_wrong_password() {
    for (log, end) in LOGS.into_iter().flat_map(|log| ENDS.map(|end| (log, end))) {
        for cut in 0..=SHELL.len() {
            for spoils in [1, 2, 3] {
                let board = Board {
                    bench: Bench::new(linux()),
                    asks: LOGIN,
                    waiting: VecDeque::new(),
                    typed: Vec::new(),
                    passwords: Vec::new(),
                    spoils,
                    cut,
                    log,
                    end,
                };
                let board = board.run(LOGIN);
                let what = format!("{cut} {spoils} {log:?} {end:?}");
                assert_eq!(board.bench.console.state(), &State::Ready, "{what}");
                let wrong = board.passwords.iter().filter(|typed| *typed != "hush").count();
                assert!(wrong <= 1, "{what}: {:?}", board.passwords);
            }
        }
    }
}

/// An ESP32 logs on for ever, or is quiet.
#[test]
fn a_plain_command_line_that_is_written_into_comes_up_however_much_is_logged() {
    for (log, end) in LOGS.into_iter().flat_map(|log| ENDS.map(|end| (log, end))) {
        for (cut, chatty) in (0..=5).flat_map(|cut| [(cut, false), (cut, true)]) {
            let mut bench = Bench::new(esp());
            bench.input(ConsoleInput::Power(true));
            bench.ask(Request::Ready(CommandId(1)));
            bench.hear(b"ESP-ROM:esp32s3-20210327\r\nI (1450) main_task: Calling app_main()\r\n");
            bench.hear(written_into("esp> ", cut, log, end).as_bytes());
            if cut == 5 || log.1.starts_with("usb") {
                bench.hear(end.as_bytes());
            }
            let until: Nanos = bench.now + 25 * S;
            while bench.now < until && bench.console.state() == &State::Booting {
                let out = bench.wait(500 * MS);
                // An empty line brings the prompt again; so does each line.
                if sent(&out).contains(&b'\r') {
                    bench.hear(b"\r\nesp> ");
                } else if chatty && cut == 5 {
                    bench.hear(b"I (2000) VENC: frame 7\r\n");
                }
            }
            let what = format!("{cut} {chatty} {log:?} {end:?}");
            assert_eq!(bench.console.state(), &State::Ready, "{what}");
        }
    }
}

#[test]
fn no_empty_line_is_typed_at_what_asks_for_a_password() {
    // The profile knows of no password: nobody can answer.
    let login = Login { password: None, ..linux().login.expect("it has one") };
    for asks in
        ["Password: ", "Enter passphrase for /dev/mmcblk0p2: ", "Password: [   20.1000] x\r\n"]
    {
        let mut bench = Bench::new(linux().with_login(login.clone()));
        bench.input(ConsoleInput::Power(true));
        bench.ask(Request::Ready(CommandId(1)));
        bench.hear(b"U-Boot SPL 2013.07\r\n[    0.000000] Linux version 3.10.14\r\nboard login: ");
        assert_eq!(sent(&bench.wait(S)), b"root\r");
        bench.hear(format!("root\r\n{asks}").as_bytes());
        assert_eq!(sent(&bench.wait(50 * S)), b"", "{asks}");
    }
}

#[test]
fn a_boot_loader_is_not_typed_at() {
    let mut bench = Bench::new(linux());
    bench.input(ConsoleInput::Power(true));
    bench.ask(Request::Ready(CommandId(1)));
    bench.hear(b"U-Boot SPL 2013.07\r\n\r\nU-Boot 2013.07\r\nHit any key to stop autoboot:  3 ");
    assert_eq!(sent(&bench.wait(30 * S)), b"");
    bench.hear(b"\x08\x08\x08 0\r\nStarting kernel ...\r\n");
    assert_eq!(sent(&bench.wait(2 * S + S / 2)), b"\r");
}

#[test]
fn a_typed_password_is_secret_in_whatever_pieces() {
    let secret = |outputs: &[ConsoleOutput]| -> Vec<(Vec<u8>, bool)> {
        let sent = |output: &ConsoleOutput| match output {
            ConsoleOutput::Transmit(sent) => Some((sent.bytes.clone(), sent.secret)),
            _ => None,
        };
        outputs.iter().filter_map(sent).collect()
    };
    let mut bench = Bench::new(linux());
    bench.hear(b"board login: ");
    let out = bench.ask(Request::Raw(b"root\r".to_vec()));
    assert_eq!(secret(&out), [(b"root\r".to_vec(), false)]);
    bench.hear(b"root\r\nPassword: [   20.1000] usb\r\n");
    for key in *b"hush\r" {
        assert_eq!(secret(&bench.ask(Request::Raw(vec![key]))), [(vec![key], true)]);
    }
    // What is typed before anything comes is the next line.
    let out = bench.ask(Request::Raw(b"id\r".to_vec()));
    assert_eq!(secret(&out), [(b"id\r".to_vec(), false)]);
}

fn came_up(profile: ConsoleProfile, text: &[u8]) -> (CameUp, String) {
    let recording = ConsoleRecording::read(text).unwrap_or_else(|error| panic!("{error}"));
    let replayed = replay(profile, &recording);
    (replayed.summary.came_up.clone(), replayed.to_string())
}

/// A transcript of pieces, each with its time in milliseconds.
fn transcript(pieces: &[(u64, String)], timed: bool) -> String {
    let mut text = "parallax-transcript 1\n".to_owned();
    let on = if timed { "0" } else { "-" };
    text += &format!("{on} ! power on\n");
    for (at, piece) in pieces {
        let at = if timed { (at * MS).to_string() } else { "-".into() };
        let escaped: String = piece.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        text += &format!("{at} < {escaped}\n");
    }
    text += if timed { "200000000000 ! the end\n" } else { "- ! the end\n" };
    text
}

/// The same recording with times, without, and as a log.
#[test]
fn a_recording_comes_to_the_same_with_times_and_without() {
    for (profile, banner, prompt) in [
        (esp(), "ESP-ROM:esp32s3-20210327\r\n", "esp> "),
        (linux(), "U-Boot SPL 2013.07\r\n", LOGIN),
    ] {
        for (log, end) in LOGS.into_iter().flat_map(|log| ENDS.map(|end| (log, end))) {
            for cut in 0..=prompt.len() {
                let text = written_into(prompt, cut, log, end);
                let (head, rest) = text.split_at(cut);
                let pieces = [
                    (50, banner.to_owned()),
                    (1_000, format!("[    1.000000] init\r\nI (900) app: x\r\n{head}")),
                    (1_009, rest.to_owned()),
                ];
                let said: String = pieces.iter().map(|(_, piece)| piece.as_str()).collect();
                let what = format!("{cut} {log:?} {end:?}");
                for text in [transcript(&pieces, true), transcript(&pieces, false), said] {
                    let (came_up, told) = came_up(profile.clone(), text.as_bytes());
                    assert_eq!(came_up.known(), Some(true), "{what}\n{text}\n{told}");
                    // In a log, what has no log's form may have been typed.
                    let is_told = text.starts_with("parallax") || log.1 != LOGS[3].1;
                    if cut == prompt.len() && is_told {
                        assert!(told.contains("a log line was written over it"), "{what}\n{told}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_step_that_was_answered_over_a_log_is_done() {
    let mut bench = Bench::new(esp());
    bench.ask(Request::Ready(CommandId(1)));
    // Its answer to the empty line never stands for long enough.
    for _ in 0..20 {
        bench.hear(b"\r\nesp> I (5) VENC: frame\r\n");
        bench.wait(20 * MS);
    }
    let done = ConsoleOutput::Finished(
        CommandId(1),
        StepOutcome::Done { status: None, said: Vec::new(), unkept_bytes: 0 },
    );
    assert!(bench.all.contains(&done), "{:?}", bench.all);
}
