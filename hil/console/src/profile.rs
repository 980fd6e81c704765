//! Traits of a type of board that the console core needs: plain values.

use crate::{DeathKind, Firmware, Nanos, Pattern, signs::SIGNS};
use core::fmt;

const MILLISECOND: Nanos = 1_000_000;
const SECOND: Nanos = 1_000 * MILLISECOND;

/// How a type of board behaves on its console.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsoleProfile {
    /// Rates that it may speak at, in bits per second, the likeliest first.
    pub bauds: Vec<u32>,
    /// What DTR and RTS are held at: on many boards they are reset and boot mode.
    pub lines: LinePolicy,
    /// What the first stage of a boot says. Seen when no boot is due, the board has reset.
    pub banners: Vec<Pattern>,
    /// How many banners a boot shows, at most: more are a boot loop.
    pub banners_per_boot: u32,
    /// How to log in; none: it asks for no user.
    pub login: Option<Login>,
    /// What stands at the end of the output when it takes a command.
    pub prompt: Pattern,
    /// How a command is distinguished from what is around it.
    pub style: CommandStyle,
    /// What ends a line that is typed.
    pub line_end: Vec<u8>,
    /// Whether an empty line wakes its console while it boots. Where it stops a boot loader: no.
    pub wakes_by_line: bool,
    /// Whether its power comes through the port: unplugged is switched off then.
    pub powered_by_port: bool,
    /// Bytes that may be sent at once; 0: as many as there are.
    pub transmit_chunk_bytes: usize,
    /// Nanoseconds from one chunk to the next.
    pub transmit_delay_ns: Nanos,
    /// How long all must be quiet for what stands there to be a prompt, in nanoseconds. FTDI's
    /// adapters hold bytes back for 16 ms.
    pub settle_ns: Nanos,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What a dying board says.
    pub deaths: Vec<Death>,
    /// The firmware that it runs, where it is not ours.
    pub firmware: Option<Firmware>,
}

/// How long things may take on a board of this type. Each is multiplied by the factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// A whole run, in nanoseconds.
    pub run_ns: Nanos,
    /// A boot, in nanoseconds, from power on to a prompt.
    pub boot_ns: Nanos,
    /// Any other step, in nanoseconds.
    pub step_ns: Nanos,
    /// From a knock (an empty line) to a prompt, in nanoseconds.
    pub prompt_ns: Nanos,
    /// How often it is knocked before the board counts as silent.
    pub knocks: u32,
    /// The factor for a slow type of board, in hundredths.
    pub factor_percent: u32,
}

impl Timeouts {
    /// `time` times the factor, in nanoseconds.
    pub fn scaled(&self, time_ns: Nanos) -> Nanos {
        let scaled = u128::from(time_ns) * u128::from(self.factor_percent) / 100;
        Nanos::try_from(scaled).unwrap_or(Nanos::MAX)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            run_ns: 600 * SECOND,
            boot_ns: 60 * SECOND,
            step_ns: 20 * SECOND,
            prompt_ns: 2 * SECOND,
            knocks: 3,
            factor_percent: 100,
        }
    }
}

/// What the two control lines are held at.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LinePolicy {
    /// Data terminal ready.
    pub dtr: LineLevel,
    /// Request to send.
    pub rts: LineLevel,
}

/// What a control line is held at.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum LineLevel {
    /// As the system leaves it.
    #[default]
    Untouched,
    /// Asserted.
    High,
    /// Not asserted.
    Low,
}

/// How a command is distinguished from its echo and from an earlier run's output.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum CommandStyle {
    /// A shell with `echo`, quotes, `;` and `$?` (busybox, U-Boot's hush): markers with the run's
    /// nonce, written in two halves so that the echo is none, around each command.
    #[default]
    Markers,
    /// A command line without them (`esp>`): from the command's echo to the next prompt. It has no
    /// status, and no nonce protects it.
    Plain,
}

/// How to log in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// What asks for the user.
    pub prompt: Pattern,
    /// Who logs in.
    pub user: String,
    /// What asks for the password, and the password; none: nothing asks.
    pub password: Option<(Pattern, Secret)>,
    /// What says that it was wrong.
    pub refused: Option<Pattern>,
}

/// Text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Puts `*` in its place, wherever it stands in `text` as a word of its own.
    pub(crate) fn star(&self, text: &mut [u8]) {
        let (secret, mut from) = (self.bytes(), 0);
        let part = |byte: Option<&u8>| byte.is_some_and(|byte| is_of_a_word(*byte));
        while !secret.is_empty() && from + secret.len() <= text.len() {
            let end = from + secret.len();
            let before = from.checked_sub(1).and_then(|at| text.get(at));
            let alone = !part(before) && !part(text.get(end));
            if alone && text[from..end] == *secret {
                text[from..end].fill(b'*');
            }
            from += 1;
        }
    }
}

/// Whether a byte goes on with a word: `raspberrypi` is no `raspberry`, and `root@board` no `root`.
pub(crate) fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-@".contains(&byte)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What a dying board says, and of what it dies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Death {
    /// What is said.
    pub pattern: Pattern,
    /// Of what it dies.
    pub kind: DeathKind,
}

impl ConsoleProfile {
    /// A board with this prompt: 115200 bit/s, no login, markers, the death patterns that hold for
    /// every board.
    pub fn new(prompt: Pattern) -> Self {
        let death = |(pattern, kind): &(Pattern, DeathKind)| Death {
            pattern: pattern.clone(),
            kind: *kind,
        };
        Self {
            bauds: vec![115_200],
            lines: LinePolicy::default(),
            banners: Vec::new(),
            banners_per_boot: 1,
            login: None,
            prompt,
            style: CommandStyle::Markers,
            line_end: b"\r".to_vec(),
            wakes_by_line: false,
            powered_by_port: false,
            transmit_chunk_bytes: 0,
            transmit_delay_ns: 0,
            settle_ns: 60 * MILLISECOND,
            timeouts: Timeouts::default(),
            deaths: SIGNS.deaths.iter().map(death).collect(),
            firmware: None,
        }
    }

    /// How many of the death patterns hold for every board; they stand first.
    pub fn common_deaths(&self) -> usize {
        SIGNS.deaths.len()
    }

    /// With one more banner of a boot's first stage.
    #[must_use]
    pub fn with_banner(mut self, banner: Pattern) -> Self {
        self.banners.push(banner);
        self
    }

    /// With a login.
    #[must_use]
    pub fn with_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// With commands told apart in this way.
    #[must_use]
    pub fn with_style(mut self, style: CommandStyle) -> Self {
        self.style = style;
        self
    }
}
