//! A console core in a test's hands.

use parallax_console::{
    CommandId, Console, ConsoleInput, ConsoleOutput, ConsoleProfile, Nanos, Nonce, Pattern,
    Request, State, StepOutcome,
};

pub(crate) const NONCE: Nonce = Nonce(0xabcd_0123);
pub(crate) const MS: Nanos = 1_000_000;
pub(crate) const S: Nanos = 1_000 * MS;

pub(crate) fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A Linux board with a root shell.
pub(crate) fn linux() -> ConsoleProfile {
    ConsoleProfile::new(pattern("# $")).with_banner(pattern(r"U-Boot SPL \d{4}"))
}

/// A core, its time, and all that came out.
pub(crate) struct Bench {
    pub(crate) console: Console,
    pub(crate) now: Nanos,
    pub(crate) all: Vec<ConsoleOutput>,
}

impl Bench {
    pub(crate) fn new(profile: ConsoleProfile) -> Self {
        Self { console: Console::new(profile, NONCE), now: S, all: Vec::new() }
    }

    /// What comes out.
    pub(crate) fn take(&mut self) -> Vec<ConsoleOutput> {
        let out: Vec<ConsoleOutput> = std::iter::from_fn(|| self.console.poll()).collect();
        self.all.extend(out.iter().cloned());
        out
    }

    pub(crate) fn input(&mut self, input: ConsoleInput<'_>) -> Vec<ConsoleOutput> {
        self.console.handle(self.now, input);
        self.take()
    }

    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<ConsoleOutput> {
        self.input(ConsoleInput::Received(bytes))
    }

    pub(crate) fn ask(&mut self, request: Request) -> Vec<ConsoleOutput> {
        self.input(ConsoleInput::Request(request))
    }

    /// Goes on to the next deadline.
    pub(crate) fn next(&mut self) -> Vec<ConsoleOutput> {
        self.now = self.console.next_deadline().expect("something is due");
        self.input(ConsoleInput::Time)
    }

    /// Lets time pass, deadline by deadline.
    pub(crate) fn wait(&mut self, time: Nanos) -> Vec<ConsoleOutput> {
        let end = self.now + time;
        let mut out = Vec::new();
        while let Some(at) = self.console.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            out.extend(self.input(ConsoleInput::Time));
        }
        self.now = end;
        out.extend(self.input(ConsoleInput::Time));
        out
    }

    /// From unknown to ready, by a knock.
    pub(crate) fn ready(&mut self) {
        self.ask(Request::Ready(CommandId(0)));
        self.hear(b"\r\n# ");
        let typed = sent(&self.wait(S / 10));
        self.hear(&shell(&typed, "", 0));
        assert_eq!(self.console.state(), &State::Ready);
        self.hear(b"# ");
        self.all.clear();
    }
}

/// All that was sent, in one.
pub(crate) fn sent(outputs: &[ConsoleOutput]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for output in outputs {
        if let ConsoleOutput::Transmit(transmit) = output {
            bytes.extend_from_slice(&transmit.bytes);
        }
    }
    bytes
}

pub(crate) fn outcome(outputs: &[ConsoleOutput]) -> Option<&StepOutcome> {
    outputs.iter().find_map(|output| match output {
        ConsoleOutput::Finished(_, outcome) => Some(outcome),
        _ => None,
    })
}

pub(crate) fn messages(outputs: &[ConsoleOutput]) -> Vec<Vec<u8>> {
    let message = |output: &ConsoleOutput| match output {
        ConsoleOutput::Message(message) => Some(message.clone()),
        _ => None,
    };
    outputs.iter().filter_map(message).collect()
}

/// What a shell makes of a typed command in markers: the echo, then what `echo` and the command
/// print.
pub(crate) fn shell(typed: &[u8], says: &str, status: u32) -> Vec<u8> {
    let typed = String::from_utf8(typed.to_vec()).expect("text");
    let typed = typed.trim_end();
    let mut marks = typed.split("echo ").skip(1).map(|rest| {
        let word = rest.split(';').next().expect("a word");
        word.replace("$?", &status.to_string()).replace('\'', "")
    });
    let (begin, end) = (marks.next().expect("begin"), marks.next().expect("end"));
    format!("{typed}\r\n{begin}\r\n{says}{end}\r\n").into_bytes()
}
