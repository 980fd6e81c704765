//! A device profile's `[console]` and `[firmware]` as the console core takes them.

use parallax_console::{
    CommandStyle, ConsoleProfile, Death, DeathKind, Firmware, FirmwareEvent, LineLevel, LinePolicy,
    Login, Pattern, PatternError, Secret, Timeouts,
};
use parallax_scenario::{ConsoleTraits, FirmwareTraits, Level, Profile};
use std::time::Duration;

/// A profile that no console can be driven by.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It says nothing of a console.
    #[error(
        "failed to read the profile {profile}: it has no [console]\n  help: docs/reference/profile.md \
         tells its keys"
    )]
    NoConsole {
        /// The profile.
        profile: String,
    },
    /// A pattern cannot be read.
    #[error(
        "failed to read the profile {profile}: {place}: {}: {}\n  help: {}",
        cause.what(), cause.pattern(), cause.help()
    )]
    Pattern {
        /// The profile.
        profile: String,
        /// Its line, if that is known, and its key, with its place in an array from 1.
        place: String,
        /// What is wrong with it.
        cause: PatternError,
    },
    /// Its login asks for a password.
    #[error(
        "failed to log in to `{board}`: its profile asks for a password, and there is none\n  help: \
         set the environment variable {variable}"
    )]
    NoPassword {
        /// The board.
        board: String,
        /// Where a password is looked for.
        variable: String,
    },
}

/// The console of `board`, which is a device of this profile. `secret` looks up a password by the name
/// of an environment variable: no file holds one.
///
/// # Errors
/// If there is no `[console]`, a pattern cannot be read, or a password is needed and not there.
pub fn console(
    board: &str,
    profile: &Profile,
    secret: impl Fn(&str) -> Option<String>,
) -> Result<ConsoleProfile, ProfileError> {
    let none = || ProfileError::NoConsole { profile: profile.name.clone() };
    let traits = profile.console.as_ref().ok_or_else(none)?;
    let patterns = Patterns { profile };
    let base = ConsoleProfile::new(patterns.one("console.prompt", &traits.prompt)?);
    let style = if traits.has_shell { CommandStyle::Markers } else { CommandStyle::Plain };
    let mut console = ConsoleProfile {
        bauds: traits.bauds.clone(),
        lines: LinePolicy { dtr: level(traits.dtr), rts: level(traits.rts) },
        banners: patterns.all("console.banners", &traits.banners)?,
        banners_per_boot: traits.banners_per_boot,
        style,
        wakes_by_line: traits.wakes_by_line,
        powered_by_port: traits.powered_by_port,
        settle_ns: nanos(traits.settle),
        timeouts: timeouts(traits),
        ..base
    };
    for (key, texts, kind) in [
        ("console.panics", &traits.panics, DeathKind::Panic),
        ("console.watchdogs", &traits.watchdogs, DeathKind::Watchdog),
    ] {
        let patterns = patterns.all(key, texts)?.into_iter();
        console.deaths.extend(patterns.map(|pattern| Death { pattern, kind }));
    }
    if !traits.transmit_delay.is_zero() {
        console.transmit_chunk_bytes = usize::try_from(traits.transmit_chunk_bytes).unwrap_or(1);
        console.transmit_delay_ns = nanos(traits.transmit_delay);
    }
    console.login = login(board, traits, &patterns, secret)?;
    if let Some(traits) = &profile.firmware {
        console.firmware = Some(firmware(traits, &patterns)?);
    }
    Ok(console)
}

fn login(
    board: &str,
    traits: &ConsoleTraits,
    patterns: &Patterns<'_>,
    secret: impl Fn(&str) -> Option<String>,
) -> Result<Option<Login>, ProfileError> {
    let Some(login) = &traits.login else { return Ok(None) };
    let password = match &login.password_prompt {
        None => None,
        Some(prompt) => {
            let variable = variable(board);
            let text = secret(&variable)
                .ok_or_else(|| ProfileError::NoPassword { board: board.to_owned(), variable })?;
            Some((patterns.one("console.password_prompt", prompt)?, Secret::new(text)))
        }
    };
    let prompt = patterns.one("console.login_prompt", &login.prompt)?;
    Ok(Some(Login { prompt, user: login.user.clone(), password, refused: None }))
}

fn firmware(traits: &FirmwareTraits, patterns: &Patterns<'_>) -> Result<Firmware, ProfileError> {
    let mut events = Vec::new();
    for event in FirmwareEvent::ALL {
        let said = match event {
            FirmwareEvent::Started => &traits.started,
            FirmwareEvent::Joined => &traits.joined,
            FirmwareEvent::Connected => &traits.connected,
            FirmwareEvent::FirstFrame => &traits.first_frame,
            FirmwareEvent::Disconnected => &traits.disconnected,
            FirmwareEvent::Failed => &traits.failed,
        };
        let read = patterns.all(&format!("firmware.{}", event.key()), said)?;
        events.extend(read.into_iter().map(|pattern| (event, pattern)));
    }
    let FirmwareTraits { name, start, join, stop, .. } = traits.clone();
    Ok(Firmware { name, start, join, stop, events })
}

/// Reads patterns, and says where one stands that cannot be read.
struct Patterns<'a> {
    profile: &'a Profile,
}

impl Patterns<'_> {
    fn one(&self, key: &str, text: &str) -> Result<Pattern, ProfileError> {
        Pattern::new(text).map_err(|cause| {
            // As it was written, whatever its quotes; one with escapes is not found.
            let line = self.profile.text.lines().position(|line| line.contains(text));
            let line = line.map(|line| format!("line {}: ", line + 1)).unwrap_or_default();
            let (profile, place) = (self.profile.name.clone(), format!("{line}`{key}`"));
            ProfileError::Pattern { profile, place, cause }
        })
    }

    fn all(&self, key: &str, texts: &[String]) -> Result<Vec<Pattern>, ProfileError> {
        let numbered = texts.iter().zip(1..);
        numbered.map(|(text, number)| self.one(&format!("{key}[{number}]"), text)).collect()
    }
}

/// Where the password of a board is.
fn variable(board: &str) -> String {
    let name: String = board
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    format!("PARALLAX_PASSWORD_{name}")
}

fn level(level: Level) -> LineLevel {
    match level {
        Level::Untouched => LineLevel::Untouched,
        Level::High => LineLevel::High,
        Level::Low => LineLevel::Low,
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn timeouts(traits: &ConsoleTraits) -> Timeouts {
    Timeouts {
        run_ns: nanos(traits.run_timeout),
        boot_ns: nanos(traits.boot_timeout),
        step_ns: nanos(traits.step_timeout),
        prompt_ns: nanos(traits.prompt_timeout),
        factor_percent: traits.timeout_factor_per_mille.div_ceil(10),
        ..Timeouts::default()
    }
}
