//! Counts of pattern matches, with the first place of each.

use crate::{ConsoleProfile, DeathKind, Pattern, lines::Line, signs::SIGNS};

/// A pattern, and its matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Use {
    /// Its key in the profile, with its place in an array from 1: `banners[1]`.
    pub key: String,
    /// The pattern.
    pub pattern: String,
    /// Whether the profile has it; the others hold for every board.
    pub own: bool,
    /// Lines, or ends of output in the quiet, that it matched.
    pub matches: u64,
    /// The line of the recording where it matched first.
    pub first_line: Option<usize>,
}

/// Where a pattern is looked for, and what it is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Banner,
    Death(DeathKind),
    /// No death: a warning, a restart in good order, the reason of a reset.
    Other,
    Firmware,
    Refused,
    Login,
    Password,
    Prompt,
}

impl Role {
    fn at_quiet(self) -> bool {
        matches!(self, Self::Login | Self::Password | Self::Prompt)
    }
}

/// All patterns of a profile, counted.
#[derive(Debug)]
pub(super) struct Counts {
    counted: Vec<(Role, Pattern, Use)>,
}

impl Counts {
    pub(super) fn of(profile: &ConsoleProfile) -> Self {
        let mut counts = Self { counted: Vec::new() };
        for (banner, number) in profile.banners.iter().zip(1..) {
            counts.add(Role::Banner, banner, format!("banners[{number}]"), true);
        }
        if let Some(login) = &profile.login {
            counts.add(Role::Login, &login.prompt, "login_prompt".into(), true);
            if let Some((prompt, _)) = &login.password {
                counts.add(Role::Password, prompt, "password_prompt".into(), true);
            }
            if let Some(refused) = &login.refused {
                counts.add(Role::Refused, refused, "login refused".into(), false);
            }
        }
        counts.add(Role::Prompt, &profile.prompt, "prompt".into(), true);
        let own = profile.deaths.get(profile.common_deaths()..).unwrap_or_default();
        for (kind, key) in [(DeathKind::Panic, "panics"), (DeathKind::Watchdog, "watchdogs")] {
            let of_kind = own.iter().filter(|death| death.kind == kind);
            for (death, number) in of_kind.zip(1..) {
                counts.add(Role::Death(kind), &death.pattern, format!("{key}[{number}]"), true);
            }
        }
        counts.add_firmware(profile);
        for death in profile.deaths.iter().take(profile.common_deaths()) {
            let key = match death.kind {
                DeathKind::Panic => "common.panic",
                DeathKind::Watchdog => "common.watchdog",
                DeathKind::Power => "common.power",
            };
            counts.add(Role::Death(death.kind), &death.pattern, key.into(), false);
        }
        for (patterns, key) in [
            (&SIGNS.warnings, "common.warning"),
            (&SIGNS.restarts, "common.restart"),
            (&SIGNS.reasons, "common.reset_reason"),
        ] {
            for pattern in patterns {
                counts.add(Role::Other, pattern, key.into(), false);
            }
        }
        counts
    }

    fn add_firmware(&mut self, profile: &ConsoleProfile) {
        let events = profile.firmware.as_ref().map(|firmware| firmware.events.as_slice());
        let (mut before, mut number) = (None, 0);
        for (event, pattern) in events.unwrap_or_default() {
            number = if before == Some(event) { number + 1 } else { 1 };
            before = Some(event);
            let key = format!("firmware.{}[{number}]", event.key());
            self.add(Role::Firmware, pattern, key, true);
        }
    }

    fn add(&mut self, role: Role, pattern: &Pattern, key: String, own: bool) {
        let text = pattern.as_str().to_owned();
        let used = Use { key, pattern: text, own, matches: 0, first_line: None };
        self.counted.push((role, pattern.clone(), used));
    }

    /// Counts what matches a line of the board, at `at` of the recording; tells which.
    pub(super) fn line(&mut self, line: &Line, at: usize) -> Vec<(Role, String)> {
        self.count(at, |role, pattern| !role.at_quiet() && pattern.is_new_in(line))
    }

    /// Counts what matches what stands at the end when all is quiet; tells which.
    pub(super) fn quiet(&mut self, tail: &[u8], at: usize) -> Vec<(Role, String)> {
        self.count(at, |role, pattern| role.at_quiet() && pattern.is_in(tail))
    }

    /// The death pattern that is in a text, uncounted.
    pub(super) fn death_in(&self, text: &[u8]) -> Option<String> {
        let mut deaths = self.counted.iter().filter(|(role, ..)| matches!(role, Role::Death(_)));
        let line = Line::new(text.to_vec(), 0);
        deaths.find(|(_, pattern, _)| pattern.is_new_in(&line)).map(|(.., used)| used.key.clone())
    }

    fn count(
        &mut self,
        at: usize,
        matches: impl Fn(Role, &Pattern) -> bool,
    ) -> Vec<(Role, String)> {
        let mut found = Vec::new();
        for (role, pattern, used) in &mut self.counted {
            if matches(*role, pattern) {
                used.matches += 1;
                used.first_line.get_or_insert(at);
                found.push((*role, used.key.clone()));
            }
        }
        found
    }

    /// Those of the profile, and the others that matched.
    pub(super) fn into_uses(self) -> Vec<Use> {
        let used = self.counted.into_iter().map(|(.., used)| used);
        used.filter(|used| used.own || used.matches > 0).collect()
    }
}
