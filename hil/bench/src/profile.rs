//! A device profile's `[console]` as the console core takes it.

use parallax_console::{
    CommandStyle, ConsoleProfile, DeathKind, LineLevel, Login, Pattern, Secret, Timeouts,
};
use parallax_scenario::{ConsoleTraits, Level};
use std::time::Duration;

/// A profile that no console can be driven by.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// A pattern cannot be read.
    #[error("failed to read the pattern {pattern:?} of the profile's [console]: {cause}")]
    Pattern {
        /// Which.
        pattern: String,
        /// Why.
        cause: String,
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

/// The console of `board`, whose type has these traits. `secret` looks up a password by the name of an
/// environment variable: no file holds one.
///
/// # Errors
/// If a pattern cannot be read, or a password is needed and not there.
pub fn console(
    board: &str,
    traits: &ConsoleTraits,
    secret: impl Fn(&str) -> Option<String>,
) -> Result<ConsoleProfile, ProfileError> {
    let mut profile = ConsoleProfile::new(pattern(&traits.prompt)?)
        .with_bauds(traits.bauds.clone())
        .with_lines(level(traits.dtr), level(traits.rts))
        .with_banners_per_boot(traits.banners_per_boot)
        .with_settle(nanos(traits.settle))
        .with_timeouts(timeouts(traits));
    for banner in &traits.banners {
        profile = profile.with_banner(pattern(banner)?);
    }
    for (patterns, kind) in
        [(&traits.panics, DeathKind::Panic), (&traits.watchdogs, DeathKind::Watchdog)]
    {
        for text in patterns {
            profile = profile.with_death(pattern(text)?, kind);
        }
    }
    if !traits.has_shell {
        profile = profile.with_style(CommandStyle::Plain);
    }
    if traits.wakes_by_line {
        profile = profile.waking_by_line();
    }
    if traits.powered_by_port {
        profile = profile.powered_by_port();
    }
    if !traits.transmit_delay.is_zero() {
        let chunk = usize::try_from(traits.transmit_chunk_bytes).unwrap_or(1);
        profile = profile.with_slow_transmit(chunk, nanos(traits.transmit_delay));
    }
    if let Some(login) = &traits.login {
        let password = match &login.password_prompt {
            None => None,
            Some(prompt) => {
                let variable = variable(board);
                let text = secret(&variable).ok_or_else(|| ProfileError::NoPassword {
                    board: board.to_owned(),
                    variable,
                })?;
                Some((pattern(prompt)?, Secret::new(text)))
            }
        };
        let (prompt, user) = (pattern(&login.prompt)?, login.user.clone());
        profile = profile.with_login(Login { prompt, user, password, refused: None });
    }
    Ok(profile)
}

/// Where the password of a board is.
fn variable(board: &str) -> String {
    let name: String = board
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    format!("PARALLAX_PASSWORD_{name}")
}

fn pattern(text: &str) -> Result<Pattern, ProfileError> {
    Pattern::new(text).map_err(|error| ProfileError::Pattern {
        pattern: text.to_owned(),
        cause: error.to_string(),
    })
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
