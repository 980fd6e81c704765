//! How a device behaves on its console, as its profile tells: plain values. Patterns are texts here;
//! whoever drives a board reads them, and says what is one.

use crate::{
    error::Rank,
    origin::{Origin, origin},
    table::{NotAPattern, Reader, Table, Value, optional},
    units,
};
use core::time::Duration;

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
    /// How to log in; none: it asks for nobody.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlLine {
    /// Data terminal ready.
    Dtr,
    /// Request to send.
    Rts,
}

/// What a control line is held at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As the system leaves it.
    Untouched,
    /// Asserted.
    High,
    /// Not asserted.
    Low,
}

/// The longest timeout that is believed.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// Patterns of one kind, or rates, at most.
pub(crate) const ITEMS_MOST: usize = 64;
/// Bytes of a command, at most: with what is typed around it, it fits a terminal's line.
pub(crate) const COMMAND_BYTES_MOST: usize = 1_024;

pub(crate) fn read(reader: &mut Reader, table: &Table<'_>) -> Option<ConsoleTraits> {
    let bauds =
        several(reader, table, "bauds", |reader, value| value.whole(reader, 50..=12_000_000));
    let mut level = |key| {
        let words = [("untouched", Level::Untouched), ("high", Level::High), ("low", Level::Low)];
        table.get(reader, key).and_then(|value| value.one_of(reader, &words))
    };
    let (dtr, rts) = (level("dtr"), level("rts"));
    let mut patterns = |key| several(reader, table, key, |reader, value| pattern(reader, &value));
    let (banners, panics, watchdogs) =
        (patterns("banners"), patterns("panics"), patterns("watchdogs"));
    let prompt = table.get(reader, "prompt").and_then(|value| pattern(reader, &value));
    let shell = [("markers", true), ("plain", false)];
    let has_shell = table.get(reader, "commands").and_then(|value| value.one_of(reader, &shell));
    let login = login(reader, table);
    let setup = several(reader, table, "setup", |reader, value| command(reader, &value));
    let mut boolean = |key| table.get(reader, key).and_then(|value| value.boolean(reader));
    let (wakes_by_line, powered_by_port) = (boolean("wakes_by_line"), boolean("powered_by_port"));
    let mut whole = |key, most| table.get(reader, key)?.whole(reader, 1..=most);
    let banners_per_boot = whole("banners_per_boot", 100);
    let transmit_chunk_bytes = whole("transmit_chunk", 4_096);
    let millisecond = Duration::from_millis(1);
    let mut time = |key, least, most| {
        let value = table.get(reader, key)?;
        value.unit_between(reader, units::duration, (least, most), units::format_duration)
    };
    let transmit_delay = time("transmit_delay", Duration::ZERO, Duration::from_secs(1));
    let settle = time("settle", millisecond, Duration::from_secs(10));
    let (run_timeout, boot_timeout) =
        (time("run_timeout", millisecond, LONGEST), time("boot_timeout", millisecond, LONGEST));
    let (step_timeout, prompt_timeout) =
        (time("step_timeout", millisecond, LONGEST), time("prompt_timeout", millisecond, LONGEST));
    let reset_hold = time("reset_hold", millisecond, Duration::from_secs(10));
    let reset = reset(reader, table, reset_hold);
    let factor = table.get(reader, "timeout_factor");
    let factor = factor.and_then(|value| value.thousandths(reader, 100..=100_000));
    let origin = origin(reader, table);
    Some(ConsoleTraits {
        bauds: bauds?,
        dtr: dtr?,
        rts: rts?,
        banners: banners?,
        banners_per_boot: banners_per_boot?,
        prompt: prompt?,
        has_shell: has_shell?,
        login: login?,
        setup: setup?,
        reset: reset?,
        wakes_by_line: wakes_by_line?,
        powered_by_port: powered_by_port?,
        transmit_chunk_bytes: transmit_chunk_bytes?,
        transmit_delay: transmit_delay?,
        settle: settle?,
        run_timeout: run_timeout?,
        boot_timeout: boot_timeout?,
        step_timeout: step_timeout?,
        prompt_timeout: prompt_timeout?,
        timeout_factor_per_mille: factor?,
        panics: panics?,
        watchdogs: watchdogs?,
        origin: origin?,
    })
}

pub(crate) fn several<'a, T>(
    reader: &mut Reader,
    table: &Table<'a>,
    key: &str,
    mut read: impl FnMut(&mut Reader, Value<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let value = table.get(reader, key)?;
    let place = value.place.clone();
    let items = value.items(reader)?;
    if items.len() > ITEMS_MOST || (items.is_empty() && key == "bauds") {
        let message = format!("{} items", items.len());
        let help = match key {
            "bauds" => format!("write 1 to {ITEMS_MOST} rates"),
            "setup" => {
                format!("write at most {ITEMS_MOST} commands; one can call a script of yours")
            }
            _ => {
                format!("write at most {ITEMS_MOST} patterns; one pattern can hold several: `a|b`")
            }
        };
        reader.refuse(Rank::Value, &place, &message, "out of range", help);
        return None;
    }
    // Each is read, so that each that is wrong is told.
    let read: Vec<Option<T>> = items.into_iter().map(|item| read(reader, item)).collect();
    read.into_iter().collect()
}

/// A text that is not empty, as it stands: spaces at its ends are part of a prompt.
pub(crate) fn pattern(reader: &mut Reader, value: &Value<'_>) -> Option<String> {
    let text = value.text(reader)?;
    if text.is_empty() {
        let help = "write a regular expression for what the device says";
        reader.refuse(Rank::Value, &value.place, "it is empty", "it is always there", help);
        return None;
    }
    if let Some(Err(NotAPattern { wrong, cure })) = reader.patterns.map(|rule| rule(&text)) {
        reader.refuse(Rank::Value, &value.place, &wrong, "no pattern", cure);
        return None;
    }
    Some(text)
}

/// A line that a shell can be given.
fn command(reader: &mut Reader, value: &Value<'_>) -> Option<String> {
    let text = value.text(reader)?;
    if text.trim().is_empty() || text.len() > COMMAND_BYTES_MOST || text.contains(char::is_control)
    {
        let message = "it is no command line";
        let help = format!("write one line of 1 to {COMMAND_BYTES_MOST} bytes, as typed by hand");
        reader.refuse(Rank::Value, &value.place, message, "not a line", help);
        return None;
    }
    Some(text)
}

/// None if it is unsound, none within if there is none.
fn reset(
    reader: &mut Reader,
    table: &Table<'_>,
    hold: Option<Duration>,
) -> Option<Option<ResetTraits>> {
    let lines = [("dtr", ControlLine::Dtr), ("rts", ControlLine::Rts)];
    let line = optional(reader, table, "reset_line", |reader, value| value.one_of(reader, &lines))?;
    let levels = [("high", true), ("low", false)];
    let asserted = table.get(reader, "reset_level")?.one_of(reader, &levels)?;
    let hold = hold?;
    Some(line.map(|line| ResetTraits { line, asserted, hold }))
}

/// None if it is unsound, none within if there is none.
fn login(reader: &mut Reader, table: &Table<'_>) -> Option<Option<LoginTraits>> {
    let mut patterns = |key| optional(reader, table, key, pattern);
    let (prompt, password_prompt) = (patterns("login_prompt")?, patterns("password_prompt")?);
    let user = optional(reader, table, "user", |reader, value| value.words(reader))?;
    match (prompt, user) {
        (Some(prompt), Some(user)) => Some(Some(LoginTraits { prompt, user, password_prompt })),
        (None, None) if password_prompt.is_none() => Some(None),
        (prompt, _) => {
            let lacks = if prompt.is_none() { "login_prompt" } else { "user" };
            table.refuse_absence(reader, lacks);
            None
        }
    }
}
