//! How a device behaves on its console, as its profile tells: plain values. Patterns are texts here;
//! whoever drives a board reads them, and says what is one.

use crate::{
    from_value::{FromValue, by_word, fill},
    key::{
        H, Kind, S, command_line, fine_time, flag, keys, pattern, sentence, thousandths, whole,
        words,
    },
    origin::{Origin, PROVENANCE, SOURCE, origin},
    table::{Reader, Table, Value},
};
use core::time::Duration;
use serde::Deserialize;

const LEVELS: Kind = words(&["untouched", "high", "low"]);

keys! {
    CONSOLE: "[console]" {
        /// Bits per second, the likeliest first.
        bauds: whole(50, 12_000_000).of("array of 1 to 64, each a "), default [115200];
        /// What DTR is held at.
        dtr: LEVELS, default "untouched";
        /// What RTS is held at.
        rts: LEVELS, default "untouched";
        /// What the first stage of a boot says.
        banners: pattern("array of up to 64 patterns"), default [];
        /// More of them in a boot are a boot loop.
        banners_per_boot: whole(1, 100), default 1;
        /// What stands at the end of the output when it takes a command.
        prompt: pattern("pattern");
        /// `markers` for a shell with `echo`, quotes and `$?`; `plain` for any other command line.
        commands: words(&["markers", "plain"]), default "markers";
        /// What asks for the user.
        login_prompt: pattern("pattern"), absent "there is no login";
        /// Who logs in.
        user: sentence("text"), absent "needed with `login_prompt`";
        /// What asks for the password.
        password_prompt: pattern("pattern"), absent "it asks for none";
        /// Run after the login, before the agent starts, such as `"udhcpc -i eth0 -n -q"`; each must end with
        /// status 0.
        setup: command_line("array of up to 64 command lines, of up to 1024 bytes each"), default [];
        /// Which control line resets it. Used where a bench names no power.
        reset_line: words(&["dtr", "rts"]), absent "no line resets it";
        /// What holds it in reset: `high` is asserted.
        reset_level: words(&["high", "low"]), default "high";
        /// How long it is held there.
        reset_hold: fine_time(1, 10 * S), default "100ms";
        /// Whether an empty line wakes it while it boots.
        wakes_by_line: flag(), default false;
        /// Whether unplugged is switched off.
        powered_by_port: flag(), default false;
        /// Bytes sent at once, where there is a delay.
        transmit_chunk: whole(1, 4_096), default 1;
        /// From one chunk to the next.
        transmit_delay: fine_time(0, S), default "0ms";
        /// How long it is quiet before a prompt counts.
        settle: fine_time(1, 10 * S), default "60ms";
        /// How long a run may take.
        run_timeout: fine_time(1, 24 * H), default "600s";
        /// How long a boot may take.
        boot_timeout: fine_time(1, 24 * H), default "60s";
        /// How long any other step may take.
        step_timeout: fine_time(1, 24 * H), default "20s";
        /// From an empty line to a prompt.
        prompt_timeout: fine_time(1, 24 * H), default "2s";
        /// What all timeouts are multiplied by.
        timeout_factor: thousandths(100, 100_000), default 1;
        /// What it says when it gives up, beside what all say.
        panics: pattern("array of up to 64 patterns"), default [];
        /// What it says when a watchdog resets it, likewise; one that only warns is none.
        watchdogs: pattern("array of up to 64 patterns"), default [];
        ..PROVENANCE;
        ..SOURCE;
    }
}

/// How a device behaves on its console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleTraits {
    /// Bits per second that it may speak at, the likeliest first; at least one.
    pub bauds: Vec<u32>,
    /// What DTR is held at.
    pub dtr: Level,
    /// What RTS is held at.
    pub rts: Level,
    /// Patterns of what the first stage of a boot says.
    pub banners: Vec<String>,
    /// How many of them a boot shows, at most.
    pub banners_per_boot: u32,
    /// Pattern of what stands at the end of the output when it takes a command.
    pub prompt: String,
    /// Whether it has a shell with `echo`, quotes and `$?`.
    pub has_shell: bool,
    /// How to log in; none: there is no login.
    pub login: Option<LoginTraits>,
    /// Commands that are run after the login, before anything else, in their order.
    pub setup: Vec<String>,
    /// How a control line resets it; none: it does not.
    pub reset: Option<ResetTraits>,
    /// Whether an empty line wakes it while it boots.
    pub wakes_by_line: bool,
    /// Whether unplugged is switched off.
    pub powered_by_port: bool,
    /// Bytes sent at once, where there is a delay.
    pub transmit_chunk_bytes: u32,
    /// From one chunk to the next; zero: as fast as the wire.
    pub transmit_delay: Duration,
    /// How long it is quiet before a prompt counts.
    pub settle: Duration,
    /// How long a run may take.
    pub run_timeout: Duration,
    /// How long a boot may take.
    pub boot_timeout: Duration,
    /// How long any other step may take.
    pub step_timeout: Duration,
    /// From an empty line to a prompt.
    pub prompt_timeout: Duration,
    /// What all timeouts are multiplied by, in thousandths.
    pub timeout_factor_per_mille: u32,
    /// Patterns of what it says when it gives up.
    pub panics: Vec<String>,
    /// Patterns of what it says when a watchdog barks.
    pub watchdogs: Vec<String>,
    /// Where all that comes from.
    pub origin: Origin,
}

/// How to log in. The password is no part of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginTraits {
    /// Pattern of what asks for the user.
    pub prompt: String,
    /// Who logs in.
    pub user: String,
    /// Pattern of what asks for the password; none: nothing asks.
    pub password_prompt: Option<String>,
}

/// How a control line resets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetTraits {
    /// Which.
    pub line: ControlLine,
    /// Whether it is asserted, and not the opposite, that holds it in reset.
    pub asserted: bool,
    /// How long it is held there.
    pub hold: Duration,
}

/// A control line of a serial port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlLine {
    /// Data terminal ready.
    Dtr,
    /// Request to send.
    Rts,
}

/// What a control line is held at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As the system leaves it.
    Untouched,
    /// Asserted.
    High,
    /// Not asserted.
    Low,
}

impl FromValue for ConsoleTraits {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let table = value.table(reader, &CONSOLE)?;
        let (login, reset) = (login(reader, &table), reset(reader, &table));
        let (commands, origin) = (table.read::<&str>(reader, "commands"), origin(reader, &table));
        fill!(reader, table => Self {
            bauds, dtr, rts, banners, banners_per_boot, prompt, setup, wakes_by_line, powered_by_port,
            transmit_chunk_bytes: "transmit_chunk", transmit_delay,
            settle, run_timeout, boot_timeout, step_timeout, prompt_timeout,
            timeout_factor_per_mille: "timeout_factor",
            panics, watchdogs;
            has_shell: commands? == "markers",
            login: login?,
            reset: reset?,
            origin: origin?,
        })
    }
}

/// None if it is unsound, none within if there is none.
fn reset(reader: &mut Reader, table: &Table<'_>) -> Option<Option<ResetTraits>> {
    let line: Option<Option<ControlLine>> = table.read(reader, "reset_line");
    let (level, hold) =
        (table.read::<&str>(reader, "reset_level"), table.read(reader, "reset_hold"));
    let (asserted, hold) = (level? == "high", hold?);
    Some(line?.map(|line| ResetTraits { line, asserted, hold }))
}

/// None if it is unsound, none within if there is none.
fn login(reader: &mut Reader, table: &Table<'_>) -> Option<Option<LoginTraits>> {
    let mut text = |key| table.read::<Option<String>>(reader, key);
    let (prompt, password_prompt) = (text("login_prompt"), text("password_prompt"));
    match (prompt?, text("user")?, password_prompt?) {
        (Some(prompt), Some(user), password_prompt) => {
            Some(Some(LoginTraits { prompt, user, password_prompt }))
        }
        (None, None, None) => Some(None),
        (prompt, ..) => {
            let lacks = if prompt.is_none() { "login_prompt" } else { "user" };
            table.refuse_absence(reader, lacks);
            None
        }
    }
}

by_word!(ControlLine, Level);
